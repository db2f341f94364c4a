package desk

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/sip"
)

// TestWhateverTheOrderOfEventsEveryCallEndsWithOneRecord throws random events and commands at the machine, sensible and
// absurd, and checks what must hold after every step.
func TestWhateverTheOrderOfEventsEveryCallEndsWithOneRecord(t *testing.T) {
	for seed := range uint64(150) {
		w := &world{bench: newBench(t, propertySettings), rnd: rand.New(rand.NewPCG(seed, 7)), finished: map[string]crm.CallRecord{}}
		w.seed = seed
		for range 120 {
			w.step()
		}
		w.endAll()
		if len(w.finished) != w.begun {
			t.Fatalf("seed %d: %d calls began, %d records", seed, w.begun, len(w.finished))
		}
	}
}

var propertySettings = Settings{Recording: true, Dispositions: centre().Dispositions, Campaign: centre().Campaign, Campaigns: centre().Campaigns, Zone: time.UTC, NeedResult: true, Lamps: []Lamp{{Number: text.Clean("2104"), Name: text.Clean("Priya")}}}

type world struct {
	*bench
	rnd      *rand.Rand
	seed     uint64
	begun    int
	legs     []string // begun, not ended
	numbers  map[string]string
	finished map[string]crm.CallRecord
}

var numbers = []string{"07814256404", "01202528732", "2104", "", "07700900461", "999999", "12345"}

func (w *world) step() {
	before := w.snap()
	ev := w.event()
	w.do(ev)
	w.check(before, ev)
}

func (w *world) event() Event {
	verbs := []Verb{Answer, Reject, Hangup, Hold, Resume, Mute, DTMF, Xfer, Pop, SearchIn, New, Pin, Clear, Note, Dismiss,
		Open, Open, Back, Refresh, Close, Create, GoAvailable, GoAway, QuitCancel, RetryOutbox, HideNotice,
		XferTo, XferTo, Merge, Merge, Split, Rec, RecPause, Redirect, DND, Forward, Voicemail, SoundShow, SoundHide, SoundPick, SoundTry, TakeOffer}
	leg := sip.LegID("nobody")
	if len(w.legs) > 0 {
		leg = sip.LegID(w.legs[w.rnd.IntN(len(w.legs))])
	}
	key := CallKey("")
	if calls := w.snap().Calls; len(calls) > 0 {
		key = calls[w.rnd.IntN(len(calls))].Key
	}
	switch w.rnd.IntN(20) {
	case 0, 1:
		return w.arrives(leg)
	case 13, 14, 15:
		return w.later(leg, key)
	case 16:
		return w.laidOut(key)
	case 17:
		return w.wish(key)
	case 2:
		return Commanded{Command{Verb: Dial, Text: numbers[w.rnd.IntN(len(numbers))]}}
	case 3:
		return PhoneEvent{sip.CallAnswered{At: w.at, Leg: leg, Codec: "PCMU"}}
	case 4:
		return PhoneEvent{sip.CallHeld{Leg: leg, ByUs: w.rnd.IntN(2) == 0, ByThem: w.rnd.IntN(2) == 0}}
	case 5:
		return PhoneEvent{sip.CommandFailed{Leg: leg, Command: []string{"hold", "resume", "transfer", "dtmf", "answer", "conference", "redirect"}[w.rnd.IntN(7)]}}
	case 6:
		return PhoneEvent{sip.TransferEnded{Leg: leg, Target: text.Clean("2104"), OK: w.rnd.IntN(2) == 0}}
	case 7:
		causes := []sip.EndCause{sip.EndNormal, sip.EndCancelled, sip.EndNetwork, sip.EndTransferred, sip.EndNoACK, sip.EndAnsweredElsewhere}
		return PhoneEvent{sip.CallEnded{At: w.at, Leg: leg, Cause: causes[w.rnd.IntN(len(causes))], ByUs: w.rnd.IntN(2) == 0}}
	case 8:
		m := []crm.Match{{State: crm.MatchNone}, one(fred()), {State: crm.MatchMany, Hits: []crm.Hit{fred(), {Ref: crm.Ref{Type: "Lead", ID: "00Q000000000009AAA"}}}}, {State: crm.MatchFailed}}
		return LookupDone{Call: key, Match: m[w.rnd.IntN(len(m))]}
	case 9:
		card := crm.Card{Ref: fred().Ref}
		if w.rnd.IntN(2) == 0 {
			card.Ref.ID = fmt.Sprintf("00300000000%04dAAA", w.rnd.IntN(40))
		}
		return CardLoaded{For: key, Ref: card.Ref, Card: &card, Auto: w.rnd.IntN(2) == 0}
	case 10:
		return PhoneEvent{sip.PartyChanged{Leg: leg, Remote: party(numbers[w.rnd.IntN(len(numbers))])}}
	case 11:
		return JournalFailed{Call: key, Err: text.Clean("disk")}
	case 12:
		return TimerFired{ID: TimerID("linger " + string(key))}
	}
	cmd := Command{Verb: verbs[w.rnd.IntN(len(verbs))], Call: key, Text: "2104", Record: fred().Ref}
	switch cmd.Verb {
	case Forward:
		cmd.Text = []string{"", "", "2104"}[w.rnd.IntN(3)]
		cmd.Values = map[string]string{"when": []string{"always", "busy", "no answer", "sometimes"}[w.rnd.IntN(4)]}
	case XferTo, Merge:
		if w.rnd.IntN(2) == 0 {
			cmd.Text = ""
		}
	}
	return Commanded{cmd}
}

// arrives is a new call, as plain or as special as calls are.
func (w *world) arrives(other sip.LegID) Event {
	w.begun++
	id := fmt.Sprintf("in-%d", w.begun)
	w.legs = append(w.legs, id)
	ev := sip.IncomingCall{At: w.at, Leg: sip.LegID(id), CallID: id, LocalTag: "t", Remote: party(numbers[w.rnd.IntN(len(numbers))])}
	switch w.rnd.IntN(8) {
	case 0:
		ev.Auto = &sip.AutoAnswer{After: time.Second, From: "Call-Info"}
	case 1:
		ev.Replaces = other
	case 2:
		ev.Record = fred().ID
		ev.Vars = []sip.Var{{Name: text.Clean("Campaign"), Value: text.Clean("customer 4711"), Show: true, Lookup: true}}
	case 3:
		who := party("01202528732")
		ev.Diverted = &who
	}
	return PhoneEvent{ev}
}

// later is what may happen to calls that are there, or to the telephone.
func (w *world) later(leg sip.LegID, key CallKey) Event {
	some := func() (out []sip.LegID) {
		for _, l := range w.legs {
			if w.rnd.IntN(2) == 0 {
				out = append(out, sip.LegID(l))
			}
		}
		return out
	}
	recording := []sip.RecordingState{sip.RecordingOn, sip.RecordingOff, sip.RecordingPaused, sip.RecordingFailed}
	states := []sip.RegistrationState{sip.Registered, sip.Registered, sip.RegFailed, sip.Registering, sip.Unregistered}
	switch w.rnd.IntN(13) {
	case 0, 1:
		return PhoneEvent{sip.ConferenceChanged{At: w.at, Legs: some()}}
	case 2:
		return PhoneEvent{sip.RecordingChanged{At: w.at, Leg: leg, State: recording[w.rnd.IntN(4)], Path: "/rec/x.wav", Reason: text.Clean("disk")}}
	case 3:
		return PhoneEvent{sip.Asked{At: w.at, Leg: leg, Do: []string{"answer", "hold", "resume", "sing"}[w.rnd.IntN(4)]}}
	case 4:
		return PhoneEvent{sip.LampChanged{At: w.at, Who: text.Clean("2104"), State: []string{sip.LampIdle, sip.LampBusy, sip.LampRinging, "?"}[w.rnd.IntN(4)]}}
	case 5:
		return PhoneEvent{sip.TextMessage{At: w.at, From: party("2104"), Text: text.CleanBlock("hello", 100)}}
	case 6:
		return PhoneEvent{sip.VoiceMail{At: w.at, Waiting: true, New: w.rnd.IntN(3), Number: text.Clean("2110")}}
	case 7:
		name := []string{"sip:2101@pbx", "sip:31@other"}[w.rnd.IntN(2)]
		return PhoneEvent{sip.RegistrationChanged{At: w.at, Account: text.Clean(name), Primary: name == "sip:2101@pbx", State: states[w.rnd.IntN(5)], Reason: text.Clean("why")}}
	case 8:
		return PhoneEvent{sip.CallSecured{At: w.at, Leg: leg, Sound: "SDES", Broken: text.Clean([]string{"", "a fingerprint"}[w.rnd.IntN(2)])}}
	case 9:
		return TimerFired{ID: []TimerID{autoTimer(key), forwardTimer(key)}[w.rnd.IntN(2)]}
	case 10:
		return SoundDone{Do: []SoundTask{SoundOpen, SoundClose, SoundChoose, SoundTest}[w.rnd.IntN(4)], Words: text.Clean("well")}
	case 11:
		if s := w.snap().Search; s != nil {
			card := crm.Card{Ref: fred().Ref}
			return []Event{SearchDone{For: s.For, Query: s.Query, Found: crm.Found{Card: &card}}, SearchDone{For: s.For, Query: s.Query, Found: crm.Found{Hits: []crm.Hit{fred()}}},
				RecentsLoaded{[]crm.Hit{fred()}}}[w.rnd.IntN(3)]
		}
		return RecentsLoaded{[]crm.Hit{fred()}}
	default:
		return CardLoaded{For: key, Ref: fred().Ref, Err: text.Clean("gone"), Auto: true}
	}
}

// check is what must hold after every step.
func (w *world) check(before *Snapshot, ev Event) {
	w.t.Helper()
	if cmd, ok := ev.(Commanded); ok && slices.Contains([]Verb{Dial, CallBack, WorkDial}, cmd.Verb) {
		for _, c := range w.snap().Calls { // the telephone answers a Dial at once
			if c.Outgoing && c.State == Dialling && !slices.Contains(w.legs, string(c.Leg)) {
				w.begun++
				w.legs = append(w.legs, string(c.Leg))
				w.do(PhoneEvent{sip.OutgoingCall{At: w.at, Leg: c.Leg, CallID: string(c.Leg), LocalTag: "t", Remote: party(c.Called.String())}})
			}
		}
	}
	if end, ok := ev.(PhoneEvent); ok {
		if e, ok := end.Event.(sip.CallEnded); ok {
			w.legs = slices.DeleteFunc(w.legs, func(l string) bool { return l == string(e.Leg) })
		}
	}
	onDisk := true
	for _, fx := range w.last {
		switch fx := fx.(type) {
		case Journal:
			if !onDisk {
				w.fail("a journal write came after another effect")
			}
			if _, done := w.finished[fx.Record.Key]; done {
				w.fail("a finished call was journalled again")
			}
		case Finish:
			if !onDisk {
				w.fail("the end of a call came after another effect")
			}
			if _, twice := w.finished[fx.Record.Key]; twice {
				w.fail("a call has two records")
			}
			w.finished[fx.Record.Key] = fx.Record
			if fx.Record.Type == crm.Internal && !fx.Record.Assoc.Record().Zero() {
				w.fail("an internal call has an association")
			}
			if fx.Record.Duration < 0 || fx.Record.Answer.IsZero() && fx.Record.Duration != 0 {
				w.fail("a bad duration")
			}
		case Amend:
			if _, done := w.finished[fx.Record.Key]; !onDisk || !done {
				w.fail("a change after the call came before its end, or after another effect")
			}
			w.finished[fx.Record.Key] = fx.Record
			if fx.Record.Type == crm.Internal && !fx.Record.Assoc.Record().Zero() {
				w.fail("an internal call was given an association")
			}
		case Lookup:
			onDisk = false
			if n := fx.Number.String(); len(n) <= 5 || n == "999999" {
				w.fail("an internal, withheld or emergency number was looked up: " + n)
			}
			if c := (&turn{Machine: &w.m}).find(fx.Call); c != nil && c.Dir == crm.Internal {
				w.fail("an internal call causes a lookup of " + fx.Number.String())
			}
		case AddErrand, Keep, Unkeep:
			if !onDisk {
				w.fail("what is to be told or kept came after another effect")
			}
		default:
			onDisk = false
		}
	}
	w.checkSnapshot(before, ev)
}

func (w *world) checkSnapshot(before *Snapshot, ev Event) {
	s := w.snap()
	if len(s.Notices) > MaxNotices || len(s.Landed) > MaxLanded {
		w.fail("a list grew past its limit")
	}
	w.checkState(s)
	w.checkPops(before, s)
	w.checkPromises(s)
	for _, c := range s.Calls {
		if rec, done := w.finished[string(c.Key)]; done && (c.State != Ended || !reflect.DeepEqual(c.Assoc, rec.Assoc)) {
			w.fail("a finished call changed")
		}
		if c.State == Ended && slices.ContainsFunc(c.Can, func(v Verb) bool { return v != Dismiss && v != Dispose && v != Note && v != Pin && v != Clear }) {
			w.fail("an ended call offers more than to go away and to be corrected")
		}
		if c.State != Ended && c.State != Ending && !slices.Contains(c.Can, Hangup) && !slices.Contains(c.Can, Reject) {
			w.fail("a call that is " + string(c.State) + " has no exit")
		}
		if c.State == Ended && c.Conference {
			w.fail("an ended call is in a conference")
		}
	}
	if cmd, ok := ev.(Commanded); ok && len(w.last) == 0 && !slices.Contains(idempotent, cmd.Verb) && !changed(before, s) {
		w.fail("command " + string(cmd.Verb) + " had no answer")
	}
}

// checkState holds the agent's state, the ring tone and the travelling copy against the calls.
func (w *world) checkState(s *Snapshot) {
	w.t.Helper()
	up, ringing, talking := false, false, false
	for _, c := range s.Calls {
		switch {
		case c.State == Ended, c.State == Ending && c.Answered.IsZero() && !c.Outgoing:
		case c.State == Incoming:
			ringing = true
		default:
			up, talking = true, talking || c.State == Talking || c.State == Transferring
		}
	}
	rings := false
	for _, r := range effects[Ring](w.all) {
		if r.On == rings {
			w.fail("the ring tone is told to be as it is")
		}
		rings = r.On
	}
	switch {
	case rings != (ringing && !talking):
		w.fail(fmt.Sprintf("the ring tone is %v", rings))
	case s.SoundCheck == nil && slices.ContainsFunc(w.last, func(e Effect) bool { d, ok := e.(SoundDo); return ok && d.Do != SoundClose && d.Do != SoundLook }):
		w.fail("the sound devices are worked with behind a closed page")
	case (s.State == OnCall) != up, (s.State == Ringing) != (ringing && !up):
		w.fail("the agent is " + string(s.State))
	case s.Pending != "" && !up && !ringing:
		w.fail("a change of state waits for nothing")
	}
	if s.Seq%16 != 0 { // it takes long
		return
	}
	b, err := json.Marshal(s)
	var back Snapshot
	if err != nil || json.Unmarshal(b, &back) != nil || !reflect.DeepEqual(*s, back) {
		w.fail(fmt.Sprintf("the snapshot does not travel: %v\n%+v\n%+v", err, *s, back))
	}
}

// changed reports whether a person could see a difference.
func changed(a, b *Snapshot) bool {
	a2, b2 := *a, *b
	a2.Seq, b2.Seq, a2.At, b2.At = 0, 0, time.Time{}, time.Time{}
	return fmt.Sprintf("%+v", a2) != fmt.Sprintf("%+v", b2)
}

// idempotent are the commands that may find everything as they would leave it.
var idempotent = []Verb{SoundShow, SoundHide, Close, QuitCancel, HideNotice, Create, GoAvailable, GoAway, Note, WorkMore, WorkOpen, Dispose}

func (w *world) endAll() {
	for _, leg := range slices.Clone(w.legs) {
		before := w.snap()
		ev := PhoneEvent{sip.CallEnded{At: w.at, Leg: sip.LegID(leg), Cause: sip.EndNormal}}
		w.do(ev)
		w.check(before, ev)
	}
}

func (w *world) fail(why string) {
	w.t.Helper()
	w.t.Fatalf("seed %d: %s", w.seed, why)
}
