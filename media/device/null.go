package device

import (
	"math"
	"strconv"

	"offhook/internal/text"
)

// source is a Capture without hardware: fill makes each frame, at the null clock.
type source struct {
	*clock
	name text.Text
	fill func(frame []int16)
	null bool // there is nothing behind it
}

func newNullCapture() *source {
	return &source{clock: newClock(), null: true, name: text.Clean("no microphone"), fill: func(frame []int16) { clear(frame) }}
}

// newToneCapture is a sine of hz, 12 dB below full scale: loud enough to be found, not so loud that it clips.
func newToneCapture(hz float64) *source {
	n := 0
	return &source{
		clock: newClock(),
		name:  text.Clean("tone of " + strconv.FormatFloat(hz, 'f', -1, 64) + " Hz"),
		fill: func(frame []int16) {
			for i := range frame {
				frame[i] = int16(math.Round(8192 * math.Sin(2*math.Pi*hz*float64(n)/Rate)))
				n++
			}
		},
	}
}

func (s *source) Start(sink func(frame []int16)) error {
	frame := make([]int16, Frame)
	return s.start(func() {
		s.fill(frame)
		sink(frame)
	})
}

func (s *source) Close() error {
	s.close()
	return nil
}

func (s *source) Name() text.Text { return s.name }

// drain is the Playback of the null device: it takes frames at the null clock and drops them.
type drain struct{ *clock }

func newNullPlayback() *drain { return &drain{newClock()} }

func (d *drain) Start(fill func(frame []int16)) error {
	frame := make([]int16, Frame)
	return d.start(func() { fill(frame) })
}

func (d *drain) Close() error {
	d.close()
	return nil
}

func (d *drain) Name() text.Text { return text.Clean("no speaker") }
