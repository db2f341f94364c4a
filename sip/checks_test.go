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

func TestWhenConsentIsLostTheAgentReadsSoAndNewChecksAreAskedFor(t *testing.T) {
	t.Parallel()
	p := open(t, "desk", func(c *Config) { c.Accept = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	s := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {})
	a := p.LocalAddr()
	s.ua.Invite(dialog.Invite{
		Flow: s.flow, Dst: a, URI: transaction.URI{Scheme: "sip", User: "desk", Host: a.Addr().String(), Port: int(a.Port())},
		From: address(t, "<sip:caller@127.0.0.1>"), Media: dialog.Local{RTP: loopbackPort(40000), RTCP: loopbackPort(40000), Mux: true, ICE: &offer.ICE{Ufrag: "peer", Pwd: "peer0123456789abcdefghij"}},
	}, nil)
	agreed := func() *offer.ICE {
		for limit := time.After(patience); ; {
			select {
			case e := <-s.events:
				if m, ok := e.(dialog.MediaChanged); ok && m.Media.ICE != nil {
					return m.Media.ICE
				}
			case <-limit:
				t.Fatal("no description with checks came")
			}
		}
	}
	id := wait[IncomingCall](t, p).Leg
	p.Answer(id)
	wait[CallAnswered](t, p)
	first := agreed()
	p.command(id, func(l *leg) { l.wayFound(media.PathState{Lost: true}) })
	if e := wait[SoundPath](t, p); e.OK || !e.Lost || e.Leg != id {
		t.Fatalf("%+v", e)
	}
	if next := agreed(); next.Ufrag == first.Ufrag || next.Pwd == first.Pwd {
		t.Errorf("%+v after %+v: that is no restart (RFC 8445 §9)", next, first)
	}
}
