package dialog

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/transaction"
)

func timed(d, least time.Duration) func(*Config) {
	return func(c *Config) { c.SessionTimer, c.MinSE = d, least }
}

func TestTheRefresherIsChosenByTheTablesOfTheRFC(t *testing.T) {
	const never = "-"
	for _, tc := range []struct {
		ours  time.Duration
		extra string
		want  string // Session-Expires of the 200; "-": none
		must  bool   // Require: timer
		code  int
	}{
		// They know timers (RFC 4028 table 2).
		{0, "Supported: timer\r\n", never, false, 200},
		{0, "Supported: timer\r\nSession-Expires: 1800\r\n", "1800;refresher=uac", true, 200},
		{0, "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n", "1800;refresher=uac", true, 200},
		{0, "Supported: timer\r\nSession-Expires: 1800;refresher=uas\r\n", "1800;refresher=uas", false, 200},
		{0, "k: timer\r\nx: 1800;x=y; Refresher = UAS\r\n", "1800;refresher=uas", false, 200},
		{0, "Require: timer\r\nSession-Expires: 1800\r\n", "1800;refresher=uac", true, 200},
		{30 * time.Minute, "Supported: timer\r\n", "1800;refresher=uac", true, 200},
		{15 * time.Minute, "Supported: timer\r\nSession-Expires: 1800\r\n", "900;refresher=uac", true, 200},
		{15 * time.Minute, "Supported: timer\r\nSession-Expires: 1800\r\nMin-SE: 1200\r\n", "1200;refresher=uac", true, 200},
		{30 * time.Minute, "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n", "600;refresher=uas", false, 200},
		// They do not; a proxy may have asked.
		{0, "", never, false, 200},
		{0, "Session-Expires: 1800\r\n", "1800;refresher=uas", false, 200},
		{0, "Session-Expires: 1800;refresher=uac\r\n", "1800;refresher=uas", false, 200},
		{0, "Session-Expires: 1800;refresher=uas\r\n", "1800;refresher=uas", false, 200},
		{0, "Session-Expires: 10\r\n", "120;refresher=uas", false, 200}, // 422 would say nothing to them
		{30 * time.Minute, "", "1800;refresher=uas", false, 200},
		// Out of bounds.
		{0, "Supported: timer\r\nSession-Expires: 119\r\n", "", false, 422},
		{0, "Supported: timer\r\nSession-Expires: 99999999999999999999\r\n", "2147483647;refresher=uac", true, 200},
		{0, "Supported: timer\r\nSession-Expires: soon\r\n", never, false, 200},
	} {
		virtually(t, func(t *testing.T, w *world) {
			p := w.phone("phone", timed(tc.ours, 2*time.Minute))
			s := w.script(p)
			s.call("c1", tc.extra, peerSDP)
			if tc.code != 200 {
				if m := s.recv("SIP/2.0 4"); m.code() != tc.code || m.get("Min-SE") != "120" {
					t.Errorf("%+v: %s %v", tc, m.start, m.h)
				}
				return
			}
			p.incoming().Answer(local(30000))
			ok := s.recv("SIP/2.0 200")
			got := ok.get("Session-Expires")
			if got == "" {
				got = never
			}
			if got != tc.want || (ok.get("Require") == "timer") != tc.must {
				t.Errorf("ours %v, %q: Session-Expires %q, Require %q", tc.ours, tc.extra, got, ok.get("Require"))
			}
		})
	}
}

func TestOurINVITEAsksAndObeysTheAnswer(t *testing.T) {
	for _, tc := range []struct {
		answer  string
		refresh bool // we
		at      time.Duration
	}{
		{"Session-Expires: 600;refresher=uac\r\nRequire: timer\r\n", true, 300 * time.Second},
		{"Session-Expires: 600\r\n", true, 300 * time.Second},
		{"Session-Expires: 600;refresher=uas\r\n", false, 568 * time.Second},
		{"Session-Expires: 90;refresher=uas\r\n", false, 60 * time.Second},
		{"", false, 0},
	} {
		virtually(t, func(t *testing.T, w *world) {
			p, s := w.phone("phone", timed(30*time.Minute, 0)), w.script(nil)
			c := p.invite(s.uri())
			inv := s.recv("INVITE")
			if inv.get("Session-Expires") != "1800" || inv.get("Min-SE") != "" || !strings.Contains(strings.Join(inv.h["Supported"], ","), "timer") {
				t.Fatal(inv.h)
			}
			s.reply(inv, "200 OK", "t1", tc.answer, peerSDP)
			ack := s.recv("ACK")
			if tc.at == 0 {
				time.Sleep(24 * time.Hour)
				s.nothing("nobody asked for a refresh")
				p.quietSo(c)
				return
			}
			if !tc.refresh {
				bye := s.recv("BYE")
				if d := bye.at.Sub(ack.at); d != tc.at || !strings.Contains(bye.get("Reason"), "Session timer expired") {
					t.Fatalf("BYE after %v, %q", d, bye.get("Reason"))
				}
				s.reply(bye, "200 OK", "", "", "")
				if e := next[Ended](p, c); e.Cause != CauseNetwork || e.Code != 408 || !e.ByUs {
					t.Fatalf("%+v", e)
				}
				return
			}
			again := s.recv("INVITE") // they never said that they allow UPDATE
			if d := again.at.Sub(ack.at); d != tc.at || again.get("Session-Expires") != "600;refresher=uac" || again.body != inv.body {
				t.Fatalf("after %v: %v\n%s\n%s", d, again.h, again.body, inv.body)
			}
		})
	}
}

func TestAnIntervalThatIsTooBriefForThemIsRaised(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone", timed(10*time.Minute, 0)), w.script(nil)
		c := p.invite(s.uri())
		first := s.recv("INVITE")
		s.reply(first, "180 Ringing", "t1", "", "")
		s.reply(first, "422 Session Interval Too Small", "t1", "Min-SE: 900\r\n", "")
		s.recv("ACK")
		second := s.recv("INVITE")
		if second.cseq() != first.cseq()+1 || second.get("Call-Id") != first.get("Call-Id") || second.get("From") != first.get("From") ||
			second.tag("To") != "" || second.get("Session-Expires") != "900" || second.get("Min-SE") != "900" || second.body != first.body {
			t.Fatal(second.h)
		}
		s.reply(second, "422 Session Interval Too Small", "t1", "Min-SE: 1000;x=y\r\n", "")
		third := s.recv("INVITE")
		if third.get("Session-Expires") != "1000" || third.get("Min-SE") != "1000" {
			t.Fatal(third.h)
		}
		s.reply(third, "422 Session Interval Too Small", "t1", "Min-SE: 1000\r\n", "") // says nothing new
		if e := next[Ended](p, c); e.Cause != CauseRejected || e.Code != 422 {
			t.Fatalf("%+v", e)
		}
		p.settled()
	})
}

const allowsUpdate = "Allow: INVITE, UPDATE\r\n"

func TestARefreshGoesByUPDATEWithoutADescriptionAndFallsBackToTheSameDescription(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone", timed(30*time.Minute, 0)), w.script(nil)
		c, inv := up(t, p, s, allowsUpdate+"Session-Expires: 600;refresher=uac\r\n")
		update := s.recv("UPDATE")
		if update.body != "" || update.get("Session-Expires") != "600;refresher=uac" || update.get("Contact") == "" {
			t.Fatal(update.h)
		}
		s.reply(update, "200 OK", "", "Session-Expires: 600;refresher=uac\r\n", "")
		update = s.recv("UPDATE")
		s.reply(update, "422 Too Small", "", "Min-SE: 700\r\n", "")
		update = s.recv("UPDATE")
		if update.get("Session-Expires") != "700;refresher=uac" || update.get("Min-SE") != "700" {
			t.Fatal(update.h)
		}
		s.reply(update, "500 Busy", "", "Retry-After: 7 (soon);duration=3\r\n", "")
		again := s.recv("UPDATE")
		if d := again.at.Sub(update.at); d < 7*time.Second || d > 11*time.Second {
			t.Fatalf("again after %v", d)
		}
		s.reply(again, "405 Method Not Allowed", "", "", "")
		re := s.recv("INVITE")
		if re.body != inv.body || re.get("Session-Expires") != "700;refresher=uac" {
			t.Fatalf("%v\n%s", re.h, re.body)
		}
		s.reply(re, "200 OK", "", "Session-Expires: 700;refresher=uac\r\n", peerSDP)
		ack := s.recv("ACK")
		re = s.recv("INVITE")
		if d := re.at.Sub(ack.at); d != 350*time.Second {
			t.Fatalf("after %v", d)
		}
		s.reply(re, "488 Not Acceptable Here", "", "", "") // not the end: there is time to try again
		re = s.recv("INVITE")
		s.reply(re, "200 OK", "", "Session-Expires: 700;refresher=uac\r\n", peerSDP)
		p.quietSo(c)
		// Nobody answers any more.
		s.recv("INVITE")
		bye := s.recv("BYE")
		s.reply(bye, "200 OK", "", "", "")
		if e := next[Ended](p, c); e.Cause != CauseNetwork || e.Code != 408 {
			t.Fatalf("%+v", e)
		}
		p.settled()
	})
}

func TestARefreshNeitherEndsAHoldNorChangesTheDescription(t *testing.T) {
	for _, theirs := range []bool{false, true} {
		virtually(t, func(t *testing.T, w *world) {
			p, s := w.phone("phone", timed(30*time.Minute, 0)), w.script(nil)
			c, inv := up(t, p, s, "Session-Expires: 600;refresher=uac\r\n")
			var last, answer string
			if theirs {
				hold := back(inv, "INVITE", 1)
				hold.body, hold.extra = strings.Replace(peerSDP, "a=rtpmap", "a=sendonly\r\na=rtpmap", 1), "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n"
				s.request(hold)
				ok := s.recv("SIP/2.0 200")
				if ok.get("Session-Expires") != "600;refresher=uas" {
					t.Fatal(ok.h)
				}
				last, answer = ok.body, hold.body
				s.request(back(inv, "ACK", 1))
			} else {
				c.Hold()
				hold := s.recv("INVITE")
				if hold.get("Session-Expires") != "600;refresher=uac" {
					t.Fatal(hold.h)
				}
				last, answer = hold.body, heldSDP
				s.reply(hold, "200 OK", "", "Session-Expires: 600;refresher=uac\r\n", answer)
				s.recv("ACK")
			}
			want := HoldChanged{ByUs: !theirs, ByThem: theirs}
			if h := next[HoldChanged](p, c); h != want {
				t.Fatalf("%+v", h)
			}
			for range 5 {
				re := s.recv("INVITE")
				if re.body != last {
					t.Fatalf("the refresh says\n%s, before it was\n%s", re.body, last)
				}
				s.reply(re, "200 OK", "", "Session-Expires: 600;refresher=uac\r\n", answer)
				s.recv("ACK")
			}
			synctest.Wait()
			if c.now().ByUs() != !theirs || c.now().ByThem() != theirs {
				t.Fatal("the hold is lost")
			}
			for len(p.events) > 0 {
				if e, ok := (<-p.events).e.(HoldChanged); ok {
					t.Fatalf("told again: %+v", e)
				}
			}
		})
	}
}

func TestCallsOfADayLastWithEitherRefresherAndALossyNetwork(t *testing.T) {
	for i := range 8 {
		virtually(t, func(t *testing.T, w *world) {
			r := rand.New(rand.NewPCG(uint64(i), 9))
			var refreshes [2]int
			a := w.phone("alice", timed(time.Duration(1+i%2)*15*time.Minute, 0))
			b := w.phone("bob", timed(time.Duration(i/2%2)*20*time.Minute, 0))
			x, y := connected(t, a, b)
			w.net.Lose(func(from, _ netip.AddrPort, data []byte) bool {
				if strings.HasPrefix(string(data), "UPDATE") {
					refreshes[from.Addr().As4()[3]-1]++
				}
				return r.IntN(5) == 0
			})
			if i >= 4 {
				x.Hold()
				next[HoldChanged](a, x)
			}
			time.Sleep(24 * time.Hour)
			w.net.Lose(nil)
			a.quietSo(x)
			b.quietSo(y)
			if refreshes[0]+refreshes[1] < 50 {
				t.Errorf("call %d: %v refreshes in a day", i, refreshes)
			}
			if x.now().ByUs() != (i >= 4) || y.now().ByThem() != (i >= 4) {
				t.Errorf("call %d: the hold is lost", i)
			}
			w.net.Lose(func(netip.AddrPort, netip.AddrPort, []byte) bool { return true }) // one cable is pulled
			next[Ended](a, x)
			next[Ended](b, y)
			a.settled()
			b.settled()
		})
	}
}

func TestARefreshGoesOnWhereA2xxForgetsTheTimerButNothingEndsTheCall(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone", timed(30*time.Minute, 0)), w.script(nil)
		c, _ := up(t, p, s, allowsUpdate+"Session-Expires: 600;refresher=uac\r\n")
		for range 3 {
			s.reply(s.recv("UPDATE"), "200 OK", "", "", "")
		}
		s.reply(s.recv("UPDATE"), "403 Forbidden", "", "", "")
		for range 8 { // in half of what is left, until hardly anything is
			s.reply(s.recv("INVITE"), "403 Forbidden", "", "", "")
			s.recv("ACK")
		}
		time.Sleep(time.Hour)
		p.quietSo(c)
	})
}

func TestARefreshThatTheFarEndNoLongerKnowsEndsTheCall(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone", timed(30*time.Minute, 0)), w.script(nil)
		c, _ := up(t, p, s, allowsUpdate+"Session-Expires: 600;refresher=uac\r\n")
		s.reply(s.recv("UPDATE"), "481 Gone", "", "", "")
		if e := next[Ended](p, c); e.Cause != CauseNetwork || e.Code != 481 {
			t.Fatalf("%+v", e)
		}
		s.reply(s.recv("BYE"), "481 Gone", "", "", "") // in case that they have lost only some of it (RFC 3261 §12.2.1.2)
		p.settled()
	})
}

func TestAHoldThatTheFarEndNoLongerKnowsEndsTheCall(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c, _ := up(t, p, s, "")
		c.Hold()
		s.reply(s.recv("INVITE"), "481 Gone", "", "", "")
		if e := next[Ended](p, c); e.Cause != CauseNetwork || e.Code != 481 {
			t.Fatalf("%+v", e)
		}
		s.recv("ACK")
		s.reply(s.recv("BYE"), "200 OK", "", "", "")
		p.settled()
	})
}

func TestACallThatWasCancelledBeforeItCameIsToldAndOver(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := line{method: "CANCEL", callID: "c1", from: "<sip:peer@127.0.0.1>;tag=peer1", to: "<sip:phone@127.0.0.1>", cseq: 10, branch: "z9hG4bKc1",
			extra: "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"}
		s.request(l)
		s.recv("SIP/2.0 481")
		s.call("c1", "", peerSDP)
		if m := s.recv("SIP/2.0"); m.code() != 487 {
			t.Fatal(m.start)
		}
		c := p.incoming() // it rings by itself in this test, and nothing comes of it
		if e := next[Ended](p, c); e.Cause != CauseElsewhere || e.ByUs {
			t.Fatalf("%+v", e)
		}
		c.Answer(local(30000))
		p.quiet(c)
		ack := l
		ack.method, ack.extra = "ACK", ""
		s.request(ack)
		p.settled()
	})
}

func FuzzSessionExpires(f *testing.F) {
	for _, s := range []string{"1800", "1800;refresher=uac", "90 ; Refresher = UAS;x", "99999999999999999999", "-1", ";", "1;refresher=", `1;a="refresher=uac"`} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, v, least string) {
		iv, ok := readInterval(v)
		if ok && (iv.d < 0 || iv.d > (1<<31-1)*time.Second || iv.refresher != "" && iv.refresher != "uac" && iv.refresher != "uas") {
			t.Fatalf("%q: %+v", v, iv)
		}
		if ok {
			if again, ok := readInterval(fmt.Sprintf("%s;refresher=%s", seconds(iv.d), iv.refresher)); !ok || again != iv {
				t.Fatalf("%q: %+v, then %+v", v, iv, again)
			}
		}
		h := transaction.Headers{{Name: "Min-SE", Value: least}, {Name: "Retry-After", Value: least}}
		if d := readMinSE(h); d < leastSE || d > (1<<31-1)*time.Second {
			t.Fatalf("Min-SE %q: %v", least, d)
		}
		if d, ok := retryOf(h); ok && (d < 0 || d > (1<<31-1)*time.Second) {
			t.Fatalf("Retry-After %q: %v", least, d)
		}
	})
}
