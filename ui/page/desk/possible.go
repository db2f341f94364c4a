package deskpage

import (
	"slices"

	"offhook/crm"
	"offhook/desk"
	"offhook/keymap"
	"offhook/sip"
	"offhook/ui/widget/bar"
	"offhook/ui/widget/overlay"
)

// can reports whether the focused call allows the verb.
func (p *Page) can(v desk.Verb) bool {
	c := p.Focused()
	return c != nil && slices.Contains(c.Can, v)
}

// ringing is the call that answering and declining are about: the focused one when it rings, else the oldest that does.
func (p *Page) ringing(v desk.Verb) *desk.Call {
	if p.can(v) {
		return p.Focused()
	}
	for i := range p.snap.Calls {
		if slices.Contains(p.snap.Calls[i].Can, v) {
			return &p.snap.Calls[i]
		}
	}
	return nil
}

// Possible reports whether an action makes sense now.
func (p *Page) Possible(a keymap.Action) bool {
	s := p.snap
	if s.State == "" && a.Group != "Program" {
		return false // no snapshot yet
	}
	switch a.When {
	case keymap.CanVerb:
		if a.Verb == desk.Hold {
			return p.can(desk.Hold) || p.can(desk.Resume)
		}
		if a.Verb == desk.Merge {
			return p.can(desk.Merge) || p.can(desk.Split)
		}
		return p.can(a.Verb)
	case keymap.CanRinging:
		return p.ringing(a.Verb) != nil
	case keymap.WithCalls:
		return len(s.Calls) > 1
	case keymap.WithCard:
		return s.Open != nil
	case keymap.WithEarlier:
		return s.Open != nil && s.Earlier > 0
	case keymap.WithNumber:
		c := p.Focused()
		return c != nil && !c.Remote.Number.Empty() && !c.Remote.Withheld
	case keymap.WithUnsent:
		return s.Outbox.Pending+s.Outbox.Dead > 0
	case keymap.WithNotices:
		return len(s.Notices) > 0
	case keymap.WithTrouble:
		return slices.ContainsFunc([]desk.Link{s.Links.SIP, s.Links.Salesforce}, func(l desk.Link) bool {
			return l.Health != desk.HealthOK && l.Health != desk.HealthOff && l.Health != ""
		})
	case keymap.MayWork:
		return s.Pending == desk.Away || s.State != desk.Available && s.State != desk.Starting && s.State != desk.Offline && !p.Live() && s.Pending != desk.Available
	case keymap.MayPause:
		return s.State != desk.Away && s.State != desk.Starting && s.Pending != desk.Away
	case keymap.Ready:
		return s.State != desk.Starting && s.State != ""
	case keymap.WithPromise:
		return len(s.Callbacks) > 0
	case keymap.WithWork:
		return s.State != desk.Starting && (len(s.Campaigns) > 0 || s.Worklist != nil)
	case keymap.WithMailbox:
		return s.Mailbox != nil
	case keymap.WithOffer:
		return s.Offer != nil && s.State != desk.Starting && p.form == nil && p.find == nil
	case keymap.InDemo:
		return s.Agent.Demo
	case keymap.Something:
		return s.Open != nil || s.Form != nil || s.Search != nil
	case keymap.Free:
		return s.State != desk.Starting && p.form == nil && p.find == nil
	}
	return true
}

// whyNot is the answer to the key of an action that is not possible now; empty for keys that only move or close, which people
// press to be sure.
func (p *Page) whyNot(a keymap.Action) string {
	switch a.When {
	case keymap.WithUnsent:
		return "Every call record is in Salesforce: there is nothing to send."
	case keymap.WithTrouble:
		return "Nothing is disconnected: there is nothing to mend."
	case keymap.WithEarlier:
		return "There is no earlier card to go back to."
	case keymap.WithCard:
		if a.Name != "card.down" && a.Name != "card.up" && a.Name != "card.use" {
			return p.Title(a) + ": no card is open."
		}
	case keymap.WithPromise:
		return "Nobody was promised a call."
	case keymap.WithWork:
		return "No campaign is named in the settings (campaigns.list)."
	case keymap.WithOffer:
		if p.snap.Offer != nil {
			return "The number waits: the desk is not ready for calls yet."
		}
		return "No other program asks to call a number."
	case keymap.CanRinging:
		return "No call is ringing."
	case keymap.CanVerb:
		if p.Focused() == nil {
			return p.Title(a) + ": there is no call."
		}
		if why := p.never(a.Verb, p.Focused()); why != "" {
			return why
		}
		return p.Title(a) + " is not possible with this call now."
	}
	return ""
}

// never is why a verb is not possible with a call when waiting will not make it so; empty for what its state alone forbids.
func (p *Page) never(v desk.Verb, c *desk.Call) string {
	switch v {
	case desk.Dispose:
		switch {
		case len(p.snap.Dispositions) == 0:
			return "No results are set up (dispositions.codes): ask your administrator."
		case c.Dir == crm.Internal:
			return "An internal call gets no result."
		case len(p.snap.For(c)) == 0:
			return "No results are set up for calls of this queue (dispositions.codes)."
		case c.State == desk.Incoming:
			return "A call gets its result once it is answered."
		}
	case desk.Rec, desk.RecPause:
		if (c.State == desk.Talking || c.State == desk.Held) && !p.can(desk.Rec) {
			return "Calls are not recorded here: recording.dir is not set in the settings."
		}
	case desk.XferTo, desk.Merge:
		other := func(o desk.Call) bool { return o.Key != c.Key && o.State != desk.Ended }
		if (c.State == desk.Talking || c.State == desk.Held) && !slices.ContainsFunc(p.snap.Calls, other) {
			return "There is no second call: put this one on hold and dial the other."
		}
	}
	return ""
}

// Title is what an action is called in this situation.
func (p *Page) Title(a keymap.Action) string {
	c := p.Focused()
	switch a.Name {
	case "call.hold":
		switch {
		case c != nil && c.State == desk.Transferring:
			return "Take back"
		case p.can(desk.Resume):
			return "Resume"
		}
	case "call.conference":
		if p.can(desk.Split) && !p.can(desk.Merge) {
			return "Split"
		}
	case "call.record":
		if c != nil && (c.Recording == sip.RecordingOn || c.Recording == sip.RecordingPaused) {
			return "Stop recording"
		}
	case "call.pause":
		if c != nil && c.Recording == sip.RecordingPaused {
			return "Record again"
		}
	case "desk.dnd":
		if p.snap.DND {
			return "Take calls"
		}
	case "desk.forward":
		if p.snap.Forward != nil {
			return "Stop forwarding"
		}
	case "call.mute":
		if c != nil && c.Muted {
			return "Unmute"
		}
	case "caller.search":
		if c != nil && c.Match.State == crm.MatchMany && c.Counted == 0 && p.can(desk.SearchIn) {
			return "Search " + count(len(c.Match.Hits), "match")
		}
	case "search.open":
		if p.find != nil && p.find.InQuery {
			return "Search"
		}
	case "search.query":
		if p.find != nil && p.find.InQuery {
			return "List"
		}
	case "caller.pin":
		if c != nil && c.Pinned {
			return "Unpin"
		}
	case "caller.clear":
		if c != nil && c.Cleared {
			return "Undo no record"
		}
	}
	return a.Title
}

// Palette lists everything that is possible now.
func (p *Page) Palette() []overlay.Possible {
	var out []overlay.Possible
	for _, a := range p.keys.Actions() {
		if a.Context == keymap.Desk && a.Name != "app.palette" && p.Possible(a) {
			out = append(out, overlay.Possible{Name: a.Name, Title: p.Title(a), Help: a.Help, Group: a.Group})
		}
	}
	return out
}

// wanted is what the number of matches asks for: pop one, search many, make a new one for none. It is nothing once the
// agent has opened a record, and for calls that are not looked up.
func (p *Page) wanted() string {
	c := p.Focused()
	if c == nil || c.State == desk.Ended || !c.Current.Zero() || c.Pinned || c.Cleared {
		return ""
	}
	switch {
	case c.Match.State == crm.MatchOne && p.can(desk.Pop):
		if h, ok := c.Match.Only(); ok && p.snap.Open != nil && crm.SameID(p.snap.Open.ID, h.ID) {
			return ""
		}
		return "caller.pop"
	case c.Match.State == crm.MatchMany && p.can(desk.SearchIn):
		return "caller.search"
	case c.Match.State == crm.MatchNone && p.can(desk.New):
		return "caller.new"
	}
	return ""
}

// The actions of the action bar, in the order in which they stand there.
var (
	barCalls = [...]string{"call.answer", "call.decline", "call.redirect", "call.hold", "call.mute", "call.join", "call.conference", "call.transfer", "call.hangup", "call.result", "call.record",
		"call.pause", "call.keypad", "call.dismiss",
		"caller.pop", "caller.search", "caller.new"}
	// With somebody on hold beside: what the two calls can become, and hanging up, before what concerns one of them.
	barTogether = [...]string{"call.answer", "call.decline", "call.redirect", "call.hold", "call.mute", "call.join", "call.conference", "call.hangup",
		"call.transfer", "call.record", "call.pause", "call.keypad", "caller.pop", "caller.search", "caller.new"}
	barConsult = [...]string{"call.answer", "call.decline", "call.redirect", "call.join", "call.conference", "call.hold", "call.hangup", "call.mute",
		"call.transfer", "call.record", "call.pause", "call.keypad", "caller.pop", "caller.search", "caller.new"}
	barDesk = [...]string{"caller.notes", "desk.close", "call.dial", "desk.callbacks", "desk.worklist", "state.available", "state.away", "desk.sendnow", "desk.reconnect",
		"app.help", "app.palette", "app.quit", "demo.next", "call.next"}
	barForm   = [...]string{"form.save", "form.next", "form.previous", "form.cancel"}
	barSearch = [...]string{"search.open", "search.down", "search.up", "search.query", "search.new", "search.object", "search.further", "search.more", "search.close"}
	barNotes  = [...]string{"notes.done"}
	barCall   = [...]string{"call.answer", "call.decline", "call.hold", "call.mute", "call.transfer", "call.hangup"}
)

// consulting: the agent asks a colleague while somebody waits on hold.
func (p *Page) consulting() bool {
	c := p.Focused()
	return c != nil && c.Outgoing && c.State == desk.Talking && !c.Conference && p.can(desk.XferTo)
}

// bars are the groups of the action bar in the present context.
func (p *Page) bars() [][]bar.Item {
	if p.Boxed {
		return [][]bar.Item{p.callItems(barCall[:])} // the box names its own keys
	}
	switch p.Context() {
	case keymap.Form:
		return [][]bar.Item{p.items(barForm[:], "form.save"), p.callItems(barCall[:])}
	case keymap.Search:
		return [][]bar.Item{p.items(barSearch[:], "search.open"), p.callItems(barCall[:])}
	case keymap.Notes:
		return [][]bar.Item{p.items(barNotes[:], ""), p.callItems(barCall[:])}
	}
	next := ""
	want := p.wanted()
	switch {
	case p.ringing(desk.Answer) != nil:
		next = "call.answer"
	case want != "":
		next, want = want, ""
	case p.consulting():
		next = "call.join"
	case p.can(desk.Resume) && p.Focused().State != desk.Transferring:
		next = "call.hold"
	case p.Focused() != nil && p.Focused().NeedsResult:
		next = "call.result"
	}
	names := barCalls[:]
	switch {
	case p.consulting():
		names = barConsult[:]
	case p.can(desk.XferTo):
		names = barTogether[:]
	}
	calls := p.items(names, next)
	for i := range calls {
		calls[i].Hot = calls[i].Name == want
	}
	return [][]bar.Item{calls, p.items(barDesk[:], "")}
}

// callItems are what can be done with the call while the agent works at something else; while a text field has the focus, by keys that
// make no character.
func (p *Page) callItems(names []string) (out []bar.Item) {
	for _, it := range p.items(names, "") {
		it.Hot = it.Name == "call.answer"
		a, _ := p.keys.Action(it.Name)
		if p.takesLetters() {
			i := slices.IndexFunc(a.Keys, func(k string) bool { return !keymap.Character(k) })
			if i < 0 {
				continue
			}
			it.Key = keymap.Display(a.Keys[i])
		}
		out = append(out, it)
	}
	return out
}

func (p *Page) items(names []string, next string) (out []bar.Item) {
	c := p.Focused()
	for _, n := range names {
		a, ok := p.keys.Action(n)
		if !ok || !p.Possible(a) {
			continue
		}
		switch n {
		case "caller.search", "caller.new": // for a call that is not looked up, the palette has them
			if c != nil && c.State != desk.Ended && !slices.Contains(c.Can, a.Verb) {
				continue
			}
		case "desk.callbacks": // in the bar when one is due; else in the palette
			if !slices.ContainsFunc(p.snap.Callbacks, func(c desk.Callback) bool { return c.Due }) {
				continue
			}
		case "desk.worklist":
			if p.Live() {
				continue
			}
		case "demo.next":
			if p.Live() {
				continue
			}
		case "search.up":
			continue // named with search.down
		case "search.query", "search.new":
			if _, any := p.find.Chosen(); n == "search.query" && !any || n == "search.new" && p.find.InQuery {
				continue // nothing to move to; a letter is text in the query
			}
		case "search.object":
			if !p.find.Filters() || p.find.InQuery {
				continue
			}
		case "search.further":
			if !p.find.Pages() {
				continue
			}
		case "search.more":
			if !p.find.More() || p.find.InQuery {
				continue
			}
		case "search.down":
			if _, any := p.find.Chosen(); !any {
				continue
			}
			a.Title = "choose"
			out = append(out, bar.Item{Name: n, Key: p.keys.Key(n) + p.keys.Key("search.up"), Title: a.Title})
			continue
		}
		out = append(out, bar.Item{Name: n, Key: p.keys.Key(n), Title: p.Title(a), Next: n == next, Stay: n == "app.help"})
	}
	return out
}
