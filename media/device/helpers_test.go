package device

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"testing"
	"time"
)

// power is how much of a signal is a sine of hz, 0 to 1 (Goertzel).
func power(pcm []int16, hz float64) float64 {
	if len(pcm) == 0 {
		return 0
	}
	var re, im, all float64
	for i, s := range pcm {
		v := float64(s)
		w := 2 * math.Pi * hz * float64(i) / Rate
		re += v * math.Cos(w)
		im += v * math.Sin(w)
		all += v * v
	}
	if all == 0 {
		return 0
	}
	return 2 * (re*re + im*im) / (all * float64(len(pcm)))
}

// sine fills frames with a tone.
func sine(hz float64) func([]int16) {
	n := 0
	return func(frame []int16) {
		for i := range frame {
			frame[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(n)/Rate))
			n++
		}
	}
}

// patience is how long a test waits for what another program does before it gives up. It is no promise of ours.
const patience = time.Minute

// tape keeps the newest samples of a capture and lets a test wait for what it wants to hear.
type tape struct {
	mu   sync.Mutex
	pcm  []int16
	n    int // frames
	wake chan struct{}
}

func newTape() *tape { return &tape{wake: make(chan struct{}, 1)} }

func (t *tape) sink(frame []int16) {
	t.mu.Lock()
	t.pcm = append(t.pcm, frame...)
	if over := len(t.pcm) - Rate/5; over > 0 { // 200 ms
		t.pcm = append(t.pcm[:0], t.pcm[over:]...)
	}
	t.n++
	t.mu.Unlock()
	nudge(t.wake)
}

func (t *tape) last() ([]int16, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]int16(nil), t.pcm...), t.n
}

// hears waits until the last 200 ms satisfy ok.
func (t *tape) hears(tb testing.TB, what string, ok func(pcm []int16) bool) {
	tb.Helper()
	limit := time.After(patience)
	for {
		select {
		case <-t.wake:
			if pcm, _ := t.last(); len(pcm) == Rate/5 && ok(pcm) {
				return
			}
		case <-limit:
			pcm, n := t.last()
			tb.Fatalf("never heard %s; %d frames came, the last is %v", what, n, pcm[max(0, len(pcm)-8):])
		}
	}
}

func pure(hz float64) func([]int16) bool {
	return func(pcm []int16) bool { return power(pcm, hz) > 0.95 }
}

func silent(pcm []int16) bool {
	for _, s := range pcm {
		if s != 0 {
			return false
		}
	}
	return true
}

// expect waits for an event that satisfies ok, and returns it; others are passed over.
func expect(tb testing.TB, events <-chan Event, what string, ok func(Event) bool) Event {
	tb.Helper()
	limit := time.After(patience)
	var seen []Event
	for {
		select {
		case e, open := <-events:
			if !open {
				tb.Fatalf("events ended before %s; seen %v", what, seen)
			}
			if ok(e) {
				return e
			}
			seen = append(seen, e)
		case <-limit:
			tb.Fatalf("no event: %s; seen %v", what, seen)
		}
	}
}

// expectAll waits for an event for each of want, in whatever order they come, and returns them.
func expectAll(tb testing.TB, events <-chan Event, want map[string]func(Event) bool) map[string]Event {
	tb.Helper()
	got := make(map[string]Event)
	for len(got) < len(want) {
		expect(tb, events, fmt.Sprintf("what is left of %v", slices.Sorted(maps.Keys(want))), func(e Event) bool {
			for name, ok := range want {
				if _, had := got[name]; !had && ok(e) {
					got[name] = e
					return true
				}
			}
			return false
		})
	}
	return got
}

func kindOf(k EventKind, output bool) func(Event) bool {
	return func(e Event) bool { return e.Kind == k && e.Output == output }
}
