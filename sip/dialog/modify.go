package dialog

import (
	"math/rand/v2"
	"time"

	"offhook/sip/offer"
	"offhook/sip/transaction"
)

// modify is what changes a running session: our re-INVITE, one at a time (§14.1). want says what the session should be;
// next works towards it whenever nothing else is under way, so that commands never collide.
type modify struct {
	want  bool // held by us
	op    Operation
	owed  bool // whoever asked for op has not been told yet
	busy  bool // our re-INVITE has no final response
	o     *outgoing
	limit *timer
	tries int // 491 in a row
	retry *timer
	ack   *ack // of our last re-INVITE
}

// modifyTime is how long a far end may think about a re-INVITE of ours: nothing of the transaction ends after a 1xx.
const modifyTime = time.Minute

// maxUnacked is how many 2xx of ours to re-INVITEs may wait for their ACK.
const maxUnacked = 4

// maxGlare is how often we try again after a 491 before we give the wish up.
const maxGlare = 6

func (s *Session) want(hold bool, op Operation) {
	if s.state == ended {
		s.emitIfAlive(Refused{Op: op, Reason: "The call has ended"})
		return
	}
	s.modify.want, s.modify.op, s.modify.owed, s.modify.tries = hold, op, op != OpTransfer, 0
	s.next()
}

// emitIfAlive keeps the promise that Ended is the last event.
func (s *Session) emitIfAlive(e Event) {
	if s.state != ended {
		s.emit(e)
	}
}

// free reports whether an offer may be made: nothing of either side is open (RFC 6337 §2.3).
func (s *Session) free() bool {
	return s.state == confirmed && !s.modify.busy && s.modify.retry == nil && !s.owed()
}

// owed: a 2xx of ours carries an offer whose answer the ACK will bring.
func (s *Session) owed() bool {
	for _, r := range s.oks {
		if r.late {
			return true
		}
	}
	return false
}

// next does what is wanted as soon as it can be done.
func (s *Session) next() {
	if !s.free() {
		return
	}
	if s.modify.want != s.terms.ByUs() {
		s.reinvite(s.modify.want, false)
		return
	}
	if s.modify.owed { // it is so already, or the wish was taken back in time
		s.modify.owed = false
		s.emit(HoldChanged{ByUs: s.terms.ByUs(), ByThem: s.terms.ByThem()})
	}
	if s.refer != nil && !s.refer.asked && s.terms.ByUs() {
		s.ask()
	}
}

func (s *Session) again(late bool) {
	if s.free() {
		s.reinvite(s.terms.ByUs(), late)
	}
}

func (s *Session) reinvite(hold, late bool) {
	m, t := &s.modify, s.terms
	req := s.id.request("INVITE")
	req.Headers = append(req.Headers, transaction.Header{Name: "Allow", Value: allow})
	if !late {
		var err error
		if t, req.Body, err = t.Offer(hold); err != nil {
			s.refused(hold, 0, err.Error())
			return
		}
		req.ContentType = "application/sdp"
	}
	m.busy = true
	o := &outgoing{ua: s.ua, d: &s.id, req: req}
	o.onResponse = func(res *transaction.Response) {
		if res.Success() && m.ack != nil && m.ack.req.CSeq == res.CSeq {
			m.ack.send(s.ua)
		}
	}
	m.o, m.limit = o, s.ua.after(modifyTime, func() { o.cancel(nil) })
	o.onFinal = func(res *transaction.Response, err error) {
		m.busy = false
		m.limit.stop()
		if err != nil {
			s.reinviteFailed(hold, err)
			return
		}
		s.reinviteDone(o, t, hold, late, res)
	}
	o.start()
}

func (s *Session) reinviteDone(o *outgoing, t offer.Terms, hold, late bool, res *transaction.Response) {
	m := &s.modify
	switch {
	case res.Success():
		s.id.refresh(res.Contact)
		body, err := sdpOf(res.ContentType, res.Headers, res.Body)
		var answer []byte
		if err == nil {
			if late {
				t, answer, err = t.Answer(body, hold)
			} else {
				t, err = t.Accept(body)
			}
		}
		m.ack = s.ua.newAck(&s.id, o.req, answer)
		if s.state == ended { // our BYE has overtaken it
			return
		}
		if err != nil { // the 2xx cannot be refused; what is agreed is unknown now
			s.finish(Ended{Cause: CauseNoMedia, ByUs: true, Code: 488, Reason: err.Error()})
			s.ua.bye(&s.id, `SIP;cause=488;text="Not Acceptable Here"`)
			return
		}
		m.tries = 0
		s.emit(Refreshed{Response: res})
		s.commit(t)
		s.next()
	case s.state == ended:
	case res.Status == 491 && m.tries < maxGlare:
		m.tries++
		m.retry = s.ua.after(s.glareWait(), func() { m.retry = nil; s.next() })
	case res.Status == 481:
		s.finish(Ended{Cause: CauseNetwork, Code: 481, Reason: res.Reason})
	case res.Status == 408:
		s.finish(Ended{Cause: CauseNetwork, ByUs: true, Code: 408, Reason: res.Reason})
		s.ua.bye(&s.id, "")
	default:
		s.refused(hold, res.Status, res.Reason)
	}
}

func (s *Session) reinviteFailed(hold bool, err error) {
	if s.state == ended {
		return
	}
	code, why := status(err)
	if code == 408 { // §12.2.1.2
		s.finish(Ended{Cause: CauseNetwork, ByUs: true, Code: 408, Reason: why})
		s.ua.bye(&s.id, "")
		return
	}
	s.refused(hold, code, why)
}

// glareWait: who owns the Call-ID waits longer, 2.1–4 s against 0–2 s, so that the other one is first (§14.1).
func (s *Session) glareWait() time.Duration {
	const unit = 10 * time.Millisecond
	if s.outgoing {
		return unit * time.Duration(210+rand.IntN(191))
	}
	return unit * time.Duration(rand.IntN(201))
}

// refused: the session stays as it was. When the wish has changed meanwhile, the refusal is of no interest.
func (s *Session) refused(hold bool, code int, why string) {
	m := &s.modify
	if m.want == hold {
		m.want = s.terms.ByUs()
		switch {
		case s.refer != nil && !s.refer.asked:
			s.endTransfer(TransferDone{Code: code, Reason: why})
		case m.owed:
			m.owed = false
			s.emit(Refused{Op: m.op, Code: code, Reason: why})
		}
	}
	s.next()
}

// reinvited is a re-INVITE of the far end.
func (s *Session) reinvited(tx *transaction.ServerTx, req *transaction.Request) {
	switch {
	case s.state == early && !s.outgoing: // their first one waits for a person
		respond(tx, 500, "", retryAfter())
		return
	case s.state == early, s.modify.busy, s.owed():
		respond(tx, 491, "")
		return
	case s.oks[req.CSeq] != nil, len(s.oks) >= maxUnacked: // the same again, or more and more without ever an ACK
		respond(tx, 500, "", retryAfter())
		return
	}
	theirs, err := sdpOf(req.ContentType, req.Headers, req.Body)
	if err != nil {
		respond(tx, 415, "", transaction.Header{Name: "Accept", Value: "application/sdp"})
		return
	}
	t, late := s.terms, theirs == nil
	var body []byte
	if late {
		t, body, err = t.Offer(t.ByUs())
	} else {
		t, body, err = t.Answer(theirs, t.ByUs())
	}
	if err != nil {
		refuseSDP(tx, err)
		return
	}
	res := transaction.NewResponse(req, 200, "")
	res.Contact = []transaction.Address{s.id.contact}
	res.Headers.Add("Allow", allow)
	res.ContentType, res.Body = "application/sdp", body
	if err := tx.Respond(res); err != nil {
		s.ua.log.Debug("answering a re-INVITE", "err", err)
		return
	}
	s.id.refresh(req.Contact)
	s.repeat(tx, req.CSeq, late)
	s.emit(Refreshed{Request: req})
	if late {
		s.terms = t
	} else {
		s.commit(t)
	}
}

// updated is an UPDATE of the far end (RFC 3311).
func (s *Session) updated(tx *transaction.ServerTx, req *transaction.Request) {
	theirs, err := sdpOf(req.ContentType, req.Headers, req.Body)
	switch {
	case err != nil:
		respond(tx, 415, "", transaction.Header{Name: "Accept", Value: "application/sdp"})
		return
	case theirs == nil:
	case s.state == early && !s.outgoing: // their offer in the INVITE waits for a person
		respond(tx, 500, "", retryAfter())
		return
	case s.state == early, s.modify.busy, s.owed():
		respond(tx, 491, "")
		return
	}
	res := transaction.NewResponse(req, 200, "")
	res.Contact = []transaction.Address{s.id.contact}
	t := s.terms
	if theirs != nil {
		var body []byte
		if t, body, err = t.Answer(theirs, t.ByUs()); err != nil {
			refuseSDP(tx, err)
			return
		}
		res.ContentType, res.Body = "application/sdp", body
	}
	if err := tx.Respond(res); err != nil {
		s.ua.log.Debug("answering an UPDATE", "err", err)
		return
	}
	if s.state != early { // each fork has a target of its own until one has won
		s.id.refresh(req.Contact)
	}
	s.emit(Refreshed{Request: req})
	if theirs != nil {
		s.commit(t)
	}
}
