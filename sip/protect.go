package sip

import (
	"net/netip"
	"time"

	"offhook/internal/text"
	"offhook/media"
	"offhook/sip/dialog"
	"offhook/sip/offer"
	"offhook/sip/transaction"
)

// SoundConfig is how the sound of calls travels and how it is protected.
type SoundConfig struct {
	// Protect says whether calls in the clear are taken; DTLS and SDES which ways of encryption are. Neither: both.
	Protect    offer.Policy
	DTLS, SDES bool
	Prefer     offer.Protection // which of both is offered where only one can be
	Feedback   bool             // offer the profile that browsers demand (SAVPF)
	// ClearKeys allows SDES keys in descriptions that travel in the clear, where everybody on the way can read them.
	ClearKeys bool
	// Learn takes sound from where it really comes from, at the start of a call and after each re-INVITE: for exchanges whose
	// sound comes from another address than their descriptions name.
	Learn bool
	ICE   bool // connectivity checks are offered (RFC 8445); an offer of them is answered anyway
	NoMux bool // RTCP always has its own port
	DSCP  int  // as media.Config.DSCP
	// InBand sends digits as tones when the far end takes no events (RFC 4733), and finds them in what is heard; else INFO is used.
	InBand bool
}

// identity of handshakes: one for each run of the program.
func (c SoundConfig) certificate() (*media.Certificate, error) {
	if c.Protect == offer.Plain || c.SDES && !c.DTLS {
		return nil, nil
	}
	return media.NewCertificate()
}

// describe is our side of the media for offer and answer, over a flow; its ports are still to be filled in.
func (p *Phone) describe(flow *transaction.Flow) dialog.Local {
	c := p.acc.Sound
	local := dialog.Local{Mux: !c.NoMux, XR: true, CN: true}
	if c.Protect == offer.Plain {
		return local
	}
	local.Security = offer.Security{Policy: c.Protect, Prefer: c.Prefer, Feedback: c.Feedback}
	both := !c.DTLS && !c.SDES
	if c.SDES || both {
		if c.ClearKeys || flow != nil && flow.Transport() == "TLS" {
			local.Security.Suites = media.Suites()
		}
	}
	if p.cert != nil {
		local.Security.Fingerprint = p.cert.Fingerprint()
	}
	return local
}

// secure is what was agreed about protection, in the words of the sound. begun is the association that it has been told of.
func secure(a dialog.Media, begun int) media.Secure {
	switch {
	case a.DTLS != nil:
		restart := a.DTLS.Restart && a.DTLS.Association != begun
		return media.Secure{Kind: media.DTLSSRTP, DTLS: &media.DTLS{Fingerprints: a.DTLS.Fingerprints, Client: a.DTLS.Client, Restart: restart}}
	case a.SendKey != nil && a.RecvKey != nil:
		return media.Secure{Kind: media.SDES, Send: srtpKey(a.SendKey), Recv: srtpKey(a.RecvKey)}
	}
	return media.Secure{}
}

func srtpKey(k *offer.Key) *media.SRTPKey {
	return &media.SRTPKey{Suite: k.Suite, KeySalt: k.KeySalt, MKI: k.MKI, Lifetime: k.Lifetime}
}

// protection is what the agent is told about a leg.
type protection struct {
	sound  string
	broken text.Text
}

// secured hears from the sound itself that keys stand, or that there can be none.
func (l *leg) secured(s media.SecureState) {
	l.guard = protection{}
	if s.OK {
		l.guard.sound = string(s.Kind) + " " + s.Suite
	} else {
		l.guard.broken = text.Clean(s.Detail)
	}
	l.tellSecured()
}

// tellSecured says how well the call is protected, when that has changed.
func (l *leg) tellSecured() {
	if l.agreed.SendKey == nil && l.agreed.DTLS == nil {
		l.guard = protection{}
	} else if l.guard == (protection{}) {
		return // the keys do not stand yet
	}
	e := CallSecured{Leg: l.id, Sound: l.guard.sound, Broken: l.guard.broken, Signaling: signaling(l.s.Flow())}
	if e == l.toldSecure || !l.answered {
		return
	}
	l.toldSecure = e
	e.At = time.Now()
	l.p.emit(e)
}

// signaling is the protection of a flow, "TLS 1.3", or nothing.
func signaling(f *transaction.Flow) string {
	if f == nil || f.Transport() != "TLS" {
		return ""
	}
	if state, ok := f.TLS(); ok {
		return state.Version
	}
	return "TLS"
}

// openMedia binds the ports of a call's sound, and describes them.
func (l *leg) openMedia(ip netip.Addr, flow *transaction.Flow) (dialog.Local, error) {
	p := l.p
	if l.media == nil {
		at := ip
		if p.acc.Listen.Addr().IsUnspecified() { // the sound outlives a change of address, as the signalling does
			if at = netip.IPv4Unspecified(); ip.Is6() && !ip.Is4In6() {
				at = netip.IPv6Unspecified()
			}
		}
		m, err := media.Listen(media.Config{
			LocalIP: at, PortMin: p.acc.RTPMin, PortMax: p.acc.RTPMax, Logger: p.log, Latch: p.acc.Sound.Learn, DSCP: p.acc.Sound.DSCP, Certificate: p.cert, VAD: p.acc.Headset != nil,
			OnDTMF: func(r rune) {
				p.command(l.id, func(l *leg) { p.emit(DTMFReceived{At: time.Now(), Leg: l.id, Digit: r}) })
			},
			OnSecure: func(s media.SecureState) { p.command(l.id, func(l *leg) { l.secured(s) }) },
			OnPath:   func(s media.PathState) { p.command(l.id, func(l *leg) { l.wayFound(s) }) },
		})
		if err != nil {
			return dialog.Local{}, err
		}
		m.SetMute(l.muted)
		l.media = m
		s := p.sound
		s.mu.Lock()
		s.calls[l.id] = m
		s.mu.Unlock()
	}
	return l.local(ip, flow), nil
}

// local describes the sound of a call as it is reached under an address of ours.
func (l *leg) local(ip netip.Addr, flow *transaction.Flow) dialog.Local {
	local := l.p.describe(flow)
	if l.insist {
		local.Security.Policy = offer.Required
	}
	if !l.outgoing || l.p.acc.Sound.ICE { // whoever offers checks is answered; we offer them only where they are wanted
		if l.ice == nil {
			l.ice = newICE()
		}
		local.ICE = l.ice
	}
	local.RTP = netip.AddrPortFrom(ip, l.media.LocalRTP().Port())
	local.RTCP = netip.AddrPortFrom(ip, l.media.LocalRTCP().Port())
	return local
}

// configure tells the sound of a call what was agreed. Before an outbound call is answered nothing of the agent is sent.
func (l *leg) configure() {
	a := l.agreed
	codec, err := mediaCodec(a.Codec)
	if l.media == nil || err != nil {
		return
	}
	if !a.Remote.IsValid() {
		a.Send = false
	}
	inBand := l.p.acc.Sound.InBand && a.DTMFSendPT == 0
	mode := media.DTMFEvents
	if inBand {
		mode = media.DTMFInBand
	}
	err = l.media.Configure(media.Params{
		Remote: a.Remote, RemoteRTCP: a.RemoteRTCP, Codec: codec, SendPT: a.SendPT, RecvPT: a.RecvPT, Fmtp: a.Fmtp,
		DTMFSendPT: a.DTMFSendPT, DTMFRecvPT: a.DTMFRecvPT, DTMFClock: a.DTMFClock, DTMF: mode, DTMFListen: inBand, PTime: a.PTime,
		Send: a.Send && l.answered, Receive: a.Receive, Latch: a.Symmetric, Mux: a.Mux, XR: a.XR, Secure: secure(a, l.association),
		ICE: checks(a.OwnICE, a),
	})
	if a.DTLS != nil {
		l.association = a.DTLS.Association
	}
	if err != nil {
		l.p.log.Warn("sound", "leg", l.id, "err", err)
		l.guard = protection{broken: text.Clean("the keys that were agreed cannot be used")}
	}
	l.tellSecured()
}
