package voice

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"offhook/internal/allocs"
)

func chain(t testing.TB, s Settings) *Chain {
	t.Helper()
	c, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSettingsThatAreOffChangeNoBit(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pcm := make([]int16, 100*Frame)
	for i := range pcm {
		pcm[i] = int16(r.IntN(65536) - 32768)
	}
	for _, s := range []Settings{{}, {Suppress: Off}, {Target: -20}} {
		c := chain(t, s)
		for i, v := range run(c, pcm) {
			if v != pcm[i] {
				t.Fatalf("%+v: sample %d became %d from %d", s, i, v, pcm[i])
			}
		}
		if c.Latency() != 0 {
			t.Errorf("%+v: late by %v", s, c.Latency())
		}
	}
}

func TestTheTransformIsItsOwnInverse(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	f := newFFT()
	var x, y [size]float32
	var z [bins]complex64
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	f.forward(&x, &z)
	for _, k := range []int{0, 1, 17, 128, 255, 256} { // against the definition
		var re, im float64
		for i, v := range x {
			sin, cos := math.Sincos(-2 * math.Pi * float64(k*i) / size)
			re, im = re+float64(v)*cos, im+float64(v)*sin
		}
		if math.Abs(re-float64(real(z[k]))) > 1e-3 || math.Abs(im-float64(imag(z[k]))) > 1e-3 {
			t.Errorf("bin %d is %v, want %v", k, z[k], complex(re, im))
		}
	}
	f.inverse(&z, &y)
	for i := range x {
		if math.Abs(float64(x[i]-y[i])) > 1e-4 {
			t.Fatalf("sample %d comes back as %v from %v", i, y[i], x[i])
		}
	}
}

func TestTheTablesFollowTheirFunctions(t *testing.T) {
	for x := 1e-4; x < 60; x *= 1.07 {
		if got, want := float64(expNegative(float32(x))), math.Exp(-x); math.Abs(got-want) > 2e-4 {
			t.Errorf("exp(-%g) is %g, want %g", x, got, want)
		}
		if got, want := float64(log2(float32(x))), math.Log2(x); math.Abs(got-want) > 1e-3 {
			t.Errorf("log2(%g) is %g, want %g", x, got, want)
		}
		if got, want := float64(expIntegral(float32(x))), math.Exp(0.5*e1(x)); math.Abs(got/want-1) > 0.01 {
			t.Errorf("exp(E1(%g)/2) is %g, want %g", x, got, want)
		}
	}
	if got := e1(0.5); math.Abs(got-0.5597736) > 1e-6 { // Abramowitz and Stegun, table 5.1
		t.Errorf("E1(0.5) is %g", got)
	}
	if got := e1(2); math.Abs(got-0.0489005) > 1e-6 {
		t.Errorf("E1(2) is %g", got)
	}
}

// Steady noise at 10 dB SNR. What is made has harsher edges than a voice, and is only promised not to suffer.
func TestSteadyNoiseIsTakenAndSpeechIsClearer(t *testing.T) {
	made, where := talk(10, 11)
	type speech struct {
		name    string
		pcm     []float64
		talking []bool
	}
	all := []speech{{"made", made, where}}
	if !t.Run("spoken", func(t *testing.T) {
		pcm, talking := spoken(t)
		all = append(all, speech{"espeak", pcm, talking})
	}) {
		t.FailNow()
	}
	for _, sp := range all {
		for _, c := range []struct {
			kind  string
			level Level
			most  float64 // change in pauses, dB
			least float64
			gain  float64 // of fwSegSNR for a voice, dB
		}{
			{"white", High, -13, -16, 2.8}, {"pink", High, -13, -16, 1.8}, {"fan", High, -13, -16, 1.8},
			{"white", Low, -7, -9, 2}, {"pink", Low, -7, -9, 1.4}, {"fan", Low, -7, -9, 1.4},
		} {
			t.Run(sp.name+" "+c.kind+" "+string(c.level), func(t *testing.T) {
				noise := hum(c.kind, len(sp.pcm), -34, 5)
				in := sum(sp.pcm, noise)
				ch := chain(t, Settings{Suppress: c.level})
				out := run(ch, in)
				quiet := pauses(sp.talking)
				taken := levelWhere(out, quiet) - levelWhere(in, quiet)
				gain := fwSegSNR(sp.pcm, out, sp.talking, Frame) - fwSegSNR(sp.pcm, in, sp.talking, 0)
				t.Logf("noise %+.1f dB, fwSegSNR %+.2f dB", taken, gain)
				if taken > c.most || taken < c.least {
					t.Errorf("noise in pauses changes by %.1f dB, promised %.0f to %.0f", taken, c.most, c.least)
				}
				least := c.gain
				if sp.name == "made" {
					least = -0.2
				}
				if gain < least {
					t.Errorf("fwSegSNR changes by %.2f dB, promised at least %.1f", gain, least)
				}
			})
		}
	}
}

func TestCleanSpeechStaysAsItIsAndComesTenMillisecondsLater(t *testing.T) {
	pcm, talking := talk(12, 3)
	in := sum(pcm, make([]float64, len(pcm)))
	for _, level := range []Level{Low, High} {
		c := chain(t, Settings{Suppress: level})
		if c.Latency() != 10*time.Millisecond {
			t.Errorf("latency is %v", c.Latency())
		}
		out := run(c, in)
		if snr := fwSegSNR(pcm, out, talking, Frame); snr < 18 {
			t.Errorf("%s: clean speech keeps an fwSegSNR of %.1f dB, promised 18", level, snr)
		}
		late := append(make([]int16, Frame), in...)[:len(in)]
		at := func(f int) bool { return f > 0 && talking[f-1] }
		if d := levelWhere(out, at) - levelWhere(late, at); math.Abs(d) > 0.5 {
			t.Errorf("%s: speech changes by %.2f dB", level, d)
		}
	}
}

func TestRumbleIsTakenAndTheVoiceIsNot(t *testing.T) {
	for _, c := range []struct{ hz, least, most float64 }{
		{50, -60, -11}, {100, -3.5, -2.5}, {200, -0.5, 0.1}, {1000, -0.1, 0.1}, {3400, -0.1, 0.1}, {0, -96, -60},
	} {
		pcm := make([]int16, 2*Rate)
		for i := range pcm {
			pcm[i] = int16(8000 * math.Cos(2*math.Pi*c.hz*float64(i)/Rate))
		}
		out := run(chain(t, Settings{HighPass: true}), pcm)
		second := func(f int) bool { return f >= 100 }
		d := levelWhere(out, second) - levelWhere(pcm, second)
		if d < c.least || d > c.most {
			t.Errorf("%.0f Hz changes by %.2f dB, want %.1f to %.1f", c.hz, d, c.least, c.most)
		}
	}
}

func TestSpeechOfAnyLevelComesToTheTarget(t *testing.T) {
	for _, level := range []float64{-38, -30, -24, -16, -8} {
		pcm, talking := talk(20, 8)
		scale(pcm, talking, level)
		out := run(chain(t, Settings{AGC: true, Suppress: High}), sum(pcm, hum("pink", len(pcm), level-35, 4)))
		late := func(f int) bool { return f > 1200 && f < len(talking) && talking[f] }
		got := levelWhere(out, late)
		t.Logf("%.0f dBFS becomes %.1f", level, got)
		if got < -25 || got > -19 {
			t.Errorf("speech of %.0f dBFS becomes %.1f, promised -22 within 3 dB", level, got)
		}
		for _, s := range out {
			if s > ceiling || s < -ceiling {
				t.Fatalf("a sample of %d passed the limiter", s)
			}
		}
	}
}

func TestNoiseAloneIsNeverPumpedUp(t *testing.T) {
	for _, kind := range []string{"white", "pink", "fan"} {
		for _, s := range []Settings{{AGC: true}, {AGC: true, Suppress: High}} {
			noise := hum(kind, 15*Rate, -45, 6)
			in := sum(noise, make([]float64, len(noise)))
			out := run(chain(t, s), in)
			end := func(f int) bool { return f > 1000 }
			if d := levelWhere(out, end) - levelWhere(in, end); d > 0.5 {
				t.Errorf("%s noise rises by %.1f dB with %+v", kind, d, s)
			}
		}
	}
	// and between sentences the gain stands still
	pcm, talking := talk(30, 21)
	scale(pcm, talking, -34)
	in := sum(pcm, hum("pink", len(pcm), -62, 4))
	out := run(chain(t, Settings{AGC: true}), in)
	quiet := pauses(talking)
	var least, most = math.Inf(1), math.Inf(-1)
	for f := 2000; f < len(talking); f++ {
		if quiet(f) {
			one := func(k int) bool { return k == f }
			d := levelWhere(out, one) - levelWhere(in, one)
			least, most = min(least, d), max(most, d)
		}
	}
	if most-least > 4 || most > 14 {
		t.Errorf("in pauses the gain lies from %.1f to %.1f dB", least, most)
	}
}

func TestASpeakerTurnsTheMicrophoneDownWhileTheFarEndTalks(t *testing.T) {
	c := chain(t, Settings{Speaker: true})
	mic, far := make([]int16, Frame), make([]int16, Frame)
	n := 0
	step := func(loud bool) float64 {
		for i := range mic {
			mic[i] = int16(4000 * math.Sin(2*math.Pi*500*float64(n)/Rate))
			far[i] = 0
			if loud {
				far[i] = int16(3000 * math.Sin(2*math.Pi*300*float64(n)/Rate))
			}
			n++
		}
		c.Heard(far)
		c.Process(mic)
		return levelWhere(mic, func(int) bool { return true })
	}
	full := step(false)
	for range 20 {
		step(true)
	}
	if d := step(true) - full; d > -23 || d < -25 {
		t.Errorf("while the far end talks the microphone changes by %.1f dB, promised -24", d)
	}
	for range duckHold + 22 {
		step(false)
	}
	if d := step(false) - full; math.Abs(d) > 0.1 {
		t.Errorf("half a second later the microphone is still changed by %.1f dB", d)
	}
}

func TestSettingsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, s := range []Settings{{Suppress: "much"}, {AGC: true, Target: -3}, {Target: math.NaN()}} {
		if _, err := New(s); !errors.Is(err, ErrSettings) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// module is a suppressor from outside.
type module struct{ calls int }

func (m *module) Suppress(frame []int16) float64 { m.calls++; clear(frame); return 0 }
func (m *module) Latency() time.Duration         { return 7 * time.Millisecond }
func (m *module) Reset()                         {}

func TestAModuleTakesThePlaceOfTheOwnSuppressor(t *testing.T) {
	m := &module{}
	c := chain(t, Settings{Suppress: High, Module: m, AGC: true, HighPass: true})
	out := run(c, sum(hum("white", Rate, -20, 1), make([]float64, Rate)))
	if m.calls != 100 || c.Latency() != 7*time.Millisecond || levelWhere(out, func(int) bool { return true }) > -95 {
		t.Errorf("%d calls, latency %v", m.calls, c.Latency())
	}
}

var everything = Settings{HighPass: true, Suppress: High, AGC: true, Speaker: true}

func TestTheHotPathAllocatesNothing(t *testing.T) {
	c := chain(t, everything)
	frame := sum(hum("pink", Frame, -30, 1), make([]float64, Frame))
	if n := allocs.Of(200, func() { c.Heard(frame); c.Process(frame) }); n != 0 {
		t.Errorf("%.1f allocations per frame", n)
	}
}

func FuzzChainBoundsItsOutput(f *testing.F) {
	f.Add([]byte("some bytes of sound"), uint8(7))
	f.Fuzz(func(t *testing.T, raw []byte, bits uint8) {
		s := Settings{HighPass: bits&1 != 0, AGC: bits&2 != 0, Speaker: bits&4 != 0}
		if bits&8 != 0 {
			s.Suppress = High
		}
		c := chain(t, s)
		frame := make([]int16, Frame)
		for i := range 100 {
			for k := range frame {
				frame[k] = 0
				if len(raw) > 1 {
					j := (i*Frame + k) * 2 % (len(raw) - 1)
					frame[k] = int16(uint16(raw[j]) | uint16(raw[j+1])<<8)
				}
			}
			c.Heard(frame)
			c.Process(frame)
			if p := c.Speech(); !(p >= 0 && p <= 1) {
				t.Fatalf("speech probability %v", p)
			}
			if s.AGC {
				for _, v := range frame {
					if v > ceiling || v < -ceiling {
						t.Fatalf("sample %d", v)
					}
				}
			}
		}
	})
}

func BenchmarkChain(b *testing.B) {
	for _, c := range []struct {
		name string
		s    Settings
	}{{"off", Settings{}}, {"highpass", Settings{HighPass: true}}, {"agc", Settings{AGC: true}}, {"suppress", Settings{Suppress: High}}, {"all", everything}} {
		b.Run(c.name, func(b *testing.B) {
			ch := chain(b, c.s)
			pcm := sum(hum("pink", 10*Rate, -30, 1), make([]float64, 10*Rate))
			frame := make([]int16, Frame)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at := i % 1000 * Frame
				copy(frame, pcm[at:at+Frame])
				ch.Process(frame)
			}
		})
	}
}
