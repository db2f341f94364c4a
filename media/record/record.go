// Package record keeps the sound of a call on disk: the agent left, the customer right, on one timeline, as WAV or
// Ogg/Opus, open or encrypted, with a JSON file beside it that says whose call it was and where the recording was
// paused. It is fed by a tap and never makes the call wait: a slow disk costs recorded sound, a full one the rest of
// the recording. It decides nothing about when a call may be recorded, and deletes nothing but by Sweep.
package record

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"filippo.io/age"

	"offhook/internal/text"
	"offhook/media/codec/opus"
)

// Rate and Frame are the sound that comes in: 16 kHz, signed 16 bit, frames of 10 ms.
const (
	Rate  = 16000
	Frame = Rate / 100
)

// Format is how sound is kept, in bytes per hour: WAV 230 MB, ALaw and ULaw 115 MB, Opus about 22 MB. All are stereo at
// 16 kHz.
type Format string

// The formats.
const (
	WAV  Format = "wav"  // 16-bit PCM
	ALaw Format = "alaw" // WAV of format 6
	ULaw Format = "ulaw" // WAV of format 7
	Opus Format = "opus" // Ogg (RFC 7845)
)

// Encoder turns 20 ms of one channel, 320 samples at 16 kHz, into one Opus packet in dst and returns its length. The
// packet must hold a single frame (RFC 6716 §3.1, code 0), as libopus makes them.
type Encoder interface {
	Encode(dst []byte, pcm []int16) (int, error)
}

// Call is what the file beside the sound says of a call.
type Call struct {
	Key     text.Text // of the record that the call belongs to
	ID      text.Text // Call-ID: part of the file's name
	FarEnd  text.Text // number of the far end; kept masked
	Inbound bool
	Consent bool // the far end was told, or agreed
}

// Config of a recording.
type Config struct {
	Dir    string // made with mode 0700 if it is not there
	Format Format // "" is WAV
	Call   Call

	// Recipients encrypt the sound (age): the file's name then ends in .age. An encrypted file cannot be repaired, nor
	// does it have to be: what was written before a crash can be decrypted, and Decrypt puts its sizes right.
	Recipients []age.Recipient

	// OnState is told of each change of state. It is called from the recorder's goroutines and must not call back into
	// Close.
	OnState func(State)

	// NewEncoder makes the encoder of one channel for Opus; nil is the own one. An encoder with a method Release is
	// released at the end.
	NewEncoder func() (Encoder, error)

	create func(root *os.Root, name string) (file, error) // tests: a disk that fails
}

// Kind is what a recording does.
type Kind string

// Kinds of state. The call goes on in each of them.
const (
	Recording Kind = "recording"
	Paused    Kind = "paused"  // and nothing that was said since is in memory or on disk
	Stalled   Kind = "stalled" // the disk does not answer; sound is being lost
	Failed    Kind = "failed"  // nothing more is recorded; what there is can be played
	Closed    Kind = "closed"
)

// State of a recording.
type State struct {
	Kind    Kind
	Reason  text.Text     // for Stalled and Failed: one line for the agent
	Path    string        // of the sound
	Length  time.Duration // on disk
	Dropped time.Duration // lost because the disk was too slow; silence stands in for it
}

// Errors that a caller decides on.
var (
	ErrClosed = errors.New("the recording is over")
	// ErrStalled is returned by Close when the disk does not answer; the file is finished if it ever does.
	ErrStalled = errors.New("the disk does not answer; the end of the recording may be lost")
	// ErrFormat is wrapped by Start for a format that cannot be written.
	ErrFormat = errors.New("recordings cannot be written so")
)

const (
	turn       = 100 * time.Millisecond // between looks at the rings
	stallAfter = 3 * time.Second
	closeLimit = 2 * time.Second
	flushEvery = Rate // samples
)

// Recorder is one recording. It is a media.Tap: Sent and Heard neither block nor allocate. All methods may be called
// from any goroutine, but Sent from one at a time, and Heard from one at a time.
type Recorder struct {
	cfg   Config
	start time.Time
	path  string

	sent, heard *ring
	off         atomic.Bool // taps keep nothing: paused or over

	telling chan struct{} // held while the state changes and is told: states are told in the order in which they are

	mu     sync.Mutex
	state  State
	paused bool // what is asked for
	ends   bool
	note   sidecar

	wake  chan struct{}
	done  chan struct{}
	watch *time.Timer

	// the writer's own
	line    timeline
	left    []int16 // on its way to the disk
	right   []int16
	written int64
	acting  bool // pausing, as far as the file knows
	out     sink
	root    *os.Root
}

// Start begins a recording. It touches the disk, and the first one in Opus prepares the codec for 0.1 s: not for the
// goroutine that runs a call. Errors are about the folder, the file and the format: the caller tells the agent, and the
// call goes on.
func Start(cfg Config) (*Recorder, error) {
	if cfg.Format == "" {
		cfg.Format = WAV
	}
	if err := cfg.Format.check(); err != nil {
		return nil, err
	}
	if cfg.NewEncoder == nil {
		cfg.NewEncoder = func() (Encoder, error) {
			if err := opus.Wait(); err != nil {
				return nil, err
			}
			return opus.NewEncoder(opus.Settings{Bitrate: 24000}), nil
		}
	}
	if cfg.create == nil {
		cfg.create = create
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of recordings: %w", err)
	}
	root, err := os.OpenRoot(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder of recordings: %w", err)
	}
	r := &Recorder{cfg: cfg, start: time.Now(), sent: newRing(), heard: newRing(), root: root,
		wake: make(chan struct{}, 1), done: make(chan struct{}), telling: make(chan struct{}, 1)}
	if err := r.open(); err != nil {
		root.Close()
		return nil, err
	}
	r.state = State{Kind: Recording, Path: r.path}
	r.tell(r.State()) // before anybody else has something to tell
	r.watch = time.AfterFunc(stallAfter, r.stalled)
	go r.run()
	return r, nil
}

func (f Format) check() error {
	switch f {
	case WAV, ALaw, ULaw:
	case Opus:
		if !opus.Available() {
			return fmt.Errorf("%w: Opus is not available on this computer; choose wav, alaw or ulaw", ErrFormat)
		}
	default:
		return fmt.Errorf("%w: %q is none of wav, alaw, ulaw, opus", ErrFormat, string(f))
	}
	return nil
}

// Sent takes a frame of the agent.
func (r *Recorder) Sent(frame []int16) { r.keep(r.sent, frame) }

// Heard takes a frame of the far end.
func (r *Recorder) Heard(frame []int16) { r.keep(r.heard, frame) }

func (r *Recorder) keep(to *ring, frame []int16) {
	if len(frame) == Frame && !r.off.Load() {
		to.put(time.Since(r.start), frame)
	}
}

// Pause keeps out what is said from now on, and what was said in the last moment and is not on disk yet: up to a second.
// The state becomes Paused when that is done.
func (r *Recorder) Pause() { r.ask(true) }

// Resume goes on recording. The time between is silence in the file, with a mark at both ends.
func (r *Recorder) Resume() { r.ask(false) }

func (r *Recorder) ask(pause bool) {
	r.mu.Lock()
	if !r.ends && r.state.Kind != Failed {
		r.paused = pause
		if pause {
			r.off.Store(true) // at once: what is said now must not even come into memory
		}
	}
	r.mu.Unlock()
	r.nudge()
}

// SetConsent notes that the far end was told, or agreed, or took it back.
func (r *Recorder) SetConsent(on bool) {
	r.mu.Lock()
	r.note.Consent = on
	r.mu.Unlock()
}

// State is what the recording does now.
func (r *Recorder) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state
	s.Dropped = time.Duration(max(r.sent.dropped.Load(), r.heard.dropped.Load())) * 10 * time.Millisecond
	return s
}

// Close ends the recording, brings all of it to the disk and waits for that, two seconds at most. The error is that of
// a failed recording, or ErrStalled.
func (r *Recorder) Close() error {
	r.off.Store(true)
	r.mu.Lock()
	r.ends = true
	r.mu.Unlock()
	r.nudge()
	limit := time.NewTimer(closeLimit)
	defer limit.Stop()
	select {
	case <-r.done:
	case <-limit.C:
		return ErrStalled
	}
	if s := r.State(); s.Kind == Failed {
		return errors.New(s.Reason.String())
	}
	return nil
}

func (r *Recorder) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// become changes the state and tells it.
func (r *Recorder) become(kind Kind, reason string) {
	r.telling <- struct{}{}
	defer func() { <-r.telling }()
	r.mu.Lock()
	changed := r.state.Kind != kind
	r.state.Kind, r.state.Reason = kind, text.Clean(reason)
	r.state.Length = samples(r.written)
	r.mu.Unlock()
	if changed {
		r.tell(r.State())
	}
}

func (r *Recorder) tell(s State) {
	if r.cfg.OnState != nil {
		r.cfg.OnState(s)
	}
}

// stalled is called by the watch when the writer has not come back from the disk.
func (r *Recorder) stalled() {
	r.telling <- struct{}{}
	defer func() { <-r.telling }()
	r.mu.Lock()
	tell := r.state.Kind == Recording || r.state.Kind == Paused
	if tell {
		r.state.Kind = Stalled
		r.state.Reason = text.Clean("The disk of the recordings does not answer; the call goes on, the recording will have a gap")
	}
	s := r.state
	r.mu.Unlock()
	if tell {
		r.tell(s)
	}
}

func samples(n int64) time.Duration { return time.Duration(n) * time.Second / Rate }
