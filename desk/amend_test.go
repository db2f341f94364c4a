package desk

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/sip"
)

// over is a call that has ended with its record written.
func over(t *testing.T, number string, m crm.Match) *bench {
	b := newBench(t, Settings{Linger: 60e9}).up("c", number).found("c", m)
	return b.phone(sip.CallEnded{At: b.at, Leg: "c", Cause: sip.EndNormal})
}

func TestNotesOfACallThatIsOverGoIntoItsRecord(t *testing.T) {
	b := over(t, "07814256404", one(fred()))
	b.do(Commanded{Command{Verb: Note, Text: "wants a refund"}})
	a := effects[Amend](b.last)
	if len(a) != 1 || a[0].Record.Notes.String() != "wants a refund" || a[0].Record.Assoc.Who.Name.String() != "Fred Bloggs" {
		t.Fatalf("%+v", a)
	}
	if len(effects[After](b.last)) != 1 {
		t.Error("the call goes from the screen while its notes are typed")
	}
	if len(effects[Journal](b.last)) != 0 || len(effects[Finish](b.all)) != 1 {
		t.Error("the end of the call was touched")
	}
}

func TestTheAssociationOfACallThatIsOverCanBeCorrected(t *testing.T) {
	b := over(t, "07814256404", one(fred()))
	b.do(Commanded{Command{Verb: Open, Record: acme()}})
	b.do(CardLoaded{Ref: acme(), Card: &crm.Card{Ref: acme()}})
	b.cmd(Pin)
	a := effects[Amend](b.last)
	if len(a) != 1 || a[0].Record.Assoc.What.ID != acme().ID || !a[0].Record.Assoc.Who.Zero() || !strings.Contains(a[0].Record.Assoc.Why, "after the call") {
		t.Fatalf("%+v", a)
	}
	b.cmd(Clear)
	if a = effects[Amend](b.last); len(a) != 1 || !a[0].Record.Assoc.Record().Zero() {
		t.Fatalf("cleared: %+v", a)
	}
	b.cmd(Clear) // taken back: what the rules say of the call
	if a = effects[Amend](b.last); len(a) != 1 || a[0].Record.Assoc.Who.Name.String() != "Fred Bloggs" {
		t.Fatalf("not cleared: %+v", a)
	}
}

func TestAnInternalCallIsNeverGivenARecordAfterwards(t *testing.T) {
	b := over(t, "2104", crm.Match{})
	b.do(CardLoaded{Ref: acme(), Card: &crm.Card{Ref: acme()}})
	b.cmd(Pin)
	if a := effects[Amend](b.last); len(a) != 0 {
		t.Fatalf("%+v", a)
	}
}

func TestAChangeAfterTheCallReachesTheDiskAlsoWhenItWasFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t, Settings{})
		defer o.close()
		o.incoming("c")
		o.bye("c")
		o.disk.set(errFull)
		for _, notes := range []string{"o", "on", "one"} {
			o.send(Note, notes)
		}
		o.disk.set(nil)
		o.pass(time.Minute)
		if n := len(o.disk.amended); n != 1 || !strings.Contains(string(o.disk.amended[0]), `"notes":"one"`) {
			t.Errorf("%d changes written: %v", n, o.disk.lines)
		}
	})
}

func TestWhatAnotherProgramChangedOfACallThatIsOverIsNotTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t, Settings{Dispositions: []Disposition{{Code: "sale", Label: text.Clean("Sale")}}})
		defer o.close()
		o.incoming("c")
		o.bye("c")
		o.send(Dispose, "sale")
		key := string(o.d.Snapshot().Calls[0].Key)
		other := crm.Correction{Parts: []crm.RecordPart{crm.PartResult, crm.PartNotes},
			Record: crm.CallRecord{Disposition: text.Clean("No interest"), Notes: text.CleanBlock("called by mistake", 100)}}
		if _, err := o.disk.Amend(t.Context(), key, time.Time{}, other.Apply); err != nil {
			t.Fatal(err)
		}
		for _, notes := range []string{"o", "on", "one"} {
			o.send(Note, notes)
		}
		var rec crm.CallRecord
		if err := json.Unmarshal(o.disk.records[key], &rec); err != nil || rec.Disposition.String() != "No interest" || rec.Notes.String() != "one\n\ncalled by mistake" {
			t.Errorf("%s %v", o.disk.records[key], err)
		}
		o.send(Dispose, "sale") // the same as before: it is the newest word all the same
		if err := json.Unmarshal(o.disk.records[key], &rec); err != nil || rec.Disposition.String() != "Sale" {
			t.Errorf("%s %v", o.disk.records[key], err)
		}
	})
}

func TestAChangeThatNoDiskWouldTakeIsToldAndHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t, Settings{})
		defer o.close()
		o.incoming("c")
		o.bye("c")
		o.disk.records[string(o.d.Snapshot().Calls[0].Key)] = json.RawMessage(`{"version":2}`)
		o.send(Note, "one")
		if n := o.d.Snapshot().Notices; len(n) != 1 || !strings.Contains(n[0].Text.String(), "was not stored: its record cannot be read. Write it down.") {
			t.Errorf("%+v", n)
		}
		s := o.incoming("d")
		if c := s.Calls[len(s.Calls)-1]; s.Links.Disk.Health == HealthDown || c.Leg != "d" || c.Record == RecordUnsafe {
			t.Errorf("%+v", c)
		}
	})
}
