package ledger

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"offhook/internal/text"
)

func TestACallIsStoredAsItWasGiven(t *testing.T) {
	c := newClock()
	path := file(t)
	l := open(t, path, c)
	want := ended("k1", t0)
	want.Outgoing = true
	must(t, l.Journal(t.Context(), ringing("k1", t0), "INVITE", t0))
	if err := l.Finish(t.Context(), want, &Item{Payload: payload("x")}); err != nil {
		t.Fatal(err)
	}
	must(t, l.Close())
	l = open(t, path, c)
	s, err := l.Call(t.Context(), "k1")
	must(t, err)
	got := s.Call
	if string(got.Detail) != string(want.Detail) {
		t.Errorf("detail %s, want %s", got.Detail, want.Detail)
	}
	got.Detail, want.Detail = nil, nil
	if !equalCalls(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func equalCalls(a, b Call) bool {
	return a.Key == b.Key && a.State == b.State && a.Direction == b.Direction && a.Outgoing == b.Outgoing && a.Number == b.Number &&
		a.Name == b.Name && a.Match == b.Match && a.RecordType == b.RecordType && a.RecordID == b.RecordID && a.RecordName == b.RecordName &&
		a.Started.Equal(b.Started) && a.Answered.Equal(b.Answered) && a.Ended.Equal(b.Ended) && a.Seconds == b.Seconds &&
		a.Cause == b.Cause && a.Notes == b.Notes && a.TaskID == b.TaskID && string(a.Detail) == string(b.Detail)
}

func TestEveryTransitionIsKeptInOrderEvenWhenTheClockGoesBack(t *testing.T) {
	l := open(t, file(t), newClock())
	must(t, l.Journal(t.Context(), ringing("k1", t0), "INVITE", t0))
	must(t, l.Journal(t.Context(), talking("k1", t0), "answered", t0.Add(4*time.Second)))
	must(t, l.Journal(t.Context(), talking("k1", t0), "held by \x1b[31mthem", t0.Add(2*time.Second)))
	typing := talking("k1", t0)
	typing.Notes = text.CleanBlock("as", 10)
	must(t, l.Journal(t.Context(), typing, "", t0.Add(9*time.Second))) // no line
	err := l.Finish(t.Context(), ended("k1", t0), nil)
	must(t, err)
	s, err := l.Call(t.Context(), "k1")
	must(t, err)
	var what []string
	for _, tr := range s.Transitions {
		what = append(what, tr.State+"/"+tr.What.String())
	}
	want := []string{"ringing/INVITE", "talking/answered", "talking/held by them", "ended:normal/the customer hung up"}
	if !slices.Equal(what, want) {
		t.Errorf("got %q, want %q", what, want)
	}
}

func TestOnlyTheFirstEndOfACallCounts(t *testing.T) {
	l := open(t, file(t), newClock())
	finished(t, l, "k1", t0)
	<-l.Changed()
	again := ended("k1", t0)
	again.State, again.Seconds = "ended:crash", 1
	first, err := l.FinishOnce(t.Context(), again, &Item{Payload: payload("other")})
	if first || err != nil {
		t.Fatalf("second Finish: first %v, %v", first, err)
	}
	if err := l.Journal(t.Context(), talking("k1", t0), "late", t0); !errors.Is(err, ErrFinished) {
		t.Errorf("journal after the end: %v", err)
	}
	s, err := l.Call(t.Context(), "k1")
	must(t, err)
	if s.Call.State != EndedNormal || s.Call.Seconds != 60 || string(s.Item.Payload) != string(payload("k1")) || len(s.Transitions) != 2 || len(s.Attempts) != 1 {
		t.Errorf("the second end left a trace: %+v", s)
	}
	select {
	case <-l.Changed():
		t.Error("a second end woke the sender")
	default:
	}
}

func TestACallWithoutRecordIsKeptAsFiltered(t *testing.T) {
	l := open(t, file(t), newClock())
	err := l.Finish(t.Context(), ended("k1", t0), nil)
	must(t, err)
	if it := item(t, l, "k1"); it.State != Filtered || string(it.Payload) != string(payload("detail")) {
		t.Errorf("%+v", it)
	}
	if due, err := l.Due(t.Context(), t0.Add(time.Hour), 10); err != nil || len(due) != 0 {
		t.Errorf("a filtered record is due: %v, %v", due, err)
	}
	must(t, l.Retry(t.Context(), "k1")) // a person decides otherwise
	if it := item(t, l, "k1"); it.State != Pending {
		t.Errorf("%+v", it)
	}
}

func TestWhatIsNotACallIsRefusedBeforeTheDisk(t *testing.T) {
	l := open(t, file(t), newClock())
	bad := map[string]Call{
		"no key":         {State: "ringing", Started: t0},
		"no state":       {Key: "k", Started: t0},
		"no start":       {Key: "k", State: "ringing"},
		"an ended state": {Key: "k", State: "ended:normal", Started: t0},
		"broken detail":  {Key: "k", State: "ringing", Started: t0, Detail: []byte("{")},
	}
	for name, c := range bad {
		if err := l.Journal(t.Context(), c, "INVITE", t0); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if err := l.Finish(t.Context(), talking("k", t0), nil); err == nil {
		t.Error("a talking call was finished")
	}
	for _, it := range []Item{{}, {Payload: []byte("no")}, {State: Sent, Payload: payload("x")}} {
		if err := l.Finish(t.Context(), ended("k", t0), &it); err == nil {
			t.Errorf("item %+v was accepted", it)
		}
	}
	if _, err := l.Call(t.Context(), "k"); !as[*NotFoundError](err) {
		t.Errorf("something was stored: %v", err)
	}
}

func TestAWriteIsNotGivenUpWhenItsContextEnds(t *testing.T) {
	l := open(t, file(t), newClock())
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, l.Journal(gone, ringing("k1", t0), "INVITE", t0))
	err := l.Finish(gone, ended("k1", t0), &Item{Payload: payload("x")})
	must(t, err)
	if it := item(t, l, "k1"); it.State != Pending {
		t.Errorf("%+v", it)
	}
}

func TestAnAmendmentReachesTheRecordUntilItIsSent(t *testing.T) {
	c := newClock()
	l := open(t, file(t), c)
	finished(t, l, "k1", t0)
	later := ended("k1", t0)
	later.Notes = text.CleanBlock("new notes", 100)
	later.Seconds = 99 // the end is frozen
	amended, err := l.Amend(t.Context(), "k1", t0.Add(time.Minute), whole(later, payload("amended")))
	if err != nil || !amended {
		t.Fatal(amended, err)
	}
	s, err := l.Call(t.Context(), "k1")
	must(t, err)
	if string(s.Item.Payload) != string(payload("amended")) || !s.Item.Due.Equal(t0.Add(time.Minute)) || s.Call.Notes.String() != "new notes" || s.Call.Seconds != 60 {
		t.Errorf("%+v", s.Entry)
	}
	claimed(t, l, "k1")
	later.Notes = text.CleanBlock("too late", 100)
	amended, err = l.Amend(t.Context(), "k1", time.Time{}, whole(later, payload("late")))
	if err != nil || amended {
		t.Fatalf("while it is being sent: %v, %v", amended, err)
	}
	s, err = l.Call(t.Context(), "k1")
	must(t, err)
	if string(s.Item.Payload) != string(payload("amended")) || s.Call.Notes.String() != "too late" {
		t.Errorf("%+v", s.Entry)
	}
	if _, err := l.Amend(t.Context(), "nobody", time.Time{}, whole(ended("nobody", t0), payload("x"))); !as[*NotFoundError](err) {
		t.Errorf("amend of an unknown call: %v", err)
	}
	must(t, l.Journal(t.Context(), ringing("k2", t0), "INVITE", t0))
	if _, err := l.Amend(t.Context(), "k2", time.Time{}, whole(ended("k2", t0), payload("x"))); err == nil {
		t.Error("an open call was amended")
	}
}

func TestCallsThatWereCutOffAreFinishedOnceWithTheirLastSignOfLife(t *testing.T) {
	c := newClock()
	path := file(t)
	l := open(t, path, c)
	must(t, l.Journal(t.Context(), ringing("ringing", t0), "INVITE", t0))
	must(t, l.Journal(t.Context(), talking("talking", t0), "answered", t0.Add(4*time.Second)))
	must(t, l.Alive(t.Context(), t0.Add(94*time.Second)))
	finished(t, l, "ended", t0)
	must(t, l.Close())

	l = open(t, path, c)
	must(t, l.Journal(t.Context(), ringing("new", t0.Add(time.Hour)), "INVITE", t0.Add(time.Hour)))
	build := func(c Call) *Item {
		if c.Key == "ringing" {
			return nil
		}
		return &Item{Payload: payload("crash " + c.Key)}
	}
	done, err := l.Recover(t.Context(), t0.Add(2*time.Hour), build)
	must(t, err)
	if len(done) != 2 || done[0].Key != "ringing" || done[1].Key != "talking" {
		t.Fatalf("recovered %+v", done)
	}
	s, err := l.Call(t.Context(), "talking")
	must(t, err)
	if s.Call.State != EndedCrash || s.Call.Seconds != 90 || !s.Call.Ended.Equal(t0.Add(94*time.Second)) || s.Item.State != Pending {
		t.Errorf("%+v", s.Entry)
	}
	if it := item(t, l, "ringing"); it.State != Filtered {
		t.Errorf("%+v", it)
	}
	if again, err := l.Recover(t.Context(), t0.Add(3*time.Hour), build); err != nil || len(again) != 0 {
		t.Errorf("recovered again: %v, %v", again, err)
	}
	if n, err := l.Counts(t.Context()); err != nil || n.OpenCalls != 1 {
		t.Errorf("the desk's own call was touched: %+v, %v", n, err)
	}
}

func TestACrashedCallNeverEndsAfterItsRecovery(t *testing.T) {
	path := file(t)
	l := open(t, path, newClock())
	must(t, l.Journal(t.Context(), talking("k1", t0), "answered", t0.Add(time.Minute)))
	must(t, l.Close())
	l = open(t, path, newClock())
	done, err := l.Recover(t.Context(), t0.Add(10*time.Second), func(Call) *Item { return nil })
	must(t, err)
	if len(done) != 1 || !done[0].Ended.Equal(t0.Add(10*time.Second)) || done[0].Seconds != 6 {
		t.Errorf("%+v", done)
	}
}
