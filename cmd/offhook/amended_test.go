package main

import (
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/desk"
)

func TestTheDeskShowsWhatAnotherProgramChangedOfACallThatIsOver(t *testing.T) {
	p := newPlace(t)
	p.ring("07814256404")
	p.talk()
	p.bye()
	p.sent()
	other, err := ledger.OpenShared(t.Context(), p.w.ledger.Path(), ledger.Options{})
	check(t, err)
	defer other.Close()
	key := string(p.w.desk.Snapshot().Calls[0].Key)
	s, err := other.Call(t.Context(), key)
	check(t, err)
	result, notes := "No interest", "called by mistake"
	_, err = amendCall(t.Context(), other, s, change{disposition: &result, notes: &notes, clear: true}, time.Now())
	check(t, err)
	now := p.until("the desk shows it", func(s *desk.Snapshot) bool { return len(s.Calls) == 1 && s.Calls[0].Notes.String() == notes })
	if c := now.Calls[0]; c.Disposition.String() != result || !c.Assoc.Record().Zero() || !c.Cleared || !said(now, "Changed outside this desk") {
		t.Errorf("%+v %v", c, now.Notices)
	}
	p.w.desk.Send(desk.Command{Verb: desk.Note, Call: desk.CallKey(key), Text: notes + ", sorry"}) // goes on from there
	p.until("the agent's own change", func(s *desk.Snapshot) bool { return strings.HasSuffix(s.Calls[0].Notes.String(), "sorry") })
	_, raw, err := other.Latest(t.Context(), key)
	check(t, err)
	if got, ok := endedRecord(raw); !ok || got.Notes.String() != notes+", sorry" || got.Disposition.String() != result || !got.Assoc.Record().Zero() {
		t.Errorf("%s", raw)
	}
}

func TestARecordIsReadAsThePersonLeftItNotAsTheSenderHadTo(t *testing.T) {
	for raw, want := range map[string]string{
		`{"version":1,"assoc":{"rule":1,"why":"x","who":{"type":"Contact","id":"003000000000001AAA"}}}`:                                                                "003000000000001AAA",
		`{"version":1,"assoc":{"rule":6,"why":"x"},"frozen":{"rule":1,"why":"x","who":{"type":"Contact","id":"003000000000002AAA"}},"dropped":["Type"],"asTask":true}`: "003000000000002AAA",
	} {
		got, ok := endedRecord([]byte(raw))
		if !ok || got.Assoc.Who.ID != want || got.Assoc.Rule != crm.RulePinned {
			t.Errorf("%s: %+v", raw, got)
		}
	}
	for _, raw := range []string{"", "null", "[]", `{"version":2}`} {
		if got, ok := endedRecord([]byte(raw)); ok {
			t.Errorf("%q: %+v", raw, got)
		}
	}
}
