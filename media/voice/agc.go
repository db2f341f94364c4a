package voice

import (
	"math"
	"sync/atomic"
)

const (
	defaultTarget = -22.0 // dBFS
	gainMost      = 18.0  // dB: a microphone that is quieter is broken or far away
	gainLeast     = -15.0
	riseSpeed     = 0.03 // dB per frame: 3 dB/s up
	fallSpeed     = 0.25 // dB per frame: 25 dB/s down
	talking       = 0.6  // speech probability from which the level counts
	crest         = 2.0  // dB by which the level learnt lies above the mean of speech
	roomLoudest   = -48.0
	ceiling       = 23197 // −3 dBFS
	release       = 1.03  // of the limiter, per frame: 6 dB in a quarter of a second
	attack        = Rate / 2000
)

// agc brings speech to a level: slowly up, fast down, and never moved by what is not speech. The room's own noise is
// not lifted above roomLoudest for it.
type agc struct {
	target float64
	level  float64 // of the speech, dBFS
	known  int     // frames of speech that level stands on
	gain   float64 // dB
	now    float32 // linear, at the end of the last frame
	limit  float32
}

func (a *agc) reset(target float64) {
	if target == 0 {
		target = defaultTarget
	}
	*a = agc{target: target, now: 1, limit: 1}
}

func (a *agc) process(frame []int16, speech, room float64) {
	sum, peak := float32(0), float32(0)
	for _, s := range frame {
		x := float32(s)
		sum += x * x
		peak = max(peak, x, -x)
	}
	level := dB(sum)
	if speech >= talking && level > -60 {
		a.learn(level)
	}
	if a.known > 0 && speech >= talking {
		want, fall := max(gainLeast, min(gainMost, a.target+crest-a.level)), fallSpeed
		if most := max(0, roomLoudest-room); want > most {
			want, fall = most, riseSpeed
		}
		// nobody's level is known after half a word
		if a.known >= 10 || want < a.gain {
			a.gain += max(-fall, min(riseSpeed, want-a.gain))
		}
	}
	to := float32(math.Pow(10, a.gain/20))
	from := a.now
	a.now = to
	// the limiter: down within half a millisecond, up slowly
	want := float32(1)
	if high := peak * max(from, to); high > ceiling {
		want = ceiling / high
	}
	was := a.limit
	a.limit = min(want, was*release, 1)
	if from == 1 && to == 1 && was == 1 && a.limit == 1 {
		return
	}
	n := Frame
	if a.limit < was {
		n = attack
	}
	for i, s := range frame {
		g := from + (to-from)*float32(i+1)/Frame
		l := a.limit
		if i < n {
			l = was + (a.limit-was)*float32(i+1)/float32(n)
		}
		frame[i] = clip(max(-ceiling, min(ceiling, float32(s)*g*l)))
	}
}

// learn follows the level of speech: louder within a syllable, quieter within seconds, so that the gaps between words
// do not count as quiet speech.
func (a *agc) learn(level float64) {
	if a.known == 0 {
		a.level = level
	}
	a.known = min(a.known+1, 1000)
	if level > a.level {
		a.level += (level - a.level) * 0.1
	} else {
		a.level += (level - a.level) * 0.008
	}
}

// dB is the level of a frame whose squares add up to sum, 0 for a full-scale sine.
func dB(sum float32) float64 {
	if sum <= 0 {
		return -96
	}
	return max(-96, 10*math.Log10(2*float64(sum)/Frame/32768/32768))
}

const (
	duckBy    = 0.063 // 24 dB
	duckAbove = 2e4   // mean square of the far end's speech: −44 dBFS
	duckHold  = 25    // frames: a quarter of a second, the loudspeaker's way through the room included
	duckDown  = 0.7   // per frame: there within 40 ms
	duckUp    = 1.15  // back within 0.2 s
)

// ducker turns the microphone down while the far end talks.
type ducker struct {
	hold atomic.Int32
	gain float32
}

func (d *ducker) reset() {
	d.hold.Store(0)
	d.gain = 1
}

func (d *ducker) heard(frame []int16) {
	sum := 0
	for _, s := range frame {
		sum += int(s) * int(s)
	}
	if sum > duckAbove*len(frame) {
		d.hold.Store(duckHold)
	}
}

func (d *ducker) process(frame []int16) {
	from := d.gain
	if n := d.hold.Load(); n > 0 {
		d.hold.CompareAndSwap(n, n-1)
		d.gain = max(duckBy, from*duckDown)
	} else {
		d.gain = min(1, from*duckUp)
	}
	if from == 1 && d.gain == 1 {
		return
	}
	for i, s := range frame {
		frame[i] = clip(float32(s) * (from + (d.gain-from)*float32(i+1)/Frame))
	}
}
