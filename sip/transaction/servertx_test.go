package transaction

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestARejectionIsRepeatedUntilItsAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var acks int
		h := &recorder{
			request: func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 486, "")) },
			ack:     func(*Request) { acks++ },
		}
		l, _, wire := virtual(t, Config{}, h)
		invite := requestText("INVITE", "busy", fakeRemote)
		wire.in <- invite
		time.Sleep(3600 * time.Millisecond) // Timer G: 0.5, 1.5, 3.5 s
		synctest.Wait()
		if n := wire.count("SIP/2.0 486"); n != 4 {
			t.Errorf("sent %d times", n)
		}
		wire.in <- ackTo(invite, wire.last())
		wire.in <- ackTo(invite, wire.last())
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := wire.count("SIP/2.0 486"); n != 4 || acks != 0 || l.Stats().ServerTx != 0 {
			t.Errorf("sent %d times, handler saw %d ACKs, %d transactions left", n, acks, l.Stats().ServerTx)
		}
	})
}

func TestAnAnswerIsRepeatedByItsOwnerAndItsAckIsTheDialogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tx *ServerTx
		var acks []*Request
		h := &recorder{
			request: func(x *ServerTx, req *Request) {
				tx = x
				if err := x.RespondAgain(); err == nil {
					t.Error("there is nothing to repeat yet")
				}
				x.Respond(NewResponse(req, 180, ""))
				x.Respond(NewResponse(req, 200, ""))
				if err := x.Respond(NewResponse(req, 486, "")); !errors.Is(err, ErrAnswered) {
					t.Errorf("a second final: %v", err)
				}
			},
			ack: func(a *Request) { acks = append(acks, a) },
		}
		_, _, wire := virtual(t, Config{}, h)
		invite := requestText("INVITE", "ok", fakeRemote)
		wire.in <- invite
		time.Sleep(5 * time.Second)
		wire.in <- invite
		synctest.Wait()
		if n := wire.count("SIP/2.0 200"); n != 1 || wire.count("SIP/2.0 486") != 0 {
			t.Errorf("sent %q", wire.lines())
		}
		first := wire.last()
		if err := tx.RespondAgain(); err != nil || wire.last() != first {
			t.Errorf("repeated %v\n%s", err, wire.last())
		}
		wire.in <- strings.Replace(ackTo(invite, first), "z9hG4bKok", "z9hG4bKack", 1)
		synctest.Wait()
		if len(acks) != 1 || acks[0].ToTag() != tx.LocalTag() {
			t.Errorf("%d ACKs", len(acks))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		select {
		case <-tx.Done():
		default:
			t.Error("the transaction has not ended")
		}
		if err := tx.RespondAgain(); err != nil {
			t.Errorf("repeating after its end: %v", err)
		}
	})
}

func TestAnUnansweredInviteGets100AndNothingTakesThePlaceOf180(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &recorder{request: func(tx *ServerTx, req *Request) {
			if req.CallID == "rings" {
				tx.Respond(NewResponse(req, 180, ""))
			}
		}}
		_, _, wire := virtual(t, Config{}, h)
		wire.in <- requestText("INVITE", "silent", fakeRemote)
		synctest.Wait()
		wire.in <- requestText("INVITE", "rings", fakeRemote)
		time.Sleep(time.Second)
		wire.in <- requestText("INVITE", "rings", fakeRemote)
		synctest.Wait()
		if s := wire.lines(); len(s) != 3 || strings.Join(s, ",") != "SIP/2.0 100 Trying,SIP/2.0 180 Ringing,SIP/2.0 180 Ringing" {
			t.Errorf("sent %q", s)
		}
	})
}

func TestNothingSentAfterACancelIsRepeatedInPlaceOfThe487(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &recorder{
			request: func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 180, "")) },
			cancel: func(tx *ServerTx, _ *Request) {
				for _, late := range []int{180, 200, 486} {
					if err := tx.Respond(NewResponse(tx.Request(), late, "")); !errors.Is(err, ErrCancelled) {
						t.Errorf("%d after CANCEL: %v", late, err)
					}
				}
			},
		}
		_, _, wire := virtual(t, Config{}, h)
		wire.in <- requestText("INVITE", "gone", fakeRemote)
		wire.in <- requestText("CANCEL", "gone", fakeRemote)
		wire.in <- requestText("CANCEL", "gone", fakeRemote)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		want := "SIP/2.0 180 Ringing,SIP/2.0 200 OK,SIP/2.0 487 Request Terminated,SIP/2.0 200 OK,SIP/2.0 487 Request Terminated,SIP/2.0 487 Request Terminated"
		if s := strings.Join(wire.lines(), ","); s != want {
			t.Errorf("sent %s", s)
		}
	})
}

func TestTheSameRequestOverAnotherPathIsRefusedAsMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := 0
		l, _, wire := virtual(t, Config{}, &recorder{request: func(tx *ServerTx, req *Request) { seen++ }})
		invite := requestText("INVITE", "merged", fakeRemote)
		wire.in <- invite
		wire.in <- strings.Replace(invite, "z9hG4bKmerged", "z9hG4bKother", 1)
		synctest.Wait()
		if wire.last()[:len("SIP/2.0 482")] != "SIP/2.0 482" || seen != 1 || l.Stats().Merged != 1 {
			t.Errorf("sent %q, handler saw %d", wire.lines(), seen)
		}
	})
}

func TestAFullQueueRefusesRequestsButTakesTheCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		h := &recorder{
			request: func(tx *ServerTx, req *Request) {
				time.Sleep(time.Minute)
				seen = append(seen, req.Method)
				tx.Respond(NewResponse(req, map[bool]int{true: 180, false: 200}[req.Method == "INVITE"], ""))
			},
			cancel: func(*ServerTx, *Request) { seen = append(seen, "CANCEL") },
		}
		l, _, wire := virtual(t, Config{QueueLen: 2}, h)
		wire.in <- requestText("INVITE", "full", fakeRemote)
		synctest.Wait()
		for i := range 5 {
			wire.in <- strings.Replace(strings.Replace(requestText("INFO", "full", fakeRemote), "z9hG4bKfull", fmt.Sprint("z9hG4bK", i), 1),
				"1 INFO", fmt.Sprint(i+2, " INFO"), 1)
		}
		wire.in <- requestText("CANCEL", "full", fakeRemote)
		synctest.Wait()
		if n := wire.count("SIP/2.0 503"); n != 3 || l.Stats().Overflow != 3 || field(wire.last(), "Retry-After") == "" {
			t.Errorf("%d refused, %d counted", n, l.Stats().Overflow)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if s := strings.Join(seen, " "); s != "INVITE INFO INFO CANCEL" || wire.count("SIP/2.0 487") == 0 {
			t.Errorf("handled %s", s)
		}
		if l.Stats().Queues != 0 {
			t.Errorf("%d queues left", l.Stats().Queues)
		}
	})
}

func TestResponsesGoWhereViaAndSourceSay(t *testing.T) {
	for _, c := range []struct{ via, to, stamped string }{
		{"SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bKa;rport", "192.0.2.2:5060", "SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bKa;received=192.0.2.2;rport=5060"},
		{"SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bKb", "192.0.2.2:5070", "SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bKb;received=192.0.2.2"},
		{"SIP / 2.0 / UDP 192.0.2.2;branch=z9hG4bKc", "192.0.2.2:5060", "SIP / 2.0 / UDP 192.0.2.2;branch=z9hG4bKc"},
		{"SIP/2.0/UDP a.example.com : 5071 ; maddr=203.0.113.1;branch=z9hG4bKd", "192.0.2.2:5071",
			"SIP/2.0/UDP a.example.com : 5071 ; maddr=203.0.113.1;branch=z9hG4bKd;received=192.0.2.2"},
		{`SIP/2.0/UDP [2001:db8::9]:5072;x="a;rport";branch=z9hG4bKe`, "192.0.2.2:5072",
			`SIP/2.0/UDP [2001:db8::9]:5072;x="a;rport";branch=z9hG4bKe;received=192.0.2.2`},
	} {
		v, err := parseVia(c.via)
		if err != nil {
			t.Errorf("%s: %v", c.via, err)
			continue
		}
		if to := v.replyTo(fakeRemote); to.String() != c.to {
			t.Errorf("%s: goes to %v", c.via, to)
		}
		if s := v.stamped(fakeRemote); s != c.stamped {
			t.Errorf("%s: comes back as %s", c.via, s)
		}
	}
}

func TestAResponseRepeatsTheRequestsFieldsUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &recorder{request: func(tx *ServerTx, req *Request) {
			res := NewResponse(req, 200, "")
			res.Contact = []Address{req.Flow.Contact("2101", req.Source)}
			res.Headers.Add("Supported", "timer")
			tx.Respond(res)
		}}
		_, _, wire := virtual(t, Config{UserAgent: "offhook"}, h)
		const rr = `<sip:p1.example.com;lr>;odd="a, b" , "P 2" <sip:p2.example.com;lr;x=%41>`
		const from = `  "A \"B\" C"   <sip:a%41@example.com;x="1">  ; Tag=q1 ;y`
		wire.in <- strings.Replace(requestText("INVITE", "raw", fakeRemote, "Record-Route: "+rr, "k: 100rel", "o: dialog"),
			`"Ann" <sip:ann@example.com>;tag=araw`, from, 1)
		synctest.Wait()
		res := wire.last()
		if field(res, "Record-Route") != rr || field(res, "From") != strings.TrimSpace(from) || field(res, "Server") != "offhook" ||
			field(res, "Contact") != "<sip:2101@192.0.2.1:5060>" || field(res, "Supported") != "timer" {
			t.Errorf("response is\n%s", res)
		}
	})
}
