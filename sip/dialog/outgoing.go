package dialog

import (
	"errors"
	"net/netip"
	"time"

	"offhook/sip/transaction"
)

// outgoing is one request of ours through all its tries: the way is found, challenges are answered with the next CSeq number
// (RFC 3261 §22.2). Its callbacks run on the loop.
type outgoing struct {
	ua  *UA
	d   *ident
	req *transaction.Request // of the last try

	flow *transaction.Flow // fixed way; nil: hop finds it
	dst  netip.AddrPort

	onResponse func(*transaction.Response)        // 1xx, and for INVITE each 2xx after the first
	onFinal    func(*transaction.Response, error) // once; the response is nil when there is an error

	others others // servers that may be tried in place of one that fails
	moved  func(*transaction.Flow, netip.AddrPort)

	again bool // sent once more, as a new request, when its connection died under it: to get it twice does no harm

	tx         *transaction.ClientTx
	tries      int
	challenged int
	rerouted   int // found another way after a flow had died
	final      bool
	cancelled  bool
	reason     transaction.Headers
}

func (o *outgoing) start() {
	o.ua.busy(1)
	if o.flow != nil && o.dst.IsValid() && o.flow.Alive() {
		o.transmit(o.flow, o.dst, nil)
		return
	}
	if o.others.next != nil {
		o.failed(o.tries, transaction.ErrFlowDown)
		return
	}
	o.ua.hop(o.d, o.req, o.transmit)
}

func (o *outgoing) finish(res *transaction.Response, err error) {
	o.final = true
	o.others.patience.stop()
	o.onFinal(res, err)
	o.ua.busy(-1)
}

func (o *outgoing) transmit(flow *transaction.Flow, dst netip.AddrPort, err error) {
	if err != nil {
		o.finish(nil, err)
		return
	}
	if o.cancelled { // nothing has been sent yet
		o.finish(nil, transaction.ErrTerminated)
		return
	}
	o.flow, o.dst = flow, dst
	if o.req.CSeq < o.d.localSeq { // others have overtaken it while the way was being looked for: as it is, it would be refused (§12.2.2)
		o.renumber()
	}
	if d := o.digest(); d != nil && o.tries == 0 {
		d.Prepare(o.req)
	}
	o.tries++
	try, l := o.tries, o.ua.loop
	o.tx, err = o.ua.layer.Send(flow, dst, o.req,
		func(res *transaction.Response) {
			res = res.Clone()
			l.run(func() { o.response(try, res) })
		},
		func(err error) {
			if err != nil { // then there was no final response
				l.run(func() { o.failed(try, err) })
			}
		})
	if errors.Is(err, transaction.ErrTooLarge) && !o.req.AnySize {
		o.large()
		return
	}
	if errors.Is(err, transaction.ErrFlowDown) { // the flow died since it was chosen
		if o.others.next == nil && o.reroute() {
			return
		}
		o.failed(try, err)
		return
	}
	if err != nil {
		o.finish(nil, err)
		return
	}
	if o.cancelled {
		o.tx.Cancel(o.reason)
		return
	}
	o.listen()
}

// maxReroutes is how often a request is sent another way because its flow has died.
const maxReroutes = 2

// reroute looks for another way when the connection that was chosen is dead, and reports whether it does.
func (o *outgoing) reroute() bool {
	if o.cancelled || o.rerouted >= maxReroutes || o.flow == nil || o.flow.Transport() == "UDP" || o.flow.Alive() {
		return false
	}
	o.rerouted++
	o.renumber() // who knows whether they got it
	o.ua.hop(o.d, o.req, o.transmit)
	return true
}

// once sends the request as a new one after its connection died under it, and reports whether it does.
func (o *outgoing) once(err error) bool {
	return o.again && errors.Is(err, transaction.ErrFlowDown) && o.reroute()
}

// renumber makes the next request in the dialog of it.
func (o *outgoing) renumber() {
	o.d.localSeq++
	o.req = o.req.Clone()
	o.req.CSeq = o.d.localSeq
}

// large sends over TCP what UDP should not carry, and over UDP all the same where nobody takes the connection (RFC 3261 §18.1.1).
func (o *outgoing) large() {
	flow, dst := o.flow, o.dst
	o.tx = nil
	o.ua.stream(dst, func(next *transaction.Flow, to netip.AddrPort, err error) {
		if err != nil {
			o.ua.log.Debug("a large request goes over UDP", "method", o.req.Method, "err", err)
			o.req = o.req.Clone()
			o.req.AnySize = true
			next, to = flow, dst
		}
		o.transmit(next, to, nil)
	})
}

// digest is what answers challenges; nil where our credentials do not belong.
func (o *outgoing) digest() *transaction.Digest {
	if o.d.foreign {
		return nil
	}
	return o.ua.cfg.Digest
}

func (o *outgoing) response(try int, res *transaction.Response) {
	switch {
	case try != o.tries:
	case o.heard(res):
	case !res.Final(), o.final:
		if o.onResponse != nil {
			o.onResponse(res)
		}
	case (res.Status == 401 || res.Status == 407) && o.digest() != nil && !o.cancelled && o.challenged < 3:
		next := o.req.Clone()
		o.challenged++
		o.d.localSeq++
		next.CSeq = o.d.localSeq
		if ok, err := o.digest().Authorize(next, res); !ok || err != nil {
			o.finish(res, nil)
			return
		}
		o.req = next
		if o.flow.Alive() { // also when that is the connection for a large one
			o.transmit(o.flow, o.dst, nil)
		} else {
			o.ua.hop(o.d, o.req, o.transmit)
		}
	default:
		o.finish(res, nil)
	}
}

// cancel sends a CANCEL as soon as that is possible. A 2xx may still come.
func (o *outgoing) cancel(reason transaction.Headers) {
	if o.final || o.cancelled {
		return
	}
	o.cancelled, o.reason = true, reason
	if o.tx != nil {
		o.tx.Cancel(reason)
	}
}

// abandon gives the request up without a word, if nothing final has come.
func (o *outgoing) abandon() {
	if o.tx != nil && !o.final {
		o.tx.Terminate()
	}
}

// status turns an error of a request into the status that RFC 3261 §8.1.3.1 gives it.
func status(err error) (int, string) {
	var field *transaction.FieldError
	switch {
	case errors.Is(err, transaction.ErrTimeout):
		return 408, "No answer from the far end"
	case errors.As(err, &field):
		return 400, err.Error()
	}
	return 503, err.Error()
}

// ack is the ACK to a 2xx of INVITE: its own transaction, the INVITE's CSeq number and credentials (§13.2.2.4, §22.1). It is
// sent again for each repetition of the 2xx.
type ack struct {
	d       *ident
	req     *transaction.Request
	flow    *transaction.Flow
	dst     netip.AddrPort
	looking bool // for the way
	made    time.Time
}

func (u *UA) newAck(d *ident, invite *transaction.Request, body []byte) *ack {
	req := d.request("ACK")
	req.CSeq = invite.CSeq
	for _, h := range invite.Headers {
		if isAny(h.Name, "Authorization", "Proxy-Authorization") {
			req.Headers.Add(h.Name, h.Value)
		}
	}
	if body != nil {
		req.ContentType, req.Body = "application/sdp", body
	}
	a := &ack{d: d, req: req, made: time.Now()}
	a.find(u, maxReroutes)
	return a
}

// find looks for the way and sends it; over another one, so many times, when the connection turns out to be dead.
func (a *ack) find(u *UA, reroutes int) {
	a.looking = true
	u.busy(1)
	u.hop(a.d, a.req, func(flow *transaction.Flow, dst netip.AddrPort, err error) {
		defer u.busy(-1)
		a.looking = false
		if err != nil {
			u.log.Warn("ACK has no way", "err", err)
			return
		}
		a.flow, a.dst = flow, dst
		err = u.layer.SendAck(flow, dst, a.req)
		switch {
		case err == nil:
		case errors.Is(err, transaction.ErrFlowDown) && reroutes > 0 && flow.Transport() != "UDP":
			a.find(u, reroutes-1)
		default:
			u.log.Debug("ACK", "err", err)
		}
	})
}

// moved sends it once more when the connection that it went over is dead: it may have died with it, and the 2xx may not find the way to
// ask for it again.
func (a *ack) moved(u *UA) {
	if a != nil && a.flow != nil && !a.flow.Alive() && time.Since(a.made) < limit {
		a.send(u)
	}
}

// send sends it again.
func (a *ack) send(u *UA) {
	if a.looking {
		return
	}
	if a.flow == nil || !a.flow.Alive() {
		a.find(u, maxReroutes)
		return
	}
	if err := u.layer.SendAck(a.flow, a.dst, a.req); err != nil {
		u.log.Debug("ACK", "err", err)
	}
}
