package desk

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/sync"
	"offhook/internal/text"
	"offhook/sip"
)

func centre() Settings {
	return Settings{
		Dispositions: []Disposition{
			{Code: "sale", Label: text.Clean("Sale"), Key: "1", Status: text.Clean("Responded")},
			{Code: "none", Label: text.Clean("Nobody there"), Key: "2", Status: text.Clean("Sent")},
			{Code: "later", Label: text.Clean("Call back"), Key: "3", Callback: true},
			{Code: "vip", Label: text.Clean("Passed on"), Key: "4", Queue: text.Clean("Gold")},
		},
		Campaign:  crm.Ref{Type: "Campaign", ID: "701000000000001AAA", Name: text.Clean("Autumn")},
		Campaigns: []Campaign{{Ref: crm.Ref{Type: "Campaign", ID: "701000000000002AAA", Name: text.Clean("Spring")}, List: text.Clean("SPR"), Log: []string{"answered"}}},
		Zone:      time.UTC,
	}
}

func (b *bench) dispose(leg, code string, when ...string) *bench {
	b.t.Helper()
	c := Command{Verb: Dispose, Call: b.call(leg).Key, Text: code}
	if len(when) > 0 {
		c.Values = map[string]string{"when": when[0]}
	}
	return b.do(Commanded{c})
}

func member(t *testing.T, e ledger.Errand) sync.MemberChange {
	t.Helper()
	var ch sync.MemberChange
	if err := json.Unmarshal(e.Payload, &ch); err != nil || e.Kind != sync.MemberErrand {
		t.Fatal(e.Kind, err)
	}
	return ch
}

func (b *bench) errands() (out []ledger.Errand) {
	for _, e := range effects[AddErrand](b.last) {
		out = append(out, e.Errand)
	}
	return out
}

func TestAResultStandsInTheRecordAndTheMemberIsToldOfTheLastChoice(t *testing.T) {
	b := newBench(t, centre()).up("a", "07814256404").found("a", one(fred()))
	b.dispose("a", "none")
	if b.call("a").Disposition.String() != "Nobody there" || len(effects[Journal](b.last)) == 0 {
		t.Fatalf("%+v", b.call("a"))
	}
	b.dispose("a", "SALE").bye("a", false)
	fin := effects[Finish](b.last)
	if len(fin) != 1 || fin[0].Record.Disposition.String() != "Sale" || fin[0].Record.Campaign.Name.String() != "Autumn" || fin[0].Record.Initiator != "customer" {
		t.Fatalf("%+v", fin)
	}
	es := b.errands()
	if len(es) != 1 || es[0].Key != "member:"+string(b.call("a").Key) || es[0].Call != string(b.call("a").Key) {
		t.Fatalf("%+v", es)
	}
	if ch := member(t, es[0]); ch.Status.String() != "Responded" || ch.Who.ID != fred().ID || ch.Campaign.ID != "701000000000001AAA" {
		t.Fatalf("%+v", ch)
	}
	b.dispose("a", "none") // after the end: the Task is amended, the member is told anew
	if am := effects[Amend](b.last); len(am) != 1 || am[0].Record.Disposition.String() != "Nobody there" {
		t.Fatalf("%+v", b.last)
	}
	late := b.errands()
	if len(late) != 1 || late[0].Key == es[0].Key || member(t, late[0]).Status.String() != "Sent" {
		t.Fatalf("%+v", late)
	}
}

func TestOnlyResultsOfItsQueueAreOffered(t *testing.T) {
	b := newBench(t, centre()).up("a", "07814256404")
	s := b.snap()
	if n := len(s.For(&s.Calls[0])); n != 3 {
		t.Fatalf("%d results", n)
	}
	b.dispose("a", "vip").noticed("no result")
	b.phone(sip.IncomingCall{At: b.at, Leg: "b", CallID: "id-b", LocalTag: "tag", Remote: party("07814256405"), Vars: []sip.Var{{Name: text.Clean("Queue"), Value: text.Clean("gold")}}})
	s = b.snap()
	if n := len(s.For(&s.Calls[1])); n != 4 {
		t.Fatalf("%d results", n)
	}
	in := newBench(t, centre()).up("a", "2104")
	in.dispose("a", "sale").noticed("not possible")
}

func TestARequiredResultKeepsTheCallUntilItIsGiven(t *testing.T) {
	set := centre()
	set.NeedResult, set.Linger = true, time.Minute
	b := newBench(t, set).up("a", "07814256404").bye("a", false)
	key := b.call("a").Key
	b.do(TaskLanded{Landed{Call: key, TaskID: "00T000000000001AAA"}})
	b.do(TimerFired{TimerID("linger " + string(key))}).in("b", "07814256405")
	if !b.call("a").NeedsResult {
		t.Fatal("the call does not ask for its result")
	}
	b.dispose("a", "sale")
	if b.call("a").NeedsResult {
		t.Fatal("it still asks")
	}
	if missed := newBench(t, set).in("a", "07814256404"); missed.bye("a", false).call("a").NeedsResult {
		t.Fatal("a missed call has no result")
	}
}

func TestACampaignHasItsOwnCallsThatMakeATask(t *testing.T) {
	b := newBench(t, centre())
	b.phone(sip.IncomingCall{At: b.at, Leg: "a", CallID: "id-a", LocalTag: "tag", Remote: party("07814256404"), Vars: []sip.Var{{Name: text.Clean("List"), Value: text.Clean("SPR")}}})
	b.bye("a", false)
	if fin := effects[Finish](b.all); len(fin) != 1 || !fin[0].Filtered || fin[0].Record.Campaign.Name.String() != "Spring" {
		t.Fatalf("%+v", fin)
	}
}

func TestACallbackIsPromisedOnceMovedAndTakenBack(t *testing.T) {
	b := newBench(t, centre()).up("a", "07814256404").found("a", one(fred()))
	b.dispose("a", "later", "whenever").noticed("no result yet")
	if len(b.snap().Callbacks) != 0 || b.call("a").Result != "" {
		t.Fatal("a moment that is not understood promises something")
	}
	b.dispose("a", "later", "tomorrow 10:00").noticed("you call back tomorrow")
	cbs := b.snap().Callbacks
	want := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	if len(cbs) != 1 || !cbs[0].At.Equal(want) || cbs[0].Who.ID != fred().ID || cbs[0].Number.String() != "07814256404" || len(effects[Keep](b.last)) != 1 {
		t.Fatalf("%+v", cbs)
	}
	first := b.errands()
	b.dispose("a", "later", "in 3 days")
	if cbs = b.snap().Callbacks; len(cbs) != 1 || cbs[0].At.Day() != 23 {
		t.Fatalf("%+v", cbs)
	}
	if second := b.errands(); len(first) != 1 || len(second) != 1 || first[0].Key == second[0].Key {
		t.Fatalf("%+v, %+v", first, second)
	}
	if b.bye("a", true); !effects[Finish](b.last)[0].Record.CallbackAt.Equal(cbs[0].At) {
		t.Fatal("the record does not say when")
	}
	b.dispose("a", "sale")
	if len(b.snap().Callbacks) != 0 || len(effects[Unkeep](b.last)) != 1 || !strings.HasSuffix(b.errands()[0].Key, ":close") {
		t.Fatalf("%+v", b.last)
	}
}

func kept1(at time.Time) Callback {
	return Callback{Key: "k/cb1", At: at, Number: text.Clean("07814256404"), Name: text.Clean("Fred Bloggs"), Who: fred().Ref}
}

func TestACallbackIsToldWhenItsTimeComesAndDoneWhenTheCallWasAnswered(t *testing.T) {
	set := centre()
	set.Callbacks = []Callback{kept1(epoch.Add(90 * time.Second))}
	b := newBench(t, set)
	if in := effects[After](b.all); len(in) == 0 || in[0].ID != callbackTimer || in[0].In > lookAgain {
		t.Fatalf("no clock runs: %+v", in)
	}
	b.at = epoch.Add(95 * time.Second)
	b.do(TimerFired{callbackTimer}).noticed("Call Fred Bloggs back")
	if !b.snap().Callbacks[0].Due {
		t.Fatal("it is not due")
	}
	b.do(Commanded{Command{Verb: CallBack, Text: "k/cb1"}})
	leg := b.snap().Calls[0].Leg
	b.phone(sip.OutgoingCall{At: b.at, Leg: leg, CallID: "c1", LocalTag: "t", Remote: party("07814256404")})
	b.phone(sip.CallEnded{At: b.at, Leg: leg, Cause: sip.EndNoAnswer}).noticed("stays on the list")
	if cb := b.snap().Callbacks; len(cb) != 1 || cb[0].Tries != 1 {
		t.Fatalf("%+v", cb)
	}
	b.do(Commanded{Command{Verb: CallBack, Text: "k/cb1"}})
	leg = b.snap().Calls[0].Leg
	b.phone(sip.OutgoingCall{At: b.at, Leg: leg, CallID: "c2", LocalTag: "t", Remote: party("07814256404")})
	b.phone(sip.CallAnswered{At: b.at, Leg: leg})
	b.phone(sip.CallEnded{At: b.at, Leg: leg, Cause: sip.EndNormal})
	if len(b.snap().Callbacks) != 0 || !strings.HasSuffix(b.errands()[0].Key, ":close") || effects[Finish](b.last)[0].Record.Assoc.Who.ID != fred().ID {
		t.Fatalf("%+v", b.last)
	}
	b.do(Commanded{Command{Verb: CallbackDone, Text: "k/cb1"}}).noticed("not on the list")
}

func TestWhatSalesforceKnowsOfCallbacksIsTakenOver(t *testing.T) {
	b := newBench(t, centre())
	other := Callback{Key: "00T000000000009AAA", TaskID: "00T000000000009AAA", At: epoch.Add(time.Hour), Number: text.Clean("1")}
	b.do(CallbacksPulled{Set: []Callback{other}})
	if cb := b.snap().Callbacks; len(cb) != 1 || !cb[0].Elsewhere || len(effects[Keep](b.last)) != 1 {
		t.Fatalf("%+v", cb)
	}
	other.At = other.At.Add(time.Hour)
	b.do(CallbacksPulled{Set: []Callback{other}})
	if cb := b.snap().Callbacks; len(cb) != 1 || !cb[0].At.Equal(other.At) {
		t.Fatalf("%+v", cb)
	}
	if b.do(CallbacksPulled{Set: []Callback{other}}); len(effects[Keep](b.last)) != 0 {
		t.Fatal("nothing has changed")
	}
	if b.do(CallbacksPulled{Gone: []string{"00T000000000009"}}); len(b.snap().Callbacks) != 0 {
		t.Fatal("it was closed elsewhere")
	}
}

func TestACallbackIsAsTheAgentLeftItAndNotAsSalesforceStillTellsOfIt(t *testing.T) {
	b := newBench(t, centre())
	one := Callback{Key: "00T000000000009AAA", TaskID: "00T000000000009AAA", At: epoch.Add(time.Hour), Number: text.Clean("1")}
	two := Callback{Key: "k/cb1", TaskID: "00T000000000008AAA", At: epoch.Add(time.Hour), Number: text.Clean("2")}
	b.do(CallbacksPulled{Set: []Callback{one, two}})
	b.do(Commanded{Command{Verb: CallbackDone, Text: one.Key}})
	b.do(Commanded{Command{Verb: CallbackMove, Text: two.Key, Values: map[string]string{"when": "in 3 hours"}}})
	moved := b.snap().Callbacks[0].At
	for range 2 { // it was asked before the errands reached Salesforce
		b.do(CallbacksPulled{Set: []Callback{one, two}})
		if cb := b.snap().Callbacks; len(cb) != 1 || cb[0].Key != two.Key || !cb[0].At.Equal(moved) || moved.Equal(two.At) {
			t.Fatalf("%+v", cb)
		}
	}
	one.At = one.At.Add(24 * time.Hour) // somebody promised it anew
	if b.do(CallbacksPulled{Set: []Callback{one}}); len(b.snap().Callbacks) != 2 {
		t.Fatal("a callback that was set anew in Salesforce is not listed")
	}
	b.at = b.at.Add(outdatedFor)
	if b.do(CallbacksPulled{Set: []Callback{two}}); !b.snap().Callbacks[0].At.Equal(two.At) {
		t.Fatal("in Salesforce it was set back to the former time, long after")
	}
}

func people() []Member {
	return []Member{
		{ID: "00v000000000001AAA", Who: fred().Ref, Numbers: []text.Text{text.Clean("07814256404"), text.Clean("02079460000")}, Status: text.Clean("Sent")},
		{ID: "00v000000000002AAA", Who: crm.Ref{Type: "Lead", ID: "00Q000000000002AAA", Name: text.Clean("Shy Lead")}, Numbers: []text.Text{text.Clean("07700900002")}, DoNotCall: true},
		{ID: "00v000000000003AAA", Who: crm.Ref{Type: "Contact", ID: "003000000000003AAA", Name: text.Clean("No Number")}},
	}
}

func (b *bench) list() *bench {
	b.cmd(WorkOpen, "Spring")
	ask := effects[PullWork](b.last)
	if len(ask) != 1 {
		b.t.Fatalf("%+v", b.last)
	}
	return b.do(WorkPulled{Asked: ask[0].Campaign, Campaign: ask[0].Campaign, Members: people()})
}

func TestTheWorkListCallsMembersAndRemembersWhatCameOfIt(t *testing.T) {
	b := newBench(t, centre()).list()
	if w := b.snap().Worklist; w.Next != people()[0].ID || w.Left() != 2 {
		t.Fatalf("%+v", w)
	}
	b.do(Commanded{Command{Verb: WorkDial, Text: people()[0].ID, Values: map[string]string{"number": "02079460000"}}}).phoneDid(PhoneDial)
	leg := b.snap().Calls[0].Leg
	if b.snap().Calls[0].Called.String() != "02079460000" {
		t.Fatal("another number was called")
	}
	b.phone(sip.OutgoingCall{At: b.at, Leg: leg, CallID: "c1", LocalTag: "t", Remote: party("02079460000")})
	b.cmd(WorkDial, people()[1].ID).noticed("does not want to be called")
	b.phone(sip.CallAnswered{At: b.at, Leg: leg})
	b.dispose(string(leg), "sale").phone(sip.CallEnded{At: b.at, Leg: leg, Cause: sip.EndNormal})
	rec := effects[Finish](b.last)[0].Record
	if rec.Initiator != "campaign" || rec.Campaign.Name.String() != "Spring" || rec.Member.ID != fred().ID || rec.Assoc.Who.ID != fred().ID {
		t.Fatalf("%+v", rec)
	}
	if ch := member(t, b.errands()[0]); ch.Campaign.Name.String() != "Spring" || ch.Who.ID != fred().ID {
		t.Fatalf("%+v", ch)
	}
	w := b.snap().Worklist
	if !w.Members[0].Worked.Done || w.Members[0].Worked.Result.String() != "Sale" || w.Next != people()[1].ID || len(effects[Keep](b.last)) != 1 {
		t.Fatalf("%+v", w.Members[0])
	}
	b.cmd(WorkSkip, people()[1].ID)
	if w := b.snap().Worklist; w.Next != "" || !w.Members[1].Worked.Skipped {
		t.Fatalf("%+v", w)
	}
}

func TestSomebodyWhoDoesNotWantToBeCalledIsCalledOnlyWhenInsistedAndAllowed(t *testing.T) {
	b := newBench(t, centre()).list()
	insist := Commanded{Command{Verb: WorkDial, Text: people()[1].ID, Values: map[string]string{"force": "yes"}}}
	if b.cmd(WorkDial, people()[1].ID).noticed("Nobody was called"); len(b.snap().Calls) != 0 {
		t.Fatal("called")
	}
	b.do(insist).phoneDid(PhoneDial)
	b.phone(sip.OutgoingCall{At: b.at, Leg: b.snap().Calls[0].Leg, CallID: "c1", LocalTag: "t", Remote: party("07700900002")})
	told := false
	for _, j := range effects[Journal](b.last) {
		told = told || strings.Contains(j.Transition, "does not want to be called")
	}
	if !told {
		t.Fatal("the journal does not say so")
	}
	set := centre()
	set.DoNotCall = "block"
	if b = newBench(t, set).list().do(insist); len(b.snap().Calls) != 0 {
		t.Fatal("called although the settings forbid it")
	}
	b.noticed("the settings forbid it")
}

func TestACampaignThatIsKnownByItsNameAloneCounts(t *testing.T) {
	set := centre()
	set.Campaign = crm.Ref{Type: "Campaign", Name: text.Clean("Summer")}
	set.Campaigns = []Campaign{{Ref: set.Campaign, Log: []string{"answered"}}}
	b := newBench(t, set).up("a", "07814256404").found("a", one(fred())).dispose("a", "sale")
	if es := b.errands(); len(es) != 1 || member(t, es[0]).Campaign.Name.String() != "Summer" {
		t.Fatalf("%+v", es)
	}
	if b = newBench(t, set).in("a", "07814256404").bye("a", false); !effects[Finish](b.last)[0].Filtered {
		t.Fatal("a missed call of this campaign makes no Task")
	}
}

func TestWhoWasNotReachedComesAgainAfterEverybodyElse(t *testing.T) {
	set := centre()
	set.LastWork = crm.Ref{Type: "Campaign", ID: "701000000000002AAA", Name: text.Clean("Spring")}
	b := newBench(t, set).cmd(WorkOpen)
	if ask := effects[PullWork](b.last); len(ask) != 1 || ask[0].Campaign != set.LastWork {
		t.Fatalf("the last run's campaign is not asked for: %+v", ask)
	}
	list := people()
	list[1].DoNotCall = false
	b.do(WorkPulled{Asked: set.LastWork, Campaign: set.LastWork, Members: list})
	for i, leg := range []string{"out-1", "out-2"} {
		if next := b.snap().Worklist.Next; next != list[i].ID {
			t.Fatalf("call %d: next is %s", i, next)
		}
		b.cmd(WorkDial, list[i].ID)
		b.phone(sip.OutgoingCall{At: b.at, Leg: sip.LegID(leg), CallID: leg, LocalTag: "t", Remote: party("07814256404")})
		b.phone(sip.CallEnded{At: b.at, Leg: sip.LegID(leg), Cause: sip.EndNoAnswer})
	}
	if w := b.snap().Worklist; w.Next != list[0].ID || w.Members[0].Worked.Calls != 1 || w.Members[0].Worked.Done {
		t.Fatalf("%+v", w)
	}
}

func TestAnAnswerAboutAnotherCampaignIsDropped(t *testing.T) {
	b := newBench(t, centre()).cmd(WorkOpen, "Spring")
	b.do(WorkPulled{Asked: crm.Ref{Type: "Campaign", ID: "Other"}, Members: people()})
	if w := b.snap().Worklist; !w.Busy || len(w.Members) != 0 {
		t.Fatalf("%+v", w)
	}
	b.do(WorkPulled{Asked: b.snap().Worklist.Campaign, Err: text.Clean("Salesforce is down")})
	if w := b.snap().Worklist; w.Busy || w.Error.Empty() {
		t.Fatalf("%+v", w)
	}
	if b.cmd(WorkOpen, "Spring"); len(effects[PullWork](b.last)) != 1 {
		t.Fatal("it is not asked again after a failure")
	}
}
