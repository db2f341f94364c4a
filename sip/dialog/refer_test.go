package dialog

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"offhook/sip/transaction"
)

// obliging is a phone that does what REFERs ask for, as far as it has a Refer hook of its own, and answers what replaces a call.
func (w *world) obliging(name string) *phone {
	var p *phone
	p = w.phone(name, func(c *Config) {
		c.Refer = func(_ *Session, r *Refer) {
			r.Accept()
			in := Invite{
				Flow: p.flow, Dst: netip.AddrPortFrom(netip.MustParseAddr(r.Target.URI.Host), uint16(r.Target.URI.Port)),
				From: transaction.Address{URI: p.uri()}, Media: local(22000),
			}
			r.Follow(p.ua.Invite(r.Invite(in), nil))
		}
	})
	return p
}

func TestAnAttendedTransferConnectsTheTwoFarEnds(t *testing.T) {
	for _, lost := range []float64{0, 0.15} {
		virtually(t, func(t *testing.T, w *world) {
			alice, bob, carol := w.phone("alice"), w.obliging("bob"), w.phone("carol")
			main, atBob := connected(t, alice, bob)
			consult, atCarol := connected(t, alice, carol)
			r := rand.New(rand.NewPCG(7, 11))
			w.net.Lose(func(netip.AddrPort, netip.AddrPort, []byte) bool { return r.Float64() < lost })

			main.TransferTo(consult, transaction.Address{URI: alice.uri()})
			in := carol.incoming()
			if in.Replacing() != atCarol {
				t.Error("the new call replaces another one")
			}
			if by := in.Request().Headers.Get("Referred-By"); !strings.Contains(by, "alice@") {
				t.Errorf("Referred-By %q", by)
			}
			in.Answer(local(32000))
			next[Confirmed](carol, in)
			done, ends := false, map[*Session]Ended{}
			for limit := time.After(virtualPatience); len(ends) < 2; {
				select {
				case ev := <-alice.events:
					switch e := ev.e.(type) {
					case TransferDone:
						if done = e.OK; !e.OK || ev.s != main {
							t.Errorf("%+v", e)
						}
					case Ended:
						ends[ev.s] = e
					}
				case <-limit:
					t.Fatalf("ended: %+v", ends)
				}
			}
			if !done || ends[main].Cause != CauseTransferred || ends[consult].Cause != CauseTransferred {
				t.Errorf("done %v, main %+v, consultation %+v", done, ends[main], ends[consult])
			}
			next[Ended](bob, atBob)
			w.net.Lose(nil)
			bob.quietSo(in)
			alice.settled()
		})
	}
}

func TestTheTargetOfAnAttendedTransferIsNamedAsItSeesItself(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, bob, carol := w.phone("alice"), w.script(nil), w.script(nil)
		main, _ := up(t, p, bob, "")
		consult := p.invite(carol.uri(), func(in *Invite) { in.CallID = "weird@[2001:db8::1]+x" })
		inv := carol.recv("INVITE")
		host := carol.addr().String()
		contact := "Contact: <sip:carol;x=1@" + host + ";transport=udp;method=INVITE?Subject=no>\r\n"
		carol.reply(inv, "200 OK", "far!tag", contact, peerSDP)
		carol.recv("ACK")
		next[Confirmed](p, consult)
		main.TransferTo(consult, transaction.Address{URI: p.uri()})
		hold := carol.recv("INVITE")
		bob.reply(bob.recv("INVITE"), "200 OK", "", "", heldSDP)
		bob.recv("ACK")
		bob.nothing("the other hold is not confirmed")
		carol.reply(hold, "200 OK", "", contact, heldSDP)
		want := "<sip:carol;x=1@" + host + ";transport=udp?Replaces=weird%40[2001:db8::1]+x%3Bto-tag%3Dfar!tag%3Bfrom-tag%3D" + inv.tag("From") + ">"
		if refer := bob.recv("REFER"); refer.get("Refer-To") != want {
			t.Fatalf("Refer-To %s\nwant     %s", refer.get("Refer-To"), want)
		}
	})
}

// asking begins a blind transfer up to its REFER.
func asking(t *testing.T, p *phone, s *script) (*Session, msg, msg) {
	t.Helper()
	c, inv := up(t, p, s, "")
	return c, inv, refers(p, s, c)
}

func refers(p *phone, s *script, c *Session) msg {
	c.Transfer(transaction.Address{URI: p.uri()}, transaction.Address{URI: p.uri()})
	m := s.recv("INVITE", "REFER") // it may be held already
	if strings.HasPrefix(m.start, "REFER") {
		return m
	}
	s.reply(m, "200 OK", "", "", heldSDP)
	s.recv("ACK")
	return s.recv("REFER")
}

// tells is a NOTIFY of the script about a REFER.
func (s *script) tells(inv msg, cseq int, event, state, status string) {
	n := back(inv, "NOTIFY", cseq)
	n.extra = "Event: " + event + "\r\nSubscription-State: " + state + "\r\n"
	if status != "" {
		n.kind, n.body = "message/sipfrag;version=2.0", "SIP/2.0 "+status+"\r\n"
	}
	s.request(n)
}

func TestTwoHundredIsAsGoodAsTwoHundredAndTwo(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c, inv, refer := asking(t, p, s)
		s.reply(refer, "200 OK", "", "", "")
		s.tells(inv, 1, "refer", "active", "183 Session Progress")
		if e := next[TransferProgress](p, c); e.Code != 183 || e.Reason != "Session Progress" {
			t.Fatalf("%+v", e)
		}
		s.tells(inv, 2, "refer;id="+strconv.Itoa(refer.cseq()), "terminated;reason=noresource", "200 OK")
		if e := next[TransferDone](p, c); !e.OK {
			t.Fatalf("%+v", e)
		}
		s.recv("BYE")
		next[Ended](p, c)
	})
}

func TestWhereNobodyTellsTheByeTells(t *testing.T) {
	for _, asked := range []bool{true, false} {
		virtually(t, func(t *testing.T, w *world) {
			p, s := w.phone("phone", func(c *Config) { c.NoReferSub = asked }), w.script(nil)
			c, inv, refer := asking(t, p, s)
			if (refer.get("Refer-Sub") == "false") != asked || !strings.Contains(refer.get("Supported"), "norefersub") {
				t.Fatalf("%v", refer.h)
			}
			s.reply(refer, "202 Accepted", "", "Refer-Sub: false\r\n", "")
			time.Sleep(2 * time.Minute) // much longer than the wait for a NOTIFY
			p.quietSo(c)
			s.request(back(inv, "BYE", 1))
			if e := next[TransferDone](p, c); !e.OK {
				t.Fatalf("%+v", e)
			}
			if e := next[Ended](p, c); e.Cause != CauseTransferred {
				t.Fatalf("%+v", e)
			}
		})
	}
}

func TestSeveralTransfersOfOneCallAreKeptApart(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c, inv, one := asking(t, p, s)
		s.reply(one, "202 Accepted", "", "", "")
		id := func(m msg) string { return "refer;id=" + strconv.Itoa(m.cseq()) }
		s.tells(inv, 1, id(one), "active", "100 Trying")
		next[TransferProgress](p, c)
		if e := next[TransferDone](p, c); e.OK || e.Code != 408 { // silence
			t.Fatalf("%+v", e)
		}
		two := refers(p, s, c)
		s.reply(two, "202 Accepted", "", "", "")
		s.tells(inv, 2, id(one), "terminated;reason=noresource", "486 Busy Here") // of the first, at last
		s.recv("SIP/2.0 200")
		s.tells(inv, 3, "refer;id=77777", "active", "100 Trying")
		s.recv("SIP/2.0 481")
		s.tells(inv, 4, id(two), "active", "180 Ringing")
		if e := next[TransferProgress](p, c); e.Code != 180 {
			t.Fatalf("%+v", e)
		}
		s.tells(inv, 5, id(two), "terminated;reason=giveup", "")
		if e := next[TransferDone](p, c); e.OK || e.Code != 408 {
			t.Fatalf("%+v", e)
		}
		s.tells(inv, 6, id(two), "terminated;reason=noresource", "200 OK")
		s.recv("SIP/2.0 200")
		s.request(back(inv, "BYE", 7)) // it did go well, and so this is no hang-up
		if e := next[Ended](p, c); e.Cause != CauseTransferred {
			t.Fatalf("%+v", e)
		}
	})
}

func TestAnAttendedTransferThatFailsLeavesBothCalls(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(bob, carol *script, main, consult *Session, atBob, atCarol msg)
		code int
		both bool
	}{
		{"the REFER is refused", func(bob, _ *script, _, _ *Session, _, _ msg) {
			bob.reply(bob.recv("REFER"), "405 No", "", "", "")
		}, 405, true},
		{"the target refuses", func(bob, _ *script, _, _ *Session, atBob, _ msg) {
			bob.reply(bob.recv("REFER"), "202 OK", "", "", "")
			bob.tells(atBob, 1, "refer", "terminated;reason=noresource", "481 Gone")
		}, 481, true},
		{"the target hangs up", func(bob, carol *script, _, _ *Session, atBob, atCarol msg) {
			bob.reply(bob.recv("REFER"), "202 OK", "", "", "")
			carol.request(back(atCarol, "BYE", 1))
			carol.recv("SIP/2.0 200")
			bob.tells(atBob, 1, "refer", "terminated;reason=noresource", "481 Gone")
		}, 481, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world) {
				p, bob, carol := w.phone("alice"), w.script(nil), w.script(nil)
				main, atBob := up(t, p, bob, "")
				consult, atCarol := up(t, p, carol, "")
				main.TransferTo(consult, transaction.Address{})
				bob.reply(bob.recv("INVITE"), "200 OK", "", "", heldSDP)
				carol.reply(carol.recv("INVITE"), "200 OK", "", "", heldSDP)
				carol.recv("ACK")
				tc.do(bob, carol, main, consult, atBob, atCarol)
				if e := next[TransferDone](p, main); e.OK || e.Code != tc.code {
					t.Fatalf("%+v", e)
				}
				p.quietSo(main)
				if tc.both {
					p.quietSo(consult)
					consult.Resume()
					carol.recv("INVITE")
				}
				main.Resume()
				bob.recv("INVITE")
			})
		})
	}
}

func TestAnAttendedTransferThatCannotBeginSaysSo(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, bob, carol := w.phone("alice"), w.script(nil), w.script(nil)
		main, _ := up(t, p, bob, "")
		ringing := p.invite(carol.uri())
		main.TransferTo(ringing, transaction.Address{})
		if e := next[Refused](p, main); e.Op != OpTransfer {
			t.Fatalf("%+v", e)
		}
		main.TransferTo(main, transaction.Address{})
		next[Refused](p, main)
		carol.reply(carol.recv("INVITE"), "486 Busy", "t1", "", "")
		carol.recv("ACK")
		consult, atCarol := up(t, p, carol, "")
		main.TransferTo(consult, transaction.Address{})
		consult.TransferTo(main, transaction.Address{}) // crosswise
		if e := next[Refused](p, consult); e.Op != OpTransfer {
			t.Fatalf("%+v", e)
		}
		carol.reply(carol.recv("INVITE"), "500 No hold", "", "", "")
		if e := next[TransferDone](p, main); e.OK || e.Code != 500 {
			t.Fatalf("%+v", e)
		}
		bob.reply(bob.recv("INVITE"), "200 OK", "", "", heldSDP)
		bob.recv("ACK")
		main.TransferTo(consult, transaction.Address{})
		carol.recv("INVITE")
		carol.request(back(atCarol, "BYE", 1))
		if e := next[TransferDone](p, main); e.OK || !strings.Contains(e.Reason, "other party") {
			t.Fatalf("%+v", e)
		}
		next[Ended](p, consult)
		p.quietSo(main)
		bob.nothing("no REFER")
	})
}

func TestATargetThatDoesNotLeaveTheConsultationIsHungUpOn(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, bob, carol := w.phone("alice"), w.script(nil), w.script(nil)
		main, atBob := up(t, p, bob, "")
		consult, _ := up(t, p, carol, "")
		main.TransferTo(consult, transaction.Address{})
		bob.reply(bob.recv("INVITE"), "200 OK", "", "", heldSDP)
		carol.reply(carol.recv("INVITE"), "200 OK", "", "", heldSDP)
		bob.reply(bob.recv("REFER"), "202 OK", "", "", "")
		bob.tells(atBob, 1, "refer", "terminated;reason=noresource", "200 OK")
		bye := bob.recv("BYE")
		if e := next[Ended](p, main); e.Cause != CauseTransferred {
			t.Fatalf("%+v", e)
		}
		if last := carol.recv("BYE"); last.at.Sub(bye.at) != consultTime {
			t.Fatalf("after %v", last.at.Sub(bye.at))
		}
		if e := next[Ended](p, consult); e.Cause != CauseTransferred || !e.ByUs {
			t.Fatalf("%+v", e)
		}
	})
}

func TestWhatIsAnnouncedWindsTheSessionTimer(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		a := w.phone("alice", func(c *Config) { c.SessionTimer = 10 * time.Minute })
		b := w.phone("bob", func(c *Config) { c.SessionTimer = 10 * time.Minute })
		ours, theirs := connected(t, a, b)
		ours.Announce(transaction.Headers{{Name: "P-Asserted-Identity", Value: "<sip:x@y>"}})
		for {
			if e := next[Refreshed](b, theirs); e.Request != nil && e.Request.Headers.Get("P-Asserted-Identity") == "<sip:x@y>" {
				if e.Request.Method != "UPDATE" || e.Request.Headers.Get("Session-Expires") == "" || len(e.Request.Body) > 0 {
					t.Fatalf("%+v", e.Request)
				}
				break
			}
		}
		time.Sleep(time.Hour)
		a.quietSo(ours)
		b.quietSo(theirs)

		p, s := w.phone("phone"), w.script(nil)
		c, _ := up(t, p, s, "Allow: INVITE, BYE\r\n")
		c.Announce(nil)
		s.nothing("it takes no UPDATE")
	})
}
