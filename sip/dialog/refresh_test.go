package dialog

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/transaction"
)

// onSecondFlow gives a phone another socket.
func (w *world) second(p *phone) *transaction.Flow {
	w.t.Helper()
	f, err := p.ua.Layer().ServeUDP(w.bind())
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

func contactAt(f *transaction.Flow) transaction.Address {
	a := f.LocalAddr()
	return transaction.Address{URI: transaction.URI{Scheme: "sip", User: "phone", Host: a.Addr().String(), Port: int(a.Port())}}
}

func TestACallMovesToANewFlowByUPDATEOrReInviteWithItsHold(t *testing.T) {
	for _, tc := range []struct {
		allow, method string
		media, held   bool
	}{
		{allowsUpdate, "UPDATE", false, false}, {"", "INVITE", false, false}, {allowsUpdate, "INVITE", true, false},
		{"", "INVITE", true, true}, {allowsUpdate, "UPDATE", false, true},
	} {
		virtually(t, func(t *testing.T, w *world) {
			p, s := w.phone("phone"), w.script(nil)
			c, inv := up(t, p, s, tc.allow)
			sdp, answer := inv.body, peerSDP
			if tc.held {
				c.Hold()
				m := s.recv("INVITE")
				sdp, answer = m.body, heldSDP
				s.reply(m, "200 OK", "", tc.allow, answer)
				s.recv("ACK")
			}
			flow := w.second(p)
			p.flow.Close()
			if tc.media {
				c.Refresh(flow, s.addr(), contactAt(flow), Local{RTP: netip.AddrPortFrom(flow.LocalAddr().Addr(), 22000)})
			} else {
				c.Refresh(flow, s.addr(), transaction.Address{}) // the Contact is made as for a new call
			}
			m := s.recv("INVITE", "UPDATE")
			if !strings.HasPrefix(m.start, tc.method) || !strings.Contains(m.get("Contact"), flow.LocalAddr().String()) || !strings.Contains(m.get("Via"), flow.LocalAddr().String()) {
				t.Fatalf("%+v: %s %v", tc, m.start, m.h)
			}
			switch {
			case tc.method == "UPDATE" && m.body != "", tc.method == "INVITE" && !tc.media && m.body != sdp:
				t.Fatalf("%+v:\n%s", tc, m.body)
			case tc.media && (!strings.Contains(m.body, "m=audio 22000") || !strings.Contains(m.body, "c=IN IP4 "+flow.LocalAddr().Addr().String()) || tc.held != strings.Contains(m.body, "a=sendonly")):
				t.Fatalf("%+v:\n%s", tc, m.body)
			}
			body := ""
			if tc.method == "INVITE" {
				body = answer
			}
			s.reply(m, "200 OK", "", "", body)
			if tc.method == "INVITE" {
				s.recv("ACK")
			}
			next[Refreshed](p, c)
			synctest.Wait()
			if c.now().ByUs() != tc.held {
				t.Fatal("the hold was lost")
			}
			c.Resume()
			if tc.held {
				m = s.recv("INVITE")
				s.reply(m, "200 OK", "", "", peerSDP)
				s.recv("ACK")
			}
			time.Sleep(time.Hour)
			s.nothing("told once is enough")
			bye := back(inv, "BYE", 1)
			s.to = flow.LocalAddr()
			s.request(bye)
			s.recv("SIP/2.0 200")
			next[Ended](p, c)
			p.settled()
		})
	}
}

func TestAWishThatWasOnItsWayWhenTheCallMovedGoesTheNewWay(t *testing.T) {
	for _, dead := range []bool{false, true} {
		virtually(t, func(t *testing.T, w *world) {
			p, s := w.phone("phone"), w.script(nil)
			c, _ := up(t, p, s, "")
			c.Hold()
			lost := s.recv("INVITE")
			flow := w.second(p)
			if dead {
				p.flow.Close()
			}
			c.Refresh(flow, s.addr(), transaction.Address{}, Local{RTP: netip.AddrPortFrom(flow.LocalAddr().Addr(), 22000)})
			var m msg
			for m = s.recv("INVITE"); m.cseq() == lost.cseq(); m = s.recv("INVITE") {
			}
			if !strings.Contains(m.body, "a=sendonly") || !strings.Contains(m.body, "m=audio 22000") || !strings.Contains(m.get("Via"), flow.LocalAddr().String()) {
				t.Fatalf("%v\n%s", m.h, m.body)
			}
			s.reply(m, "200 OK", "", "", heldSDP)
			s.recv("ACK")
			for {
				switch e := (<-p.events).e.(type) {
				case Refused, Ended:
					t.Fatalf("%T %+v", e, e)
				case HoldChanged:
					return
				}
			}
		})
	}
}

func TestAMoveThatIsRefusedIsToldAndOneThatMeetsGlareIsTriedAgain(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c, _ := up(t, p, s, "")
		c.Refresh(p.flow, s.addr(), transaction.Address{})
		s.reply(s.recv("INVITE"), "491 Request Pending", "", "", "")
		s.recv("ACK")
		s.reply(s.recv("INVITE"), "403 Forbidden", "", "", "")
		s.recv("ACK")
		if r := next[Refused](p, c); r.Op != OpRefresh || r.Code != 403 {
			t.Fatalf("%+v", r)
		}
		time.Sleep(time.Hour)
		s.nothing("refused is refused")
	})
}

func TestARingingCallTellsItsMoveWhereItMay(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone", reliableConfig(ReliableSupported)), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		s.reply(inv, "180 Ringing", "t1", reliable(1)+allowsUpdate, "")
		s.reply(s.recv("PRACK"), "200 OK", "", "", "")
		flow := w.second(p)
		c.Refresh(flow, s.addr(), transaction.Address{}, Local{RTP: netip.AddrPortFrom(flow.LocalAddr().Addr(), 22000)})
		u := s.recv("UPDATE")
		if u.tag("To") != "t1" || u.body != "" || !strings.Contains(u.get("Contact"), flow.LocalAddr().String()) {
			t.Fatal(u.h)
		}
		s.reply(u, "500 No", "", "", "") // no harm
		s.to = p.flow.LocalAddr()
		s.reply(inv, "200 OK", "t1", "", peerSDP)
		s.recv("ACK")
		re := s.recv("INVITE") // now everything
		if !strings.Contains(re.body, "m=audio 22000") || !strings.Contains(re.get("Contact"), flow.LocalAddr().String()) {
			t.Fatalf("%v\n%s", re.h, re.body)
		}
		s.reply(re, "200 OK", "", "", peerSDP)
		next[Refreshed](p, c)
	})
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := s.call("c1", allowsUpdate, peerSDP)
		c := p.incoming()
		s.recv("SIP/2.0 180")
		flow := w.second(p)
		c.Refresh(flow, s.addr(), transaction.Address{})
		s.reply(s.recv("UPDATE"), "481 Who", "", "", "") // our 180 may have been lost
		p.quietSo(c)
		c.Answer(local(30000))
		s.to = p.flow.LocalAddr()
		s.request(l.in(s.recv("SIP/2.0 200"), "ACK", 10))
		next[Confirmed](p, c)
		s.reply(s.recv("UPDATE"), "200 OK", "", "", "")
	})
}

func TestEarlySoundMovesByAnOfferInUPDATEAlsoWhenTheAnswerComesMeanwhile(t *testing.T) {
	for _, answered := range []bool{false, true} {
		virtually(t, func(t *testing.T, w *world) {
			p, s := w.phone("phone", reliableConfig(ReliableSupported)), w.script(nil)
			c := p.invite(s.uri())
			inv := s.recv("INVITE")
			s.reply(inv, "183 Progress", "t1", reliable(1)+allowsUpdate, peerSDP)
			s.reply(s.recv("PRACK"), "200 OK", "", "", "")
			s.reply(inv, "180 Ringing", "t2", reliable(1)+allowsUpdate, "")
			s.reply(s.recv("PRACK"), "200 OK", "", "", "")
			c.Refresh(p.flow, s.addr(), transaction.Address{}, local(22000))
			var u msg
			for range 2 {
				m := s.recv("UPDATE")
				if m.tag("To") == "t1" {
					u = m
				} else if m.body != "" {
					t.Fatalf("a second offer where the first has no answer:\n%s", m.body)
				} else {
					s.reply(m, "200 OK", "", "", "")
				}
			}
			if !strings.Contains(u.body, "m=audio 22000") {
				t.Fatal(u.body)
			}
			cross := line{method: "UPDATE", callID: inv.get("Call-Id"), from: inv.get("To") + ";tag=t1", to: inv.get("From"), cseq: 1, body: peerSDP}
			s.request(cross)
			s.recv("SIP/2.0 491")
			moved := strings.Replace(peerSDP, "40000", "44000", 1)
			if answered {
				s.reply(inv, "200 OK", "t1", allowsUpdate, "")
				s.recv("ACK")
				cross.cseq = 2
				s.request(cross)
				s.recv("SIP/2.0 491")
				c.Hold() // waits too
				s.reply(u, "200 OK", "", "", moved)
			} else {
				s.reply(u, "200 OK", "", "", moved)
				s.reply(inv, "200 OK", "t1", allowsUpdate, "")
				s.recv("ACK")
				c.Hold()
			}
			hold := s.recv("INVITE", "UPDATE")
			if !strings.Contains(hold.body, "a=sendonly") || !strings.Contains(hold.body, "m=audio 22000") {
				t.Fatalf("%s\n%s", hold.start, hold.body)
			}
			s.reply(hold, "200 OK", "", "", strings.Replace(heldSDP, "40000", "44000", 1))
			next[HoldChanged](p, c)
			if m := c.now().Media(); m.Remote.Port() != 44000 {
				t.Fatalf("%+v", m)
			}
			time.Sleep(time.Minute)
			c.End("")
			s.reply(s.recv("BYE"), "200 OK", "", "", "")
			p.settled()
		})
	}
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		p.ring = false
		s := w.script(p)
		l := s.call("c1", "Require: 100rel\r\n"+allowsUpdate, peerSDP)
		c := p.incoming()
		media := local(30000)
		c.Progress(183, "", &media)
		early := s.recv("SIP/2.0 183")
		s.prack(l, early, 11, "")
		s.recv("SIP/2.0 200")
		c.Refresh(p.flow, s.addr(), transaction.Address{}, local(32000))
		u := s.recv("UPDATE")
		if !strings.Contains(u.body, "m=audio 32000") {
			t.Fatal(u.body)
		}
		cross := l.in(early, "UPDATE", 12)
		cross.body = peerSDP
		s.request(cross)
		s.recv("SIP/2.0 491")
		c.Answer(media)
		ok := s.recv("SIP/2.0 200")
		s.reply(u, "200 OK", "", "", strings.Replace(peerSDP, "40000", "44000", 1))
		s.request(l.in(ok, "ACK", 10))
		next[Confirmed](p, c)
		time.Sleep(time.Minute)
		s.nothing("all is told")
		if m := c.now().Media(); m.Remote.Port() != 44000 {
			t.Fatalf("%+v", m)
		}
	})
}

// big makes an INVITE that UDP should not carry.
func big(in *Invite) {
	in.Headers = append(in.Headers, transaction.Header{Name: "X-Ballast", Value: strings.Repeat("x", 1400)})
}

func TestWhatIsTooLargeForUDPGoesByTCPAndBackOverUDPWhereTCPIsRefused(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		var asked []string
		var mu sync.Mutex
		p := w.phone("phone", func(c *Config) {
			c.Connect = func(_ context.Context, host string, port int, transport string) (*transaction.Flow, netip.AddrPort, error) {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, transport)
				return nil, netip.AddrPort{}, errors.New("connection refused")
			}
		})
		s := w.script(nil)
		c := p.invite(s.uri(), big)
		inv := s.recv("INVITE")
		if !strings.HasPrefix(inv.get("Via"), "SIP/2.0/UDP") || len(asked) != 1 || asked[0] != "TCP" {
			t.Fatalf("%v, asked for %v", inv.h, asked)
		}
		s.reply(inv, "200 OK", "t1", "", peerSDP)
		s.recv("ACK")
		next[Confirmed](p, c)
	})
}

func TestWhatIsTooLargeForUDPGoesByTCPWithTCPInItsVia(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := newPhone(t, "phone")
	to := netip.MustParseAddrPort(ln.Addr().String())
	c := p.invite(transaction.URI{Scheme: "sip", User: "peer", Host: to.Addr().String(), Port: int(to.Port())}, big)
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	buf := make([]byte, 8192)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	m := parseMsg(t, buf[:n])
	if !strings.HasPrefix(m.start, "INVITE") || !strings.HasPrefix(m.get("Via"), "SIP/2.0/TCP") {
		t.Fatalf("%s %v", m.start, m.h)
	}
	c.End("")
	next[Ended](p, c)
}

func TestTheWayToTLSAndToNamesIsThePhonesToFind(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		var p *phone
		s := w.script(nil)
		asked := make(chan string, 4)
		p = w.phone("phone", func(c *Config) {
			c.Connect = func(_ context.Context, host string, port int, transport string) (*transaction.Flow, netip.AddrPort, error) {
				asked <- host + " " + transport
				return p.flow, s.addr(), nil
			}
		})
		c, inv := up(t, p, s, "Contact: <sip:peer@pbx.example;transport=tls>\r\n") // the first ACK goes this way too
		if a := <-asked; a != "pbx.example TLS" {
			t.Fatal(a)
		}
		r := back(inv, "UPDATE", 1)
		s.request(r) // its Contact is our address again
		s.recv("SIP/2.0 200")
		next[Refreshed](p, c)
		c.End("")
		s.reply(s.recv("BYE"), "200 OK", "", "", "")
		if len(asked) != 0 {
			t.Fatalf("asked for an address that is known: %s", <-asked)
		}
	})
}

func TestTheSessionIDIsOnEveryMessageAndFollowsTheFarEnd(t *testing.T) {
	const one, two = "11111111111111111111111111111111", "22222222222222222222222222222222"
	virtually(t, func(t *testing.T, w *world) {
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri())
		inv := s.recv("INVITE")
		ours, rest, _ := strings.Cut(inv.get("Session-Id"), ";")
		if !isUUID(ours) || rest != "remote="+nilUUID || c.SessionID() != inv.get("Session-Id") {
			t.Fatalf("%q and %q", inv.get("Session-Id"), c.SessionID())
		}
		s.reply(inv, "200 OK", "t1", "Session-ID: "+one+";remote="+ours+"\r\n", peerSDP)
		check := func(m msg, remote string) {
			t.Helper()
			if want := ours + ";remote=" + remote; m.get("Session-Id") != want || c.SessionID() != want {
				t.Fatalf("%s: %q, told %q, want %q", m.start, m.get("Session-Id"), c.SessionID(), want)
			}
		}
		check(s.recv("ACK"), one)
		next[Confirmed](p, c)
		c.Hold()
		re := s.recv("INVITE")
		check(re, one)
		s.reply(re, "200 OK", "", "Session-ID: "+strings.ToUpper(two)+"\r\n", heldSDP) // a server connected us to somebody else
		check(s.recv("ACK"), two)
		for i, bad := range []string{"", "Session-ID: x\r\n", "Session-ID: " + nilUUID + "\r\n", "Session-ID: " + two + "0\r\n"} {
			u := back(inv, "INFO", i+1)
			u.extra = bad
			s.request(u)
			check(s.recv("SIP/2.0 200"), two)
		}
		c.End("")
		bye := s.recv("BYE")
		check(bye, two)
		s.reply(bye, "200 OK", "", "", "")
	})
	virtually(t, func(t *testing.T, w *world) {
		p := w.phone("phone")
		s := w.script(p)
		l := s.call("c1", "Session-ID: "+one+";remote="+nilUUID+"\r\n", peerSDP)
		c := p.incoming()
		id := s.recv("SIP/2.0 180").get("Session-Id")
		if !strings.HasSuffix(id, ";remote="+one) || c.SessionID() != id {
			t.Fatal(id)
		}
		cancel := l
		cancel.method, cancel.body, cancel.extra = "CANCEL", "", ""
		s.request(cancel)
		if m := s.recv("SIP/2.0 487"); m.get("Session-Id") != id { // the layer's own
			t.Fatal(m.h)
		}
	})
	virtually(t, func(t *testing.T, w *world) { // a call that goes on for another one, and the CANCEL and the ACK of the layer
		p, s := w.phone("phone"), w.script(nil)
		c := p.invite(s.uri(), func(in *Invite) { in.SessionID = one })
		inv := s.recv("INVITE")
		s.reply(inv, "180 Ringing", "t1", "", "")
		next[Progress](p, c)
		c.End("")
		cancel := s.recv("CANCEL")
		s.reply(cancel, "200 OK", "", "", "")
		s.reply(inv, "487 Terminated", "t1", "", "")
		for _, m := range []msg{inv, cancel, s.recv("ACK")} {
			if !strings.HasPrefix(m.get("Session-Id"), one) {
				t.Fatalf("%s: %v", m.start, m.h)
			}
		}
	})
}
