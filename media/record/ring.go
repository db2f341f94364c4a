package record

import (
	"sync/atomic"
	"time"
)

// slots is how many frames may wait for the writer: five seconds.
const slots = 512

// ring hands frames from one goroutine to another without a lock. When it is full the oldest frame is dropped and
// counted. A frame is a block that changes hands whole: whoever takes its pointer out of a slot owns it, so that the
// writer of the newest never meets the reader of the oldest.
type ring struct {
	slots   [slots]atomic.Pointer[block]
	free    [2 * slots]atomic.Pointer[block] // on their way back
	head    atomic.Uint64                    // blocks ever put
	back    atomic.Uint64                    // blocks ever given back
	dropped atomic.Uint64

	spare *block // the producer's next
	used  uint64 // free blocks the producer took
	tail  uint64 // the consumer's next
}

type block struct {
	n   uint64 // its number
	at  time.Duration
	pcm [Frame]int16
}

func newRing() *ring {
	r := &ring{spare: &block{}}
	for i := range slots + 1 { // one in each slot, one at the producer, one at the consumer
		r.free[i].Store(&block{})
	}
	r.back.Store(slots + 1)
	return r
}

// put appends a frame. Producer only.
func (r *ring) put(at time.Duration, pcm []int16) {
	b, n := r.spare, r.head.Load()
	if b == nil {
		if b = r.recycled(); b == nil {
			r.dropped.Add(1) // never: there are more blocks than places
			return
		}
	}
	b.n, b.at = n, at
	copy(b.pcm[:], pcm)
	if r.spare = r.slots[n%slots].Swap(b); r.spare != nil {
		r.dropped.Add(1)
	}
	r.head.Store(n + 1)
}

func (r *ring) recycled() *block {
	if r.used == r.back.Load() {
		return nil
	}
	b := r.free[r.used%(2*slots)].Swap(nil)
	r.used++
	return b
}

// take calls f with each frame that waits, oldest first; the frame is valid during the call. Consumer only.
func (r *ring) take(f func(at time.Duration, pcm []int16)) {
	head := r.head.Load()
	if r.tail+slots < head {
		r.tail = head - slots
	}
	for r.tail < head {
		b := r.slots[r.tail%slots].Swap(nil)
		if b == nil { // the producer has just dropped it
			r.tail++
			continue
		}
		// The producer may have gone round: then this is the newer one, and those it overtook are left to be dropped.
		if b.n >= r.tail {
			r.tail = b.n + 1
			f(b.at, b.pcm[:])
		}
		clear(b.pcm[:]) // what has been said is not kept in memory
		back := r.back.Load()
		r.free[back%(2*slots)].Store(b)
		r.back.Store(back + 1)
	}
}
