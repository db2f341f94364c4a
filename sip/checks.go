package sip

import (
	"crypto/rand"
	"encoding/base64"
	"net/netip"
	"time"

	"offhook/media"
	"offhook/sip/dialog"
	"offhook/sip/offer"
)

// newICE makes the credentials of one call: 24 and 132 random bits (RFC 8445 §5.3 wants 24 and 128).
func newICE() *offer.ICE {
	var b [20]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	text := base64.RawStdEncoding.EncodeToString(b[:])
	return &offer.ICE{Ufrag: text[:4], Pwd: text[4:26]}
}

// wayFound hears from the sound itself what the checks came to. Before the call is answered that matters to nobody.
func (l *leg) wayFound(s media.PathState) {
	l.path = &s
	l.tellPath()
}

func (l *leg) tellPath() {
	if s := l.path; s != nil && l.confirmed {
		l.path = nil
		l.p.emit(SoundPath{At: time.Now(), Leg: l.id, OK: s.Found, Checked: s.Found && !s.Unchecked, Lost: s.Lost})
		if s.Lost {
			l.restart()
		}
	}
}

// restart asks the far end for checks with new credentials, after its consent to the way was lost (RFC 7675 §5.1, RFC 8445 §9).
func (l *leg) restart() {
	flow := l.s.Flow()
	if l.ice == nil || l.media == nil || flow == nil {
		return
	}
	ip := l.s.LocalIP()
	if l.p.acc.Listen.Addr().IsUnspecified() { // the machine may have moved since
		ip = flow.LocalFor(l.s.Peer()).Addr()
	}
	l.ice = newICE()
	l.s.Renegotiate(l.local(ip, flow))
}

// checks are the connectivity checks that were agreed on, nil for none: a far end that does not speak of them, or says that the
// addresses were changed on the way (ice-mismatch), is sent to where its description says.
func checks(ours *offer.ICE, a dialog.Media) *media.ICE {
	if ours == nil || a.ICE == nil {
		return nil
	}
	c := &media.ICE{
		LocalUfrag: ours.Ufrag, LocalPwd: ours.Pwd, RemoteUfrag: a.ICE.Ufrag, RemotePwd: a.ICE.Pwd, Lite: a.ICE.Lite, Controlling: a.Controlling,
	}
	for _, candidate := range a.ICE.Candidates {
		list := map[int]*[]netip.AddrPort{1: &c.Candidates, 2: &c.RTCPCandidates}[candidate.Component]
		if list != nil {
			*list = append(*list, candidate.Addr)
		}
	}
	if len(c.Candidates) == 0 {
		return nil
	}
	return c
}
