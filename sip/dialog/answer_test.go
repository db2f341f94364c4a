package dialog

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// schedule is when a 2xx is sent, counted from the first time (RFC 3261 §13.3.1.4).
var schedule = []time.Duration{0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500}

func init() {
	for i := range schedule {
		schedule[i] *= time.Millisecond
	}
}

// eachTransport runs a test with a phone and a script between which there are datagrams, and with a connection.
func eachTransport(t *testing.T, f func(t *testing.T, p *phone, s *script)) {
	t.Helper()
	t.Run("UDP", func(t *testing.T) {
		virtually(t, func(t *testing.T, w *world) {
			p := w.phone("phone")
			f(t, p, w.script(p))
		})
	})
	t.Run("TCP", func(t *testing.T) {
		virtually(t, func(t *testing.T, w *world) {
			p, s := w.stream("phone")
			f(t, p, s)
		})
	})
}

func TestAnAnswerIsRepeatedOnScheduleAndWithoutACKEndedByBYE(t *testing.T) {
	eachTransport(t, func(t *testing.T, p *phone, s *script) {
		s.call("c1", "", peerSDP)
		theirs := p.incoming()
		theirs.Answer(local(30000))
		at, bye := s.times("SIP/2.0 200", "BYE")
		if !slices.Equal(at, schedule) || bye.body != "32s" || !strings.Contains(bye.get("Reason"), "cause=408") {
			t.Fatalf("200 at %v, BYE at %s with Reason %q", at, bye.body, bye.get("Reason"))
		}
		s.reply(bye, "200 OK", "", "", "")
		if e := next[Ended](p, theirs); e.Cause != CauseNoACK || !e.ByUs {
			t.Fatalf("%+v", e)
		}
		s.nothing("the call is over")
		p.settled()
	})
}

func TestTheACKStopsTheRepetition(t *testing.T) {
	eachTransport(t, func(t *testing.T, p *phone, s *script) {
		l := s.call("c1", "", peerSDP)
		theirs := p.incoming()
		theirs.Answer(local(30000))
		first := s.recv("SIP/2.0 200")
		for range 3 {
			if again := s.recv("SIP/2.0 200"); again.body != first.body || again.tag("To") != first.tag("To") {
				t.Fatalf("the repetition differs: %v", again)
			}
		}
		s.request(l.in(first, "ACK", 10))
		next[Confirmed](p, theirs)
		time.Sleep(time.Hour)
		s.nothing("nothing is to be repeated")
		s.request(l.in(first, "BYE", 12))
		s.recv("SIP/2.0 200")
		if e := next[Ended](p, theirs); e.Cause != CauseBye || e.ByUs {
			t.Fatalf("%+v", e)
		}
		p.settled()
	})
}

func TestTheAnswerToAReInviteIsRepeatedOnTheSameSchedule(t *testing.T) {
	eachTransport(t, func(t *testing.T, p *phone, s *script) {
		l := s.call("c1", "", peerSDP)
		theirs := p.incoming()
		theirs.Answer(local(30000))
		res := s.recv("SIP/2.0 200")
		s.request(l.in(res, "ACK", 10))
		next[Confirmed](p, theirs)
		re := l.in(res, "INVITE", 11)
		re.body = peerSDP
		s.request(re)
		at, bye := s.times("SIP/2.0 200", "BYE")
		if !slices.Equal(at, schedule) || bye.body != "32s" {
			t.Fatalf("200 at %v, BYE at %s", at, bye.body)
		}
		s.reply(bye, "200 OK", "", "", "")
		if e := next[Ended](p, theirs); e.Cause != CauseNoACK {
			t.Fatalf("%+v", e)
		}
		p.settled()
	})
}

func TestABYEOfOursWaitsForTheACKOrItsTimeOut(t *testing.T) {
	for _, acked := range []bool{true, false} {
		virtually(t, func(t *testing.T, w *world) {
			p := w.phone("phone")
			s := w.script(p)
			l := s.call("c1", "", peerSDP)
			theirs := p.incoming()
			theirs.Answer(local(30000))
			res := s.recv("SIP/2.0 200")
			theirs.End("")
			if e := next[Ended](p, theirs); e.Cause != CauseBye || !e.ByUs {
				t.Fatalf("%+v", e)
			}
			s.nothing("the BYE waits for the ACK")
			if acked {
				time.Sleep(200 * time.Millisecond)
				s.request(l.in(res, "ACK", 10))
			}
			bye := s.recv("BYE")
			if after := bye.at.Sub(res.at); acked && after != 200*time.Millisecond || !acked && after != 32*time.Second {
				t.Fatalf("BYE after %v", after)
			}
			s.reply(bye, "200 OK", "", "", "")
			p.settled()
		})
	}
}

func TestACancelThatCrossesOurAnswerChangesNothing(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := s.call("c1", "", peerSDP)
		theirs := p.incoming()
		theirs.Answer(local(30000))
		res := s.recv("SIP/2.0 200")
		cancel := l
		cancel.method, cancel.body = "CANCEL", ""
		s.request(cancel)
		if m := s.recv("SIP/2.0 200"); !strings.HasSuffix(m.get("CSeq"), "CANCEL") || m.tag("To") != res.tag("To") {
			t.Fatalf("%v", m)
		}
		s.request(l.in(res, "ACK", 10))
		next[Confirmed](p, theirs)
		s.request(l.in(res, "BYE", 11))
		if e := next[Ended](p, theirs); e.Cause != CauseBye {
			t.Fatalf("%+v", e)
		}
		p.settled()
	})
}

func TestALateACKToAnEndedCallIsFollowedByOneBYE(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := s.call("c1", "", peerSDP)
		theirs := p.incoming()
		theirs.Answer(local(30000))
		res := s.recv("SIP/2.0 200")
		theirs.End("")
		s.request(l.in(res, "ACK", 10))
		s.request(l.in(res, "ACK", 10))
		bye := s.recv("BYE")
		s.reply(bye, "200 OK", "", "", "")
		synctest.Wait()
		s.nothing("one BYE is enough")
		p.settled()
	})
}

func TestACallThatRingsForLongSaysSoEveryMinute(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		s.call("c1", "", peerSDP)
		theirs := p.incoming()
		first := s.recv("SIP/2.0 180")
		for i := range 4 {
			if m := s.recv("SIP/2.0 180"); m.at.Sub(first.at) != time.Duration(i+1)*time.Minute || m.tag("To") != first.tag("To") {
				t.Fatalf("after %v", m.at.Sub(first.at))
			}
		}
		theirs.Reject(486, "")
		m := s.recv("SIP/2.0 486")
		s.request(line{method: "ACK", callID: "c1", from: m.get("From"), to: m.get("To"), cseq: 10, branch: "z9hG4bKc1"})
		p.settled()
		s.nothing("it rings no more")
	})
}
