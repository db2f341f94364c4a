package dialog

import (
	"slices"

	"offhook/sip/offer"
	"offhook/sip/transaction"
)

// fork is one far end that answered: an early dialog, or after its 2xx a dialog.
type fork struct {
	id    ident
	terms offer.Terms
	body  string // of its last early answer
	ack   *ack

	rseq    uint32 // of its last reliable response, 0: none
	agreed  bool   // offer and answer went over reliably: UPDATE may change what was agreed, further responses may not
	running map[*outgoing]bool
	// offering is an UPDATE of ours that waits for its answer.
	offering *outgoing
	moves    int // the move of ours that it has agreed to, by modify.moves

	described int // when its media were agreed last; 0: never
}

func (a *attempt) fork(res *transaction.Response) *fork {
	f := a.forks[res.ToTag()]
	if f == nil {
		f = &fork{id: a.s.id, running: map[*outgoing]bool{}}
		f.id.route = slices.Clone(a.s.id.route)
		if len(a.forks) < 64 {
			a.forks[res.ToTag()] = f
		}
	}
	if res.ToTag() != "" {
		f.id.localSeq = max(f.id.localSeq, a.o.req.CSeq)
		f.id.learn(res)
		f.id.follow(res.Flow, res.Source)
		if a.s.state == early {
			a.s.identify(&f.id, nil)
		}
	}
	return f
}

// drop forgets an early dialog that is out of the race; the one that described its media last before it is heard again.
func (a *attempt) drop(tag string) {
	f := a.forks[tag]
	delete(a.forks, tag)
	if f == nil || f != a.newest {
		return
	}
	a.newest = nil
	var last *fork
	for _, f := range a.forks {
		if f.described > 0 && (last == nil || f.described > last.described) {
			last = f
		}
	}
	if last != nil && a.s.state == early {
		a.early(last, last.terms)
	}
}

// progress is a provisional response: each early dialog comes to terms by itself, the media of the newest are heard (RFC 3960 §3.2).
func (a *attempt) progress(res *transaction.Response) {
	s, f := a.s, a.fork(res)
	reliable := res.Headers.HasToken("Require", "100rel")
	if reliable && !a.inOrder(f, res) {
		return
	}
	body, err := sdpOf(res.ContentType, res.Headers, res.Body)
	var answer []byte
	switch {
	case res.Status == 199: // that one is out of the race (RFC 6228), whatever it says
	case err != nil, body == nil, f.agreed: // no further offer or answer comes in responses to this INVITE (RFC 3261 §13.2.1)
	case a.late && reliable: // their offer, our answer goes into the PRACK (RFC 3262 §5)
		var t offer.Terms
		if t, answer, err = a.base.Answer(body, false); err != nil {
			a.hopeless(f, res, err)
			return
		}
		f.agreed = true
		a.early(f, t)
	case a.late: // an offer that nobody can answer
	case string(body) == f.body:
		f.agreed = reliable
	default:
		if t, err := a.base.Accept(body); err == nil {
			f.body, f.agreed = string(body), reliable
			a.early(f, t)
		}
	}
	if reliable {
		a.prack(f, res, answer)
	}
	if res.Status == 199 {
		a.drop(res.ToTag())
	}
	s.emit(Progress{Code: res.Status, Reason: res.Reason, EarlyMedia: a.newest != nil && a.newest.terms.Media().Receive})
}

// maxRunning is how many requests of ours may wait for their answers in one early dialog.
const maxRunning = 8

// inOrder reports whether a reliable response is the next one of its early dialog (§4): a repetition has its PRACK already, and after a
// gap the missing one will come again.
func (a *attempt) inOrder(f *fork, res *transaction.Response) bool {
	seq, ok := readSeq(res.Headers.Get("RSeq"))
	if len(f.running) >= maxRunning {
		return false // it will come again; so many at a time are no ringing
	}
	if !ok || seq == 0 || res.ToTag() == "" || a.forks[res.ToTag()] != f || f.rseq != 0 && seq != f.rseq+1 {
		return false
	}
	f.rseq = seq
	return true
}

// prack acknowledges a reliable response; body answers the offer that it carried, or is nil.
func (a *attempt) prack(f *fork, res *transaction.Response, body []byte) {
	req := f.id.request("PRACK")
	req.Headers.Add("RAck", rack{f.rseq, res.CSeq, "INVITE"}.String())
	if body != nil {
		req.ContentType, req.Body = "application/sdp", body
	}
	a.send(f, req, func(res *transaction.Response, err error) {
		if err != nil || !res.Success() { // they will say what that means for the INVITE
			a.s.ua.log.Debug("PRACK", "response", res, "err", err)
		}
	})
}

// send starts a request in an early dialog; when that becomes the call, the request goes on in it.
func (a *attempt) send(f *fork, req *transaction.Request, done func(*transaction.Response, error)) {
	o := &outgoing{ua: a.s.ua, d: &f.id, req: req}
	o.onFinal = func(res *transaction.Response, err error) {
		delete(f.running, o)
		done(res, err)
	}
	f.running[o] = true
	o.start()
}

// early makes t what is agreed with one far end that has not answered the call, and the sound that is heard.
func (a *attempt) early(f *fork, t offer.Terms) {
	a.described++
	f.terms, f.described = t, a.described
	a.newest, a.s.terms = f, t
	a.s.emit(MediaChanged{a.s.media()})
}

// hopeless is an early dialog whose offer we cannot answer: it is ended alone when others ring (RFC 3261 §15), else the call is.
func (a *attempt) hopeless(f *fork, res *transaction.Response, err error) {
	if len(a.forks) > 1 {
		a.prack(f, res, nil)
		a.s.ua.bye(&f.id, `SIP;cause=488;text="Not Acceptable Here"`)
		a.drop(res.ToTag())
		return
	}
	a.limit.stop()
	a.s.finish(Ended{Cause: CauseNoMedia, ByUs: true, Code: 488, Reason: err.Error()})
	a.o.cancel(nil)
}

// agree reads the answer of a 2xx, or answers its offer when ours was left out.
func (a *attempt) agree(f *fork, res *transaction.Response) (offer.Terms, []byte, error) {
	if f.agreed {
		return f.terms, nil, nil
	}
	body, err := sdpOf(res.ContentType, res.Headers, res.Body)
	switch {
	case err != nil:
		return a.base, nil, err
	case a.late:
		return a.base.Answer(body, false)
	case body == nil && f.body != "": // the early answer was the answer
		return f.terms, nil, nil
	}
	t, err := a.base.Accept(body)
	return t, nil, err
}

// updated is an UPDATE in one of our early dialogs (RFC 3311 §5.2): it may change what that one has agreed to, once it has.
func (a *attempt) updated(tx *transaction.ServerTx, req *transaction.Request, sdp []byte) {
	f := a.forks[req.FromTag()]
	res := transaction.NewResponse(req, 200, "")
	res.Contact = []transaction.Address{f.id.contact}
	t := f.terms
	if sdp != nil {
		if !f.agreed || f.offering != nil { // an offer of ours waits for its answer, that in the INVITE or a later one
			respond(tx, 491, "")
			return
		}
		var err error
		if t, res.Body, err = a.s.ua.answer(t, sdp, false); err != nil {
			refuseSDP(tx, err)
			return
		}
		res.ContentType = "application/sdp"
	}
	if err := tx.Respond(res); err != nil {
		a.s.ua.log.Debug("answering an UPDATE", "err", err)
		return
	}
	f.id.refresh(req.Contact)
	a.s.emit(Refreshed{Request: req})
	if sdp != nil {
		a.early(f, t)
	}
}
