package dialog

import (
	"errors"

	"offhook/sip/transaction"
)

// end ends the session from our side by what its state allows.
func (s *Session) end(code int, phrase, why string, headers ...transaction.Header) {
	var extra transaction.Headers
	if why != "" {
		extra.Add("Reason", why)
	}
	switch {
	case s.state == early && s.outgoing:
		s.call.limit.stop()
		s.finish(Ended{Cause: CauseCancelled, ByUs: true})
		s.call.o.cancel(extra)
	case s.state == early && s.away(func() { s.end(code, phrase, why, headers...) }):
	case s.state == early:
		if code < 300 || code > 699 {
			code = 480
		}
		s.endWith(code, phrase, nil, append(headers, extra...))
	case s.state == accepted: // the BYE waits for the ACK (§15)
		s.finish(Ended{Cause: CauseBye, ByUs: true})
	case s.state == confirmed:
		s.forgetAll()
		s.finish(Ended{Cause: CauseBye, ByUs: true})
		s.ua.bye(&s.id, why)
	}
}

// endWith refuses an INVITE that came in.
func (s *Session) endWith(code int, phrase string, contact []transaction.Address, headers []transaction.Header) {
	res := transaction.NewResponse(s.invite, code, phrase)
	res.Contact, res.Headers = contact, append(res.Headers, headers...)
	err := s.tx.Respond(res)
	if errors.Is(err, transaction.ErrCancelled) {
		return // the far end was first: its HandleCancel is on the way here
	}
	if errors.Is(err, transaction.ErrFlowDown) && !s.noWay && s.tx.Kept() { // the connection died under it
		s.back(s.tx, func(bool) {})
	}
	s.finish(Ended{Cause: CauseRejected, ByUs: true, Code: code, Reason: phrase})
}

func (s *Session) forgetAll() {
	for cseq := range s.oks {
		s.forget(cseq)
	}
}

// byed is a BYE of the far end: always 200, and what is pending is over (§15.1.2).
func (s *Session) byed(tx *transaction.ServerTx, req *transaction.Request) {
	respond(tx, 200, "")
	if s.state == ended {
		s.forgetAll() // our own BYE that waited for an ACK has become pointless
		return
	}
	if s.state == early {
		if s.outgoing {
			if s.call.drop(req.FromTag()); len(s.call.forks) > 0 {
				return // not allowed to it (§15), but the others still ring
			}
			s.call.limit.stop()
			s.call.o.cancel(nil)
		} else {
			s.tx.Over(tx.Flow())
			if err := respond(s.tx, 487, ""); err != nil {
				s.ua.log.Debug("487 after BYE", "err", err)
			}
		}
	}
	s.forgetAll()
	why := reasonOf(req.Headers)
	e := Ended{Cause: CauseBye, Code: why.code(), Reason: why.text}
	if t := s.refer; t != nil && t.accepted { // it hung up on us because it reached the target
		s.endTransfer(TransferDone{OK: true, Code: 200})
		e.Cause = CauseTransferred
	} else if s.given() {
		e.Cause = CauseTransferred
	}
	s.finish(e)
}
