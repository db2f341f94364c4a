package media

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"offhook/media/device"
)

func TestAHeadsetGoesIntoAConferenceAndOutOfItWithoutAClick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var said, heard []int16
		count := func() int { mu.Lock(); defer mu.Unlock(); return len(said) }
		last := func(n int) []int16 { mu.Lock(); defer mu.Unlock(); return slices.Clone(said[len(said)-n:]) }
		tone := sine{hz: 300, amp: 2200} // the level that all are brought to
		mic := &gear{name: "mic", mic: tone.frame}
		ear := &gear{name: "ear", ear: func(f []int16) { mu.Lock(); defer mu.Unlock(); heard = append(heard, f...) }}
		h := NewHeadset(func() device.Capture { return mic }, func() device.Playback { return ear })
		s := &Session{transmit: func([]byte) bool { return true }}
		s.tx, _ = newSender()
		s.rx.player = newPlayer()
		began := time.Now()
		s.clock = func() time.Duration { return time.Since(began) }
		s.Tap(tapFunc(func(f []int16) { mu.Lock(); defer mu.Unlock(); said = append(said, f...) }))
		c, err := complete(Params{Codec: PCMU, Send: true, Remote: loopback(9)})
		if err != nil {
			t.Fatal(err)
		}
		s.config.Store(c)
		if err := h.Connect(s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		m := NewMix()
		if err := h.ConnectMix(m); err != nil {
			t.Fatal(err)
		}
		if err := m.Add(s); err != nil {
			t.Fatal(err)
		}
		if h.Active() != nil || h.Mix() != m {
			t.Error("the headset is not on the conference")
		}
		from := count()
		time.Sleep(500 * time.Millisecond)
		if n := count() - from; n < 45*Frame {
			t.Errorf("in half a second of conference %d ms of the microphone were sent", n/16)
		}
		if l := Level(last(Rate / 4)); l < -28 || l > -20 {
			t.Errorf("in the conference the microphone is sent at %.1f dBFS", l)
		}
		m.Remove(s)
		if err := h.Connect(s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if l := Level(said[len(said)-Rate/8:]); l < -28 {
			t.Errorf("after the conference the microphone is sent at %.1f dBFS", l)
		}
		if most, at := roughness(said[Frame:]); most > 1100 { // the tone turns by 260, and is faded out and in; a cut is 4400
			t.Errorf("the microphone steps by %d at %d ms", most, at/16)
		}
		if len(heard) < Rate {
			t.Errorf("the loudspeaker took %d ms", len(heard)/16)
		}
	})
}
