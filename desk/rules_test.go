package desk

import (
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/media"
	"offhook/sip"
)

func TestARecordCreatedAfterTheEndDoesNotChangeTheRecordOfTheCall(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07700900461").found("a", crm.Match{State: crm.MatchNone}).cmd(New)
	key := b.call("a").Key
	b.do(FormLoaded{For: key, Form: &crm.Form{Object: "Lead"}}).bye("a", false)
	if b.snap().Form == nil {
		t.Fatal("the form went with the call: what was typed is lost")
	}
	b.do(Commanded{Command{Verb: Create, Values: map[string]string{"LastName": "Smith"}}})
	b.do(RecordCreated{For: key, Ref: crm.Ref{Type: "Lead", ID: "00Q000000000001AAA"}})
	if c := b.call("a"); !c.Assoc.Record().Zero() || b.snap().Form != nil {
		t.Fatalf("%+v", c.Assoc)
	}
	b.finished()
}

func TestANewFormOpenedMeanwhileIsNotClosedByAnEarlierRecord(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07700900461").found("a", crm.Match{State: crm.MatchNone}).cmd(New)
	key := b.call("a").Key
	b.do(FormLoaded{For: key, Form: &crm.Form{Object: "Lead"}}).do(Commanded{Command{Verb: Create}})
	b.cmd(Close).cmd(New, "Contact").do(FormLoaded{For: key, Form: &crm.Form{Object: "Contact"}})
	b.do(RecordCreated{For: key, Form: &crm.Form{Object: "Lead", Fields: []crm.FormField{{Label: text.Clean("Last Name"), Error: text.Clean("is required")}}}})
	if s := b.snap(); s.Form == nil || s.Form.Object != "Contact" {
		t.Fatal("the second form was taken for the first")
	}
	b.noticed("not created: Last Name: is required")
	b.do(RecordCreated{For: key, Ref: crm.Ref{Type: "Lead", ID: "00Q000000000001AAA"}})
	if b.snap().Form == nil {
		t.Fatal("an earlier record closed the form that is being filled in")
	}
}

func TestARingThatRunsOutIsMissedNotDeclined(t *testing.T) {
	b := newBench(t, Settings{MissedAfter: 10 * time.Second}).in("a", "07814256404")
	b.at = b.at.Add(time.Minute)
	// Our own limit refuses the call with 480: it is we who end it, yet nobody declined.
	b.phone(sip.CallEnded{At: b.at, Leg: "a", Cause: sip.EndNoAnswer, ByUs: true, Code: 480})
	if rec := b.finished(); rec.Action != "missed" || rec.HangUpBy != "network" {
		t.Fatalf("action %s, by %s", rec.Action, rec.HangUpBy)
	}
	if b.snap().State != NotResponding {
		t.Fatalf("the agent is %s", b.snap().State)
	}
}

func TestACallMissedDuringAnotherDoesNotBlameTheAgent(t *testing.T) {
	b := newBench(t, Settings{MissedAfter: 10 * time.Second}).up("a", "07814256404").in("b", "07700900461")
	b.at = b.at.Add(time.Minute)
	b.phone(sip.CallEnded{At: b.at, Leg: "b", Cause: sip.EndCancelled}).bye("a", false)
	if b.snap().State != Available {
		t.Fatalf("the agent is %s", b.snap().State)
	}
}

func TestADeclinedCallIsNoConversation(t *testing.T) {
	b := newBench(t, Settings{}).in("a", "07814256404").cmd(GoAway, "Lunch").cmd(Reject)
	if s := b.snap(); s.State != Away || s.Reason.String() != "Lunch" || s.Pending != "" {
		t.Fatalf("%s (%s), pending %s", s.State, s.Reason, s.Pending)
	}
}

func TestTheLastWishForAStateWinsAndCanBeTakenBack(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(GoAway, "Lunch").cmd(GoAway, "Training")
	if s := b.bye("a", false).snap(); s.State != Away || s.Reason.String() != "Training" {
		t.Fatalf("%s %s", s.State, s.Reason)
	}
	b.up("b", "07814256404")
	if s := b.cmd(GoAvailable).cmd(GoAway, "Training").snap(); s.Pending != "" || s.State != OnCall {
		t.Fatalf("pending %s", s.Pending)
	}
	if s := b.bye("b", false).snap(); s.State != Away || s.Reason.String() != "Training" {
		t.Fatalf("after a call made while away the agent is %s (%s)", s.State, s.Reason)
	}
}

func TestAFailedTransferNeverMakesTwoConversations(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(Xfer, "2104").phone(sip.CallHeld{Leg: "a", ByUs: true})
	b.state("a", Transferring)
	b.up("b", "07700900461")
	b.phone(sip.TransferEnded{Leg: "a", Target: text.Clean("2104"), Code: 486, Reason: text.Clean("busy")})
	b.phoneDid()
	b.state("a", Held)
	b.state("b", Talking)
	b.noticed("The caller waits on hold.")
}

func TestATransferThatNobodyTakesCanBeTakenBack(t *testing.T) {
	for name, held := range map[string]bool{"while they are asked": true, "before they have even agreed to wait": false} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Settings{}).up("a", "07814256404").cmd(Xfer, "2104")
			if held {
				b.phone(sip.CallHeld{Leg: "a", ByUs: true})
			}
			b.state("a", Transferring)
			b.cmd(Resume).phoneDid(PhoneResume)
			b.state("a", Resuming)
			before := len(b.snap().Notices)
			b.phone(sip.TransferEnded{Leg: "a", Target: text.Clean("2104"), Code: 487, Reason: text.Clean("Taken back")}).phoneDid()
			if n := b.snap().Notices; len(n) != before {
				t.Errorf("the agent's own wish is told as a failure: %+v", n)
			}
			b.phone(sip.CallHeld{Leg: "a"})
			b.state("a", Talking)
			b.bye("a", false)
			if r := finished(b, "a"); r.Transfer != "" || !r.TransferTo.Empty() || r.Action != "answered" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestAnAnswerDuringAnotherConversationHoldsThatOne(t *testing.T) {
	b := newBench(t, Settings{}).cmd(Dial, "07814256404")
	b.phone(sip.OutgoingCall{At: b.at, Leg: "out-1", CallID: "x", LocalTag: "y", Remote: party("07814256404")})
	b.up("b", "07700900461")
	b.phone(sip.CallAnswered{At: b.at, Leg: "out-1"})
	b.phoneDid(PhoneHold)
	b.state("b", Holding)
	b.state("out-1", Talking)
}

func TestNothingBringsAnEndingCallBack(t *testing.T) {
	for name, ev := range map[string]sip.Event{
		"a refused hold":    sip.CommandFailed{Leg: "a", Command: "hold"},
		"a refused resume":  sip.CommandFailed{Leg: "a", Command: "resume"},
		"a failed transfer": sip.TransferEnded{Leg: "a", Reason: text.Clean("The call ended first")},
		"a hold":            sip.CallHeld{Leg: "a", ByUs: true},
	} {
		b := newBench(t, Settings{}).up("a", "07814256404").cmd(Xfer, "2104").cmd(Hangup)
		if b.phone(ev); b.call("a").State != Ending || len(effects[PhoneDo](b.last)) != 0 {
			t.Errorf("%s: the call is %s", name, b.call("a").State)
		}
	}
	b := newBench(t, Settings{}).cmd(Dial, "07814256404").cmd(Hangup)
	b.phone(sip.OutgoingCall{At: b.at, Leg: "out-1", CallID: "x", LocalTag: "y", Remote: party("07814256404")})
	b.state("out-1", Ending)
	b.phone(sip.CallEnded{At: b.at, Leg: "out-1", Cause: sip.EndCancelled, ByUs: true})
	if b.finished().Action != "cancelled" {
		t.Fatal("a call hung up at once is not cancelled")
	}
}

func TestTheFarEndsHoldDuringOursIsNoResume(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(Hold).phone(sip.CallHeld{Leg: "a", ByThem: true})
	b.state("a", Holding)
	b.phone(sip.CallHeld{Leg: "a", ByUs: true, ByThem: true})
	b.state("a", Held)
	b.cmd(Resume).phone(sip.CallHeld{Leg: "a", ByUs: true})
	b.state("a", Resuming)
	b.phone(sip.CallHeld{Leg: "a"})
	b.state("a", Talking)
}

func TestACallThatCannotBeAnsweredRingsOn(t *testing.T) {
	b := newBench(t, Settings{}).in("a", "07814256404").cmd(Answer)
	b.phone(sip.CommandFailed{Leg: "a", Command: "answer", Reason: text.Clean("No port for the sound")})
	b.state("a", Incoming)
	if r := effects[Ring](b.last); len(r) != 1 || !r[0].On || b.call("a").Can[0] != Answer {
		t.Fatal("it does not ring any more")
	}
}

func TestACallThatThePhoneRefusesToMakeIsGone(t *testing.T) {
	b := newBench(t, Settings{}).cmd(Dial, "07814256404")
	b.phone(sip.CommandFailed{Leg: "out-1", Command: "dial", Reason: text.Clean("The telephone is being closed")})
	if len(b.snap().Calls) != 0 || b.snap().State != Available {
		t.Fatalf("%+v", b.snap().Calls)
	}
	b.noticed("could not be called: The telephone is being closed")
}

func TestAResultForSomebodyWhoIsNotThereAnyMoreIsDropped(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07700900461")
	b.phone(sip.PartyChanged{Leg: "a", Remote: party("07814256404")})
	if l := effects[Lookup](b.last); len(l) != 1 || l[0].Number.String() != "07814256404" {
		t.Fatalf("%+v", l)
	}
	key := b.call("a").Key
	b.do(LookupDone{Call: key, Number: text.Clean("07700900461"), Match: one(crm.Hit{Ref: acme()})})
	if b.call("a").Match.State != crm.MatchSearching {
		t.Fatal("the first caller's record was taken for the second's")
	}
	b.do(LookupDone{Call: key, Number: text.Clean("07814256404"), Match: one(fred())})
	if b.call("a").Name.String() != "Fred Bloggs" {
		t.Fatal("the second caller is unknown")
	}
	named := party("07814256404")
	named.Name = text.Clean("Frederick")
	b.phone(sip.PartyChanged{Leg: "a", Remote: named})
	if c := b.call("a"); len(effects[Lookup](b.last)) != 0 || c.Match.State != crm.MatchOne || c.Name.String() != "Fred Bloggs" {
		t.Fatal("a new spelling of the name threw the match away")
	}
}

func TestAConsultThatBecomesACustomersCallTakesWhatWasOpened(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "2104").opens(acme(), "")
	if c := b.call("a"); c.Dir != crm.Internal || !c.Assoc.Record().Zero() {
		t.Fatalf("%+v", c.Assoc)
	}
	b.phone(sip.PartyChanged{Leg: "a", Remote: party("07814256404")})
	if c := b.call("a"); c.Dir != crm.Inbound || c.Assoc.Rule != crm.RuleCurrent {
		t.Fatalf("%s %+v", c.Dir, c.Assoc)
	}
}

func TestOfAWithheldCallerNothingIsShownOrJournalled(t *testing.T) {
	b := newBench(t, Settings{Classify: func(sip.Party) Class { return Class{Withheld: true} }})
	b.phone(sip.IncomingCall{At: b.at, Leg: "a", CallID: "x", LocalTag: "y", Remote: sip.Party{Number: text.Clean("07814256404"), Name: text.Clean("Fred"), URI: text.Clean("sip:07814256404@x")}})
	b.cmd(Note, "n").bye("a", false)
	for _, fx := range b.all {
		var c Call
		switch fx := fx.(type) {
		case Journal:
			c = fx.Call
		case Finish:
			c = fx.Call
		default:
			continue
		}
		if row, _ := ledgerCall(c, crm.CallRecord{}); !c.Remote.Number.Empty() || !c.Remote.URI.Empty() || !row.Name.Empty() || !c.Name.Empty() {
			t.Fatalf("%+v", c.Remote)
		}
	}
}

func TestNotesGoIntoTheJournalAtEachKeystrokeAndIntoTheRecord(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404")
	for _, typed := range []string{"r", "re", "refund"} {
		b.cmd(Note, typed)
		if j := effects[Journal](b.last); len(j) != 1 || j[0].Transition != "" || j[0].Record.Notes.String() != typed {
			t.Fatalf("%+v", j)
		}
	}
	if b.bye("a", false).finished().Notes.String() != "refund" {
		t.Fatal("the notes are not in the record")
	}
}

func TestSearchAndNewWorkBesideACallThatIsOver(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").bye("a", false).cmd(SearchIn, "Smith")
	if s := effects[RunSearch](b.last); len(s) != 1 || s[0].For != "" {
		t.Fatalf("%+v %v", s, b.snap().Notices)
	}
	b.cmd(New)
	if f := effects[LoadForm](b.last); len(f) != 1 || f[0].For != "" || f[0].Ask.Number.String() != "07814256404" {
		t.Fatalf("%+v", f)
	}
	b.cmd(Close).cmd(Close)
}

func TestACommandWithoutACallMeansTheOneThatIsUp(t *testing.T) {
	b := newBench(t, Settings{}).in("a", "07814256404").cmd(Answer).in("b", "07700900461")
	b.phone(sip.CallEnded{At: b.at, Leg: "b", Cause: sip.EndCancelled}).cmd(Hangup)
	b.phoneDid(PhoneHangup)
	b.state("a", Ending)
}

func TestACommandWithTheKeyOfTheFirstInstantStillMeansTheCall(t *testing.T) {
	b := newBench(t, Settings{}).cmd(Dial, "07814256404")
	key := b.call("out-1").Key
	b.phone(sip.OutgoingCall{At: b.at, Leg: "out-1", CallID: "x", LocalTag: "y", Remote: party("07814256404")})
	b.do(Commanded{Command{Verb: Hangup, Call: key}})
	b.phoneDid(PhoneHangup)
}

func TestAnEmergencyCallIsTriedWithoutARegistration(t *testing.T) {
	b := newBench(t, Settings{}).phone(sip.RegistrationChanged{State: sip.RegFailed, Reason: text.Clean("no answer")})
	b.cmd(Dial, "07814256404")
	b.phoneDid()
	b.noticed("No call can be made")
	b.cmd(Dial, "999999")
	b.phoneDid(PhoneDial)
}

func TestALostRegistrationIsNotSaidAnyMoreWhenItIsBack(t *testing.T) {
	b := newBench(t, Settings{}).phone(sip.RegistrationChanged{State: sip.RegFailed, Reason: text.Clean("no answer")})
	b.noticed("no call can come in")
	b.phone(sip.RegistrationChanged{State: sip.Registered})
	if n := b.snap().Notices; len(n) != 0 {
		t.Fatalf("%+v", n)
	}
}

func TestACallThatComesWhileLeavingIsTurnedAwayAndRecorded(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(QuitNow).in("b", "07700900461")
	b.phoneDid(PhoneReject)
	b.phone(sip.CallEnded{At: b.at, Leg: "b", Cause: sip.EndDeclined, ByUs: true, Code: 480}).bye("a", true)
	fin := effects[Finish](b.all)
	if !b.snap().Quit || len(fin) != 2 || fin[0].Record.Action != "missed" {
		t.Fatalf("quit %v, %d records", b.snap().Quit, len(fin))
	}
}

func TestMoreCallsThanAPersonCanSeeAreBusy(t *testing.T) {
	b := newBench(t, Settings{})
	for i := range MaxCalls {
		b.in(string(rune('a'+i)), "07814256404")
	}
	b.in("z", "07814256404")
	if do := effects[PhoneDo](b.last); len(do) != 1 || do[0].Code != 486 {
		t.Fatalf("%+v", do)
	}
}

func TestTheRingToneIsOnExactlyWhileSomebodyWaitsAndNobodyTalks(t *testing.T) {
	b := newBench(t, Settings{}).in("a", "07814256404").in("b", "07700900461").do(Commanded{Command{Verb: Answer, Call: CallKey(NewCallKey("id-a", "tag", text.Clean("sip:2101@pbx")))}})
	b.phone(sip.CallAnswered{At: b.at, Leg: "a"}).do(Commanded{Command{Verb: Hold, Call: b.call("a").Key}})
	b.phone(sip.CallHeld{Leg: "a", ByUs: true}).bye("b", false)
	var got []bool
	for _, r := range effects[Ring](b.all) {
		got = append(got, r.On)
	}
	// a and b ring; a is answered: still ringing for b until a talks; a waits: b is heard again; b gives up.
	if !slices.Equal(got, []bool{true, false, true, false}) {
		t.Fatalf("%v", got)
	}
}

func TestSilenceIsToldOnceUntilSomethingIsHeard(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").up("x", "2104")
	quiet := media.Stats{LastPacket: b.at}
	told := func() (n int) {
		for _, l := range b.snap().Notices {
			if strings.Contains(l.Text.String(), "No sound") {
				n++
			}
		}
		return n
	}
	for range 20 {
		b.do(QualityRead{map[sip.LegID]media.Stats{"x": quiet}}).do(Told{Severity: Info, Text: text.Clean("something else " + b.at.String())})
	}
	if told() > 1 {
		t.Fatalf("silence is told %d times", told())
	}
	if k := b.m.notices; len(k) > MaxNotices {
		t.Fatal("too many notices")
	}
	b.noticed("No sound has come")
}

func TestWhatTheCallerKeysIsNotCollected(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404")
	for _, d := range "4929123412341234" {
		b.phone(sip.DTMFReceived{Leg: "a", Digit: d})
	}
	if got := b.call("a").DTMFIn.String(); got != "123412341234"[:maxDigits] {
		t.Fatalf("%q", got)
	}
}

func TestAPopWhoseMomentIsOverDoesNotOpen(t *testing.T) {
	card := crm.Card{Ref: fred().Ref}
	b := newBench(t, Settings{}).in("a", "07814256404").found("a", one(fred()))
	b.phone(sip.CallEnded{At: b.at, Leg: "a", Cause: sip.EndCancelled}).in("b", "07700900461")
	b.do(CardLoaded{For: effects[LoadCard](b.all)[0].For, Ref: card.Ref, Card: &card, Auto: true})
	if b.snap().Open != nil {
		t.Fatal("the last caller's card stands beside the next caller")
	}
}

func TestAFilteredCallStaysFilteredAfterTheDiskWasFull(t *testing.T) {
	b := newBench(t, Settings{Log: []string{"answered"}}).in("a", "07814256404")
	b.phone(sip.CallEnded{At: b.at, Leg: "a", Cause: sip.EndCancelled})
	b.do(JournalFailed{Call: b.call("a").Key, Err: text.Clean("full")}).do(JournalRestored{})
	if b.call("a").Record != RecordFiltered {
		t.Fatalf("record %s", b.call("a").Record)
	}
}

func TestInformationLeavesByItselfWhatPeopleWroteStays(t *testing.T) {
	b := newBench(t, Settings{Linger: time.Minute}).cmd(RetryOutbox)
	b.do(Told{Severity: Info, Text: text.Clean("Sam: lunch at one?")})
	b.noticed("Sending every unsent record now.")
	b.do(TimerFired{noticeTimer(b.snap().Notices[0].ID)})
	if n := b.snap().Notices; len(n) != 1 || n[0].Text.String() != "Sam: lunch at one?" {
		t.Fatalf("%+v", n)
	}
}

func TestAWarningAboutACallGoesWithWhatItIsAbout(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(Xfer, "2104")
	failed := sip.TransferEnded{Leg: "a", Target: text.Clean("2104"), Code: 480, Reason: text.Clean("Temporarily Unavailable")}
	b.phone(failed)
	b.noticed("The transfer to 2104 failed (nobody answers there). The caller is back with you.")
	b.phone(sip.CallHeld{Leg: "a"})
	b.cmd(Xfer, "2105")
	if n := b.snap().Notices; len(n) != 0 {
		t.Fatalf("a new transfer is under way, and the screen still says %q", n[0].Text)
	}
	b.phone(failed)
	b.noticed("The transfer to 2105 failed")
	b.bye("a", false)
	if n := b.snap().Notices; len(n) != 0 {
		t.Fatalf("the call is over, and the screen still says %q", n[0].Text)
	}
}

func TestACallThatRingsWhileTheProgramIsClosedWasNotDeclined(t *testing.T) {
	b := newBench(t, Settings{}).in("a", "07814256404").cmd(QuitNow)
	b.phone(sip.CallEnded{At: b.at, Leg: "a", Cause: sip.EndDeclined, ByUs: true})
	fin := effects[Finish](b.all)
	if len(fin) != 1 || fin[0].Record.Action != "missed" || fin[0].Record.Reason.String() != "offhook was closed" {
		t.Fatalf("%+v", fin)
	}
	b = newBench(t, Settings{}).in("a", "07814256404").cmd(Reject).cmd(QuitNow)
	b.phone(sip.CallEnded{At: b.at, Leg: "a", Cause: sip.EndDeclined, ByUs: true})
	if fin := effects[Finish](b.all); len(fin) != 1 || fin[0].Record.Action != "declined" {
		t.Fatalf("%+v", fin)
	}
}

func TestSoundLostInACallIsSaidUntilItIsBack(t *testing.T) {
	lost, back := sip.SoundChanged{Detail: text.Clean("The sound server stopped")}, sip.SoundChanged{OK: true, Device: text.Clean("Speaker")}
	b := newBench(t, Settings{}).phone(back).phone(lost)
	if n := b.snap().Notices; len(n) != 0 {
		t.Fatalf("nobody is on the line: %q", n[0].Text)
	}
	b.phone(back).up("a", "07814256404").phone(lost).phone(lost)
	b.noticed("Your sound is gone until the device or its server is back; the call stays up, its record is safe. (The sound server stopped)")
	if n := b.snap().Notices; len(n) != 1 {
		t.Fatalf("%d notices about one thing", len(n))
	}
	if n := b.phone(back).snap().Notices; len(n) != 0 {
		t.Fatalf("sound is back, and the screen still says %q", n[0].Text)
	}
	if n := b.phone(lost).bye("a", false).snap().Notices; len(n) != 0 {
		t.Fatalf("the call is over, and the screen still says %q", n[0].Text)
	}
}
