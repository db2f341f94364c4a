package sip

import (
	"time"

	"offhook/internal/text"
	"offhook/sip/caller"
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// incoming is a call that may ring.
func (p *Phone) incoming(s *dialog.Session) {
	req := s.Request()
	auto, reject := caller.ReadAutoAnswer(req, p.acc.AutoAnswer && p.fromServers(req))
	if reject != 0 {
		s.Reject(reject, "")
		return
	}
	l := &leg{p: p, id: p.newID(), s: s}
	e := p.offered(l.id, s)
	if auto.From != "" {
		e.Auto = &auto
	}
	l.remote = e.Remote
	s.Data = l
	p.legs[l.id] = l
	l.alert()
	p.ua.Post(func() { // runs when the 180 is on the wire
		e.At = time.Now()
		p.emit(e)
	})
	p.connect()
	id := l.id // alone: a stopped timer may be kept until its time would have come, and must not hold the call so long
	l.ring = time.AfterFunc(p.acc.RingLimit, func() {
		p.command(id, func(l *leg) {
			if !l.answered {
				l.s.Reject(480, "No answer")
			}
		})
	})
}

// alert says that it rings. To a caller who left the offer to us and wants to be sure of each response, the first of them brings it
// (RFC 3262 §5): without ports of the sound there is none.
func (l *leg) alert() {
	if req := l.s.Request(); !l.s.Offered() && req.Headers.HasToken("Require", "100rel") {
		if local, err := l.openMedia(l.s.LocalIP(), l.s.Flow()); err == nil {
			l.s.Progress(180, "", &local)
			return
		}
	}
	l.s.Ring()
}

// offered is what the INVITE of a call tells.
func (p *Phone) offered(id LegID, s *dialog.Session) IncomingCall {
	req := s.Request()
	trusted := within(p.acc.Trusted, req.Source.Addr())
	who, _ := caller.Identity(req.Headers, &req.From, trusted)
	e := IncomingCall{
		Leg: id, Account: p.accountText(), CallID: s.CallID(), LocalTag: s.LocalTag(), Remote: who, Called: caller.Called(req),
		Diverted: caller.DivertedBy(req.Headers, trusted), Session: uuidOf(s.SessionID()),
	}
	e.Vars, e.Record = p.data.Vars(req.Headers, trusted)
	if old := s.Replacing(); old != nil {
		if o, ok := old.Data.(*leg); ok {
			e.Replaces = o.id
		}
	}
	return e
}

// why is the end of a call in the words of whoever refused or ended it, where it tells more than its status does.
func why(e dialog.Ended, cause EndCause) (EndCause, text.Text) {
	reason := phrase(e.Code, e.Reason)
	if e.Response == nil || e.ByUs {
		return cause, reason
	}
	told, sentence := endReason(e.Response.Headers)
	if told != "" && (cause == EndDeclined || cause == EndNetwork || cause == EndNoAnswer) {
		cause = told
	}
	return cause, sentence.Or(reason)
}

// identityHeaders are how a call of ours names us: as the account, or, where the number is withheld, to the network alone.
func (p *Phone) identityHeaders() (from transaction.Address, headers transaction.Headers) {
	own := transaction.Address{Display: p.acc.DisplayName, URI: p.acc.aor}
	if p.acc.Withhold {
		return caller.Withhold(own, false)
	}
	return own, nil
}
