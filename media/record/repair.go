package record

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"offhook/internal/text"
)

// Repair puts right what a crash left in a folder of recordings: sizes in WAV files, the last page of Ogg files, and the
// sidecars, which say "interrupted" then. It returns the names of the recordings that it changed. Call it before the
// first recording of a program. Files that are whole, encrypted or not ours are left alone; errors do not stop it.
func Repair(dir string) (repaired []string, err error) {
	root, entries, err := list(dir)
	if root == nil {
		return nil, err
	}
	defer root.Close()
	var errs []error
	for _, e := range entries {
		if _, ok := timeOf(e); !ok || strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		name := e.Name()
		if strings.HasSuffix(name, ".new") {
			if err := root.Remove(name); !errors.Is(err, os.ErrNotExist) { // the old sidecar is there
				errs = append(errs, err)
			}
			continue
		}
		changed, err := repairSound(root, name)
		if err != nil {
			errs = append(errs, fmt.Errorf("repair %s: %w", name, err))
			continue
		}
		noted, err := repairNote(root, name)
		if err != nil {
			errs = append(errs, fmt.Errorf("repair what belongs to %s: %w", name, err))
		}
		if changed || noted {
			repaired = append(repaired, name)
		}
	}
	return repaired, errors.Join(errs...)
}

func repairSound(root *os.Root, name string) (changed bool, err error) {
	if strings.HasSuffix(name, ".age") {
		return false, nil
	}
	f, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if strings.HasSuffix(name, ".opus") {
		return repairOgg(f)
	}
	return repairWAV(f)
}

// truncater is a file whose length can be changed.
type truncater interface {
	io.ReaderAt
	io.WriterAt
	io.Seeker
	Truncate(size int64) error
}

// repairWAV makes a WAV file of ours playable, whatever its length: the sound reaches to the end of the file, or to the
// chunks that follow it. A file without even a header becomes an empty recording.
func repairWAV(f truncater) (bool, error) {
	length, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	head := make([]byte, min(length, 58))
	if _, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	le := binary.LittleEndian
	tag := uint16(tagPCM)
	if len(head) >= 22 {
		tag = le.Uint16(head[20:])
	}
	if tag != tagPCM && tag != tagALaw && tag != tagULaw {
		return false, nil // not made by us
	}
	size := int64(len(wavHeader(tag, 0, 0)))
	block := int64(4)
	if tag != tagPCM {
		block = 2
	}
	if length < size {
		if err := f.Truncate(0); err != nil {
			return false, err
		}
		_, err := f.WriteAt(wavHeader(tag, 0, 0), 0)
		return true, err
	}
	if string(head[:4]) != "RIFF" || string(head[8:16]) != "WAVEfmt " || string(head[size-8:size-4]) != "data" {
		return false, nil
	}
	riff, data := int64(le.Uint32(head[4:]))+8, int64(le.Uint32(head[size-4:]))
	if riff == length && size+data <= length && data%block == 0 {
		return false, nil
	}
	sound := (length - size) / block * block
	if end := size + data; end < length && data%block == 0 { // the marks were being written
		next := make([]byte, min(4, length-end))
		if _, err := f.ReadAt(next, end); err != nil {
			return false, err
		}
		if strings.HasPrefix("cue ", string(next)) {
			sound = data
		}
	}
	sound = min(sound, (math.MaxUint32-4096)/block*block)
	if err := f.Truncate(size + sound); err != nil {
		return false, err
	}
	_, err = f.WriteAt(wavHeader(tag, 0, uint32(sound)), 0)
	return true, err
}

// repairOgg cuts an Ogg file behind its last whole page and marks that page as the last.
func repairOgg(f truncater) (bool, error) {
	length, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	var page []byte
	at, last := int64(0), int64(-1)
	for {
		next, err := oggPage(f, at, length)
		if err != nil {
			return false, err
		}
		if next == nil {
			break
		}
		page, last = next, at
		at += int64(len(next))
	}
	if last < 0 || at == length && page[5]&oggLast != 0 {
		return false, nil
	}
	page[5] |= oggLast
	binary.LittleEndian.PutUint32(page[22:], oggSum(page))
	if err := f.Truncate(at); err != nil {
		return false, err
	}
	_, err = f.WriteAt(page, last)
	return true, err
}

// oggPage reads the page at a place, or nothing when there is no whole one.
func oggPage(f io.ReaderAt, at, length int64) ([]byte, error) {
	head := make([]byte, 27+255)
	n, err := f.ReadAt(head, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if n < 27 || string(head[:4]) != "OggS" || n < 27+int(head[26]) {
		return nil, nil
	}
	size := 27 + int64(head[26])
	for _, s := range head[27:size] {
		size += int64(s)
	}
	if at+size > length {
		return nil, nil
	}
	page := make([]byte, size)
	if _, err := f.ReadAt(page, at); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(page[22:]) != oggSum(page) {
		return nil, nil
	}
	return page, nil
}

// repairNote marks the sidecar of a recording that never ended.
func repairNote(root *os.Root, name string) (bool, error) {
	raw, err := root.ReadFile(sidecarOf(name))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var s sidecar
	if len(raw) > 1<<20 || json.Unmarshal(raw, &s) != nil || s.State != "recording" {
		return false, nil
	}
	s.File = name // what is written back is beside the sound, whatever the file said
	s.State, s.Reason = "interrupted", text.Clean("The program ended during the call; at most the last second is missing")
	if info, err := root.Stat(name); err == nil && s.End.IsZero() {
		s.End = info.ModTime().UTC()
		s.Length = max(s.Length, s.End.Sub(s.Start).Milliseconds())
	}
	return true, s.save(root)
}
