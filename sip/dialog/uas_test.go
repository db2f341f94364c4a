package dialog

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRingingIsOnTheWireBeforeAnythingElseHappens(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		s.call("c1", "", peerSDP)
		first := s.recv("SIP/2.0")
		if first.code() != 180 || first.tag("To") == "" || first.get("Contact") == "" {
			t.Fatalf("the first response is %q %v", first.start, first.h)
		}
	})
}

func TestRequestsInADialogAreChecked(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := s.call("c1", "Record-Route: <sip:127.0.0.1:1;lr>\r\n", peerSDP)
		theirs := p.incoming()
		theirs.Answer(local(30000))
		res := s.recv("SIP/2.0 200")
		if res.get("Record-Route") != "<sip:127.0.0.1:1;lr>" {
			t.Fatalf("Record-Route %q", res.get("Record-Route"))
		}
		s.request(l.in(res, "ACK", 10))
		next[Confirmed](p, theirs)
		cseq := 20
		for _, tc := range []struct {
			name, method, extra, body, kind string
			edit                            func(*line)
			want                            int
			header, value                   string
		}{
			{name: "another dialog", method: "INFO", edit: func(l *line) { l.callID = "other" }, want: 481},
			{name: "another tag of theirs", method: "INFO", edit: func(l *line) { l.from = "<sip:peer@127.0.0.1>;tag=peer2" }, want: 481},
			{name: "another tag of ours", method: "INFO", edit: func(l *line) { l.to = "<sip:phone@127.0.0.1>;tag=x" }, want: 481},
			{name: "BYE without a dialog", method: "BYE", edit: func(l *line) { l.to = "<sip:phone@127.0.0.1>" }, want: 481},
			{name: "UPDATE without a dialog", method: "UPDATE", edit: func(l *line) { l.to = "<sip:phone@127.0.0.1>" }, want: 481},
			{name: "a lower CSeq", method: "INFO", edit: func(l *line) { l.cseq = 9 }, want: 500, header: "Retry-After"},
			{name: "an extension we lack", method: "UPDATE", extra: "Require: timer, foo\r\n", want: 420, header: "Unsupported", value: "foo"},
			{name: "an unknown method", method: "DANCE", want: 405, header: "Allow", value: methods},
			{name: "PRACK for nothing", method: "PRACK", extra: "RAck: 1 10 INVITE\r\n", want: 481},
			{name: "PRACK without RAck", method: "PRACK", want: 400},
			{name: "OPTIONS", method: "OPTIONS", want: 200, header: "Accept"},
			{name: "OPTIONS and its encodings", method: "OPTIONS", want: 200, header: "Accept-Encoding", value: "identity"},
			{name: "OPTIONS and its languages", method: "OPTIONS", want: 200, header: "Accept-Language", value: "en"},
			{name: "OPTIONS and its methods", method: "OPTIONS", want: 200, header: "Allow", value: methods},
			{name: "OPTIONS and its extensions", method: "OPTIONS", want: 200, header: "Supported", value: supported},
			{name: "a packed description", method: "UPDATE", extra: "Content-Encoding: gzip\r\n", body: peerSDP, want: 415, header: "Accept-Encoding", value: "identity"},
			{name: "an empty INFO", method: "INFO", want: 200},
			{name: "INFO with a digit", method: "INFO", body: "Signal=5\r\nDuration=100\r\n", kind: "application/dtmf-relay", want: 200},
			{name: "INFO with something else", method: "INFO", body: "x", kind: "text/plain", want: 415, header: "Accept"},
			{name: "an INFO package", method: "INFO", extra: "Info-Package: foo\r\n", want: 469},
			{name: "a REFER that nobody wants", method: "REFER", extra: "Refer-To: <sip:x@127.0.0.1>\r\n", want: 603},
			{name: "a NOTIFY that nobody asked for", method: "NOTIFY", extra: "Event: refer\r\nSubscription-State: active\r\n", want: 481},
			{name: "UPDATE without SDP", method: "UPDATE", want: 200, header: "Contact"},
			{name: "UPDATE with SDP", method: "UPDATE", body: peerSDP, want: 200, header: "Content-Type", value: "application/sdp"},
			{name: "UPDATE with bad SDP", method: "UPDATE", body: "v=9", want: 400},
			{name: "UPDATE with a foreign codec", method: "UPDATE", body: strings.Replace(peerSDP, "RTP/AVP 0 101", "RTP/AVP 18", 1), want: 488, header: "Warning"},
			{name: "UPDATE with something else", method: "UPDATE", body: "x", kind: "text/plain", want: 415},
			{name: "re-INVITE with a foreign codec", method: "INVITE", body: strings.Replace(peerSDP, "RTP/AVP 0 101", "RTP/AVP 18", 1), want: 488},
			{name: "re-INVITE with bad SDP", method: "INVITE", body: "hello", want: 400},
		} {
			cseq++
			r := l.in(res, tc.method, cseq)
			r.extra, r.body, r.kind = tc.extra, tc.body, tc.kind
			if tc.edit != nil {
				tc.edit(&r)
			}
			s.request(r)
			m := s.recv("SIP/2.0 2", "SIP/2.0 4", "SIP/2.0 5", "SIP/2.0 6")
			if m.code() != tc.want || m.cseq() != r.cseq {
				t.Errorf("%s: %s for CSeq %s, want %d", tc.name, m.start, m.get("CSeq"), tc.want)
			}
			if tc.header != "" && (m.get(tc.header) == "" || tc.value != "" && m.get(tc.header) != tc.value) {
				t.Errorf("%s: %s is %q", tc.name, tc.header, m.get(tc.header))
			}
			if tc.method == "INVITE" {
				r.method, r.body, r.kind, r.extra, r.to = "ACK", "", "", "", m.get("To")
				s.request(r)
			}
		}
		if d := next[Digit](p, theirs); d.Digit != '5' || d.Duration != 100*time.Millisecond {
			t.Fatalf("%+v", d)
		}
		// After all that the session is as it was.
		s.request(l.in(res, "BYE", cseq+1))
		if m := s.recv("SIP/2.0"); m.code() != 200 {
			t.Fatal(m.start)
		}
		s.request(l.in(res, "BYE", cseq+2)) // theirs again: always 200
		if m := s.recv("SIP/2.0"); m.code() != 200 {
			t.Fatal(m.start)
		}
		s.request(l.in(res, "INFO", cseq+3))
		if m := s.recv("SIP/2.0"); m.code() != 481 {
			t.Fatal(m.start)
		}
	})
}

func TestInvitationsThatCannotBeTakenNeverRing(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		for i, tc := range []struct {
			name, extra, body string
			want              int
			header            string
		}{
			{"an unknown extension demanded", "Require: timer, foo\r\nSession-Expires: 90\r\n", peerSDP, 420, "Unsupported"},
			{"a session interval that is too brief", "Supported: timer\r\nSession-Expires: 89\r\n", peerSDP, 422, "Min-SE"},
			{"no session description", "", "hello world", 400, "Warning"},
			{"no codec in common", "", strings.Replace(peerSDP, "RTP/AVP 0 101", "RTP/AVP 18", 1), 488, "Warning"},
			{"keys demanded", "", strings.Replace(peerSDP, "RTP/AVP", "RTP/SAVP", 1), 488, "Warning"},
		} {
			s.call(fmt.Sprint("c", i), tc.extra, tc.body)
			m := s.recv("SIP/2.0")
			if m.code() == 100 {
				m = s.recv("SIP/2.0")
			}
			if m.code() != tc.want || m.get(tc.header) == "" {
				t.Errorf("%s: %s %v", tc.name, m.start, m.h)
			}
		}
		l := line{method: "INVITE", callID: "text", from: "<sip:peer@127.0.0.1>;tag=1", to: "<sip:phone@127.0.0.1>", cseq: 1, body: "hi", kind: "text/plain"}
		s.request(l)
		if m := s.recv("SIP/2.0 4"); m.code() != 415 || m.get("Accept") != "application/sdp" {
			t.Fatalf("%s %v", m.start, m.h)
		}
		select {
		case c := <-p.calls:
			t.Fatalf("it rang: %v", c.CallID())
		default:
		}
	})
}

func TestSessionTimersThatAreOnlyOfferedAreTolerated(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		s.call("c1", "Supported: timer, 100rel\r\nSession-Expires: 1800\r\nMin-SE: 90\r\n", peerSDP)
		if m := s.recv("SIP/2.0"); m.code() != 180 {
			t.Fatal(m.start)
		}
	})
}

func TestASessionDescriptionInsideAMultipartBodyIsFound(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		body := "--xx\r\nContent-Type: application/isup;version=nxv3\r\n\r\nabc\r\n--xx\r\nContent-Type: application/sdp\r\n\r\n" + peerSDP + "\r\n--xx--\r\n"
		s.request(line{method: "INVITE", callID: "m", from: "<sip:peer@127.0.0.1>;tag=1", to: "<sip:phone@127.0.0.1>", cseq: 1, body: body, kind: `multipart/mixed;boundary="xx"`})
		theirs := p.incoming()
		theirs.Answer(local(30000))
		if m := next[MediaChanged](p, theirs).Media; m.Remote.Port() != 40000 {
			t.Fatalf("%+v", m)
		}
	})
}

func TestAMultipartBodyThatMustBeUnderstoodAndCannotIsRefused(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		for disposition, code := range map[string]int{"": 415, "Content-Disposition: signal;handling=required\r\n": 415, "Content-Disposition: signal;handling=optional\r\n": 180} {
			p := w.phone("phone")
			s := w.script(p)
			body := "--xx\r\nContent-Type: application/isup;version=nxv3\r\n" + disposition + "\r\nabc\r\n--xx--\r\n"
			s.request(line{method: "INVITE", callID: "m", from: "<sip:peer@127.0.0.1>;tag=1", to: "<sip:phone@127.0.0.1>", cseq: 1, body: body, kind: `multipart/mixed;boundary="xx"`})
			if m := s.recv("SIP/2.0"); m.code() != code {
				t.Errorf("%q: %s", disposition, m.start)
			}
		}
	})
}

func TestCancelAndAnswerInEveryOrderGiveExactlyOneFinal(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		for i := range 60 {
			s := w.script(p)
			l := s.call(fmt.Sprint("c", i), "", peerSDP)
			theirs := p.incoming()
			cancel := l
			cancel.method, cancel.body = "CANCEL", ""
			var final msg
			switch i % 3 {
			case 0: // CANCEL first, by far
				s.request(cancel)
				s.recv("SIP/2.0 487")
				theirs.Answer(local(30000))
			case 1: // at the same moment
				go theirs.Answer(local(30000))
				s.request(cancel)
			case 2: // the answer first, by far
				theirs.Answer(local(30000))
				final = s.recv("SIP/2.0 200")
				s.request(cancel)
				for m := s.recv("SIP/2.0 200"); !strings.HasSuffix(m.get("CSeq"), "CANCEL"); m = s.recv("SIP/2.0 200") {
				}
			}
			if i%3 == 0 {
				final.start = "SIP/2.0 487 Request Terminated"
			} else if i%3 == 1 {
				for final = s.recv("SIP/2.0 200", "SIP/2.0 487"); !strings.HasSuffix(final.get("CSeq"), "INVITE"); final = s.recv("SIP/2.0 200", "SIP/2.0 487") {
				}
			}
			if final.code() == 487 {
				if e := next[Ended](p, theirs); e.Cause != CauseCancelled {
					t.Fatalf("%d: %+v", i, e)
				}
				continue
			}
			s.request(l.in(final, "ACK", 10))
			next[Confirmed](p, theirs)
			s.request(l.in(final, "BYE", 11))
			if e := next[Ended](p, theirs); e.Cause != CauseBye {
				t.Fatalf("%d: %+v", i, e)
			}
		}
	})
}

func TestBYEBeforeTheAnswerEndsTheInvitationToo(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := s.call("c1", "", peerSDP)
		theirs := p.incoming()
		ring := s.recv("SIP/2.0 180")
		s.request(l.in(ring, "BYE", 11))
		a, b := s.recv("SIP/2.0 200", "SIP/2.0 487"), s.recv("SIP/2.0 200", "SIP/2.0 487")
		if a.code()+b.code() != 687 {
			t.Fatalf("%s and %s", a.start, b.start)
		}
		if e := next[Ended](p, theirs); e.Cause != CauseBye {
			t.Fatalf("%+v", e)
		}
	})
}

func TestASecondInvitationWhileTheFirstWaitsIsPutOff(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := s.call("c1", "", peerSDP)
		theirs := p.incoming()
		ring := s.recv("SIP/2.0 180")
		second := l.in(ring, "INVITE", 11)
		second.body = peerSDP
		s.request(second)
		if m := s.recv("SIP/2.0 500"); m.get("Retry-After") == "" {
			t.Fatalf("%v", m.h)
		}
		update := l.in(ring, "UPDATE", 12)
		update.body = peerSDP
		s.request(update)
		s.recv("SIP/2.0 500")
		theirs.Answer(local(30000))
		s.recv("SIP/2.0 200")
	})
}

func TestALateOfferWhoseAnswerIsMissingEndsTheCall(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := s.call("c1", "", "")
		theirs := p.incoming()
		theirs.Answer(local(30000))
		res := s.recv("SIP/2.0 200")
		if !strings.Contains(res.body, "m=audio 30000 RTP/AVP 9 0 8 101") {
			t.Fatalf("no offer in the 2xx:\n%s", res.body)
		}
		s.request(l.in(res, "ACK", 10))
		s.recv("BYE")
		if e := next[Ended](p, theirs); e.Cause != CauseNoMedia {
			t.Fatalf("%+v", e)
		}
	})
}

func TestHoldOfTheOldKindIsUnderstoodAndNeverSent(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := s.call("c1", "", peerSDP)
		theirs := p.incoming()
		theirs.Answer(local(30000))
		res := s.recv("SIP/2.0 200")
		s.request(l.in(res, "ACK", 10))
		next[Confirmed](p, theirs)
		re := l.in(res, "INVITE", 11)
		re.body = strings.Replace(peerSDP, "c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0", 1)
		s.request(re)
		ok := s.recv("SIP/2.0 200")
		if strings.Contains(ok.body, "0.0.0.0") {
			t.Fatalf("sent:\n%s", ok.body)
		}
		if h := next[HoldChanged](p, theirs); !h.ByThem {
			t.Fatalf("%+v", h)
		}
		s.request(l.in(ok, "ACK", 11))
		re = l.in(res, "INVITE", 12)
		re.body = peerSDP
		s.request(re)
		if h := next[HoldChanged](p, theirs); h.ByThem {
			t.Fatalf("%+v", h)
		}
	})
}

func TestTheRemoteTargetMovesAndTheRouteSetStays(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s, proxy := w.script(p), w.script(p)
		for _, loose := range []bool{true, false} {
			callID, param := "loose", ";lr"
			if !loose {
				callID, param = "strict", ""
			}
			l := s.call(callID, fmt.Sprintf("Record-Route: <sip:%v%s>\r\n", proxy.addr(), param), peerSDP)
			theirs := p.incoming()
			theirs.Answer(local(30000))
			res := s.recv("SIP/2.0 200")
			s.request(l.in(res, "ACK", 10))
			next[Confirmed](p, theirs)
			update := l.in(res, "UPDATE", 11)
			moved := w.script(p)
			update.extra = ""
			moved.request(update) // its Contact is moved's
			moved.recv("SIP/2.0 200")
			theirs.End("")
			bye := proxy.recv("BYE")
			target, route := moved.uri().String(), fmt.Sprintf("sip:%v%s", proxy.addr(), param)
			if loose && (!strings.HasPrefix(bye.start, "BYE "+target+" ") || bye.get("Route") != "<"+route+">") {
				t.Fatalf("%s\n%v", bye.start, bye.h)
			}
			if !loose && (!strings.HasPrefix(bye.start, "BYE "+route+" ") || bye.get("Route") != "<"+target+">") {
				t.Fatalf("%s\n%v", bye.start, bye.h)
			}
			proxy.reply(bye, "200 OK", "", "", "")
		}
	})
}
