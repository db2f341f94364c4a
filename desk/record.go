package desk

import (
	"slices"
	"strings"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/sip"
)

// associate settles which record the call belongs to, as far as is known now. It is frozen when the call is finished.
func (t *turn) associate(c *call) {
	if c.finished {
		return
	}
	c.Assoc = t.association(c)
}

func (t *turn) association(c *call) crm.Association {
	return crm.Associate(crm.AssocInput{
		Internal:      c.class.Internal,
		Emergency:     c.class.Emergency,
		Withheld:      c.class.Withheld,
		Pinned:        c.pin,
		Cleared:       c.Cleared,
		Current:       c.current,
		Earlier:       c.earlier,
		Source:        c.source,
		OpenAtDial:    c.openAtDial,
		OpenRecord:    crm.OpenRecordRule(t.set.OpenRecord),
		NumberMatches: slices.ContainsFunc(c.Match.Hits, func(h crm.Hit) bool { return !h.Zero() && crm.SameID(h.ID, c.openAtDial.ID) }),
		Match:         c.Match,
	})
}

// amend stores what the agent has changed of a call that is over; before is its notes until then. It stays on the screen for as long as
// if it had just ended.
func (t *turn) amend(c *call, before text.Block, parts ...crm.RecordPart) {
	t.do(Amend{Call: c.Call, Record: t.record(c), Parts: parts, Before: before})
	if t.set.Linger > 0 {
		t.do(After{ID: TimerID("linger " + string(c.Key)), In: t.set.Linger})
	}
}

// correct settles anew which record an ended call belongs to: the one that is open, or none.
func (t *turn) correct(c *call, verb Verb) {
	switch {
	case verb == Clear:
		c.Cleared = !c.Cleared
		if c.Cleared {
			c.Pinned, c.pin = false, crm.Hit{}
		}
	case t.open != nil && takesActivities(t.open.Type) && !(c.Pinned && crm.SameID(c.pin.ID, t.open.ID)):
		c.pin, c.Pinned, c.Cleared = crm.CardHit(*t.open), true, false
	case c.Pinned:
		c.pin, c.Pinned = crm.Hit{}, false
	default:
		t.say(Info, c.Key, "There is no record to pin: open one first.")
		return
	}
	c.Assoc = t.association(c)
	c.Assoc.Why += ", after the call"
	t.amend(c, c.Notes, crm.PartAbout)
	if c.Result != "" {
		t.tellMember(c, true)
	}
	about := "belongs to no record"
	if r := c.Assoc.Record(); !r.Zero() {
		about = "belongs to " + r.Name.Or(text.Clean("the record that is open")).String()
	}
	t.say(Info, c.Key, "The call %s now; its Task is changed.", about)
}

// record is the call record as it would be if the call ended now.
func (t *turn) record(c *call) crm.CallRecord {
	end := c.EndedAt
	if end.IsZero() {
		end = t.at
	}
	rec := crm.CallRecord{
		Version: 1, Key: string(c.Key), Type: c.Dir, Outgoing: c.Outgoing,
		Number: c.Remote.Number, Name: c.Remote.Name, Called: c.Called, Withheld: c.class.Withheld,
		Start: c.Started, Answer: c.Answered, End: end,
		Action: c.action, Reason: c.Cause, HangUpBy: c.hangUpBy, Place: c.Place, Notes: c.Notes, Assoc: c.Assoc,
		Agent: t.agent.Account, Correlation: string(c.Key), SIPCallID: text.Clean(c.sipCallID), Codec: c.Codec,
	}
	if !c.Answered.IsZero() {
		rec.Duration = max(end.Sub(c.Answered), 0) // both carry the monotonic clock
	}
	if c.class.Withheld {
		rec.Number, rec.Name = text.Text{}, text.Text{}
	}
	if rec.Action == "" {
		rec.Action = "missed"
		if c.Outgoing {
			rec.Action = "failed"
		}
	}
	rec.Unresolved = c.class.Searchable() && c.Assoc.Rule == crm.RuleNone &&
		(c.Match.State == crm.MatchSearching || c.Match.State == crm.MatchFailed)
	if !c.transferTo.Empty() {
		rec.TransferTo, rec.Transfer = c.transferTo, "blind"
	}
	rec.Session, rec.Recording, rec.Recorded = c.session, c.recordingAt, string(c.Recording)
	for _, v := range c.Vars {
		if v.Secret || !v.Show && v.Field == "" {
			continue
		}
		rec.Vars = append(rec.Vars, crm.Var{Name: v.Name, Value: v.Value, Field: v.Field})
	}
	c.linked(&rec)
	rec.Disposition, rec.CallbackAt, rec.Initiator = c.Disposition, c.CallbackAt, c.initiator()
	rec.Campaign, rec.Member = c.Campaign, c.Member
	rec.Creates = c.creates
	return rec
}

// journal writes the call's state to disk. An empty transition updates the row without a line in the timeline.
func (t *turn) journal(c *call, transition string) {
	if c.finished || c.State == Ended || c.sipCallID == "" {
		return
	}
	t.do(Journal{Call: c.Call, Record: t.record(c), Transition: transition})
}

// finish freezes the call and puts its record into the outbox in the transaction that ends it.
func (t *turn) finish(c *call) {
	c.action, c.hangUpBy = outcome(c)
	c.State, c.StateSince = Ended, t.at
	c.Quality, c.HeldByThem = nil, false
	if c.sipCallID == "" { // no INVITE ever left: there was no call
		t.say(Warning, "", "%s could not be called: %s.", c.Called, strings.TrimSuffix(c.Cause.String(), "."))
		t.dismiss(c)
		return
	}
	t.ownCampaign(c)
	t.makeRecords(c, true)
	rec := t.record(c)
	c.finished = true
	t.fillIn(c, rec)
	filtered := !t.set.wanted(rec)
	c.Record, c.filtered = RecordPending, filtered
	if filtered {
		c.Record = RecordFiltered
	}
	t.do(Finish{Call: c.Call, Record: rec, Filtered: filtered})
	t.disposed(c)
	if c.Outgoing && c.Answered.IsZero() && !c.byUs {
		who := c.Remote.Number.String()
		if !c.Name.Empty() && c.Name != c.Remote.Number {
			who = c.Name.String() + " (" + who + ")"
		}
		t.say(Info, c.Key, "%s: %s", who, c.Cause)
	}
}

// outcome is the record's action and who hung up.
func outcome(c *call) (action, by string) {
	by = "customer"
	if c.byUs {
		by = "agent"
	}
	switch c.cause {
	case sip.EndTransferred:
		if c.consultOf != "" { // the colleague's leg: it was a conversation, and ended by being joined
			return "answered", "consult"
		}
		if c.attended {
			return "transfer", "warm transfer"
		}
		return "transfer", "cold transfer"
	case sip.EndNetwork, sip.EndNoACK, sip.EndNoMedia, sip.EndShutdown:
		by = "network"
		if c.cause == sip.EndShutdown {
			by = "agent"
		}
	}
	switch {
	case c.action == "transfer" && c.attended:
		return "transfer", "warm transfer"
	case c.action == "transfer":
		return "transfer", "cold transfer"
	case !c.Answered.IsZero():
		return "answered", by
	case c.Outgoing && (c.cause == sip.EndCancelled || c.byUs):
		return "cancelled", by
	case c.Outgoing:
		return "failed", by
	case c.action == "declined", c.action == "" && c.cause == sip.EndDeclined:
		return "declined", by
	case c.cause == sip.EndAnsweredElsewhere:
		return "answered elsewhere", by
	case c.byUs: // our own limit ended the ringing, not the agent
		by = "network"
	}
	return "missed", by
}

// causeText is why a call ended, in the words of a person.
func causeText(c *call, ev sip.CallEnded) string {
	who := "the caller"
	if !c.sentTo.Empty() {
		return "forwarded to " + c.sentTo.String()
	}
	if c.turned != "" && ev.Cause != sip.EndCancelled {
		return "missed: " + c.turned
	}
	if c.Outgoing {
		who = "the other side"
	}
	switch ev.Cause {
	case sip.EndNormal:
		if ev.ByUs {
			return "you hung up"
		}
		return who + " hung up"
	case sip.EndCancelled:
		if ev.ByUs {
			return "you hung up before it was answered"
		}
		return "missed: the caller gave up"
	case sip.EndAnsweredElsewhere:
		return "answered elsewhere"
	case sip.EndDeclined:
		if ev.ByUs {
			return "you declined"
		}
		return "declined"
	case sip.EndBusy:
		if ev.ByUs {
			return "you declined (busy)"
		}
		return "busy"
	case sip.EndNoAnswer:
		if !c.Outgoing {
			return "missed: nobody answered"
		}
		return "no answer"
	case sip.EndUnknownNumber:
		return "the number does not exist"
	case sip.EndTransferred:
		if c.consultOf != "" {
			return "joined with " + c.joined.Or(text.Clean("the other call")).String()
		}
		to := c.transferTo.String()
		if c.attended && c.Transfer != nil && c.Transfer.Target.String() != to {
			to = c.Transfer.Target.String() + " (" + to + ")"
		}
		return "transferred to " + to
	case sip.EndNoACK:
		return "the caller's phone never confirmed the answer"
	case sip.EndNoMedia:
		return "no common sound format"
	case sip.EndShutdown:
		return "offhook was closed"
	case sip.EndReplaced:
		return "replaced by another call"
	case sip.EndUnauthorised:
		return "the exchange refused the password"
	}
	if !ev.Reason.Empty() {
		return ev.Reason.String()
	}
	return "the connection was lost"
}

func (t *turn) journalFailed(ev JournalFailed) {
	t.linkChanged(LinkChanged{Name: LinkDisk, Health: HealthDown, Text: ev.Err})
	if c := t.find(ev.Call); c != nil {
		told := c.Record == RecordUnsafe
		c.Record = RecordUnsafe
		if told {
			return
		}
	}
	t.say(Problem, ev.Call, "The record of this call is not on disk (%s). offhook keeps trying; do not close it before this line goes.", ev.Err)
}

func (t *turn) journalRestored() {
	for i := range t.calls {
		c := &t.calls[i]
		if c.Record != RecordUnsafe {
			continue
		}
		switch {
		case c.State != Ended:
			c.Record = RecordOpen
		case c.filtered:
			c.Record = RecordFiltered
		case c.TaskID != "":
			c.Record = RecordSent
		default:
			c.Record = RecordPending
		}
	}
	t.linkChanged(LinkChanged{Name: LinkDisk, Health: HealthOK})
	t.unsay("is not on disk")
	t.say(Info, "", "The disk takes writes again; every record is safe.")
}

func (t *turn) taskLanded(l Landed) {
	if c := t.find(l.Call); c != nil {
		c.Record, c.TaskID = RecordSent, l.TaskID
	}
	t.notices = slices.DeleteFunc(t.notices, func(n Notice) bool { return n.Call == l.Call && n.Severity == Problem }) // it is mended
	for _, have := range t.landed {
		if have.Call == l.Call {
			return
		}
	}
	l.At = t.at
	t.landed = append(t.landed, l)
	if len(t.landed) > MaxLanded {
		t.landed = t.landed[1:]
	}
}

func (t *turn) taskDead(ev TaskDead) {
	if c := t.find(ev.Call); c != nil {
		c.Record = RecordDead
	}
	t.say(Problem, ev.Call, "Salesforce refused a call record for good (%s). It is safe here: offhook outbox show %.8s.", ev.Reason, ev.Call)
}

// linkChanged notes the state of an outside link.
func (t *turn) linkChanged(ev LinkChanged) {
	var l *Link
	switch ev.Name {
	case LinkSIP:
		l = &t.links.SIP
	case LinkSalesforce:
		l = &t.links.Salesforce
	case LinkSound:
		l = &t.links.Sound
	case LinkHub:
		l = &t.links.Hub
	case LinkDisk:
		l = &t.links.Disk
	default:
		return
	}
	if l.Health != ev.Health {
		l.Since = t.at
	}
	if l.Health == HealthDown && ev.Health != HealthDown && !l.Text.Empty() { // the line that told it is no longer so
		was := strings.TrimRight(l.Text.String(), ".")
		t.notices = slices.DeleteFunc(t.notices, func(n Notice) bool {
			return n.Call == "" && strings.EqualFold(strings.TrimRight(n.Text.String(), "."), was)
		})
	}
	l.Health, l.Text = ev.Health, ev.Text
}
