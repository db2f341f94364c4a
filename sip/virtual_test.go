package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

var (
	deskAddr = netip.MustParseAddrPort("192.0.2.1:5060")
	pbxAddr  = netip.MustParseAddrPort("192.0.2.2:5060")
)

// world is a phone with an account at an exchange, on a network and a clock of their own.
type world struct {
	t    *testing.T
	net  transaction.Memory
	pbx  *server
	desk *Phone

	mu       sync.Mutex
	handle   func(tx *transaction.ServerTx, req *transaction.Request)
	at       []time.Time             // of REGISTERs
	refusing bool                    // connections
	down     map[netip.AddrPort]bool // servers that take none
	dialled  []netip.AddrPort
	sockets  map[netip.AddrPort]transaction.PacketConn
	flows    []*transaction.Flow
}

// virtually runs a test in virtual time. The exchange answers as handle does; it may be replaced by serve.
func virtually(t *testing.T, handle func(tx *transaction.ServerTx, req *transaction.Request), f func(w *world), change ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, handle: handle}
		s := &server{t: t, handle: w.request, calls: make(chan *dialog.Session, 16), events: make(chan dialog.Event, 256)}
		s.ua = dialog.New(dialog.Config{User: "pbx", Codecs: []dialog.Codec{{Name: "PCMU", Clock: 8000, PT: 0}}, DTMF: 96, Options: true}, s)
		s.flow = w.socket(s.ua.Layer(), pbxAddr)
		w.pbx = s
		var cfg Config
		cfg = Config{Account: "sip:2101@example.com", Registrar: pbxAddr.String(), net: network{
			listen: func(l *transaction.Layer) (*transaction.Flow, error) { return w.socketAs(l, deskAddr, cfg.Listen), nil },
			dial:   w.dial,
		}}
		cfg.Password = func(context.Context) (string, error) { return "secret", nil }
		for _, c := range change {
			c(&cfg)
		}
		p, err := Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		w.desk = p
		f(w)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		go func() { // whoever reads the events is told to the end
			for range p.Events() {
			}
		}()
		p.Close(ctx)
		s.ua.Close(ctx)
	})
}

func (w *world) socket(l *transaction.Layer, addr netip.AddrPort) *transaction.Flow {
	return w.socketAs(l, addr, netip.AddrPort{})
}

// natted is a socket behind a NAT: it knows an address of its own that nobody outside can reach.
type natted struct {
	transaction.PacketConn
	inside netip.AddrPort
}

func (n natted) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(n.inside) }

// socketAs is a socket whose owner believes to be at inside, if that is an address.
func (w *world) socketAs(l *transaction.Layer, addr, inside netip.AddrPort) *transaction.Flow {
	c, err := w.net.Listen(addr)
	if err != nil {
		w.t.Fatal(err)
	}
	if inside.IsValid() {
		c = natted{c, inside}
	}
	f, err := l.ServeUDP(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sockets == nil {
		w.sockets = map[netip.AddrPort]transaction.PacketConn{}
	}
	w.sockets[addr] = c
	return f
}

// dial makes a connection to the exchange, unless it refuses.
func (w *world) dial(_ context.Context, l *transaction.Layer, dst netip.AddrPort) (*transaction.Flow, error) {
	w.mu.Lock()
	refusing := w.refusing || w.down[dst]
	w.dialled = append(w.dialled, dst)
	w.mu.Unlock()
	if refusing {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	there, err := w.pbx.ua.Layer().ServeTCP(theirs, dst, deskAddr)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.flows = append(w.flows, there)
	w.mu.Unlock()
	return l.ServeTCP(ours, deskAddr, dst)
}

func (w *world) serve(handle func(tx *transaction.ServerTx, req *transaction.Request)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handle = handle
}

func (w *world) request(tx *transaction.ServerTx, req *transaction.Request) {
	w.mu.Lock()
	h := w.handle
	w.at = append(w.at, time.Now())
	w.mu.Unlock()
	h(tx, req)
}

// tries are when REGISTERs arrived, n of them, waiting for them as long as it takes.
func (w *world) tries(n int) []time.Time {
	w.t.Helper()
	for range 100_000 {
		synctest.Wait()
		w.mu.Lock()
		at := w.at
		w.mu.Unlock()
		if len(at) >= n {
			return at[:n]
		}
		time.Sleep(time.Second)
	}
	w.t.Fatalf("%d of %d REGISTERs came", len(w.at), n)
	return nil
}

// news is the next registration event; others are skipped.
func (w *world) news(state RegistrationState) RegistrationChanged {
	w.t.Helper()
	limit := time.After(24 * time.Hour)
	for {
		select {
		case e := <-w.desk.Events():
			if r, ok := e.(RegistrationChanged); ok && r.State == state {
				return r
			}
		case <-limit:
			w.t.Fatalf("never %s", state)
		}
	}
}

func (w *world) next() Event {
	w.t.Helper()
	select {
	case e := <-w.desk.Events():
		return e
	case <-time.After(24 * time.Hour):
		w.t.Fatal("no event")
		return nil
	}
}
