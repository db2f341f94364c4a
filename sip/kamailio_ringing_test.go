package sip

import (
	"testing"
	"time"

	"offhook/peers/feature"
)

// A connection that breaks while it rings must leave nobody ringing for a caller who has gone, and no caller without his answer.
func TestACallThatRingsThroughKamailioIsNotLostWithItsConnection(t *testing.T) {
	feature.Proves(t, "Kamailio", "keepalive and dead flow", "CANCEL")
	c := newCable(t, proxyAt(t, 5080))
	one, two := &bench{hz: 440}, &bench{hz: 1000}
	a := proxied(t, "7001", "tcp", func(cfg *Config) {
		cfg.Headset, cfg.Instance, cfg.OutboundProxy = one.headset(t), deskInstance, c.l.Addr().String()
	})
	b := proxied(t, "7002", "udp", func(c *Config) { c.Headset = two.headset(t) })

	t.Run("a call of ours is cancelled over the next one", func(t *testing.T) {
		a.Dial("out", "7002")
		in := wait[IncomingCall](t, b)
		for wait[CallProgress](t, a).Code != 180 {
		}
		c.cut()
		limit := time.After(patience)
		for ended, back := false, false; !ended || !back; { // in either order
			select {
			case e := <-a.Events():
				switch e := e.(type) {
				case CallEnded:
					if ended = true; e.Cause != EndNetwork {
						t.Errorf("%+v", e)
					}
				case RegistrationChanged:
					back = back || e.State == Registered
				}
			case <-limit:
				t.Fatal("the call does not end, or the registration does not come back")
			}
		}
		if e := wait[CallEnded](t, b); e.Leg != in.Leg || e.ByUs {
			t.Errorf("%+v", e)
		} else {
			t.Logf("the far end: %s", e.Cause)
		}
	})
	t.Run("one that rings here is answered over the next one", func(t *testing.T) {
		b.Dial("in", "7001")
		in := wait[IncomingCall](t, a)
		c.cut()
		until(t, a, Registered)
		a.Answer(in.Leg)
		wait[CallAnswered](t, b)
		wait[CallAnswered](t, a)
		hearEachOther(t, one, two)
		b.Hangup("in")
		if e := wait[CallEnded](t, b); e.Cause != EndNormal {
			t.Errorf("%+v", e)
		}
		limit := time.After(patience)
		for over := false; !over; { // the token that the edge put into the route may still name the dead connection: then it says 477 to a refresh
			select {
			case e := <-a.Events():
				_, over = e.(CallEnded)
			case <-limit:
				t.Fatal("the call goes on here")
			}
		}
	})
}
