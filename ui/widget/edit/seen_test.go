package edit

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func inked(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func TestNotesOpenedAgainAreWhole(t *testing.T) {
	said := strings.TrimSpace(strings.Repeat("The customer called again. ", 1000))
	f := Field{Lines: true, Limit: 32000}
	for i := 0; i < len(said); i += MaxPaste / 2 {
		f.Insert(said[i:min(i+MaxPaste/2, len(said))])
	}
	again := Field{Lines: true, Limit: 32000}
	again.Set(f.Value())
	if f.Value() != said || again.Value() != said {
		t.Errorf("%d characters were typed, %d stand there, %d when opened again", len(said), len(f.Value()), len(again.Value()))
	}
}

func TestAPasteIsCutBetweenCharacters(t *testing.T) {
	f := Field{Lines: true}
	f.Insert(strings.Repeat("日", MaxPaste))
	if v := f.Value(); strings.ContainsRune(v, utf8.RuneError) || len(v) > MaxPaste || len(v) < MaxPaste-3 {
		t.Errorf("%d bytes, the last are %q", len(v), v[max(len(v)-6, 0):])
	}
}

func TestAPanelThatGrewShowsTheStart(t *testing.T) {
	f := Field{Lines: true}
	f.Set("one\ntwo\nthree\nfour")
	f.Area(10, 2)
	if lines, _, y := f.Area(10, 4); strings.Join(lines, "|") != "one|two|three|four" || y != 3 {
		t.Errorf("%q, cursor line %d", lines, y)
	}
}

// The promise by which another text field could replace this one: what is typed is seen, inside the box, and the
// cursor stands in it. It uses nothing but the exported part.
func FuzzWhatIsTypedIsSeenInsideItsBox(f *testing.F) {
	f.Add("abcdef", "l")
	f.Add("abc def abc def abc def abc def", "h")
	f.Add("aaaaa日b", "")
	f.Add(" aaaaa日b", "l")
	f.Add("aaaaa日b", "lrhebdwu")
	f.Add("aaaaaaaaaa日本日本日本日本日本", "hddddd")
	f.Add("aaaa❤\ufe0f b", "llll")
	f.Add("🇬🇧🇬🇧🇬🇧🇬🇧", "hddl")
	f.Add("日本\u0301\n\x1b]0;x\a", "lllbbdd^v")
	names := map[rune]string{'l': "left", 'r': "right", 'h': "home", 'e': "end", 'b': "bs", 'd': "del", 'w': "c-w", 'u': "c-u", 'k': "c-k", 'n': "enter", 's': "space", 'L': "c-left", 'R': "c-right"}
	f.Fuzz(func(t *testing.T, s, moves string) {
		s, moves = s[:min(len(s), 400)], moves[:min(len(moves), 60)]
		var line Field
		line.Set(s)
		area := Field{Lines: true}
		area.Set(s)
		for _, m := range moves {
			switch m {
			case '^':
				area.Move(-1)
			case 'v':
				area.Move(1)
			default:
				if n := names[m]; n != "" {
					line.Key(key(n))
					area.Key(key(n))
				}
			}
			if shown, col := line.Line(10); ansi.StringWidth(shown) > 10 || col < 0 || col > 9 {
				t.Fatalf("%q is shown as %q with the cursor at %d", line.Value(), shown, col)
			}
			lines, x, y := area.Area(6, 3)
			if x < 0 || x > 5 || y < 0 || y >= len(lines) {
				t.Fatalf("%q is shown as %q with the cursor at %d,%d", area.Value(), lines, x, y)
			}
			for _, l := range lines {
				if ansi.StringWidth(l) > 6 {
					t.Fatalf("%q has the line %q", area.Value(), l)
				}
			}
		}
		if lines, _, _ := area.Area(6, 500); inked(strings.Join(lines, "")) != inked(area.Value()) {
			t.Fatalf("%q is shown as %q", area.Value(), lines)
		}
	})
}
