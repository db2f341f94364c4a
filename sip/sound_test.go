package sip

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"offhook/internal/text"
	"offhook/media"
	"offhook/media/device"
)

// bench is a headset for tests: it says one frequency and remembers what it hears.
type bench struct {
	hz float64

	mu    sync.Mutex
	heard []int16 // the last second
}

func (b *bench) headset(t *testing.T) *media.Headset {
	h := media.NewHeadset(func() device.Capture { return &mouth{b: b} }, func() device.Playback { return &ear{b: b} })
	t.Cleanup(func() { h.Close() })
	return h
}

// power is how much of what was heard is at hz, 0–1; 0 for near silence.
func (b *bench) power(hz float64) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.heard) < device.Rate/4 {
		return 0
	}
	return share(b.heard, hz)
}

// share is how much of a signal is at hz, 0–1, by Goertzel's algorithm, in pieces of a frame: on a busy machine sound comes with gaps,
// which change neither the tone nor what it is heard with. 0 for near silence.
func share(pcm []int16, hz float64) float64 {
	coeff := 2 * math.Cos(2*math.Pi*hz/device.Rate)
	var at, total float64
	for piece := range slices.Chunk(pcm[:len(pcm)/device.Frame*device.Frame], device.Frame) {
		var s1, s2 float64
		for _, v := range piece {
			s1, s2 = float64(v)+coeff*s1-s2, s1
			total += float64(v) * float64(v)
		}
		at += (s1*s1 + s2*s2 - coeff*s1*s2) * 2 / device.Frame
	}
	if total < 1e3*float64(len(pcm)) {
		return 0
	}
	return at / total
}

// ticking runs f every 10 ms until stop.
type ticking struct {
	stop chan struct{}
	done sync.WaitGroup
}

func (k *ticking) start(f func()) error {
	k.stop = make(chan struct{})
	k.done.Go(func() {
		t := time.NewTicker(10 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-k.stop:
				return
			case <-t.C:
				f()
			}
		}
	})
	return nil
}

func (k *ticking) Close() error { close(k.stop); k.done.Wait(); return nil }

type mouth struct {
	ticking
	b *bench
	n int
}

func (m *mouth) Name() text.Text { return clean("mouth") }
func (m *mouth) Start(sink func([]int16)) error {
	return m.start(func() {
		frame := make([]int16, device.Frame)
		for i := range frame {
			frame[i] = int16(8000 * math.Sin(2*math.Pi*m.b.hz*float64(m.n)/device.Rate))
			m.n++
		}
		sink(frame)
	})
}

type ear struct {
	ticking
	b *bench
}

func (e *ear) Name() text.Text { return clean("ear") }
func (e *ear) Start(fill func([]int16)) error {
	return e.start(func() {
		frame := make([]int16, device.Frame)
		fill(frame)
		e.b.mu.Lock()
		e.b.heard = append(e.b.heard, frame...)
		e.b.heard = e.b.heard[max(0, len(e.b.heard)-device.Rate/2):]
		e.b.mu.Unlock()
	})
}

// becomes waits until cond holds.
func becomes(t *testing.T, what string, cond func() bool, state ...func() string) {
	t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-limit:
			for _, f := range state {
				t.Log(f())
			}
			t.Fatalf("never: %s", what)
		}
	}
}

func TestWhatOneAgentSaysTheOtherHears(t *testing.T) {
	t.Parallel()
	alice, bob := &bench{hz: 440}, &bench{hz: 1000}
	a := open(t, "alice", func(c *Config) { c.Headset = alice.headset(t) })
	b := open(t, "bob", func(c *Config) { c.Headset = bob.headset(t); c.Codecs = []string{"PCMU"} })
	a.Dial("x", at(b, "bob"))
	in := wait[IncomingCall](t, b)
	becomes(t, "ringback", func() bool { return alice.power(425)+alice.power(400)+alice.power(440) > 0.4 })
	b.Answer(in.Leg)
	if e := wait[CallAnswered](t, a); e.Codec != "PCMU" {
		t.Fatalf("%+v", e)
	}
	becomes(t, "bob hears 440 Hz", func() bool { return bob.power(440) > 0.9 })
	becomes(t, "alice hears 1000 Hz", func() bool { return alice.power(1000) > 0.9 })

	a.Mute("x", true)
	becomes(t, "mute", func() bool { return bob.power(440) < 0.1 })
	a.Mute("x", false)
	becomes(t, "unmute", func() bool { return bob.power(440) > 0.9 })

	a.Hold("x")
	wait[CallHeld](t, a)
	becomes(t, "hold takes the microphone away", func() bool { return bob.power(440) < 0.1 })
	a.Resume("x")
	wait[CallHeld](t, a)
	becomes(t, "resume gives it back", func() bool { return bob.power(440) > 0.9 })

	q, ok := a.Quality("x")
	if !ok || q.PacketsReceived == 0 || q.Codec != "PCMU" {
		t.Fatalf("%+v", q)
	}
}

func TestTheHeadsetFollowsTheCallThatWasAnsweredOrResumedLast(t *testing.T) {
	t.Parallel()
	agent, one, two := &bench{hz: 440}, &bench{hz: 700}, &bench{hz: 1300}
	a := open(t, "agent", func(c *Config) { c.Headset = agent.headset(t) })
	b := open(t, "bob", func(c *Config) { c.Headset = one.headset(t) })
	c := open(t, "carol", func(c *Config) { c.Headset = two.headset(t) })
	talking(t, a, b, "one")
	becomes(t, "the first", func() bool { return agent.power(700) > 0.9 })
	a.Hold("one")
	wait[CallHeld](t, a)
	talking(t, a, c, "two")
	becomes(t, "the second", func() bool { return agent.power(1300) > 0.9 && one.power(440) < 0.1 && two.power(440) > 0.9 })
	a.Hold("two")
	wait[CallHeld](t, a)
	a.Resume("one")
	wait[CallHeld](t, a)
	becomes(t, "the first again", func() bool { return agent.power(700) > 0.9 && one.power(440) > 0.9 && two.power(440) < 0.1 })
	a.Hangup("one")
	wait[CallEnded](t, a)
	a.Resume("two")
	wait[CallHeld](t, a)
	becomes(t, "the second again", func() bool { return agent.power(1300) > 0.9 }, func() string {
		q, ok := a.Quality("two")
		return fmt.Sprint(agent.power(1300), agent.power(700), two.power(440), len(agent.heard), ok, q)
	})
}

func TestNothingOfTheAgentIsSentBeforeAnOutboundCallIsAnswered(t *testing.T) {
	t.Parallel()
	agent := &bench{hz: 440}
	pbx := newServer(t, okRegistrar)
	a := open(t, "agent", func(c *Config) { c.Headset = agent.headset(t) })
	far, err := media.Listen(media.Config{LocalIP: loopback.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	a.Dial("x", "sip:ivr@"+pbx.addr())
	c := <-pbx.calls
	l := localOf(far)
	c.Progress(183, "", &l)
	for p := wait[CallProgress](t, a); !p.EarlyMedia; p = wait[CallProgress](t, a) {
	}
	// Early media are heard …
	if err := far.Configure(media.Params{Remote: mediaAddr(a, "x"), Codec: media.PCMU, Send: true, Receive: true}); err != nil {
		t.Fatal(err)
	}
	clock := media.NewClock()
	defer clock.Close()
	n := 0
	stop := clock.Drive(far, func(frame []int16) {
		for i := range frame {
			frame[i] = int16(8000 * math.Sin(2*math.Pi*900*float64(n)/media.Rate))
			n++
		}
	}, func([]int16) {})
	defer stop()
	becomes(t, "early media are heard", func() bool { return agent.power(900) > 0.9 })
	if s := far.Stats(); s.PacketsReceived != 0 {
		t.Fatalf("%d packets of the agent before the answer", s.PacketsReceived)
	}
	c.Answer(l)
	wait[CallAnswered](t, a)
	becomes(t, "the agent is heard after it", func() bool { return far.Stats().PacketsReceived > 10 })
}
