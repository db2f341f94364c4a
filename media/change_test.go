package media

import (
	"os"
	"testing"
	"time"

	"offhook/media/codec/opus"
)

// farEnd is the other side in virtual time, with whatever habits a test gives it.
type farEnd struct {
	t    testing.TB
	p    *player
	c    *coder
	ssrc uint32
	seq  uint16
	ts   uint32
	now  time.Duration
}

func newFarEnd(t testing.TB, k kind) *farEnd {
	return &farEnd{t: t, p: newPlayer(), c: newCoder(t, k), ssrc: 1, seq: 65530, ts: 4294960000, now: time.Second}
}

// say sends one packet of pcm and plays as long.
func (s *farEnd) say(pcm []int16) (heard []int16) {
	s.p.put(s.ssrc, s.seq, s.ts, s.c.k, s.c.packet(pcm), s.now)
	s.seq++
	s.ts += s.c.ticks(len(pcm))
	return s.listen(len(pcm) / Frame)
}

// listen plays some frames.
func (s *farEnd) listen(frames int) (heard []int16) {
	for range frames {
		var frame [Frame]int16
		s.p.get(s.now, frame[:])
		heard = append(heard, frame[:]...)
		s.now += 10 * time.Millisecond
	}
	return heard
}

func TestACodecChangesInACallWithoutAClick(t *testing.T) {
	kinds(t)
	voice := vowel(150)
	order := []Codec{PCMU, Opus, G722, Opus, PCMA, G722, PCMU, PCMA, Opus}
	if !opus.Available() {
		order = []Codec{PCMU, G722, PCMA, G722}
	}
	v, a, b := pair(t, order[0], Config{}, Config{})
	var heard, said []int16
	in, out := make([]int16, Frame), make([]int16, Frame)
	for i, c := range order {
		for s, o := range map[*Session]*Session{a: b, b: a} {
			if err := s.Configure(params(o, c)); err != nil {
				t.Fatal(err)
			}
		}
		for range 103 + i { // in the middle of packets, too
			voice(in)
			said = append(said, in...)
			step(t, v, a, b, in, out)
			heard = append(heard, out...)
		}
		if got, want := Level(heard[len(heard)-Rate/2:]), Level(said[len(said)-Rate/2:]); got < want-3 || got > want+2 {
			t.Errorf("%s after a change sounds at %.1f dBFS, said at %.1f", c.Name, got, want)
		}
	}
	usual, _ := roughness(said)
	if most, at := roughness(heard[Rate/2:]); most > 2*usual {
		t.Errorf("a step of %d at %d ms; the voice itself steps by %d at most", most, (at+Rate/2)/16, usual)
	}
	quiet := 0
	for w := heard[Rate/2:]; len(w) >= 2*Frame; w = w[2*Frame:] {
		if Level(w[:2*Frame]) < -35 {
			quiet++
		}
	}
	if quiet > 2*len(order) {
		t.Errorf("%d ms are silent at %d changes", 20*quiet, len(order)-1)
	}
	if st := b.Stats(); st.Malformed > 0 || st.Lost > 0 {
		t.Errorf("%+v", st)
	}
}

func TestTheClockOfAStreamMayChangeUnderOneSSRC(t *testing.T) { // RFC 7160 §4.1: it should not, and does
	kinds(t)
	if !opus.Available() {
		t.Skip("only Opus has another clock")
	}
	s := newFarEnd(t, kindPCMU)
	voice := vowel(140)
	pcm := make([]int16, 2*Frame)
	coders := map[kind]*coder{kindPCMU: s.c, kindOpus: newCoder(t, kindOpus)}
	var heard []int16
	for i := range 300 {
		switch i {
		case 100:
			s.c, s.ts = coders[kindOpus], 77
		case 200:
			s.c, s.ts = coders[kindPCMU], 3_000_000_000
		}
		voice(pcm)
		heard = append(heard, s.say(pcm)...)
	}
	for i := 20; i+2 < 300; i++ {
		if l := Level(heard[i*2*Frame : (i+2)*2*Frame]); l < -30 {
			t.Errorf("packet %d sounds at %.1f dBFS", i, l)
		}
	}
	if s.p.delay > 60*time.Millisecond {
		t.Errorf("the changes left %v of delay", s.p.delay)
	}
}

func TestPacketsMayChangeTheirLengthInACall(t *testing.T) {
	for _, k := range kinds(t) {
		s := newFarEnd(t, k)
		tone := sine{hz: 400, amp: 8000}
		var concealed uint64
		for _, ms := range []int{20, 60, 10, 40, 20} {
			var heard []int16
			for range 2000 / ms {
				pcm := make([]int16, ms*Rate/1000)
				tone.frame(pcm)
				heard = append(heard, s.say(pcm)...)
			}
			if got := strength(heard[len(heard)-Rate/2:], 400); got < 0.95 {
				t.Errorf("%s: with packets of %d ms the tone holds %.2f", codecName(k), ms, got)
			}
		}
		concealed = s.p.concealed + s.p.stretched
		if concealed > Rate/5 {
			t.Errorf("%s: %d ms were made up over five packet lengths", codecName(k), concealed/16)
		}
	}
}

func TestAFarEndThatSendsNothingInPausesIsHeardAfterThem(t *testing.T) {
	for _, k := range kinds(t) {
		for _, pause := range []time.Duration{100 * time.Millisecond, time.Second, 70 * time.Second} {
			s := newFarEnd(t, k)
			tone := sine{hz: 400, amp: 8000}
			pcm := make([]int16, 2*Frame)
			talk := func(packets int) (heard []int16) {
				for range packets {
					tone.frame(pcm)
					heard = append(heard, s.say(pcm)...)
				}
				return heard
			}
			talk(100)
			frames := int(pause / (10 * time.Millisecond))
			quiet := s.listen(frames)
			s.ts += s.c.ticks(frames * Frame) // the numbers go on, the time has passed
			if n := len(quiet); n > Rate/2 && Level(quiet[n-Rate/4:]) > -60 {
				t.Errorf("%s: a pause of %v ends at %.1f dBFS", codecName(k), pause, Level(quiet[n-Rate/4:]))
			}
			heard := talk(50)
			if got := strength(heard[Rate/5:], 400); got < 0.9 {
				t.Errorf("%s: after a pause of %v the tone holds %.2f", codecName(k), pause, got)
			}
			if s.p.delay > 80*time.Millisecond {
				t.Errorf("%s: a pause of %v left %v of delay", codecName(k), pause, s.p.delay)
			}
		}
	}
}

func TestOpusPausesAreNotLosses(t *testing.T) {
	kinds(t)
	if !opus.Available() {
		t.Skip("no Opus")
	}
	s := newFarEnd(t, kindOpus)
	voice := vowel(150)
	pcm := make([]int16, 2*Frame)
	for range 100 {
		voice(pcm)
		s.say(pcm)
	}
	before := s.p.concealed
	for range 5 { // a packet of one octet every 400 ms
		s.p.put(s.ssrc, s.seq, s.ts, kindOpus, []byte{0x48}, s.now)
		s.seq++
		s.ts += 20 * 960
		s.listen(40)
	}
	if made := s.p.concealed - before; made > Rate/20 {
		t.Errorf("a pause of two seconds counts as %d ms concealed", made/16)
	}
	quiet := s.listen(200) // and then nothing at all
	s.ts += 100 * 960
	if l := Level(quiet[len(quiet)-Rate/2:]); l > silence {
		t.Errorf("a far end that is gone is heard at %.1f dBFS", l)
	}
	var heard []int16
	for range 50 {
		voice(pcm)
		heard = append(heard, s.say(pcm)...)
	}
	if l := Level(heard[Rate/2:]); l < -25 {
		t.Errorf("after the pause the voice is at %.1f dBFS", l)
	}
}

func TestTimestampsThatJumpAreFollowed(t *testing.T) {
	for _, k := range kinds(t) {
		for _, jump := range []int{-3600, -20, -2, -1, 1, 2, 20, 3600} { // seconds
			s := newFarEnd(t, k)
			tone := sine{hz: 400, amp: 8000}
			pcm := make([]int16, 2*Frame)
			var heard []int16
			for i := range 600 {
				if i == 200 {
					s.ts += uint32(jump * k.clock())
				}
				tone.frame(pcm)
				heard = append(heard, s.say(pcm)...)
			}
			if got := strength(heard[9*Rate:], 400); got < 0.95 || s.p.delay > 80*time.Millisecond {
				t.Errorf("%s: five seconds after a jump of %d s the tone holds %.2f at a delay of %v", codecName(k), jump, got, s.p.delay)
			}
			poor := 0
			for w := heard[5*Rate : 6*Rate]; len(w) > 0; w = w[Rate/5:] {
				if strength(w[:Rate/5], 400) < 0.8 {
					poor++
				}
			}
			if poor > 1 {
				t.Errorf("%s: a second after a jump of %d s the tone is poor in %d of 5 windows", codecName(k), jump, poor)
			}
		}
	}
}

func TestHoursOfDriftPassWithoutAGlitch(t *testing.T) {
	t.Parallel()
	hours := 1
	if os.Getenv("OFFHOOK_LONG") != "" {
		hours = 12
	}
	for _, ppm := range []float64{-200, 200} {
		p := newPlayer()
		c := newCoder(t, kindPCMU)
		tone := sine{hz: 400, amp: 8000}
		period := make([][]byte, 2) // 40 ms hold 16 periods: two packets are all there is to send
		for i := range 4 {
			pcm := make([]int16, 2*Frame)
			tone.frame(pcm)
			period[i%2] = c.packet(pcm)
		}
		var heard [20 * Frame]int16
		bad, most := 0, time.Duration(0)
		frames := hours * 3600 * 100
		var concealed uint64
		arrival := func(i int) time.Duration {
			return time.Second + time.Duration(float64(i)*float64(20*time.Millisecond)*(1-ppm/1e6)) + time.Duration(i*7919%3)*time.Millisecond
		}
		for f, i := 0, 0; f < frames; f++ {
			now := time.Second + time.Duration(f)*10*time.Millisecond
			for ; arrival(i) <= now; i++ {
				p.put(1, uint16(i), uint32(160*i), kindPCMU, period[i%2], arrival(i))
			}
			k := f % 20
			p.get(now, heard[k*Frame:(k+1)*Frame])
			if f == 1000 {
				concealed = p.concealed
			}
			if f > 1000 && f%100 == 99 {
				most = max(most, p.delay)
				if strength(heard[:], 400) < 0.5 {
					bad++
				}
			}
		}
		n := frames / 2
		t.Logf("%+.0f ppm for %d h: at most %v of delay, %d of %d looks were bad, stretched %.3f %%, concealed %d ms", ppm, hours,
			most.Round(time.Millisecond), bad, n/50, share(p.stretched, p.played), (p.concealed-concealed)/16)
		if most > 60*time.Millisecond || bad > 0 || share(p.stretched, p.played) > 0.1 {
			t.Errorf("%+.0f ppm: delay %v, %d bad, stretched %.3f %%", ppm, most, bad, share(p.stretched, p.played))
		}
		if lost := share(p.concealed-concealed, p.played); lost > 0.05 {
			t.Errorf("%+.0f ppm: %.3f %% concealed on a network that loses nothing", ppm, lost)
		}
	}
}

func TestTheFarEndsWishesForOpusAreObeyed(t *testing.T) {
	for fmtp, want := range map[string]opus.Settings{
		"":                                     {Bitrate: 24000},
		"useinbandfec=1":                       {Bitrate: 24000, FEC: true},
		"useinbandfec=0; maxaveragebitrate=64": {Bitrate: 6000},
		"maxaveragebitrate=20000;UseInbandFEC=1;cbr=1": {Bitrate: 20000, FEC: true, CBR: true},
		"maxaveragebitrate=510000":                     {Bitrate: 24000},
		"maxaveragebitrate=-1;maxaveragebitrate=x;;=":  {Bitrate: 24000},
	} {
		if got := opusSettings(fmtp); got != want {
			t.Errorf("%q: %+v, want %+v", fmtp, got, want)
		}
	}
}

func FuzzOpusPayload(f *testing.F) {
	if !opus.Available() {
		f.Skip("no Opus")
	}
	c := newCoder(f, kindOpus)
	tone := sine{hz: 300, amp: 9000}
	for range 4 {
		pcm := make([]int16, 2*Frame)
		tone.frame(pcm)
		f.Add(c.packet(pcm), uint16(1), uint32(960))
	}
	f.Add([]byte{0x48}, uint16(1), uint32(1))
	f.Fuzz(func(t *testing.T, payload []byte, step uint16, tick uint32) {
		if !kindOpus.sound(payload) {
			return
		}
		p := newPlayer()
		defer p.release()
		var frame [Frame]int16
		now := time.Second
		for i := range uint32(12) {
			p.put(1, uint16(i)*step, i*tick, kindOpus, payload, now)
			p.get(now, frame[:])
			p.get(now, frame[:])
			now += 20 * time.Millisecond
		}
	})
}
