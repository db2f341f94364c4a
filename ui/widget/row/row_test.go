package row

import (
	"strings"
	"testing"

	"offhook/internal/text"
	"offhook/ui/theme"

	"github.com/charmbracelet/x/ansi"
)

func dark(t testing.TB) *theme.Theme {
	th, err := theme.Named("dark", true)
	if err != nil {
		t.Fatal(err)
	}
	return th
}

func TestALineIsExactlyAsWideAsAsked(t *testing.T) {
	th := dark(t)
	for _, w := range []int{0, 1, 5, 20, 80} {
		for name, line := range map[string]string{
			"empty":        New(w).String(),
			"too long":     New(w).Put(th.Strong, strings.Repeat("x", 200)).String(),
			"wide":         New(w).Put(th.Strong, strings.Repeat("日", 60)).String(),
			"left, right":  Line(w, []Seg{{th.Text, "left side"}}, Seg{th.Dim, "right"}),
			"right only":   New(w).Right(Seg{th.Dim, "right"}).String(),
			"cells":        New(w).Cell(th.Dim, "label", 8).Cell(th.Text, "a much longer value", 10).Put(th.Text, "tail").String(),
			"heading":      Heading(th, w, "Calls", Seg{th.Dim, "2 calls"}),
			"long heading": Heading(th, w, strings.Repeat("name ", 40)),
		} {
			if n := ansi.StringWidth(line); n != w {
				t.Errorf("%s at %d is %d cells: %q", name, w, n, ansi.Strip(line))
			}
		}
	}
}

func TestTheRightSideSurvivesALongLeftSide(t *testing.T) {
	th := dark(t)
	if got := ansi.Strip(Line(20, []Seg{{th.Text, "a very long name indeed"}}, Seg{th.Text, "0:04"})); got != "a very long na… 0:04" {
		t.Errorf("%q", got)
	}
}

func TestABoxLiesOnTheScreenWithoutMovingIt(t *testing.T) {
	th := dark(t)
	base := []string{"0123456789", "日本日本日本"[:6*3][:15] + "     "[:0], "abcdefghij"}
	base[1] = "日本語日本" // ten cells
	out := Over(th, base, 10, []string{"[XX]"}, 4, 3, 1, func(i int) bool { return i == 0 })
	for i, l := range out {
		if ansi.StringWidth(l) != 10 {
			t.Errorf("line %d is %d cells: %q", i, ansi.StringWidth(l), ansi.Strip(l))
		}
	}
	if out[0] != base[0] || ansi.Strip(out[2]) != base[2] || !strings.Contains(ansi.Strip(out[1]), "[XX]") {
		t.Errorf("%q", out)
	}
}

func TestWordsWrapAndLongWordsBreak(t *testing.T) {
	got := Wrap("the quick brown averyveryverylongword", 10)
	if strings.Join(got, "|") != "the quick|brown|averyveryv|erylongwor|d" {
		t.Errorf("%q", got)
	}
}

func FuzzLinesKeepTheirWidth(f *testing.F) {
	f.Add("Fred Bloggs", "07814", 20)
	f.Add("日本語", "\u0301x", 7)
	f.Add("🇩🇪👨\u200d👩\u200d👧", "한국", 9)
	f.Fuzz(func(t *testing.T, left, right string, w int) {
		if w < 0 || w > 300 {
			return
		}
		th := dark(t)
		l, r := text.Clean(left).String(), text.Clean(right).String()
		if n := ansi.StringWidth(Line(w, []Seg{{th.Strong, l}}, Seg{th.Dim, Fit(r, w/2)})); n != w {
			t.Errorf("%q and %q at %d give %d cells", l, r, w, n)
		}
		for _, s := range Wrap(l, w) {
			if Width(s) > w {
				t.Errorf("%q wraps into %q, wider than %d", l, s, w)
			}
		}
	})
}
