package dialog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/sip/transaction"
)

// watching is a subscription of p at a script, and what it tells.
type watching struct {
	t    *testing.T
	p    *phone
	s    *script
	sub  *Subscription
	said chan SubscriptionEvent
}

func (w *world) watch(event string, change ...func(*SubscribeConfig)) *watching {
	p, s := w.phone("phone"), w.script(nil)
	s.to = p.flow.LocalAddr()
	x := &watching{t: w.t, p: p, s: s, said: make(chan SubscriptionEvent, 1000)}
	cfg := SubscribeConfig{
		Flow: p.flow, Dst: s.addr(), URI: s.uri(), From: transaction.Address{URI: p.uri()}, Event: event, Expires: 600 * time.Second,
		On: func(_ *Subscription, e SubscriptionEvent) { x.said <- e },
	}
	for _, f := range change {
		f(&cfg)
	}
	x.sub = p.ua.Subscribe(cfg)
	return x
}

func (x *watching) next() SubscriptionEvent {
	x.t.Helper()
	select {
	case e := <-x.said:
		return e
	case <-time.After(virtualPatience):
		x.t.Fatal("nothing was told")
		return nil
	}
}

func (x *watching) becomes(want SubscriptionState) SubscriptionChanged {
	x.t.Helper()
	for {
		if c, ok := x.next().(SubscriptionChanged); ok {
			if c.State != want {
				x.t.Fatalf("%+v, want %s", c, want)
			}
			return c
		}
	}
}

// notify sends a NOTIFY of notifier tag and wants this status.
func (x *watching) notify(sub msg, tag string, cseq int, state, body string, want int) {
	x.t.Helper()
	l := line{method: "NOTIFY", callID: sub.get("Call-Id"), from: sub.get("To") + ";tag=" + tag, to: sub.get("From"), cseq: cseq, body: body,
		extra: "Event: " + sub.get("Event") + "\r\nSubscription-State: " + state + "\r\n"}
	if body != "" {
		l.kind = sub.get("Accept")
	}
	x.s.request(l)
	for m := x.s.recv("SIP/2.0"); ; m = x.s.recv("SIP/2.0") {
		if m.get("Call-Id") == l.callID && m.cseq() == cseq {
			if m.code() != want {
				x.t.Fatalf("%s, want %d", m.start, want)
			}
			return
		}
	}
}

func info(version int, state string, dialogs ...string) string {
	return fmt.Sprintf(`<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="%d" state="%s" entity="sip:2102@pbx">%s</dialog-info>`,
		version, state, strings.Join(dialogs, ""))
}

func dlg(id, direction, state string) string {
	return fmt.Sprintf(`<dialog id="%s" direction="%s"><state>%s</state></dialog>`, id, direction, state)
}

func (x *watching) lamp(want Lamp) {
	x.t.Helper()
	for {
		if d, ok := x.next().(DialogsChanged); ok {
			if got, _ := LampOf(d.Dialogs); got != want {
				x.t.Fatalf("%s: %+v, want %s", got, d.Dialogs, want)
			}
			return
		}
	}
}

func TestALampFollowsTheExtension(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		x := w.watch("dialog")
		sub := x.s.recv("SUBSCRIBE")
		if sub.get("Event") != "dialog" || sub.get("Accept") != "application/dialog-info+xml" || sub.get("Expires") != "600" {
			t.Fatalf("%v", sub.h)
		}
		x.notify(sub, "n1", 1, "active;expires=600", info(0, "full"), 200) // it comes before the 2xx
		x.becomes(SubscriptionActive)
		x.lamp(LampIdle)
		x.s.reply(sub, "202 Accepted", "n1", "Expires: 600\r\n", "")
		x.notify(sub, "n1", 2, "active", info(1, "partial", dlg("a", "recipient", "early")), 200)
		x.lamp(LampRinging)
		x.notify(sub, "n1", 3, "active", info(2, "partial", dlg("a", "recipient", "confirmed")), 200)
		x.lamp(LampBusy)
		x.notify(sub, "n1", 3, "active", info(3, "full"), 500) // an old one, late
		x.notify(sub, "n1", 4, "active", info(2, "partial", dlg("a", "recipient", "terminated")), 200)
		x.lamp(LampBusy)                                                                               // told before
		x.notify(sub, "n1", 5, "active", info(5, "partial", dlg("b", "initiator", "proceeding")), 200) // two are missing
		again := x.s.recv("SUBSCRIBE")
		if again.tag("To") != "n1" || again.get("Call-Id") != sub.get("Call-Id") || again.get("Expires") != "600" {
			t.Fatalf("%v", again.h)
		}
		x.lamp(LampBusy)
		x.s.reply(again, "200 OK", "", "Expires: 600\r\n", "")
		x.notify(sub, "n1", 6, "active;expires=600", info(6, "full"), 200)
		x.lamp(LampIdle)
		x.notify(sub, "n1", 7, "active", "<rubbish", 200)
		x.notify(sub, "n1", 8, "active", info(0, "full", dlg("c", "recipient", "early")), 200) // it counts anew
		x.lamp(LampRinging)
		x.sub.End()
		off := x.s.recv("SUBSCRIBE")
		if off.get("Expires") != "0" || off.tag("To") != "n1" {
			t.Fatalf("%v", off.h)
		}
		x.becomes(SubscriptionStopped)
		x.s.reply(off, "200 OK", "", "", "")
		x.notify(sub, "n1", 9, "terminated;reason=timeout", info(1, "full"), 200)
		x.p.settled()
		x.left()
	})
}

// left fails when the UA keeps something, or something more is told.
func (x *watching) left() {
	x.t.Helper()
	x.p.ua.loop.run(func() {
		if len(x.p.ua.usages)+len(x.p.ua.watching) > 0 {
			x.t.Errorf("left: %v %v", x.p.ua.usages, x.p.ua.watching)
		}
	})
	if len(x.said) > 0 {
		x.t.Errorf("told after the end: %+v", <-x.said)
	}
}

func TestASubscriptionIsRefreshedInTime(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		x := w.watch("message-summary")
		sub := x.s.recv("SUBSCRIBE")
		x.s.reply(sub, "423 Interval Too Brief", "", "Min-Expires: 3600\r\n", "")
		sub = x.s.recv("SUBSCRIBE")
		if sub.get("Expires") != "3600" {
			t.Fatalf("%v", sub.h)
		}
		x.s.reply(sub, "200 OK", "n1", "Expires: 1800\r\n", "")
		x.notify(sub, "n1", 1, "active", "Messages-Waiting: yes\r\nMessage-Account: sip:2110@pbx\r\nVoice-Message: 2/8 (1/0)\r\n", 200)
		x.becomes(SubscriptionActive)
		if m := x.next().(MessagesChanged); m.New != 2 || m.Old != 8 || m.UrgentNew != 1 || !m.Waiting || m.Account != "sip:2110@pbx" {
			t.Fatalf("%+v", m)
		}
		at := sub.at
		for range 3 {
			again := x.s.recv("SUBSCRIBE")
			if d := again.at.Sub(at); d < 900*time.Second || d >= 1800*time.Second {
				t.Fatalf("refreshed after %v", d)
			}
			at = again.at
			x.s.reply(again, "200 OK", "", "Expires: 1800\r\n", "")
		}
		again := x.s.recv("SUBSCRIBE") // a refresh that fails is tried again, and the subscription lives on meanwhile
		x.s.reply(again, "503 Later", "", "", "")
		again = x.s.recv("SUBSCRIBE")
		if again.tag("To") != "n1" || again.at.Sub(at) >= 1800*time.Second {
			t.Fatalf("%v after %v", again.h, again.at.Sub(at))
		}
		x.s.reply(again, "481 Who?", "", "", "")
		if c := x.becomes(SubscriptionRetrying); c.Code != 481 || c.RetryIn != 0 {
			t.Fatalf("%+v", c)
		}
		if anew := x.s.recv("SUBSCRIBE"); anew.get("Call-Id") == sub.get("Call-Id") || anew.tag("To") != "" {
			t.Fatalf("%v", anew.h)
		}
	})
}

func TestASubscriptionThatIsEndedThereGoesOnAsItIsTold(t *testing.T) {
	for _, tc := range []struct {
		state   string
		stopped bool
		wait    time.Duration // exact, unless spread
		spread  time.Duration
	}{
		{"terminated;reason=deactivated", false, 0, 0},
		{"terminated;reason=timeout", false, 0, 0},
		{"terminated", false, 0, 0},
		{"terminated;reason=probation;retry-after=77", false, 77 * time.Second, 0},
		{"terminated;reason=probation", false, 0, firstBackoff},
		{"terminated;reason=giveup;retry-after=99999999999999999999", false, maxExpires, 0},
		{"terminated;reason=giveup", false, 0, firstBackoff},
		{"terminated;reason=rejected", true, 0, 0},
		{"terminated;reason=noresource;retry-after=5", true, 0, 0},
		{"TERMINATED ; Reason=invariant", true, 0, 0},
	} {
		t.Run(tc.state, func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world) {
				x := w.watch("dialog")
				x.s.wait = 48 * time.Hour
				sub := x.s.recv("SUBSCRIBE")
				x.s.reply(sub, "200 OK", "n1", "Expires: 600\r\n", "")
				x.notify(sub, "n1", 1, "active", info(0, "full"), 200)
				x.becomes(SubscriptionActive)
				time.Sleep(time.Minute)
				x.notify(sub, "n1", 2, tc.state, "", 200)
				ended := time.Now()
				if tc.stopped {
					x.becomes(SubscriptionStopped)
					x.p.settled()
					x.left()
					x.s.nothing("it is over")
					return
				}
				c := x.becomes(SubscriptionRetrying)
				anew := x.s.recv("SUBSCRIBE")
				if d := anew.at.Sub(ended); anew.tag("To") != "" || d != c.RetryIn || tc.spread == 0 && d != tc.wait || d > tc.wait+tc.spread {
					t.Fatalf("after %v, %+v", d, c)
				}
			})
		})
	}
}

func TestWhatRefusesASubscriptionDecidesWhetherItIsTriedAgain(t *testing.T) {
	for _, tc := range []struct {
		status, extra string
		stopped       bool
		after         time.Duration
	}{
		{"489 Bad Event", "", true, 0},
		{"404 Not Found", "", true, 0},
		{"403 Forbidden", "", true, 0},
		{"603 Decline", "", true, 0},
		{"501 Not Implemented", "", true, 0},
		{"423 Interval Too Brief", "", false, 0},
		{"480 Temporarily Unavailable", "Retry-After: 120 (restarting);duration=5\r\n", false, 2 * time.Minute},
		{"503 Service Unavailable", "", false, 0},
		{"302 Moved", "", false, 0},
	} {
		t.Run(tc.status, func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world) {
				x := w.watch("dialog")
				sub := x.s.recv("SUBSCRIBE")
				x.s.reply(sub, tc.status, "", tc.extra, "")
				if tc.stopped {
					if c := x.becomes(SubscriptionStopped); !strings.HasPrefix(tc.status, fmt.Sprint(c.Code)) {
						t.Fatalf("%+v", c)
					}
					x.p.settled()
					x.left()
					return
				}
				x.becomes(SubscriptionRetrying)
				if d := x.s.recv("SUBSCRIBE").at.Sub(sub.at); tc.after != 0 && d != tc.after || d < firstBackoff/2 {
					t.Fatalf("after %v", d)
				}
			})
		})
	}
}

func TestAnExchangeThatNeverTellsIsTriedLessAndLess(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		x := w.watch("dialog")
		x.s.wait = 2 * time.Hour
		var gaps []time.Duration
		last := time.Time{}
		for range 9 {
			sub := x.s.recv("SUBSCRIBE")
			x.s.reply(sub, "200 OK", "n1", "Expires: 600\r\n", "") // but no NOTIFY
			if !last.IsZero() {
				gaps = append(gaps, sub.at.Sub(last))
			}
			last = sub.at
		}
		if gaps[0] < limit || slices.Max(gaps) > longestPause+limit || gaps[len(gaps)-1] < longestPause/4 {
			t.Fatalf("%v", gaps)
		}
	})
}

func TestTwoThatDoNotUnderstandEachOtherDoNotGoRoundAndRound(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		x := w.watch("dialog")
		began := time.Now()
		for range 6 {
			sub := x.s.recv("SUBSCRIBE")
			x.s.reply(sub, "200 OK", "n1", "Expires: 600\r\n", "")
			x.notify(sub, "n1", 1, "active", info(0, "full"), 200)
			x.notify(sub, "n1", 2, "terminated;reason=deactivated", "", 200)
		}
		if d := time.Since(began); d < 3*time.Minute {
			t.Fatalf("six subscriptions in %v", d)
		}
	})
}

func TestEachNotifierOfAForkIsASubscriptionOfItsOwn(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		x := w.watch("dialog")
		sub := x.s.recv("SUBSCRIBE")
		x.notify(sub, "n1", 1, "active;expires=600", info(0, "full", dlg("a", "recipient", "confirmed")), 200)
		x.becomes(SubscriptionActive)
		x.lamp(LampBusy)
		x.notify(sub, "n2", 900, "active;expires=600", info(0, "full"), 200)
		x.lamp(LampBusy) // of the other one
		x.s.reply(sub, "200 OK", "n2", "Expires: 600\r\n", "")
		x.notify(sub, "n1", 2, "terminated;reason=noresource", "", 200)
		x.notify(sub, "n2", 901, "active", info(1, "partial", dlg("b", "recipient", "early")), 200)
		x.lamp(LampRinging)
		if again := x.s.recv("SUBSCRIBE"); again.tag("To") != "n2" {
			t.Fatalf("%v", again.h)
		}
		for i := range maxNotifiers + 1 {
			want := 200
			if i >= maxNotifiers-1 {
				want = 481
			}
			x.notify(sub, fmt.Sprint("m", i), 1, "active;expires=600", info(0, "full"), want)
		}
	})
}

func TestWhoIsNotSubscribedToIsToldSo(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		x := w.watch("dialog")
		sub := x.s.recv("SUBSCRIBE")
		wrong := sub
		wrong.h = map[string][]string{"Call-Id": sub.h["Call-Id"], "From": sub.h["From"], "To": sub.h["To"], "Event": {"presence"}, "Accept": sub.h["Accept"]}
		x.notify(wrong, "n1", 1, "active", "", 489)
		x.notify(sub, "n1", 1, "active", "", 200)
		wrong.h["Event"], wrong.h["Accept"] = []string{"dialog"}, []string{"text/plain"}
		x.notify(wrong, "n1", 2, "active", "x", 415)
		wrong.h["From"] = []string{"<sip:phone@x>;tag=unknown"}
		x.notify(wrong, "n1", 3, "active", "", 481)
	})
}

func TestAMovedSubscriptionUsesTheNewWay(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		x := w.watch("dialog")
		sub := x.s.recv("SUBSCRIBE")
		x.notify(sub, "n1", 1, "active;expires=600", info(0, "full"), 200)
		x.s.reply(sub, "200 OK", "n1", "Expires: 600\r\n", "")
		flow, err := x.p.ua.Layer().ServeUDP(w.bind())
		if err != nil {
			t.Fatal(err)
		}
		x.sub.Move(flow, x.s.addr())
		again := x.s.recv("SUBSCRIBE")
		if x.s.to != flow.LocalAddr() || !strings.Contains(again.get("Contact"), flow.LocalAddr().String()) || again.tag("To") != "n1" {
			t.Fatalf("%v %v", x.s.to, again.h)
		}
	})
}

// A sleep: what was asked over the old way is never answered, and the state is wanted now.
func TestASubscriptionMovesAlsoWhileItIsBeingRenewedTheOldWay(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		x := w.watch("dialog")
		sub := x.s.recv("SUBSCRIBE")
		x.notify(sub, "n1", 1, "active;expires=600", info(0, "full"), 200)
		x.s.reply(sub, "200 OK", "n1", "Expires: 600\r\n", "")
		x.s.recv("SUBSCRIBE") // the refresh, which gets no answer
		flow := w.second(x.p)
		began := time.Now()
		x.sub.Move(flow, x.s.addr())
		for again := x.s.recv("SUBSCRIBE"); ; again = x.s.recv("SUBSCRIBE") {
			if strings.Contains(again.get("Contact"), flow.LocalAddr().String()) {
				x.s.reply(again, "200 OK", "", "Expires: 600\r\n", "")
				break
			}
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("after %v", d)
		}
		time.Sleep(time.Minute)
		for len(x.s.in) > 0 {
			<-x.s.in
		}
		time.Sleep(4 * time.Minute)
		x.s.nothing("one refresh is enough")
	})
}

func TestACloseUnsubscribes(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		x := w.watch("dialog")
		sub := x.s.recv("SUBSCRIBE")
		x.notify(sub, "n1", 1, "active;expires=600", info(0, "full"), 200)
		x.s.reply(sub, "200 OK", "n1", "Expires: 600\r\n", "")
		go x.p.ua.Close(context.Background())
		off := x.s.recv("SUBSCRIBE")
		if off.get("Expires") != "0" {
			t.Fatalf("%v", off.h)
		}
		x.s.reply(off, "200 OK", "", "", "")
	})
}
