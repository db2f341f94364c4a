package media

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// hours of an office, in short: each sound with how much of it may be taken for speech.
func TestSpeechIsToldFromTheSoundsOfAnOffice(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	noise := func(amp float64) func([]int16) {
		return func(pcm []int16) {
			for i := range pcm {
				pcm[i] = clip(float32(amp * r.NormFloat64()))
			}
		}
	}
	n := 0
	fan := func(pcm []int16) { // coloured noise that comes on
		v := 0.0
		for i := range pcm {
			v = 0.95*v + 60*r.NormFloat64()
			pcm[i] = clip(float32(v))
		}
	}
	keys := func(pcm []int16) {
		noise(15)(pcm)
		if n++; n%13 == 0 {
			for i := range 60 {
				pcm[i] = clip(float32(6000 * r.NormFloat64() * math.Exp(-float64(i)/15)))
			}
		}
	}
	for name, c := range map[string]struct {
		sound func([]int16)
		most  float64
	}{"silence": {func(p []int16) { clear(p) }, 0}, "a quiet room": {noise(20), 0.01}, "a loud room": {noise(200), 0.02}, "a fan": {fan, 0.03},
		"a keyboard": {keys, 0.03}} {
		var d vad
		on := 0
		const frames = 2000
		for i := range frames {
			var pcm [Frame]int16
			c.sound(pcm[:])
			d.measure(pcm[:], time.Duration(i)*10*time.Millisecond, false, true)
			if d.speaking.Load() {
				on++
			}
		}
		if share := float64(on) / frames; share > c.most {
			t.Errorf("%s is taken for speech for %.1f %% of the time", name, 100*share)
		}
	}
}

func TestAVoiceIsSpeechAndItsEndIsSilence(t *testing.T) {
	for _, hz := range []float64{90, 150, 230} {
		for _, gain := range []float64{0.1, 0.4, 1} {
			r := rand.New(rand.NewPCG(8, 9))
			var d vad
			voice := vowel(hz)
			right, wrong := 0, 0
			for i := range 1500 { // talks for 3 s, pauses for 2
				var pcm [Frame]int16
				voice(pcm[:])
				at := i % 500
				for k, v := range pcm {
					x := 30 * r.NormFloat64()
					if at < 300 && i >= 500 {
						x += gain * float64(v) * (0.55 + 0.45*math.Sin(2*math.Pi*4*float64(at)/100)) // syllables
					}
					pcm[k] = clip(float32(x))
				}
				d.measure(pcm[:], time.Duration(i)*10*time.Millisecond, false, true)
				on := d.speaking.Load()
				switch {
				case i < 500 || at > 340:
					if on {
						wrong++
					}
				case at > 20 && at < 300:
					if on {
						right++
					}
				}
			}
			if right < 520 || wrong > 10 {
				t.Errorf("a voice at %v Hz, gain %v: %d of 558 frames are speech, and %d of the pauses", hz, gain, right, wrong)
			}
		}
	}
}

func TestWhoIsNotBeingHeardIsTold(t *testing.T) {
	v := newVirtual()
	s := listen(t, v, Config{VAD: true})
	if err := s.Configure(Params{Remote: loopback(9), Codec: PCMU, Send: true}); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(8, 10))
	voice := vowel(140)
	run := func(seconds int, sound func([]int16)) Stats {
		for range seconds * 100 {
			var pcm [Frame]int16
			sound(pcm[:])
			s.WriteFrame(pcm[:])
			v.add(10 * time.Millisecond)
		}
		return s.Stats()
	}
	still := func(pcm []int16) {
		for i := range pcm {
			pcm[i] = int16(20 * r.NormFloat64())
		}
	}
	if st := run(10, still); st.Speaking || st.HeardSilent {
		t.Errorf("in a quiet room: %v %v", st.Speaking, st.HeardSilent)
	}
	if st := run(2, voice); !st.Speaking || st.HeardSilent {
		t.Errorf("while speaking: %v %v", st.Speaking, st.HeardSilent)
	}
	s.SetMute(true)
	if st := run(1, still); st.Speaking || st.HeardSilent {
		t.Errorf("muted and silent: %v %v", st.Speaking, st.HeardSilent)
	}
	if st := run(2, voice); !st.Speaking || !st.HeardSilent {
		t.Errorf("speaking while muted: %v %v", st.Speaking, st.HeardSilent)
	}
	s.SetMute(false)
	if st := run(1, voice); !st.Speaking || st.HeardSilent {
		t.Errorf("after the mute: %v %v", st.Speaking, st.HeardSilent)
	}
	if st := run(6, func(pcm []int16) { clear(pcm) }); st.Speaking || !st.HeardSilent {
		t.Errorf("with a dead microphone: %v %v", st.Speaking, st.HeardSilent)
	}
	v.add(time.Second)
	if st := s.Stats(); st.Speaking || st.HeardSilent {
		t.Errorf("when nobody talks on it any more: %v %v", st.Speaking, st.HeardSilent)
	}
}

func BenchmarkVAD(b *testing.B) {
	var d vad
	var pcm [Frame]int16
	vowel(140)(pcm[:])
	for b.Loop() {
		d.measure(pcm[:], 0, false, true)
	}
}
