package locate

import (
	"net/netip"
	"slices"
	"time"
)

// place is what fails: one address by one transport.
type place struct {
	transport string
	addr      netip.AddrPort
}

func (s Server) place() place { return place{s.Transport, s.Addr} }

// failure is how often a server failed in a row, and until when it stands last.
type failure struct {
	times int
	until time.Time
}

// A server that failed stands last for half a minute, then for twice as long each time, up to five minutes: then it is tried
// again in its place. maxFailures bounds the memory.
const (
	firstPenalty = 30 * time.Second
	maxPenalty   = 5 * time.Minute
	maxFailures  = 256
)

// Failed says that a server did not answer, refused the connection, or sent a 503 (RFC 3263 §4.3).
func (r *Resolver) Failed(s Server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	f, again := r.failures[s.place()]
	if !again && len(r.failures) >= maxFailures {
		oldest, when := place{}, time.Time{}
		for k, v := range r.failures {
			if when.IsZero() || v.until.Before(when) {
				oldest, when = k, v.until
			}
		}
		delete(r.failures, oldest)
	}
	penalty := min(maxPenalty, firstPenalty<<min(f.times, 10))
	r.failures[s.place()] = failure{f.times + 1, now.Add(penalty)}
}

// Worked says that a server answered: what was held against it is forgotten.
func (r *Resolver) Worked(s Server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.failures, s.place())
}

// sort puts servers that failed lately behind the others, the one whose time is up first before the rest of them.
func (r *Resolver) sort(list []Server) []Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	until := func(s Server) time.Time {
		if f := r.failures[s.place()]; f.until.After(now) {
			return f.until
		}
		return time.Time{}
	}
	slices.SortStableFunc(list, func(a, b Server) int { return until(a).Compare(until(b)) })
	return list
}
