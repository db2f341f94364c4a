package sip

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"offhook/media"
	"offhook/sip/dialog"
	"offhook/sip/offer"
	"offhook/sip/transaction"
)

// A far end that offers checks and answers none: the agent reads so, and the call goes on when sound comes from where it said.
func TestChecksThatFindNothingAreToldAndTheCallGoesOnWhereSoundComesFrom(t *testing.T) {
	t.Parallel()
	p := open(t, "desk", func(c *Config) { c.Accept = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	s := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {})
	sound, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(loopback))
	if err != nil {
		t.Fatal(err)
	}
	defer sound.Close()
	rtp := sound.LocalAddr().(*net.UDPAddr).AddrPort()
	a := p.LocalAddr()
	s.ua.Invite(dialog.Invite{
		Flow: s.flow, Dst: a, URI: transaction.URI{Scheme: "sip", User: "desk", Host: a.Addr().String(), Port: int(a.Port())},
		From: address(t, "<sip:caller@127.0.0.1>"), Media: dialog.Local{RTP: rtp, RTCP: rtp, Mux: true, ICE: &offer.ICE{Ufrag: "peer", Pwd: "peer0123456789abcdefghij"}},
	}, nil)
	leg := wait[IncomingCall](t, p).Leg
	p.Answer(leg)
	wait[CallAnswered](t, p)
	if e := wait[SoundPath](t, p); e.OK || e.Leg != leg {
		t.Fatalf("%+v", e)
	}
	to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback.Addr(), mediaAddr(p, leg).Port()))
	packet := append([]byte{0x80, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9}, make([]byte, 160)...)
	if _, err := sound.WriteToUDP(packet, to); err != nil {
		t.Fatal(err)
	}
	if e := wait[SoundPath](t, p); !e.OK || e.Checked {
		t.Fatalf("%+v", e)
	}
	sound.SetReadDeadline(time.Now().Add(patience))
	for b := make([]byte, 2048); ; { // checks go on; sound comes at last
		n, _, err := sound.ReadFromUDP(b)
		if err != nil {
			t.Fatal(err)
		}
		if n > 100 && b[0] == 0x80 && b[1]&0x7f == 0 {
			return
		}
	}
}

// RFC 8445 §9, RFC 8839 §4.4.1.1.1: other credentials in an offer want other credentials in the answer; a hold has the same.
func TestAFarEndThatBeginsItsChecksAnewGetsNewCredentials(t *testing.T) {
	p := open(t, "desk", func(c *Config) { c.Accept = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	s := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {})
	a := p.LocalAddr()
	mine := dialog.Local{RTP: nobody, RTCP: nobody, Mux: true, ICE: &offer.ICE{Ufrag: "peer", Pwd: "peer0123456789abcdefghij"}}
	call := s.ua.Invite(dialog.Invite{
		Flow: s.flow, Dst: a, URI: transaction.URI{Scheme: "sip", User: "desk", Host: a.Addr().String(), Port: int(a.Port())},
		From: address(t, "<sip:caller@127.0.0.1>"), Media: mine,
	}, nil)
	id := wait[IncomingCall](t, p).Leg
	p.Answer(id)
	wait[CallAnswered](t, p)
	first := agreedChecks(s)
	call.Hold()
	if held := agreedChecks(s); held.Ufrag != first.Ufrag || held.Pwd != first.Pwd {
		t.Errorf("%+v for a hold, after %+v", held, first)
	}
	for _, ufrag := range []string{"next", "last"} {
		mine.ICE = &offer.ICE{Ufrag: ufrag, Pwd: ufrag + "0123456789abcdefghij"}
		call.Renegotiate(mine)
		anew := agreedChecks(s)
		if anew.Ufrag == first.Ufrag || anew.Pwd == first.Pwd {
			t.Errorf("%+v after %+v: that is no restart", anew, first)
		}
		own := make(chan offer.ICE, 1)
		p.command(id, func(l *leg) { own <- *l.ice })
		if own := <-own; own.Ufrag != anew.Ufrag || own.Pwd != anew.Pwd {
			t.Errorf("the far end was told %+v, and the telephone goes by %+v", anew, own)
		}
		first = anew
	}
}

func TestWhenConsentIsLostTheAgentReadsSoAndNewChecksAreAskedFor(t *testing.T) {
	t.Parallel()
	p := open(t, "desk", func(c *Config) { c.Accept = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	s := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {})
	a := p.LocalAddr()
	s.ua.Invite(dialog.Invite{
		Flow: s.flow, Dst: a, URI: transaction.URI{Scheme: "sip", User: "desk", Host: a.Addr().String(), Port: int(a.Port())},
		From: address(t, "<sip:caller@127.0.0.1>"), Media: dialog.Local{RTP: nobody, RTCP: nobody, Mux: true, ICE: &offer.ICE{Ufrag: "peer", Pwd: "peer0123456789abcdefghij"}},
	}, nil)
	id := wait[IncomingCall](t, p).Leg
	p.Answer(id)
	wait[CallAnswered](t, p)
	first := agreedChecks(s)
	p.command(id, func(l *leg) { l.wayFound(media.PathState{Lost: true}) })
	if e := wait[SoundPath](t, p); e.OK || !e.Lost || e.Leg != id {
		t.Fatalf("%+v", e)
	}
	if next := agreedChecks(s); next.Ufrag == first.Ufrag || next.Pwd == first.Pwd {
		t.Errorf("%+v after %+v: that is no restart (RFC 8445 §9)", next, first)
	}
}

// agreedChecks waits for the next description with connectivity checks that the phone and the server agree on.
func agreedChecks(s *server) *offer.ICE {
	s.t.Helper()
	for limit := time.After(patience); ; {
		select {
		case e := <-s.events:
			if m, ok := e.(dialog.MediaChanged); ok && m.Media.ICE != nil {
				return m.Media.ICE
			}
		case <-limit:
			s.t.Fatal("no description with checks came")
		}
	}
}
