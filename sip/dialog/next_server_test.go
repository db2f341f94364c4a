package dialog

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/transaction"
)

// chain is a NextServer over scripts, and what it was told.
type chain struct {
	left []*script
	dead []bool
	wait time.Duration // of the look-up
	p    *phone
}

func (c *chain) next(dead bool, f func(*transaction.Flow, netip.AddrPort)) {
	c.dead = append(c.dead, dead)
	time.AfterFunc(c.wait, func() {
		c.p.ua.Post(func() {
			if len(c.left) == 0 {
				f(nil, netip.AddrPort{})
				return
			}
			s := c.left[0]
			c.left = c.left[1:]
			f(c.p.flow, s.addr())
		})
	})
}

func (c *chain) call(first *script) *Session {
	return c.p.invite(first.uri(), func(in *Invite) { in.Next = c.next })
}

func TestACallWhoseServerSaysNothingGoesToTheNextAfterFiveSeconds(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, one, two := w.phone("phone"), w.script(nil), w.script(nil)
		c := &chain{p: p, left: []*script{two}, wait: time.Second}
		call := c.call(one)
		first := one.recv("INVITE")
		second := two.recv("INVITE")
		if d := second.at.Sub(first.at); d != serverWait+c.wait {
			t.Errorf("after %v", d)
		}
		for _, same := range []string{"Call-Id", "From", "To", "Cseq", "Contact"} {
			if first.get(same) != second.get(same) {
				t.Errorf("%s: %q became %q", same, first.get(same), second.get(same))
			}
		}
		if first.get("Via") == second.get("Via") || first.start != second.start {
			t.Errorf("%s over %s, then %s over %s", first.start, first.get("Via"), second.start, second.get("Via"))
		}
		two.reply(second, "180 Ringing", "far", "", "")
		for len(one.in) > 0 { // its repetitions
			<-one.in
		}
		time.Sleep(time.Minute)
		one.nothing("the first server is left alone")
		two.reply(second, "200 OK", "far", "", peerSDP)
		two.recv("ACK")
		next[Confirmed](p, call)
		call.End("")
		two.reply(two.recv("BYE"), "200 OK", "", "", "")
		next[Ended](p, call)
		p.settled()
	})
}

func TestA503IsFollowedByTheNextServerAtOnceAndTheLastOneCounts(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, one, two := w.phone("phone"), w.script(nil), w.script(nil)
		c := &chain{p: p, left: []*script{two}}
		call := c.call(one)
		first := one.recv("INVITE")
		one.reply(first, "100 Trying", "", "", "")
		one.reply(first, "503 Service Unavailable", "x", "", "")
		one.recv("ACK")
		second := two.recv("INVITE")
		if second.at != first.at || c.dead[0] {
			t.Errorf("after %v, dead %v", second.at.Sub(first.at), c.dead)
		}
		two.reply(second, "503 Full too", "y", "", "")
		two.recv("ACK")
		if e := next[Ended](p, call); e.Cause != CauseRejected || e.Code != 503 || e.Reason != "Full too" {
			t.Errorf("%+v", e)
		}
		p.settled()
	})
}

func TestACallThatRangIsNotMadeASecondTime(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, one, two := w.phone("phone"), w.script(nil), w.script(nil)
		c := &chain{p: p, left: []*script{two}}
		call := c.call(one)
		inv := one.recv("INVITE")
		one.reply(inv, "180 Ringing", "far", "", "")
		time.Sleep(20 * time.Second)
		one.reply(inv, "503 No more", "far", "", "")
		if e := next[Ended](p, call); e.Code != 503 {
			t.Errorf("%+v", e)
		}
		two.nothing("it rang at the first")
	})
}

func TestWithoutAnotherServerTheOneIsWaitedFor(t *testing.T) {
	for _, late := range []bool{true, false} {
		virtually(t, func(t *testing.T, w *world) {
			p, one := w.phone("phone"), w.script(nil)
			c := &chain{p: p}
			began := time.Now()
			call := c.call(one)
			inv := one.recv("INVITE")
			if late {
				time.Sleep(20 * time.Second)
				one.reply(inv, "200 OK", "far", "", peerSDP)
				one.recv("ACK")
				next[Confirmed](p, call)
				return
			}
			if e := next[Ended](p, call); e.Cause != CauseNetwork || e.Code != 408 || time.Since(began) != limit || len(c.dead) != 2 {
				t.Errorf("%+v after %v, asked %v", e, time.Since(began), c.dead)
			}
			p.settled()
		})
	}
}

func TestALateAnswerOfTheFirstServerIsTheCall(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, one, two := w.phone("phone"), w.script(nil), w.script(nil)
		c := &chain{p: p, left: []*script{two}}
		call := c.call(one)
		first := one.recv("INVITE")
		second := two.recv("INVITE")
		one.reply(first, "200 OK", "slow", "", peerSDP) // it had been making the call all the time
		one.recv("ACK")
		next[Confirmed](p, call)
		two.reply(second, "200 OK", "fast", "", peerSDP)
		two.recv("ACK")
		two.reply(two.recv("BYE"), "200 OK", "", "", "")
		p.quietSo(call)
	})
}

func TestACallThatIsGivenUpWhileTheNextServerIsLookedForGoesNowhere(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		p, one, two := w.phone("phone"), w.script(nil), w.script(nil)
		c := &chain{p: p, left: []*script{two}, wait: time.Second}
		call := c.call(one)
		inv := one.recv("INVITE")
		one.reply(inv, "503 No", "x", "", "")
		one.recv("ACK")
		synctest.Wait()
		call.End("")
		if e := next[Ended](p, call); e.Cause != CauseCancelled {
			t.Errorf("%+v", e)
		}
		time.Sleep(time.Minute)
		two.nothing("it was given up")
		p.settled()
	})
}

func TestAPasswordIsAskedForAtTheNextServerToo(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		digest := transaction.NewDigest(transaction.Credentials{Username: "u", Password: "p"})
		p, one, two := w.phone("phone", func(c *Config) { c.Digest = digest }), w.script(nil), w.script(nil)
		c := &chain{p: p, left: []*script{two}}
		call := c.call(one)
		one.reply(one.recv("INVITE"), "407 Prove it", "x", "Proxy-Authenticate: Digest realm=\"r\", nonce=\"a\"\r\n", "")
		one.recv("ACK")
		proved := one.recv("INVITE") // and now it dies
		second := two.recv("INVITE")
		if second.get("Proxy-Authorization") == "" || second.get("Cseq") != proved.get("Cseq") {
			t.Errorf("%v", second.h)
		}
		two.reply(second, "407 Prove it here", "x", "Proxy-Authenticate: Digest realm=\"r\", nonce=\"b\", stale=true\r\n", "")
		two.recv("ACK")
		two.reply(two.recv("INVITE"), "200 OK", "far", "", peerSDP)
		two.recv("ACK")
		next[Confirmed](p, call)
	})
}
