package dialog

import (
	"net/netip"

	"offhook/sip/offer"
	"offhook/sip/transaction"
)

// update says by UPDATE without a description that we are still here, and where (RFC 3311, RFC 4028 §7.4).
func (s *Session) update() {
	m := &s.modify
	req := s.id.request("UPDATE")
	s.ua.describe(req)
	s.askTimer(req)
	m.updating, m.sent = true, m.moves
	moves := m.moves
	m.u = s.send(req, func(res *transaction.Response, err error) {
		m.updating = false
		if s.state != ended {
			s.updateDone(res, err, moves)
		}
	})
}

func (s *Session) updateDone(res *transaction.Response, err error, moves int) {
	m := &s.modify
	switch {
	case err != nil:
		s.reinviteFailed(m.want, err)
	case res.Success():
		m.tries, m.lost = 0, 0
		s.id.refresh(res.Contact)
		s.learn(&s.id, res.Headers)
		if moves == m.moves && !m.media {
			m.move = false
		}
		s.emit(Refreshed{Response: res})
		s.agreedTimer(res)
		s.next()
	case s.again491(res):
	case res.Status == 422 && s.raise(res):
		s.next()
	case res.Status == 481: // send ends the session
	case res.Status == 408:
		s.finish(Ended{Cause: CauseNetwork, ByUs: true, Code: 408, Reason: res.Reason})
		s.ua.bye(&s.id, "")
	default: // whatever they allow, they do not take it
		s.timer.plain = true
		s.next()
	}
}

// updated is an UPDATE of the far end (RFC 3311 §5.2).
func (s *Session) updated(tx *transaction.ServerTx, req *transaction.Request) {
	theirs, err := sdpOf(req.ContentType, req.Headers, req.Body)
	switch {
	case err != nil:
		unreadable(tx, "application/sdp")
		return
	case theirs == nil:
	case s.state == early && s.outgoing: // below, each fork for itself
	case s.rel.open != nil && s.rel.open.offers && s.state == early, s.modify.busy, s.owed():
		respond(tx, 491, "")
		return
	case s.state == early && !s.rel.agreed: // their offer in the INVITE waits for our answer, or that for its PRACK
		respond(tx, 500, "", retryAfter())
		return
	}
	if theirs != nil && s.ua.cfg.Prompt != nil && s.ua.cfg.Prompt(s, theirs) {
		respond(tx, 504, "")
		return
	}
	if s.state == early && s.outgoing {
		s.call.updated(tx, req, theirs)
		return
	}
	var iv interval
	if s.state != early { // the timer begins with the answer to the call
		var ok bool
		if iv, ok = s.answerTimer(req); !ok {
			s.tooBrief(tx)
			return
		}
	}
	res := s.ok(req, iv)
	t := s.terms
	if theirs != nil {
		if t, res.Body, err = s.ua.answer(t, theirs, t.ByUs()); err != nil {
			refuseSDP(tx, err)
			return
		}
		res.ContentType = "application/sdp"
	}
	if err := tx.Respond(res); err != nil {
		s.ua.log.Debug("answering an UPDATE", "err", err)
		return
	}
	s.id.refresh(req.Contact)
	s.id.follow(req.Flow, req.Source)
	if s.state != early {
		s.wind(iv, iv.refresher == "uas")
	}
	s.emit(Refreshed{Request: req})
	if theirs != nil {
		s.commit(t)
	}
}

// ok is a 2xx to a re-INVITE or UPDATE.
func (s *Session) ok(req *transaction.Request, iv interval) *transaction.Response {
	res := transaction.NewResponse(req, 200, "")
	res.Contact = []transaction.Address{s.id.contact}
	res.Headers.Add("Allow", s.ua.Allow())
	iv.header(res)
	return res
}

// Refresh moves the session to another flow, address and Contact, as after a change of the network: the far end is told by UPDATE or
// re-INVITE, and what comes next goes the new way. media, if given, is where our sound is now; the hold state stays. While the call
// rings, only UPDATE can tell it, and only to far ends that allow it; all is told once more when the call is answered. Refused
// with OpRefresh says that the far end did not take it. dst is as in Invite.Dst; a zero contact is made as for a new session.
func (s *Session) Refresh(flow *transaction.Flow, dst netip.AddrPort, contact transaction.Address, media ...Local) {
	s.do(func() {
		if s.state == ended {
			return
		}
		if contact.URI.IsZero() {
			contact = s.ua.contact(flow, dst)
		}
		m, old := &s.modify, s.id.home
		s.id.flow, s.id.home, s.id.dst, s.id.contact = flow, flow, dst, contact
		m.move, m.moves, m.tries = true, m.moves+1, 0
		s.overNext(old, flow)
		if len(media) > 0 {
			m.media, m.local = true, s.local(media[0])
			s.terms = s.terms.WithLocal(m.local)
		}
		if s.state == early {
			s.moved()
			return
		}
		s.acksAgain()
		if old != flow { // what went the old way gets no answer any more
			if m.busy {
				m.o.abandon()
			}
			if m.updating {
				m.u.abandon()
			}
			if m.lost > 0 { // there is a way again
				m.retry.stop()
				m.retry = nil
			}
		}
		s.next()
	})
}

// Renegotiate offers media anew in an established session: where our sound is, and how it is found. The hold state stays. Refused with
// OpRefresh says that the far end did not take it.
func (s *Session) Renegotiate(media Local) {
	s.do(func() {
		if s.state != confirmed {
			return
		}
		m := &s.modify
		m.local = s.local(media)
		m.move, m.media, m.moves, m.tries = true, true, m.moves+1, 0
		s.terms = s.terms.WithLocal(m.local)
		s.next()
	})
}

// acksAgain sends what may not have arrived over a connection that died.
func (s *Session) acksAgain() {
	if s.call != nil {
		if f := s.call.forks[s.id.remote.Tag()]; f != nil {
			f.ack.moved(s.ua)
		}
	}
	for _, a := range s.modify.acks {
		a.moved(s.ua)
	}
}

// moved tells early dialogs of our new address: each fork of a call of ours, or the caller once it may know our tag. Where offer and
// answer are done, that of our sound goes with it (RFC 3311 §5.1).
func (s *Session) moved() {
	m := &s.modify
	if s.outgoing {
		for _, f := range s.call.forks {
			f.id.flow, f.id.home, f.id.dst, f.id.contact = s.id.flow, s.id.home, s.id.dst, s.id.contact
			if f.id.updates && f.id.remote.Tag() != "" {
				s.call.moved(f)
			}
		}
		return
	}
	if !s.id.updates || !s.rang {
		return
	}
	offers := m.media && s.rel.agreed && s.rel.open == nil && !m.busy
	o := s.tellMove(&s.id, s.terms, offers, func(t offer.Terms, agreed bool, moves int) {
		if offers {
			m.busy = false
			s.told(t, agreed, moves)
		}
	})
	if offers {
		m.busy, m.o = true, o
	}
	o.start()
}

// moved is for one fork. When that wins meanwhile, the open offer is the call's.
func (a *attempt) moved(f *fork) {
	s := a.s
	offers := s.modify.media && f.agreed && f.offering == nil
	var o *outgoing
	o = s.tellMove(&f.id, f.terms, offers, func(t offer.Terms, agreed bool, moves int) {
		delete(f.running, o)
		if !offers {
			return
		}
		f.offering = nil
		switch {
		case s.state != early && s.id.remote.Tag() == f.id.remote.Tag():
			s.modify.busy = false
			s.told(t, agreed, moves)
		case s.state == early && agreed:
			f.moves = moves
			a.early(f, t)
		}
	})
	f.running[o] = true
	if offers {
		f.offering = o
	}
	o.start()
}

// told: an UPDATE that began before the call was answered has its response.
func (s *Session) told(t offer.Terms, agreed bool, moves int) {
	if agreed {
		if moves == s.modify.moves {
			s.modify.move, s.modify.media = false, false
		}
		s.commit(t)
	}
	s.next()
}

// tellMove makes an UPDATE that may fail: a far end that lost our 1xx does not know the dialog yet. done gets the terms and whether they
// were agreed; it is not called when the session has ended.
func (s *Session) tellMove(d *ident, t offer.Terms, offers bool, done func(t offer.Terms, agreed bool, moves int)) *outgoing {
	req, moves := d.request("UPDATE"), s.modify.moves
	s.ua.describe(req)
	if offers {
		next, body, err := t.WithLocal(s.modify.local).Offer(t.ByUs())
		if err != nil {
			s.ua.log.Warn("describing the new address", "err", err)
		} else {
			t, req.ContentType, req.Body = next, "application/sdp", body
		}
	}
	return &outgoing{ua: s.ua, d: d, req: req, onFinal: func(res *transaction.Response, err error) {
		if s.state == ended {
			return
		}
		taken := err == nil && res.Success()
		agreed := taken && req.Body != nil
		if agreed {
			body, err := sdpOf(res.ContentType, res.Headers, res.Body)
			if err == nil {
				t, err = t.Accept(body)
			}
			agreed = err == nil
		}
		done(t, agreed, moves)
		if taken {
			s.emit(Refreshed{Response: res})
		}
	}}
}
