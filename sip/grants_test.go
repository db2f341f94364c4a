package sip

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offhook/sip/transaction"
)

func TestTheRegistrarsGrantsAreUsed(t *testing.T) {
	const instance = "00000000-0000-4000-8000-000000000001"
	var asked atomic.Value
	grants := func(tx *transaction.ServerTx, req *transaction.Request) {
		asked.Store(req.Clone())
		res := transaction.NewResponse(req, 200, "")
		mine := req.Contact[0]
		mine.Params = mine.Params.With("expires", "600").With("pub-gruu", "sip:2101@example.com;gr=urn:uuid:"+instance).With("temp-gruu", "sip:tgruu.x@example.com;gr")
		other, _ := transaction.ParseAddress(`<sip:2101@10.0.0.1>;+sip.instance="<urn:uuid:other>";reg-id=1;pub-gruu="sip:2101@example.com;gr=other";expires=5`)
		res.Contact = []transaction.Address{other, mine}
		res.Headers.Add("Service-Route", "<sip:edge.example.com;lr>, <sip:core.example.com;lr>")
		res.Headers.Add("P-Associated-URI", "<sip:+442079460018@example.com>, <sip:sales@example.com>")
		res.Headers.Add("Require", "outbound")
		res.Headers.Add("Flow-Timer", "25")
		tx.Respond(res)
	}
	virtually(t, grants, func(w *world) {
		e := w.news(Registered)
		if e.Others != 1 || e.Expires != 10*time.Minute || fmt.Sprint(e.Associated) != "[sip:+442079460018@example.com sip:sales@example.com]" || !e.Primary {
			t.Errorf("%+v", e)
		}
		req := asked.Load().(*transaction.Request)
		if s := req.Headers.Get("Supported"); s != "path, outbound, gruu" {
			t.Errorf("Supported: %s", s)
		}
		if id, _ := req.Contact[0].Params.Get("+sip.instance"); id != "<urn:uuid:"+instance+">" {
			t.Errorf("%v", req.Contact)
		}
		var wg sync.WaitGroup
		wg.Add(1)
		w.desk.ua.Post(func() {
			defer wg.Done()
			r := w.desk.regs[0]
			if got := fmt.Sprint(r.routes()); got != "[<sip:edge.example.com;lr> <sip:core.example.com;lr>]" {
				t.Errorf("routes %s", got)
			}
			if u := w.desk.contactOf(r.at.flow, r.at.dst()); u.String() != "sip:2101@example.com;gr=urn:uuid:"+instance {
				t.Errorf("contact %s", u)
			}
			if u := w.desk.contactOf(r.at.flow, netip.MustParseAddrPort("203.0.113.1:5060")); u.Host != deskAddr.Addr().String() {
				t.Errorf("contact for strangers %s", u)
			}
		})
		wg.Wait()
	}, func(c *Config) { c.Instance, c.Transport = instance, "tcp" })
}

func TestAnOutboundFlowThatFallsSilentIsReplacedInTime(t *testing.T) {
	var pings atomic.Int32
	outbound := func(tx *transaction.ServerTx, req *transaction.Request) {
		res := transaction.NewResponse(req, 200, "")
		res.Contact = req.Contact
		res.Headers.Add("Require", "outbound")
		res.Headers.Add("Flow-Timer", "30")
		tx.Respond(res)
	}
	virtually(t, outbound, func(w *world) {
		w.news(Registered)
		time.Sleep(5 * time.Minute)
		if n := pings.Load(); n < 10 || n > 13 {
			t.Errorf("%d pings in 5 min", n)
		}
	}, func(c *Config) {
		c.Instance, c.Transport, c.Expires = "00000000-0000-4000-8000-000000000001", "tcp", time.Hour
		c.Trace = func(m transaction.TraceMessage) {
			if m.Out && string(m.Data) == "\r\n\r\n" {
				pings.Add(1)
			}
		}
	})
	// Over UDP by STUN, which this exchange does not answer: the flow is dead, and is told to be.
	virtually(t, outbound, func(w *world) {
		began := time.Now()
		w.news(Registered)
		w.news(Registering)
		if after := time.Since(began); after > 3*time.Minute {
			t.Errorf("the flow was dead after %v", after)
		}
		w.news(Registered)
	}, func(c *Config) { c.Instance, c.Expires = "00000000-0000-4000-8000-000000000001", time.Hour })
}
