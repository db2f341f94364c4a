package desk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/sip"
)

// arrive decides what becomes of a call that has just begun to ring: turned away, sent on, answered by itself, or left to the agent.
// Whatever it is, the call is in the journal by now and leaves its record.
func (t *turn) arrive(c *call, ev sip.IncomingCall, full bool) {
	busy := t.up() > 1
	switch f := t.forward; {
	case t.quit:
		t.turnAway(c, 480, "Temporarily Unavailable", "offhook is being left")
	case full:
		t.turnAway(c, 486, "Busy Here", "too many calls at once")
	case ev.Replaces != "" && t.leg(ev.Replaces) != nil: // it takes the place of a call that the agent has: nobody is asked twice
		t.replacing(c, ev.Replaces)
	case f != nil && (f.When == ForwardAlways || f.When == ForwardBusy && busy):
		t.sendOn(c, f.To, "forwarded to "+f.To.String())
	case ev.Auto != nil && ev.Auto.Privileged && !busy: // RFC 5373 §4.1.2: whatever the agent wants
		t.answerSoon(c, ev.Auto)
	case t.dnd:
		t.turnAway(c, 486, "Busy Here", "do not disturb")
	case ev.Auto != nil && !busy && t.base == Available:
		t.answerSoon(c, ev.Auto)
	case f != nil && f.When == ForwardNoAnswer:
		t.do(After{ID: forwardTimer(c.Key), In: t.set.ForwardAfter})
	}
}

func (t *turn) answerSoon(c *call, auto *sip.AutoAnswer) {
	c.AutoAnswer = true
	t.do(After{ID: autoTimer(c.Key), In: max(auto.After, time.Millisecond)})
}

// replacing: a call that takes the place of another one (RFC 3891) is answered in its stead; the telephone ends the old one.
func (t *turn) replacing(c *call, old sip.LegID) {
	if o := t.leg(old); o.State == Incoming { // it only rang: the new one rings
		return
	}
	t.do(PhoneDo{Do: PhoneAnswer, Leg: c.Leg})
	t.enter(c, Answering, "takes the place of another call")
}

// sendOn redirects a ringing call (302). The agent did not take it: it is a missed call that says where it went.
func (t *turn) sendOn(c *call, to text.Text, why string) {
	c.action, c.sentTo = "missed", to
	t.do(PhoneDo{Do: PhoneRedirect, Leg: c.Leg, Text: t.dials(to.String())})
	t.enter(c, Ending, why)
}

// setForward is the agent's wish where calls should go.
func (t *turn) setForward(cmd Command) {
	to := strings.TrimSpace(cmd.Text)
	if to == "" {
		was := t.forward != nil
		t.forward = nil
		switch {
		case t.dnd:
			t.sayArrivals("Calls are not forwarded; do not disturb refuses them.")
		case was:
			t.sayArrivals("Calls ring here again.")
		default:
			t.sayArrivals("Calls are not forwarded: they ring here.")
		}
		return
	}
	when := ForwardWhen(cmd.Values["when"])
	switch when {
	case "":
		when = ForwardAlways
	case ForwardAlways, ForwardBusy, ForwardNoAnswer:
	default:
		t.say(Info, "", "Calls can be forwarded always, when busy or when there is no answer.")
		return
	}
	if !dialable(to) {
		t.say(Info, "", "%q is neither a telephone number nor a SIP address: calls are not forwarded.", text.Clean(to))
		return
	}
	t.forward = &Forwards{When: when, To: text.Clean(to)}
	how := map[ForwardWhen]string{
		ForwardAlways: "Every call goes", ForwardBusy: "While you are in a call, further ones go", ForwardNoAnswer: "Calls that nobody answers go",
	}[when]
	t.sayArrivals("%s to %s; each leaves its record.", how, to)
}

// setDND is the agent's wish that calls are refused, or taken again. Forwarding is asked before it.
func (t *turn) setDND() {
	t.dnd = !t.dnd
	switch {
	case t.dnd && t.forward != nil && t.forward.When == ForwardAlways:
		t.sayArrivals("Do not disturb is on; calls are still forwarded to %s.", t.forward.To)
	case t.dnd:
		t.sayArrivals("Do not disturb: calls are refused as busy; each leaves its record.")
	case t.forward != nil:
		t.sayArrivals("Do not disturb is off; calls are still forwarded to %s.", t.forward.To)
	default:
		t.sayArrivals("Calls ring here again.")
	}
}

// sayArrivals says what becomes of calls from now on; what was said of that before is untrue now.
func (t *turn) sayArrivals(format string, args ...any) {
	t.notices = slices.DeleteFunc(t.notices, func(n Notice) bool { return n.ID != 0 && n.ID == t.arrivals })
	t.say(Info, "", format, args...)
	t.arrivals = t.notices[len(t.notices)-1].ID
}

// asked is what the exchange wants done in the agent's stead. What the call does not allow now is not done, and nobody is told.
func (t *turn) asked(ev sip.Asked) {
	c := t.leg(ev.Leg)
	if c == nil || c.State == Transferring {
		return
	}
	if verb := map[string]Verb{"answer": Answer, "hold": Hold, "resume": Resume}[ev.Do]; verb != "" && allowed(t.can(c), verb) {
		t.callCommand(c, Command{Verb: verb})
	}
}

// describe takes over what the headers of a call told.
func (t *turn) describe(c *call, ev sip.IncomingCall) {
	c.Account, c.Diverted, c.Vars, c.session = ev.Account, ev.Diverted, ev.Vars, ev.Session
	if ref, ok := crm.RefOfID(ev.Record); ok && !c.class.Internal && !c.class.Withheld {
		c.handed = ref
	}
	c.Vars = t.named(c)
}

// handedOver pops the record whose id came with the call: no lookup by number is needed, and none could be more exact.
func (t *turn) handedOver(c *call) {
	c.Match = crm.Match{State: crm.MatchSearching}
	t.do(LoadCard{For: c.Key, Ref: c.handed, Auto: true})
	t.associate(c)
}

// handedCard is the answer: the one match, or when there is no such record the lookup by number after all.
func (t *turn) handedCard(c *call, ev CardLoaded) {
	c.handed = crm.Ref{}
	if ev.Card == nil {
		t.say(Info, c.Key, "The record that came with the call could not be opened (%s); the caller is looked up by number.", ev.Err)
		t.lookup(c)
		return
	}
	hit := crm.CardHit(*ev.Card)
	c.Match = crm.Match{State: crm.MatchOne, Hits: []crm.Hit{hit}}
	if !hit.Name.Empty() {
		c.Name, c.NameFrom = hit.Name, "Salesforce"
	}
	t.associate(c)
	t.journal(c, "record handed over: "+hit.ID)
}

// secured takes over how well a call is protected. Sound that is cut off because it cannot be trusted is said at once.
func (t *turn) secured(ev sip.CallSecured) {
	c := t.leg(ev.Leg)
	if c == nil || c.State == Ended {
		return
	}
	told := !c.Broken.Empty()
	c.Signaling, c.Sound, c.Broken = ev.Signaling, ev.Sound, ev.Broken
	if !ev.Broken.Empty() && !told {
		t.say(Problem, c.Key, "The sound of this call is cut off: %s. Nobody hears you; hang up and call back.", ev.Broken)
	}
}

// noWay and lostWay begin the lines about a call whose sound has found no way, or has none any more.
const (
	noWay   = "No way for the sound was found"
	lostWay = "The far end takes no sound any more"
)

// soundPath takes over what the connectivity checks of a call came to.
func (t *turn) soundPath(ev sip.SoundPath) {
	c := t.leg(ev.Leg)
	switch {
	case c == nil || c.State == Ended:
	case ev.OK:
		t.unsayOf(c, noWay)
		t.unsayOf(c, lostWay)
	case ev.Lost:
		t.say(Warning, c.Key, lostWay+": it has answered no connectivity check for 30 s. The call is still up and asks for another way; if you hear nothing, call back.")
	default:
		t.say(Warning, c.Key, noWay+": the far end answers no connectivity checks. The call is still up; if you hear nothing, call back.")
	}
}

// mailbox takes over the state of the voice mail; new messages are said once.
func (t *turn) mailboxChanged(ev sip.VoiceMail) {
	had := 0
	if t.mailbox != nil {
		had = max(t.mailbox.New, 0)
	}
	t.mailbox = &Mailbox{Waiting: ev.Waiting, New: ev.New, Old: ev.Old, Number: ev.Number}
	if ev.Waiting && (ev.New > had || ev.New < 0 && had == 0) {
		t.say(Info, "", "%s", messages(ev.New))
	}
}

func messages(n int) string {
	switch {
	case n < 0:
		return "There is voice mail."
	case n == 1:
		return "There is one new voice message."
	}
	return fmt.Sprintf("There are %d new voice messages.", n)
}

// callMailbox dials the mailbox.
func (t *turn) callMailbox() {
	switch {
	case t.mailbox == nil || t.mailbox.Number.Empty() && t.set.MailboxNumber == "":
		t.say(Info, "", "The number of the mailbox is not known; set it as sip.voicemail.")
	case t.mailbox.Number.Empty():
		t.dial(Command{Verb: Dial, Text: t.set.MailboxNumber})
	default:
		t.dial(Command{Verb: Dial, Text: t.mailbox.Number.String()})
	}
}
