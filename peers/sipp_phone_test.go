//go:build unix

package peers

import (
	"net/netip"
	"testing"

	"offhook/peers/feature"
	"offhook/sip"
	"offhook/sip/toll"
)

func TestSIPpSendsACallElsewhere(t *testing.T) {
	feature.Proves(t, "SIPp", "redirect 302")
	peer(t, "sipp")
	second := play(t, script{name: "uas_bye", tone: 700})
	first := play(t, script{name: "uas_redirect", elsewhere: second.at})
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) {
		c.Headset, c.Toll = h.open(t), &toll.Policy{Redirect: toll.Rules{Enabled: true, Allow: []string{"*"}, Deny: []string{"00900"}}}
	})
	p.Dial("x", "sip:2103@"+first.at.String())
	if e := next[sip.CallAnswered](t, p); e.Leg != "x" {
		t.Errorf("%+v", e)
	}
	h.hears(t, 700)
	second.told()
	if e := next[sip.CallEnded](t, p); e.Cause != sip.EndNormal || e.ByUs {
		t.Errorf("%+v", e)
	}
	first.passed()
	second.passed()
}

func TestSIPpAsksForAnAnswerWithoutAnybody(t *testing.T) {
	feature.Proves(t, "SIPp", "auto-answer")
	peer(t, "sipp")
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) {
		c.Headset, c.AutoAnswer, c.Accept = h.open(t), true, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	call := play(t, script{name: "uac_intercom", target: p.LocalAddr(), tone: 700})
	in := next[sip.IncomingCall](t, p)
	if in.Auto == nil || in.Auto.From != "Answer-Mode" {
		t.Errorf("%+v", in.Auto)
	}
	p.Answer(in.Leg)
	h.hears(t, 700)
	call.told()
	call.passed()
}

func TestSIPpSendsAPhoneAwayAndDoesNotWantToHearOfIt(t *testing.T) {
	feature.Proves(t, "SIPp", "transferred by the far end")
	peer(t, "sipp")
	second := play(t, script{name: "uas_bye", tone: 700})
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) {
		c.Headset, c.Toll = h.open(t), &toll.Policy{Referred: toll.Rules{Enabled: true, Allow: []string{"*"}}}
	})
	first := play(t, script{name: "uac_sends_away", target: p.LocalAddr(), tone: 440, elsewhere: second.at})
	in := next[sip.IncomingCall](t, p)
	p.Answer(in.Leg)
	h.hears(t, 440)
	first.told()
	if out := next[sip.OutgoingCall](t, p); out.For != in.Leg {
		t.Errorf("%+v", out)
	}
	h.hears(t, 700)
	second.told()
	first.passed()
	second.passed()
}

func TestSIPpSaysALotBeforeItAnswers(t *testing.T) {
	feature.Proves(t, "SIPp", "odd message orders")
	peer(t, "sipp")
	far := play(t, script{name: "uas_many_rings", tone: 700})
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) { c.Headset = h.open(t) })
	p.Dial("x", "sip:2103@"+far.at.String())
	for _, want := range []int{181, 182, 180, 183} {
		if e := next[sip.CallProgress](t, p); e.Code != want {
			t.Errorf("%d was told, not %d", e.Code, want)
		}
	}
	next[sip.CallAnswered](t, p)
	h.hears(t, 700)
	far.told()
	far.passed()
}

func TestSIPpWantsALongerSessionInterval(t *testing.T) {
	feature.Proves(t, "SIPp", "session timer, ours")
	peer(t, "sipp")
	far := play(t, script{name: "uas_too_brief", tone: 700})
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) { c.Headset = h.open(t) })
	p.Dial("x", "sip:2103@"+far.at.String())
	next[sip.CallAnswered](t, p)
	h.hears(t, 700)
	far.told()
	far.passed()
}

func TestSIPpAsksForANewOfferInMidCall(t *testing.T) {
	feature.Proves(t, "SIPp", "late offer")
	peer(t, "sipp")
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) { c.Headset = h.open(t) })
	call := play(t, script{name: "uac_late_change", target: p.LocalAddr(), tone: 700})
	in := next[sip.IncomingCall](t, p)
	p.Answer(in.Leg)
	h.hears(t, 700)
	call.told()
	eventually(t, "the new offer is answered", func() bool { return count(call.read("messages"), "CSeq: 2 ACK") > 0 })
	h.hears(t, 700)
	call.told()
	call.passed()
}
