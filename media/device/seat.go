package device

import (
	"sync/atomic"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"offhook/internal/text"
)

// endpoint is a mic or a speaker, to which the server's goroutine gives and takes streams.
type endpoint interface {
	attach(c *conn, stream uint32, missing int)
	detach(c *conn, stream uint32) // c is nil when the connection is gone
	pace(piece time.Duration)      // how much sound the server moves at a time
}

// seat is the place of one running device on the sound server. But for name, its fields belong to the server's
// goroutine.
type seat struct {
	srv  *server
	role Role
	want string // the setting: a name, or empty for the default device
	end  endpoint

	name atomic.Pointer[text.Text] // of the device it is on

	conn   *conn  // nil: the null clock serves
	stream uint32 // its index on the connection
	member uint32 // its index among the device's inputs or outputs
	at     string // the server's name of the device
	dest   string // and of the one that it was put on
	target time.Duration
	calm   time.Time // underflows before this are the start's own
}

func newSeat(srv *server, role Role, want string, end endpoint) *seat {
	s := &seat{srv: srv, role: role, want: want, end: end}
	s.rename(Info{}, false)
	return s
}

func (s *seat) rename(i Info, ok bool) {
	t := nameOf(i, ok, s.role)
	s.name.Store(&t)
}

// Name returns the description of the device that serves at the moment.
func (s *seat) Name() text.Text { return *s.name.Load() }

func (s *seat) output() bool { return s.role != Input }

// place decides where a stream of role belongs among d: the server's name of the device, empty for the default one,
// which the server then follows by itself; false for none.
func place(d devices, role Role, want string) (string, bool) {
	if want != "" {
		if i, err := d.find(role, want); err == nil {
			return i.Name, true
		}
	}
	_, ok := d.standard(role != Input)
	return "", ok
}

// open puts the seat's stream on the server.
func (s *seat) open(c *conn, d devices) error {
	name, ok := s.srv.spot(s)
	if !ok {
		return nil
	}
	d = s.srv.seen // it may have grown
	s.dest = name
	missing, piece := 0, uint32(0)
	if s.output() {
		s.target = max(s.target, c.target())
		r, err := c.play(name, s.target, s.role)
		if err != nil {
			return err
		}
		s.stream, s.member, s.at = r.StreamIndex, r.SinkInputIndex, r.SinkName
		missing, piece = int(r.Missing), r.BufferMinimumRequest
	} else {
		r, err := c.record(name)
		if err != nil {
			return err
		}
		s.stream, s.member, s.at, piece = r.StreamIndex, r.SourceOutputIndex, r.SourceName, r.BufferFragSize
	}
	s.conn = c
	s.calm = time.Now().Add(time.Second)
	i, ok := d.byName(s.output(), s.at)
	s.rename(i, ok)
	s.end.pace(lengthOf(piece))
	s.end.attach(c, s.stream, missing)
	return nil
}

// gone notes that the server has no stream of ours any more.
func (s *seat) gone() {
	if s.conn != nil {
		s.end.detach(s.conn, s.stream)
	}
	s.conn, s.at, s.dest = nil, "", ""
	s.rename(Info{}, false)
}

// remove takes the stream from the server.
func (s *seat) remove() {
	c, stream := s.conn, s.stream
	s.gone()
	if c == nil {
		return
	}
	if s.output() {
		c.request(&proto.DeletePlaybackStream{StreamIndex: stream}, nil)
	} else {
		c.request(&proto.DeleteRecordStream{StreamIndex: stream}, nil)
	}
}

// move brings a stream back to the device that was chosen for it.
func (s *seat) move(name string) error {
	s.dest = name
	if s.output() {
		return s.conn.request(&proto.MoveSinkInput{SinkInputIndex: s.member, DeviceIndex: proto.Undefined, DeviceName: name}, nil)
	}
	return s.conn.request(&proto.MoveSourceOutput{SourceOutputIndex: s.member, DeviceIndex: proto.Undefined, DeviceName: name}, nil)
}

// raise gives the loudspeaker a step more sound ahead after it ran dry; false when it has enough, or has just begun.
func (s *seat) raise(now time.Time) bool {
	if s.conn == nil || now.Before(s.calm) || s.target >= maxTarget {
		return false
	}
	s.calm = now.Add(time.Second)
	next := min(s.target*3/2, maxTarget)
	if err := s.conn.retarget(s.stream, next); err != nil {
		return false
	}
	s.target = next
	return true
}
