package overlay

import (
	"strings"

	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// Chooser finds what a new record is to be: a form that was not saved, or an object, by a few letters.
type Chooser struct {
	picker
	call desk.CallKey
	snap *desk.Snapshot
}

// choice is one line of the chooser.
type choice struct {
	title, detail string
	draft, object string
}

// NewChooser opens the list for a call, or for none.
func NewChooser(call desk.CallKey) *Chooser { return &Chooser{call: call} }

// Alive implements Box.
func (b *Chooser) Alive(s *desk.Snapshot) bool {
	b.snap = s
	return true
}

// list is what the letters find: unsaved forms first, then names that begin with them, then those that contain them.
func (b *Chooser) list() (out []choice) {
	if b.snap == nil {
		return nil
	}
	q := strings.ToLower(strings.TrimSpace(b.query.Value()))
	for i := len(b.snap.Drafts) - 1; i >= 0; i-- {
		d := b.snap.Drafts[i]
		title := "New " + d.Label.String()
		if !d.Record.Zero() {
			title = "Change " + d.Label.String()
		}
		if !d.About.Empty() {
			title += " " + d.About.String()
		}
		if strings.Contains(strings.ToLower(title), q) {
			out = append(out, choice{title: title, detail: "not saved, " + d.At.Local().Format("Mon 15:04"), draft: d.Key})
		}
	}
	if b.snap.Chooser == nil {
		return out
	}
	var rest []choice
	for _, o := range b.snap.Chooser.Objects {
		c := choice{title: o.Label.String(), object: o.Name}
		if o.Custom {
			c.detail = o.Name
		}
		switch title := strings.ToLower(c.title); {
		case strings.HasPrefix(title, q):
			out = append(out, c)
		case strings.Contains(title, q) || strings.Contains(strings.ToLower(o.Name), q):
			rest = append(rest, c)
		}
	}
	return append(out, rest...)
}

// Press implements Box.
func (b *Chooser) Press(k tea.Key, name string) Outcome {
	switch name {
	case "overlay.close":
		return Outcome{Close: true, Handled: true}
	case "overlay.accept":
		list := b.list()
		i, ok := b.chosen(len(list))
		if !ok {
			return Outcome{Handled: true}
		}
		cmd := desk.Command{Verb: desk.New, Call: b.call, Text: list[i].object}
		if list[i].draft != "" {
			cmd = desk.Command{Verb: desk.GoOn, Text: list[i].draft}
		}
		return Outcome{Close: true, Handled: true, Commands: []desk.Command{cmd}}
	}
	if k.Keystroke() == "ctrl+d" {
		list := b.list()
		if i, ok := b.chosen(len(list)); ok && list[i].draft != "" {
			return Outcome{Handled: true, Commands: []desk.Command{{Verb: desk.DropDraft, Text: list[i].draft}}}
		}
	}
	return Outcome{Handled: b.move(k, name)}
}

// Draw implements Box.
func (b *Chooser) Draw(th *theme.Theme, keys keymap.Map, s *desk.Snapshot, w, h int) Drawn {
	b.snap = s
	list := b.list()
	d := Drawn{Title: "New record", Foot: Hints(th, keys, "overlay.accept", "open", "overlay.close", "back")}
	room := b.draw(th, &d, max(min(64, w-2), 16), h, len(list), func(r *row.Row, i int, ink theme.Ink) string {
		detail := []row.Seg{{Ink: th.Dim, Text: list[i].detail}}
		if list[i].draft != "" {
			detail[0].Ink = th.Ringing
		}
		return r.Keep(row.SegsWidth(detail)+1).Put(ink, row.Fit(list[i].title, max(r.Left()-1, 1))).Right(detail...).String()
	})
	inner := d.Width - 4
	say := func(ink theme.Ink, line string) {
		d.Lines[2+min(len(list), room-1)] = row.New(inner).Gap(2).Put(ink, row.Fit(line, inner-3)).String()
	}
	switch {
	case s == nil || s.Chooser == nil || s.Chooser.Busy:
		say(th.Dim, "◌ asking Salesforce what you may create")
	case !s.Chooser.Error.Empty():
		say(th.Problem, s.Chooser.Error.String())
	case len(list) == 0:
		say(th.Dim, "nothing that you may create has these letters")
	}
	return d
}
