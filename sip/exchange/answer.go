package exchange

import (
	"strings"
	"time"

	"offhook/sip/dialog"
	"offhook/sip/exchange/prompts"
	"offhook/sip/transaction"
)

// The numbers that the exchange answers itself; every other number of up to five digits that is no extension does not exist.
const (
	Colleague = "2104" // Priya, who answers
	Busy      = "2105" // always busy
	Silent    = "2106" // rings for ever
	Declines  = "2107"
	Echo      = "600"
	Voicemail = "2110"
)

// ringsFor is how long people let the phone ring.
const ringsFor = 1500 * time.Millisecond

// incoming is a call that one of our phones makes. It has passed the password check.
func (s *Server) incoming(d *dialog.Session) {
	req := d.Request()
	number := squeeze(req.URI.User)
	l := &leg{s: s, d: d, ext: req.From.URI.User, pipe: &pipe{}}
	d.Data = l
	local, err := l.open(d)
	if err != nil {
		d.Reject(503, "")
		return
	}
	s.legs = append(s.legs, l)
	if at := s.reachable(number); len(at) > 0 && number != l.ext {
		s.bridge(l, number, at[len(at)-1], local)
		return
	}
	who, status := s.whoIs(number)
	if who == nil {
		d.Reject(status, "")
		return
	}
	d.Ring()
	who.leg, l.who = l, who
	if number == Silent {
		return
	}
	l.pick = func() { d.Answer(local) }
	if number == Echo {
		l.pipe.echo = true
	}
	if !s.opt.Still || number == Echo {
		s.after(ringsFor, func() {
			if !l.answered && !l.ended {
				d.Answer(local)
			}
		})
	}
}

// whoIs is the person behind a number, or the status that the number deserves.
func (s *Server) whoIs(number string) (*person, int) {
	p := &person{s: s, number: number, patient: true}
	say := func(name string) {
		if pcm, err := prompts.Load(name); err == nil {
			p.lines = map[prompts.Moment]line{prompts.Greeting: {prompts.Text(name), pcm}}
		}
	}
	switch number {
	case Busy:
		return nil, 486
	case Declines:
		return nil, 603
	case Silent:
	case Echo:
		say(prompts.Echo)
	case Colleague:
		p.name = "Priya Raman"
		say(prompts.Colleague)
	case Voicemail:
		say(prompts.Voicemail)
	default:
		if _, ours := s.users[number]; ours {
			return nil, 480
		}
		if len(number) <= 5 {
			return nil, 404
		}
		say(prompts.Voicemail) // the rest of the world has gone to lunch
	}
	return p, 0
}

// bridge joins a phone's call with another phone.
func (s *Server) bridge(a *leg, ext string, at binding, local dialog.Local) {
	from := transaction.Address{Display: s.users[a.ext].Name, URI: s.uri(a.ext)}
	b, err := s.ring(ext, at, dialog.Invite{From: from}, nil)
	if err != nil {
		a.d.Reject(503, "")
		return
	}
	a.d.Ring()
	a.peer, b.peer = b, a
	a.pipe.link(b.pipe)
	b.onUp = func() { a.d.Answer(local) }
	b.onEnd = func(e dialog.Ended) {
		if !a.answered && !a.ended {
			a.peer = nil
			a.d.Reject(refusal(e), "")
		}
	}
}

// refusal is the status that a failed leg passes on.
func refusal(e dialog.Ended) int {
	if e.Code >= 400 && e.Code < 700 {
		return e.Code
	}
	return 480
}

// squeeze takes separators out of a dialled number.
func squeeze(number string) string {
	return strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "").Replace(number)
}
