package sip

import (
	"context"
	"net/netip"
	"os"
	"testing"

	"offhook/peers/feature"
	"offhook/sip/dialog"
	"offhook/sip/offer"
)

func TestAsteriskAgreesOnKeysByAHandshake(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "DTLS-SRTP")
	b := &bench{hz: 700}
	p := x.extension(t, "6005", "udp", func(c *Config) { c.Headset, c.Sound = b.headset(t), SoundConfig{Protect: offer.Required, DTLS: true} })
	p.Dial("x", "600")
	wait[CallAnswered](t, p)
	if e := wait[CallSecured](t, p); e.Sound == "" || !e.Broken.Empty() {
		t.Fatalf("%+v", e)
	}
	becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
	p.Hold("x")
	wait[CallHeld](t, p)
	p.Resume("x")
	wait[CallHeld](t, p)
	becomes(t, "our own tone comes back after the hold", func() bool { return b.power(700) > 0.9 })
}

func TestAsteriskGetsItsPRACK(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "100rel and PRACK")
	b := &bench{hz: 700}
	p := x.extension(t, "6006", "udp", func(c *Config) { c.Headset, c.Reliable = b.headset(t), dialog.ReliableSupported })
	p.Dial("x", "600")
	wait[CallAnswered](t, p)
	becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
	without := x.extension(t, "6006", "udp", func(c *Config) { c.Reliable = NotReliable })
	without.Dial("y", "600")
	if e := wait[CallEnded](t, without); e.Code != 421 {
		t.Errorf("%+v", e)
	}
}

func TestAsteriskQueueRingsItsMember(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "queue member")
	caller, agent := &bench{hz: 440}, &bench{hz: 1000}
	p := x.extension(t, "6001", "udp", func(c *Config) { c.Headset = agent.headset(t) })
	s := x.customer(t, caller.headset(t))
	s.Dial("q", x.number("700"))
	in := wait[IncomingCall](t, p)
	p.Answer(in.Leg)
	wait[CallAnswered](t, p)
	becomes(t, "caller and agent hear each other", func() bool { return caller.power(1000) > 0.9 && agent.power(440) > 0.9 })
	s.Hangup("q")
	if e := wait[CallEnded](t, p); e.Cause != EndNormal || e.ByUs {
		t.Errorf("%+v", e)
	}
}

func TestAsteriskBridgesAConference(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "conference bridge")
	one, two := &bench{hz: 440}, &bench{hz: 1000}
	a := x.extension(t, "6001", "udp", func(c *Config) { c.Headset = one.headset(t) })
	b := x.extension(t, "6002", "udp", func(c *Config) { c.Headset = two.headset(t) })
	a.Dial("a", "910")
	b.Dial("b", "910")
	wait[CallAnswered](t, a)
	wait[CallAnswered](t, b)
	becomes(t, "both hear each other in the room", func() bool { return one.power(1000) > 0.5 && two.power(440) > 0.5 })
}

func TestAsteriskPlaysBeforeItAnswers(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "early media")
	b := &bench{hz: 700}
	p := x.extension(t, "6001", "udp", func(c *Config) { c.Headset = b.headset(t) })
	p.Dial("x", "603")
	for e := wait[CallProgress](t, p); !e.EarlyMedia; e = wait[CallProgress](t, p) {
	}
	becomes(t, "the announcement is heard", b.loud)
	if e := wait[CallEnded](t, p); e.Cause != EndBusy {
		t.Errorf("%+v", e)
	}
}

func TestAsteriskJoinsTwoCallsThatWeHandOver(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "attended transfer", "transferred by the far end")
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			one, three := &bench{hz: 440}, &bench{hz: 1000}
			agent := x.extension(t, "6001", transport)
			colleague := x.extension(t, "6002", transport, func(c *Config) { c.Headset = three.headset(t) })
			customer := x.customer(t, one.headset(t))
			customer.Dial("c", x.number("6001"))
			in := wait[IncomingCall](t, agent)
			agent.Answer(in.Leg)
			wait[CallAnswered](t, agent)
			wait[CallAnswered](t, customer)
			agent.Hold(in.Leg)
			wait[CallHeld](t, agent)
			agent.Dial("consult", "6002")
			there := wait[IncomingCall](t, colleague)
			colleague.Answer(there.Leg)
			wait[CallAnswered](t, colleague)
			wait[CallAnswered](t, agent)
			agent.TransferTo(in.Leg, "consult")
			for range 2 {
				if e := wait[CallEnded](t, agent); e.Cause != EndTransferred {
					t.Errorf("%+v", e)
				}
			}
			becomes(t, "customer and colleague hear each other", func() bool { return one.power(1000) > 0.9 && three.power(440) > 0.9 })
			colleague.Hangup(there.Leg)
			wait[CallEnded](t, customer)
		})
	}
}

func TestAsteriskLetsASupervisorListen(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "listened to by a supervisor (ChanSpy)")
	caller, agent, boss := &bench{hz: 440}, &bench{hz: 1000}, &bench{hz: 700}
	p := x.extension(t, "6001", "udp", func(c *Config) { c.Headset = agent.headset(t) })
	supervisor := x.extension(t, "6002", "udp", func(c *Config) { c.Headset = boss.headset(t) })
	s := x.customer(t, caller.headset(t))
	s.Dial("c", x.number("6001"))
	in := wait[IncomingCall](t, p)
	p.Answer(in.Leg)
	wait[CallAnswered](t, p)
	supervisor.Dial("spy", "806001")
	wait[CallAnswered](t, supervisor)
	becomes(t, "the supervisor hears both", func() bool { return boss.power(440) > 0.2 && boss.power(1000) > 0.2 })
	becomes(t, "nobody hears the supervisor", func() bool { return caller.power(1000) > 0.9 && agent.power(440) > 0.9 })
}

func TestAsteriskSpeaksEveryCodec(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "PCMU", "PCMA", "G.722", "Opus", "RTCP reports")
	for _, codec := range []string{"PCMU", "PCMA", "G722", "opus"} {
		t.Run(codec, func(t *testing.T) {
			b := &bench{hz: 700}
			p := x.extension(t, "6001", "udp", func(c *Config) { c.Headset, c.Codecs = b.headset(t), []string{codec} })
			p.Dial("x", "600")
			if e := wait[CallAnswered](t, p); e.Codec != codec {
				t.Errorf("%s was agreed", e.Codec)
			}
			becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
			becomes(t, "Asterisk reports how it hears us", func() bool { q, ok := p.Quality("x"); return ok && q.RemoteMOS > 0 })
		})
	}
}

func TestAsteriskOverTLSWithKeysInTheSignalling(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "register TLS", "SRTP by SDES", "call over TLS")
	ca := os.Getenv("OFFHOOK_PEERS_CA")
	tls := netip.AddrPortFrom(x.addr.Addr(), 5061).String()
	b := &bench{hz: 700}
	p := x.extension(t, "6004", "tls", func(c *Config) {
		c.Account, c.Registrar = "sip:6004@"+x.addr.Addr().String(), tls
		c.TLS.CAFile, c.Headset, c.Sound = ca, b.headset(t), SoundConfig{Protect: offer.Required, SDES: true}
	})
	p.Dial("x", "600")
	wait[CallAnswered](t, p)
	if e := wait[CallSecured](t, p); e.Sound == "" || e.Signaling == "" {
		t.Fatalf("%+v", e)
	}
	becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
	p.Hold("x")
	wait[CallHeld](t, p)
	p.Resume("x")
	wait[CallHeld](t, p)
	becomes(t, "our own tone comes back after the hold", func() bool { return b.power(700) > 0.9 })
	p.Hangup("x")

	stranger, err := Open(t.Context(), Config{
		Account: "sip:6004@" + x.addr.Addr().String(), Registrar: tls, Transport: "tls", Listen: loopback,
		Password: func(context.Context) (string, error) { return "secret6004", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, stranger) })
	for e := range stranger.Events() {
		if r, ok := e.(RegistrationChanged); ok && r.State == RegFailed {
			t.Logf("a certificate of nobody we believe: %s", r.Reason)
			break
		} else if ok && r.State == Registered {
			t.Fatal("a certificate that nobody vouches for was accepted")
		}
	}
}
