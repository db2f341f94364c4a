package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"offhook/internal/text"
)

// inState brings a fresh record into a state by the ordinary ways.
func inState(t *testing.T, l *Ledger, key string, s ItemState) {
	t.Helper()
	if s == Filtered {
		err := l.Finish(t.Context(), ended(key, t0), nil)
		must(t, err)
		return
	}
	finished(t, l, key, t0)
	switch s {
	case Sending:
		claimed(t, l, key)
	case Sent:
		claimed(t, l, key)
		must(t, l.MarkSent(t.Context(), key, "00T1"))
	case Dead:
		claimed(t, l, key)
		must(t, l.MarkDead(t.Context(), key, Failure{Class: "validation", Reason: text.Clean("no")}))
	case Fix:
		claimed(t, l, key)
		must(t, l.MarkFix(t.Context(), key, Failure{Class: "required", Reason: text.Clean("no")}))
	case Dropped:
		must(t, l.Drop(t.Context(), key, text.Clean("test call")))
	}
}

// TestTheStatesOfARecord is the whole table: from every state, by every operation, to which state, or refused.
func TestTheStatesOfARecord(t *testing.T) {
	ops := []struct {
		name string
		do   func(*Ledger, string) error
		to   map[ItemState]ItemState // states that are not named refuse and stay
	}{
		{"Claim", func(l *Ledger, k string) error {
			_, ok, err := l.Claim(t.Context(), k, t0.Add(time.Hour))
			if err == nil && !ok {
				err = errors.New("nothing to claim")
			}
			return err
		}, map[ItemState]ItemState{Pending: Sending}},
		{"MarkSent", func(l *Ledger, k string) error { return l.MarkSent(t.Context(), k, "00T1") },
			map[ItemState]ItemState{Pending: Sent, Sending: Sent, Sent: Sent, Dead: Sent, Fix: Sent, Filtered: Sent, Dropped: Sent}},
		{"MarkRetry", func(l *Ledger, k string) error { return l.MarkRetry(t.Context(), k, Failure{Due: t0}) },
			map[ItemState]ItemState{Sending: Pending}},
		{"Degrade", func(l *Ledger, k string) error { return l.Degrade(t.Context(), k, payload("less"), Failure{Due: t0}) },
			map[ItemState]ItemState{Sending: Pending}},
		{"MarkDead", func(l *Ledger, k string) error { return l.MarkDead(t.Context(), k, Failure{}) },
			map[ItemState]ItemState{Pending: Dead, Sending: Dead}},
		{"MarkFix", func(l *Ledger, k string) error { return l.MarkFix(t.Context(), k, Failure{}) },
			map[ItemState]ItemState{Pending: Fix, Sending: Fix}},
		{"Retry", func(l *Ledger, k string) error { return l.Retry(t.Context(), k) },
			map[ItemState]ItemState{Pending: Pending, Dead: Pending, Fix: Pending, Filtered: Pending, Dropped: Pending}},
		{"Replace", func(l *Ledger, k string) error { return l.Replace(t.Context(), k, payload("edited")) },
			map[ItemState]ItemState{Pending: Pending, Dead: Pending, Fix: Pending, Filtered: Pending, Dropped: Pending}},
		{"Drop", func(l *Ledger, k string) error { return l.Drop(t.Context(), k, text.Clean("no")) },
			map[ItemState]ItemState{Pending: Dropped, Dead: Dropped, Fix: Dropped, Filtered: Dropped, Dropped: Dropped}},
	}
	l := open(t, file(t), newClock())
	for _, op := range ops {
		for _, from := range ItemStates() {
			key := op.name + "-" + string(from)
			inState(t, l, key, from)
			before := item(t, l, key)
			err := op.do(l, key)
			want, allowed := op.to[from]
			if !allowed {
				want = from
			}
			after := item(t, l, key)
			if (err == nil) != allowed || after.State != want {
				t.Errorf("%s of a %s record: now %s, %v; want %s", op.name, from, after.State, err, want)
			}
			if !allowed && !sameItem(before, after) {
				t.Errorf("%s of a %s record was refused but changed it: %+v", op.name, from, after)
			}
		}
	}
}

func sameItem(a, b Item) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

func TestRecordsComeWhenTheyAreDueAndOldestFirst(t *testing.T) {
	l := open(t, file(t), newClock())
	for key, due := range map[string]time.Duration{"c": 3 * time.Minute, "a": time.Minute, "b": 2 * time.Minute, "later": time.Hour} {
		err := l.Finish(t.Context(), ended(key, t0), &Item{Payload: payload(key), Due: t0.Add(due)})
		must(t, err)
	}
	keys := func(at time.Time, limit int) (out []string) {
		items, err := l.Due(t.Context(), at, limit)
		must(t, err)
		for _, it := range items {
			out = append(out, it.Key)
		}
		return out
	}
	if got := keys(t0.Add(5*time.Minute), 10); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("due: %v", got)
	}
	if got := keys(t0.Add(5*time.Minute), 2); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("limited: %v", got)
	}
	if got := keys(t0, 10); got != nil {
		t.Errorf("too early: %v", got)
	}
	if _, ok, err := l.Claim(t.Context(), "later", t0.Add(5*time.Minute)); ok || err != nil {
		t.Errorf("claimed before it was due: %v, %v", ok, err)
	}
	if at, ok, err := l.NextDue(t.Context()); err != nil || !ok || !at.Equal(t0.Add(time.Minute)) {
		t.Errorf("next due %v, %v, %v", at, ok, err)
	}
}

func TestOnlyOneSenderGetsARecord(t *testing.T) {
	l := open(t, file(t), newClock())
	finished(t, l, "k1", t0)
	var wg sync.WaitGroup
	got := make(chan Item, 16)
	for range 16 {
		wg.Go(func() {
			if it, ok, err := l.Claim(t.Context(), "k1", t0.Add(time.Hour)); err != nil {
				t.Error(err)
			} else if ok {
				got <- it
			}
		})
	}
	wg.Wait()
	if len(got) != 1 {
		t.Errorf("%d senders got it", len(got))
	}
}

func TestASendThatWasCutOffIsAmbiguousAfterTheRestart(t *testing.T) {
	path := file(t)
	l := open(t, path, newClock())
	finished(t, l, "k1", t0)
	finished(t, l, "k2", t0)
	claimed(t, l, "k1")
	must(t, l.Close())
	l = open(t, path, newClock())
	one, two := claimed(t, l, "k1"), claimed(t, l, "k2")
	if !one.Ambiguous || one.Attempts != 2 {
		t.Errorf("cut off: %+v", one)
	}
	if two.Ambiguous || two.Attempts != 1 {
		t.Errorf("not cut off: %+v", two)
	}
	must(t, l.MarkRetry(t.Context(), "k1", Failure{Class: "network", Due: t0}))
	if it := claimed(t, l, "k1"); !it.Ambiguous {
		t.Error("a retry forgot that the first attempt may have arrived")
	}
	must(t, l.MarkSent(t.Context(), "k1", "00T1"))
	s, err := l.Call(t.Context(), "k1")
	must(t, err)
	var results []string
	for _, a := range s.Attempts {
		results = append(results, a.Result)
	}
	if want := []string{"queued", "interrupted", "retry", "sent"}; !slices.Equal(results, want) || s.Call.TaskID != "00T1" {
		t.Errorf("story %v, want %v; task %q", results, want, s.Call.TaskID)
	}
}

func TestAnAttemptThatWasFreeIsNotCounted(t *testing.T) {
	l := open(t, file(t), newClock())
	finished(t, l, "k1", t0)
	claimed(t, l, "k1")
	must(t, l.MarkRetry(t.Context(), "k1", Failure{Class: "auth", Reason: text.Clean("signed out"), Due: t0.Add(time.Minute), Free: true}))
	it := item(t, l, "k1")
	if it.Attempts != 0 || it.ErrorClass != "auth" || it.LastError.String() != "signed out" || !it.Due.Equal(t0.Add(time.Minute)) {
		t.Errorf("%+v", it)
	}
}

func TestASecondTaskForACallIsReportedAndKept(t *testing.T) {
	l := open(t, file(t), newClock())
	finished(t, l, "k1", t0)
	must(t, l.MarkSent(t.Context(), "k1", "00T1"))
	must(t, l.MarkSent(t.Context(), "k1", "00T1"))
	err := l.MarkSent(t.Context(), "k1", "00T2")
	var dup *DuplicateError
	if !errors.As(err, &dup) || dup.First != "00T1" || dup.Second != "00T2" {
		t.Fatalf("%v", err)
	}
	s, err := l.Call(t.Context(), "k1")
	must(t, err)
	if s.Item.TaskID != "00T1" || len(s.Attempts) != 3 || s.Attempts[2].Result != "duplicate" || s.Attempts[2].TaskID != "00T2" {
		t.Errorf("%+v", s)
	}
}

func TestCountsTellWhatIsUnsentAndSinceWhen(t *testing.T) {
	c := newClock()
	l := open(t, file(t), c)
	if n, err := l.Counts(t.Context()); err != nil || n != (Counts{}) {
		t.Errorf("empty: %+v, %v", n, err)
	}
	for _, s := range ItemStates() {
		inState(t, l, string(s), s)
		c.add(time.Minute)
	}
	must(t, l.Journal(t.Context(), ringing("open", t0), "INVITE", t0))
	n, err := l.Counts(t.Context())
	must(t, err)
	want := Counts{OpenCalls: 1, Pending: 2, Sending: 1, Dead: 1, Fix: 1, Oldest: t0}
	if n.Unsent() != 4 || n != want {
		t.Errorf("%+v, want %+v", n, want)
	}
}

func TestRetryAllMakesEverythingUnsentDue(t *testing.T) {
	l := open(t, file(t), newClock())
	for _, s := range ItemStates() {
		inState(t, l, string(s), s)
	}
	if n, err := l.RetryAll(t.Context(), false); err != nil || n != 1 {
		t.Errorf("pending only: %d, %v", n, err)
	}
	if n, err := l.RetryAll(t.Context(), true); err != nil || n != 3 {
		t.Errorf("with the refused: %d, %v", n, err)
	}
	items, err := l.Due(t.Context(), t0.Add(time.Hour), 10)
	must(t, err)
	if len(items) != 3 || items[0].Attempts != 0 {
		t.Errorf("%+v", items)
	}
}

func TestTheSenderIsWokenByEveryCommitThatGivesItWork(t *testing.T) {
	l := open(t, file(t), newClock())
	woken := func() bool {
		select {
		case <-l.Changed():
			return true
		default:
			return false
		}
	}
	must(t, l.Journal(t.Context(), ringing("k1", t0), "INVITE", t0))
	if woken() {
		t.Error("a ringing call woke the sender")
	}
	finished(t, l, "k1", t0)
	finished(t, l, "k2", t0)
	if !woken() || woken() {
		t.Error("two ends are not one signal")
	}
	must(t, l.Drop(t.Context(), "k1", text.Text{}))
	if !woken() {
		t.Error("a drop was not signalled")
	}
}
