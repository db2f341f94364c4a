//go:build unix

package peers

import (
	"strings"
	"testing"
	"time"
)

func TestARecordLandsOnceWhenSalesforceIsBack(t *testing.T) {
	for _, c := range []struct{ name, fault string }{
		{"down", `{"kind":"unavailable"}`},
		{"a page instead of JSON", `{"kind":"html"}`},
		{"server error", `{"kind":"server_error"}`},
		{"limit reached", `{"kind":"limit"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			peer(t, "sipp")
			o, d := story(t, settings{})
			o.fault(t, c.fault)
			call := play(t, script{name: "uac_wait", target: d.w.sip})
			d.sees(`07814256404`)
			d.answer()
			d.sees(`talking +0:(0[1-9]|[1-5]\d)`)
			d.press("x")
			call.passed()
			d.sees(`Unsent 1`)
			eventually(t, "the desk tries", func() bool { return o.requests(t, "", "/services/data") > 0 })
			if n := len(o.tasks(t)); n != 0 {
				t.Fatalf("%d Tasks while Salesforce is down", n)
			}
			o.mend(t)
			// An attempt that was under way may fail yet, after the key: a person presses again.
			eventually(t, "the Task", func() bool {
				d.press("R")
				return d.seesWithin(`Unsent 0`, 2*time.Second)
			})
			got := o.await(t, 1)[0]
			w := o.inbound(1, 5)
			w.check(t, got) // the caller is found afterwards: exactly one match
			d.settled(1)
		})
	}
}

func TestASessionThatEndsInTheCallIsRenewed(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	call := play(t, script{name: "uac_wait", target: d.w.sip})
	d.answer()
	o.fault(t, `{"kind":"session_expired"}`)
	d.sees(`talking +0:(0[1-9]|[1-5]\d)`)
	d.press("x")
	call.passed()
	o.one(t, o.inbound(1, 5))
	d.settled(1)
}

func TestAnAnswerOfSalesforceThatIsLostMakesNoSecondTask(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	o.fault(t, `{"kind":"drop_reply","object":"Task","times":2}`)
	call := play(t, script{name: "uac_wait", target: d.w.sip})
	d.answer()
	d.sees(`talking +0:(0[1-9]|[1-5]\d)`)
	d.press("x")
	call.passed()
	o.one(t, o.inbound(1, 5))
	d.settled(1)
}

func TestALockedRowIsTriedAgain(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	o.fault(t, `{"kind":"row_lock","object":"Task","times":2}`)
	play(t, script{name: "uac_cancel", target: d.w.sip}).passed()
	o.one(t, o.inbound(0, 0))
	d.settled(1)
}

func TestLeavingWhileSalesforceIsDownSaysThatTheRecordIsSafe(t *testing.T) {
	peer(t, "sipp")
	o, d := story(t, settings{})
	o.fault(t, `{"kind":"unavailable"}`)
	play(t, script{name: "uac_cancel", target: d.w.sip}).passed()
	d.sees(`Unsent 1`)
	d.quit()
	if all := d.bytes(); !strings.Contains(all, "1 call record is safe on disk") {
		t.Errorf("the last word does not say that the record is safe:\n%q", tail(all, 400))
	}
	o.mend(t)
	d = d.w.ready(t)
	o.one(t, o.inbound(0, 0, `Result: missed`))
	d.settled(1)
}

func TestOtherCallersGoToWhomTheyBelong(t *testing.T) {
	for _, c := range []struct{ name, number, subject, callType, says string }{
		{"many matches", "01202528732", `Inbound Call at ` + subjectTime + ` from 01202528732 \(Bournemouth\)`, "Inbound", `pick`},
		{"no match", "07700900461", `Inbound Call at ` + subjectTime + ` from 07700900461`, "Inbound", ``},
		{"a colleague", "2104", `Internal Call at ` + subjectTime + ` from 2104.*`, "Internal", ``},
		{"withheld", "anonymous", `Inbound Call at ` + subjectTime + ` from Withheld`, "Inbound", ``},
		{"an injection", "078'%20OR%20Name%20LIKE%20'%25", `Inbound Call at .*`, "Inbound", ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			peer(t, "sipp")
			o, d := story(t, settings{})
			play(t, script{name: "uac_cancel", target: d.w.sip, from: c.number}).passed()
			o.one(t, want{subject: c.subject, callType: c.callType})
			if c.callType == "Internal" && o.requests(t, "GET", "/search") != 0 {
				t.Error("a colleague was looked up")
			}
			d.settled(1)
		})
	}
}
