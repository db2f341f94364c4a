package device

import (
	"slices"
	"strings"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

// handle takes a message of the sound server.
func (s *server) handle(msg any) {
	if s.conn == nil {
		return
	}
	switch m := msg.(type) {
	case *proto.ConnectionClosed:
		s.lose()
	case *proto.SubscribeEvent:
		s.stale = s.stale || m.Event.GetType() != proto.EventChange || m.Event.GetFacility() == proto.EventServer
	case *proto.Underflow:
		if t := s.find(true, m.StreamIndex); t != nil && t.raise(time.Now()) {
			s.targets[t.role] = t.target
			s.tell(Event{Kind: Underflow, Output: true, Name: t.Name()})
		}
	case *proto.PlaybackStreamKilled:
		s.killed(s.find(true, m.StreamIndex))
	case *proto.RecordStreamKilled:
		s.killed(s.find(false, m.StreamIndex))
	case *proto.PlaybackStreamMoved:
		s.moved(s.find(true, m.StreamIndex), m.DestName, m.BufferMinimumRequest)
	case *proto.RecordStreamMoved:
		s.moved(s.find(false, m.StreamIndex), m.DestName, m.BufferFragSize)
	case *proto.PlaybackStreamSuspended:
		s.suspended(s.find(true, m.StreamIndex), m.Suspended)
	case *proto.RecordStreamSuspended:
		s.suspended(s.find(false, m.StreamIndex), m.Suspended)
	}
}

func (s *server) find(output bool, stream uint32) *seat {
	for _, t := range s.seats {
		if t.conn == s.conn && t.stream == stream && t.output() == output {
			return t
		}
	}
	return nil
}

// killed opens a stream again that the server or a person ended: the call is not over.
func (s *server) killed(t *seat) {
	if t == nil {
		return
	}
	t.gone()
	s.stale = true
}

// moved notes where the server put a stream. Whether that is a device at all is decided when the devices are known.
func (s *server) moved(t *seat, to string, piece uint32) {
	if t == nil {
		return
	}
	t.at = to
	t.end.pace(lengthOf(piece))
	t.calm = time.Now().Add(time.Second)
	i, ok := s.seen.byName(t.output(), to)
	if !ok {
		if d, err := s.conn.devices(); err == nil { // it is newer than what we know
			i, ok = d.byName(t.output(), to)
		}
	}
	s.stale = true
	if dummy(to) || i.Monitor && t.want == "" {
		return
	}
	t.rename(i, ok)
	s.tell(Event{Kind: Moved, Output: t.output(), Name: t.Name()})
}

// suspended tells of a device that was put to sleep under a call. The null clock stands in until it wakes.
func (s *server) suspended(t *seat, on bool) {
	if t == nil {
		return
	}
	kind := Restored
	if on {
		kind = Suspended
	}
	s.tell(Event{Kind: kind, Output: t.output(), Name: t.Name()})
}

// sit gives a started device its place; leave takes it. Neither waits. Both may be called from any goroutine.
func (s *server) sit(t *seat) {
	s.work.put(func() {
		s.seats = append(s.seats, t)
		t.target = s.targets[t.role]
		s.beat = time.Now().Add(beatBusy)
		if s.conn == nil {
			return
		}
		if err := t.open(s.conn, s.seen); err != nil {
			s.stale = true // perhaps the device has just gone
			s.log.Info("sound stream not opened", "role", t.role, "error", err.Error())
		}
	})
}

func (s *server) leave(t *seat) {
	s.work.put(func() {
		s.seats = slices.DeleteFunc(s.seats, func(o *seat) bool { return o == t })
		t.remove()
		s.release()
	})
}

// drop ends a connection that no goroutine serves yet.
func (s *server) drop(err error) {
	if s.conn != nil {
		s.conn.link.fail(err)
	}
}

// leaveAll takes everything from the server at the end. Devices that still run are left to the null clock.
func (s *server) leaveAll() {
	for _, f := range s.work.take() {
		f()
	}
	for _, t := range s.seats {
		t.gone()
	}
	s.release()
	if s.conn != nil {
		s.conn.close() // the server removes the streams of a client that leaves
	}
	s.view.Store(&view{})
}

// close ends the server's goroutine and waits for it. Any goroutine.
func (s *server) close() {
	s.once.Do(func() { close(s.stop) })
	<-s.done
}

// snapshot is what is plugged in. Any goroutine.
func (s *server) snapshot() devices { return s.view.Load().devices }

// audible reports whether a ring tone can be heard. Any goroutine.
func (s *server) audible(want string) bool {
	v := s.view.Load()
	_, ok := place(v.devices, Ring, want)
	return v.up && ok
}

// away reports that the server is not there. Any goroutine.
func (s *server) away() bool { return !s.view.Load().up }

// describe says which devices serve and whose they are. Any goroutine.
func (s *server) describe() string {
	v := s.view.Load()
	if !v.up {
		return v.cause.String()
	}
	var parts []string
	for _, role := range []Role{Input, Output} {
		want, used := v.wanted[role]
		if !used {
			continue
		}
		name, ok := place(v.devices, role, want)
		i, found := v.standard(role != Input)
		if name != "" {
			i, found = v.byName(role != Input, name)
		}
		label := nameOf(i, ok && found, role).String()
		if want != "" && name == "" {
			label += " (" + want + " is not plugged in)"
		}
		parts = append(parts, label)
	}
	line := strings.Join(parts, " and ") + " through " + v.server.String()
	switch {
	case s.loc.ssh:
		line += " of " + v.host.String() + ", the computer you are logged in to over SSH, not the one in front of you"
	case !v.local:
		line += " of " + v.host.String()
	}
	return line
}
