package exchange

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"offhook/media"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// loopback is any port; at loopbackAt9 nobody listens (discard, RFC 863).
var (
	loopback    = netip.MustParseAddrPort("127.0.0.1:0")
	loopbackAt9 = netip.MustParseAddrPort("127.0.0.1:9")
)

// client is a phone that says exactly what a test wants it to say.
type client struct {
	t       *testing.T
	w       *world
	ext     string
	ua      *dialog.UA
	flow    *transaction.Flow
	dst     netip.AddrPort
	digest  *transaction.Digest
	calls   chan *dialog.Session
	events  chan dialog.Event
	request func(*transaction.Request) // what comes outside of calls; nil: nothing
	cseq    uint32
	callID  string
}

func newClient(w *world, ext, network string, change ...func(*dialog.Config)) *client {
	w.t.Helper()
	c := &client{
		t: w.t, w: w, ext: ext, dst: w.Addr(), callID: transaction.NewCallID(),
		digest: transaction.NewDigest(transaction.Credentials{Username: ext, Password: "practice" + ext}),
		calls:  make(chan *dialog.Session, 16), events: make(chan dialog.Event, 1024),
	}
	cfg := dialog.Config{User: ext, Codecs: []dialog.Codec{{Name: "PCMA", Clock: 8000, PT: 8}}, Digest: c.digest}
	for _, f := range change {
		f(&cfg)
	}
	c.ua = dialog.New(cfg, c)
	var err error
	if network == "tcp" {
		c.flow, err = c.ua.Layer().DialTCP(w.t.Context(), w.Addr())
	} else {
		c.flow, err = c.ua.Layer().ListenUDP(loopback)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second/4)
		defer cancel()
		c.ua.Close(ctx)
	})
	return c
}

func (c *client) Incoming(s *dialog.Session) { s.Ring(); c.calls <- s }
func (c *client) Request(tx *transaction.ServerTx, req *transaction.Request) {
	_ = tx.Respond(transaction.NewResponse(req, 200, ""))
	if c.request != nil {
		c.request(req)
	}
}
func (c *client) Event(_ *dialog.Session, e dialog.Event) { c.events <- e }
func (c *client) FlowDown(*transaction.Flow, error)       {}

func (c *client) uri(user string) transaction.URI {
	return transaction.URI{Scheme: "sip", User: user, Host: c.dst.Addr().String(), Port: int(c.dst.Port())}
}

// contact is where the exchange reaches the client.
func (c *client) contact() string { return c.flow.Contact(c.ext, c.dst).String() }

// sends sends a request and its answer to a challenge, and returns the last response.
func (c *client) sends(req *transaction.Request) *transaction.Response {
	c.t.Helper()
	for range 3 {
		got := make(chan *transaction.Response, 8)
		_, err := c.ua.Layer().Send(c.flow, c.dst, req, func(res *transaction.Response) {
			if res.Final() {
				got <- res.Clone()
			}
		}, func(error) {})
		if err != nil {
			c.t.Fatal(err)
		}
		select {
		case res := <-got:
			if res.Status != 401 && res.Status != 407 {
				return res
			}
			again := req.Clone()
			again.CSeq++
			c.cseq = max(c.cseq, again.CSeq)
			if ok, err := c.digest.Authorize(again, res); !ok || err != nil {
				return res
			}
			req = again
		case <-time.After(longest):
			c.t.Fatalf("no answer to %s", req.Method)
		}
	}
	c.t.Fatalf("%s was challenged again and again", req.Method)
	return nil
}

// registration is a REGISTER with these Contacts.
func (c *client) registration(expires string, contacts ...string) *transaction.Request {
	c.t.Helper()
	c.cseq++
	req := &transaction.Request{
		Method: "REGISTER", URI: c.uri(""), From: transaction.Address{URI: c.uri(c.ext)}.WithTag("r1"), To: transaction.Address{URI: c.uri(c.ext)},
		CallID: c.callID, CSeq: c.cseq, MaxForwards: 70,
	}
	for _, s := range contacts {
		a, err := transaction.ParseAddress(s)
		if err != nil {
			c.t.Fatal(err)
		}
		req.Contact = append(req.Contact, a)
	}
	if expires != "" {
		req.Headers.Add("Expires", expires)
	}
	return req
}

// register puts the client on the list.
func (c *client) register() {
	c.t.Helper()
	if res := c.sends(c.registration("300", c.contact())); res.Status != 200 {
		c.t.Fatalf("REGISTER was answered %d", res.Status)
	}
}

// invites calls a number; the sound goes nowhere.
func (c *client) invites(number string, change ...func(*dialog.Invite)) *dialog.Session {
	c.t.Helper()
	m, err := media.Listen(media.Config{LocalIP: loopback.Addr()})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { m.Close() })
	in := dialog.Invite{
		Flow: c.flow, Dst: c.dst, URI: c.uri(number), From: transaction.Address{URI: c.uri(c.ext)},
		Media: dialog.Local{RTP: m.LocalRTP(), RTCP: m.LocalRTCP()},
	}
	for _, f := range change {
		f(&in)
	}
	return c.ua.Invite(in, nil)
}

// gets waits for the next event of type E.
func gets[E dialog.Event](c *client) E {
	c.t.Helper()
	limit := time.After(longest)
	for {
		select {
		case e := <-c.events:
			if e, ok := e.(E); ok {
				return e
			}
			if end, ok := e.(dialog.Ended); ok {
				c.t.Fatalf("%s: the call ended while waiting for %T: %+v", c.ext, *new(E), end)
			}
		case <-limit:
			c.t.Fatalf("%s: no %T came", c.ext, *new(E))
		}
	}
}
