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
	Moved     = "2108" // sends every call on to Colleague
	Echo      = "600"
	Voicemail = "2110"
)

// ringsFor is how long people let the phone ring.
const ringsFor = 1500 * time.Millisecond

// incoming is a call that one of our phones makes. It has passed the password check.
func (s *Server) incoming(d *dialog.Session) {
	req := d.Request()
	number := squeeze(req.URI.User)
	l := &leg{s: s, d: d, ext: req.From.URI.User, flow: req.Flow, pipe: &pipe{}}
	d.Data = l
	if old := d.Replacing(); old != nil {
		if o, ok := old.Data.(*leg); ok {
			s.instead(l, o)
			return
		}
	}
	if number == Moved {
		d.Redirect(302, []transaction.Address{{URI: s.uri(Colleague, s.addr.Addr())}})
		return
	}
	var who *person
	phones := number != l.ext && len(s.reachable(number)) > 0
	if !phones {
		status := 0
		if who, status = s.whoIs(number); who == nil {
			d.Reject(status, "")
			return
		}
	}
	local, err := l.open(d.LocalIP())
	if err != nil {
		s.log.Warn("a call is refused", "err", err)
		d.Reject(503, "")
		return
	}
	s.legs = append(s.legs, l)
	if who != nil {
		who.ext, l.who = l.ext, who
	}
	s.lit(l.ext)
	if phones {
		s.bridge(l, number, local)
		return
	}
	d.Ring()
	if number == Voicemail {
		who.heard = func() { s.listens(l.ext) }
	}
	answer := func() { d.Answer(local) }
	switch {
	case number == Silent:
	case number == Echo && s.opt.Still: // a machine, and nothing to wait for
		l.pipe.echo = true
		answer()
	default:
		l.pipe.echo = number == Echo
		l.answerable(answer)
	}
}

// answerable lets pick happen after a while, or when AnswerCall wants it.
func (l *leg) answerable(pick func()) {
	l.pick = pick
	if l.s.opt.Still {
		return
	}
	l.s.after(ringsFor, func() {
		if l.pick != nil {
			l.pick = nil
			pick()
		}
	})
}

// whoIs is the person behind a number, or the status that the number deserves.
func (s *Server) whoIs(number string) (*person, int) {
	p := &person{s: s, number: number, patient: true}
	says := func(name string) { p.lines = map[prompts.Moment]string{prompts.Greeting: name} }
	switch number {
	case Busy:
		return nil, 486
	case Declines:
		return nil, 603
	case Silent:
	case Echo:
		p.machine = true
		says(prompts.Echo)
	case Colleague:
		p.name = "Priya Raman"
		says(prompts.Colleague)
	case Voicemail:
		p.machine = true
		says(prompts.Voicemail)
	default:
		if _, ours := s.users[number]; ours {
			return nil, 480
		}
		digits := strings.TrimPrefix(number, "+")
		if len(digits) <= 5 || strings.Trim(digits, "0123456789") != "" {
			return nil, 404
		}
		p.machine = true
		says(prompts.Voicemail) // the rest of the world has gone to lunch
	}
	return p, 0
}

// bridge joins a phone's call with another extension's phones.
func (s *Server) bridge(a *leg, ext string, local dialog.Local) {
	out, err := s.call(ext, caller{number: a.ext, name: s.users[a.ext].Name}, nil,
		func(b *leg) {
			if a.ended {
				b.leave()
				return
			}
			a.out = nil
			join(a, b)
			a.d.Answer(local)
		},
		func(status int) {
			a.out = nil
			if !a.ended {
				a.d.Reject(status, "")
			}
		})
	if err != nil {
		a.d.Reject(503, "")
		return
	}
	a.out = out
	a.d.Ring()
}

// squeeze takes separators out of a dialled number.
func squeeze(number string) string {
	return strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "").Replace(number)
}
