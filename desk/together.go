package desk

import (
	"slices"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/sip"
)

// partner is the other call of an attended transfer: the named one, else the only other one that is answered.
func (t *turn) partner(c *call, key string) *call {
	if key != "" {
		o := t.find(CallKey(key))
		if o == nil || o.Key == c.Key || !joinable(o) {
			return nil
		}
		return o
	}
	var found *call
	for i := range t.calls {
		if o := &t.calls[i]; o.Key != c.Key && o.Account == c.Account && joinable(o) {
			if found != nil {
				return nil
			}
			found = o
		}
	}
	return found
}

// joinable: answered and not on its way out.
func joinable(c *call) bool {
	switch c.State {
	case Talking, Held, Holding, Resuming:
		return !c.Answered.IsZero()
	}
	return false
}

// customerOf is who of two is handed over, and who is asked: never a colleague for an outsider, then who called us, then
// who waits, then who was there first. Which of the two was named, or is talking, says nothing.
func customerOf(a, b *call) (customer, consult *call) {
	for _, tells := range []func(c *call) bool{
		func(c *call) bool { return !c.class.Internal },
		func(c *call) bool { return !c.Outgoing },
		func(c *call) bool { return c.heldByUs },
		func(c *call) bool {
			return c == a && a.Started.Before(b.Started) || c == b && b.Started.Before(a.Started)
		},
	} {
		switch x, y := tells(a), tells(b); {
		case x && !y:
			return a, b
		case y && !x:
			return b, a
		}
	}
	return a, b
}

// transferTo joins two calls and leaves both: the customer is handed to who was asked (RFC 5589 §7).
func (t *turn) transferTo(c *call, cmd Command) {
	o := t.partner(c, cmd.Text)
	if o == nil {
		t.say(Info, c.Key, "With whom? Call the colleague first; then this joins the two calls.")
		return
	}
	customer, consult := customerOf(c, o)
	who := consult.Name.Or(consult.Remote.Number)
	t.unsayOf(customer, "The transfer to ")
	customer.Transfer = &Transfer{Target: who, Other: consult.Key, Text: text.Clean("joining")}
	customer.transferTo, customer.attended = consult.Remote.Number, true
	customer.correlation, consult.correlation = string(customer.Key), string(customer.Key)
	consult.consultOf, consult.joined = customer.Key, customer.Name.Or(customer.Remote.Number)
	t.do(PhoneDo{Do: PhoneTransferTo, Leg: customer.Leg, Legs: []sip.LegID{consult.Leg}})
	t.enter(customer, Transferring, "transferring to "+who.String())
	t.journal(consult, "being joined")
}

// merge lets every answered call hear every other one.
func (t *turn) merge(c *call) {
	legs := []sip.LegID{c.Leg}
	for i := range t.calls {
		if o := &t.calls[i]; o.Key != c.Key && o.Account == c.Account && joinable(o) {
			legs = append(legs, o.Leg)
		}
	}
	if len(legs) < 2 || !joinable(c) {
		t.say(Info, c.Key, "A conference needs two answered calls: call somebody else first.")
		return
	}
	t.do(PhoneDo{Do: PhoneConference, Legs: legs})
	for _, leg := range legs {
		if o := t.leg(leg); o.State == Held || o.State == Holding {
			t.do(PhoneDo{Do: PhoneResume, Leg: leg})
			t.enter(o, Resuming, "joining the conference")
		}
	}
}

// split ends the conference: this call goes on, the others wait on hold. Nobody is dropped.
func (t *turn) split(c *call) {
	t.do(PhoneDo{Do: PhoneConference})
	for i := range t.calls {
		if o := &t.calls[i]; o.Key != c.Key && o.Conference && o.State == Talking {
			t.do(PhoneDo{Do: PhoneHold, Leg: o.Leg})
			t.enter(o, Holding, "leaving the conference")
		}
	}
}

func (t *turn) conferenceChanged(ev sip.ConferenceChanged) {
	together := len(ev.Legs) >= 2
	for i := range t.calls {
		c := &t.calls[i]
		in := together && slices.Contains(ev.Legs, c.Leg)
		if in != c.Conference && c.State != Ended {
			c.Conference = in
			t.journal(c, map[bool]string{true: "in the conference", false: "out of the conference"}[in])
		}
	}
}

// inConference reports whether two calls hear each other: neither is put on hold for the other's sake.
func inConference(a, b *call) bool { return a.Conference && b.Conference }

// recordingChanged takes over what became of a recording. One that fails is told: whoever counts on it must know.
func (t *turn) recordingChanged(ev sip.RecordingChanged) {
	c := t.leg(ev.Leg)
	if c == nil {
		return
	}
	if ev.Path != "" {
		c.recordingAt = ev.Path
	}
	c.Recording = ev.State
	if ev.State == sip.RecordingFailed {
		t.say(Warning, c.Key, "This call is not being recorded: %s. The call and its record go on.", ev.Reason)
	}
	t.journal(c, "recording "+string(ev.State))
}

// linked adds to a call record what a transfer with consultation left behind: the customer's leg says to whom, the consult's own
// leg that it was one. Both carry the same correlation.
func (c *call) linked(rec *crm.CallRecord) {
	if c.correlation != "" {
		rec.Correlation = c.correlation
	}
	if c.attended && rec.Transfer != "" {
		rec.Transfer = "attended"
	}
}
