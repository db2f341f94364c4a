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
