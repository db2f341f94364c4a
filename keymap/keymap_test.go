package keymap

import (
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the generated cheat sheet")

func TestDefaultKeysHaveNoConflictAndAreInTheFormTerminalsReport(t *testing.T) {
	m, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range m.Actions() {
		if a.Title == "" || a.Help == "" || a.Context == "" || !slices.Contains(slices.Concat(Groups(), BoardGroups()), a.Group) {
			t.Errorf("%s lacks a title, a help line, a context or a known group", a.Name)
		}
		for _, k := range a.Keys {
			if n, err := Normalise(k); err != nil || n != k {
				t.Errorf("%s: key %q normalises to %q, %v", a.Name, k, n, err)
			}
		}
	}
}

func TestEveryFunctionKeyHasALetterOrControlFormBesideIt(t *testing.T) {
	for a := range All() {
		hasF := slices.ContainsFunc(a.Keys, func(k string) bool { return len(k) > 1 && k[0] == 'f' && k[1] >= '1' && k[1] <= '9' })
		other := slices.ContainsFunc(a.Keys, func(k string) bool { return Character(k) || strings.HasPrefix(k, "ctrl+") })
		if hasF && !other {
			t.Errorf("%s can only be reached by a function key: %v", a.Name, a.Keys)
		}
	}
}

func TestTypingContextsBindNoCharacters(t *testing.T) {
	for a := range All() {
		for _, k := range a.Keys {
			if a.Context.Typing() && Character(k) {
				t.Errorf("%s takes the character %q away from the text", a.Name, k)
			}
		}
	}
}

func TestRebindingReplacesTheKeys(t *testing.T) {
	m, err := New(map[string][]string{"call.answer": {"Enter", "Shift+A"}, "card.use": {"ctrl+Return"}, "demo.next": {}})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"enter": "call.answer", "A": "call.answer", "ctrl+enter": "card.use", "a": "", "f2": "", "ctrl+n": ""} {
		if a, _ := m.Find(Desk, key); a.Name != want {
			t.Errorf("key %q starts %q, want %q", key, a.Name, want)
		}
	}
	if m.Key("demo.next") != "" || m.Key("call.answer") != "Enter" {
		t.Errorf("help shows %q and %q", m.Key("demo.next"), m.Key("call.answer"))
	}
	if a, _ := Default().Find(Desk, "a"); a.Name != "call.answer" {
		t.Error("rebinding one map changed the defaults")
	}
}

func TestConflictsAreRefusedNamingBothActionsAndTheKey(t *testing.T) {
	_, err := New(map[string][]string{"call.hold": {"x"}})
	var c *ConflictError
	if !errors.As(err, &c) || c.Key != "x" || c.First != "call.hangup" || c.Second != "call.hold" {
		t.Fatalf("got %v", err)
	}
	for _, word := range []string{"call.hangup", "call.hold", `"x"`} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %s", err, word)
		}
	}
}

func TestTheSameKeyMayMeanDifferentThingsInDifferentContexts(t *testing.T) {
	m := Default()
	d, _ := m.Find(Desk, "k")
	s, _ := m.Find(Search, "k")
	if d.Name != "call.keypad" || s.Name != "search.up" {
		t.Errorf("k is %q at the desk and %q in the search list", d.Name, s.Name)
	}
}

func TestMistakesAreExplained(t *testing.T) {
	for _, tc := range []struct {
		in   map[string][]string
		want string
	}{
		{map[string][]string{"call.anwser": {"a"}}, `there is no action "call.anwser": did you mean "call.answer"?`},
		{map[string][]string{"zzzzzzzz": {"a"}}, `there is no action "zzzzzzzz"`},
		{map[string][]string{"call.answer": {"entre"}}, `keys of call.answer: "entre" is not a key: did you mean "enter"?`},
		{map[string][]string{"call.answer": {"hyper+a"}}, `keys of call.answer: "hyper+a" is not a key: "hyper" is neither ctrl, alt nor shift`},
		{map[string][]string{"form.save": {"s"}}, `keys of form.save: "s" makes a character, which goes into the text here`},
		{map[string][]string{"call.hold": {"3"}}, `keys of call.hold: "3" picks a call`},
		{map[string][]string{"call.hold": {""}}, `keys of call.hold: "" is not a key`},
	} {
		if _, err := New(tc.in); err == nil || err.Error() != tc.want {
			t.Errorf("%v:\n got %v\nwant %s", tc.in, err, tc.want)
		}
	}
	_, err := New(map[string][]string{"nope": {"a"}, "call.hold": {"x"}})
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two mistakes are not reported together: %v", err)
	}
}

func TestKeysAreWrittenAsPeopleWriteThem(t *testing.T) {
	for in, want := range map[string]string{
		"Ctrl+P": "ctrl+p", "CTRL+Shift+p": "ctrl+shift+p", "shift+p": "P", "P": "P", "Escape": "esc", "F2": "f2", " ": "space", "Return": "enter",
		"PageUp": "pgup", "ctrl++": "ctrl++", "Alt+x": "alt+x", "Shift+Tab": "shift+tab", "?": "?", "é": "é", "control+l": "ctrl+l",
	} {
		if got, err := Normalise(in); err != nil || got != want {
			t.Errorf("%q is %q, want %q (%v)", in, got, want, err)
		}
	}
}

func TestKeysAreShownShort(t *testing.T) {
	for in, want := range map[string]string{"a": "a", "P": "P", "ctrl+p": "^P", "f10": "F10", "esc": "Esc", "up": "↑", "shift+tab": "⇧Tab",
		"space": "Space", "alt+x": "Alt+X", "ctrl+enter": "^Enter", "pgdown": "PgDn"} {
		if got := Display(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

func TestTheCheatSheetInTheDocsIsTheTable(t *testing.T) {
	const page = "../docs/keys.md"
	want := CheatSheet()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale: run go test ./keymap -run CheatSheet -update", page)
	}
}

func FuzzNormaliseIsStable(f *testing.F) {
	for _, s := range []string{"ctrl+p", "Shift+a", "++", "ctrl++", "", " ", "f1", "é", "\x1b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Normalise(s)
		if err != nil {
			return
		}
		if again, err := Normalise(n); err != nil || again != n {
			t.Errorf("%q normalises to %q, and that to %q (%v)", s, n, again, err)
		}
	})
}
