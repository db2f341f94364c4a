package exchange

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"offhook/media"
	"offhook/sip/dialog"
	"offhook/sip/exchange/prompts"
	"offhook/sip/transaction"
)

// Call is a customer's call to an extension.
type Call struct {
	From   string         // number; "" withholds it
	Name   string         // display name
	To     string         // extension
	Talk   []int16        // said after the answer, 16 kHz; nil: Caller's lines, or nothing
	Caller prompts.Caller // whose lines
	// HangUpAfter ends the call so long after the answer, CancelAfter while it rings. 0: by the person alone.
	HangUpAfter, CancelAfter time.Duration
}

// Place places a customer's call. It returns when the INVITE is on its way, or says why nobody can be called.
func (s *Server) Place(c Call) error {
	done := make(chan error, 1)
	s.ua.Post(func() { done <- s.place(c) })
	select {
	case err := <-done:
		return err
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func (s *Server) place(c Call) error {
	at := s.reachable(c.To)
	if len(at) == 0 {
		return &NotRegisteredError{c.To}
	}
	p := &person{s: s, number: c.From, name: c.Name, pcm: c.Talk, after: c.HangUpAfter}
	if c.Caller != "" {
		p.lines = linesOf(c.Caller)
	}
	l, err := s.ring(c.To, at[len(at)-1], s.identity(c), p)
	if err != nil {
		return err
	}
	p.leg = l
	p.event(EventCalling, "")
	if c.CancelAfter > 0 {
		s.after(c.CancelAfter, func() {
			if !l.answered && !l.ended {
				l.d.End("")
			}
		})
	}
	return nil
}

// identity is From and Privacy of a customer's call (RFC 3323 §4.1).
func (s *Server) identity(c Call) dialog.Invite {
	if c.From == "" {
		anonymous := transaction.Address{Display: "Anonymous", URI: transaction.URI{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}}
		return dialog.Invite{From: anonymous, Headers: transaction.Headers{{Name: "Privacy", Value: "id"}}}
	}
	return dialog.Invite{From: transaction.Address{Display: c.Name, URI: s.uri(c.From)}}
}

// ring sends an INVITE to one binding.
func (s *Server) ring(ext string, b binding, in dialog.Invite, who *person) (*leg, error) {
	l := &leg{s: s, ext: ext, who: who, pipe: &pipe{}}
	ip := b.flow.LocalFor(b.addr).Addr()
	local, err := l.openAt(ip)
	if err != nil {
		return nil, err
	}
	in.Flow, in.Dst, in.URI, in.Media = b.flow, b.addr, b.contact.URI, local
	in.To = transaction.Address{URI: s.uri(ext)}
	l.d = s.ua.Invite(in, l)
	s.legs = append(s.legs, l)
	return l, nil
}

func (l *leg) openAt(ip netip.Addr) (dialog.Local, error) {
	m, err := media.Listen(media.Config{
		LocalIP: ip, Logger: l.s.log,
		OnDTMF: func(r rune) {
			l.s.ua.Post(func() {
				if l.who != nil && !l.ended {
					l.who.digit(r)
				}
			})
		},
	})
	if err != nil {
		return dialog.Local{}, fmt.Errorf("no port for the sound of a call: %w", err)
	}
	l.media = m
	return l.local(), nil
}

// newest is the call of an extension that began last; ext "" means any.
func (s *Server) newest(ext string, which func(*leg) bool) *leg {
	for _, l := range slices.Backward(s.legs) {
		if !l.ended && (ext == "" || l.ext == ext) && which(l) {
			return l
		}
	}
	return nil
}

// HangUp makes the far end of an extension's newest call hang up.
func (s *Server) HangUp(ext string) {
	s.ua.Post(func() {
		if l := s.newest(ext, func(l *leg) bool { return l.who != nil }); l != nil {
			l.d.End("")
		}
	})
}

// ToggleHold makes the far end of an extension's newest answered call hold it, or come back.
func (s *Server) ToggleHold(ext string) {
	s.ua.Post(func() {
		l := s.newest(ext, func(l *leg) bool { return l.who != nil && l.answered })
		if l == nil {
			return
		}
		if l.holding {
			l.d.Resume()
		} else {
			l.d.Hold()
		}
		l.holding = !l.holding
	})
}

// AnswerCall makes somebody answer the newest call that an extension is making and that rings. It reports whether one was
// ringing.
func (s *Server) AnswerCall(ext string) bool {
	rang := make(chan bool, 1)
	s.ua.Post(func() {
		l := s.newest(ext, func(l *leg) bool { return l.pick != nil && (!l.answered || l.refer != nil) })
		if l != nil {
			l.pick()
		}
		rang <- l != nil
	})
	select {
	case ok := <-rang:
		return ok
	case <-s.ctx.Done():
		return false
	}
}
