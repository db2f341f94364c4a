// Package find is the search page: a query and the records it found, or, before anything was asked, what was looked at last.
//
// The list has the focus when a search brought something to pick, the query when it did not. The package searches nothing
// itself: it says what was asked for and which record was chosen.
package find

import (
	"slices"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"
	"offhook/ui/widget/edit"
)

// Page is the search page on the screen.
type Page struct {
	For     desk.CallKey
	Query   edit.Field
	InQuery bool // the query has the focus
	at, top int
	room    int       // lines that the list had when it was drawn last
	only    string    // the object that is shown; empty: all
	asked   string    // the query whose hits are shown
	rows    []crm.Hit // what is shown
	marks   bool      // some of them are marked
	state   desk.Search
	past    int    // how far back in the earlier searches; 0: not
	typed   string // what stood in the query before going back there
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
	came := len(s.Hits) > 0 && !s.Typed && (len(p.state.Hits) == 0 || p.state.Typed)
	if q := s.Query.String(); q != p.asked {
		if p.Query.Value() == p.asked {
			p.Query.Set(q)
		}
		p.only, p.at, p.top, p.rows = "", 0, 0, nil
	}
	p.take(s)
	if came && p.Query.Value() == s.Query.String() {
		p.InQuery = false
	}
}

func (p *Page) take(s *desk.Search) {
	p.state, p.asked = *s, s.Query.String()
	p.list()
	if len(s.Hits) == 0 && !p.recent() || len(p.rows) == 0 {
		p.InQuery = true
	}
}

// recent reports that the list is what was looked at last: nothing was asked yet.
func (p *Page) recent() bool { return p.asked == "" && len(p.state.Hits) == 0 }

// list makes the rows; the selection stays on its record.
func (p *Page) list() {
	var chosen string
	if p.at < len(p.rows) {
		chosen = p.rows[p.at].ID
	}
	all := p.all()
	p.rows = all
	if p.only != "" {
		p.rows = slices.DeleteFunc(slices.Clone(all), func(h crm.Hit) bool { return h.Type != p.only })
		if len(p.rows) == 0 {
			p.only, p.rows = "", all
		}
	}
	p.marks = slices.ContainsFunc(p.rows, func(h crm.Hit) bool { return h.Verified })
	p.at = min(p.at, max(len(p.rows)-1, 0))
	for i, h := range p.rows {
		if chosen != "" && h.ID == chosen {
			p.at = i
		}
	}
}

func (p *Page) all() []crm.Hit {
	if !p.recent() {
		return p.state.Hits
	}
	out := make([]crm.Hit, len(p.state.Recent))
	for i, r := range p.state.Recent {
		out[i] = r.Hit
	}
	return out
}

// group is the records of one object.
type group struct {
	object string
	n      int
	more   bool // Salesforce may have more
}

// groups are the objects of the list, in its order.
func (p *Page) groups() (out []group) {
	for _, h := range p.all() {
		i := slices.IndexFunc(out, func(g group) bool { return g.object == h.Type })
		if i < 0 {
			i = len(out)
			out = append(out, group{object: h.Type, more: slices.Contains(p.state.More, h.Type)})
		}
		out[i].n++
	}
	return out
}

// Filter shows the records of the next object only, or of the one before; all of them come between the last and the first.
func (p *Page) Filter(by int) {
	names := []string{""}
	for _, g := range p.groups() {
		names = append(names, g.object)
	}
	if len(names) < 3 {
		return
	}
	i := max(slices.Index(names, p.only), 0)
	p.only = names[(i+by+len(names))%len(names)]
	p.at, p.top, p.rows = 0, 0, nil // from the first
	p.list()
}

// Filters reports whether there is more than one object to choose from.
func (p *Page) Filters() bool { return len(p.groups()) > 1 }

// More reports whether Salesforce may have more records than are listed.
func (p *Page) More() bool { return len(p.state.More) > 0 && !p.state.Busy }

// Move selects another record.
func (p *Page) Move(by int) { p.at = max(min(p.at+by, len(p.rows)-1), 0) }

// Turn selects a record a page further, or back.
func (p *Page) Turn(by int) {
	p.Move(by * max(p.room, 1))
	if by > 0 {
		p.top = p.at
	}
}

// Pages reports whether the list is longer than what is shown of it.
func (p *Page) Pages() bool { return p.room > 0 && len(p.rows) > p.room }

// Chosen is the selected record.
func (p *Page) Chosen() (crm.Hit, bool) {
	if p.at >= len(p.rows) {
		return crm.Hit{}, false
	}
	return p.rows[p.at], true
}

// Pick selects the record that has the digit on the screen, 1 to 9.
func (p *Page) Pick(digit int) (crm.Hit, bool) {
	i := p.top + digit - 1
	if p.InQuery || digit < 1 || digit > min(p.room, 9) || i >= len(p.rows) {
		return crm.Hit{}, false
	}
	p.at = i
	return p.rows[i], true
}

// Switch moves the focus between query and list.
func (p *Page) Switch() { p.InQuery = !p.InQuery || len(p.rows) == 0 }

// Past puts an earlier search into the query, or one that came after it; past the last what was typed comes back. It reports whether
// there was one.
func (p *Page) Past(by int) bool {
	i := p.past + by
	if i < 0 || i > len(p.state.Before) {
		return false
	}
	if p.past == 0 {
		p.typed = p.Query.Value()
		if by > 0 && i < len(p.state.Before) && p.state.Before[i-1].String() == p.typed { // it stands there already
			i++
		}
	}
	p.past = i
	if i == 0 {
		p.Query.Set(p.typed)
	} else {
		p.Query.Set(p.state.Before[i-1].String())
	}
	return true
}

// Back reports whether an earlier search stands in the query.
func (p *Page) Back() bool { return p.past > 0 }

// Typed is what was typed, for a New form to begin with.
func (p *Page) Typed() text.Text { return text.Clean(p.Query.Value()) }
