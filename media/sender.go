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
	frameTicks = 8000 / 100 // RTP ticks, and octets in all three codecs, per frame
	rtpHeader  = 12
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

	coding  kind
	g722    *codec.G722Encoder
	down    *resample.Resampler
	frame   [Frame]int16
	narrow  [Frame]int16
	packet  [rtpHeader + maxPayload]byte
	n       int    // octets of sound in packet
	first   uint32 // timestamp of the first of them
	talking bool   // the stream is continuous up to here; else the next packet has the marker
	gain    float32
	remind  *reminder

	dtmf  dtmfSender
	event [rtpHeader + eventOctets]byte

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
		g722: codec.NewG722Encoder(), down: resample.New(Rate, 8000),
	}, nil
}

// write takes one frame. emit sends a packet, which is valid only during the call, and tells whether that worked.
func (t *sender) write(now time.Duration, pcm []int16, c *config, muted bool, emit func([]byte) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if gap := now - t.last; t.last != 0 && gap > frameGap {
		t.ts += uint32(gap/tick) - frameTicks
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
	t.dtmf.wait(frameTicks)
	if c.DTMFSendPT == 0 {
		t.dtmf.clear()
	} else if t.n == 0 {
		busy, send, marker := t.dtmf.tick(ts, frameTicks, c.ptime*frameTicks, (*[eventOctets]byte)(t.event[rtpHeader:]))
		if send {
			t.emit(t.event[:], c.DTMFSendPT, t.dtmf.start, marker, emit)
		}
		if busy {
			t.gain = 0
			return
		}
	}
	t.encode(pcm, c, muted)
	if t.n == frameTicks {
		t.first = ts
	}
	if t.n >= c.ptime*frameTicks {
		t.emit(t.packet[:rtpHeader+t.n], c.SendPT, t.first, !t.talking, emit)
		t.talking, t.n = true, 0
	}
}

// encode appends one frame to the packet.
func (t *sender) encode(pcm []int16, c *config, muted bool) {
	// Mute, and the beginning of talk, are ramps over a frame: a step would click.
	want := float32(1)
	if muted {
		want = 0
	}
	if t.gain == want && want == 1 {
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
	if c.kind != t.coding {
		t.coding = c.kind
		t.g722.Reset()
		t.down.Reset()
		t.n = 0
	}
	dst := t.packet[rtpHeader+t.n:]
	switch c.kind {
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
	t.talking, t.n, t.gain = false, 0, 0
}

// skip lets time pass for which there were no frames.
func (t *sender) skip(frames int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ts += uint32(frames) * frameTicks
	t.pause()
}
