package overlay

import (
	"slices"
	"strconv"
	"strings"

	"offhook/desk"
	"offhook/internal/text"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// Worklist is the list of a campaign's members, with the card of the one that is chosen.
type Worklist struct {
	list   *desk.Worklist
	id     string    // of the chosen member
	number text.Text // of theirs that is called; empty: the first
	asked  bool      // the desk has answered
	next   string    // as the desk said last
	all    []text.Text
}

// NewWorklist opens the list; the desk is asked for the members by the command that opens it.
func NewWorklist(s *desk.Snapshot) *Worklist {
	b := &Worklist{}
	b.Alive(s)
	return b
}

// Typing implements Listed.
func (b *Worklist) Typing() bool { return false }

// Alive implements Box.
func (b *Worklist) Alive(s *desk.Snapshot) bool {
	if s == nil || s.Worklist == nil {
		return !b.asked
	}
	b.list, b.asked, b.all = s.Worklist, true, s.Campaigns
	if b.at() < 0 || b.list.Next != b.next { // the next one is chosen when another one has become it
		b.id, b.number = b.list.Next, text.Text{}
		if b.id == "" && len(b.list.Members) > 0 {
			b.id = b.list.Members[0].ID
		}
	}
	b.next = b.list.Next
	return true
}

func (b *Worklist) at() int {
	return slices.IndexFunc(b.list.Members, func(m desk.Member) bool { return m.ID == b.id })
}

func (b *Worklist) chosen() (desk.Member, bool) {
	if b.list == nil || b.at() < 0 {
		return desk.Member{}, false
	}
	return b.list.Members[b.at()], true
}

// Press implements Box.
func (b *Worklist) Press(k tea.Key, name string) Outcome {
	out := Outcome{Handled: true}
	send := func(c desk.Command) { out.Commands = []desk.Command{c} }
	m, ok := b.chosen()
	switch name {
	case "list.close":
		out.Close = true
	case "list.more":
		send(desk.Command{Verb: desk.WorkMore})
	case "list.campaign":
		if b.list != nil && len(b.all) > 1 {
			i := slices.Index(b.all, b.list.Campaign.Name)
			if i < 0 {
				i = slices.Index(b.all, text.Clean(b.list.Campaign.ID))
			}
			send(desk.Command{Verb: desk.WorkOpen, Text: b.all[(i+1)%len(b.all)].String()})
		}
	case "list.down", "list.up":
		if ok {
			by := 1
			if name == "list.up" {
				by = -1
			}
			b.id, b.number = b.list.Members[max(min(b.at()+by, len(b.list.Members)-1), 0)].ID, text.Text{}
		}
	case "list.number":
		if i := slices.Index(m.Numbers, b.number); len(m.Numbers) > 1 {
			b.number = m.Numbers[(max(i, 0)+1)%len(m.Numbers)]
		}
	case "list.done":
		if ok {
			send(desk.Command{Verb: desk.WorkSkip, Text: m.ID})
		}
	case "list.accept", "list.force":
		if ok {
			c := desk.Command{Verb: desk.WorkDial, Text: m.ID, Values: map[string]string{}}
			if !b.number.Empty() {
				c.Values["number"] = b.number.String()
			}
			if name == "list.force" {
				c.Values["force"] = "yes"
			}
			send(c)
			out.Close = !m.DoNotCall || name == "list.force"
		}
	default:
		return Outcome{}
	}
	return out
}

// Paste implements Box.
func (b *Worklist) Paste(string) Outcome { return Outcome{} }

// Draw implements Box.
func (b *Worklist) Draw(th *theme.Theme, keys keymap.Map, s *desk.Snapshot, w, h int) Drawn {
	width := max(min(78, w-2), 16)
	inner := width - 4
	b.Alive(s)
	others := []string{"list.close", "close"}
	if len(b.all) > 1 {
		others = append([]string{"list.campaign", "next campaign"}, others...)
	}
	d := Drawn{Title: "Work list", Width: width, Foot: Hints(th, keys, others...)}
	switch {
	case b.list == nil, b.list.Busy && len(b.list.Members) == 0:
		d.Lines = []string{row.New(inner).Put(th.Dim, "◌ asking Salesforce for the members").String()}
		return d
	case !b.list.Error.Empty() && len(b.list.Members) == 0:
		for _, l := range row.Wrap(b.list.Error.String(), inner-2) {
			d.Lines = append(d.Lines, row.New(inner).Put(th.Problem, "! ").Put(th.Text, l).String())
		}
		return d
	}
	d.Title = row.Fit("Work list – "+b.list.Campaign.Name.String()+" – "+strconv.Itoa(b.list.Left())+" to call", width-8)
	m, ok := b.chosen()
	if !ok {
		d.Lines = []string{row.New(inner).Put(th.Dim, "The campaign has no members that you can call.").String()}
		return d
	}
	pairs := []string{"list.accept", "call"}
	if m.DoNotCall {
		pairs = []string{"list.force", "call anyway"}
	}
	if len(m.Numbers) > 1 {
		pairs = append(pairs, "list.number", "other number")
	}
	skip := "pass over"
	switch {
	case m.Worked.Skipped:
		skip = "take back"
	case m.Worked.Done:
		skip = "once more"
	}
	pairs = append(pairs, "list.done", skip)
	if b.list.More {
		pairs = append(pairs, "list.more", "more")
	}
	d.Foot = Hints(th, keys, append(pairs, others...)...)
	for i := range b.list.Members {
		d.Lines = append(d.Lines, b.line(th, inner, &b.list.Members[i], i == b.at()))
	}
	d.Lines = around(d.Lines, b.at(), max(min(h-10, 14), 3))
	d.Lines = append(d.Lines, row.Blank(inner))
	d.Lines = append(d.Lines, b.card(th, inner, m)...)
	return d
}

func (b *Worklist) line(th *theme.Theme, w int, m *desk.Member, chosen bool) string {
	r := row.New(w)
	ink := th.Text
	if chosen {
		r.Put(th.Accent, "› ")
		ink = th.Select
	} else {
		r.Gap(2)
	}
	glyph, look, says := "○", th.Text, m.Status.String()
	switch {
	case m.Worked.Skipped:
		glyph, look, says = "–", th.Faint, "passed over"
	case m.Worked.Done:
		glyph, look, says = "✓", th.Good, m.Worked.Result.String()
	case m.DoNotCall:
		glyph, look, says = "!", th.Problem, "do not call"
	case len(m.Numbers) == 0:
		glyph, look, says = "?", th.Faint, "no number"
	case m.Worked.Calls > 0:
		glyph, says = "◌", m.Worked.Result.String()
	}
	right := row.Seg{Ink: th.Dim, Text: row.Fit(says, max(w/3, 8))}
	r.Put(look, glyph+" ").Keep(row.Width(right.Text)+1).Cell(ink, m.Who.Name.Or(text.Clean(m.Who.ID)).String(), max(w/3, 10)).Put(th.Dim, m.Company.String())
	return r.Right(right).String()
}

// card is what is known of the chosen member, on three lines.
func (b *Worklist) card(th *theme.Theme, w int, m desk.Member) []string {
	r := row.New(w).Put(th.Strong, m.Who.Name.String()).Put(th.Dim, "  "+m.Who.Type)
	if !m.Company.Empty() {
		r.Put(th.Dim, " · "+m.Company.String())
	}
	if !m.Status.Empty() {
		r.Put(th.Dim, " · "+m.Status.String())
	}
	numbers := row.New(w)
	for i, n := range m.Numbers {
		ink := th.Dim
		if n == b.number || b.number.Empty() && i == 0 {
			ink = th.Key
			numbers.Put(th.Accent, "☎ ")
		} else {
			numbers.Gap(2)
		}
		numbers.Put(ink, n.String()).Gap(2)
	}
	var says []string
	if m.DoNotCall {
		says = append(says, "does not want to be called")
	}
	if n := m.Worked.Calls; n > 0 {
		says = append(says, "called "+strconv.Itoa(n)+"×, last: "+m.Worked.Result.String())
	}
	return []string{r.String(), numbers.String(), row.New(w).Put(th.Warning, strings.Join(says, " · ")).String()}
}
