package dialog

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// theirSDP is a far end's description by another party: another o=, address, port and codec.
func theirSDP(session, ip string, port int, payload string) string {
	return string(lines("v=0", fmt.Sprintf("o=- %s 1 IN IP4 %s", session, ip), "s=-", "c=IN IP4 "+ip, "t=0 0", fmt.Sprintf("m=audio %d RTP/AVP %s 101", port, payload), "a=rtpmap:101 telephone-event/8000"))
}

func TestAServerThatConnectsUsToSomebodyElseSwapsTheSound(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c, inv := up(t, p, s, "")
		// It asks for our offer, takes that to somebody else, and brings that one's answer (RFC 3725 §4.4).
		late := back(inv, "INVITE", 1)
		late.extra = "P-Asserted-Identity: \"Carol\" <sip:carol@example.com>\r\n"
		s.request(late)
		ok := s.recv("SIP/2.0 200")
		for _, codec := range testCodecs {
			if !strings.Contains(ok.body, fmt.Sprintf("a=rtpmap:%d %s", codec.PT, codec.Name)) {
				t.Fatalf("the offer lacks %s:\n%s", codec.Name, ok.body)
			}
		}
		ack := back(inv, "ACK", 1)
		ack.body = theirSDP("777", "192.0.2.77", 47000, "8")
		s.request(ack)
		if r := next[Refreshed](p, c); r.Request == nil || !strings.Contains(r.Request.Headers.Get("P-Asserted-Identity"), "carol") {
			t.Fatalf("%+v", r)
		}
		if m := next[MediaChanged](p, c).Media; m.Remote.String() != "192.0.2.77:47000" || m.Codec.Name != "PCMA" || !m.Send || !m.Receive {
			t.Fatalf("%+v", m)
		}
		// And to a third one, by an offer whose o= line knows nothing of the first two.
		swap := back(inv, "INVITE", 2)
		swap.body = theirSDP("42", "192.0.2.78", 48000, "9")
		s.request(swap)
		answer := s.recv("SIP/2.0 200")
		s.request(back(inv, "ACK", 2))
		if m := next[MediaChanged](p, c).Media; m.Remote.String() != "192.0.2.78:48000" || m.Codec.Name != "G722" {
			t.Fatalf("%+v", m)
		}
		if o := origin(inv.body); origin(ok.body).id != o.id || origin(answer.body).id != o.id || origin(answer.body).version < origin(ok.body).version {
			t.Fatalf("our o= line: %+v, %+v, %+v", o, origin(ok.body), origin(answer.body))
		}
		// While nobody is connected there is music, or nothing: a hold, and then back.
		hold := back(inv, "INVITE", 3)
		hold.body = strings.Replace(theirSDP("43", "0.0.0.0", 9, "0"), "a=rtpmap", "a=inactive\r\na=rtpmap", 1)
		s.request(hold)
		s.recv("SIP/2.0 200")
		s.request(back(inv, "ACK", 3))
		if h := next[HoldChanged](p, c); !h.ByThem || h.ByUs {
			t.Fatalf("%+v", h)
		}
		backTo := back(inv, "INVITE", 4)
		backTo.body = theirSDP("44", "192.0.2.79", 49000, "0")
		s.request(backTo)
		s.recv("SIP/2.0 200")
		s.request(back(inv, "ACK", 4))
		if h := next[HoldChanged](p, c); h.ByThem {
			t.Fatalf("%+v", h)
		}
		if m := c.now().Media(); m.Remote.String() != "192.0.2.79:49000" || m.Codec.Name != "PCMU" {
			t.Fatalf("%+v", m)
		}
	})
}

func TestALateOfferWhileWeHoldStaysAHold(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c, inv := up(t, p, s, "")
		c.Hold()
		s.reply(s.recv("INVITE"), "200 OK", "", "", heldSDP)
		s.recv("ACK")
		next[HoldChanged](p, c)
		s.request(back(inv, "INVITE", 1))
		ok := s.recv("SIP/2.0 200")
		if !strings.Contains(ok.body, "a=sendonly") {
			t.Fatalf("the hold is gone:\n%s", ok.body)
		}
		ack := back(inv, "ACK", 1)
		ack.body = strings.Replace(theirSDP("777", "192.0.2.77", 47000, "8"), "a=rtpmap", "a=recvonly\r\na=rtpmap", 1)
		s.request(ack)
		synctest.Wait()
		if !c.now().ByUs() || c.now().ByThem() {
			t.Fatal("the hold is gone")
		}
	})
}

type originLine struct {
	id      string
	version string
}

func origin(sdp string) (o originLine) {
	for l := range strings.Lines(sdp) {
		if f := strings.Fields(l); strings.HasPrefix(l, "o=") && len(f) > 2 {
			return originLine{f[1], fmt.Sprintf("%20s", f[2])}
		}
	}
	return o
}

func TestEarlyMediaIsToldOnlyWhileTheNewestFarEndHasAgreedToSendIt(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		inactive := strings.Replace(peerSDP, "a=rtpmap", "a=inactive\r\na=rtpmap", 1)
		foreign := strings.Replace(peerSDP, "RTP/AVP 0 101", "RTP/AVP 18", 1)
		for i, tc := range []struct {
			status, tag, extra, body string
			want                     bool
		}{
			{"180 Ringing", "t1", "P-Early-Media: sendrecv\r\n", "", false}, // anybody can write that
			{"183 Progress", "t1", "", "", false},
			{"183 Progress", "t1", "", foreign, false},
			{"183 Progress", "t1", "P-Early-Media: inactive\r\n", peerSDP, true},
			{"180 Ringing", "t1", "", "", true}, // the same far end goes on
			{"180 Ringing", "t2", "", "", true}, // another one rings, and the first is still heard
			{"183 Progress", "t2", "", inactive, false},
			{"183 Progress", "t3", "", peerSDP, true},
			{"199 Early Dialog Terminated", "t3", "", "", false},
			{"183 Progress", "t4", "", peerSDP, true},
			{"199 Early Dialog Terminated", "t2", "", "", true},
			{"180 Ringing", "", "", "", true},
			{"183 Progress", "t5", "", strings.Replace(peerSDP, "40000", "45000", 1), true},
			{"199 Early Dialog Terminated", "t5", "", "", true}, // the one before it is heard again
			{"183 Progress", "t4", "", "not a description", true},
		} {
			s.reply(inv, tc.status, tc.tag, tc.extra, tc.body)
			if e := next[Progress](p, c); e.EarlyMedia != tc.want {
				t.Errorf("%d, %s: %+v", i, tc.status, e)
			}
		}
	})
}

func TestKeypadDigitsInINFOAreReadAsTheyAreWritten(t *testing.T) {
	for _, tc := range []struct {
		kind, body string
		digit      rune
		d          time.Duration
		ok         bool
	}{
		{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", '5', 160 * time.Millisecond, true},
		{"application/dtmf-relay", "Signal= *\nDuration = 250", '*', 250 * time.Millisecond, true},
		{"Application/DTMF-Relay;x=y", "signal=#\r\n", '#', 0, true},
		{"application/dtmf-relay", "Signal=10\r\n", '*', 0, true},
		{"application/dtmf-relay", "Signal=11\r\n", '#', 0, true},
		{"application/dtmf-relay", "Signal=15\r\n", 'D', 0, true},
		{"application/dtmf-relay", "Signal=16\r\n", 0, 0, true}, // flash: no key of ours
		{"application/dtmf-relay", "Signal=a\r\nDuration=99999999999999999999", 'A', longestDigit * time.Millisecond, true},
		{"application/dtmf-relay", "Signal=1\r\nDuration=-5", '1', 0, true},
		{"application/dtmf", "5", '5', 0, true},
		{"application/dtmf", " # \r\n", '#', 0, true},
		{"application/dtmf", "Signal=7\r\nDuration=100", '7', 100 * time.Millisecond, true},
		{"application/vnd.nortelnetworks.digits", "p=Digit-Collection\r\ny=Digits\r\nd=9\r\nduration=80", '9', 80 * time.Millisecond, true},
		{"application/dtmf", "55", 0, 0, true},
		{"text/plain", "5", 0, 0, false},
	} {
		d, ok := digitOf(tc.kind, []byte(tc.body))
		if ok != tc.ok || d.Digit != tc.digit || tc.digit != 0 && d.Duration != tc.d {
			t.Errorf("%s %q: %+v %v", tc.kind, tc.body, d, ok)
		}
	}
}

func TestAnUPDATEThatAPersonWouldHaveToDecideAboutIsRefusedWith504(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone", func(c *Config) {
			c.Prompt = func(_ *Session, sdp []byte) bool { return strings.Contains(string(sdp), "47000") }
		}), w.script(nil)
		c, inv := up(t, p, s, "")
		for i, port := range []int{47000, 48000} {
			u := back(inv, "UPDATE", i+1)
			u.body = theirSDP("1", "192.0.2.77", port, "0")
			s.request(u)
			if m := s.recv("SIP/2.0"); m.code() != []int{504, 200}[i] {
				t.Fatal(m.start)
			}
		}
		if m := c.now().Media(); m.Remote.Port() != 48000 {
			t.Fatalf("%+v", m)
		}
	})
}
