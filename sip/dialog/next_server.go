package dialog

import (
	"net/netip"
	"time"

	"offhook/sip/transaction"
)

// NextServer finds another server for an INVITE that the last one did not take (RFC 3263 §4.3), and calls f on the loop, now or later; with
// a nil flow when there is none. dead says that the last one said nothing; else it answered 503. It is called on the loop.
type NextServer func(dead bool, f func(*transaction.Flow, netip.AddrPort))

// serverWait is how long a server may say nothing when there is another one: four transmissions over UDP.
const serverWait = 5 * time.Second

// others is what a request knows of its servers: the one that it is at, and how to find the next.
type others struct {
	next     NextServer // nil: there are none
	patience *timer     // with a server that says nothing
	replied  bool       // it said something
	rang     bool       // more than 100: the call is being made
	looking  bool
	none     func() // what to do when there is no other
}

// listen waits for a word of the server that a request has just gone to.
func (o *outgoing) listen() {
	x := &o.others
	x.patience.stop()
	x.replied = false
	if x.next != nil {
		x.patience = o.ua.after(serverWait, func() {
			if !x.replied && !o.final && !o.cancelled {
				o.another(true, nil)
			}
		})
	}
}

// heard notes that the server lives, and reports whether the response is dealt with: a 503 sends us to the next server.
func (o *outgoing) heard(res *transaction.Response) bool {
	x := &o.others
	x.patience.stop()
	x.replied = true
	x.rang = x.rang || res.Status > 100 && res.Status < 200
	if res.Status != 503 || x.next == nil || x.rang || o.final || o.cancelled {
		return false
	}
	res = res.Clone()
	o.another(false, func() { o.finish(res, nil) })
	return true
}

// failed: the transaction ended without a final response. Where the server had said something, the call may be under way, and is not
// made a second time.
func (o *outgoing) failed(try int, err error) {
	switch x := &o.others; {
	case try != o.tries, o.final: // the next server was tried meanwhile
	case o.once(err):
	case x.next == nil || x.replied || o.cancelled:
		o.withdraw(err, 0)
		o.finish(nil, err)
	default:
		x.patience.stop()
		o.another(true, func() { o.finish(nil, err) })
	}
}

// another sends the same request to the next server as a new transaction. Without one, none is called; nil: the wait goes on.
func (o *outgoing) another(dead bool, none func()) {
	x := &o.others
	if x.none = none; x.looking {
		return
	}
	x.looking = true
	x.next(dead, func(flow *transaction.Flow, dst netip.AddrPort) {
		none := x.none
		x.looking, x.none = false, nil
		switch {
		case o.final:
		case none == nil && x.replied: // at last
		case flow == nil, o.cancelled:
			if none != nil {
				none()
			}
		default:
			if none == nil && o.tx != nil {
				o.tries++ // what still comes of the first is not ours any more
				o.tx.Terminate()
			}
			o.req = o.req.Clone()
			o.moved(flow, dst)
			o.transmit(flow, dst, nil)
		}
	})
}
