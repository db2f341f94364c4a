//go:build unix

package peers

import (
	"net/netip"
	"testing"

	"offhook/peers/feature"
)

// dialler is a desk whose numbers go to a SIPp that answers.
func dialler(t *testing.T, scenario string, args ...string) (*org, *desk, *sipp) {
	t.Helper()
	peer(t, "sipp")
	t.Parallel()
	o := newOrg(t)
	at := freePort(t, ownHost(5))
	far := play(t, script{name: scenario, at: at, args: args})
	d := newWorkplace(t, o, settings{sip: proxy(at)}).ready(t)
	return o, d, far
}

func proxy(at netip.AddrPort) string { return "outbound_proxy = \"" + at.String() + "\"\n" }

// dial types a number.
func (d *desk) dial(number string) {
	d.t.Helper()
	d.press("o")
	d.sees(`(?i)number|call`)
	d.press(number + "\r")
}

func TestACallToACustomerLeavesOneTask(t *testing.T) {
	feature.Proves(t, "SIPp", "outbound call")
	o, d, far := dialler(t, "uas_bye")
	d.dial(fredNumber)
	d.sees(`Fred Bloggs`)
	d.sees(`talking +0:(0[1-9]|[1-5]\d)`)
	far.told()
	far.passed()
	o.one(t, o.outbound(1, 4, `Result: answered`, `Ended by: customer`))
	d.settled(1)
}

func TestRingingEarlySoundAndAnswerInOneBreathIsACall(t *testing.T) {
	feature.Proves(t, "SIPp", "early media", "odd message orders")
	o, d, far := dialler(t, "uas_fast")
	d.dial(fredNumber)
	d.sees(`talking`)
	d.sees(`talking +0:(0[1-9]|[1-5]\d)`)
	d.press("x")
	far.passed()
	o.one(t, o.outbound(1, 5, `Ended by: agent`))
	d.settled(1)
}

func TestOneOfTwoAnswersIsEndedProperly(t *testing.T) {
	feature.Proves(t, "SIPp", "odd message orders")
	o, d, far := dialler(t, "uas_fork")
	d.dial(fredNumber)
	d.sees(`talking`)
	d.sees(`talking +0:(0[1-9]|[1-5]\d)`)
	d.press("x")
	far.passed()
	o.one(t, o.outbound(1, 5))
	d.settled(1)
}

func TestAnAnswerThatCrossesTheCancelIsEnded(t *testing.T) {
	feature.Proves(t, "SIPp", "odd message orders", "CANCEL")
	o, d, far := dialler(t, "uas_cross")
	d.dial(fredNumber)
	d.sees(`(?i)ringing there|alerting|ringing`)
	d.press("x")
	far.passed()
	o.one(t, o.outbound(0, 1))
	d.settled(1)
}

func TestABusyCustomerLeavesOneTaskWithoutDuration(t *testing.T) {
	feature.Proves(t, "SIPp", "busy, not found, unavailable")
	o, d, far := dialler(t, "uas_busy")
	d.dial(fredNumber)
	far.passed()
	d.sees(`(?i)busy`)
	o.one(t, o.outbound(0, 0, `(?i)busy`))
	d.settled(1)
}
