package deskpage

import (
	"offhook/desk"
	"offhook/keymap"

	tea "charm.land/bubbletea/v2"
)

func (p *Page) doSearch(a keymap.Action) Result {
	f := p.find
	if f == nil {
		return Result{}
	}
	switch a.Name {
	case "search.down":
		switch {
		case f.InQuery && f.Back() && f.Past(-1):
		case f.InQuery: // from the query into the list
			f.Switch()
		default:
			f.Move(1)
		}
	case "search.up":
		if f.InQuery {
			f.Past(1)
		} else {
			f.Move(-1)
		}
	case "search.further":
		f.Turn(1)
	case "search.nearer":
		f.Turn(-1)
	case "search.object":
		f.Filter(1)
	case "search.objectback":
		f.Filter(-1)
	case "search.query":
		f.Switch()
	case "search.more":
		if f.More() {
			return send(desk.Command{Verb: desk.SearchIn, Call: f.For, Text: p.snap.Search.Query.String(), Values: map[string]string{desk.SearchMore: "yes"}})
		}
	case "search.close":
		return send(desk.Command{Verb: desk.Close})
	case "search.new":
		c := desk.Command{Verb: desk.New, Call: f.For}
		if t := f.Typed(); !t.Empty() && !p.ownNumber(t.String()) {
			c.Values = map[string]string{"typed": t.String()}
		}
		return send(c)
	case "search.open":
		if f.InQuery {
			return send(desk.Command{Verb: desk.SearchIn, Call: f.For, Text: f.Query.Value()})
		}
		return p.open()
	}
	return Result{Handled: true}
}

// ownNumber reports whether the query is just the number of the call that the page is for, which a New form has anyway.
func (p *Page) ownNumber(query string) bool {
	c := p.call(p.find.For)
	return c != nil && c.Remote.Number.String() == query
}

// open opens the record that is chosen; during a call, picking it attaches the call to it.
func (p *Page) open() Result {
	if h, ok := p.find.Chosen(); ok {
		return send(desk.Command{Verb: desk.Open, Call: p.find.For, Record: h.Ref})
	}
	return Result{Handled: true}
}

// pick opens a record by its digit.
func (p *Page) pick(k tea.Key) Result {
	if key := k.String(); len(key) == 1 && key[0] >= '1' && key[0] <= '9' {
		if _, ok := p.find.Pick(int(key[0] - '0')); ok {
			return p.open()
		}
		return Result{Handled: true} // no digit picks a call here
	}
	return Result{}
}

// searching tells the desk what is being typed, where it wants to know.
func (p *Page) searching(changed bool) []desk.Command {
	if !changed || p.snap.Search == nil || !p.snap.Search.Live {
		return nil
	}
	return []desk.Command{{Verb: desk.SearchTyped, Call: p.find.For, Text: p.find.Query.Value()}}
}
