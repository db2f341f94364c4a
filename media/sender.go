package media

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/pion/rtp"

	"offhook/media/codec"
	"offhook/media/resample"
)

const (
	rtpHeader = 12
	frameRate = 100 // frames per second
	// frameOctets are a frame in the codecs of one octet per tick, G.711 and G.722.
	frameOctets = 8000 / frameRate
	// frameGap without frames is not jitter of the microphone: the timestamp follows the clock (a held call, a
	// headset that was busy elsewhere, a suspended machine).
	frameGap = 200 * time.Millisecond
)

// sender turns frames of the microphone into packets. The lock is held for the length of one encoded frame.
type sender struct {
	mu   sync.Mutex
	ssrc uint32
	seq  uint16
	ts   uint32 // of the next frame
	last time.Duration
	// clock is what ts counts in, ticks per second. With another clock begins another SSRC (RFC 7160 §4.2), and earlier is
	// what was sent before it.
	clock   int
	earlier struct{ packets, octets uint64 }

	coding  kind
	g722    *codec.G722Encoder
	down    *resample.Resampler
	opus    opusSender
	frame   [Frame]int16
	narrow  [Frame]int16
	packet  [rtpHeader + maxPayload]byte
	n       int    // octets of sound in packet
	frames  int    // what they, or the samples that wait for Opus, are
	first   uint32 // timestamp of the first of them
	talking bool   // the stream is continuous up to here; else the next packet has the marker
	gain    float32
	remind  *reminder
	inBand  bool // the frame holds a digit's tones

	dtmf  dtmfSender
	digit [rtpHeader + eventOctets]byte

	packets, octets, failed uint64
	sentAt                  uint64 // packets when RTCP last reported
}

func newSender() (*sender, error) {
	var b [10]byte
	if _, err := rand.Read(b[:]); err != nil {
		return nil, err
	}
	return &sender{
		ssrc: binary.BigEndian.Uint32(b[:]), ts: binary.BigEndian.Uint32(b[4:]), seq: binary.BigEndian.Uint16(b[8:]),
		g722: codec.NewG722Encoder(), down: resample.New(Rate, 8000), clock: 8000,
	}, nil
}

// write takes one frame. emit sends a packet, which is valid only during the call, and tells whether that worked.
func (t *sender) write(now time.Duration, pcm []int16, c *config, muted bool, emit func([]byte) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c != nil && c.Send && c.kind.clock() != t.clock {
		t.turn(c.kind.clock())
	}
	frameTicks := uint32(t.clock / frameRate)
	if gap := now - t.last; t.last != 0 && gap > frameGap {
		t.ts += uint32(ticks(gap, t.clock)) - frameTicks
		t.pause()
	}
	t.last = now
	ts := t.ts
	t.ts += frameTicks
	if c == nil || !c.Send {
		t.pause()
		t.dtmf.clear()
		return
	}
	if t.event(ts, c, emit) {
		return
	}
	if c.kind != t.coding {
		t.coding = c.kind
		t.g722.Reset()
		t.down.Reset()
		t.opus.reset()
		t.n, t.frames = 0, 0
	}
	if t.frames == 0 {
		t.first = ts
	}
	t.encode(pcm, c, muted)
	if t.frames < c.ptime {
		return
	}
	if t.n > 0 {
		t.emit(t.packet[:rtpHeader+t.n], c.SendPT, t.first, !t.talking, emit)
		t.talking = true
	} else { // Opus is not ready
		t.talking = false
	}
	t.n, t.frames = 0, 0
}

// encode appends one frame to the packet.
func (t *sender) encode(pcm []int16, c *config, muted bool) {
	// Mute, and the beginning of talk, are ramps over a frame: a step would click.
	want := float32(1)
	if muted {
		want = 0
	}
	if t.inBand {
		t.gain = 0 // the microphone comes back on a ramp
	} else if t.gain == want && want == 1 {
		copy(t.frame[:], pcm)
	} else {
		step := (want - t.gain) / Frame
		for i := range t.frame {
			t.gain += step
			t.frame[i] = int16(float32(pcm[i]) * t.gain)
		}
		t.gain = want
	}
	t.remind.mix(t.frame[:])
	t.frames++
	dst := t.packet[rtpHeader+t.n:]
	switch c.kind {
	case kindOpus:
		t.n += t.opus.encode(dst, t.frame[:], t.frames == c.ptime, c.opus)
	case kindG722:
		t.n += t.g722.Encode(dst, t.frame[:])
	case kindPCMA:
		t.n += codec.ALaw.Encode(dst, t.down.Process(t.narrow[:0], t.frame[:]))
	default:
		t.n += codec.ULaw.Encode(dst, t.down.Process(t.narrow[:0], t.frame[:]))
	}
}

// emit puts the header before a payload and sends it.
func (t *sender) emit(packet []byte, pt uint8, ts uint32, marker bool, emit func([]byte) bool) {
	h := rtp.Header{Version: 2, Marker: marker, PayloadType: pt, SequenceNumber: t.seq, Timestamp: ts, SSRC: t.ssrc}
	if _, err := h.MarshalTo(packet); err != nil {
		t.failed++
		return
	}
	t.seq++
	if !emit(packet) {
		t.failed++
		return
	}
	t.packets++
	t.octets += uint64(len(packet) - rtpHeader)
}

// pause ends the continuous stream: the next packet begins a talk spurt.
func (t *sender) pause() {
	t.talking, t.n, t.frames, t.gain = false, 0, 0, 0
	t.opus.n = 0
}

// skip lets time pass for which there were no frames.
func (t *sender) skip(frames int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ts += uint32(frames * t.clock / frameRate)
	t.pause()
}
