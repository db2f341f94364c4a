package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
)

const headerSize = 44

// Writer writes 16-bit mono PCM. Samples reach the file, and the sizes in its header are put right, once per second of
// sound and at Close: a file left by a crash lacks at most its last second. Not for use by two goroutines at once.
type Writer struct {
	file *os.File
	rate int
	buf  []byte
	size int64 // bytes of samples in the file
	err  error // the first failure; everything after it fails alike
}

// Create makes or empties the file, readable by its owner only, for samples at rate Hz.
func Create(path string, rate int) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create WAV file: %w", err)
	}
	w := &Writer{file: f, rate: rate, buf: make([]byte, 0, 2*rate)}
	if err := w.patch(); err != nil {
		f.Close()
		return nil, err
	}
	return w, nil
}

// Write appends samples.
func (w *Writer) Write(pcm []int16) error {
	for _, s := range pcm {
		w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(s))
		if len(w.buf) == cap(w.buf) {
			w.flush()
		}
	}
	return w.err
}

// Close writes what is left, puts the header right and closes the file.
func (w *Writer) Close() error {
	w.flush()
	err := w.file.Close()
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("close WAV file: %w", err)
	}
	result := w.err
	w.err = os.ErrClosed
	return result
}

func (w *Writer) flush() {
	if w.err != nil {
		w.buf = w.buf[:0]
		return
	}
	if _, err := w.file.WriteAt(w.buf, headerSize+w.size); err != nil {
		w.err = fmt.Errorf("write WAV file: %w", err)
		w.buf = w.buf[:0]
		return
	}
	w.size += int64(len(w.buf))
	w.buf = w.buf[:0]
	if w.size > math.MaxUint32-2*headerSize-2*int64(w.rate) {
		w.err = errors.New("write WAV file: it has reached the format's limit of 4 GB")
	}
	if err := w.patch(); err != nil && w.err == nil {
		w.err = err
	}
}

// patch writes the header with the sizes of now.
func (w *Writer) patch() error {
	le := binary.LittleEndian
	h := make([]byte, 0, headerSize)
	h = append(h, "RIFF"...)
	h = le.AppendUint32(h, uint32(w.size+headerSize-8))
	h = append(h, "WAVEfmt "...)
	h = le.AppendUint32(h, 16)
	h = le.AppendUint16(h, formatPCM)
	h = le.AppendUint16(h, 1)
	h = le.AppendUint32(h, uint32(w.rate))
	h = le.AppendUint32(h, uint32(2*w.rate))
	h = le.AppendUint16(h, 2)
	h = le.AppendUint16(h, 16)
	h = append(h, "data"...)
	h = le.AppendUint32(h, uint32(w.size))
	if _, err := w.file.WriteAt(h, 0); err != nil {
		return fmt.Errorf("write WAV header: %w", err)
	}
	return nil
}
