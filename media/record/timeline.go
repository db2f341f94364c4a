package record

import "time"

const (
	gap     = 200 * time.Millisecond // without frames: silence
	late    = 300 * time.Millisecond // from which a channel is not waited for
	settled = 50                     // frames after which a channel's place is known
	smooth  = 256                    // frames over which it is followed: 2.6 s
	pull    = 5 * Rate               // an error is taken out over five seconds
	most    = 0.002                  // of the playing speed: 2000 ppm
	dead    = Rate / 1000            // an error that is left alone
)

// timeline puts the two channels of a call side by side. The clock of the left one, the capture device, is the
// recording's. The right one comes by the loudspeaker's clock, in bursts, and is stretched by a little until it lies
// where it was heard. What does not come is silence. Times are since the start of the recording.
type timeline struct {
	left, right channel
	skew        float64 // samples by which the left clock is ahead of the time
}

// channel is one side.
type channel struct {
	pos   int64   // samples placed
	queue []int16 // placed, not yet taken
	n     int     // frames since the channel began, or began again
	err   float64 // smoothed: samples that it lies behind its place
	drop  int     // samples to be left out

	frac float64 // of stretching: the place of the next sample between hist[1] and hist[2]
	hist [4]float64
}

func at16(t time.Duration) float64 { return float64(t) * Rate / float64(time.Second) }

func (c *channel) silence(n int64) {
	for range n {
		c.queue = append(c.queue, 0)
	}
	c.pos += max(n, 0)
	c.hist, c.frac = [4]float64{}, 0
}

// place measures how far behind its place a frame would lie that ends at want, and fills a gap before it.
func (c *channel) place(want float64) (behind float64) {
	behind = want - float64(c.pos+Frame)
	if c.n == 0 || behind > at16(gap) {
		if behind > 0 {
			c.silence(int64(behind))
		}
		behind = want - float64(c.pos+Frame)
		c.n, c.err, c.drop = 0, 0, 0
	}
	c.n = min(c.n+1, smooth)
	c.err += (behind - c.err) / float64(c.n)
	return behind
}

// sent places a frame of the agent.
func (t *timeline) sent(at time.Duration, pcm []int16) {
	c := &t.left
	c.place(at16(at) + t.skew)
	// the clock of the recording is this channel's: the rest of the world follows
	step := c.err / float64(min(c.n, smooth))
	t.skew -= step
	c.err -= step
	c.queue = append(c.queue, pcm...)
	c.pos += int64(len(pcm))
}

// heard places a frame of the far end.
func (t *timeline) heard(at time.Duration, pcm []int16) {
	c := &t.right
	behind := c.place(at16(at) + t.skew)
	if behind < -2*at16(gap) { // far ahead of the time: a device gone mad
		return
	}
	if c.n == settled && (c.err > 5*dead || c.err < -5*dead) { // now its place is known: go there at once
		if c.err > 0 {
			c.silence(int64(c.err))
		} else {
			c.drop = int(-c.err)
		}
		c.err = 0
	}
	if n := min(c.drop, len(pcm)); n > 0 {
		c.drop -= n
		pcm = pcm[n:]
	}
	speed := 1.0
	if c.n >= settled && (c.err > dead || c.err < -dead) {
		speed = 1 / (1 + max(-most, min(most, c.err/pull)))
	}
	c.stretch(pcm, speed)
}

// stretch appends pcm read at a speed near 1, by cubic interpolation (Hermite); at 1 the samples stay what they are,
// unless a fraction is left over from before.
func (c *channel) stretch(pcm []int16, speed float64) {
	before := len(c.queue)
	for _, s := range pcm {
		c.hist = [4]float64{c.hist[1], c.hist[2], c.hist[3], float64(s)}
		for c.frac < 1 {
			a, b, d, e := c.hist[0], c.hist[1], c.hist[2], c.hist[3]
			x := c.frac
			v := b + 0.5*x*(d-a+x*(2*a-5*b+4*d-e+x*(3*(b-d)+e-a)))
			c.queue = append(c.queue, int16(max(-32768, min(32767, v+0.5-boolean(v < 0)))))
			c.frac += speed
		}
		c.frac--
	}
	c.pos += int64(len(c.queue) - before)
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// advance fills with silence what has not come by now.
func (t *timeline) advance(now time.Duration) {
	for _, c := range []*channel{&t.left, &t.right} {
		if want := at16(now) + t.skew; want-float64(c.pos) > at16(late) {
			c.silence(int64(want - at16(gap) - float64(c.pos)))
			c.n = 0
		}
	}
}

// finish brings both channels to the same length.
func (t *timeline) finish() {
	t.left.silence(max(0, t.right.pos-t.left.pos))
	t.right.silence(max(0, t.left.pos-t.right.pos))
}

// take moves what both channels have to the ends of left and right.
func (t *timeline) take(left, right []int16) ([]int16, []int16) {
	n := min(len(t.left.queue), len(t.right.queue))
	left = append(left, t.left.queue[:n]...)
	right = append(right, t.right.queue[:n]...)
	for _, c := range []*channel{&t.left, &t.right} {
		rest := copy(c.queue, c.queue[n:])
		clear(c.queue[rest:])
		c.queue = c.queue[:rest]
	}
	return left, right
}

// blank makes silence of what waits.
func (t *timeline) blank() {
	for _, c := range []*channel{&t.left, &t.right} {
		clear(c.queue)
		c.hist = [4]float64{}
	}
}
