package sip

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/transaction"
)

// refusing answers every REGISTER with a status.
func refusing(status int, headers ...transaction.Header) func(tx *transaction.ServerTx, req *transaction.Request) {
	return func(tx *transaction.ServerTx, req *transaction.Request) {
		res := transaction.NewResponse(req, status, "")
		res.Headers = append(res.Headers, headers...)
		tx.Respond(res)
	}
}

// granting answers every REGISTER with this lifetime in seconds.
func granting(seconds int) func(tx *transaction.ServerTx, req *transaction.Request) {
	return func(tx *transaction.ServerTx, req *transaction.Request) {
		res := transaction.NewResponse(req, 200, "")
		for _, c := range req.Contact {
			c.Params = c.Params.With("expires", strconv.Itoa(seconds))
			res.Contact = append(res.Contact, c)
		}
		tx.Respond(res)
	}
}

func TestTheBindingIsRefreshedAt50To80PercentOfItsLife(t *testing.T) {
	callIDs, cseq := map[string]bool{}, uint32(0)
	grant := granting(100)
	virtually(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		if callIDs[req.CallID] = true; req.CSeq != cseq+1 {
			t.Errorf("CSeq %d after %d", req.CSeq, cseq)
		}
		cseq = req.CSeq
		grant(tx, req)
	}, func(w *world) {
		at := w.tries(40)
		for i, d := range gaps(at) {
			if d < 50*time.Second || d > 80*time.Second {
				t.Errorf("refresh %d after %v", i+1, d)
			}
		}
		if len(callIDs) != 1 {
			t.Errorf("%d Call-IDs", len(callIDs))
		}
		if w.news(Registered).Expires != 100*time.Second {
			t.Error("the lifetime is not told")
		}
	})
}

func gaps(at []time.Time) (out []time.Duration) {
	for i := range at[1:] {
		out = append(out, at[i+1].Sub(at[i]))
	}
	return out
}

func TestRefusedRegistrationsAreTriedLessAndLessOften(t *testing.T) {
	virtually(t, refusing(500), func(w *world) {
		for i, d := range gaps(w.tries(12)) {
			most := min(30*time.Minute, 30*time.Second<<i)
			if d < most/2 || d > most {
				t.Errorf("try %d after %v, want %v–%v", i+2, d, most/2, most)
			}
			if e := w.news(RegFailed); e.RetryIn != d {
				t.Errorf("told %v, was %v", e.RetryIn, d)
			}
		}
		w.serve(granting(60)) // and once it works, all is as at the beginning
		w.news(Registered)
		w.serve(refusing(500))
		if e := w.news(RegFailed); e.RetryIn > 30*time.Second {
			t.Errorf("after a success the first wait is %v", e.RetryIn)
		}
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	for _, tc := range []struct {
		value string
		want  time.Duration
	}{{"120", 2 * time.Minute}, {"7 (soon);duration=60", 7 * time.Second}, {"2000000000", time.Hour}} {
		virtually(t, refusing(503, transaction.Header{Name: "Retry-After", Value: tc.value}), func(w *world) {
			if d := gaps(w.tries(2))[0]; d != tc.want {
				t.Errorf("%q: tried again after %v", tc.value, d)
			}
		})
	}
}

func TestAWrongPasswordIsNotHammered(t *testing.T) {
	c := transaction.NewChallenger("example.com")
	virtually(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		_, err := c.Verify(req, func(string) (string, bool) { return "other", true })
		res := transaction.NewResponse(req, 401, "")
		c.Challenge(res, err)
		tx.Respond(res)
	}, func(w *world) {
		e := w.news(RegFailed)
		if e.Code != 401 || e.RetryIn < 15*time.Second {
			t.Errorf("%+v", e)
		}
		time.Sleep(time.Hour)
		if n := len(w.tries(1)); n < 1 || len(w.at) > 24 {
			t.Errorf("%d REGISTERs in an hour", len(w.at))
		}
	})
}

func TestASilentRegistrarIsLookedUpAgain(t *testing.T) {
	var looked atomic.Int32
	virtually(t, func(*transaction.ServerTx, *transaction.Request) {}, func(w *world) {
		w.net.Lose(func(netip.AddrPort, netip.AddrPort, []byte) bool { return true })
		began := time.Now()
		for i := range 5 {
			e := w.news(RegFailed)
			if i == 0 && time.Since(began) != 32*time.Second || e.Code != 0 || e.RetryIn == 0 {
				t.Errorf("%+v after %v", e, time.Since(began))
			}
		}
		if n := looked.Load(); n < 2 {
			t.Errorf("looked up %d times", n)
		}
	}, func(c *Config) {
		c.Registrar = "pbx.example.com"
		c.Resolve = func(context.Context, string) (netip.Addr, error) { looked.Add(1); return pbxAddr.Addr(), nil }
	})
}

func TestALongerLifetimeThatIsDemandedIsKept(t *testing.T) {
	var asked []string
	virtually(t, func(tx *transaction.ServerTx, req *transaction.Request) {
		asked = append(asked, req.Headers.Get("Expires"))
		if n, _ := strconv.Atoi(req.Headers.Get("Expires")); n > 0 && n < 900 {
			refusing(423, transaction.Header{Name: "Min-Expires", Value: "900"})(tx, req)
			return
		}
		granting(900)(tx, req)
	}, func(w *world) {
		for i, d := range gaps(w.tries(5)) {
			if i > 0 && (d < 450*time.Second || d > 720*time.Second) {
				t.Errorf("refresh after %v", d)
			}
		}
		if got := fmt.Sprint(asked[:4]); got != "[300 900 900 900]" {
			t.Errorf("asked for %s", got)
		}
	})
}

func TestA423ThatMakesNoSenseIsARefusal(t *testing.T) {
	for _, least := range []string{"", "0", "10", "99999999999", "x"} {
		virtually(t, refusing(423, transaction.Header{Name: "Min-Expires", Value: least}), func(w *world) {
			if e := w.news(RegFailed); e.Code != 423 || len(w.at) > 1 {
				t.Errorf("%q: %+v after %d tries", least, e, len(w.at))
			}
		})
	}
}

func TestADeadConnectionIsReplacedWithinTwoSeconds(t *testing.T) {
	tcp := func(c *Config) { c.Transport = "tcp" }
	virtually(t, granting(300), func(w *world) {
		w.news(Registered)
		time.Sleep(time.Minute)
		died := time.Now()
		w.flows[0].Close()
		w.news(Registering)
		if w.news(Registered); time.Since(died) > 2*time.Second || len(w.flows) != 2 {
			t.Errorf("registered again after %v over %d connections", time.Since(died), len(w.flows))
		}
		// When the exchange restarts, it takes no connections for a while.
		w.mu.Lock()
		w.refusing = true
		w.mu.Unlock()
		w.flows[1].Close()
		if e := w.news(RegFailed); e.RetryIn < 15*time.Second || e.RetryIn > 30*time.Second {
			t.Errorf("%+v", e)
		}
		w.mu.Lock()
		w.refusing = false
		w.mu.Unlock()
		w.news(Registered)
	}, tcp)
}

func TestAConnectionThatFellSilentIsReplaced(t *testing.T) {
	virtually(t, granting(100), func(w *world) {
		w.news(Registered)
		var first *transaction.Flow
		w.serve(func(tx *transaction.ServerTx, req *transaction.Request) { // what goes into the old connection is lost
			if first == nil {
				first = req.Flow
			}
			if req.Flow != first {
				granting(100)(tx, req)
			}
		})
		began := time.Now()
		w.news(Registering)
		w.news(Registered)
		if after := time.Since(began); after > 80*time.Second+32*time.Second+2*time.Second || len(w.flows) != 2 {
			t.Errorf("registered again after %v over %d connections", after, len(w.flows))
		}
	}, func(c *Config) { c.Transport = "tcp" })
}

func TestACallThatNobodyTakesIsAnswered480AfterTheRingLimit(t *testing.T) {
	virtually(t, granting(3600), func(w *world) {
		w.news(Registered)
		a := deskAddr
		began := time.Now()
		w.pbx.call(w.desk, address(t, "<sip:+442079460018@example.com>"), transaction.Header{Name: "X-Test", Value: "1"})
		in, ok := w.next().(IncomingCall)
		if !ok || in.Remote.Number.String() != "+442079460018" {
			t.Fatalf("%+v to %v", in, a)
		}
		e, ok := w.next().(CallEnded)
		if !ok || e.Leg != in.Leg || e.Cause != EndNoAnswer || e.Code != 480 || time.Since(began) != 2*time.Minute {
			t.Fatalf("%+v after %v", e, time.Since(began))
		}
	})
}

func TestAnHourOfNothingLeavesNothing(t *testing.T) {
	virtually(t, granting(60), func(w *world) {
		w.news(Registered)
		for range 50 { // strangers knock
			f := w.pbx.call(w.desk, address(t, "<sip:100@example.com>"))
			in := w.next().(IncomingCall)
			f.End("")
			if e := w.next().(CallEnded); e.Leg != in.Leg || e.Cause != EndCancelled {
				t.Fatalf("%+v", e)
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		s := w.desk.ua.Layer().Stats()
		w.desk.ua.Post(func() {
			if len(w.desk.legs)+len(w.desk.used.known) != 0 {
				t.Errorf("%d legs, %d names are kept", len(w.desk.legs), len(w.desk.used.known))
			}
		})
		synctest.Wait()
		if s.ClientTx > 1 || s.ServerTx != 0 {
			t.Errorf("%+v", s)
		}
	})
}
