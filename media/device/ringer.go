package device

import (
	"math"
	"sync"
)

// newRinger makes the ringer, which rings on the device that is chosen when it starts. "bell" and "off" make no sound
// here: whoever shows the call rings the terminal's bell when RingBell says so.
func (s *Set) newRinger() Ringer {
	return &ringer{open: func() Playback {
		if k := s.choice(Ring).kind; k == kindBell || k == kindOff {
			return nil
		}
		return s.playback(Ring)
	}}
}

// ringer plays the cadence on a stream of its own, which exists only while it rings.
type ringer struct {
	open func() Playback // nil: nothing is to sound

	mu     sync.Mutex
	tune   []int16 // made once
	play   Playback
	closed bool
	err    error
}

// Start begins to ring; it does nothing when it rings already.
func (r *ringer) Start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.play != nil {
		return
	}
	p := r.open()
	if p == nil {
		return
	}
	if r.tune == nil {
		r.tune = cadence()
	}
	tune, at := r.tune, 0
	err := p.Start(func(frame []int16) {
		for n := 0; n < len(frame); {
			m := copy(frame[n:], tune[at:])
			n, at = n+m, (at+m)%len(tune)
		}
	})
	if err != nil {
		r.err = err
		return
	}
	r.play = p
}

// Stop ends the ringing at once.
func (r *ringer) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.play == nil {
		return
	}
	if err := r.play.Close(); err != nil && r.err == nil {
		r.err = err
	}
	r.play = nil
}

// Close stops the ringing for good and returns the first error of its device.
func (r *ringer) Close() error {
	r.Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.err
}

// cadence is the ring tone: a rising figure of struck bars, twice, then rest; four seconds that are repeated. It begins
// softly, because it often begins in somebody's ear.
func cadence() []int16 {
	out := make([]float64, 4*Rate)
	figure := []struct{ at, hz float64 }{ // seconds; E5 G5 C6 E6
		{0, 659.26}, {0.14, 783.99}, {0.28, 1046.50}, {0.42, 1318.51},
		{1.0, 659.26}, {1.14, 783.99}, {1.28, 1046.50}, {1.42, 1318.51},
	}
	for n, note := range figure {
		loud := 0.16 + 0.012*float64(n)
		for i := int(note.at * Rate); i < len(out); i++ {
			t := (float64(i) - note.at*Rate) / Rate
			fade := math.Exp(-5*t) * (1 - math.Exp(-t/0.003))
			if t > 0.1 && fade < 1e-4 {
				break
			}
			w := 2 * math.Pi * note.hz * t
			// A bar sounds its fourth partial too, which dies away sooner.
			out[i] += loud * fade * (math.Sin(w) + 0.3*math.Exp(-12*t)*math.Sin(4*w))
		}
	}
	pcm := make([]int16, len(out))
	for i, v := range out {
		pcm[i] = int16(max(-1, min(1, v)) * 32767)
	}
	return pcm
}
