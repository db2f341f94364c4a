package sip

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"offhook/internal/text"
	"offhook/sip/locate"
	"offhook/sip/transaction"
)

// A round of attempts: the servers are looked up, and tried one after the other (RFC 3263 §4.3) until one has our binding. The
// first choice comes first each time, so that a phone returns to it once its penalty is over; a binding that still lives
// elsewhere is not given up before.

// failure is why an attempt, or a round, came to nothing.
type failure struct {
	code  int
	why   string
	retry time.Duration // what the server asked for
}

// start begins a round, unless one is under way.
func (r *registration) start() {
	if r.busy || r.stopped != nil {
		return
	}
	r.busy, r.moves, r.begun = true, 0, time.Now()
	r.generation++
	stop(r.timer)
	if !r.live { // a refresh is no news
		r.tell(RegistrationChanged{State: Registering})
	}
	r.look()
}

// hop is the first hop: where a 3xx sent us, else as configured.
func (r *registration) hop() hop {
	if r.moved != nil && r.way.proxy.none() {
		return *r.moved
	}
	return r.way.next()
}

func (r *registration) look() {
	generation := r.generation
	r.p.find(r.p.acc.target(r.hop()), func(list []locate.Server, err error) {
		switch {
		case generation != r.generation:
		case err != nil && r.at.alive() && r.live && !r.fresh: // the name service is ill, not the registrar
			r.left = []locate.Server{r.at.server}
			r.next(failure{})
		case err != nil:
			r.fail(failure{why: err.Error()})
		default:
			r.admit(list)
			r.left = list
			r.next(failure{why: "The registrar does not answer"})
		}
	})
}

// admit lets the account's servers call us, and the registrar itself past the proxy.
func (r *registration) admit(list []locate.Server) {
	r.servers = r.servers[:0:0]
	for _, s := range list {
		r.servers = append(r.servers, s.Addr.Addr())
	}
	if a, err := netip.ParseAddr(r.way.registrar.host); err == nil {
		r.servers = append(r.servers, a.Unmap())
	}
	if r.at.flow != nil {
		r.servers = append(r.servers, r.at.dst().Addr())
	}
	r.p.shareLines()
}

// next tries the next server; last is what became of the one before.
func (r *registration) next(last failure) {
	if len(r.left) == 0 {
		r.fail(last)
		return
	}
	s := r.left[0]
	r.left = r.left[1:]
	if r.at.alive() && same(r.at.server, s) && !(r.fresh && s.Transport != "UDP") {
		r.try, r.reused = path{r.at.flow, s}, true
		r.send()
		return
	}
	generation := r.generation
	r.p.openFor(s, func(flow *transaction.Flow, err error) {
		if generation != r.generation {
			if flow != nil && flow.Transport() != "UDP" {
				flow.Close()
			}
			return
		}
		r.try, r.reused = path{flow, s}, false
		switch {
		case r.stopped != nil:
			r.drop()
			r.busy = false
			r.stopped()
		case err != nil:
			r.giveUp(failure{why: err.Error()})
		default:
			r.send()
		}
	})
}

// giveUp passes on from a server that failed to the next one.
func (r *registration) giveUp(f failure) {
	s := r.try.server
	r.p.locate.Failed(s)
	if !slices.ContainsFunc(r.failed, func(o locate.Server) bool { return same(o, s) }) && len(r.failed) < 32 {
		r.failed = append(r.failed, s)
	}
	if r.reused {
		r.lapse()
	}
	r.drop()
	r.next(f)
}

// lapse tells in the middle of a round that the binding is gone.
func (r *registration) lapse() {
	if r.live {
		r.unlive()
		r.tell(RegistrationChanged{State: Registering})
	}
}

// drop closes the connection of an attempt that came to nothing, unless it is where we are.
func (r *registration) drop() {
	stop(r.patience)
	if f := r.try.flow; f != nil && f != r.at.flow && f.Transport() != "UDP" && f.Alive() {
		f.Close()
	}
	r.try = path{}
}

// fail ends a round, tells it, and plans the next: what the registrar asks for, else min(1800, 30·2ⁿ) s × 50–100 % (RFC 5626 §4.5).
func (r *registration) fail(f failure) {
	wait := min(1800*time.Second, 30*time.Second<<min(r.failures, 10))
	wait = wait/2 + time.Duration(rand.Int64N(int64(wait)/2+1))
	r.failures++
	if f.retry > 0 {
		wait = min(max(f.retry, leastWait), time.Hour)
	}
	r.busy, r.moved = false, nil
	r.unlive()
	r.later(wait)
	r.tell(RegistrationChanged{State: RegFailed, Code: f.code, Reason: text.Clean(f.why), RetryIn: wait})
	r.p.settled()
}

// unlive: the registrar does not hold our binding any more, or nobody knows.
func (r *registration) unlive() {
	r.live = false
	r.quiet()
	r.p.shareLines()
}

func (r *registration) later(d time.Duration) {
	stop(r.timer)
	generation := r.generation
	r.timer = time.AfterFunc(d, func() {
		r.p.ua.Post(func() {
			if generation == r.generation {
				r.start()
			}
		})
	})
}

// coming reports whether a registration is under way, or will be as soon as the loop hears that its connection died.
func (r *registration) coming() bool {
	return r.stopped == nil && (r.busy || r.live && !r.at.alive())
}

// uses reports whether the registration runs over a flow, or is about to.
func (r *registration) uses(f *transaction.Flow) bool { return r.at.flow == f || r.try.flow == f }

// flowDown: the connection to the registrar died. A binding that worked is renewed at once, over a new one; but not for ever with a
// server that hangs up as soon as we are registered.
func (r *registration) flowDown(f *transaction.Flow) {
	if f != r.at.flow || r.stopped != nil {
		return
	}
	if r.busy && r.try.flow == f { // its transaction fails by itself, and goes on from there
		return
	}
	if !r.live {
		return
	}
	if time.Since(r.since) > 30*time.Second {
		r.deaths = 0
	}
	if r.deaths++; r.deaths > 3 {
		r.generation++
		r.fail(failure{why: "The registrar closes the connection again and again"})
		return
	}
	r.renew(false)
}

// renew registers at once over a new flow, whatever is under way.
func (r *registration) renew(slept bool) {
	if r.stopped != nil {
		return
	}
	if r.busy {
		r.generation++
		if r.tx != nil {
			r.tx.Terminate()
		}
		r.drop()
	}
	r.busy, r.fresh, r.slept, r.failures = false, true, r.slept || slept, 0
	r.unlive()
	r.start()
}

// suspect looks at once whether a server still answers, over whose flow a call came to nothing; if not, the next one is found before
// the agent dials again.
func (p *Phone) suspect(f *transaction.Flow) {
	for _, r := range p.regs {
		if r.at.flow == f && r.live && time.Since(r.begun) > leastWait {
			r.start()
		}
	}
}

// stop takes our own Contact off the registrar, never "*", which would take everybody's (RFC 3261 §10.2.2), and calls done.
func (r *registration) stop(done func()) {
	stop(r.timer)
	stop(r.patience)
	r.quiet()
	once := false
	r.stopped = func() {
		if !once {
			once = true
			r.live = false
			r.tell(RegistrationChanged{State: Unregistered})
			done()
		}
	}
	to := r.at
	if r.busy && r.try.alive() {
		to = r.try
	}
	if !to.alive() || !r.live && !r.busy {
		r.stopped()
		return
	}
	r.generation++ // what is under way does not count any more
	r.try, r.left = to, nil
	req := r.request(to, 0)
	r.digest.Prepare(req)
	r.transmit(req, 1)
}
