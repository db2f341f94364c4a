package transaction

import (
	"net/netip"
	"sync"
	"time"
)

// Admission is what Config.Admit says of a request.
type Admission uint8

const (
	Admit  Admission = iota // go on
	Drop                    // no answer: a scanner learns nothing, not even that somebody is here
	Refuse                  // 403, without a transaction
)

// admit asks whether a request may come in, before it costs anything: no transaction, no place in a queue. inside says that it
// claims to belong to a dialog, and is counted as such; free that it repeats what is here already, and costs its source nothing.
func (l *Layer) admit(f *Flow, source netip.AddrPort, method string, toTag, inside, free bool) (Admission, *refusal) {
	if l.cfg.Admit != nil {
		switch l.cfg.Admit(f, source, method, toTag) {
		case Drop:
			l.count.dropped.Add(1)
			return Drop, nil
		case Refuse:
			l.count.refused.Add(1)
			return Refuse, refused(403, "")
		}
	}
	limit := l.limit
	if inside {
		limit = l.inside
	}
	if limit == nil || free || method == "ACK" || method == "CANCEL" || limit.take(source.Addr(), time.Now()) {
		return Admit, nil
	}
	l.count.limited.Add(1)
	if f.udp != nil {
		return Drop, nil // it will come again; and its address may be somebody else's, who would get our answers
	}
	return Refuse, refused(503, "")
}

// limiter is a token bucket per source (see sourceOf) with a bounded memory.
type limiter struct {
	rate, burst float64 // tokens per second, and at most

	mu    sync.Mutex
	by    map[netip.Prefix]bucket
	rest  bucket // shared by the sources that there is no room for
	swept time.Time
}

type bucket struct {
	tokens float64
	at     time.Time
}

// insideDialogs is how many times more requests a source may begin that claim to belong to a dialog: whether they do only who has the dialogs
// knows, and who does not tell the truth costs a transaction each all the same.
const insideDialogs = 20

// maxBuckets bounds the sources that a limiter knows.
const maxBuckets = 4096

func newLimiter(rate float64, burst int) *limiter {
	b := float64(burst)
	if burst <= 0 {
		b = max(20, 2*rate)
	}
	return &limiter{rate: rate, burst: b, by: map[netip.Prefix]bucket{}, rest: bucket{tokens: b}}
}

// filled is the bucket at this time.
func (m *limiter) filled(b bucket, now time.Time) bucket {
	if d := now.Sub(b.at).Seconds(); d > 0 { // a clock may be set back
		b.tokens = min(m.burst, b.tokens+d*m.rate)
	}
	b.at = now
	return b
}

// take takes a token of a source, if it has one.
func (m *limiter) take(a netip.Addr, now time.Time) bool {
	k := sourceOf(a)
	m.mu.Lock()
	defer m.mu.Unlock()
	b, known := m.by[k]
	if !known {
		if len(m.by) >= maxBuckets && now.Sub(m.swept).Abs() > time.Second {
			m.swept = now
			for k, b := range m.by { // a full bucket is no different from an unknown source
				if m.filled(b, now).tokens >= m.burst {
					delete(m.by, k)
				}
			}
		}
		if len(m.by) >= maxBuckets {
			return m.spend(&m.rest, now)
		}
		b = bucket{tokens: m.burst, at: now}
	}
	ok := m.spend(&b, now)
	m.by[k] = b
	return ok
}

func (m *limiter) spend(b *bucket, now time.Time) bool {
	if *b = m.filled(*b, now); b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
