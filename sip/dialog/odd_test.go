package dialog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"offhook/sip/transaction"
)

const challenge = "WWW-Authenticate: Digest realm=\"x\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"\r\n"

func TestTheAnswerMayOvertakeTheResponseToPRACKAndAChallengedPRACKGoesOnInTheCall(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone", reliableConfig(ReliableSupported), func(c *Config) {
			c.Digest = transaction.NewDigest(transaction.Credentials{Username: "phone", Password: "secret"})
		})
		s := w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		s.reply(inv, "183 Progress", "t1", reliable(1), peerSDP)
		prack := s.recv("PRACK")
		s.reply(inv, "200 OK", "t1", "", "")
		s.recv("ACK")
		next[Confirmed](p, c)
		c.Hold()
		hold := s.recv("INVITE")
		s.reply(hold, "200 OK", "", "", heldSDP)
		s.recv("ACK")
		s.reply(prack, "401 Unauthorized", "", challenge, "")
		again := s.recv("PRACK")
		if again.cseq() <= hold.cseq() || again.get("RAck") != prack.get("RAck") || again.get("Authorization") == "" {
			t.Fatal(again.h)
		}
		s.reply(again, "200 OK", "", "", "")
		c.End("")
		bye := s.recv("BYE")
		if bye.cseq() != again.cseq()+1 {
			t.Fatalf("BYE %d after PRACK %d", bye.cseq(), again.cseq())
		}
		s.reply(bye, "200 OK", "", "", "")
		p.settled()
	})
}

func TestAnUPDATEInAnEarlyDialogGoesByWhatThatOneHasAgreed(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone", reliableConfig(ReliableSupported)), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		s.reply(inv, "183 Progress", "t1", "", peerSDP) // an answer that may be lost binds nobody
		s.reply(inv, "183 Progress", "t2", reliable(1), peerSDP)
		s.reply(s.recv("PRACK"), "200 OK", "", "", "")
		for i, tc := range []struct {
			tag, body string
			want      int
		}{
			{"t1", peerSDP, 491}, {"t2", peerSDP, 200}, {"t2", strings.Replace(peerSDP, "RTP/AVP 0 101", "RTP/AVP 18", 1), 488},
			{"t2", "v=9", 400}, {"t1", "", 200}, {"t3", "", 481},
		} {
			u := line{method: "UPDATE", callID: inv.get("Call-Id"), from: inv.get("To") + ";tag=" + tc.tag, to: inv.get("From"), cseq: i + 1, body: tc.body}
			s.request(u)
			if m := s.recv("SIP/2.0"); m.code() != tc.want {
				t.Errorf("%+v: %s", tc, m.start)
			}
		}
		s.reply(inv, "183 Progress", "t2", reliable(2)+"Contact: <sip:new@"+s.addr().String()+">\r\n", "")
		if m := s.recv("PRACK"); !strings.HasPrefix(m.start, "PRACK sip:new@") {
			t.Fatal(m.start)
		}
		c.End("")
		next[Ended](p, c)
	})
}

func TestA200WithAForeignBodyEndsTheCall(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri())
		s.reply(s.recv("INVITE"), "200 OK", "t1", "Content-Type: text/plain\r\n", "hello")
		s.recv("ACK")
		s.reply(s.recv("BYE"), "200 OK", "", "", "")
		if e := next[Ended](p, c); e.Cause != CauseNoMedia {
			t.Fatalf("%+v", e)
		}
	})
}

func TestACallGivenUpWhileAReliableResponseWaitsIsQuiet(t *testing.T) {
	for name, end := range map[string]func(s *script, c *Session, l line, early msg){
		"CANCEL": func(s *script, c *Session, l line, _ msg) {
			l.method, l.extra, l.body = "CANCEL", "", ""
			s.request(l)
			s.recv("SIP/2.0 487")
			l.method = "ACK"
			s.request(l)
		},
		"BYE": func(s *script, c *Session, l line, early msg) {
			s.request(l.in(early, "BYE", 11))
			s.recv("SIP/2.0 200")
			s.recv("SIP/2.0 487")
			l.method, l.extra, l.body = "ACK", "", ""
			s.request(l)
		},
		"ours": func(s *script, c *Session, l line, _ msg) {
			c.Reject(486, "")
			s.recv("SIP/2.0 486")
			l.method, l.extra, l.body = "ACK", "", ""
			s.request(l)
		},
	} {
		virtually(t, func(t *testing.T, w *world) {
			p := w.phone("phone")
			p.ring = false
			s := w.script(p)
			l := s.call("c1", "Require: 100rel\r\n", peerSDP)
			c := p.incoming()
			media := local(30000)
			c.Progress(183, "", &media)
			early := s.recv("SIP/2.0 183")
			c.Answer(media) // waits for the PRACK
			c.Progress(182, "", nil)
			end(s, c, l, early)
			next[Ended](p, c)
			time.Sleep(time.Minute)
			s.nothing(name + ": the call is over")
			s.prack(l, early, 20, "")
			s.recv("SIP/2.0 481")
			p.quiet(c)
			p.settled()
		})
	}
}

func TestAFloodOfReliableResponsesIsNotAnsweredByAFloodOfPRACKs(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone", reliableConfig(ReliableSupported)), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		for i := range 200 {
			s.reply(inv, "183 Progress", "t1", reliable(i+1), "")
			s.reply(inv, "183 Progress", fmt.Sprint("f", i), reliable(1), "")
			time.Sleep(time.Microsecond)
		}
		time.Sleep(100 * time.Millisecond)
		seen := map[string]bool{}
		for len(s.in) > 0 {
			if m := parseMsg(t, (<-s.in).data); strings.HasPrefix(m.start, "PRACK") {
				seen[m.tag("To")+m.get("RAck")] = true
			}
		}
		if len(seen) > 64+maxRunning || len(seen) < 64 {
			t.Fatalf("%d PRACKs", len(seen))
		}
		c.End("")
		next[Ended](p, c)
	})
}

func TestTwoUPDATEsInARowAndOneAcrossOurReInviteAreAnsweredEachByItsRule(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c, inv := up(t, p, s, allowsUpdate)
		for i := range 2 {
			u := back(inv, "UPDATE", i+1)
			u.body = theirSDP("1", "192.0.2.77", 47000+2*i, "0")
			s.request(u)
		}
		for i := range 2 {
			if m := s.recv("SIP/2.0"); m.code() != 200 || m.cseq() != i+1 {
				t.Fatal(m.start, m.h)
			}
		}
		c.Hold()
		hold := s.recv("INVITE")
		u := back(inv, "UPDATE", 3)
		u.body = peerSDP
		s.request(u)
		s.recv("SIP/2.0 491")
		u = back(inv, "UPDATE", 4) // without an offer nothing collides
		s.request(u)
		s.recv("SIP/2.0 200")
		s.reply(hold, "500 Server Internal Error", "", "Retry-After: 5\r\n", "") // they have an offer of their own
		ack := s.recv("ACK")
		again := s.recv("INVITE")
		if d := again.at.Sub(ack.at); d < 5*time.Second || d > 5*time.Second+time.Millisecond {
			t.Fatalf("tried again after %v", d)
		}
		s.reply(again, "500 Server Internal Error", "", "Retry-After: 3600\r\n", "") // nobody waits that long
		if r := next[Refused](p, c); r.Op != OpHold || r.Code != 500 {
			t.Fatalf("%+v", r)
		}
	})
}
