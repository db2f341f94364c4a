// Package resample changes the sample rate of speech: a polyphase FIR with a Kaiser window. One Resampler serves one
// stream and keeps its filter history between blocks, so blocks of any length join without a click. It never allocates
// after New when dst has room, and it knows nothing of files, devices or codecs.
package resample

import "math"

const (
	// taps of the filter per sample of the slower of both rates: 2 ms of delay at 8 kHz.
	zeroTaps = 32
	// maxPhases bounds the table for odd ratios (11,025 → 16,000 needs 640); beyond it the nearest phase is used.
	maxPhases = 1024
	// beta 7 puts images and aliases about 70 dB down; cutoff leaves the telephone band to 3.4 kHz whole at 8 kHz.
	beta   = 7.0
	cutoff = 0.46
	// block is how many input samples are filtered at a time.
	block = 512
)

// Resampler converts one mono stream from one rate to another. Not for use by two goroutines at once.
type Resampler struct {
	in, out int // the reduced ratio: out samples for every in samples
	taps    int // filter length in input samples
	phases  int
	coef    []float32 // phases × taps, each phase stored in the order of the samples it meets
	buf     []float32 // history of taps-1 samples, then the block
	fill    int       // samples in buf
	pos     int       // next output's first input sample in buf
	frac    int       // and its fraction, in units of 1/out
}

// New makes a resampler from rate in to rate out, both in Hz and positive. Equal rates copy.
func New(in, out int) *Resampler {
	g := gcd(in, out)
	r := &Resampler{in: in / g, out: out / g}
	if r.in == r.out {
		return r
	}
	r.taps = zeroTaps
	scale := 1.0 // the cut-off in cycles per input sample, relative to the slower rate
	if in > out {
		r.taps = (zeroTaps*in + out - 1) / out
		r.taps += r.taps & 1
		scale = float64(out) / float64(in)
	}
	r.phases = min(r.out, maxPhases)
	r.coef = make([]float32, r.phases*r.taps)
	fc := cutoff * scale
	half := float64(r.taps) / 2
	norm := bessel(beta)
	for p := range r.phases {
		row := r.coef[p*r.taps : (p+1)*r.taps]
		shift := float64(p) / float64(r.phases)
		sum := 0.0
		for k := range row {
			// distance of the input sample from the output instant, which lies half a filter after the first tap
			x := float64(k) - (half - 1) - shift
			w := 0.0
			if a := x / half; a > -1 && a < 1 {
				w = bessel(beta*math.Sqrt(1-a*a)) / norm
			}
			row[k] = float32(2 * fc * sinc(2*fc*x) * w)
			sum += float64(row[k])
		}
		for k := range row { // unity gain at 0 Hz in every phase, else the phases would hum against each other
			row[k] = float32(float64(row[k]) / sum)
		}
	}
	r.buf = make([]float32, r.taps-1+block)
	r.Reset()
	return r
}

// Reset forgets the history: the next block starts from silence.
func (r *Resampler) Reset() {
	if r.taps == 0 {
		return
	}
	clear(r.buf)
	r.fill, r.pos, r.frac = r.taps-1, 0, 0
}

// Delay is the filter's delay in input samples.
func (r *Resampler) Delay() int { return r.taps / 2 }

// Process filters src and appends the result to dst, which it returns. Over time exactly len(src)·out/in samples come
// out, the fraction being carried to the next block.
func (r *Resampler) Process(dst, src []int16) []int16 {
	if r.taps == 0 {
		return append(dst, src...)
	}
	for len(src) > 0 {
		n := min(len(src), len(r.buf)-r.fill)
		for i, s := range src[:n] {
			r.buf[r.fill+i] = float32(s)
		}
		r.fill += n
		src = src[n:]
		dst = r.drain(dst)
	}
	return dst
}

func (r *Resampler) drain(dst []int16) []int16 {
	for r.pos+r.taps <= r.fill {
		p := r.frac
		if r.phases != r.out {
			p = r.frac * r.phases / r.out
		}
		row := r.coef[p*r.taps : (p+1)*r.taps]
		win := r.buf[r.pos : r.pos+r.taps]
		var a, b, c, d float32
		for k := 0; k+3 < len(row) && k+3 < len(win); k += 4 {
			a += row[k] * win[k]
			b += row[k+1] * win[k+1]
			c += row[k+2] * win[k+2]
			d += row[k+3] * win[k+3]
		}
		for k := len(row) &^ 3; k < len(row); k++ {
			a += row[k] * win[k]
		}
		dst = append(dst, saturate(a+b+c+d))
		r.frac += r.in
		r.pos += r.frac / r.out
		r.frac %= r.out
	}
	// A large ratio may step past what has come: keep the rest of the step in pos.
	drop := min(r.pos, r.fill)
	copy(r.buf, r.buf[drop:r.fill])
	r.fill -= drop
	r.pos -= drop
	return dst
}

// Convert resamples a whole recording, with the filter's delay taken out.
func Convert(pcm []int16, in, out int) []int16 {
	if in == out || len(pcm) == 0 {
		return append([]int16(nil), pcm...)
	}
	r := New(in, out)
	want := (len(pcm)*r.out + r.in - 1) / r.in
	skip := r.Delay() * r.out / r.in
	dst := r.Process(make([]int16, 0, want+skip+r.taps+1), pcm)
	pad := make([]int16, 64)
	for len(dst) < want+skip {
		dst = r.Process(dst, pad)
	}
	return dst[skip : skip+want]
}

func saturate(x float32) int16 {
	switch {
	case x >= 32767:
		return 32767
	case x <= -32768:
		return -32768
	case x < 0:
		return int16(x - 0.5)
	}
	return int16(x + 0.5)
}

func sinc(x float64) float64 {
	if math.Abs(x) < 1e-9 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel is I0, the modified Bessel function of the Kaiser window.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1; k < 50; k++ {
		term *= x / 2 / float64(k)
		sum += term * term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
