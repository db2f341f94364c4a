package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"
)

// Limits of what is open at once, and for how long.
const (
	maxOpen  = 4
	patience = 2 * time.Second // for the whole exchange
)

// Options say who listens.
type Options struct {
	Folder string             // the profile's state folder; it exists, and the caller holds the profile's lock
	Do     map[string]Handler // by Request.Do; called on goroutines of the server
	Now    func() time.Time   // the clock of the rate; nil: time.Now
	Log    *slog.Logger       // nil: nothing is logged
}

// Server listens for other processes of the same user until it is closed.
type Server struct {
	opt  Options
	l    net.Listener
	rate rate
	room chan struct{} // one for each open connection
	done chan struct{}
	once sync.Once
	work sync.WaitGroup
}

// Path is where a desk of this state folder listens.
func Path(folder string) string { return filepath.Join(folder, "control", "desk.sock") }

// Listen begins to listen. It fails with ErrUnsupported where sockets are not guarded by the modes of files.
func Listen(opt Options) (*Server, error) {
	l, err := listen(Path(opt.Folder))
	if err != nil {
		return nil, err
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{opt: opt, l: l, room: make(chan struct{}, maxOpen), done: make(chan struct{})}
	s.work.Go(s.accept)
	return s, nil
}

// Close stops listening, takes the socket away and waits until everything under way is answered: patience at most.
func (s *Server) Close() (err error) {
	s.once.Do(func() {
		close(s.done)
		err = s.l.Close()
	})
	s.work.Wait()
	return err
}

func (s *Server) accept() {
	for {
		c, err := s.l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // no file descriptor left, for example
			s.opt.Log.Warn("another program could not be heard", "error", err)
			select {
			case <-s.done:
				return
			case <-time.After(patience):
			}
			continue
		}
		select {
		case s.room <- struct{}{}:
			s.work.Go(func() {
				defer func() { <-s.room }()
				s.hear(c)
			})
		default: // somebody opens connections and says nothing
			_ = c.Close()
		}
	}
}

// hear reads one line and answers it.
func (s *Server) hear(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience)) // the kernel's clock, not the rate's
	over := make(chan struct{})
	defer close(over)
	s.work.Go(func() { // who says nothing keeps nobody from leaving
		select {
		case <-s.done:
			_ = c.SetReadDeadline(time.Now())
		case <-over:
		}
	})
	var a Answer
	switch line, err := bufio.NewReaderSize(c, MaxLine).ReadSlice('\n'); {
	case errors.Is(err, bufio.ErrBufferFull):
		a = refusal("the request is too long")
	case errors.Is(err, io.EOF) && len(line) == 0:
		return // it only looked whether somebody is here
	case err != nil:
		a = refusal("the request is not one line of JSON")
	case !s.rate.take(s.opt.Now()):
		a = refusal("too many requests at once: wait a second")
	default:
		a = serve(line, s.opt.Do)
	}
	if !a.OK {
		s.opt.Log.Info("another program was refused", "why", a.Error.String())
	}
	if body, err := json.Marshal(a); err == nil {
		_, _ = c.Write(append(body, '\n')) // who has gone needs no answer
	}
}
