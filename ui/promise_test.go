package ui

import (
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"
)

// centre is a desk with results, callbacks and a campaign.
func centre(s *desk.Snapshot) *desk.Snapshot {
	s.Zone, s.DayStart, s.At = "Europe/London", 9*time.Hour, noon
	s.Dispositions = []desk.Disposition{{Code: "sale", Label: c("Sale"), Key: "1"}, {Code: "later", Label: c("Call back"), Key: "3", Callback: true}}
	s.Campaigns = []text.Text{c("Autumn"), c("Spring")}
	return s
}

func owing() *desk.Snapshot {
	return centre(talking(with(fred(desk.Ended), func(k *desk.Call) {
		k.NeedsResult, k.EndedAt, k.Can = true, noon, []desk.Verb{desk.Dismiss, desk.Dispose, desk.Note}
	})))
}

func TestACallThatNeedsAResultAsksForItOnceAndTypedAheadKeysDoNotAnswer(t *testing.T) {
	b := onBench(centre(talking(fred(desk.Talking))), func(o *Options) { o.Grace = DefaultGrace })
	b.show(owing())
	if !strings.Contains(b.text(), "Result of Fred Bloggs") {
		t.Fatal(b.text())
	}
	if press(b.Model, "1"); len(b.sent) != 0 || !strings.Contains(b.text(), "box has just opened") {
		t.Fatalf("%+v\n%s", b.sent, b.text())
	}
	b.now = b.now.Add(3 * time.Second)
	press(b.Model, "esc")
	if b.show(owing()); strings.Contains(b.text(), "Result of") {
		t.Fatal("it asks again after it was put off")
	}
	press(b.Model, "i", "1")
	if len(b.sent) != 1 || b.sent[0].Verb != desk.Dispose || b.sent[0].Text != "sale" || b.sent[0].Call != "k1" {
		t.Fatalf("%+v", b.sent)
	}
}

func TestAPromiseIsShownAsItWasUnderstoodBeforeItIsMade(t *testing.T) {
	b := onBench(owing(), nil)
	press(b.Model, "3")
	press(b.Model, strings.Split("2h ago", "")...)
	press(b.Model, "enter")
	if len(b.sent) != 0 {
		t.Fatalf("%+v", b.sent)
	}
	press(b.Model, "ctrl+u")
	press(b.Model, strings.Split("in 2h", "")...)
	if !strings.Contains(b.text(), "→ today at") || !strings.Contains(b.text(), "in 2 h") {
		t.Fatal(b.text())
	}
	press(b.Model, "enter")
	if len(b.sent) != 1 || b.sent[0].Values["when"] != "in 2h" || b.sent[0].Text != "later" {
		t.Fatalf("%+v", b.sent)
	}
}

func TestADueCallbackRingsTheBellOnceAndTheListCallsIt(t *testing.T) {
	s := centre(idle())
	s.Callbacks = []desk.Callback{{Key: "k/cb1", At: noon.Add(-time.Minute), Number: c("07814256404"), Name: c("Fred Bloggs"), Due: true}, {Key: "k/cb2", At: noon.Add(26 * time.Hour), Number: c("1"), Name: c("Jo")}}
	b := onBench(centre(idle()), nil)
	if cmd := b.show(s); cmd == nil {
		t.Fatal("nobody is told")
	}
	if b.Model.alarm() != nil {
		t.Fatal("the bell rings again")
	}
	press(b.Model, "b")
	if out := b.text(); !strings.Contains(out, "Fred Bloggs 07814256404") || !strings.Contains(out, "1 min ago") || !strings.Contains(out, "in 1 day") {
		t.Fatal(out)
	}
	press(b.Model, "down", "d", "m")
	press(b.Model, strings.Split("fri 9am", "")...)
	press(b.Model, "enter", "up", "enter")
	want := []desk.Command{{Verb: desk.CallbackDone, Text: "k/cb2"}, {Verb: desk.CallbackMove, Text: "k/cb2"}, {Verb: desk.CallBack, Text: "k/cb1"}}
	if len(b.sent) != len(want) {
		t.Fatalf("%+v", b.sent)
	}
	for i, w := range want {
		if b.sent[i].Verb != w.Verb || b.sent[i].Text != w.Text {
			t.Errorf("%d: %+v", i, b.sent[i])
		}
	}
}

func TestTheWorkListCallsTheNextAndNobodyAgainstTheirWillByEnter(t *testing.T) {
	s := centre(idle())
	b := onBench(s, nil)
	press(b.Model, "L")
	s2 := centre(idle())
	s2.Worklist = &desk.Worklist{Campaign: crm.Ref{ID: "701000000000001AAA", Name: c("Autumn")}, Next: "m1", Members: []desk.Member{
		{ID: "m1", Who: crm.Ref{Type: "Contact", Name: c("Fred Bloggs")}, Numbers: []text.Text{c("07814256404"), c("02079460000")}, Status: c("Sent")},
		{ID: "m2", Who: crm.Ref{Type: "Lead", Name: c("Shy")}, Numbers: []text.Text{c("07700900002")}, DoNotCall: true}}}
	b.show(s2)
	for _, size := range [][2]int{{60, 16}, {80, 24}, {200, 60}} {
		if d := b.over.Draw(b.th, b.opt.Keys, s2, size[0], size[1]); len(d.Lines)+2 > size[1] || d.Width > size[0] {
			t.Errorf("at %v the box has %d lines of %d", size, len(d.Lines)+2, d.Width)
		}
	}
	press(b.Model, "down", "enter")
	if out := b.text(); !strings.Contains(out, "2 to call") || !strings.Contains(out, "does not want to be called") {
		t.Fatal(out)
	}
	press(b.Model, "c", "up", "n", "enter")
	want := []desk.Command{{Verb: desk.WorkOpen}, {Verb: desk.WorkDial, Text: "m2"}, {Verb: desk.WorkOpen, Text: "Spring"}, {Verb: desk.WorkDial, Text: "m1"}}
	if len(b.sent) != len(want) {
		t.Fatalf("%+v", b.sent)
	}
	for i, w := range want {
		if b.sent[i].Verb != w.Verb || b.sent[i].Text != w.Text || b.sent[i].Values["force"] != "" {
			t.Errorf("%d: %+v", i, b.sent[i])
		}
	}
	if n := b.sent[3].Values["number"]; n != "02079460000" {
		t.Errorf("called %q", n)
	}
}
