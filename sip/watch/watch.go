package watch

import (
	"context"
	"sync"
	"time"
)

// Kind is what happened.
type Kind string

// Kinds of events. Woke: the machine slept, or the program did not run for a while. NetworkChanged: the machine has other
// addresses or another way out.
const (
	Woke           Kind = "woke"
	NetworkChanged Kind = "network changed"
)

// Event is something that happened to the machine.
type Event struct {
	At    time.Time
	Kind  Kind
	Slept time.Duration // for Woke: how long, roughly
}

// Reading is the state of the machine's clocks at one moment.
type Reading struct {
	Wall time.Time     // what people call the time; it may be set
	Run  time.Duration // of a clock that stops while the machine sleeps, from any beginning
	Boot time.Duration // of one that does not and cannot be set; negative: there is none
}

// Config is how a Watcher works. The zero value is right for a program.
type Config struct {
	Clock    func() Reading // nil: the system's clocks
	Every    time.Duration  // between two looks at the clock; 0: 1 s
	Late     time.Duration  // that a look may come too late before the program counts as stopped; 0: 5 s
	Debounce time.Duration  // that the network must be quiet before it is looked at; 0: 300 ms
	Poll     time.Duration  // between two looks at the network where the system does not tell of changes; 0: 1 s

	// Network describes how the machine is connected; two equal descriptions are no change. nil: the system's.
	Network func() string
	// Hints delivers a token whenever the network may have changed, until ctx is over; its goroutines are started by own, and
	// waited for. A nil channel: there is no such thing, poll. nil: the system's.
	Hints func(ctx context.Context, own func(func())) <-chan struct{}
}

// Watcher tells of one machine.
type Watcher struct {
	cfg    Config
	events chan Event
	cancel context.CancelFunc
	jobs   sync.WaitGroup
}

// maxHold is how long a network that does not come to rest may keep a change back, in debounces.
const maxHold = 4

// New starts watching. Close it.
func New(cfg Config) *Watcher {
	setDefault(&cfg.Every, time.Second)
	setDefault(&cfg.Late, 5*time.Second)
	setDefault(&cfg.Debounce, 300*time.Millisecond)
	setDefault(&cfg.Poll, time.Second)
	if cfg.Clock == nil {
		cfg.Clock = systemClock()
	}
	if cfg.Network == nil {
		cfg.Network = systemNetwork
	}
	if cfg.Hints == nil {
		cfg.Hints = systemHints
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watcher{cfg: cfg, events: make(chan Event, 1), cancel: cancel}
	hints := cfg.Hints(ctx, w.jobs.Go)
	network, reading := cfg.Network(), cfg.Clock()
	w.jobs.Go(func() { w.run(ctx, hints, network, reading) })
	return w
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d <= 0 {
		*d = v
	}
}

// Events is where changes are told; it is closed by Close. A listener that is busy gets one event for several of a kind.
func (w *Watcher) Events() <-chan Event { return w.events }

// Close stops watching and waits for it.
func (w *Watcher) Close() {
	w.cancel()
	w.jobs.Wait()
}

// run is the only goroutine of a Watcher.
func (w *Watcher) run(ctx context.Context, hints <-chan struct{}, network string, last Reading) {
	defer close(w.events)
	beat := time.NewTicker(w.cfg.Every)
	defer beat.Stop()
	var poll <-chan time.Time
	if hints == nil {
		t := time.NewTicker(w.cfg.Poll)
		defer t.Stop()
		poll = t.C
	}
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	defer quiet.Stop()
	var held time.Duration // since the first hint
	var told pending
	for {
		out := w.events
		next, any := told.first()
		if !any {
			out = nil
		}
		select {
		case <-ctx.Done():
			return
		case out <- next:
			told.drop()
		case <-beat.C:
			now := w.cfg.Clock()
			if slept := Slept(last, now, w.cfg.Every, w.cfg.Late); slept > 0 {
				told.add(Event{At: now.Wall, Kind: Woke, Slept: slept})
				quiet.Reset(w.cfg.Debounce) // machines wake up elsewhere
			}
			last = now
		case <-hints:
			if held < maxHold*w.cfg.Debounce {
				held += w.cfg.Debounce
				quiet.Reset(w.cfg.Debounce)
			}
		case <-quiet.C:
			held = 0
			network = w.look(network, &told)
		case <-poll:
			network = w.look(network, &told)
		}
	}
}

// look compares the network with what it was.
func (w *Watcher) look(before string, told *pending) string {
	now := w.cfg.Network()
	if now != before {
		told.add(Event{At: w.cfg.Clock().Wall, Kind: NetworkChanged})
	}
	return now
}

// Slept tells from two readings, taken every apart, how long the program did not run: because the machine slept (the clock
// that goes on is ahead of the one that stops), or because nobody let it run (the reading came more than late too late). 0:
// it ran. A wall clock that was set back, or by less than late, is no sleep.
func Slept(last, now Reading, every, late time.Duration) time.Duration {
	ran := now.Run - last.Run
	passed := now.Wall.Sub(last.Wall)
	if last.Boot >= 0 && now.Boot >= 0 {
		passed = now.Boot - last.Boot
	}
	switch {
	case passed-ran > late/2: // as little as half of it: sleep is never an accident of scheduling
		return passed
	case ran-every > late:
		return ran
	}
	return 0
}

// pending are events that nobody has taken yet, one of a kind.
type pending []Event

func (p *pending) add(e Event) {
	for i := range *p {
		if (*p)[i].Kind == e.Kind {
			e.Slept += (*p)[i].Slept
			(*p)[i] = e
			return
		}
	}
	*p = append(*p, e)
}

func (p pending) first() (Event, bool) {
	if len(p) == 0 {
		return Event{}, false
	}
	return p[0], true
}

func (p *pending) drop() { *p = (*p)[1:] }
