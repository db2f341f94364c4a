package device

import (
	"sync"
	"time"
)

// period is the length of a frame.
const period = 10 * time.Millisecond

// maxCatchUp is how much time a clock makes up for when its goroutine was late. A longer gap means that the machine
// slept, and a second of frames in one burst would only be thrown away by the far end.
const maxCatchUp = 200 * time.Millisecond

// clock calls tick once per period against absolute deadlines, until close. A time.Ticker would drop ticks, that is,
// media time, whenever the goroutine is late.
type clock struct {
	mu      sync.Mutex
	started bool
	stop    chan struct{}
	done    chan struct{}
}

func newClock() *clock { return &clock{stop: make(chan struct{}), done: make(chan struct{})} }

func (c *clock) start(tick func()) error {
	return c.run(func() {
		next := time.Now().Add(period)
		timer := time.NewTimer(period)
		defer timer.Stop()
		for {
			select {
			case <-c.stop:
				return
			case <-timer.C:
			}
			now := time.Now()
			if late := now.Sub(next); late > maxCatchUp {
				next = now
			}
			for ; !next.After(now); next = next.Add(period) {
				tick()
			}
			timer.Reset(time.Until(next))
		}
	})
}

// run starts body on the clock's goroutine; body must return when stop is closed.
func (c *clock) run(body func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.stop:
		return ErrStarted
	default:
	}
	if c.started {
		return ErrStarted
	}
	c.started = true
	go func() {
		defer close(c.done)
		body()
	}()
	return nil
}

// close stops the clock and waits for its goroutine. It reports whether it was the first to do so.
func (c *clock) close() bool {
	c.mu.Lock()
	first, started := false, c.started
	select {
	case <-c.stop:
	default:
		first = true
		close(c.stop)
	}
	c.mu.Unlock()
	if started {
		<-c.done
	}
	return first
}

// running reports whether the clock was ever started.
func (c *clock) running() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started
}
