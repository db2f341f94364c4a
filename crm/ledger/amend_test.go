package ledger

import (
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
		amended, err := l.Amend(t.Context(), c, Item{Payload: payload(notes), Due: t0.Add(time.Minute)})
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
