package dialog

import (
	"sync"
	"time"
)

// loop runs functions one at a time, in the order in which they were posted. It owns everything that sessions know.
type loop struct {
	mu     sync.Mutex
	wake   *sync.Cond
	queue  []func()
	busy   bool // somebody is running a function
	closed bool
	done   chan struct{}
}

func newLoop() *loop {
	l := &loop{done: make(chan struct{})}
	l.wake = sync.NewCond(&l.mu)
	go l.work()
	return l
}

func (l *loop) work() {
	defer close(l.done)
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for l.busy || len(l.queue) == 0 {
			if l.closed && !l.busy {
				return
			}
			l.wake.Wait()
		}
		l.next()
	}
}

// next takes one function from the queue and runs it. It is called with mu held.
func (l *loop) next() {
	f := l.queue[0]
	l.queue[0] = nil
	l.queue = l.queue[1:]
	l.busy = true
	l.mu.Unlock()
	f()
	l.mu.Lock()
	l.busy = false
}

// post queues f. Whoever is busy looks at the queue again when it has finished.
func (l *loop) post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.queue = append(l.queue, f)
	if !l.busy {
		l.wake.Signal()
	}
}

// run is post for the goroutines of the transaction layer: when nothing waits and nothing runs, f runs right here, and
// so does what it posts. That saves two changes of goroutine between an INVITE and its 180, and the 100 that would
// otherwise go first.
func (l *loop) run(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.queue = append(l.queue, f)
	if l.busy {
		return
	}
	for n := 0; n < 64 && len(l.queue) > 0; n++ {
		l.next()
	}
	if len(l.queue) > 0 || l.closed {
		l.wake.Signal()
	}
}

// close lets what is queued finish and waits for it.
func (l *loop) close() {
	l.mu.Lock()
	l.closed = true
	l.wake.Signal()
	l.mu.Unlock()
	<-l.done
}

// timer is a function to be run on the loop later. Unlike that of a time.Timer, its stop is certain when called on the loop.
type timer struct {
	t *time.Timer
	f func() // nil: stopped, or over
}

func (u *UA) after(d time.Duration, f func()) *timer {
	tm := &timer{f: f}
	tm.t = time.AfterFunc(d, func() {
		u.loop.post(func() {
			if f := tm.f; f != nil {
				tm.f = nil
				f()
			}
		})
	})
	return tm
}

// stop may be called on nil. The runtime may keep a stopped timer until its time would have come; what it was for is let go of now, or
// calls that are over would be held for minutes.
func (tm *timer) stop() {
	if tm != nil {
		tm.f = nil
		tm.t.Stop()
	}
}
