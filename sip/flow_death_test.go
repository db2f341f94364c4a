package sip

import (
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// Connections die in the very moment in which something is sent over them, before the telephone has heard of it: its loop is held up
// while they do.

// doors is an exchange that knows the connections on which something came, and hangs up at a request of its choice.
type doors struct {
	*server
	refers chan *dialog.Refer

	mu      sync.Mutex
	flows   []*transaction.Flow
	dropped string // method whose first request is thrown away together with its connection
}

func newDoors(t *testing.T) *doors {
	d := &doors{refers: make(chan *dialog.Refer, 4)}
	d.server = newServer(t, granting(3600), func(c *dialog.Config) {
		c.Transaction.Admit = d.admit
		c.Refer = func(_ *dialog.Session, r *dialog.Refer) { d.refers <- r }
	})
	return d
}

func (d *doors) admit(flow *transaction.Flow, _ netip.AddrPort, method string, toTag bool) transaction.Admission {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.flows); n == 0 || d.flows[n-1] != flow {
		d.flows = append(d.flows, flow)
	}
	if toTag && method == d.dropped {
		d.dropped = ""
		go flow.Close()
		return transaction.Drop
	}
	return transaction.Admit
}

// connections are those on which something came, in order.
func (d *doors) connections() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.flows)
}

// drop has the exchange lose the first request of a method in a dialog, and hang up.
func (d *doors) drop(method string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dropped = method
}

// cut hangs up. It is to be called on the loop of p, which has not heard of it when it returns.
func (d *doors) cut(p *Phone) {
	d.mu.Lock()
	flow := d.flows[len(d.flows)-1]
	d.mu.Unlock()
	flow.Close()
	<-p.regs[0].at.flow.Done()
}

// heard is the next event of type E at the exchange.
func heard[E dialog.Event](d *doors) E {
	d.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case e := <-d.events:
			if e, ok := e.(E); ok {
				return e
			}
		case <-limit:
			d.t.Fatalf("the exchange was not told %T", *new(E))
		}
	}
}

// up is a call over the connection to the exchange.
func (d *doors) up(p *Phone) *dialog.Session {
	d.t.Helper()
	p.Dial("x", "100")
	c := <-d.calls
	c.Answer(dialog.Local{RTP: nobody})
	wait[CallAnswered](d.t, p)
	heard[dialog.Confirmed](d)
	return c
}

// while holds up the loop of a telephone: what f asks for is done only when the connection is dead.
func (d *doors) while(p *Phone, f func()) {
	begun, asked := make(chan struct{}), make(chan struct{})
	p.ua.Post(func() {
		close(begun)
		<-asked
		d.cut(p)
	})
	<-begun
	f()
	close(asked)
}

func TestWhatIsDoneInACallWhileItsConnectionDiesReachesTheFarEndOverTheNextOne(t *testing.T) {
	for name, tc := range map[string]struct {
		do    func(p *Phone)
		after func(t *testing.T, d *doors, p *Phone)
		lost  string // the request that may also be lost on the way
	}{
		"hang up": {func(p *Phone) { p.Hangup("x") }, func(t *testing.T, d *doors, p *Phone) {
			wait[CallEnded](t, p)
			if e := heard[dialog.Ended](d); e.Cause != dialog.CauseBye || e.ByUs {
				t.Errorf("%+v", e)
			}
		}, "BYE"},
		"hold": {func(p *Phone) { p.Hold("x") }, func(t *testing.T, d *doors, p *Phone) {
			if e := wait[CallHeld](t, p); !e.ByUs {
				t.Errorf("%+v", e)
			}
			if e := heard[dialog.HoldChanged](d); !e.ByThem {
				t.Errorf("%+v", e)
			}
		}, "INVITE"},
		"transfer": {func(p *Phone) { p.Transfer("x", "200") }, func(t *testing.T, d *doors, p *Phone) {
			r := <-d.refers
			r.Accept()
			r.Notify(200, "")
			if e := wait[TransferEnded](t, p); !e.OK {
				t.Errorf("%+v", e)
			}
		}, "INVITE"},
		"keypad": {func(p *Phone) { p.SendDTMF("x", "5") }, func(t *testing.T, d *doors, p *Phone) {
			if e := heard[dialog.Digit](d); e.Digit != '5' {
				t.Errorf("%+v", e)
			}
		}, ""},
	} {
		for _, lost := range []bool{false, true} {
			if lost && tc.lost == "" {
				continue
			}
			how := " over a dead one"
			if lost {
				how = " and is lost"
			}
			t.Run(name+how, func(t *testing.T) {
				t.Parallel()
				d := newDoors(t)
				p := registered(t, d.server, func(c *Config) { c.Transport = "tcp" })
				until(t, p, Registered)
				call := d.up(p)
				if name == "keypad" { // this far end takes digits by INFO alone
					agreed := make(chan struct{})
					p.ua.Post(func() { p.legs["x"].agreed.DTMFSendPT = 0; close(agreed) })
					<-agreed
				}
				if lost {
					d.drop(tc.lost)
					tc.do(p)
				} else {
					d.while(p, func() { tc.do(p) })
				}
				tc.after(t, d, p)
				if n := d.connections(); n != 2 {
					t.Errorf("it took %d connections", n)
				}
				call.End("")
			})
		}
	}
}

// The registration itself: the connection dies when its answer is on the way to the loop, which hears first that it is dead, and takes that
// for a matter of the round that is under way.
func TestARegistrationWhoseConnectionDiesUnderTheAnswerBeginsAnewAndCallsWaitForIt(t *testing.T) {
	virtually(t, granting(3600), func(w *world) {
		w.news(Registered)
		on := func(f func(r *registration)) {
			done := make(chan struct{})
			w.desk.ua.Post(func() { f(w.desk.regs[0]); close(done) })
			<-done
			synctest.Wait()
		}
		on(func(r *registration) { r.busy, r.try, r.reused = true, r.at, true })
		w.flows[0].Close()
		synctest.Wait()
		var out *registration
		waits := true
		on(func(r *registration) {
			w.desk.whenUp(func(r *registration) { out, waits = r, false })
			r.busy = false
			req := r.request(r.try, r.expires)
			res := transaction.NewResponse(req, 200, "")
			res.Contact = req.Contact
			r.succeeded(req, res)
			if !waits {
				t.Error("the call did not wait for the next connection")
			}
		})
		began := time.Now()
		w.news(Registering)
		w.news(Registered)
		synctest.Wait()
		on(func(r *registration) {
			if waits || out != r || !r.at.alive() {
				t.Errorf("the call goes out over %v, waits %v", out, waits)
			}
		})
		if len(w.flows) != 2 || time.Since(began) > 2*time.Second {
			t.Errorf("%d connections after %v", len(w.flows), time.Since(began))
		}
	}, func(c *Config) { c.Transport = "tcp" })
}

// A write that fails ends a connection, though its reader has not noticed.
func TestNothingIsSentOverAConnectionAfterAWriteHasFailed(t *testing.T) {
	virtually(t, granting(3600), func(w *world) {
		w.news(Registered)
		done := make(chan struct{})
		w.desk.ua.Post(func() {
			defer close(done)
			r := w.desk.regs[0]
			w.flows[0].Close()
			req := r.request(r.at, r.expires)
			if _, err := w.desk.ua.Layer().Send(r.at.flow, r.at.dst(), req, nil, nil); err == nil || r.at.alive() {
				t.Errorf("%v, and the connection is taken for alive: %v", err, r.at.alive())
			}
		})
		<-done
		w.news(Registering)
		w.news(Registered)
	}, func(c *Config) { c.Transport = "tcp" })
}
