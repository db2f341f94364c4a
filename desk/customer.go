package desk

import (
	"fmt"
	"slices"

	"offhook/crm"
	"offhook/internal/text"
)

// lookup asks who the caller is, unless the number is internal, withheld or an emergency number: those make no request at all.
func (t *turn) lookup(c *call) {
	switch {
	case c.class.Internal:
		c.Match = crm.Match{State: crm.MatchInternal}
	case c.class.Withheld && !t.lookupNext(c):
		c.Match = crm.Match{State: crm.MatchWithheld}
	case c.class.Withheld:
	case c.class.Emergency:
		c.Match = crm.Match{State: crm.MatchNotSearched}
	case !c.handed.Zero():
		t.handedOver(c)
		return
	default:
		t.lookupBy(c, c.Remote.Number)
	}
	t.associate(c)
}

func (t *turn) lookupBy(c *call, what text.Text) {
	c.Match, c.asked = crm.Match{State: crm.MatchSearching}, what
	c.Counted, c.popped = 0, false
	t.do(Lookup{Call: c.Key, Number: what, Dir: c.Dir})
}

// lookupNext tries the next value that came with the call and may find the customer, such as the number of the first caller of a call
// that was sent on. False: there is none left.
func (t *turn) lookupNext(c *call) bool {
	for i, v := range c.Vars[min(c.tried, len(c.Vars)):] {
		if v.Lookup && !v.Value.Empty() && v.Value != c.Remote.Number {
			c.tried += i + 1
			t.lookupBy(c, v.Value)
			return true
		}
	}
	c.tried = len(c.Vars)
	return false
}

func (t *turn) lookupDone(ev LookupDone) {
	c := t.find(ev.Call)
	if c == nil || c.finished || c.Match.State != crm.MatchSearching {
		return
	}
	if !ev.Number.Empty() && ev.Number != c.asked {
		return // somebody else is there by now; that person's lookup is under way
	}
	if ev.Match.State == crm.MatchNone && t.lookupNext(c) {
		return
	}
	c.Match = ev.Match
	if hit, one := c.Match.Only(); one {
		if !hit.Name.Empty() {
			c.Name, c.NameFrom = hit.Name, "Salesforce"
		}
	}
	t.counted(c)
	t.pop(c)
	if sf := t.links.Salesforce; c.Match.State != crm.MatchFailed && sf.Health == HealthWarn {
		t.linkChanged(LinkChanged{Name: LinkSalesforce, Health: HealthOK, Text: t.agent.User}) // it answers again
	} else if c.Match.State == crm.MatchFailed && sf.Health == HealthOK {
		t.linkChanged(LinkChanged{Name: LinkSalesforce, Health: HealthWarn, Text: c.Match.Detail})
	}
	if c.Match.State == crm.MatchFailed {
		t.say(Warning, c.Key, "Salesforce did not say who this is. The call and its record are safe; s searches again. (%s)", c.Match.Detail)
	}
	t.associate(c)
	t.journal(c, "lookup: "+matchText(c.Match))
	t.makeRecords(c, false)
}

// autoPop shows the card of a single match without being asked. It never takes the page away from a form, a search or
// another conversation, and it does not count as opening: only what the agent does makes a record current.
func (t *turn) autoPop(c *call, hit crm.Hit) {
	if t.mayPop(c) {
		t.loadCard(c.Key, hit.Ref, true)
	}
}

func (t *turn) mayPop(c *call) bool {
	if t.form != nil || t.search != nil || c.State == Ended && t.live() {
		return false
	}
	return !slices.ContainsFunc(t.calls, func(o call) bool { return o.Key != c.Key && (o.State == Talking || o.State == Transferring) })
}

// customerCommand carries out pop, search, new, pin and clear.
func (t *turn) customerCommand(c *call, cmd Command) {
	switch cmd.Verb {
	case Pop:
		if hit, one := c.Match.Only(); one {
			t.makeCurrent(c, hit)
			t.loadCard(c.Key, hit.Ref, false)
		}
	case SearchIn:
		query := cmd.Text
		if query == "" && len(c.Match.Hits) > 0 {
			t.form = nil
			t.search = t.newSearch(c.Key, c.Remote.Number)
			t.search.Hits = c.Match.Hits
			return
		}
		if query == "" && !c.class.Withheld {
			query = c.Remote.Number.String()
		}
		t.startSearch(c.Key, query, cmd)
	case New:
		number := c.Remote.Number
		if c.class.Withheld {
			number = text.Text{}
		}
		t.startForm(c.Key, cmd, number)
	case Pin, Clear:
		if c.finished {
			t.correct(c, cmd.Verb)
			return
		}
		if cmd.Verb == Pin {
			t.pin(c)
			return
		}
		c.Cleared = !c.Cleared
		if c.Cleared {
			c.Pinned, c.pin = false, crm.Hit{}
		}
		t.associate(c)
		t.journal(c, "association changed by the agent")
	}
}

// pin fixes the record the call belongs to: the one that is open, else the one it would have now. A second pin takes it off.
func (t *turn) pin(c *call) {
	if c.Pinned {
		c.Pinned, c.pin = false, crm.Hit{}
	} else {
		switch {
		case !c.current.Zero():
			c.pin = c.current
		case !c.Assoc.Record().Zero():
			c.pin = t.hitFor(c.Assoc.Record())
		default:
			t.say(Info, c.Key, "There is no record to pin: open one first.")
			return
		}
		c.Pinned, c.Cleared = true, false
	}
	t.associate(c)
	t.journal(c, "association changed by the agent")
}

// hitFor gives what is known of a record: with its parents when a match or the open card tells them.
func (t *turn) hitFor(ref crm.Ref) crm.Hit {
	if ref.Zero() {
		return crm.Hit{}
	}
	if t.open != nil && crm.SameID(t.open.ID, ref.ID) {
		return crm.CardHit(*t.open)
	}
	for i := range t.calls {
		for _, h := range t.calls[i].Match.Hits {
			if crm.SameID(h.ID, ref.ID) {
				return h
			}
		}
		for _, h := range []crm.Hit{t.calls[i].current, t.calls[i].pin, t.calls[i].source, t.calls[i].openAtDial} {
			if !h.Zero() && crm.SameID(h.ID, ref.ID) {
				return h
			}
		}
	}
	return crm.Hit{Ref: ref}
}

// openRecord opens a card. During a call that makes it the call's current record, if Salesforce allows activities on it.
func (t *turn) openRecord(cmd Command) {
	if cmd.Record.Zero() {
		return
	}
	key := cmd.Call
	if key == "" {
		if t.search != nil && t.search.For != "" {
			key = t.search.For
		} else if c := t.target(Command{}); c != nil && c.State != Ended {
			key = c.Key
		}
	}
	if c := t.find(key); c != nil && !c.finished {
		t.makeCurrent(c, t.hitFor(cmd.Record))
	} else {
		key = ""
	}
	if f := t.form; f != nil && slices.ContainsFunc(f.Duplicates, func(h crm.Hit) bool { return crm.SameID(h.ID, cmd.Record.ID) }) {
		t.dropDraft(f.key()) // the existing record is used instead
	}
	t.search, t.form = nil, nil
	t.loadCard(key, cmd.Record, false)
}

// makeCurrent notes what was opened also during an internal call: it belongs to nothing (rule 0), but the colleague may hand over a
// customer, whose call it then is.
func (t *turn) makeCurrent(c *call, hit crm.Hit) {
	if !takesActivities(hit.Type) {
		return
	}
	if !c.current.Zero() && !crm.SameID(c.current.ID, hit.ID) {
		c.earlier = append(slices.Clip(c.earlier), c.current)
	}
	c.current, c.Current = hit, hit.Ref
	c.Cleared = false // opening a record takes "belongs to nothing" back
	if c.NameFrom != "Salesforce" && !c.class.Internal && !hit.Name.Empty() && (hit.Type == "Contact" || hit.Type == "Lead") {
		c.Name, c.NameFrom = hit.Name, "Salesforce"
	}
	t.associate(c)
	t.journal(c, "opened "+hit.Type+" "+hit.Name.String())
	t.makeRecords(c, false)
}

// learn takes over what a card tells of a record that has a part in the call: its parents decide who the Task is about.
func (t *turn) learn(c *call, known crm.Hit) {
	if c.finished {
		return
	}
	part := false
	note := func(h *crm.Hit) {
		if !h.Zero() && crm.SameID(h.ID, known.ID) {
			*h, part = known, true
		}
	}
	c.earlier = slices.Clone(c.earlier)
	for i := range c.earlier {
		note(&c.earlier[i])
	}
	for _, h := range []*crm.Hit{&c.current, &c.pin, &c.source, &c.openAtDial} {
		note(h)
	}
	c.Current = c.current.Ref
	if part {
		t.associate(c)
		t.journal(c, "")
	}
}

// close closes what is on top: the form, the search page, then the card.
func (t *turn) close() {
	switch {
	case t.form != nil:
		t.dropDraft(t.form.key()) // it was asked for; the front end asks first when something was typed
		t.form = nil
	case t.search != nil:
		t.search = nil
	default:
		t.open, t.openFor, t.trail, t.reading = nil, "", nil, "" // leaving a card does not clear a call's current record
	}
}

// takesActivities reports whether a Task can be about a record of this type: users and activities themselves never become
// current.
func takesActivities(object string) bool {
	switch object {
	case "", "User", "Task", "Event", "Report", "Dashboard", "EmailMessage":
		return false
	}
	return true
}

func matchText(m crm.Match) string {
	switch m.State {
	case crm.MatchOne:
		if len(m.Hits) == 1 {
			return "one match, " + m.Hits[0].Type + " " + m.Hits[0].Name.String()
		}
	case crm.MatchMany:
		return fmt.Sprintf("%d matches", len(m.Hits))
	case crm.MatchNone:
		return "no match"
	case crm.MatchFailed:
		return "failed, " + m.Detail.String()
	}
	return string(m.State)
}
