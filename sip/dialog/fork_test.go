package dialog

import (
	"strings"
	"testing"
	"time"
)

func TestForksThatAnswerLateAreAcknowledgedAndEnded(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second, 20 * time.Second, 31 * time.Second, 40 * time.Second} {
		virtually(t, func(t *testing.T, w *world) {
			p, s := w.phone("phone"), w.script(nil)
			c, inv := up(t, p, s, "")
			time.Sleep(after)
			s.reply(inv, "200 OK", "late", "", peerSDP)
			ack, bye := s.recv("ACK"), s.recv("BYE")
			if ack.tag("To") != "late" || bye.tag("To") != "late" || ack.cseq() != inv.cseq() || bye.cseq() != inv.cseq()+1 {
				t.Fatalf("%v: %v %v", after, ack.h, bye.h)
			}
			s.reply(inv, "200 OK", "late", "", peerSDP) // its ACK was lost
			if m := s.recv("ACK", "BYE"); m.tag("To") != "late" || !strings.HasPrefix(m.start, "ACK") {
				t.Fatalf("%v", m)
			}
			s.reply(bye, "200 OK", "", "", "")
			p.quietSo(c)
			c.End("")
			if bye := s.recv("BYE"); bye.tag("To") != "t1" {
				t.Fatalf("%v", bye.h)
			} else {
				s.reply(bye, "200 OK", "", "", "")
			}
			p.settled()
		})
	}
}

func TestAForkThatAnswersAfterTheCallIsOverIsEndedToo(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c, inv := up(t, p, s, "")
		c.End("")
		s.reply(s.recv("BYE"), "200 OK", "", "", "")
		time.Sleep(30 * time.Second)
		s.reply(inv, "200 OK", "late", "", peerSDP)
		s.recv("ACK")
		s.reply(s.recv("BYE"), "200 OK", "", "", "")
		p.settled()
	})
}

func TestEarlyMediaFollowTheForkThatSpokeLast(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		port := func(n string) string { return strings.Replace(peerSDP, "40000", n, 1) }
		hear := func(want uint16) {
			t.Helper()
			if m := next[MediaChanged](p, c).Media; m.Remote.Port() != want {
				t.Fatalf("hears %v, want port %d", m.Remote, want)
			}
		}
		s.reply(inv, "183 Session Progress", "t1", "", port("41000"))
		hear(41000)
		s.reply(inv, "183 Session Progress", "t2", "", port("42000"))
		hear(42000)
		s.reply(inv, "180 Ringing", "t3", "", "")
		if e := next[Progress](p, c); !e.EarlyMedia { // of the first fork
			t.Fatalf("%+v", e)
		}
		s.reply(inv, "200 OK", "t1", "", "") // what it said in its 183 holds
		hear(41000)
		next[Answered](p, c)
		s.recv("ACK")
		s.reply(inv, "200 OK", "t2", "", "")
		s.recv("ACK")
		s.reply(s.recv("BYE"), "200 OK", "", "", "")
		p.quietSo(c)
	})
}

func TestRequestsOfAnEarlyForkAreAnsweredWithoutHarm(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		s.reply(inv, "180 Ringing", "t1", "", "")
		s.reply(inv, "180 Ringing", "t2", "", "")
		next[Progress](p, c)
		next[Progress](p, c)
		update := back(inv, "UPDATE", 5)
		update.body = peerSDP
		s.request(update)
		s.recv("SIP/2.0 491") // our offer is open
		stranger := back(inv, "UPDATE", 5)
		stranger.from = strings.Replace(stranger.from, "t1", "t9", 1)
		s.request(stranger)
		s.recv("SIP/2.0 481")
		bye := back(inv, "BYE", 6) // an early dialog is ended by its owner; the other still rings
		s.request(bye)
		s.recv("SIP/2.0 200")
		s.reply(inv, "200 OK", "t2", "", peerSDP)
		s.recv("ACK")
		next[Answered](p, c)
	})
}
