package transaction

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestFiveHundredBurstsOfResponsesArriveCompleteAndInOrder(t *testing.T) {
	const calls, window = 500, 20
	l, f := udpLayer(t, Config{}, &recorder{})
	p := newPeer(t, f.LocalAddr())
	go func() {
		answered := map[string]bool{} // a busy machine lets us repeat an INVITE whose answers wait to be read
		for {
			req, _ := p.read()
			if req == "" {
				return
			}
			if id := field(req, "Call-ID"); strings.HasPrefix(req, "INVITE") && !answered[id] {
				answered[id] = true
				p.send(respondTo(req, "180 Ringing", "x"))
				p.send(respondTo(req, "183 Session Progress", "x"))
				p.send(respondTo(req, "200 OK", "x"))
			}
		}
	}()
	got := make([][]*Response, calls)
	var wg sync.WaitGroup
	room := make(chan struct{}, window)
	for i := range calls {
		room <- struct{}{}
		wg.Add(1)
		_, err := l.Send(f, p.addr(), newRequest("INVITE", fmt.Sprint("burst", i)), func(res *Response) {
			got[i] = append(got[i], res)
			if res.Status == 200 {
				<-room
				wg.Done()
			}
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	right := 0
	for i := range got {
		if s := statuses(got[i]); s == "180 183 200" {
			right++
		} else {
			t.Errorf("call %d got %s", i, s)
		}
	}
	if right != calls {
		t.Errorf("%d of %d complete and in order", right, calls)
	}
}

// inviteAndCancel sends 2000 pairs and checks that each ends in one 487 and nothing rings.
func inviteAndCancel(t *testing.T, cancelFirst bool) {
	const calls, window = 2000, 20
	var ringing, told atomic.Int64
	h := &recorder{
		request: func(tx *ServerTx, req *Request) {
			ringing.Add(1)
			if err := tx.Respond(NewResponse(req, 180, "")); err != nil {
				t.Error(err)
			}
		},
		cancel: func(tx *ServerTx, _ *Request) {
			told.Add(1)
			ringing.Add(-1)
			if err := tx.Respond(NewResponse(tx.Request(), 200, "")); err != ErrCancelled {
				t.Errorf("answering after the CANCEL: %v", err)
			}
		},
	}
	l, f := udpLayer(t, Config{}, h)
	p := newPeer(t, f.LocalAddr())
	invites := sync.Map{}
	room := make(chan struct{}, window)
	type outcome struct {
		tags   map[string]bool
		finals []string
	}
	results := map[string]*outcome{}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for ended := 0; ended < calls; {
			res, _ := p.read()
			if res == "" {
				t.Error("nothing comes any more")
				return
			}
			id := field(res, "Call-ID")
			o := results[id]
			if o == nil {
				o = &outcome{tags: map[string]bool{}}
				results[id] = o
			}
			invite, _ := invites.Load(id)
			switch line := firstLine(res); {
			case !strings.Contains(field(res, "CSeq"), "INVITE"):
				if !cancelFirst {
					o.tags[tagOf(field(res, "To"))] = true
				}
			case strings.HasPrefix(line, "SIP/2.0 100"): // needs no tag (RFC 3261 §8.2.6.2)
			case strings.HasPrefix(line, "SIP/2.0 1"):
				o.tags[tagOf(field(res, "To"))] = true
			default:
				o.tags[tagOf(field(res, "To"))] = true
				if len(o.finals) == 0 {
					ended++
					<-room
				}
				o.finals = append(o.finals, line)
				p.send(ackTo(invite.(string), res))
			}
		}
	}()
	for i := range calls {
		room <- struct{}{}
		id := fmt.Sprint("pair", i)
		invite := requestText("INVITE", id, p.addr())
		cancel := requestText("CANCEL", id, p.addr())
		invites.Store(id, invite)
		if cancelFirst {
			p.send(cancel)
			p.send(invite)
		} else {
			p.send(invite)
			p.send(cancel)
		}
	}
	<-finished
	l.Close() // waits for the handlers: the 487 is on the wire before HandleCancel is called
	for id, o := range results {
		for _, line := range o.finals {
			if line != "SIP/2.0 487 Request Terminated" {
				t.Errorf("%s ended with %q", id, line)
			}
		}
		if len(o.tags) != 1 {
			t.Errorf("%s has %d To tags: %v", id, len(o.tags), o.tags)
		}
	}
	if len(results) != calls || ringing.Load() != 0 {
		t.Errorf("%d of %d ended, %d still ring", len(results), calls, ringing.Load())
	}
	switch {
	case cancelFirst && (told.Load() != 0 || l.Stats().EarlyCancels != calls):
		t.Errorf("%d alerted, %d recognised as cancelled before", told.Load(), l.Stats().EarlyCancels)
	case !cancelFirst && told.Load() != calls:
		t.Errorf("%d of %d were told of the CANCEL", told.Load(), calls)
	}
}

func TestTwoThousandInvitesWithTheirCancelBehindThemAllEndIn487(t *testing.T) {
	inviteAndCancel(t, false)
}

func TestTwoThousandInvitesWithTheirCancelBeforeThemNeverRing(t *testing.T) { inviteAndCancel(t, true) }

func TestAnswerAgainstCancelGivesExactlyOneFinal(t *testing.T) {
	const calls = 400
	txs := make(chan *ServerTx, calls)
	told := make(chan *ServerTx, calls)
	h := &recorder{
		request: func(tx *ServerTx, req *Request) {
			tx.Respond(NewResponse(req, 180, ""))
			txs <- tx
		},
		cancel: func(tx *ServerTx, _ *Request) { told <- tx },
	}
	_, f := udpLayer(t, Config{}, h)
	p := newPeer(t, f.LocalAddr())
	seen := map[string]bool{}
	read := func() string { // without what a busy machine brings besides: a 100, and repetitions
		for {
			res, _ := p.read()
			if res == "" || !strings.HasPrefix(res, "SIP/2.0 100") && !seen[res] {
				seen[res] = true
				return res
			}
		}
	}
	for i := range calls {
		id := fmt.Sprint("cross", i)
		p.send(requestText("INVITE", id, p.addr()))
		if res := read(); !strings.HasPrefix(res, "SIP/2.0 180") {
			t.Fatalf("instead of 180: %q", firstLine(res))
		}
		tx := <-txs
		answer := func() error { return tx.Respond(NewResponse(tx.Request(), 200, "")) }
		var err error
		switch i % 4 { // before, after, and two ways at the same time
		case 0:
			err = answer()
			p.send(requestText("CANCEL", id, p.addr()))
		case 1:
			p.send(requestText("CANCEL", id, p.addr()))
			<-told
			err = answer()
		case 2:
			go p.send(requestText("CANCEL", id, p.addr()))
			err = answer()
		case 3:
			p.send(requestText("CANCEL", id, p.addr()))
			err = answer()
		}
		var finals []string
		for range 2 { // the answer to the CANCEL, and the final
			res := read()
			if strings.Contains(field(res, "CSeq"), "CANCEL") {
				continue
			}
			finals = append(finals, firstLine(res))
			p.send(ackTo(requestText("INVITE", id, p.addr()), res))
		}
		want := "SIP/2.0 200 OK"
		if err != nil {
			want = "SIP/2.0 487 Request Terminated"
			if err != ErrCancelled {
				t.Errorf("%s: %v", id, err)
			}
		}
		if len(finals) != 1 || finals[0] != want {
			t.Errorf("%s: finals %q after Respond said %v", id, finals, err)
		}
	}
}
