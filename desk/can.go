package desk

import (
	"offhook/crm"
	"offhook/sip"
)

// can lists what is possible with a call in its present state, the most likely first. Front ends show exactly this.
func (t *turn) can(c *call) []Verb {
	var v []Verb
	switch c.State {
	case Incoming:
		v = append(v, Answer, Reject, Redirect)
	case Dialling, Alerting:
		v = append(v, Hangup)
	case Talking:
		v = append(v, Hold, Mute, Xfer)
		v = append(append(v, t.canTogether(c)...), DTMF)
		v = append(append(v, t.canRecord(c)...), Hangup)
	case Held:
		v = append(v, Resume, Xfer)
		v = append(append(v, t.canTogether(c)...), Hangup)
	case Transferring: // the far end may wait for minutes for somebody who does not answer, or never say how it went
		v = append(v, Resume, Hangup)
	case Answering, Holding, Resuming:
		v = append(v, Hangup)
	case Ending:
		return []Verb{Note} // who types goes on typing
	case Ended:
		return t.canAfter(c)
	}
	return append(v, t.canCustomer(c)...)
}

// canAfter lists what can still be changed of a call that is over.
func (t *turn) canAfter(c *call) []Verb {
	v := []Verb{Dismiss}
	if !c.finished { // its record is not settled
		return v
	}
	if t.disposable(c) {
		v = append(v, Dispose)
	}
	if !c.class.Internal && !c.class.Emergency {
		if c.Pinned || t.open != nil && takesActivities(t.open.Type) {
			v = append(v, Pin)
		}
		if c.Cleared || !c.Assoc.Record().Zero() {
			v = append(v, Clear)
		}
	}
	return append(v, Note)
}

// canCustomer lists the customer actions: pop, search and new are keyed to the number of matches.
func (t *turn) canCustomer(c *call) []Verb {
	if c.class.Internal {
		return []Verb{Note}
	}
	var v []Verb
	switch c.Match.State {
	case crm.MatchOne:
		v = append(v, Pop, SearchIn, New)
	case crm.MatchMany:
		v = append(v, SearchIn, New)
	case crm.MatchNone, crm.MatchWithheld, crm.MatchFailed, crm.MatchNotSearched:
		v = append(v, New, SearchIn)
	case crm.MatchSearching:
		v = append(v, SearchIn, New)
	}
	if !c.Assoc.Record().Zero() || c.Pinned {
		v = append(v, Pin)
	}
	if t.disposable(c) && c.State != Incoming {
		v = append(v, Dispose)
	}
	return append(v, Clear, Note)
}

// canTogether lists what can be done with several calls at once.
func (t *turn) canTogether(c *call) []Verb {
	others, apart := 0, false
	for i := range t.calls {
		if o := &t.calls[i]; o.Key != c.Key && o.Account == c.Account && joinable(o) { // two accounts have two telephones
			others++
			apart = apart || !inConference(o, c)
		}
	}
	var v []Verb
	if others > 0 {
		v = append(v, XferTo)
	}
	if apart {
		v = append(v, Merge)
	}
	if c.Conference {
		v = append(v, Split)
	}
	return v
}

// canRecord lists what the policy allows with the recording of a call.
func (t *turn) canRecord(c *call) []Verb {
	switch {
	case !t.set.Recording:
		return nil
	case c.Recording == sip.RecordingOn, c.Recording == sip.RecordingPaused:
		return []Verb{Rec, RecPause}
	}
	return []Verb{Rec}
}
