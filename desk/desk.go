package desk

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"offhook/internal/text"
	"offhook/media"
	"offhook/sip"
)

// Desk is the one loop that runs a Machine. Make it with NewDesk, subscribe, then Run it; Send and Post may be called from any
// goroutine.
type Desk struct {
	ports  Ports
	events chan timed
	busy   atomic.Int64 // events and answers that are under way
	done   chan struct{}

	mu     sync.Mutex
	latest *Snapshot
	subs   map[chan *Snapshot]struct{}

	// Owned by Run's goroutine.
	machine   Machine
	unsaved   []write // journal writes that the disk refused, oldest first
	refusal   error   // why it refused the last
	timers    map[TimerID]*time.Timer
	searching context.CancelFunc // ends the search under way; nil: there was none
	sounding  chan struct{}      // closed when the last work with the sound devices is done; nil: there was none
	work      sync.WaitGroup
}

// timed is an event with the moment at which it happened.
type timed struct {
	at time.Time
	ev Event
}

// How often things are looked at while calls are up.
const (
	qualityEvery = 200 * time.Millisecond // five times a second is as fast as a meter needs to move
	aliveEvery   = 2 * time.Second        // bounds the error of a duration after a crash; one small commit each
	retryDisk    = 2 * time.Second
)

// NewDesk makes a desk. Nothing happens before Run.
func NewDesk(set Settings, ports Ports) *Desk {
	d := &Desk{
		ports: ports, events: make(chan timed, 64), done: make(chan struct{}),
		subs: map[chan *Snapshot]struct{}{}, machine: NewMachine(set), timers: map[TimerID]*time.Timer{},
	}
	d.latest = d.machine.Snapshot(time.Now())
	return d
}

// Send gives the desk a command. It returns at once or when the desk has ended.
func (d *Desk) Send(cmd Command) { d.Post(Commanded{cmd}) }

// Post tells the desk what happened outside.
func (d *Desk) Post(ev Event) { d.post(time.Now(), ev) }

func (d *Desk) post(at time.Time, ev Event) {
	select {
	case <-d.done:
		return
	default:
	}
	d.busy.Add(1)
	select {
	case d.events <- timed{at, ev}:
	case <-d.done:
		d.busy.Add(-1)
	}
}

// Busy is the number of events and outside answers that are under way: zero when the desk has come to rest.
func (d *Desk) Busy() int { return int(d.busy.Load()) }

// Snapshot returns the newest snapshot.
func (d *Desk) Snapshot() *Snapshot {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.latest
}

// Subscribe returns a channel that always holds the newest snapshot not yet taken; a slow reader misses older ones, never
// the newest. It is closed when the desk ends, or by cancel.
func (d *Desk) Subscribe() (snapshots <-chan *Snapshot, cancel func()) {
	ch := make(chan *Snapshot, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	ch <- d.latest
	if d.subs == nil { // the desk has ended
		close(ch)
		return ch, func() {}
	}
	d.subs[ch] = struct{}{}
	return ch, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if _, ok := d.subs[ch]; ok {
			delete(d.subs, ch)
			close(ch)
		}
	}
}

// Run runs the desk until the agent leaves or ctx ends. It returns when everything it started has come back.
func (d *Desk) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer d.close(stop)
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	disk := time.NewTicker(retryDisk)
	defer disk.Stop()
	quality := time.NewTicker(qualityEvery)
	defer quality.Stop()
	phone := d.ports.Phone.Events()
	for {
		select {
		case <-ctx.Done():
			d.hear(phone)
			d.flush(ctx)
			return nil
		case ev, ok := <-phone:
			if !ok {
				phone = nil
				continue
			}
			d.step(ctx, eventTime(ev), PhoneEvent{ev})
		case t := <-d.events:
			d.step(ctx, t.at, t.ev)
			d.busy.Add(-1)
		case <-quality.C:
			d.readQuality(ctx)
			if l, moved := d.readLevels(); moved {
				d.step(ctx, time.Now(), l)
			}
		case <-alive.C:
			d.journalAlive(ctx)
		case <-disk.C:
			d.rewrite(ctx)
		}
		if d.Snapshot().Quit { // never while the disk refuses a record, unless the agent insists
			d.flush(ctx)
			return nil
		}
	}
}

// hear takes in what the telephone has already told, so that a call that has just ended gets its record.
func (d *Desk) hear(phone <-chan sip.Event) {
	ctx, over := context.WithCancel(context.Background())
	over() // nothing new is asked any more
	for {
		select {
		case ev, ok := <-phone:
			if !ok {
				return
			}
			d.step(ctx, eventTime(ev), PhoneEvent{ev})
		default:
			return
		}
	}
}

// step applies one event, puts on disk what must be there, publishes, and carries out the rest.
func (d *Desk) step(ctx context.Context, at time.Time, ev Event) {
	next, effects := d.machine.Step(at, ev)
	d.machine = next
	rest := effects[:0:0]
	for _, fx := range effects {
		if w, ok := writeOf(fx, at); ok {
			d.save(ctx, w)
		} else {
			rest = append(rest, fx)
		}
	}
	d.publish(at)
	for _, fx := range rest {
		d.carryOut(ctx, fx)
	}
}

func (d *Desk) publish(at time.Time) {
	snap := d.machine.Snapshot(at)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.latest = snap
	for ch := range d.subs {
		select { // take out what was not fetched; only this goroutine puts in
		case <-ch:
		default:
		}
		ch <- snap
	}
}

// readQuality polls the live figures while a call has sound. Nothing is published when nothing is up.
func (d *Desk) readQuality(ctx context.Context) {
	var stats map[sip.LegID]media.Stats
	for i := range d.machine.calls {
		c := &d.machine.calls[i]
		if c.Answered.IsZero() && c.State != Alerting || c.State == Ended {
			continue
		}
		if st, ok := d.ports.Phone.Quality(c.Leg); ok {
			if stats == nil {
				stats = map[sip.LegID]media.Stats{}
			}
			stats[c.Leg] = st
		}
	}
	if stats != nil {
		d.step(ctx, time.Now(), QualityRead{stats})
	}
}

// eventTime is when the telephone says that something happened.
func eventTime(ev sip.Event) time.Time {
	switch ev := ev.(type) {
	case sip.IncomingCall:
		return ev.At
	case sip.CallAnswered:
		return ev.At
	case sip.CallEnded:
		return ev.At
	}
	return time.Now()
}

func (d *Desk) close(stop context.CancelFunc) {
	stop()
	for _, t := range d.timers {
		t.Stop()
	}
	close(d.done)
	d.work.Wait()
	for n := len(d.events); n > 0; n-- { // came too late to matter
		<-d.events
		d.busy.Add(-1)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for ch := range d.subs {
		close(ch)
	}
	d.subs = nil
}

// Unsaved is how many writes the disk still refuses; for the last word before the program ends. Call it after Run.
func (d *Desk) Unsaved() int { return len(d.unsaved) }

// errText is an error as one cleaned line.
func errText(err error) text.Text {
	if err == nil {
		return text.Text{}
	}
	return text.Clean(err.Error())
}
