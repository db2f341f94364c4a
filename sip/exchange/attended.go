package exchange

import (
	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// attended connects the two parties that a phone talks to: its call l, in which the REFER came, and the one that the REFER names (RFC 5589
// §7). As the far end of both, the exchange makes no new call; it only puts the right ends together, and hangs up on the phone.
func (s *Server) attended(l *leg, r *dialog.Refer) {
	r.Accept()
	var o *leg
	if d := s.ua.Find(*r.Replaces); d != nil {
		o, _ = d.Data.(*leg)
	}
	switch {
	case o == nil, o == l, o.ended, !o.answered, o.who == nil && o.peer == nil, o.moving != nil:
		r.Notify(481, "")
		return
	}
	one, two := l.yields(), o.yields()
	r.Notify(200, "")
	connect(one, two)
	o.leave() // who takes a call over hangs up on the one that it had (RFC 3891 §3)
	s.after(lingers, l.leave)
}

// side is who was on the other side of a phone's call.
type side struct {
	who  *person
	peer *leg
}

// yields takes the other side off a leg.
func (l *leg) yields() side {
	o := side{who: l.who, peer: l.part()}
	l.who = nil
	if o.who != nil {
		o.who.quiet()
	}
	return o
}

// connect lets two parties talk. Two people behind the exchange need no phone for it.
func connect(a, b side) {
	switch {
	case a.peer != nil && b.peer != nil:
		join(a.peer, b.peer)
		a.peer.names(b.peer.ext, b.peer.s.users[b.peer.ext].Name)
		b.peer.names(a.peer.ext, a.peer.s.users[a.peer.ext].Name)
	case a.peer != nil:
		a.peer.gets(b.who)
	case b.peer != nil:
		b.peer.gets(a.who)
	default:
		a.who.gone()
		b.who.gone()
	}
}

// gets gives a phone somebody new to talk to.
func (l *leg) gets(who *person) {
	l.pipe.play(nil)
	l.who = who
	l.names(who.number, who.name)
	who.answered(l)
}

// names tells a phone who it talks to from now on (RFC 3325 in an UPDATE, RFC 3311).
func (l *leg) names(number, name string) {
	if number == "" {
		return
	}
	a := transaction.Address{Display: name, URI: l.s.uri(number, l.ip)}
	l.d.Announce(transaction.Headers{{Name: "P-Asserted-Identity", Value: a.String()}})
}

// instead is an INVITE with Replaces: a phone takes over what the exchange holds for another call (RFC 3891), as whoever is given a call
// in an attended transfer through strangers does, or who picks one up.
func (s *Server) instead(l, old *leg) {
	local, err := l.open(l.d.LocalIP())
	switch {
	case err != nil:
		s.log.Warn("a call is refused", "err", err)
		l.d.Reject(503, "")
		return
	case old.ended || !old.answered || old.who == nil && old.peer == nil:
		l.d.Reject(481, "")
		return
	}
	s.legs = append(s.legs, l)
	l.heir = func() {
		if old.ended {
			l.leave()
			return
		}
		connect(side{peer: l}, old.yields())
	}
	l.d.Answer(local)
}

// SendAway lets the person at the far end of an extension's newest answered call hold it and send the phone to another number by REFER,
// as a switchboard does with its caller: the phone is to make that call itself. It reports whether there was such a call.
func (s *Server) SendAway(ext, number string) bool {
	sent, err := ask(s, func() bool {
		l := s.newest(ext, func(l *leg) bool { return l.who != nil && l.answered })
		if l == nil {
			return false
		}
		by := transaction.Address{URI: s.uri(l.who.number, l.ip), Display: l.who.name}
		if l.who.number == "" {
			by = transaction.Address{}
		}
		l.d.Transfer(transaction.Address{URI: s.uri(number, l.ip)}, by)
		return true
	})
	return sent && err == nil
}
