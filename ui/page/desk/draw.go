package deskpage

import (
	"strings"
	"time"

	"offhook/desk"
	"offhook/internal/text"
	"offhook/ui/theme"
	"offhook/ui/widget/bar"
	"offhook/ui/widget/row"
)

// Frame is a drawn page: exactly h lines of w cells, and the cursor when a text field has the focus.
type Frame struct {
	Lines  []string
	Cursor bool
	X, Y   int
}

// The sizes at which the layout changes.
const (
	MinWidth, MinHeight   = 60, 16 // below: the small page
	twoWidth, twoHeight   = 108, 28
	wideWidth, wideHeight = 168, 34
)

// Draw draws the page. flash is a word to the agent about the last key, or empty.
func (p *Page) Draw(th *theme.Theme, w, h int, now time.Time, flash text.Text) Frame {
	p.zones, p.rows, p.apart = p.zones[:0], p.rows[:0], false
	c := canvas{th, now}
	if w < MinWidth || h < MinHeight {
		return p.small(c, w, h)
	}
	var top panel
	top.add(bar.Header(th, w, p.snap, now))
	if cap := p.snap.Caption.String(); cap != "" {
		if h >= 34 {
			top.add(row.Blank(w))
		}
		most := 2
		if h < 20 {
			most = 1
		}
		top.add(bar.Caption(th, w, cap, most)...)
		if h >= 34 {
			top.add(row.Blank(w))
		}
	} else if h >= 24 {
		top.add(row.Blank(w))
	}
	foot := p.foot(c, w, h, flash)
	room := h - len(top.lines) - len(foot.lines)
	var body panel
	switch {
	case w >= wideWidth && h >= wideHeight:
		body = p.three(c, w, room, len(top.lines))
	case w >= twoWidth && h >= twoHeight:
		body = p.two(c, w, room, len(top.lines))
	default:
		body = p.one(c, w, room, len(top.lines))
	}
	top.join(body)
	for i := range p.zones {
		p.zones[i].Line += len(top.lines) + len(foot.lines) - 1 - p.footActions(foot)
	}
	top.join(foot)
	return Frame{Lines: row.Height(top.lines, w, h), Cursor: top.cursor, X: top.x, Y: top.y}
}

// footActions is how many lines of the foot the actions take.
func (p *Page) footActions(foot panel) int { return foot.y }

// foot draws the lower edge: notices, the newest landed Task, the action bar, the status line. Its y is the number of
// lines of the action bar.
func (p *Page) foot(c canvas, w, h int, flash text.Text) panel {
	var out panel
	out.add(c.th.Rule.Render(strings.Repeat("─", w)))
	most := 1
	switch {
	case h >= 34:
		most = 4
	case h >= 20:
		most = 2
	}
	notices := p.notices()
	if !flash.Empty() {
		notices = append(notices[:len(notices):len(notices)], desk.Notice{Severity: desk.Info, Text: flash})
	}
	hide := ""
	if flash.Empty() && p.snap.Offer == nil {
		hide = p.keys.Key("notice.hide")
	}
	out.add(bar.Notices(c.th, w, most, notices, hide)...)
	if w < twoWidth || h < twoHeight {
		if len(p.snap.Calls) > 0 || p.card() != nil || p.form != nil || p.find != nil {
			out.add(bar.Landed(c.th, w, 1, p.snap.Landed, c.now)...)
		}
	}
	lines := 2
	if h < 18 {
		lines = 1
	}
	actions, zones := bar.Actions(c.th, w, lines, p.bars()...)
	p.zones = append(p.zones, zones...)
	out.add(row.Height(actions, w, lines)...)
	out.y = lines
	out.add(bar.Status(c.th, w, p.snap, c.now))
	return out
}

// notices are the desk's, and the word about a number that another program hands over. It is last, and not to be hidden: it goes by
// itself.
func (p *Page) notices() []desk.Notice {
	list := p.snap.Notices
	if o := p.snap.Offer; o != nil {
		line := "Another program asks to call " + o.Number.Truncate(40).String() + "."
		if key := p.keys.Key("call.offered"); key != "" {
			line += " " + key + " opens the dial box."
		}
		list = append(list[:len(list):len(list)], desk.Notice{Severity: desk.Info, Text: text.Clean(line)})
	}
	return list
}

// one is the layout of a small terminal: everything under each other.
func (p *Page) one(c canvas, w, h, at int) panel {
	most := max(min(h*2/5, 9), 4)
	if p.form != nil || p.find != nil {
		most = max(min(h/4, 5), 2)
	}
	out := p.calls(c, w, most, 0, at)
	if h-len(out.lines) >= 9 {
		out.add(row.Blank(w))
	}
	room := h - len(out.lines)
	if p.form != nil || p.find != nil {
		out.join(p.middle(c, w, room))
		return out
	}
	call := p.Focused()
	notes := 0
	switch {
	case p.noting != "":
		notes = max(room/2, min(room-3, 4))
	case call != nil && !call.Notes.Empty() && room >= 12:
		notes = 3
	}
	out.join(p.middle(c, w, room-notes))
	out.join(p.notesPanel(c, w, notes))
	return out
}

// two is the layout of a medium terminal: calls and notes left, the caller right, landed Tasks below.
func (p *Page) two(c canvas, w, h, at int) panel {
	p.apart = true
	landed := max(min(h/6, 6), 3)
	if n := len(p.snap.Lamps); n > 0 {
		landed = max(landed, min(n+1, h/4))
	}
	body := h - landed - 1
	left := min(max(w*40/100, 46), 60)
	widths := []int{left, w - left - 3}
	a := p.calls(c, left, body*3/5, 0, at)
	a.add(row.Blank(left))
	notes := body - len(a.lines)
	a.join(p.notesPanel(c, left, notes))
	b := p.middle(c, widths[1], body)
	out := p.columns(c, body, widths, a, b)
	out.add(row.Blank(w))
	if len(p.snap.Lamps) == 0 {
		out.join(p.landedPanel(c, w, landed))
		return out
	}
	below := p.columns(c, landed, widths, p.colleaguesPanel(c, left, landed), p.landedPanel(c, widths[1], landed))
	out.add(below.lines...)
	return out
}

// three is the layout of a large terminal: calls · caller · notes, landed Tasks and what is possible.
func (p *Page) three(c canvas, w, h, at int) panel {
	p.apart = true
	left := min(max(w*28/100, 46), 66)
	right := min(max(w*28/100, 50), 72)
	widths := []int{left, w - left - right - 6, right}
	a := p.calls(c, left, h*3/5, 0, at)
	a.add(row.Blank(left))
	a.join(p.landedPanel(c, left, min(h-len(a.lines), 12)))
	b := p.middle(c, widths[1], h)
	third := p.notesPanel(c, right, max(h/4, 8))
	third.add(row.Blank(right))
	if n := len(p.snap.Lamps); n > 0 {
		third.join(p.colleaguesPanel(c, right, min(n+1, max(h/5, 4))))
		third.add(row.Blank(right))
	}
	third.join(p.keysPanel(c, right, h-len(third.lines)))
	return p.columns(c, h, widths, a, b, third)
}

// columns puts panels side by side.
func (p *Page) columns(c canvas, h int, widths []int, panels ...panel) panel {
	var out panel
	blocks := make([][]string, len(panels))
	x := 0
	for i, q := range panels {
		blocks[i] = q.lines
		if q.cursor {
			out.cursor, out.x, out.y = true, x+q.x, q.y
		}
		x += widths[i] + 3
	}
	out.lines = row.Columns(h, " "+c.th.Rule.Render("│")+" ", widths, blocks...)
	return out
}
