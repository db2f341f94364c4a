package sip

import (
	"slices"
	"testing"

	"offhook/sip/transaction"
)

// RFC 3261 §11.2: whoever asks what we can do hears whether we would take a call as well.
func TestOPTIONSIsAnsweredAsACallWouldBe(t *testing.T) {
	s := newServer(t, granting(3600))
	p := registered(t, s, func(c *Config) { c.MaxCalls = 1 })
	until(t, p, Registered)
	ask := func() *transaction.Response {
		a := p.LocalAddr()
		to := transaction.Address{URI: transaction.URI{Scheme: "sip", User: "2101", Host: a.Addr().String(), Port: int(a.Port())}}
		from := address(t, "<sip:pbx@127.0.0.1>;tag="+transaction.NewTag())
		got := make(chan *transaction.Response, 1)
		req := &transaction.Request{Method: "OPTIONS", URI: to.URI, From: from, To: to, CallID: transaction.NewCallID(), CSeq: 1}
		if _, err := s.ua.Layer().Send(s.flow, a, req, func(r *transaction.Response) { got <- r.Clone() }, nil); err != nil {
			t.Fatal(err)
		}
		return <-got
	}
	res := ask()
	if res.Status != 200 {
		t.Errorf("%d %s", res.Status, res.Reason)
	}
	for name, part := range map[string]string{
		"Allow": "MESSAGE", "Accept": "text/plain", "Accept-Encoding": "identity", "Accept-Language": "en", "Supported": "replaces",
	} {
		if !res.Headers.HasToken(name, part) {
			t.Errorf("%s: %v", name, res.Headers.Values(name))
		}
	}
	s.call(p, address(t, "<sip:100@127.0.0.1>"))
	wait[IncomingCall](t, p)
	if res := ask(); res.Status != 486 {
		t.Errorf("busy: %d %s", res.Status, res.Reason)
	}
}

// A registrar that filters by method sends nobody what his REGISTER does not list.
func TestTheRegistrarHearsOfEveryMethodThatTheTelephoneTakes(t *testing.T) {
	said := make(chan []string, 64)
	grant := granting(3600)
	s := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		if req.Method == "REGISTER" {
			said <- req.Headers.Values("Allow")
		}
		grant(tx, req)
	})
	p := registered(t, s)
	until(t, p, Registered)
	methods := <-said
	for _, m := range []string{"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY", "MESSAGE"} {
		if !slices.Contains(methods, m) {
			t.Errorf("%s is not in %v", m, methods)
		}
	}
}
