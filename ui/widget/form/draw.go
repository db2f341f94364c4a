package form

import (
	"strconv"
	"strings"

	"offhook/ui/theme"
	"offhook/ui/widget/row"
)

// Draw returns the lines of the form, at most h, and where the cursor stands (y is -1 when the focus is no text).
func (f *Form) Draw(th *theme.Theme, w, h int) (lines []string, x, y int) {
	label := 0
	for i := range f.inputs {
		label = max(label, f.inputs[i].field.Label.Width())
	}
	label = min(label, w*30/100)
	if !f.failed.Empty() {
		for _, l := range row.Wrap(f.failed.String(), w-6) {
			lines = append(lines, row.New(w).Gap(2).Put(th.Problem, "✗ ").Put(th.Strong, l).String())
		}
	}
	room := h - len(lines)
	if room <= 0 {
		return lines[:h], 0, -1
	}
	if f.focus < f.top {
		f.top = f.focus
	}
	if f.focus >= f.top+room {
		f.top = f.focus - room + 1
	}
	f.top = max(min(f.top, len(f.inputs)-room), 0)
	y = -1
	for i := f.top; i < len(f.inputs) && len(lines) < h; i++ {
		line, col := f.inputs[i].draw(th, w, label, i == f.focus)
		if i == f.focus && col >= 0 {
			x, y = col, len(lines)
		}
		lines = append(lines, line)
	}
	if rest := len(f.inputs) - f.top - room; rest > 0 && f.focus < f.top+room-1 {
		lines[len(lines)-1] = row.New(w).Gap(4).Put(th.Faint, "↓ "+strconv.Itoa(rest+1)+" more fields").String()
	}
	return lines, x, y
}

func (in *input) draw(th *theme.Theme, w, label int, focus bool) (line string, col int) {
	col = -1
	r := row.New(w)
	if focus {
		r.Gap(2).Put(th.Accent, "› ")
	} else {
		r.Gap(4)
	}
	name := th.Dim
	if focus {
		name = th.Strong
	}
	r.Put(name, row.Fit(in.field.Label.String(), label))
	if in.field.Required {
		r.Put(th.Ringing, " *")
	}
	r.To(4 + label + 3)
	problem := ""
	if in.problem != "" {
		problem = "✗ " + in.problem
	}
	width := min(w-r.Used()-2, 44)
	if problem != "" {
		width = max(min(width, w-r.Used()-3-row.Width(problem)), 16)
	}
	ink := th.Input
	if focus {
		ink = th.Active
	}
	switch {
	case in.toggles():
		box := " [ ] no"
		if in.value() == "true" {
			box = " [✓] yes"
		}
		r.Put(ink, pad(box, min(width, 11)))
	case in.picks():
		shown := in.value()
		if shown == "" {
			shown = "– none –"
		}
		if focus {
			r.Put(th.Accent, "◂ ").Put(ink, pad(row.Fit(shown, width-4), min(width-4, 28))).Put(th.Accent, " ▸")
		} else {
			r.Put(ink, pad(" "+row.Fit(shown, width-4), min(width-1, 30))).Gap(2)
		}
	default:
		shown, at := in.text.Line(width - 2)
		if focus {
			col = r.Used() + 1 + at
		}
		r.Put(ink, " "+pad(strings.ReplaceAll(shown, "\n", " "), width-2)+" ")
	}
	if problem != "" {
		r.Gap(2).Put(th.Problem, problem)
	}
	return r.String(), col
}

func pad(s string, w int) string { return s + row.Blank(w-row.Width(s)) }
