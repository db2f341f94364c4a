package device

import "sync"

// bus carries events to one reader. When nobody reads, the oldest are dropped: a device that comes and goes all
// night must not fill the memory of a desk whose screen is detached.
type bus struct {
	mu     sync.Mutex
	c      chan Event
	closed bool
}

func newBus() *bus { return &bus{c: make(chan Event, 64)} }

func (b *bus) send(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	for {
		select {
		case b.c <- e:
			return
		default:
		}
		select {
		case <-b.c:
		default:
		}
	}
}

func (b *bus) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.c)
	}
}

// mailbox hands values to one goroutine without ever making the sender wait: the senders are the reader of the sound
// server's socket and the desk's goroutines, and both must go on when the server does not answer.
type mailbox[T any] struct {
	mu    sync.Mutex
	items []T
	wake  chan struct{}
}

func newMailbox[T any]() *mailbox[T] { return &mailbox[T]{wake: make(chan struct{}, 1)} }

func (m *mailbox[T]) put(v T) {
	m.mu.Lock()
	m.items = append(m.items, v)
	m.mu.Unlock()
	nudge(m.wake)
}

func (m *mailbox[T]) take() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = nil
	return items
}

// nudge wakes the one goroutine that waits on c; a wake that is already pending is enough.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
