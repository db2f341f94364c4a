package dialog

import (
	"mime"
	"strconv"
	"strings"
	"time"

	"offhook/sip/transaction"
)

// transfer is a REFER of ours: first their hold is confirmed, then they are asked, then they tell how it goes.
type transfer struct {
	target, by transaction.Address
	other      *Session          // attended: the call with whom they are to talk instead of us
	places     []transaction.URI // attended: where other's far end can be called, best first; the first is being tried
	asked      bool              // REFER is on its way
	accepted   bool              // 2xx, or a NOTIFY that overtook it
	silent     bool              // both agreed that no NOTIFY comes (RFC 4488): a BYE tells
	first      uint32            // CSeq number of the REFER's first try
	o          *outgoing
	timer      *timer
}

// moves is what transfers know of a session.
type moves struct {
	partner  *Session // whose far end is being sent to ours: its transfer is attended, and we are its other
	handed   bool     // ours was told that it has reached the other: its BYE belongs to the transfer
	former   []transfer
	follower *Refer   // whose transferor is told what becomes of this call
	replaces *Session // an incoming session takes its place when it is answered
}

// transferTime limits the silence between two NOTIFYs; a target may ring for minutes.
const transferTime = 3 * time.Minute

// consultTime is how long the target of an attended transfer may take to leave the call with us, after it has got the other one:
// its part in Replaces is to send the BYE (RFC 5589 §7.1).
const consultTime = 5 * time.Second

// startTransfer begins a transfer, to target or, when other is not nil, to the far end of that session.
func (s *Session) startTransfer(target, by transaction.Address, other *Session) {
	switch {
	case s.state == ended:
	case s.state != confirmed:
		s.emit(Refused{Op: OpTransfer, Reason: "The call is not established"})
	case s.refer != nil, s.partner != nil:
		s.emit(Refused{Op: OpTransfer, Reason: "A transfer is under way"})
	case other == s:
		s.emit(Refused{Op: OpTransfer, Reason: "A call cannot be transferred to itself"})
	case other != nil && (other.ua != s.ua || other.state != confirmed):
		s.emit(Refused{Op: OpTransfer, Reason: "The call with the other party is not established"})
	case other != nil && (other.refer != nil || other.partner != nil):
		s.emit(Refused{Op: OpTransfer, Reason: "The call with the other party is being transferred"})
	default:
		t := &transfer{target: target, by: by, other: other}
		s.refer = t
		t.timer = s.ua.after(2*modifyTime, func() {
			if s.refer == t && !t.asked {
				s.endTransfer(TransferDone{Code: 408, Reason: "The far end did not agree to be put on hold"})
			}
		})
		if other != nil {
			other.partner = s
			other.want(true, OpTransfer)
		}
		s.want(true, OpTransfer)
	}
}

// holdAgreed goes on with a transfer when the holds that it waits for are in place.
func (s *Session) holdAgreed() {
	if !s.terms.ByUs() {
		return
	}
	if t := s.refer; t != nil && !t.asked && (t.other == nil || t.other.free() && t.other.terms.ByUs()) {
		s.ask()
	}
	if p := s.partner; p != nil && p.refer != nil && !p.refer.asked {
		p.next()
	}
}

// holdFailed ends the transfer, if there is one, that cannot begin because this session could not be held.
func (s *Session) holdFailed(code int, why string) bool {
	for _, of := range []*Session{s, s.partner} {
		if of != nil && of.refer != nil && !of.refer.asked && (of == s || of.refer.other == s) {
			of.endTransfer(TransferDone{Code: code, Reason: why})
			return true
		}
	}
	return false
}

// referTo is what the far end is to call. In an attended transfer that is the place that the target is reached at, and the dialog
// that the new call takes over there (RFC 5589 §7.1).
func (t *transfer) referTo() transaction.Address {
	if t.other == nil {
		return t.target
	}
	uri := t.places[0]
	uri.Headers = transaction.Params{{Name: "Replaces", Value: t.other.ReplacesThis().String(), Has: true}}
	return transaction.Address{URI: uri}
}

// ask sends the REFER.
func (s *Session) ask() {
	t := s.refer
	t.timer.stop()
	if t.other != nil && t.places == nil {
		t.places = t.other.places()
	}
	t.asked, s.refers = true, true
	req := s.id.request("REFER")
	req.Headers.Add("Refer-To", t.referTo().String())
	if !t.by.URI.IsZero() {
		req.Headers.Add("Referred-By", t.by.String())
	}
	req.Headers.Add("Supported", "replaces, norefersub")
	if s.ua.cfg.NoReferSub {
		req.Headers.Add("Refer-Sub", "false")
	}
	t.first = req.CSeq
	t.o = s.send(req, func(res *transaction.Response, err error) {
		if s.refer != t {
			return // a NOTIFY has already told the end
		}
		switch {
		case err != nil:
			code, why := status(err)
			s.endTransfer(TransferDone{Code: code, Reason: why})
		case res.Success(): // 202, or 200 as RFC 7647 has it
			if strings.EqualFold(strings.TrimSpace(res.Headers.Get("Refer-Sub")), "false") {
				t.silent = true
				s.wait(t, transferTime)
			} else if !t.accepted {
				s.wait(t, s.ua.cfg.ReferWait)
			}
			t.accepted = true
		default:
			s.endTransfer(TransferDone{Code: res.Status, Reason: res.Reason})
		}
	})
}

func (s *Session) wait(t *transfer, d time.Duration) {
	t.timer.stop()
	t.timer = s.ua.after(d, func() {
		if s.refer == t {
			s.endTransfer(TransferDone{Code: 408, Reason: "The far end did not say how the transfer went"})
		}
	})
}

// endTransfer tells the outcome, once. When it succeeded the caller ends the session.
func (s *Session) endTransfer(done TransferDone) {
	t := s.refer
	if t == nil {
		return
	}
	t.timer.stop()
	s.refer = nil
	if t.asked {
		s.remember(t)
	}
	if o := t.other; o != nil {
		o.partner = nil
		if done.OK {
			o.handedOn()
		}
	}
	s.emit(done)
}

// remember keeps what late NOTIFYs of a REFER are told apart by.
func (s *Session) remember(t *transfer) {
	const remembered = 8
	s.former = append(s.former[max(0, len(s.former)-remembered+1):], transfer{first: t.first, o: t.o})
}

// handedOn: the far end of this session talks to somebody else now, and is to hang up.
func (s *Session) handedOn() {
	if s.state != confirmed {
		return
	}
	s.handed = true
	s.ua.after(consultTime, func() {
		if s.state == confirmed {
			s.transferred()
		}
	})
}

// transferred ends a session whose far end has been handed on.
func (s *Session) transferred() {
	s.forgetAll()
	s.finish(Ended{Cause: CauseTransferred, ByUs: true})
	s.ua.bye(&s.id, "")
}

// transferEnds: the session is about to end. A transfer that has not been asked for yet ends with either of its calls; one that has
// been goes on without the call that it replaces.
func (s *Session) transferEnds(e Ended) {
	if s.refer != nil {
		s.endTransfer(TransferDone{Code: e.Code, Reason: "The call ended first"})
	}
	p := s.partner
	if p == nil || p.refer == nil || p.refer.other != s {
		return
	}
	switch t := p.refer; {
	case !t.asked:
		p.endTransfer(TransferDone{Code: e.Code, Reason: "The call with the other party ended first"})
	case t.silent && e.Cause == CauseTransferred: // nothing else will tell
		p.endTransfer(TransferDone{OK: true, Code: 200})
		p.transferred()
	}
}

// given: the BYE that just came belongs to a transfer, because the far end now talks to whom it was sent to.
func (s *Session) given() bool {
	p := s.partner
	return s.handed || p != nil && p.refer != nil && p.refer.other == s && p.refer.asked // it may be faster than the 202
}

// tells reports whether a NOTIFY with this id is about the transfer; a challenge has moved the REFER's CSeq number on.
func (t *transfer) tells(id uint64) bool {
	return t.o != nil && id >= uint64(t.first) && id <= uint64(t.o.req.CSeq)
}

// about finds the transfer that a NOTIFY tells of. The result is false for one that was never asked for. Without an id it is the one
// that is under way.
func (s *Session) about(req *transaction.Request) (t *transfer, known bool) {
	_, rest, _ := strings.Cut(req.Headers.Get("Event"), ";")
	p, _ := transaction.ParseParams(rest)
	v, ok := p.Get("id")
	if !ok {
		return s.refer, true
	}
	id, err := strconv.ParseUint(strings.TrimSpace(v), 10, 32)
	if err != nil {
		return nil, false
	}
	if s.refer != nil && s.refer.tells(id) {
		return s.refer, true
	}
	for i := range s.former {
		if s.former[i].tells(id) {
			return nil, true
		}
	}
	return nil, false
}

// notified is a NOTIFY about our REFER (RFC 3515 §2.4.4); it may come before the 2xx.
func (s *Session) notified(tx *transaction.ServerTx, req *transaction.Request) {
	if !strings.EqualFold(eventOf(req.Headers), "refer") {
		respond(tx, 489, "", transaction.Header{Name: "Allow-Events", Value: "refer"})
		return
	}
	t, known := s.about(req)
	if !known {
		respond(tx, 481, "Subscription does not exist")
		return
	}
	kind, _, _ := mime.ParseMediaType(req.ContentType)
	code, phrase, ok := 0, "", false
	if kind == "message/sipfrag" {
		code, phrase, ok = fragStatus(req.Body)
	}
	state := strings.ToLower(req.Headers.Get("Subscription-State"))
	over := strings.HasPrefix(strings.TrimSpace(state), "terminated")
	if !ok && !over {
		respond(tx, 400, "No SIP fragment")
		return
	}
	respond(tx, 200, "")
	if t == nil || !t.asked {
		s.handed = s.handed || ok && code >= 200 && code < 300 // late, but then their BYE is no hang-up
		return
	}
	t.accepted = true
	if ok && code >= 300 && s.elsewhere(code) {
		return
	}
	if ok {
		s.emit(TransferProgress{Code: code, Reason: phrase})
	}
	switch {
	case ok && code < 200 && !over:
		s.wait(t, transferTime)
	case ok && code >= 200 && code < 300:
		s.endTransfer(TransferDone{OK: true, Code: code, Reason: phrase})
		s.transferred()
	case ok && code >= 300:
		s.endTransfer(TransferDone{Code: code, Reason: phrase})
	default:
		s.endTransfer(TransferDone{Code: 408, Reason: "The far end gave up telling how the transfer went"})
	}
}

// eventOf is the package of an Event header.
func eventOf(h transaction.Headers) string {
	event, _, _ := strings.Cut(h.Get("Event"), ";")
	return strings.TrimSpace(event)
}
