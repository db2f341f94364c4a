package overlay

import (
	"strings"
	"unicode"

	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/edit"
	"offhook/ui/widget/row"

	tea "charm.land/bubbletea/v2"
)

// Entry asks for a number, to dial or to transfer to. It says what will happen before it happens.
type Entry struct {
	field edit.Field
	call  desk.CallKey // the call to transfer; empty: dial
	verb  desk.Verb
	name  string
	wrong string
}

// Dial asks for a number to call.
func Dial() *Entry { return entry(desk.Dial, "", "") }

// Transfer asks where to send a call.
func Transfer(c *desk.Call, name string) *Entry { return entry(desk.Xfer, c.Key, name) }

func entry(v desk.Verb, call desk.CallKey, name string) *Entry {
	e := &Entry{verb: v, call: call, name: name}
	e.field.Limit = 128
	e.field.Allow = func(r rune) bool { // numbers as people write them, and sip: addresses
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("+*#-._()/ :@;=~", r)
	}
	return e
}

// Press implements Box.
func (e *Entry) Press(k tea.Key, name string) Outcome {
	switch name {
	case "overlay.close":
		return Outcome{Close: true, Handled: true}
	case "overlay.accept":
		n := strings.TrimSpace(e.field.Value())
		if n == "" {
			e.wrong = "Type a number first."
			return Outcome{Handled: true}
		}
		return Outcome{Close: true, Handled: true, Commands: []desk.Command{{Verb: e.verb, Call: e.call, Text: n}}}
	}
	handled, changed := e.field.Key(k)
	if changed {
		e.wrong = ""
	}
	return Outcome{Handled: handled}
}

// Paste implements Box.
func (e *Entry) Paste(s string) Outcome {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "tel:"); ok {
		s = rest
	}
	e.field.Insert(s)
	return Outcome{Handled: true}
}

// Alive implements Box.
func (e *Entry) Alive(s *desk.Snapshot) bool { return e.call == "" || up(s, e.call) }

// Draw implements Box.
func (e *Entry) Draw(th *theme.Theme, keys keymap.Map, s *desk.Snapshot, w, _ int) Drawn {
	width := max(min(58, w-2), 16)
	inner := width - 4
	shown, at := e.field.Line(inner - 2)
	d := Drawn{Width: width, Cursor: true, X: 1 + at, Y: 1}
	number := strings.TrimSpace(e.field.Value())
	var says string
	if e.verb == desk.Xfer {
		d.Title = "Transfer " + e.name
		says = e.name + " goes to that number and leaves this desk."
		if number != "" {
			says = e.name + " goes to " + number + " and leaves this desk."
		}
		says += " If nobody answers there, the call comes back to you."
		d.Foot = Hints(th, keys, "overlay.accept", "transfer", "overlay.close", "back")
	} else {
		d.Title = "Call"
		says = "Type or paste a number, an extension or a sip: address."
		if number != "" {
			says = "Calls " + number + "."
			if s != nil && s.Open != nil {
				says += " " + s.Open.Name.String() + "'s card is open: the call is about that record."
			}
		}
		d.Foot = Hints(th, keys, "overlay.accept", "call", "overlay.close", "back")
	}
	ink := th.Dim
	if e.wrong != "" {
		says, ink = e.wrong, th.Problem
	}
	d.Lines = append(d.Lines, row.Blank(inner), row.New(inner).Put(th.Active, " "+shown+row.Blank(inner-2-row.Width(shown))+" ").String(), row.Blank(inner))
	text := row.Wrap(says, inner)
	for i := range 3 { // the box keeps its size while the words change
		l := ""
		if i < len(text) {
			l = text[i]
		}
		d.Lines = append(d.Lines, row.New(inner).Put(ink, l).String())
	}
	return d
}
