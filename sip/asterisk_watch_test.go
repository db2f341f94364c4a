package sip

import (
	"bufio"
	"context"
	"net"
	"net/netip"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"offhook/peers/feature"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// idler is a user agent that takes no calls.
type idler struct{}

func (idler) Incoming(s *dialog.Session) { s.Reject(480, "") }
func (idler) Request(tx *transaction.ServerTx, req *transaction.Request) {
	_ = tx.Respond(transaction.NewResponse(req, 405, ""))
}
func (idler) Event(*dialog.Session, dialog.Event) {}
func (idler) FlowDown(*transaction.Flow, error)   {}

// watch subscribes as extension 6001 and gives what is told.
func (x pbx) watch(t *testing.T, event, number string) (chan dialog.SubscriptionEvent, *dialog.Subscription) {
	t.Helper()
	ua := dialog.New(dialog.Config{User: "6001", Digest: transaction.NewDigest(transaction.Credentials{Username: "6001", Password: "secret6001"})}, idler{})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		ua.Close(ctx)
	})
	flow, err := ua.Layer().ListenUDP(loopback)
	if err != nil {
		t.Fatal(err)
	}
	uri := func(user string) transaction.URI {
		return transaction.URI{Scheme: "sip", User: user, Host: x.addr.Addr().String(), Port: int(x.addr.Port())}
	}
	said := make(chan dialog.SubscriptionEvent, 100)
	s := ua.Subscribe(dialog.SubscribeConfig{
		Flow: flow, Dst: x.addr, URI: uri(number), From: transaction.Address{URI: uri("6001")}, Event: event, Expires: 10 * time.Minute,
		On: func(_ *dialog.Subscription, e dialog.SubscriptionEvent) { said <- e },
	})
	return said, s
}

// told waits for an event that fits.
func told[E dialog.SubscriptionEvent](t *testing.T, said chan dialog.SubscriptionEvent, what string, fits func(E) bool) {
	t.Helper()
	limit := time.After(patience)
	var seen []dialog.SubscriptionEvent
	for {
		select {
		case e := <-said:
			if e, ok := e.(E); ok && fits(e) {
				return
			}
			seen = append(seen, e)
		case <-limit:
			t.Fatalf("%s; told: %+v", what, seen)
		}
	}
}

func TestAsteriskLightsALamp(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "busy lamp (dialog-info)")
	p := x.extension(t, "6002", "udp")
	said, sub := x.watch(t, "dialog", "6002")
	lamp := func(want dialog.Lamp) {
		t.Helper()
		told(t, said, string(want), func(e dialog.DialogsChanged) bool { got, _ := dialog.LampOf(e.Dialogs); return got == want })
	}
	lamp(dialog.LampIdle)
	b := &bench{hz: 440}
	s := x.customer(t, b.headset(t))
	s.Dial("x", x.number("6002"))
	in := wait[IncomingCall](t, p)
	lamp(dialog.LampRinging)
	p.Answer(in.Leg)
	wait[CallAnswered](t, p)
	lamp(dialog.LampBusy)
	p.Hangup(in.Leg)
	lamp(dialog.LampIdle)
	sub.End()
	told(t, said, "stopped", func(e dialog.SubscriptionChanged) bool { return e.State == dialog.SubscriptionStopped })

	said, _ = x.watch(t, "dialog", "6099") // no such extension
	told(t, said, "refused", func(e dialog.SubscriptionChanged) bool { return e.State == dialog.SubscriptionStopped && e.Code == 404 })
	said, _ = x.watch(t, "as-feature-event", "6001")
	told(t, said, "not its event", func(e dialog.SubscriptionChanged) bool { return e.State == dialog.SubscriptionStopped && e.Code == 489 })
}

func TestAsteriskTellsOfAMessage(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "message waiting")
	said, _ := x.watch(t, "message-summary", "6001")
	fresh := -1
	told(t, said, "the mailbox", func(e dialog.MessagesChanged) bool { fresh = e.New; return e.Told })
	b := &bench{hz: 440}
	s := x.customer(t, b.headset(t))
	s.Dial("x", x.number("902"))
	wait[CallAnswered](t, s)
	<-time.After(3 * time.Second) // its beep, and something to keep
	s.Hangup("x")
	told(t, said, "one more", func(e dialog.MessagesChanged) bool { return e.Waiting && e.New == fresh+1 })
}

// manage makes Asterisk do something by its manager interface, and fails when it cannot.
func (x pbx) manage(t *testing.T, action string, fields ...string) (answer textproto.MIMEHeader) {
	t.Helper()
	c, err := net.Dial("tcp", netip.AddrPortFrom(x.addr.Addr(), 5038).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	r := textproto.NewReader(bufio.NewReader(c))
	if _, err := r.ReadLine(); err != nil { // who it is
		t.Fatal(err)
	}
	for _, lines := range [][]string{{"Action: Login", "Username: offhook", "Secret: offhook", "Events: off"}, append([]string{"Action: " + action}, fields...)} {
		if _, err := c.Write([]byte(strings.Join(lines, "\r\n") + "\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		h, err := r.ReadMIMEHeader()
		if err != nil || h.Get("Response") != "Success" {
			t.Fatalf("%s: %v %v", lines[0], h, err)
		}
		answer = h
	}
	return answer
}

func TestAsteriskSendsThePhoneElsewhere(t *testing.T) {
	x := asterisk(t)
	feature.Proves(t, "Asterisk", "transferred by the far end")
	for target, accepted := range map[string]bool{"600": true, "00441202528735": false} {
		t.Run(target, func(t *testing.T) {
			b := &bench{hz: 700}
			p := x.extension(t, "6001", "udp", func(c *Config) { c.Headset = b.headset(t) })
			x.manage(t, "Originate", "Channel: PJSIP/6001", "Application: Transfer", "Data: PJSIP/"+x.number(target), "Async: true")
			in := wait[IncomingCall](t, p)
			p.Answer(in.Leg)
			wait[CallAnswered](t, p)
			if !accepted { // toll fraud works like this
				for e := range p.Events() {
					if _, out := e.(OutgoingCall); out {
						t.Fatalf("%+v", e)
					}
					if _, over := e.(CallEnded); over { // Asterisk has nothing else to do with it
						return
					}
				}
			}
			out := wait[OutgoingCall](t, p)
			if out.For != in.Leg || out.Remote.Number.String() != "600" {
				t.Errorf("%+v", out)
			}
			for ended, up := false, false; !ended || !up; {
				select {
				case e := <-p.Events():
					switch e := e.(type) {
					case CallEnded:
						if ended = e.Leg == in.Leg; !ended {
							t.Fatalf("%+v", e)
						}
					case CallAnswered:
						up = e.Leg == out.Leg
					}
				case <-time.After(patience):
					t.Fatalf("the first call ended: %v; the new one is up: %v", ended, up)
				}
			}
			becomes(t, "our own tone comes back", func() bool { return b.power(700) > 0.9 })
			p.Hangup(out.Leg)
			wait[CallEnded](t, p)
		})
	}
}
