package record

import (
	"sync"
	"testing"
	"time"
)

func TestTheRingKeepsTheNewestInOrderAndCountsTheRest(t *testing.T) {
	r := newRing()
	pcm := make([]int16, Frame)
	for i := range slots + 100 {
		pcm[0] = int16(i)
		r.put(time.Duration(i), pcm)
	}
	next := 100
	r.take(func(at time.Duration, pcm []int16) {
		if int(at) != next || int(pcm[0]) != next {
			t.Fatalf("frame %d, want %d", at, next)
		}
		next++
	})
	if next != slots+100 || r.dropped.Load() != 100 {
		t.Errorf("%d frames, %d dropped", next, r.dropped.Load())
	}
}

func TestTheRingLosesNothingUncountedWhenBothSidesWork(t *testing.T) {
	r := newRing()
	const frames = 200_000
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		pcm := make([]int16, Frame)
		for i := range frames {
			pcm[0], pcm[Frame-1] = int16(i), int16(i)
			r.put(time.Duration(i), pcm)
		}
	})
	got, last := 0, -1
	look := func() {
		r.take(func(at time.Duration, pcm []int16) {
			if int(at) <= last || pcm[0] != int16(at) || pcm[Frame-1] != int16(at) {
				t.Errorf("frame %d with %d and %d after %d", at, pcm[0], pcm[Frame-1], last)
			}
			last = int(at)
			got++
		})
	}
	for open := true; open; {
		select {
		case <-done:
			open = false
		default:
		}
		look()
	}
	wg.Wait()
	look()
	left := 0
	for i := range r.slots { // overtaken frames that nobody has dropped yet
		if r.slots[i].Load() != nil {
			left++
		}
	}
	if got+left+int(r.dropped.Load()) != frames || last != frames-1 {
		t.Errorf("%d taken, %d dropped, %d left of %d; the last is %d", got, r.dropped.Load(), left, frames, last)
	}
}

func BenchmarkTap(b *testing.B) {
	r := newRing()
	pcm := make([]int16, Frame)
	b.ReportAllocs()
	for b.Loop() {
		r.put(0, pcm)
	}
}
