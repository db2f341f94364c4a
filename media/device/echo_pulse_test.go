package device

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// cancellers are the modules that a desk has loaded.
func (s *soundServer) cancellers() (n int) {
	for line := range strings.Lines(s.must("list", "short", "modules")) {
		if strings.Contains(line, echoName) {
			n++
		}
	}
	return n
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(15 * time.Second)
	for poll := time.NewTicker(30 * time.Millisecond); ; {
		select {
		case <-poll.C:
			if ok() {
				poll.Stop()
				return
			}
		case <-limit:
			t.Fatal("it never happened: " + what)
		}
	}
}

func TestTheServersEchoCancellerServesWhileACallRunsAndOnlyThen(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	set := s.open(Spec{EchoCancel: "server"})
	if n := s.cancellers(); n != 0 {
		t.Fatalf("%d cancellers before a call", n)
	}
	play(t, s.feed(), 440)
	c, p := set.Capture(), set.Playback()
	heard := record(t, c)
	frames := play(t, p, 880)
	atLeast(t, frames, 50)
	heard.hears(t, "sound through the canceller", func(pcm []int16) bool { return !silent(pcm) })
	eventually(t, "one canceller", func() bool { return s.cancellers() == 1 })
	eventually(t, "both streams on it", func() bool { return onEcho(s) })
	for _, i := range set.List() {
		if strings.HasPrefix(i.Name, echoName) {
			t.Errorf("%s is shown to people", i.Name)
		}
	}

	// the server dies and comes back: the canceller with it
	s.kill()
	s.start()
	eventually(t, "a canceller after the restart", func() bool { return s.cancellers() == 1 && onEcho(s) })
	foreign := s.must("load-module", "module-echo-cancel", "aec_method=webrtc", "source_master=mic", "sink_master=headset", "source_name=theirs", "sink_name=theirs_sink")

	// another loudspeaker becomes the default: a canceller around it takes over
	s.must("set-default-sink", "headset")
	eventually(t, "a canceller around the headset", func() bool {
		return s.cancellers() == 1 && onEcho(s) && strings.Contains(s.must("list", "short", "modules"), "sink_master=headset source_name="+echoName)
	})
	c.Close()
	p.Close()
	eventually(t, "no canceller after the call", func() bool { return s.cancellers() == 0 })
	found := false
	for line := range strings.Lines(s.must("list", "short", "modules")) {
		found = found || strings.HasPrefix(line, foreign+"\t")
	}
	if !found {
		t.Error("somebody else's canceller was unloaded")
	}
}

// onEcho tells whether both streams of the desk are on its canceller.
func onEcho(s *soundServer) bool {
	on := func(kind, devices string) bool {
		index := ""
		for line := range strings.Lines(s.must("list", "short", devices)) {
			if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], echoName) && !strings.HasSuffix(f[1], ".monitor") {
				index = f[0]
			}
		}
		for line := range strings.Lines(s.must("list", "short", kind)) {
			if f := strings.Fields(line); len(f) > 2 && f[1] == index && f[2] != "-" {
				return true
			}
		}
		return false
	}
	return on("sink-inputs", "sinks") && on("source-outputs", "sources")
}

// feed is a playback into what the microphone hears.
func (s *soundServer) feed() Playback { return s.open(Spec{Output: "micfeed"}).Playback() }

func TestTheCancellerTakesTheEchoOut(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	// what the speaker plays comes back into the microphone
	s.must("load-module", "module-loopback", "source=speaker.monitor", "sink=micfeed", "latency_msec=30", "source_dont_move=true", "sink_dont_move=true")
	level := func(spec Spec, learns int) float64 { // of the last two seconds, after learns frames
		set := s.open(spec)
		defer set.Close()
		c, p := set.Capture(), set.Playback()
		frames := make([]float64, learns+200)
		n := 0
		done := make(chan struct{})
		if err := c.Start(func(pcm []int16) {
			if n == len(frames) {
				return
			}
			for _, v := range pcm {
				frames[n] += float64(v) * float64(v)
			}
			if n++; n == len(frames) {
				close(done)
			}
		}); err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		r, k, low := rand.New(rand.NewPCG(1, 2)), 0, 0.0
		if err := p.Start(func(pcm []int16) { // noise with the rhythm of syllables
			for i := range pcm {
				k++
				low += (r.NormFloat64() - low) * 0.4
				pcm[i] = int16(6000 * low * math.Max(0, math.Sin(2*math.Pi*3*float64(k)/Rate)))
			}
		}); err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Fatal("the sound did not come")
		}
		sum := 0.0
		for _, f := range frames[learns:] {
			sum += f
		}
		return 10 * math.Log10(sum/200/Frame+1)
	}
	without, with := level(Spec{}, 50), level(Spec{EchoCancel: "server"}, 400)
	t.Logf("the echo is %.1f dB lower", without-with)
	if without < 50 {
		t.Fatalf("no echo to begin with: %.1f dB", without)
	}
	if without-with < 12 {
		t.Errorf("the echo is only %.1f dB lower, promised 12", without-with)
	}
}
