package device

import (
	"strings"
	"sync"

	"offhook/internal/text"
)

// Info is one device of the sound server.
type Info struct {
	Name        string    // the server's name for it
	Description text.Text // what people call it
	Output      bool      // loudspeaker, else microphone
	Default     bool
	Monitor     bool // hears what a loudspeaker plays; never chosen unless it is named

	module uint32 // of the server that made it
}

// Set is the devices of one desk. Its methods may be called from any goroutine.
type Set struct {
	spec   Spec
	events *bus
	ringer Ringer

	mu      sync.Mutex
	choices map[Role]choice
	values  map[Role]string // as they were written
	server  *server         // nil when nothing has asked for the sound server

	file   map[string]*recording // files being written, by path
	input  *clip                 // the samples of a file input
	closed bool
}

// Open prepares the devices that spec names. It fails with a *SpecError or an *UnknownError, whose text is one line
// for the person who wrote the setting; that there is no sound server is no error: the devices run on the null clock,
// an Event says so, and they heal when the server comes. No microphone is opened before a Capture is started.
// Open waits for a sound server that answers slowly, at most some seconds.
func Open(spec Spec) (*Set, error) {
	choices, err := spec.parse()
	if err != nil {
		return nil, err
	}
	s := &Set{spec: spec, choices: choices, events: newBus(), file: make(map[string]*recording),
		values: map[Role]string{Input: spec.Input, Output: spec.Output, Ring: spec.Ring}}
	if in := choices[Input]; in.kind == kindFile {
		if s.input, err = loadClip(in); err != nil {
			return nil, &SpecError{Role: Input, Value: spec.Input, Why: reason(err), Err: err}
		}
	}
	for role, value := range map[Role]string{Output: spec.Output, Ring: spec.Ring} {
		if c := choices[role]; c.kind == kindFile && s.file[c.path] == nil {
			r, err := newRecording(c.path, s.events)
			if err != nil {
				s.closeFiles()
				return nil, &SpecError{Role: role, Value: value, Why: reason(err), Err: err}
			}
			s.file[c.path] = r
		}
	}
	wanted := make(map[Role]string)
	for role, c := range choices {
		if c.kind == kindServer {
			wanted[role] = c.name
		}
	}
	if err := s.openServer(spec, wanted); err != nil {
		s.closeFiles()
		return nil, err
	}
	s.ringer = s.newRinger()
	return s, nil
}

// openServer finds the sound server for the roles that want it.
func (s *Set) openServer(spec Spec, wanted map[Role]string) error {
	if len(wanted) == 0 {
		return nil
	}
	srv := newServer(locate(spec.Server, spec.getenv()), s.events, spec.logger())
	srv.echo = newEcho(spec.EchoCancel == "server")
	srv.connect()
	if srv.conn != nil && !spec.Wait {
		for role, name := range wanted {
			if name == "" {
				continue
			}
			if _, err := srv.seen.find(role, name); err != nil {
				srv.drop(errClosed)
				return err
			}
		}
	}
	srv.start(wanted)
	s.server = srv
	return nil
}

// Capture returns a new stream from the microphone. It is silent until it is started, and is closed by its owner.
func (s *Set) Capture() Capture {
	s.mu.Lock()
	c, srv, input := s.choices[Input], s.server, s.input
	s.mu.Unlock()
	switch c.kind {
	case kindServer:
		return newMic(srv, c.name)
	case kindTone:
		return newToneCapture(c.hz)
	case kindFile:
		return newFileCapture(input, c)
	}
	return newNullCapture()
}

// Playback returns a new stream to the loudspeaker. It is silent until it is started, and is closed by its owner.
func (s *Set) Playback() Playback { return s.playback(Output) }

func (s *Set) playback(role Role) Playback {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch c := s.choices[role]; c.kind {
	case kindServer:
		return newSpeaker(s.server, c.name, role)
	case kindFile:
		return newFilePlayback(s.file[c.path])
	}
	return newNullPlayback()
}

// Ringer returns the ring tone. It is closed with the set.
func (s *Set) Ringer() Ringer { return s.ringer }

// NoMicrophone reports that the agent works without one by choice ("null"), so that there is none to look after.
func (s *Set) NoMicrophone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.choices[Input].kind == kindNull
}

// RingBell reports that the terminal bell should ring as well, because the ring is set to "bell" or its device
// cannot be heard at the moment.
func (s *Set) RingBell() bool {
	s.mu.Lock()
	c, srv := s.choices[Ring], s.server
	s.mu.Unlock()
	switch c.kind {
	case kindBell:
		return true
	case kindServer:
		return !srv.audible(c.name)
	}
	return false
}

// Events tells what happens to the hardware. The channel is closed with the set; when nobody reads, the oldest
// events are dropped.
func (s *Set) Events() <-chan Event { return s.events.c }

// List returns the devices that the sound server has now, loudspeakers first, monitors last.
func (s *Set) List() []Info {
	s.mu.Lock()
	srv := s.server
	s.mu.Unlock()
	if srv == nil {
		return nil
	}
	return srv.snapshot().infos()
}

// Silent reports that a device of the sound server is wanted and the server cannot be used now: Describe says why.
func (s *Set) Silent() bool {
	s.mu.Lock()
	choices, srv := s.choices, s.server
	s.mu.Unlock()
	return srv != nil && (choices[Input].kind == kindServer || choices[Output].kind == kindServer) && srv.away()
}

// Describe says in one line which devices are in use and on whose machine, or why there is no sound.
func (s *Set) Describe() text.Text {
	s.mu.Lock()
	choices, srv := s.choices, s.server
	s.mu.Unlock()
	var parts []string
	for _, role := range []Role{Input, Output} {
		noun := map[Role]string{Input: "microphone", Output: "speaker"}[role]
		switch c := choices[role]; c.kind {
		case kindNull:
			parts = append(parts, "no "+noun+" (null)")
		case kindTone:
			if role == Input {
				parts = append(parts, "a tone as microphone")
			} else {
				parts = append(parts, "no speaker (tone)")
			}
		case kindFile:
			parts = append(parts, noun+" is the file "+c.path)
		}
	}
	if srv != nil && (choices[Input].kind == kindServer || choices[Output].kind == kindServer) {
		parts = append(parts, srv.describe())
	}
	return text.Clean(strings.Join(parts, ", "))
}

// Close ends the ring, lets go of the sound server and closes the files and the Events channel. Streams that are still
// open go on at the null clock until their owners close them.
func (s *Set) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	srv := s.server
	s.mu.Unlock()
	err := s.ringer.Close()
	if srv != nil {
		srv.close()
	}
	if e := s.closeFiles(); err == nil {
		err = e
	}
	s.events.close()
	return err
}

func (s *Set) closeFiles() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first error
	for _, r := range s.file {
		if err := r.close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
