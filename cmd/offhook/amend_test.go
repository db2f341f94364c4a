package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/desk"
	"offhook/internal/text"
)

// amendLedger has one call that was sent and one that waits.
func amendLedger(t *testing.T) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), t.TempDir()+"/desk.db", ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	at := time.Now().Add(-time.Hour)
	for _, key := range []string{"sent0000-1", "wait0000-1"} {
		rec := crm.CallRecord{Version: 1, Key: key, Type: crm.Inbound, Start: at, End: at.Add(time.Minute), Number: text.Clean("07814256404"), Action: "missed"}
		body, err := json.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		c := ledger.Call{Key: key, State: ledger.EndedNormal, Direction: "Inbound", Number: rec.Number, Started: at, Ended: rec.End, Detail: body}
		if err := l.Finish(t.Context(), c, &ledger.Item{Key: key, Payload: body}); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok, err := l.Claim(t.Context(), "sent0000-1", time.Now()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := l.MarkSent(t.Context(), "sent0000-1", "00T000000000001AAA"); err != nil {
		t.Fatal(err)
	}
	return l
}

func amendKey(t *testing.T, l *ledger.Ledger, key string, ch change) (bool, error) {
	t.Helper()
	s, err := l.Call(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return amendCall(context.WithoutCancel(t.Context()), l, s, ch, time.Now())
}

func TestACallThatIsOverIsAmended(t *testing.T) {
	l := amendLedger(t)
	one, two := "first", "second"
	in, err := amendKey(t, l, "wait", change{notes: &one})
	if !in || err != nil {
		t.Fatal(in, err)
	}
	if it, err := l.Item(t.Context(), "wait"); err != nil || !strings.Contains(string(it.Payload), `"notes":"first"`) {
		t.Error(string(it.Payload), err)
	}
	for _, ch := range []change{{notes: &one}, {disposition: &two}, {who: []string{"003000000000001AAA"}}} { // each adds to the one before
		if in, err := amendKey(t, l, "sent", ch); in || err != nil {
			t.Fatal(in, err)
		}
	}
	s, err := l.Call(t.Context(), "sent")
	if err != nil || len(s.Errands) != 1 {
		t.Fatal(s.Errands, err)
	}
	var rec crm.CallRecord
	if err := json.Unmarshal(s.Errands[0].Payload, &rec); err != nil || rec.Notes.String() != "first" || rec.Disposition.String() != "second" || rec.Assoc.Who.ID != "003000000000001AAA" {
		t.Errorf("%s %v", s.Errands[0].Payload, err)
	}
	es, err := l.History(t.Context(), ledger.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, e := range es {
		words = append(words, entryWord(e))
	}
	if got := strings.Join(words, " "); got != "pending changing" && got != "changing pending" {
		t.Error(got)
	}
	var out bytes.Buffer
	if err := whyPage(&out, s, time.Now()); err != nil || !strings.Contains(out.String(), "What followed") || !strings.Contains(out.String(), "Contact (003000000000001AAA)") || !strings.Contains(out.String(), "a change of a call's Task: is due now") {
		t.Error(out.String(), err)
	}
}

func TestNotesAreKeptToTheLastCharacterOrRefused(t *testing.T) {
	l := amendLedger(t)
	notes := strings.Repeat("\U0001F600", desk.MaxNotes-1) + "!"
	if _, err := amendKey(t, l, "wait", change{notes: &notes}); err != nil {
		t.Fatal(err)
	}
	long := notes + "?"
	if _, err := amendKey(t, l, "wait", change{notes: &long}); err == nil || !strings.Contains(err.Error(), "30001 characters") {
		t.Error(err)
	}
	if s, err := l.Call(t.Context(), "wait"); err != nil || s.Call.Notes.String() != notes {
		t.Error(len(s.Call.Notes.String()), err)
	}
}

func TestWhatCannotBeMeantIsRefusedAndChangesNothing(t *testing.T) {
	l := amendLedger(t)
	for name, ch := range map[string]change{
		"is not the id of a Contact":      {who: []string{"001000000000001AAA"}},
		"is not the id of a record":       {what: []string{"nonsense"}},
		"is a person":                     {what: []string{"003000000000001AAA"}},
		"cannot be about another record":  {who: []string{"00Q000000000001"}, what: []string{"001000000000001AAA"}},
		"not the id of a record that a c": {what: []string{"005000000000001AAA"}},
	} {
		if _, err := amendKey(t, l, "sent", ch); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, not %q", err, name)
		}
	}
	if es, err := l.Errands(t.Context(), ""); len(es) != 0 || err != nil {
		t.Error(es, err)
	}
}

func TestTheDeskAndTheCommandDoNotTakeBackEachOthersChanges(t *testing.T) {
	l := amendLedger(t)
	other, err := ledger.OpenShared(t.Context(), l.Path(), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	result, notes, before := "Sale", "by the command", text.Block{}
	for _, key := range []string{"wait", "sent"} {
		s, err := l.Call(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		// The command reads the call; the desk stores its notes; then the command writes.
		typed := crm.Correction{Parts: []crm.RecordPart{crm.PartNotes}, Record: crm.CallRecord{Notes: text.CleanBlock("by the desk", 100)}, Since: &before}
		if _, err := l.Amend(t.Context(), s.Call.Key, time.Time{}, typed.Apply); err != nil {
			t.Fatal(err)
		}
		if _, err := amendCall(t.Context(), other, s, change{disposition: &result}, time.Now()); err != nil {
			t.Fatal(err)
		}
		typed.Record.Notes, before = text.CleanBlock("by the desk, more", 100), text.CleanBlock("by the desk", 100)
		if _, err := l.Amend(t.Context(), s.Call.Key, time.Time{}, typed.Apply); err != nil {
			t.Fatal(err)
		}
		check := func(want string) {
			t.Helper()
			s, err := other.Call(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			body := s.Item.Payload
			if len(s.Errands) > 0 {
				body = s.Errands[0].Payload
			}
			var rec crm.CallRecord
			if err := json.Unmarshal(body, &rec); err != nil || rec.Disposition.String() != "Sale" || rec.Notes.String() != want || s.Call.Notes.String() != want {
				t.Errorf("%s %v", body, err)
			}
		}
		check("by the desk, more")
		if _, err := amendCall(t.Context(), other, s, change{notes: &notes}, time.Now()); err != nil { // as they should be
			t.Fatal(err)
		}
		check("by the command")
		before = text.Block{}
	}
}
