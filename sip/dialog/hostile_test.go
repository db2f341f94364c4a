package dialog

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/transaction"
)

// taken is a call of a script to a phone, answered and confirmed.
func taken(p *phone, s *script, callID string) (c *Session, l line, res msg) {
	p.t.Helper()
	l = s.call(callID, "", peerSDP)
	c = p.incoming()
	c.Answer(local(30000))
	res = s.recv("SIP/2.0 200")
	s.request(l.in(res, "ACK", l.cseq))
	next[Confirmed](p, c)
	return c, l, res
}

func TestTheSameReInviteTwiceIsOneUnansweredAnswer(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		c, l, res := taken(p, s, "c1")
		re := l.in(res, "INVITE", 11)
		re.body = peerSDP
		s.request(re)
		s.recv("SIP/2.0 200")
		again := re
		again.branch = "z9hG4bKanother" // as if it were a new one
		s.request(again)
		if m := s.recv("SIP/2.0 500"); m.get("Retry-After") == "" {
			t.Fatalf("%v", m.h)
		}
		s.request(l.in(res, "ACK", 11))
		time.Sleep(time.Minute)
		p.quietSo(c) // no second answer waits for an ACK that nobody owes
		s.request(l.in(res, "BYE", 12))
		s.recv("SIP/2.0 200")
		next[Ended](p, c)
		p.settled()
	})
}

func TestReInvitesWithoutACKDoNotPileUp(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		c, l, res := taken(p, s, "c1")
		refused := 0
		for i := range 20 {
			re := l.in(res, "INVITE", 11+i)
			re.body = peerSDP
			s.request(re)
			if m := s.recv("SIP/2.0 2", "SIP/2.0 5"); m.code() == 500 {
				refused++
				re.method, re.body, re.kind, re.to = "ACK", "", "", m.get("To")
				s.request(re)
			}
		}
		if refused != 20-maxUnacked {
			t.Fatalf("%d of 20 refused", refused)
		}
		for i := range maxUnacked {
			s.request(l.in(res, "ACK", 11+i))
		}
		s.request(l.in(res, "BYE", 99))
		next[Ended](p, c)
		p.settled()
	})
}

func TestCredentialsAreNotShownToStrangers(t *testing.T) {
	for _, foreign := range []bool{true, false} {
		virtually(t, func(t *testing.T, w *world) {
			d := transaction.NewDigest(transaction.Credentials{Username: "alice", Password: "secret"})
			p, s := w.phone("alice", func(c *Config) { c.Digest = d }), w.script(nil)
			c := p.invite(s.uri(), func(in *Invite) { in.Foreign = foreign })
			inv := s.recv("INVITE")
			s.reply(inv, "401 Unauthorized", "t0", "WWW-Authenticate: Digest realm=\"anything\", nonce=\"n\"\r\n", "")
			if !foreign {
				for again := s.recv("INVITE"); again.get("Authorization") == ""; again = s.recv("INVITE") {
				}
				return
			}
			s.recv("ACK")
			if e := next[Ended](p, c); e.Code != 401 || e.Cause != CauseRejected {
				t.Fatalf("%+v", e)
			}
			s.nothing("a challenge of a stranger is a refusal")
		})
	}
}

func TestMessagesWithoutWhatADialogNeedsDoNoHarm(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		head := func(method, from, to, extra string) string {
			return fmt.Sprintf("%s sip:phone@%v SIP/2.0\r\nVia: SIP/2.0/UDP %v;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
				method, s.to, s.addr(), transaction.NewTag(), from, to, transaction.NewCallID(), method, extra)
		}
		for _, tc := range []struct {
			name, text string
			want       int
		}{
			{"no Contact", head("INVITE", "<sip:a@b>;tag=1", "<sip:p@b>", ""), 400},
			{"Contact *", head("INVITE", "<sip:a@b>;tag=1", "<sip:p@b>", "Contact: *\r\n"), 400},
			{"Contact with a number", head("INVITE", "<sip:a@b>;tag=1", "<sip:p@b>", "Contact: <tel:123>\r\n"), 400},
			{"no From tag", head("INVITE", "<sip:a@b>", "<sip:p@b>", "Contact: <sip:a@b>\r\n"), 400},
			{"a To tag of nobody", head("INVITE", "<sip:a@b>;tag=1", "<sip:p@b>;tag=x", "Contact: <sip:a@b>\r\n"), 481},
			{"CSeq too high", strings.Replace(head("INVITE", "<sip:a@b>;tag=1", "<sip:p@b>", "Contact: <sip:a@b>\r\n"), "CSeq: 1 ", "CSeq: 4294967296 ", 1), 400},
			{"CSeq below zero", strings.Replace(head("INVITE", "<sip:a@b>;tag=1", "<sip:p@b>", "Contact: <sip:a@b>\r\n"), "CSeq: 1 ", "CSeq: -1 ", 1), 400},
			{"BYE of nobody", head("BYE", "<sip:a@b>;tag=1", "<sip:p@b>;tag=x", ""), 481},
			{"a huge header", head("OPTIONS", "<sip:a@b>;tag=1", "<sip:p@b>", "X-Big: "+strings.Repeat("x", 40000)+"\r\n"), 400},
			{"many headers", head("OPTIONS", "<sip:a@b>;tag=1", "<sip:p@b>", strings.Repeat("X: y\r\n", 600)), 400},
			{"a huge Call-ID", strings.Replace(head("INVITE", "<sip:a@b>;tag=1", "<sip:p@b>", "Contact: <sip:a@b>\r\n"), "Call-ID: ", "Call-ID: "+strings.Repeat("x", 1024), 1), 400},
			{"OPTIONS", head("OPTIONS", "<sip:a@b>;tag=1", "<sip:p@b>", ""), 200},
		} {
			s.send(tc.text)
			if m := s.recv("SIP/2.0"); m.code() != tc.want {
				t.Errorf("%s: %s, want %d", tc.name, m.start, tc.want)
			}
		}
		s.send(head("ACK", "<sip:a@b>;tag=1", "<sip:p@b>;tag=x", "")) // an ACK is never answered
		s.nothing("an ACK of nobody")
		if len(p.calls) != 0 {
			t.Fatalf("%d calls rang", len(p.calls))
		}
	})
}

func TestAnswersWithoutWhatADialogNeedsDoNoHarm(t *testing.T) {
	for _, tc := range []struct{ name, tag, extra string }{
		{"no Contact", "t1", "X-Contact: none\r\n"}, {"no To tag", "", ""}, {"neither", "", "X-Contact: none\r\n"},
		{"an unreadable Contact", "t1", "Contact: <<>\r\n"},
	} {
		virtually(t, func(t *testing.T, w *world) {
			p, s := w.phone("phone"), w.script(nil)
			c := p.invite(s.uri())
			inv := s.recv("INVITE")
			s.reply(inv, "183 Session Progress", tc.tag, tc.extra, peerSDP)
			s.reply(inv, "200 OK", tc.tag, tc.extra, peerSDP)
			s.recv("ACK sip:peer@")
			next[Confirmed](p, c)
			c.Hold()
			s.reply(s.recv("INVITE"), "200 OK", tc.tag, tc.extra, heldSDP)
			s.recv("ACK")
			next[HoldChanged](p, c)
			c.End("")
			s.reply(s.recv("BYE"), "200 OK", "", "", "")
			next[Ended](p, c)
			p.settled()
		})
	}
}

func TestAMultipleChoiceIsARefusalWithItsCode(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri())
		s.reply(s.recv("INVITE"), "302 Moved Temporarily", "t1", "Contact: <sip:other@192.0.2.99>\r\n", "")
		s.recv("ACK")
		if e := next[Ended](p, c); e.Code != 302 || e.Cause != CauseRejected || len(e.Response.Contact) != 1 {
			t.Fatalf("%+v", e)
		}
		s.nothing("nobody is called whom the agent did not call")
	})
}

func TestHoldWhileTheFarEndHoldsUs(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		c, l, res := taken(p, s, "c1")
		re := l.in(res, "INVITE", 11)
		re.body = strings.Replace(peerSDP, "a=rtpmap", "a=sendonly\r\na=rtpmap", 1)
		s.request(re)
		if m := s.recv("SIP/2.0 200"); !strings.Contains(m.body, "a=recvonly") {
			t.Fatal(m.body)
		}
		s.request(l.in(res, "ACK", 11))
		if h := next[HoldChanged](p, c); h.ByUs || !h.ByThem {
			t.Fatalf("%+v", h)
		}
		c.Hold()
		inv := s.recv("INVITE")
		if !strings.Contains(inv.body, "a=sendonly") {
			t.Fatal(inv.body)
		}
		s.reply(inv, "200 OK", "", "", strings.Replace(peerSDP, "a=rtpmap", "a=inactive\r\na=rtpmap", 1))
		s.recv("ACK")
		if h := next[HoldChanged](p, c); !h.ByUs || !h.ByThem {
			t.Fatalf("%+v", h)
		}
		c.Resume()
		inv = s.recv("INVITE")
		if !strings.Contains(inv.body, "a=sendrecv") {
			t.Fatal(inv.body)
		}
		s.reply(inv, "200 OK", "", "", strings.Replace(peerSDP, "a=rtpmap", "a=sendonly\r\na=rtpmap", 1)) // they still hold
		s.recv("ACK")
		if h := next[HoldChanged](p, c); h.ByUs || !h.ByThem {
			t.Fatalf("%+v", h)
		}
		re = l.in(res, "INVITE", 12)
		re.body = peerSDP
		s.request(re)
		if h := next[HoldChanged](p, c); h.ByUs || h.ByThem {
			t.Fatalf("%+v", h)
		}
	})
}

func TestTwoHundredCallsLeaveNothingBehind(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		a, b := w.phone("alice"), w.phone("bob")
		synctest.Wait()
		base := goroutines()
		for i := range 200 {
			ours := a.invite(b.uri())
			theirs := b.incoming()
			switch i % 4 {
			case 0, 1:
				theirs.Answer(local(30000))
				next[Confirmed](a, ours)
				next[Confirmed](b, theirs)
				if i%4 == 0 {
					ours.Hold()
					next[HoldChanged](b, theirs)
					next[HoldChanged](a, ours)
				}
				ours.End("")
			case 2:
				theirs.Reject(486, "")
			case 3:
				next[Progress](a, ours)
				ours.End("")
			}
			next[Ended](a, ours)
			next[Ended](b, theirs)
		}
		a.settled()
		b.settled()
		synctest.Wait()
		if n := goroutines(); n > base {
			t.Errorf("%d goroutines, %d before", n, base)
		}
	})
}

// goroutines counts those that have not ended. runtime.NumGoroutine reads its counters while ended ones move between them, and is
// now and then wrong by dozens; for a list of them the world stops.
func goroutines() int {
	all := make([]byte, 1<<20)
	return strings.Count("\n"+string(all[:runtime.Stack(all, true)]), "\ngoroutine ")
}

func TestADialogThatIsDeniedWhileItRingsIsAnsweredAllTheSame(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		s.call("c1", "", peerSDP)
		c := p.incoming()
		c.Send("INFO", nil, "", nil, nil)
		s.reply(s.recv("INFO"), "481 Never heard of it", "", "", "")
		m := s.recv("SIP/2.0 487")
		s.request(line{method: "ACK", callID: "c1", from: m.get("From"), to: m.get("To"), cseq: 10, branch: "z9hG4bKc1"})
		if e := next[Ended](p, c); e.Cause != CauseNetwork || e.Code != 481 {
			t.Fatalf("%+v", e)
		}
		p.settled()
	})
}
