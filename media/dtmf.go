package media

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
)

// DTMF as telephone events (RFC 4733): all packets of a digit carry the timestamp of its beginning, the first has the
// marker, the duration grows, and the end is said three times.
const (
	digits      = "0123456789*#ABCD"
	eventVolume = 10 // −10 dBm0
	eventEnd    = 0x80

	digitTicks  = 120 * 8  // how long a digit sounds
	digitEnds   = 3        // RFC 4733 §2.5.1.4
	digitPause  = 80 * 8   // between two digits
	commaPause  = 500 * 8  // a comma, as in dial strings
	maxDigits   = 128      // waiting to be sent
	comma       = byte(16) // in the queue, beside the events 0–15
	eventOctets = 4
)

// dtmfSender makes the packets of queued digits, clocked by the frames of the microphone. sender holds its lock.
type dtmfSender struct {
	queue  []byte
	pause  int // ticks before the next digit
	on     bool
	event  byte
	start  uint32 // timestamp of the digit
	length int    // ticks so far
	due    int    // ticks until the next packet
	ends   int    // end packets still to be sent
	fresh  bool   // no packet of this digit has been sent
}

// parseDigits turns a dial string into events.
func parseDigits(s string) ([]byte, error) {
	var events []byte
	for _, r := range s {
		if r == ',' {
			events = append(events, comma)
			continue
		}
		i := strings.IndexRune(digits, unicode.ToUpper(r))
		if i < 0 {
			return nil, fmt.Errorf("%w: %q; use 0–9, *, #, A–D and comma", ErrBadDigit, r)
		}
		events = append(events, byte(i))
	}
	return events, nil
}

// tick advances by one frame, whose timestamp is ts. busy tells that the frame belongs to a digit, so that no sound is
// sent; send that payload holds a packet to be sent now, with the timestamp of d.start.
func (d *dtmfSender) tick(ts uint32, ticks, ptime int, payload *[eventOctets]byte) (busy, send, marker bool) {
	if !d.on {
		if d.pause > 0 || len(d.queue) == 0 {
			return false, false, false
		}
		e := d.queue[0]
		d.queue = d.queue[:copy(d.queue, d.queue[1:])]
		if e == comma {
			d.pause = commaPause
			return false, false, false
		}
		d.on, d.fresh, d.event, d.start, d.length, d.due, d.ends = true, true, e, ts, 0, ptime, digitEnds
	}
	if d.ends == digitEnds {
		d.length += ticks
	}
	if d.due -= ticks; d.due > 0 {
		return true, false, false
	}
	d.due = ptime
	payload[0], payload[1] = d.event, eventVolume
	binary.BigEndian.PutUint16(payload[2:], uint16(d.length))
	if d.length >= digitTicks {
		payload[1] |= eventEnd
		if d.ends--; d.ends == 0 {
			d.on, d.pause = false, digitPause
		}
	}
	marker, d.fresh = d.fresh, false
	return true, true, marker
}

// wait lets a frame's time of the pause between two digits pass.
func (d *dtmfSender) wait(ticks int) { d.pause = max(d.pause-ticks, 0) }

// clear forgets what is queued and what sounds.
func (d *dtmfSender) clear() {
	d.queue, d.on, d.pause = d.queue[:0], false, 0
}

// dtmfReceiver finds each digit once among its many packets: by its timestamp, whichever packet comes first.
type dtmfReceiver struct {
	known bool
	ssrc  uint32
	ts    uint32
}

// packet returns the digit that begins with this packet, or 0.
func (d *dtmfReceiver) packet(ssrc, ts uint32, payload []byte) rune {
	if len(payload) < eventOctets || int(payload[0]) >= len(digits) {
		return 0
	}
	if d.known && d.ssrc == ssrc && int32(ts-d.ts) <= 0 {
		return 0 // the same digit, or a straggler of an earlier one
	}
	d.known, d.ssrc, d.ts = true, ssrc, ts
	return rune(digits[payload[0]])
}
