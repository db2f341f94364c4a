package voice

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os/exec"
	"testing"

	"offhook/media/wav"
)

// talk is seeded, speech-like sound: voiced syllables of changing pitch and formants, hissing consonants, and pauses of
// half a second. talking tells for each frame whether there is speech.
func talk(seconds int, seed uint64) (pcm []float64, talking []bool) {
	r := rand.New(rand.NewPCG(seed, 7))
	n := seconds * Rate
	pcm, talking = make([]float64, n), make([]bool, n/Frame)
	phase := 0.0
	for at := Rate / 2; at < n-Rate; {
		for range 4 + r.IntN(6) {
			hiss := r.IntN(3) == 0
			length := Rate/20 + r.IntN(Rate/10)
			if !hiss {
				length = Rate/8 + r.IntN(Rate/6)
			}
			pitch, slope := 100+60*r.Float64(), (r.Float64()-0.5)*40
			f := [3]float64{300 + 500*r.Float64(), 900 + 1300*r.Float64(), 2300 + 700*r.Float64()}
			for i := range length {
				if at+i >= n-Rate {
					break
				}
				e := math.Sin(math.Pi * float64(i) / float64(length))
				x := 0.0
				if hiss {
					x = 0.15 * r.NormFloat64() * e
				} else {
					hz := pitch + slope*float64(i)/float64(length)
					phase += 2 * math.Pi * hz / Rate
					for h := 1.0; h*hz < 5000; h++ {
						a := 0.0
						for j, c := range f {
							d := (h*hz - c) / (80 + 40*float64(j))
							a += 1 / (1 + d*d) / float64(j+1)
						}
						x += a * math.Sin(h*phase)
					}
					x *= e
				}
				pcm[at+i] = x
				talking[(at+i)/Frame] = true
			}
			at += length
		}
		at += Rate / 2
	}
	return scale(pcm, talking, -24), talking
}

// scale brings what is talked to a level in dBFS of a sine.
func scale(pcm []float64, talking []bool, level float64) []float64 {
	sum, n := 0.0, 0
	for i, x := range pcm {
		if i/Frame < len(talking) && talking[i/Frame] {
			sum += x * x
			n++
		}
	}
	g := 32768 * math.Pow(10, level/20) / math.Sqrt2 / math.Sqrt(sum/float64(n))
	for i := range pcm {
		pcm[i] *= g
	}
	return pcm
}

// spoken is a sentence of espeak-ng, or nothing when it is not installed.
func spoken(t *testing.T) ([]float64, []bool) {
	path, err := exec.LookPath("espeak-ng")
	if err != nil {
		t.Skip("espeak-ng is not installed")
	}
	out, err := exec.Command(path, "--stdout", "-s", "150", "Good morning, you are speaking with the service desk. "+
		"May I have your customer number, please? Thank you, I can see the order here; it left our house on Tuesday.").Output()
	if err != nil {
		t.Skip("espeak-ng: ", err)
	}
	raw, err := wav.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]float64, Rate)
	for _, s := range raw {
		pcm = append(pcm, float64(s))
	}
	pcm = append(pcm, make([]float64, 2*Rate)...)
	pcm = pcm[:len(pcm)/Frame*Frame]
	talking := make([]bool, len(pcm)/Frame)
	for f := range talking {
		sum := 0.0
		for _, x := range pcm[f*Frame : (f+1)*Frame] {
			sum += x * x
		}
		talking[f] = sum/Frame > 40000
	}
	return scale(pcm, talking, -24), talking
}

// hum is seeded noise of a kind at a level in dBFS of a sine.
func hum(kind string, n int, level float64, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 99))
	out := make([]float64, n)
	var b [7]float64
	low := 0.0
	for i := range out {
		w := r.NormFloat64()
		switch kind {
		case "pink": // Kellet's filter
			b[0] = 0.99886*b[0] + w*0.0555179
			b[1] = 0.99332*b[1] + w*0.0750759
			b[2] = 0.96900*b[2] + w*0.1538520
			b[3] = 0.86650*b[3] + w*0.3104856
			b[4] = 0.55000*b[4] + w*0.5329522
			b[5] = -0.7616*b[5] - w*0.0168980
			out[i] = b[0] + b[1] + b[2] + b[3] + b[4] + b[5] + b[6] + w*0.5362
			b[6] = w * 0.115926
		case "fan":
			low += (w - low) * 0.15
			t := float64(i) / Rate
			out[i] = low + 0.08*math.Sin(2*math.Pi*118*t) + 0.05*math.Sin(2*math.Pi*236*t) + 0.03*math.Sin(2*math.Pi*1180*t)
		default:
			out[i] = w
		}
	}
	sum := 0.0
	for _, x := range out {
		sum += x * x
	}
	g := 32768 * math.Pow(10, level/20) / math.Sqrt2 / math.Sqrt(sum/float64(n))
	for i := range out {
		out[i] *= g
	}
	return out
}

func sum(a, b []float64) []int16 {
	out := make([]int16, len(a))
	for i := range out {
		out[i] = clip(float32(a[i] + b[i]))
	}
	return out
}

func run(c *Chain, pcm []int16) []int16 {
	out := append([]int16(nil), pcm...)
	for i := 0; i+Frame <= len(out); i += Frame {
		c.Process(out[i : i+Frame])
	}
	return out
}

// levelWhere is the mean level of the frames for which ok, in dBFS.
func levelWhere(pcm []int16, ok func(frame int) bool) float64 {
	total, n := 0.0, 0
	for f := range len(pcm) / Frame {
		if ok(f) {
			for _, s := range pcm[f*Frame : (f+1)*Frame] {
				total += float64(s) * float64(s)
			}
			n += Frame
		}
	}
	if n == 0 || total == 0 {
		return -96
	}
	return 10 * math.Log10(2*total/float64(n)/32768/32768)
}

// pauses are the frames that are at least 200 ms away from speech, after the first second of noise.
func pauses(talking []bool) func(int) bool {
	return func(f int) bool {
		if f < 100 || f >= len(talking)-5 {
			return false
		}
		for k := max(0, f-20); k < min(len(talking), f+20); k++ {
			if talking[k] {
				return false
			}
		}
		return true
	}
}

// fwSegSNR is the frequency-weighted segmental SNR (Hu and Loizou 2008) over 25 bands, in dB: how much of the clean
// speech is in pcm, which comes late samples later.
func fwSegSNR(clean []float64, pcm []int16, talking []bool, late int) float64 {
	f := newFFT()
	total, n := 0.0, 0
	bands := func(get func(i int) float64) (out [25]float64) {
		var x [size]float32
		var z [bins]complex64
		for i := range 320 {
			x[i] = float32(get(i) * math.Sin(math.Pi*(float64(i)+0.5)/320))
		}
		f.forward(&x, &z)
		for k := 2; k < bins; k++ {
			hz := float64(k) * Rate / size
			bark := int(min(24, 13*math.Atan(0.00076*hz)+3.5*math.Atan(hz*hz/7500/7500)))
			out[bark] += math.Hypot(float64(real(z[k])), float64(imag(z[k])))
		}
		return out
	}
	for k := range talking {
		if at := k * Frame; talking[k] && at+320+late < len(pcm) {
			want := bands(func(i int) float64 { return clean[at+i] })
			got := bands(func(i int) float64 { return float64(pcm[at+late+i]) })
			num, den := 0.0, 0.0
			for b, w := range want {
				if w > 0 {
					weight := math.Pow(w, 0.2)
					d := w - got[b]
					snr := 10 * math.Log10(w*w/max(d*d, 1e-9))
					num += weight * max(-10, min(35, snr))
					den += weight
				}
			}
			if den > 0 {
				total += num / den
				n++
			}
		}
	}
	return total / float64(n)
}
