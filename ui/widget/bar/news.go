package bar

import (
	"strconv"
	"time"

	"offhook/desk"
	"offhook/ui/theme"
	"offhook/ui/widget/row"
)

// Caption is the demo's word to the newcomer, on at most max lines.
func Caption(th *theme.Theme, w int, caption string, max int) (out []string) {
	lines := row.Wrap(caption, w-4)
	for i, l := range lines {
		if i == max {
			break
		}
		if i == max-1 && len(lines) > max {
			l = row.Fit(l+" …", w-4)
		}
		out = append(out, row.New(w).Gap(1).Put(th.Accent, "▎").Gap(1).Put(th.Text, l).String())
	}
	return out
}

// Notices draws the newest notices first, on at most max lines. Each takes as many lines as it needs while there is
// room. hide is the key that takes the newest away.
func Notices(th *theme.Theme, w, max int, list []desk.Notice, hide string) (out []string) {
	for i := len(list) - 1; i >= 0 && len(out) < max; i-- {
		n := list[i]
		glyph, ink := Severity(th, n.Severity)
		var right []row.Seg
		if i == len(list)-1 {
			if more := len(list) - 1; more > 0 && max < len(list) {
				right = append(right, row.Seg{Ink: th.Dim, Text: "+" + strconv.Itoa(more) + "  "})
			}
			if hide != "" {
				right = append(right, row.Seg{Ink: th.Key, Text: hide}, row.Seg{Ink: th.Dim, Text: " hide "})
			}
		}
		room := w - 4 - row.SegsWidth(right)
		lines := row.Wrap(n.Text.String(), room)
		if keep := max - len(out); len(lines) > keep {
			lines[keep-1] = row.Fit(lines[keep-1]+" …", room)
			lines = lines[:keep]
		}
		for j, l := range lines {
			r := row.New(w).Gap(1)
			text := th.Text
			if n.Severity == desk.Problem {
				text = th.Strong
			}
			if j == 0 {
				r.Put(ink, glyph).Gap(1).Put(text, l)
				if len(right) > 0 {
					r.Right(right...)
				}
			} else {
				r.Gap(2).Put(text, l)
			}
			out = append(out, r.String())
		}
	}
	return out
}

// Severity is the glyph and ink of a notice.
func Severity(th *theme.Theme, s desk.Severity) (string, theme.Ink) {
	switch s {
	case desk.Problem:
		return "✗", th.Problem
	case desk.Warning:
		return "!", th.Ringing
	}
	return "i", th.Accent
}

// Landed draws the Tasks that reached Salesforce, newest first, on at most max lines. One that has just landed is
// brighter.
func Landed(th *theme.Theme, w, max int, list []desk.Landed, now time.Time) (out []string) {
	for i := len(list) - 1; i >= 0 && len(out) < max; i-- {
		l := list[i]
		about := []row.Seg{{Ink: th.Faint, Text: " no record "}}
		if !l.About.Zero() {
			name := l.About.Name.String()
			if name == "" {
				name = l.About.Type
			}
			about = []row.Seg{{Ink: th.Dim, Text: " → "}, {Ink: th.Text, Text: row.Fit(name, widest(w)) + " "}}
		}
		r := row.New(w).Keep(row.SegsWidth(about)).Gap(1).Put(th.Good, "✓ ")
		if i == len(list)-1 || w >= 70 {
			r.Put(th.Good, "Task ")
		}
		ink := th.Dim
		if now.Sub(l.At) < 10*time.Second {
			ink = th.Strong
		}
		out = append(out, r.Put(ink, l.Subject.String()).Right(about...).String())
	}
	return out
}

// widest is how many cells the name of a landed Task's record may take.
func widest(w int) int {
	if w < 48 {
		return 12
	}
	return w / 4
}
