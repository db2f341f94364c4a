package sip

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"offhook/sip/transaction"
)

// behindNAT puts the telephone behind a NAT that shows it as deskAddr.
func behindNAT(c *Config) { c.Listen = netip.MustParseAddrPort("10.0.0.5:5070") }

// book is a registrar that keeps bindings by address, and notes what it was asked.
type book struct {
	mu       sync.Mutex
	asked    [][]string
	bindings map[string]bool
	change   func(req *transaction.Request, res *transaction.Response)
}

func (b *book) handle(tx *transaction.ServerTx, req *transaction.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bindings == nil {
		b.bindings = map[string]bool{}
	}
	var asked []string
	res := transaction.NewResponse(req, 200, "")
	for _, c := range req.Contact {
		e, _ := c.Params.Get("expires")
		asked = append(asked, c.URI.HostPort()+" "+e)
		if b.bindings[c.URI.HostPort()] = e != "0"; e != "0" {
			res.Contact = append(res.Contact, c)
		}
	}
	b.asked = append(b.asked, asked)
	if b.change != nil {
		b.change(req, res)
	}
	tx.Respond(res)
}

func (b *book) was(t *testing.T, want ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var got []string
	for _, a := range b.asked {
		got = append(got, strings.Join(a, ", "))
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("asked for %q\nwant      %q", got, want)
	}
}

func TestBehindANATTheAddressThatTheRegistrarSeesIsRegistered(t *testing.T) {
	b := &book{}
	virtually(t, b.handle, func(w *world) {
		w.news(Registered)
		if e := w.news(Registered); e.Others != 0 {
			t.Errorf("%+v", e)
		}
		b.was(t, "10.0.0.5:5070 300", "192.0.2.1:5060 300, 10.0.0.5:5070 0")
		if b.bindings["10.0.0.5:5070"] || !b.bindings["192.0.2.1:5060"] {
			t.Errorf("%v", b.bindings)
		}
		w.desk.ua.Post(func() {
			r := w.desk.regs[0]
			if u := w.desk.contactOf(r.at.flow, r.at.dst()); u.HostPort() != "192.0.2.1:5060" {
				t.Errorf("the Contact of calls is %s", u)
			}
			if u := w.desk.contactOf(r.at.flow, otherAddr); u.HostPort() != "10.0.0.5:5070" {
				t.Errorf("the Contact of calls past the registrar is %s", u)
			}
		})
		time.Sleep(time.Hour) // refreshes
		b.mu.Lock()
		for _, a := range b.asked[2:] {
			if len(a) != 1 || a[0] != "192.0.2.1:5060 300" {
				t.Errorf("later: %q", a)
			}
		}
		b.mu.Unlock()
	}, behindNAT)
}

func TestTheContactStaysWhereItDoesNotMatterOrIsWantedSo(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Config)
		grant  func(req *transaction.Request, res *transaction.Response)
	}{
		"no NAT":   {func(c *Config) { c.Listen = netip.AddrPort{} }, nil},
		"local":    {func(c *Config) { c.LocalContact = true }, nil},
		"outbound": {func(*Config) {}, func(_ *transaction.Request, res *transaction.Response) { res.Headers.Add("Require", "outbound") }},
		"TCP":      {func(c *Config) { c.Transport = "tcp" }, nil},
	} {
		b := &book{change: tc.grant}
		virtually(t, b.handle, func(w *world) {
			w.news(Registered)
			time.Sleep(time.Minute)
			b.mu.Lock()
			defer b.mu.Unlock()
			for _, a := range b.asked {
				if len(a) != 1 || a[0] != b.asked[0][0] {
					t.Errorf("%s: %q", name, b.asked)
				}
			}
		}, behindNAT, tc.change)
	}
}

func TestARegistrarThatRefusesTheSeenContactKeepsTheOldOne(t *testing.T) {
	b := &book{change: func(req *transaction.Request, res *transaction.Response) {
		if len(req.Contact) > 1 {
			res.Status, res.Reason = 400, "One Contact only"
		}
	}}
	virtually(t, b.handle, func(w *world) {
		w.news(Registered)
		w.news(Registered)
		time.Sleep(time.Hour)
		b.mu.Lock()
		defer b.mu.Unlock()
		for i, a := range b.asked {
			if want := "10.0.0.5:5070 300"; i != 1 && (len(a) != 1 || a[0] != want) {
				t.Errorf("request %d: %q", i, a)
			}
		}
	}, behindNAT)
}

func TestANATThatShowsAnotherPortEachTimeIsFollowedOnceARound(t *testing.T) {
	b := &book{}
	virtually(t, b.handle, func(w *world) {
		w.news(Registered)
		time.Sleep(time.Second) // both requests are answered
		done := make(chan struct{})
		w.desk.ua.Post(func() {
			defer close(done)
			r, first := w.desk.regs[0], true
			was := r.try
			for port := range uint16(6) { // as six answers would tell it
				r.try = r.at
				if again := r.sighted(r.contact(r.at).URI, netip.AddrPortFrom(deskAddr.Addr(), 20000+port)); again != first || len(r.seen.former) > 0 != again {
					t.Errorf("port %d: %v, %v goes", port, again, r.seen.former)
				}
				first = !first
			}
			r.try = was
		})
		<-done
	}, behindNAT)
}
