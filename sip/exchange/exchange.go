package exchange

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"offhook/internal/text"
	"offhook/media"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// User is an extension that may register.
type User struct {
	Extension string `json:"extension"`
	Password  string `json:"password"`
	Name      string `json:"name"`
}

// DefaultUsers are the extensions of an exchange that was given none.
func DefaultUsers() []User {
	return []User{
		{"2101", "practice2101", "Alex Agent"}, {"2102", "practice2102", "Billie Agent"}, {"2103", "practice2103", "Chris Agent"},
	}
}

// Options of New. The zero value is a practice exchange on a loopback port.
type Options struct {
	Listen netip.AddrPort // zero: 127.0.0.1, port chosen by the system; the same port for UDP and TCP
	Users  []User         // nil: DefaultUsers
	Realm  string         // of the password check; "": "offhook.practice"
	// Still makes the people wait for Advance, Hold and HangUp instead of the clock: nobody answers, falls silent or hangs up by
	// himself. Scripted play needs it.
	Still   bool
	OnEvent func(Event) // told what the people do; on the exchange's loop, must not block. nil: nobody
	Logger  *slog.Logger
	Trace   func(transaction.TraceMessage)
}

// EventKind is what an Event tells.
type EventKind string

// Events.
const (
	EventRegistered   EventKind = "registered"
	EventUnregistered EventKind = "unregistered"
	EventCalling      EventKind = "calling"  // a person's call rings at an extension
	EventAnswered     EventKind = "answered" // it was answered
	EventSays         EventKind = "says"     // Text is what the person says
	EventEnded        EventKind = "ended"
)

// Event is something that happened at the exchange.
type Event struct {
	Kind      EventKind
	Extension string    // the phone concerned
	Number    string    // the person's number, "" when withheld
	Name      text.Text // and name
	Text      text.Text
}

// Server is one practice exchange. Its methods may be called from any goroutine.
type Server struct {
	opt    Options
	log    *slog.Logger
	ua     *dialog.UA
	auth   *transaction.Challenger
	clock  *media.Clock
	addr   netip.AddrPort
	udp    *transaction.Flow
	users  map[string]User
	timers sync.WaitGroup
	ctx    context.Context
	cancel context.CancelFunc

	// Owned by the UA's loop.
	bindings map[string][]binding // by extension
	legs     []*leg               // calls that are up, oldest first
}

// PortError: the port is taken or not ours to have.
type PortError struct {
	Addr netip.AddrPort
	Err  error
}

func (e *PortError) Error() string {
	return fmt.Sprintf("the practice exchange cannot listen on %s: %v", e.Addr, e.Err)
}

// Unwrap gives the cause.
func (e *PortError) Unwrap() error { return e.Err }

// New starts an exchange.
func New(opt Options) (*Server, error) {
	if opt.Users == nil {
		opt.Users = DefaultUsers()
	}
	if opt.Realm == "" {
		opt.Realm = "offhook.practice"
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if !opt.Listen.IsValid() {
		opt.Listen = netip.MustParseAddrPort("127.0.0.1:0")
	}
	s := &Server{
		opt: opt, log: opt.Logger, auth: transaction.NewChallenger(opt.Realm), clock: media.NewClock(),
		users: map[string]User{}, bindings: map[string][]binding{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, u := range opt.Users {
		s.users[u.Extension] = u
	}
	s.ua = dialog.New(dialog.Config{
		Transaction: transaction.Config{Logger: opt.Logger, UserAgent: "offhook practice exchange", Trace: opt.Trace},
		Logger:      opt.Logger, User: "exchange", Codecs: codecs(), DTMF: 101,
		Screen: s.screen, Refer: s.refer,
	}, handler{s})
	if err := s.listen(); err != nil {
		_ = s.Close(context.Background())
		return nil, err
	}
	return s, nil
}

// listen binds UDP and TCP to one port; with port 0 it looks for a number that is free for both.
func (s *Server) listen() (err error) {
	for try := 0; ; try++ {
		if s.udp, err = s.ua.Layer().ListenUDP(s.opt.Listen); err != nil {
			return &PortError{s.opt.Listen, err}
		}
		s.addr = s.udp.LocalAddr()
		if _, err = s.ua.Layer().ListenTCP(s.addr); err == nil {
			return nil
		}
		if s.opt.Listen.Port() != 0 || try > 20 {
			return &PortError{s.addr, err}
		}
		s.udp.Close()
	}
}

// Addr is where the exchange listens, with UDP and TCP.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Users are the extensions that may register, with their passwords.
func (s *Server) Users() []User { return slices.Clone(s.opt.Users) }

// Close ends every call and the exchange.
func (s *Server) Close(ctx context.Context) error {
	s.cancel()
	err := s.ua.Close(ctx)
	s.clock.Close()
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // a phone that does not answer its BYE keeps nobody here
	}
	return err
}

// after runs f on the loop when d is over, unless the exchange has been closed. Still people never do anything by the clock.
func (s *Server) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() {
		if s.ctx.Err() == nil {
			s.ua.Post(f)
		}
	})
}

func (s *Server) tell(e Event) {
	if s.opt.OnEvent != nil {
		s.opt.OnEvent(e)
	}
}

// codecs are what the exchange speaks, G.711 first: it is an exchange of the old school.
func codecs() []dialog.Codec {
	var out []dialog.Codec
	for _, c := range []media.Codec{media.PCMU, media.PCMA, media.G722} {
		out = append(out, dialog.Codec{Name: c.Name, Clock: c.RTPClock, PT: c.PT})
	}
	return out
}

func mediaCodec(name string) media.Codec {
	for _, c := range media.Codecs() {
		if c.Name == name {
			return c
		}
	}
	return media.PCMU
}

// uri is an address at this exchange.
func (s *Server) uri(user string) transaction.URI {
	return transaction.URI{Scheme: "sip", User: user, Host: s.addr.Addr().String(), Port: int(s.addr.Port())}
}
