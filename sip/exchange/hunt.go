package exchange

import (
	"net/netip"
	"slices"
	"time"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// hunt is a call to all phones of an extension at once: the first that answers has it (RFC 3261 §16.7, as a forking exchange
// does it). Owned by the loop.
type hunt struct {
	s      *Server
	from   caller
	legs   []*leg // that still ring
	won    *leg
	over   bool // nobody will answer
	status int  // the best refusal until now
	up     func(*leg)
	failed func(status int) // nobody has answered; 487 after giveUp
}

// caller is who a phone shows.
type caller struct {
	number, name string // number "" withholds it
	headers      transaction.Headers
	replaces     *dialog.Replaces // the phone's dialog that this call takes the place of
}

// elsewhere tells the other phones that one has answered (RFC 3326 §2): it is no missed call.
const elsewhere = `SIP;cause=200;text="Call completed elsewhere"`

// call rings all phones of an extension. The error says why none rings. up or failed is called once, later.
func (s *Server) call(ext string, c caller, who *person, up func(*leg), failed func(status int)) (*hunt, error) {
	if s.ctx.Err() != nil {
		return nil, ErrClosed
	}
	at := s.reachable(ext)
	if len(at) == 0 {
		return nil, &NotRegisteredError{ext}
	}
	h := &hunt{s: s, from: c, up: up, failed: failed}
	var err error
	for _, b := range at {
		l := &leg{s: s, ext: ext, flow: b.flow, hunt: h, who: who, pipe: &pipe{}}
		var local dialog.Local
		if local, err = l.open(b.flow.LocalFor(b.addr).Addr()); err != nil {
			break // what rings already may go on ringing
		}
		in := s.invite(c, l.ip)
		in.Flow, in.Dst, in.URI, in.Media = b.flow, b.addr, b.contact.URI, local
		in.Replaces = c.replaces
		in.To = transaction.Address{URI: s.uri(ext, l.ip)}
		if s.opt.Still {
			in.RingLimit = 24 * time.Hour
		}
		l.d = s.ua.Invite(in, l)
		s.legs = append(s.legs, l)
		h.legs = append(h.legs, l)
	}
	if len(h.legs) == 0 {
		return nil, err
	}
	s.lit(ext)
	return h, nil
}

// invite says who calls: From, and Privacy when the number is withheld (RFC 3323 §4.1).
func (s *Server) invite(c caller, ip netip.Addr) dialog.Invite {
	if c.number == "" {
		anonymous := transaction.Address{Display: "Anonymous", URI: transaction.URI{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}}
		return dialog.Invite{From: anonymous, Headers: append(transaction.Headers{{Name: "Privacy", Value: "id"}}, c.headers...)}
	}
	return dialog.Invite{From: transaction.Address{Display: c.name, URI: s.uri(c.number, ip)}, Headers: slices.Clone(c.headers)}
}

// answered: the first has it, the others are told so. Two may answer at the same moment: the second is hung up on.
func (h *hunt) answered(l *leg) {
	if h.won != nil || h.over {
		l.d.End(elsewhere)
		return
	}
	h.won = l
	for _, o := range h.legs {
		if o != l {
			o.who = nil
			o.d.End(elsewhere)
		}
	}
	h.legs = nil
	h.up(l)
}

// lost: a phone that rang has ended. A 6xx speaks for all of them (RFC 3261 §21.6).
func (h *hunt) lost(l *leg, e dialog.Ended) {
	if !e.ByUs && e.Cause == dialog.CauseNetwork && (e.Code == 408 || e.Code == 503) {
		h.s.vanished(l)
	}
	if h.won != nil || h.over {
		return
	}
	h.legs = slices.DeleteFunc(h.legs, func(o *leg) bool { return o == l })
	if status := refusal(e); h.status == 0 || status >= 600 || h.status < 600 && rank(status) > rank(h.status) {
		h.status = status
	}
	if h.status >= 600 {
		h.end("")
	}
	if len(h.legs) == 0 {
		h.over = true
		h.failed(h.status)
	}
}

// giveUp ends the ringing; failed is told 487.
func (h *hunt) giveUp() {
	if h.won != nil || h.over {
		return
	}
	h.over = true
	h.end("")
	h.failed(487)
}

func (h *hunt) end(why string) {
	for _, o := range h.legs {
		o.d.End(why)
	}
	h.legs = nil
}

// refusal is the status that a failed leg passes on.
func refusal(e dialog.Ended) int {
	if e.Code >= 400 && e.Code < 700 && e.Code != 401 && e.Code != 407 {
		return e.Code
	}
	return 480
}

// rank orders refusals by how much they tell the caller.
func rank(status int) int {
	switch {
	case status == 486:
		return 3
	case status == 408 || status == 480 || status == 487 || status == 503:
		return 1
	}
	return 2
}
