package exchange

import (
	"context"
	"crypto/tls"
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
	// Algorithms of this user's password check, in the order in which they are offered; nil: those of Options. A phone that gives
	// up when the first challenge is SHA-256 gets along with MD5 alone.
	Algorithms []transaction.Algorithm `json:"algorithms,omitempty"`
}

// DefaultUsers are the extensions of an exchange that was given none.
func DefaultUsers() []User {
	return []User{
		{Extension: "2101", Password: "practice2101", Name: "Alex Agent"},
		{Extension: "2102", Password: "practice2102", Name: "Billie Agent"},
		{Extension: "2103", Password: "practice2103", Name: "Chris Agent"},
	}
}

// Options of New. The zero value is a practice exchange on a loopback port.
type Options struct {
	Listen netip.AddrPort // zero: 127.0.0.1, port chosen by the system; the same port for UDP and TCP
	// TLS makes it listen for TLS too, on the next port, or on one that the system chooses when Listen leaves the choice to it. It needs
	// a certificate. nil: no TLS
	TLS   *tls.Config
	Users []User // nil: DefaultUsers
	Realm string // of the password check; "": "offhook.practice"
	// Algorithms of the password check, in the order in which they are offered; nil: SHA-256, then MD5 (RFC 8760 §2.3: the
	// most preferred first).
	Algorithms []transaction.Algorithm
	// Still makes people react to what is done to them and do nothing by the clock: nobody answers, loses patience or hangs up by
	// himself, but waits for AnswerCall, ToggleHold and HangUp. Scripted play needs it. The times in a Call still count.
	Still bool
	// OnEvent is told what the people do; on the exchange's loop: it must not block nor call Place, AnswerCall or Registered.
	// nil: nobody
	OnEvent func(Event)
	Logger  *slog.Logger
	Trace   func(transaction.TraceMessage)
}

// EventKind is what an Event tells.
type EventKind string

// Events.
const (
	EventRegistered   EventKind = "registered"   // the first phone of an extension can be reached
	EventUnregistered EventKind = "unregistered" // the last one cannot any more
	EventCalling      EventKind = "calling"      // a person's call rings at an extension
	EventAnswered     EventKind = "answered"     // person and phone can talk
	EventSays         EventKind = "says"         // Text is what the person says
	EventDigit        EventKind = "digit"        // Text is the key that the person heard
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
	opt   Options
	log   *slog.Logger
	ua    *dialog.UA
	clock *media.Clock
	addr  netip.AddrPort
	tls   netip.AddrPort
	udp   *transaction.Flow
	users map[string]User

	auth map[string]*transaction.Challenger // by extension; "": everybody else's

	ctx    context.Context
	cancel context.CancelFunc
	mu     sync.Mutex // closed, and starting jobs
	closed bool
	jobs   sync.WaitGroup // of the control endpoint

	// Owned by the UA's loop.
	bindings map[string][]binding // by extension
	present  map[string]bool      // was told as registered
	expiry   map[string]*timer
	legs     []*leg // calls, oldest first
	timers   map[*timer]struct{}
	spoken   map[string]line // prompts that were used
	mail     map[string]mailbox
	watchers map[watched][]*dialog.Watcher
}

// ErrClosed: the exchange has been closed.
var ErrClosed = errors.New("the practice exchange has been closed")

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

// New starts an exchange. The error is a *PortError.
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
		opt: opt, log: opt.Logger, clock: media.NewClock(),
		users: map[string]User{}, auth: map[string]*transaction.Challenger{"": transaction.NewChallenger(opt.Realm, opt.Algorithms...)},
		bindings: map[string][]binding{}, present: map[string]bool{}, expiry: map[string]*timer{}, timers: map[*timer]struct{}{},
		spoken: map[string]line{}, mail: map[string]mailbox{}, watchers: map[watched][]*dialog.Watcher{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, u := range opt.Users {
		s.users[u.Extension] = u
		if u.Algorithms != nil {
			s.auth[u.Extension] = transaction.NewChallenger(opt.Realm, u.Algorithms...)
		}
	}
	s.ua = dialog.New(dialog.Config{
		Transaction: transaction.Config{Logger: opt.Logger, UserAgent: "offhook practice exchange", Trace: opt.Trace},
		Logger:      opt.Logger, User: "exchange", Codecs: codecs(), DTMF: 101,
		Screen: s.screen, Refer: s.refer, Reliable: dialog.ReliableSupported, SessionTimer: sessionTimer,
	}, handler{s})
	if err := s.listen(); err != nil {
		_ = s.Close(context.Background())
		return nil, err
	}
	return s, nil
}

// listen binds UDP and TCP to one port; with port 0 it looks for a number that is free for both.
func (s *Server) listen() (err error) {
	const tries = 20
	for try := 1; ; try++ {
		if s.udp, err = s.ua.Layer().ListenUDP(s.opt.Listen); err != nil {
			return &PortError{s.opt.Listen, err}
		}
		s.addr = s.udp.LocalAddr()
		if _, err = s.ua.Layer().ListenTCP(s.addr); err == nil {
			return s.listenTLS()
		}
		if s.opt.Listen.Port() != 0 || try == tries || !errors.Is(err, transaction.ErrPortTaken) {
			return &PortError{s.addr, err}
		}
		s.udp.Close()
	}
}

// listenTLS opens the port for TLS, if there is a certificate.
func (s *Server) listenTLS() error {
	if s.opt.TLS == nil {
		return nil
	}
	addr := netip.AddrPortFrom(s.addr.Addr(), 0)
	if s.opt.Listen.Port() != 0 {
		addr = netip.AddrPortFrom(s.addr.Addr(), s.addr.Port()+1)
	}
	l, err := s.ua.Layer().ListenTLS(addr, s.opt.TLS)
	if err != nil {
		return &PortError{addr, err}
	}
	s.tls = l.Addr()
	return nil
}

// AddrTLS is where it listens with TLS; zero: it does not.
func (s *Server) AddrTLS() netip.AddrPort { return s.tls }

// Addr is where the exchange listens, with UDP and TCP.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Users are the extensions that may register, with their passwords.
func (s *Server) Users() []User { return slices.Clone(s.opt.Users) }

// Close ends every call, the control endpoint and the exchange. A phone that does not answer its BYE keeps it until ctx is over,
// and that is no error. Further calls do nothing.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return nil
	}
	s.cancel() // from here on nobody is called
	s.jobs.Wait()
	err := s.ua.Close(ctx)
	for tm := range s.timers { // the loop has ended: what it owned is ours
		tm.t.Stop()
	}
	s.clock.Close()
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// ask runs f on the loop and waits for what it returns; ErrClosed when there is no loop any more.
func ask[T any](s *Server, f func() T) (T, error) {
	answer := make(chan T, 1)
	s.ua.Post(func() { answer <- f() })
	select {
	case v := <-answer:
		return v, nil
	case <-s.ctx.Done():
		var none T
		return none, ErrClosed
	}
}

func (s *Server) tell(e Event) {
	if s.opt.OnEvent != nil {
		s.opt.OnEvent(e)
	}
}

// sessionTimer is how long a call lasts without a sign of life (RFC 4028 §4 recommends it).
const sessionTimer = 30 * time.Minute

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

// uri is an address at this exchange as somebody sees it who reaches us at ip.
func (s *Server) uri(user string, ip netip.Addr) transaction.URI {
	return transaction.URI{Scheme: "sip", User: user, Host: ip.WithZone("").String(), Port: int(s.addr.Port())}
}
