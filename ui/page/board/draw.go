package boardpage

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/ui/theme"
	"offhook/ui/widget/bar"
	"offhook/ui/widget/row"
)

// The sizes at which the layout changes.
const (
	MinWidth, MinHeight   = 60, 12 // below: the small page
	sideWidth, sideHeight = 150, 24
	panel                 = 52 // width of the detail at the side
)

// frame is a drawn board: exactly h lines of w cells, and the cursor when the filter has the focus.
type frame struct {
	lines  []string
	cursor bool
	x, y   int
}

// canvas is what the panels of one frame are drawn with.
type canvas struct {
	th  *theme.Theme
	now time.Time
}

// draw draws the board.
func (p *Page) draw(th *theme.Theme, w, h int, now time.Time) frame {
	c := canvas{th, now}
	if w < MinWidth || h < MinHeight {
		return p.small(c, w, h)
	}
	lines := []string{p.header(c, w), p.figures(c, w)}
	if h >= 20 {
		lines = append(lines, row.Blank(w))
	}
	foot := p.foot(c, w, h)
	room := h - len(lines) - len(foot)
	var f frame
	if w >= sideWidth && h >= sideHeight {
		left := w - panel - 3
		f = p.table(c, left, room)
		side := row.Height(p.detail(c, panel, room), panel, room)
		f.lines = row.Columns(room, " "+th.Rule.Render("│")+" ", []int{left, panel}, f.lines, side)
	} else {
		below := 0
		if room >= 13 {
			below = 5
		}
		if room >= 24 {
			below = 6
		}
		f = p.table(c, w, room-below)
		if below > 0 {
			f.lines = append(f.lines, row.Height(p.detail(c, w, below), w, below)...)
		}
	}
	f.y += len(lines)
	f.lines = row.Height(append(append(lines, f.lines...), foot...), w, h)
	return f
}

// header is the first line: the program, what is watched, who watches.
func (p *Page) header(c canvas, w int) string {
	var side []row.Seg
	if waiting, refused := unsent(p.all); refused > 0 {
		side = append(side, row.Seg{Ink: c.th.Problem, Text: "✗ " + strconv.Itoa(waiting+refused) + " unsent"}, row.Seg{Text: "   "})
	} else if waiting > 0 {
		side = append(side, row.Seg{Ink: c.th.Warning, Text: "◌ " + strconv.Itoa(waiting) + " unsent"}, row.Seg{Text: "   "})
	}
	side = append(side, row.Seg{Ink: c.th.Dim, Text: p.who.Truncate(24).String() + " "})
	r := row.New(w).Keep(row.SegsWidth(side)+1).Gap(1).Put(c.th.Brand, "offhook").Gap(2).Put(c.th.BadgeTalking, " Team board ").Gap(1).Put(c.th.Text, p.what)
	n := strconv.Itoa(len(p.all)) + " agents"
	if len(p.all) == 1 {
		n = "1 agent"
	}
	if len(p.rows) != len(p.all) {
		n = strconv.Itoa(len(p.rows)) + " of " + n
	}
	return r.Put(c.th.Faint, " · ").Put(c.th.Dim, n).Right(side...).String()
}

// figures is the second line: how many are in which state.
func (p *Page) figures(c canvas, w int) string {
	list := figures(c.th, p.all)
	if len(list) == 0 {
		return row.Blank(w)
	}
	for _, try := range []struct {
		gap   int
		short bool
	}{{4, false}, {2, false}, {2, true}, {1, true}} {
		r := row.New(w).Gap(1)
		need := 1
		for i, f := range list {
			word := f.word
			if try.short {
				word = f.short
			}
			if i > 0 {
				r.Gap(try.gap)
				need += try.gap
			}
			ink, text := f.ink, c.th.Text
			if !p.link.Up {
				ink, text = c.th.Faint, c.th.Faint
			}
			n := strconv.Itoa(f.n)
			need += 3 + len(n) + row.Width(word)
			r.Put(ink, f.glyph).Gap(1).Put(text, n).Gap(1).Put(c.th.Dim, word)
		}
		if need <= w || try.gap == 1 {
			return r.String()
		}
	}
	return row.Blank(w)
}

// table draws the heading, the columns and the rows, in exactly h lines.
func (p *Page) table(c canvas, w, h int) frame {
	f := frame{}
	title, side := "Agents", []row.Seg{{Ink: c.th.Key, Text: p.keys.Key("board.sort")}, {Ink: c.th.Dim, Text: " by " + p.order.String()}}
	switch {
	case p.typing:
		shown, at := p.filter.Line(24)
		f.cursor, f.x = true, 3+row.Width("Filter: ")+at
		title = "Filter: " + shown
		side = []row.Seg{{Ink: c.th.Key, Text: p.keys.Key("overlay.accept")}, {Ink: c.th.Dim, Text: " done  "}, {Ink: c.th.Key, Text: p.keys.Key("overlay.close")}, {Ink: c.th.Dim, Text: " all"}}
	case p.filter.Value() != "":
		title = "Agents with “" + p.filter.Value() + "”"
		side = []row.Seg{{Ink: c.th.Key, Text: p.keys.Key("board.clear")}, {Ink: c.th.Dim, Text: " all  by " + p.order.String()}}
	}
	f.lines = []string{row.Heading(c.th, w, title, side...)}
	cols := columnsFor(w, severalTeams(p.all))
	room := h - 2
	if len(p.rows) == 0 {
		f.lines = append(f.lines, row.Blank(w))
		f.lines = append(f.lines, p.empty(c, w)...)
		f.lines = row.Height(f.lines, w, h)
		return f
	}
	f.lines = append(f.lines, cols.head(c.th, w, p.order))
	at := max(p.at(), 0)
	p.top = min(max(p.top, at-room+1), at)
	p.top = max(min(p.top, len(p.rows)-room), 0)
	end := min(p.top+room, len(p.rows))
	if end < len(p.rows) && room > 1 { // the last line says that there is more
		if at >= end-1 {
			p.top, end = p.top+1, min(end+1, len(p.rows))
		}
		if end < len(p.rows) {
			end--
		}
	}
	for i := p.top; i < end; i++ {
		f.lines = append(f.lines, cols.line(c.th, w, &p.rows[i], p.rows[i].ID == p.sel, c.now))
	}
	if more := len(p.rows) - end; more > 0 {
		f.lines = append(f.lines, row.New(w).Gap(4).Put(c.th.Dim, "↓ "+strconv.Itoa(more)+" more").String())
	}
	f.lines = row.Height(f.lines, w, h)
	return f
}

// empty says why there are no rows and what to do.
func (p *Page) empty(c canvas, w int) (out []string) {
	say := "No agent is on the board yet. Desks appear when their [hub] url is " + p.hub + "."
	switch {
	case len(p.all) > 0:
		say = "No agent has these letters. " + p.keys.Key("board.clear") + " shows all."
	case !p.link.Up:
		say = "Nothing to show before the hub answers."
	}
	for _, l := range row.Wrap(say, w-6) {
		out = append(out, row.New(w).Gap(4).Put(c.th.Dim, l).String())
	}
	return out
}

// foot draws the lower edge: a notice, what can be done, the state of the hub.
func (p *Page) foot(c canvas, w, h int) []string {
	out := []string{c.th.Rule.Render(strings.Repeat("─", w))}
	if line := p.notice(c, w); line != "" {
		out = append(out, line)
	} else if h >= 18 {
		out = append(out, row.Blank(w))
	}
	most := 1
	if h >= 20 {
		most = 2
	}
	items, _ := bar.Actions(c.th, w, most, p.items()...)
	out = append(out, row.Height(items, w, most)...)
	return append(out, p.status(c, w))
}

// notice is the one line above the actions: the hub's trouble, else the word about the last order.
func (p *Page) notice(c canvas, w int) string {
	if p.news.text.Empty() {
		return ""
	}
	glyph, ink := "✓", c.th.Good
	if p.news.bad {
		glyph, ink = "!", c.th.Ringing
	}
	return row.New(w).Gap(1).Put(ink, glyph).Gap(1).Put(c.th.Text, p.news.text.String()).String()
}

// status is the last line: the hub. When it is down the rows are old, and the line says how old.
func (p *Page) status(c canvas, w int) string {
	r := row.New(w).Gap(1)
	if p.link.Up {
		return r.Put(c.th.Good, "●").Gap(1).Put(c.th.Text, "Hub").Gap(1).Put(c.th.Dim, p.hub).String()
	}
	says := p.link.Text.String()
	if n := len(p.all); n > 0 && !p.link.Since.IsZero() {
		age := short(c.now.Sub(p.link.Since))
		side := []row.Seg{{Ink: c.th.Warning, Text: "rows are " + age + " old "}}
		r.Keep(row.SegsWidth(side) + 1)
		return r.Put(c.th.Problem, "✗").Gap(1).Put(c.th.Text, "Hub").Gap(1).Put(c.th.Problem, says).Right(side...).String()
	}
	return r.Put(c.th.Problem, "✗").Gap(1).Put(c.th.Text, "Hub").Gap(1).Put(c.th.Problem, says).String()
}

// items are the actions that are possible now: the orders, and what the board does itself.
func (p *Page) items() [][]bar.Item {
	list := func(names ...string) (out []bar.Item) {
		for _, n := range names {
			if a, ok := p.keys.Action(n); ok {
				out = append(out, bar.Item{Name: n, Key: p.keys.Key(n), Title: a.Title, Stay: n == "board.help" || n == "board.quit"})
			}
		}
		return out
	}
	if p.typing {
		return nil
	}
	var orders []string
	if p.may(Away) {
		orders = append(orders, "board.away")
	}
	if p.may(Available) {
		orders = append(orders, "board.available")
	}
	if p.may(Message) {
		orders = append(orders, "board.message", "board.logout")
	}
	general := list("board.down", "board.filter", "board.sort", "board.help", "board.quit")
	if p.desk != "" {
		general[len(general)-1] = bar.Item{Key: p.desk, Title: "Your desk", Stay: true}
	}
	if p.filter.Value() != "" {
		general = slices.Concat(list("board.clear"), general)
	}
	if len(orders) == 0 {
		return [][]bar.Item{general}
	}
	return [][]bar.Item{list(orders...), general}
}

// small is the page of a terminal that is too small: who, what and how long.
func (p *Page) small(c canvas, w, h int) frame {
	lines := []string{p.figures(c, w)}
	for i := range p.rows {
		if len(lines) >= h-1 {
			break
		}
		a := &p.rows[i]
		glyph, word, ink := look(c.th, a)
		lines = append(lines, row.Line(w, []row.Seg{{Ink: ink, Text: glyph + " "}, {Ink: c.th.Text, Text: a.Name.String()}}, row.Seg{Ink: ink, Text: row.Fit(word, w/2) + " " + since(a, c.now)}))
	}
	lines = row.Height(lines, w, max(h-1, 0))
	if h > 0 {
		last := row.New(w).Put(c.th.Faint, "Needs "+strconv.Itoa(MinWidth)+"×"+strconv.Itoa(MinHeight)).String()
		if !p.link.Up {
			last = p.status(c, w)
		}
		lines = append(lines, last)
	}
	return frame{lines: row.Height(lines, w, h)}
}
