package dialog

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// An element as of RFC 2543 knows no branch, and needs neither tag nor Contact.
func TestACallByTheRulesOfRFC2543IsAWholeCall(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		send := func(method, to string, cseq int, body string) {
			s.send(fmt.Sprintf("%s sip:phone@%v SIP/2.0\r\nVia: SIP/2.0/UDP %v\r\nFrom: <sip:gateway@%v>\r\nTo: %s\r\nCall-ID: old\r\nCSeq: %d %s\r\n%s",
				method, s.to, s.addr(), s.addr(), to, cseq, method, body))
		}
		invite := func() {
			send("INVITE", "sip:phone@example.net;user=phone", 56, "Content-Type: application/sdp\r\n\r\n"+peerSDP)
		}
		invite()
		call := p.incoming()
		s.recv("SIP/2.0 180")
		invite() // a repetition
		s.recv("SIP/2.0 180")
		call.Answer(local(30000))
		ok := s.recv("SIP/2.0 200")
		send("ACK", ok.get("To"), 56, "\r\n")
		next[Confirmed](p, call)
		send("INFO", ok.get("To"), 57, "Content-Type: application/dtmf-relay\r\n\r\nSignal=5\r\n")
		s.recv("SIP/2.0 200")
		if d := next[Digit](p, call); d.Digit != '5' {
			t.Errorf("%+v", d)
		}
		call.Hold()
		hold := s.recv("INVITE sip:gateway@" + s.addr().String())
		if strings.Contains(hold.get("To"), "tag=") {
			t.Errorf("To: %s", hold.get("To"))
		}
		s.reply(hold, "200 OK", "", "", heldSDP)
		s.recv("ACK")
		if h := next[HoldChanged](p, call); !h.ByUs {
			t.Errorf("%+v", h)
		}
		send("BYE", ok.get("To"), 58, "\r\n")
		s.recv("SIP/2.0 200")
		if e := next[Ended](p, call); e.Cause != CauseBye {
			t.Errorf("%+v", e)
		}
		p.settled()
	})
}

func TestOurByeReachesWhoSentNoContact(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		s.send(fmt.Sprintf("INVITE sip:phone@%v SIP/2.0\r\nVia: SIP/2.0/UDP %v\r\nFrom: <sip:gateway@%v>\r\nTo: sip:phone@example.net\r\nCall-ID: old\r\nCSeq: 1 INVITE\r\n\r\n", s.to, s.addr(), s.addr()))
		call := p.incoming()
		call.Answer(local(30000))
		s.recv("SIP/2.0 200")
		time.Sleep(time.Minute) // no ACK
		bye := s.recv("BYE sip:gateway@" + s.addr().String())
		s.reply(bye, "200 OK", "", "", "")
		next[Ended](p, call)
		p.settled()
	})
}

// Who makes branches of RFC 3261 knows better.
func TestOnlyTheOldMayLeaveOutTagAndContact(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		for i, tc := range []struct{ from, contact, want string }{
			{"<sip:a@192.0.2.2>", "Contact: <sip:a@192.0.2.2>\r\n", "SIP/2.0 400 Contact or From tag missing"},
			{"<sip:a@192.0.2.2>;tag=1", "", "SIP/2.0 400 Contact or From tag missing"},
			{"<sip:a@192.0.2.2>;tag=1", "Contact: <mailto:a@b>\r\n", "SIP/2.0 400 Contact or From tag missing"},
			{"<sip:a@192.0.2.2>;tag=1", "Contact: http://b/?x=y\r\n", "SIP/2.0 400 Bad Request: Contact cannot be read"},
			{"<sip:a@192.0.2.2>;tag=1", "Contact: mailto:a@b\r\nContact: http://b/?x=y\r\nContact: <sip:a@192.0.2.2>\r\n", "SIP/2.0 180"},
			{"<sip:a@192.0.2.2>;tag=1", "Contact: <sip:a@192.0.2.2>, <nothing>\r\n", "SIP/2.0 180"},
		} {
			l := line{method: "INVITE", callID: fmt.Sprint("c", i), from: tc.from, to: "<sip:phone@192.0.2.1>", cseq: 1, extra: tc.contact, body: peerSDP, bare: true}
			s.request(l)
			if m := s.recv("SIP/2.0 400", "SIP/2.0 180"); !strings.HasPrefix(m.start, tc.want) {
				t.Errorf("%+v: %s", tc, m.start)
			}
		}
	})
}

func TestAnAnswerInATypeThatAcceptLeavesOutIsRefused(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		for i, tc := range []struct{ accept, want string }{
			{"", "SIP/2.0 180"},
			{"Accept:\r\n", "SIP/2.0 180"},
			{"Accept: application/sdp, application/dtmf-relay\r\n", "SIP/2.0 180"},
			{"Accept: text/plain\r\nAccept: application/*;q=0.2\r\n", "SIP/2.0 180"},
			{"Accept: */*\r\n", "SIP/2.0 180"},
			{"Accept: text/nobodyKnowsThis\r\n", "SIP/2.0 406"},
			{"Accept: text/plain, application/sdp;q=0\r\n", "SIP/2.0 406"},
		} {
			s.call(fmt.Sprint("c", i), tc.accept, peerSDP)
			if m := s.recv("SIP/2.0 180", "SIP/2.0 4"); !strings.HasPrefix(m.start, tc.want) {
				t.Errorf("%q: %s", tc.accept, m.start)
			}
		}
	})
}
