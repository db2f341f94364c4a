package desk

import (
	"testing"
	"time"

	"offhook/internal/text"
)

func TestAReportIsReadAndShownAndALateAnswerIsNot(t *testing.T) {
	m := NewMachine(Settings{})
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	do := func(ev Event) (asked []ReadReport) {
		var fx []Effect
		m, fx = m.Step(now, ev)
		return effects[ReadReport](fx)
	}
	if asked := do(Commanded{Command{Verb: ReportOpen}}); len(asked) != 1 || asked[0] != (ReadReport{"calls", "today", "ledger"}) || !m.Snapshot(now).Report.Busy {
		t.Fatalf("%+v %+v", asked, m.Snapshot(now).Report)
	}
	asked := do(Commanded{Command{Verb: ReportOpen, Text: "missed", Values: map[string]string{"period": "this week", "source": "nowhere"}}})
	if len(asked) != 1 || asked[0] != (ReadReport{"missed", "this week", "ledger"}) {
		t.Fatalf("%+v", asked)
	}
	do(ReportRead{ReportPage{Name: "calls", Period: "today", Source: "ledger", Title: text.Clean("late")}})
	if p := m.Snapshot(now).Report; !p.Busy || !p.Title.Empty() {
		t.Errorf("a late answer is shown: %+v", p)
	}
	before := m.Snapshot(now).Report
	do(ReportRead{ReportPage{Name: "missed", Period: "this week", Source: "ledger", Lines: make([]ReportLine, 3*MaxReportLines)}})
	if p := m.Snapshot(now).Report; p.Busy || len(p.Lines) != MaxReportLines || !before.Busy {
		t.Errorf("%v lines, busy %v; the page before was changed: %v", len(p.Lines), p.Busy, !before.Busy)
	}
	do(Commanded{Command{Verb: ReportHide}})
	do(ReportRead{ReportPage{Name: "missed", Period: "this week", Source: "ledger"}})
	if m.Snapshot(now).Report != nil {
		t.Error("a closed page is shown")
	}
	if asked := do(Commanded{Command{Verb: ReportOpen}}); len(asked) != 1 || asked[0].Name != "missed" || asked[0].Period != "this week" {
		t.Errorf("it is not opened as it was: %+v", asked)
	}
}

func TestAnOpenReportOfThisDeskFollowsItsRecordsOneReadingAtATime(t *testing.T) {
	m := NewMachine(Settings{})
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	do := func(ev Event) (asked int) {
		var fx []Effect
		m, fx = m.Step(now, ev)
		return len(effects[ReadReport](fx))
	}
	read := ReportRead{ReportPage{Name: "calls", Period: "today", Source: "ledger"}}
	pending := func(n int) Event { return OutboxChanged{Outbox{Pending: n}} }
	for i, step := range []struct {
		what string
		ev   Event
		want int
	}{
		{"nothing is open", pending(1), 0},
		{"it opens", Commanded{Command{Verb: ReportOpen}}, 1},
		{"a change while it is read", pending(2), 0},
		{"another one", pending(3), 0},
		{"the answer is older than they are", read, 1},
		{"the new answer", read, 0},
		{"a change", pending(2), 1},
		{"read", read, 0},
		{"the same count again", pending(2), 0},
		{"figures of the whole org", Commanded{Command{Verb: ReportOpen, Values: map[string]string{"source": "salesforce"}}}, 1},
		{"they are not read for each record", pending(1), 0},
		{"the answer", ReportRead{ReportPage{Name: "calls", Period: "today", Source: "salesforce"}}, 0},
		{"closed", Commanded{Command{Verb: ReportHide}}, 0},
		{"a change behind it", pending(0), 0},
	} {
		if got := do(step.ev); got != step.want {
			t.Errorf("%d %s: %d readings, want %d", i, step.what, got, step.want)
		}
	}
}
