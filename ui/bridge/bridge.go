// Package bridge stands between the desk and the screen: it alone sends messages to a running program.
//
// Snapshots are whole states, so only the newest matters: while the screen is busy, older ones are dropped and the
// screen never falls behind. Commands go the other way in order, through a queue that never makes the screen wait.
// The bridge understands neither snapshots nor commands.
package bridge

import (
	"context"
	"sync"
	"sync/atomic"

	"offhook/desk"

	tea "charm.land/bubbletea/v2"
)

// Snapshot is the message that carries a snapshot to the root model.
type Snapshot struct{ *desk.Snapshot }

// Bridge forwards snapshots to a program.
type Bridge struct {
	in <-chan *desk.Snapshot

	mu     sync.Mutex
	latest *desk.Snapshot
	wake   chan struct{}
	flying atomic.Int64
	sent   atomic.Uint64
}

// New makes a bridge for the snapshots of one desk.
func New(in <-chan *desk.Snapshot) *Bridge {
	return &Bridge{in: in, wake: make(chan struct{}, 1)}
}

// Run forwards until ctx ends or the channel is closed, then returns; it waits for both of its goroutines. send is
// (*tea.Program).Send, which blocks while the screen is busy and returns at once when the program has ended.
func (b *Bridge) Run(ctx context.Context, send func(tea.Msg)) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var done sync.WaitGroup
	done.Go(func() { b.deliver(ctx, send) })
	defer done.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-b.in:
			if !ok {
				close(b.wake) // deliver sends what is left and ends
				done.Wait()
				return
			}
			if s == nil {
				continue
			}
			b.mu.Lock()
			if b.latest == nil {
				b.flying.Add(1)
			}
			b.latest = s
			b.mu.Unlock()
			select {
			case b.wake <- struct{}{}:
			default:
			}
		}
	}
}

func (b *Bridge) deliver(ctx context.Context, send func(tea.Msg)) {
	for open := true; open; {
		select {
		case <-ctx.Done():
			return
		case _, open = <-b.wake:
		}
		b.mu.Lock()
		s := b.latest
		b.latest = nil
		b.mu.Unlock()
		if s != nil {
			b.sent.Store(s.Seq)
			send(Snapshot{s})
			b.flying.Add(-1)
		}
	}
}

// Busy is how many snapshots have arrived, or are about to, and are not yet with the program. Any goroutine may ask.
func (b *Bridge) Busy() int { return int(b.flying.Load()) + len(b.in) }

// Sent is the Seq of the snapshot that was given to the program last. Any goroutine may ask.
func (b *Bridge) Sent() uint64 { return b.sent.Load() }

// Queue carries commands from the screen to the desk in order. Put never blocks.
type Queue struct {
	mu   sync.Mutex
	list []desk.Command
	wake chan struct{}
	busy atomic.Int64
}

// NewQueue makes an empty queue.
func NewQueue() *Queue { return &Queue{wake: make(chan struct{}, 1)} }

// Put appends a command. Any goroutine may call it.
func (q *Queue) Put(c desk.Command) {
	q.busy.Add(1)
	q.mu.Lock()
	q.list = append(q.list, c)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Run gives the commands to send, one by one, until ctx ends; then it gives what is left (the last keystroke of a
// note must not be lost) and returns.
func (q *Queue) Run(ctx context.Context, send func(desk.Command)) {
	for {
		q.mu.Lock()
		list := q.list
		q.list = nil
		q.mu.Unlock()
		for _, c := range list {
			send(c)
			q.busy.Add(-1)
		}
		if len(list) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			if q.busy.Load() > 0 {
				continue
			}
			return
		case <-q.wake:
		}
	}
}

// Busy is how many commands wait.
func (q *Queue) Busy() int { return int(q.busy.Load()) }
