package dialog

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"offhook/sip/offer"
)

func reliableConfig(r Reliable) func(*Config) { return func(c *Config) { c.Reliable = r } }

// prack acknowledges a reliable response to l.
func (s *script) prack(l line, res msg, cseq int, body string) {
	s.t.Helper()
	p := l.in(res, "PRACK", cseq)
	p.extra, p.body = fmt.Sprintf("RAck: %s %d INVITE\r\n", res.get("RSeq"), l.cseq), body
	s.request(p)
}

// now is what is agreed at this moment.
func (s *Session) now() offer.Terms {
	got := make(chan offer.Terms, 1)
	s.do(func() { got <- s.terms })
	return <-got
}

func rseq(t *testing.T, m msg) int {
	t.Helper()
	n, err := strconv.Atoi(m.get("RSeq"))
	if err != nil || n < 1 || !strings.Contains(m.get("Require"), "100rel") {
		t.Fatalf("RSeq %q, Require %q in %s", m.get("RSeq"), m.get("Require"), m.start)
	}
	return n
}

func TestWhoeverDemandsReliableResponsesOrSharesThemGetsThem(t *testing.T) {
	for _, tc := range []struct {
		stand Reliable
		extra string
		want  int // 1: reliable, 0: not, else the refusal
	}{
		{ReliableOff, "", 0}, {ReliableOff, "Supported: 100rel\r\n", 0}, {ReliableOff, "Require: 100rel\r\n", 1},
		{ReliableSupported, "", 0}, {ReliableSupported, "k: timer, 100REL\r\n", 1}, {ReliableSupported, "Require: 100rel\r\n", 1},
		{ReliableRequired, "", 421}, {ReliableRequired, "Supported: 100rel\r\n", 1}, {ReliableRequired, "Require: 100rel\r\n", 1},
	} {
		virtually(t, func(t *testing.T, w *world) {
			p := w.phone("phone", reliableConfig(tc.stand))
			s := w.script(p)
			s.call("c1", tc.extra, peerSDP)
			m := s.recv("SIP/2.0 1", "SIP/2.0 4")
			switch {
			case tc.want > 1:
				if m.code() != tc.want || m.get("Require") != "100rel" {
					t.Errorf("%+v: %s %v", tc, m.start, m.h)
				}
			case tc.want == 1:
				rseq(t, m)
			case m.code() != 180 || m.get("RSeq") != "":
				t.Errorf("%+v: %s %v", tc, m.start, m.h)
			}
		})
	}
}

func TestAReliableResponseIsRepeatedWithGrowingPausesUntilItIsGivenUp(t *testing.T) {
	eachTransport(t, func(t *testing.T, p *phone, s *script) {
		s.call("c1", "Require: 100rel\r\n", peerSDP)
		c := p.incoming()
		at, last := s.times("SIP/2.0 180", "SIP/2.0 500")
		want := []time.Duration{0, 500, 1500, 3500, 7500, 15500, 31500}
		for i := range want {
			want[i] *= time.Millisecond
		}
		if !slices.Equal(at, want) || last.body != "32s" {
			t.Fatalf("180 at %v, 500 at %s", at, last.body)
		}
		if e := next[Ended](p, c); e.Cause != CauseNetwork || !e.ByUs || e.Code != 500 {
			t.Fatalf("%+v", e)
		}
	})
}

func TestResponsesWaitForThePRACKOfTheOneBeforeAndThe200ForADescription(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := s.call("c1", "Require: 100rel\r\n", peerSDP)
		c := p.incoming()
		ringing := s.recv("SIP/2.0 180")
		media := local(30000)
		c.Progress(183, "", &media)
		time.Sleep(100 * time.Millisecond)
		s.nothing("the 180 has no PRACK yet")
		wrong := l.in(ringing, "PRACK", 11)
		wrong.extra = fmt.Sprintf("RAck: %d 10 INVITE\r\n", rseq(t, ringing)+1)
		s.request(wrong)
		s.recv("SIP/2.0 481")
		s.prack(l, ringing, 12, "")
		s.recv("SIP/2.0 200")
		early := s.recv("SIP/2.0 183")
		if rseq(t, early) != rseq(t, ringing)+1 || !strings.Contains(early.body, "m=audio 30000") {
			t.Fatalf("%v %s", early.h, early.body)
		}
		update := l.in(ringing, "UPDATE", 13)
		update.body = peerSDP
		s.request(update) // they cannot know our answer yet
		if m := s.recv("SIP/2.0 500"); m.get("Retry-After") == "" {
			t.Fatal(m.h)
		}
		c.Answer(media)
		time.Sleep(100 * time.Millisecond)
		s.nothing("the answer in the 183 has no PRACK yet")
		s.prack(l, early, 14, "")
		done := s.recv("SIP/2.0 200") // to the PRACK
		ok := s.recv("SIP/2.0 200")
		if done.cseq() != 14 || ok.cseq() != 10 || ok.body != "" {
			t.Fatalf("%v then %v %q", done.h, ok.h, ok.body)
		}
		s.request(l.in(ok, "ACK", 10))
		next[Confirmed](p, c)
	})
}

func TestThe200NeedNotWaitForAPRACKWithoutADescription(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := s.call("c1", "Require: 100rel\r\n", peerSDP)
		c := p.incoming()
		ringing := s.recv("SIP/2.0 180")
		c.Answer(local(30000))
		ok := s.recv("SIP/2.0 200")
		if !strings.Contains(ok.body, "m=audio 30000") {
			t.Fatal(ok.body)
		}
		s.prack(l, ringing, 11, "") // late, and still answered
		if m := s.recv("SIP/2.0 2", "SIP/2.0 4"); m.code() != 200 {
			t.Fatal(m.start)
		}
		s.request(l.in(ok, "ACK", 10))
		next[Confirmed](p, c)
		time.Sleep(time.Hour)
		s.nothing("nothing is to be repeated")
	})
}

func TestOffersAndAnswersGoEverywhereReliableResponsesLetThem(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := s.call("late", "Require: 100rel\r\n", "")
		c := p.incoming()
		s.recv("SIP/2.0 100")
		s.nothing("a first reliable response without an offer would break RFC 3261 §13.2.1")
		media := local(30000)
		c.Progress(183, "", &media)
		offer := s.recv("SIP/2.0 183")
		if !strings.Contains(offer.body, "m=audio 30000") {
			t.Fatalf("no offer in the 183: %q", offer.body)
		}
		s.prack(l, offer, 12, "") // the answer is missing
		s.recv("SIP/2.0 400")
		update := l.in(offer, "UPDATE", 13)
		update.body = peerSDP
		s.request(update) // ours is open
		s.recv("SIP/2.0 491")
		s.prack(l, offer, 14, peerSDP)
		if m := s.recv("SIP/2.0 200"); m.cseq() != 14 || m.body != "" {
			t.Fatal(m)
		}
		if m := next[MediaChanged](p, c).Media; m.Remote.Port() != 40000 {
			t.Fatalf("%+v", m)
		}
		// Then they change it, by UPDATE and in the PRACK of a further response.
		update = l.in(offer, "UPDATE", 15)
		update.body = strings.Replace(peerSDP, "40000", "41000", 1)
		s.request(update)
		if m := s.recv("SIP/2.0 200"); m.cseq() != 15 || !strings.Contains(m.body, "m=audio 30000") {
			t.Fatal(m)
		}
		if m := next[MediaChanged](p, c).Media; m.Remote.Port() != 41000 {
			t.Fatalf("%+v", m)
		}
		c.Progress(182, "", nil)
		s.prack(l, s.recv("SIP/2.0 182"), 16, strings.Replace(peerSDP, "40000", "42000", 1))
		if m := s.recv("SIP/2.0 200"); m.cseq() != 16 || !strings.Contains(m.body, "m=audio 30000") {
			t.Fatal(m)
		}
		if m := next[MediaChanged](p, c).Media; m.Remote.Port() != 42000 {
			t.Fatalf("%+v", m)
		}
		c.Progress(183, "", nil)
		s.prack(l, s.recv("SIP/2.0 183"), 17, strings.Replace(peerSDP, "RTP/AVP 0 101", "RTP/AVP 18", 1))
		s.recv("SIP/2.0 488") // and what cannot be met changes nothing
		c.Ring()              // now it may
		s.prack(l, s.recv("SIP/2.0 180"), 18, "")
		s.recv("SIP/2.0 200")
		c.Answer(media)
		ok := s.recv("SIP/2.0 200")
		if ok.body != "" {
			t.Fatalf("a second description in the 200: %q", ok.body)
		}
		s.request(l.in(ok, "ACK", 10))
		next[Confirmed](p, c)
		if m := c.now().Media(); m.Remote.Port() != 42000 {
			t.Fatalf("%+v", m)
		}
	})
}

func TestACallWithoutAnOfferRingsUnreliablyWhereItMay(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone", reliableConfig(ReliableSupported))
		s := w.script(p)
		s.call("late", "Supported: 100rel\r\n", "")
		c := p.incoming()
		if m := s.recv("SIP/2.0 180"); m.get("RSeq") != "" {
			t.Fatal(m.h)
		}
		media := local(30000)
		c.Progress(183, "", &media)
		rseq(t, s.recv("SIP/2.0 183"))
	})
}

func TestAnAnswerInPRACKThatCannotBeUsedEndsTheCall(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		p.ring = false
		l := s.call("late", "Require: 100rel\r\n", "")
		c := p.incoming()
		media := local(30000)
		c.Progress(183, "", &media)
		s.prack(l, s.recv("SIP/2.0 183"), 12, strings.Replace(peerSDP, "RTP/AVP 0 101", "RTP/AVP 18", 1))
		if m := s.recv("SIP/2.0 4"); m.code() != 488 || m.cseq() != 12 {
			t.Fatal(m)
		}
		if m := s.recv("SIP/2.0 4"); m.code() != 488 || m.cseq() != 10 {
			t.Fatal(m)
		}
		next[Ended](p, c)
		p.settled()
	})
}

func reliable(seq int) string {
	return fmt.Sprintf("Require: 100rel\r\nRSeq: %d\r\n", seq)
}

func TestEachNewReliableResponseOfEachForkGetsOnePRACKInOrder(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone", reliableConfig(ReliableSupported)), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		if !strings.Contains(strings.Join(inv.h["Supported"], ","), "100rel") {
			t.Fatal(inv.h)
		}
		prack := func(tag string, seq int) {
			t.Helper()
			m := s.recv("PRACK")
			if m.tag("To") != tag || m.get("RAck") != fmt.Sprintf("%d %d INVITE", seq, inv.cseq()) || m.body != "" {
				t.Fatalf("%v", m.h)
			}
			s.reply(m, "200 OK", "", "", "")
		}
		s.reply(inv, "180 Ringing", "t1", reliable(7), "")
		prack("t1", 7)
		s.reply(inv, "180 Ringing", "t1", reliable(7), "") // again
		s.reply(inv, "183 Progress", "t1", reliable(9), peerSDP)
		s.reply(inv, "183 Progress", "t1", reliable(0), peerSDP)
		s.reply(inv, "183 Progress", "t1", "Require: 100rel\r\nRSeq: x\r\n", peerSDP)
		s.nothing("repetitions and gaps get none")
		s.reply(inv, "183 Progress", "t2", reliable(100), strings.Replace(peerSDP, "40000", "42000", 1))
		prack("t2", 100)
		if m := next[MediaChanged](p, c).Media; m.Remote.Port() != 42000 {
			t.Fatalf("%+v", m)
		}
		s.reply(inv, "183 Progress", "t1", reliable(8), strings.Replace(peerSDP, "40000", "41000", 1))
		prack("t1", 8)
		if m := next[MediaChanged](p, c).Media; m.Remote.Port() != 41000 {
			t.Fatalf("%+v", m)
		}
		s.reply(inv, "183 Progress", "t1", reliable(9), peerSDP)
		prack("t1", 9)
		// UPDATE in one early dialog concerns that one alone.
		u := line{method: "UPDATE", callID: inv.get("Call-Id"), from: inv.get("To") + ";tag=t2", to: inv.get("From"), cseq: 1, body: strings.Replace(peerSDP, "40000", "43000", 1)}
		s.request(u)
		if m := s.recv("SIP/2.0 200"); !strings.Contains(m.body, "m=audio 20000") {
			t.Fatal(m.body)
		}
		s.reply(inv, "200 OK", "t1", "", "") // the answer was in the 183
		ack := s.recv("ACK")
		if ack.body != "" || ack.tag("To") != "t1" || ack.cseq() != inv.cseq() {
			t.Fatal(ack.h)
		}
		next[Confirmed](p, c)
		if m := c.now().Media(); m.Remote.Port() != 41000 {
			t.Fatalf("the winner's terms: %+v", m)
		}
		c.End("")
		bye := s.recv("BYE")
		if bye.cseq() <= inv.cseq()+3 {
			t.Fatalf("CSeq %d after three PRACKs", bye.cseq())
		}
		s.reply(bye, "200 OK", "", "", "")
		p.settled()
	})
}

func TestAnOfferInAReliableResponseIsAnsweredInPRACK(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone", reliableConfig(ReliableRequired)), w.script(nil)
		c := p.invite(s.uri(), func(in *Invite) { in.LateOffer = true })
		inv := s.recv("INVITE")
		if inv.get("Require") != "100rel" || inv.body != "" {
			t.Fatal(inv.h)
		}
		s.reply(inv, "183 Progress", "t1", reliable(1)+"Record-Route: <sip:one@192.0.2.8;lr>, <sip:two@"+s.addr().String()+";lr>\r\n", peerSDP)
		prack := s.recv("PRACK")
		if r := strings.Join(prack.h["Route"], ", "); !strings.HasPrefix(r, "<sip:two@") || !strings.HasSuffix(r, ", <sip:one@192.0.2.8;lr>") {
			t.Fatalf("the way of the PRACK: %q", r)
		}
		if !strings.Contains(prack.body, "m=audio 20000") {
			t.Fatal(prack.body)
		}
		s.reply(prack, "401 Who", "", "", "") // nobody has credentials: that is for them to mind
		if e := next[Progress](p, c); !e.EarlyMedia {
			t.Fatalf("%+v", e)
		}
		s.reply(inv, "200 OK", "t1", "", peerSDP)
		if m := s.recv("ACK"); m.body != "" {
			t.Fatalf("answered twice: %q", m.body)
		}
		next[Confirmed](p, c)
	})
}

func TestAnOfferInAReliableResponseThatCannotBeAnsweredEndsThatForkAlone(t *testing.T) {
	bad := strings.Replace(peerSDP, "RTP/AVP 0 101", "RTP/AVP 18", 1)
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone", reliableConfig(ReliableSupported)), w.script(nil)
		c := p.invite(s.uri(), func(in *Invite) { in.LateOffer = true })
		inv := s.recv("INVITE")
		s.reply(inv, "180 Ringing", "t1", "", "")
		s.reply(inv, "183 Progress", "t2", reliable(1), bad)
		s.reply(s.recv("PRACK"), "400 Bad", "", "", "")
		bye := s.recv("BYE")
		if bye.tag("To") != "t2" {
			t.Fatal(bye.h)
		}
		s.reply(bye, "200 OK", "", "", "")
		p.quietSo(c)
		c2 := p.invite(s.uri(), func(in *Invite) { in.LateOffer = true })
		inv2 := s.recv("INVITE")
		s.reply(inv2, "183 Progress", "t3", reliable(1), bad)
		s.reply(s.recv("CANCEL"), "200 OK", "", "", "")
		s.reply(inv2, "487 Terminated", "t3", "", "")
		if e := next[Ended](p, c2); e.Cause != CauseNoMedia || e.Code != 488 {
			t.Fatalf("%+v", e)
		}
	})
}

func TestAWholeCallWithReliableResponsesOverALossyNetwork(t *testing.T) {
	for seed := range uint64(40) {
		virtually(t, func(t *testing.T, w *world) {
			r, loss := rand.New(rand.NewPCG(seed, 3)), rand.New(rand.NewPCG(seed, 4))
			a, b := w.phone("alice", reliableConfig(ReliableRequired)), w.phone("bob", reliableConfig(ReliableSupported))
			w.net.Lose(func(netip.AddrPort, netip.AddrPort, []byte) bool { return loss.IntN(4) == 0 })
			late := seed%2 == 0
			x := a.invite(b.uri(), func(in *Invite) { in.LateOffer = late })
			y := b.incoming()
			media := local(30000)
			y.Progress(183, "", &media)
			time.Sleep(time.Duration(r.IntN(8000)) * time.Millisecond)
			y.Answer(media)
			next[Confirmed](a, x)
			next[Confirmed](b, y)
			w.net.Lose(nil)
			if m, n := x.now().Media(), y.now().Media(); m.Remote.Port() != 30000 || n.Remote.Port() != 20000 || m.Codec.Name != n.Codec.Name {
				t.Fatalf("round %d: %+v and %+v", seed, m, n)
			}
			x.End("")
			next[Ended](b, y)
			a.settled()
			b.settled()
		})
	}
}

func FuzzRAck(f *testing.F) {
	for _, s := range []string{"1 2 INVITE", "776656 1 INVITE", "4294967296 1 INVITE", " 1\t2  INVITE ", "-1 2 x", "1 2", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		a, err := readRAck(v)
		if err != nil {
			return
		}
		if b, err := readRAck(a.String()); err != nil || a != b {
			t.Fatalf("%q reads as %+v, and that as %+v (%v)", v, a, b, err)
		}
	})
}

func FuzzRSeq(f *testing.F) {
	for _, s := range []string{"1", "0", "4294967295", "4294967296", "+1", "1 ", "٣", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		n, ok := readSeq(v)
		if want, err := strconv.ParseUint(strings.TrimSpace(v), 10, 32); ok != (err == nil) || ok && uint64(n) != want {
			t.Fatalf("%q: %d %v", v, n, ok)
		}
	})
}
