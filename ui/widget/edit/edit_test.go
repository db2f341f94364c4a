package edit

import (
	"strings"
	"testing"
	"unicode/utf8"

	"offhook/internal/text"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

func key(name string) tea.Key {
	codes := map[string]tea.Key{"left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight}, "home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd}, "bs": {Code: tea.KeyBackspace},
		"del": {Code: tea.KeyDelete}, "enter": {Code: tea.KeyEnter}, "c-w": {Code: 'w', Mod: tea.ModCtrl}, "c-u": {Code: 'u', Mod: tea.ModCtrl}, "c-k": {Code: 'k', Mod: tea.ModCtrl},
		"c-left": {Code: tea.KeyLeft, Mod: tea.ModCtrl}, "c-right": {Code: tea.KeyRight, Mod: tea.ModCtrl}, "space": {Code: tea.KeySpace, Text: " "}}
	if k, ok := codes[name]; ok {
		return k
	}
	return tea.Key{Code: []rune(name)[0], Text: name}
}

func TestKeysEditAsAPersonExpects(t *testing.T) {
	for _, tc := range []struct {
		start string
		lines bool
		keys  string
		want  string // with | at the cursor
	}{
		{"", false, "a b c", "abc|"},
		{"ab", false, "left x", "ax|b"},
		{"ab", false, "home bs x", "x|ab"},
		{"ab", false, "end del left del", "a|"},
		{"one two", false, "c-w", "one |"},
		{"one two", false, "c-left c-left x", "x|one two"},
		{"one two", false, "home c-right", "one| two"},
		{"one two", false, "c-u", "|"},
		{"one two", false, "home c-k", "|"},
		{"a", false, "space b", "a b|"},
		{"a", false, "enter b", "ab|"},
		{"a", true, "enter b home bs", "a|b"},
		{"e\u0301x", false, "home right bs", "|x"}, // é is one character
		{"日本", false, "left x", "日x|本"},
		{"one\ntwo", true, "home x", "one\nx|two"},
		{"one\ntwo", true, "home left x end y", "onexy|\ntwo"},
		{"one\ntwo", true, "c-u", "one\n|"},
	} {
		f := Field{Lines: tc.lines}
		f.Set(tc.start)
		for k := range strings.FieldsSeq(tc.keys) {
			f.Key(key(k))
		}
		if got := f.text[:f.at] + "|" + f.text[f.at:]; got != tc.want {
			t.Errorf("%q %s: %q, want %q", tc.start, tc.keys, got, tc.want)
		}
	}
}

func TestPastedTextIsCleanAndLimited(t *testing.T) {
	f := Field{Limit: 8}
	f.Insert("ab\x1b[31m\u202ecd\nefghijk")
	if f.Value() != "abcd efg" {
		t.Errorf("%q", f.Value())
	}
	n := Field{Lines: true}
	n.Insert("one\r\n\ttwo\x07")
	if n.Value() != "one\n two" {
		t.Errorf("%q", n.Value())
	}
	d := Field{Allow: func(r rune) bool { return r >= '0' && r <= '9' }}
	d.Insert("+44 (0)77")
	if d.Value() != "44077" {
		t.Errorf("%q", d.Value())
	}
}

func TestALongLineScrollsWithTheCursor(t *testing.T) {
	f := Field{}
	f.Set("abcdefghij")
	if shown, col := f.Line(5); shown != "ghij" || col != 4 {
		t.Errorf("%q, cursor at %d", shown, col)
	}
	f.Key(key("home"))
	if shown, col := f.Line(5); shown != "abcde" || col != 0 {
		t.Errorf("%q, cursor at %d", shown, col)
	}
}

func TestNotesWrapAtSpacesAndKeepTheCursorInSight(t *testing.T) {
	f := Field{Lines: true}
	f.Set("the quick brown fox\njumps")
	lines, x, y := f.Area(10, 5)
	if strings.Join(lines, "|") != "the quick|brown fox|jumps" || x != 5 || y != 2 {
		t.Errorf("%q, cursor %d,%d", lines, x, y)
	}
	lines, _, y = f.Area(10, 2)
	if strings.Join(lines, "|") != "brown fox|jumps" || y != 1 {
		t.Errorf("%q, cursor line %d", lines, y)
	}
	f.Move(-1)
	f.Move(-1)
	if _, x, y = f.Area(10, 5); y != 0 || x != 0 {
		t.Errorf("moved up to %d,%d", x, y)
	}
}

func FuzzAFieldStaysCleanAndInsideItsBox(f *testing.F) {
	f.Add("hello", "lrhebdwu")
	f.Add("日本\u0301\n\x1b]0;x\a", "lllbbdd")
	f.Add("a\u200db \u1100\u1161", "eb")
	f.Fuzz(func(t *testing.T, s, moves string) {
		names := map[rune]string{'l': "left", 'r': "right", 'h': "home", 'e': "end", 'b': "bs", 'd': "del", 'w': "c-w", 'u': "c-u", 'n': "enter", 's': "space", 'L': "c-left", 'R': "c-right"}
		for _, multi := range []bool{false, true} {
			fld := Field{Lines: multi}
			fld.Insert(s)
			for _, m := range moves {
				if n := names[m]; n != "" {
					fld.Key(key(n))
				}
				if fld.at < 0 || fld.at > len(fld.text) || !utf8.ValidString(fld.text[:fld.at]) {
					t.Fatalf("cursor at %d of %q", fld.at, fld.text)
				}
			}
			if shown, col := fld.Line(7); ansi.StringWidth(shown) > 7 || col < 0 || col > 7 {
				t.Errorf("%q is shown as %q with the cursor at %d", fld.text, shown, col)
			}
			lines, x, y := fld.Area(6, 3)
			for _, l := range lines {
				if ansi.StringWidth(l) > 7 || text.Clean(l).String() != strings.TrimSpace(l) && strings.TrimSpace(l) != "" && !utf8.ValidString(l) {
					t.Errorf("%q has the line %q", fld.text, l)
				}
			}
			if x < 0 || x > 6 || y < 0 || y > 2 {
				t.Errorf("%q: cursor %d,%d", fld.text, x, y)
			}
		}
	})
}
