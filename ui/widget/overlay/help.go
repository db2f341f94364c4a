package overlay

import (
	"strings"

	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// Help shows every action and its keys, by group, in as many columns as the screen holds.
type Help struct {
	top, most int
	Demo      bool // show the demo's keys too
}

// Press implements Box.
func (p *Help) Press(k tea.Key, name string) Outcome {
	switch name {
	case "overlay.down":
		p.top = min(p.top+5, p.most)
	case "overlay.up":
		p.top = max(p.top-5, 0)
	case "overlay.close", "overlay.accept":
		return Outcome{Close: true, Handled: true}
	default:
		switch k.Keystroke() {
		case "q", "f1", "?", "shift+/":
			return Outcome{Close: true, Handled: true}
		}
		if k.Text == "?" {
			return Outcome{Close: true, Handled: true}
		}
		return Outcome{}
	}
	return Outcome{Handled: true}
}

// Paste implements Box.
func (p *Help) Paste(string) Outcome { return Outcome{} }

// Alive implements Box.
func (p *Help) Alive(*desk.Snapshot) bool { return true }

const helpColumn = 35

// Draw implements Box.
func (p *Help) Draw(th *theme.Theme, keys keymap.Map, _ *desk.Snapshot, w, h int) Drawn {
	columns := max(min((w-4)/(helpColumn+2), 4), 1)
	col := min(helpColumn, max(w-4, 8))
	if columns == 2 && w >= 80 {
		col = (w - 8) / 2
	}
	inner := columns*col + (columns-1)*2
	var blocks [][]string
	for _, g := range keymap.Groups() {
		if g == "Demo" && !p.Demo {
			continue
		}
		block := []string{row.New(col).Put(th.Brand, g).String()}
		for _, a := range keys.Group(g) {
			block = append(block, Line(th, keys, a, col))
		}
		blocks = append(blocks, append(block, row.Blank(col)))
	}
	lines := flow(blocks, columns, col)
	room := max(h-4, 1)
	p.most = max(len(lines)-room, 0)
	p.top = min(p.top, p.most)
	foot := Hints(th, keys, "overlay.close", "back")
	if p.most > 0 {
		foot = Hints(th, keys, "overlay.down", "more", "overlay.up", "back up", "overlay.close", "close")
	}
	return Drawn{Title: "Keys", Lines: lines[p.top:min(p.top+room, len(lines))], Foot: foot, Width: inner + 4}
}

// Line is one action with its keys.
func Line(th *theme.Theme, keys keymap.Map, a keymap.Action, w int) string {
	k := keys.Keys(a.Name)
	if k == "" {
		k = "–"
	}
	return row.New(w).Cell(th.Key, k, 11).Put(th.Text, a.Title).String()
}

// flow spreads blocks over columns of about the same height, in reading order, and never breaks a block.
func flow(blocks [][]string, columns, col int) []string {
	total, tallest := 0, 0
	for _, b := range blocks {
		total += len(b)
		tallest = max(tallest, len(b))
	}
	var out [][]string
	for height := max((total+columns-1)/columns, tallest); ; height++ {
		out = [][]string{nil}
		for _, b := range blocks {
			if last := len(out) - 1; len(out[last])+len(b) > height && len(out[last]) > 0 {
				out = append(out, b[:len(b):len(b)])
			} else {
				out[last] = append(out[last], b...)
			}
		}
		if len(out) <= columns {
			break
		}
	}
	longest := 0
	for _, c := range out {
		longest = max(longest, len(c))
	}
	lines := make([]string, longest)
	for y := range longest {
		parts := make([]string, columns)
		for x := range parts {
			parts[x] = row.Blank(col)
			if x < len(out) && y < len(out[x]) {
				parts[x] = out[x][y]
			}
		}
		lines[y] = strings.Join(parts, "  ")
	}
	for len(lines) > 1 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}
