package desk

import (
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/sip"
)

// bench is a machine under test with the effects of its last step and of all steps.
type bench struct {
	t    *testing.T
	m    Machine
	at   time.Time
	last []Effect
	all  []Effect
}

var epoch = time.Date(2026, 11, 20, 16, 11, 36, 0, time.UTC)

func newBench(t *testing.T, set Settings) *bench {
	if set.Classify == nil {
		set.Classify = func(p sip.Party) Class {
			n := p.Number.String()
			return Class{Internal: len(n) > 0 && len(n) <= 5, Withheld: p.Withheld, Emergency: n == "999999"}
		}
	}
	set.Agent.Account = text.Clean("sip:2101@pbx")
	b := &bench{t: t, m: NewMachine(set), at: epoch}
	b.do(PhoneEvent{sip.RegistrationChanged{At: b.at, State: sip.Registered, Account: set.Agent.Account, Server: text.Clean("pbx:5060")}})
	return b
}

// do applies an event one second after the one before.
func (b *bench) do(ev Event) *bench {
	b.t.Helper()
	b.at = b.at.Add(time.Second)
	b.m, b.last = b.m.Step(b.at, ev)
	b.all = append(b.all, b.last...)
	return b
}

func (b *bench) phone(ev sip.Event) *bench { b.t.Helper(); return b.do(PhoneEvent{ev}) }
func (b *bench) cmd(v Verb, arg ...string) *bench {
	b.t.Helper()
	return b.do(Commanded{Command{Verb: v, Text: strings.Join(arg, " ")}})
}
func (b *bench) snap() *Snapshot { return b.m.Snapshot(b.at) }

func (b *bench) in(leg, number string) *bench {
	b.t.Helper()
	return b.phone(sip.IncomingCall{At: b.at, Leg: sip.LegID(leg), CallID: "id-" + leg, LocalTag: "tag", Remote: party(number)})
}

// up brings an inbound call to talking.
func (b *bench) up(leg, number string) *bench {
	b.t.Helper()
	return b.in(leg, number).cmd(Answer).phone(sip.CallAnswered{At: b.at, Leg: sip.LegID(leg), Codec: "PCMU"})
}

func (b *bench) bye(leg string, byUs bool) *bench {
	b.t.Helper()
	return b.phone(sip.CallEnded{At: b.at, Leg: sip.LegID(leg), Cause: sip.EndNormal, ByUs: byUs})
}

func party(number string) sip.Party {
	return sip.Party{Number: text.Clean(number), Withheld: number == "", Source: sip.FromHeader}
}

func (b *bench) call(leg string) Call {
	b.t.Helper()
	for _, c := range b.snap().Calls {
		if c.Leg == sip.LegID(leg) {
			return c
		}
	}
	b.t.Fatalf("there is no call %s", leg)
	return Call{}
}

func effects[E Effect](fx []Effect) (out []E) {
	for _, e := range fx {
		if e, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

func (b *bench) phoneDid(want ...PhoneVerb) {
	b.t.Helper()
	var got []PhoneVerb
	for _, e := range effects[PhoneDo](b.last) {
		got = append(got, e.Do)
	}
	if !slices.Equal(got, want) {
		b.t.Fatalf("the phone was told %v, want %v", got, want)
	}
}

func (b *bench) state(leg string, want CallState) {
	b.t.Helper()
	if got := b.call(leg).State; got != want {
		b.t.Fatalf("call %s is %s, want %s", leg, got, want)
	}
}

func (b *bench) noticed(part string) {
	b.t.Helper()
	for _, n := range b.snap().Notices {
		if strings.Contains(n.Text.String(), part) {
			return
		}
	}
	b.t.Fatalf("no notice contains %q: %v", part, b.snap().Notices)
}

func fred() crm.Hit {
	return crm.Hit{Ref: crm.Ref{Type: "Contact", ID: "003000000000001AAA", Name: text.Clean("Fred Bloggs")}, Detail: text.Clean("Acme Ltd")}
}

func one(h crm.Hit) crm.Match { return crm.Match{State: crm.MatchOne, Hits: []crm.Hit{h}} }

func (b *bench) found(leg string, m crm.Match) *bench {
	b.t.Helper()
	return b.do(LookupDone{Call: b.call(leg).Key, Match: m})
}

func TestAnInboundCallIsJournalledBeforeItIsLookedUpAndRings(t *testing.T) {
	b := newBench(t, Settings{}).in("a", "07814256404")
	if _, ok := b.last[0].(Journal); !ok {
		t.Fatalf("the first effect is %T", b.last[0])
	}
	if got := effects[Lookup](b.last); len(got) != 1 || got[0].Number.String() != "07814256404" {
		t.Fatalf("lookups %v", got)
	}
	if r := effects[Ring](b.last); len(r) != 1 || !r[0].On {
		t.Fatal("it does not ring")
	}
	if s := b.snap(); s.State != Ringing || s.Calls[0].Match.State != crm.MatchSearching {
		t.Fatalf("state %s, match %s", s.State, s.Calls[0].Match.State)
	}
}

func TestOneMatchPopsOnRingAndTheTaskGoesToIt(t *testing.T) {
	b := newBench(t, Settings{}).in("a", "07814256404").found("a", one(fred()))
	if got := effects[LoadCard](b.last); len(got) != 1 || !got[0].Auto {
		t.Fatalf("cards %v", got)
	}
	c := b.call("a")
	if c.Name.String() != "Fred Bloggs" || c.Assoc.Rule != crm.RuleOneMatch || c.Can[0] != Answer || !slices.Contains(c.Can, Pop) {
		t.Fatalf("%+v", c)
	}
	b.cmd(Answer)
	b.phoneDid(PhoneAnswer)
	b.phone(sip.CallAnswered{At: b.at, Leg: "a"}).bye("a", false)
	fin := effects[Finish](b.last)
	if len(fin) != 1 || fin[0].Record.Assoc.Who.Name.String() != "Fred Bloggs" || fin[0].Record.Action != "answered" || fin[0].Record.HangUpBy != "customer" {
		t.Fatalf("%+v", fin)
	}
}

func TestPopIsManualWhenTheSettingSaysSo(t *testing.T) {
	b := newBench(t, Settings{Pop: PopManual}).in("a", "07814256404").found("a", one(fred()))
	if got := effects[LoadCard](b.last); len(got) != 0 {
		t.Fatal("a card opened by itself")
	}
	b.cmd(Pop)
	if b.call("a").Assoc.Rule != crm.RuleCurrent {
		t.Fatal("popping did not make the record current")
	}
}

func TestAnAutomaticPopNeverTakesThePageFromAFormOrAConversation(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07700900461")
	b.in("b", "07814256404").found("b", one(fred()))
	if len(effects[LoadCard](b.last)) != 0 {
		t.Fatal("a second caller's card opened over the conversation")
	}
}

func TestInternalAndWithheldCallersAreNeverLookedUp(t *testing.T) {
	for number, want := range map[string]crm.MatchState{"2104": crm.MatchInternal, "": crm.MatchWithheld, "999999": crm.MatchNotSearched} {
		b := newBench(t, Settings{}).in("a", number)
		if n := len(effects[Lookup](b.all)); n != 0 || b.call("a").Match.State != want {
			t.Errorf("%q: %d lookups, match %q", number, n, b.call("a").Match.State)
		}
	}
}

func TestAnsweringASecondCallHoldsTheFirst(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").in("b", "07700900461").cmd(Answer)
	b.phoneDid(PhoneHold, PhoneAnswer)
	b.state("a", Holding)
	b.phone(sip.CallHeld{Leg: "a", ByUs: true}).phone(sip.CallAnswered{At: b.at, Leg: "b"})
	b.state("a", Held)
	b.state("b", Talking)
	b.do(Commanded{Command{Verb: Resume, Call: b.call("a").Key}})
	b.phoneDid(PhoneHold, PhoneResume)
}

func TestARefusedHoldLeavesTheCallTalkingAndSaysSo(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(Hold)
	b.phone(sip.CommandFailed{Leg: "a", Command: "hold", Reason: text.Clean("488 Not Acceptable Here")})
	b.state("a", Talking)
	b.noticed("refused the hold")
}

func TestAFailedTransferBringsTheCallBack(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(Xfer, "2104")
	b.phoneDid(PhoneTransfer)
	b.phone(sip.TransferEnded{Leg: "a", Target: text.Clean("2104"), Code: 486, Reason: text.Clean("busy")})
	b.phoneDid(PhoneResume)
	b.state("a", Resuming)
	b.phone(sip.CallHeld{Leg: "a"})
	b.state("a", Talking)
	b.noticed("The transfer to 2104 failed (busy). The caller is back with you.")
	if len(effects[Finish](b.all)) != 0 {
		t.Fatal("a failed transfer made a record")
	}
}

func TestATransferWritesTheRecordWithItsTarget(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(Xfer, "2104")
	b.phone(sip.TransferEnded{Leg: "a", Target: text.Clean("2104"), OK: true, Code: 200})
	b.phone(sip.CallEnded{At: b.at, Leg: "a", Cause: sip.EndTransferred, ByUs: true})
	fin := effects[Finish](b.all)
	if len(fin) != 1 || fin[0].Record.Action != "transfer" || fin[0].Record.Transfer != "blind" || fin[0].Record.TransferTo.String() != "2104" || fin[0].Record.HangUpBy != "cold transfer" {
		t.Fatalf("%+v", fin)
	}
}

func TestOutcomesOfUnansweredCalls(t *testing.T) {
	for name, c := range map[string]struct {
		end    sip.CallEnded
		reject bool
		action string
		state  State
	}{
		"the caller gave up":    {sip.CallEnded{Cause: sip.EndCancelled}, false, "missed", Available},
		"answered elsewhere":    {sip.CallEnded{Cause: sip.EndAnsweredElsewhere}, false, "answered elsewhere", Available},
		"declined by the agent": {sip.CallEnded{Cause: sip.EndDeclined, ByUs: true}, true, "declined", Available},
		"rang out":              {sip.CallEnded{Cause: sip.EndNoAnswer}, false, "missed", Available},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Settings{}).in("a", "07814256404")
			if c.reject {
				b.cmd(Reject)
				b.phoneDid(PhoneReject)
			}
			c.end.Leg, c.end.At = "a", b.at
			b.phone(c.end)
			fin := effects[Finish](b.last)
			if len(fin) != 1 || fin[0].Record.Action != c.action || fin[0].Record.Duration != 0 {
				t.Fatalf("%+v", fin)
			}
			if b.snap().State != c.state {
				t.Fatalf("the agent is %s", b.snap().State)
			}
		})
	}
}

func TestALongUnansweredRingMakesTheAgentNotResponding(t *testing.T) {
	b := newBench(t, Settings{MissedAfter: 10 * time.Second}).in("a", "07814256404")
	b.at = b.at.Add(20 * time.Second)
	b.phone(sip.CallEnded{At: b.at, Leg: "a", Cause: sip.EndCancelled})
	if b.snap().State != NotResponding {
		t.Fatalf("the agent is %s", b.snap().State)
	}
	if b.cmd(GoAvailable).snap().State != Available {
		t.Fatal("one key does not bring the agent back")
	}
}

func TestFilteredCallsStayInTheHistoryOnly(t *testing.T) {
	b := newBench(t, Settings{Log: []string{"answered"}}).in("a", "07814256404")
	b.phone(sip.CallEnded{At: b.at, Leg: "a", Cause: sip.EndCancelled})
	if fin := effects[Finish](b.last); len(fin) != 1 || !fin[0].Filtered {
		t.Fatalf("%+v", fin)
	}
}

func TestALookupThatHadNotFinishedIsResolvedByTheSender(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").bye("a", true)
	if fin := effects[Finish](b.last); !fin[0].Record.Unresolved {
		t.Fatal("not marked unresolved")
	}
	b.found("a", one(fred()))
	if b.call("a").Assoc.Rule == crm.RuleOneMatch {
		t.Fatal("the association changed after the end")
	}
}

func TestAWithheldCallersNumberIsNowhereInTheRecord(t *testing.T) {
	b := newBench(t, Settings{Classify: func(sip.Party) Class { return Class{Withheld: true} }}).in("a", "07814256404").bye("a", false)
	if rec := effects[Finish](b.last)[0].Record; !rec.Number.Empty() || !rec.Withheld {
		t.Fatalf("%+v", rec)
	}
}

func TestDialledCallsBelongToTheirSourceOrTheOpenCard(t *testing.T) {
	card := crm.Card{Ref: fred().Ref}
	b := newBench(t, Settings{}).do(Commanded{Command{Verb: Open, Record: card.Ref}}).do(CardLoaded{Ref: card.Ref, Card: &card})
	b.cmd(Dial, "07700 900461")
	b.phone(sip.OutgoingCall{At: b.at, Leg: "out-1", CallID: "x", LocalTag: "y", Remote: party("07700900461")})
	if c := b.call("out-1"); c.Assoc.Rule != crm.RuleOpenAtDial || c.Dir != crm.Outbound {
		t.Fatalf("%+v", c.Assoc)
	}
	b.do(Commanded{Command{Verb: Dial, Text: "07700900462", Record: card.Ref}})
	b.phone(sip.OutgoingCall{At: b.at, Leg: "out-2", CallID: "x2", LocalTag: "y", Remote: party("07700900462")})
	if c := b.call("out-2"); c.Assoc.Rule != crm.RuleSource {
		t.Fatalf("%+v", c.Assoc)
	}
}

func TestANumberThatCannotBeCalledLeavesNoRecord(t *testing.T) {
	b := newBench(t, Settings{}).cmd(Dial, "nonumber")
	b.phone(sip.CallEnded{At: b.at, Leg: "out-1", Cause: sip.EndUnknownNumber})
	if len(effects[Finish](b.all)) != 0 || len(b.snap().Calls) != 0 {
		t.Fatal("a call that never was left something behind")
	}
	b.noticed("could not be called")
}

func TestACallThatThePolicyForbidsSaysSoInOneLineAndLeavesNoRecord(t *testing.T) {
	b := newBench(t, Settings{}).cmd(Dial, "0900123456")
	b.phone(sip.CommandFailed{At: b.at, Leg: "out-1", Command: "dial", Reason: text.Clean("numbers that begin with 0900 are barred")})
	if len(effects[Finish](b.all)) != 0 || len(b.snap().Calls) != 0 {
		t.Fatal("a call that never was left something behind")
	}
	b.noticed("0900123456 could not be called: numbers that begin with 0900 are barred.")
}

func TestWhoeverIsSpokenToIsNotPutOnHoldForANumberThatMayNotBeCalled(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(Dial, "0900123456")
	b.phoneDid(PhoneDial)
	b.phone(sip.CommandFailed{At: b.at, Leg: "out-1", Command: "dial", Reason: text.Clean("numbers that begin with 0900 are barred")}).phoneDid()
	b.state("a", Talking)
	b.cmd(Dial, "07700900461").phoneDid(PhoneDial)
	b.phone(sip.OutgoingCall{At: b.at, Leg: "out-2", CallID: "x", LocalTag: "y", Remote: party("07700900461")}).phoneDid(PhoneHold)
	b.state("a", Holding)
}

func TestPinAndClearDecideTheAssociation(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").found("a", one(fred())).cmd(Pin)
	acme := crm.Ref{Type: "Account", ID: "001000000000001AAA", Name: text.Clean("Acme")}
	b.do(Commanded{Command{Verb: Open, Record: acme}})
	if c := b.call("a"); c.Assoc.Rule != crm.RulePinned || c.Assoc.Who.Name.String() != "Fred Bloggs" {
		t.Fatalf("%+v", c.Assoc)
	}
	b.cmd(Clear)
	if c := b.call("a"); !c.Assoc.Record().Zero() {
		t.Fatalf("%+v", c.Assoc)
	}
}

func TestNewSavesTheCallersRecordAndMakesItCurrent(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07700900461").found("a", crm.Match{State: crm.MatchNone}).cmd(New)
	if f := effects[LoadForm](b.last); len(f) != 1 || f[0].Ask.Object != "Lead" || f[0].Ask.Number.String() != "07700900461" {
		t.Fatalf("%+v", f)
	}
	key := b.call("a").Key
	b.do(FormLoaded{For: key, Form: &crm.Form{Object: "Lead"}})
	b.do(Commanded{Command{Verb: Create, Values: map[string]string{"LastName": ""}}})
	b.do(RecordCreated{For: key, Form: &crm.Form{Object: "Lead", Error: text.Clean("Required fields are missing: [LastName]")}})
	if b.snap().Form == nil || b.snap().Form.Error.Empty() {
		t.Fatal("the form with its complaint is gone")
	}
	b.do(Commanded{Command{Verb: Create, Values: map[string]string{"LastName": "Doe"}}})
	b.do(RecordCreated{For: key, Ref: crm.Ref{Type: "Lead", ID: "00Q000000000001AAA", Name: text.Clean("Doe")}})
	if c := b.call("a"); c.Assoc.Rule != crm.RuleCurrent || c.Assoc.Who.Type != "Lead" || b.snap().Form != nil {
		t.Fatalf("%+v", c.Assoc)
	}
}

func TestLeavingDuringACallAsksFirstAndThenWritesTheRecord(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(Quit)
	if s := b.snap(); !s.Leaving || s.Quit {
		t.Fatal("it did not ask")
	}
	if b.cmd(QuitCancel).snap().Leaving {
		t.Fatal("staying did not stay")
	}
	b.cmd(Quit).cmd(QuitNow)
	b.phoneDid(PhoneHangup)
	if b.snap().Quit {
		t.Fatal("it left before the call had ended")
	}
	b.bye("a", true)
	if !b.snap().Quit || len(effects[Finish](b.last)) != 1 {
		t.Fatal("the call's record was not written on leaving")
	}
}

func TestAStateChangeDuringACallWaitsForItsEnd(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(GoAway, "lunch")
	if s := b.snap(); s.State != OnCall || s.Pending != Away {
		t.Fatalf("%s, pending %s", s.State, s.Pending)
	}
	if s := b.bye("a", false).snap(); s.State != Away || s.Pending != "" {
		t.Fatalf("%s, pending %s", s.State, s.Pending)
	}
}

func TestLosingTheRegistrationIsSaidAndCallsGoOn(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404")
	b.phone(sip.RegistrationChanged{State: sip.RegFailed, Reason: text.Clean("The exchange does not answer")})
	b.noticed("no call can come in")
	b.state("a", Talking)
	if s := b.bye("a", false).snap(); s.State != Offline {
		t.Fatalf("the agent is %s", s.State)
	}
}

func TestAFullDiskIsToldAndTheEndOfItToo(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404")
	b.do(JournalFailed{Call: b.call("a").Key, Err: text.Clean("the disk is full")})
	b.noticed("is not on disk (the disk is full). offhook keeps trying")
	if b.call("a").Record != RecordUnsafe {
		t.Fatal("the call does not show it")
	}
	b.do(JournalRestored{})
	if b.call("a").Record != RecordOpen {
		t.Fatal("it does not end")
	}
	for _, n := range b.snap().Notices {
		if n.Severity == Problem {
			t.Fatalf("still said: %s", n.Text)
		}
	}
}

func TestEveryImpossibleCommandIsAnswered(t *testing.T) {
	b := newBench(t, Settings{}).cmd(Hold)
	b.noticed("There is no call to hold")
	b.in("a", "07814256404").cmd(Hold)
	b.noticed("not possible while the call is incoming")
	b.cmd(DemoNext)
	b.noticed("belongs to the demo")
}

func TestDigitsSentAreCountedNeverKept(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(DTMF, "4929 1234x").cmd(DTMF, "5")
	if got := b.call("a").DTMFOut.String(); got != "9 digits" {
		t.Fatalf("got %q", got)
	}
}

func TestTheLastCallersCardIsGoneWhenTheNextOneRings(t *testing.T) {
	card := crm.Card{Ref: fred().Ref}
	b := newBench(t, Settings{}).up("a", "07814256404")
	b.do(CardLoaded{For: b.call("a").Key, Ref: card.Ref, Card: &card, Auto: true}).bye("a", false)
	if b.snap().Open == nil {
		t.Fatal("the card went with the call: notes could not be checked against it")
	}
	if b.in("b", "07700900461").snap().Open != nil {
		t.Fatal("the last caller's card is shown for the next caller")
	}
	zoe := crm.Card{Ref: crm.Ref{Type: "Contact", ID: "003000000000009AAA"}}
	b.bye("b", false).do(CardLoaded{Ref: zoe.Ref, Card: &zoe})
	if b.in("c", "07700900462").snap().Open == nil {
		t.Fatal("a card that the agent had open was taken away")
	}
}

func TestOnlyWhatCanBeCalledIsCalled(t *testing.T) {
	for number, want := range map[string]bool{
		"07700 900461": true, "+44 (0) 1202 528732": true, "1-800-FLOWERS": true, "*98": true, "sip:bob@example.com": true, "alice": true,
		"hello world": false, "call Bob 5": false, "()": false, "-": false,
	} {
		b := newBench(t, Settings{}).cmd(Dial, number)
		if got := len(effects[PhoneDo](b.last)) > 0; got != want {
			t.Errorf("%q was called: %v", number, got)
		}
		if !want {
			b.noticed("nobody was called")
		}
	}
}

func TestANoticeGoesWhenItsRecordHasLanded(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").bye("a", false)
	key := b.call("a").Key
	b.do(TaskDead{Call: key, Reason: text.Clean("a rule")})
	b.noticed("a rule")
	b.do(TaskLanded{Landed{Call: key, TaskID: "00T000000000001AAA"}})
	for _, n := range b.snap().Notices {
		if n.Severity == Problem {
			t.Fatalf("still said: %s", n.Text)
		}
	}
}

func TestAFailedLookupShowsAtTheLinkUntilOneSucceeds(t *testing.T) {
	b := newBench(t, Settings{}).do(LinkChanged{Name: LinkSalesforce, Health: HealthOK})
	b.in("a", "07814256404").found("a", crm.Match{State: crm.MatchFailed, Detail: text.Clean("503")})
	if b.snap().Links.Salesforce.Health != HealthWarn {
		t.Fatal("the link looks well")
	}
	b.in("b", "07700900461").found("b", crm.Match{State: crm.MatchNone})
	if b.snap().Links.Salesforce.Health != HealthOK {
		t.Fatal("the link does not recover")
	}
}
