package desk

import (
	"slices"
	"strings"
	"testing"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/sip"
)

// consulting has a customer on hold and a colleague on the line.
func consulting(t *testing.T) *bench {
	b := newBench(t, Settings{}).up("a", "07814256404").found("a", one(fred()))
	b.cmd(Dial, "2102")
	b.phone(sip.OutgoingCall{At: b.at, Leg: "out-1", CallID: "id-out", LocalTag: "t", Remote: party("2102")})
	b.phone(sip.CallHeld{At: b.at, Leg: "a", ByUs: true})
	b.phone(sip.CallAnswered{At: b.at, Leg: "out-1", Codec: "G722"})
	b.state("a", Held)
	b.state("out-1", Talking)
	return b
}

func finished(b *bench, leg string) crm.CallRecord {
	b.t.Helper()
	var found []crm.CallRecord
	for _, f := range effects[Finish](b.all) {
		if f.Call.Leg == sip.LegID(leg) {
			found = append(found, f.Record)
		}
	}
	if len(found) != 1 {
		b.t.Fatalf("%d records of %s", len(found), leg)
	}
	return found[0]
}

func TestJoiningTwoCallsHandsTheWaitingCustomerOverWhicheverCallIsNamed(t *testing.T) {
	for _, named := range []string{"a", "out-1"} {
		b := consulting(t)
		b.do(Commanded{Command{Verb: XferTo, Call: b.call(named).Key}})
		did := effects[PhoneDo](b.last)
		if len(did) != 1 || did[0].Do != PhoneTransferTo || did[0].Leg != "a" || !slices.Equal(did[0].Legs, []sip.LegID{"out-1"}) {
			t.Fatalf("named %s: %+v", named, did)
		}
		b.state("a", Transferring)
		b.phone(sip.TransferEnded{At: b.at, Leg: "a", Target: text.Clean("2102"), OK: true, Code: 200})
		b.phone(sip.CallEnded{At: b.at, Leg: "a", Cause: sip.EndTransferred, ByUs: true})
		b.phone(sip.CallEnded{At: b.at, Leg: "out-1", Cause: sip.EndTransferred})
		customer, consult := finished(b, "a"), finished(b, "out-1")
		if customer.Action != "transfer" || customer.Transfer != "attended" || customer.TransferTo.String() != "2102" || customer.HangUpBy != "warm transfer" {
			t.Errorf("customer's record: %+v", customer)
		}
		if consult.Action != "answered" || consult.Type != crm.Internal || consult.HangUpBy != "consult" || consult.Transfer != "" || !consult.Assoc.Record().Zero() {
			t.Errorf("consult's record: %+v", consult)
		}
		if customer.Correlation != customer.Key || consult.Correlation != customer.Key {
			t.Errorf("correlations %s and %s, key %s", customer.Correlation, consult.Correlation, customer.Key)
		}
	}
}

func TestTheCustomerIsHandedOverWhoeverWaits(t *testing.T) {
	b := consulting(t) // back to the customer while the colleague waits: it is still the customer who goes over
	b.do(Commanded{Command{Verb: Resume, Call: b.call("a").Key}})
	b.phone(sip.CallHeld{At: b.at, Leg: "out-1", ByUs: true}).phone(sip.CallHeld{At: b.at, Leg: "a"})
	b.state("a", Talking)
	b.do(Commanded{Command{Verb: XferTo, Call: b.call("a").Key}})
	b.state("a", Transferring)
	b.phone(sip.TransferEnded{At: b.at, Leg: "a", Target: text.Clean("2102"), OK: true, Code: 200})
	b.phone(sip.CallEnded{At: b.at, Leg: "a", Cause: sip.EndTransferred, ByUs: true})
	b.phone(sip.CallEnded{At: b.at, Leg: "out-1", Cause: sip.EndTransferred})
	if r := finished(b, "a"); r.Transfer != "attended" || r.TransferTo.String() != "2102" {
		t.Errorf("%+v", r)
	}
	if r := finished(b, "out-1"); r.Transfer != "" || r.Type != crm.Internal {
		t.Errorf("%+v", r)
	}
}

func TestAJoinThatFailsLeavesBothCallsAndNoTraceInTheirRecords(t *testing.T) {
	b := consulting(t).cmd(XferTo)
	b.phone(sip.TransferEnded{At: b.at, Leg: "a", Target: text.Clean("2102"), Code: 603})
	b.noticed("failed (declined)")
	b.state("a", Held) // the colleague is still being talked to
	b.state("out-1", Talking)
	b.bye("out-1", false).bye("a", false)
	if r := finished(b, "a"); r.Transfer != "" || !r.TransferTo.Empty() || r.Action != "answered" {
		t.Errorf("%+v", r)
	}
	if r := finished(b, "out-1"); r.HangUpBy != "customer" {
		t.Errorf("%+v", r)
	}
}

func TestAJoinCanBeTakenBackAndTheColleagueWaits(t *testing.T) {
	b := consulting(t).cmd(XferTo)
	b.do(Commanded{Command{Verb: Resume, Call: b.call("a").Key}})
	b.phone(sip.TransferEnded{At: b.at, Leg: "a", Target: text.Clean("2102"), Code: 487})
	b.phone(sip.CallHeld{At: b.at, Leg: "out-1", ByUs: true}).phone(sip.CallHeld{At: b.at, Leg: "a"})
	b.state("a", Talking)
	b.state("out-1", Held)
	b.bye("out-1", false).bye("a", false)
	if r := finished(b, "a"); r.Transfer != "" || !r.TransferTo.Empty() || r.Action != "answered" {
		t.Errorf("%+v", r)
	}
	if r := finished(b, "out-1"); r.HangUpBy != "customer" {
		t.Errorf("%+v", r)
	}
}

func TestACallThatCannotBeSentOnRingsOn(t *testing.T) {
	b := newBench(t, Settings{}).in("a", "07814256404").cmd(Redirect, "2104")
	b.state("a", Ending)
	b.phone(sip.CommandFailed{At: b.at, Leg: "a", Command: "redirect", Reason: text.Clean("no such address")})
	b.state("a", Incoming)
	b.noticed("still ringing")
	b.cmd(Answer).phone(sip.CallAnswered{At: b.at, Leg: "a", Codec: "PCMU"}).bye("a", false)
	if r := finished(b, "a"); r.Action != "answered" || strings.Contains(r.Reason.String(), "2104") {
		t.Errorf("%+v", r)
	}
}

func TestWithOneCallThereIsNobodyToJoinWith(t *testing.T) {
	b := newBench(t, Settings{}).up("a", "07814256404").cmd(XferTo)
	b.phoneDid()
	b.noticed("Transfer to is not possible")
	b.cmd(Merge).phoneDid()
}

func TestAConferenceTakesEverybodyAndASplitDropsNobody(t *testing.T) {
	b := consulting(t).cmd(Merge)
	b.phoneDid(PhoneConference, PhoneResume)
	b.phone(sip.CallHeld{At: b.at, Leg: "a"})
	b.phone(sip.ConferenceChanged{At: b.at, Legs: []sip.LegID{"out-1", "a"}})
	b.state("a", Talking)
	b.state("out-1", Talking)
	if !b.call("a").Conference || !b.call("out-1").Conference {
		t.Fatal("the calls do not say that they are together")
	}
	if can := b.call("a").Can; !slices.Contains(can, Split) || slices.Contains(can, Merge) {
		t.Errorf("%v", can)
	}
	b.do(Commanded{Command{Verb: Split, Call: b.call("a").Key}})
	b.phoneDid(PhoneConference, PhoneHold)
	b.phone(sip.ConferenceChanged{At: b.at})
	b.state("out-1", Holding)
	b.state("a", Talking)
	b.bye("a", false).bye("out-1", true)
	finished(b, "a")
	finished(b, "out-1")
}

func TestAThirdCallPutsTheConferenceOnHoldAsAWhole(t *testing.T) {
	b := consulting(t).cmd(Merge)
	b.phone(sip.CallHeld{At: b.at, Leg: "a"})
	b.phone(sip.ConferenceChanged{At: b.at, Legs: []sip.LegID{"out-1", "a"}})
	b.in("c", "02079460000")
	b.do(Commanded{Command{Verb: Answer, Call: b.call("c").Key}})
	b.phoneDid(PhoneHold, PhoneHold, PhoneAnswer)
}
