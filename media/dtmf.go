package media

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// DTMF as telephone events (RFC 4733): all packets of a digit carry the timestamp of its beginning, the first has the
// marker, the duration grows, and the end is said three times.
const (
	digits      = "0123456789*#ABCD"
	eventVolume = 10 // −10 dBm0
	eventEnd    = 0x80

	digitFrames = 12       // how long a digit sounds: 120 ms
	digitEnds   = 3        // RFC 4733 §2.5.1.4
	digitPause  = 8        // frames between two digits
	commaPause  = 50       // frames of a comma, as in dial strings
	maxDigits   = 128      // waiting to be sent
	comma       = byte(16) // in the queue, beside the events 0–15
	eventOctets = 4
)

// DTMFMode is how digits go to the far end.
type DTMFMode string

// Modes. Events are RFC 4733 and need a payload type; in-band digits are tones in the sound, for far ends without one,
// and survive G.711 best. With DTMFInfo the caller sends SIP INFO: SendDTMF answers ErrNoDTMF.
const (
	DTMFEvents DTMFMode = ""
	DTMFAuto   DTMFMode = "auto" // events, else in-band
	DTMFInBand DTMFMode = "inband"
	DTMFInfo   DTMFMode = "info"
)

// digits is how digits go now; false: not at all.
func (c *config) digits() (inBand, ok bool) {
	switch c.DTMF {
	case DTMFInBand:
		return true, c.Send
	case DTMFInfo:
		return false, false
	case DTMFAuto:
		return c.DTMFSendPT == 0, c.Send
	}
	return false, c.Send && c.DTMFSendPT != 0
}

// dtmfSender makes the packets or the tones of queued digits, clocked by the frames of the microphone. sender holds its
// lock.
type dtmfSender struct {
	queue  []byte
	pause  int // frames before the next digit
	on     bool
	event  byte
	start  uint32 // timestamp of the digit
	length int    // frames so far
	due    int    // frames until the next packet
	ends   int    // end packets still to be sent
	fresh  bool   // no packet of this digit has been sent
	tone   dualTone
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

// next begins the next digit when it is its turn, and tells whether one is on.
func (d *dtmfSender) next() bool {
	if d.on {
		return true
	}
	if d.pause > 0 || len(d.queue) == 0 {
		return false
	}
	e := d.queue[0]
	d.queue = d.queue[:copy(d.queue, d.queue[1:])]
	if e == comma {
		d.pause = commaPause
		return false
	}
	d.on, d.event, d.length = true, e, 0
	return true
}

// tick advances by one frame, whose timestamp is ts. busy tells that the frame belongs to a digit, so that no sound is
// sent; send that payload holds a packet to be sent now, with the timestamp of d.start. ptime is frames per packet,
// clock what durations count in.
func (d *dtmfSender) tick(ts uint32, ptime, clock int, payload *[eventOctets]byte) (busy, send, marker bool) {
	was := d.on
	if !d.next() {
		return false, false, false
	}
	if !was {
		d.fresh, d.start, d.due, d.ends = true, ts, ptime, digitEnds
	}
	if d.ends == digitEnds {
		d.length++
	}
	if d.due--; d.due > 0 {
		return true, false, false
	}
	d.due = ptime
	payload[0], payload[1] = d.event, eventVolume
	binary.BigEndian.PutUint16(payload[2:], uint16(min(d.length*clock/frameRate, 0xffff)))
	if d.length >= digitFrames {
		payload[1] |= eventEnd
		if d.ends--; d.ends == 0 {
			d.on, d.pause = false, digitPause
		}
	}
	marker, d.fresh = d.fresh, false
	return true, true, marker
}

// sound puts a digit's tones in place of the microphone's frame, and tells whether there is one.
func (d *dtmfSender) sound(frame *[Frame]int16) bool {
	was := d.on
	if !d.next() {
		return false
	}
	if !was {
		d.tone.begin(d.event)
	}
	d.length++
	d.tone.fill(frame[:], d.length == 1, d.length == digitFrames)
	if d.length >= digitFrames {
		d.on, d.pause = false, digitPause
	}
	return true
}

// wait lets a frame's time of the pause between two digits pass.
func (d *dtmfSender) wait() { d.pause = max(d.pause-1, 0) }

// stop ends the digit that is on; those that wait are still to come.
func (d *dtmfSender) stop() { d.on = false }

// clear forgets what is queued and what sounds.
func (d *dtmfSender) clear() {
	d.queue, d.on, d.pause = d.queue[:0], false, 0
}

// dtmfReceiver finds each digit once among its many packets: by its timestamp, whichever packet comes first.
type dtmfReceiver struct {
	known  bool
	ssrc   uint32
	ts     uint32
	credit float64 // digits that may still come at once
	at     time.Duration
}

const (
	// digitBurst and digitRate bound what a far end may dial, at once and per second: no finger and no dialler is
	// faster than 50 ms a digit, but a network may hold some back.
	digitBurst = 32
	digitRate  = 20
)

// packet returns the digit that begins with this packet, or 0.
func (d *dtmfReceiver) packet(ssrc, ts uint32, payload []byte, at time.Duration) rune {
	if len(payload) < eventOctets || int(payload[0]) >= len(digits) {
		return 0
	}
	if d.known && d.ssrc == ssrc && int32(ts-d.ts) <= 0 {
		return 0 // the same digit, or a straggler of an earlier one
	}
	if !d.known {
		d.credit, d.at = digitBurst, at
	}
	d.known, d.ssrc, d.ts = true, ssrc, ts
	d.credit = min(digitBurst, d.credit+max(at-d.at, 0).Seconds()*digitRate)
	if d.at = at; d.credit < 1 {
		return 0
	}
	d.credit--
	return rune(digits[payload[0]])
}

// event lets a queued digit go on by a frame, and tells whether the frame belongs to it as packets. In-band digits take
// the microphone's place in frame, and go on as sound.
func (t *sender) event(ts uint32, c *config, emit func([]byte) bool) (busy bool) {
	t.dtmf.wait()
	t.inBand = false
	inBand, ok := c.digits()
	switch {
	case !ok:
		t.dtmf.clear()
	case inBand:
		t.inBand = t.dtmf.sound(&t.frame)
	case t.frames == 0: // packets of sound are finished first
		clock := c.DTMFClock
		if clock == 0 {
			clock = t.clock
		}
		busy, send, marker := t.dtmf.tick(ts, c.ptime, clock, (*[eventOctets]byte)(t.digit[rtpHeader:]))
		if send {
			t.emit(t.digit[:], c.DTMFSendPT, t.dtmf.start, marker, emit)
		}
		if busy {
			t.gain = 0
		}
		return busy
	}
	return false
}
