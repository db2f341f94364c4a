//go:build unix

package peers

import (
	"math"
	"net/netip"
	"sync"
	"testing"
	"time"

	"offhook/internal/text"
	"offhook/media"
	"offhook/media/device"
	"offhook/sip"
)

// headset says one frequency and remembers the last half second of what it hears.
type headset struct {
	hz    float64
	mu    sync.Mutex
	heard []int16
}

func (h *headset) open(t testing.TB) *media.Headset {
	m := media.NewHeadset(func() device.Capture { return &talker{h: h} }, func() device.Playback { return &listener{h: h} })
	t.Cleanup(func() { m.Close() })
	return m
}

// hears waits until nearly all that is heard, from now on, is that tone.
func (h *headset) hears(t testing.TB, hz float64) {
	t.Helper()
	h.mu.Lock()
	h.heard = nil
	h.mu.Unlock()
	defer func() {
		if t.Failed() {
			h.mu.Lock()
			defer h.mu.Unlock()
			t.Logf("in the last %d samples: loudness %.0f, share of %g Hz %.3f", len(h.heard), loudness(h.heard), hz, share(h.heard, device.Rate, hz))
		}
	}()
	eventually(t, "a tone is heard", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.heard) >= device.Rate/2 && loudness(h.heard) > 300 && share(h.heard, device.Rate, hz) > 0.9
	})
}

// clock runs f for every 10 ms until it is closed, as a sound card does: what a machine that stood still has missed is made up for, as far as
// a card has a buffer. What is older is lost: a machine that had all of it to do would do nothing else, and fall behind more.
type clock struct {
	stop chan struct{}
	done sync.WaitGroup
}

func (k *clock) start(f func()) error {
	k.stop = make(chan struct{})
	k.done.Go(func() {
		const frame = 10 * time.Millisecond
		t := time.NewTicker(frame)
		defer t.Stop()
		for next := time.Now().Add(frame); ; {
			select {
			case <-k.stop:
				return
			case <-t.C:
			}
			now := time.Now()
			if oldest := now.Add(-10 * frame); next.Before(oldest) {
				next = oldest
			}
			for ; !next.After(now); next = next.Add(frame) {
				f()
			}
		}
	})
	return nil
}

func (k *clock) Close() error { close(k.stop); k.done.Wait(); return nil }

type talker struct {
	clock
	h *headset
	n int
}

func (m *talker) Name() text.Text { return text.Clean("mouth") }
func (m *talker) Start(sink func([]int16)) error {
	return m.start(func() {
		frame := make([]int16, device.Frame)
		for i := range frame {
			frame[i] = int16(8000 * math.Sin(2*math.Pi*m.h.hz*float64(m.n)/device.Rate))
			m.n++
		}
		sink(frame)
	})
}

type listener struct {
	clock
	h *headset
}

func (e *listener) Name() text.Text { return text.Clean("ear") }
func (e *listener) Start(fill func([]int16)) error {
	return e.start(func() {
		frame := make([]int16, device.Frame)
		fill(frame)
		e.h.mu.Lock()
		e.h.heard = append(e.h.heard, frame...)
		e.h.heard = e.h.heard[max(0, len(e.h.heard)-device.Rate/2):]
		e.h.mu.Unlock()
	})
}

// telephone is a phone without a registrar, for peers that have none.
func telephone(t testing.TB, change ...func(*sip.Config)) *sip.Phone {
	t.Helper()
	cfg := sip.Config{Account: "sip:alex@127.0.0.1", Listen: netip.MustParseAddrPort("127.0.0.1:0"), Unwatched: true}
	for _, f := range change {
		f(&cfg)
	}
	p, err := sip.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hangUp(p) })
	return p
}

// next waits for the next event of a type; others are passed over.
func next[E sip.Event](t testing.TB, p *sip.Phone) E {
	t.Helper()
	return within[E](t, p, patience)
}

func within[E sip.Event](t testing.TB, p *sip.Phone, patience time.Duration) E {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case e, ok := <-p.Events():
			if !ok {
				t.Fatalf("the events ended before %T", *new(E))
			}
			if e, ok := e.(E); ok {
				return e
			}
			if e, ok := e.(sip.CallEnded); ok {
				t.Logf("%+v", e)
			}
		case <-limit:
			t.Fatalf("no %T came", *new(E))
		}
	}
}
