package overlay

import (
	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/edit"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
	"github.com/sahilm/fuzzy"
)

// Possible is an entry of the palette: an action that is possible now.
type Possible struct {
	Name  string // of the action
	Title string // as it is called in this situation ("Resume", "New Lead")
	Help  string
	Group string
}

// Palette finds an action by a few letters of its name. It asks for what is possible each time it is drawn, because the
// call goes on while it is open.
type Palette struct {
	Items func() []Possible
	query edit.Field
	at    int
}

// Press implements Box.
func (p *Palette) Press(k tea.Key, name string) Outcome {
	switch name {
	case "overlay.close":
		return Outcome{Close: true, Handled: true}
	case "overlay.down":
		p.at++
	case "overlay.up":
		p.at = max(p.at-1, 0)
	case "overlay.accept":
		list := p.found()
		if len(list) == 0 {
			return Outcome{Handled: true}
		}
		return Outcome{Close: true, Handled: true, Action: list[min(p.at, len(list)-1)].Name}
	default:
		handled, changed := p.query.Key(k)
		if changed {
			p.at = 0
		}
		return Outcome{Handled: handled}
	}
	return Outcome{Handled: true}
}

// Paste implements Box.
func (p *Palette) Paste(s string) Outcome {
	p.query.Insert(s)
	p.at = 0
	return Outcome{Handled: true}
}

// Alive implements Box.
func (p *Palette) Alive(*desk.Snapshot) bool { return true }

type possibles []Possible

func (p possibles) String(i int) string { return p[i].Title + " " + p[i].Group + " " + p[i].Name }
func (p possibles) Len() int            { return len(p) }

// found lists what matches the query, the best first.
func (p *Palette) found() []Possible {
	all := p.Items()
	if p.query.Value() == "" {
		return all
	}
	var out []Possible
	for _, m := range fuzzy.FindFrom(p.query.Value(), possibles(all)) {
		out = append(out, all[m.Index])
	}
	return out
}

// Draw implements Box.
func (p *Palette) Draw(th *theme.Theme, keys keymap.Map, _ *desk.Snapshot, w, h int) Drawn {
	width := max(min(100, w-2), 16)
	inner := width - 4
	shown, at := p.query.Line(inner - 4)
	d := Drawn{Title: "All actions", Width: width, Cursor: true, X: 3 + at, Y: 0, Foot: Hints(th, keys, "overlay.accept", "do it", "overlay.close", "back")}
	d.Lines = append(d.Lines, row.New(inner).Put(th.Accent, "› ").Put(th.Active, " "+shown+row.Blank(inner-4-row.Width(shown))+" ").String(), row.Blank(inner))
	list := p.found()
	p.at = max(min(p.at, len(list)-1), 0)
	room := max(min(h-7, 12), 3)
	top := max(min(p.at-room+1, len(list)-room), 0)
	if p.at < room {
		top = 0
	}
	for i := top; i < top+room; i++ {
		if i >= len(list) {
			d.Lines = append(d.Lines, row.Blank(inner))
			continue
		}
		d.Lines = append(d.Lines, p.line(th, keys, list[i], inner, i == p.at))
	}
	if len(list) == 0 {
		d.Lines[2] = row.New(inner).Gap(2).Put(th.Dim, "nothing with these letters is possible now").String()
	}
	return d
}

func (p *Palette) line(th *theme.Theme, keys keymap.Map, it Possible, w int, selected bool) string {
	r := row.New(w)
	ink := th.Text
	if selected {
		r.Put(th.Accent, "› ")
		ink = th.Select
	} else {
		r.Gap(2)
	}
	key := []row.Seg{{Ink: th.Key, Text: keys.Keys(it.Name)}}
	return r.Keep(row.SegsWidth(key)+1).Cell(ink, it.Title, 20).Put(th.Dim, it.Help).Right(key...).String()
}
