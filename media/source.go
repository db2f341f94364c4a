package media

import (
	"math/bits"
	"time"
)

// source is what RTCP says about the far end's stream: sequence numbers after RFC 3550 A.1, loss after A.3, jitter
// after A.8. The caller holds the session's receive lock.
type source struct {
	known    bool
	ssrc     uint32
	base     uint32 // extended first number
	max      uint32 // extended highest number
	bad      uint32 // the number that would confirm a restart; none when above 65535
	received uint32

	expectedPrior, receivedPrior uint32

	timed   bool
	clock   int     // ticks per second, 0 before the first packet
	transit int64   // of the last packet, ticks
	jitter  float64 // ticks

	// sums over earlier streams of the session
	oldLost, oldReceived uint64

	// recent loss, updated once per window of expected packets
	windowAt, windowReceived uint32
	windowLate               uint64
	recent                   float64
	windows                  int
}

const (
	maxDropout  = 3000
	maxMisorder = 100
	lossWindow  = 50 // packets: a second
)

func (r *source) start(ssrc uint32, seq uint16) {
	lost, received := r.oldLost+r.lostHere(), r.oldReceived+uint64(r.received)
	recent, windows := r.recent, r.windows
	*r = source{known: true, ssrc: ssrc, base: uint32(seq), max: uint32(seq), bad: 1 << 17, windowAt: uint32(seq),
		oldLost: lost, oldReceived: received, recent: recent, windows: windows}
}

// seen counts one packet; lateSoFar is the jitter buffer's count.
func (r *source) seen(ssrc uint32, seq uint16, lateSoFar uint64) {
	if !r.known || ssrc != r.ssrc {
		r.start(ssrc, seq)
		r.windowLate = lateSoFar
	}
	switch delta := seq - uint16(r.max); {
	case delta < maxDropout: // in order, perhaps after a gap
		if seq < uint16(r.max) {
			r.max += 1 << 16
		}
		r.max = r.max&^0xffff | uint32(seq)
	case int(delta) <= 1<<16-maxMisorder: // a large jump: believed when the next packet confirms it
		if uint32(seq) != r.bad {
			r.bad = uint32(seq + 1)
			return
		}
		r.start(ssrc, seq)
		r.windowLate = lateSoFar
	}
	r.received++
	if n := r.max - r.windowAt; n >= lossWindow {
		lost := float64(n) - float64(r.received-r.windowReceived) + float64(lateSoFar-r.windowLate)
		share := 100 * min(max(lost/float64(n), 0), 1)
		r.windows++
		r.recent += (share - r.recent) * max(0.1, 1/float64(r.windows))
		r.windowAt, r.windowReceived, r.windowLate = r.max, r.received, lateSoFar
	}
}

// arrived updates the jitter with a packet of sound; at is its time of arrival, clock what its timestamp counts in.
func (r *source) arrived(ts uint32, at time.Duration, clock int) {
	if clock != r.clock {
		if r.clock != 0 {
			r.jitter *= float64(clock) / float64(r.clock)
		}
		r.clock, r.timed = clock, false
	}
	transit := int64(uint32(ticks(at, clock)) - ts)
	if r.timed {
		d := int64(int32(uint32(transit) - uint32(r.transit)))
		if d < 0 {
			d = -d
		}
		if d < int64(clock)*10 { // a restart of timestamps is not jitter
			r.jitter += (float64(d) - r.jitter) / 16
		}
	}
	r.timed, r.transit = true, transit
}

// jitterTime is the jitter as a time.
func (r *source) jitterTime() time.Duration {
	return time.Duration(r.jitter * float64(time.Second) / float64(max(r.clock, 1)))
}

func (r *source) expected() uint32 {
	if !r.known {
		return 0
	}
	return r.max - r.base + 1
}

func (r *source) lostHere() uint64 {
	if e := r.expected(); e > r.received {
		return uint64(e - r.received)
	}
	return 0
}

// totals are packets received and lost over the whole session.
func (r *source) totals() (received, lost uint64) {
	return r.oldReceived + uint64(r.received), r.oldLost + r.lostHere()
}

// interval closes a reporting interval and returns the fraction lost in it, in 1/256 (RFC 3550 A.3).
func (r *source) interval() uint8 {
	e := r.expected()
	expected, received := e-r.expectedPrior, r.received-r.receivedPrior
	r.expectedPrior, r.receivedPrior = e, r.received
	if expected == 0 || received >= expected {
		return 0
	}
	hi, lo := bits.Mul32(expected-received, 256)
	q, _ := bits.Div32(hi, lo, expected)
	return uint8(min(q, 255))
}

// cumulative is the 24-bit signed number of packets lost (RFC 3550 §6.4.1).
func (r *source) cumulative() uint32 {
	d := int64(r.expected()) - int64(r.received)
	return uint32(max(-0x800000, min(0x7fffff, d))) & 0xffffff
}
