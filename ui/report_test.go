package ui

import (
	"strings"
	"testing"

	"offhook/desk"
)

func TestReportsTurnByKeysAndAMissedCallerIsCalledBackByEnter(t *testing.T) {
	b := onBench(idle(), nil)
	press(b.Model, "T")
	s := idle()
	s.Report = &desk.ReportPage{Name: "calls", Period: "today", Source: "ledger", Busy: true}
	b.show(s)
	press(b.Model, "right", "left", "left", "p", "s", "left", "left", "left") // faster than the desk answers
	s2 := idle()
	s2.Report = &desk.ReportPage{Name: "missed", Period: "this week", Source: "salesforce", Sum: c("2 missed callers, 1 still to be called"), Lines: []desk.ReportLine{
		{Label: c("Fri 10:02 Fred Bloggs"), Value: c("called back 10:30"), Dial: c("07814256404")}, {Label: c("Fri 09:02 …6405"), Value: c("waits"), Dial: c("07814256405"), Waits: true}}}
	b.show(s2)
	if out := b.text(); !strings.Contains(out, "Fred Bloggs") || !strings.Contains(out, "1 still to be called") || !strings.Contains(out, "this week · Salesforce") {
		t.Fatal(out)
	}
	press(b.Model, "down", "down", "enter")
	want := []desk.Command{{Verb: desk.ReportOpen}, {Verb: desk.ReportOpen, Text: "results"}, {Verb: desk.ReportOpen, Text: "calls"}, {Verb: desk.ReportOpen, Text: "unsent"},
		{Verb: desk.ReportOpen, Text: "unsent"}, {Verb: desk.ReportOpen, Text: "unsent"}, {Verb: desk.ReportOpen, Text: "history"}, {Verb: desk.ReportOpen, Text: "login"}, {Verb: desk.ReportOpen, Text: "missed"}, {Verb: desk.ReportHide}, {Verb: desk.Dial, Text: "07814256405"}}
	if len(b.sent) != len(want) {
		t.Fatalf("%+v", b.sent)
	}
	for i, w := range want {
		if b.sent[i].Verb != w.Verb || b.sent[i].Text != w.Text {
			t.Errorf("%d: %+v, not %+v", i, b.sent[i], w)
		}
	}
	if b.sent[4].Values["period"] != "this week" || b.sent[5].Values["source"] != "salesforce" {
		t.Errorf("%+v %+v", b.sent[3], b.sent[4])
	}
}

func TestTheReportsFitEveryScreenAndTheirBarsStayInTheirRoom(t *testing.T) {
	b := onBench(idle(), nil)
	press(b.Model, "T")
	s := idle()
	s.Report = &desk.ReportPage{Name: "calls", Period: "this month", Source: "ledger", Sum: c("all: 10 calls"), Note: c("a note")}
	for i := range 40 {
		s.Report.Lines = append(s.Report.Lines, desk.ReportLine{Label: c("Mon 2026-11-20"), Value: c("1000 calls: 900 in, 50 out, 50 missed"), Bar: i * 25, Part: i * 30})
	}
	b.show(s)
	for _, size := range [][2]int{{20, 5}, {60, 16}, {80, 24}, {200, 60}} {
		d := b.over.Draw(b.th, b.opt.Keys, s, size[0], size[1])
		if d.Width > size[0] || size[1] > 10 && len(d.Lines)+2 > size[1] {
			t.Errorf("at %v the box has %d lines of %d", size, len(d.Lines)+2, d.Width)
		}
	}
	s.Report.Error = c("Salesforce is not set up: only this desk's own calls can be counted")
	s.Report.Lines = nil
	if out := b.text(); !strings.Contains(out, "not set up") {
		t.Error(out)
	}
	press(b.Model, "esc")
	if last := b.sent[len(b.sent)-1]; last.Verb != desk.ReportHide {
		t.Errorf("%+v", last)
	}
}
