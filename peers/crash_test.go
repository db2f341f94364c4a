//go:build unix

package peers

import "testing"

func TestACallThatACrashCutsOffLeavesOneTask(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_wait", target: d.w.sip})
	d.answer()
	d.sees(`talking +0:(0[6-9]|[1-5]\d)`) // a sign of life is written every two seconds
	d.kill()
	call.stop()
	if n := len(o.tasks(t)); n != 0 {
		t.Fatalf("%d Tasks before the call was over", n)
	}
	d = d.w.start(t)
	d.sees(`cut off`)
	d.sees(`Available`)
	o.one(t, o.inbound(2, 10, `Ended by: network`))
	d.settled(1)
	d = d.w.ready(t) // and a third start changes nothing
	d.never(`cut off`)
	d.settled(1)
}

func TestACallThatRingsInACrashLeavesOneTask(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_wait", target: d.w.sip})
	d.sees(`1 match`)
	d.kill()
	call.stop()
	d = d.w.start(t)
	d.sees(`cut off`)
	o.one(t, o.inbound(0, 0))
	d.settled(1)
}

func TestACrashRightAfterACallLosesNothing(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	o.fault(t, `{"kind":"latency","object":"Task","method":"POST","milliseconds":1500}`)
	call := play(t, script{name: "uac_wait", target: d.w.sip})
	d.answer()
	d.press("x")
	call.passed()
	d.sees(`ended`)
	d.kill() // the Task is on its way
	o.mend(t)
	d = d.w.start(t)
	o.one(t, o.inbound(0, 6))
	d.settled(1)
}
