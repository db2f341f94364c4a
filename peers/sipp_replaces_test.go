//go:build unix

package peers

import (
	"regexp"
	"testing"

	"offhook/peers/feature"
	"offhook/sip"
)

// tagOf is the tag of a header in what SIPp has logged.
func (r *sipp) tagOf(header string) (tag string) {
	r.t.Helper()
	re := regexp.MustCompile(`(?im)^` + header + `:[^\r\n]*;tag=([^;\s]+)`)
	eventually(r.t, "the tag of "+header, func() bool {
		m := re.FindStringSubmatch(r.read("messages"))
		if m != nil {
			tag = m[1]
		}
		return m != nil
	})
	return tag
}

func TestACallTakesThePlaceOfAnother(t *testing.T) {
	feature.Proves(t, "SIPp", "Replaces in")
	peer(t, "sipp")
	t.Parallel()
	h := &headset{hz: 500}
	p := telephone(t, everybody, func(c *sip.Config) { c.Headset = h.open(t) })
	first := play(t, script{name: "uac_wait", target: p.LocalAddr(), tone: 440})
	in := next[sip.IncomingCall](t, p)
	p.Answer(in.Leg)
	next[sip.CallAnswered](t, p)
	theirs := first.tagOf("From")

	for name, tc := range map[string]struct{ replaces, code string }{
		"a call that nobody knows":        {"nobody@nowhere;to-tag=" + in.LocalTag + ";from-tag=" + theirs, "481"},
		"a tag that is not the far end's": {in.CallID + ";to-tag=" + in.LocalTag + ";from-tag=x" + theirs, "481"},
		"a tag that is not ours":          {in.CallID + ";to-tag=x" + in.LocalTag + ";from-tag=" + theirs, "481"},
		"only while it rings":             {in.CallID + ";to-tag=" + in.LocalTag + ";from-tag=" + theirs + ";early-only", "486"},
		"no tag":                          {in.CallID + ";to-tag=" + in.LocalTag, "400"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, script{name: "uac_replaces_refused", target: p.LocalAddr(), given: map[string]string{"replaces": tc.replaces, "code": tc.code}}).passed()
		})
	}
	h.hears(t, 440)

	second := play(t, script{name: "uac_replaces", target: p.LocalAddr(), tone: 700,
		given: map[string]string{"replaces": in.CallID + ";to-tag=" + in.LocalTag + ";from-tag=" + theirs}})
	instead := next[sip.IncomingCall](t, p)
	if instead.Replaces != in.Leg {
		t.Errorf("the new call replaces %q, not %q", instead.Replaces, in.Leg)
	}
	p.Answer(instead.Leg)
	if e := next[sip.CallEnded](t, p); e.Leg != in.Leg || e.Cause != sip.EndReplaced {
		t.Errorf("%+v", e)
	}
	h.hears(t, 700)
	second.told()
	first.passed()
	second.passed()
}

func TestACallTakesThePlaceOfOneThatStillRings(t *testing.T) {
	feature.Proves(t, "SIPp", "Replaces in", "CANCEL")
	peer(t, "sipp")
	t.Parallel()
	h := &headset{hz: 500}
	p := telephone(t, everybody, func(c *sip.Config) { c.Headset = h.open(t) })
	first := play(t, script{name: "uas_ring_on"})
	p.Dial("x", "sip:2103@"+first.at.String())
	out := next[sip.OutgoingCall](t, p)
	next[sip.CallProgress](t, p)
	second := play(t, script{name: "uac_replaces", target: p.LocalAddr(), tone: 700,
		given: map[string]string{"replaces": out.CallID + ";to-tag=" + out.LocalTag + ";from-tag=" + first.tagOf("To") + ";early-only"}})
	instead := next[sip.IncomingCall](t, p)
	if instead.Replaces != "x" {
		t.Errorf("the new call replaces %q", instead.Replaces)
	}
	p.Answer(instead.Leg)
	if e := next[sip.CallEnded](t, p); e.Leg != "x" || e.Cause != sip.EndReplaced {
		t.Errorf("%+v", e)
	}
	h.hears(t, 700)
	second.told()
	first.passed()
	second.passed()
}

func TestTwoCallsAreJoinedAndTheAgentLeaves(t *testing.T) {
	feature.Proves(t, "SIPp", "attended transfer", "we hold and resume")
	peer(t, "sipp")
	t.Parallel()
	h := &headset{hz: 500}
	p := telephone(t, func(c *sip.Config) { c.Headset = h.open(t) })
	customer := play(t, script{name: "uac_handed_over", target: p.LocalAddr(), tone: 440})
	in := next[sip.IncomingCall](t, p)
	p.Answer(in.Leg)
	h.hears(t, 440)
	p.Hold(in.Leg)
	next[sip.CallHeld](t, p)
	colleague := play(t, script{name: "uas_consulted", tone: 700})
	p.Dial("consult", "sip:2104@"+colleague.at.String())
	next[sip.CallAnswered](t, p)
	h.hears(t, 700)
	p.TransferTo(in.Leg, "consult")
	for range 2 {
		if e := next[sip.CallEnded](t, p); e.Cause != sip.EndTransferred {
			t.Errorf("%+v", e)
		}
	}
	customer.passed()
	colleague.passed()
}
