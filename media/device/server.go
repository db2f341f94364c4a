package device

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"offhook/internal/text"
)

// server keeps one connection to the sound server alive, watches its devices, and puts the desk's streams on them. All
// of it happens on one goroutine; the exceptions are marked.
type server struct {
	loc    location
	events *bus
	log    *slog.Logger
	dial   func(address, []byte) (*conn, error)

	work *mailbox[func()]     // from any goroutine
	view atomic.Pointer[view] // for any goroutine
	once sync.Once
	stop chan struct{}
	done chan struct{}

	conn    *conn
	seen    devices
	cause   text.Text // why there is no connection
	seats   []*seat
	wanted  map[Role]string // what the settings ask for
	told    map[Role]text.Text
	targets map[Role]time.Duration // learnt from underflows
	stale   bool                   // the devices have changed
	retry   time.Time              // of the connection, or of streams that could not be opened
	failed  int                    // attempts to connect
	beat    time.Time
	echo    echo
}

// view is what others may see of the server.
type view struct {
	devices
	up     bool
	local  bool
	cause  text.Text
	wanted map[Role]string // never changed
}

func newServer(loc location, events *bus, log *slog.Logger) *server {
	s := &server{
		loc: loc, events: events, log: log, dial: dialPulse, work: newMailbox[func()](),
		stop: make(chan struct{}), done: make(chan struct{}),
		wanted: make(map[Role]string), told: make(map[Role]text.Text), targets: make(map[Role]time.Duration),
	}
	s.view.Store(&view{})
	return s
}

const (
	retryFirst = 100 * time.Millisecond
	retryMost  = 3 * time.Second
	beatBusy   = 3 * time.Second  // a server that hangs in a call is noticed so soon
	beatIdle   = 30 * time.Second // and between calls
)

// connect tries each address once. On success the devices are known.
func (s *server) connect() {
	err := error(errNowhere)
	for _, a := range s.loc.addrs {
		var c *conn
		var d devices
		if c, err = s.dial(a, s.loc.cookie); err != nil {
			continue
		}
		if d, err = c.devices(); err != nil {
			err = c.reason(err)
			c.close()
			continue
		}
		s.conn, s.seen, s.cause, s.failed, s.stale = c, d, text.Text{}, 0, false
		s.beat = time.Now().Add(beatBusy)
		s.publish()
		return
	}
	if s.cause.Empty() {
		s.cause = s.absent(err)
	}
	s.log.Debug("sound server not reached", "error", text.Clean(err.Error()), "attempt", s.failed)
	s.retry = time.Now().Add(min(retryFirst<<min(s.failed, 10), retryMost))
	s.failed++
	s.publish()
}

var errNowhere = errors.New("no place to look for a sound server")

// absent says in one line why there is no sound.
func (s *server) absent(err error) text.Text {
	const then = "; calls run without sound until it is there (set [audio] input and output to \"null\" if that is meant)"
	where := ""
	if s.loc.asked != "" {
		where = " at " + text.Clean(s.loc.asked).Truncate(60).String()
	}
	var refused proto.Error
	switch {
	case errors.Is(err, errNowhere) && s.loc.asked != "":
		return text.Clean("The sound server address \"" + strings.TrimPrefix(where, " at ") + "\" cannot be understood; write unix:/path or tcp:host:port")
	case errors.Is(err, errNowhere):
		return text.Clean("This system has no PulseAudio or PipeWire server ($PULSE_SERVER may name one elsewhere); calls run without sound")
	case errors.As(err, &refused) && refused == proto.ErrAccessDenied:
		return text.Clean("The sound server" + where + " refuses us: its cookie is missing or wrong ($PULSE_COOKIE); calls run without sound")
	case errors.Is(err, os.ErrPermission):
		return text.Clean("You may not use the sound server" + where + "; calls run without sound")
	case errors.Is(err, errFrame):
		return text.Clean("What listens" + where + " is no PulseAudio or PipeWire sound server" + then)
	}
	return text.Clean("No sound server answers" + where + then)
}

// start hands the server over to its goroutine. The roles in wanted are told about.
func (s *server) start(wanted map[Role]string) {
	s.wanted = wanted
	s.assess()
	go s.run()
}

func (s *server) run() {
	defer close(s.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var inbox <-chan struct{}
		if s.conn != nil {
			inbox = s.conn.inbox.wake
		}
		select {
		case <-s.stop:
			s.leaveAll()
			return
		case <-s.work.wake:
			for _, f := range s.work.take() {
				f()
			}
		case <-inbox:
			for _, m := range s.conn.inbox.take() {
				s.handle(m)
			}
		case <-timer.C:
		}
		timer.Reset(s.tend(time.Now()))
	}
}

// tend does what is due and returns how long there is nothing to do.
func (s *server) tend(now time.Time) time.Duration {
	if s.conn == nil {
		if !now.Before(s.retry) {
			s.connect()
			if s.conn != nil {
				s.reclaim()
				s.settle(devices{}, false)
			}
		}
	} else if s.stale || !now.Before(s.beat) {
		s.refresh()
	} else if !s.retry.IsZero() && !now.Before(s.retry) {
		s.settle(s.seen, true)
	}
	switch now = time.Now(); {
	case s.conn == nil, !s.retry.IsZero() && s.retry.Before(s.beat):
		return max(s.retry.Sub(now), time.Millisecond)
	case s.stale:
		return 0
	}
	return max(s.beat.Sub(now), time.Millisecond)
}

// refresh asks for the devices again, which is also how a server that hangs is found out.
func (s *server) refresh() {
	s.stale = false
	s.beat = time.Now().Add(beatIdle)
	if len(s.seats) > 0 {
		s.beat = time.Now().Add(beatBusy)
	}
	now, err := s.conn.devices()
	if err != nil {
		s.lose()
		return
	}
	before := s.seen
	s.see(now)
	s.settle(before, true)
}

// see takes what is plugged in now, and tells what has changed.
func (s *server) see(now devices) {
	before := s.seen
	s.seen = now
	for _, e := range before.changes(now) {
		s.tell(e)
	}
}

// settle puts every seat where it belongs now. before are the devices until now: a chosen device that is new among
// them gets its streams back, while a stream that a person moved by hand stays where it is.
func (s *server) settle(before devices, known bool) {
	s.retry = time.Time{}
	for _, t := range s.seats {
		name, ok := s.spot(t)
		_, was := before.byName(t.output(), name)
		var err error
		switch {
		case !ok && t.conn != nil: // the server put it on its dummy or on a monitor
			t.remove()
		case ok && t.conn == nil:
			err = t.open(s.conn, s.seen)
		case ok && name != "" && t.at != name && known && !was:
			err = t.move(name)
		}
		if err != nil {
			s.log.Info("sound stream not opened", "role", t.role, "error", text.Clean(err.Error()))
			s.retry = time.Now().Add(2 * time.Second)
		}
	}
	s.release()
	s.assess()
}

// lose notes that the connection is gone. The null clock has taken over already, or does so now.
func (s *server) lose() {
	why := s.conn.link.why()
	s.conn.close()
	for _, t := range s.seats {
		t.gone()
	}
	s.echo.pairs = nil
	s.log.Info("sound server lost", "error", text.Clean(fmt.Sprint(why)))
	s.conn, s.seen, s.failed = nil, devices{}, 0
	s.cause = text.Clean("The sound server stopped or was restarted; calls go on without sound until it is back")
	if errors.Is(why, os.ErrDeadlineExceeded) || why != nil && strings.Contains(why.Error(), "deadline exceeded") {
		s.cause = text.Clean("The sound server does not answer; calls go on without sound until it does")
	}
	s.retry = time.Now().Add(retryFirst)
	s.assess()
}

// assess publishes what is now, and tells of every role that lost its device or got it back.
func (s *server) assess() {
	s.publish()
	for _, role := range []Role{Input, Output, Ring} {
		want, used := s.wanted[role]
		if !used {
			continue
		}
		cause, name := s.trouble(role, want)
		if old := s.told[role]; old == cause || role == Ring && s.conn == nil {
			continue // the ring is not told of when everything is lost; Output is
		}
		s.told[role] = cause
		kind := Lost
		if cause.Empty() {
			kind = Restored
		}
		s.tell(Event{Kind: kind, Output: role != Input, Name: name, Cause: cause})
	}
}

// tell sends an event. What it tells of is published first: whoever hears it looks at the set at once, to ring the bell
// or to list the devices.
func (s *server) tell(e Event) {
	s.publish()
	s.events.send(e)
}

// trouble says what is wrong with the device of a role: nothing, or one line.
func (s *server) trouble(role Role, want string) (cause, name text.Text) {
	name = text.Clean(want)
	if s.conn == nil {
		return s.cause, name
	}
	std, ok := s.seen.standard(role != Input)
	if want != "" {
		i, err := s.seen.find(role, want)
		switch {
		case err == nil:
			return text.Text{}, i.Description
		case ok:
			return text.Clean(fmt.Sprintf("%s is not plugged in; %s is used until it is", name, std.Description)), name
		}
	}
	switch {
	case ok:
		return text.Text{}, std.Description
	case role == Input:
		return text.Clean("No microphone is plugged in: the customer hears silence; plug in a headset"), name
	}
	return text.Clean("No speaker is plugged in: you hear nothing; plug in a headset"), name
}

func (s *server) publish() {
	v := &view{devices: s.seen, up: s.conn != nil, cause: s.cause, wanted: s.wanted}
	if s.conn != nil {
		v.local = s.conn.local
	}
	s.view.Store(v)
}
