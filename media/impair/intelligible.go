package impair

import "math"

// Intelligibility is how well speech is understood, 0 to 1: the correlation of the loudness over 0.4 s in each band of a third of an
// octave, as in the short-time objective intelligibility of Taal, Hendriks, Heusdens and Jensen (IEEE TASLP 19:7, 2011). It differs
// from it where a telephone does: 16 kHz in place of 10, bands up to 3.6 kHz, and each half second is aligned for itself, as
// playing faster and slower moves it. heard is late by low to high samples.
func Intelligibility(said, heard []int16, low, high int) float64 {
	x, y := pairs(said, heard, low, high)
	a, b := spoken(loudness(x), loudness(y))
	sum, n := 0.0, 0
	for m := span; m <= len(a); m++ {
		for j := range thirds {
			if c, ok := resemblance(a[m-span:m], b[m-span:m], j); ok {
				sum, n = sum+c, n+1
			}
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

const (
	thirds  = 14                // bands, the lowest around 150 Hz
	span    = 30                // frames that are compared together
	clipped = 6.623413251903491 // 1 + 10^(15/20): what is worse than −15 dB counts no more
)

// pairs are the parts with speech, each beside what was heard of it.
func pairs(said, heard []int16, low, high int) (x, y []int16) {
	for from := 0; from+piece <= len(said) && from+piece+high <= len(heard); from += piece {
		part := said[from : from+piece]
		if rms(part) < talk {
			continue
		}
		at := align(part, heard, from+low, from+high)
		x, y = append(x, part...), append(y, heard[at:at+piece]...)
	}
	return x, y
}

// loudness is the amplitude in each band, frame by frame.
func loudness(pcm []int16) (out [][thirds]float64) {
	for o := 0; o+window <= len(pcm); o += hop {
		p := spectrum(pcm[o : o+window])
		var l [thirds]float64
		for j := range l {
			centre := 150 * math.Pow(2, float64(j)/3)
			from, to := centre/math.Pow(2, 1.0/6), centre*math.Pow(2, 1.0/6)
			for k := int(math.Round(from * window / Rate)); k < max(int(math.Round(to*window/Rate)), int(math.Round(from*window/Rate))+1); k++ {
				l[j] += p[k]
			}
			l[j] = math.Sqrt(l[j])
		}
		out = append(out, l)
	}
	return out
}

// spoken leaves out the frames in which nothing is said: 40 dB below the loudest.
func spoken(a, b [][thirds]float64) (x, y [][thirds]float64) {
	power := func(f [thirds]float64) (p float64) {
		for _, v := range f {
			p += v * v
		}
		return p
	}
	most := 0.0
	for _, f := range a {
		most = max(most, power(f))
	}
	for i, f := range a {
		if power(f) > most/1e4 {
			x, y = append(x, f), append(y, b[i])
		}
	}
	return x, y
}

// resemblance is the correlation in band j, after y was made as loud as x and clipped; false where nothing is said.
func resemblance(a, b [][thirds]float64, j int) (float64, bool) {
	var xx, yy float64
	for i := range a {
		xx, yy = xx+a[i][j]*a[i][j], yy+b[i][j]*b[i][j]
	}
	if xx < 1 {
		return 0, false
	}
	gain := math.Sqrt(xx / (yy + 1e-9))
	var sx, sy float64
	var y [span]float64
	for i := range a {
		y[i] = min(b[i][j]*gain, a[i][j]*clipped)
		sx, sy = sx+a[i][j], sy+y[i]
	}
	n := float64(len(a))
	var vxy, vxx, vyy float64
	for i := range a {
		dx, dy := a[i][j]-sx/n, y[i]-sy/n
		vxy, vxx, vyy = vxy+dx*dy, vxx+dx*dx, vyy+dy*dy
	}
	return vxy / (math.Sqrt(vxx*vyy) + 1e-9), true
}
