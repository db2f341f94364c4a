package desk

import (
	"slices"

	"github.com/google/uuid"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/sip"
)

// keySpace is the namespace of call keys: UUIDv5 of the SIP Call-ID, our tag and the leg, fixed at call start so that a
// restart, a retry or a second program makes the same key for the same leg.
var keySpace = uuid.MustParse("6f66666f-6f6b-5f63-8c61-6c6c5f6b6579")

// NewCallKey is the key of one leg.
func NewCallKey(sipCallID, localTag string, account text.Text) CallKey {
	return CallKey(uuid.NewSHA1(keySpace, []byte(sipCallID+"\x00"+localTag+"\x00"+account.String())).String())
}

// maxDigits is how many of the far end's keys are shown: enough for a menu, too few for what nobody should collect.
const maxDigits = 12

// phone applies an event of the telephone.
func (t *turn) phone(ev sip.Event) {
	switch ev := ev.(type) {
	case sip.RegistrationChanged:
		t.registration(ev)
	case sip.SoundChanged:
		t.sound(ev)
	case sip.IncomingCall:
		t.incoming(ev)
	case sip.OutgoingCall:
		t.outgoing(ev)
	case sip.CallProgress:
		t.progress(ev)
	case sip.CallAnswered:
		t.answered(ev)
	case sip.CallHeld:
		t.held(ev)
	case sip.CommandFailed:
		t.commandFailed(ev)
	case sip.PartyChanged:
		t.partyChanged(ev)
	case sip.DTMFReceived:
		if c := t.leg(ev.Leg); c != nil {
			digits := c.DTMFIn.String() + string(ev.Digit)
			c.DTMFIn = text.Clean(digits[max(0, len(digits)-maxDigits):])
		}
	case sip.TransferProgress:
		if c := t.leg(ev.Leg); c != nil && c.Transfer != nil {
			c.Transfer = &Transfer{Target: c.Transfer.Target, Text: ev.Reason}
		}
	case sip.TransferEnded:
		t.transferEnded(ev)
	case sip.CallEnded:
		t.ended(ev)
	case sip.SoundPath:
		t.soundPath(ev)
	case sip.CallSecured:
		t.secured(ev)
	case sip.Asked:
		t.asked(ev)
	case sip.ConferenceChanged:
		t.conferenceChanged(ev)
	case sip.RecordingChanged:
		t.recordingChanged(ev)
	case sip.VoiceMail:
		t.mailboxChanged(ev)
	case sip.LampChanged:
		t.lampChanged(ev)
	case sip.TextMessage:
		t.textMessage(ev)
	}
}

// incoming is a new inbound call: journalled before anything else, then looked up while it rings.
func (t *turn) incoming(ev sip.IncomingCall) {
	t.forget()
	if last := t.find(t.openFor); t.openFor != "" && (last == nil || last.State == Ended) {
		t.open, t.openFor, t.trail, t.reading = nil, "", nil, "" // the last caller's card says nothing about this one
	}
	c := call{Call: Call{
		Key: NewCallKey(ev.CallID, ev.LocalTag, t.set.Agent.Account), Leg: ev.Leg, Dir: crm.Inbound, State: Incoming,
		Remote: ev.Remote, Called: ev.Called, Started: ev.At, StateSince: ev.At, Record: RecordOpen,
	}, sipCallID: ev.CallID}
	t.identify(&c)
	t.describe(&c, ev)
	full := t.up() >= MaxCalls
	t.calls = append(t.calls, c)
	now := &t.calls[len(t.calls)-1]
	t.journal(now, "incoming")
	t.lookup(now)
	t.arrive(now, ev, full)
}

// turnAway refuses a call that the agent was never offered: it is missed, not declined.
func (t *turn) turnAway(c *call, code int, phrase, why string) {
	c.action, c.turned = "missed", why
	t.do(PhoneDo{Do: PhoneReject, Leg: c.Leg, Code: code, Text: phrase})
	t.enter(c, Ending, why)
}

// up counts the calls that are not over.
func (t *turn) up() (n int) {
	for i := range t.calls {
		if t.calls[i].State != Ended {
			n++
		}
	}
	return n
}

// outgoing confirms that our INVITE is leaving; the call has been on the list since the command.
func (t *turn) outgoing(ev sip.OutgoingCall) {
	c := t.leg(ev.Leg)
	if c == nil && ev.For != "" { // the far end of another call sends us on (REFER): nobody typed this number here
		t.calls = append(t.calls, call{Call: Call{
			Leg: ev.Leg, Dir: crm.Outbound, Outgoing: true, State: Dialling, Remote: ev.Remote, Called: ev.Remote.Number,
			Started: ev.At, StateSince: ev.At, Record: RecordOpen,
		}})
		c = &t.calls[len(t.calls)-1]
	}
	if c == nil {
		return
	}
	c.Account, c.session = ev.Account, ev.Session
	c.Key = NewCallKey(ev.CallID, ev.LocalTag, t.set.Agent.Account)
	c.sipCallID = ev.CallID
	c.Remote = c.asTyped(ev.Remote)
	t.identify(c)
	if c.State == Ending { // hung up before the INVITE was out
		t.journal(c, "hanging up")
	} else {
		if ev.For == "" { // not before: a number that may not be called puts nobody on hold
			t.holdOthers(c)
		}
		t.enter(c, Dialling, "dialling")
	}
	if c.forced {
		t.journal(c, "called although the person does not want to be called")
	}
	t.lookup(c)
}

// identify classifies the far end and takes the best name that is known without Salesforce.
func (t *turn) identify(c *call) {
	c.class = t.set.Classify(c.Remote)
	if c.class.Withheld && !c.Outgoing { // of somebody who hides nothing is shown, kept or passed on (RFC 3325 §7)
		c.Remote = sip.Party{Source: c.Remote.Source, Withheld: true}
	}
	switch {
	case c.class.Internal:
		c.Dir = crm.Internal
	case c.Outgoing:
		c.Dir = crm.Outbound
	default:
		c.Dir = crm.Inbound
	}
	c.Place = c.class.Place
	if c.NameFrom == "" || c.NameFrom == "SIP" || c.NameFrom == fromSettings {
		c.Name, c.NameFrom = c.Remote.Name, "SIP"
		if c.Name.Empty() {
			c.NameFrom = ""
			if l := t.colleague(c.Remote.Number); l != nil && !l.Name.Empty() {
				c.Name, c.NameFrom = l.Name, fromSettings
			}
		}
	}
}

// progress: it rings at the far end, or one hears how the call is getting on. A call that is sent on (181) or queued (182) rings nowhere yet.
func (t *turn) progress(ev sip.CallProgress) {
	if c := t.leg(ev.Leg); c != nil && c.State == Dialling && (ev.Code == 180 || ev.Code == 183) {
		t.enter(c, Alerting, "alerting")
	}
}

func (t *turn) answered(ev sip.CallAnswered) {
	c := t.leg(ev.Leg)
	if c == nil || c.State == Ended {
		return
	}
	c.Codec = ev.Codec
	c.action = "answered"
	if c.Answered.IsZero() {
		c.Answered = ev.At
	}
	if c.State == Ending {
		t.journal(c, "answered")
		return
	}
	t.holdOthers(c) // an answer may come while somebody else is talking: one conversation at a time
	t.enter(c, Talking, "answered")
	t.pop(c)
	t.makeRecords(c, false)
}

func (t *turn) held(ev sip.CallHeld) {
	c := t.leg(ev.Leg)
	if c == nil || c.State == Ended || c.State == Ending {
		return
	}
	changed := c.HeldByThem != ev.ByThem
	c.HeldByThem, c.heldByUs = ev.ByThem, ev.ByUs
	switch { // while Holding or Resuming, only the answer to our own wish changes the state; the far end's hold may come in between
	case ev.ByUs && (c.State == Talking || c.State == Holding):
		t.enter(c, Held, "held")
		return
	case !ev.ByUs && (c.State == Held || c.State == Resuming):
		t.enter(c, Talking, "resumed")
		return
	}
	if changed && ev.ByThem {
		t.journal(c, "held by the far end")
	} else if changed {
		t.journal(c, "resumed by the far end")
	}
}

func (t *turn) commandFailed(ev sip.CommandFailed) {
	c := t.leg(ev.Leg)
	if c == nil || c.State == Ended {
		return
	}
	switch {
	case ev.Command == "dial": // no INVITE left, so no end of the call will be told
		c.Cause = ev.Reason
		t.finish(c)
	case ev.Command == "redirect" && c.State == Ending: // it still rings
		c.action, c.sentTo = "", text.Text{}
		t.enter(c, Incoming, "sending on failed")
		t.say(Warning, c.Key, "The call could not be sent on (%s); it is still ringing.", ev.Reason)
	case c.State == Ending: // it is over anyway
	case ev.Command == "answer" && c.State == Answering:
		t.enter(c, Incoming, "answering failed")
		t.say(Warning, c.Key, "The call could not be answered (%s); it is still ringing. Try again.", ev.Reason)
	case ev.Command == "hold" && c.State == Holding:
		t.enter(c, Talking, "hold refused")
		t.say(Warning, c.Key, "The other side refused the hold (%s); the call goes on, they still hear you. Mute with m.", ev.Reason)
	case ev.Command == "resume" && c.State == Resuming:
		t.enter(c, Held, "resume refused")
		t.say(Warning, c.Key, "The call could not be resumed (%s); it is still on hold. Try again.", ev.Reason)
	case ev.Command == "transfer" && c.State == Transferring:
		t.transferFailed(c, ev.Reason)
	case ev.Command == "refresh":
		t.say(Warning, c.Key, "The other side did not agree to go on over another way (%s). If you hear nothing, call back.", ev.Reason)
	default:
		t.say(Warning, c.Key, "%s failed (%s); the call goes on.", ev.Command, ev.Reason)
	}
}

// partyChanged is a new identity in mid-call: whoever is there now is looked up again, and the card follows.
func (t *turn) partyChanged(ev sip.PartyChanged) {
	c := t.leg(ev.Leg)
	if c == nil || c.State == Ended {
		return
	}
	ev.Remote = c.asTyped(ev.Remote)
	if c.Remote.Number == ev.Remote.Number && c.Remote.Name == ev.Remote.Name {
		return
	}
	same := c.Remote.Number == ev.Remote.Number && c.Remote.Withheld == ev.Remote.Withheld
	c.Remote = ev.Remote
	if same { // only the name is another: who it is in Salesforce stays
		t.identify(c)
		t.journal(c, "party renamed")
		return
	}
	c.NameFrom, c.Match = "", crm.Match{}
	t.identify(c)
	t.journal(c, "party changed")
	t.lookup(c)
}

func (t *turn) transferEnded(ev sip.TransferEnded) {
	c := t.leg(ev.Leg)
	if c == nil || c.State == Ended {
		return
	}
	switch {
	case !ev.OK && c.State == Transferring:
		t.transferFailed(c, noTransfer(ev))
		return
	case !ev.OK: // the agent has hung up meanwhile
		return
	}
	if !c.attended {
		c.transferTo = ev.Target
	}
	c.action = "transfer"
	if c.Transfer != nil {
		c.Transfer = &Transfer{Target: c.Transfer.Target, Other: c.Transfer.Other, Text: text.Clean("done")}
	}
	t.enter(c, Ending, "transferred")
}

// noTransfer is why nobody took the transferred call, in the words of a person (RFC 3515 §2.4.5: the target's own answer).
func noTransfer(ev sip.TransferEnded) text.Text {
	switch ev.Code {
	case 404, 604:
		return text.Clean("the number does not exist")
	case 408, 480, 487:
		return text.Clean("nobody answers there")
	case 484:
		return text.Clean("the number is incomplete")
	case 486, 600:
		return text.Clean("busy")
	case 603:
		return text.Clean("declined")
	}
	return ev.Reason.Or(text.Clean("no reason given"))
}

// takeBack forgets a transfer that has not come about.
func (t *turn) takeBack(c *call) {
	c.Transfer, c.transferTo, c.attended = nil, text.Text{}, false
	for i := range t.calls {
		if t.calls[i].consultOf == c.Key {
			t.calls[i].consultOf = ""
		}
	}
}

// transferFailed takes the caller back: nobody is left on hold by a transfer that did not happen, unless the agent talks to
// somebody else by then.
func (t *turn) transferFailed(c *call, why text.Text) {
	target := text.Text{}
	if c.Transfer != nil {
		target = c.Transfer.Target
	}
	t.takeBack(c)
	c.Transfer = &Transfer{Target: target, Text: why, Failed: true}
	if slices.ContainsFunc(t.calls, func(o call) bool { return o.Key != c.Key && (o.State == Talking || o.State == Answering) }) {
		if c.heldByUs {
			t.enter(c, Held, "transfer failed")
		} else {
			t.do(PhoneDo{Do: PhoneHold, Leg: c.Leg})
			t.enter(c, Holding, "transfer failed")
		}
		t.say(Warning, c.Key, "The transfer to %s failed (%s). The caller waits on hold.", target, why)
		return
	}
	t.enter(c, Resuming, "transfer failed")
	t.do(PhoneDo{Do: PhoneResume, Leg: c.Leg})
	t.say(Warning, c.Key, "The transfer to %s failed (%s). The caller is back with you.", target, why)
}

// ended is the end of a leg: the call record goes to disk in this very step.
func (t *turn) ended(ev sip.CallEnded) {
	c := t.leg(ev.Leg)
	if c == nil || c.finished {
		return
	}
	if t.quit && ev.ByUs && ev.Cause == sip.EndDeclined && c.action == "" { // nobody declined: the program ended while it rang
		ev.Cause = sip.EndShutdown
	}
	c.cause, c.byUs = ev.Cause, ev.ByUs
	c.EndedAt, c.Conference = ev.At, false
	t.unsayOf(c, "") // "the caller is back with you" and the like
	if !slices.ContainsFunc(t.calls, func(o call) bool { return o.Key != c.Key && o.State != Ended }) {
		t.unsay(noSound) // the status line still has it
	}
	missed := c.State == Incoming && ev.Cause != sip.EndAnsweredElsewhere && ev.Cause != sip.EndShutdown
	c.Cause = text.Clean(causeText(c, ev))
	if ev.Cause == sip.EndTransferred && c.consultOf == "" {
		c.action = "transfer"
	}
	if c.Assoc.Pick && !c.Answered.IsZero() {
		t.say(Info, c.Key, "Several records have this number and none was picked: the Task names none of them.")
	}
	t.finish(c)
	// Who was in another call meanwhile was not away: only a ring that had the agent to itself counts.
	if missed && t.shown == Ringing && t.at.Sub(t.since) >= t.set.MissedAfter && t.base == Available {
		t.base = NotResponding
	}
	if t.set.Linger > 0 {
		t.do(After{ID: TimerID("linger " + string(c.Key)), In: t.set.Linger})
	}
}

// ring keeps the ring tone going exactly while a call is ringing here and nobody is talking.
func (t *turn) ring() {
	ringing, talking := false, false
	for i := range t.calls {
		switch t.calls[i].State {
		case Incoming:
			ringing = true
		case Talking, Transferring:
			talking = true
		}
	}
	if on := ringing && !talking; on != t.ringing {
		t.ringing = on
		t.do(Ring{On: on})
	}
}

// enter moves a call into a state and writes it to the journal.
func (t *turn) enter(c *call, s CallState, transition string) {
	c.State, c.StateSince = s, t.at
	t.journal(c, transition)
}
