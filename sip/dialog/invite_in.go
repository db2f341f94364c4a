package dialog

import (
	"errors"
	"math/rand/v2"
	"mime"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"offhook/sip/offer"
	"offhook/sip/transaction"
)

// retryAfter spreads the next try of somebody we cannot serve right now over 0–10 s (§14.2).
func retryAfter() transaction.Header {
	return transaction.Header{Name: "Retry-After", Value: strconv.Itoa(rand.IntN(11))}
}

// invited is a new INVITE.
func (u *UA) invited(tx *transaction.ServerTx, req *transaction.Request) {
	if u.closing {
		respond(tx, 480, "")
		return
	}
	old2543 := req.RFC2543()
	if old2543 && len(req.Contact) == 0 { // what has none is called back where it comes from
		from := req.From.URI
		from.Headers = nil
		req.Contact = []transaction.Address{{URI: from}}
	}
	req.Contact = slices.DeleteFunc(req.Contact, func(a transaction.Address) bool { // gateways add a tel URI, which nothing can be sent to
		return a.URI.Host == "" || a.URI.Scheme != "sip" && a.URI.Scheme != "sips"
	})
	if len(req.Contact) == 0 || req.FromTag() == "" && !old2543 { // to an old one a missing tag is a tag (RFC 3261 §12.1.1)
		respond(tx, 400, "Contact or From tag missing")
		return
	}
	theirs, err := sdpOf(req.ContentType, req.Headers, req.Body)
	if err != nil {
		unreadable(tx, "application/sdp")
		return
	}
	if !takesSDP(req.Headers) {
		respond(tx, 406, "", transaction.Header{Name: "Warning", Value: `399 offhook "calls are answered in application/sdp, which Accept does not name"`})
		return
	}
	old, ok := u.replacing(tx, req)
	if !ok {
		return
	}
	s := &Session{
		ua: u, id: fromInvite(req, tx.LocalTag()), peer: req.Source, localTag: tx.LocalTag(), invite: req, theirs: theirs,
		tx: tx, oks: map[uint32]*unacked{}, terms: offer.New(rand.Uint64()>>2, Local{}), moves: moves{replaces: old},
	}
	var can bool
	if s.rel.on, s.rel.must, can = u.wanted100rel(req); !can {
		respond(tx, 421, "", transaction.Header{Name: "Require", Value: "100rel"})
		return
	}
	if _, ok := s.answerTimer(req); !ok {
		s.tooBrief(tx)
		return
	}
	s.id.sid.local = newSessionID().local
	s.identify(&s.id, tx)
	local := req.Flow.LocalFor(req.Source)
	s.localIP = local.Addr()
	s.id.contact = u.contact(req.Flow, req.Source)
	mine := Local{}
	if u.cfg.Media != nil {
		mine = u.cfg.Media(req.Flow)
	}
	mine.RTP = netip.AddrPortFrom(s.localIP, 0)
	s.terms = s.terms.WithLocal(s.local(mine))
	if theirs != nil { // what cannot be answered must not ring
		if err := s.terms.Check(theirs); err != nil {
			refuseSDP(tx, err)
			return
		}
	}
	u.add(s)
	u.h.Incoming(s)
}

// takesSDP reports whether a description may be in our answer: who names no types takes it (RFC 3261 §20.1).
func takesSDP(h transaction.Headers) bool {
	types := h.Values("Accept")
	for _, v := range types {
		kind, params, err := mime.ParseMediaType(v)
		q, bad := strconv.ParseFloat(params["q"], 64)
		if err == nil && isAny(kind, "application/sdp", "application/*", "*/*") && (bad != nil || q > 0) {
			return true
		}
	}
	return len(types) == 0
}

// refuseSDP answers 400 to what cannot be read and 488 to what cannot be met (§21.4.26, §20.43).
func refuseSDP(tx *transaction.ServerTx, err error) {
	if errors.Is(err, ErrNoCommon) {
		respond(tx, 488, "", transaction.Header{Name: "Warning", Value: `305 offhook "no audio codec in common"`})
		return
	}
	respond(tx, 400, "Bad session description", transaction.Header{Name: "Warning", Value: `399 offhook "the session description cannot be read"`})
}

// local fills in what the caller left to the configuration.
func (s *Session) local(l Local) Local {
	if l.Codecs == nil {
		l.Codecs = s.ua.cfg.Codecs
	}
	if l.DTMF == 0 {
		l.DTMF = s.ua.cfg.DTMF
	}
	if l.PTime == 0 {
		l.PTime = s.ua.cfg.PTime
	}
	return l
}

// response to the first INVITE, with what makes a dialog (§12.1.1).
func (s *Session) response(code int, reason string) *transaction.Response {
	res := transaction.NewResponse(s.invite, code, reason)
	res.Contact = []transaction.Address{s.id.contact}
	res.Headers = append(res.Headers, s.ua.abilities()...)
	return res
}

func (s *Session) provisional(code int, reason string, media *Local) {
	if s.tx == nil || s.state != early || code <= 100 || code >= 200 {
		return
	}
	if s.rel.open != nil {
		if len(s.rel.waiting) < maxProvisional {
			s.rel.waiting = append(s.rel.waiting, func() { s.provisional(code, reason, media) })
		}
		return
	}
	res, t := s.response(code, reason), s.terms
	offers := s.theirs == nil
	if media != nil && !s.rel.agreed && (s.rel.on || !offers) {
		var err error
		t = t.WithLocal(s.local(*media))
		if offers {
			t, res.Body, err = t.Offer(false)
		} else {
			t, res.Body, err = t.Answer(s.theirs, false)
		}
		if err != nil {
			s.ua.log.Warn("early media", "err", err)
			return
		}
		res.ContentType = "application/sdp"
	}
	// The first reliable response to an INVITE without an offer must bring one (RFC 3261 §13.2.1).
	numbered := s.rel.on && (!offers || s.rel.agreed || res.Body != nil)
	if !numbered && s.rel.must {
		return
	}
	send := s.tx.Respond
	if numbered {
		send = func(res *transaction.Response) error { return s.sendReliably(res, offers && res.Body != nil) }
	}
	if err := send(res); err != nil {
		s.ua.log.Debug("provisional response", "code", code, "err", err)
		if !s.tx.Kept() { // else it goes out with what follows
			return
		}
	}
	s.terms, s.rang = t, true
	s.ring.stop()
	s.ring = s.ua.after(ringAgain, func() { s.provisional(code, reason, nil) })
	if res.Body != nil && !offers {
		s.emit(MediaChanged{s.media()})
	}
}

// ringAgain: a proxy that hears nothing for three minutes gives the call up (§13.3.1.1, §16.6).
const ringAgain = time.Minute

func (s *Session) accept(media Local, headers []transaction.Header) {
	if s.tx == nil || s.state != early || s.away(func() { s.accept(media, headers) }) {
		return
	}
	if o := s.rel.open; o != nil && o.sdp { // RFC 3262 §3
		s.rel.waiting, s.rel.accept = nil, func() { s.accept(media, headers) }
		return
	}
	t := s.terms
	if !t.Agreed() || media.RTP.IsValid() && !s.rel.agreed {
		t = t.WithLocal(s.local(media))
	}
	var body []byte
	var err error
	switch {
	case s.rel.agreed:
	case s.theirs != nil:
		t, body, err = t.Answer(s.theirs, false)
	default:
		t, body, err = t.Offer(false)
	}
	if err != nil {
		s.emit(Refused{Op: OpAnswer, Code: 488, Reason: err.Error()})
		return
	}
	res := s.response(200, "")
	iv, _ := s.answerTimer(s.invite)
	iv.header(res)
	res.Headers = append(res.Headers, headers...)
	if body != nil {
		res.ContentType, res.Body = "application/sdp", body
	}
	if err := s.tx.Respond(res); errors.Is(err, transaction.ErrCancelled) {
		return // its HandleCancel is on the way here
	} else if err != nil && (s.noWay || !s.tx.Kept()) { // else the connection died under it: the repetition goes over the next
		s.finish(Ended{Cause: CauseNetwork, Code: 503, Reason: err.Error()})
		return
	}
	s.terms, s.state = t, accepted
	s.ring.stop()
	s.rel.stop()
	s.repeat(s.tx, s.invite.CSeq, s.theirs == nil && !s.rel.agreed)
	if s.theirs != nil && !s.rel.agreed {
		s.emit(MediaChanged{s.media()})
	}
	s.emit(Answered{})
	s.wind(iv, iv.refresher == "uas")
	s.takeOver()
}

// media is what was agreed, with the hint that a private address behind a public one is a NAT's.
func (s *Session) media() Media {
	m := s.terms.Media()
	if m.Remote.IsValid() && m.Remote.Addr().IsPrivate() && !s.peer.Addr().IsPrivate() && !s.peer.Addr().IsLoopback() {
		m.Symmetric = true
	}
	return m
}

// unacked is a 2xx of ours that is repeated until its ACK comes (§13.3.1.4), on every transport.
type unacked struct {
	tx      *transaction.ServerTx
	late    bool // the ACK is to bring an answer
	started time.Time
	wait    time.Duration
	timer   *timer

	returning bool // another connection is being looked for
}

func (s *Session) repeat(tx *transaction.ServerTx, cseq uint32, late bool) {
	r := &unacked{tx: tx, late: late, started: time.Now(), wait: transaction.T1}
	s.oks[cseq] = r
	s.ua.busy(1)
	r.timer = s.ua.after(r.wait, func() { s.again2xx(cseq, r) })
}

func (s *Session) again2xx(cseq uint32, r *unacked) {
	left := limit - time.Since(r.started)
	if left <= 0 {
		s.forget(cseq)
		if s.state == ended { // a BYE that waited for this ACK
			s.ua.bye(&s.id, "")
			return
		}
		e := Ended{Cause: CauseNoACK, ByUs: true, Code: 408, Reason: "No ACK to our answer"}
		if r.tx.Kept() { // they never heard of it
			e = Ended{Cause: CauseNetwork, Code: 503, Reason: transaction.ErrFlowDown.Error()}
		}
		s.finish(e)
		s.ua.bye(&s.id, `SIP;cause=408;text="No ACK"`)
		return
	}
	if err := r.tx.RespondAgain(); err != nil {
		s.ua.log.Debug("repeating a 2xx", "err", err)
		if r.tx.Kept() && !r.returning {
			r.returning = true
			s.back(r.tx, func(bool) { r.returning = false })
		}
	}
	r.wait = nextWait(r.wait)
	r.timer = s.ua.after(min(r.wait, left), func() { s.again2xx(cseq, r) })
}

// nextWait doubles up to T2: repeats at 0.5, 1.5, 3.5, 7.5, 11.5 … s.
func nextWait(wait time.Duration) time.Duration { return min(2*wait, transaction.T2) }

func (s *Session) forget(cseq uint32) {
	if r := s.oks[cseq]; r != nil {
		r.timer.stop()
		delete(s.oks, cseq)
		s.ua.busy(-1)
	}
}

// acked is an ACK to a 2xx of ours.
func (u *UA) acked(req *transaction.Request) {
	s := u.sessions[key{req.CallID, req.ToTag()}]
	if s == nil || s.id.remote.Tag() != req.FromTag() {
		return
	}
	r := s.oks[req.CSeq]
	if r == nil {
		return // a repetition
	}
	s.forget(req.CSeq)
	if s.state == ended {
		u.bye(&s.id, "")
		return
	}
	if r.late {
		body, err := sdpOf(req.ContentType, req.Headers, req.Body)
		t := s.terms
		if err == nil {
			t, err = t.Accept(body)
		}
		if err != nil { // an answer in an ACK cannot be refused but by ending the call
			s.finish(Ended{Cause: CauseNoMedia, ByUs: true, Code: 488, Reason: err.Error()})
			u.bye(&s.id, `SIP;cause=488;text="Not Acceptable Here"`)
			return
		}
		s.commit(t)
	}
	if s.state == accepted {
		s.confirm()
	}
	s.next()
}

// confirm begins the established call. A hold that it came with is told after that, as a change of it.
func (s *Session) confirm() {
	s.state = confirmed
	s.emit(Confirmed{})
	if s.terms.ByThem() {
		s.emit(HoldChanged{ByThem: true})
	}
}

// commit makes t what is agreed, and tells what that changes.
func (s *Session) commit(t offer.Terms) {
	old := s.terms
	s.terms = t
	s.emit(MediaChanged{s.media()})
	if s.state == confirmed && (old.ByUs() != t.ByUs() || old.ByThem() != t.ByThem()) {
		if t.ByUs() == s.modify.want {
			s.modify.owed = false
		}
		s.emit(HoldChanged{ByUs: t.ByUs(), ByThem: t.ByThem()})
	}
}

// cancelled: the layer has answered the CANCEL 200 and the INVITE 487.
func (s *Session) cancelled(tx *transaction.ServerTx, why reason) {
	if s.tx != tx || s.state != early {
		return
	}
	e := Ended{Cause: CauseCancelled, Code: why.code(), Reason: why.text}
	if why.elsewhere() {
		e.Cause = CauseElsewhere
	}
	s.finish(e)
}
