package media

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	frameTime = 10 * time.Millisecond
	// catchUp is how many frames are sent at once after the machine was busy; time beyond that is skipped.
	catchUp = 3
)

// Clock drives sessions that have no device, all on one goroutine, by absolute deadlines: a ticker would drop ticks,
// which is media time. Sessions are spread over the 10 ms.
type Clock struct {
	mu     sync.Mutex
	driven []*driven
	count  int
	closed bool
	wake   chan struct{}
	done   chan struct{}
}

// framer is what a clock drives: a *Session.
type framer interface {
	WriteFrame(pcm []int16)
	ReadFrame(pcm []int16)
	skip(frames int)
}

type driven struct {
	framer
	source, sink func(frame []int16)
	at           time.Time
	stopped      atomic.Bool
}

// NewClock starts the clock's goroutine; Close ends it.
func NewClock() *Clock {
	c := &Clock{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go c.run()
	return c
}

// Drive calls source for each 10 ms to send and gives sink each 10 ms heard, both Frame samples and valid only during
// the call, until stop is called. A nil source sends silence, a nil sink listens to nothing. Both run on the clock's
// goroutine and must not block. stop may be called from anywhere, also from source and sink; a frame in progress is
// finished after it.
func (c *Clock) Drive(s *Session, source, sink func(frame []int16)) (stop func()) {
	return c.drive(s, source, sink)
}

func (c *Clock) drive(f framer, source, sink func(frame []int16)) (stop func()) {
	d := &driven{framer: f, source: source, sink: sink}
	c.mu.Lock()
	// the seventh next millisecond each time visits all ten slots before it comes back
	d.at = time.Now().Truncate(frameTime).Add(frameTime + time.Duration(c.count*7%10)*time.Millisecond)
	c.count++
	c.driven = append(c.driven, d)
	c.mu.Unlock()
	c.nudge()
	return func() {
		d.stopped.Store(true)
		c.nudge()
	}
}

// Close stops all driving and waits for the goroutine. Not from source or sink.
func (c *Clock) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.nudge()
	<-c.done
}

func (c *Clock) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Clock) run() {
	defer close(c.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var list []*driven
	var pcm [Frame]int16
	for {
		c.mu.Lock()
		c.driven = slices.DeleteFunc(c.driven, func(d *driven) bool { return d.stopped.Load() })
		list = append(list[:0], c.driven...)
		closed := c.closed
		c.mu.Unlock()
		if closed {
			return
		}
		next := time.Duration(1<<63 - 1)
		for _, d := range list {
			d.run(time.Now(), pcm[:])
			next = min(next, time.Until(d.at))
		}
		timer.Reset(max(next, 0))
		select {
		case <-timer.C:
		case <-c.wake:
		}
	}
}

// run makes the frames that are due.
func (d *driven) run(now time.Time, pcm []int16) {
	if late := int(now.Sub(d.at) / frameTime); late >= catchUp {
		n := late - catchUp + 1
		d.skip(n)
		d.at = d.at.Add(time.Duration(n) * frameTime)
	}
	for !now.Before(d.at) && !d.stopped.Load() {
		d.at = d.at.Add(frameTime)
		clear(pcm)
		if d.source != nil {
			d.source(pcm)
		}
		d.WriteFrame(pcm)
		d.ReadFrame(pcm)
		if d.sink != nil {
			d.sink(pcm)
		}
	}
}

func (s *Session) skip(frames int) { s.tx.skip(frames) }
