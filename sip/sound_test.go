package sip

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
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
	heard []int16 // the last half second
	all   int     // how much that was heard from the beginning

	opened atomic.Int64 // how often a microphone was
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

// ticking runs f every 10 ms until stop, as a sound card does: what a busy machine missed is made up for, as far as a
// card has a buffer. What is older is lost: a machine that had all of it to do would do nothing else, and fall behind more.
type ticking struct {
	stop chan struct{}
	done sync.WaitGroup
}

// buffered is how much of its sound a card keeps.
const buffered = 100 * time.Millisecond

func (k *ticking) start(f func()) error {
	k.stop = make(chan struct{})
	k.done.Go(func() {
		due := time.Now()
		for {
			due = due.Add(10 * time.Millisecond)
			select {
			case <-k.stop:
				return
			case <-time.After(time.Until(due)):
				if oldest := time.Now().Add(-buffered); due.Before(oldest) {
					due = oldest
				}
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
	m.b.opened.Add(1)
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
		e.b.all += len(frame)
		e.b.heard = e.b.heard[max(0, len(e.b.heard)-device.Rate/2):]
		e.b.mu.Unlock()
	})
}

// since is what was heard after mark, as far as it is still known, in whole pieces; next is the mark behind it.
func (b *bench) since(mark, piece int) (pcm []int16, next int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(b.all-mark, len(b.heard))
	pcm = slices.Clone(b.heard[len(b.heard)-n:])
	n %= piece
	return pcm[:len(pcm)-n], b.all - n
}

// hears waits until somebody has heard 200 ms, from now on, with at least part of the sound at each of the frequencies. They are counted
// each by itself, in pieces of 20 ms: on a busy machine sound comes with gaps, and not everybody's at the same time.
func hears(t *testing.T, what string, who *bench, part float64, hz ...float64) {
	t.Helper()
	const piece, enough = device.Rate / 50, 10
	_, mark := who.since(0, 1)
	counts := make([]int, len(hz))
	becomes(t, fmt.Sprintf("%s: %v Hz", what, hz), func() bool {
		var pcm []int16
		pcm, mark = who.since(mark, piece)
		for p := range slices.Chunk(pcm, piece) {
			for i, f := range hz {
				if share(p, f) >= part {
					counts[i]++
				}
			}
		}
		return slices.Min(counts) >= enough
	}, func() string { return fmt.Sprintf("pieces heard, of %d: %v", enough, counts) })
}

// alone is the part of a sound that is one tone and nothing else; among is that of one of several.
const (
	alone = 0.8
	among = 0.15
)

// hearEachOther waits until two hear each other's tone, and nobody else's, from now on.
func hearEachOther(t *testing.T, one, two *bench) {
	t.Helper()
	hears(t, "the first hears the second", one, alone, two.hz)
	hears(t, "the second hears the first", two, alone, one.hz)
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
	hearEachOther(t, alice, bob)

	a.Mute("x", true)
	becomes(t, "mute", func() bool { return bob.power(440) < 0.1 })
	a.Mute("x", false)
	hears(t, "unmuted", bob, alone, 440)

	a.Hold("x")
	wait[CallHeld](t, a)
	becomes(t, "hold takes the microphone away", func() bool { return bob.power(440) < 0.1 })
	a.Resume("x")
	wait[CallHeld](t, a)
	hears(t, "resume gives it back", bob, alone, 440)

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
	hears(t, "the first", agent, alone, 700)
	a.Hold("one")
	wait[CallHeld](t, a)
	talking(t, a, c, "two")
	hearEachOther(t, agent, two)
	becomes(t, "the first hears nothing", func() bool { return one.power(440) < 0.1 })
	a.Hold("two")
	wait[CallHeld](t, a)
	a.Resume("one")
	wait[CallHeld](t, a)
	hearEachOther(t, agent, one)
	becomes(t, "the second hears nothing", func() bool { return two.power(440) < 0.1 })
	a.Hangup("one")
	wait[CallEnded](t, a)
	a.Resume("two")
	wait[CallHeld](t, a)
	hears(t, "the second again", agent, alone, 1300)
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
	hears(t, "early media", agent, alone, 900)
	if s := far.Stats(); s.PacketsReceived != 0 {
		t.Fatalf("%d packets of the agent before the answer", s.PacketsReceived)
	}
	c.Answer(l)
	wait[CallAnswered](t, a)
	becomes(t, "the agent is heard after it", func() bool { return far.Stats().PacketsReceived > 10 })
}
