package sip

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"offhook/media"
	"offhook/sip/dialog"
	"offhook/sip/offer"
	"offhook/sip/toll"
	"offhook/sip/transaction"
)

// anywhere lets far ends send a phone anywhere: the phones of these tests have no exchange in common.
func anywhere(c *Config) {
	all := toll.Rules{Enabled: true, Allow: []string{"*"}}
	c.Toll = &toll.Policy{Referred: all, Redirect: all}
}

func TestAnAttendedTransferConnectsTheCustomerWithTheColleague(t *testing.T) {
	one, three := &bench{hz: 440}, &bench{hz: 1000}
	customer := open(t, "customer", anywhere, func(c *Config) { c.Headset = one.headset(t) })
	agent := open(t, "agent", anywhere)
	colleague := open(t, "colleague", anywhere, func(c *Config) { c.Headset = three.headset(t) })

	theirs := talking(t, customer, agent, "c")
	agent.Hold(theirs)
	wait[CallHeld](t, agent)
	consult := talking(t, agent, colleague, "consult")

	agent.TransferTo(theirs, "consult")
	out := wait[OutgoingCall](t, customer)
	if out.For != "c" || out.Remote.Source != FromTransfer {
		t.Errorf("%+v", out)
	}
	in := wait[IncomingCall](t, colleague)
	if in.Replaces != consult {
		t.Errorf("the new call replaces %q, not %q", in.Replaces, consult)
	}
	colleague.Answer(in.Leg)
	if e := wait[CallEnded](t, colleague); e.Leg != consult || e.Cause != EndReplaced {
		t.Errorf("%+v", e)
	}
	for range 2 { // in either order: the colleague may hang up first
		if e := wait[CallEnded](t, agent); e.Cause != EndTransferred {
			t.Errorf("%+v", e)
		}
	}
	hearEachOther(t, one, three)
}

func TestAFarEndMaySendThePhoneOnlyWhereThePolicyAllows(t *testing.T) {
	customer := open(t, "customer", func(c *Config) {
		c.Toll = &toll.Policy{Referred: toll.Rules{Enabled: true, Allow: []string{"*"}, Deny: []string{"0900"}}}
	})
	agent, premium := open(t, "agent"), open(t, "premium")
	theirs := talking(t, customer, agent, "c")
	agent.Transfer(theirs, at(premium, "0900123456"))
	if e := wait[TransferEnded](t, agent); e.OK || e.Code != 603 {
		t.Fatalf("%+v", e)
	}
	if n := len(premium.legs); n != 0 {
		t.Errorf("%d calls reached the number", n)
	}
}

func TestARedirectedCallGoesOnAsTheSameCallUntilItGoesRound(t *testing.T) {
	caller, first, second := open(t, "caller", anywhere), open(t, "first", anywhere), open(t, "second", anywhere)
	caller.Dial("x", at(first, "first"))
	in := wait[IncomingCall](t, first)
	first.Redirect(in.Leg, at(second, "second"))
	if e := wait[CallEnded](t, first); e.Code != 302 {
		t.Errorf("%+v", e)
	}
	in = wait[IncomingCall](t, second)
	second.Answer(in.Leg)
	if e := wait[CallAnswered](t, caller); e.Leg != "x" {
		t.Errorf("%+v", e)
	}
	caller.Hangup("x")
	wait[CallEnded](t, second)

	caller.Dial("round", at(first, "first"))
	in = wait[IncomingCall](t, first)
	first.Redirect(in.Leg, at(first, "first"))
	for e := wait[CallEnded](t, caller); e.Leg != "round" || e.Code != 302; e = wait[CallEnded](t, caller) {
	}
}

func TestSoundIsEncryptedWhereBothSidesCan(t *testing.T) {
	for name, tc := range map[string]struct {
		one, two SoundConfig
		want     string
	}{
		"a handshake": {SoundConfig{Protect: offer.Required}, SoundConfig{Protect: offer.Optional}, "DTLS-SRTP"},
		"keys in SDP": {SoundConfig{Protect: offer.Required, SDES: true, ClearKeys: true}, SoundConfig{Protect: offer.Optional, SDES: true, ClearKeys: true}, "SDES"},
		"one cannot":  {SoundConfig{Protect: offer.Optional}, SoundConfig{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b1, b2 := &bench{hz: 440}, &bench{hz: 1000}
			one := open(t, "one", func(c *Config) { c.Headset, c.Sound = b1.headset(t), tc.one })
			two := open(t, "two", func(c *Config) { c.Headset, c.Sound = b2.headset(t), tc.two })
			leg := talking(t, one, two, "x")
			hearEachOther(t, b1, b2)
			for _, p := range []*Phone{one, two} {
				var sound string // told behind the sound itself
				becomes(t, p.acc.Account+" tells how the sound is protected", func() bool {
					told := make(chan string, 1)
					p.ua.Post(func() {
						for _, l := range p.legs {
							told <- l.toldSecure.Sound
						}
					})
					sound = <-told
					return strings.HasPrefix(sound, tc.want)
				}, func() string { return fmt.Sprintf("it tells %q", sound) })
				if tc.want == "" && sound != "" {
					t.Errorf("%s tells %q", p.acc.Account, sound)
				}
			}
			two.Hold(leg)
			wait[CallHeld](t, two)
			two.Resume(leg)
			wait[CallHeld](t, two)
			hearEachOther(t, b1, b2)
		})
	}
	one := open(t, "one", func(c *Config) { c.Sound.Protect = offer.Required })
	two := open(t, "two")
	one.Dial("x", at(two, "two"))
	if e := wait[CallEnded](t, one); e.Cause != EndNoMedia {
		t.Errorf("a call in the clear where none is allowed: %+v", e)
	}
}

func TestAFarEndThatTakesOnlyEncryptedSoundIsOfferedNothingElseTheSecondTime(t *testing.T) {
	refusals := 0
	far := newServer(t, nil, func(c *dialog.Config) {
		cert, err := media.NewCertificate()
		if err != nil {
			t.Fatal(err)
		}
		c.Media = func(*transaction.Flow) dialog.Local {
			return dialog.Local{Security: offer.Security{Policy: offer.Optional, Fingerprint: cert.Fingerprint()}}
		}
	})
	one := open(t, "one", func(c *Config) { c.Sound = SoundConfig{Protect: offer.Optional, DTLS: true} })
	one.Dial("x", "sip:far@"+far.addr())
	for range 2 {
		var s *dialog.Session
		select {
		case s = <-far.calls:
		case <-time.After(patience):
			t.Fatal("no call came")
		}
		if strings.Contains(string(s.Request().Body), "RTP/AVP ") {
			refusals++
			s.Reject(488, "")
			continue
		}
		s.End("")
	}
	if refusals != 1 {
		t.Errorf("%d offers held sound in the clear", refusals)
	}
	for e := range one.Events() {
		if e, ok := e.(CallEnded); ok {
			if e.Leg != "x" || e.Code == 488 {
				t.Errorf("%+v", e)
			}
			break
		}
	}
}

func TestConnectivityChecksFindTheWayBetweenTwoPhones(t *testing.T) {
	b1, b2 := &bench{hz: 440}, &bench{hz: 1000}
	one := open(t, "one", func(c *Config) {
		c.Headset, c.Sound = b1.headset(t), SoundConfig{ICE: true, Protect: offer.Required, DTLS: true}
	})
	two := open(t, "two", func(c *Config) { c.Headset, c.Sound = b2.headset(t), SoundConfig{Protect: offer.Optional} })
	leg := talking(t, one, two, "x")
	hearEachOther(t, b1, b2)
	two.Hold(leg)
	wait[CallHeld](t, two)
	two.Resume(leg)
	wait[CallHeld](t, two)
	hearEachOther(t, b1, b2)
}
