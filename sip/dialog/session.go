package dialog

import (
	"net/netip"
	"time"

	"offhook/sip/offer"
	"offhook/sip/transaction"
)

// Session is one INVITE session. Its methods return at once, may be called from anywhere, and are carried out on
// the loop in the order of the calls, together with what is given to UA.Post; what cannot be done in the state that
// the session then has is ignored or comes back as Refused.
type Session struct {
	// Data belongs to the Handler.
	Data any

	ua       *UA
	outgoing bool
	id       ident
	peer     netip.AddrPort
	localIP  netip.Addr
	localTag string
	invite   *transaction.Request
	theirs   []byte // of the first INVITE that came in
	sid      sharedString

	// The rest is owned by the loop.
	state state
	terms offer.Terms
	tx    *transaction.ServerTx // the incoming INVITE
	ring  *timer                // says again that it rings
	rang  bool                  // a response that makes a dialog was sent
	noWay bool                  // its connection died, and there is no other
	// returning waits for another connection.
	returning []func()
	rel       reliably // its provisional responses
	timer     sessionTimer
	oks       map[uint32]*unacked // our 2xx without ACK, by CSeq
	call      *attempt            // our INVITE
	modify    modify
	refer     *transfer
	refers    bool // we have sent a REFER
	moves
}

// state of a session. An ended one stays for 64·T1, to answer what is still on its way.
type state int

const (
	early     state = iota // no final response to the INVITE
	accepted               // our 2xx waits for its ACK
	confirmed              // ACK sent or received
	ended
)

// limit is 64·T1: how long our 2xx waits for its ACK, and how long an ended session answers what is still on its way
// (RFC 3261 §13.2.2.4, §13.3.1.4).
const limit = 64 * transaction.T1

func (u *UA) add(s *Session) { u.sessions[key{s.id.callID, s.localTag}] = s }

// emit tells the handler.
func (s *Session) emit(e Event) {
	s.ua.h.Event(s, e)
	if s.follower != nil {
		s.follower.follow(e)
	}
}

// finish ends the session for the handler: exactly once.
func (s *Session) finish(e Ended) {
	if s.state == ended {
		return
	}
	s.transferEnds(e)
	s.state = ended
	s.modify.retry.stop()
	s.modify.limit.stop()
	s.ring.stop()
	s.rel.stop()
	s.timer.unwind()
	if o := s.modify.o; s.modify.busy { // the BYE ends it too, but who knows whether they say so
		s.ua.after(limit, o.abandon)
	}
	s.emit(e)
	s.ua.after(limit, func() { delete(s.ua.sessions, key{s.id.callID, s.localTag}) })
}

// Outgoing tells who called.
func (s *Session) Outgoing() bool { return s.outgoing }

// CallID is the Call-ID, fixed for the life of the session.
func (s *Session) CallID() string { return s.id.callID }

// LocalTag is our tag, fixed for the life of the session.
func (s *Session) LocalTag() string { return s.localTag }

// Request is the INVITE that began it; it must not be changed.
func (s *Session) Request() *transaction.Request { return s.invite }

// Peer is the address that the first INVITE came from or went to.
func (s *Session) Peer() netip.AddrPort { return s.peer }

// LocalIP is the address of this machine that Peer sees: the one to bind media to.
func (s *Session) LocalIP() netip.Addr { return s.localIP }

// Offered reports whether the INVITE that came in carried an offer (else ours goes into the 2xx).
func (s *Session) Offered() bool { return s.theirs != nil }

// do carries f out on the loop.
func (s *Session) do(f func()) { s.ua.loop.post(f) }

// Ring sends 180. An INVITE without an offer that demands reliable responses is told nothing so: for that one it is
// Progress(180, "", &media), since its first response must carry our offer (RFC 3262 §5). What is posted to the UA afterwards runs when the response is on the wire.
func (s *Session) Ring() { s.do(func() { s.provisional(180, "", nil) }) }

// Progress sends another provisional response; with media it is early media: the answer in a 183, or our offer when the INVITE
// had none and the response goes reliably (RFC 3262 §5). Reliable responses go one after the other, each when the one before it has
// its PRACK.
func (s *Session) Progress(code int, reason string, media *Local) {
	s.do(func() { s.provisional(code, reason, media) })
}

// Answer sends 200 with our answer, or our offer when theirs is to come in the ACK. When a reliable 1xx with a description still waits
// for its PRACK, so does the 200 (RFC 3262 §3).
func (s *Session) Answer(media Local, headers ...transaction.Header) {
	s.do(func() { s.accept(media, headers) })
}

// Reject refuses an incoming session with a final response from 300 to 699. It becomes a BYE when it was answered.
func (s *Session) Reject(code int, reason string, headers ...transaction.Header) {
	s.do(func() { s.end(code, reason, "", headers...) })
}

// End ends the session by whatever ends it now: CANCEL, BYE, 480. reason may be "" or a Reason header value
// (RFC 3326). The Ended event comes at once; the rest goes on behind it.
func (s *Session) End(reason string) { s.do(func() { s.end(480, "", reason) }) }

// Hold sends a re-INVITE as soon as the session is confirmed and no other offer is under way.
func (s *Session) Hold() { s.do(func() { s.want(true, OpHold) }) }

// Resume undoes Hold in the same way. A transfer that is under way is given up first, with TransferDone: nothing stops a far end that
// calls the target already, but nobody here waits for the outcome any more.
func (s *Session) Resume() {
	s.do(func() {
		s.endTransfer(TransferDone{Code: 487, Reason: "Taken back"})
		s.want(false, OpResume)
	})
}

// Transfer puts the far end on hold, and once that is confirmed asks it to call target (RFC 3515 REFER).
// It ends in one TransferDone.
func (s *Session) Transfer(target transaction.Address, referredBy transaction.Address) {
	s.do(func() { s.startTransfer(target, referredBy, nil) })
}

// TransferTo connects the far end with that of other (attended transfer): both are put on hold, and once both holds are confirmed the
// far end is asked to call other's in the place of our call with it (RFC 5589 §7.1). It ends in one TransferDone; when that is
// OK, both sessions end with CauseTransferred. other's end follows when its far end hangs up, or after five seconds.
func (s *Session) TransferTo(other *Session, referredBy transaction.Address) {
	s.do(func() { s.startTransfer(transaction.Address{}, referredBy, other) })
}

// Send sends a request in the dialog: any method but INVITE, ACK, BYE, CANCEL. done, if not nil, gets the final response
// on the loop, or the error.
func (s *Session) Send(method string, headers transaction.Headers, contentType string, body []byte, done func(*transaction.Response, error)) {
	s.do(func() {
		if done == nil {
			done = func(*transaction.Response, error) {}
		}
		if s.state == ended || s.outgoing && s.id.remote.Tag() == "" {
			done(nil, errNoDialog)
			return
		}
		req := s.id.request(method)
		req.Headers, req.ContentType, req.Body = append(req.Headers, headers...), contentType, body
		s.send(req, done)
	})
}

// Reinvite sends a re-INVITE without a change, or without SDP (late). For session refresh and tests.
func (s *Session) Reinvite(late bool) { s.do(func() { s.again(late) }) }

// send starts a request in the dialog. A 481 to it means that the far end has lost the dialog (§12.2.1.2).
func (s *Session) send(req *transaction.Request, done func(*transaction.Response, error)) *outgoing {
	o := &outgoing{ua: s.ua, d: &s.id, req: req}
	o.onFinal = func(res *transaction.Response, err error) {
		done(res, err)
		if res != nil && res.Status == 481 && req.Method != "BYE" && req.Method != "NOTIFY" && s.state != ended {
			s.forgetAll()
			up := s.state == confirmed // else there is nothing to end, or its ACK is still to come
			if s.state == early {      // a request in an early dialog; its INVITE still wants an answer
				if err := respond(s.tx, 487, ""); err != nil {
					s.ua.log.Debug("487 after 481", "err", err)
				}
			}
			s.finish(Ended{Cause: CauseNetwork, Code: 481, Reason: res.Reason})
			if up {
				s.ua.bye(&s.id, "")
			}
		}
	}
	o.start()
	return o
}

// bye ends a dialog; whatever comes back ends it (RFC 3261 §15.1.1).
func (u *UA) bye(d *ident, reason string) {
	req := d.request("BYE")
	if reason != "" {
		req.Headers.Add("Reason", reason)
	}
	o := &outgoing{ua: u, d: d, req: req, again: true, onFinal: func(*transaction.Response, error) {}}
	o.start()
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// Flow is what requests of the session last went over or came over; to be called on the loop.
func (s *Session) Flow() *transaction.Flow { return s.id.flow }

// Home is the flow that Invite, the first INVITE or Refresh put the session on, and that its Contact belongs to; Flow may be another one
// after that has died. To be called on the loop.
func (s *Session) Home() *transaction.Flow { return s.id.home }
