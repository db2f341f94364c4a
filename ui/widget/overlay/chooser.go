package overlay

import (
	"strings"

	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/edit"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// Chooser finds what a new record is to be: a form that was not saved, or an object, by a few letters.
type Chooser struct {
	call  desk.CallKey
	snap  *desk.Snapshot
	query edit.Field
	at    int
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
	case "overlay.down":
		b.at++
	case "overlay.up":
		b.at = max(b.at-1, 0)
	case "overlay.accept":
		list := b.list()
		if len(list) == 0 {
			return Outcome{Handled: true}
		}
		c := list[min(b.at, len(list)-1)]
		cmd := desk.Command{Verb: desk.New, Call: b.call, Text: c.object}
		if c.draft != "" {
			cmd = desk.Command{Verb: desk.GoOn, Text: c.draft}
		}
		return Outcome{Close: true, Handled: true, Commands: []desk.Command{cmd}}
	default:
		if list := b.list(); k.Keystroke() == "ctrl+d" && len(list) > 0 && list[min(b.at, len(list)-1)].draft != "" {
			return Outcome{Handled: true, Commands: []desk.Command{{Verb: desk.DropDraft, Text: list[min(b.at, len(list)-1)].draft}}}
		}
		handled, changed := b.query.Key(k)
		if changed {
			b.at = 0
		}
		return Outcome{Handled: handled}
	}
	return Outcome{Handled: true}
}

// Paste implements Box.
func (b *Chooser) Paste(s string) Outcome {
	b.query.Insert(s)
	b.at = 0
	return Outcome{Handled: true}
}

// Draw implements Box.
func (b *Chooser) Draw(th *theme.Theme, keys keymap.Map, s *desk.Snapshot, w, h int) Drawn {
	b.snap = s
	width := max(min(64, w-2), 16)
	inner := width - 4
	shown, at := b.query.Line(inner - 4)
	d := Drawn{Title: "New record", Width: width, Cursor: true, X: 3 + at, Foot: Hints(th, keys, "overlay.accept", "open", "overlay.close", "back")}
	d.Lines = append(d.Lines, row.New(inner).Put(th.Accent, "› ").Put(th.Active, " "+shown+row.Blank(inner-4-row.Width(shown))+" ").String(), row.Blank(inner))
	list := b.list()
	b.at = max(min(b.at, len(list)-1), 0)
	room := max(min(h-7, 12), 3)
	top := max(b.at-room+1, 0)
	for i := top; i < top+room; i++ {
		if i >= len(list) {
			d.Lines = append(d.Lines, row.Blank(inner))
			continue
		}
		r := row.New(inner)
		ink := th.Text
		if i == b.at {
			r.Put(th.Accent, "› ")
			ink = th.Select
		} else {
			r.Gap(2)
		}
		detail := []row.Seg{{Ink: th.Dim, Text: list[i].detail}}
		if list[i].draft != "" {
			detail[0].Ink = th.Ringing
		}
		d.Lines = append(d.Lines, r.Keep(row.SegsWidth(detail)+1).Put(ink, row.Fit(list[i].title, max(r.Left()-1, 1))).Right(detail...).String())
	}
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
