package sip

import (
	"net/netip"
	"strings"
	"testing"

	"offhook/peers/feature"
	"offhook/sip/offer"
	"offhook/sip/toll"
)

func TestAsteriskFindsAPhoneByThePathOfAnEdge(t *testing.T) {
	x := asterisk(t)
	edge := proxyAt(t, 5081).String()
	feature.Proves(t, "Asterisk", "Path")
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			one, two := &bench{hz: 440}, &bench{hz: 1000}
			w := &wire{}
			a := x.extension(t, "6010", transport, w.tap, func(c *Config) { c.Headset, c.OutboundProxy, c.Instance = one.headset(t), edge, deskInstance })
			b := x.extension(t, "6002", "udp", func(c *Config) { c.Headset = two.headset(t) })
			w.must(t, false, "SIP/2.0 200", `^Path:.*5081`)
			talk(t, b, a, two, one, "in", "6010")
			w.must(t, false, "INVITE", `^Via:.*:5081`)
			goodbye(t, b, "in", a)
			talk(t, a, b, one, two, "out", "6002")
			goodbye(t, a, "out", b)
		})
	}
}

func TestAsteriskSendsACallElsewhereAndIsSent(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "redirect 302")
	one, two := &bench{hz: 440}, &bench{hz: 1000}
	a := x.extension(t, "6001", "udp", func(c *Config) {
		c.Headset, c.Toll = one.headset(t), &toll.Policy{Redirect: toll.Rules{Enabled: true, Allow: []string{"*"}}}
	})
	a.Dial("x", "613")
	for e := wait[CallProgress](t, a); e.Code != 181; e = wait[CallProgress](t, a) {
	}
	wait[CallAnswered](t, a)
	becomes(t, "our own tone comes back", func() bool { return one.power(440) > 0.9 })
	a.Hangup("x")
	wait[CallEnded](t, a)

	b := x.extension(t, "6002", "udp", func(c *Config) { c.Headset = two.headset(t) })
	customer := &bench{hz: 700}
	s := x.customer(t, customer.headset(t))
	s.Dial("y", x.number("6001"))
	in := wait[IncomingCall](t, a)
	a.Redirect(in.Leg, "6002")
	if e := wait[CallEnded](t, a); e.Code != 302 {
		t.Errorf("%+v", e)
	}
	there := wait[IncomingCall](t, b)
	b.Answer(there.Leg)
	wait[CallAnswered](t, s)
	hearEachOther(t, customer, two)
	goodbye(t, s, "y", b)
}

func TestAsteriskSaysThatSomebodyElseAnswered(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "forking, answered elsewhere")
	a, b := x.extension(t, "6001", "udp"), x.extension(t, "6002", "tcp")
	s := x.customer(t, (&bench{hz: 440}).headset(t))
	s.Dial("q", x.number("700"))
	in, other := wait[IncomingCall](t, a), wait[IncomingCall](t, b)
	a.Answer(in.Leg)
	wait[CallAnswered](t, a)
	if e := wait[CallEnded](t, b); e.Leg != other.Leg || e.Cause != EndAnsweredElsewhere {
		t.Errorf("%+v", e)
	}
	goodbye(t, a, in.Leg, s)
}

func TestAsteriskChecksTheWayOfTheSound(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "ICE")
	w := &wire{}
	b := &bench{hz: 700}
	p := x.extension(t, "6011", "udp", w.tap, func(c *Config) { c.Headset, c.Sound = b.headset(t), SoundConfig{Protect: offer.Plain, ICE: true} })
	p.Dial("x", "600")
	wait[CallAnswered](t, p)
	w.must(t, false, "SIP/2.0 200", `^a=candidate:`)
	becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
}

func TestPhonesTalkOverIPv6ThroughAKamailio(t *testing.T) {
	feature.Proves(t, "Kamailio", "IPv6")
	four := proxyAt(t, 5060).Addr().As4()
	at := netip.AddrPortFrom(netip.IPv6Loopback(), uint16(5300+int(four[2])*10+int(four[3])%10)).String()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			six := func(number string, h *bench) *Phone {
				return proxied(t, number, transport, func(c *Config) {
					c.Account, c.Registrar, c.Headset = "sip:"+number+"@"+at, at, h.headset(t)
					c.Listen, c.Trusted = netip.AddrPortFrom(netip.IPv6Loopback(), 0), nil
				})
			}
			one, two := &bench{hz: 440}, &bench{hz: 1000}
			a, b := six("7001", one), six("7002", two)
			leg := talk(t, a, b, one, two, "x", "7002")
			goodbye(t, b, leg, a)
		})
	}
}

func TestAsteriskAnswersAndHoldsInTheAgentsPlace(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "remote control (talk, hold)")
	caller, agent := &bench{hz: 440}, &bench{hz: 1000}
	p := x.extension(t, "6001", "udp", func(c *Config) { c.Headset, c.RemoteControl = agent.headset(t), true })
	s := x.customer(t, caller.headset(t))
	s.Dial("c", x.number("6001"))
	in := wait[IncomingCall](t, p)
	channel := ""
	for _, l := range x.manage(t, "Command", "Command: core show channels concise")["Output"] {
		if strings.HasPrefix(l, "PJSIP/6001-") {
			channel, _, _ = strings.Cut(l, "!")
		}
	}
	notify := func(event, want string) {
		t.Helper()
		x.manage(t, "PJSIPNotify", "Channel: "+channel, "Variable: Event="+event, "Variable: Subscription-State=active")
		if e := wait[Asked](t, p); e.Leg != in.Leg || e.Do != want {
			t.Errorf("%+v", e)
		}
	}
	notify("talk", "answer")
	p.Answer(in.Leg)
	wait[CallAnswered](t, p)
	notify("hold", "hold")
	p.Hold(in.Leg)
	wait[CallHeld](t, p)
	notify("talk", "resume")
	p.Resume(in.Leg)
	wait[CallHeld](t, p)
	hearEachOther(t, caller, agent)
}
