package resample

import (
	"math"
	"testing"

	"offhook/internal/allocs"
)

func sine(rate int, hz float64, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(16000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return pcm
}

// fit returns the amplitude of pcm at hz and what remains beside it, both in dB of a 16,000 amplitude.
func fit(pcm []int16, rate int, hz float64) (tone, rest float64) {
	var re, im float64
	for i, s := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / float64(rate))
		re, im = re+float64(s)*cos, im+float64(s)*sin
	}
	n := float64(len(pcm))
	re, im = 2*re/n, 2*im/n
	noise := 0.0
	for i, s := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / float64(rate))
		d := float64(s) - re*cos - im*sin
		noise += d * d
	}
	return 20 * math.Log10(math.Hypot(re, im)/16000), 10 * math.Log10(2*noise/n/16000/16000+1e-12)
}

func TestATelephoneBandToneComesThroughCleanly(t *testing.T) {
	for _, c := range []struct {
		in, out int
		hz      float64
	}{
		{8000, 16000, 300}, {8000, 16000, 1000}, {8000, 16000, 3000}, {16000, 8000, 300}, {16000, 8000, 1000},
		{16000, 8000, 3000}, {48000, 16000, 5000}, {16000, 48000, 5000}, {44100, 16000, 1000}, {11025, 16000, 1000},
		{44099, 16000, 1000},
	} {
		pcm := New(c.in, c.out).Process(nil, sine(c.in, c.hz, c.in))
		if d := len(pcm) - c.out; d < -1 || d > 1 {
			t.Errorf("%d → %d: one second became %d samples", c.in, c.out, len(pcm))
		}
		start, n := c.out/10, c.out/2/int(c.out/1000)*int(c.out/1000)
		tone, rest := fit(pcm[start:start+n], c.out, c.hz)
		if tone < -0.6 || tone > 0.3 {
			t.Errorf("%d → %d: %v Hz comes out at %.2f dB", c.in, c.out, c.hz, tone)
		}
		if rest > -58 {
			t.Errorf("%d → %d: beside %v Hz there is noise at %.1f dB", c.in, c.out, c.hz, rest)
		}
	}
}

func TestWhatTheLowerRateCannotHoldIsRemoved(t *testing.T) {
	for _, hz := range []float64{4600, 5000, 6000, 7000} {
		pcm := New(16000, 8000).Process(nil, sine(16000, hz, 16000))[400:]
		if _, all := fit(pcm, 8000, 0); all > -60 {
			t.Errorf("%v Hz leaves an alias at %.1f dB", hz, all)
		}
	}
}

func TestBlocksOfAnyLengthJoinExactly(t *testing.T) {
	src := sine(8000, 440, 8000)
	whole := New(8000, 16000).Process(nil, src)
	r := New(8000, 16000)
	var parts []int16
	for i, n := 0, 1; i < len(src); n = n%97 + 1 {
		end := min(i+n, len(src))
		parts = r.Process(parts, src[i:end])
		i = end
	}
	if len(parts) != len(whole) {
		t.Fatalf("%d samples in parts, %d in one", len(parts), len(whole))
	}
	for i := range parts {
		if parts[i] != whole[i] {
			t.Fatalf("sample %d differs: %d, %d", i, parts[i], whole[i])
		}
	}
}

func TestConvertKeepsTimeAndLength(t *testing.T) {
	src := make([]int16, 8000)
	src[4000] = 20000 // a click at exactly half a second
	pcm := Convert(src, 8000, 16000)
	if len(pcm) != 16000 {
		t.Fatalf("%d samples, want 16000", len(pcm))
	}
	peak := 0
	for i, s := range pcm {
		if s > pcm[peak] {
			peak = i
		}
	}
	if peak < 7999 || peak > 8001 {
		t.Errorf("the click at sample 8000 is now at %d", peak)
	}
}

func TestProcessAllocatesNothing(t *testing.T) {
	r, src, dst := New(8000, 16000), make([]int16, 160), make([]int16, 0, 320)
	if n := allocs.Of(50, func() { dst = r.Process(dst[:0], src) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkUp8to16Per20ms(b *testing.B) {
	r, src, dst := New(8000, 16000), sine(8000, 440, 160), make([]int16, 0, 320)
	b.ReportAllocs()
	for b.Loop() {
		dst = r.Process(dst[:0], src)
	}
}

func BenchmarkDown16to8Per20ms(b *testing.B) {
	r, src, dst := New(16000, 8000), sine(16000, 440, 320), make([]int16, 0, 160)
	b.ReportAllocs()
	for b.Loop() {
		dst = r.Process(dst[:0], src)
	}
}
