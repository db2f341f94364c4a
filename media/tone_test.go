package media

import (
	"math"
	"testing"
)

// sounding measures the rhythm: lengths in ms of sound and silence, alternating, beginning with sound.
func sounding(pcm []int16) (ms []int) {
	on, since := true, 0
	for i := 0; i+16 <= len(pcm); i += 16 { // per millisecond
		if now := energy(pcm[i:i+16]) > 1000; now != on {
			ms = append(ms, (i-since)/16)
			on, since = now, i
		}
	}
	return ms
}

func TestEachRegionHearsItsOwnRingback(t *testing.T) {
	for _, c := range []struct {
		region string
		hz     []float64
		ms     []int
	}{
		{"GB", []float64{400, 450}, []int{400, 200, 400, 2000}},
		{"us", []float64{440, 480}, []int{2000, 4000}},
		{"DE", []float64{425}, []int{1000, 4000}},
		{"", []float64{425}, []int{1000, 4000}},
	} {
		p := NewTonePlayer(Ringback(c.region))
		pcm := make([]int16, 7*Rate)
		for i := 0; i < len(pcm); i += Frame {
			if !p.Mix(pcm[i : i+Frame]) {
				t.Fatalf("%s: the ringback ended", c.region)
			}
		}
		got := sounding(pcm)
		for i, want := range c.ms {
			if i < len(got) && math.Abs(float64(got[i]-want)) > 5 || i >= len(got) {
				t.Errorf("%s: rhythm %v, want %v", c.region, got, c.ms)
				break
			}
		}
		sum := 0.0
		for _, hz := range c.hz {
			sum += strength(pcm[:Rate*2/5], hz)
		}
		if sum < 0.95 {
			t.Errorf("%s: %v Hz hold %.2f of the energy", c.region, c.hz, sum)
		}
	}
}

func TestATonePlaysItsRoundsAndEnds(t *testing.T) {
	p := NewTonePlayer(Busy("GB"))
	frames := 0
	var last [Frame]int16
	for p.Mix(last[:]) {
		clear(last[:])
		if frames++; frames > 2000 {
			t.Fatal("busy never ends")
		}
	}
	if ms := frames * 10; ms < 7400 || ms > 7510 {
		t.Errorf("ten rounds of 750 ms took %d ms", ms)
	}
	clear(last[:])
	if p.Mix(last[:]) || energy(last[:]) != 0 {
		t.Error("after its end the tone still sounds")
	}
}

func TestTonesBeginAndEndWithoutAClick(t *testing.T) {
	p := NewTonePlayer(Congestion("US"))
	pcm := make([]int16, 2*Rate)
	p.Mix(pcm)
	// the two tones together turn by at most 2π·620/16000 of their amplitude per sample
	if most, at := roughness(pcm); most > 1100 {
		t.Errorf("a step of %d at sample %d", most, at)
	}
}

func TestTheLimiterPassesSpeechAndStopsAShriek(t *testing.T) {
	var l limiter
	voice := vowel(140)
	pcm, want := make([]int16, Frame), make([]int16, Frame)
	for range 200 {
		voice(want)
		for i := range want {
			want[i] /= 2 // −20 dBFS or so
		}
		copy(pcm, want)
		l.process(pcm)
		for i := range pcm {
			if pcm[i] != want[i] {
				t.Fatalf("speech at %.1f dBFS was changed", Level(want))
			}
		}
	}
	shriek := sine{hz: 2100, amp: 32000}
	for n := range 100 {
		shriek.frame(pcm)
		l.process(pcm)
		for _, s := range pcm {
			if s > ceiling || s < -ceiling {
				t.Fatalf("a sample of %d passed", s)
			}
		}
		if n > 0 && Level(pcm) > -11.5 {
			t.Fatalf("%d ms after its beginning the shriek is at %.1f dBFS", 10*n, Level(pcm))
		}
	}
	// and out of silence it is cut lower still
	var quiet limiter
	shriek.frame(pcm)
	quiet.process(pcm)
	shriek.frame(pcm)
	quiet.process(pcm)
	if Level(pcm) > -14 {
		t.Errorf("out of silence the shriek reaches %.1f dBFS", Level(pcm))
	}
}

func TestLevelsAreOfAFullScaleSine(t *testing.T) {
	pcm := make([]int16, Rate/10)
	for _, c := range []struct{ amp, want float64 }{{32767, 0}, {3276.7, -20}, {0, silence}} {
		(&sine{hz: 1000, amp: c.amp}).frame(pcm)
		if got := Level(pcm); math.Abs(got-c.want) > 0.1 {
			t.Errorf("amplitude %v: %.1f dBFS, want %.1f", c.amp, got, c.want)
		}
	}
}
