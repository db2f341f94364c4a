package dialog

import (
	"strings"
	"testing"
	"time"
)

var heldSDP = strings.Replace(peerSDP, "a=rtpmap", "a=recvonly\r\na=rtpmap", 1)

func TestAfter491TheOwnerOfTheCallIDWaitsLonger(t *testing.T) {
	for _, tc := range []struct {
		ours        bool
		least, most time.Duration
	}{{true, 2100 * time.Millisecond, 4 * time.Second}, {false, 0, 2 * time.Second}} {
		virtually(t, func(t *testing.T, w *world) {
			p := w.phone("phone")
			s := w.script(p)
			var c *Session
			if tc.ours {
				c, _ = up(t, p, s, "")
			} else {
				l := s.call("c1", "", peerSDP)
				c = p.incoming()
				c.Answer(local(30000))
				s.request(l.in(s.recv("SIP/2.0 200"), "ACK", 10))
				next[Confirmed](p, c)
			}
			c.Hold()
			last := s.recv("INVITE")
			for range maxGlare {
				s.reply(last, "491 Request Pending", "", "", "")
				ack := s.recv("ACK")
				again := s.recv("INVITE")
				if d := again.at.Sub(ack.at); d < tc.least || d > tc.most || again.cseq() != last.cseq()+1 {
					t.Fatalf("owner %v: tried again after %v, CSeq %d after %d", tc.ours, d, again.cseq(), last.cseq())
				}
				last = again
			}
			s.reply(last, "491 Request Pending", "", "", "") // for ever is too long
			if r := next[Refused](p, c); r.Op != OpHold || r.Code != 491 {
				t.Fatalf("%+v", r)
			}
			c.End("")
			s.reply(s.recv("BYE"), "200 OK", "", "", "")
			p.settled()
		})
	}
}

func TestOffersThatCrossOursAreAnswered491(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		c, inv := up(t, p, s, "")
		c.Hold()
		ours := s.recv("INVITE")
		cseq := 0
		for _, tc := range []struct {
			method, body string
			want         int
		}{{"INVITE", peerSDP, 491}, {"INVITE", "", 491}, {"UPDATE", peerSDP, 491}, {"UPDATE", "", 200}} {
			cseq++
			l := back(inv, tc.method, cseq)
			l.branch, l.body = "z9hG4bK"+tc.method+tc.body[:min(1, len(tc.body))], tc.body
			s.request(l)
			if m := s.recv("SIP/2.0 2", "SIP/2.0 4"); m.code() != tc.want {
				t.Fatalf("%s %q: %s", tc.method, tc.body, m.start)
			}
			if tc.method == "INVITE" {
				l.method, l.body, l.kind = "ACK", "", ""
				s.request(l)
			}
		}
		s.reply(ours, "200 OK", "", "", heldSDP)
		s.recv("ACK")
		if h := next[HoldChanged](p, c); !h.ByUs || h.ByThem {
			t.Fatalf("%+v", h)
		}
	})
}

func TestAnOfferWhileOursWaitsForItsAnswerInTheACKIsAnswered491(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		c, inv := up(t, p, s, "")
		late := back(inv, "INVITE", 1)
		s.request(late)
		ok := s.recv("SIP/2.0 200")
		if !strings.Contains(ok.body, "m=audio") {
			t.Fatalf("no offer:\n%s", ok.body)
		}
		update := back(inv, "UPDATE", 2)
		update.body = peerSDP
		s.request(update)
		s.recv("SIP/2.0 491")
		c.Hold() // waits too
		s.nothing("the offer is still open")
		ack := back(inv, "ACK", 1)
		ack.body = peerSDP
		s.request(ack)
		s.reply(s.recv("INVITE"), "200 OK", "", "", heldSDP)
		if h := next[HoldChanged](p, c); !h.ByUs {
			t.Fatalf("%+v", h)
		}
	})
}

func TestTwoHoldsAtTheSameMomentBothSucceed(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		a, b := w.phone("alice"), w.phone("bob")
		ours, theirs := connected(t, a, b)
		ours.Hold()
		theirs.Hold()
		both := HoldChanged{ByUs: true, ByThem: true}
		for next[HoldChanged](a, ours) != both {
		}
		for next[HoldChanged](b, theirs) != both {
		}
	})
}

func TestAReInviteThatIsNeverAnsweredIsCancelled(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c, _ := up(t, p, s, "")
		c.Hold()
		inv := s.recv("INVITE")
		s.reply(inv, "100 Trying", "", "", "")
		cancel := s.recv("CANCEL")
		if cancel.at.Sub(inv.at) != modifyTime || cancel.cseq() != inv.cseq() {
			t.Fatalf("%v after %v", cancel.h, cancel.at.Sub(inv.at))
		}
		s.reply(cancel, "200 OK", "", "", "")
		s.reply(inv, "487 Request Terminated", "", "", "")
		s.recv("ACK")
		if r := next[Refused](p, c); r.Op != OpHold || r.Code != 487 {
			t.Fatalf("%+v", r)
		}
		c.Hold()
		s.reply(s.recv("INVITE"), "100 Trying", "", "", "")
		c.End("") // in the middle of it
		s.reply(s.recv("BYE"), "200 OK", "", "", "")
		p.settled()
	})
}
