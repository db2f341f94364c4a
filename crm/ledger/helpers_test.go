package ledger

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"offhook/internal/text"
)

// t0 is when the tests begin; their clock only moves when they say so.
var t0 = time.Date(2026, 11, 21, 9, 0, 0, 123456789, time.UTC)

// clock is the time of one test.
type clock struct{ at time.Time }

func (c *clock) now() time.Time      { return c.at }
func (c *clock) add(d time.Duration) { c.at = c.at.Add(d) }
func newClock() *clock               { return &clock{at: t0} }
func options(c *clock) Options {
	return Options{Now: c.now, Holder: Holder{Program: "offhook", Version: "test", TTY: "pts/3", Host: "desk-7"}}
}
func file(t testing.TB) string { return filepath.Join(t.TempDir(), "default.db") }
func payload(s string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"version":1,"notes":%q}`, s))
}
func ids(es []Entry) (keys []string) {
	for _, e := range es {
		keys = append(keys, e.Call.Key)
	}
	return keys
}

func open(t testing.TB, path string, c *clock) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), path, options(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func ringing(key string, at time.Time) Call {
	return Call{Key: key, State: "ringing", Direction: "Inbound", Number: text.Clean("07814256404"), Name: text.Clean("Fred Bloggs"),
		Match: "searching", Started: at}
}

func talking(key string, at time.Time) Call {
	c := ringing(key, at)
	c.State, c.Answered, c.Match = "talking", at.Add(4*time.Second), "one"
	c.RecordType, c.RecordID, c.RecordName = "Contact", "003000000000001AAA", text.Clean("Fred Bloggs")
	return c
}

func ended(key string, at time.Time) Call {
	c := talking(key, at)
	c.State, c.Ended, c.Seconds, c.Cause = EndedNormal, at.Add(64*time.Second), 60, text.Clean("the customer hung up")
	c.Notes = text.CleanBlock("asked about the invoice\nwill call back", 1000)
	c.Detail = payload("detail")
	return c
}

// finished puts one ended call with a pending record into the ledger.
func finished(t testing.TB, l *Ledger, key string, at time.Time) {
	t.Helper()
	if err := l.Journal(t.Context(), ringing(key, at), "INVITE", at); err != nil {
		t.Fatal(err)
	}
	first, err := l.FinishOnce(t.Context(), ended(key, at), &Item{Payload: payload(key)})
	if err != nil || !first {
		t.Fatalf("finish %s: first %v, %v", key, first, err)
	}
}

// whole is a change that replaces everything.
func whole(c Call, body json.RawMessage) Change {
	return func(Call, json.RawMessage) (Call, json.RawMessage, error) { return c, body, nil }
}

func claimed(t testing.TB, l *Ledger, key string) Item {
	t.Helper()
	it, ok, err := l.Claim(t.Context(), key, l.now().Add(time.Hour))
	if err != nil || !ok {
		t.Fatalf("claim %s: %v, %v", key, ok, err)
	}
	return it
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func item(t testing.TB, l *Ledger, key string) Item {
	t.Helper()
	it, err := l.Item(t.Context(), key)
	must(t, err)
	return it
}

// TestMain lets the test binary be the child of the tests that kill a process.
func TestMain(m *testing.M) {
	if path := os.Getenv("OFFHOOK_LEDGER_CHILD"); path != "" {
		child(path)
		return
	}
	os.Exit(m.Run())
}
