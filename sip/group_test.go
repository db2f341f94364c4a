package sip

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// accounts are two accounts at two exchanges.
func accounts(t *testing.T, change ...func(i int, c *Config)) (g *Group, first, second *server) {
	t.Helper()
	first, second = newServer(t, okRegistrar), newServer(t, okRegistrar)
	cfgs := []Config{
		{Account: "sip:2101@example.com", Registrar: first.addr(), Listen: loopback, Unwatched: true},
		{Account: "sip:31@example.net", Registrar: second.addr(), Listen: loopback},
	}
	for i := range cfgs {
		for _, f := range change {
			f(i, &cfgs[i])
		}
	}
	g, err := OpenGroup(t.Context(), cfgs...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second/5)
		defer cancel()
		go func() {
			for range g.Events() {
			}
		}()
		g.Close(ctx)
	})
	for up := map[string]bool{}; len(up) < 2; {
		e := of[RegistrationChanged](t, g)
		if e.State == Registered {
			if up[e.Account.String()] = true; e.Primary != (e.Account.String() == "sip:2101@example.com") {
				t.Fatalf("%+v", e)
			}
		}
	}
	return g, first, second
}

// of is the next event of a kind.
func of[E Event](t *testing.T, g *Group) E {
	t.Helper()
	for limit := time.After(patience); ; {
		select {
		case e, ok := <-g.Events():
			if !ok {
				t.Fatalf("the events ended while waiting for %T", *new(E))
			}
			if e, ok := e.(E); ok {
				return e
			}
		case <-limit:
			t.Fatalf("no %T came", *new(E))
		}
	}
}

func TestCallsGoOutFromThePrimaryUnlessTheTargetSaysAnother(t *testing.T) {
	g, first, second := accounts(t)
	for i, tc := range []struct {
		target string
		from   *server
		called string
	}{
		{"100", first, "sip:100@example.com"},
		{"100 via 31", second, "sip:100@example.net"},
		{"100 VIA sip:31@example.net", second, "sip:100@example.net"},
		{"+44 20 7946 0018 via example.net", second, "sip:+442079460018@example.net"},
		{"100 via 2101@example.com", first, "sip:100@example.com"},
		{"sip:carol@example.net", second, "sip:carol@example.net"},
		{"carol@example.com", first, "sip:carol@example.com"},
	} {
		leg := LegID("leg" + string(rune('a'+i)))
		g.Dial(leg, tc.target)
		e := of[OutgoingCall](t, g)
		c := <-tc.from.calls
		if c.Request().URI.String() != tc.called || e.Leg != leg || e.Account.String() != c.Request().From.URI.String() {
			t.Errorf("%s: called %s from %s (%+v)", tc.target, c.Request().URI, c.Request().From, e)
		}
		g.Hangup(leg)
		if e := of[CallEnded](t, g); e.Leg != leg {
			t.Errorf("%+v", e)
		}
	}
	g.Dial("x", "100 via nobody")
	if e := of[CommandFailed](t, g); e.Leg != "x" || !strings.Contains(e.Reason.String(), "no account nobody") {
		t.Errorf("%+v", e)
	}
	g.Hangup("unknown")
	g.Answer("unknown")
	if _, ok := g.Quality("unknown"); ok {
		t.Error("a call that is not there has a quality")
	}
	g.Register()
}

func TestOneConversationHasTheHeadset(t *testing.T) {
	g, first, second := accounts(t)
	phones := g.Phones()
	a := first.call(phones[0], address(t, "<sip:+442079460018@example.com>"))
	one := of[IncomingCall](t, g)
	g.Answer(one.Leg)
	of[CallAnswered](t, g)
	second.call(phones[1], address(t, "<sip:+442079460019@example.net>"))
	two := of[IncomingCall](t, g)
	g.Answer(two.Leg)
	of[CallAnswered](t, g)
	if e := of[CallHeld](t, g); e.Leg != one.Leg || !e.ByUs {
		t.Fatalf("%+v", e)
	}
	g.Resume(one.Leg)
	for want := map[LegID]bool{one.Leg: false, two.Leg: true}; len(want) > 0; {
		e := of[CallHeld](t, g)
		if by, ok := want[e.Leg]; !ok || by != e.ByUs {
			t.Fatalf("%+v", e)
		}
		delete(want, e.Leg)
	}
	g.TransferTo(one.Leg, two.Leg)
	if e := of[CommandFailed](t, g); e.Command != "transfer" || !strings.Contains(e.Reason.String(), "different accounts") {
		t.Errorf("%+v", e)
	}
	g.Conference([]LegID{one.Leg, two.Leg})
	if e := of[CommandFailed](t, g); e.Command != "conference" {
		t.Errorf("%+v", e)
	}
	g.Conference(nil)
	g.Mute(one.Leg, true)
	g.SendDTMF(one.Leg, "1")
	a.End("")
	if e := of[CallEnded](t, g); e.Leg != one.Leg || e.Cause != EndNormal {
		t.Errorf("%+v", e)
	}
}

// While the common stream takes nothing, nothing follows from the answer either.
func TestThatACallIsAnsweredIsToldBeforeTheOneThatIsHeldForIt(t *testing.T) {
	g, first, second := accounts(t)
	phones := g.Phones()
	first.call(phones[0], address(t, "<sip:+442079460018@example.com>"))
	one := of[IncomingCall](t, g)
	g.Answer(one.Leg)
	of[CallAnswered](t, g)
	second.call(phones[1], address(t, "<sip:+442079460019@example.net>"))
	two := of[IncomingCall](t, g)
	g.events.mu.Lock()
	release := sync.OnceFunc(g.events.mu.Unlock)
	defer release()
	var told sync.WaitGroup
	told.Go(func() { g.take(phones[1], CallAnswered{At: time.Now(), Leg: two.Leg}) })
	becomes(t, "the answer is known", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.legs[two.Leg].answered
	})
	for range 50 { // turns in which the hold would be asked for, if it were asked for now
		posted := make(chan struct{})
		phones[0].ua.Post(func() {
			if phones[0].legs[one.Leg].held {
				t.Error("the first call is held, and nobody knows yet for which")
			}
			close(posted)
		})
		<-posted
	}
	release()
	told.Wait()
	for _, want := range []LegID{two.Leg, one.Leg} {
		for answered, held := false, false; !answered && !held; {
			select {
			case e := <-g.Events():
				switch e := e.(type) {
				case CallAnswered:
					answered = e.Leg == want
				case CallHeld:
					if held = e.ByUs && e.Leg == want; !held {
						t.Fatalf("%+v came first", e)
					}
				}
			case <-time.After(patience):
				t.Fatalf("nothing of %s came", want)
			}
		}
	}
}

func TestBusyOnOneAccountIsBusyOnAll(t *testing.T) {
	g, first, second := accounts(t, func(i int, c *Config) {
		if i == 0 {
			c.MaxCalls = 1
		}
	})
	phones := g.Phones()
	first.call(phones[0], address(t, "<sip:+442079460018@example.com>"))
	in := of[IncomingCall](t, g)
	second.call(phones[1], address(t, "<sip:+442079460019@example.net>"))
	for limit := time.After(patience); ; {
		select {
		case e := <-second.events:
			if e, ended := e.(dialog.Ended); ended {
				if e.Code != 486 {
					t.Errorf("%+v", e)
				}
				g.Reject(in.Leg, 486, "")
				of[CallEnded](t, g)
				return
			}
		case <-limit:
			t.Fatal("the second call was not refused")
		}
	}
}

func TestClosingAGroupEndsEverything(t *testing.T) {
	g, first, _ := accounts(t)
	g.Dial("x", "100")
	<-first.calls
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		done <- g.Close(ctx)
	}()
	ended, off := false, 0
	for e := range g.Events() {
		switch e := e.(type) {
		case CallEnded:
			ended = true
		case RegistrationChanged:
			if e.State == Unregistered {
				off++
			}
		}
	}
	if err := <-done; err != nil || !ended || off != 2 {
		t.Errorf("%v, call ended %v, %d unregistered", err, ended, off)
	}
}

func TestAGroupThatCannotOpenSaysWhichAccount(t *testing.T) {
	good := Config{Account: "sip:a@localhost", Listen: loopback}
	for why, list := range map[string][]Config{
		"nobody": {}, "unreadable": {good, {Account: "rubbish"}}, "twice": {good, good},
	} {
		_, err := OpenGroup(t.Context(), list...)
		var e *ConfigError
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestVoiceMailIsToldAskedForOrNot(t *testing.T) {
	const summary = "Messages-Waiting: yes\r\nMessage-Account: sip:*97@example.com\r\nVoice-Message: 2/8 (1/0)\r\n"
	for _, asked := range []bool{false, true} {
		subscribed := make(chan *transaction.Request, 4)
		pbx := newServer(t, func(tx *transaction.ServerTx, req *transaction.Request) {
			if req.Method == "SUBSCRIBE" {
				res := transaction.NewResponse(req, 202, "")
				res.Headers.Add("Expires", "600")
				res.Contact = []transaction.Address{{URI: transaction.URI{Scheme: "sip", User: "mwi", Host: "127.0.0.1", Port: 5060}}}
				tx.Respond(res)
				subscribed <- req.Clone()
				return
			}
			okRegistrar(tx, req)
		})
		p := registered(t, pbx, func(c *Config) {
			if asked {
				c.Mailbox = "auto"
			}
		})
		until(t, p, Registered)
		a := p.LocalAddr()
		req := &transaction.Request{
			Method: "NOTIFY", URI: transaction.URI{Scheme: "sip", User: "2101", Host: a.Addr().String(), Port: int(a.Port())},
			From: address(t, "<sip:mwi@example.com>;tag=x"), To: address(t, "<sip:2101@example.com>"), Contact: []transaction.Address{address(t, "<sip:mwi@127.0.0.1>")},
			CallID: transaction.NewCallID(), CSeq: 1, ContentType: "application/simple-message-summary", Body: []byte(summary),
		}
		req.Headers.Add("Event", "message-summary")
		req.Headers.Add("Subscription-State", "active;expires=600")
		if asked {
			s := <-subscribed
			if s.URI.String() != "sip:2101@example.com" || s.Headers.Get("Event") != "message-summary" {
				t.Fatalf("%s %+v", s.URI, s.Headers)
			}
			req.CallID, req.From, req.To = s.CallID, s.To.WithTag("n"), s.From
		}
		answered := make(chan int, 1)
		if _, err := pbx.ua.Layer().Send(pbx.flow, a, req, func(res *transaction.Response) { answered <- res.Status }, nil); err != nil {
			t.Fatal(err)
		}
		if code := <-answered; code != 200 {
			t.Fatalf("asked %v: %d", asked, code)
		}
		m := wait[VoiceMail](t, p)
		if !m.Waiting || m.New != 2 || m.Old != 8 || m.UrgentNew != 1 || m.Number.String() != "*97" || m.Account.String() != "sip:2101@example.com" {
			t.Fatalf("asked %v: %+v", asked, m)
		}
	}
}

func FuzzMailboxNumber(f *testing.F) {
	f.Add("sip:*97@example.com")
	f.Add("<tel:+1-201-555-0123>")
	f.Add("1\x00\u202e2")
	f.Fuzz(func(t *testing.T, s string) {
		if n := mailboxNumber(s).String(); strings.ContainsAny(n, "\r\n\x00\u202e") {
			t.Fatalf("%q", n)
		}
	})
}
