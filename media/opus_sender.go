package media

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"

	"offhook/media/codec/opus"
)

// opusSender gathers frames until a packet is whole, which Opus codes in one piece.
type opusSender struct {
	encoder *opus.Encoder
	pcm     [6 * Frame]int16
	n       int
	loss    atomic.Int32 // percent that the far end loses, from its reports
}

// encode takes a frame, and when it was the packet's last, writes the packet and returns its length; 0 when there is
// none, for the codec is not ready.
func (o *opusSender) encode(dst []byte, frame []int16, last bool, want opus.Settings) int {
	o.n += copy(o.pcm[o.n:], frame)
	if !last {
		return 0
	}
	want.Loss = int(o.loss.Load())
	if o.encoder == nil {
		o.encoder = opus.NewEncoder(want)
	}
	o.encoder.Set(want)
	n, err := o.encoder.Encode(dst, o.pcm[:o.n])
	o.n = 0
	if err != nil {
		return 0
	}
	return n
}

// reset forgets the past.
func (o *opusSender) reset() {
	o.n = 0
	if o.encoder != nil {
		o.encoder.Reset()
	}
}

// turn changes the clock of the stream. What was never sent needs no new source.
func (t *sender) turn(clock int) {
	if t.packets > t.earlier.packets {
		var b [8]byte
		binary.NativeEndian.PutUint64(b[:], rand.Uint64())
		t.ssrc, t.ts = binary.BigEndian.Uint32(b[:]), binary.BigEndian.Uint32(b[4:])
		t.earlier.packets, t.earlier.octets = t.packets, t.octets
		t.dtmf.stop()
	}
	t.clock = clock
	t.pause()
}

// source is our SSRC now.
func (t *sender) source() uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ssrc
}

// heardBack takes the far end's report of loss, in 1/256, for the encoder: it rises at once and falls slowly, as bursts
// return. It gives the clock that the report's other figures count in.
func (t *sender) heardBack(lost uint8) (clock int) {
	percent := (int32(lost)*100 + 255) / 256
	t.opus.loss.Store(max(percent, t.opus.loss.Load()*3/4))
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.clock
}

// release gives the encoder back.
func (t *sender) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.opus.encoder != nil {
		t.opus.encoder.Release()
		t.opus.encoder = nil
	}
}
