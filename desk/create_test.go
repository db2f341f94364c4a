package desk

import (
	"encoding/json"
	"testing"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/sip"
)

func supportDesk() Settings {
	fields := func(rec crm.CallRecord) map[string]string { return map[string]string{"Phone": rec.Number.String()} }
	return Settings{Spam: []string{"spam"}, Create: []AutoCreate{
		{Object: "Contact", Trigger: CreateOnAnswer, Unknown: true, Fields: fields}, {Object: "Case", Trigger: CreateOnAnswer, Fields: fields}}}
}

// orders are what was left to be created.
func (b *bench) orders() (out []crm.CreateOrder) {
	b.t.Helper()
	for _, fx := range effects[AddErrand](b.all) {
		var o crm.CreateOrder
		if fx.Kind != crm.CreateErrand {
			continue
		}
		if err := json.Unmarshal(fx.Payload, &o); err != nil || fx.Call != "" {
			b.t.Fatal(fx, err) // an errand of the call would wait for the Task, which waits for it
		}
		out = append(out, o)
	}
	return out
}

func TestAnAnsweredUnknownCallerIsMadeOnceAndTheRecordNamesIt(t *testing.T) {
	b := newBench(t, supportDesk()).in("a", "07700900461").found("a", crm.Match{State: crm.MatchNone})
	if n := len(b.orders()); n != 0 {
		t.Fatalf("%d orders while it rings", n)
	}
	b.answered("a").found("a", crm.Match{State: crm.MatchNone}).bye("a", false)
	o := b.orders()
	if len(o) != 1 || len(o[0].Steps) != 2 || o[0].Steps[0].Object != "Contact" || !o[0].Steps[0].Unknown || o[0].Steps[1].Fields["Phone"] == "" {
		t.Fatalf("%+v", o)
	}
	if f := effects[Finish](b.all); len(f) != 1 || len(f[0].Record.Creates) != 1 {
		t.Errorf("the Task does not wait: %+v", f)
	}
}

func TestWhoIsNotKnownToBeUnknownIsNeverMade(t *testing.T) {
	one := crm.Hit{Ref: crm.Ref{Type: "Contact", ID: "003000000000001"}}
	for name, c := range map[string]struct {
		number string
		match  crm.Match
		party  sip.Party
		steps  int
	}{
		"known: a case only":   {"07700900461", crm.Match{State: crm.MatchOne, Hits: []crm.Hit{one}}, sip.Party{}, 1},
		"several, none chosen": {"07700900461", crm.Match{State: crm.MatchMany, Hits: []crm.Hit{one, one}}, sip.Party{}, 0},
		"the lookup failed":    {"07700900461", crm.Match{State: crm.MatchFailed}, sip.Party{}, 0},
		"not searched":         {"07700900461", crm.Match{State: crm.MatchNone, Via: crm.ViaLayout}, sip.Party{}, 0},
		"spam":                 {"07700900461", crm.Match{State: crm.MatchNone}, sip.Party{Name: text.Clean("SPAM risk")}, 0},
	} {
		b := newBench(t, supportDesk()).in("a", c.number)
		if !c.party.Name.Empty() {
			b.m.calls[0].Remote.Name = c.party.Name
		}
		b.answered("a").found("a", c.match)
		got := 0
		for _, o := range b.orders() {
			got += len(o.Steps)
		}
		if got != c.steps {
			t.Errorf("%s: %d records, want %d", name, got, c.steps)
		}
	}
	for _, number := range []string{"21", "999999"} {
		if b := newBench(t, supportDesk()).up("a", number).bye("a", false); len(b.orders()) != 0 {
			t.Errorf("%s: %+v", number, b.orders())
		}
	}
}

func TestWhatWasMadeBecomesTheCallsRecordUnlessTheAgentChoseAnother(t *testing.T) {
	contact := crm.Ref{Type: "Contact", ID: "003000000000001AAA"}
	kase := crm.Ref{Type: "Case", ID: "500000000000001AAA"}
	b := newBench(t, supportDesk()).up("a", "07700900461").found("a", crm.Match{State: crm.MatchNone})
	key := b.call("a").Key
	b.do(RecordsMade{Call: key, Made: []crm.Ref{contact, kase}})
	if a := b.call("a").Assoc; a.What.ID != kase.ID || a.Who.ID != contact.ID {
		t.Errorf("%+v", a)
	}
	if n := len(b.orders()); n != 1 {
		t.Errorf("%d orders", n)
	}
	other := crm.Ref{Type: "Account", ID: "001000000000001AAA"}
	b = newBench(t, supportDesk()).up("a", "07700900461").found("a", crm.Match{State: crm.MatchNone})
	b.do(Commanded{Command{Verb: Open, Record: other}}).do(RecordsMade{Call: b.call("a").Key, Made: []crm.Ref{contact}})
	if a := b.call("a").Assoc; a.What.ID != other.ID {
		t.Errorf("%+v", a)
	}
	person := crm.Ref{Type: "Contact", ID: "003000000000009AAA"}
	for _, made := range [][]crm.Ref{{{Type: "Lead", ID: "00Q000000000001AAA"}}, {contact}, {contact, kase}} {
		b = newBench(t, supportDesk()).up("a", "07700900461").found("a", crm.Match{State: crm.MatchNone})
		b.do(Commanded{Command{Verb: Open, Record: person}}).do(RecordsMade{Call: b.call("a").Key, Made: made})
		if a := b.call("a").Assoc; a.Who.ID != person.ID || !a.What.Zero() {
			t.Errorf("made %v: %+v", made, a)
		}
	}
	b = newBench(t, supportDesk()).up("a", "07700900461").found("a", crm.Match{State: crm.MatchNone})
	b.do(Commanded{Command{Verb: Open, Record: person}}).do(RecordsMade{Call: b.call("a").Key, Made: []crm.Ref{kase}}) // the case is that person's
	if a := b.call("a").Assoc; a.Who.ID != person.ID || a.What.ID != kase.ID {
		t.Errorf("%+v", a)
	}
	b.do(RecordsMade{Call: "gone", Made: []crm.Ref{contact}}).noticed("was made for a call")
}

func TestAnEndedCallFillsInItsPersonByThePolicy(t *testing.T) {
	for policy, want := range map[crm.UpdatePolicy]int{crm.UpdateLeave: 0, crm.UpdateAddOnly: 1} {
		set := Settings{Update: policy, UpdateFields: func(crm.CallRecord) map[string]string { return map[string]string{"Phone": "1"} }}
		b := newBench(t, set).up("a", "07700900461").found("a", crm.Match{State: crm.MatchOne, Hits: []crm.Hit{{Ref: crm.Ref{Type: "Contact", ID: "003000000000001"}}}}).bye("a", false)
		n := 0
		for _, fx := range effects[AddErrand](b.all) {
			if fx.Kind == crm.UpdateErrand {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: %d", policy, n)
		}
	}
}
