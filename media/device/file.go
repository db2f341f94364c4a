package device

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"offhook/internal/text"
	"offhook/media/wav"
)

// clip is a sound file in memory: a disk must not stand between a call and its clock.
type clip struct{ pcm []int16 }

func loadClip(c choice) (*clip, error) {
	f, err := os.Open(c.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pcm, err := wav.Decode(f)
	if err != nil {
		return nil, err
	}
	return &clip{pcm}, nil
}

// reason is the part of a file error that a person needs; the setting already names the path.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file or folder"
	case errors.Is(err, fs.ErrPermission):
		return "you may not use this file; change its permissions or name another"
	case errors.Is(err, syscall.EISDIR):
		return "this is a folder; name a file in it"
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full"
	}
	return text.Clean(err.Error()).Truncate(200).String()
}

// newFileCapture plays a clip from its beginning, then is silent or begins again.
func newFileCapture(c *clip, choice choice) *source {
	at := 0
	return &source{
		clock: newClock(),
		name:  text.Clean("file " + filepath.Base(choice.path)),
		fill: func(frame []int16) {
			for done := 0; done < len(frame); {
				n := copy(frame[done:], c.pcm[at:])
				done, at = done+n, at+n
				if at < len(c.pcm) {
					continue
				}
				if !choice.loop || len(c.pcm) == 0 {
					clear(frame[done:])
					return
				}
				at = 0
			}
		},
	}
}

// recording is a file that playbacks write, one after the other: a call that is held and resumed opens the
// loudspeaker twice, and both parts belong into the one file.
type recording struct {
	path   string
	events *bus

	mu     sync.Mutex
	w      *wav.Writer
	n      int // samples written
	busy   bool
	closed bool
	err    error // the first failure to write
}

func newRecording(path string, events *bus) (*recording, error) {
	w, err := wav.Create(path, Rate)
	if err != nil {
		return nil, err
	}
	return &recording{path: path, events: events, w: w}, nil
}

func (r *recording) acquire() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy {
		return ErrBusy
	}
	r.busy = true
	return nil
}

func (r *recording) write(pcm []int16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.append(pcm)
}

func (r *recording) append(pcm []int16) {
	if r.err != nil || r.closed {
		return
	}
	r.n += len(pcm)
	if r.err = r.w.Write(pcm); r.err != nil {
		name := text.Clean(filepath.Base(r.path))
		cause := fmt.Sprintf("The sound file %s cannot be written any more (%s); the call goes on, the file ends here", name, reason(r.err))
		r.events.send(Event{Kind: Lost, Output: true, Name: name, Cause: text.Clean(cause)})
	}
}

// release fills the file up to a full second, which is when the writer brings samples and header to the disk: whoever
// looks at the file after a call finds all of it, although the program goes on.
func (r *recording) release() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = false
	if rest := r.n % Rate; rest > 0 {
		r.append(make([]int16, Rate-rest))
	}
	return r.err
}

func (r *recording) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	err := r.w.Close()
	if r.err != nil {
		return r.err
	}
	return err
}

// filePlayback writes what it is given at the null clock.
type filePlayback struct {
	*clock
	rec *recording
}

func newFilePlayback(r *recording) *filePlayback { return &filePlayback{newClock(), r} }

// Start begins to write. It returns ErrBusy while another stream writes the same file.
func (p *filePlayback) Start(fill func(frame []int16)) error {
	if err := p.rec.acquire(); err != nil {
		return err
	}
	frame := make([]int16, Frame)
	err := p.start(func() {
		fill(frame)
		p.rec.write(frame)
	})
	if err != nil {
		p.rec.release()
	}
	return err
}

// Close returns the first error of writing, such as a full disk.
func (p *filePlayback) Close() error {
	if !p.close() || !p.running() {
		return nil
	}
	return p.rec.release()
}

func (p *filePlayback) Name() text.Text { return text.Clean("file " + filepath.Base(p.rec.path)) }
