package media

import (
	"context"
	"errors"
	"time"

	"offhook/internal/text"
	"offhook/media/device"
)

// ErrBusy is returned by Test while a call is on the headset, or when one comes during it.
var ErrBusy = errors.New("the headset is in use")

// Trial is what came of a test of the microphone.
type Trial struct {
	Device text.Text // the microphone that was tried
	Level  float64   // of the loudest half second, dBFS (a full-scale sine is 0)
	Peak   float64   // of the highest sample, dBFS (full scale is 0)
	Noise  float64   // of the quietest tenth of a second, dBFS
	OK     bool
	Words  text.Text // one line: what was found, and what to do about it
}

// MonitorMic opens the microphone without a call, so that Levels shows it, until it is called with false. Nothing is
// sent or kept.
func (h *Headset) MonitorMic(on bool) error {
	h.control.Lock()
	defer h.control.Unlock()
	if h.closed {
		return ErrClosed
	}
	if h.metered = on; !on {
		h.closeIdle()
		return nil
	}
	return h.openMic()
}

// Test records the microphone for d (at most 10 s; 3 s when it is 0), as a call would get it, plays it back to the
// agent and says how it was. It fails with ErrBusy while or as soon as a call is on the headset, with ctx's error, and
// with the devices' errors. The recording stays in memory and is forgotten.
func (h *Headset) Test(ctx context.Context, d time.Duration) (Trial, error) {
	if d <= 0 {
		d = 3 * time.Second
	}
	d = min(max(d, time.Second), 10*time.Second)
	t := &trial{pcm: make([]int16, 0, int(d/frameTime)*Frame),
		full: make(chan struct{}), played: make(chan struct{}), broken: make(chan error, 1)}
	h.control.Lock()
	if err := h.beginTrial(t); err != nil {
		h.control.Unlock()
		return Trial{}, err
	}
	mic := h.mic.device
	h.control.Unlock()
	defer func() {
		h.control.Lock()
		h.endTrial(nil)
		h.closeIdle()
		h.control.Unlock()
	}()
	// Devices that give nothing are ended by the limit.
	limit := time.NewTimer(2*d + 2*time.Second)
	defer limit.Stop()
	for _, done := range []chan struct{}{t.full, t.played} {
		select {
		case <-done:
		case err := <-t.broken:
			return Trial{}, err
		case <-ctx.Done():
			return Trial{}, ctx.Err()
		case <-limit.C:
			return Trial{}, device.ErrSilent
		}
	}
	live, ok := mic.(device.Live)
	return t.judge(mic.Name(), !ok || live.Live()), nil
}

// beginTrial opens the devices for a trial. control is held.
func (h *Headset) beginTrial(t *trial) error {
	switch {
	case h.closed:
		return ErrClosed
	case h.party() != nil || h.trial != nil:
		return ErrBusy
	}
	h.setTrial(t)
	if err := h.open(); err != nil {
		h.setTrial(nil)
		h.closeIdle()
		return err
	}
	return nil
}

// endTrial ends a trial that runs. control is held.
func (h *Headset) endTrial(err error) {
	if t := h.trial; t != nil {
		h.setTrial(nil)
		if err != nil {
			t.broken <- err
		}
	}
}

func (h *Headset) setTrial(t *trial) {
	h.talk.Lock()
	h.sound.Lock()
	h.trial = t
	h.sound.Unlock()
	h.talk.Unlock()
}

// trial is a recording that is played back. record and play belong to the devices' goroutines: play begins when full
// is closed.
type trial struct {
	pcm          []int16
	full, played chan struct{}
	broken       chan error
	at           int
}

func (t *trial) record(frame []int16) {
	if len(t.pcm) == cap(t.pcm) {
		return
	}
	if t.pcm = append(t.pcm, frame...); len(t.pcm) == cap(t.pcm) {
		close(t.full)
	}
}

func (t *trial) play(frame []int16) {
	select {
	case <-t.full:
	default:
		return
	}
	if t.at == len(t.pcm) {
		return
	}
	if t.at += copy(frame, t.pcm[t.at:]); t.at == len(t.pcm) {
		close(t.played)
	}
}

// judge says how a microphone was.
func (t *trial) judge(name text.Text, live bool) Trial {
	r := Trial{Device: name, Level: silence, Peak: silence, Noise: 0}
	const part, gap = Rate / 2, Rate / 10
	for at := part; at+part <= len(t.pcm); at += gap { // the first half second is the devices' own
		r.Level = max(r.Level, Level(t.pcm[at:at+part]))
		r.Noise = min(r.Noise, Level(t.pcm[at:at+gap]))
	}
	for _, s := range t.pcm {
		r.Peak = max(r.Peak, peakOf(s))
	}
	r.Level, r.Peak, r.Noise = round(r.Level), round(r.Peak), round(r.Noise)
	say := func(ok bool, words string) Trial {
		r.OK, r.Words = ok, text.Clean(words)
		return r
	}
	switch {
	case !live:
		return say(false, "No microphone is there: no sound server answers, or nothing is plugged in; calls are silent until it is")
	case r.Peak <= -90:
		return say(false, name.String()+" gives no sound at all: look at its mute switch, or choose another microphone")
	case r.Level < -50:
		return say(false, name.String()+" is hardly heard: speak closer, raise its level, or choose another microphone")
	case r.Peak > -0.5:
		return say(false, name.String()+" is too loud and distorts: lower its level or move it away from the mouth")
	case r.Level-r.Noise < 8 && r.Level < -35:
		return say(false, name.String()+" hears only its surroundings: speak during the test, or choose another microphone")
	case r.Noise > -38:
		return say(true, name.String()+" is heard, but the room is loud: turn on noise suppression or come closer")
	}
	return say(true, name.String()+" is heard well")
}

func peakOf(s int16) float64 { return Level([]int16{s}) - 3.0103 }
