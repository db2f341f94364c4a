//go:build unix

package peers

import (
	"testing"

	"offhook/peers/feature"
)

func TestABlindTransferThatSucceedsIsSaidInTheTask(t *testing.T) {
	feature.Proves(t, "SIPp", "blind transfer")
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_refer", target: d.w.sip})
	d.answer()
	d.press("t")
	d.sees(`(?i)transfer`)
	d.press("sip:2104@" + d.w.sip.Addr().String() + "\r")
	call.passed()
	o.one(t, o.inbound(0, 6, `Result: transfer`, `Transfer: blind .*2104`))
	d.settled(1)
}

func TestABlindTransferThatFailsBringsTheCallerBack(t *testing.T) {
	feature.Proves(t, "SIPp", "failed transfer comes back")
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_refer_busy", target: d.w.sip})
	d.answer()
	d.press("t")
	d.sees(`(?i)transfer`)
	d.press("sip:2104@" + d.w.sip.Addr().String() + "\r")
	d.sees(`(?i)transfer to .*2104.* failed`)
	d.sees(`talking`)
	d.press("x")
	call.passed()
	o.one(t, o.inbound(0, 6, `Result: answered`))
	d.settled(1)
}
