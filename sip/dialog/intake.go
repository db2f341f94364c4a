package dialog

import (
	"strings"

	"offhook/sip/transaction"
)

// methods is what we understand; everything else is answered 405, unless Config.Also names it.
const methods = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY"

// supported are the option tags that a Require may hold; extensions those that we name in Supported. 100rel is for Config.Reliable to
// name.
const (
	supported  = extensions + ", 100rel"
	extensions = "timer, replaces, norefersub"
)

// Allow is what we understand and what our owner does, as the header field of that name has it. It may be called from anywhere.
func (u *UA) Allow() string {
	if u.cfg.Also == "" {
		return methods
	}
	return methods + ", " + u.cfg.Also
}

// abilities says what we can do, in the requests and responses that make dialogs (RFC 3261 §13.2.1, RFC 6665 §8.2.2).
func (u *UA) abilities() transaction.Headers {
	h := transaction.Headers{{Name: "Allow", Value: u.Allow()}, {Name: "Supported", Value: extensions}}
	if u.cfg.Asked != nil {
		h.Add("Allow-Events", "talk, hold, refer")
	}
	return h
}

// describe says in an INVITE or UPDATE what we can do.
func (u *UA) describe(req *transaction.Request) {
	req.Headers = append(req.Headers, u.abilities()...)
}

// intake brings what the transaction layer tells to the loop.
type intake struct{ u *UA }

func (in intake) HandleRequest(tx *transaction.ServerTx, req *transaction.Request) {
	req = req.Clone()
	in.u.loop.run(func() { in.u.request(tx, req) })
}

func (in intake) HandleAck(req *transaction.Request) {
	req = req.Clone()
	in.u.loop.run(func() { in.u.acked(req) })
}

func (in intake) HandleCancel(tx *transaction.ServerTx, cancel *transaction.Request) {
	k, why := key{cancel.CallID, tx.LocalTag()}, reasonOf(cancel.Headers)
	in.u.loop.run(func() {
		if s := in.u.sessions[k]; s != nil {
			s.cancelled(tx, why)
		}
	})
}

// HandleEarlyCancel is an INVITE that came after its CANCEL: a call that was offered and taken back in one moment.
func (in intake) HandleEarlyCancel(tx *transaction.ServerTx, cancel *transaction.Request) {
	req, why := tx.Request().Clone(), reasonOf(cancel.Headers)
	in.u.loop.run(func() {
		if req.ToTag() != "" {
			return // a re-INVITE
		}
		in.u.request(tx, req)
		if s := in.u.sessions[key{req.CallID, tx.LocalTag()}]; s != nil {
			in.u.loop.post(func() { s.cancelled(tx, why) }) // after what the handler posted
		}
	})
}

func (in intake) HandleStray(res *transaction.Response) {
	res = res.Clone()
	in.u.loop.run(func() {
		if s := in.u.sessions[key{res.CallID, res.FromTag()}]; s != nil {
			s.stray(res)
		}
	})
}

func (in intake) HandleFlowDown(f *transaction.Flow, err error) {
	in.u.loop.run(func() { in.u.h.FlowDown(f, err) })
}

// respond sends a response made of status and headers.
func respond(tx *transaction.ServerTx, code int, reason string, headers ...transaction.Header) error {
	res := transaction.NewResponse(tx.Request(), code, reason)
	res.Headers = append(res.Headers, headers...)
	return tx.Respond(res)
}

// NotAllowed answers 405 with our Allow.
func (u *UA) NotAllowed(tx *transaction.ServerTx) {
	respond(tx, 405, "", transaction.Header{Name: "Allow", Value: u.Allow()})
}

// capabilities answers OPTIONS, in a dialog or not (RFC 3261 §11.2).
func (u *UA) capabilities(tx *transaction.ServerTx) {
	h := u.abilities()
	h.Set("Supported", supported)
	kinds := "application/sdp, multipart/mixed, message/sipfrag, application/dtmf-relay, application/dtmf"
	if u.cfg.Also == "MESSAGE" {
		kinds += ", text/plain"
	}
	h.Add("Accept", kinds)
	h.Add("Accept-Encoding", "identity")
	h.Add("Accept-Language", "en")
	respond(tx, 200, "", h...)
}

// unreadable answers 415 to a body of a kind that is none of kinds, or that was packed (RFC 3261 §8.2.3).
func unreadable(tx *transaction.ServerTx, kinds string) {
	respond(tx, 415, "", transaction.Header{Name: "Accept", Value: kinds}, transaction.Header{Name: "Accept-Encoding", Value: "identity"})
}

// required answers 420 when the far end demands an extension that we do not have (§8.2.2.3). A far end that demands session
// timers or reliable provisional responses must hear so, not be left waiting for them.
func required(tx *transaction.ServerTx, req *transaction.Request) bool {
	var unknown []string
	for _, v := range req.Headers.Values("Require") {
		if !isAny(v, transaction.SplitList(supported)...) {
			unknown = append(unknown, v)
		}
	}
	if len(unknown) == 0 {
		return true
	}
	respond(tx, 420, "", transaction.Header{Name: "Unsupported", Value: strings.Join(unknown, ", ")})
	return false
}

func (u *UA) request(tx *transaction.ServerTx, req *transaction.Request) {
	if req.Method != "INVITE" && req.Method != "BYE" && req.Headers.Has("Replaces") {
		respond(tx, 400, "Only an INVITE replaces a call") // RFC 3891 §3
		return
	}
	if req.ToTag() == "" {
		u.outside(tx, req)
		return
	}
	s := u.sessions[key{req.CallID, req.ToTag()}]
	if s == nil || !s.knows(req.FromTag()) {
		if x := u.usages[key{req.CallID, req.ToTag()}]; x != nil {
			x.inside(tx, req)
			return
		}
		respond(tx, 481, "")
		return
	}
	s.inside(tx, req)
}

// outside handles a request that is in no dialog.
func (u *UA) outside(tx *transaction.ServerTx, req *transaction.Request) {
	switch req.Method {
	case "INVITE":
		if u.cfg.Screen != nil && u.cfg.Screen(tx, req) {
			return
		}
		if required(tx, req) {
			u.invited(tx, req)
		}
	case "OPTIONS":
		switch {
		case u.cfg.Options:
			u.h.Request(tx, req)
		case u.cfg.Screen != nil && u.cfg.Screen(tx, req): // it is answered as an INVITE would be
		case required(tx, req):
			u.capabilities(tx)
		}
	case "BYE", "UPDATE", "INFO", "PRACK":
		respond(tx, 481, "")
	case "REFER":
		if required(tx, req) {
			u.referred(nil, tx, req)
		}
	default:
		u.h.Request(tx, req)
	}
}

// knows reports whether tag is a far end of the session. While our INVITE is not answered, every fork is one.
func (s *Session) knows(tag string) bool {
	if remote := s.id.remote.Tag(); remote != "" {
		return remote == tag
	}
	if s.call == nil { // of RFC 2543: no tag is its tag
		return tag == ""
	}
	return s.call.forks[tag] != nil
}

// inside handles a request in the dialog.
func (s *Session) inside(tx *transaction.ServerTx, req *transaction.Request) {
	d := &s.id
	if s.id.remote.Tag() == "" && s.call != nil { // each fork counts for itself
		d = &s.call.forks[req.FromTag()].id
	}
	s.learn(d, req.Headers)
	s.identify(d, tx)
	seq := &d.remoteSeq
	if *seq != 0 && req.CSeq < *seq { // §12.2.2
		respond(tx, 500, "", retryAfter())
		return
	}
	*seq = req.CSeq
	if req.Method == "BYE" { // also when it is over: theirs and ours may have crossed
		s.byed(tx, req)
		return
	}
	if req.Method == "NOTIFY" && s.refers && !isAny(eventOf(req.Headers), "talk", "hold") {
		s.notified(tx, req)
		return
	}
	if req.Method == "SUBSCRIBE" { // a transfer's subscription outlives the call (RFC 5057 §4.1)
		s.ua.referRefreshed(&s.id, tx, req)
		return
	}
	if s.state == ended {
		respond(tx, 481, "")
		return
	}
	if !required(tx, req) {
		return
	}
	switch req.Method {
	case "INVITE":
		s.reinvited(tx, req)
	case "UPDATE":
		s.updated(tx, req)
	case "PRACK":
		s.pracked(tx, req)
	case "OPTIONS":
		s.ua.capabilities(tx)
	case "INFO":
		s.informed(tx, req)
	case "REFER":
		s.ua.referred(s, tx, req)
	case "NOTIFY":
		s.asked(tx, req)
	case s.ua.cfg.Also: // it may come in a call as well
		s.ua.h.Request(tx, req)
	default:
		s.ua.NotAllowed(tx)
	}
}

// learn takes what the headers of a message in the dialog say about the far end.
func (s *Session) learn(d *ident, h transaction.Headers) {
	d.read(h)
	s.identify(d, nil)
}

// informed takes keypad digits (application/dtmf-relay) and refuses other packages (RFC 6086 §4.2.2).
func (s *Session) informed(tx *transaction.ServerTx, req *transaction.Request) {
	if pkg := req.Headers.Get("Info-Package"); pkg != "" {
		respond(tx, 469, "Bad Info Package", transaction.Header{Name: "Recv-Info", Value: ""})
		return
	}
	d, ok := digitOf(req.ContentType, req.Body)
	if !ok && len(req.Body) > 0 {
		unreadable(tx, "application/dtmf-relay, application/dtmf")
		return
	}
	respond(tx, 200, "")
	if d.Digit != 0 {
		s.emit(d)
	}
}
