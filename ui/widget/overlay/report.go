package overlay

import (
	"slices"
	"strings"

	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// Report is the page of reports: figures with bars, missed calls that can be called back, logins.
type Report struct {
	page *desk.ReportPage // as the desk shows it; nil: not yet
	at   int              // chosen line

	name, period, source string // what was asked for last: the desk's answer may be behind the keys
}

// NewReport opens the page; the desk is asked for the figures by the command that opens it.
func NewReport() *Report { return &Report{} }

// Typing implements Listed.
func (b *Report) Typing() bool { return false }

// Alive implements Box. The page closes when somebody else has closed it.
func (b *Report) Alive(s *desk.Snapshot) bool {
	if s == nil || s.Report == nil {
		return b.page == nil
	}
	if b.name == "" {
		b.name, b.period, b.source = s.Report.Name, s.Report.Period, s.Report.Source
	}
	b.page = s.Report
	if b.page.Name != b.name || b.page.Period != b.period || b.page.Source != b.source {
		b.page = &desk.ReportPage{Name: b.name, Period: b.period, Source: b.source, Busy: true}
	}
	b.at = max(min(b.at, len(b.page.Lines)-1), 0)
	return true
}

// after is the element beside one in a list, round and round.
func after(all []string, s string, by int) string {
	return all[(max(slices.Index(all, s), 0)+by+len(all))%len(all)]
}

// Press implements Box.
func (b *Report) Press(_ tea.Key, name string) Outcome {
	out := Outcome{Handled: true}
	ask := func(report, period, source string) {
		b.name, b.period, b.source, b.at = report, period, source, 0
		b.page = &desk.ReportPage{Name: report, Period: period, Source: source, Busy: true}
		out.Commands = []desk.Command{{Verb: desk.ReportOpen, Text: report, Values: map[string]string{"period": period, "source": source}}}
	}
	p := b.page
	if name == "list.close" {
		out.Close, out.Commands = true, []desk.Command{{Verb: desk.ReportHide}}
		return out
	}
	if p == nil {
		return Outcome{}
	}
	switch name {
	case "list.report":
		ask(after(desk.Reports(), p.Name, 1), p.Period, p.Source)
	case "list.before":
		ask(after(desk.Reports(), p.Name, -1), p.Period, p.Source)
	case "list.period":
		ask(p.Name, after(desk.ReportPeriods(), p.Period, 1), p.Source)
	case "list.source":
		ask(p.Name, p.Period, after(desk.ReportSources(), p.Source, 1))
	case "list.down":
		b.at = max(min(b.at+1, len(p.Lines)-1), 0)
	case "list.up":
		b.at = max(b.at-1, 0)
	case "list.accept":
		if b.at < len(p.Lines) && !p.Lines[b.at].Dial.Empty() {
			out.Close = true
			out.Commands = []desk.Command{{Verb: desk.ReportHide}, {Verb: desk.Dial, Text: p.Lines[b.at].Dial.String()}}
		}
	default:
		return Outcome{}
	}
	return out
}

// Paste implements Box.
func (b *Report) Paste(string) Outcome { return Outcome{} }

// Draw implements Box.
func (b *Report) Draw(th *theme.Theme, keys keymap.Map, s *desk.Snapshot, w, h int) Drawn {
	width := max(min(78, w-2), 16)
	inner := width - 4
	d := Drawn{Title: "Reports", Width: width}
	b.Alive(s)
	p := b.page
	if p == nil {
		d.Lines = []string{row.New(inner).Put(th.Dim, "◌ counting").String()}
		return d
	}
	tabs := row.New(inner)
	for _, name := range desk.Reports() {
		ink, mark := th.Dim, " "
		if name == p.Name {
			ink, mark = th.Select, "›"
		}
		tabs.Put(ink, mark+name+" ")
	}
	source := "this desk's calls"
	if p.Source == "salesforce" && p.Name != "history" && p.Name != "unsent" {
		source = "Salesforce, as far as you may see"
	}
	d.Lines = []string{tabs.String(), row.New(inner).Put(th.Dim, " "+p.Period+" · "+source).String(), row.Blank(inner)}
	foot := []string{"list.report", "next", "list.period", "period", "list.source", "source"}
	if b.at < len(p.Lines) && !p.Lines[b.at].Dial.Empty() {
		foot = append(foot, "list.accept", "call")
	}
	d.Foot = Hints(th, keys, append(foot, "list.close", "close")...)
	switch {
	case p.Busy:
		d.Lines = append(d.Lines, row.New(inner).Put(th.Dim, "◌ counting").String())
	case !p.Error.Empty():
		for _, l := range row.Wrap(p.Error.String(), inner-2) {
			d.Lines = append(d.Lines, row.New(inner).Put(th.Problem, "! ").Put(th.Text, l).String())
		}
	case len(p.Lines) == 0:
		nothing := "Nothing in this period."
		if p.Name == "unsent" {
			nothing = "Every call record is in Salesforce."
		}
		d.Lines = append(d.Lines, row.New(inner).Put(th.Dim, nothing).String())
	default:
		var lines []string
		for i, l := range p.Lines {
			lines = append(lines, reportLine(th, inner, l, i == b.at))
		}
		d.Lines = append(d.Lines, around(lines, b.at, max(h-10, 3))...)
		d.Lines = append(d.Lines, row.Blank(inner), row.New(inner).Gap(2).Put(th.Strong, p.Sum.String()).String())
	}
	if !p.Note.Empty() && !p.Busy {
		d.Lines = append(d.Lines, row.New(inner).Gap(2).Put(th.Faint, p.Note.String()).String())
	}
	return d
}

// reportLine draws one line: its name, its bar, its figures.
func reportLine(th *theme.Theme, w int, l desk.ReportLine, chosen bool) string {
	r := row.New(w)
	ink := th.Text
	if chosen {
		r.Put(th.Accent, "› ")
		ink = th.Select
	} else {
		r.Gap(2)
	}
	if !l.Dial.Empty() || l.Bar == 0 && l.Part == 0 && w < 40 {
		look := th.Dim
		if l.Waits {
			look = th.Ringing
		}
		right := row.Seg{Ink: look, Text: row.Fit(l.Value.String(), w/2)}
		return r.Keep(row.Width(right.Text)+1).Put(ink, l.Label.String()).Right(right).String()
	}
	right := row.Seg{Ink: th.Dim, Text: row.Fit(l.Value.String(), max(w/2, 12))}
	label := max(min(w-row.Width(right.Text)-4, 18), 6)
	room := w - 2 - label - 1 - row.Width(right.Text) - 2
	r.Cell(ink, l.Label.String(), label).Gap(1)
	if room >= 4 && l.Bar > 0 {
		whole := max(l.Bar*room/1000, 1)
		part := min((l.Part*room+999)/1000, whole)
		r.Put(th.Good, strings.Repeat("█", whole-part)).Put(th.Problem, strings.Repeat("▒", part))
	}
	return r.Right(right).String()
}
