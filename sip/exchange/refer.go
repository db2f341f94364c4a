package exchange

import (
	"time"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// transfer is a phone that hands its caller to somebody else (RFC 3515). The phone is told by NOTIFY how it goes. When the new
// party has answered, the caller talks to it; when the phone leaves before, the caller waits for it all the same.
type transfer struct {
	l    *leg
	r    *dialog.Refer
	hunt *hunt   // the phones that ring
	who  *person // or who lets it ring
	over bool
}

// lingers is how long a phone may stay after its caller was taken over, before we hang up (RFC 5589 §6.1 leaves it to the phone).
const lingers = 5 * time.Second

// refer answers a REFER.
func (s *Server) refer(d *dialog.Session, r *dialog.Refer) {
	var l *leg
	if d != nil {
		l, _ = d.Data.(*leg)
	}
	switch {
	case d == nil, l == nil, l.ended, !l.answered, l.who == nil && l.peer == nil:
		r.Reject(603, "")
		return
	case l.moving != nil:
		r.Reject(491, "")
		return
	case r.Replaces != nil:
		s.attended(l, r)
		return
	case r.Target.URI.Scheme != "sip" && r.Target.URI.Scheme != "tel":
		r.Reject(416, "")
		return
	}
	number := squeeze(r.Target.URI.User)
	t := &transfer{l: l, r: r}
	l.moving = t
	r.Accept()
	if number != l.ext && len(s.reachable(number)) > 0 {
		t.toPhone(number)
		return
	}
	who, status := s.whoIs(number)
	if who == nil {
		t.fails(status)
		return
	}
	r.Notify(180, "")
	if number == Silent {
		return
	}
	t.who = who
	l.answerable(t.toPerson)
}

// toPhone rings another extension in the caller's name.
func (t *transfer) toPhone(ext string) {
	l, s := t.l, t.l.s
	by := transaction.Headers{{Name: "Referred-By", Value: "<" + s.uri(l.ext, l.ip).String() + ">"}}
	c := caller{number: l.ext, name: s.users[l.ext].Name, headers: by}
	if l.who != nil {
		c.number, c.name = l.who.number, l.who.name
	} else if o := l.peer; o != nil {
		c.number, c.name = o.ext, s.users[o.ext].Name
	}
	hunt, err := s.call(ext, c, nil, t.reached, t.fails)
	if err != nil {
		t.fails(503)
		return
	}
	t.hunt = hunt
	t.r.Notify(180, "")
}

// reached: another phone has answered; it gets the caller.
func (t *transfer) reached(b *leg) {
	if t.over {
		b.leave()
		return
	}
	l := t.l
	who, other := l.who, l.part()
	l.who = nil
	t.done(200)
	switch {
	case who != nil:
		b.who = who
		who.quiet()
		who.answered(b)
	case other != nil:
		join(other, b)
	}
}

// toPerson: somebody behind the exchange has answered and talks to the caller from now on. Two people need no phone to talk.
func (t *transfer) toPerson() {
	if t.over {
		return
	}
	l := t.l
	if l.who != nil {
		l.who.gone()
		l.who = nil
	}
	other := l.part()
	t.done(200)
	if other != nil {
		other.pipe.play(nil)
		other.who = t.who
		t.who.answered(other)
	}
}

// alone: the phone left before it knew how it went, as RFC 3515 §2.4.4 lets it and many do. Its caller goes on waiting. It
// reports whether there is somebody to wait for.
func (t *transfer) alone() bool {
	if t.who != nil {
		t.toPerson()
	}
	return t.who != nil || t.hunt != nil
}

func (t *transfer) fails(status int) {
	if t.over {
		return
	}
	t.done(status)
	if t.l.ended { // nobody to come back to
		t.l.over()
	}
}

// done tells the phone the outcome.
func (t *transfer) done(status int) {
	l := t.l
	t.over, l.moving, l.pick = true, nil, nil
	if l.ended {
		return
	}
	t.r.Notify(status, "")
	if status < 300 {
		l.s.after(lingers, l.leave)
	}
}

// abandon: the caller has hung up meanwhile.
func (t *transfer) abandon() {
	if t.over {
		return
	}
	t.done(487)
	if t.hunt != nil {
		t.hunt.giveUp()
	}
}
