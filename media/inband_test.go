package media

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

func TestDigitsInTheSoundArriveOnceEachThroughEveryCodec(t *testing.T) {
	kinds(t)
	const want = "0123456789*#ABCD99"
	for _, c := range Codecs() {
		var got collector
		v, a, b := pair(t, c, Config{}, Config{OnDTMF: got.add})
		for s, o := range map[*Session]*Session{a: b, b: a} {
			p := params(o, c)
			p.DTMFSendPT, p.DTMFRecvPT, p.DTMF, p.DTMFListen = 0, 0, DTMFAuto, true
			if err := s.Configure(p); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.SendDTMF(want); err != nil {
			t.Fatal(err)
		}
		voice := vowel(140)
		var in, out [Frame]int16
		for range 450 {
			voice(in[:]) // somebody talks meanwhile
			step(t, v, a, b, in[:], out[:])
		}
		if got.String() != want {
			t.Errorf("%s: digits %q arrived, want %q", c.Name, got.String(), want)
		}
	}
}

func TestDigitsAreFoundInNoiseAndAtEveryLevelThatLinesHave(t *testing.T) {
	for _, level := range []float64{1, 0.3, 0.06} {
		for _, noise := range []float64{0, 0.02, 0.05} {
			e, r := newEar(), rand.New(rand.NewPCG(1, 9))
			var d dtmfSender
			d.queue, _ = parseDigits("159D0*#")
			found := ""
			for range 200 {
				var frame [Frame]int16
				d.wait()
				d.sound(&frame)
				for i, v := range frame {
					frame[i] = clip(float32(level * (float64(v) + noise*8000*r.NormFloat64())))
				}
				if x := e.hear(frame[:]); x != 0 {
					found += string(x)
				}
			}
			if found != "159D0*#" {
				t.Errorf("level %v, noise %v: %q was found", level, noise, found)
			}
		}
	}
}

func TestWhatIsNotADigitIsNotTakenForOne(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	tones := func(hz ...float64) func(n int) float64 {
		return func(n int) (v float64) {
			for _, f := range hz {
				v += 6000 * math.Sin(2*math.Pi*f*float64(n)/Rate)
			}
			return v
		}
	}
	for name, sound := range map[string]func(n int) float64{
		"one tone":                 tones(697),
		"two of one group":         tones(697, 852),
		"three tones":              tones(697, 1209, 1477),
		"ringback":                 tones(440, 480),
		"busy":                     tones(480, 620),
		"a fax":                    tones(1100),
		"special information tone": tones(950, 1400),
		"noise":                    func(int) float64 { return 4000 * r.NormFloat64() },
		"a modem's phase":          tones(1200, 2400),
	} {
		e := newEar()
		for f := range 300 {
			var frame [Frame]int16
			for i := range frame {
				frame[i] = clip(float32(sound(f*Frame + i)))
			}
			if x := e.hear(frame[:]); x != 0 {
				t.Errorf("%s is the digit %q", name, x)
				break
			}
		}
	}
	// Voices of every pitch, gliding, with strong formants where digits lie: two minutes of them, or ten.
	syllables := 600
	if os.Getenv("OFFHOOK_LONG") != "" {
		syllables = 3000
	}
	e := newEar()
	phase, told := 0.0, 0
	for syllable := range syllables {
		f0 := 80 + 320*r.Float64()
		glide := 60*r.Float64() - 30
		a, b := 500+600*r.Float64(), 1100+700*r.Float64()
		for f := range 20 {
			var frame [Frame]int16
			for i := range frame {
				x := float64(f*Frame+i) / (20 * Frame)
				phase += (f0 + glide*x) / Rate
				v := 0.0
				for k := 1.0; k*f0 < 3500; k++ {
					near := math.Min(math.Abs(k*f0-a), math.Abs(k*f0-b))
					v += 1 / (1 + near*near/3600) * math.Sin(2*math.Pi*k*phase)
				}
				frame[i] = clip(float32(5000 * v * math.Sin(math.Pi*x)))
			}
			if e.hear(frame[:]) != 0 {
				told++
			}
		}
		if testing.Short() && syllable == 600 {
			break
		}
	}
	if told > 0 {
		t.Errorf("%d digits were found in ten minutes of voices", told)
	}
}

func TestDigitsCountInTheClockOfTheirStream(t *testing.T) {
	kinds(t)
	for _, c := range Codecs() {
		for _, clock := range []int{0, 8000} {
			v := newVirtual()
			s := listen(t, v, Config{})
			p := Params{Remote: loopback(9), Codec: c, SendPT: c.PT, Send: true, DTMFSendPT: 101, DTMFClock: clock}
			if err := s.Configure(p); err != nil {
				t.Fatal(err)
			}
			if err := s.SendDTMF("5"); err != nil {
				t.Fatal(err)
			}
			var frame [Frame]int16
			length, began, ends, after := 0, uint32(0), 0, uint32(0)
			for range 40 {
				s.tx.write(v.now(), frame[:], s.config.Load(), false, func(pkt []byte) bool {
					ts := binary.BigEndian.Uint32(pkt[4:])
					switch {
					case pkt[1]&0x7f == 101:
						if began == 0 {
							began = ts
						}
						if ts != began {
							t.Error("a digit has two timestamps")
						}
						length = int(binary.BigEndian.Uint16(pkt[14:]))
						if pkt[13]&eventEnd != 0 {
							ends++
						}
					case began != 0 && after == 0:
						after = ts
					}
					return true
				})
				v.add(10 * time.Millisecond)
			}
			in := clock
			if in == 0 {
				in = c.RTPClock
			}
			if length != in*120/1000 || ends != digitEnds {
				t.Errorf("%s, events at %d: a digit of 120 ms lasts %d ticks and ends %d times", c.Name, in, length, ends)
			}
			if d := after - began; d < uint32(c.RTPClock*140/1000) || d > uint32(c.RTPClock*220/1000) {
				t.Errorf("%s: sound goes on %d ticks after the digit began", c.Name, d)
			}
		}
	}
}

func TestAFloodOfDigitsIsBounded(t *testing.T) {
	var d dtmfReceiver
	at, told := time.Second, 0
	for i := range uint32(10_000) { // a digit per millisecond, each with an SSRC and a time of its own
		if d.packet(i%3, i*160, []byte{byte(i % 16), 10, 0, 160}, at) != 0 {
			told++
		}
		at += time.Millisecond
	}
	if told > digitBurst+10*digitRate+1 {
		t.Errorf("%d digits were told in ten seconds", told)
	}
}

func TestDigitsGoTheWayThatWasChosen(t *testing.T) {
	v := newVirtual()
	s := listen(t, v, Config{})
	for _, c := range []struct {
		mode DTMFMode
		pt   uint8
		ok   bool
	}{{DTMFEvents, 101, true}, {DTMFEvents, 0, false}, {DTMFAuto, 101, true}, {DTMFAuto, 0, true}, {DTMFInBand, 101, true}, {DTMFInBand, 0, true},
		{DTMFInfo, 101, false}, {DTMFInfo, 0, false}} {
		if err := s.Configure(Params{Remote: loopback(9), Codec: PCMU, Send: true, DTMF: c.mode, DTMFSendPT: c.pt}); err != nil {
			t.Fatal(err)
		}
		if err := s.SendDTMF("1"); (err == nil) != c.ok {
			t.Errorf("mode %q with payload type %d: %v", c.mode, c.pt, err)
		}
	}
}
