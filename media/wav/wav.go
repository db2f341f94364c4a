// Package wav reads and writes WAV files: what a person gives as a prompt or a microphone, and what a loudspeaker or a
// recorder leaves behind. The reader takes whatever telephony produces and gives the one format of this program; the
// writer leaves a playable file even when the program dies. It knows nothing of devices and calls.
package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"offhook/media/codec"
	"offhook/media/resample"
)

// Rate is the sample rate of what Decode returns, in Hz.
const Rate = 16000

// maxData bounds what is read: 256 MB are more than six hours of G.711 stereo.
const maxData = 256 << 20

// ErrFormat is wrapped by every error about the file's content (as opposed to reading it).
var ErrFormat = errors.New("not a usable WAV file")

const (
	formatPCM        = 1
	formatALaw       = 6
	formatULaw       = 7
	formatExtensible = 0xFFFE
)

type format struct {
	tag, channels, bits int
	rate                int
}

// Decode reads a whole WAV file (PCM of 8 or 16 bit, µ-law or A-law, any rate, any number of channels) and returns it
// as mono at 16 kHz. Channels are averaged. A file whose sizes were never patched (0 or all ones) is read to its end.
// Errors about the content wrap ErrFormat and name what is wrong in one line.
func Decode(r io.Reader) (pcm []int16, err error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, malformed("too short", err)
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return nil, fmt.Errorf("%w: it does not begin with RIFF and WAVE", ErrFormat)
	}
	var f format
	for {
		var ch [8]byte
		if _, err := io.ReadFull(r, ch[:]); err != nil {
			return nil, malformed("no data in it", err)
		}
		size := int64(binary.LittleEndian.Uint32(ch[4:]))
		switch string(ch[:4]) {
		case "fmt ":
			if f, err = readFormat(r, size); err != nil {
				return nil, err
			}
		case "data":
			if f.rate == 0 {
				return nil, fmt.Errorf("%w: the data comes before its format", ErrFormat)
			}
			if size == 0 || size == 0xFFFFFFFF {
				size = maxData
			}
			raw, err := io.ReadAll(io.LimitReader(r, min(size, maxData)))
			if err != nil {
				return nil, fmt.Errorf("read WAV data: %w", err)
			}
			return resample.Convert(f.mono(raw), f.rate, Rate), nil
		default:
			if _, err := io.CopyN(io.Discard, r, size+size&1); err != nil {
				return nil, malformed("it ends inside a chunk", err)
			}
		}
	}
}

func malformed(what string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: %s", ErrFormat, what)
	}
	return fmt.Errorf("read WAV file: %w", err)
}

func readFormat(r io.Reader, size int64) (format, error) {
	if size < 16 || size > 1024 {
		return format{}, fmt.Errorf("%w: a format chunk of %d bytes", ErrFormat, size)
	}
	b := make([]byte, size+size&1)
	if _, err := io.ReadFull(r, b); err != nil {
		return format{}, malformed("it ends inside the format", err)
	}
	le := binary.LittleEndian
	f := format{
		tag: int(le.Uint16(b)), channels: int(le.Uint16(b[2:])),
		rate: int(le.Uint32(b[4:])), bits: int(le.Uint16(b[14:])),
	}
	if f.tag == formatExtensible && size >= 26 {
		f.tag = int(le.Uint16(b[24:])) // the sub-format's first two bytes are the plain tag
	}
	switch {
	case f.channels < 1 || f.channels > 64:
		return f, fmt.Errorf("%w: %d channels", ErrFormat, f.channels)
	case f.rate < 1000 || f.rate > 768000:
		return f, fmt.Errorf("%w: %d samples per second", ErrFormat, f.rate)
	case f.tag == formatPCM && (f.bits == 8 || f.bits == 16), (f.tag == formatALaw || f.tag == formatULaw) && f.bits == 8:
		return f, nil
	case f.tag == formatPCM:
		return f, fmt.Errorf("%w: %d-bit samples; save it with 8 or 16 bits", ErrFormat, f.bits)
	}
	return f, fmt.Errorf("%w: coding %d; save it as PCM, µ-law or A-law", ErrFormat, f.tag)
}

// mono decodes raw and averages the channels; an incomplete last sample is dropped.
func (f format) mono(raw []byte) []int16 {
	var one []int16
	switch {
	case f.tag == formatPCM && f.bits == 16:
		one = make([]int16, len(raw)/2)
		for i := range one {
			one[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
		}
	case f.tag == formatPCM:
		one = make([]int16, len(raw))
		for i, b := range raw { // 8-bit WAV is unsigned
			one[i] = int16(int(b)-128) << 8
		}
	case f.tag == formatALaw:
		one = make([]int16, len(raw))
		codec.ALaw.Decode(one, raw)
	default:
		one = make([]int16, len(raw))
		codec.ULaw.Decode(one, raw)
	}
	if f.channels == 1 {
		return one
	}
	n := len(one) / f.channels
	for i := range n {
		sum := 0
		for _, s := range one[i*f.channels : (i+1)*f.channels] {
			sum += int(s)
		}
		one[i] = int16(sum / f.channels)
	}
	return one[:n]
}
