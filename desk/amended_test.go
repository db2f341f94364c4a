package desk

import (
	"strings"
	"testing"

	"offhook/crm"
	"offhook/internal/text"
)

// elsewhere is what the ledger says of the first call once another program has changed it.
func (b *bench) elsewhere(change func(*EndedRecord)) Amended {
	shown, ended := b.snap().Calls[0].Ended()
	if !ended {
		b.t.Fatal("the call is not over")
	}
	ev := Amended{Call: b.snap().Calls[0].Key, Shown: shown, Ledger: shown}
	change(&ev.Ledger)
	return ev
}

func TestWhatAnotherProgramChangedIsShownAndStaysWhileItIsRead(t *testing.T) {
	b := over(t, "07814256404", one(fred()))
	b.m.set.Dispositions = []Disposition{{Code: "sale", Label: text.Clean("Sale")}}
	b.do(b.elsewhere(func(r *EndedRecord) {
		r.Notes, r.Disposition = text.CleanBlock("by mistake", 100), text.Clean("Sale")
		r.Assoc = crm.Association{Rule: crm.RulePinned, Why: "chosen by you, after the call", What: crm.Ref{Type: acme().Type, ID: acme().ID}}
	}))
	c := b.snap().Calls[0]
	if c.Notes.String() != "by mistake" || c.Disposition.String() != "Sale" || c.Result != "sale" || c.Assoc.What.ID != acme().ID || !c.Pinned || c.Cleared {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(b.shown(), "Changed outside this desk, of the call that is over: the notes, the result, the record that it belongs to.") {
		t.Error(b.shown())
	}
	if a := effects[After](b.last); len(a) == 0 || a[0].In != b.m.set.Linger || len(effects[Amend](b.last)) != 0 {
		t.Errorf("%+v", b.last)
	}
	b.do(b.elsewhere(func(r *EndedRecord) { r.Assoc = crm.Association{Rule: crm.RulePinned, Why: "cleared by you"} }))
	if c := b.snap().Calls[0]; !c.Cleared || c.Pinned || !c.Assoc.Record().Zero() || c.Notes.String() != "by mistake" {
		t.Errorf("%+v", c)
	}
}

func TestANameThatTheLedgerDoesNotKnowIsTheOneOnTheScreen(t *testing.T) {
	b := over(t, "07814256404", one(fred()))
	b.do(b.elsewhere(func(r *EndedRecord) {
		r.Assoc = crm.Association{Rule: crm.RulePinned, Why: "x", Who: crm.Ref{Type: fred().Type, ID: fred().ID}}
	}))
	c := b.snap().Calls[0]
	if c.Assoc.Who.Name.String() != "Fred Bloggs" || !c.Pinned {
		t.Errorf("%+v", c.Assoc)
	}
	seq := len(b.snap().Notices)
	b.do(b.elsewhere(func(r *EndedRecord) { r.Assoc.Who.Name = text.Text{} })) // the next look at the ledger
	if c := b.snap().Calls[0]; c.Assoc.Who.Name.Empty() || len(b.snap().Notices) != seq {
		t.Errorf("%+v %v", c.Assoc, b.snap().Notices)
	}
}

func TestWhatChangedHereAfterTheLedgerWasAskedIsNewer(t *testing.T) {
	b := over(t, "07814256404", one(fred()))
	ev := b.elsewhere(func(r *EndedRecord) { r.Notes = text.CleanBlock("old", 100) })
	b.do(Commanded{Command{Verb: Note, Text: "new"}})
	if b.do(ev); b.snap().Calls[0].Notes.String() != "new" {
		t.Error(b.snap().Calls[0].Notes)
	}
	b.do(JournalFailed{Call: ev.Call, Err: text.Clean("full")})
	shown := EndedRecord{Notes: b.snap().Calls[0].Notes}
	if b.do(Amended{Call: ev.Call, Shown: shown, Ledger: EndedRecord{Notes: text.CleanBlock("disk", 100)}}); b.snap().Calls[0].Notes.String() != "new" {
		t.Error("what the disk refused is taken off the screen")
	}
	if _, ended := b.snap().Calls[0].Ended(); ended {
		t.Error("a record that is not on disk is compared with the disk")
	}
}

func TestTypingGoesOnWhereItBeganAndWhatOthersWroteStaysBelow(t *testing.T) {
	b := over(t, "07814256404", one(fred()))
	typed := func(was, now string) string {
		b.do(Commanded{Command{Verb: Note, Text: now, Values: map[string]string{"was": was}}})
		a := effects[Amend](b.last)
		if len(a) != 1 || a[0].Record.Notes != b.snap().Calls[0].Notes {
			t.Fatalf("%+v", a)
		}
		return b.snap().Calls[0].Notes.String()
	}
	if got := typed("", "a"); got != "a" {
		t.Fatal(got)
	}
	b.do(b.elsewhere(func(r *EndedRecord) { r.Notes = text.CleanBlock("theirs", 100) }))
	for _, tt := range [][3]string{{"a", "ab", "ab\n\ntheirs"}, {"ab", "abc", "abc\n\ntheirs"}, {"abc", "", "theirs"}, {"", "d", "d\n\ntheirs"}, {"d\n\ntheirs", "e", "e"}} {
		if got := typed(tt[0], tt[1]); got != tt[2] {
			t.Fatalf("%q, not %q", got, tt[2])
		}
	}
}
