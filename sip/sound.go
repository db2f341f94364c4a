package sip

import (
	"sync"
	"time"

	"offhook/internal/text"
	"offhook/media"
)

// sound moves the headset between the calls. Opening a device may take long, so all of that is done in order on a
// goroutine of its own; the loop only says what should be.
type sound struct {
	p     *Phone
	clock *media.Clock
	done  chan struct{}

	mu    sync.Mutex
	queue []func()
	wake  *sync.Cond
	over  bool
	calls map[LegID]*media.Session

	// Owned by the loop.
	tone    LegID   // whose ringback sounds
	waiting bool    // the tone of a second call sounds
	now     hearing // what was asked for last
	beats   map[LegID]*beat

	last uint64 // of focus numbers

	// Owned by the goroutine.
	mix   *media.Mix
	drive func() // stops the clock of a conference without the agent
}

// beat drives a call that has no microphone with silence: held, or behind another one. Silence keeps NATs open and far ends
// from taking us for dead.
type beat struct{ stop func() }

func newSound(p *Phone) *sound {
	s := &sound{p: p, clock: media.NewClock(), done: make(chan struct{}), calls: map[LegID]*media.Session{}, beats: map[LegID]*beat{}}
	s.wake = sync.NewCond(&s.mu)
	go s.work()
	return s
}

func (s *sound) work() {
	defer close(s.done)
	for {
		s.mu.Lock()
		for len(s.queue) == 0 && !s.over {
			s.wake.Wait()
		}
		batch := s.queue
		s.queue = nil
		over := s.over
		s.mu.Unlock()
		for _, f := range batch {
			f()
		}
		if len(batch) == 0 && over {
			return
		}
	}
}

func (s *sound) post(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.queue = append(s.queue, f)
		s.wake.Signal()
	}
}

func (s *sound) close() {
	s.mu.Lock()
	s.over = true
	s.wake.Signal()
	s.mu.Unlock()
	<-s.done
	s.clock.Close()
	for _, m := range s.calls {
		m.Close()
	}
}

func (s *sound) quality(id LegID) (media.Stats, bool) {
	s.mu.Lock()
	m := s.calls[id]
	s.mu.Unlock()
	if m == nil {
		return media.Stats{}, false
	}
	return m.Stats(), true
}

// takeFocus makes l the call that the agent talks on.
func (l *leg) takeFocus() {
	l.p.sound.last++
	l.focus = l.p.sound.last
	l.p.connect()
}

// ringback sounds the tone that an agent hears while the far end rings and sends nothing itself (RFC 3960 §3.2).
func (s *sound) ringback(id LegID, on bool) {
	h := s.p.acc.Headset
	switch {
	case h == nil:
	case on && s.tone == "":
		s.tone = id
		tone := media.Ringback(s.p.acc.Region)
		s.post(func() {
			if err := h.PlayTone(tone); err != nil {
				s.p.emit(SoundChanged{At: time.Now(), Detail: text.Clean("The ringing tone cannot be played: " + err.Error())})
			}
		})
	case !on && s.tone == id:
		s.tone = ""
		s.post(h.StopTone)
	}
}

// drop takes a call that ended off everything and closes its sound.
func (s *sound) drop(id LegID, m *media.Session) {
	if m == nil {
		return
	}
	s.mu.Lock()
	delete(s.calls, id)
	s.mu.Unlock()
	if b := s.beats[id]; b != nil {
		delete(s.beats, id)
		s.post(b.stop)
	}
	s.hear(s.now.without(m))
	s.post(func() {
		if err := m.Close(); err != nil {
			s.p.log.Debug("closing sound", "err", err)
		}
	})
}

// waitingEvery is the interval of the call waiting tone: heard, and not in the way.
const waitingEvery = 5 * time.Second

// callWaiting lets the agent hear in a conversation that another call rings.
func (p *Phone) callWaiting(talking bool) {
	h, on := p.acc.Headset, false
	for _, l := range p.legs {
		on = on || talking && !l.outgoing && !l.answered
	}
	if h == nil || on == p.sound.waiting {
		return
	}
	p.sound.waiting = on
	if !on {
		p.sound.post(h.StopOver)
		return
	}
	tone := media.CallWaiting(p.acc.Region).Every(waitingEvery)
	p.sound.post(func() {
		if err := h.PlayOver(tone); err != nil {
			p.log.Debug("call waiting tone", "err", err)
		}
	})
}
