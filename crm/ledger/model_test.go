package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"offhook/internal/text"
)

// model is the ledger as a person would explain it: what must be true of each call.
type model map[string]*modelCall

type modelCall struct {
	ended, crash bool
	state        ItemState
	payload      string
	attempts     int
	ambiguous    bool
	task         string
}

func (m model) apply(op int, key string) {
	c, known := m[key]
	if !known {
		if op > 2 {
			return
		}
		c = &modelCall{}
		m[key] = c
	}
	unsettled := c.ended && c.state != Sent && c.state != Sending
	switch op {
	case 2: // Finish
		if !c.ended {
			c.ended, c.state, c.payload = true, Pending, string(payload(key))
		}
	case 3: // Claim
		if c.ended && c.state == Pending {
			c.state = Sending
			c.attempts++
		}
	case 4: // MarkSent
		if c.ended && c.state != Sent {
			c.state, c.task, c.ambiguous = Sent, "T"+key, false
		}
	case 5: // MarkRetry, ambiguous
		if c.ended && c.state == Sending {
			c.state, c.ambiguous = Pending, true
		}
	case 6: // MarkDead
		if c.ended && (c.state == Sending || c.state == Pending) {
			c.state = Dead
		}
	case 7: // Retry
		if unsettled {
			c.state, c.attempts = Pending, 0
		}
	case 8: // Replace
		if unsettled {
			c.state, c.attempts, c.payload = Pending, 0, string(payload("edited"))
		}
	case 9: // Drop
		if unsettled {
			c.state = Dropped
		}
	case 10: // Degrade
		if c.ended && c.state == Sending {
			c.state, c.payload = Pending, string(payload("less"))
		}
	}
}

func (m model) crash() {
	for key, c := range m {
		if c.state == Sending {
			c.state, c.ambiguous = Pending, true
		}
		if !c.ended {
			c.ended, c.crash, c.state, c.payload = true, true, Pending, string(payload("crash "+key))
		}
	}
}

func applyReal(t *testing.T, l *Ledger, op int, key string) {
	t.Helper()
	ctx, f := t.Context(), Failure{Class: "x", Reason: text.Clean("y"), Due: t0}
	var err error
	switch op {
	case 0:
		err = l.Journal(ctx, ringing(key, t0), "INVITE", t0)
	case 1:
		err = l.Journal(ctx, talking(key, t0), "answered", t0)
	case 2:
		err = l.Finish(ctx, ended(key, t0), &Item{Payload: payload(key)})
	case 3:
		_, _, err = l.Claim(ctx, key, t0.Add(time.Hour))
	case 4:
		err = l.MarkSent(ctx, key, "T"+key)
	case 5:
		f.Ambiguous = true
		err = l.MarkRetry(ctx, key, f)
	case 6:
		err = l.MarkDead(ctx, key, f)
	case 7:
		err = l.Retry(ctx, key)
	case 8:
		err = l.Replace(ctx, key, payload("edited"))
	case 9:
		err = l.Drop(ctx, key, text.Text{})
	case 10:
		err = l.Degrade(ctx, key, payload("less"), f)
	}
	if kindOf(err) != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, l *Ledger, m model, story []string) {
	t.Helper()
	es, err := l.History(t.Context(), Filter{Limit: -1})
	must(t, err)
	if len(es) != len(m) {
		t.Fatalf("%d calls, want %d, after %v", len(es), len(m), story)
	}
	pending := 0
	for _, e := range es {
		want := m[e.Call.Key]
		got := modelCall{ended: !e.Call.Open(), crash: e.Call.State == EndedCrash}
		if it := e.Item; it != nil {
			got.state, got.payload, got.attempts, got.ambiguous, got.task = it.State, string(it.Payload), it.Attempts, it.Ambiguous, it.TaskID
		}
		if want == nil || got != *want {
			t.Fatalf("%s is %+v, want %+v, after %v", e.Call.Key, got, want, story)
		}
		if got.state == Pending || got.state == Sending {
			pending++
		}
	}
	if n, err := l.Counts(t.Context()); err != nil || n.Pending != pending {
		t.Fatalf("counts %+v, %v, want %d pending, after %v", n, err, pending, story)
	}
}

// Random operations on few calls, with crashes in between: the ledger always is what the model says. A crash leaves the
// files as they are on disk, without a Close, and another desk starts on them.
func TestTheLedgerIsWhatItsModelSaysThroughRandomOperationsAndCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8/slow + 1) {
		rng := rand.New(rand.NewPCG(seed, 3))
		m := model{}
		path := file(t)
		l := open(t, path, newClock())
		var story []string
		for range 60 {
			if rng.IntN(12) == 0 {
				story = append(story, "crash")
				next := copyLedger(t, path, -1)
				must(t, l.Close())
				path, l = next, open(t, next, newClock())
				m.crash()
				_, err := l.Recover(t.Context(), t0.Add(time.Minute), func(c Call) *Item { return &Item{Payload: payload("crash " + c.Key)} })
				must(t, err)
			} else {
				op, key := rng.IntN(11), fmt.Sprintf("k%d", rng.IntN(4))
				story = append(story, fmt.Sprintf("%d(%s)", op, key))
				m.apply(op, key)
				applyReal(t, l, op, key)
			}
			compare(t, l, m, story)
		}
		must(t, l.Close())
	}
}

func TestAFailedWriteLeavesNothingBehind(t *testing.T) {
	l := open(t, file(t), newClock())
	finished(t, l, "k1", t0)
	before := dump(t, l)
	for _, err := range []error{
		l.MarkRetry(t.Context(), "k1", Failure{Due: t0}), // not claimed
		l.Retry(t.Context(), "nobody"),
		l.MarkSent(t.Context(), "nobody", "00T1"),
		l.Replace(t.Context(), "k1", []byte("{")),
	} {
		var e *Error
		if err == nil || errors.As(err, &e) && e.Kind != nil {
			t.Errorf("%v", err)
		}
	}
	if after := dump(t, l); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}
