package media

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Tap listens to a session: a recorder, a transcriber. Frames are Frame samples and valid only during the call. Sent is
// called for each frame of the microphone with what the far end is given, silence while muted or held; Heard for each
// frame that the loudspeaker takes. Each comes from one goroutine, but both may come at once. They are on the path of
// the sound: they must not block.
type Tap interface {
	Sent(frame []int16)
	Heard(frame []int16)
}

// taps are the listeners of a session. The list is replaced as a whole.
type taps struct {
	mu    sync.Mutex // of changes
	list  atomic.Pointer[[]Tap]
	quiet [Frame]int16 // never written
}

// Tap adds a listener until remove is called; a call of Sent or Heard in progress ends after it. Listeners survive
// Configure and end with the session.
func (s *Session) Tap(t Tap) (remove func()) {
	s.taps.change(func(list []Tap) []Tap { return append(list, t) })
	return func() {
		s.taps.change(func(list []Tap) []Tap {
			if i := slices.Index(list, t); i >= 0 {
				return slices.Delete(list, i, i+1)
			}
			return list
		})
	}
}

func (t *taps) change(f func([]Tap) []Tap) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []Tap
	if old := t.list.Load(); old != nil {
		list = slices.Clone(*old)
	}
	list = f(list)
	t.list.Store(&list)
}

func (t *taps) sent(pcm []int16, c *config, muted bool) {
	list := t.list.Load()
	if list == nil {
		return
	}
	if muted || c == nil || !c.Send {
		pcm = t.quiet[:]
	}
	for _, l := range *list {
		l.Sent(pcm)
	}
}

func (t *taps) heard(pcm []int16) {
	if list := t.list.Load(); list != nil {
		for _, l := range *list {
			l.Heard(pcm)
		}
	}
}

// reminder repeats a tone in running sound. Its owner holds a lock around it.
type reminder struct {
	every int // frames
	at    int // frames until the next
	play  *TonePlayer
}

// mix adds what sounds now. A nil reminder is silent.
func (r *reminder) mix(pcm []int16) {
	if r == nil {
		return
	}
	if r.at--; r.at < 0 {
		r.at = r.every - 1
		r.play.restart()
	}
	if r.play.round == 0 {
		r.play.Mix(pcm)
	}
}

// RecordingTone is the sign that a call is recorded, as the FCC described it (47 CFR 64.501 as it was): 1,400 Hz for
// 0.2 s, to be repeated every 15 s.
func RecordingTone() Tone {
	return Tone{Name: "recording", Hz: []float64{1400}, Cadence: []int{200, 50}, Repeat: 1, Level: -24}
}

// Remind mixes a tone into the call for both sides, at once and then again and again, muted or not, until it is called
// with an interval of 0. Taps hear neither of them. The tone is played once per interval; an interval under a second
// is a second.
func (s *Session) Remind(t Tone, every time.Duration) {
	fresh := func() *reminder {
		if every <= 0 {
			return nil
		}
		if t.Repeat = 1; len(t.Cadence) == 0 {
			t.Cadence = []int{200, 50}
		}
		return &reminder{every: int(max(every, time.Second) / frameTime), play: NewTonePlayer(t)}
	}
	s.tx.mu.Lock()
	s.tx.remind = fresh()
	s.tx.mu.Unlock()
	s.rxMu.Lock()
	s.remind = fresh()
	s.rxMu.Unlock()
}
