package media

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"offhook/media/device"
)

// Headset joins microphone and loudspeaker with the session that is talked on, and sounds tones to the agent. The
// devices are open while a session is connected or a tone sounds. All methods may be called from any goroutine except
// the devices' own.
type Headset struct {
	capture  func() device.Capture
	playback func() device.Playback

	control sync.Mutex // opening and closing; never taken by the devices' goroutines
	mic     device.Capture
	speaker device.Playback
	closed  bool
	tidy    sync.WaitGroup

	active  atomic.Pointer[Session]
	in, out meter

	sound   sync.Mutex // what the loudspeaker's goroutine plays; held for the length of a frame
	playing *Session
	tone    *TonePlayer
	fading  bool // the tone's last frame is due
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
// are closed. When they cannot be opened, s is connected all the same and the next Connect tries again.
func (h *Headset) Connect(s *Session) error {
	h.control.Lock()
	defer h.control.Unlock()
	if h.closed {
		return ErrClosed
	}
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

// Levels are microphone and loudspeaker in dBFS: 0 for a full-scale sine, −96 for silence.
func (h *Headset) Levels() (in, out float64) { return round(h.in.value(0)), round(h.out.value(0)) }

// Close disconnects the session, closes the devices and waits.
func (h *Headset) Close() error {
	h.control.Lock()
	h.closed = true
	h.active.Store(nil)
	h.sound.Lock()
	h.tone = nil
	h.sound.Unlock()
	err := h.shut()
	h.control.Unlock()
	h.tidy.Wait()
	return err
}

// open starts what is not open. control is held.
func (h *Headset) open() error {
	var errs []error
	if h.mic == nil {
		if m := h.capture(); m == nil {
			errs = append(errs, fmt.Errorf("microphone: %w", ErrNoDevice))
		} else if err := m.Start(h.take); err != nil {
			m.Close()
			errs = append(errs, fmt.Errorf("microphone: %w", err))
		} else {
			h.mic = m
		}
	}
	if h.speaker == nil {
		if p := h.playback(); p == nil {
			errs = append(errs, fmt.Errorf("loudspeaker: %w", ErrNoDevice))
		} else if err := p.Start(h.fill); err != nil {
			p.Close()
			errs = append(errs, fmt.Errorf("loudspeaker: %w", err))
		} else {
			h.speaker = p
		}
	}
	return errors.Join(errs...)
}

// closeIdle closes the devices when neither session nor tone needs them. control is held.
func (h *Headset) closeIdle() {
	h.sound.Lock()
	busy := h.tone != nil
	h.sound.Unlock()
	if !busy && h.active.Load() == nil {
		_ = h.shut() // there is nobody left to hear, and nothing to be done about it
	}
}

func (h *Headset) shut() error {
	var errs []error
	if h.mic != nil {
		errs = append(errs, h.mic.Close())
	}
	if h.speaker != nil {
		errs = append(errs, h.speaker.Close())
	}
	h.mic, h.speaker = nil, nil
	h.in.reset()
	h.out.reset()
	h.sound.Lock()
	h.playing, h.last, h.limiter = nil, 0, limiter{}
	h.sound.Unlock()
	return errors.Join(errs...)
}

// take is called by the microphone, the clock of the call.
func (h *Headset) take(frame []int16) {
	h.in.measure(frame, 0)
	if s := h.active.Load(); s != nil {
		s.WriteFrame(frame)
	}
}

// fill is called by the loudspeaker.
func (h *Headset) fill(frame []int16) {
	h.sound.Lock()
	defer h.sound.Unlock()
	if len(frame) != Frame {
		clear(frame)
		return
	}
	s := h.active.Load()
	if s != nil {
		s.ReadFrame(frame)
	} else {
		clear(frame)
	}
	if s != h.playing {
		h.fade(frame)
		h.playing = s
	}
	if h.tone != nil {
		h.mixTone(frame)
	}
	h.limiter.process(frame)
	h.last = frame[Frame-1]
	h.out.measure(frame, 0)
}

// fade goes from the session played before to what is in frame. A session that has been closed says nothing any more:
// then only its last sample is led to zero.
func (h *Headset) fade(frame []int16) {
	old := h.other[:]
	clear(old)
	if h.playing != nil {
		h.playing.ReadFrame(old)
	}
	if energy(old) == 0 {
		const short = Frame / 4
		for i := range short {
			old[i] = mix(h.last, 0, i+1, short)
		}
	}
	for i := range frame {
		frame[i] = clip(float32(old[i])*float32(Frame-i)/Frame + float32(frame[i])*float32(i)/Frame)
	}
}

// mixTone adds the tone's next frame, and ends it when it is over.
func (h *Headset) mixTone(frame []int16) {
	clear(h.other[:])
	more := h.tone.Mix(h.other[:])
	for i, v := range h.other {
		if h.fading {
			v = mix(v, 0, i, Frame)
		}
		frame[i] = clip(float32(frame[i]) + float32(v))
	}
	if more && !h.fading {
		return
	}
	h.tone, h.fading = nil, false
	// The devices cannot be closed from their own goroutine.
	h.tidy.Go(func() {
		h.control.Lock()
		defer h.control.Unlock()
		if !h.closed {
			h.closeIdle()
		}
	})
}
