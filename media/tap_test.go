package media

import (
	"slices"
	"testing"
	"time"

	"offhook/internal/allocs"
)

// heap keeps what a tap hears.
type heap struct{ sent, heard []int16 }

func (h *heap) Sent(frame []int16)  { h.sent = append(h.sent, frame...) }
func (h *heap) Heard(frame []int16) { h.heard = append(h.heard, frame...) }

func TestATapHearsWhatTheFarEndGetsAndWhatIsPlayed(t *testing.T) {
	v, a, b := pair(t, G722, Config{}, Config{})
	tap := &heap{}
	remove := a.Tap(tap)
	mine, theirs := sine{hz: 440, amp: 8000}, sine{hz: 880, amp: 8000}
	var in, out [Frame]int16
	talk := func(frames int) {
		for range frames {
			mine.frame(in[:])
			a.WriteFrame(in[:])
			theirs.frame(in[:])
			step(t, v, b, a, in[:], out[:])
		}
	}
	talk(100)
	if s := strength(tap.sent, 440); len(tap.sent) != 100*Frame || s < 0.99 {
		t.Errorf("sent: %d samples, %.2f of 440 Hz", len(tap.sent), s)
	}
	if s := strength(tap.heard[30*Frame:], 880); len(tap.heard) != 100*Frame || s < 0.97 {
		t.Errorf("heard: %d samples, %.2f of 880 Hz", len(tap.heard), s)
	}
	*tap = heap{}
	a.SetMute(true)
	talk(10)
	if energy(tap.sent) != 0 || energy(tap.heard) == 0 {
		t.Error("muted, the tap hears the microphone or does not hear the far end")
	}
	a.SetMute(false)
	held := params(b, G722)
	held.Send, held.Receive = false, false
	if err := a.Configure(held); err != nil {
		t.Fatal(err)
	}
	*tap = heap{}
	talk(10)
	if len(tap.sent) != 10*Frame || energy(tap.sent) != 0 || len(tap.heard) != 10*Frame || energy(tap.heard) != 0 {
		t.Error("held, the tap hears something")
	}
	remove()
	remove()
	*tap = heap{}
	talk(3)
	if len(tap.sent)+len(tap.heard) != 0 {
		t.Error("a tap that was removed goes on listening")
	}
}

func TestTheRecordingToneIsHeardOnBothSidesEvenWhenMutedAndNotInTheRecording(t *testing.T) {
	v, a, b := pair(t, G722, Config{}, Config{})
	tap := &heap{}
	a.Tap(tap)
	a.SetMute(true)
	a.Remind(RecordingTone(), time.Second)
	var in, near, far [Frame]int16
	var nears, fars []int16
	for range 250 {
		a.WriteFrame(in[:])
		settle(t, a, b)
		step(t, v, b, a, in[:], near[:])
		b.ReadFrame(far[:])
		nears, fars = append(nears, near[:]...), append(fars, far[:]...)
	}
	for name, pcm := range map[string][]int16{"agent": nears, "far end": fars} {
		var loud []int
		for f := range 250 {
			if Level(pcm[f*Frame:(f+1)*Frame]) > -40 {
				loud = append(loud, f/100)
			}
		}
		if n := len(loud); n < 54 || n > 70 || !slices.Equal(slices.Compact(loud), []int{0, 1, 2}) {
			t.Errorf("the %s hears %d frames of tone, in seconds %v", name, n, slices.Compact(loud))
		}
		begin := 0
		for Level(pcm[begin*Frame:(begin+1)*Frame]) < -40 {
			begin++
		}
		if s := strength(pcm[(begin+1)*Frame:(begin+18)*Frame], 1400); s < 0.9 {
			t.Errorf("the %s hears %.2f of 1400 Hz", name, s)
		}
	}
	if Level(tap.sent) > -70 || Level(tap.heard) > -70 { // G.722 makes the faintest noise out of nothing
		t.Error("the tone is in the recording")
	}
	a.Remind(Tone{}, 0)
	for range 150 {
		a.WriteFrame(in[:])
		settle(t, a, b)
		step(t, v, b, a, in[:], near[:])
		b.ReadFrame(far[:])
		if v.now() > 4*time.Second && energy(near[:])+energy(far[:]) > 10 {
			t.Fatal("the tone does not end")
		}
	}
}

func TestAToneBeginsAgainAfterItsInterval(t *testing.T) {
	p := NewTonePlayer(CallWaiting("EU").Every(4 * time.Second))
	pcm := make([]int16, 9*Rate)
	if !p.Mix(pcm) {
		t.Fatal("it ended")
	}
	for f, loud := range map[int]bool{10: true, 30: false, 50: true, 70: false, 200: false, 395: false, 410: true, 450: true, 600: false, 810: true} {
		if got := energy(pcm[f*Frame:(f+1)*Frame]) > 0; got != loud {
			t.Errorf("%d ms after the beginning: sounds %v", 10*f, got)
		}
	}
}

func TestTapsCostNothingOnTheHotPath(t *testing.T) {
	_, a, _ := pair(t, PCMU, Config{}, Config{})
	a.Tap(quietTap{})
	a.Remind(RecordingTone(), time.Second)
	var frame [Frame]int16
	if n := allocs.Of(100, func() { a.WriteFrame(frame[:]); a.ReadFrame(frame[:]) }); n != 0 {
		t.Errorf("%.1f allocations per frame", n)
	}
}

type quietTap struct{}

func (quietTap) Sent([]int16)  {}
func (quietTap) Heard([]int16) {}
