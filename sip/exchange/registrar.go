package exchange

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// binding is one place where an extension can be reached (RFC 3261 §10.3).
type binding struct {
	contact transaction.Address
	flow    *transaction.Flow
	addr    netip.AddrPort // where the REGISTER really came from
	callID  string
	cseq    uint32
	expires time.Time
}

// Registration lifetimes.
const (
	minExpires     = time.Minute
	maxExpires     = time.Hour
	defaultExpires = 5 * time.Minute
)

// maxBindings of one extension.
const maxBindings = 8

// handler is the exchange as dialog sees it.
type handler struct{ s *Server }

func (h handler) Incoming(session *dialog.Session)              { h.s.incoming(session) }
func (h handler) Event(session *dialog.Session, e dialog.Event) { h.s.event(session, e) }
func (h handler) FlowDown(f *transaction.Flow, _ error)         { h.s.flowDown(f) }

func (h handler) Request(tx *transaction.ServerTx, req *transaction.Request) {
	switch req.Method {
	case "REGISTER":
		h.s.register(tx, req)
	case "SUBSCRIBE":
		h.s.subscribe(tx, req)
	default:
		h.s.ua.NotAllowed(tx)
	}
}

func (s *Server) respond(tx *transaction.ServerTx, status int, headers ...transaction.Header) {
	res := transaction.NewResponse(tx.Request(), status, "")
	res.Headers = append(res.Headers, headers...)
	s.send(tx, res)
}

func (s *Server) send(tx *transaction.ServerTx, res *transaction.Response) {
	if err := tx.Respond(res); err != nil {
		s.log.Debug("answering a request", "status", res.Status, "err", err)
	}
}

// known checks the digest of a request; when it cannot be believed it has been answered with a challenge of this status. claimed
// is who it says it is: users may have algorithms of their own.
func (s *Server) known(tx *transaction.ServerTx, req *transaction.Request, claimed string, status int) (user string, ok bool) {
	auth := s.auth[claimed]
	if auth == nil {
		auth = s.auth[""]
	}
	user, err := auth.Verify(req, func(name string) (string, bool) { u, ok := s.users[name]; return u.Password, ok })
	if err == nil {
		return user, true
	}
	if errors.Is(err, transaction.ErrWrongPassword) {
		s.log.Info("wrong password", "method", req.Method)
	}
	res := transaction.NewResponse(req, status, "")
	auth.Challenge(res, err)
	s.send(tx, res)
	return "", false
}

// screen lets only our own extensions call, each under its own name.
func (s *Server) screen(tx *transaction.ServerTx, req *transaction.Request) bool {
	if req.Method == "OPTIONS" { // what we can do is no secret
		return false
	}
	claimed := req.From.URI.User
	user, ok := s.known(tx, req, claimed, 407)
	if ok && user != claimed {
		s.respond(tx, 403)
	}
	return !ok || user != claimed
}

// register is the registrar (RFC 3261 §10.3).
func (s *Server) register(tx *transaction.ServerTx, req *transaction.Request) {
	if unknown := req.Headers.Values("Require"); len(unknown) > 0 { // step 2: we have no extensions
		s.respond(tx, 420, transaction.Header{Name: "Unsupported", Value: strings.Join(unknown, ", ")})
		return
	}
	ext := req.To.URI.User
	user, ok := s.known(tx, req, ext, 401)
	if !ok {
		return
	}
	if user != ext {
		s.respond(tx, 403)
		return
	}
	switch status := s.bind(ext, req); status {
	case 200:
	case 423:
		s.respond(tx, status, transaction.Header{Name: "Min-Expires", Value: strconv.Itoa(int(minExpires.Seconds()))})
		return
	default:
		s.respond(tx, status)
		return
	}
	res := transaction.NewResponse(req, 200, "")
	now := time.Now()
	for _, b := range s.reachable(ext) {
		c := b.contact
		c.Params = c.Params.Without("expires").With("expires", strconv.Itoa(int(b.expires.Sub(now).Round(time.Second).Seconds())))
		res.Contact = append(res.Contact, c)
	}
	if m, ok := s.mail[ext]; ok && m != (mailbox{}) {
		defer s.mailChanged(ext)
	}
	res.Headers.Add("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	s.send(tx, res)
	s.presence(ext)
}

// bind applies the Contacts of a REGISTER, all or none, and returns the status it deserves.
func (s *Server) bind(ext string, req *transaction.Request) int {
	list := slices.Clone(s.reachable(ext))
	late := func(b binding) bool { return b.callID == req.CallID && req.CSeq <= b.cseq } // out of order (step 7)
	for _, contact := range req.Contact {
		switch contact.URI.Scheme {
		case "*": // step 6: alone, and only to take everything off
			if len(req.Contact) != 1 || req.Headers.Get("Expires") != "0" {
				return 400
			}
			if slices.ContainsFunc(list, late) {
				return 500
			}
			list = nil
			continue
		case "sip":
		default:
			return 400 // sips, tel and the like cannot be called from here
		}
		if contact.URI.Host == "" {
			return 400
		}
		life := lifetime(contact, req)
		if i := slices.IndexFunc(list, func(b binding) bool { return b.contact.URI.Equal(contact.URI) }); i >= 0 {
			if late(list[i]) {
				return 500
			}
			list = slices.Delete(list, i, i+1)
		}
		if life == 0 {
			continue
		}
		if life < minExpires {
			return 423
		}
		list = append(list, binding{
			contact: contact, flow: req.Flow, addr: req.Source, callID: req.CallID, cseq: req.CSeq,
			expires: time.Now().Add(min(life, maxExpires)),
		})
	}
	if len(list) > maxBindings {
		return 403
	}
	s.bindings[ext] = list
	return 200
}

// lifetime is what a Contact asks for: its own expires, else the Expires header. What cannot be read counts as an hour
// (RFC 3261 §20.19).
func lifetime(c transaction.Address, req *transaction.Request) time.Duration {
	v, ok := c.Params.Get("expires")
	if !ok {
		v = req.Headers.Get("Expires")
	}
	if v == "" {
		return defaultExpires
	}
	n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 32)
	if err != nil {
		return time.Hour
	}
	return time.Duration(n) * time.Second
}

// reachable are the bindings of an extension that have not run out and whose connection is up; the newest last.
func (s *Server) reachable(ext string) []binding {
	list, now := s.bindings[ext], time.Now()
	list = slices.DeleteFunc(list, func(b binding) bool { return !b.expires.After(now) || !b.flow.Alive() })
	if len(list) == 0 {
		delete(s.bindings, ext)
		return nil
	}
	s.bindings[ext] = list
	return list
}

// presence tells when the first phone of an extension came or the last one went, and looks again when the next one runs out.
func (s *Server) presence(ext string) {
	list := s.reachable(ext)
	s.expiry[ext].stop()
	delete(s.expiry, ext)
	if len(list) > 0 {
		next := slices.MinFunc(list, func(a, b binding) int { return a.expires.Compare(b.expires) })
		s.expiry[ext] = s.after(time.Until(next.expires)+time.Millisecond, func() { s.presence(ext) })
	}
	switch now := len(list) > 0; {
	case now && !s.present[ext]:
		s.present[ext] = true
		s.tell(Event{Kind: EventRegistered, Extension: ext})
	case !now && s.present[ext]:
		delete(s.present, ext)
		s.tell(Event{Kind: EventUnregistered, Extension: ext})
	}
}

// flowDown: a phone's connection is gone. Its calls are asked whether they are still there, over a new connection.
func (s *Server) flowDown(f *transaction.Flow) {
	for ext := range s.present {
		s.presence(ext)
	}
	for _, l := range slices.Clone(s.legs) {
		if l.answered && l.flow == f {
			l.d.Send("OPTIONS", nil, "", nil, func(_ *transaction.Response, err error) {
				if err != nil && !l.ended {
					l.d.End("")
				}
			})
		}
	}
}

// vanished takes the binding of a phone that did not answer an INVITE at all off the list, as exchanges do with a phone that
// was switched off: the next call need not wait for it.
func (s *Server) vanished(l *leg) {
	s.bindings[l.ext] = slices.DeleteFunc(s.bindings[l.ext], func(b binding) bool {
		return b.flow == l.flow && b.contact.URI.Equal(l.d.Request().URI)
	})
	s.presence(l.ext)
}

// Registered reports whether an extension can be reached now.
func (s *Server) Registered(ext string) bool {
	ok, err := ask(s, func() bool { return len(s.reachable(ext)) > 0 })
	return ok && err == nil
}

// NotRegisteredError: nobody can be called at this extension.
type NotRegisteredError struct{ Extension string }

func (e *NotRegisteredError) Error() string {
	return fmt.Sprintf("extension %s is not registered: nobody can be called there", e.Extension)
}
