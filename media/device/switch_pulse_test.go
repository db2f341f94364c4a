package device_test

import (
	"math"
	"net/netip"
	"sync"
	"testing"
	"time"

	"offhook/media"
	"offhook/media/device"
)

// reel keeps sound, as a tap and as a sink.
type reel struct {
	mu  sync.Mutex
	pcm []int16
}

func (r *reel) add(f []int16)   { r.mu.Lock(); r.pcm = append(r.pcm, f...); r.mu.Unlock() }
func (r *reel) Sent(f []int16)  { r.add(f) }
func (r *reel) Heard(f []int16) {}
func (r *reel) len() int        { r.mu.Lock(); defer r.mu.Unlock(); return len(r.pcm) }

// gaps are milliseconds without sound between the first and the last of it.
func (r *reel) gaps() (ms int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	const part = device.Rate / 200
	first, last := -1, -1
	for at := 0; at+part <= len(r.pcm); at += part {
		if media.Level(r.pcm[at:at+part]) > -40 {
			if first < 0 {
				first = at
			}
			last = at
		}
	}
	for at := max(first, 0); at < last; at += part {
		if media.Level(r.pcm[at:at+part]) <= -40 {
			ms += 5
		}
	}
	return ms
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(time.Minute)
	for poll := time.NewTicker(20 * time.Millisecond); ; {
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

func TestAnotherMicrophoneAndLoudspeakerTakeOverInACall(t *testing.T) {
	srv := device.StartServer(t)
	srv.Must("load-module", "module-remap-source", "source_name=mic2", "master=micfeed.monitor", "channels=1", "source_properties=device.description=Second")
	tone := func() func([]int16) {
		n := 0
		return func(f []int16) {
			for i := range f {
				f[i] = int16(6000 * math.Sin(2*math.Pi*400*float64(n)/device.Rate))
				n++
			}
		}
	}
	feed := srv.Open(device.Spec{Output: "micfeed"}).Playback()
	if err := feed.Start(tone()); err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	var ears [2]reel
	for i, name := range []string{"speaker.monitor", "headset.monitor"} {
		c := srv.Open(device.Spec{Input: name}).Capture()
		if err := c.Start(ears[i].add); err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}

	set := srv.Open(device.Spec{})
	h := media.NewHeadset(set.Capture, set.Playback)
	defer h.Close()
	s, err := media.Listen(media.Config{LocalIP: netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Configure(media.Params{Remote: netip.MustParseAddrPort("127.0.0.1:9"), Codec: media.PCMU, Send: true, Receive: true}); err != nil {
		t.Fatal(err)
	}
	var said reel
	s.Tap(&said)
	if err := h.Connect(s); err != nil {
		t.Fatal(err)
	}
	if err := h.PlayTone(media.Tone{Hz: []float64{500}, Level: -15}); err != nil {
		t.Fatal(err)
	}
	loud := func(r *reel) bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		n := len(r.pcm)
		return n > 1600 && media.Level(r.pcm[n-1600:]) > -25
	}
	wait(t, "the tone on the first loudspeaker", func() bool { return loud(&ears[0]) && loud(&said) })

	for role, name := range map[device.Role]string{device.Input: "mic2", device.Output: "headset"} {
		if err := set.Choose(role, name); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if err := h.Switch(true, true); err != nil {
		t.Fatal(err)
	}
	t.Logf("switched in %v", time.Since(began).Round(time.Millisecond))
	wait(t, "the tone on the second loudspeaker", func() bool { return loud(&ears[1]) && loud(&said) })
	for role, want := range map[device.Role]string{device.Input: "mic2", device.Output: "headset"} {
		for _, o := range set.Options(role) {
			if o.InUse != (o.Value == want) || o.Chosen != (o.Value == want) {
				t.Errorf("%s: %+v", role, o)
			}
		}
	}
	h.StopTone()
	// That no more than 40 ms get lost is held in virtual time (media: TestDevicesAreSwitchedInACallWithoutAGapAndWithoutAClick). Here
	// a busy machine makes holes of its own.
	t.Logf("%d ms of the microphone are lost, the loudspeakers have holes of %d ms", said.gaps(), ears[0].gaps()+ears[1].gaps())
}
