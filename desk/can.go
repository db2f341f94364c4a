package desk

import "offhook/crm"

// can lists what is possible with a call in its present state, the most likely first. Front ends show exactly this.
func (t *turn) can(c *call) []Verb {
	var v []Verb
	switch c.State {
	case Incoming:
		v = append(v, Answer, Reject)
	case Dialling, Alerting:
		v = append(v, Hangup)
	case Talking:
		v = append(v, Hold, Mute, Xfer, DTMF, Hangup)
	case Held:
		v = append(v, Resume, Xfer, Hangup)
	case Answering, Holding, Resuming, Transferring:
		v = append(v, Hangup)
	case Ending:
		return nil
	case Ended:
		return []Verb{Dismiss}
	}
	return append(v, t.canCustomer(c)...)
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
	return append(v, Clear, Note)
}
