package media

import (
	"math"

	"offhook/media/resample"
)

// comfortNoise renders RFC 3389: the far end sends the level, and perhaps the colour, of its background noise in place
// of the noise itself. It is made at 8 kHz, where the far end's filter was measured.
type comfortNoise struct {
	active bool
	rms    float64
	k      [10]float64 // reflection coefficients
	order  int
	b      [11]float64 // state of the lattice
	seed   uint32
	up     *resample.Resampler
	low    [Frame]int16
}

// loudestNoise bounds what a payload may ask for, in −dBov: background noise is quiet, and 0 would be a weapon.
const loudestNoise = 30

// set takes a payload: one octet of level, then one per reflection coefficient (RFC 3389 §3).
func (c *comfortNoise) set(payload []byte) {
	if len(payload) == 0 {
		return
	}
	c.active = true
	level := max(float64(payload[0]&0x7f), loudestNoise)
	gain := 1.0
	c.order = min(len(payload)-1, len(c.k))
	for i := range c.order {
		// kept inside the unit circle with a margin, or the filter would ring
		c.k[i] = max(-0.98, min(0.98, (float64(payload[i+1])-127)/128))
		gain *= 1 - c.k[i]*c.k[i]
	}
	c.rms = 32768 * math.Pow(10, -level/20) * math.Sqrt(gain)
}

// append makes n samples at 16 kHz, n even and at most 2·Frame, behind dst.
func (c *comfortNoise) append(dst []int16, n int) []int16 {
	low := c.low[:n/2]
	for i := range low {
		// uniform noise with the right energy: √3 · rms · (−1…1)
		c.seed = c.seed*1664525 + 1013904223
		f := c.rms * 1.7320508 * (float64(int32(c.seed)) / (1 << 31))
		for m := c.order; m > 0; m-- {
			f -= c.k[m-1] * c.b[m-1]
			c.b[m] = c.b[m-1] + c.k[m-1]*f
		}
		c.b[0] = f
		low[i] = clip(float32(f))
	}
	return c.up.Process(dst, low)
}
