// Package find is the search page: a query and the records it found.
//
// The list has the focus when there is something to pick, the query when there is not. The package searches nothing
// itself: it says what was asked for and which record was chosen.
package find

import (
	"offhook/crm"
	"offhook/desk"
	"offhook/ui/theme"
	"offhook/ui/widget/caller"
	"offhook/ui/widget/edit"
	"offhook/ui/widget/row"
)

// Page is the search page on the screen.
type Page struct {
	For     desk.CallKey
	Query   edit.Field
	InQuery bool // the query has the focus
	at, top int
	asked   string // the query whose hits are shown
	hits    []crm.Hit
	state   desk.Search
}

// New opens the page.
func New(s *desk.Search) *Page {
	p := &Page{For: s.For, InQuery: len(s.Hits) == 0}
	p.Query.Set(s.Query.String())
	p.take(s)
	return p
}

// Sync takes over what the search found; what is being typed stays.
func (p *Page) Sync(s *desk.Search) {
	came := len(s.Hits) > 0 && len(p.hits) == 0
	if q := s.Query.String(); q != p.asked && p.Query.Value() == p.asked {
		p.Query.Set(q)
	}
	p.take(s)
	if came && p.Query.Value() == s.Query.String() {
		p.InQuery = false
	}
}

func (p *Page) take(s *desk.Search) {
	var chosen string
	if p.at < len(p.hits) {
		chosen = p.hits[p.at].ID
	}
	p.state, p.asked, p.hits = *s, s.Query.String(), s.Hits
	p.at = min(p.at, max(len(p.hits)-1, 0))
	for i, h := range p.hits { // the selection stays on its record
		if chosen != "" && h.ID == chosen {
			p.at = i
		}
	}
	if len(p.hits) == 0 {
		p.InQuery = true
	}
}

// Move selects another record.
func (p *Page) Move(by int) { p.at = max(min(p.at+by, len(p.hits)-1), 0) }

// Chosen is the selected record.
func (p *Page) Chosen() (crm.Hit, bool) {
	if p.at >= len(p.hits) {
		return crm.Hit{}, false
	}
	return p.hits[p.at], true
}

// Switch moves the focus between query and list.
func (p *Page) Switch() { p.InQuery = !p.InQuery || len(p.hits) == 0 }

// Draw returns at most h lines and where the cursor stands (y is -1 while the list has the focus).
func (p *Page) Draw(th *theme.Theme, w, h int) (lines []string, x, y int) {
	y = -1
	r := row.New(w).Gap(2)
	ink := th.Input
	if p.InQuery {
		ink = th.Active
		r.Put(th.Accent, "› ")
	} else {
		r.Gap(2)
	}
	r.Put(th.Dim, "Find ")
	width := min(w-r.Used()-4, 60)
	shown, at := p.Query.Line(width - 2)
	if p.InQuery {
		x, y = r.Used()+1+at, 0
	}
	r.Put(ink, " "+shown+row.Blank(width-2-row.Width(shown))+" ")
	lines = append(lines, r.String())
	note := row.New(w).Gap(4)
	switch {
	case !p.state.Error.Empty():
		note.Put(th.Problem, "✗ ").Put(th.Text, p.state.Error.String())
	case p.state.Busy:
		note.Put(th.Accent, "◌ searching Salesforce")
	case len(p.hits) == 0 && p.asked == "":
		note.Put(th.Dim, "a name, a company or a number; Enter searches")
	case len(p.hits) == 0:
		note.Put(th.Dim, "nothing found for ").Put(th.Text, p.asked)
	case len(p.hits) == 1:
		note.Put(th.Dim, "1 record; Enter opens it and the call belongs to it")
	default:
		note.Put(th.Dim, "pick one: Enter opens it and the call belongs to it")
	}
	if p.For == "" && len(p.hits) > 0 && p.state.Error.Empty() && !p.state.Busy {
		note = row.New(w).Gap(4).Put(th.Dim, "Enter opens the record")
	}
	lines = append(lines, note.String())
	if h <= len(lines) {
		return lines[:max(h, 0)], x, min(y, h-1)
	}
	if h-len(lines) > len(p.hits)+1 && len(p.hits) > 0 { // air, where there is room for it
		lines = append(lines, row.Blank(w))
	}
	room := h - len(lines)
	if p.at < p.top {
		p.top = p.at
	}
	if p.at >= p.top+room {
		p.top = p.at - room + 1
	}
	p.top = max(min(p.top, len(p.hits)-room), 0)
	for i := p.top; i < len(p.hits) && len(lines) < h; i++ {
		lines = append(lines, p.hit(th, w, i))
	}
	return lines, x, y
}

func (p *Page) hit(th *theme.Theme, w, i int) string {
	h := p.hits[i]
	r := row.New(w)
	name := th.Text
	if i == p.at && !p.InQuery {
		r.Gap(2).Put(th.Accent, "› ")
		name = th.Select
	} else {
		r.Gap(4)
	}
	phone := []row.Seg{{Ink: th.Dim, Text: h.Phone.Truncate(18).String()}, {Text: " "}}
	if w >= 60 {
		r.Keep(row.SegsWidth(phone) + 1)
	}
	r.Cell(th.Dim, h.Type, 11).Cell(name, h.Name.String(), caller.Share(w, 30)).Put(th.Dim, h.Detail.String())
	if w >= 60 {
		return r.Right(phone...).String()
	}
	return r.String()
}
