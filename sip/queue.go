package sip

import (
	"context"
	"sync"
)

// queue carries events to whoever reads them, without bound, so that a slow reader never stops the SIP stack.
type queue struct {
	mu     sync.Mutex
	events []Event
	wake   chan struct{} // one token
	closed bool
	out    chan Event
	done   chan struct{}
}

func newQueue() *queue {
	return &queue{wake: make(chan struct{}, 1), out: make(chan Event, 64), done: make(chan struct{})}
}

func (q *queue) put(e Event) {
	q.mu.Lock()
	q.events = append(q.events, e)
	q.mu.Unlock()
	q.poke()
}

func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// pump moves events to the reader until close, or until ctx is over, which drops what nobody has read.
func (q *queue) pump(ctx context.Context) {
	defer close(q.done)
	defer close(q.out)
	for {
		q.mu.Lock()
		batch, closed := q.events, q.closed
		q.events = nil
		q.mu.Unlock()
		for _, e := range batch {
			select {
			case q.out <- e:
			case <-ctx.Done():
				return
			}
		}
		if len(batch) > 0 {
			continue
		}
		if closed {
			return
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return
		}
	}
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.poke()
}
