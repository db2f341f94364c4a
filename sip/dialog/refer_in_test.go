package dialog

import (
	"strings"
	"testing"
	"time"

	"offhook/sip/transaction"
)

func TestWhatARefersAsksForIsCheckedFirst(t *testing.T) {
	for _, tc := range []struct {
		name, extra string
		policy      bool
		want        int
	}{
		{"nobody decides", "Refer-To: <sip:x@y>\r\n", false, 603},
		{"allowed", "Refer-To: <sip:x@y>\r\n", true, 202},
		{"a telephone number", "r: tel:+441202528732\r\n", true, 202},
		{"none", "", true, 400},
		{"two", "Refer-To: <sip:x@y>, <sip:z@y>\r\n", true, 400},
		{"unreadable", "Refer-To: <sip:>\r\n", true, 400},
		{"a web page", "Refer-To: <http://example.com/>\r\n", true, 416},
		{"another method", "Refer-To: <sip:x@y;method=BYE>\r\n", true, 501},
		{"a conference of two calls", "Refer-To: <sip:x@y?Join=a%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n", true, 501},
		{"bad Replaces", "Refer-To: <sip:x@y?Replaces=a>\r\n", true, 400},
		{"two Replaces", "Refer-To: <sip:x@y?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2&Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n", true, 400},
		{"bad Referred-By", "Refer-To: <sip:x@y>\r\nReferred-By: <sip:\r\n", true, 400},
		{"two Referred-By", "Refer-To: <sip:x@y>\r\nReferred-By: <sip:a@b>\r\nReferred-By: <sip:a@b>\r\n", true, 400},
		{"an unknown demand", "Refer-To: <sip:x@y>\r\nRequire: sergeant\r\n", true, 420},
		{"a demand we know", "Refer-To: <sip:x@y>\r\nRequire: norefersub\r\nRefer-Sub: false\r\n", true, 202},
	} {
		for _, inside := range []bool{true, false} {
			t.Run(tc.name, func(t *testing.T) {
				virtually(t, func(t *testing.T, w *world) {
					p := w.phone("phone", func(c *Config) {
						if tc.policy {
							c.Refer = func(s *Session, r *Refer) {
								if (s != nil) != inside || len(r.Target.URI.Headers) > 0 {
									t.Errorf("%v %+v", s, r.Target)
								}
								r.Accept()
								r.Notify(200, "")
							}
						}
					})
					s := w.script(p)
					l := line{method: "REFER", callID: "r", from: "<sip:x@y>;tag=1", to: "<sip:phone@z>", cseq: 7}
					if inside {
						call := s.call("c", "", peerSDP)
						p.incoming().Answer(local(30000))
						res := s.recv("SIP/2.0 200")
						s.request(call.in(res, "ACK", 10))
						l = call.in(res, "REFER", 11)
					}
					l.extra = tc.extra
					s.request(l)
					if m := s.recv("SIP/2.0"); m.code() != tc.want {
						t.Fatalf("%s, want %d", m.start, tc.want)
					}
				})
			})
		}
	}
}

func TestTheTransferorIsToldStepByStepInOrder(t *testing.T) {
	for _, inside := range []bool{true, false} {
		virtually(t, func(t *testing.T, w *world) {
			refers := make(chan *Refer, 1)
			p := w.phone("phone", func(c *Config) { c.Refer = func(_ *Session, r *Refer) { refers <- r } })
			s, target := w.script(p), w.script(p)
			l := line{method: "REFER", callID: "r", from: "<sip:boss@y>;tag=1", to: "<sip:phone@z>", cseq: 7}
			if inside {
				call := s.call("c", "", peerSDP)
				p.incoming().Answer(local(30000))
				res := s.recv("SIP/2.0 200")
				s.request(call.in(res, "ACK", 10))
				l = call.in(res, "REFER", 11)
			}
			l.extra = "Refer-To: <" + target.uri().String() + "?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&Route=%3Csip:evil%3E&X-Evil=1>\r\nReferred-By: \"Boss\" <sip:boss@y>;cid=\"20@y\"\r\n"
			s.request(l)
			r := <-refers
			if r.Replaces == nil || *r.Replaces != (Replaces{CallID: "a@b", ToTag: "1", FromTag: "2"}) || r.ReferredBy == nil || r.ReferredBy.Display != "Boss" {
				t.Fatalf("%+v", r)
			}
			r.Accept()
			accepted := s.recv("SIP/2.0 202")
			c := p.ua.Invite(r.Invite(Invite{Flow: p.flow, Dst: target.addr(), From: transaction.Address{URI: p.uri()}, Media: local(22000)}), nil)
			r.Follow(c)
			inv := target.recv("INVITE")
			if inv.get("Referred-By") != `"Boss" <sip:boss@y>;cid="20@y"` || inv.get("Replaces") != "a@b;to-tag=1;from-tag=2" || inv.get("X-Evil") != "" || inv.get("Route") != "" {
				t.Fatalf("%v", inv.h)
			}
			trying := s.recv("NOTIFY")
			if trying.get("Event") != "refer;id="+strings.Fields(accepted.get("Cseq"))[0] || trying.body != "SIP/2.0 100 Trying\r\n" || trying.tag("From") != accepted.tag("To") {
				t.Fatalf("%v %q", trying.h, trying.body)
			}
			target.reply(inv, "180 Ringing", "x", "", "")
			target.reply(inv, "180 Ringing", "x", "", "")
			target.reply(inv, "183 Still\tringing", "x", "", "")
			target.reply(inv, "486 Busy Here", "x", "", "")
			next[Ended](p, c)
			last := trying
			for _, want := range []string{"180 Ringing", "183 Still ringing", "486 Busy Here"} {
				s.reply(last, "200 OK", "", "", "")
				if last = s.recv("NOTIFY"); last.body != "SIP/2.0 "+want+"\r\n" {
					t.Fatalf("%q, want %s", last.body, want)
				}
			}
			if last.get("Subscription-State") != "terminated;reason=noresource" {
				t.Fatalf("%v", last.h)
			}
			s.reply(last, "200 OK", "", "", "")
			r.Notify(200, "")
			s.nothing("the last word was said")
		})
	}
}

func TestASubscriptionOfAReferRunsOutOrIsEnded(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone", func(c *Config) { c.Refer = func(_ *Session, r *Refer) { r.Accept() } })
		s := w.script(p)
		l := line{method: "REFER", callID: "r", from: "<sip:boss@y>;tag=1", to: "<sip:phone@z>", cseq: 7, extra: "Refer-To: <sip:x@y>\r\n"}
		begin := func() msg {
			t.Helper()
			s.request(l)
			res := s.recv("SIP/2.0 202")
			s.reply(s.recv("NOTIFY"), "200 OK", "", "", "")
			return res
		}
		begin()
		started := time.Now()
		n := s.recv("NOTIFY")
		if n.get("Subscription-State") != "terminated;reason=timeout" || n.body != "SIP/2.0 100 Trying\r\n" || n.at.Sub(started) != referExpires {
			t.Fatalf("%v %v", n.h, n.at.Sub(started))
		}
		s.reply(n, "200 OK", "", "", "")
		l.callID = "r2"
		res := begin()
		again := l.in(res, "SUBSCRIBE", 8)
		again.extra = "Event: refer;id=7\r\nExpires: 600\r\n"
		s.request(again)
		if m := s.recv("SIP/2.0 200"); m.get("Expires") != "600" {
			t.Fatalf("%v", m.h)
		}
		s.reply(s.recv("NOTIFY"), "200 OK", "", "", "")
		off := l.in(res, "SUBSCRIBE", 9)
		off.extra = "Event: refer\r\nExpires: 0\r\n"
		s.request(off)
		if n := s.recv("NOTIFY"); n.get("Subscription-State") != "terminated;reason=timeout" {
			t.Fatalf("%v", n.h)
		} else {
			s.reply(n, "200 OK", "", "", "")
		}
		s.request(off.in(res, "SUBSCRIBE", 10))
		s.recv("SIP/2.0 481")
		l.callID = "r3"
		s.request(l)
		s.recv("SIP/2.0 202")
		s.reply(s.recv("NOTIFY"), "481 Who?", "", "", "") // it does not care
		time.Sleep(time.Hour)
		s.nothing("nobody listens")
		p.ua.loop.run(func() {
			if len(p.ua.usages)+len(p.ua.refers) > 0 {
				t.Error("something is left")
			}
		})
	})
}

func TestAReferOutsideMayNameTheCallThatItMeans(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		got := make(chan *Session, 2)
		p := w.phone("phone", func(c *Config) { c.Refer = func(s *Session, r *Refer) { got <- s; r.Reject(403, "") } })
		s := w.script(p)
		s.call("c", "", peerSDP)
		call := p.incoming()
		call.Answer(local(30000))
		res := s.recv("SIP/2.0 200")
		for _, tc := range []struct {
			tag  string
			want *Session
		}{{res.tag("To"), call}, {"guessed", nil}} {
			s.request(line{method: "REFER", callID: "r" + tc.tag, from: "<sip:boss@y>;tag=1", to: "<sip:phone@z>", cseq: 7,
				extra: "Refer-To: <sip:x@y>\r\nTarget-Dialog: c;local-tag=peer1;remote-tag=" + tc.tag + "\r\n"})
			s.recv("SIP/2.0 403")
			if s := <-got; s != tc.want {
				t.Errorf("%s: %v", tc.tag, s)
			}
		}
	})
}

func TestTransfersThatPileUpAreRefused(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone", func(c *Config) { c.Refer = func(_ *Session, r *Refer) { r.Accept() } })
		s := w.script(p)
		for i := range maxRefers + 1 {
			s.request(line{method: "REFER", callID: "r" + string(rune('a'+i)), from: "<sip:boss@y>;tag=1", to: "<sip:phone@z>", cseq: 7, extra: "Refer-To: <sip:x@y>\r\n"})
			if m := s.recv("SIP/2.0"); (m.code() == 202) != (i < maxRefers) {
				t.Fatalf("%d: %s", i, m.start)
			}
		}
	})
}

func TestAnExchangeMayPressTheKeys(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		trusted := true
		p := w.phone("phone", func(c *Config) { c.Asked = func(*Session, *transaction.Request) bool { return trusted } })
		s := w.script(p)
		l := s.call("c", "", peerSDP)
		c := p.incoming()
		ringing := s.recv("SIP/2.0 180")
		if !strings.Contains(ringing.get("Allow-Events"), "talk") {
			t.Fatalf("%v", ringing.h)
		}
		cseq := 10
		ask := func(event string, want int) {
			t.Helper()
			cseq++
			n := l.in(ringing, "NOTIFY", cseq)
			n.extra = "Event: " + event + "\r\n"
			s.request(n)
			for m := s.recv("SIP/2.0"); ; m = s.recv("SIP/2.0") {
				if m.cseq() == cseq {
					if m.code() != want {
						t.Fatalf("%s: %s", event, m.start)
					}
					return
				}
			}
		}
		wish := func(want Wish) {
			t.Helper()
			if e := next[Asked](p, c); e.What != want {
				t.Fatalf("%+v", e)
			}
		}
		ask("hold", 480)
		trusted = false
		ask("talk", 403)
		trusted = true
		ask("talk", 200)
		wish(WishAnswer)
		c.Answer(local(30000))
		s.request(l.in(s.recv("SIP/2.0 200"), "ACK", 10))
		next[Confirmed](p, c)
		ask("HOLD", 200)
		wish(WishHold)
		ask("talk", 200)
		wish(WishResume)
		ask("as-feature-event", 481)
	})
}
