package voice

import (
	"math"
	"time"
)

// Spectral is the own suppressor of steady noise. Noise is tracked by the speech presence probability of each bin
// (Gerkmann and Hendriks, IEEE TASLP 20(4), 2012); the gain is the log-spectral amplitude estimator of Ephraim and
// Malah (IEEE ASSP-33(2), 1985) with the decision-directed a priori SNR of 1984, refined in a second step (Plapous et al., IEEE
// TASLP 14(6), 2006) so that the beginnings of words are not late. Windows of 20 ms overlap by half: the
// sound comes 10 ms later. Not for use by two goroutines at once.
type Spectral struct {
	least float32 // the gain never falls below it; 1 changes nothing
	apply bool
	fft   *fft

	window [2 * Frame]float32
	past   [Frame]float32 // of the input
	tail   [Frame]float32 // of the output
	time   [size]float32
	spec   [bins]complex64

	noise    [bins]float32 // power
	presence [bins]float32 // smoothed probability of speech
	clean    [bins]float32 // power of the last estimate of speech
	gains    [bins]float32
	frames   int
	speech   float64
	quiet    float32 // noise power per frame, smoothed
}

const (
	priorSNR   = 31.62 // 15 dB, what speech has where it is present
	smoothPSD  = 0.8
	smoothSPP  = 0.9
	directed   = 0.9
	leastSNR   = 0.01 // −20 dB
	startUp    = 12   // frames from which the noise is first measured
	floorPower = 30.0 // of a bin, well below one step of 16 bits
	// the band in which speech is looked for: 200 to 4,000 Hz
	speechFrom = 200 * size / Rate
	speechTo   = 4000 * size / Rate
)

// NewSpectral makes a suppressor. Off only listens for speech, and delays nothing.
func NewSpectral(level Level) *Spectral {
	s := &Spectral{fft: newFFT(), apply: level == Low || level == High}
	switch level {
	case Low:
		s.least = 0.4 // −8 dB
	case High:
		s.least = 0.17 // −15.4 dB
	default:
		s.least = 1
	}
	for i := range s.window { // a sine window twice gives Hann, which adds up to one
		s.window[i] = float32(math.Sin(math.Pi * (float64(i) + 0.5) / (2 * Frame)))
	}
	s.Reset()
	return s
}

// Reset forgets noise and sound.
func (s *Spectral) Reset() {
	clear(s.past[:])
	clear(s.tail[:])
	clear(s.clean[:])
	clear(s.noise[:])
	clear(s.presence[:])
	for i := range s.gains {
		s.gains[i] = 1
	}
	s.frames, s.speech, s.quiet = 0, 0, 0
}

// Latency is 10 ms, and nothing for a Spectral that only listens.
func (s *Spectral) Latency() time.Duration {
	if !s.apply {
		return 0
	}
	return 10 * time.Millisecond
}

// Suppress takes noise out of a frame, which comes out 10 ms later, and returns the probability of speech.
func (s *Spectral) Suppress(frame []int16) float64 {
	if len(frame) != Frame {
		return 0
	}
	for i := range Frame {
		x := float32(frame[i])
		s.time[i] = s.past[i] * s.window[i]
		s.time[Frame+i] = x * s.window[Frame+i]
		s.past[i] = x
	}
	clear(s.time[2*Frame:])
	s.fft.forward(&s.time, &s.spec)
	s.estimate()
	if !s.apply {
		return s.speech
	}
	for k, g := range s.gains {
		s.spec[k] = complex(real(s.spec[k])*g, imag(s.spec[k])*g)
	}
	s.fft.inverse(&s.spec, &s.time)
	for i := range Frame {
		frame[i] = clip(s.tail[i] + s.time[i]*s.window[i])
		s.tail[i] = s.time[Frame+i] * s.window[Frame+i]
	}
	return s.speech
}

// estimate updates noise, speech and gains from the spectrum.
func (s *Spectral) estimate() {
	evidence := float32(0)
	var total float32
	s.frames = min(s.frames+1, 1<<30)
	first := s.frames <= startUp
	for k := range s.noise {
		re, im := real(s.spec[k]), imag(s.spec[k])
		power := re*re + im*im
		if first {
			// the least of the first 100 ms is no speech, or little of it
			s.begin(k, power)
		} else {
			s.track(k, power)
		}
		n := max(s.noise[k], floorPower)
		gamma := min(power/n, 1000)
		xi := max(leastSNR, directed*s.clean[k]/n+(1-directed)*max(gamma-1, 0))
		ratio := xi / (1 + xi)
		v := ratio * gamma
		if k >= speechFrom && k < speechTo {
			evidence += v - logOnePlus(xi)
		}
		g := ratio * expIntegral(v)
		g = min(1, g)
		// the second step: the estimate just made stands for the speech of this frame, not of the one before
		ratio = max(leastSNR, g*g*gamma)
		ratio /= 1 + ratio
		g = min(1, ratio*expIntegral(ratio*gamma))
		s.clean[k] = g * g * power
		s.gains[k] = max(g, s.least)
		total += s.noise[k]
	}
	// the mean log-likelihood ratio of the band (Sohn 1999), as a probability
	mean := float64(evidence) / (speechTo - speechFrom)
	p := 1 / (1 + math.Exp(-(mean-0.45)*9))
	if p > s.speech { // words begin at once and end with a breath
		s.speech += (p - s.speech) * 0.6
	} else {
		s.speech += (p - s.speech) * 0.12
	}
	if first || s.speech < 0.3 {
		s.quiet += (total - s.quiet) * max(0.03, 1/float32(s.frames))
	}
	// Where nobody speaks, every bin goes to the floor alike: what is left of the noise is even, and does not tinkle.
	if here := float32(min(1, s.speech*2)); here < 1 {
		for k, g := range s.gains {
			s.gains[k] = s.least + (g-s.least)*here
		}
	}
}

func (s *Spectral) begin(k int, power float32) {
	if s.frames == 1 || power < s.noise[k] {
		if s.frames > 1 {
			power = max(power, s.noise[k]*0.5)
		}
		s.noise[k] = power
	} else {
		s.noise[k] += (power - s.noise[k]) * 0.2
	}
}

// track follows the noise where no speech is.
func (s *Spectral) track(k int, power float32) {
	n := max(s.noise[k], floorPower)
	const share = priorSNR / (1 + priorSNR)
	p := 1 / (1 + (1+priorSNR)*expNegative(min(power/n, 200)*share))
	s.presence[k] = smoothSPP*s.presence[k] + (1-smoothSPP)*p
	if s.presence[k] > 0.99 { // never stuck when the noise has become louder for good
		p = min(p, 0.99)
	}
	s.noise[k] = smoothPSD*s.noise[k] + (1-smoothPSD)*(p*s.noise[k]+(1-p)*power)
}

// floor is the level of the noise that is left, in dBFS.
func (s *Spectral) floor() float64 {
	// Parseval: bins count twice, and the squared window holds half of a frame's energy in each of two
	mean := 2 * float64(s.quiet) / size / Frame
	if mean <= 0 {
		return -96
	}
	return max(-96, 10*math.Log10(2*mean/32768/32768)+20*math.Log10(float64(s.least)))
}
