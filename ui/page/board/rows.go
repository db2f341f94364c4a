package boardpage

import (
	"strconv"
	"time"

	"offhook/desk"
	"offhook/ui/theme"
	"offhook/ui/widget/bar"
	"offhook/ui/widget/calls"
	"offhook/ui/widget/row"
)

// columns is which columns a width holds and how wide they are; 0 leaves a column out.
type columns struct {
	team, name, state, since, peer, caller, match, flags, mos, unsent, version int
}

// Widths at which columns appear. The team has one only when the rows are of several.
const (
	nameFrom    = 100 // the caller's name
	versionFrom = 112
	teamFrom    = 128
)

func columnsFor(w int, teams bool) columns {
	c := columns{name: 14, state: 14, since: 7, peer: 9, match: 8, flags: 2, mos: 3, unsent: 6}
	if w >= nameFrom {
		c.name, c.flags = 18, 10
	}
	if w >= versionFrom {
		c.version = 9
	}
	if w >= teamFrom {
		c.name, c.state, c.version = 22, 18, 10
		if teams {
			c.team = 16
		}
	}
	rest := w - c.used() - 1
	if w >= nameFrom {
		if c.caller = min(max(rest-1, 0), 32); c.caller < 10 {
			c.caller = 0
		}
	} else if rest > 0 {
		c.name += min(rest, 10) // a narrow board gives what is left to the names
	}
	return c
}

// used is how many cells the columns take, with the mark, the glyphs and the gaps.
func (c columns) used() int {
	n := 2 + 2 + 2 // mark, state glyph, direction
	for _, w := range []int{c.team, c.name, c.state, c.since, c.peer, c.caller, c.match, c.flags, c.mos, c.unsent, c.version} {
		if w > 0 {
			n += w + 1
		}
	}
	return n
}

// head is the line above the rows.
func (c columns) head(th *theme.Theme, w int, sorted sorting) string {
	r := row.New(w).Gap(4)
	title := func(s string, width int, mine bool) {
		if width == 0 {
			return
		}
		ink := th.Faint
		if mine {
			ink = th.Dim
			s += " ↓"
		}
		r.Cell(ink, s, width)
	}
	title("agent", c.name, sorted == byName)
	title("team", c.team, false)
	title("state", c.state, sorted == byState)
	since := "since"
	if sorted == byTime {
		since += " ↓"
	}
	title(right(since, c.since), c.since, false)
	r.Gap(2)
	title("call", c.peer, false)
	title("caller", c.caller, false)
	title("match", c.match, false)
	title("", c.flags, false)
	title(right("MOS", c.mos), c.mos, false)
	title(right("unsent", c.unsent), c.unsent, false)
	title("version", c.version, false)
	return r.String()
}

func right(s string, w int) string { return row.Blank(w-row.Width(s)) + s }

// line is one row.
func (c columns) line(th *theme.Theme, w int, a *Agent, selected bool, now time.Time) string {
	pale := a.Presence != Live
	ink := func(i theme.Ink) theme.Ink {
		if pale {
			return th.Faint
		}
		return i
	}
	r := row.New(w)
	name := ink(th.Text)
	if selected {
		r.Put(th.Accent, "▌").Gap(1)
		name = th.Strong
	} else {
		r.Gap(2)
	}
	glyph, word, state := look(th, a)
	r.Put(state, glyph).Gap(1).Cell(name, a.Name.String(), c.name)
	if c.team > 0 {
		r.Cell(ink(th.Dim), place(a), c.team)
	}
	if a.Next != "" && a.Presence == Live {
		_, next, _ := bar.Badge(th, a.Next)
		if next = word + " → " + next; row.Width(next) <= c.state {
			word = next
		} else {
			word += " →"
		}
	} else if a.State == desk.Away && !a.Reason.Empty() && a.Presence != Gone {
		word += " · " + a.Reason.String()
	}
	r.Cell(state, word, c.state).Cell(ink(th.Text), right(since(a, now), c.since), c.since)
	switch {
	case a.Presence == Gone, a.State == desk.Offline:
		r.Gap(2).Put(th.Faint, row.Fit(how(a), max(c.rest(w, r.Used())-1, 0)))
		return c.tail(th, r, a, w)
	case a.Presence == Stale:
		r.Gap(2).Put(th.Warning, row.Fit("silent for "+short(now.Sub(a.Heard)), max(c.rest(w, r.Used())-1, 0)))
		return c.tail(th, r, a, w)
	}
	c.call(th, r, a, ink)
	return c.tail(th, r, a, w)
}

// rest is how many cells are left before the columns at the right end.
func (c columns) rest(w, used int) int { return max(c.tailAt(w)-used, 0) }

// tailAt is where the columns begin that every row has: unsent and version.
func (c columns) tailAt(int) int {
	n := c.used() - c.unsent - 1
	if c.version > 0 {
		n -= c.version + 1
	}
	return n
}

// tail writes the unsent records and the version, which stay true when an agent has gone.
func (c columns) tail(th *theme.Theme, r *row.Row, a *Agent, w int) string {
	r.To(c.tailAt(w))
	switch {
	case a.Refused > 0:
		r.Cell(th.Problem, right("✗ "+strconv.Itoa(a.Unsent+a.Refused), c.unsent), c.unsent)
	case a.Unsent > 0:
		r.Cell(th.Warning, right("◌ "+strconv.Itoa(a.Unsent), c.unsent), c.unsent)
	default:
		r.Cell(th.Faint, right("·", c.unsent), c.unsent)
	}
	if c.version > 0 {
		r.Put(th.Faint, row.Fit(a.Version.String(), c.version))
	}
	return r.String()
}

// call writes who is on the line and how it goes.
func (c columns) call(th *theme.Theme, r *row.Row, a *Agent, ink func(theme.Ink) theme.Ink) {
	k := a.Call
	if k == nil {
		return
	}
	r.Put(ink(th.Dim), arrow(k)).Gap(1)
	peer := k.Peer.String()
	if peer == "" {
		peer = "withheld"
	}
	if c.caller == 0 && !k.Name.Empty() && k.Match == "internal" {
		peer = k.Name.String()
	}
	r.Cell(ink(th.Text), peer, c.peer)
	if c.caller > 0 {
		r.Cell(ink(th.Text), k.Name.String(), c.caller)
	}
	word, match := matched(th, k.Match)
	r.Cell(ink(match), word, c.match)
	end := r.Used() + c.flags
	narrow := c.flags < 8
	for _, f := range marks(th, k) {
		if narrow {
			r.Put(ink(f.ink), f.glyph)
		} else if n := row.Width(f.glyph) + 1 + row.Width(f.word); r.Used()+n <= end {
			r.Put(ink(f.ink), f.glyph+" "+f.word).Gap(1)
		} else {
			r.Put(ink(f.ink), f.glyph).Gap(1)
		}
	}
	r.To(end).Gap(1)
	mos := ""
	grade := th.Text
	if k.MOS > 0 {
		grade, _ = calls.Grade(th, k.MOS)
		mos = strconv.FormatFloat(k.MOS, 'f', 1, 64)
	}
	r.Cell(ink(grade), right(mos, c.mos), c.mos)
}

// mark is something special about a call.
type mark struct {
	ink         theme.Ink
	glyph, word string
}

func marks(th *theme.Theme, k *Call) (out []mark) {
	switch k.Hold {
	case "us":
		out = append(out, mark{th.Held, "‖", "held"})
	case "them":
		out = append(out, mark{th.Held, "‖", "they hold"})
	case "both":
		out = append(out, mark{th.Held, "‖", "both hold"})
	}
	if k.Muted {
		out = append(out, mark{th.Problem, "⊘", "muted"})
	}
	return out
}

func arrow(k *Call) string {
	switch k.Dir {
	case "out":
		return "→"
	case "internal":
		return "↔"
	}
	return "←"
}

// matched is the result of the lookup in a word.
func matched(th *theme.Theme, m string) (string, theme.Ink) {
	switch m {
	case "one":
		return "known", th.Good
	case "many":
		return "several", th.Text
	case "none":
		return "new", th.Text
	case "internal":
		return "internal", th.Dim
	case "withheld", "not searched":
		return "–", th.Dim
	case "searching":
		return "looking", th.Dim
	case "failed":
		return "failed", th.Warning
	}
	return "", th.Dim
}

// since is the state's timer: to the second in what lasts seconds, else coarse.
func since(a *Agent, now time.Time) string {
	if a.Since.IsZero() {
		return ""
	}
	d := max(now.Sub(a.Since), 0)
	if a.Presence != Gone {
		switch a.State {
		case desk.Ringing, desk.OnCall, WrapUp:
			return calls.Clock(d)
		}
	}
	return bar.Ago(d)
}

// how is how an agent left, in words.
func how(a *Agent) string {
	switch {
	case a.State != desk.Offline:
		return "no sign of life"
	case a.Reason.Empty():
		return "the phone is not registered"
	}
	return a.Reason.String()
}

func place(a *Agent) string {
	if a.Site.Empty() {
		return a.Team.String()
	}
	return a.Team.String() + " · " + a.Site.String()
}
