package sip

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// okRegistrar grants everything.
func okRegistrar(tx *transaction.ServerTx, req *transaction.Request) {
	res := transaction.NewResponse(req, 200, "")
	res.Contact = req.Contact
	tx.Respond(res)
}

func registered(t *testing.T, server *server, change ...func(*Config)) *Phone {
	t.Helper()
	return open(t, "2101", append([]func(*Config){func(c *Config) {
		c.Account, c.Registrar = "sip:2101@example.com", server.addr()
		c.Password = func(context.Context) (string, error) { return "secret", nil }
	}}, change...)...)
}

func until(t *testing.T, p *Phone, state RegistrationState) RegistrationChanged {
	t.Helper()
	for {
		if e := wait[RegistrationChanged](t, p); e.State == state {
			return e
		}
	}
}

func TestRegistrationSignsInOverUDPAndTCP(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			c := transaction.NewChallenger("example.com")
			var off atomic.Int32
			pbx := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {
				if _, err := c.Verify(req, func(u string) (string, bool) { return "secret", u == "2101" }); err != nil {
					res := transaction.NewResponse(req, 401, "")
					c.Challenge(res, err)
					tx.Respond(res)
					return
				}
				if v, _ := req.Contact[0].Params.Get("expires"); v == "0" {
					if req.Contact[0].URI.Scheme == "*" || len(req.Contact) != 1 {
						t.Errorf("unregistered with %v", req.Contact)
					}
					off.Add(1)
				}
				res := transaction.NewResponse(req, 200, "")
				mine := req.Contact[0]
				mine.Params = mine.Params.With("expires", "120")
				other := transaction.Address{URI: transaction.URI{Scheme: "sip", User: "2101", Host: "10.9.9.9"}, Params: transaction.Params{{Name: "expires", Value: "7", Has: true}}}
				res.Contact = []transaction.Address{other, mine}
				res.Headers.Add("Expires", "3600")
				tx.Respond(res)
			})
			p := registered(t, pbx, func(c *Config) { c.Transport, c.Instance = transport, "00000000-0000-4000-8000-000000000001" })
			e := until(t, p, Registered)
			if e.Expires != 2*time.Minute || e.Others != 1 || e.Code != 200 || !strings.Contains(e.Server.String(), transport) || !e.Reason.Empty() {
				t.Fatalf("%+v", e)
			}

			// A call each way over what was registered.
			p.Dial("out", "100")
			c1 := <-pbx.calls
			if got := c1.Request().URI.String(); got != "sip:100@example.com" {
				t.Fatalf("called %s", got)
			}
			c1.Answer(dialog.Local{RTP: nobody})
			if a := wait[CallAnswered](t, p); a.Codec != "PCMU" {
				t.Fatalf("%+v", a)
			}
			p.Hangup("out")
			wait[CallEnded](t, p)

			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := p.Close(ctx); err != nil {
				t.Fatal(err)
			}
			until(t, p, Unregistered)
			if off.Load() != 1 {
				t.Fatalf("%d unregistrations", off.Load())
			}
		})
	}
}

func TestAWrongPasswordIsToldInOneLineAndNotTriedInALoop(t *testing.T) {
	t.Parallel()
	c := transaction.NewChallenger("example.com")
	var tries atomic.Int32
	pbx := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		tries.Add(1)
		_, err := c.Verify(req, func(u string) (string, bool) { return "other", true })
		res := transaction.NewResponse(req, 401, "")
		c.Challenge(res, err)
		tx.Respond(res)
	})
	p := registered(t, pbx)
	e := until(t, p, RegFailed)
	if e.Code != 401 || !strings.Contains(e.Reason.String(), "password") || e.RetryIn < 15*time.Second || tries.Load() > 2 {
		t.Fatalf("%+v after %d tries", e, tries.Load())
	}
}

func TestRefusalsAreToldWithTheTimeOfTheNextTry(t *testing.T) {
	for _, tc := range []struct {
		code  int
		after string
		least time.Duration
		most  time.Duration
	}{
		{503, "120 (maintenance);duration=5", 120 * time.Second, 120 * time.Second},
		{500, "", 15 * time.Second, 30 * time.Second},
		{404, "", 15 * time.Second, 30 * time.Second},
	} {
		pbx := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {
			res := transaction.NewResponse(req, tc.code, "")
			if tc.after != "" {
				res.Headers.Add("Retry-After", tc.after)
			}
			tx.Respond(res)
		})
		p := registered(t, pbx)
		e := until(t, p, RegFailed)
		if e.Code != tc.code || e.RetryIn < tc.least || e.RetryIn > tc.most || !strings.Contains(e.Reason.String(), strconv.Itoa(tc.code)) {
			t.Fatalf("%+v", e)
		}
	}
}

func TestAPersonMayRegisterAgainWithoutWaiting(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	pbx := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		if broken.Load() {
			tx.Respond(transaction.NewResponse(req, 503, ""))
			return
		}
		okRegistrar(tx, req)
	})
	p := registered(t, pbx)
	until(t, p, RegFailed)
	broken.Store(false)
	p.Register()
	until(t, p, Registered)
	open(t, "alice").Register() // nothing to register
}

func TestADeadConnectionIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	flows := make(chan *transaction.Flow, 16)
	pbx := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		okRegistrar(tx, req)
		flows <- req.Flow
	})
	p := registered(t, pbx, func(c *Config) { c.Transport = "tcp" })
	until(t, p, Registered)
	(<-flows).Close()
	until(t, p, Registering)
	until(t, p, Registered)
	second := <-flows
	if !second.Alive() {
		t.Fatal("the second connection is dead")
	}
}

func TestARegistrarThatIsNotThereIsTold(t *testing.T) {
	p := open(t, "2101", func(c *Config) {
		c.Account, c.Registrar = "sip:2101@example.com", "pbx.example.com"
		c.Resolve = func(context.Context, string) (netip.Addr, error) { return netip.Addr{}, fmt.Errorf("no such host") }
	})
	e := until(t, p, RegFailed)
	if !strings.Contains(e.Reason.String(), "pbx.example.com") || e.RetryIn == 0 {
		t.Fatalf("%+v", e)
	}
	p.Dial("x", "100")
	if e := wait[CallEnded](t, p); e.Cause != EndNetwork || e.Reason.Empty() {
		t.Fatalf("%+v", e)
	}
}

func TestAnOutboundProxyGetsEverything(t *testing.T) {
	routes := make(chan string, 16)
	pbx := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		if len(req.Route) > 0 {
			routes <- req.Route[0].String()
		}
		okRegistrar(tx, req)
	})
	p := open(t, "2101", func(c *Config) {
		c.Account, c.Registrar, c.OutboundProxy = "sip:2101@example.com", "auto", pbx.addr()
	})
	until(t, p, Registered)
	want := "<sip:" + pbx.addr() + ";lr>"
	if got := <-routes; got != want {
		t.Fatalf("Route %s, want %s", got, want)
	}
	p.Dial("x", "sip:bob@elsewhere.example")
	c := <-pbx.calls
	if r := c.Request(); r.URI.String() != "sip:bob@elsewhere.example" || len(r.Route) != 1 {
		t.Fatalf("%s %v", r.URI, r.Route)
	}
}

func TestTheAccountsServersGetOnlyWhatIsTheirs(t *testing.T) {
	for _, tc := range []struct {
		account, registrar, proxy, target string
		want                              bool
	}{
		{"sip:2101@example.com", "pbx.example.com:5070", "", "sip:100@example.com", true},
		{"sip:2101@example.com", "pbx.example.com:5070", "", "sip:100@EXAMPLE.com:5060", true},
		{"sip:2101@example.com", "pbx.example.com:5070", "", "sip:100@pbx.example.com:5070", true},
		{"sip:2101@example.com", "pbx.example.com:5070", "", "sip:100@pbx.example.com:5080", false},
		{"sip:2101@example.com", "pbx.example.com:5070", "", "sip:bob@elsewhere.example", false},
		{"sip:2101@example.com", "pbx.example.com:5070", "proxy.example.com", "sip:bob@elsewhere.example", true},
		{"sip:2101@192.0.2.1:5555", "auto", "", "sip:100@192.0.2.1:5555", true},
		{"sip:2101@192.0.2.1:5555", "auto", "", "sip:100@192.0.2.1:5060", false},
	} {
		acc, err := Config{Account: tc.account, Registrar: tc.registrar, OutboundProxy: tc.proxy}.read()
		if err != nil {
			t.Fatal(err)
		}
		p := &Phone{acc: acc}
		uri, err := transaction.ParseURI(tc.target)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.served(uri); got != tc.want {
			t.Errorf("%s with %s and proxy %q: %s served %v", tc.account, tc.registrar, tc.proxy, tc.target, got)
		}
	}
}
