// Package voice makes the microphone of an agent fit for a customer's ear: a high-pass, a suppressor of steady noise, an
// automatic gain with limiter, and half-duplex ducking for those who sit before a loudspeaker. It works on frames of
// 10 ms at 16 kHz, adds 10 ms of delay when the suppressor is on and none otherwise, and allocates nothing after New.
// It knows nothing of devices and calls, cancels no echo, and ships no neural weights: babble and the clatter of keys
// stay nearly as they were.
package voice

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Rate and Frame are the one format of this package: 16,000 samples per second, 160 samples per frame of 10 ms.
const (
	Rate  = 16000
	Frame = Rate / 100
)

// Level is how much noise is taken away.
type Level string

// Levels of suppression. High takes 13 to 16 dB of steady noise where nobody speaks, Low half as much.
const (
	Off  Level = "off"
	Low  Level = "low"
	High Level = "high"
)

// Settings of the microphone. The zero value changes no bit of the sound.
type Settings struct {
	HighPass bool    // takes rumble and mains hum below 100 Hz
	Suppress Level   // "" is Off
	AGC      bool    // brings speech to Target and limits peaks to −3 dBFS
	Target   float64 // dBFS of speech (0 is a full-scale sine); 0 means −22
	// Speaker is for people without a headset: the microphone is turned down by 24 dB while the far end talks. It is no
	// echo canceller: both cannot be heard at once.
	Speaker bool
	// Module replaces the own suppressor when it is set and Suppress is not Off. It belongs to the chain alone.
	Module Suppressor
}

// Suppressor takes noise out of a stream of frames. The own one is Spectral; a module of the user's may take its place.
type Suppressor interface {
	// Suppress changes one frame of Frame samples in place, within much less than 10 ms and without blocking, and
	// returns how likely it holds speech, 0 to 1. The sound may come out later by Latency.
	Suppress(frame []int16) (speech float64)
	Latency() time.Duration
	Reset() // forget the past: another stream begins
}

// ErrSettings is wrapped by New for settings that cannot be used.
var ErrSettings = errors.New("microphone processing cannot be set up so")

// Check reports what is wrong with settings, in one line.
func (s Settings) Check() error {
	switch s.Suppress {
	case "", Off, Low, High:
	default:
		return fmt.Errorf("%w: noise suppression %q is none of off, low, high", ErrSettings, string(s.Suppress))
	}
	if s.Target != 0 && !(s.Target >= -40 && s.Target <= -10) {
		return fmt.Errorf("%w: the target level must lie from -40 to -10 dBFS", ErrSettings)
	}
	return nil
}

// idle tells that the settings change nothing.
func (s Settings) idle() bool {
	return !s.HighPass && (s.Suppress == "" || s.Suppress == Off) && !s.AGC && !s.Speaker
}

// Chain is the microphone's way from device to call: high-pass, suppressor, gain and limiter, ducking. Process and Reset
// belong to one goroutine; Heard and Speech may be called from any other.
type Chain struct {
	set    Settings
	high   biquad
	noise  Suppressor
	listen *Spectral // when nothing is suppressed, the gain must still know speech from noise
	gain   agc
	duck   ducker
	speech atomic.Uint32 // thousandths
}

// New makes a chain. The error wraps ErrSettings.
func New(s Settings) (*Chain, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	c := &Chain{set: s}
	switch {
	case s.Suppress == Low || s.Suppress == High:
		if c.noise = s.Module; c.noise == nil {
			c.noise = NewSpectral(s.Suppress)
		}
	case s.AGC:
		c.listen = NewSpectral(Off)
	}
	c.Reset()
	return c, nil
}

// Process changes one frame of Frame samples in place; other lengths are left alone.
func (c *Chain) Process(frame []int16) {
	if len(frame) != Frame || c.set.idle() {
		return
	}
	if c.set.HighPass {
		c.high.process(frame)
	}
	p := 1.0
	switch {
	case c.noise != nil:
		p = c.noise.Suppress(frame)
	case c.listen != nil:
		p = c.listen.Suppress(frame)
	}
	c.speech.Store(uint32(1000 * max(0, min(1, p))))
	if c.set.AGC {
		room := -96.0
		if s := c.spectral(); s != nil {
			room = s.floor()
		}
		c.gain.process(frame, p, room)
	}
	if c.set.Speaker {
		c.duck.process(frame)
	}
}

// Heard tells what the loudspeaker plays now, for ducking. Any one goroutine.
func (c *Chain) Heard(frame []int16) {
	if c.set.Speaker {
		c.duck.heard(frame)
	}
}

// Speech is how likely the last frame held speech, 0 to 1; 1 when nothing listens for it. Any goroutine.
func (c *Chain) Speech() float64 { return float64(c.speech.Load()) / 1000 }

// Latency is how much later the sound leaves than it came: 10 ms with the own suppressor.
func (c *Chain) Latency() time.Duration {
	if c.noise != nil {
		return c.noise.Latency()
	}
	return 0
}

// Settings are those that the chain was made with.
func (c *Chain) Settings() Settings { return c.set }

// Reset forgets the past: another microphone, or a new call.
func (c *Chain) Reset() {
	c.high = highPass(cutoff)
	if c.noise != nil {
		c.noise.Reset()
	}
	if c.listen != nil {
		c.listen.Reset()
	}
	c.gain.reset(c.set.Target)
	c.duck.reset()
	c.speech.Store(1000)
}

func (c *Chain) spectral() *Spectral {
	if c.listen != nil {
		return c.listen
	}
	s, _ := c.noise.(*Spectral)
	return s
}
