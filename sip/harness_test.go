package sip

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"offhook/internal/text"
	"offhook/media"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// patience bounds a wait for something that must happen; it is never what a test measures.
const patience = time.Minute

var (
	loopback = netip.MustParseAddrPort("127.0.0.1:0")
	nobody   = netip.MustParseAddrPort("127.0.0.1:1") // no system gives this port to anybody who asks for some port
)

// open starts a phone without a registrar on a loopback socket. It does not watch the machine: one that was busy for some seconds has slept,
// for all that a phone can tell, and it would register once more than the test counts.
func open(t *testing.T, user string, change ...func(*Config)) *Phone {
	t.Helper()
	cfg := Config{Account: "sip:" + user + "@localhost", Listen: loopback, Unwatched: true, Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	for _, f := range change {
		f(&cfg)
	}
	p, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, p) })
	return p
}

func shut(t *testing.T, p *Phone) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second/5)
	defer cancel()
	p.Close(ctx)
}

// at is the URI under which another phone reaches p.
func at(p *Phone, user string) string { return "sip:" + user + "@" + p.LocalAddr().String() }

// wait returns the next event of type E; others are skipped, but nothing may follow a leg's end.
func wait[E Event](t *testing.T, p *Phone) E {
	t.Helper()
	for {
		select {
		case e, ok := <-p.Events():
			if !ok {
				t.Fatalf("%s: the events ended while waiting for %T", p.acc.Account, *new(E))
			}
			if e, ok := e.(E); ok {
				return e
			}
			switch e := e.(type) {
			case CallEnded:
				t.Fatalf("%s: the call ended while waiting for %T: %+v", p.acc.Account, *new(E), e)
			case CommandFailed:
				t.Fatalf("%s: %+v while waiting for %T", p.acc.Account, e, *new(E))
			}
		case <-time.After(patience):
			t.Fatalf("%s: no %T came", p.acc.Account, *new(E))
		}
	}
}

// talking is a call between two phones, answered.
func talking(t *testing.T, a, b *Phone, leg LegID) (theirs LegID) {
	t.Helper()
	a.Dial(leg, at(b, "bob"))
	theirs = wait[IncomingCall](t, b).Leg
	b.Answer(theirs)
	wait[CallAnswered](t, a)
	wait[CallAnswered](t, b)
	return theirs
}

// server is an exchange for tests: what it does with a request outside of dialogs and with calls is the test's.
type server struct {
	t       *testing.T
	ua      *dialog.UA
	flow    *transaction.Flow
	tcp     *transaction.Listener
	handle  func(tx *transaction.ServerTx, req *transaction.Request)
	calls   chan *dialog.Session
	events  chan dialog.Event
	mu      sync.Mutex
	methods []string
}

func newServer(t *testing.T, handle func(tx *transaction.ServerTx, req *transaction.Request), change ...func(*dialog.Config)) *server {
	t.Helper()
	return newServerAt(t, loopback, handle, change...)
}

func newServerAt(t *testing.T, addr netip.AddrPort, handle func(tx *transaction.ServerTx, req *transaction.Request), change ...func(*dialog.Config)) *server {
	t.Helper()
	s := &server{t: t, handle: handle, calls: make(chan *dialog.Session, 16), events: make(chan dialog.Event, 256)}
	cfg := dialog.Config{User: "pbx", Codecs: []dialog.Codec{{Name: "PCMU", Clock: 8000, PT: 0}}, DTMF: 96, Options: true}
	for _, c := range change {
		c(&cfg)
	}
	s.ua = dialog.New(cfg, s)
	var err error
	for range 10 { // the system's choice for UDP may be taken on TCP
		if s.flow, err = s.ua.Layer().ListenUDP(addr); err != nil {
			t.Fatal(err)
		}
		if s.tcp, err = s.ua.Layer().ListenTCP(s.flow.LocalAddr()); err == nil {
			break
		}
		s.flow.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second/5)
		defer cancel()
		s.ua.Close(ctx)
	})
	return s
}

func (s *server) addr() string { return s.flow.LocalAddr().String() }

func (s *server) Incoming(c *dialog.Session) { c.Ring(); s.calls <- c }
func (s *server) Request(tx *transaction.ServerTx, req *transaction.Request) {
	s.mu.Lock()
	s.methods = append(s.methods, req.Method)
	s.mu.Unlock()
	s.handle(tx, req)
}
func (s *server) Event(c *dialog.Session, e dialog.Event) { s.events <- e }
func (s *server) FlowDown(f *transaction.Flow, err error) {}

// call invites a phone from this server.
func (s *server) call(p *Phone, from transaction.Address, headers ...transaction.Header) *dialog.Session {
	a := p.LocalAddr()
	return s.ua.Invite(dialog.Invite{
		Flow: s.flow, Dst: a, URI: transaction.URI{Scheme: "sip", User: "2101", Host: a.Addr().String(), Port: int(a.Port())},
		From: from, Headers: headers, Media: dialog.Local{RTP: nobody},
	}, nil)
}

func address(t *testing.T, s string) transaction.Address {
	t.Helper()
	a, err := transaction.ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func clean(s string) text.Text { return text.Clean(s) }

func localOf(m *media.Session) dialog.Local {
	return dialog.Local{RTP: m.LocalRTP(), RTCP: m.LocalRTCP()}
}

// mediaAddr is where a call of p receives.
func mediaAddr(p *Phone, id LegID) (a netip.AddrPort) {
	done := make(chan struct{})
	p.ua.Post(func() { a = p.legs[id].media.LocalRTP(); close(done) })
	<-done
	return a
}

// blocked is a resolver that answers when release is closed.
func blocked(release <-chan struct{}) func(context.Context, string) (netip.Addr, error) {
	return func(ctx context.Context, _ string) (netip.Addr, error) {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return netip.Addr{}, context.Canceled
	}
}
