package overlay

import (
	"time"

	"offhook/crm/when"
	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/edit"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// Listed is a box whose keys are those of a list while no text is being typed in it.
type Listed interface {
	Box
	// Typing reports whether a text field of the box has the focus.
	Typing() bool
}

// moment asks when, and says how it was understood before anything is promised.
type moment struct {
	field edit.Field
	wrong string
}

func newMoment() *moment {
	m := &moment{}
	m.field.Limit = 64
	return m
}

// read understands what is typed, by the clock of the snapshot.
func (m *moment) read(s *desk.Snapshot) (time.Time, error) {
	return when.Parse(m.field.Value(), clockOf(s), s.DayStart)
}

// clockOf is the time of a snapshot in the agent's zone.
func clockOf(s *desk.Snapshot) time.Time {
	if zone, err := time.LoadLocation(s.Zone); err == nil && s.Zone != "" {
		return s.At.In(zone)
	}
	return s.At
}

// lines are the field and how it is understood, in w cells; x is where the cursor stands.
func (m *moment) lines(th *theme.Theme, s *desk.Snapshot, w int) (out []string, x int) {
	shown, at := m.field.Line(w - 4)
	out = append(out, row.New(w).Put(th.Accent, "› ").Put(th.Active, " "+shown+row.Blank(w-4-row.Width(shown))+" ").String(), row.Blank(w))
	ink, says := th.Dim, when.Help
	if m.field.Value() != "" && s != nil {
		if t, err := m.read(s); err != nil {
			ink, says = th.Warning, err.Error()
		} else {
			ink, says = th.Good, "→ "+when.Say(t, clockOf(s))
		}
	}
	for _, l := range row.Height(row.Wrap(says, w), w, 2) {
		out = append(out, row.New(w).Put(ink, l).String())
	}
	return out, 3 + at
}

// Result asks for a call's result.
type Result struct {
	call   desk.CallKey
	name   string
	at     int
	list   []desk.Disposition
	snap   *desk.Snapshot
	when   *moment // the chosen one asks when
	forced bool    // it opened by itself: the result is required
}

// NewResult opens the box for a call of the snapshot.
func NewResult(s *desk.Snapshot, c *desk.Call, name string) *Result {
	r := &Result{call: c.Key, name: name, forced: c.NeedsResult}
	r.take(s)
	for i, d := range r.list {
		if d.Code == c.Result {
			r.at = i
		}
	}
	return r
}

func (r *Result) take(s *desk.Snapshot) *desk.Call {
	c := callIn(s, r.call)
	if c != nil {
		r.snap, r.list = s, s.For(c)
		r.at = max(min(r.at, len(r.list)-1), 0)
	}
	return c
}

// Typing implements Listed.
func (r *Result) Typing() bool { return r.when != nil }

// Press implements Box.
func (r *Result) Press(k tea.Key, name string) Outcome {
	if r.when != nil {
		switch name {
		case "overlay.close":
			r.when = nil
		case "overlay.accept":
			if _, err := r.when.read(r.snap); err == nil {
				return r.give(r.when.field.Value())
			}
		default:
			handled, _ := r.when.field.Key(k)
			return Outcome{Handled: handled}
		}
		return Outcome{Handled: true}
	}
	for i, d := range r.list {
		if d.Key != "" && k.Text == d.Key {
			r.at = i
			return r.choose()
		}
	}
	switch name {
	case "list.close":
		return Outcome{Close: true, Handled: true}
	case "list.down":
		r.at = min(r.at+1, len(r.list)-1)
	case "list.up":
		r.at = max(r.at-1, 0)
	case "list.accept":
		return r.choose()
	case "list.done":
		return Outcome{Close: true, Handled: true, Commands: []desk.Command{{Verb: desk.Dispose, Call: r.call}}}
	default:
		return Outcome{}
	}
	return Outcome{Handled: true}
}

func (r *Result) choose() Outcome {
	if r.at >= len(r.list) {
		return Outcome{Handled: true}
	}
	if r.list[r.at].Callback {
		r.when = newMoment()
		return Outcome{Handled: true}
	}
	return r.give("")
}

func (r *Result) give(at string) Outcome {
	c := desk.Command{Verb: desk.Dispose, Call: r.call, Text: r.list[r.at].Code}
	if at != "" {
		c.Values = map[string]string{"when": at}
	}
	return Outcome{Close: true, Handled: true, Commands: []desk.Command{c}}
}

// Paste implements Box.
func (r *Result) Paste(s string) Outcome {
	if r.when != nil {
		r.when.field.Insert(s)
	}
	return Outcome{Handled: true}
}

// Alive implements Box.
func (r *Result) Alive(s *desk.Snapshot) bool { return r.take(s) != nil && len(r.list) > 0 }

// Draw implements Box.
func (r *Result) Draw(th *theme.Theme, keys keymap.Map, s *desk.Snapshot, w, h int) Drawn {
	width := max(min(58, w-2), 16)
	inner := width - 4
	d := Drawn{Title: "Result of " + row.Fit(r.name, width-20), Width: width}
	var given string
	if c := r.take(s); c != nil {
		given = c.Result
	}
	if r.when != nil {
		d.Title = row.Fit(r.list[r.at].Label.String()+": when?", width-8)
		d.Foot = Hints(th, keys, "overlay.accept", "promise it", "overlay.close", "back")
		lines, x := r.when.lines(th, s, inner)
		d.Lines, d.Cursor, d.X, d.Y = append([]string{row.Blank(inner)}, lines...), true, x, 1
		return d
	}
	d.Foot = Hints(th, keys, "list.accept", "give it", "list.down", "choose")
	if given != "" {
		d.Foot = append(append(d.Foot, row.Seg{Text: "   "}), Hints(th, keys, "list.done", "take it off")...)
	}
	later := "later"
	if !r.forced {
		later = "back"
	}
	d.Foot = append(append(d.Foot, row.Seg{Text: "   "}), Hints(th, keys, "list.close", later)...)
	for i, it := range r.list {
		l := row.New(inner)
		ink := th.Text
		if i == r.at {
			l.Put(th.Accent, "› ")
			ink = th.Select
		} else {
			l.Gap(2)
		}
		l.Cell(th.Key, it.Key, 1)
		l.Put(ink, it.Label.String())
		if it.Callback {
			l.Put(th.Dim, "  asks when")
		}
		if it.Code == given {
			l.Put(th.Good, "  ✓")
		}
		d.Lines = append(d.Lines, l.String())
	}
	d.Lines = around(d.Lines, r.at, max(h-6, 3))
	return d
}

// around keeps n lines, with the chosen one among them.
func around(lines []string, at, n int) []string {
	if len(lines) <= n {
		return lines
	}
	top := max(min(at-n/2, len(lines)-n), 0)
	return lines[top : top+n]
}
