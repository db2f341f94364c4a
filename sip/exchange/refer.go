package exchange

import (
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// refer is a phone that hands its caller to somebody else (RFC 3515). The phone is told by NOTIFY how it goes; when the new
// party has answered, the caller talks to it and the phone's leg is the phone's to end.
func (s *Server) refer(d *dialog.Session, r *dialog.Refer) {
	l, _ := d.Data.(*leg)
	if l == nil || l.ended || l.refer != nil {
		r.Reject(603, "")
		return
	}
	number := squeeze(r.Target.URI.User)
	r.Accept()
	l.refer = r
	if at := s.reachable(number); len(at) > 0 && number != l.ext {
		s.handOver(l, r, number, at[len(at)-1])
		return
	}
	who, status := s.whoIs(number)
	if who == nil {
		l.transferred(r, status)
		return
	}
	r.Notify(180, "")
	if number == Silent {
		return
	}
	done := func() {
		if l.refer == r && !l.ended {
			l.transferred(r, 200)
		}
	}
	l.pick = done
	if !s.opt.Still {
		s.after(ringsFor, done)
	}
}

// transferred tells the phone the outcome. After 200 the caller is no longer with it.
func (l *leg) transferred(r *dialog.Refer, status int) {
	l.refer, l.pick = nil, nil
	if status < 300 && l.who != nil {
		l.who.quiet()
		l.who.event(EventEnded, "")
		l.who = nil
	}
	r.Notify(status, "")
}

// handOver calls another phone in the caller's name and gives it the caller.
func (s *Server) handOver(l *leg, r *dialog.Refer, ext string, at binding) {
	in := dialog.Invite{Headers: transaction.Headers{{Name: "Referred-By", Value: "<" + s.uri(l.ext).String() + ">"}}}
	if who := l.who; who != nil {
		id := s.identity(Call{From: who.number, Name: who.name})
		in.From, in.Headers = id.From, append(in.Headers, id.Headers...)
	} else {
		in.From = transaction.Address{URI: s.uri(l.ext)}
	}
	b, err := s.ring(ext, at, in, nil)
	if err != nil {
		l.transferred(r, 503)
		return
	}
	r.Notify(180, "")
	b.onUp = func() {
		who := l.who
		l.who = nil // the person goes on, at the other phone
		l.transferred(r, 200)
		if who != nil {
			who.quiet()
			who.held, who.waiting = false, false
			b.who = who
		}
		if peer := l.peer; peer != nil { // a bridged phone's caller
			l.peer, peer.peer, b.peer = nil, b, peer
			b.pipe.link(peer.pipe)
		}
	}
	b.onEnd = func(e dialog.Ended) {
		if l.refer == r && !l.ended {
			l.transferred(r, refusal(e))
		}
	}
}

// link joins two phones' sound.
func (p *pipe) link(o *pipe) {
	p.mu.Lock()
	p.other = o
	p.mu.Unlock()
	o.mu.Lock()
	o.other = p
	o.mu.Unlock()
}
