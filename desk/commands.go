package desk

import (
	"fmt"
	"strings"
	"unicode"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/sip"
)

// command applies a wish. Every command is answered: by its effect in the next snapshot, or by a notice that says why not.
func (t *turn) command(cmd Command) {
	if t.deskCommand(cmd) {
		return
	}
	c := t.target(cmd)
	if c == nil {
		t.say(Info, "", "There is no call to %s.", cmd.Verb)
		return
	}
	if !allowed(c.Can, cmd.Verb) {
		t.say(Info, c.Key, "%s is not possible while the call is %s.", text.Capital(string(cmd.Verb)), c.State)
		return
	}
	t.callCommand(c, cmd)
}

// allowed reports whether a verb is possible. Resume and Hold stand for one toggle key.
func allowed(can []Verb, v Verb) bool {
	for _, a := range can {
		if a == v {
			return true
		}
	}
	return false
}

// target is the call a command means: the named one, else the talking one, else the ringing one, else the only one.
func (t *turn) target(cmd Command) *call {
	if cmd.Call != "" {
		return t.find(cmd.Call)
	}
	want := []CallState{Talking, Incoming, Alerting, Dialling, Held, Answering, Transferring, Resuming, Holding, Ending}
	if cmd.Verb == Answer || cmd.Verb == Reject {
		want = []CallState{Incoming}
	}
	for _, s := range want {
		for i := range t.calls {
			if t.calls[i].State == s {
				return &t.calls[i]
			}
		}
	}
	if len(t.calls) > 0 {
		return &t.calls[len(t.calls)-1]
	}
	return nil
}

// callCommand carries out a command on one call.
func (t *turn) callCommand(c *call, cmd Command) {
	switch cmd.Verb {
	case Answer:
		t.holdOthers(c)
		t.do(PhoneDo{Do: PhoneAnswer, Leg: c.Leg})
		t.enter(c, Answering, "answering")
	case Reject:
		code, phrase := 603, "Decline"
		if cmd.Text == "busy" {
			code, phrase = 486, "Busy Here"
		}
		c.action = "declined"
		t.do(PhoneDo{Do: PhoneReject, Leg: c.Leg, Code: code, Text: phrase})
		t.enter(c, Ending, "declined")
	case Hangup:
		t.do(PhoneDo{Do: PhoneHangup, Leg: c.Leg})
		t.enter(c, Ending, "hanging up")
	case Hold:
		t.do(PhoneDo{Do: PhoneHold, Leg: c.Leg})
		t.enter(c, Holding, "holding")
	case Resume:
		t.holdOthers(c)
		if c.State == Transferring {
			t.takeBack(c)
		}
		t.do(PhoneDo{Do: PhoneResume, Leg: c.Leg})
		t.enter(c, Resuming, "resuming")
	case Mute:
		c.Muted = !c.Muted
		t.do(PhoneDo{Do: PhoneMute, Leg: c.Leg, On: c.Muted})
	case DTMF:
		digits := dtmfDigits(cmd.Text)
		if digits == "" {
			t.say(Info, c.Key, "Only 0–9, *, # and A–D can be sent as tones.")
			return
		}
		n, unit := len(digits)+countOf(c.DTMFOut), "digits"
		if n == 1 {
			unit = "digit"
		}
		c.DTMFOut = text.Clean(fmt.Sprintf("%d %s", n, unit))
		t.do(PhoneDo{Do: PhoneDTMF, Leg: c.Leg, Text: digits})
	case Xfer:
		target := strings.TrimSpace(cmd.Text)
		if target == "" {
			t.say(Info, c.Key, "Transfer to whom? Type a number.")
			return
		}
		t.unsayOf(c, "The transfer to ")
		c.Transfer = &Transfer{Target: text.Clean(target), Text: text.Clean("asking")}
		t.do(PhoneDo{Do: PhoneTransfer, Leg: c.Leg, Text: t.dials(target)})
		t.enter(c, Transferring, "transferring to "+target)
	case XferTo:
		t.transferTo(c, cmd)
	case Merge:
		t.merge(c)
	case Split:
		t.split(c)
	case Redirect:
		to := strings.TrimSpace(cmd.Text)
		if !dialable(to) {
			t.say(Info, c.Key, "Send the call where? Type a number.")
			return
		}
		t.sendOn(c, text.Clean(to), "sent to "+to)
	case Rec:
		t.do(PhoneDo{Do: PhoneRecord, Leg: c.Leg, On: c.Recording != sip.RecordingOn && c.Recording != sip.RecordingPaused})
	case RecPause:
		t.do(PhoneDo{Do: PhonePause, Leg: c.Leg, On: c.Recording == sip.RecordingOn})
	case Note:
		before := c.Notes
		c.Notes = text.CleanBlock(cmd.Text, 4*MaxNotes)
		if c.finished {
			if was, ok := cmd.Values["was"]; ok { // what another program wrote meanwhile stays below
				c.Notes = crm.MergeNotes(text.CleanBlock(was, 4*MaxNotes), c.Notes, before)
			}
			t.amend(c, before, crm.PartNotes)
			return
		}
		t.journal(c, "") // saved at each keystroke, without a line in the timeline
	case Dispose:
		t.dispose(c, cmd)
	case Dismiss:
		t.dismiss(c)
	default:
		t.customerCommand(c, cmd)
	}
}

// deskCommand carries out the commands that concern no call; it reports whether cmd was one of them.
func (t *turn) deskCommand(cmd Command) bool {
	switch cmd.Verb {
	case Dial:
		t.dial(cmd)
	case Open:
		t.openRecord(cmd)
	case Close:
		t.close()
	case SearchTyped:
		t.searchTyped(cmd)
	case Back:
		t.goBack(cmd)
	case Refresh:
		t.refresh()
	case Create:
		t.create(cmd)
	case SearchIn:
		if c := t.target(cmd); c != nil && c.State != Ended {
			return false
		}
		t.startSearch("", cmd.Text, cmd)
	case New:
		t.typed = text.Clean(cmd.Values["typed"])
		number := text.Text{}
		if c := t.target(cmd); c != nil {
			if c.State != Ended {
				return false
			}
			number = c.Remote.Number // the call is over and its record settled; its number still saves typing
		}
		t.startForm("", cmd, number)
	case GoAvailable, GoAway:
		t.goTo(cmd)
	case DND:
		t.setDND()
	case Forward:
		t.setForward(cmd)
	case Voicemail:
		t.callMailbox()
	case SoundShow, SoundHide, SoundPick, SoundTry:
		t.soundCommand(cmd)
	case Quit:
		if t.live() {
			t.leaving = true
		} else {
			t.leave()
		}
	case QuitCancel:
		t.leaving = false
	case QuitNow:
		t.leave()
	case RetryOutbox:
		t.do(SendNow{})
		t.say(Info, "", "Sending every unsent record now.")
	case Reconnect:
		t.do(RetryLinks{}, PhoneDo{Do: PhoneRegister})
	case Prepare:
		t.prepare(cmd)
	case TakeOffer:
		t.takeOffer(cmd.Number)
	case HideNotice:
		for i, n := range t.notices {
			if n.ID == cmd.Number {
				t.notices = append(t.notices[:i:i], t.notices[i+1:]...)
				break
			}
		}
	case DemoNext, DemoBye, DemoHold, DemoFault:
		if !t.agent.Demo {
			t.say(Info, "", "That key belongs to the demo.")
			return true
		}
		leg := sip.LegID("")
		if c := t.target(Command{}); c != nil {
			leg = c.Leg
		}
		t.do(Demo{Verb: cmd.Verb, Text: cmd.Text, Leg: leg})
	default:
		return t.formCommand(cmd) || t.callbackCommand(cmd) || t.workCommand(cmd) || t.reportCommand(cmd)
	}
	return true
}

// holdOthers puts every other talking call on hold: a second line never drops the first.
func (t *turn) holdOthers(except *call) {
	for i := range t.calls {
		o := &t.calls[i]
		if o.Key != except.Key && (o.State == Talking || o.State == Resuming) && !inConference(o, except) {
			t.do(PhoneDo{Do: PhoneHold, Leg: o.Leg})
			t.enter(o, Holding, "holding for another call")
		}
	}
}

// dialling begins the key of a call whose INVITE has no Call-ID yet.
const dialling = "dialling-"

// dial starts an outbound call. The record it belongs to is settled now: the record whose phone field was chosen, or the card
// that is open while a number is typed (association rules 3 and 4).
func (t *turn) dial(cmd Command) {
	number := strings.TrimSpace(cmd.Text)
	switch {
	case number == "":
		t.say(Info, "", "Dial whom? Type a number.")
		return
	case !dialable(number):
		t.say(Info, "", "%q is neither a telephone number nor a SIP address: nobody was called.", text.Clean(number))
		return
	case t.quit:
		t.say(Info, "", "No call can be made: offhook is being left.")
		return
	}
	callee, _, _ := strings.Cut(number, " via ") // the telephone knows the account
	leg := sip.LegID(fmt.Sprintf("out-%d", t.dialled+1))
	c := call{Call: Call{
		// A key of its own until the INVITE has a Call-ID; OutgoingCall gives the final one in the same instant.
		Key: CallKey(dialling + string(leg)), Leg: leg, Dir: crm.Outbound, Outgoing: true, State: Dialling,
		Remote:  sip.Party{Number: text.Clean(callee), Source: sip.FromDialled},
		Called:  text.Clean(callee),
		Started: t.at, StateSince: t.at, Record: RecordOpen,
	}}
	if !cmd.Record.Zero() {
		c.source = t.hitFor(cmd.Record)
	} else if t.open != nil {
		c.openAtDial = crm.CardHit(*t.open)
	}
	t.identify(&c)
	if t.reg != sip.Registered && t.reg != sip.Local && !c.class.Emergency { // an emergency call is always tried
		t.say(Warning, "", "No call can be made: the telephone is not registered. It keeps trying; r tries now.")
		return
	}
	target := t.dials(number)
	if dials, _, _ := strings.Cut(target, " via "); dials != callee {
		c.typed, c.Dialled = c.Remote.Number, text.Clean(dials)
	}
	t.dialled++
	t.forget()
	t.calls = append(t.calls, c)
	t.do(PhoneDo{Do: PhoneDial, Leg: leg, Text: target})
}

// goTo is the agent's own change of state. During a call it waits in one pending slot, shown, applied when the call ends; the last
// wish wins, and wishing for the state there was before takes it back.
func (t *turn) goTo(cmd Command) {
	want, why := Available, text.Text{}
	if cmd.Verb == GoAway {
		want, why = Away, text.Clean(cmd.Text)
	}
	if !t.live() {
		t.base, t.reason, t.pending = want, why, ""
		return
	}
	t.pending, t.because = want, why
	if t.base == want && t.reason == why {
		t.pending = ""
	}
}

// leave ends every call and then the desk. The call records are written as the calls end.
// When the disk refuses a record, leaving waits for it; asked for once more, it leaves without.
func (t *turn) leave() {
	if t.links.Disk.Health == HealthDown && !t.live() {
		if t.forced = t.quit; !t.forced {
			t.say(Warning, "", "A record is not on disk yet: offhook leaves as soon as it is. Leave once more to go without it.")
		}
	}
	t.leaving, t.quit = false, true
	for i := range t.calls {
		c := &t.calls[i]
		if c.State != Ended && c.State != Ending {
			t.do(PhoneDo{Do: PhoneHangup, Leg: c.Leg})
			t.enter(c, Ending, "the agent left")
		}
	}
}

func (t *turn) dismiss(c *call) {
	if c.State != Ended {
		return
	}
	for i := range t.calls {
		if t.calls[i].Key == c.Key && t.calls[i].Leg == c.Leg { // one that has just been dialled has no key yet
			t.calls = append(t.calls[:i:i], t.calls[i+1:]...)
			return
		}
	}
}

// dialable reports whether a text can be called: a number with its separators, letters on a keypad included (1-800-FLOWERS), or one
// word that may be a SIP user or address. Words with blanks between them are a slip of the fingers.
// Behind " via " stands the account to call from.
func dialable(s string) bool {
	s, _, _ = strings.Cut(s, " via ")
	for _, scheme := range []string{"sips:", "sip:", "tel:"} {
		if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			s = strings.TrimSpace(s[len(scheme):])
			break
		}
	}
	if strings.HasPrefix(s, "@") || strings.HasSuffix(s, "@") {
		return false // half an address
	}
	digits := strings.ContainsAny(s, "0123456789*#")
	blank := strings.ContainsAny(s, " \t")
	letters := strings.IndexFunc(s, unicode.IsLetter) >= 0
	return !blank && (digits || letters) || blank && digits && !letters
}

// dtmfDigits keeps the digits that RFC 4733 has events for.
func dtmfDigits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r == '*', r == '#', r >= 'A' && r <= 'D':
			return r
		case r >= 'a' && r <= 'd':
			return r - 32
		}
		return -1
	}, s)
}

// countOf reads back "12 digits": the digits themselves may be of a payment card and are never kept (PCI DSS).
func countOf(t text.Text) int {
	n := 0
	fmt.Sscanf(t.String(), "%d", &n)
	return n
}
