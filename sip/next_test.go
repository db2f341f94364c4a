package sip

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// twoOnLoopback is a domain with a first server at 127.0.0.2 and a second one at 127.0.0.1.
func twoOnLoopback(port uint16) []string {
	srv := func(prefix, priority, host string) string {
		return fmt.Sprintf("%s.example.com. 300 IN SRV %s 0 %d %s.example.com.", prefix, priority, port, host)
	}
	return []string{srv("_sip._udp", "1", "one"), srv("_sip._udp", "2", "two"), srv("_sip._tcp", "1", "one"), srv("_sip._tcp", "2", "two"),
		"one.example.com. 300 IN A 127.0.0.2", "two.example.com. 300 IN A 127.0.0.1"}
}

// full is a server that makes no calls.
func full(tx *transaction.ServerTx, req *transaction.Request) bool {
	tx.Respond(transaction.NewResponse(req, 503, ""))
	return true
}

// called is the next call that comes in.
func (s *server) called() *dialog.Session {
	s.t.Helper()
	select {
	case c := <-s.calls:
		return c
	case <-time.After(patience):
		s.t.Fatal("no call came")
		return nil
	}
}

// A call through two servers of one name, on real sockets: the first refuses with 503, or is gone.
func TestACallThatItsServerCannotMakeIsMadeByTheNext(t *testing.T) {
	for _, tc := range []struct {
		name, transport string
		first           func(s *server)
	}{
		{"503 over UDP", "udp", nil},
		{"503 over TCP", "tcp", nil},
		{"silence over UDP", "udp", func(s *server) { s.flow.Close() }},
		{"no connection", "tcp", func(s *server) { s.ua.Layer().Close() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			other := newServer(t, granting(3600))
			port := other.flow.LocalAddr().Port()
			first := newServerAt(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), port), granting(3600), func(c *dialog.Config) {
				if tc.first == nil {
					c.Screen = full
				}
			})
			records := twoOnLoopback(port)
			p := open(t, "desk", named(t, tc.transport, records...), func(c *Config) {
				c.Account = "sip:2101@example.com"
				c.Listen = netip.MustParseAddrPort("0.0.0.0:0")
			})
			for wait[RegistrationChanged](t, p).State != Registered {
			}
			if tc.first != nil {
				tc.first(first)
			}
			p.Dial("one", "100")
			call := other.called()
			if call.Request().To.URI.User != "100" {
				t.Errorf("%v", call.Request().To)
			}
			call.Answer(dialog.Local{RTP: nobody})
			wait[CallAnswered](t, p)
			p.Hangup("one")
			if e := wait[CallEnded](t, p); e.Cause != EndNormal {
				t.Errorf("%+v", e)
			}
		})
	}
}

// The same for a call that goes past our own servers.
func TestACallPastOurServersGoesToTheNextServerOfItsDomain(t *testing.T) {
	t.Parallel()
	other := newServer(t, func(*transaction.ServerTx, *transaction.Request) {})
	port := other.flow.LocalAddr().Port()
	newServerAt(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), port), func(*transaction.ServerTx, *transaction.Request) {},
		func(c *dialog.Config) { c.Screen = full })
	p := open(t, "desk", named(t, "udp", twoOnLoopback(port)...), func(c *Config) {
		c.Registrar, c.Listen = "", netip.MustParseAddrPort("0.0.0.0:0")
	})
	p.Dial("one", "sip:bob@example.com")
	other.called().Reject(486, "")
	for {
		if e, ok := (<-p.Events()).(CallEnded); ok {
			if e.Code != 486 {
				t.Errorf("%+v", e)
			}
			return
		}
	}
}

// The connection to the registrar dies around the moment of dialling, and the telephone hears of it only afterwards.
func TestACallOverAConnectionThatHasJustDiedIsMadeOverTheNextOne(t *testing.T) {
	for name, before := range map[string]bool{"before the flow is chosen": true, "before the INVITE leaves": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := newServer(t, granting(3600))
			port := other.flow.LocalAddr().Port()
			first := newServerAt(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), port), granting(3600))
			p := open(t, "desk", named(t, "tcp", twoOnLoopback(port)...), func(c *Config) {
				c.Account = "sip:2101@example.com"
				c.Listen = netip.MustParseAddrPort("0.0.0.0:0")
			})
			for wait[RegistrationChanged](t, p).State != Registered {
			}
			down := func() {
				first.ua.Layer().Close()
				<-p.regs[0].at.flow.Done()
			}
			started, queued := make(chan struct{}), make(chan struct{})
			p.ua.Post(func() { // the loop hears nothing while this runs
				close(started)
				<-queued
				if before {
					down()
				}
			})
			<-started
			p.Dial("one", "100")
			if !before {
				p.ua.Post(down)
			}
			close(queued)
			call := other.called()
			call.Answer(dialog.Local{RTP: nobody})
			wait[CallAnswered](t, p)
			p.Hangup("one")
			wait[CallEnded](t, p)
		})
	}
}
