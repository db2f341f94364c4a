package dialog

import (
	"errors"
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
	lost  int // connections that died under our request, in a row
	retry *timer
	acks  map[uint32]*ack // to the 2xx of our re-INVITEs, by CSeq: a lost one is wanted again, also after the next re-INVITE

	move     bool // our address has changed: the far end must hear of it
	media    bool // that of our media too
	local    Local
	moves    int  // how often that happened
	updating bool // an UPDATE of ours has no final response
	u        *outgoing
	sent     int // moves when our last request began
}

// modifyTime is how long a far end may think about a re-INVITE of ours: nothing of the transaction ends after a 1xx.
const modifyTime = time.Minute

// maxUnacked is how many 2xx of ours to re-INVITEs may wait for their ACK.
const maxUnacked = 4

// maxLost is how often we try again after the connection died under our request; the way back may take as long as a registration.
const maxLost = 3

// maxGlare is how often we try again after a 491 before we give the wish up.
const maxGlare = 6

func (s *Session) want(hold bool, op Operation) {
	if s.state == ended {
		s.emitIfAlive(Refused{Op: op, Reason: "The call has ended"})
		return
	}
	s.modify.want, s.modify.op, s.modify.owed, s.modify.tries, s.modify.lost = hold, op, op != OpTransfer, 0, 0
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
	return s.state == confirmed && !s.modify.busy && !s.modify.updating && s.modify.retry == nil && !s.owed()
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
	switch m := &s.modify; {
	case m.want != s.terms.ByUs(), m.move && m.media:
		s.reinvite(m.want, false)
		return
	case m.move, s.timer.due:
		if s.id.updates && !s.timer.plain {
			s.update()
		} else {
			s.reinvite(m.want, false)
		}
		return
	}
	if s.modify.owed { // it is so already, or the wish was taken back in time
		s.modify.owed = false
		s.emit(HoldChanged{ByUs: s.terms.ByUs(), ByThem: s.terms.ByThem()})
	}
	s.holdAgreed()
}

func (s *Session) again(late bool) {
	if s.free() {
		s.reinvite(s.terms.ByUs(), late)
	}
}

func (s *Session) reinvite(hold, late bool) {
	m, t := &s.modify, s.terms
	req := s.id.request("INVITE")
	s.ua.describe(req)
	s.askTimer(req)
	m.sent = m.moves
	moves := m.moves
	if m.media {
		t = t.WithLocal(m.local)
	}
	if !late {
		var err error
		if hold == t.ByUs() && !m.media { // nothing is to change: the same description, with its version (RFC 4028 §7.4)
			t, req.Body, err = t.Again()
		} else {
			t, req.Body, err = t.Offer(hold)
		}
		if err != nil {
			s.refused(hold, 0, err.Error())
			return
		}
		req.ContentType = "application/sdp"
	}
	m.busy = true
	o := &outgoing{ua: s.ua, d: &s.id, req: req}
	o.onResponse = func(res *transaction.Response) {
		if a := m.acks[res.CSeq]; res.Success() && a != nil {
			a.send(s.ua)
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
		if res.Success() && moves == m.moves {
			m.move, m.media = false, false
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
		s.learn(&s.id, res.Headers)
		body, err := sdpOf(res.ContentType, res.Headers, res.Body)
		var answer []byte
		if err == nil {
			if late {
				t, answer, err = s.ua.answer(t, body, hold)
			} else {
				t, err = t.Accept(body)
			}
		}
		s.acknowledge(o.req, answer)
		if s.state == ended { // our BYE has overtaken it
			return
		}
		if err != nil { // the 2xx cannot be refused; what is agreed is unknown now
			s.finish(Ended{Cause: CauseNoMedia, ByUs: true, Code: 488, Reason: err.Error()})
			s.ua.bye(&s.id, `SIP;cause=488;text="Not Acceptable Here"`)
			return
		}
		m.tries, m.lost = 0, 0
		s.emit(Refreshed{Response: res})
		s.agreedTimer(res)
		s.commit(t)
		s.next()
	case s.state == ended:
	case s.again491(res):
	case res.Status == 422 && s.raise(res):
		s.next()
	case res.Status == 481: // they have lost the call; should they have lost only some of it, BYE ends the rest (§12.2.1.2)
		s.finish(Ended{Cause: CauseNetwork, Code: 481, Reason: res.Reason})
		s.ua.bye(&s.id, "")
	case res.Status == 408:
		s.finish(Ended{Cause: CauseNetwork, ByUs: true, Code: 408, Reason: res.Reason})
		s.ua.bye(&s.id, "")
	default:
		s.refused(hold, res.Status, res.Reason)
	}
}

// answer answers an offer in a session: where the far end's checks begin anew, so do ours.
func (u *UA) answer(t offer.Terms, theirs []byte, hold bool) (offer.Terms, []byte, error) {
	if u.cfg.ICE != nil && t.RestartsChecks(theirs) {
		t = t.WithICE(u.cfg.ICE())
	}
	return t.Answer(theirs, hold)
}

// acknowledge sends the ACK to a 2xx of our re-INVITE, and keeps it as long as that may be repeated.
func (s *Session) acknowledge(invite *transaction.Request, answer []byte) {
	m := &s.modify
	if m.acks == nil {
		m.acks = map[uint32]*ack{}
	}
	m.acks[invite.CSeq] = s.ua.newAck(&s.id, invite, answer)
	s.ua.after(limit, func() { delete(m.acks, invite.CSeq) })
}

func (s *Session) reinviteFailed(hold bool, err error) {
	if s.state == ended {
		return
	}
	if s.modify.sent != s.modify.moves { // it went the old way; what was wanted still is
		s.next()
		return
	}
	if m := &s.modify; errors.Is(err, transaction.ErrFlowDown) && m.lost < maxLost { // whether they got it or not, the next one says it again
		m.lost++
		m.retry = s.ua.after(transaction.T1, func() { m.retry = nil; s.next() })
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

// again491 tries what was refused for now once more: after a 491 (RFC 3261 §14.1), or when a 500 says how long they are busy with an
// offer of their own (§14.2).
func (s *Session) again491(res *transaction.Response) bool {
	m, wait := &s.modify, s.glareWait()
	if res.Status == 500 {
		after, ok := retryOf(res.Headers)
		if !ok || after > longestRetry {
			return false
		}
		wait = max(wait, after)
	} else if res.Status != 491 {
		return false
	}
	if m.tries >= maxGlare {
		return false
	}
	m.tries++
	m.retry = s.ua.after(wait, func() { m.retry = nil; s.next() })
	return true
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
	m.tries, m.lost = 0, 0
	if s.timer.due {
		s.laterRefresh()
	}
	if m.move && m.sent == m.moves {
		m.move, m.media = false, false
		s.emit(Refused{Op: OpRefresh, Code: code, Reason: why})
	}
	if m.want == hold {
		m.want = s.terms.ByUs()
		switch {
		case s.holdFailed(code, why):
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
		unreadable(tx, "application/sdp")
		return
	}
	iv, ok := s.answerTimer(req)
	if !ok {
		s.tooBrief(tx)
		return
	}
	t, late := s.terms, theirs == nil
	var body []byte
	if late {
		t, body, err = t.Offer(t.ByUs())
	} else {
		t, body, err = s.ua.answer(t, theirs, t.ByUs())
	}
	if err != nil {
		refuseSDP(tx, err)
		return
	}
	res := s.ok(req, iv)
	res.ContentType, res.Body = "application/sdp", body
	if err := tx.Respond(res); err != nil {
		s.ua.log.Debug("answering a re-INVITE", "err", err)
		return
	}
	s.id.refresh(req.Contact)
	s.id.follow(req.Flow, req.Source)
	s.wind(iv, iv.refresher == "uas")
	s.repeat(tx, req.CSeq, late)
	s.emit(Refreshed{Request: req})
	if late {
		s.terms = t
	} else {
		s.commit(t)
	}
}
