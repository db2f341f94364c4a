package overlay

import (
	"offhook/ui/theme"
	"offhook/ui/widget/edit"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// picker is a line of letters above a list that they find: what boxes have in common in which one thing of many is chosen. What is in
// the list is the box's own.
type picker struct {
	query edit.Field
	at    int // the chosen line; may stand behind the end until it is drawn
}

// move carries out a key that only moves or types, and reports whether it was one.
func (p *picker) move(k tea.Key, name string) bool {
	switch name {
	case "overlay.down":
		p.at++
	case "overlay.up":
		p.at = max(p.at-1, 0)
	default:
		handled, changed := p.query.Key(k)
		if changed {
			p.at = 0
		}
		return handled
	}
	return true
}

// Paste implements Box.
func (p *picker) Paste(s string) Outcome {
	p.query.Insert(s)
	p.at = 0
	return Outcome{Handled: true}
}

// chosen is the chosen one of n lines; false when there is none.
func (p *picker) chosen(n int) (int, bool) { return min(p.at, n-1), n > 0 }

// draw puts the letters and as many of n lines as h has room for into a box of this width, with the chosen one in sight. It returns how
// many there is room for.
func (p *picker) draw(th *theme.Theme, d *Drawn, width, h, n int, line func(r *row.Row, i int, ink theme.Ink) string) (room int) {
	inner := width - 4
	shown, at := p.query.Line(inner - 4)
	d.Width, d.Cursor, d.X = width, true, 3+at
	d.Lines = append(d.Lines, row.New(inner).Put(th.Accent, "› ").Put(th.Active, " "+shown+row.Blank(inner-4-row.Width(shown))+" ").String(), row.Blank(inner))
	p.at = max(min(p.at, n-1), 0)
	room = max(min(h-7, 12), 3)
	top := max(p.at-room+1, 0)
	for i := top; i < top+room; i++ {
		switch {
		case i >= n:
			d.Lines = append(d.Lines, row.Blank(inner))
		case i == p.at:
			d.Lines = append(d.Lines, line(row.New(inner).Put(th.Accent, "› "), i, th.Select))
		default:
			d.Lines = append(d.Lines, line(row.New(inner).Gap(2), i, th.Text))
		}
	}
	return room
}
