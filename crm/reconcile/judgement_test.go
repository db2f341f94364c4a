package reconcile

import (
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/post"
	"offhook/crm/report"
	"offhook/internal/text"
)

// result gives a call its disposition when it is over.
func result(disposition string) ledger.Change {
	return crm.Correction{Parts: []crm.RecordPart{crm.PartResult}, Record: crm.CallRecord{Disposition: text.Clean(disposition)}}.Apply
}

// amended changes the disposition of a call as the agent does, and lets Salesforce have it.
func (o *office) amended(n int, disposition string, flush bool) {
	o.T.Helper()
	s, err := o.led.Call(o.T.Context(), key(n))
	if err != nil {
		o.T.Fatal(err)
	}
	if _, err := o.led.Amend(o.T.Context(), s.Call.Key, time.Time{}, result(disposition)); err != nil {
		o.T.Fatal(err)
	}
	if flush {
		post.NewErrands(post.ErrandOptions{Store: o.led, Run: map[string]crm.ErrandFunc{ledger.AmendErrand: o.sender.Amend(o.led)}, Now: o.Time}).Flush(o.T.Context())
	}
}

func TestWhoHasChangedATaskIsToldByItsOwnTimes(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration // after our own last change
		amend bool
		want  Kind
	}{
		{"the org's automation, as it was written", 0, false, Different},
		{"somebody, an hour after it was written", time.Hour, false, Edited},
		{"the org's automation, as it was amended", 2 * time.Second, true, Different},
		{"somebody, an hour after it was amended", time.Hour, true, Edited},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t, true)
			o.call(1, o.Time().Add(-time.Hour), false, nil)
			o.sender.Flush(t.Context())
			if c.amend {
				o.Sleep(20 * time.Minute)
				o.amended(1, "Amended", true)
			}
			o.Sleep(c.after)
			o.change(1, map[string]any{"CallDurationInSeconds": 9})
			if res := o.compare(); len(res.Findings) != 1 || res.Findings[0].Kind != c.want {
				t.Errorf("%+v", res.Findings)
			}
		})
	}
}

func TestAChangeThatIsBeingMadeIsNoDifference(t *testing.T) {
	o := newOffice(t, true)
	o.call(1, o.Time().Add(-time.Hour), false, nil)
	o.sender.Flush(t.Context())
	o.amended(1, "Amended", false)
	due, err := o.led.DueErrands(t.Context(), o.Time(), 1)
	if err != nil || len(due) != 1 {
		t.Fatal(due, err)
	}
	if _, ok, err := o.led.ClaimErrand(t.Context(), due[0].Key, o.Time()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	o.change(1, map[string]any{"CallDisposition": "Amended"}) // the Task has it, and the ledger does not know yet
	if res := o.compare(); len(res.Findings) != 0 {
		t.Errorf("%+v", res.Findings)
	}
}

func TestACallWhoseTaskMayBeArchivedIsNotMissing(t *testing.T) {
	o := newOffice(t, true)
	start := o.Time().Add(2*24*time.Hour - report.Archived)
	o.call(1, start, false, nil)
	o.sender.Flush(t.Context())
	if err := o.SF.Delete(t.Context(), "Task", o.task(1)); err != nil {
		t.Fatal(err)
	}
	o.period = report.Period{From: start.Add(-time.Hour), Until: start.Add(time.Hour)}
	if res := o.compare(); res.Other != 1 || len(res.Findings) != 0 {
		t.Errorf("%+v", res)
	}
}

func TestATaskThatFollowedItsLeadToTheContactIsNoDifference(t *testing.T) {
	o := newOffice(t, true)
	leads, contacts := o.Records("Lead", false), o.Records("Contact", false)
	lead, contact := "", contacts[0]["Id"].(string)
	for _, l := range leads {
		if l["IsConverted"] != true {
			lead = l["Id"].(string)
			break
		}
	}
	o.call(1, o.Time().Add(-time.Hour), false, func(r *crm.CallRecord) {
		r.Assoc = crm.Association{Rule: crm.RulePinned, Who: crm.Ref{Type: "Lead", ID: lead}}
	})
	o.sender.Flush(t.Context())
	o.change(1, map[string]any{"WhoId": contact}) // as Salesforce does when a lead is converted
	if res := o.compare(); len(res.Findings) != 0 {
		t.Errorf("%+v", res.Findings)
	}
	o.change(1, map[string]any{"WhoId": nil})
	if res := o.compare(); len(res.Of(Different)) != 1 || res.Findings[0].Fields[0].Field != "WhoId" {
		t.Errorf("%+v", res.Findings)
	}
}

func TestOnlyUntouchedDoublesAreOffered(t *testing.T) {
	f := Finding{Kind: Doubled, Task: TaskRow{ID: "00T1"}, More: []TaskRow{{ID: "00T2"}, {ID: "00T3", Touched: true}}}
	if d := f.Deletable(); len(d) != 1 || d[0].ID != "00T2" {
		t.Errorf("%+v", d)
	}
	if what := f.What().String(); what != "is there as 00T1 and again as 00T2, 00T3 (worked on)" {
		t.Error(what)
	}
}
