package ledger

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"offhook/internal/text"
)

func TestAChangeAfterTheTaskIsSentWaitsAsOneErrand(t *testing.T) {
	l := open(t, file(t), newClock())
	finished(t, l, "k1", t0)
	claimed(t, l, "k1")
	change := func(notes string) {
		t.Helper()
		c := ended("k1", t0)
		c.Notes = text.CleanBlock(notes, 100)
		amended, err := l.Amend(t.Context(), "k1", t0.Add(time.Minute), whole(c, payload(notes)))
		if amended || err != nil {
			t.Fatal(amended, err)
		}
	}
	change("one") // while it is being sent
	must(t, l.MarkSent(t.Context(), "k1", "00T000000000001AAA"))
	change("two") // and when it was
	es, err := l.CallErrands(t.Context(), "k1")
	if err != nil || len(es) != 1 || string(es[0].Payload) != string(payload("two")) || es[0].Kind != AmendErrand {
		t.Fatalf("%+v, %v", es, err)
	}
	if it := item(t, l, "k1"); string(it.Payload) == string(payload("two")) {
		t.Error("the record forgot what was sent")
	}
	at := t0.Add(time.Minute)
	e, ok, err := l.ClaimErrand(t.Context(), es[0].Key, at)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	change("three") // while that change is carried out
	if _, ok, err := l.ClaimErrand(t.Context(), "amend/k1/2", at); ok || err != nil {
		t.Fatal("two changes of one Task at the same time", err)
	}
	must(t, l.Amended(t.Context(), "k1", e.Payload, text.Clean("Description")))
	must(t, l.ErrandDone(t.Context(), e.Key, "Description"))
	if got, ok, err := l.ClaimErrand(t.Context(), "amend/k1/2", at); !ok || err != nil || string(got.Payload) != string(payload("three")) {
		t.Fatal(got, ok, err)
	}
	s, err := l.Call(t.Context(), "k1")
	must(t, err)
	if string(s.Item.Payload) != string(payload("two")) || s.Attempts[len(s.Attempts)-1].Result != "amended" {
		t.Errorf("%+v", s)
	}
	must(t, l.ErrandDead(t.Context(), "amend/k1/2", Failure{Class: "link", Reason: text.Clean("no")}))
	change("four") // a person corrected it: what was refused is replaced
	es, err = l.CallErrands(t.Context(), "k1")
	if err != nil || len(es) != 2 || es[1].State != ErrandWaiting || string(es[1].Payload) != string(payload("four")) {
		t.Fatalf("%+v, %v", es, err)
	}
	must(t, l.DropErrand(t.Context(), "amend/k1/2", text.Clean("never mind")))
	if due, err := l.DueErrands(t.Context(), at.Add(time.Hour), 9); len(due) != 0 || err != nil {
		t.Fatal(due, err)
	}
}

func TestEachOfSeveralProgramsBuildsOnWhatTheOthersChanged(t *testing.T) {
	l := open(t, file(t), newClock())
	finished(t, l, "k1", t0)
	add := func(word string) {
		t.Helper()
		_, err := l.Amend(t.Context(), "k1", t0, func(c Call, now json.RawMessage) (Call, json.RawMessage, error) {
			var r struct{ Notes string }
			must(t, json.Unmarshal(now, &r))
			return c, payload(r.Notes + " " + word), nil
		})
		must(t, err)
	}
	want := func(s string) {
		t.Helper()
		es, err := l.CallErrands(t.Context(), "k1")
		must(t, err)
		got := item(t, l, "k1").Payload
		if n := len(es); n > 0 && es[n-1].State != ErrandOver {
			got = es[n-1].Payload
		}
		if string(got) != string(payload(s)) {
			t.Errorf("%s, not %s", got, s)
		}
	}
	add("waits")
	want("k1 waits")
	claimed(t, l, "k1")
	add("sending")
	add("still")
	want("k1 waits sending still")
	// The attempt failed: what is changed now goes into the record, with what was changed while it was under way.
	must(t, l.MarkRetry(t.Context(), "k1", Failure{Class: "network", Reason: text.Clean("no answer"), Due: t0}))
	add("back")
	if got := string(item(t, l, "k1").Payload); got != string(payload("k1 waits sending still back")) {
		t.Error(got)
	}
	claimed(t, l, "k1")
	must(t, l.MarkSent(t.Context(), "k1", "00T000000000001AAA"))
	want("k1 waits sending still back") // the change that was left before does not undo the later one
	add("sent")
	want("k1 waits sending still back sent")
}

func TestAChangeThatFailsLeavesTheCallAsItWas(t *testing.T) {
	l := open(t, file(t), newClock())
	finished(t, l, "k1", t0)
	nothing := errors.New("no")
	for name, change := range map[string]Change{
		"refused": func(c Call, _ json.RawMessage) (Call, json.RawMessage, error) { return c, nil, nothing },
		"empty":   func(c Call, _ json.RawMessage) (Call, json.RawMessage, error) { return c, nil, nil },
		"no JSON": func(c Call, _ json.RawMessage) (Call, json.RawMessage, error) { return c, json.RawMessage("{"), nil },
		"no call": func(Call, json.RawMessage) (Call, json.RawMessage, error) { return Call{}, payload("x"), nil },
	} {
		if _, err := l.Amend(t.Context(), "k1", t0, change); err == nil {
			t.Error(name)
		}
	}
	if s, err := l.Call(t.Context(), "k1"); err != nil || string(s.Item.Payload) != string(payload("k1")) || s.Call.Notes.Empty() || len(s.Errands) != 0 {
		t.Errorf("%+v %v", s, err)
	}
}
