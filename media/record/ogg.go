package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// oggWriter writes one logical stream of an Ogg file (RFC 3533): packets into pages.
type oggWriter struct {
	w      io.Writer
	serial uint32
	page   uint32
	segs   []byte // lacing values of the page being made
	body   []byte
	at     uint64 // granule position of the last whole packet
	some   bool   // a packet ends on the page
}

const (
	oggFirst = 2
	oggLast  = 4
	noEnd    = ^uint64(0) // the granule position of a page on which no packet ends
)

// packet appends a packet that ends at granule, in samples of 48 kHz. It goes to the page at hand if it fits.
func (o *oggWriter) packet(p []byte, granule uint64) error {
	need := len(p)/255 + 1
	if need > 255 {
		return fmt.Errorf("ogg: a packet of %d bytes", len(p))
	}
	if len(o.segs)+need > 255 {
		if err := o.flush(0); err != nil {
			return err
		}
	}
	for range need - 1 {
		o.segs = append(o.segs, 255)
	}
	o.segs = append(o.segs, byte(len(p)%255))
	o.body = append(o.body, p...)
	o.at, o.some = granule, true
	return nil
}

// flush writes the page at hand. An empty one is written only to end the stream.
func (o *oggWriter) flush(flags byte) error {
	if len(o.segs) == 0 && flags&oggLast == 0 {
		return nil
	}
	if o.page == 0 {
		flags |= oggFirst
	}
	le := binary.LittleEndian
	b := append([]byte("OggS"), 0, flags)
	if !o.some && o.page < 2 {
		b = le.AppendUint64(b, noEnd)
	} else {
		b = le.AppendUint64(b, o.at)
	}
	b = le.AppendUint32(b, o.serial)
	b = le.AppendUint32(b, o.page)
	b = le.AppendUint32(b, 0)
	b = append(append(append(b, byte(len(o.segs))), o.segs...), o.body...)
	le.PutUint32(b[22:], oggSum(b))
	_, err := o.w.Write(b)
	o.page++
	clear(o.body)
	o.segs, o.body, o.some = o.segs[:0], o.body[:0], false
	return err
}

// oggSum is the checksum of a page: CRC-32 of 0x04c11db7, neither reflected nor inverted, its own field taken as 0.
func oggSum(page []byte) (crc uint32) {
	for i, b := range page {
		if i >= 22 && i < 26 {
			b = 0
		}
		crc ^= uint32(b) << 24
		for range 8 {
			if crc&0x80000000 != 0 {
				crc = crc<<1 ^ 0x04c11db7
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

const (
	opusBlock   = Rate / 50 // 20 ms
	opusTicks   = 960       // of 48 kHz
	opusPreSkip = 312       // libopus's look-ahead at 48 kHz
)

// opusSink writes Ogg/Opus (RFC 7845) with two mono streams, channel mapping family 1: each side of the call has an
// encoder of its own, so that neither voice is heard in the other channel.
type opusSink struct {
	f     file
	ogg   oggWriter
	sides [2]Encoder
	rest  [2][]int16 // less than a block
	real  uint64     // samples that are sound, not filling
	ticks uint64     // encoded
	buf   [2 * 1280]byte
}

func newOpusSink(f file, fresh func() (Encoder, error)) (*opusSink, error) {
	o := &opusSink{f: f, ogg: oggWriter{w: f, serial: 1}}
	for i := range o.sides {
		e, err := fresh()
		if err != nil {
			o.release()
			return nil, err
		}
		o.sides[i] = e
	}
	le := binary.LittleEndian
	head := append([]byte("OpusHead"), 1, 2)
	head = le.AppendUint16(head, opusPreSkip)
	head = le.AppendUint32(head, Rate)
	head = append(head, 0, 0, 1, 2, 0, 0, 1) // gain 0; family 1, two streams, none coupled, in order
	tags := []byte("OpusTags")
	tags = append(le.AppendUint32(tags, 7), "offhook"...)
	tags = le.AppendUint32(tags, 0)
	for _, p := range [][]byte{head, tags} {
		if err := errors.Join(o.ogg.packet(p, 0), o.ogg.flush(0)); err != nil {
			o.release()
			return nil, err
		}
	}
	return o, nil
}

func (o *opusSink) release() {
	for _, e := range o.sides {
		if r, ok := e.(interface{ Release() }); ok {
			r.Release()
		}
	}
}

func (o *opusSink) write(left, right []int16) error {
	o.real += uint64(len(left))
	o.rest[0], o.rest[1] = append(o.rest[0], left...), append(o.rest[1], right...)
	if err := o.encode(); err != nil {
		return err
	}
	return o.ogg.flush(0)
}

// encode makes packets of whole blocks.
func (o *opusSink) encode() error {
	for len(o.rest[0]) >= opusBlock {
		var packet []byte
		for i, e := range o.sides {
			n, err := e.Encode(o.buf[:1275], o.rest[i][:opusBlock])
			if err != nil {
				return fmt.Errorf("encode a recording: %w", err)
			}
			one := o.buf[:n]
			if n == 0 || one[0]&3 != 0 {
				return fmt.Errorf("encode a recording: %w", errCode)
			}
			if i == 0 {
				packet = selfDelimited(packet, one)
			} else {
				packet = append(packet, one...)
			}
			rest := copy(o.rest[i], o.rest[i][opusBlock:])
			clear(o.rest[i][rest:])
			o.rest[i] = o.rest[i][:rest]
		}
		o.ticks += opusTicks
		// the position that RFC 7845 §4 wants counts what is to be skipped at the beginning
		if err := o.ogg.packet(packet, min(o.ticks, 3*o.real+opusPreSkip)); err != nil {
			return err
		}
	}
	return nil
}

var errCode = errors.New("a packet of more than one frame")

// selfDelimited appends a packet of one frame with its length inside (RFC 6716 appendix B).
func selfDelimited(dst, packet []byte) []byte {
	dst = append(dst, packet[0])
	if n := len(packet) - 1; n < 252 {
		dst = append(dst, byte(n))
	} else {
		dst = append(dst, byte(252+n&3), byte((n-(252+n&3))/4))
	}
	return append(dst, packet[1:]...)
}

// close encodes what is left, filled up with silence; the last page says where the sound ends.
func (o *opusSink) close([]mark) error {
	defer o.release()
	var err error
	for o.ticks < 3*o.real+opusPreSkip && err == nil {
		for i := range o.rest {
			o.rest[i] = append(o.rest[i], make([]int16, opusBlock-len(o.rest[i])%opusBlock)...)
		}
		err = o.encode()
	}
	return errors.Join(err, o.ogg.flush(oggLast), o.f.Close())
}
