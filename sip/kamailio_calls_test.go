package sip

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"offhook/peers/feature"
)

// three are a customer, an agent and a colleague behind the proxy.
type three struct {
	customer, agent, colleague *Phone
	one, two, three            *bench
	w                          *wire // of the customer
}

func behindTheProxy(t *testing.T, transport string) three {
	t.Helper()
	x := three{one: &bench{hz: 440}, two: &bench{hz: 1000}, three: &bench{hz: 700}, w: &wire{}}
	x.customer = proxied(t, "7001", transport, x.w.tap, func(c *Config) { c.Headset = x.one.headset(t) })
	x.agent = proxied(t, "7002", transport, func(c *Config) { c.Headset = x.two.headset(t) })
	x.colleague = proxied(t, "7003", transport, func(c *Config) { c.Headset, c.Instance = x.three.headset(t), deskInstance })
	return x
}

// moved waits until the customer, who is sent to another call by the far end, has only that one.
func moved(t *testing.T, p *Phone, old LegID, up LegID) {
	t.Helper()
	for over, answered := false, false; !over || !answered; {
		select {
		case e := <-p.Events():
			switch e := e.(type) {
			case CallEnded:
				if over = e.Leg == old; !over {
					t.Fatalf("%+v", e)
				}
			case CallAnswered:
				answered = answered || e.Leg == up
			}
		case <-time.After(patience):
			t.Fatalf("the first call ended: %v; the new one is up: %v", over, answered)
		}
	}
}

func TestPhonesBehindAKamailioSendEachOtherElsewhere(t *testing.T) {
	feature.Proves(t, "Kamailio", "blind transfer", "transferred by the far end", "failed transfer comes back", "redirect 302", "held by the far end", "DTMF RFC 4733")
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			x := behindTheProxy(t, transport)
			leg := talk(t, x.customer, x.agent, x.one, x.two, "x", "7002")
			x.agent.Hold(leg)
			if h := wait[CallHeld](t, x.customer); !h.ByThem {
				t.Errorf("%+v", h)
			}
			wait[CallHeld](t, x.agent)
			x.agent.Resume(leg)
			wait[CallHeld](t, x.customer)
			wait[CallHeld](t, x.agent)
			hearEachOther(t, x.one, x.two)
			x.customer.SendDTMF("x", "4250#")
			for _, want := range "4250#" {
				if d := wait[DTMFReceived](t, x.agent); d.Digit != want {
					t.Errorf("digit %c, want %c", d.Digit, want)
				}
			}

			x.agent.Transfer(leg, "7099") // nobody
			if e := wait[TransferEnded](t, x.agent); e.OK || e.Code != 404 {
				t.Errorf("%+v", e)
			}
			for e := wait[CallEnded](t, x.customer); e.Leg == "x"; e = wait[CallEnded](t, x.customer) {
				t.Fatalf("%+v", e)
			}
			x.agent.Resume(leg)
			for h := wait[CallHeld](t, x.agent); h.ByUs; h = wait[CallHeld](t, x.agent) {
			}
			hearEachOther(t, x.one, x.two)

			x.agent.Transfer(leg, "7003")
			out := wait[OutgoingCall](t, x.customer)
			in := wait[IncomingCall](t, x.colleague)
			x.colleague.Answer(in.Leg)
			if e := wait[TransferEnded](t, x.agent); !e.OK {
				t.Errorf("%+v", e)
			}
			if e := wait[CallEnded](t, x.agent); e.Cause != EndTransferred {
				t.Errorf("%+v", e)
			}
			moved(t, x.customer, "x", out.Leg)
			wait[CallAnswered](t, x.colleague)
			hearEachOther(t, x.one, x.three)
			goodbye(t, x.customer, out.Leg, x.colleague)

			x.customer.Dial("y", "7002")
			there := wait[IncomingCall](t, x.agent)
			x.agent.Redirect(there.Leg, "7003")
			if e := wait[CallEnded](t, x.agent); e.Code != 302 {
				t.Errorf("%+v", e)
			}
			in = wait[IncomingCall](t, x.colleague)
			x.colleague.Answer(in.Leg)
			if e := wait[CallAnswered](t, x.customer); e.Leg != "y" {
				t.Errorf("%+v", e)
			}
			hearEachOther(t, x.one, x.three)
			goodbye(t, x.customer, "y", x.colleague)
		})
	}
}

func TestACallBehindAKamailioIsHandedOverAfterAWord(t *testing.T) {
	feature.Proves(t, "Kamailio", "attended transfer", "transferred by the far end", "Replaces in")
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			x := behindTheProxy(t, transport)
			leg := talk(t, x.customer, x.agent, x.one, x.two, "x", "7002")
			x.agent.Hold(leg)
			wait[CallHeld](t, x.agent)
			consult := talk(t, x.agent, x.colleague, x.two, x.three, "consult", "7003")
			x.agent.TransferTo(leg, "consult") // to the colleague's GRUU: an address that the proxy does not know is not called for a far end
			out := wait[OutgoingCall](t, x.customer)
			in := wait[IncomingCall](t, x.colleague)
			if in.Replaces != consult {
				t.Errorf("the new call replaces %q, not %q", in.Replaces, consult)
			}
			x.colleague.Answer(in.Leg)
			for range 2 {
				if e := wait[CallEnded](t, x.agent); e.Cause != EndTransferred {
					t.Errorf("%+v", e)
				}
			}
			if e := wait[CallEnded](t, x.colleague); e.Leg != consult || e.Cause != EndReplaced {
				t.Errorf("%+v", e)
			}
			moved(t, x.customer, "x", out.Leg)
			hearEachOther(t, x.one, x.three)
			goodbye(t, x.colleague, in.Leg, x.customer)
		})
	}
}

func TestAKamailioCarriesRefusalsAndThoseWhoGiveUp(t *testing.T) {
	feature.Proves(t, "Kamailio", "CANCEL", "busy, not found, unavailable", "wrong password is told")
	a, b := proxied(t, "7001", "udp"), proxied(t, "7002", "tcp")
	a.Dial("gone", "7002")
	in := wait[IncomingCall](t, b)
	for pr := wait[CallProgress](t, a); pr.Code != 180; pr = wait[CallProgress](t, a) {
	}
	a.Hangup("gone")
	if e := wait[CallEnded](t, a); e.Cause != EndCancelled || !e.ByUs {
		t.Errorf("%+v", e)
	}
	if e := wait[CallEnded](t, b); e.Leg != in.Leg || e.Cause != EndCancelled || e.ByUs {
		t.Errorf("%+v", e)
	}
	for code, cause := range map[int]EndCause{486: EndBusy, 480: EndNoAnswer, 603: EndDeclined} {
		leg := LegID(cause)
		a.Dial(leg, "7002")
		in := wait[IncomingCall](t, b)
		b.Reject(in.Leg, code, "")
		if e := wait[CallEnded](t, a); e.Leg != leg || e.Cause != cause || e.Code != code {
			t.Errorf("%+v", e)
		}
		wait[CallEnded](t, b)
	}
	a.Dial("nobody", "7005") // knows the number, and nobody is registered
	if e := wait[CallEnded](t, a); e.Cause != EndUnknownNumber {
		t.Errorf("%+v", e)
	}
	at := proxyAt(t, 5060)
	wrong := open(t, "7006", func(c *Config) {
		c.Account, c.Registrar = "sip:7006@"+at.Addr().String(), at.String()
		c.Password = func(context.Context) (string, error) { return "wrong", nil }
	})
	if e := until(t, wrong, RegFailed); e.Code != 401 || !strings.Contains(e.Reason.String(), "password") {
		t.Errorf("%+v", e)
	}
}

func TestAKamailioTakesALargeInvitationByTCP(t *testing.T) {
	feature.Proves(t, "Kamailio", "large INVITE by TCP")
	one, two := &bench{hz: 440}, &bench{hz: 1000}
	w := &wire{}
	a := proxied(t, "7001", "udp", w.tap, func(c *Config) {
		c.Headset, c.DisplayName = one.headset(t), strings.Repeat("The Department of Long Names ", 40)
	})
	b := proxied(t, "7002", "tcp", func(c *Config) { c.Headset = two.headset(t) })
	talk(t, a, b, one, two, "x", "7002")
	goodbye(t, a, "x", b)
	w.mu.Lock()
	defer w.mu.Unlock()
	large := 0
	for _, m := range w.msgs {
		if m.Out && strings.HasPrefix(string(m.Data), "INVITE") {
			if m.Transport != "TCP" || len(m.Data) <= 1300 {
				t.Errorf("%d bytes by %s", len(m.Data), m.Transport)
			}
			large++
		}
	}
	if large == 0 {
		t.Error("no INVITE was seen")
	}
}

func TestACallBehindAKamailioIsRefreshed(t *testing.T) {
	feature.Proves(t, "Kamailio", "session timer, ours")
	if os.Getenv("OFFHOOK_PATIENT") == "" {
		t.Skip("the refresh comes after 45 seconds (OFFHOOK_PATIENT=1)")
	}
	t.Parallel()
	one, two := &bench{hz: 440}, &bench{hz: 1000}
	w := &wire{}
	a := proxied(t, "7004", "udp", w.tap, func(c *Config) { c.Headset, c.SessionTimer = one.headset(t), 90*time.Second })
	b := proxied(t, "7005", "tcp", func(c *Config) { c.Headset, c.SessionTimer = two.headset(t), -1 })
	leg := talk(t, a, b, one, two, "x", "7005")
	refreshed(t, w)
	hearEachOther(t, one, two)
	goodbye(t, b, leg, a)
}

// refreshed waits until we have refreshed a session, and that was answered.
func refreshed(t *testing.T, w *wire) {
	t.Helper()
	w.must(t, true, "INVITE", `^Session-Expires: 90`)
	limit := time.After(50*time.Second + patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !(w.saw(true, "UPDATE", `^Session-Expires: 90;refresher=uac`) && w.saw(false, "SIP/2.0 200", `^CSeq: \d+ UPDATE`)) &&
		!(w.saw(true, "INVITE", `^To:.*;tag=(.|\s)*^Session-Expires: 90;refresher=uac`) && w.saw(false, "SIP/2.0 200", `^CSeq: ([3-9]|[1-9]\d+) INVITE`)) {
		select {
		case <-tick.C:
		case <-limit:
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, m := range w.msgs {
				t.Logf("%v ours: %v\n%s", m.At, m.Out, m.Data)
			}
			t.Fatal("no refresh")
		}
	}
}
