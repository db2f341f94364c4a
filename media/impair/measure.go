package impair

import (
	"math"
	"math/cmplx"
)

// Rate is the sampling rate that the measures below expect.
const Rate = 16000

// Chirp is 25 ms that rise from 600 to 3000 Hz: a sound that is found again to the sample behind any codec.
func Chirp() []int16 {
	const n = Rate * 25 / 1000
	out := make([]int16, n)
	phase := 0.0
	for i := range out {
		phase += 2 * math.Pi * (600 + 2400*float64(i)/n) / Rate
		out[i] = int16(12000 * math.Sin(phase) * math.Sin(math.Pi*float64(i)/n))
	}
	return out
}

// Find looks for what in where, at offsets from low to high, and returns the best and its normalised correlation, −1
// to 1.
func Find(what, where []int16, low, high int) (at int, like float64) {
	like = -1
	xx := 0.0
	for _, v := range what {
		xx += float64(v) * float64(v)
	}
	for o := max(low, 0); o <= min(high, len(where)-len(what)); o++ {
		var xy, yy float64
		for i, v := range what {
			w := float64(where[o+i])
			xy, yy = xy+float64(v)*w, yy+w*w
		}
		if c := xy / math.Sqrt(xx*yy+1); c > like {
			at, like = o, c
		}
	}
	return at, like
}

// Quality compares what was heard with what was said, piece by piece, each aligned for itself, as stretching moves them.
type Quality struct {
	SegSNR float64 // segmental signal-to-noise ratio, dB, each frame −10 to 35
	FwSNR  float64 // the same by frequency bands, weighted by what is said in them: closer to the ear
	LSD    float64 // log-spectral distance, dB; 0 is the same sound, 10 another one
	Gaps   float64 // percent of the frames with speech in which hardly anything was heard
}

const (
	piece  = Rate / 2 // aligned as one
	window = 512      // 32 ms
	hop    = 256
	talk   = 200 // least root mean square of a frame with speech
)

// Compare measures heard against said; heard is late by low to high samples.
func Compare(said, heard []int16, low, high int) Quality {
	var q Quality
	frames, gaps := 0.0, 0.0
	for from := 0; from+piece <= len(said) && from+piece+high <= len(heard); from += piece {
		part := said[from : from+piece]
		if rms(part) < talk {
			continue
		}
		at := align(part, heard, from+low, from+high)
		for o := 0; o+window <= piece; o += hop {
			x, y := part[o:o+window], heard[at+o:at+o+window]
			if rms(x) < talk {
				continue
			}
			frames++
			if rms(y) < rms(x)/10 {
				gaps++
			}
			q.SegSNR += snr(x, y)
			fw, lsd := spectral(x, y)
			q.FwSNR += fw
			q.LSD += lsd
		}
	}
	if frames == 0 {
		return Quality{Gaps: 100}
	}
	return Quality{q.SegSNR / frames, q.FwSNR / frames, q.LSD / frames, 100 * gaps / frames}
}

// align finds part in heard: coarsely on every fourth sample, where speech has its strength, then exactly.
func align(part, heard []int16, low, high int) int {
	best, like := low, math.Inf(-1)
	for o := low; o <= min(high, len(heard)-len(part)); o += 4 {
		var xy, yy float64
		for i := 0; i < len(part); i += 4 {
			w := float64(heard[o+i])
			xy, yy = xy+float64(part[i])*w, yy+w*w
		}
		if c := xy / math.Sqrt(yy+1); c > like {
			best, like = o, c
		}
	}
	at, _ := Find(part, heard, best-4, min(best+4, len(heard)-len(part)))
	return at
}

func rms(x []int16) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(max(len(x), 1)))
}

func snr(x, y []int16) float64 {
	var signal, noise float64
	for i, v := range x {
		d := float64(v) - float64(y[i])
		signal, noise = signal+float64(v)*float64(v), noise+d*d
	}
	return max(-10, min(35, 10*math.Log10((signal+1)/(noise+1))))
}

// bands are 23 of equal width on the ear's scale from 100 to 3700 Hz, which every codec carries.
var bands = func() (edges [24]int) {
	bark := func(hz float64) float64 { return 2595 * math.Log10(1+hz/700) }
	for i := range edges {
		m := bark(100) + (bark(3700)-bark(100))*float64(i)/23
		edges[i] = int(math.Round(700 * (math.Pow(10, m/2595) - 1) * window / Rate))
	}
	for i := 1; i < len(edges); i++ {
		edges[i] = max(edges[i], edges[i-1]+1)
	}
	return edges
}()

// spectral is the frequency-weighted ratio and the log-spectral distance of one frame. Both compare magnitudes only:
// what codecs do to phases is not heard.
func spectral(x, y []int16) (fw, lsd float64) {
	a, b := spectrum(x), spectrum(y)
	weights := 0.0
	for k := range len(bands) - 1 {
		var p, q float64
		for i := bands[k]; i < bands[k+1]; i++ {
			p, q = p+a[i], q+b[i]
		}
		n := float64(bands[k+1] - bands[k])
		p, q = math.Sqrt(p/n)+1, math.Sqrt(q/n)+1
		w := math.Pow(p, 0.2)
		d := (p - q) * (p - q)
		fw += w * max(-10, min(35, 10*math.Log10(p*p/(d+1e-9))))
		weights += w
		l := 20 * math.Log10(max(p, 30)/max(q, 30)) // what lies below is not heard
		lsd += l * l
	}
	return fw / weights, math.Sqrt(lsd / float64(len(bands)-1))
}

// spectrum is the power of the first half of a frame's spectrum.
func spectrum(x []int16) (p [window / 2]float64) {
	var f [window]complex128
	for i, v := range x {
		f[i] = complex(float64(v)*(0.5-0.5*math.Cos(2*math.Pi*float64(i)/window))/math.Sqrt(window), 0)
	}
	transform(f[:])
	for i := range p {
		p[i] = real(f[i])*real(f[i]) + imag(f[i])*imag(f[i])
	}
	return p
}

// transform is the fast Fourier transform, in place; the length is a power of two.
func transform(f []complex128) {
	for i, j := 1, 0; i < len(f); i++ {
		bit := len(f) >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		if j ^= bit; i < j {
			f[i], f[j] = f[j], f[i]
		}
	}
	for n := 2; n <= len(f); n <<= 1 {
		step := cmplx.Exp(complex(0, -2*math.Pi/float64(n)))
		for s := 0; s < len(f); s += n {
			w := complex(1, 0)
			for k := range n / 2 {
				a, b := f[s+k], f[s+k+n/2]*w
				f[s+k], f[s+k+n/2] = a+b, a-b
				w *= step
			}
		}
	}
}
