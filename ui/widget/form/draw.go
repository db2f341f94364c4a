package form

import (
	"strconv"
	"strings"
	"unicode/utf8"

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
	lines = f.head(th, w)
	room := h - len(lines)
	if room <= 0 {
		return lines[:h], 0, -1
	}
	detail := f.detail(th, w)
	shown := max(room-len(detail), 1)
	at := max(f.focus, 0)
	f.top = max(min(f.top, at), at-shown+1)
	f.top = max(min(f.top, len(f.inputs)-shown), 0)
	y = -1
	for i := f.top; i < len(f.inputs) && len(lines) < h; i++ {
		focus := i == f.focus
		if left := len(f.inputs) - i; len(lines) == h-1 && left > 1 && !focus {
			lines = append(lines, row.New(w).Gap(4).Put(th.Faint, "↓ "+strconv.Itoa(left)+" more fields").String())
			break
		}
		line, col := f.draw(&f.inputs[i], th, w, label, focus)
		if focus && col >= 0 {
			x, y = col, len(lines)
		}
		lines = append(lines, line)
		if focus {
			lines = append(lines, detail[:min(len(detail), h-len(lines))]...)
		}
	}
	return lines, x, y
}

// head is what stands above the fields: what is wrong with the record, records that are the same, where the values come from.
func (f *Form) head(th *theme.Theme, w int) (lines []string) {
	if !f.failed.Empty() {
		for _, l := range row.Wrap(f.failed.String(), w-6) {
			lines = append(lines, row.New(w).Gap(2).Put(th.Problem, "✗ ").Put(th.Strong, l).String())
		}
	} else if !f.told.Empty() {
		lines = append(lines, row.New(w).Gap(4).Put(th.Dim, f.told.String()).String())
	}
	if f.busy {
		lines = append(lines, row.New(w).Gap(2).Put(th.Dim, "◌ saving").String())
	}
	choice := func(at int, ink theme.Ink, does, what string) {
		r := row.New(w)
		if f.focus == at {
			r.Gap(2).Put(th.Accent, "› ").Put(th.Active, " "+does+" ")
		} else {
			r.Gap(4).Put(th.Input, " "+does+" ")
		}
		lines = append(lines, r.Gap(1).Put(ink, row.Fit(what, max(r.Left()-1, 1))).String())
	}
	for i, hit := range f.twins {
		what := hit.Type + " " + hit.Name.String()
		if !hit.Detail.Empty() {
			what += " – " + hit.Detail.String()
		}
		choice(i-f.rows(), th.Strong, "use existing", what)
	}
	if len(f.twins) > 0 && f.anyway {
		choice(-1, th.Dim, "save anyway", "a second record of the same")
	}
	return lines
}

// detail is what stands below the field that has the focus: what can be chosen, what somebody else wrote, the help text.
func (f *Form) detail(th *theme.Theme, w int) (lines []string) {
	in := f.current()
	if in == nil {
		return nil
	}
	say := func(ink theme.Ink, s string) {
		lines = append(lines, row.New(w).Gap(6).Put(ink, row.Fit(s, max(w-8, 1))).String())
	}
	switch {
	case in.refers() && in.seeking:
		return f.foundLines(th, w, in)
	case in.picks() && in.seeking:
		lines = append(lines, f.optionLine(th, w, in, f.matching(in), func(int) string { return "" }))
	case in.many():
		lines = append(lines, f.optionLine(th, w, in, f.offered(in), func(i int) string {
			if in.ticked(in.field.Options[i].String()) {
				return "[✓] "
			}
			return "[ ] "
		}))
	}
	if !in.field.Theirs.Empty() && in.problem != "" {
		say(th.Text, "Salesforce has now: "+in.field.Theirs.String())
	}
	switch {
	case !in.field.Help.Empty():
		say(th.Faint, in.field.Help.String())
	case in.refers() && in.value == "" && !in.seeking:
		say(th.Faint, "type the beginning of its name")
	case in.picks() && in.field.Controller != "" && len(f.offered(in)) == 0:
		say(th.Faint, "choose "+f.labelOf(in.field.Controller)+" first")
	case in.text.Lines:
		say(th.Faint, "alt+enter begins another line")
	case !in.field.Hint.Empty() && (in.problem != "" || in.now() == ""):
		say(th.Faint, in.field.Hint.String())
	}
	return lines
}

func (f *Form) labelOf(name string) string {
	for i := range f.inputs {
		if f.inputs[i].field.Name == name {
			return f.inputs[i].field.Label.String()
		}
	}
	return name
}

// optionLine shows options side by side, the one that is chosen in sight.
func (f *Form) optionLine(th *theme.Theme, w int, in *input, list []int, mark func(int) string) string {
	r := row.New(w).Gap(6)
	if len(list) == 0 {
		return r.Put(th.Faint, "nothing of that is offered").String()
	}
	at := min(in.at, len(list)-1)
	width := 0
	from := at
	for i := at; i >= 0; i-- { // as many before it as fit
		width += row.Width(mark(list[i])+in.field.Option(list[i]).String()) + 3
		if width > w-8 {
			break
		}
		from = i
	}
	for n, i := range list[from:] {
		s := mark(i) + in.field.Option(i).String()
		if r.Left() < row.Width(s)+1 && n > 0 {
			r.Put(th.Faint, "…")
			break
		}
		ink := th.Dim
		if from+n == at {
			ink = th.Accent
		}
		r.Put(ink, s).Gap(3)
	}
	return r.String()
}

// foundLines are the records that a reference may point to.
func (f *Form) foundLines(th *theme.Theme, w int, in *input) (lines []string) {
	say := func(ink theme.Ink, s string) { lines = append(lines, row.New(w).Gap(6).Put(ink, s).String()) }
	hits := in.hits()
	switch {
	case in.found == nil || in.found.Busy || in.found.Query.String() != strings.TrimSpace(in.seek.Value()):
		if utf8.RuneCountInString(strings.TrimSpace(in.seek.Value())) < 2 {
			say(th.Faint, "type at least two letters")
		} else {
			say(th.Dim, "◌ asking Salesforce")
		}
	case !in.found.Error.Empty():
		say(th.Problem, in.found.Error.String())
	case len(hits) == 0:
		say(th.Faint, "nothing found")
	}
	const most = 4
	from := max(0, min(in.at-most+1, len(hits)-most))
	for i := from; i < min(from+most, len(hits)); i++ {
		r := row.New(w).Gap(6)
		ink := th.Text
		if i == in.at {
			r.Put(th.Accent, "▸ ")
			ink = th.Strong
		} else {
			r.Gap(2)
		}
		r.Put(ink, row.Fit(hits[i].Name.String(), max(min(40, w-24), 8)))
		if len(in.field.Refers) > 1 {
			r.Gap(2).Put(th.Dim, hits[i].Type)
		}
		lines = append(lines, r.String())
	}
	return lines
}

func (f *Form) draw(in *input, th *theme.Theme, w, label int, focus bool) (line string, col int) {
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
		if in.now() == "true" {
			box = " [✓] yes"
		}
		r.Put(ink, pad(box, min(width, 11)))
	case (in.picks() || in.refers()) && in.seeking:
		if in.picks() {
			width = min(width, 18) // what it stands at is shown beside it
		}
		shown, at := in.seek.Line(width - 2)
		col = r.Used() + 1 + at
		r.Put(ink, " "+pad(shown, width-2)+" ")
		if in.picks() && in.value != "" {
			r.Gap(1).Put(th.Accent, row.Fit("▸ "+in.shown(), max(r.Left()-1, 0)))
		}
	case in.picks() || in.many():
		shown := in.shown()
		if focus && !in.many() {
			r.Put(th.Accent, "◂ ").Put(ink, pad(row.Fit(shown, width-4), min(width-4, 28))).Put(th.Accent, " ▸")
		} else {
			r.Put(ink, pad(" "+row.Fit(shown, width-4), min(width-1, 30))).Gap(2)
		}
	case in.refers():
		r.Put(ink, pad(" "+row.Fit(in.shown(), width-3), min(width-1, 30))).Gap(2)
	default:
		shown, at := in.text.Line(width - 2)
		if focus {
			col = r.Used() + 1 + at
		}
		r.Put(ink, " "+pad(strings.ReplaceAll(shown, "\n", "↵"), width-2)+" ")
	}
	if problem != "" {
		r.Gap(2).Put(th.Problem, problem)
	} else if n := in.field.Length; focus && n > 0 && in.written() {
		count := strconv.Itoa(utf8.RuneCountInString(in.text.Value())) + "/" + strconv.Itoa(n)
		if r.Left() > len(count)+1 {
			r.Gap(1).Put(th.Faint, count)
		}
	}
	return r.String(), col
}

// written reports whether the field is text that is typed.
func (in *input) written() bool {
	return !in.toggles() && !in.picks() && !in.many() && !in.refers()
}

// shown is what people read for the value of a list or a reference.
func (in *input) shown() string {
	if in.value == "" {
		return "– none –"
	}
	if in.refers() {
		if !in.field.Shown.Empty() {
			return in.field.Shown.String()
		}
		return in.value
	}
	var out []string
	for v := range strings.SplitSeq(in.value, ";") {
		label := v
		for i, o := range in.field.Options {
			if o.String() == v {
				label = in.field.Option(i).String()
			}
		}
		out = append(out, label)
	}
	return strings.Join(out, ", ")
}

func pad(s string, w int) string { return s + row.Blank(w-row.Width(s)) }
