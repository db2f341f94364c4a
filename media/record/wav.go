package record

import (
	"encoding/binary"
	"errors"
	"math"

	"offhook/media/codec"
)

var errLong = errors.New("the WAV file has reached 4 GB")

// Formats of WAV (RFC 2361).
const (
	tagPCM  = 1
	tagALaw = 6
	tagULaw = 7
)

// wavSink writes a stereo WAV file. On a disk its sizes are right after each write; in an encrypted stream they are
// those of a stream that has no end.
type wavSink struct {
	f        file
	tag      uint16
	seekable bool
	head     int64
	size     int64 // bytes of sound
	buf      []byte
}

func newWAVSink(f file, format Format, seekable bool) (*wavSink, error) {
	w := &wavSink{f: f, tag: tagPCM, seekable: seekable}
	switch format {
	case ALaw:
		w.tag = tagALaw
	case ULaw:
		w.tag = tagULaw
	}
	h := wavHeader(w.tag, 0, 0)
	if !seekable {
		h = wavHeader(w.tag, math.MaxUint32, math.MaxUint32)
	}
	w.head = int64(len(h))
	_, err := f.Write(h)
	return w, err
}

// wavHeader is everything before the sound: 44 bytes for PCM, 58 with the fact chunk that other codings need.
func wavHeader(tag uint16, riff, data uint32) []byte {
	le := binary.LittleEndian
	block := uint16(4)
	if tag != tagPCM {
		block = 2
	}
	h := append([]byte("RIFF"), 0, 0, 0, 0)
	h = append(h, "WAVEfmt "...)
	if tag == tagPCM {
		h = le.AppendUint32(h, 16)
	} else {
		h = le.AppendUint32(h, 18)
	}
	h = le.AppendUint16(h, tag)
	h = le.AppendUint16(h, 2)
	h = le.AppendUint32(h, Rate)
	h = le.AppendUint32(h, Rate*uint32(block))
	h = le.AppendUint16(h, block)
	h = le.AppendUint16(h, 8*block/2)
	if tag != tagPCM {
		h = le.AppendUint16(h, 0)
		h = append(h, "fact"...)
		h = le.AppendUint32(h, 4)
		h = le.AppendUint32(h, data/uint32(block))
	}
	h = append(h, "data"...)
	h = le.AppendUint32(h, data)
	if riff == 0 {
		riff = uint32(len(h)) - 8 + data
	}
	le.PutUint32(h[4:], riff)
	return h
}

func (w *wavSink) write(left, right []int16) error {
	w.buf = w.buf[:0]
	if w.tag == tagPCM {
		for i := range left {
			w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(left[i]))
			w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(right[i]))
		}
	} else {
		law := codec.ULaw
		if w.tag == tagALaw {
			law = codec.ALaw
		}
		var l, r [1]byte
		for i := range left {
			law.Encode(l[:], left[i:i+1])
			law.Encode(r[:], right[i:i+1])
			w.buf = append(w.buf, l[0], r[0])
		}
	}
	defer clear(w.buf)
	if w.size+int64(len(w.buf)) > math.MaxUint32-4096 && w.seekable {
		return errLong
	}
	n, err := w.f.Write(w.buf)
	if err != nil {
		return err
	}
	w.size += int64(n)
	return w.patch(0)
}

// patch puts the sizes right; tail is what stands behind the sound.
func (w *wavSink) patch(tail int) error {
	if !w.seekable {
		return nil
	}
	_, err := w.f.WriteAt(wavHeader(w.tag, uint32(w.head-8+w.size+int64(tail)), uint32(w.size)), 0)
	return err
}

// close writes the marks as cue points with labels, and ends the file.
func (w *wavSink) close(marks []mark) error {
	var err error
	if tail := cues(marks); w.seekable && len(tail) > 0 {
		if _, err = w.f.Write(tail); err == nil {
			err = w.patch(len(tail))
		}
	}
	return errors.Join(err, w.f.Close())
}

// cues are the chunks "cue " and LIST adtl of a WAV file.
func cues(marks []mark) []byte {
	if len(marks) == 0 {
		return nil
	}
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("cue "), uint32(4+24*len(marks)))
	b = le.AppendUint32(b, uint32(len(marks)))
	labels := []byte("adtl")
	for i, m := range marks {
		b = le.AppendUint32(b, uint32(i+1))
		b = le.AppendUint32(b, uint32(m.at))
		b = append(b, "data"...)
		b = le.AppendUint32(le.AppendUint32(b, 0), 0)
		b = le.AppendUint32(b, uint32(m.at))
		text := append([]byte(m.label), 0)
		labels = append(labels, "labl"...)
		labels = le.AppendUint32(labels, uint32(4+len(text)))
		labels = le.AppendUint32(labels, uint32(i+1))
		if labels = append(labels, text...); len(text)%2 == 1 {
			labels = append(labels, 0)
		}
	}
	b = append(b, "LIST"...)
	b = le.AppendUint32(b, uint32(len(labels)))
	return append(b, labels...)
}
