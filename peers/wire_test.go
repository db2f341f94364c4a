//go:build unix

package peers

import (
	"bytes"
	"regexp"
	"sync"
	"testing"
	"time"

	"offhook/sip"
	"offhook/sip/transaction"
)

// wire keeps every message of a phone.
type wire struct {
	mu   sync.Mutex
	msgs []transaction.TraceMessage
}

func (w *wire) tap(c *sip.Config) {
	c.Trace = func(m transaction.TraceMessage) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.msgs = append(w.msgs, m)
	}
}

// after is when the first message of ours (or theirs) after a moment begins so and matches; zero: none did.
func (w *wire) after(from time.Time, out bool, begins, pattern string) time.Time {
	re := regexp.MustCompile("(?im)" + pattern)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.msgs {
		if m.At.After(from) && m.Out == out && bytes.HasPrefix(m.Data, []byte(begins)) && re.Match(m.Data) {
			return m.At
		}
	}
	return time.Time{}
}

// saw waits for such a message, and says when it was.
func (w *wire) saw(t testing.TB, from time.Time, out bool, begins, pattern string) (at time.Time) {
	t.Helper()
	eventually(t, begins+" with "+pattern, func() bool {
		at = w.after(from, out, begins, pattern)
		return !at.IsZero()
	})
	return at
}
