// Package deskpage is the agent's screen: calls, caller, notes, the New form and the search page.
//
// It shows one desk.Snapshot and turns actions and typing into desk.Commands. What is possible is what Call.Can says;
// the page keeps only what a person does at it: the focus, the selected line, text that is being typed.
package deskpage

import (
	"slices"

	"offhook/crm"
	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/widget/bar"
	"offhook/ui/widget/calls"
	"offhook/ui/widget/edit"
	"offhook/ui/widget/find"
	"offhook/ui/widget/form"
	"offhook/ui/widget/overlay"

	tea "charm.land/bubbletea/v2"
)

// Page is the desk page. Only the program's Update and View use it.
type Page struct {
	// Boxed: a box lies over the page and takes all characters, so that only other keys still work at the desk.
	Boxed bool

	keys  keymap.Map
	snap  *desk.Snapshot
	focus desk.CallKey

	cardID string // the record whose lines cardAt counts
	cardAt int    // selected line of the card, -1 for none

	form   *form.Form
	find   *find.Page
	notes  edit.Field
	noting desk.CallKey // the call whose notes are being typed

	noteWas string // its notes when the field was filled, or last sent

	apart bool       // the last Draw has a panel of its own for what has landed
	zones []bar.Zone // of the last Draw
	rows  []callRow
}

// callRow is a line of the screen on which a call stands, for the mouse.
type callRow struct {
	line, from, to int
	call           desk.CallKey
}

// Result is what an action or a key leads to.
type Result struct {
	Commands []desk.Command
	Open     overlay.Box
	Copy     string // put on the clipboard
	Browse   string // shown in the browser
	Say      string // a word to the agent about what the key did
	Handled  bool
}

// New makes the page; it has nothing to show before Take.
func New(keys keymap.Map) *Page {
	return &Page{keys: keys, snap: &desk.Snapshot{}, cardAt: -1, notes: edit.Field{Lines: true, Limit: desk.MaxNotes}}
}

// Take shows a newer snapshot. What is being typed stays.
func (p *Page) Take(s *desk.Snapshot) {
	old := p.snap
	p.snap = s
	p.refocus(old)
	switch {
	case s.Form == nil:
		p.form = nil
	case p.form == nil || !p.form.Is(s.Form, s.FormFor):
		old := p.form
		p.form = form.New(s.Form, s.FormFor)
		p.form.Heir(old)
	default:
		p.form.Sync(s.Form)
	}
	if p.form != nil {
		p.form.Found(s.Found, s.FormBusy)
	}
	switch {
	case s.Search == nil:
		p.find = nil
	case p.find == nil || p.find.For != s.Search.For:
		p.find = find.New(s.Search)
	default:
		p.find.Sync(s.Search)
	}
	if c := p.call(p.noting); p.noting != "" && (c == nil || !slices.Contains(c.Can, desk.Note)) {
		p.noting = "" // the call is over; its notes are kept, and go with its record
	}
	id := ""
	if s.Open != nil {
		id = s.Open.ID
	}
	if id != p.cardID {
		p.cardID, p.cardAt = id, -1
	}
}

// refocus keeps the focus where the agent put it while that call lives; a call that is up goes before one that has
// ended, and a call that the agent has just made gets it.
func (p *Page) refocus(old *desk.Snapshot) {
	for i := range p.snap.Calls { // a call's key changes once while it is dialled, when its INVITE has a Call-ID
		c := &p.snap.Calls[i]
		if c.Outgoing && (c.State == desk.Dialling || c.State == desk.Alerting) && find0(old, c.Key) == nil {
			p.focus = c.Key
		}
	}
	at := p.call(p.focus)
	if at != nil && at.State != desk.Ended {
		return
	}
	for _, want := range []func(*desk.Call) bool{
		func(c *desk.Call) bool { return c.State == desk.Talking },
		func(c *desk.Call) bool { return c.State == desk.Incoming },
		func(c *desk.Call) bool { return c.State != desk.Ended },
	} {
		for i := range p.snap.Calls {
			if want(&p.snap.Calls[i]) {
				p.focus = p.snap.Calls[i].Key
				return
			}
		}
	}
	if at == nil && len(p.snap.Calls) > 0 {
		p.focus = p.snap.Calls[len(p.snap.Calls)-1].Key
	}
}

func find0(s *desk.Snapshot, key desk.CallKey) *desk.Call {
	for i := range s.Calls {
		if s.Calls[i].Key == key {
			return &s.Calls[i]
		}
	}
	return nil
}

func (p *Page) call(key desk.CallKey) *desk.Call { return find0(p.snap, key) }

// Focused is the call that has the focus, or nil when there is none.
func (p *Page) Focused() *desk.Call { return p.call(p.focus) }

// Live reports whether any call is up or ringing.
func (p *Page) Live() bool {
	return slices.ContainsFunc(p.snap.Calls, func(c desk.Call) bool { return c.State != desk.Ended })
}

// Context is where a key is meant now.
func (p *Page) Context() keymap.Context {
	switch {
	case p.noting != "" && (p.form != nil && p.snap.FormAuto || p.find != nil && p.snap.Search.Auto):
		return keymap.Notes // what came by itself waits until the notes are written
	case p.form != nil:
		return keymap.Form
	case p.find != nil:
		return keymap.Search
	case p.noting != "":
		return keymap.Notes
	}
	return keymap.Desk
}

// Surprised reports whether keys go to a form or a list that opened by itself.
func (p *Page) Surprised() bool {
	switch p.Context() {
	case keymap.Form:
		return p.snap.FormAuto
	case keymap.Search:
		return p.snap.Search.Auto
	}
	return false
}

// Typing reports whether a text field has the focus, so that characters are text.
func (p *Page) Typing() bool {
	return p.Context().Typing() || p.form == nil && p.find != nil && p.find.InQuery
}

// takesLetters reports whether a field or a box has the characters, so that the call is reached by other keys only.
func (p *Page) takesLetters() bool { return p.Typing() || p.Boxed }

// Type gives the field that has the focus a key.
func (p *Page) Type(k tea.Key) Result {
	switch p.Context() {
	case keymap.Form:
		return p.formed(Result{Handled: p.form.Key(k)})
	case keymap.Search:
		if p.find.InQuery {
			handled, changed := p.find.Query.Key(k)
			return Result{Handled: handled, Commands: p.searching(changed)}
		}
		return p.pick(k)
	case keymap.Notes:
		switch k.Keystroke() {
		case "up":
			p.notes.Move(-1)
			return Result{Handled: true}
		case "down":
			p.notes.Move(1)
			return Result{Handled: true}
		}
		handled, changed := p.notes.Key(k)
		return Result{Handled: handled, Commands: p.noted(changed)}
	}
	return Result{}
}

// Paste gives the field that has the focus pasted text.
func (p *Page) Paste(s string) Result {
	switch p.Context() {
	case keymap.Form:
		p.form.Paste(s)
		return p.formed(Result{Handled: true})
	case keymap.Search:
		p.find.InQuery = true
		return Result{Handled: true, Commands: p.searching(p.find.Query.Insert(s))}
	case keymap.Notes:
		return Result{Handled: true, Commands: p.noted(p.notes.Insert(s))}
	}
	return Result{}
}

// noted sends the notes as they are now: they are kept at each keystroke, never at the next call.
func (p *Page) noted(changed bool) []desk.Command {
	if !changed {
		return nil
	}
	cmd := desk.Command{Verb: desk.Note, Call: p.noting, Text: p.notes.Value()}
	if c := p.call(p.noting); c != nil && c.State == desk.Ended { // another program may have changed them meanwhile
		cmd.Values = map[string]string{"was": p.noteWas}
	}
	p.noteWas = cmd.Text
	return []desk.Command{cmd}
}

// Focus moves the focus to the i-th call.
func (p *Page) Focus(i int) bool {
	if i < 0 || i >= len(p.snap.Calls) {
		return false
	}
	p.focus = p.snap.Calls[i].Key
	return true
}

// Click is a mouse click: it moves the focus to a call, or returns the action that stands there.
func (p *Page) Click(x, y int) (action string) {
	for _, z := range p.zones {
		if z.Line == y && x >= z.From && x < z.To {
			return z.Action
		}
	}
	for _, r := range p.rows {
		if r.line == y && x >= r.from && x < r.to {
			p.focus = r.call
		}
	}
	return ""
}

// Name is what to call the far end in a sentence.
func Name(c *desk.Call) string {
	name, _ := calls.Who(c)
	return name
}

// card is the record that is open, or nil.
func (p *Page) card() *crm.Card { return p.snap.Open }
