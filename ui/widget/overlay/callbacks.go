package overlay

import (
	"slices"

	"offhook/crm/when"
	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// Callbacks is the list of those who were promised a call.
type Callbacks struct {
	snap *desk.Snapshot
	key  string // of the chosen one
	when *moment
}

// NewCallbacks opens the list; the soonest is chosen.
func NewCallbacks(s *desk.Snapshot) *Callbacks {
	b := &Callbacks{}
	b.Alive(s)
	return b
}

// Typing implements Listed.
func (b *Callbacks) Typing() bool { return b.when != nil }

// Alive implements Box.
func (b *Callbacks) Alive(s *desk.Snapshot) bool {
	if s == nil || len(s.Callbacks) == 0 {
		return false
	}
	b.snap = s
	if b.at() < 0 {
		b.key, b.when = s.Callbacks[0].Key, nil
	}
	return true
}

func (b *Callbacks) at() int {
	return slices.IndexFunc(b.snap.Callbacks, func(c desk.Callback) bool { return c.Key == b.key })
}

func (b *Callbacks) move(by int) {
	i := max(min(b.at()+by, len(b.snap.Callbacks)-1), 0)
	b.key = b.snap.Callbacks[i].Key
}

// Press implements Box.
func (b *Callbacks) Press(k tea.Key, name string) Outcome {
	out := Outcome{Handled: true}
	send := func(c desk.Command) { c.Text = b.key; out.Commands = []desk.Command{c} }
	if b.when != nil {
		switch name {
		case "overlay.close":
			b.when = nil
		case "overlay.accept":
			if _, err := b.when.read(b.snap); err == nil {
				send(desk.Command{Verb: desk.CallbackMove, Values: map[string]string{"when": b.when.field.Value()}})
				b.when = nil
			}
		default:
			out.Handled, _ = b.when.field.Key(k)
		}
		return out
	}
	switch name {
	case "list.close":
		out.Close = true
	case "list.down":
		b.move(1)
	case "list.up":
		b.move(-1)
	case "list.accept":
		out.Close = true
		send(desk.Command{Verb: desk.CallBack})
	case "list.later":
		b.when = newMoment()
	case "list.done":
		send(desk.Command{Verb: desk.CallbackDone})
	default:
		return Outcome{}
	}
	return out
}

// Paste implements Box.
func (b *Callbacks) Paste(s string) Outcome {
	if b.when != nil {
		b.when.field.Insert(s)
	}
	return Outcome{Handled: true}
}

// Draw implements Box.
func (b *Callbacks) Draw(th *theme.Theme, keys keymap.Map, s *desk.Snapshot, w, h int) Drawn {
	width := max(min(76, w-2), 16)
	inner := width - 4
	d := Drawn{Title: "Callbacks", Width: width}
	if !b.Alive(s) {
		return d
	}
	now := clockOf(s)
	if b.when != nil {
		cb := s.Callbacks[b.at()]
		d.Title = row.Fit("Call "+cb.Name.Or(cb.Number).String()+" back: when?", width-8)
		d.Foot = Hints(th, keys, "overlay.accept", "move it", "overlay.close", "back")
		lines, x := b.when.lines(th, s, inner)
		d.Lines, d.Cursor, d.X, d.Y = append([]string{row.Blank(inner)}, lines...), true, x, 1
		return d
	}
	d.Foot = Hints(th, keys, "list.accept", "call", "list.later", "later", "list.done", "done", "list.close", "close")
	for i, cb := range s.Callbacks {
		r := row.New(inner)
		ink := th.Text
		if i == b.at() {
			r.Put(th.Accent, "› ")
			ink = th.Select
		} else {
			r.Gap(2)
		}
		glyph, at := "○ ", th.Dim
		if cb.Due {
			glyph, at = "! ", th.Ringing
		}
		right := []row.Seg{{Ink: th.Dim, Text: when.Away(cb.At.Sub(now))}}
		local := cb.At.In(now.Location())
		day := local.Format("Mon 2 Jan 15:04")
		if y, m, dd := local.Date(); y == now.Year() && m == now.Month() && dd == now.Day() {
			day = "today " + local.Format("15:04")
		}
		r.Put(at, glyph).Keep(row.SegsWidth(right)+1).Cell(at, day, 16).Put(ink, cb.Name.Or(cb.Number).String())
		if !cb.Name.Empty() {
			r.Put(th.Dim, " "+cb.Number.String())
		}
		d.Lines = append(d.Lines, r.Right(right...).String())
	}
	d.Lines = around(d.Lines, b.at(), max(h-9, 3))
	d.Lines = append(d.Lines, row.Blank(inner))
	cb := s.Callbacks[b.at()]
	about := ""
	if lines := cb.Notes.Lines(); len(lines) > 0 {
		about = lines[0].String()
	}
	if cb.Tries > 0 {
		about = row.Fit("Called without an answer. "+about, inner)
	}
	d.Lines = append(d.Lines, row.New(inner).Put(th.Dim, about).String())
	return d
}
