package dialog

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"offhook/sip/transaction"
)

// A connection that dies while a call rings takes the way of what is still to be said with it: the CANCEL of a call of ours, and the
// answer to one that came in. Both are found by their branch over any connection to the same place (RFC 3261 §9.1, §18.2.2).

// withdrawTries is how often the way to a server is looked for that rings somebody for us in vain, withdrawWait the first wait between; it
// doubles. By then most servers have given the call up themselves.
const (
	withdrawTries = 5
	withdrawWait  = 5 * time.Second
)

// withdraw cancels an INVITE whose connection died: the call is over here, and nobody must go on ringing for it. A 2xx that comes all the
// same gets its ACK and its BYE.
func (o *outgoing) withdraw(err error, try int) {
	tx, u := o.tx, o.ua
	if o.req.Method != "INVITE" || o.req.ToTag() != "" || tx == nil || tx.Flow().Transport() == "UDP" || !errors.Is(err, transaction.ErrFlowDown) {
		return
	}
	u.again(tx.Flow(), o.dst, func(flow *transaction.Flow) {
		if flow != nil {
			u.busy(1)
			next, err := tx.CancelOver(flow, o.reason,
				func(res *transaction.Response) {
					res = res.Clone()
					u.loop.run(func() { o.onResponse(res) })
				},
				func(err error) {
					u.loop.run(func() {
						u.busy(-1)
						o.withdrawLater(err, try) // if that connection died too
					})
				})
			if err == nil {
				o.tx = next
				return
			}
			u.busy(-1)
		}
		o.withdrawLater(err, try)
	})
}

func (o *outgoing) withdrawLater(err error, try int) {
	if errors.Is(err, transaction.ErrFlowDown) && try+1 < withdrawTries && !o.ua.closing {
		o.ua.after(withdrawWait<<try, func() { o.withdraw(err, try+1) })
	}
}

// again finds another connection to where a dead one led, or came from, and calls f on the loop; with nil when there is none.
func (u *UA) again(dead *transaction.Flow, to netip.AddrPort, f func(*transaction.Flow)) {
	u.busy(1)
	u.background(hopTime, func(ctx context.Context) {
		flow, _, err := u.connect(ctx, to.Addr().String(), int(to.Port()), dead.Transport())
		u.loop.post(func() {
			defer u.busy(-1)
			if err != nil || flow != nil && flow.Transport() != dead.Transport() {
				u.log.Debug("no connection in the place of one that died", "err", err)
				flow = nil
			}
			f(flow)
		})
	})
}

// away reports that the INVITE's connection is dead and another one is being looked for: then does what is to be done when it was
// found, or none was.
func (s *Session) away(then func()) bool {
	flow := s.tx.Flow()
	if flow.Transport() == "UDP" || flow.Alive() || s.noWay || s.ua.closing {
		return false
	}
	s.returning = append(s.returning, then)
	if len(s.returning) == 1 {
		s.back(s.tx, func(ok bool) {
			s.noWay = !ok
			waiting := s.returning
			s.returning = nil
			for _, f := range waiting {
				f()
			}
		})
	}
	return true
}

// back finds another connection for the responses to an INVITE; what found no way goes out over it.
func (s *Session) back(tx *transaction.ServerTx, done func(ok bool)) {
	to := tx.ReturnTo()
	s.ua.again(tx.Flow(), to, func(flow *transaction.Flow) {
		tx.Over(flow)
		if d := &s.id; flow != nil {
			d.follow(flow, to)
		}
		done(tx.Flow().Alive())
	})
}

// overNext takes the responses that are still wanted to the connection that took the place of a dead one.
func (s *Session) overNext(old, flow *transaction.Flow) {
	if s.tx != nil && s.tx.Flow() == old {
		s.tx.Over(flow)
	}
	for _, r := range s.oks {
		if r.tx.Flow() == old {
			r.tx.Over(flow)
		}
	}
}
