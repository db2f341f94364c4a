package dialog

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"offhook/sip/transaction"
)

func TestACancelWaitsForTheFirstProvisionalResponse(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		c.End("")
		if e := next[Ended](p, c); e.Cause != CauseCancelled || !e.ByUs {
			t.Fatalf("%+v", e)
		}
		for range 3 { // the INVITE is repeated, but no CANCEL may be sent
			if m := s.recv("INVITE", "CANCEL"); m.cseq() != inv.cseq() || strings.HasPrefix(m.start, "CANCEL") {
				t.Fatalf("%s %s", m.start, m.get("CSeq"))
			}
		}
		now := time.Now()
		s.reply(inv, "100 Trying", "", "", "")
		cancel := s.recv("CANCEL")
		if cancel.at != now {
			t.Fatalf("the CANCEL came %v after the 100", cancel.at.Sub(now))
		}
		s.reply(cancel, "200 OK", "t1", "", "")
		s.reply(inv, "487 Request Terminated", "t1", "", "")
		s.recv("ACK")
		p.settled()
	})
}

func TestAnInvitationThatIsGivenUpAndNeverAnsweredLeavesNothing(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri())
		s.recv("INVITE")
		c.End("")
		next[Ended](p, c)
		p.settled()
		for len(s.in) > 0 {
			if m := s.recv(""); !strings.HasPrefix(m.start, "INVITE") {
				t.Fatal(m.start)
			}
		}
	})
}

func TestACancelWithoutFinalResponseIsTheEndAllTheSame(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		s.reply(inv, "180 Ringing", "t1", "", "")
		next[Progress](p, c)
		c.End("")
		next[Ended](p, c)
		s.reply(s.recv("CANCEL"), "200 OK", "t1", "", "")
		p.settled()
		s.nothing("nothing follows the CANCEL")
		p.quiet(c)
	})
}

func TestAnAnswerLongAfterTheCancelIsStillEnded(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		s.reply(inv, "180 Ringing", "t1", "", "")
		next[Progress](p, c)
		c.End("")
		s.reply(s.recv("CANCEL"), "200 OK", "t1", "", "")
		time.Sleep(31 * time.Second)
		s.reply(inv, "200 OK", "t1", "", peerSDP)
		s.recv("ACK")
		s.reply(s.recv("BYE"), "200 OK", "", "", "")
		next[Ended](p, c)
		p.quiet(c)
		p.settled()
	})
}

func TestACallThatNobodyAnswersIsGivenUp(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		s.reply(inv, "180 Ringing", "t1", "", "")
		cancel := s.recv("CANCEL")
		if after := cancel.at.Sub(inv.at); after != 3*time.Minute {
			t.Fatalf("CANCEL after %v", after)
		}
		if e := next[Ended](p, c); e.Code != 408 || !e.ByUs || e.Cause != CauseRejected {
			t.Fatalf("%+v", e)
		}
		s.reply(cancel, "200 OK", "t1", "", "")
		s.reply(inv, "487 Request Terminated", "t1", "", "")
		s.recv("ACK")
		p.settled()
	})
}

func TestAFarEndThatIsNotThereIsATimeOutOf32Seconds(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		began := time.Now()
		c := p.invite(s.uri())
		if e := next[Ended](p, c); e.Code != 408 || e.Cause != CauseNetwork || time.Since(began) != 32*time.Second {
			t.Fatalf("%+v after %v", e, time.Since(began))
		}
		p.settled()
	})
}

func TestABYEThroughALossyNetworkEndsBothSides(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		a, b := w.phone("alice"), w.phone("bob")
		seen := map[string]int{}
		ours, theirs := connected(t, a, b)
		w.net.Lose(func(_, to netip.AddrPort, data []byte) bool { // each message is lost three times
			m := parseMsg(t, data)
			k := to.String() + m.start + m.get("CSeq")
			seen[k]++
			return seen[k] <= 3
		})
		ours.End("")
		if e := next[Ended](b, theirs); e.Cause != CauseBye || e.ByUs {
			t.Fatalf("%+v", e)
		}
		next[Ended](a, ours)
		a.settled()
		b.settled()
	})
}

func TestWholeCallsThroughALossyNetwork(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		a, b := w.phone("alice"), w.phone("bob")
		seen := map[string]int{}
		w.net.Lose(func(_, to netip.AddrPort, data []byte) bool { // each message is lost twice
			m := parseMsg(t, data)
			k := to.String() + m.start + m.get("CSeq") + m.get("Call-Id")
			seen[k]++
			return seen[k] <= 2
		})
		ours, theirs := connected(t, a, b)
		ours.Hold()
		if h := next[HoldChanged](b, theirs); !h.ByThem {
			t.Fatalf("%+v", h)
		}
		next[HoldChanged](a, ours)
		theirs.End("")
		next[Ended](a, ours)
		next[Ended](b, theirs)
		cancelled := a.invite(b.uri())
		ringing := b.incoming()
		next[Progress](a, cancelled)
		cancelled.End("")
		if e := next[Ended](b, ringing); e.Cause != CauseCancelled {
			t.Fatalf("%+v", e)
		}
		a.settled()
		b.settled()
	})
}

func TestABYEThatNobodyAnswersIsGivenUp(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c, _ := up(t, p, s, "")
		c.End("")
		s.recv("BYE")
		next[Ended](p, c)
		p.settled()
	})
}

func TestATransferIsTakenBackWhateverStageItIsIn(t *testing.T) {
	notify := func(inv msg, n int, state, status string) line {
		m := back(inv, "NOTIFY", n)
		m.extra, m.kind, m.body = "Event: refer\r\nSubscription-State: "+state+"\r\n", "message/sipfrag;version=2.0", "SIP/2.0 "+status+"\r\n"
		return m
	}
	for name, asked := range map[string]bool{"asked": true, "the hold is unanswered": false} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world) {
				p, s := w.phone("phone"), w.script(nil)
				c, inv := up(t, p, s, "")
				c.Transfer(transaction.Address{URI: p.uri()}, transaction.Address{URI: p.uri()})
				hold := s.recv("INVITE")
				if asked {
					s.reply(hold, "200 OK", "", "", heldSDP)
					s.reply(s.recv("REFER"), "202 Accepted", "", "", "")
					s.request(notify(inv, 1, "active;expires=60", "100 Trying"))
					s.recv("SIP/2.0 200")
				}
				c.Resume()
				if e := next[TransferDone](p, c); e.OK || e.Code != 487 {
					t.Fatalf("%+v", e)
				}
				if !asked {
					s.reply(hold, "200 OK", "", "", heldSDP)
				}
				s.reply(s.recv("INVITE"), "200 OK", "", "", peerSDP)
				for next[HoldChanged](p, c).ByUs { // the hold that was on its way is told too
				}
				s.recv("ACK")
				if !asked {
					s.nothing("nobody is asked for anything")
					return
				}
				s.request(notify(inv, 2, "terminated;reason=noresource", "200 OK")) // they reached the target all the same
				s.recv("SIP/2.0 200")
				s.nothing("the call goes on until they leave it")
				s.request(back(inv, "BYE", 3))
				if e := next[Ended](p, c); e.Cause != CauseTransferred {
					t.Fatalf("%+v", e)
				}
			})
		})
	}
}

func TestATransferOfWhichNothingIsHeardFails(t *testing.T) {
	for _, tc := range []struct {
		progress bool
		after    time.Duration
	}{{false, 32 * time.Second}, {true, 3 * time.Minute}} { // a target that rings may do so for long
		virtually(t, func(t *testing.T, w *world) {
			p, s := w.phone("phone"), w.script(nil)
			c, inv := up(t, p, s, "")
			c.Transfer(transaction.Address{URI: p.uri()}, transaction.Address{URI: p.uri()})
			s.reply(s.recv("INVITE"), "200 OK", "", "", heldSDP)
			refer := s.recv("REFER")
			s.reply(refer, "202 Accepted", "", "", "")
			if tc.progress {
				n := back(inv, "NOTIFY", 1)
				n.extra, n.kind, n.body = "Event: refer\r\nSubscription-State: active;expires=60\r\n", "message/sipfrag;version=2.0", "SIP/2.0 100 Trying\r\n"
				s.request(n)
				next[TransferProgress](p, c)
			}
			if e := next[TransferDone](p, c); e.OK || e.Code != 408 || time.Since(refer.at) != tc.after {
				t.Fatalf("%+v after %v", e, time.Since(refer.at))
			}
			c.Resume()
			s.reply(s.recv("INVITE"), "200 OK", "", "", peerSDP)
			if h := next[HoldChanged](p, c); h.ByUs {
				t.Fatalf("%+v", h)
			}
			late := back(inv, "NOTIFY", 2) // it says what nobody waits for any more
			late.extra, late.kind, late.body = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n", "message/sipfrag;version=2.0", "SIP/2.0 200 OK\r\n"
			s.request(late)
			s.recv("SIP/2.0 200")
			p.quiet(c)
			s.nothing("the call goes on")
		})
	}
}
