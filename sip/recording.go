package sip

import (
	"sync"
	"time"

	"filippo.io/age"

	"offhook/internal/text"
	"offhook/media"
	"offhook/media/record"
)

// RecordingConfig is how calls are recorded. The zero value records nothing: whoever is recorded must know it before, so it is switched on with care.
type RecordingConfig struct {
	Dir        string        // "" : recording is off
	Format     record.Format // "": WAV
	Recipients []age.Recipient
	Always     bool          // every answered call is recorded from its answer on
	Consent    bool          // the far end is told by an announcement before the call reaches the agent, or has agreed
	Remind     time.Duration // interval of the tone that tells the far end; 0: none
}

// on reports whether calls may be recorded at all.
func (c RecordingConfig) on() bool { return c.Dir != "" }

// recording is the recorder of a leg. What it does to the disk happens on the sound's own goroutine, in order.
type recording struct {
	mu    sync.Mutex
	rec   *record.Recorder // nil: not started yet, or over
	untap func()
}

// Record starts or stops the recording of a call; what comes of it is told as RecordingChanged.
func (p *Phone) Record(id LegID, on bool) {
	p.command(id, func(l *leg) {
		switch {
		case !p.acc.Recording.on():
			l.failed("record", 0, "Recording is switched off in the settings")
		case !l.answered || l.media == nil:
			l.failed("record", 0, "The call is not established")
		case on && l.recording == nil:
			l.startRecording()
		case !on:
			l.stopRecording()
		}
	})
}

// PauseRecording leaves out what is said, as card numbers must be, until it is called with false.
func (p *Phone) PauseRecording(id LegID, on bool) {
	p.command(id, func(l *leg) {
		r := l.recording
		if r == nil {
			l.failed("record", 0, "The call is not being recorded")
			return
		}
		p.sound.post(func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			switch {
			case r.rec == nil:
			case on:
				r.rec.Pause()
			default:
				r.rec.Resume()
			}
		})
	})
}

func (l *leg) startRecording() {
	p, c := l.p, l.p.acc.Recording
	r := &recording{}
	l.recording = r
	key := string(l.id)
	if p.acc.CallKey != nil {
		key = p.acc.CallKey(l.s.CallID(), l.s.LocalTag())
	}
	cfg := record.Config{
		Dir: c.Dir, Format: c.Format, Recipients: c.Recipients,
		Call: record.Call{Key: text.Clean(key), ID: text.Clean(l.s.CallID()), FarEnd: l.remote.Number, Inbound: !l.outgoing, Consent: c.Consent},
	}
	id := l.id
	tell := func(e RecordingChanged) { p.command(id, func(*leg) { p.emit(e) }) } // nothing follows the end of a leg
	cfg.OnState = func(s record.State) { tell(recordingChanged(id, s)) }
	m, remind := l.media, c.Remind
	p.sound.post(func() {
		rec, err := record.Start(cfg)
		if err != nil {
			tell(RecordingChanged{At: time.Now(), Leg: id, State: RecordingFailed, Reason: text.Clean(err.Error())})
			return
		}
		r.mu.Lock()
		r.rec, r.untap = rec, m.Tap(rec)
		r.mu.Unlock()
		if remind > 0 {
			m.Remind(media.RecordingTone(), remind)
		}
	})
}

// stopRecording ends the recording, if there is one; the sound may still be there or not.
func (l *leg) stopRecording() {
	r, m := l.recording, l.media
	if r == nil {
		return
	}
	l.recording = nil
	l.p.sound.post(func() {
		r.mu.Lock()
		rec, untap := r.rec, r.untap
		r.rec = nil
		r.mu.Unlock()
		if rec == nil {
			return
		}
		untap()
		m.Remind(media.Tone{}, 0)
		if err := rec.Close(); err != nil {
			l.p.log.Warn("recording", "leg", l.id, "err", err)
		}
	})
}

func recordingChanged(id LegID, s record.State) RecordingChanged {
	e := RecordingChanged{At: time.Now(), Leg: id, Path: s.Path, Reason: s.Reason}
	switch s.Kind {
	case record.Recording:
		e.State = RecordingOn
	case record.Paused:
		e.State = RecordingPaused
	case record.Closed:
		e.State = RecordingOff
	default:
		e.State = RecordingFailed
	}
	return e
}
