package row

import (
	"strings"

	"offhook/ui/theme"

	"github.com/charmbracelet/x/ansi"
)

// Heading is a panel's title on a thin line: "─ Calls ──────────── right ─".
func Heading(th *theme.Theme, w int, title string, right ...Seg) string {
	return LinkHeading(th, w, title, "", right...)
}

// LinkHeading is a heading whose title can be opened where the terminal follows links (OSC 8). The address must be fit for that.
func LinkHeading(th *theme.Theme, w int, title, address string, right ...Seg) string {
	r := New(w)
	n := SegsWidth(right)
	r.Put(th.Rule, "── ")
	shown := Fit(title, w-n-8)
	if address != "" {
		r.Raw(ansi.SetHyperlink(address)+th.Title.Render(shown)+ansi.ResetHyperlink(), Width(shown))
	} else {
		r.Put(th.Title, shown)
	}
	r.Put(th.Text, " ")
	if n > 0 && n+r.Used()+4 <= w {
		r.Fill(th.Rule, "─", n+4)
		return r.Put(th.Text, " ").Segs(right...).Put(th.Rule, " ──").String()
	}
	return r.Fill(th.Rule, "─", 0).String()
}

// Box frames lines of w-4 cells: the frame and one space inside it on each side. The foot stands in the lower line.
func Box(th *theme.Theme, w int, title string, foot []Seg, lines []string) []string {
	inner := w - 4
	out := make([]string, 0, len(lines)+2)
	top := New(w).Put(th.Accent, "╭─ ").Put(th.Strong, Fit(title, inner-2)).Put(th.Text, " ")
	out = append(out, top.Fill(th.Accent, "─", 1).Put(th.Accent, "╮").String())
	left, right := th.Accent.Render("│")+" ", " "+th.Accent.Render("│")
	for _, l := range lines {
		out = append(out, left+l+right)
	}
	bottom := New(w).Put(th.Accent, "╰─")
	for len(foot) > 0 && SegsWidth(foot)+6 > w { // what comes first matters most; a key never stands there without its word
		cut := len(foot) - 1
		for cut > 0 && strings.TrimSpace(foot[cut].Text) != "" {
			cut--
		}
		foot = foot[:cut]
	}
	if n := SegsWidth(foot); n > 0 {
		bottom.Put(th.Text, " ").Segs(foot...).Put(th.Text, " ")
	}
	return append(out, bottom.Fill(th.Accent, "─", 1).Put(th.Accent, "╯").String())
}

// Over lays box, whose lines have bw cells, on base, whose lines have w cells, with its left upper corner at x, y. What
// is not covered turns faint, so that the box is what the eye sees; lines for which keep is true stay as they are.
func Over(th *theme.Theme, base []string, w int, box []string, bw, x, y int, keep func(line int) bool) []string {
	out := make([]string, len(base))
	for i, line := range base {
		covered := i >= y && i < y+len(box)
		if !covered {
			if keep(i) {
				out[i] = line
			} else {
				out[i] = th.Faint.Render(ansi.Strip(line))
			}
			continue
		}
		plain := ansi.Strip(line)
		head := ansi.Truncate(plain, x, "")
		r := New(w).Put(th.Faint, head).To(x).Raw(box[i-y], bw)
		if tail := ansi.TruncateLeft(plain, x+bw, ""); tail != "" {
			r.To(w-Width(tail)).Put(th.Faint, tail)
		}
		out[i] = r.String()
	}
	return out
}
