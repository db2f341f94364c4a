package dialog

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/transaction"
)

// ringingOut is a call of ours that rings, and its INVITE.
func ringingOut(p *phone, s *script) (*Session, msg) {
	c := p.invite(s.uri())
	inv := s.recv("INVITE")
	s.reply(inv, "180 Ringing", "t1", "", "")
	next[Progress](p, c)
	return c, inv
}

// cancels reads a CANCEL that must be found by the INVITE's server transaction (RFC 3261 §9.1).
func (s *script) cancels(inv msg) msg {
	s.t.Helper()
	m := s.recv("CANCEL")
	uri := strings.Fields(inv.start)[1]
	if m.start != "CANCEL "+uri+" SIP/2.0" || m.get("Via") != inv.get("Via") || m.cseq() != inv.cseq() || m.get("To") != inv.get("To") ||
		m.get("From") != inv.get("From") || m.get("Call-Id") != inv.get("Call-Id") {
		s.t.Errorf("the CANCEL is for another request:\n%s %v\n%s %v", inv.start, inv.h, m.start, m.h)
	}
	return m
}

func TestACallWhoseConnectionDiesWhileItRingsIsCancelledOverTheNextOne(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s, second := w.further("phone")
		c, inv := ringingOut(p, s)
		s.hangUp()
		if e := next[Ended](p, c); e.Cause != CauseNetwork {
			t.Errorf("%+v", e)
		}
		other := <-second
		other.reply(other.cancels(inv), "200 OK", "t1", "", "")
		other.reply(inv, "487 Request Terminated", "t1", "", "")
		if ack := other.recv("ACK"); ack.get("Via") != inv.get("Via") || ack.tag("To") != "t1" {
			t.Errorf("%v", ack.h)
		}
		other.nothing("the call is over")
		p.quiet(c)
		p.settled()
	})
}

func TestAHangUpWhoseConnectionDiesUnderTheCANCELIsSaidOverTheNextOne(t *testing.T) {
	for name, rings := range map[string]bool{"it rings": true, "nothing was said yet": false} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world) {
				p, s, second := w.further("phone")
				c := p.invite(s.uri())
				inv := s.recv("INVITE")
				if rings {
					s.reply(inv, "180 Ringing", "t1", "", "")
					next[Progress](p, c)
				}
				c.End(`SIP;cause=487;text="No more"`)
				if rings {
					s.recv("CANCEL")
				}
				synctest.Wait()
				s.hangUp()
				other := <-second
				m := other.cancels(inv)
				if m.get("Reason") == "" {
					t.Errorf("%v", m.h)
				}
				other.reply(m, "200 OK", "t1", "", "")
				other.reply(inv, "487 Request Terminated", "t1", "", "")
				other.recv("ACK")
				p.settled()
			})
		})
	}
}

// The far end answered before it heard of the CANCEL: somebody must end that call.
func TestAnAnswerToACallWhoseConnectionDiedGetsItsACKAndItsBYEOverTheNextOne(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s, second := w.further("phone")
		_, inv := ringingOut(p, s)
		s.hangUp()
		other := <-second
		m := other.cancels(inv)
		other.reply(inv, "200 OK", "t1", "", peerSDP)
		other.reply(m, "200 OK", "t1", "", "")
		if ack := other.recv("ACK", "BYE"); !strings.HasPrefix(ack.start, "ACK") || ack.cseq() != inv.cseq() || ack.tag("To") != "t1" {
			t.Errorf("%s %v", ack.start, ack.h)
		}
		other.reply(inv, "200 OK", "t1", "", peerSDP)
		for range 2 { // the ACK again, and the BYE
			if m := other.recv("ACK", "BYE"); strings.HasPrefix(m.start, "BYE") {
				other.reply(m, "200 OK", "", "", "")
			}
		}
		p.settled()
	})
}

func TestAServerThatKnowsNothingOfACallAnyMoreIsNotWaitedFor(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s, second := w.further("phone")
		_, inv := ringingOut(p, s)
		s.hangUp()
		other := <-second
		other.reply(other.cancels(inv), "481 Call/Transaction Does Not Exist", "t1", "", "")
		synctest.Wait()
		p.ua.loop.run(func() {
			if p.ua.pending != 0 {
				t.Errorf("%d requests are waited for", p.ua.pending)
			}
		})
		p.settled()
	})
}

func TestTheWayToAServerThatRingsInVainIsLookedForMoreThanOnce(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		second := make(chan *script, 8)
		var p *phone
		tries := 0
		p, s := w.stream("phone", func(c *Config) {
			c.Connect = func(context.Context, string, int, string) (*transaction.Flow, netip.AddrPort, error) {
				if tries++; tries < 3 {
					return nil, netip.AddrPort{}, errors.New("no network")
				}
				f, o, err := w.connect(p.ua.Layer())
				if err != nil {
					return nil, netip.AddrPort{}, err
				}
				second <- o
				return f, f.RemoteAddr(), nil
			}
		})
		_, inv := ringingOut(p, s)
		died := time.Now()
		s.hangUp()
		other := <-second
		other.cancels(inv)
		if d := time.Since(died); d != 15*time.Second {
			t.Errorf("after %v", d)
		}
		other.hangUp() // that one too
		synctest.Wait()
		third := <-second
		third.reply(third.cancels(inv), "200 OK", "t1", "", "")
		third.reply(inv, "487 Request Terminated", "t1", "", "")
		third.recv("ACK")
		p.settled()
	})
}

func TestACallWhoseServerIsGoneForGoodIsGivenUp(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		tries := 0
		p, s := w.stream("phone", func(c *Config) {
			c.Connect = func(context.Context, string, int, string) (*transaction.Flow, netip.AddrPort, error) {
				tries++
				return nil, netip.AddrPort{}, errors.New("no network")
			}
		})
		ringingOut(p, s)
		s.hangUp()
		p.settled()
		if tries != withdrawTries {
			t.Errorf("%d tries", tries)
		}
	})
}

// ringingIn is a call that came over a connection and rings.
func ringingIn(p *phone, s *script) (*Session, line, msg) {
	l := s.call("call-in", "", peerSDP)
	ringing := s.recv("SIP/2.0 180")
	return p.incoming(), l, ringing
}

func TestTheAnswerToACallWhoseConnectionDiedGoesOverAnotherOneToWhereItCameFrom(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(c *Session)
		want string
	}{
		"answer": {func(c *Session) { c.Answer(local(30000)) }, "SIP/2.0 200"},
		"reject": {func(c *Session) { c.Reject(486, "") }, "SIP/2.0 486"},
		"redirect": {func(c *Session) {
			c.Redirect(302, []transaction.Address{{URI: transaction.URI{Scheme: "sip", Host: "192.0.2.7"}}})
		}, "SIP/2.0 302"},
		"twice":   {func(c *Session) { c.Answer(local(30000)); c.Answer(local(30000)) }, "SIP/2.0 200"},
		"hang up": {func(c *Session) { c.End("") }, "SIP/2.0 480"},
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world) {
				p, s, second := w.further("phone")
				c, l, ringing := ringingIn(p, s)
				s.hangUp()
				synctest.Wait()
				p.quietSo(c) // it rings on
				tc.do(c)
				other := <-second
				m := other.recv("SIP/2.0")
				if !strings.HasPrefix(m.start, tc.want) || m.get("Via") != ringing.get("Via") || m.get("To") != ringing.get("To") {
					t.Fatalf("%s %v, rang with %v", m.start, m.h, ringing.h)
				}
				if m.code() != 200 {
					l.method, l.to, l.body, l.kind = "ACK", m.get("To"), "", ""
					other.request(l)
					next[Ended](p, c)
				} else {
					other.request(l.in(m, "ACK", 10))
					next[Confirmed](p, c)
					c.End("")
					other.reply(other.recv("BYE"), "200 OK", "", "", "")
				}
				p.settled()
			})
		})
	}
}

func TestACANCELOverTheNextConnectionEndsTheRinging(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s, _ := w.further("phone")
		c, l, _ := ringingIn(p, s)
		_, other := w.another(p, s)
		l.method, l.body, l.kind = "CANCEL", "", ""
		other.request(l)
		if m := other.recv("SIP/2.0 200"); !strings.Contains(m.get("Cseq"), "CANCEL") {
			t.Errorf("%v", m.h)
		}
		m := other.recv("SIP/2.0 487")
		if e := next[Ended](p, c); e.Cause != CauseCancelled {
			t.Errorf("%+v", e)
		}
		l.method, l.to = "ACK", m.get("To")
		other.request(l)
		p.settled()
	})
}

func TestAnINVITERepeatedOverTheNextConnectionGetsTheLastResponseThere(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s, _ := w.further("phone")
		c, l, ringing := ringingIn(p, s)
		_, other := w.another(p, s)
		l.extra = ""
		other.request(l)
		if m := other.recv("SIP/2.0 180"); m.get("To") != ringing.get("To") {
			t.Errorf("it rings a second time: %v", m.h)
		}
		c.Answer(local(30000))
		m := other.recv("SIP/2.0 200")
		other.request(l.in(m, "ACK", 10))
		next[Confirmed](p, c)
		if len(p.calls) != 0 {
			t.Error("there is a second call")
		}
	})
}

func TestAnAnswerThatDiesWithItsConnectionIsRepeatedOverTheNextOne(t *testing.T) {
	for name, under := range map[string]bool{"on the way": false, "while it is written": true} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T, w *world) {
				p, s, second := w.further("phone")
				c, l, _ := ringingIn(p, s)
				if under { // the write fails: the far end reads no more
					done := make(chan struct{})
					p.ua.Post(func() {
						s.hangUp()
						c.accept(local(30000), nil)
						close(done)
					})
					<-done
				} else {
					c.Answer(local(30000))
					s.recv("SIP/2.0 200")
					s.hangUp()
				}
				other := <-second
				m := other.recv("SIP/2.0 200")
				other.request(l.in(m, "ACK", 10))
				next[Confirmed](p, c)
				c.End("")
				other.reply(other.recv("BYE"), "200 OK", "", "", "")
				p.settled()
			})
		})
	}
}

func TestAnAnswerThatFindsNoWayEndsTheCallAtOnceAndSaysSo(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.stream("phone", func(c *Config) {
			c.Connect = func(context.Context, string, int, string) (*transaction.Flow, netip.AddrPort, error) {
				return nil, netip.AddrPort{}, errors.New("no network")
			}
		})
		c, _, _ := ringingIn(p, s)
		s.hangUp()
		synctest.Wait()
		began := time.Now()
		c.Answer(local(30000))
		if e := next[Ended](p, c); e.Cause != CauseNetwork || e.Code != 503 || time.Since(began) > time.Second {
			t.Errorf("%+v after %v", e, time.Since(began))
		}
		p.settled()
	})
}

func TestACallThatRingsGoesOverToTheFlowOfTheNextRegistration(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s, _ := w.further("phone")
		c, l, _ := ringingIn(p, s)
		flow, other := w.another(p, s)
		c.Refresh(flow, other.addr(), transaction.Address{})
		c.Answer(local(30000))
		m := other.recv("SIP/2.0 200")
		if !strings.Contains(m.get("Contact"), flow.LocalAddr().String()) {
			t.Errorf("its Contact leads to the dead one: %v", m.h)
		}
		other.request(l.in(m, "ACK", 10))
		next[Confirmed](p, c)
	})
}
