package media

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"offhook/internal/text"
	"offhook/media/device"
	"offhook/media/voice"
)

// Headset joins microphone and loudspeaker with the session that is talked on, and sounds tones to the agent. The
// devices are open while a session is connected, a tone sounds, or the microphone is tried out. All methods may be
// called from any goroutine except the devices' own.
type Headset struct {
	capture  func() device.Capture
	playback func() device.Playback

	control sync.Mutex // opening and closing; never taken by the devices' goroutines
	mic     *stream
	speaker *stream
	closed  bool
	metered bool
	tidy    sync.WaitGroup

	active  atomic.Pointer[Session]
	mixing  atomic.Pointer[Mix] // in place of active
	in, out meter
	chain   atomic.Pointer[voice.Chain]

	talk    sync.Mutex // the microphone's way; held for the length of a frame
	taking  *stream    // whose frames count
	takes   *stream    // and who is about to take over
	old     *voice.Chain
	joining bool // the next frame is the first of another microphone
	spoken  int16
	mine    [Frame]int16
	before  [Frame]int16
	trial   *trial // under talk and sound: it is seen by both

	sound   sync.Mutex // what the loudspeaker's goroutine plays; held for the length of a frame
	filling *stream
	fills   *stream
	entered int // frames since another loudspeaker took over
	playing party
	tone    *TonePlayer
	fading  bool // the tone's last frame is due
	over    *TonePlayer
	ending  bool // and so for the tone over the call
	last    int16
	limiter limiter
	other   [Frame]int16
}

// ErrNoDevice is returned when a device function gave none.
var ErrNoDevice = errors.New("no sound device")

// NewHeadset makes a headset. Each function opens a new stream of its device; the headset starts and closes it.
func NewHeadset(capture func() device.Capture, playback func() device.Playback) *Headset {
	h := &Headset{capture: capture, playback: playback}
	h.in.reset()
	h.out.reset()
	return h
}

// Connect makes s the session that is talked on, in place of any other, without a click; it opens the devices if they
// are closed, and ends a trial of the microphone. When they cannot be opened, s is connected all the same and the next
// Connect tries again.
func (h *Headset) Connect(s *Session) error {
	h.control.Lock()
	defer h.control.Unlock()
	if h.closed {
		return ErrClosed
	}
	h.endTrial(ErrBusy)
	h.mixing.Store(nil)
	h.active.Store(s)
	return h.open()
}

// Disconnect takes s off the headset, if it is on it; the devices close when nothing needs them.
func (h *Headset) Disconnect(s *Session) {
	h.control.Lock()
	defer h.control.Unlock()
	if s != nil && h.active.CompareAndSwap(s, nil) {
		h.closeIdle()
	}
}

// Active is the session that is talked on, or nil.
func (h *Headset) Active() *Session { return h.active.Load() }

// PlayTone plays a tone to the agent, mixed with the session if there is one, until StopTone or the end of its
// repetitions. It replaces a tone that sounds.
func (h *Headset) PlayTone(t Tone) error {
	h.control.Lock()
	defer h.control.Unlock()
	if h.closed {
		return ErrClosed
	}
	h.sound.Lock()
	h.tone, h.fading = NewTonePlayer(t), false
	h.sound.Unlock()
	return h.open()
}

// StopTone ends the tone.
func (h *Headset) StopTone() {
	h.sound.Lock()
	h.fading = h.tone != nil
	h.sound.Unlock()
}

// overLevel is the loudest that a tone over a call may be, in dBFS: below speech.
const overLevel = -20

// PlayOver plays a soft tone over the call, such as CallWaiting, beside PlayTone's; −20 dBFS at most. It replaces a
// tone over the call that sounds. Without a call it is heard alone.
func (h *Headset) PlayOver(t Tone) error {
	if t.Level == 0 || t.Level > overLevel {
		t.Level = overLevel
	}
	h.control.Lock()
	defer h.control.Unlock()
	if h.closed {
		return ErrClosed
	}
	h.sound.Lock()
	h.over, h.ending = NewTonePlayer(t), false
	h.sound.Unlock()
	return h.open()
}

// StopOver ends the tone over the call.
func (h *Headset) StopOver() {
	h.sound.Lock()
	h.ending = h.over != nil
	h.sound.Unlock()
}

// Levels are microphone and loudspeaker in dBFS: 0 for a full-scale sine, −96 for silence. The microphone's is what the
// call gets, after its processing.
func (h *Headset) Levels() (in, out float64) { return round(h.in.value(0)), round(h.out.value(0)) }

// Close disconnects the session, closes the devices and waits.
func (h *Headset) Close() error {
	h.control.Lock()
	h.closed = true
	h.active.Store(nil)
	h.mixing.Store(nil)
	h.endTrial(ErrClosed)
	h.sound.Lock()
	h.tone, h.over = nil, nil
	h.sound.Unlock()
	err := h.shut()
	h.control.Unlock()
	h.tidy.Wait()
	return err
}

// open starts what is not open. control is held.
func (h *Headset) open() error { return errors.Join(h.openMic(), h.openSpeaker()) }

func (h *Headset) openMic() error {
	if h.mic != nil {
		return nil
	}
	if c := h.chain.Load(); c != nil {
		h.talk.Lock()
		c.Reset()
		h.talk.Unlock()
	}
	st, err := h.startMic(&h.taking)
	h.mic = st
	return err
}

func (h *Headset) openSpeaker() error {
	if h.speaker != nil {
		return nil
	}
	st, err := h.startSpeaker(&h.filling)
	h.speaker = st
	return err
}

// startMic opens a microphone whose stream takes the given place. control is held.
func (h *Headset) startMic(place **stream) (*stream, error) {
	m := h.capture()
	if m == nil {
		return nil, fmt.Errorf("microphone: %w", ErrNoDevice)
	}
	st := &stream{device: m, joined: make(chan struct{})}
	h.talk.Lock()
	*place = st
	h.talk.Unlock()
	if err := m.Start(func(frame []int16) { h.take(st, frame) }); err != nil {
		h.talk.Lock()
		*place = nil
		h.talk.Unlock()
		m.Close()
		return nil, fmt.Errorf("microphone: %w", err)
	}
	return st, nil
}

// startSpeaker does so for a loudspeaker.
func (h *Headset) startSpeaker(place **stream) (*stream, error) {
	p := h.playback()
	if p == nil {
		return nil, fmt.Errorf("loudspeaker: %w", ErrNoDevice)
	}
	st := &stream{device: p, joined: make(chan struct{})}
	h.sound.Lock()
	*place = st
	h.sound.Unlock()
	if err := p.Start(func(frame []int16) { h.fill(st, frame) }); err != nil {
		h.sound.Lock()
		*place = nil
		h.sound.Unlock()
		p.Close()
		return nil, fmt.Errorf("loudspeaker: %w", err)
	}
	return st, nil
}

// closeIdle closes the devices when nothing needs them. control is held.
func (h *Headset) closeIdle() {
	h.sound.Lock()
	busy := h.tone != nil || h.over != nil || h.trial != nil
	h.sound.Unlock()
	if !busy && !h.metered && h.party() == nil {
		_ = h.shut() // there is nobody left to hear, and nothing to be done about it
	}
}

func (h *Headset) shut() error {
	var errs []error
	for _, st := range []*stream{h.mic, h.speaker} {
		if st != nil {
			errs = append(errs, st.device.Close())
		}
	}
	h.mic, h.speaker = nil, nil
	h.in.reset()
	h.out.reset()
	h.talk.Lock()
	h.taking, h.takes, h.spoken, h.old = nil, nil, 0, nil
	h.talk.Unlock()
	h.sound.Lock()
	h.playing, h.last, h.limiter, h.filling, h.fills = nil, 0, limiter{}, nil, nil
	h.sound.Unlock()
	return errors.Join(errs...)
}

// tidyUp closes what is not needed any more, from a device's goroutine, which cannot do so itself.
func (h *Headset) tidyUp() {
	h.tidy.Go(func() {
		h.control.Lock()
		defer h.control.Unlock()
		if !h.closed {
			h.closeIdle()
		}
	})
}

// stream is one open device, and its part in taking over from another.
type stream struct {
	device interface {
		Close() error
		Name() text.Text
	}
	joined chan struct{} // closed when its frames count
	waited int           // frames that did not
	last   int16
}

// joinAfter is how many frames a device is waited for that gives no sign of life: 0.2 s.
const joinAfter = 20

// ready tells, once per frame, whether a stream can take over: hardware serves it, or does not come.
func (st *stream) ready() bool {
	st.waited++
	l, ok := st.device.(device.Live)
	return !ok || l.Live() || st.waited > joinAfter
}

// playOut is how long an old loudspeaker is left to play what was written to it.
const playOut = 60 * time.Millisecond
