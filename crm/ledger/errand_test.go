package ledger

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"offhook/internal/text"
)

func errandKeys(es []Errand) (keys []string) {
	for _, e := range es {
		keys = append(keys, e.Key)
	}
	return keys
}

func addErrandOf(t testing.TB, l *Ledger, key, call string, due time.Time) {
	t.Helper()
	if added, err := l.AddErrand(t.Context(), Errand{Key: key, Kind: "amend", Call: call, Payload: payload(key), Due: due}); !added || err != nil {
		t.Fatalf("add %s: %v, %v", key, added, err)
	}
}

func TestAnErrandWaitsForTheTaskOfItsCall(t *testing.T) {
	c := newClock()
	l := open(t, file(t), c)
	finished(t, l, "k1", t0)
	addErrandOf(t, l, "k1/amend", "k1", time.Time{})
	addErrandOf(t, l, "alone", "", t0.Add(time.Hour))
	if due, err := l.DueErrands(t.Context(), t0, 9); len(due) != 0 || err != nil {
		t.Fatalf("due before the Task is there: %v, %v", errandKeys(due), err)
	}
	if _, ok, err := l.ClaimErrand(t.Context(), "k1/amend", t0); ok || err != nil {
		t.Fatalf("claimed before the Task is there: %v", err)
	}
	claimed(t, l, "k1")
	if err := l.MarkSent(t.Context(), "k1", "00T000000000001AAA"); err != nil {
		t.Fatal(err)
	}
	e, ok, err := l.ClaimErrand(t.Context(), "k1/amend", t0)
	if !ok || err != nil || e.TaskID != "00T000000000001AAA" || e.Attempts != 1 {
		t.Fatalf("claimed %+v, %v, %v", e, ok, err)
	}
	if at, more, err := l.NextErrand(t.Context()); !more || err != nil || !at.Equal(t0.Add(time.Hour)) {
		t.Fatalf("next errand %v, %v, %v", at, more, err)
	}
}

func TestAnErrandIsCarriedOutOnceHoweverOftenItIsAskedFor(t *testing.T) {
	c := newClock()
	l := open(t, file(t), c)
	addErrandOf(t, l, "login/1", "", time.Time{})
	added, err := l.AddErrand(t.Context(), Errand{Key: "login/1", Kind: "event", Payload: payload("newer")})
	if !added || err != nil {
		t.Fatalf("a waiting errand takes the newer payload: %v, %v", added, err)
	}
	e, ok, err := l.ClaimErrand(t.Context(), "login/1", t0)
	if !ok || err != nil || string(e.Payload) != string(payload("newer")) {
		t.Fatalf("claimed %+v, %v, %v", e, ok, err)
	}
	if _, ok, _ := l.ClaimErrand(t.Context(), "login/1", t0); ok {
		t.Fatal("claimed twice")
	}
	if err := l.ErrandRetry(t.Context(), "login/1", Failure{Class: "network", Reason: text.Clean("no reply"), Due: t0.Add(time.Minute), Ambiguous: true}); err != nil {
		t.Fatal(err)
	}
	c.add(time.Minute)
	if e, ok, err = l.ClaimErrand(t.Context(), "login/1", c.now()); !ok || err != nil || !e.Ambiguous || e.Attempts != 2 {
		t.Fatalf("claimed again %+v, %v, %v", e, ok, err)
	}
	if err := l.ErrandDone(t.Context(), "login/1", "00T1"); err != nil {
		t.Fatal(err)
	}
	if added, err := l.AddErrand(t.Context(), Errand{Key: "login/1", Kind: "event", Payload: payload("late")}); added || err != nil {
		t.Fatalf("a done errand was added again: %v", err)
	}
	if es, err := l.Errands(t.Context(), "event"); err != nil || len(es) != 0 {
		t.Fatalf("another kind lists %v, %v", errandKeys(es), err)
	}
	es, err := l.Errands(t.Context(), "amend", ErrandOver)
	if err != nil || len(es) != 1 || es[0].Result != "00T1" {
		t.Fatalf("done: %+v, %v", es, err)
	}
}

func TestAnErrandThatWasUnderWayInACrashIsLookedUpFirst(t *testing.T) {
	c := newClock()
	path := file(t)
	l := open(t, path, c)
	addErrandOf(t, l, "a", "", time.Time{})
	if _, ok, err := l.ClaimErrand(t.Context(), "a", t0); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, path, c)
	e, ok, err := l.ClaimErrand(t.Context(), "a", t0)
	if !ok || err != nil || !e.Ambiguous || e.Attempts != 2 {
		t.Fatalf("after the crash: %+v, %v, %v", e, ok, err)
	}
	if err := l.ErrandDead(t.Context(), "a", Failure{Class: "validation", Reason: text.Clean("no")}); err != nil {
		t.Fatal(err)
	}
	if es, _ := l.Errands(t.Context(), "", ErrandRefused); len(es) != 1 {
		t.Fatalf("refused: %v", errandKeys(es))
	}
	if err := l.RetryErrand(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if due, _ := l.DueErrands(t.Context(), t0, 1); len(due) != 1 {
		t.Fatal("a retried errand is not due")
	}
	var missing *NotFoundError
	if err := l.ErrandDone(t.Context(), "b", ""); !errors.As(err, &missing) {
		t.Fatalf("an unknown errand: %v", err)
	}
}

func TestWhatIsKeptComesBackInTheOrderOfItsTime(t *testing.T) {
	path, c := file(t), newClock()
	l := open(t, path, c)
	things := []Kept{
		{Kind: "callback", Key: "b", Value: json.RawMessage(`{"n":2}`), At: t0.Add(2 * time.Hour)},
		{Kind: "callback", Key: "a", Value: json.RawMessage(`{"n":3}`), At: t0.Add(3 * time.Hour)},
		{Kind: "job", Key: "leads", Value: json.RawMessage(`{}`)},
	}
	if err := l.Keep(t.Context(), things...); err != nil {
		t.Fatal(err)
	}
	if err := l.Keep(t.Context(), Kept{Kind: "callback", Key: "a", Value: json.RawMessage(`{"n":1}`), At: t0}); err != nil {
		t.Fatal(err)
	}
	if err := l.Keep(t.Context(), Kept{Kind: "job", Key: "x", Value: json.RawMessage(`{`)}); err == nil {
		t.Fatal("kept what is not JSON")
	}
	_ = l.Close()
	l = open(t, path, c)
	got, err := l.Kept(t.Context(), "callback")
	if err != nil || len(got) != 2 || got[0].Key != "a" || string(got[0].Value) != `{"n":1}` || !got[1].At.Equal(t0.Add(2*time.Hour)) {
		t.Fatalf("kept %+v, %v", got, err)
	}
	if err := l.Unkeep(t.Context(), "callback", "a"); err != nil {
		t.Fatal(err)
	}
	if got, _ := l.Kept(t.Context(), "callback"); len(got) != 1 || got[0].Key != "b" {
		t.Fatalf("left %+v", got)
	}
	if err := l.Unkeep(t.Context(), "callback"); err != nil {
		t.Fatal(err)
	}
	if got, _ := l.Kept(t.Context(), "callback"); len(got) != 0 {
		t.Fatalf("left %+v", got)
	}
}
