package media

import (
	"math"
	"sync/atomic"
	"time"
)

// silence is the level of nothing, in dBFS: 16 bits hold no more.
const silence = -96.0

// meter holds a level that one goroutine measures and any may read. It falls by 2 dB per frame, so that a display at
// 10 Hz sees each peak.
type meter struct {
	bits atomic.Uint64
	at   atomic.Int64
}

// stale is the age from which a level is of the past: nobody talks or listens on this session now.
const stale = 300 * time.Millisecond

func (m *meter) reset() { m.bits.Store(math.Float64bits(silence)) }

// measure takes a frame of the given time.
func (m *meter) measure(pcm []int16, at time.Duration) {
	m.bits.Store(math.Float64bits(max(Level(pcm), m.value(at)-2, silence)))
	m.at.Store(int64(at))
}

// value is the level at the given time.
func (m *meter) value(at time.Duration) float64 {
	if at-time.Duration(m.at.Load()) > stale {
		return silence
	}
	return math.Float64frombits(m.bits.Load())
}

// Level is the level of pcm in dBFS: 0 for a full-scale sine (AES17), −96 for silence.
func Level(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	if sum == 0 {
		return silence
	}
	return max(silence, 10*math.Log10(2*sum/float64(len(pcm))/32768/32768))
}
