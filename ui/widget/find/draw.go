package find

import (
	"slices"
	"strconv"
	"strings"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/caller"
	"offhook/ui/widget/row"
)

// Draw returns at most h lines and where the cursor stands (y is -1 while the list has the focus).
func (p *Page) Draw(th *theme.Theme, keys keymap.Map, w, h int) (lines []string, x, y int) {
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
	lines = append(lines, r.String(), p.note(th, keys, w))
	if len(p.rows) == 0 {
		lines = append(lines, p.nothing(th, keys, w)...)
	}
	if h <= len(lines) {
		p.room = 0
		return lines[:max(h, 0)], x, min(y, h-1)
	}
	if h-len(lines) > len(p.rows)+1 && len(p.rows) > 0 { // air, where there is room for it
		lines = append(lines, row.Blank(w))
	}
	p.room = h - len(lines)
	foot := len(p.rows) > p.room && p.room > 3
	if foot {
		p.room--
	}
	if p.at < p.top {
		p.top = p.at
	}
	if p.at >= p.top+p.room {
		p.top = p.at - p.room + 1
	}
	p.top = max(min(p.top, len(p.rows)-p.room), 0)
	end := min(p.top+p.room, len(p.rows))
	for i := p.top; i < end; i++ {
		lines = append(lines, p.hit(th, w, i))
	}
	if foot {
		lines = append(lines, row.New(w).Gap(4).Put(th.Faint, strconv.Itoa(p.top+1)+"–"+strconv.Itoa(end)+" of "+strconv.Itoa(len(p.rows))+
			"  "+keys.Key("search.further")+" further").String())
	}
	return lines, x, y
}

// note is the line under the query: what is under way, what was found and of which objects.
func (p *Page) note(th *theme.Theme, keys keymap.Map, w int) string {
	note := row.New(w).Gap(4)
	groups := p.groups()
	switch {
	case !p.state.Error.Empty():
		return note.Put(th.Problem, "✗ ").Put(th.Text, p.state.Error.String()).String()
	case p.state.Busy:
		return note.Put(th.Accent, "◌ searching Salesforce").String()
	case p.recent() && len(p.rows) == 0:
		return note.Put(th.Dim, "name, company, number, e-mail, case 1026 or an address; Enter searches").String()
	case p.recent() && len(groups) < 2:
		return note.Put(th.Dim, "looked at last; "+keys.Key("search.down")+" chooses one, or type a name, a number, an e-mail").String()
	case len(p.rows) == 0:
		return note.Put(th.Ringing, "○ nothing found for ").Put(th.Text, p.asked).String()
	case len(groups) > 1:
		p.tabs(th, keys, note, groups)
		return note.String()
	case p.For == "":
		note.Put(th.Dim, "Enter opens the record")
	case len(p.rows) == 1:
		note.Put(th.Dim, "1 record; Enter opens it and the call belongs to it")
	default:
		note.Put(th.Dim, "pick one: Enter opens it and the call belongs to it")
	}
	if groups[0].more {
		note.Put(th.Dim, "; "+keys.Key("search.more")+" finds more")
	}
	return note.String()
}

// tabs names the objects with their numbers; the one that is shown stands out.
func (p *Page) tabs(th *theme.Theme, keys keymap.Map, r *row.Row, groups []group) {
	total, more := 0, false
	for _, g := range groups {
		total, more = total+g.n, more || g.more
	}
	if p.recent() {
		r.Put(th.Dim, "looked at last: ")
	}
	for i, g := range append([]group{{"", total, more}}, groups...) {
		name, ink := g.object, th.Dim
		if g.object == "" {
			name = "all"
		}
		if g.object == p.only {
			ink = th.Strong
		}
		if i > 0 {
			r.Put(th.Faint, " · ")
		}
		n := strconv.Itoa(g.n)
		if g.more {
			n += "+"
		}
		r.Put(ink, name+" "+n)
	}
	if k, b := keys.Key("search.object"), keys.Key("search.objectback"); k != "" && !p.InQuery {
		r.Gap(2).Put(th.Key, b+" "+k)
		if more {
			r.Gap(1).Put(th.Key, keys.Key("search.more")).Put(th.Dim, " more")
		}
	}
	if says := "the call belongs to what you open"; p.For != "" && r.Left() > row.Width(says)+2 {
		r.Right(row.Seg{Ink: th.Dim, Text: says}, row.Seg{Text: " "})
	}
}

// nothing tells what was tried when nothing came, and what to do.
func (p *Page) nothing(th *theme.Theme, keys keymap.Map, w int) (lines []string) {
	if !p.state.Busy && p.asked != "" {
		for i, t := range p.state.Tried {
			r := row.New(w).Gap(4)
			if i == 0 {
				r.Put(th.Dim, "tried: ")
			} else {
				r.Gap(7)
			}
			lines = append(lines, r.Put(th.Text, t.String()).String())
		}
		if k := keys.Plain("search.new"); k != "" && p.state.Error.Empty() {
			lines = append(lines, row.New(w).Gap(4).Put(th.Key, k).Put(th.Dim, " makes a new record of it; one made minutes ago may not show yet").String())
		}
	}
	before := slices.DeleteFunc(slices.Clone(p.state.Before), func(q text.Text) bool { return q.String() == p.asked })
	if len(before) > 0 && p.past == 0 {
		r := row.New(w).Gap(4).Put(th.Key, keys.Key("search.up")).Put(th.Dim, " searched before: ")
		for i, q := range before {
			if i > 0 {
				r.Put(th.Faint, " · ")
			}
			r.Put(th.Dim, q.String())
		}
		lines = append(lines, r.String())
	}
	return lines
}

// hit is one line: its digit, the object where it changes, the name, the details in columns, the number with a mark when it is the one
// that was looked for.
func (p *Page) hit(th *theme.Theme, w, i int) string {
	h := p.rows[i]
	r := row.New(w)
	name := th.Text
	if i == p.at && !p.InQuery {
		r.Gap(1).Put(th.Accent, "› ")
		name = th.Select
	} else {
		r.Gap(3)
	}
	if n := i - p.top + 1; n <= 9 && !p.InQuery {
		r.Put(th.Key, strconv.Itoa(n)).Gap(1)
	} else {
		r.Gap(2)
	}
	mark := ""
	if p.marks {
		mark = "  "
	}
	if h.Verified {
		mark = " ✓"
	}
	phone := []row.Seg{{Ink: th.Dim, Text: h.Phone.Truncate(18).String()}, {Ink: th.Good, Text: mark}}
	if w < 60 || h.Phone.Empty() && !h.Verified {
		phone = nil
	}
	if phone != nil {
		r.Keep(row.SegsWidth(phone) + 1)
	}
	object := h.Type
	if !h.Label.Empty() {
		object = h.Label.String()
	}
	if i > p.top && p.rows[i-1].Type == h.Type { // once for each group
		object = ""
	}
	share := 30
	if p.recent() {
		share = 45
	}
	r.Cell(th.Dim, object, 11).Cell(name, h.Name.String(), caller.Share(w, share))
	p.details(th, r, h, w)
	if phone != nil {
		return r.Right(phone...).String()
	}
	return r.String()
}

// details puts the values beside a name into columns, where there is room for columns; in a list of what was looked at, when.
func (p *Page) details(th *theme.Theme, r *row.Row, h crm.Hit, w int) {
	if p.recent() {
		for _, rec := range p.state.Recent {
			if rec.ID == h.ID && !rec.At.IsZero() {
				r.Put(th.Dim, "opened here "+rec.At.Local().Format("02 Jan 15:04"))
			} else if rec.ID == h.ID {
				r.Put(th.Faint, "in Salesforce")
			}
		}
		return
	}
	parts := strings.Split(h.Detail.String(), " · ")
	if n := len(parts); n > 1 && w >= 100 {
		each := max(r.Left()/n-1, 4)
		for _, part := range parts[:n-1] {
			r.Cell(th.Dim, part, each)
		}
		r.Put(th.Dim, parts[n-1])
		return
	}
	r.Put(th.Dim, h.Detail.String())
}
