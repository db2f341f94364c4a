package voice

import "math"

// cutoff of the high-pass: below it a headset carries rumble, wind and mains hum, and no speech that a telephone keeps.
const cutoff = 100.0

// biquad is a second-order filter, transposed direct form II.
type biquad struct {
	b0, b1, b2, a1, a2 float32
	s1, s2             float32
}

// highPass is a Butterworth high-pass (bilinear transform): −3 dB at hz, 12 dB per octave below.
func highPass(hz float64) biquad {
	w := 2 * math.Pi * hz / Rate
	cos, alpha := math.Cos(w), math.Sin(w)/math.Sqrt2
	a0 := 1 + alpha
	return biquad{
		b0: float32((1 + cos) / 2 / a0), b1: float32(-(1 + cos) / a0), b2: float32((1 + cos) / 2 / a0),
		a1: float32(-2 * cos / a0), a2: float32((1 - alpha) / a0),
	}
}

func (f *biquad) process(frame []int16) {
	s1, s2 := f.s1, f.s2
	for i, v := range frame {
		x := float32(v)
		y := f.b0*x + s1
		s1 = f.b1*x - f.a1*y + s2
		s2 = f.b2*x - f.a2*y
		frame[i] = clip(y)
	}
	// what decays for ever would become denormal, and slow
	if s1*s1+s2*s2 < 1e-12 {
		s1, s2 = 0, 0
	}
	f.s1, f.s2 = s1, s2
}

func clip(x float32) int16 {
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
