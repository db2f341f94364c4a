package media

import (
	"math"
	"testing"
	"time"

	"offhook/internal/allocs"
)

// room is a conference of which every party's far end is at hand.
type room struct {
	t    testing.TB
	v    *virtual
	m    *Mix
	near []*Session
	far  []*Session
	said []func([]int16)
	got  [][]int16 // what each far end heard
	mic  func([]int16)
	ear  []int16 // what the agent heard
}

func newRoom(t testing.TB, parties int) *room {
	t.Helper()
	r := &room{t: t, v: newVirtual(), m: NewMix()}
	codecs := []Codec{G722, PCMU, PCMA}
	for i := range parties {
		a, b := listen(t, r.v, Config{}), listen(t, r.v, Config{})
		c := codecs[i%len(codecs)]
		for s, o := range map[*Session]*Session{a: b, b: a} {
			if err := s.Configure(params(o, c)); err != nil {
				t.Fatal(err)
			}
		}
		tone := &sine{hz: 400 + 200*float64(i), amp: 3300}
		r.near, r.far = append(r.near, a), append(r.far, b)
		r.said, r.got = append(r.said, tone.frame), append(r.got, nil)
	}
	tone := &sine{hz: 2000, amp: 3300}
	r.mic = tone.frame
	return r
}

// pass lets some frames pass.
func (r *room) pass(frames int) {
	r.t.Helper()
	var pcm [Frame]int16
	for range frames {
		for i, s := range r.far {
			r.said[i](pcm[:])
			s.WriteFrame(pcm[:])
			settle(r.t, s, r.near[i])
		}
		r.mic(pcm[:])
		r.m.WriteFrame(pcm[:])
		for i, s := range r.far {
			settle(r.t, r.near[i], s)
			s.ReadFrame(pcm[:])
			r.got[i] = append(r.got[i], pcm[:]...)
		}
		r.m.ReadFrame(pcm[:])
		r.ear = append(r.ear, pcm[:]...)
		r.v.add(10 * time.Millisecond)
	}
}

// parts is how loud a tone is in the last second, in dBFS.
func parts(pcm []int16, hz float64) float64 {
	last := pcm[len(pcm)-Rate/2:]
	return 10*math.Log10(strength(last, hz)+1e-12) + Level(last)
}

func TestEverybodyInAConferenceHearsAllOthersAndNotThemselves(t *testing.T) {
	r := newRoom(t, 3)
	for _, s := range r.near {
		if err := r.m.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	r.pass(200)
	hz := []float64{400, 600, 800, 2000} // the last is the agent
	for i, heard := range append(r.got, r.ear) {
		for k, f := range hz {
			l := parts(heard, f)
			if i != k && (l < -28 || l > -18) {
				t.Errorf("%d hears %d at %.1f dBFS", i, k, l)
			}
			if i == k && l > -50 {
				t.Errorf("%d hears itself at %.1f dBFS", i, l)
			}
		}
	}
}

func TestAHeldLegLeavesTheOthersTalking(t *testing.T) {
	r := newRoom(t, 2)
	for _, s := range r.near {
		r.m.Add(s)
	}
	r.pass(100)
	p := params(r.far[0], G722)
	p.Send, p.Receive = false, false
	if err := r.near[0].Configure(p); err != nil {
		t.Fatal(err)
	}
	r.pass(100)
	if l := parts(r.got[1], 2000); l < -28 {
		t.Errorf("the other hears the agent at %.1f dBFS", l)
	}
	if l := parts(r.ear, 600); l < -28 {
		t.Errorf("the agent hears the other at %.1f dBFS", l)
	}
	if l := parts(r.ear, 400); l > -60 {
		t.Errorf("the held one is heard at %.1f dBFS", l)
	}
	if l := Level(r.got[0][len(r.got[0])-Rate/4:]); l > -60 {
		t.Errorf("the held one hears %.1f dBFS", l)
	}
}

func TestJoiningAndLeavingAConferenceMakesNoClick(t *testing.T) {
	r := newRoom(t, 3)
	for i := range r.said {
		low := &sine{hz: 200, amp: 6000, n: 37 * i}
		r.said[i] = low.frame
	}
	quiet := func(pcm []int16) { clear(pcm) }
	r.mic = quiet
	r.m.Add(r.near[0])
	r.pass(100)
	from := len(r.ear)
	r.m.Add(r.near[1])
	r.pass(37)
	r.m.Add(r.near[2])
	r.pass(41)
	r.m.leave = time.Hour // the frame may take its time on a busy machine, and is waited for
	done := make(chan struct{})
	go func() { r.m.Remove(r.near[1]); close(done) }()
	until(t, func() bool { return len(r.m.Sessions()) == 2 })
	r.pass(1)
	<-done
	if got := r.m.Sessions(); len(got) != 2 {
		t.Fatalf("%d sessions remain", len(got))
	}
	// The one that left is written by nobody now.
	var pcm [Frame]int16
	for range 50 {
		r.said[0](pcm[:])
		r.far[0].WriteFrame(pcm[:])
		settle(t, r.far[0], r.near[0])
		clear(pcm[:])
		r.m.WriteFrame(pcm[:])
		r.m.ReadFrame(pcm[:])
		r.ear = append(r.ear, pcm[:]...)
		r.v.add(10 * time.Millisecond)
	}
	most, at := roughness(r.ear[from:])
	if bound := 2120; most > bound {
		t.Errorf("a step of %d at %d ms; three voices step by %d at most", most, at/16, bound)
	}
}

func TestALoudAndAQuietVoiceAreHeardAlike(t *testing.T) {
	r := newRoom(t, 2)
	loud, soft := sine{hz: 400, amp: 7500}, sine{hz: 600, amp: 1500}
	r.said = []func([]int16){loud.frame, soft.frame}
	r.mic = func(pcm []int16) { clear(pcm) }
	for _, s := range r.near {
		r.m.Add(s)
	}
	r.pass(600)
	a, b := parts(r.ear, 400), parts(r.ear, 600)
	if math.Abs(a-b) > 3 || a > -20 || b < -27 {
		t.Errorf("14 dB apart they came, heard at %.1f and %.1f dBFS", a, b)
	}
}

func TestWhoHearsWhomCanBeSet(t *testing.T) { // as a supervisor who whispers to the agent
	r := newRoom(t, 2)
	for _, s := range r.near {
		r.m.Add(s)
	}
	customer, supervisor := r.near[0], r.near[1]
	if !r.m.SetGain(customer, supervisor, 0) || !r.m.SetGain(supervisor, nil, 0.5) {
		t.Fatal("the gains were not taken")
	}
	if r.m.SetGain(customer, customer, 1) || r.m.SetGain(customer, new(Session), 1) {
		t.Error("a gain of nobody was taken")
	}
	r.pass(200)
	if l := parts(r.got[0], 600); l > -60 {
		t.Errorf("the customer hears the supervisor at %.1f dBFS", l)
	}
	for name, l := range map[string]float64{"the agent hears the supervisor": parts(r.ear, 600), "the agent hears the customer": parts(r.ear, 400),
		"the supervisor hears the customer": parts(r.got[1], 400), "the customer hears the agent": parts(r.got[0], 2000)} {
		if l < -28 || l > -18 {
			t.Errorf("%s at %.1f dBFS", name, l)
		}
	}
	if full, half := parts(r.got[0], 2000), parts(r.got[1], 2000); math.Abs(full-half-6) > 1.5 {
		t.Errorf("at half the gain the agent is %.1f dB softer", full-half)
	}
}

func TestALoudConferenceIsCutAndNotTurnedOver(t *testing.T) {
	m := NewMix()
	m.legs[1], m.legs[2], m.legs[3] = &leg{}, &leg{}, &leg{}
	for i := range 4 {
		for k := range 4 {
			m.legs[i].want[k], m.legs[i].have[k] = 1, 1
		}
		for n := range Frame {
			m.legs[i].in[n] = 30000
			m.sum[n] += 30000
		}
	}
	m.render(0, m.legs[0])
	if m.part[0] != 32767 || m.part[Frame-1] != 32767 {
		t.Errorf("three voices of 30000 sum to %d", m.part[0])
	}
}

func TestTheEarOfAConferenceFollowsItsOwnClock(t *testing.T) {
	for _, burst := range []int{1, 3} {
		for _, ppm := range []float64{-200, 200} {
			var e elastic
			e.line.reset()
			tone := sine{hz: 400, amp: 8000}
			var heard []int16
			pushed, most := 0, 0
			const frames = 60_000 // ten minutes
			for f := range frames {
				for ; float64(pushed) <= float64(f)*(1+ppm/1e6); pushed++ {
					var in [Frame]int16
					tone.frame(in[:])
					e.push(in[:])
				}
				if f%burst == burst-1 {
					for range burst {
						var out [Frame]int16
						e.pull(out[:])
						heard = append(heard, out[:]...)
						most = max(most, e.line.len())
					}
				}
			}
			poor := 0
			for w := heard[Rate:]; len(w) >= Rate/5; w = w[Rate/5:] {
				if strength(w[:Rate/5], 400) < 0.5 {
					poor++
				}
			}
			if poor > 0 || most > 9*Frame {
				t.Errorf("bursts of %d at %+.0f ppm: %d poor windows, up to %d ms wait", burst, ppm, poor, most/16)
			}
			if step, at := roughness(heard[Rate:]); step > 2*1257 {
				t.Errorf("bursts of %d at %+.0f ppm: a step of %d at %d ms", burst, ppm, step, at/16)
			}
		}
	}
}

func TestAFullConferenceSaysSo(t *testing.T) {
	m := NewMix()
	for range maxLegs - 1 {
		if err := m.Add(new(Session)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Add(new(Session)); err != ErrMixFull {
		t.Error(err)
	}
}

func BenchmarkMixOfThreeSessions(b *testing.B) {
	r := newRoom(b, 3)
	for _, s := range r.near {
		r.m.Add(s)
	}
	r.pass(20)
	var pcm [Frame]int16
	b.ReportAllocs()
	for b.Loop() {
		r.m.WriteFrame(pcm[:])
		r.m.ReadFrame(pcm[:])
		r.v.add(10 * time.Millisecond)
	}
}

func TestAConferenceDigitsAndSpeechAllocateNothing(t *testing.T) {
	r := newRoom(t, 2)
	for _, s := range r.near {
		r.m.Add(s)
	}
	r.pass(20)
	ear, voice := newEar(), vowel(150)
	var speech vad
	var d dtmfSender
	var pcm [Frame]int16
	if n := allocs.Of(100, func() {
		voice(pcm[:])
		speech.measure(pcm[:], 0, false, true)
		ear.hear(pcm[:])
		d.sound(&pcm)
		r.m.WriteFrame(pcm[:])
		r.m.ReadFrame(pcm[:])
		r.v.add(10 * time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations per frame", n)
	}
}
