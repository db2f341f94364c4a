package media

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"offhook/internal/allocs"
	"offhook/internal/text"
	"offhook/media/device"
	"offhook/media/voice"
)

// gear is a device that runs by itself in virtual time, and lives after a while.
type gear struct {
	name  string
	after time.Duration // until it lives
	mic   func([]int16)
	ear   func([]int16)
	fail  error

	stop  chan struct{}
	done  chan struct{}
	began time.Time
	ran   atomic.Bool
}

func (g *gear) Start(f func([]int16)) error {
	if g.fail != nil {
		return g.fail
	}
	g.stop, g.done, g.began = make(chan struct{}), make(chan struct{}), time.Now()
	g.ran.Store(true)
	go func() {
		defer close(g.done)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		var frame [Frame]int16
		for {
			select {
			case <-g.stop:
				return
			case <-tick.C:
			}
			clear(frame[:])
			if g.mic != nil && g.Live() {
				g.mic(frame[:])
			}
			f(frame[:])
			if g.ear != nil && g.Live() {
				g.ear(frame[:])
			}
		}
	}()
	return nil
}

func (g *gear) Live() bool { return time.Since(g.began) > g.after }
func (g *gear) Close() error {
	if g.ran.Swap(false) {
		close(g.stop)
		<-g.done
	}
	return nil
}
func (g *gear) Name() text.Text { return text.Clean(g.name) }

func TestDevicesAreSwitchedInACallWithoutAGapAndWithoutAClick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said, first, second []int16
		toneA, toneB := sine{hz: 300, amp: 8000}, sine{hz: 300, amp: 8000}
		micA := &gear{name: "a", mic: toneA.frame}
		micB := &gear{name: "b", mic: toneB.frame, after: 45 * time.Millisecond}
		earA := &gear{name: "a", ear: func(f []int16) { first = append(first, f...) }}
		earB := &gear{name: "b", ear: func(f []int16) { second = append(second, f...) }, after: 75 * time.Millisecond}
		mic, ear := micA, earA
		h := NewHeadset(func() device.Capture { return mic }, func() device.Playback { return ear })
		s := &Session{transmit: func([]byte) bool { return true }}
		s.tx, _ = newSender()
		s.rx.player = newPlayer()
		s.clock = func() time.Duration { return time.Since(micA.began) }
		s.Tap(tapFunc(func(f []int16) { said = append(said, f...) }))
		if err := h.Connect(s); err != nil {
			t.Fatal(err)
		}
		c, err := complete(Params{Codec: PCMU, Send: true, Remote: loopback(9)})
		if err != nil {
			t.Fatal(err)
		}
		s.config.Store(c)
		if err := h.PlayTone(Tone{Hz: []float64{500}, Level: -12}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(505 * time.Millisecond)
		mic, ear = micB, earB
		if err := h.Switch(true, true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * playOut)
		if micA.ran.Load() || earA.ran.Load() {
			t.Error("the old devices are still open")
		}
		time.Sleep(500 * time.Millisecond)
		h.StopTone()
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if n := len(said); n < 98*Frame {
			t.Errorf("%d of about 110 frames were sent", n/Frame)
		}
		silent := 0
		for f := 1; f < len(said)/Frame; f++ {
			if Level(said[f*Frame:(f+1)*Frame]) < -20 {
				silent++
			}
		}
		if silent > 1 {
			t.Errorf("%d ms of the microphone are lost, promised 40 at most", 10*silent)
		}
		if most, at := roughness(said[Frame:]); most > 1800 { // 300 Hz turns by 942; twice that joins two tones
			t.Errorf("the microphone clicks: a step of %d at %d ms", most, at/16)
		}
		for name, pcm := range map[string][]int16{"old": first, "new": second} {
			if most, at := roughness(pcm); most > 1700 { // 500 Hz turns by 1,600
				t.Errorf("the %s loudspeaker clicks: a step of %d at %d ms", name, most, at/16)
			}
			if energy(pcm[:40*Frame]) == 0 {
				t.Errorf("the %s loudspeaker was silent", name)
			}
		}
		loud := 0
		for _, pcm := range [][]int16{first, second} {
			for f := range len(pcm) / Frame {
				if Level(pcm[f*Frame:(f+1)*Frame]) > -20 {
					loud++
				}
			}
		}
		if loud < 98 {
			t.Errorf("the tone was heard in %d frames of about 105", loud)
		}
	})
}

type tapFunc func([]int16)

func (f tapFunc) Sent(frame []int16) { f(frame) }
func (tapFunc) Heard([]int16)        {}

func TestADeviceThatCannotBeOpenedLeavesTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := &gear{name: "good"}
		ear := &gear{name: "ear"}
		use := good
		h := NewHeadset(func() device.Capture { return use }, func() device.Playback { return ear })
		if err := h.Switch(true, true); err != nil || good.ran.Load() {
			t.Errorf("switching what is closed: %v", err)
		}
		if err := h.PlayTone(Ringback("GB")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		use = &gear{fail: errors.New("it is broken")}
		if err := h.Switch(true, false); !errors.Is(err, use.fail) || !good.ran.Load() {
			t.Errorf("error %v, and the old one runs: %v", err, good.ran.Load())
		}
		dead := &gear{name: "dead", after: time.Hour} // it opens, and never gives a sign
		use = dead
		began := time.Now()
		if err := h.Switch(true, false); err != nil || !dead.ran.Load() || good.ran.Load() || time.Since(began) > 300*time.Millisecond {
			t.Errorf("error %v after %v", err, time.Since(began))
		}
		h.Close()
		if err := h.Switch(true, true); !errors.Is(err, ErrClosed) {
			t.Errorf("switching a closed headset: %v", err)
		}
	})
}

func TestAToneOverTheCallIsSoftAndLeavesTheCallAsItIs(t *testing.T) {
	v, a, b := pair(t, G722, Config{}, Config{})
	d := &deck{}
	h := d.headset()
	defer h.Close()
	if err := h.Connect(a); err != nil {
		t.Fatal(err)
	}
	voice := sine{hz: 300, amp: 4000}
	var in, out [Frame]int16
	var heard []int16
	for i := range 200 {
		voice.frame(in[:])
		b.WriteFrame(in[:])
		settle(t, b, a)
		d.take(in[:])
		if i == 100 {
			if err := h.PlayOver(Tone{Hz: []float64{1000}, Cadence: []int{500, 100}, Repeat: 1, Level: -3}); err != nil {
				t.Fatal(err)
			}
		}
		d.fill(out[:])
		heard = append(heard, out[:]...)
		v.add(10 * time.Millisecond)
	}
	during := heard[105*Frame : 145*Frame]
	all := Level(during)
	if tone := all + 10*math.Log10(strength(during, 1000)); tone > -19.5 || tone < -21 {
		t.Errorf("the tone is at %.1f dBFS, promised -20", tone)
	}
	if call := all + 10*math.Log10(strength(during, 300)); call < -19 || call > -17.5 {
		t.Errorf("the call is at %.1f dBFS, it was sent at -18.3", call)
	}
	if s := strength(heard[170*Frame:], 300); s < 0.97 {
		t.Errorf("after the tone the call holds %.2f", s)
	}
	h.PlayOver(CallWaiting("EU").Every(time.Second))
	d.fill(out[:])
	h.StopOver()
	d.fill(out[:])
	if h.over != nil {
		t.Error("the tone does not stop")
	}
}

func TestTheMicrophoneIsProcessedAndProcessingChangesWithoutAClick(t *testing.T) {
	_, a, _ := pair(t, G722, Config{}, Config{})
	tap := &heap{}
	a.Tap(tap)
	d := &deck{}
	h := d.headset()
	defer h.Close()
	if err := h.Connect(a); err != nil {
		t.Fatal(err)
	}
	hum := sine{hz: 50, amp: 8000}
	var in, keep [Frame]int16
	feed := func(n int) {
		for range n {
			hum.frame(in[:])
			keep = in
			d.take(in[:])
			if in != keep {
				t.Fatal("the device's own frame was changed")
			}
		}
	}
	feed(50)
	for i, s := range tap.sent {
		if want := int16(8000 * math.Sin(2*math.Pi*50*float64(i)/Rate)); s != want {
			t.Fatalf("without processing sample %d is %d, not %d", i, s, want)
		}
	}
	if err := h.SetProcessing(voice.Settings{HighPass: true, Suppress: voice.Low, AGC: true}); err != nil {
		t.Fatal(err)
	}
	feed(100)
	if got := Level(tap.sent[120*Frame:]); got > -22 {
		t.Errorf("the hum is still at %.1f dBFS", got)
	}
	if !h.Processing().HighPass {
		t.Error("the settings are not told")
	}
	if err := h.SetProcessing(voice.Settings{}); err != nil {
		t.Fatal(err)
	}
	feed(50)
	if most, at := roughness(tap.sent); most > 500 { // the hum turns by 157
		t.Errorf("a step of %d at %d ms", most, at/16)
	}
	if err := h.SetProcessing(voice.Settings{Suppress: "a lot"}); !errors.Is(err, voice.ErrSettings) {
		t.Errorf("%v", err)
	}
	h.SetProcessing(voice.Settings{HighPass: true, Suppress: voice.High, AGC: true, Speaker: true})
	feed(2)
	if n := allocs.Of(100, func() { d.take(in[:]); d.fill(keep[:]) }); n != 0 {
		t.Errorf("%.1f allocations per frame", n)
	}
}

func TestATrialOfTheMicrophoneSaysHowItIsAndPlaysItBack(t *testing.T) {
	loud := sine{hz: 400, amp: 6000}
	talk := 0
	for _, c := range []struct {
		name string
		mic  func([]int16)
		want string
		ok   bool
	}{
		{"good", func(f []int16) {
			if talk++; talk/40%2 == 1 {
				loud.frame(f)
			}
		}, "Jabra is heard well", true},
		{"muted", nil, "Jabra gives no sound at all", false},
		{"hardly", (&sine{hz: 400, amp: 60}).frame, "Jabra is hardly heard", false},
		{"clipping", (&sine{hz: 400, amp: 32767}).frame, "Jabra is too loud", false},
		{"nobody", (&sine{hz: 400, amp: 300}).frame, "Jabra hears only its surroundings", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var heard []int16
				mic := &gear{name: "Jabra", mic: c.mic}
				ear := &gear{name: "ear", ear: func(f []int16) { heard = append(heard, f...) }}
				h := NewHeadset(func() device.Capture { return mic }, func() device.Playback { return ear })
				defer h.Close()
				r, err := h.Test(t.Context(), 0)
				if err != nil {
					t.Fatal(err)
				}
				if r.OK != c.ok || !strings.HasPrefix(r.Words.String(), c.want) || r.Device.String() != "Jabra" {
					t.Errorf("%+v", r)
				}
				if c.mic != nil && energy(heard[400*Frame:]) == 0 {
					t.Error("nothing was played back")
				}
				if mic.ran.Load() || ear.ran.Load() {
					t.Error("the devices stay open")
				}
			})
		})
	}
}

func TestACallEndsATrialAndATrialNeverDisturbsACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mic, ear := &gear{name: "mic"}, &gear{name: "ear"}
		h := NewHeadset(func() device.Capture { return mic }, func() device.Playback { return ear })
		defer h.Close()
		if err := h.MonitorMic(true); err != nil || !mic.ran.Load() || ear.ran.Load() {
			t.Fatalf("monitoring opens the wrong devices: %v", err)
		}
		if err := h.MonitorMic(false); err != nil || mic.ran.Load() {
			t.Fatalf("monitoring leaves the microphone open: %v", err)
		}
		got := make(chan error, 1)
		go func() { _, err := h.Test(t.Context(), 0); got <- err }()
		time.Sleep(time.Second)
		s := &Session{}
		s.tx, _ = newSender()
		s.rx.player, s.clock = newPlayer(), func() time.Duration { return time.Since(mic.began) }
		if err := h.Connect(s); err != nil {
			t.Fatal(err)
		}
		if err := <-got; !errors.Is(err, ErrBusy) {
			t.Errorf("the trial ends with %v", err)
		}
		if !mic.ran.Load() || h.Active() != s {
			t.Error("the call lost its microphone")
		}
		if _, err := h.Test(t.Context(), 0); !errors.Is(err, ErrBusy) {
			t.Errorf("a trial in a call: %v", err)
		}
		h.Disconnect(s)
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := h.Test(ctx, 0); !errors.Is(err, context.DeadlineExceeded) || mic.ran.Load() {
			t.Errorf("a trial that is given up: %v", err)
		}
	})
}

func TestEverythingAtOnceOnAHeadsetIsSafe(t *testing.T) {
	h := NewHeadset(func() device.Capture { return &gear{name: "mic"} }, func() device.Playback { return &gear{name: "ear"} })
	began := time.Now()
	var sessions [3]*Session
	for i := range sessions {
		s := &Session{transmit: func([]byte) bool { return true }}
		s.tx, _ = newSender()
		s.rx.player, s.clock = newPlayer(), func() time.Duration { return time.Since(began) }
		sessions[i] = s
	}
	var all sync.WaitGroup
	for _, f := range []func(i int){
		func(i int) { h.Connect(sessions[i%3]) },
		func(i int) { h.Disconnect(sessions[i%3]) },
		func(i int) { h.Switch(i%2 == 0, i%3 == 0) },
		func(i int) { h.PlayTone(Ringback("GB")); h.PlayOver(CallWaiting("EU")) },
		func(i int) { h.StopTone(); h.StopOver(); h.Levels() },
		func(i int) { h.SetProcessing(voice.Settings{HighPass: i%2 == 0, Suppress: voice.Low, Speaker: true}) },
		func(i int) { h.MonitorMic(i%2 == 0) },
		func(i int) {
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer stop()
			h.Test(ctx, time.Second)
		},
	} {
		all.Go(func() {
			for i := range 12 {
				f(i)
			}
		})
	}
	all.Wait()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if h.Active() != nil || h.mic != nil || h.speaker != nil {
		t.Error("something is left open")
	}
}

func TestNothingThatComesHurtsTheEar(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var l limiter
	pcm := make([]int16, Frame)
	loud, lasting := 0, 0
	for n := range 5000 {
		kind := n / 50 % 5
		for i := range pcm {
			switch kind {
			case 0:
				pcm[i] = int16(r.IntN(65536) - 32768)
			case 1:
				pcm[i] = [2]int16{-32768, 32767}[i/4%2]
			case 2:
				pcm[i] = 0
			case 3:
				pcm[i] = int16(r.IntN(400) - 200)
			default:
				pcm[i] = -32768
			}
		}
		l.process(pcm)
		for _, s := range pcm {
			if s > ceiling || s < -ceiling {
				t.Fatalf("a sample of %d reaches the ear", s)
			}
		}
		if loud++; Level(pcm) < -11.5 {
			loud = 0
		}
		lasting = max(lasting, loud)
	}
	if lasting > 1 {
		t.Errorf("more than -11.5 dBFS lasts for %d ms", 10*lasting)
	}
}
