package device

import "sync/atomic"

// ring is a queue of samples between one writing and one reading goroutine, without locks or allocation. What does
// not fit is dropped and counted: the reader of the socket must never wait.
type ring struct {
	buf        []int16 // its length is a power of two
	head, tail atomic.Uint64
	dropped    atomic.Uint64
}

// newRing makes a ring for at least n samples.
func newRing(n int) *ring {
	size := 1
	for size < n {
		size <<= 1
	}
	return &ring{buf: make([]int16, size)}
}

// len is how many samples can be read. The reader may rely on at least so many.
func (r *ring) len() int { return int(r.head.Load() - r.tail.Load()) }

// writeLE appends little-endian samples; a last odd byte is ignored.
func (r *ring) writeLE(p []byte) {
	head := r.head.Load()
	n := len(p) / 2
	if free := len(r.buf) - int(head-r.tail.Load()); n > free {
		r.dropped.Add(uint64(n - free))
		n = free
	}
	mask := uint64(len(r.buf) - 1)
	for i := range n {
		r.buf[(head+uint64(i))&mask] = int16(uint16(p[2*i]) | uint16(p[2*i+1])<<8)
	}
	r.head.Store(head + uint64(n))
}

// read fills out if so many samples are there, else it reads nothing and reports false.
func (r *ring) read(out []int16) bool {
	tail := r.tail.Load()
	if int(r.head.Load()-tail) < len(out) {
		return false
	}
	mask := uint64(len(r.buf) - 1)
	for i := range out {
		out[i] = r.buf[(tail+uint64(i))&mask]
	}
	r.tail.Store(tail + uint64(len(out)))
	return true
}

// discard drops the oldest samples until at most keep are left. Only the reader may call it.
func (r *ring) discard(keep int) {
	tail := r.tail.Load()
	if n := int(r.head.Load() - tail); n > keep {
		r.tail.Store(tail + uint64(n-keep))
	}
}
