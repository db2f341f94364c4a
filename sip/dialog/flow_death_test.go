package dialog

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"offhook/sip/transaction"
)

// further is a phone on a connection, whose requests in dialogs find a second one after the first has died.
func (w *world) further(name string) (p *phone, first *script, second chan *script) {
	second = make(chan *script, 1)
	p, first = w.stream(name, func(c *Config) {
		c.Connect = func(context.Context, string, int, string) (*transaction.Flow, netip.AddrPort, error) {
			f, s, err := w.connect(p.ua.Layer())
			if len(second) == cap(second) {
				err = errors.New("a third connection")
			}
			if err != nil {
				return nil, netip.AddrPort{}, err
			}
			second <- s
			return f, f.RemoteAddr(), nil
		}
	})
	return p, first, second
}

// dies lets a connection die when the loop is held up: what came before is dealt with when it is dead.
func dies(p *phone, s *script, before func()) {
	done := make(chan struct{})
	p.ua.Post(func() {
		defer close(done)
		before()
		s.hangUp()
		<-p.flow.Done()
	})
	<-done
}

func TestAnACKFindsAnotherWayWhenItsConnectionDiedUnderTheAnswer(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s, second := w.further("phone")
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		dies(p, s, func() { s.reply(inv, "200 OK", "t1", "", peerSDP) })
		next := <-second
		if ack := next.recv("ACK"); ack.cseq() != inv.cseq() || ack.tag("To") != "t1" {
			t.Fatalf("%v", ack.h)
		}
		c.End("")
		next.reply(next.recv("BYE"), "200 OK", "", "", "")
		p.settled()
	})
}

func TestAnACKThatMayBeLostWithItsConnectionIsSentAgainOverTheNext(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s, _ := w.further("phone")
		c := p.invite(s.uri())
		s.reply(s.recv("INVITE"), "200 OK", "t1", allowsUpdate, peerSDP)
		s.recv("ACK")
		flow, other := w.another(p, s)
		c.Refresh(flow, other.addr(), transaction.Address{})
		if ack := other.recv("ACK", "UPDATE"); !strings.HasPrefix(ack.start, "ACK") {
			t.Fatalf("%s came first", ack.start)
		}
		other.reply(other.recv("UPDATE"), "200 OK", "", "", "")
		c.End("")
		other.reply(other.recv("BYE"), "200 OK", "", "", "")
		p.settled()
	})
}

// A BYE does no harm when it comes twice, and a far end that never gets it talks to nobody.
func TestABYEThatIsLostWithItsConnectionIsSentAgainAsANewRequest(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s, second := w.further("phone")
		c, _ := up(t, p, s, "")
		c.End("")
		bye := s.recv("BYE")
		s.hangUp()
		again := (<-second).recv("BYE")
		if again.cseq() != bye.cseq()+1 || again.get("Call-Id") != bye.get("Call-Id") {
			t.Errorf("%v after %v", again.h, bye.h)
		}
	})
}

func TestAHoldThatIsLostWithItsConnectionIsAskedForAgain(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s, second := w.further("phone")
		c, _ := up(t, p, s, "")
		c.Hold()
		s.recv("INVITE")
		s.hangUp()
		other := <-second
		m := other.recv("INVITE")
		other.reply(m, "200 OK", "", "", heldSDP)
		other.recv("ACK")
		if h := next[HoldChanged](p, c); !h.ByUs {
			t.Errorf("%+v", h)
		}
	})
}

// Who looks for his way is overtaken by who has one.
func TestARequestThatOthersOvertakeGetsALaterNumber(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s, second := w.further("phone")
		c, _ := up(t, p, s, "")
		dies(p, s, func() {
			c.Send("INFO", nil, "", nil, nil)
		})
		other := <-second
		first := other.recv("INFO")
		other.reply(first, "200 OK", "", "", "")
		c.do(func() { // as a re-INVITE does that goes out while this one looks for its way
			req := c.id.request("INFO")
			c.id.localSeq += 3
			c.send(req, func(*transaction.Response, error) {})
		})
		if m := other.recv("INFO"); m.cseq() != first.cseq()+5 {
			t.Errorf("number %d after %d", m.cseq(), first.cseq())
		}
	})
}
