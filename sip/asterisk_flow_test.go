package sip

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"offhook/peers/feature"
)

func TestAsteriskTakesDigitsByINFO(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "DTMF INFO", "DTMF RFC 4733")
	w := &wire{}
	one, two := &bench{hz: 440}, &bench{hz: 1000}
	a := x.extension(t, "6007", "udp", w.tap, func(c *Config) { c.Headset = one.headset(t) })
	b := x.extension(t, "6002", "udp", func(c *Config) { c.Headset = two.headset(t) })
	leg := talk(t, a, b, one, two, "x", "6002")
	a.SendDTMF("x", "4250")
	for _, want := range "4250" {
		if d := wait[DTMFReceived](t, b); d.Digit != want {
			t.Errorf("digit %c, want %c", d.Digit, want)
		}
	}
	b.SendDTMF(leg, "971")
	for _, want := range "971" {
		if d := wait[DTMFReceived](t, a); d.Digit != want {
			t.Errorf("digit %c, want %c", d.Digit, want)
		}
	}
	w.must(t, true, "INFO", `^Signal=4`)
	w.must(t, false, "INFO", `^Signal= ?7`)
	goodbye(t, a, "x", b)
}

func TestAsteriskPutsRTCPOnThePortOfTheSound(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "rtcp-mux")
	w := &wire{}
	b := &bench{hz: 700}
	p := x.extension(t, "6008", "udp", w.tap, func(c *Config) { c.Headset = b.headset(t) })
	p.Dial("x", "600")
	wait[CallAnswered](t, p)
	w.must(t, false, "SIP/2.0 200", `^a=rtcp-mux`)
	becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
	becomes(t, "Asterisk reports how it hears us", func() bool { q, ok := p.Quality("x"); return ok && q.RemoteMOS > 0 })
}

func TestAsteriskOverIPv6(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "IPv6")
	four := x.addr.Addr().As4()
	at := netip.AddrPortFrom(netip.IPv6Loopback(), uint16(5100+int(four[2])*10+int(four[3])%10))
	six := pbx{at}
	w := &wire{}
	one, two := &bench{hz: 440}, &bench{hz: 1000}
	a := six.extension(t, "6009", "udp", w.tap, func(c *Config) {
		c.Headset, c.Listen, c.Trusted = one.headset(t), netip.AddrPortFrom(netip.IPv6Loopback(), 0), nil
	})
	b := x.extension(t, "6002", "udp", func(c *Config) { c.Headset = two.headset(t) })
	talk(t, a, b, one, two, "x", "6002") // from IPv6 to IPv4, through the exchange
	w.must(t, true, "INVITE", `^c=IN IP6 ::1`)
	w.must(t, false, "SIP/2.0 200", `^c=IN IP6 ::1`)
	goodbye(t, a, "x", b)
	leg := talk(t, b, a, two, one, "y", "6009")
	goodbye(t, a, leg, b)
}

func TestAsteriskAsksThatACallBeAnsweredByItself(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "auto-answer")
	caller, agent := &bench{hz: 440}, &bench{hz: 1000}
	p := x.extension(t, "6001", "udp", func(c *Config) { c.Headset, c.AutoAnswer = agent.headset(t), true })
	s := x.customer(t, caller.headset(t))
	for number, header := range map[string]string{"610": "Call-Info", "611": "Alert-Info"} {
		leg := LegID(number)
		s.Dial(leg, x.number(number))
		in := wait[IncomingCall](t, p)
		if in.Auto == nil || in.Auto.From != header || in.Auto.After != 0 {
			t.Errorf("%s: %+v", number, in.Auto)
		}
		p.Answer(in.Leg)
		wait[CallAnswered](t, s)
		hearEachOther(t, caller, agent)
		goodbye(t, s, leg, p)
	}
	s.Dial("plain", x.number("6001"))
	if in := wait[IncomingCall](t, p); in.Auto != nil {
		t.Errorf("%+v", in.Auto)
	}
}

func TestAsteriskChangesTheCodecInMidCall(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "codec change in mid-call")
	w := &wire{}
	b := &bench{hz: 700}
	p := x.extension(t, "6001", "udp", w.tap, func(c *Config) { c.Headset = b.headset(t) })
	p.Dial("x", "612")
	if e := wait[CallAnswered](t, p); e.Codec == "PCMA" {
		t.Fatalf("%+v", e)
	}
	becomes(t, "A-law is offered", func() bool { return w.saw(false, "INVITE", `^m=audio \d+ \S+ 8( |\r)`) })
	b.forget()
	becomes(t, "our own tone comes back in A-law", func() bool {
		q, ok := p.Quality("x")
		return ok && q.Codec == "PCMA" && b.power(700) > 0.9
	})
	p.Hangup("x")
	wait[CallEnded](t, p)
}

func TestAsteriskTellsWhoIsThereNow(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "UPDATE")
	w := &wire{}
	one, two, three := &bench{hz: 440}, &bench{hz: 1000}, &bench{hz: 700}
	agent := x.extension(t, "6001", "udp", func(c *Config) { c.Headset = one.headset(t) })
	boss := x.extension(t, "6002", "udp", w.tap, func(c *Config) { c.Headset = two.headset(t) })
	colleague := x.extension(t, "6003", "udp", func(c *Config) { c.Headset = three.headset(t) })
	leg := talk(t, boss, agent, two, one, "x", "6001")
	agent.Hold(leg)
	wait[CallHeld](t, agent)
	agent.Dial("consult", "6003")
	in := wait[IncomingCall](t, colleague)
	colleague.Answer(in.Leg)
	wait[CallAnswered](t, agent)
	agent.TransferTo(leg, "consult")
	for {
		if e := wait[PartyChanged](t, boss); e.Remote.Number.String() == "6003" && e.Remote.Name.String() == "Carol Clark" {
			break
		}
	}
	w.must(t, false, "UPDATE", `^P-Asserted-Identity:.*6003@`)
	hearEachOther(t, two, three)
}

func TestAsteriskLetsASupervisorWhisperAndJoin(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "listened to by a supervisor (ChanSpy)")
	for prefix, joins := range map[string]bool{"81": false, "82": true} {
		t.Run(prefix, func(t *testing.T) {
			caller, agent, boss := &bench{hz: 440}, &bench{hz: 1000}, &bench{hz: 700}
			p := x.extension(t, "6001", "udp", func(c *Config) { c.Headset = agent.headset(t) })
			supervisor := x.extension(t, "6002", "udp", func(c *Config) { c.Headset = boss.headset(t) })
			s := x.customer(t, caller.headset(t))
			s.Dial("c", x.number("6001"))
			in := wait[IncomingCall](t, p)
			p.Answer(in.Leg)
			wait[CallAnswered](t, p)
			supervisor.Dial("spy", prefix+"6001")
			wait[CallAnswered](t, supervisor)
			becomes(t, "the agent hears both", func() bool { return agent.power(440) > 0.2 && agent.power(700) > 0.2 })
			becomes(t, "the supervisor hears the customer", func() bool { return boss.power(440) > 0.2 })
			becomes(t, fmt.Sprintf("the customer hears the supervisor: %v", joins), func() bool {
				return caller.power(1000) > 0.2 && (caller.power(700) > 0.2) == joins
			})
		})
	}
}

func TestAsteriskOverABrokenConnectionAndALargeCall(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "keepalive and dead flow", "large INVITE by TCP", "wrong password is told")
	c := newCable(t, x.addr)
	w := &wire{}
	b := &bench{hz: 700}
	p := x.extension(t, "6001", "tcp", w.tap, func(cfg *Config) {
		cfg.Headset, cfg.Registrar, cfg.Trusted = b.headset(t), c.l.Addr().String(), nil
	})
	p.Dial("x", "600")
	wait[CallAnswered](t, p)
	becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
	before := time.Now()
	c.cut()
	until(t, p, Registered)
	t.Logf("registered again after %v", time.Since(before).Round(time.Millisecond))
	becomes(t, "the call is refreshed over the new flow", func() bool {
		return w.saw(true, "INVITE", `^To:.*;tag=`) || w.saw(true, "UPDATE", `^To:.*;tag=`)
	})
	b.forget()
	becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
	p.Hangup("x")
	wait[CallEnded](t, p)

	w = &wire{}
	large := x.extension(t, "6002", "udp", w.tap, func(c *Config) {
		c.Headset, c.DisplayName = b.headset(t), strings.Repeat("The Department of Long Names ", 40)
	})
	large.Dial("y", "600")
	wait[CallAnswered](t, large)
	b.forget()
	becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
	large.Hangup("y")
	wait[CallEnded](t, large)
	w.mu.Lock()
	for _, m := range w.msgs {
		if m.Out && strings.HasPrefix(string(m.Data), "INVITE") && (m.Transport != "TCP" || len(m.Data) <= 1300) {
			t.Errorf("%d bytes by %s", len(m.Data), m.Transport)
		}
	}
	w.mu.Unlock()

	wrong := open(t, "6001", func(c *Config) {
		c.Account, c.Registrar = "sip:6001@"+x.addr.String(), x.addr.String()
		c.Password = func(context.Context) (string, error) { return "wrong", nil }
	})
	if e := until(t, wrong, RegFailed); e.Code != 401 || !strings.Contains(e.Reason.String(), "password") {
		t.Errorf("%+v", e)
	}
}

func TestAsteriskIsRefreshed(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "session timer, ours")
	if os.Getenv("OFFHOOK_PATIENT") == "" {
		t.Skip("the refresh comes after 45 seconds (OFFHOOK_PATIENT=1)")
	}
	t.Parallel()
	w := &wire{}
	b := &bench{hz: 700}
	p := x.extension(t, "6008", "udp", w.tap, func(c *Config) { c.Headset, c.SessionTimer = b.headset(t), 90*time.Second })
	p.Dial("x", "600")
	wait[CallAnswered](t, p)
	refreshed(t, w)
	b.forget()
	becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
}
