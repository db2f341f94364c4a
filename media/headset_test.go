package media

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"offhook/internal/text"
	"offhook/media/device"
)

// deck is a pair of sound devices that a test turns by hand.
type deck struct {
	take, fill     func([]int16)
	opened, closed atomic.Int32
	fail           error
}

type side struct {
	d    *deck
	slot *func([]int16)
}

func (s side) Start(f func([]int16)) error {
	if s.d.fail != nil {
		return s.d.fail
	}
	*s.slot = f
	s.d.opened.Add(1)
	return nil
}
func (s side) Close() error    { s.d.closed.Add(1); *s.slot = nil; return nil }
func (s side) Name() text.Text { return text.Clean("deck") }

func (d *deck) headset() *Headset {
	return NewHeadset(func() device.Capture { return side{d, &d.take} }, func() device.Playback { return side{d, &d.fill} })
}

func (d *deck) open() int { return int(d.opened.Load() - d.closed.Load()) }

func TestDevicesAreOpenOnlyWhileTheyAreNeeded(t *testing.T) {
	_, a, b := pair(t, PCMU, Config{}, Config{})
	d := &deck{}
	h := d.headset()
	if d.open() != 0 {
		t.Fatal("a new headset opens its devices")
	}
	check := func(when string, want int) {
		t.Helper()
		until(t, func() bool { return d.open() == want })
		if d.open() != want {
			t.Errorf("%s: %d devices are open, want %d", when, d.open(), want)
		}
	}
	if err := h.Connect(a); err != nil {
		t.Fatal(err)
	}
	check("connected", 2)
	if err := h.Connect(b); err != nil {
		t.Fatal(err)
	}
	check("switched", 2)
	h.Disconnect(a) // no longer on it
	check("another one disconnected", 2)
	if h.Active() != b {
		t.Error("the session is off the headset")
	}
	h.Disconnect(b)
	check("disconnected", 0)

	if err := h.PlayTone(Ringback("GB")); err != nil {
		t.Fatal(err)
	}
	check("tone", 2)
	var frame [Frame]int16
	d.fill(frame[:])
	d.fill(frame[:])
	if energy(frame[:]) == 0 {
		t.Error("the tone is not heard")
	}
	h.StopTone()
	d.fill(frame[:])
	check("tone stopped", 0)

	if err := h.PlayTone(Busy("US")); err != nil {
		t.Fatal(err)
	}
	for fill := d.fill; energyLater(fill); {
	}
	check("tone over by itself", 0)

	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(a); !errors.Is(err, ErrClosed) {
		t.Errorf("connecting to a closed headset: %v", err)
	}
}

// energyLater plays a second and tells whether anything was heard in it.
func energyLater(fill func([]int16)) bool {
	var frame [Frame]int16
	any := false
	for range 100 {
		fill(frame[:])
		any = any || energy(frame[:]) > 0
	}
	return any
}

func TestADeviceThatFailsIsReportedAndTriedAgain(t *testing.T) {
	_, a, _ := pair(t, PCMU, Config{}, Config{})
	d := &deck{fail: errors.New("no such card")}
	h := d.headset()
	defer h.Close()
	if err := h.Connect(a); !errors.Is(err, d.fail) {
		t.Errorf("connect: %v", err)
	}
	if h.Active() != a {
		t.Error("the call was taken off the headset")
	}
	d.fail = nil
	if err := h.Connect(a); err != nil {
		t.Error(err)
	}
	none := NewHeadset(func() device.Capture { return nil }, func() device.Playback { return nil })
	defer none.Close()
	if err := none.Connect(a); !errors.Is(err, ErrNoDevice) {
		t.Errorf("without devices: %v", err)
	}
}

func TestSwitchingBetweenCallsMakesNoClick(t *testing.T) {
	v, a, farA := pair(t, G722, Config{}, Config{})
	b, farB := listen(t, v, Config{}), listen(t, v, Config{})
	for s, o := range map[*Session]*Session{b: farB, farB: b} {
		if err := s.Configure(params(o, G722)); err != nil {
			t.Fatal(err)
		}
	}
	d := &deck{}
	h := d.headset()
	defer h.Close()
	if err := h.Connect(a); err != nil {
		t.Fatal(err)
	}
	toneA, toneB := sine{hz: 300, amp: 4000}, sine{hz: 500, amp: 4000}
	var in, mic, out [Frame]int16
	var heard []int16
	for i := range 200 {
		toneA.frame(in[:])
		farA.WriteFrame(in[:])
		toneB.frame(in[:])
		farB.WriteFrame(in[:])
		settle(t, farA, a)
		if i < 150 {
			settle(t, farB, b)
		}
		d.take(mic[:])
		switch i {
		case 100:
			if err := h.Connect(b); err != nil {
				t.Fatal(err)
			}
		case 150:
			b.Close() // the far end has hung up: silence, without a click
		}
		d.fill(out[:])
		heard = append(heard, out[:]...)
		v.add(10 * time.Millisecond)
	}
	if s := strength(heard[50*Frame:100*Frame], 300); s < 0.97 {
		t.Errorf("the first call holds %.2f of its sound", s)
	}
	if s := strength(heard[110*Frame:150*Frame], 500); s < 0.97 {
		t.Errorf("the second call holds %.2f of its sound", s)
	}
	if most, at := roughness(heard[20*Frame : 149*Frame]); most > 900 { // 500 Hz turns by 785 per sample
		t.Errorf("a step of %d, %d ms after the beginning", most, at/16+200)
	}
	if in, out := h.Levels(); in != silence || out > -90 {
		t.Errorf("levels %.1f and %.1f, want silence", in, out)
	}
}

func TestTheMicrophoneGoesToTheConnectedCallOnly(t *testing.T) {
	_, a, _ := pair(t, PCMA, Config{}, Config{})
	_, b, _ := pair(t, PCMA, Config{}, Config{})
	d := &deck{}
	h := d.headset()
	defer h.Close()
	var frame [Frame]int16
	sent := func() []uint64 { return []uint64{a.Stats().PacketsSent, b.Stats().PacketsSent} }
	for i, s := range []*Session{a, b, nil} {
		if s != nil {
			if err := h.Connect(s); err != nil {
				t.Fatal(err)
			}
		} else {
			h.Disconnect(b)
			continue
		}
		for range 10 {
			d.take(frame[:])
		}
		if want := [][]uint64{{5, 0}, {5, 5}}[i]; !slices.Equal(sent(), want) {
			t.Errorf("packets %v, want %v", sent(), want)
		}
	}
}
