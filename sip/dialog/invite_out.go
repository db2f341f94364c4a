package dialog

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"

	"offhook/sip/offer"
	"offhook/sip/transaction"
)

// errNoDialog: a request in a dialog before or after its life.
var errNoDialog = errors.New("the call is not established")

// Invite describes an outgoing session.
type Invite struct {
	Flow  *transaction.Flow     // where it goes out
	Dst   netip.AddrPort        // first hop
	URI   transaction.URI       // Request-URI
	To    transaction.Address   // zero: URI
	From  transaction.Address   // ours, without tag
	Route []transaction.Address // preloaded routes (outbound proxy, Service-Route)

	Media   Local
	Headers transaction.Headers // further headers, such as P-Asserted-Identity
	// Replaces is the far end's dialog that this call is to take the place of (RFC 3891); nil: none.
	Replaces *Replaces

	CallID, Tag string // chosen when empty
	// SessionID is our UUID in Session-ID (RFC 7989): that of the call which this one goes on for, as after a transfer; chosen
	// when it is not 32 lower-case hexadecimal digits.
	SessionID string

	// Foreign: it goes past our own servers, to whom alone our credentials belong; a challenge is a refusal.
	Foreign bool
	// Next finds further servers for this call; nil: there are none.
	Next NextServer
	// LateOffer leaves the offer to the far end's 2xx (RFC 3261 §13.2.1).
	LateOffer bool
	// RingLimit ends the attempt with a CANCEL. 0: 3 min.
	RingLimit time.Duration
}

// Invite starts an outgoing session and returns it at once; what becomes of it comes as Events. It may be called from
// anywhere. data becomes Session.Data.
func (u *UA) Invite(in Invite, data any) *Session {
	if in.CallID == "" {
		in.CallID = transaction.NewCallID()
	}
	if in.Tag == "" {
		in.Tag = transaction.NewTag()
	}
	if !isUUID(in.SessionID) {
		in.SessionID = newSessionID().local
	}
	if in.To.URI.IsZero() {
		in.To = transaction.Address{URI: in.URI}
	}
	if in.RingLimit == 0 {
		in.RingLimit = 3 * time.Minute
	}
	s := &Session{
		Data: data, ua: u, outgoing: true, peer: in.Dst, localTag: in.Tag, oks: map[uint32]*unacked{},
		localIP: in.Flow.LocalFor(in.Dst).Addr(),
		id: ident{
			callID: in.CallID, local: in.From.WithTag(in.Tag), remote: in.To.WithTag(""), route: in.Route,
			target: in.URI, flow: in.Flow, home: in.Flow, dst: in.Dst, contact: u.contact(in.Flow, in.Dst), foreign: in.Foreign,
			sid: sessionID{local: in.SessionID},
		},
	}
	s.terms = offer.New(rand.Uint64()>>2, s.local(in.Media))
	req := s.id.request("INVITE")
	u.describe(req)
	can := extensions + ", 199" // tell us when a fork is out of the race (RFC 6228 §4)
	switch u.cfg.Reliable {
	case ReliableSupported:
		can += ", 100rel"
	case ReliableRequired:
		req.Headers.Add("Require", "100rel")
	}
	req.Headers.Set("Supported", can)
	s.askTimer(req)
	req.Headers = append(req.Headers, in.Headers...)
	if in.Replaces != nil { // who does not know it must not ring a second time (RFC 3891 §4)
		req.Headers.Add("Require", "replaces")
		req.Headers.Add("Replaces", in.Replaces.String())
	}
	s.identify(&s.id, nil)
	s.invite = req
	a := &attempt{s: s, forks: map[string]*fork{}, late: in.LateOffer, base: s.terms}
	var err error
	if !in.LateOffer {
		req.ContentType = "application/sdp"
		a.base, req.Body, err = s.terms.Offer(false)
	}
	a.o = &outgoing{
		ua: u, d: &s.id, req: req.Clone(), flow: in.Flow, dst: in.Dst, others: others{next: in.Next}, moved: a.movedTo, onResponse: a.response, onFinal: a.final,
	}
	s.call = a
	u.Post(func() {
		u.add(s)
		switch {
		case err != nil:
			s.finish(Ended{Cause: CauseNoMedia, ByUs: true, Reason: err.Error()})
		case u.closing:
			s.finish(Ended{Cause: CauseCancelled, ByUs: true})
		case s.state == early:
			a.limit = u.after(in.RingLimit, func() { a.giveUp(408, "No answer") })
			a.o.start()
		}
	})
	return s
}

func (u *UA) contact(flow *transaction.Flow, remote netip.AddrPort) transaction.Address {
	if u.cfg.Contact != nil {
		return transaction.Address{URI: u.cfg.Contact(flow, remote)}
	}
	return flow.Contact(u.cfg.User, remote)
}

// attempt is our INVITE and everybody who answers it.
type attempt struct {
	s      *Session
	o      *outgoing
	base   offer.Terms      // with the open offer; each fork answers it for itself
	forks  map[string]*fork // by To tag; "" holds the responses without one
	newest *fork            // the last one that gave an early answer: its media are heard (RFC 3960)

	described int // how often that happened
	late      bool
	limit     *timer
}

func (a *attempt) response(res *transaction.Response) {
	switch {
	case res.Success():
		a.success(res)
	case res.Status > 100 && a.s.state == early:
		a.progress(res)
	}
}

func (a *attempt) final(res *transaction.Response, err error) {
	if err == nil && res.Status == 422 && a.s.state == early && a.s.raise(res) {
		a.longer()
		return
	}
	a.limit.stop()
	switch {
	case err != nil:
		code, why := status(err)
		a.s.finish(Ended{Cause: CauseNetwork, Code: code, Reason: why})
	case res.Success():
		a.success(res)
	default:
		a.s.finish(Ended{Cause: CauseRejected, Code: res.Status, Reason: res.Reason, Response: res, Targets: targets(res)})
	}
}

// success is a 2xx: the first one wins, each gets its ACK, and each but the winner a BYE (§13.2.2.4) — also when the call
// was given up while the 2xx was on its way.
func (a *attempt) success(res *transaction.Response) {
	s, f := a.s, a.fork(res)
	if f.ack != nil {
		f.ack.send(s.ua)
		return
	}
	won := s.state == early
	d := &f.id
	d.localSeq = max(d.localSeq, s.id.localSeq)
	if won {
		s.id = f.id
		d = &s.id
		for o := range f.running {
			o.d = d
		}
		if f.moves == s.modify.moves {
			s.modify.move, s.modify.media = false, false
		}
		if f.offering != nil {
			s.modify.busy, s.modify.o = true, f.offering
		}
		s.identify(d, nil)
	}
	t, answer, err := a.agree(f, res)
	f.ack = s.ua.newAck(d, a.o.req, answer)
	switch {
	case !won:
		s.ua.bye(d, "")
	case err != nil:
		s.finish(Ended{Cause: CauseNoMedia, ByUs: true, Code: 488, Reason: err.Error()})
		s.ua.bye(d, `SIP;cause=488;text="Not Acceptable Here"`)
	default:
		a.limit.stop()
		s.terms, s.state = t, confirmed // whatever is asked for from here on comes after this
		s.emit(Refreshed{Response: res})
		s.emit(MediaChanged{s.media()})
		s.emit(Answered{})
		s.agreedTimer(res)
		s.confirm()
		s.next()
	}
}

// longer calls again with the session interval that a 422 asked for (RFC 4028 §7.3), as a new request of the same call.
func (a *attempt) longer() {
	req := a.o.req.Clone()
	for _, name := range [...]string{"Session-Expires", "Min-SE"} {
		req.Headers.Del(name)
	}
	a.s.id.localSeq++
	req.CSeq = a.s.id.localSeq
	a.s.askTimer(req)
	clear(a.forks)
	a.newest = nil
	last := a.o
	a.o = &outgoing{
		ua: a.s.ua, d: &a.s.id, req: req, flow: last.flow, dst: last.dst, others: others{next: last.others.next}, moved: a.movedTo, onResponse: a.response, onFinal: a.final,
	}
	a.o.start()
}

// movedTo: another server gets the INVITE, perhaps over another connection.
func (a *attempt) movedTo(flow *transaction.Flow, dst netip.AddrPort) {
	d := &a.s.id
	d.flow, d.home, d.dst, d.contact = flow, flow, dst, a.s.ua.contact(flow, dst)
	a.o.req.Contact = []transaction.Address{d.contact}
}

// giveUp ends the attempt from our side.
func (a *attempt) giveUp(code int, why string) {
	if a.s.state != early {
		return
	}
	a.limit.stop()
	cause := CauseCancelled
	if code != 0 {
		cause = CauseRejected
	}
	a.s.finish(Ended{Cause: cause, ByUs: true, Code: code, Reason: why})
	a.o.cancel(nil)
}

// stray is a 2xx outside of its transaction: a late fork, or a repetition that wants its ACK again.
func (s *Session) stray(res *transaction.Response) {
	switch {
	case s.call != nil && res.CSeq == s.call.o.req.CSeq:
		s.call.success(res)
	case s.modify.acks[res.CSeq] != nil:
		s.modify.acks[res.CSeq].send(s.ua)
	}
}
