package boardpage

import (
	"cmp"
	"slices"
	"strings"

	"offhook/desk"
	"offhook/ui/theme"
	"offhook/ui/widget/bar"
)

// sorting is the order of the rows.
type sorting int

const (
	byState sorting = iota
	byName
	byTime
	sortings
)

func (s sorting) String() string { return [...]string{"state", "name", "time in state"}[s] }

func (s sorting) sort(rows []Agent) {
	slices.SortStableFunc(rows, func(x, y Agent) int {
		var c int
		switch s {
		case byState:
			c = cmp.Compare(rank(&x), rank(&y))
		case byTime:
			c = cmp.Compare(gone(&x), gone(&y)) // who has left stands below, however long ago
		}
		if s != byName && c == 0 {
			c = x.Since.Compare(y.Since)
		}
		if c == 0 {
			c = strings.Compare(strings.ToLower(x.Name.String()), strings.ToLower(y.Name.String()))
		}
		return cmp.Or(c, strings.Compare(x.ID, y.ID))
	})
}

func gone(a *Agent) int {
	if a.Presence == Gone {
		return 1
	}
	return 0
}

// rank puts first what a supervisor may have to do something about.
func rank(a *Agent) int {
	switch {
	case a.Presence == Gone:
		return 9
	case a.Presence == Stale:
		return 1
	}
	switch a.State {
	case desk.NotResponding:
		return 0
	case desk.Ringing:
		return 2
	case desk.OnCall:
		return 3
	case WrapUp:
		return 4
	case desk.Available:
		return 5
	case desk.Away:
		return 6
	}
	return 7
}

// look is a row's glyph, word and ink. The theme may be nil when only words are wanted.
func look(th *theme.Theme, a *Agent) (glyph, word string, ink theme.Ink) {
	if th == nil {
		th = &theme.Theme{}
	}
	state := a.State
	if a.Presence == Gone {
		state = desk.Offline
	}
	glyph, word, _ = bar.Badge(th, state)
	switch state {
	case desk.Available:
		ink = th.Good
	case desk.Ringing:
		ink = th.Ringing
	case desk.OnCall:
		ink = th.Accent
	case desk.Away:
		ink = th.Held
	case desk.NotResponding:
		ink = th.Problem
	case WrapUp:
		glyph, word, ink = "◐", "Wrap-up", th.Warning
	default:
		ink = th.Dim
	}
	switch a.Presence {
	case Stale:
		glyph, ink = "?", th.Warning
	case Unknown:
		ink = th.Faint
	case Gone:
		ink = th.Faint
	}
	return glyph, word, ink
}

// figure is how many agents are in one state.
type figure struct {
	n           int
	glyph       string
	word, short string
	ink         theme.Ink
}

// figures counts the agents by state, in the order of the header; what nobody is in is left out.
func figures(th *theme.Theme, rows []Agent) []figure {
	f := []figure{
		{glyph: "●", word: "available", short: "avail", ink: th.Good}, {glyph: "◉", word: "ringing", short: "ring", ink: th.Ringing},
		{glyph: "●", word: "on call", short: "call", ink: th.Accent}, {glyph: "◐", word: "wrap-up", short: "wrap", ink: th.Warning},
		{glyph: "‖", word: "away", short: "away", ink: th.Held}, {glyph: "!", word: "not responding", short: "missed", ink: th.Problem},
		{glyph: "?", word: "stale", short: "stale", ink: th.Warning}, {glyph: "✗", word: "offline", short: "off", ink: th.Dim},
	}
	at := map[desk.State]int{desk.Available: 0, desk.Ringing: 1, desk.OnCall: 2, WrapUp: 3, desk.Away: 4, desk.NotResponding: 5, desk.Offline: 7}
	for i := range rows {
		a := &rows[i]
		switch {
		case a.Presence == Gone:
			f[7].n++
			continue
		case a.Presence == Stale:
			f[6].n++
			continue
		}
		if k, ok := at[a.State]; ok {
			f[k].n++
		}
	}
	return slices.DeleteFunc(f, func(f figure) bool { return f.n == 0 })
}

// unsent counts the call records of the team that are not in Salesforce.
func unsent(rows []Agent) (waiting, refused int) {
	for i := range rows {
		waiting, refused = waiting+rows[i].Unsent, refused+rows[i].Refused
	}
	return waiting, refused
}

// severalTeams reports whether the rows are of more than one team.
func severalTeams(rows []Agent) bool {
	for i := range rows {
		if rows[i].Team != rows[0].Team || rows[i].Site != rows[0].Site {
			return true
		}
	}
	return false
}
