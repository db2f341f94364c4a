package media

import "math"

// Pitch of speech at 16 kHz: 2.5 to 15 ms (400 to 67 Hz).
const (
	minLag = Rate * 5 / 2000
	maxLag = Rate * 15 / 1000
	// pitchWindow is what is compared when looking for the pitch: 10 ms.
	pitchWindow = Frame

	concealHold = Rate * 20 / 1000 // full level
	concealFade = Rate * 60 / 1000 // then linearly to silence
	crossFade   = Rate * 5 / 1000  // back to real sound
	// decoders and resampler need up to 3 ms until what they give is free of what came before the gap.
	crossHold = Rate * 3 / 1000
)

// concealer continues speech where packets are missing, in the manner of G.711 Appendix I: the last pitch period is
// repeated, held for 20 ms and faded out over 60.
type concealer struct {
	active bool
	period [maxLag]float32
	lag    int
	at     int
	n      int     // samples made since the beginning of the gap
	step   float32 // jump from the last real sample to the first repeated one, faded out over 2 ms
}

// begin looks at the sound just before the gap, at least 2·maxLag samples.
func (c *concealer) begin(past []int16) {
	*c = concealer{active: true}
	end := len(past)
	c.lag, _ = pitch(past[end-pitchWindow-maxLag:], maxLag)
	last := past[end-c.lag:]
	for i, s := range last {
		c.period[i] = float32(s)
	}
	// The end of a period flows into its beginning: cross-fade its last quarter with what came before the period.
	q := c.lag / 4
	for i := range q {
		w := float32(i+1) / float32(q+1)
		k := c.lag - q + i
		c.period[k] = c.period[k]*(1-w) + float32(past[end-c.lag-q+i])*w
	}
	c.step = float32(past[end-1]) - float32(past[end-1-c.lag])
}

// audible tells whether the concealment has not yet faded to silence.
func (c *concealer) audible() bool { return c.n < concealHold+concealFade }

// next is one more sample.
func (c *concealer) next() float32 {
	v := c.period[c.at]
	if c.at++; c.at == c.lag {
		c.at = 0
	}
	const smooth = Rate / 500
	if c.n < smooth {
		v += c.step * float32(smooth-c.n) / smooth
	}
	switch {
	case !c.audible():
		v = 0
	case c.n > concealHold:
		v *= float32(concealHold+concealFade-c.n) / concealFade
	}
	c.n++
	return v
}

// fill makes len(dst) samples.
func (c *concealer) fill(dst []int16) {
	for i := range dst {
		dst[i] = clip(c.next())
	}
}

// blend fades from concealment to the real samples in dst and ends the gap.
func (c *concealer) blend(dst []int16) {
	for i := range min(crossHold+crossFade, len(dst)) {
		w := max(0, float32(i+1-crossHold)/(crossFade+1))
		dst[i] = clip(c.next()*(1-w) + float32(dst[i])*w)
	}
	c.active = false
}

// pitch finds the lag from minLag to maxLag at which x[from:] resembles itself best, over pitchWindow samples: x must
// hold from ≥ maxLag samples of past and pitchWindow more. like is the normalised correlation, 1 for periodic sound.
// Every second sample is compared; the two neighbours of the best even lag are tried after.
func pitch(x []int16, from int) (lag int, like float64) {
	cur := x[from : from+pitchWindow]
	score := func(lag int) float64 {
		old := x[from-lag : from-lag+pitchWindow]
		var xy, yy int64
		for i := 0; i < pitchWindow; i += 2 {
			xy += int64(cur[i]) * int64(old[i])
			yy += int64(old[i]) * int64(old[i])
		}
		if xy <= 0 || yy == 0 {
			return 0
		}
		return float64(xy) / math.Sqrt(float64(yy))
	}
	best, at := 0.0, minLag*2
	for lag := minLag; lag <= maxLag; lag += 2 {
		if s := score(lag); s > best {
			best, at = s, lag
		}
	}
	for _, lag := range [2]int{at - 1, at + 1} {
		if lag >= minLag && lag <= maxLag {
			if s := score(lag); s > best {
				best, at = s, lag
			}
		}
	}
	var xx int64
	for i := 0; i < pitchWindow; i += 2 {
		xx += int64(cur[i]) * int64(cur[i])
	}
	if xx == 0 {
		return at, 0
	}
	return at, best / math.Sqrt(float64(xx))
}

func clip(v float32) int16 {
	switch {
	case v >= 32767:
		return 32767
	case v <= -32768:
		return -32768
	case v < 0:
		return int16(v - 0.5)
	}
	return int16(v + 0.5)
}

func sqrt(v float32) float32 { return float32(math.Sqrt(float64(v))) }
