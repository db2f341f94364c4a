package overlay

import (
	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
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
	picker
	Items func() []Possible
}

// Press implements Box.
func (p *Palette) Press(k tea.Key, name string) Outcome {
	switch name {
	case "overlay.close":
		return Outcome{Close: true, Handled: true}
	case "overlay.accept":
		list := p.found()
		if i, ok := p.chosen(len(list)); ok {
			return Outcome{Close: true, Handled: true, Action: list[i].Name}
		}
		return Outcome{Handled: true}
	}
	return Outcome{Handled: p.move(k, name)}
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
	list := p.found()
	d := Drawn{Title: "All actions", Foot: Hints(th, keys, "overlay.accept", "do it", "overlay.close", "back")}
	p.draw(th, &d, max(min(100, w-2), 16), h, len(list), func(r *row.Row, i int, ink theme.Ink) string {
		key := []row.Seg{{Ink: th.Key, Text: keys.Keys(list[i].Name)}}
		return r.Keep(row.SegsWidth(key)+1).Cell(ink, list[i].Title, 20).Put(th.Dim, list[i].Help).Right(key...).String()
	})
	if len(list) == 0 {
		d.Lines[2] = row.New(d.Width-4).Gap(2).Put(th.Dim, "nothing with these letters is possible now").String()
	}
	return d
}
