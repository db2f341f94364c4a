package crm

// CardHit takes what association needs from a card: the record with its parents.
func CardHit(c Card) Hit {
	h := Hit{Ref: c.Ref, ContactID: c.ContactID, PersonContactID: c.PersonContactID}
	if c.AccountID != "" {
		h.Account = Ref{Type: "Account", ID: c.AccountID}
	}
	return h
}

// OpenRecordRule tunes rule 4.
type OpenRecordRule string

// Values of assoc.open_record.
const (
	OpenAlways          OpenRecordRule = "always" // also the zero value
	OpenIfNumberMatches OpenRecordRule = "if_number_matches"
	OpenNever           OpenRecordRule = "never"
)

// AssocInput is everything that decides which record a call belongs to; a zero Hit is none. It is data: Associate looks
// nothing up. Records come with their parents (CardHit), because a Case brings its contact along.
type AssocInput struct {
	Internal  bool // ClassInternal
	Emergency bool // ClassEmergency
	Withheld  bool // ClassWithheld

	Pinned  Hit  // the agent pinned this record
	Cleared bool // the agent said: no record. Opening a record afterwards takes it back (the desk's part)

	Current Hit   // the activity-capable record last opened during the call
	Earlier []Hit // what else was opened or picked during the call, in any order

	Source        Hit // click-to-dial: the record whose phone field placed the call
	OpenAtDial    Hit // the card shown when a number was typed
	OpenRecord    OpenRecordRule
	NumberMatches bool // the number typed stands on that card

	Match Match
}

// Associate applies the rules of association, first that applies wins. It is a pure function; the table of the rules
// is its test.
func Associate(in AssocInput) Association {
	switch {
	case in.Internal:
		return Association{Rule: RuleNothing, Why: "internal call: no record"}
	case in.Emergency:
		return Association{Rule: RuleNothing, Why: "emergency call: no record"}
	case in.Withheld && !capable(in.Pinned) && !capable(in.Current):
		return Association{Rule: RuleNothing, Why: "number withheld, nothing opened"}
	case capable(in.Pinned):
		return in.link(RulePinned, "pinned by you", in.Pinned)
	case in.Cleared:
		return Association{Rule: RulePinned, Why: "cleared by you"}
	case capable(in.Current):
		return in.link(RuleCurrent, "opened during the call", in.Current)
	case capable(in.Source):
		return in.link(RuleSource, "dialled from this record", in.Source)
	case capable(in.OpenAtDial) && in.openCounts():
		return in.link(RuleOpenAtDial, "open when the number was dialled", in.OpenAtDial)
	}
	if hit, ok := in.Match.Only(); ok && capable(hit) {
		return in.link(RuleOneMatch, "the only match", hit)
	}
	switch in.Match.State {
	case MatchMany:
		return Association{Rule: RuleNone, Why: "several matches, none chosen", Pick: true}
	case MatchSearching:
		return Association{Rule: RuleNone, Why: "the search had not finished"}
	case MatchFailed:
		return Association{Rule: RuleNone, Why: "Salesforce could not be searched"}
	}
	return Association{Rule: RuleNone, Why: "no match, nothing opened"}
}

func (in AssocInput) openCounts() bool {
	switch in.OpenRecord {
	case OpenNever:
		return false
	case OpenIfNumberMatches:
		return in.NumberMatches
	}
	return true
}

// capable reports whether there is a record, and a Task can be about it. Users, Tasks and Events cannot.
func capable(h Hit) bool {
	switch h.Type {
	case "User", "Task", "Event", "Group", "Queue", "EmailMessage", "Report", "Dashboard", "":
		return false
	}
	return !h.Zero()
}

// link fills who and what: Contact and Lead are people (WhoId), a person account is its contact, everything else is a
// thing (WhatId). A Lead never has a WhatId beside it (FIELD_INTEGRITY_EXCEPTION).
func (in AssocInput) link(rule Rule, why string, o Hit) Association {
	a := Association{Rule: rule, Why: why}
	switch {
	case o.Type == "Contact" || o.Type == "Lead":
		a.Who = o.Ref
	case o.Type == "Account" && o.PersonContactID != "":
		a.Who = Ref{Type: "Contact", ID: o.PersonContactID, Name: o.Name}
	default:
		a.What = o.Ref
		if o.Type == "Case" || o.Type == "Opportunity" {
			a.Who = in.ownContact(o)
		}
	}
	return a
}

// ownContact returns the contact of a Case or Opportunity when that very contact was the source, was opened or picked
// during the call, or is the single match; else nothing: a contact that had no part in the call is not written to it.
func (in AssocInput) ownContact(o Hit) Ref {
	if o.ContactID == "" {
		return Ref{}
	}
	part := append([]Hit{in.Source, in.Current, in.Pinned}, in.Earlier...)
	if hit, ok := in.Match.Only(); ok {
		part = append(part, hit)
	}
	for _, h := range part {
		id := h.ID
		switch {
		case h.PersonContactID != "":
			id = h.PersonContactID
		case h.Type != "Contact":
			continue
		}
		if SameID(id, o.ContactID) {
			return Ref{Type: "Contact", ID: id, Name: h.Name}
		}
	}
	return Ref{}
}
