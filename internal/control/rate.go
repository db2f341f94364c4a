package control

import (
	"sync"
	"time"
)

// A person clicks a few links in a row; a program that loops must not keep the desk busy.
const (
	burst = 3
	every = 500 * time.Millisecond // one more request after so long
)

// rate says how often a desk may be asked.
type rate struct {
	mu   sync.Mutex
	left int
	last time.Time // when left was counted up to
}

// take reports whether one more request is within the rate.
func (r *rate) take(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch more := int(now.Sub(r.last) / every); {
	case r.last.IsZero() || more >= burst || now.Before(r.last): // also when the clock was set back
		r.left, r.last = burst, now
	case more > 0:
		r.left, r.last = min(r.left+more, burst), r.last.Add(time.Duration(more)*every)
	}
	if r.left == 0 {
		return false
	}
	r.left--
	return true
}
