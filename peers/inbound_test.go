//go:build unix

package peers

import (
	"regexp"
	"testing"

	"offhook/peers/feature"
)

// story is what most tests begin with: a practice Salesforce, settings and a desk that is ready.
func story(t *testing.T, s settings) (*org, *desk) {
	t.Helper()
	t.Parallel()
	o := newOrg(t)
	return o, newWorkplace(t, o, s).ready(t)
}

func TestACallThatTheCallerEndsLeavesOneTask(t *testing.T) {
	feature.Proves(t, "SIPp", "inbound call")
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_bye", target: d.w.sip})
	d.sees(`Fred Bloggs`)
	d.answer()
	d.sees(`talking +0:(0[1-9]|[1-5]\d)`)
	call.told()
	call.passed()
	d.sees(`Task in Salesforce`)
	o.one(t, o.inbound(1, 4, `Result: answered`, `Ended by: customer`))
	d.settled(1)
}

func TestACallThatTheAgentEndsLeavesOneTask(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_wait", target: d.w.sip})
	d.answer()
	d.sees(`talking +0:(0[2-9]|[1-5]\d)`)
	d.press("x")
	call.passed()
	o.one(t, o.inbound(1, 6, `Result: answered`, `Ended by: agent`))
	d.settled(1)
}

func TestACallOverTCPLeavesOneTask(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{sip: "transport = \"tcp\"\n"})
	call := play(t, script{name: "uac_wait", target: d.w.sip, tcp: true})
	d.answer()
	d.sees(`talking +0:(0[1-9]|[1-5]\d)`)
	d.press("x")
	call.passed()
	o.one(t, o.inbound(1, 4))
	d.settled(1)
}

func TestTheFarEndHoldsAndResumes(t *testing.T) {
	feature.Proves(t, "SIPp", "held by the far end")
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_hold", target: d.w.sip})
	d.answer()
	call.told()
	d.sees(`(?i)holds you|held by|they hold|on hold by|far end hold`)
	call.told()
	d.sees(`talking +0:(0[1-9]|[1-5]\d)`)
	call.told()
	call.passed()
	o.one(t, o.inbound(1, 7))
	d.settled(1)
}

func TestTheAgentHoldsAndResumes(t *testing.T) {
	feature.Proves(t, "SIPp", "we hold and resume")
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_held", target: d.w.sip})
	d.answer()
	d.press("h")
	d.sees(`on hold`)
	d.press("h")
	d.sees(`talking`)
	d.press("x")
	call.passed()
	o.one(t, o.inbound(0, 6))
	d.settled(1)
}

func TestAHoldThatIsRefusedLeavesTheCallUp(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_hold_refused", target: d.w.sip})
	d.answer()
	d.press("h")
	d.sees(`refused the hold`)
	d.sees(`talking`)
	d.press("x")
	call.passed()
	o.one(t, o.inbound(0, 6))
	d.settled(1)
}

func TestACallerWhoGivesUpIsAMissedCall(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	play(t, script{name: "uac_cancel", target: d.w.sip}).passed()
	o.one(t, o.inbound(0, 0, `Result: missed`))
	d.never(`(?i)ringing here`)
	d.settled(1)
}

func TestACallAnsweredElsewhereSaysSo(t *testing.T) {
	feature.Proves(t, "SIPp", "CANCEL", "forking, answered elsewhere")
	peer(t, "sipp")
	o, d := story(t, settings{})
	play(t, script{name: "uac_cancel_elsewhere", target: d.w.sip}).passed()
	d.sees(`(?i)answered elsewhere|another telephone`)
	for _, got := range o.await(t, 1) {
		o.inbound(0, 0).check(t, got)
		if !regexp.MustCompile(`(?i)elsewhere`).MatchString(got.Description) {
			t.Errorf("the Task does not say that somebody else answered:\n%s", got.Description)
		}
	}
	d.settled(1)
}

func TestACallThatTheAgentDeclinesLeavesOneTask(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_declined", target: d.w.sip})
	d.sees(`Fred Bloggs`)
	d.pressUntil("\x1bOR", `say busy`) // F3
	d.press("b")
	call.passed()
	o.one(t, o.inbound(0, 0, `Result: declined`))
	d.settled(1)
}

func TestAnOfferInTheAnswerIsACallLikeAnyOther(t *testing.T) {
	feature.Proves(t, "SIPp", "late offer")
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_late", target: d.w.sip})
	d.answer()
	d.sees(`talking +0:(0[1-9]|[1-5]\d)`)
	call.told()
	call.passed()
	o.one(t, o.inbound(1, 4))
	d.settled(1)
}

func TestAnAnswerThatIsNotAcknowledgedIsRepeated(t *testing.T) {
	feature.Proves(t, "SIPp", "odd message orders")
	peer(t, "sipp")
	o, d := story(t, settings{})
	// SIPp must not take what comes again for its own to swallow: -nr.
	call := play(t, script{name: "uac_no_ack", target: d.w.sip, args: []string{"-nr", "-m", "1"}})
	d.sees(`[Rr]inging`)
	d.pressUntil("a", `answering`)
	d.sees(`talking`)
	d.press("x")
	call.passed()
	o.one(t, o.inbound(0, 12)) // counted from the ACK
	d.settled(1)
}

func TestAnAnswerThatIsNeverAcknowledgedEndsTheCall(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_never_ack", target: d.w.sip, args: []string{"-nr", "-m", "1"}})
	d.sees(`[Rr]inging`)
	d.pressUntil("a", `answering`)
	call.passed() // after 32 s
	d.sees(`never confirmed|not confirm|acknowledge`)
	o.one(t, o.inbound(0, 40))
	d.settled(1)
}

func TestASecondCallPutsTheFirstOnHold(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	first := play(t, script{name: "uac_held", target: d.w.sip})
	d.answer()
	second := play(t, script{name: "uac_wait", target: d.w.sip, from: "07700900461"})
	d.sees(`07700900461 +ringing`)
	d.pressUntil("a", `Fred Bloggs .*on hold`)
	d.sees(`07700900461 .*talking`)
	d.press("x")
	second.passed()
	d.sees(`07700900461 .*ended`)
	d.sees(`▌.* Fred Bloggs .*on hold`) // the focus has come back to it
	d.press("h")
	d.sees(`Fred Bloggs .*talking`)
	d.press("x")
	first.passed()
	got := o.await(t, 2)
	if got[0].WhoID == o.fred {
		got[0], got[1] = got[1], got[0]
	}
	want{subject: `Inbound Call at ` + subjectTime + ` from 07700900461`, callType: "Inbound", max: 8}.check(t, got[0])
	o.inbound(0, 12).check(t, got[1])
	d.settled(2)
}
