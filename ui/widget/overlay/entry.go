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
	when  int // index of forwardWhen
	wrong string
}

// Dial asks for a number to call.
func Dial() *Entry { return entry(desk.Dial, "", "") }

// Transfer asks where to send a call.
func Transfer(c *desk.Call, name string) *Entry { return entry(desk.Xfer, c.Key, name) }

// Redirect asks where to send a ringing call, unanswered.
func Redirect(c *desk.Call, name string) *Entry { return entry(desk.Redirect, c.Key, name) }

// Forward asks where calls should go instead of ringing here, and when: Tab or the arrows change it.
func Forward() *Entry { return entry(desk.Forward, "", "") }

// forwardWhen are the choices of Forward with their sentences.
var forwardWhen = [...]struct {
	when desk.ForwardWhen
	says string
}{
	{desk.ForwardAlways, "Every call goes to "},
	{desk.ForwardBusy, "While you are in a call, further ones go to "},
	{desk.ForwardNoAnswer, "Calls that you do not answer go to "},
}

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
		cmd := desk.Command{Verb: e.verb, Call: e.call, Text: n}
		if e.verb == desk.Forward {
			cmd.Values = map[string]string{"when": string(forwardWhen[e.when].when)}
		}
		return Outcome{Close: true, Handled: true, Commands: []desk.Command{cmd}}
	case "overlay.down", "overlay.up":
		if e.verb == desk.Forward {
			step := 1
			if name == "overlay.up" {
				step = len(forwardWhen) - 1
			}
			e.when = (e.when + step) % len(forwardWhen)
			return Outcome{Handled: true}
		}
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
	switch e.verb {
	case desk.Redirect:
		d.Title = "Send " + e.name + " on"
		says = e.name + " rings at that number instead; the record here says so."
		d.Foot = Hints(th, keys, "overlay.accept", "send", "overlay.close", "back")
	case desk.Forward:
		d.Title = "Forward calls"
		f := forwardWhen[e.when]
		if says = f.says + "that number until you undo it."; number != "" {
			says = f.says + number + " until you undo it."
		}
		d.Foot = Hints(th, keys, "overlay.accept", "forward", "overlay.down", "always, busy, no answer", "overlay.close", "back")
	case desk.Xfer:
		d.Title = "Transfer " + e.name
		says = e.name + " goes to that number and leaves this desk."
		if number != "" {
			says = e.name + " goes to " + number + " and leaves this desk."
		}
		says += " If nobody answers there, the call comes back to you."
		d.Foot = Hints(th, keys, "overlay.accept", "transfer", "overlay.close", "back")
	default:
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
