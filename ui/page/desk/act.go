package deskpage

import (
	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/widget/overlay"
)

// Do starts an action of the page. What is not possible now does nothing, and says so.
func (p *Page) Do(a keymap.Action) Result {
	if a.Context == keymap.Desk && !p.Possible(a) {
		return Result{Say: p.whyNot(a)}
	}
	switch a.Context {
	case keymap.Form:
		return p.doForm(a.Name)
	case keymap.Search:
		return p.doSearch(a)
	case keymap.Notes:
		p.noting = ""
		return Result{Handled: true}
	}
	switch a.Group {
	case "Calls", "Caller":
		return p.doCall(a)
	case "Card":
		return p.doCard(a)
	}
	switch a.Name {
	case "state.away":
		return Result{Handled: true, Open: overlay.Away()}
	case "notice.hide":
		return send(desk.Command{Verb: a.Verb, Number: p.snap.Notices[len(p.snap.Notices)-1].ID})
	case "desk.forward":
		if p.snap.Forward != nil {
			return send(desk.Command{Verb: desk.Forward})
		}
		return Result{Handled: true, Open: overlay.Forward()}
	case "desk.callbacks":
		return Result{Handled: true, Open: overlay.NewCallbacks(p.snap)}
	case "desk.worklist":
		return Result{Handled: true, Open: overlay.NewWorklist(p.snap), Commands: []desk.Command{{Verb: a.Verb}}}
	case "desk.reports":
		return Result{Handled: true, Open: overlay.NewReport(), Commands: []desk.Command{{Verb: a.Verb}}}
	case "desk.sound":
		return Result{Handled: true, Open: overlay.NewSound(), Commands: []desk.Command{{Verb: a.Verb}}}
	case "demo.fault":
		return send(desk.Command{Verb: a.Verb, Text: "down"})
	case "demo.bye", "demo.hold":
		return send(desk.Command{Verb: a.Verb, Call: p.focus})
	}
	if a.Verb == "" {
		return Result{}
	}
	return send(desk.Command{Verb: a.Verb})
}

func send(c ...desk.Command) Result { return Result{Handled: true, Commands: c} }

func (p *Page) doCall(a keymap.Action) Result {
	c := p.Focused()
	switch a.Name {
	case "call.answer":
		c = p.ringing(desk.Answer)
		p.focus = c.Key
		return send(desk.Command{Verb: desk.Answer, Call: c.Key})
	case "call.decline":
		c = p.ringing(desk.Reject)
		return Result{Handled: true, Open: overlay.Decline(c, Name(c))}
	case "call.redirect":
		c = p.ringing(desk.Redirect)
		return Result{Handled: true, Open: overlay.Redirect(c, Name(c), p.snap.Lamps)}
	case "call.conference":
		if !p.can(desk.Merge) {
			return send(desk.Command{Verb: desk.Split, Call: c.Key})
		}
	case "call.hold":
		if p.can(desk.Resume) {
			return send(desk.Command{Verb: desk.Resume, Call: c.Key})
		}
	case "call.transfer":
		return Result{Handled: true, Open: overlay.Transfer(c, Name(c), p.snap.Lamps)}
	case "call.keypad":
		return Result{Handled: true, Open: overlay.NewKeypad(c, Name(c))}
	case "call.dial":
		return Result{Handled: true, Open: overlay.Dial(p.snap.Lamps)}
	case "call.offered":
		o := p.snap.Offer
		cmds := []desk.Command{{Verb: desk.TakeOffer, Number: o.ID}}
		if p.snap.Prepared != nil {
			cmds = append(cmds, desk.Command{Verb: desk.Prepare, Text: o.Number.String()})
		}
		return Result{Handled: true, Open: overlay.Offered(o, p.snap.Lamps), Commands: cmds}
	case "call.result":
		return Result{Handled: true, Open: overlay.NewResult(p.snap, c, Name(c))}
	case "call.next", "call.previous":
		p.step(a.Name == "call.next")
		return Result{Handled: true}
	case "caller.choose":
		return Result{Handled: true, Open: overlay.NewChooser(p.live()), Commands: []desk.Command{{Verb: desk.Choose}}}
	case "caller.search", "caller.new":
		if !p.can(a.Verb) { // not for a call
			return send(desk.Command{Verb: a.Verb})
		}
	case "caller.copy":
		return copied(c.Remote.Number.String())
	case "caller.notes":
		p.noting = c.Key
		p.notes.Set(c.Notes.String())
		p.noteWas = c.Notes.String()
		return Result{Handled: true}
	}
	return send(desk.Command{Verb: a.Verb, Call: c.Key})
}

func (p *Page) step(forward bool) {
	n := len(p.snap.Calls)
	for i := range p.snap.Calls {
		if p.snap.Calls[i].Key == p.focus {
			if forward {
				p.Focus((i + 1) % n)
			} else {
				p.Focus((i + n - 1) % n)
			}
			return
		}
	}
	p.Focus(0)
}
