package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// ErrTruncated is returned by Decrypt for a recording that a crash cut off: everything before that was written.
var ErrTruncated = errors.New("the recording ends early: the program that made it was interrupted")

// Decrypt writes an encrypted recording as it would be without encryption; a WAV file gets its true sizes. It holds the
// recording in memory, up to 4 GB. The end of a file that was cut off is left out, up to 64 kB of it, and the error is
// ErrTruncated.
func Decrypt(dst io.Writer, src io.Reader, identities ...age.Identity) error {
	r, err := age.Decrypt(src, identities...)
	if err != nil {
		return fmt.Errorf("decrypt a recording: %w", err)
	}
	var all bytes.Buffer
	_, cut := io.Copy(&all, io.LimitReader(r, 1<<32))
	b := all.Bytes()
	if len(b) >= 44 && string(b[:4]) == "RIFF" {
		le := binary.LittleEndian
		tag := le.Uint16(b[20:])
		if size := len(wavHeader(tag, 0, 0)); len(b) >= size {
			block := 4
			if tag != tagPCM {
				block = 2
			}
			sound := (len(b) - size) / block * block
			b = b[:size+sound]
			copy(b, wavHeader(tag, 0, uint32(sound)))
		}
	}
	if _, err := dst.Write(b); err != nil {
		return err
	}
	if cut != nil {
		return fmt.Errorf("%w (%v)", ErrTruncated, cut)
	}
	return nil
}
