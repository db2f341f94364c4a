package impair_test

import (
	"math/rand/v2"
	"testing"

	"offhook/media/impair"
)

func TestSpeechIsTheMoreIntelligibleTheLessNoiseThereIs(t *testing.T) {
	said := synthetic(6)
	late := make([]int16, 1000)
	noisy := func(level float64) []int16 {
		r := rand.New(rand.NewPCG(3, 4))
		out := append([]int16(nil), late...)
		for _, v := range said {
			out = append(out, int16(max(-32768, min(32767, float64(v)+level*r.NormFloat64()))))
		}
		return append(out, make([]int16, 4000)...)
	}
	if got := impair.Intelligibility(said, noisy(0), 0, 2000); got < 0.999 {
		t.Errorf("the same sound, a little later: %.3f", got)
	}
	half := noisy(0)
	for i := range half {
		half[i] /= 2
	}
	if got := impair.Intelligibility(said, half, 0, 2000); got < 0.99 {
		t.Errorf("half as loud: %.3f", got)
	}
	last := 1.0
	for _, level := range []float64{100, 1000, 5000, 30000} {
		got := impair.Intelligibility(said, noisy(level), 0, 2000)
		if got >= last {
			t.Errorf("noise of %.0f: %.3f, after %.3f with less", level, got, last)
		}
		last = got
	}
	if last > 0.45 {
		t.Errorf("nothing but noise: %.3f", last)
	}
	if got := impair.Intelligibility(said, make([]int16, len(said)+4000), 0, 2000); got > 0.01 {
		t.Errorf("silence: %.3f", got)
	}
}
