package device

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/jfreymuth/pulse/proto"

	"offhook/internal/text"
)

// echo is the sound server's echo canceller (module-echo-cancel with WebRTC's method, in PulseAudio and PipeWire), which
// the desk loads around the microphone and the loudspeaker that it uses, while it uses them, and unloads again. It
// belongs to the server's goroutine.
type echo struct {
	wanted bool
	broken bool   // the server does not do it; told once
	tag    string // in the names of what this desk loads
	count  int
	pairs  []*pair
}

// pair is one loaded canceller.
type pair struct {
	mic, speaker string // around what
	source, sink string // what it offers
	module       uint32
}

// echoName begins the names of all that any desk loads. Such devices are nobody's choice and are not shown.
const echoName = "offhook_echo_"

func newEcho(wanted bool) echo {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return echo{wanted: wanted, tag: echoName + hex.EncodeToString(b[:])}
}

// spot decides where a seat belongs: on a device, or on the canceller around it, which is loaded when it is not there.
func (s *server) spot(t *seat) (string, bool) {
	name, ok := place(s.seen, t.role, t.want)
	if !ok || !s.echo.wanted || s.echo.broken || t.role == Ring || s.conn == nil {
		return name, ok
	}
	mic, speaker := s.wanted[Input], s.wanted[Output]
	if t.role == Input {
		mic = t.want
	} else {
		speaker = t.want
	}
	in, ok1 := s.resolve(Input, mic)
	out, ok2 := s.resolve(Output, speaker)
	if !ok1 || !ok2 || in.Monitor { // a monitor would have its own sound taken out of it
		return name, true
	}
	p := s.pairOf(in, out)
	switch {
	case p == nil:
		return name, true
	case t.output():
		return p.sink, true
	}
	return p.source, true
}

// resolve finds the device that a setting means now. A canceller of a desk that has become the default stands for what
// it was loaded around.
func (s *server) resolve(role Role, want string) (Info, bool) {
	output := role != Input
	if want != "" {
		if i, err := s.seen.find(role, want); err == nil {
			return i, true
		}
	}
	i, ok := s.seen.standard(output)
	if ok && strings.HasPrefix(i.Name, echoName) {
		for _, p := range s.echo.pairs {
			if output && p.sink == i.Name {
				return s.seen.byName(true, p.speaker)
			}
			if !output && p.source == i.Name {
				return s.seen.byName(false, p.mic)
			}
		}
		return Info{}, false // another desk's
	}
	return i, ok
}

// pairOf returns the canceller around two devices, and loads it if need be; nil when that cannot be.
func (s *server) pairOf(mic, speaker Info) *pair {
	for _, p := range s.echo.pairs {
		if p.mic == mic.Name && p.speaker == speaker.Name {
			return p
		}
	}
	s.echo.count++
	p := &pair{mic: mic.Name, speaker: speaker.Name}
	p.source = fmt.Sprintf("%s_%d_source", s.echo.tag, s.echo.count)
	p.sink = fmt.Sprintf("%s_%d_sink", s.echo.tag, s.echo.count)
	err := s.load(p, ` aec_args="analog_gain_control=0 digital_gain_control=0"`)
	var refused proto.Error
	if errors.As(err, &refused) { // PipeWire and old servers may not know the arguments
		err = s.load(p, "")
	}
	if err == nil {
		s.echo.pairs = append(s.echo.pairs, p)
		if now, err := s.conn.devices(); err == nil {
			s.see(now)
		}
		return p
	}
	s.echo.broken = true
	s.log.Info("echo canceller not loaded", "error", text.Clean(err.Error()))
	s.tell(Event{Kind: EchoFailed, Name: mic.Description, Cause: text.Clean(
		"The sound server has no echo canceller (module-echo-cancel with WebRTC); customers may hear themselves: use a headset, or the speaker mode")})
	return nil
}

func (s *server) load(p *pair, more string) error {
	args := fmt.Sprintf("aec_method=webrtc source_master=%s sink_master=%s source_name=%s sink_name=%s", p.mic, p.speaker, p.source, p.sink) + more
	if strings.ContainsAny(p.mic+p.speaker, " \t\n\"'\\=") || len(args) > 850 { // the library panics on requests over 1024 bytes
		return errors.New("the devices have names that cannot be passed on")
	}
	r := &proto.LoadModuleReply{}
	if err := s.conn.request(&proto.LoadModule{Name: "module-echo-cancel", Args: args}, r); err != nil {
		return err
	}
	p.module = r.ModuleIndex
	return nil
}

// release unloads the cancellers that no seat is on or on its way to, and forgets those that the server has dropped.
func (s *server) release() {
	kept := s.echo.pairs[:0]
	for _, p := range s.echo.pairs {
		_, source := s.seen.byName(false, p.source)
		_, sink := s.seen.byName(true, p.sink)
		used := false
		for _, t := range s.seats {
			used = used || t.role != Ring && (t.at == p.source || t.at == p.sink || t.dest == p.source || t.dest == p.sink)
		}
		switch {
		case !source && !sink: // its devices went away, and it with them
		case used:
			kept = append(kept, p)
		case s.conn != nil:
			if err := s.conn.request(&proto.UnloadModule{ModuleIndex: p.module}, nil); err != nil {
				s.log.Info("echo canceller not unloaded", "error", text.Clean(err.Error()))
			}
		}
	}
	clear(s.echo.pairs[len(kept):])
	s.echo.pairs = kept
}

// reclaim unloads what this desk had loaded on a server that it lost and found again. A server that was restarted has
// nothing of it.
func (s *server) reclaim() {
	s.echo.pairs = nil
	if !s.echo.wanted {
		return
	}
	gone := make(map[uint32]bool)
	for _, i := range s.seen.all {
		if strings.HasPrefix(i.Name, s.echo.tag) && !gone[i.module] {
			gone[i.module] = true
			_ = s.conn.request(&proto.UnloadModule{ModuleIndex: i.module}, nil) // if it is gone already, so much the better
			s.stale = true
		}
	}
}
