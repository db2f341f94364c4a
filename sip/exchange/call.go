package exchange

import (
	"errors"
	"slices"
	"strings"
	"time"

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
	// Replaces makes the call take the place of the extension's newest answered one (RFC 3891), as when somebody who was asked is put
	// through to the phone.
	Replaces bool
	// LeavesMessage: a caller whom nobody answers speaks to the extension's mailbox, and its phones are told (RFC 3842).
	LeavesMessage bool
	// Headers are further headers of the INVITE, as a dialler or a switchboard adds them.
	Headers transaction.Headers
}

// ErrBadCaller: a number or name that no signalling can carry.
var ErrBadCaller = errors.New("a caller's number and name are one line of text without control characters")

// ErrBadHeader: a header that no call may add.
var ErrBadHeader = errors.New("only X- headers, Call-Info, Alert-Info, Answer-Mode, Diversion and User-to-User can be added, on one line each")

// extension reports whether a call may add a header: what the exchange writes itself it may not.
func extension(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "x-") && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" ||
		slices.Contains([]string{"call-info", "alert-info", "answer-mode", "diversion", "user-to-user"}, name)
}

// ErrNothingToReplace: the extension has no call that another could take the place of.
var ErrNothingToReplace = errors.New("the extension has no answered call")

// Place places a customer's call: all phones of the extension ring. It returns when the INVITEs are on their way, or says why
// nobody can be called: *NotRegisteredError, ErrBadCaller, ErrNothingToReplace,
// ErrClosed. Not to be called from OnEvent.
func (s *Server) Place(c Call) error {
	control := func(s string) bool { return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) }
	if control(c.From + c.Name) {
		return ErrBadCaller
	}
	for _, h := range c.Headers {
		if control(h.Name+h.Value) || !extension(h.Name) {
			return ErrBadHeader
		}
	}
	why, err := ask(s, func() error { return s.place(c) })
	return errors.Join(why, err)
}

func (s *Server) place(c Call) error {
	p := &person{s: s, ext: c.To, number: c.From, name: c.Name, pcm: c.Talk, after: c.HangUpAfter, lines: linesOf(c.Caller)}
	from := caller{number: c.From, name: c.Name, headers: c.Headers}
	if c.Replaces {
		old := s.newest(c.To, func(l *leg) bool { return l.answered })
		if old == nil {
			return ErrNothingToReplace
		}
		r := old.d.ReplacesThis()
		from.replaces = &r
	}
	h, err := s.call(c.To, from, p,
		func(l *leg) { p.answered(l) },
		func(int) {
			p.gone()
			if c.LeavesMessage {
				s.after(aMessage, func() { s.leaves(c.To) })
			}
		})
	if err != nil {
		return err
	}
	p.event(EventCalling, "")
	if c.CancelAfter > 0 {
		s.after(c.CancelAfter, h.giveUp)
	}
	return nil
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

// HangUp makes the person at the far end of an extension's newest call hang up: a caller whose call still rings gives up, one who
// can says goodbye first, and at a second HangUp goes without it. Still people go at once.
func (s *Server) HangUp(ext string) {
	s.ua.Post(func() {
		l := s.newest(ext, func(l *leg) bool { return l.who != nil })
		switch {
		case l == nil:
		case l.answered:
			l.who.goodbye()
		case l.hunt != nil:
			l.hunt.giveUp()
		default:
			l.leave()
		}
	})
}

// ToggleHold makes the person at the far end of an extension's newest answered call hold it, or come back.
func (s *Server) ToggleHold(ext string) {
	s.ua.Post(func() {
		l := s.newest(ext, func(l *leg) bool { return l.who != nil && l.answered })
		if l == nil {
			return
		}
		if l.hold = !l.hold; l.hold {
			l.d.Hold()
		} else {
			l.d.Resume()
		}
	})
}

// AnswerCall makes somebody answer what an extension newest waits for: its call that rings, or the one that it is transferring to
// a person. It reports whether one was ringing. Not to be called from OnEvent.
func (s *Server) AnswerCall(ext string) bool {
	rang, err := ask(s, func() bool {
		l := s.newest(ext, func(l *leg) bool { return l.pick != nil })
		if l == nil {
			return false
		}
		pick := l.pick
		l.pick = nil
		pick()
		return true
	})
	return rang && err == nil
}
