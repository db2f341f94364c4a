package sip

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"offhook/sip/transaction"
)

// lampBoard is an exchange that takes subscriptions to lamps and tells what the test says.
type lampBoard struct {
	*server
	t    *testing.T
	asks chan *transaction.Request
	cseq uint32
}

func newLampBoard(t *testing.T) *lampBoard {
	b := &lampBoard{t: t, asks: make(chan *transaction.Request, 16), cseq: 1}
	b.server = newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		if req.Method != "SUBSCRIBE" {
			okRegistrar(tx, req)
			return
		}
		res := transaction.NewResponse(req, 202, "")
		res.Headers.Add("Expires", "600")
		res.Contact = []transaction.Address{{URI: transaction.URI{Scheme: "sip", User: "lamps", Host: "127.0.0.1", Port: 5060}}}
		tx.Respond(res)
		b.asks <- req.Clone()
	})
	return b
}

// lamp tells the phone the state of what it has asked for; the answer is its status.
func (b *lampBoard) lamp(p *Phone, ask *transaction.Request, state, dialogs string) int {
	b.t.Helper()
	a := p.LocalAddr()
	b.cseq++
	req := &transaction.Request{
		Method: "NOTIFY", URI: transaction.URI{Scheme: "sip", User: "2101", Host: a.Addr().String(), Port: int(a.Port())},
		From: ask.To.WithTag("n"), To: ask.From, Contact: []transaction.Address{address(b.t, "<sip:lamps@127.0.0.1>")},
		CallID: ask.CallID, CSeq: b.cseq, ContentType: "application/dialog-info+xml",
		Body: []byte(fmt.Sprintf(`<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="%d" state="full" entity="sip:2102@example.com">%s</dialog-info>`, b.cseq, dialogs)),
	}
	req.Headers.Add("Event", "dialog")
	req.Headers.Add("Subscription-State", state)
	answered := make(chan int, 1)
	if _, err := b.ua.Layer().Send(b.flow, a, req, func(res *transaction.Response) { answered <- res.Status }, nil); err != nil {
		b.t.Fatal(err)
	}
	return <-answered
}

func TestTheLampsOfColleaguesAreWatchedAndTold(t *testing.T) {
	b := newLampBoard(t)
	p := registered(t, b.server, func(c *Config) {
		c.Lamps = []Lamp{{Number: "2102", Name: "Billie"}, {Number: "no such thing at all@@"}}
	})
	until(t, p, Registered)
	ask := <-b.asks
	if ask.URI.String() != "sip:2102@example.com" || ask.Headers.Get("Event") != "dialog" {
		t.Fatalf("%s %+v", ask.URI, ask.Headers)
	}
	const remote = `<remote><identity display="Fred &#x202e;Bloggs">sip:07814256404@example.com</identity></remote>`
	for _, step := range []struct{ dialogs, state, peer string }{
		{"", LampIdle, ""},
		{`<dialog id="a" direction="recipient"><state>early</state>` + remote + `</dialog>`, LampRinging, "Fred Bloggs"},
		{`<dialog id="a" direction="recipient"><state>confirmed</state>` + remote + `</dialog>`, LampBusy, "Fred Bloggs"},
		{`<dialog id="a" direction="recipient"><state>terminated</state></dialog>`, LampIdle, ""},
	} {
		if code := b.lamp(p, ask, "active;expires=600", step.dialogs); code != 200 {
			t.Fatalf("%s: %d", step.state, code)
		}
		if l := wait[LampChanged](t, p); l.Who.String() != "2102" || l.State != step.state || l.Peer.String() != step.peer {
			t.Fatalf("%+v, want %+v", l, step)
		}
	}
	if code := b.lamp(p, ask, "terminated;reason=noresource", ""); code != 200 {
		t.Fatal(code)
	}
	if l := wait[LampChanged](t, p); l.State != LampUnknown {
		t.Fatalf("a lamp that nobody tells any more is %+v", l)
	}
}

func TestLampsAreAskedForOneAfterTheOtherAndAgainOverANewFlow(t *testing.T) {
	var mu sync.Mutex
	var at []time.Time
	asked := map[string]int{}
	pbx := func(tx *transaction.ServerTx, req *transaction.Request) {
		if req.Method != "SUBSCRIBE" {
			granting(3600)(tx, req)
			return
		}
		res := transaction.NewResponse(req, 200, "")
		res.Headers.Add("Expires", "3600")
		res.Contact = []transaction.Address{{URI: transaction.URI{Scheme: "sip", User: "lamps", Host: pbxAddr.Addr().String(), Port: 5060}}}
		tx.Respond(res)
		mu.Lock()
		defer mu.Unlock()
		if asked[req.URI.User]++; req.ToTag() == "" {
			at = append(at, time.Now())
		}
	}
	virtually(t, pbx, func(w *world) {
		w.news(Registered)
		time.Sleep(10 * time.Second)
		mu.Lock()
		if len(at) != 30 || at[29].Sub(at[0]) != 29*lampPace {
			t.Errorf("%d lamps within %v", len(at), at[len(at)-1].Sub(at[0]))
		}
		clear(asked)
		mu.Unlock()
		w.desk.NetworkChanged()
		w.news(Registered)
		time.Sleep(10 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(asked) != 30 {
			t.Errorf("over the new flow: %d", len(asked))
		}
	}, func(c *Config) {
		c.Transport = "tcp"
		for i := range 30 {
			c.Lamps = append(c.Lamps, Lamp{Number: strconv.Itoa(3000 + i)})
		}
	})
}
