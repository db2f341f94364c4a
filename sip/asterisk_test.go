package sip

import (
	"context"
	"net/netip"
	"os"
	"testing"
	"time"

	"offhook/media"
	"offhook/peers/feature"
)

// pbx is a real Asterisk with the dial plan of the peers: OFFHOOK_ASTERISK=host:port.
type pbx struct{ addr netip.AddrPort }

func asterisk(t *testing.T) pbx {
	t.Helper()
	addr, err := netip.ParseAddrPort(os.Getenv("OFFHOOK_ASTERISK"))
	if err != nil {
		t.Skip("peer asterisk is not installed (OFFHOOK_ASTERISK=host:port)")
	}
	return pbx{addr}
}

// extension is a phone that is registered there.
func (x pbx) extension(t *testing.T, number, transport string, change ...func(*Config)) *Phone {
	t.Helper()
	p := open(t, number, append([]func(*Config){func(c *Config) {
		c.Account, c.Registrar, c.Transport = "sip:"+number+"@"+x.addr.String(), x.addr.String(), transport
		c.Password = func(context.Context) (string, error) { return "secret" + number, nil }
		c.Listen = loopback
		c.Trusted = []netip.Prefix{netip.PrefixFrom(x.addr.Addr(), 32)}
	}}, change...)...)
	until(t, p, Registered)
	t.Cleanup(func() { // our binding must not ring in the next test
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		p.Close(ctx)
	})
	return p
}

// customer is a caller that Asterisk knows by its address.
func (x pbx) customer(t *testing.T, h *media.Headset) *Phone {
	t.Helper()
	return open(t, "script", func(c *Config) {
		c.Account, c.OutboundProxy, c.Listen, c.Headset = "sip:script@"+x.addr.String(), x.addr.String(), netip.MustParseAddrPort("127.0.0.9:0"), h
	})
}

func (x pbx) number(n string) string { return "sip:" + n + "@" + x.addr.String() }

// loud: something is heard.
func (b *bench) loud() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	var total float64
	for _, v := range b.heard {
		total += float64(v) * float64(v)
	}
	return len(b.heard) > 0 && total/float64(len(b.heard)) > 1e4
}

func TestAsteriskRegistersEchoesAndRefuses(t *testing.T) {
	feature.Proves(t, "Asterisk", "register UDP", "register TCP", "outbound call", "busy, not found, unavailable")
	x := asterisk(t)
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			b := &bench{hz: 700}
			p := x.extension(t, "6001", transport, func(c *Config) { c.Headset = b.headset(t) })
			p.Dial("echo", "600")
			wait[CallAnswered](t, p)
			becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
			p.Hold("echo")
			if h := wait[CallHeld](t, p); !h.ByUs || h.ByThem {
				t.Fatalf("%+v", h)
			}
			p.Resume("echo")
			if h := wait[CallHeld](t, p); h.ByUs || h.ByThem {
				t.Fatalf("%+v", h)
			}
			becomes(t, "our own tone again", func() bool { return b.power(700) > 0.9 })
			p.Hangup("echo")
			if e := wait[CallEnded](t, p); e.Cause != EndNormal || !e.ByUs {
				t.Fatalf("%+v", e)
			}
			p.Dial("music", "601")
			wait[CallAnswered](t, p)
			becomes(t, "music", b.loud)
			p.Hangup("music")
			wait[CallEnded](t, p)

			for _, tc := range []struct {
				number string
				cause  EndCause
				code   int
			}{{"605", EndBusy, 486}, {"607", EndUnknownNumber, 404}, {"608", EndNetwork, 500}, {"5551", EndUnknownNumber, 404}} {
				leg := LegID(tc.number)
				p.Dial(leg, tc.number)
				if e := wait[CallEnded](t, p); e.Leg != leg || e.Cause != tc.cause || e.Code != tc.code || e.ByUs {
					t.Errorf("%s: %+v", tc.number, e)
				}
			}
			p.Dial("ring", "609")
			for pr := wait[CallProgress](t, p); pr.Code != 180; pr = wait[CallProgress](t, p) {
			}
			p.Hangup("ring")
			if e := wait[CallEnded](t, p); e.Cause != EndCancelled || !e.ByUs {
				t.Errorf("%+v", e)
			}
			p.Dial("early", "603")
			for pr := wait[CallProgress](t, p); !pr.EarlyMedia; pr = wait[CallProgress](t, p) {
			}
			becomes(t, "early media", b.loud)
			p.Hangup("early")
			wait[CallEnded](t, p)
		})
	}
}

func TestAsteriskDeliversACallThatIsHeldAndTransferred(t *testing.T) {
	feature.Proves(t, "Asterisk", "inbound call", "hold with music", "we hold and resume", "blind transfer", "failed transfer comes back", "CANCEL")
	x := asterisk(t)
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			caller, agent := &bench{hz: 440}, &bench{hz: 1000}
			p := x.extension(t, "6001", transport, func(c *Config) { c.Headset = agent.headset(t) })
			s := x.customer(t, caller.headset(t))
			call := func(leg LegID) LegID {
				t.Helper()
				s.Dial(leg, x.number("6001"))
				in := wait[IncomingCall](t, p)
				p.Answer(in.Leg)
				wait[CallAnswered](t, p)
				wait[CallAnswered](t, s)
				becomes(t, "both hear each other", func() bool { return caller.power(1000) > 0.9 && agent.power(440) > 0.9 })
				return in.Leg
			}
			leg := call("held")
			p.Hold(leg)
			wait[CallHeld](t, p)
			becomes(t, "music on hold", func() bool { return caller.loud() && caller.power(1000) < 0.1 })
			p.Resume(leg)
			wait[CallHeld](t, p)
			becomes(t, "both hear each other again", func() bool { return caller.power(1000) > 0.9 && agent.power(440) > 0.9 })

			p.Transfer(leg, "602")
			if e := wait[TransferEnded](t, p); !e.OK {
				t.Fatalf("%+v", e)
			}
			if e := wait[CallEnded](t, p); e.Cause != EndTransferred {
				t.Fatalf("%+v", e)
			}
			becomes(t, "the prompt", func() bool { return caller.loud() && caller.power(1000) < 0.1 })
			s.Hangup("held")
			wait[CallEnded](t, s)

			leg = call("bad")
			p.Transfer(leg, "5551") // no such number
			e := wait[TransferEnded](t, p)
			if e.OK {
				t.Fatalf("%+v", e)
			}
			p.Resume(leg)
			for h := wait[CallHeld](t, p); h.ByUs; h = wait[CallHeld](t, p) {
			}
			becomes(t, "the call is back", func() bool { return caller.power(1000) > 0.9 && agent.power(440) > 0.9 })
			s.Hangup("bad")
			if e := wait[CallEnded](t, p); e.Cause != EndNormal || e.ByUs {
				t.Fatalf("%+v", e)
			}
			wait[CallEnded](t, s)

			s.Dial("gone", x.number("6001"))
			wait[IncomingCall](t, p)
			for pr := wait[CallProgress](t, s); pr.Code != 180; pr = wait[CallProgress](t, s) {
			}
			s.Hangup("gone")
			if e := wait[CallEnded](t, p); e.Cause != EndCancelled || e.ByUs {
				t.Fatalf("%+v", e)
			}
		})
	}
}

func TestAsteriskBetweenTwoOfOurs(t *testing.T) {
	feature.Proves(t, "Asterisk", "DTMF RFC 4733", "held by the far end")
	x := asterisk(t)
	one, two := &bench{hz: 440}, &bench{hz: 1000}
	a := x.extension(t, "6001", "udp", func(c *Config) { c.Headset = one.headset(t) })
	b := x.extension(t, "6002", "tcp", func(c *Config) { c.Headset = two.headset(t) })
	a.Dial("x", "6002")
	in := wait[IncomingCall](t, b)
	if in.Remote.Number.String() != "6001" || in.Remote.Name.String() != "Alice Adams" || in.Remote.Source != FromAsserted {
		t.Errorf("%+v", in.Remote)
	}
	b.Answer(in.Leg)
	wait[CallAnswered](t, b)
	wait[CallAnswered](t, a)
	both := func() bool { return one.power(1000) > 0.9 && two.power(440) > 0.9 }
	becomes(t, "both hear each other", both)
	b.Hold(in.Leg)
	wait[CallHeld](t, b)
	b.Resume(in.Leg)
	wait[CallHeld](t, b)
	becomes(t, "both hear each other again", both)
	a.SendDTMF("x", "4250")
	for _, want := range "4250" {
		if d := wait[DTMFReceived](t, b); d.Digit != want {
			t.Errorf("digit %c, want %c", d.Digit, want)
		}
	}
	a.Hangup("x")
	if e := wait[CallEnded](t, b); e.Cause != EndNormal || e.ByUs {
		t.Errorf("%+v", e)
	}
}

func TestAsteriskRefreshesItsSessionTimer(t *testing.T) {
	feature.Proves(t, "Asterisk", "session timer, theirs")
	x := asterisk(t)
	if os.Getenv("OFFHOOK_PATIENT") == "" {
		t.Skip("the refresh comes after 45 seconds (OFFHOOK_PATIENT=1)")
	}
	t.Parallel()
	caller, agent, w := &bench{hz: 440}, &bench{hz: 1000}, &wire{}
	p := x.extension(t, "6003", "udp", w.tap, func(c *Config) { c.Headset = agent.headset(t) })
	s := x.customer(t, caller.headset(t))
	s.Dial("x", x.number("6003"))
	in := wait[IncomingCall](t, p)
	p.Answer(in.Leg)
	wait[CallAnswered](t, p)
	w.must(t, false, "INVITE", `^Session-Expires: 90`)
	limit, tick := time.After(50*time.Second+patience), time.NewTicker(100*time.Millisecond)
	defer tick.Stop()
	kept := func() bool { // every 45 s, at the shortest interval that may be; whoever of both has to
		return w.saw(false, "UPDATE", `^Session-Expires: 90`) && w.saw(true, "SIP/2.0 200", `^CSeq: \d+ UPDATE`) ||
			w.saw(false, "INVITE", `^To:.*;tag=(.|\s)*^Session-Expires: 90`) && w.saw(true, "SIP/2.0 200", `^CSeq: \d+ INVITE`) ||
			w.saw(true, "UPDATE", `^Session-Expires: 90`) && w.saw(false, "SIP/2.0 200", `^CSeq: \d+ UPDATE`)
	}
	for !kept() {
		select {
		case e := <-p.Events():
			if e, ended := e.(CallEnded); ended {
				t.Fatalf("%+v", e)
			}
		case <-tick.C:
		case <-limit:
			t.Fatal("nobody refreshes the session")
		}
	}
	hearEachOther(t, caller, agent)
}
