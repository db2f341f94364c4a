package transaction

import (
	"bufio"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// call sends a request in a bubble and records what comes.
type call struct {
	tx *ClientTx

	mu        sync.Mutex
	responses []*Response
	ends      []error
}

func dial(t *testing.T, l *Layer, f *Flow, req *Request) *call {
	t.Helper()
	c := &call{}
	var err error
	c.tx, err = l.Send(f, fakeRemote, req, func(r *Response) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.responses = append(c.responses, r)
	}, func(err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ends = append(c.ends, err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *call) got() []*Response {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.responses)
}

func (c *call) done() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ends)
}

func TestAnInviteWithoutAnswerIsRepeatedSevenTimesAndEndsAfter32Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, wire := virtual(t, Config{}, &recorder{})
		c := dial(t, l, f, newRequest("INVITE", "timeout"))
		time.Sleep(64*T1 - time.Millisecond)
		synctest.Wait()
		if n := wire.count("INVITE"); n != 7 || len(c.done()) != 0 {
			t.Errorf("%d transmissions, done %v before 64·T1", n, c.done())
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if len(c.done()) != 1 || !errors.Is(c.done()[0], ErrTimeout) || l.Stats().ClientTx != 0 {
			t.Errorf("done %v, %d transactions left", c.done(), l.Stats().ClientTx)
		}
	})
}

func TestAResponseBeforeInitReturnsDoesNotEndTheCallAfter32Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, wire := virtual(t, Config{}, &recorder{})
		wire.onWrite = func(msg string) {
			if strings.HasPrefix(msg, "INVITE") {
				wire.in <- respondTo(msg, "180 Ringing", "x")
				time.Sleep(time.Second) // Init is still writing while the response waits
			}
		}
		c := dial(t, l, f, newRequest("INVITE", "early"))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if statuses(c.got()) != "180" || len(c.done()) != 0 {
			t.Errorf("got %s, done %v", statuses(c.got()), c.done())
		}
	})
}

func TestACancelWaitsForAProvisionalResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, wire := virtual(t, Config{}, &recorder{})
		req := newRequest("INVITE", "cancel")
		req.Route = []Address{{URI: URI{Scheme: "sip", Host: "proxy.example.com", Params: Params{{Name: "lr"}}}}}
		c := dial(t, l, f, req)
		c.tx.Cancel(Headers{{"Reason", `SIP;cause=200;text="Call completed elsewhere"`}})
		c.tx.Cancel(nil)
		synctest.Wait()
		invite := wire.last()
		if wire.count("CANCEL") != 0 {
			t.Fatal("a CANCEL before any 1xx")
		}
		wire.in <- respondTo(invite, "100 Trying", "")
		wire.in <- respondTo(invite, "180 Ringing", "x")
		synctest.Wait()
		cancel := wire.last()
		if wire.count("CANCEL") != 1 {
			t.Fatalf("sent %q", wire.lines())
		}
		for _, same := range []string{"Via", "Route", "From", "To", "Call-ID"} {
			if field(cancel, same) != field(invite, same) || field(cancel, same) == "" {
				t.Errorf("%s of the CANCEL is %q, of the INVITE %q", same, field(cancel, same), field(invite, same))
			}
		}
		if field(cancel, "CSeq") != "1 CANCEL" || !strings.HasPrefix(field(cancel, "Reason"), "SIP;cause=200") {
			t.Errorf("CSeq %q, Reason %q", field(cancel, "CSeq"), field(cancel, "Reason"))
		}
		wire.in <- respondTo(cancel, "200 OK", "x")
		wire.in <- respondTo(invite, "487 Request Terminated", "x")
		synctest.Wait()
		if statuses(c.got()) != "100 180 487" || len(c.done()) != 1 || c.done()[0] != nil {
			t.Errorf("got %s, done %v", statuses(c.got()), c.done())
		}
		if ack := wire.last(); firstLine(ack) != "ACK sip:bob@example.com SIP/2.0" || tagOf(field(ack, "To")) != "x" ||
			field(ack, "Via") != field(invite, "Via") || field(ack, "Route") == "" {
			t.Errorf("ACK is\n%s", ack)
		}
	})
}

func TestACancelledInviteWithoutFinalIsGivenUpAfter64T1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, wire := virtual(t, Config{}, &recorder{})
		c := dial(t, l, f, newRequest("INVITE", "deaf"))
		wire.in <- respondTo(wire.last(), "180 Ringing", "x")
		synctest.Wait()
		c.tx.Cancel(nil)
		time.Sleep(64*T1 + time.Millisecond)
		synctest.Wait()
		if len(c.done()) != 1 || !errors.Is(c.done()[0], ErrTimeout) {
			t.Errorf("done %v", c.done())
		}
		c.tx.Cancel(nil)
		if n := l.Stats().ClientTx; n != 0 {
			t.Errorf("%d transactions left", n)
		}
	})
}

func TestAnAnswerThatCrossesTheCancelIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, wire := virtual(t, Config{}, &recorder{})
		c := dial(t, l, f, newRequest("INVITE", "cross"))
		invite := wire.last()
		wire.in <- respondTo(invite, "180 Ringing", "x")
		synctest.Wait()
		c.tx.Cancel(nil)
		wire.in <- respondTo(invite, "200 OK", "x")
		time.Sleep(65 * T1)
		synctest.Wait()
		if statuses(c.got()) != "180 200" || len(c.done()) != 1 || c.done()[0] != nil {
			t.Errorf("got %s, done %v", statuses(c.got()), c.done())
		}
	})
}

func TestTwoAnswersWithDifferentTagsAreBothDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stray []*Response
		l, f, wire := virtual(t, Config{}, &recorder{stray: func(r *Response) { stray = append(stray, r) }})
		c := dial(t, l, f, newRequest("INVITE", "fork"))
		invite := wire.last()
		for _, tag := range []string{"one", "two", "one"} {
			wire.in <- respondTo(invite, "200 OK", tag)
		}
		synctest.Wait()
		if statuses(c.got()) != "200 200 200" || c.got()[0].ToTag() != "one" || c.got()[1].ToTag() != "two" || len(c.done()) != 0 {
			t.Errorf("got %s, done %v", statuses(c.got()), c.done())
		}
		time.Sleep(64*T1 + time.Millisecond)
		wire.in <- respondTo(invite, "200 OK", "three")
		synctest.Wait()
		if len(c.done()) != 1 || c.done()[0] != nil || len(stray) != 1 || stray[0].ToTag() != "three" {
			t.Errorf("done %v, strays %v", c.done(), stray)
		}
		wire.in <- respondTo(strings.Replace(invite, "1 INVITE", "1 OPTIONS", 1), "200 OK", "x")
		synctest.Wait()
		if l.Stats().Stray != 1 || len(stray) != 1 {
			t.Errorf("a stray answer to OPTIONS: counted %d, delivered %d", l.Stats().Stray, len(stray)-1)
		}
	})
}

func TestARepeatedRejectionIsAcknowledgedAtOnceEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, wire := virtual(t, Config{}, &recorder{})
		c := dial(t, l, f, newRequest("INVITE", "busy"))
		invite, began := wire.last(), time.Now()
		for range 4 {
			wire.in <- respondTo(invite, "486 Busy Here", "x")
			synctest.Wait()
		}
		if n := wire.count("ACK"); n != 4 || time.Since(began) != 0 {
			t.Errorf("%d ACKs after %v", n, time.Since(began))
		}
		if statuses(c.got()) != "486" || len(c.done()) != 1 {
			t.Errorf("got %s, done %v", statuses(c.got()), c.done())
		}
		time.Sleep(33 * time.Second)
		synctest.Wait()
		if n := l.Stats().ClientTx; n != 0 {
			t.Errorf("%d transactions left after Timer D", n)
		}
	})
}

func TestARequestOtherThanInviteEndsWithItsFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, wire := virtual(t, Config{}, &recorder{})
		c := dial(t, l, f, newRequest("REGISTER", "reg"))
		time.Sleep(600 * time.Millisecond)
		wire.in <- respondTo(wire.last(), "100 Trying", "")
		wire.in <- respondTo(wire.last(), "200 OK", "x")
		wire.in <- respondTo(wire.last(), "200 OK", "x")
		synctest.Wait()
		if wire.count("REGISTER") != 2 || statuses(c.got()) != "100 200" || len(c.done()) != 1 || c.done()[0] != nil || l.Stats().ClientTx != 0 {
			t.Errorf("sent %q, got %s, done %v, left %d", wire.lines(), statuses(c.got()), c.done(), l.Stats().ClientTx)
		}
	})
}

func TestASlowConsumerHoldsBackOnlyItsOwnCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, wire := virtual(t, Config{QueueLen: 4}, &recorder{})
		var slow []*Response
		_, err := l.Send(f, fakeRemote, newRequest("INVITE", "slow"), func(r *Response) {
			time.Sleep(time.Minute)
			slow = append(slow, r)
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		invite := wire.last()
		for range 10 {
			wire.in <- respondTo(invite, "180 Ringing", "x")
		}
		wire.in <- respondTo(invite, "200 OK", "x")
		quick := dial(t, l, f, newRequest("OPTIONS", "quick"))
		wire.in <- respondTo(wire.last(), "200 OK", "x")
		synctest.Wait()
		if statuses(quick.got()) != "200" {
			t.Errorf("the other call got %q", statuses(quick.got()))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		// One is being handled, four wait; the other provisional ones are dropped, the final never.
		if statuses(slow) != "180 180 180 180 180 200" || l.Stats().Overflow != 5 {
			t.Errorf("the slow one got %s, %d dropped", statuses(slow), l.Stats().Overflow)
		}
	})
}

func TestTerminateAndCloseTellTheirCallersOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, _ := virtual(t, Config{}, &recorder{})
		a, b := dial(t, l, f, newRequest("INVITE", "a")), dial(t, l, f, newRequest("OPTIONS", "b"))
		a.tx.Terminate()
		a.tx.Terminate()
		l.Close()
		if len(a.done()) != 1 || !errors.Is(a.done()[0], ErrTerminated) || len(b.done()) != 1 || !errors.Is(b.done()[0], ErrClosed) {
			t.Errorf("done %v and %v", a.done(), b.done())
		}
		if _, err := l.Send(f, fakeRemote, newRequest("OPTIONS", "c"), nil, nil); !errors.Is(err, ErrClosed) {
			t.Errorf("Send after Close: %v", err)
		}
	})
}

func TestWhatIsTooLargeForUDPIsRefusedBeforeItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, wire := virtual(t, Config{}, &recorder{})
		req := newRequest("INVITE", "large")
		req.ContentType, req.Body = "application/sdp", make([]byte, 1200)
		if _, err := l.Send(f, fakeRemote, req, nil, nil); !errors.Is(err, ErrTooLarge) {
			t.Errorf("error %v", err)
		}
		if len(wire.lines()) != 0 || l.Stats().ClientTx != 0 {
			t.Errorf("sent %q", wire.lines())
		}
	})
}

func TestEverythingOfOneCallComesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		h := &recorder{request: func(tx *ServerTx, req *Request) {
			order = append(order, req.Method)
			tx.Respond(NewResponse(req, 200, ""))
		}}
		l, f, wire := virtual(t, Config{}, h)
		if _, err := l.Send(f, fakeRemote, newRequest("INVITE", "whole"), func(r *Response) { order = append(order, r.Reason) }, nil); err != nil {
			t.Fatal(err)
		}
		invite := wire.last()
		wire.in <- respondTo(invite, "180 Ringing", "x")
		wire.in <- respondTo(invite, "200 OK", "x")
		wire.in <- text("BYE sip:2101@192.0.2.1 SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKbye", "From: <sip:bob@example.com>;tag=x",
			"To: <sip:2101@example.com>;tag=us", "Call-ID: whole", "CSeq: 7 BYE", "Max-Forwards: 70")
		synctest.Wait()
		if s := strings.Join(order, " "); s != "Ringing OK BYE" {
			t.Errorf("delivered %s", s)
		}
	})
}

func TestAFinalOverTCPIsTheOnlyThingThatIsTold(t *testing.T) {
	for _, method := range []string{"REGISTER", "INVITE"} {
		synctest.Test(t, func(t *testing.T) {
			l, f, theirs := pipe(t, Config{}, &recorder{}, false)
			r := bufio.NewReader(theirs)
			sent := make(chan string, 1)
			go func() {
				sent <- readMessage(r)
				r.WriteTo(discard{}) // the ACK
			}()
			c := dial(t, l, f, newRequest(method, "reliable"))
			theirs.Write([]byte(respondTo(<-sent, "486 Busy Here", "x")))
			time.Sleep(time.Minute)
			synctest.Wait()
			if statuses(c.got()) != "486" || len(c.done()) != 1 || c.done()[0] != nil || l.Stats().ClientTx != 0 {
				t.Errorf("%s: got %s, done %v, left %d", method, statuses(c.got()), c.done(), l.Stats().ClientTx)
			}
		})
	}
}
