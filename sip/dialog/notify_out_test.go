package dialog

import (
	"fmt"
	"testing"
	"time"

	"offhook/sip/transaction"
)

// serving answers SUBSCRIBEs with what it is told to.
type serving struct {
	*phone
	what    Watched
	watcher chan *Watcher
}

func (s *serving) Request(tx *transaction.ServerTx, req *transaction.Request) {
	s.watcher <- s.ua.Admit(tx, req, s.what)
}

func TestAWatcherIsToldEachStateUntilItLeaves(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		state := "full"
		dialogs := []string{}
		srv := &serving{watcher: make(chan *Watcher, 9)}
		srv.what = Watched{State: func(v uint32) (string, []byte) {
			return "application/dialog-info+xml", []byte(info(int(v), state, dialogs...))
		}}
		srv.phone = w.phone("exchange")
		srv.phone.ua.h = srv
		p := w.phone("phone")
		said := make(chan SubscriptionEvent, 100)
		sub := p.ua.Subscribe(SubscribeConfig{Flow: p.flow, Dst: srv.flow.LocalAddr(), URI: srv.uri(), From: transaction.Address{URI: p.uri()}, Event: "dialog",
			Expires: 10 * time.Second, On: func(_ *Subscription, e SubscriptionEvent) { said <- e }})
		<-srv.watcher // refused: 423
		watcher := <-srv.watcher
		lamp := func(want Lamp) {
			t.Helper()
			for e := range said {
				if d, ok := e.(DialogsChanged); ok {
					if got, _ := LampOf(d.Dialogs); got != want {
						t.Fatalf("%s, want %s", got, want)
					}
					return
				}
			}
		}
		lamp(LampIdle)
		for i := range 20 { // faster than they are acknowledged: the last one counts
			srv.ua.Post(func() {
				dialogs = []string{dlg(fmt.Sprint(i), "recipient", "confirmed")}
				watcher.Changed()
			})
		}
		lamp(LampBusy)
		time.Sleep(10 * time.Minute) // refreshed all the time
		srv.ua.Post(func() { dialogs = nil; watcher.Changed() })
		for e := range said {
			if d, ok := e.(DialogsChanged); ok && len(d.Dialogs) == 0 {
				break
			}
		}
		sub.End()
		for e := range said {
			if c, ok := e.(SubscriptionChanged); ok && c.State == SubscriptionStopped {
				break
			}
		}
		time.Sleep(time.Minute)
		for _, u := range []*UA{srv.ua, p.ua} {
			u.loop.run(func() {
				if len(u.usages)+len(u.watching)+u.pending != 0 {
					t.Errorf("left: %v", u.usages)
				}
			})
		}
	})
}

func TestAWatcherThatIsGoneIsForgotten(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		gone := make(chan struct{}, 1)
		srv := &serving{watcher: make(chan *Watcher, 9)}
		srv.what = Watched{State: func(uint32) (string, []byte) { return "", nil }, Gone: func() { gone <- struct{}{} }}
		srv.phone = w.phone("exchange")
		srv.phone.ua.h = srv
		s := w.script(srv.phone)
		l := line{method: "SUBSCRIBE", callID: "s", from: "<sip:x@y>;tag=1", to: "<sip:phone@z>", cseq: 1, extra: "Event: dialog;id=4\r\nExpires: 600\r\n"}
		s.request(l)
		res := s.recv("SIP/2.0 200")
		n := s.recv("NOTIFY")
		if n.get("Event") != "dialog;id=4" || n.get("Subscription-State") != "active;expires=600" {
			t.Fatalf("%v", n.h)
		}
		s.reply(n, "200 OK", "", "", "")
		off := l.in(res, "SUBSCRIBE", 2)
		off.extra = "Event: dialog;id=4\r\nExpires: 0\r\n"
		s.request(off)
		if n = s.recv("NOTIFY"); n.get("Subscription-State") != "terminated;reason=timeout" {
			t.Fatalf("%v", n.h)
		}
		s.reply(n, "200 OK", "", "", "")
		<-gone
		l.callID, l.extra = "s4", "Event: dialog\r\nExpires: 0\r\n" // a mere question
		s.request(l)
		if n = s.recv("NOTIFY"); n.get("Call-Id") != "s4" || n.get("Subscription-State") != "terminated;reason=timeout" {
			t.Fatalf("%v", n.h)
		}
		s.reply(n, "200 OK", "", "", "")
		<-gone
		l.extra = "Event: dialog\r\nExpires: 600\r\n"
		l.callID = "s3"
		s.request(l)
		s.reply(s.recv("NOTIFY"), "481 Who?", "", "", "")
		<-gone
		l.callID = "s2"
		s.request(l)
		s.recv("NOTIFY") // and no word comes back
		<-gone
	})
}
