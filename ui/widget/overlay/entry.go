package overlay

import (
	"strings"
	"unicode"

	"offhook/desk"
	"offhook/internal/text"
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
	list  colleagues  // to pick from, with their lamps
	offer *desk.Offer // a number that another program handed over
	plan  bool        // the desk has a dial plan: it tells what will be dialled

	account text.Text // of the call to transfer
}

// Dial asks for a number to call.
func Dial(lamps []desk.Lamp) *Entry { return entry(desk.Dial, "", "").with(lamps) }

// Offered is Dial with a number that another program handed over. It stands there as if the agent had typed it.
func Offered(o *desk.Offer, lamps []desk.Lamp) *Entry {
	e := entry(desk.Dial, "", "")
	e.offer = o
	e.field.Insert(o.Number.String())
	return e.with(lamps)
}

// foreign is what to know of a number that another program handed over, while it stands there unchanged.
func (e *Entry) foreign(number string) string {
	if e.offer == nil || number != e.offer.Number.String() {
		return ""
	}
	says := " Another program asks for it."
	if c := e.offer.Context.String(); c != "" {
		says += " It is a number within " + c + "."
	}
	if x := e.offer.Ext.String(); x != "" {
		says += " Then extension " + x + ", by the keypad."
	}
	return says
}

// Transfer asks where to send a call.
func Transfer(c *desk.Call, name string, lamps []desk.Lamp) *Entry {
	e := entry(desk.Xfer, c.Key, name).with(lamps)
	e.account = c.Account
	return e
}

// Redirect asks where to send a ringing call, unanswered.
func Redirect(c *desk.Call, name string, lamps []desk.Lamp) *Entry {
	e := entry(desk.Redirect, c.Key, name).with(lamps)
	e.account = c.Account
	return e
}

// Forward asks where calls should go instead of ringing here, and when: the arrows change it.
func Forward() *Entry { return entry(desk.Forward, "", "") }

func (e *Entry) with(lamps []desk.Lamp) *Entry {
	e.list.at = -1
	e.list.take(lamps, "")
	return e
}

// target is where the call goes: the colleague who is picked, else what is typed.
func (e *Entry) target() (number string, who desk.Lamp) {
	if l, ok := e.list.chosen(); ok {
		return l.Number.String(), l
	}
	return strings.TrimSpace(e.field.Value()), desk.Lamp{}
}

// asked is what to dial for the target; a colleague is called over the account that watches that telephone.
func (e *Entry) asked() string {
	if l, ok := e.list.chosen(); ok {
		return l.Dials()
	}
	return strings.TrimSpace(e.field.Value())
}

// dials is what the desk is told: for a call that is sent on, as its own exchange has to dial it.
func (e *Entry) dials() string {
	if l, ok := e.list.chosen(); ok && e.call != "" {
		return l.From(e.account)
	}
	return e.asked()
}

// forwardWhen are the choices of Forward with their sentences.
var forwardWhen = [...]struct {
	when  desk.ForwardWhen
	title string
	says  string
}{
	{desk.ForwardAlways, "always", "Every call goes to "},
	{desk.ForwardBusy, "when busy", "While you are in a call, further ones go to "},
	{desk.ForwardNoAnswer, "when nobody answers", "Calls that you do not answer go to "},
}

func entry(v desk.Verb, call desk.CallKey, name string) *Entry {
	e := &Entry{verb: v, call: call, name: name}
	e.field.Limit = 128
	e.field.Allow = func(r rune) bool { // numbers as people write them, and sip: addresses
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("+*#-._()/ :@;=~[]", r)
	}
	return e
}

// Press implements Box.
func (e *Entry) Press(k tea.Key, name string) Outcome {
	switch name {
	case "overlay.close":
		return Outcome{Close: true, Handled: true}
	case "overlay.accept":
		n, _ := e.target()
		if e.wrong = e.refuse(n); e.wrong != "" {
			return Outcome{Handled: true}
		}
		cmd := desk.Command{Verb: e.verb, Call: e.call, Text: e.dials()}
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
		if e.wrong = ""; name == "overlay.down" {
			e.list.move(1)
		} else {
			e.list.move(-1)
		}
		return Outcome{Handled: true}
	}
	if e.verb == desk.Xfer && k.Keystroke() == askFirst {
		n, _ := e.target()
		if e.wrong = e.refuse(n); e.wrong != "" {
			return Outcome{Handled: true}
		}
		return Outcome{Close: true, Handled: true, Commands: []desk.Command{{Verb: desk.Dial, Text: e.asked()}}}
	}
	handled, changed := e.field.Key(k)
	if changed {
		e.wrong = ""
		e.list.typed(e.field.Value())
	}
	return Outcome{Handled: handled, Commands: e.ask(changed)}
}

// ask lets the desk say what will be dialled for what is typed now.
func (e *Entry) ask(changed bool) []desk.Command {
	if !changed || !e.plan {
		return nil
	}
	return []desk.Command{{Verb: desk.Prepare, Text: strings.TrimSpace(e.field.Value())}}
}

// dials says what the telephone will really dial, where that is not what is typed.
func dials(s *desk.Snapshot, number string) string {
	if s == nil || s.Prepared == nil || number == "" || s.Prepared.Typed.String() != number || s.Prepared.Dials.Empty() || s.Prepared.Dials.String() == number {
		return ""
	}
	return " Dialled as " + s.Prepared.Dials.String() + "."
}

// askFirst calls the target instead, while the caller waits on hold: the call is handed over by joining both, or not at all.
const askFirst = "tab"

// refuse says in one line why a target cannot be called; empty: it can. The desk has the last word.
func (e *Entry) refuse(n string) string {
	letters := strings.IndexFunc(n, unicode.IsLetter) >= 0
	digits := strings.ContainsAny(n, "0123456789*#")
	switch {
	case n == "" && len(e.list.list) > 0:
		return "Type a number first, or pick a colleague."
	case n == "":
		return "Type a number first."
	case !letters && !digits:
		return "“" + n + "” has no digit: type a number or a sip: address."
	case letters && strings.ContainsAny(n, " ") && !strings.Contains(n, " via "):
		return "Nobody is called “" + n + "”: type a number or a sip: address."
	}
	return ""
}

// Paste implements Box.
func (e *Entry) Paste(s string) Outcome {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "tel:"); ok {
		s = rest
	}
	e.field.Insert(s)
	e.wrong = ""
	e.list.typed(e.field.Value())
	return Outcome{Handled: true, Commands: e.ask(true)}
}

// Alive implements Box.
func (e *Entry) Alive(s *desk.Snapshot) bool {
	e.plan = s != nil && s.Prepared != nil
	if s != nil && e.verb != desk.Forward {
		e.list.take(s.Lamps, e.field.Value())
	}
	if e.verb == desk.Redirect { // answered or gone: there is nothing to send on any more
		return can(s, e.call, desk.Redirect)
	}
	return e.call == "" || up(s, e.call)
}

// pickHint says that a colleague can be picked, where there is one.
func (e *Entry) pickHint(th *theme.Theme, keys keymap.Map) []row.Seg {
	if len(e.list.list) == 0 {
		return nil
	}
	return append(Hints(th, keys, "overlay.down", "pick"), row.Seg{Text: "   "})
}

// Draw implements Box.
func (e *Entry) Draw(th *theme.Theme, keys keymap.Map, s *desk.Snapshot, w, h int) Drawn {
	width := max(min(58, w-2), 16)
	inner := width - 4
	shown, at := e.field.Line(inner - 4)
	d := Drawn{Width: width, Cursor: true, X: 3 + at, Y: 1}
	number, who := e.target()
	prefixed := dials(s, number)
	if name := who.Name.String(); name != "" {
		number = name + " (" + number + ")"
	}
	var says string
	gap := row.Seg{Text: "   "}
	switch e.verb {
	case desk.Redirect:
		d.Title = "Send " + e.name + " on"
		says = e.name + " rings at that number instead; the record here says so."
		if number != "" {
			says = e.name + " rings at " + number + " instead; the record here says so." + prefixed
		}
		d.Foot = append(append(append(Hints(th, keys, "overlay.accept", "send"), gap), e.pickHint(th, keys)...), Hints(th, keys, "overlay.close", "back")...)
	case desk.Forward:
		d.Title = "Forward calls"
		f := forwardWhen[e.when]
		if says = f.says + "that number until you undo it."; number != "" {
			says = f.says + number + " until you undo it." + prefixed
		}
		d.Foot = Hints(th, keys, "overlay.accept", "forward", "overlay.down", "when", "overlay.close", "back")
	case desk.Xfer:
		d.Title = "Transfer " + e.name
		says = e.name + " goes to that number and leaves this desk."
		if number != "" {
			says = e.name + " goes to " + number + " and leaves this desk." + prefixed
		}
		says += " If nobody answers there, the call comes back to you."
		d.Foot = append(Hints(th, keys, "overlay.accept", "transfer"), row.Seg{Text: "   "}, row.Seg{Ink: th.Key, Text: keymap.Display(askFirst)}, row.Seg{Ink: th.Dim, Text: " ask first"})
		d.Foot = append(append(append(d.Foot, gap), e.pickHint(th, keys)...), Hints(th, keys, "overlay.close", "back")...)
	default:
		d.Title = "Call"
		says = "Type or paste a number, an extension or a sip: address."
		if s != nil && len(s.Accounts) > 1 {
			other, _, _ := strings.Cut(s.Accounts[1].Name.String(), "@")
			says += " From another account: NUMBER via " + other + "."
		}
		if number != "" {
			says = "Calls " + number + "." + prefixed + e.foreign(number)
			if s != nil && s.Open != nil {
				says += " " + s.Open.Name.String() + "'s card is open: the call is about that record."
			}
		}
		d.Foot = append(append(append(Hints(th, keys, "overlay.accept", "call"), gap), e.pickHint(th, keys)...), Hints(th, keys, "overlay.close", "back")...)
	}
	switch who.State {
	case desk.LampBusy:
		says = who.Name.Or(who.Number).String() + " is on the telephone. " + says
	case desk.LampRinging:
		says = who.Name.Or(who.Number).String() + "'s telephone is ringing. " + says
	}
	ink := th.Dim
	if e.wrong != "" {
		says, ink = e.wrong, th.Problem
	}
	d.Lines = append(d.Lines, row.Blank(inner), row.New(inner).Put(th.Accent, "› ").Put(th.Active, " "+shown+row.Blank(inner-4-row.Width(shown))+" ").String(), row.Blank(inner))
	text := row.Wrap(says, inner)
	for i := range 3 { // the box keeps its size while the words change
		l := ""
		if i < len(text) {
			l = text[i]
		}
		d.Lines = append(d.Lines, row.New(inner).Put(ink, l).String())
	}
	if e.verb == desk.Forward {
		for i, f := range forwardWhen {
			r := row.New(inner).Gap(2)
			if i == e.when {
				r.Put(th.Accent, "● ").Put(th.Strong, f.title)
			} else {
				r.Put(th.Faint, "○ ").Put(th.Text, f.title)
			}
			d.Lines = append(d.Lines, r.String())
		}
	}
	if n := min(len(e.list.list), 8, h-len(d.Lines)-5); n > 0 {
		d.Lines = append(d.Lines, row.Blank(inner))
		d.Lines = append(d.Lines, e.list.draw(th, inner, n)...)
	}
	return d
}
