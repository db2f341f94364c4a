package sip

import (
	"context"
	"net/netip"
	"os"
	"testing"
	"time"

	"offhook/peers/feature"
)

// proxied is a phone that is registered at a real Kamailio: OFFHOOK_KAMAILIO=host:port.
func proxied(t *testing.T, number, transport string, change ...func(*Config)) *Phone {
	t.Helper()
	addr, err := netip.ParseAddrPort(os.Getenv("OFFHOOK_KAMAILIO"))
	if err != nil {
		t.Skip("peer kamailio is not installed (OFFHOOK_KAMAILIO=host:port)")
	}
	p := open(t, number, append([]func(*Config){func(c *Config) {
		c.Account, c.Registrar, c.Transport = "sip:"+number+"@"+addr.Addr().String(), addr.String(), transport
		c.Password = func(context.Context) (string, error) { return "secret" + number, nil }
	}}, change...)...)
	until(t, p, Registered)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		p.Close(ctx)
	})
	return p
}

func TestAProxyRingsEveryPhoneAndOneAnswers(t *testing.T) {
	feature.Proves(t, "Kamailio", "register UDP", "register TCP", "inbound call", "outbound call", "forking, answered elsewhere", "we hold and resume")
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			one, two := &bench{hz: 440}, &bench{hz: 1000}
			a := proxied(t, "7001", transport, func(c *Config) { c.Headset = one.headset(t) })
			b := proxied(t, "7002", "udp", func(c *Config) { c.Headset = two.headset(t) })
			c := proxied(t, "7002", "tcp")
			a.Dial("x", "7002")
			in, other := wait[IncomingCall](t, b), wait[IncomingCall](t, c)
			b.Answer(in.Leg)
			wait[CallAnswered](t, b)
			wait[CallAnswered](t, a)
			if e := wait[CallEnded](t, c); e.Leg != other.Leg || e.Cause != EndAnsweredElsewhere && e.Cause != EndCancelled {
				t.Errorf("%+v", e)
			} else {
				t.Logf("the other phone: %s", e.Cause)
			}
			both := func() bool { return one.power(1000) > 0.9 && two.power(440) > 0.9 }
			becomes(t, "both hear each other", both)
			a.Hold("x")
			wait[CallHeld](t, a)
			wait[CallHeld](t, b)
			a.Resume("x")
			wait[CallHeld](t, a)
			becomes(t, "both hear each other again", both)
			b.Hangup(in.Leg)
			if e := wait[CallEnded](t, a); e.Cause != EndNormal || e.ByUs {
				t.Errorf("%+v", e)
			}
			wait[CallEnded](t, b)

			// Two answers at the same moment: one call, and nothing is left of the other.
			a.Dial("y", "7002")
			in, other = wait[IncomingCall](t, b), wait[IncomingCall](t, c)
			b.Answer(in.Leg)
			c.Answer(other.Leg)
			wait[CallAnswered](t, a)
			lost := 0
			limit := time.After(patience)
			for lost == 0 {
				select {
				case e := <-b.Events():
					if _, ok := e.(CallEnded); ok {
						lost++
					}
				case e := <-c.Events():
					if _, ok := e.(CallEnded); ok {
						lost++
					}
				case e := <-a.Events():
					if e, ok := e.(CallEnded); ok {
						t.Fatalf("%+v", e)
					}
				case <-limit:
					t.Fatal("both calls go on")
				}
			}
			a.Hangup("y")
			wait[CallEnded](t, a)

			a.Dial("nobody", "7009")
			if e := wait[CallEnded](t, a); e.Cause != EndUnknownNumber {
				t.Errorf("%+v", e)
			}
		})
	}
}
