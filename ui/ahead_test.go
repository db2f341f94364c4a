package ui

import (
	"strings"
	"testing"
	"time"

	"offhook/desk"

	tea "charm.land/bubbletea/v2"
)

// sprung is a snapshot whose form or list has opened by itself.
func sprung(s *desk.Snapshot) *desk.Snapshot {
	s.FormAuto = s.Form != nil
	if s.Search != nil {
		again := *s.Search
		again.Auto = true
		s.Search = &again
	}
	return s
}

func TestKeysOfTheMomentInWhichAFormOrListOpensByItselfDoNothingInIt(t *testing.T) {
	for name, tt := range map[string]struct {
		screen *desk.Snapshot
		keys   []string
	}{
		"text":               {withForm(), []string{"S", "a", "m"}},
		"leaving the form":   {withForm(), []string{"esc"}},
		"saving it":          {withForm(), []string{"ctrl+s"}},
		"choosing in a list": {withSearch(), []string{"down", "enter"}},
	} {
		b := onBench(talking(fred(desk.Talking)), func(o *Options) { o.Grace = DefaultGrace })
		b.show(sprung(tt.screen))
		before := b.text()
		for _, k := range tt.keys {
			b.now = b.now.Add(100 * time.Millisecond)
			press(b.Model, k)
		}
		b.Update(tea.PasteMsg{Content: "pasted"})
		if out := b.text(); len(b.sent) != 0 || !strings.Contains(out, "has just opened") || strings.Contains(out, "pasted") {
			t.Errorf("%s: sent %v\n%s\nwas\n%s", name, b.sent, out, before)
		}
		b.now = b.now.Add(DefaultGrace.Quiet)
		press(b.Model, "x")
		if out := b.text(); strings.Contains(out, "has just opened") {
			t.Errorf("%s: still deaf\n%s", name, out)
		}
	}
}

func TestTheWaitOfAFormThatOpenedByItselfEndsAlsoForAFastTypist(t *testing.T) {
	b := onBench(talking(fred(desk.Talking)), func(o *Options) { o.Grace = DefaultGrace })
	b.show(sprung(withForm()))
	for range 20 { // two seconds without a pause
		b.now = b.now.Add(100 * time.Millisecond)
		press(b.Model, "z")
	}
	if out := b.text(); !strings.Contains(out, "zzzz") || strings.Contains(out, strings.Repeat("z", 10)) {
		t.Fatal(out)
	}
}

func TestAFormThatTheAgentAskedForTakesKeysAtOnceAndANewSnapshotOfAFormDoesNotStartTheWaitAgain(t *testing.T) {
	b := onBench(talking(fred(desk.Talking)), func(o *Options) { o.Grace = DefaultGrace })
	b.show(withForm())
	if press(b.Model, "Q"); !strings.Contains(b.text(), "Q") {
		t.Fatal(b.text())
	}
	b = onBench(talking(fred(desk.Talking)), func(o *Options) { o.Grace = DefaultGrace })
	b.show(sprung(withForm()))
	b.now = b.now.Add(time.Second)
	b.show(sprung(withForm()))
	if press(b.Model, "Q"); strings.Contains(b.text(), "has just opened") {
		t.Fatal(b.text())
	}
}

func TestCallsAreHandledByTheirFunctionKeysAlsoInThatMoment(t *testing.T) {
	b := onBench(talking(fred(desk.Talking)), func(o *Options) { o.Grace = DefaultGrace })
	b.show(sprung(withForm()))
	if press(b.Model, "ctrl+c"); len(b.sent) != 1 || b.sent[0].Verb != desk.Quit {
		t.Fatalf("%v\n%s", b.sent, b.text())
	}
}
