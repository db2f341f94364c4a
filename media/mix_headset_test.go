package media

import (
	"testing"
	"testing/synctest"
	"time"

	"offhook/media/device"
)

func TestAHeadsetGoesIntoAConferenceAndOutOfItWithoutAClick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said, heard []int16
		tone := sine{hz: 300, amp: 2200} // the level that all are brought to
		mic := &gear{name: "mic", mic: tone.frame}
		ear := &gear{name: "ear", ear: func(f []int16) { heard = append(heard, f...) }}
		h := NewHeadset(func() device.Capture { return mic }, func() device.Playback { return ear })
		s := &Session{transmit: func([]byte) bool { return true }}
		s.tx, _ = newSender()
		s.rx.player = newPlayer()
		began := time.Now()
		s.clock = func() time.Duration { return time.Since(began) }
		s.Tap(tapFunc(func(f []int16) { said = append(said, f...) }))
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
		h.Disconnect(s) // a session that is mixed is on no headset
		if err := m.Add(s); err != nil {
			t.Fatal(err)
		}
		if err := h.ConnectMix(m); err != nil {
			t.Fatal(err)
		}
		if h.Active() != nil || h.Mix() != m {
			t.Error("the headset is not on the conference")
		}
		from := len(said)
		time.Sleep(500 * time.Millisecond)
		if n := len(said) - from; n < 45*Frame {
			t.Errorf("in half a second of conference %d ms of the microphone were sent", n/16)
		}
		if l := Level(said[len(said)-Rate/4:]); l < -28 || l > -20 {
			t.Errorf("in the conference the microphone is sent at %.1f dBFS", l)
		}
		m.Remove(s)
		h.DisconnectMix(m)
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
		if len(heard) < Rate {
			t.Errorf("the loudspeaker took %d ms", len(heard)/16)
		}
	})
}
