package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"offhook/sip/locate"
	"offhook/sip/transaction"
)

var otherAddr = netip.MustParseAddrPort("192.0.2.3:5060")

// noSystem knows no names.
type noSystem struct{}

func (noSystem) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func (noSystem) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, errors.New("none")
}

// named is an account whose domain has these records.
func named(t *testing.T, transport string, records ...string) func(*Config) {
	t.Helper()
	var zone []dns.RR
	for _, r := range records {
		rr, err := dns.NewRR(r)
		if err != nil {
			t.Fatal(err)
		}
		zone = append(zone, rr)
	}
	r := locate.New(locate.Config{
		Servers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}, System: noSystem{}, Hosts: os.DevNull, Seed: 1,
		Exchange: func(_ context.Context, q *dns.Msg, _ netip.AddrPort, _ bool) (*dns.Msg, error) {
			m := new(dns.Msg)
			m.SetReply(q)
			for _, rr := range zone {
				if rr.Header().Name == q.Question[0].Name && rr.Header().Rrtype == q.Question[0].Qtype {
					m.Answer = append(m.Answer, rr)
				}
			}
			return m, nil
		},
	})
	return func(c *Config) {
		c.Transport, c.Registrar, c.Locate = transport, "auto", r
	}
}

// twoServers is a domain with a first and a second server.
func twoServers(t *testing.T, transport, service string) func(*Config) {
	return named(t, transport,
		service+".example.com. 300 IN SRV 1 0 5060 one.example.com.", service+".example.com. 300 IN SRV 2 0 5060 two.example.com.",
		"one.example.com. 300 IN A "+pbxAddr.Addr().String(), "two.example.com. 300 IN A "+otherAddr.Addr().String())
}

func TestTheNextServerIsTriedAtOnceAndTheFirstOneAgainLater(t *testing.T) {
	virtually(t, granting(3600), func(w *world) {
		if e := w.news(Registered); !strings.Contains(e.Server.String(), "tcp") {
			t.Errorf("%+v", e)
		}
		w.mu.Lock()
		w.down = map[netip.AddrPort]bool{pbxAddr: true}
		first := w.flows[0]
		w.mu.Unlock()
		died := time.Now()
		first.Close()
		e := w.news(Registered)
		if time.Since(died) > 2*time.Second || !strings.Contains(e.Server.String(), "two.example.com") {
			t.Errorf("%+v after %v", e, time.Since(died))
		}
		w.mu.Lock()
		w.down = nil
		w.mu.Unlock()
		for w.news(Registered); ; w.news(Registered) {
			w.mu.Lock()
			last := w.dialled[len(w.dialled)-1]
			w.mu.Unlock()
			if last == pbxAddr {
				break
			}
		}
		if after := time.Since(died); after > 5*time.Minute {
			t.Errorf("back at the first server after %v", after)
		}
		time.Sleep(time.Hour)
		w.mu.Lock()
		defer w.mu.Unlock()
		if last := w.flows[len(w.flows)-1]; !last.Alive() {
			t.Error("the connection in use was closed")
		}
		for _, f := range w.flows[:len(w.flows)-1] {
			if f.Alive() {
				t.Error("a connection that nobody uses is still open")
			}
		}
	}, twoServers(t, "tcp", "_sip._tcp"))
}

func TestASilentServerCostsFiveSecondsWhenThereIsAnother(t *testing.T) {
	var s *server
	virtually(t, granting(300), func(w *world) {
		began := time.Now()
		w.net.Lose(func(_, to netip.AddrPort, _ []byte) bool { return to == pbxAddr })
		s = w.pbx
		w.socket(s.ua.Layer(), otherAddr)
		if e := w.news(Registered); time.Since(began) != serverWait || !strings.Contains(e.Server.String(), "two.example.com") {
			t.Errorf("%+v after %v", e, time.Since(began))
		}
	}, twoServers(t, "udp", "_sip._udp"))
}

func TestA503SendsUsToTheNextServer(t *testing.T) {
	virtually(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		if req.Flow.LocalAddr() == pbxAddr {
			refusing(503, transaction.Header{Name: "Retry-After", Value: "600"})(tx, req)
			return
		}
		granting(300)(tx, req)
	}, func(w *world) {
		began := time.Now()
		if w.news(Registered); time.Since(began) > time.Second {
			t.Errorf("registered after %v", time.Since(began))
		}
		w.serve(refusing(503, transaction.Header{Name: "Retry-After", Value: "600"}))
		if e := w.news(RegFailed); e.Code != 503 || e.RetryIn != 10*time.Minute {
			t.Errorf("%+v", e)
		}
	}, twoServers(t, "tcp", "_sip._tcp"))
}

func TestA302OfTheRegistrarIsFollowed(t *testing.T) {
	for _, circle := range []bool{false, true} {
		virtually(t, func(tx *transaction.ServerTx, req *transaction.Request) {
			if req.Flow.LocalAddr() == pbxAddr || circle {
				res := transaction.NewResponse(req, 302, "")
				worse, _ := transaction.ParseAddress("<sip:192.0.2.99>;q=0.1")
				better, _ := transaction.ParseAddress("<sip:2101@" + otherAddr.String() + ";transport=tcp>;q=0.9")
				res.Contact = []transaction.Address{worse, better}
				tx.Respond(res)
				return
			}
			granting(100)(tx, req)
		}, func(w *world) {
			if circle {
				if e := w.news(RegFailed); e.Code != 302 || len(w.at) != 4 {
					t.Errorf("%+v after %d tries", e, len(w.at))
				}
				return
			}
			w.news(Registered)
			at := w.tries(5)
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(at) != 5 || len(w.dialled) != 2 || w.dialled[1] != otherAddr {
				t.Errorf("dialled %v", w.dialled)
			}
		}, func(c *Config) { c.Transport = "tcp" })
	}
}

func TestSleepAndAnotherNetworkRegisterAgainAtOnceOverNewFlows(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		virtually(t, granting(3600), func(w *world) {
			w.news(Registered)
			time.Sleep(10 * time.Minute)
			for i, happens := range []func(){w.desk.Woke, w.desk.NetworkChanged} {
				began := time.Now()
				happens()
				w.news(Registering)
				e := w.news(Registered)
				if time.Since(began) > 2*time.Second || !e.Slept {
					t.Errorf("%s: %+v after %v", transport, e, time.Since(began))
				}
				w.mu.Lock()
				if transport == "tcp" && len(w.flows) != i+2 {
					t.Errorf("%d connections", len(w.flows))
				}
				w.mu.Unlock()
			}
			// In the middle of an attempt that will never end: over the network that is gone.
			w.serve(func(*transaction.ServerTx, *transaction.Request) {})
			w.desk.Woke()
			time.Sleep(time.Second)
			w.serve(granting(3600))
			began := time.Now()
			w.desk.NetworkChanged()
			if w.news(Registered); time.Since(began) > 2*time.Second {
				t.Errorf("%s: after %v", transport, time.Since(began))
			}
		}, func(c *Config) { c.Transport = transport })
	}
}

func TestACallWaitsForARegistrationThatIsUnderWay(t *testing.T) {
	for _, fate := range []string{"works", "fails", "takes too long"} {
		virtually(t, granting(3600), func(w *world) {
			w.news(Registered)
			w.serve(func(tx *transaction.ServerTx, req *transaction.Request) {
				switch fate {
				case "takes too long":
					return
				case "fails":
					time.AfterFunc(2*time.Second, func() { refusing(403)(tx, req) })
				default:
					time.AfterFunc(2*time.Second, func() { granting(3600)(tx, req) })
				}
			})
			w.desk.Woke()
			began := time.Now()
			done := make(chan time.Duration)
			var err error
			w.desk.ua.Post(func() {
				w.desk.route(transaction.URI{Scheme: "sip", User: "100", Host: "example.com"}, func(_ *transaction.Flow, _ netip.AddrPort, _ []transaction.Address, e error) {
					err = e
					done <- time.Since(began)
				})
			})
			took, want := <-done, map[string]time.Duration{"works": 2 * time.Second, "fails": 2 * time.Second, "takes too long": waitUp}[fate]
			if took != want || (err == nil) != (fate == "works") {
				t.Errorf("%s: %v after %v", fate, err, took)
			}
		}, func(c *Config) { c.Transport = "tcp" })
	}
}

func TestACallThatCameToNothingMakesThePhoneLookAtItsServer(t *testing.T) {
	virtually(t, granting(3600), func(w *world) {
		w.socket(w.pbx.ua.Layer(), otherAddr)
		w.news(Registered)
		time.Sleep(time.Minute)
		w.net.Lose(func(_, to netip.AddrPort, _ []byte) bool { return to == pbxAddr })
		began := time.Now()
		w.desk.ua.Post(func() {
			for range 3 { // as the end of a call tells it
				w.desk.suspect(w.desk.regs[0].at.flow)
			}
		})
		w.news(Registering)
		if e := w.news(Registered); time.Since(began) > 2*serverWait || !strings.Contains(e.Server.String(), "two.example.com") {
			t.Errorf("%+v after %v", e, time.Since(began))
		}
	}, twoServers(t, "udp", "_sip._udp"))
}

func TestADeadSocketIsBoundAgain(t *testing.T) {
	virtually(t, granting(3600), func(w *world) {
		w.news(Registered)
		time.Sleep(time.Minute)
		died := time.Now()
		w.mu.Lock()
		c := w.sockets[deskAddr]
		w.mu.Unlock()
		c.Close()
		w.news(Registering)
		if w.news(Registered); time.Since(died) > 2*time.Second {
			t.Errorf("after %v", time.Since(died))
		}
		w.pbx.call(w.desk, address(t, "<sip:100@example.com>"))
		if in, ok := w.next().(IncomingCall); !ok {
			t.Errorf("%+v", in)
		}
	})
}

func TestTwoRegistrarsAtOnce(t *testing.T) {
	ids := map[string]string{}
	var mu sync.Mutex
	virtually(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		mu.Lock()
		id, _ := req.Contact[0].Params.Get("reg-id")
		ids[req.Flow.LocalAddr().String()] = id
		mu.Unlock()
		granting(3600)(tx, req)
	}, func(w *world) {
		for e := w.news(Registered); len(e.Flows) != 2 || e.Flows[0].State != Registered || e.Flows[1].State != Registered; e = w.news(Registered) {
		}
		mu.Lock()
		if ids[pbxAddr.String()] != "1" || ids[otherAddr.String()] != "2" {
			t.Errorf("%v", ids)
		}
		mu.Unlock()
		way := func() (dst netip.AddrPort) {
			done := make(chan struct{})
			w.desk.ua.Post(func() {
				w.desk.route(transaction.URI{Scheme: "sip", User: "100", Host: "example.com"}, func(_ *transaction.Flow, d netip.AddrPort, _ []transaction.Address, _ error) { dst = d })
				close(done)
			})
			<-done
			return dst
		}
		if d := way(); d != pbxAddr {
			t.Errorf("calls go to %v", d)
		}
		for _, a := range []netip.AddrPort{pbxAddr, otherAddr} {
			if !w.desk.known(a.Addr()) {
				t.Errorf("%v may not call", a)
			}
		}
		w.mu.Lock()
		w.down = map[netip.AddrPort]bool{pbxAddr: true}
		first := w.flows[0]
		if first.LocalAddr() != pbxAddr {
			first = w.flows[1]
		}
		w.mu.Unlock()
		first.Close()
		for {
			e, ok := w.next().(RegistrationChanged)
			if ok && e.State != Registered {
				t.Fatalf("one of two died, and the account is told to be %+v", e)
			}
			if ok && e.Flows[0].State == RegFailed {
				if e.Flows[1].State != Registered || e.Flows[0].Reason.Empty() {
					t.Errorf("%+v", e)
				}
				break
			}
		}
		synctest.Wait()
		if d := way(); d != otherAddr {
			t.Errorf("calls go to %v", d)
		}
		w.mu.Lock()
		w.down = nil
		w.mu.Unlock()
		for e := w.news(Registered); e.Flows[0].State != Registered; e = w.news(Registered) {
		}
		if d := way(); d != pbxAddr {
			t.Errorf("calls go to %v", d)
		}
	}, func(c *Config) {
		c.Transport, c.Registrar2, c.Instance = "tcp", otherAddr.String(), "00000000-0000-4000-8000-000000000001"
	})
}

func TestALargeRegisterGoesByTCPAndByUDPWhereNobodyTakesIt(t *testing.T) {
	for _, refused := range []bool{false, true} {
		var over atomic.Value
		virtually(t, func(tx *transaction.ServerTx, req *transaction.Request) {
			over.Store(req.Flow.Transport())
			if u := req.Contact[0].URI; u.Params.Has("transport") {
				t.Errorf("Contact %s", u)
			}
			granting(60)(tx, req)
		}, func(w *world) {
			w.news(Registered)
			want := "TCP"
			if refused {
				want = "UDP"
			}
			if got := over.Load(); got != want {
				t.Errorf("refused %v: over %v", refused, got)
			}
			w.mu.Lock()
			n := len(w.dialled)
			w.mu.Unlock()
			w.tries(4)
			w.mu.Lock()
			defer w.mu.Unlock()
			if refused && len(w.dialled) != n {
				t.Errorf("a refused connection is tried again at each refresh")
			}
		}, func(c *Config) {
			c.UDPMax = 300
			if refused {
				c.net.dial = func(context.Context, *transaction.Layer, netip.AddrPort) (*transaction.Flow, error) {
					return nil, errors.New("connection refused")
				}
			}
		})
	}
}

func TestAServerThatHangsUpEachTimeIsNotHammered(t *testing.T) {
	virtually(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		granting(300)(tx, req)
		f := req.Flow
		time.AfterFunc(10*time.Millisecond, f.Close)
	}, func(w *world) {
		e := w.news(RegFailed)
		if !strings.Contains(e.Reason.String(), "again and again") || e.RetryIn < 15*time.Second {
			t.Errorf("%+v", e)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.at) > 5 {
			t.Errorf("%d REGISTERs", len(w.at))
		}
	}, func(c *Config) { c.Transport = "tcp" })
}
