package record

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"filippo.io/age"

	"offhook/internal/text"
)

// file is what a recording is written to.
type file interface {
	io.Writer
	io.WriterAt
	Close() error
}

func create(root *os.Root, name string) (file, error) {
	return root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// sink writes sound of one format. Blocks of left and right are equally long.
type sink interface {
	write(left, right []int16) error // and bring it, and its length, to the disk
	close(marks []mark) error
}

// mark is a place in the recording.
type mark struct {
	at    int64 // samples
	label string
}

// open makes the two files.
func (r *Recorder) open() error {
	base := baseName(r.start, r.cfg.Call.ID.String())
	end := r.cfg.Format.ending()
	if len(r.cfg.Recipients) > 0 {
		end += ".age"
	}
	for n := 1; ; n++ {
		name := base + end
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", base, n, end)
		}
		f, err := r.cfg.create(r.root, name)
		if errors.Is(err, os.ErrExist) && n < 1000 {
			continue
		}
		if err != nil {
			return fmt.Errorf("make the file of a recording: %w", err)
		}
		if r.out, err = r.sink(f); err != nil {
			f.Close()
			r.root.Remove(name)
			return fmt.Errorf("begin a recording: %w", err)
		}
		r.path = r.root.Name() + string(os.PathSeparator) + name
		r.note = newSidecar(r.cfg, r.start, name)
		if err := r.note.save(r.root); err != nil {
			r.out.close(nil)
			r.root.Remove(name)
			return fmt.Errorf("write what belongs to a recording: %w", err)
		}
		return nil
	}
}

func (f Format) ending() string {
	if f == Opus {
		return ".opus"
	}
	return ".wav"
}

func (r *Recorder) sink(f file) (sink, error) {
	stream := file(f)
	seekable := true
	if len(r.cfg.Recipients) > 0 {
		w, err := age.Encrypt(f, r.cfg.Recipients...)
		if err != nil {
			return nil, err
		}
		stream, seekable = &sealed{w, f}, false
	}
	if r.cfg.Format == Opus {
		return newOpusSink(stream, r.cfg.NewEncoder)
	}
	return newWAVSink(stream, r.cfg.Format, seekable)
}

// sealed is an encrypted stream: written in order, and never looked back at.
type sealed struct {
	io.WriteCloser
	f file
}

func (s *sealed) WriteAt([]byte, int64) (int, error) { return 0, errors.ErrUnsupported }
func (s *sealed) Close() error                       { return errors.Join(s.WriteCloser.Close(), s.f.Close()) }

// run is the writer's goroutine, which alone knows the disk.
func (r *Recorder) run() {
	defer close(r.done)
	defer r.root.Close()
	defer r.watch.Stop()
	timer := time.NewTimer(turn)
	defer timer.Stop()
	var err error
	for ends := false; !ends; {
		select {
		case <-timer.C:
		case <-r.wake:
		}
		timer.Reset(turn)
		r.watch.Reset(stallAfter)
		if ends, err = r.step(); err != nil {
			r.fail(err)
			return
		}
	}
	r.become(Closed, "")
}

// step does what is due.
func (r *Recorder) step() (ends bool, err error) {
	r.mu.Lock()
	pause := r.paused
	ends = r.ends
	r.mu.Unlock()
	now := time.Since(r.start)
	if pause && !r.acting { // nothing of what waits was meant to be kept
		for _, q := range []*ring{r.sent, r.heard} {
			q.take(func(time.Duration, []int16) {})
		}
		r.line.blank()
		clear(r.left)
		clear(r.right)
	}
	r.sent.take(r.line.sent)
	r.heard.take(r.line.heard)
	if ends {
		r.line.finish()
	} else {
		r.line.advance(now)
	}
	r.left, r.right = r.line.take(r.left, r.right)
	changed := pause != r.acting && !ends
	if len(r.left) >= flushEvery || ends || changed {
		if err := r.flush(); err != nil {
			return ends, err
		}
	}
	if changed {
		r.acting = pause
		r.mark(pause)
		if !pause {
			r.off.Store(false)
			r.mu.Lock()
			if r.paused || r.ends { // and at once back again
				r.off.Store(true)
			}
			r.mu.Unlock()
		}
		if err := r.save(); err != nil {
			return ends, err
		}
	}
	if ends {
		return true, r.finish("complete", "")
	}
	kind := Recording
	if r.acting {
		kind = Paused
	}
	r.become(kind, "")
	return false, nil
}

// flush brings whole blocks of 20 ms to the disk, and at the end everything.
func (r *Recorder) flush() error {
	if len(r.left) == 0 {
		return nil
	}
	if err := r.out.write(r.left, r.right); err != nil {
		return err
	}
	r.written += int64(len(r.left))
	clear(r.left)
	clear(r.right)
	r.left, r.right = r.left[:0], r.right[:0]
	return nil
}

// mark notes a pause, or its end.
func (r *Recorder) mark(pause bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := samples(r.written).Milliseconds()
	if pause {
		r.note.Pauses = append(r.note.Pauses, Break{From: at, To: -1})
	} else if n := len(r.note.Pauses); n > 0 {
		r.note.Pauses[n-1].To = at
	}
}

func (r *Recorder) save() error {
	r.mu.Lock()
	n := r.note.at(r.written, r.sent.dropped.Load(), r.heard.dropped.Load())
	r.mu.Unlock()
	return n.save(r.root)
}

// finish closes the sound and writes the last of what belongs to it.
func (r *Recorder) finish(state, reason string) error {
	var marks []mark
	r.mu.Lock()
	for _, b := range r.note.Pauses {
		marks = append(marks, mark{b.From * Rate / 1000, "pause"})
		if b.To >= 0 {
			marks = append(marks, mark{b.To * Rate / 1000, "resume"})
		}
	}
	r.note.State, r.note.Reason, r.note.End = state, text.Clean(reason), time.Now()
	r.mu.Unlock()
	return errors.Join(r.out.close(marks), r.save())
}

// fail ends a recording that cannot go on. What is on the disk stays.
func (r *Recorder) fail(err error) {
	r.off.Store(true)
	words := "The recording ended here: " + reason(err) + "; the call goes on"
	_ = r.finish("failed", words) // it has failed already: what can be saved is saved
	r.become(Failed, words)
}

func reason(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk is full"
	case errors.Is(err, os.ErrPermission):
		return "its folder may not be written any more"
	case errors.Is(err, errLong):
		return "the file has reached the greatest length of its format"
	}
	return text.Clean(err.Error()).Truncate(200).String()
}
