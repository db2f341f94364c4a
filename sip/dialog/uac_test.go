package dialog

import (
	"fmt"
	"strings"
	"testing"

	"offhook/sip/transaction"
)

func TestForksAreAllAcknowledgedAndAllButOneEnded(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		fork := func(n int) string { return fmt.Sprintf("Contact: <sip:fork%d@%v>\r\n", n, s.addr()) }
		s.reply(inv, "180 Ringing", "t1", fork(1), "")
		s.reply(inv, "183 Session Progress", "t2", fork(2), strings.Replace(peerSDP, "40000", "42000", 1))
		if m := next[MediaChanged](p, c).Media; m.Remote.Port() != 42000 {
			t.Fatalf("%+v", m)
		}
		if e := next[Progress](p, c); e.Code != 183 || !e.EarlyMedia {
			t.Fatalf("%+v", e)
		}
		s.reply(inv, "199 Early Dialog Terminated", "t2", "", "")
		if e := next[Progress](p, c); e.Code != 199 || e.EarlyMedia {
			t.Fatalf("%+v", e)
		}
		s.reply(inv, "200 OK", "t1", fork(1), strings.Replace(peerSDP, "40000", "41000", 1))
		s.reply(inv, "200 OK", "t3", fork(3), strings.Replace(peerSDP, "40000", "43000", 1))
		acks, byes := map[string]int{}, map[string]msg{}
		for len(acks) < 2 || len(byes) < 1 {
			m := s.recv("ACK", "BYE")
			if m.cseq() != inv.cseq() && strings.HasPrefix(m.start, "ACK") {
				t.Fatalf("ACK with %s", m.get("CSeq"))
			}
			if strings.HasPrefix(m.start, "ACK") {
				acks[m.tag("To")]++
				if want := "ACK sip:fork" + m.tag("To")[1:] + "@"; !strings.HasPrefix(m.start, want) {
					t.Fatalf("%q, want %q", m.start, want)
				}
			} else {
				byes[m.tag("To")] = m
				s.reply(m, "200 OK", "", "", "")
			}
		}
		if _, ok := byes["t3"]; !ok || acks["t1"] == 0 || acks["t3"] == 0 {
			t.Fatalf("acks %v, byes %v", acks, byes)
		}
		if m := next[MediaChanged](p, c).Media; m.Remote.Port() != 41000 {
			t.Fatalf("the winner's media are %+v", m)
		}
		next[Confirmed](p, c)
		s.reply(inv, "200 OK", "t1", fork(1), strings.Replace(peerSDP, "40000", "41000", 1)) // a repetition
		if m := s.recv("ACK"); m.tag("To") != "t1" {
			t.Fatalf("%v", m.h)
		}
		s.reply(inv, "200 OK", "t3", fork(3), strings.Replace(peerSDP, "40000", "43000", 1))
		if m := s.recv("ACK", "BYE"); m.tag("To") != "t3" || strings.HasPrefix(m.start, "BYE") {
			t.Fatalf("%v", m)
		}
		c.End("")
		if m := s.recv("BYE"); m.tag("To") != "t1" {
			t.Fatalf("%v", m.h)
		} else {
			s.reply(m, "200 OK", "", "", "")
		}
	})
}

func TestA200ThatCrossesOurCancelIsAcknowledgedAndEnded(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		s.reply(inv, "180 Ringing", "t1", "", "")
		next[Progress](p, c)
		c.End(`SIP;cause=487;text="caller gave up"`)
		cancel := s.recv("CANCEL")
		if cancel.get("Via") != inv.get("Via") || cancel.cseq() != inv.cseq() || cancel.tag("To") != "" || !strings.Contains(cancel.get("Reason"), "cause=487") {
			t.Fatalf("%v", cancel.h)
		}
		s.reply(inv, "200 OK", "t1", "", peerSDP)
		s.reply(cancel, "200 OK", "t1", "", "")
		s.recv("ACK")
		bye := s.recv("BYE")
		s.reply(bye, "200 OK", "", "", "")
		if e := next[Ended](p, c); e.Cause != CauseCancelled || !e.ByUs {
			t.Fatalf("%+v", e)
		}
		p.quiet(c)
	})
}

func TestAnAnswerThatCannotBeUsedEndsTheCall(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		for name, body := range map[string]string{
			"no answer at all": "", "foreign codec": strings.Replace(peerSDP, "RTP/AVP 0 101", "RTP/AVP 18", 1), "noise": "\x00\x01",
		} {
			p := w.phone("phone")
			s := w.script(nil)
			c := p.invite(s.uri())
			inv := s.recv("INVITE")
			s.reply(inv, "200 OK", "t1", "", body)
			s.recv("ACK")
			s.reply(s.recv("BYE"), "200 OK", "", "", "")
			if e := next[Ended](p, c); e.Cause != CauseNoMedia {
				t.Fatalf("%s: %+v", name, e)
			}
		}
	})
}

func TestAnEarlyAnswerIsTheAnswerWhenThe200HasNone(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		s.reply(inv, "183 Session Progress", "t1", "", peerSDP)
		next[MediaChanged](p, c)
		s.reply(inv, "200 OK", "t1", "", "")
		s.recv("ACK")
		if m := next[MediaChanged](p, c).Media; m.Remote.Port() != 40000 {
			t.Fatalf("%+v", m)
		}
		next[Confirmed](p, c)
	})
}

func TestChallengesAreAnsweredAndTheACKCarriesTheCredentials(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		d := transaction.NewDigest(transaction.Credentials{Username: "alice", Password: "secret"})
		p := w.phone("alice", func(c *Config) { c.Digest = d })
		s := w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		s.reply(inv, "407 Proxy Authentication Required", "t0", "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n", "")
		s.recv("ACK")
		again := s.recv("INVITE")
		for again.cseq() == inv.cseq() {
			again = s.recv("INVITE")
		}
		if again.cseq() != inv.cseq()+1 || !strings.Contains(again.get("Proxy-Authorization"), `username="alice"`) || again.get("Call-ID") != inv.get("Call-ID") {
			t.Fatalf("%v", again.h)
		}
		s.reply(again, "200 OK", "t1", "", peerSDP)
		ack := s.recv("ACK")
		if ack.cseq() != again.cseq() || ack.get("Proxy-Authorization") != again.get("Proxy-Authorization") {
			t.Fatalf("%v", ack.h)
		}
		next[Confirmed](p, c)
		c.End("")
		bye := s.recv("BYE")
		if bye.cseq() != again.cseq()+1 {
			t.Fatalf("%v", bye.h)
		}
		s.reply(bye, "401 Unauthorized", "", "WWW-Authenticate: Digest realm=\"q\", nonce=\"m\"\r\n", "")
		if b := s.recv("BYE"); b.cseq() != bye.cseq()+1 || !strings.Contains(b.get("Authorization"), `realm="q"`) {
			t.Fatalf("%v", b.h)
		}
	})
}

func TestARefusalOfOurCredentialsIsTheEnd(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		d := transaction.NewDigest(transaction.Credentials{Username: "alice", Password: "wrong"})
		p := w.phone("alice", func(c *Config) { c.Digest = d })
		s := w.script(nil)
		c := p.invite(s.uri())
		for range 2 {
			inv := s.recv("INVITE")
			s.reply(inv, "401 Unauthorized", "t0", fmt.Sprintf("WWW-Authenticate: Digest realm=\"r\", nonce=\"%s\"\r\n", transaction.NewTag()), "")
			s.recv("ACK")
		}
		if e := next[Ended](p, c); e.Code != 401 || e.Cause != CauseRejected {
			t.Fatalf("%+v", e)
		}
	})
}

// up is a call of the phone to a script, answered.
func up(t *testing.T, p *phone, s *script, extra string) (*Session, msg) {
	t.Helper()
	c := p.invite(s.uri())
	inv := s.recv("INVITE")
	s.reply(inv, "200 OK", "t1", extra, peerSDP)
	s.recv("ACK")
	next[Confirmed](p, c)
	return c, inv
}

// back makes the script's requests in that dialog.
func back(inv msg, method string, cseq int) line {
	return line{method: method, callID: inv.get("Call-Id"), from: inv.get("To") + ";tag=t1", to: inv.get("From"), cseq: cseq}
}

func TestARefusedHoldLeavesTheCallAsItWas(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(nil)
		c, _ := up(t, p, s, "")
		c.Hold()
		s.reply(s.recv("INVITE"), "488 Not Acceptable Here", "", "", "")
		if r := next[Refused](p, c); r.Op != OpHold || r.Code != 488 {
			t.Fatalf("%+v", r)
		}
		c.Hold()
		inv := s.recv("INVITE")
		s.reply(inv, "200 OK", "", "", strings.Replace(peerSDP, "a=rtpmap", "a=recvonly\r\na=rtpmap", 1))
		s.recv("ACK")
		if h := next[HoldChanged](p, c); !h.ByUs {
			t.Fatalf("%+v", h)
		}
		s.reply(inv, "200 OK", "", "", strings.Replace(peerSDP, "a=rtpmap", "a=recvonly\r\na=rtpmap", 1))
		s.recv("ACK") // the repeated 2xx gets it again
	})
}

func TestEachWishForHoldIsAnsweredByAnEventEvenWhenItIsTakenBack(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(nil)
		c, _ := up(t, p, s, "")
		c.Resume() // nothing to resume
		if h := next[HoldChanged](p, c); h.ByUs {
			t.Fatalf("%+v", h)
		}
		c.Hold()
		inv := s.recv("INVITE")
		c.Resume()
		s.reply(inv, "488 Not Acceptable Here", "", "", "") // the hold is refused when nobody wants it any more
		if h := next[HoldChanged](p, c); h.ByUs {
			t.Fatalf("%+v", h)
		}
		c.Hold()
		inv = s.recv("INVITE")
		c.Resume()
		held := strings.Replace(peerSDP, "a=rtpmap", "a=recvonly\r\na=rtpmap", 1)
		s.reply(inv, "200 OK", "", "", held)
		if h := next[HoldChanged](p, c); !h.ByUs {
			t.Fatalf("%+v", h)
		}
		again := s.recv("INVITE")
		for again.cseq() == inv.cseq() {
			again = s.recv("INVITE")
		}
		s.reply(again, "200 OK", "", "", peerSDP)
		if h := next[HoldChanged](p, c); h.ByUs {
			t.Fatalf("%+v", h)
		}
		c.End("")
		next[Ended](p, c)
	})
}

func TestADialogThatTheFarEndHasForgottenIsOver(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		for _, code := range []int{481, 408} {
			p := w.phone("phone")
			s := w.script(nil)
			c, _ := up(t, p, s, "")
			c.Hold()
			s.reply(s.recv("INVITE"), fmt.Sprintf("%d No", code), "", "", "")
			if e := next[Ended](p, c); e.Cause != CauseNetwork || e.Code != code {
				t.Fatalf("%+v", e)
			}
			if code == 408 {
				s.recv("BYE")
			}
		}
	})
}

func TestTheRouteSetOfAnAnswerIsReversed(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(nil)
		rr := fmt.Sprintf("Record-Route: <sip:far.example.com;lr>, <sip:%v;lr>\r\n", s.addr())
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		s.reply(inv, "200 OK", "t1", rr+"Contact: <sip:callee@203.0.113.5>\r\n", peerSDP)
		ack := s.recv("ACK sip:callee@203.0.113.5 ")
		if got := strings.Join(ack.h["Route"], ", "); got != fmt.Sprintf("<sip:%v;lr>, <sip:far.example.com;lr>", s.addr()) {
			t.Fatalf("Route %q", got)
		}
		next[Confirmed](p, c)
	})
}

func TestANotifyMayOvertakeTheAnswerToRefer(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(nil)
		c, inv := up(t, p, s, "")
		c.Transfer(transaction.Address{URI: transaction.URI{Scheme: "sip", User: "carol", Host: "example.com"}}, transaction.Address{URI: p.uri()})
		s.reply(s.recv("INVITE"), "200 OK", "", "", strings.Replace(peerSDP, "a=rtpmap", "a=recvonly\r\na=rtpmap", 1))
		refer := s.recv("REFER")
		if refer.get("Refer-To") != "<sip:carol@example.com>" || !strings.Contains(refer.get("Referred-By"), "phone@") {
			t.Fatalf("%v", refer.h)
		}
		n := back(inv, "NOTIFY", 1)
		n.extra, n.kind, n.body = "Event: refer\r\nSubscription-State: active;expires=60\r\n", "message/sipfrag;version=2.0", "SIP/2.0 180 Ringing\r\n"
		s.request(n)
		s.recv("SIP/2.0 200")
		if e := next[TransferProgress](p, c); e.Code != 180 {
			t.Fatalf("%+v", e)
		}
		s.reply(refer, "200 OK", "", "", "")
		bad := back(inv, "NOTIFY", 2)
		bad.extra, bad.kind, bad.body = n.extra, n.kind, "rubbish"
		s.request(bad)
		s.recv("SIP/2.0 400")
		other := back(inv, "NOTIFY", 3)
		other.extra, other.kind, other.body = "Event: refer;id=999\r\nSubscription-State: active\r\n", n.kind, n.body
		s.request(other)
		s.recv("SIP/2.0 481")
		s.request(back(inv, "BYE", 4)) // some exchanges hang up on us instead of a last NOTIFY
		if e := next[TransferDone](p, c); !e.OK {
			t.Fatalf("%+v", e)
		}
		if e := next[Ended](p, c); e.Cause != CauseTransferred {
			t.Fatalf("%+v", e)
		}
	})
}

func TestATransferWhoseHoldIsRefusedFails(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(nil)
		c, _ := up(t, p, s, "")
		c.Transfer(transaction.Address{URI: p.uri()}, transaction.Address{URI: p.uri()})
		s.reply(s.recv("INVITE"), "500 No", "", "", "")
		if e := next[TransferDone](p, c); e.OK || e.Code != 500 {
			t.Fatalf("%+v", e)
		}
	})
}
