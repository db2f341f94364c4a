package sip

import (
	"testing"

	"offhook/peers/feature"
	"offhook/sip/offer"
)

// Asterisk without ICE drops its association with every exchange; whoever was called by it must not be left waiting.
func TestAsteriskIsHeardAfterAHoldOfACallThatItBegan(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "DTLS-SRTP")
	caller, agent := &bench{hz: 440}, &bench{hz: 1000}
	p := x.extension(t, "6005", "udp", func(c *Config) {
		c.Headset, c.Sound = agent.headset(t), SoundConfig{Protect: offer.Required, DTLS: true}
	})
	s := x.customer(t, caller.headset(t))
	s.Dial("in", x.number("6005"))
	in := wait[IncomingCall](t, p)
	p.Answer(in.Leg)
	wait[CallAnswered](t, p)
	wait[CallAnswered](t, s)
	both := func() bool { return caller.power(1000) > 0.9 && agent.power(440) > 0.9 }
	becomes(t, "both hear each other", both)
	for range 2 {
		p.Hold(in.Leg)
		wait[CallHeld](t, p)
		becomes(t, "the caller hears music", func() bool { return caller.loud() && caller.power(1000) < 0.5 })
		p.Resume(in.Leg)
		wait[CallHeld](t, p)
		becomes(t, "both hear each other after the hold", both)
	}
}
