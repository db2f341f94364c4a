package exchange

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
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

// handler is the exchange as dialog sees it.
type handler struct{ s *Server }

func (h handler) Incoming(session *dialog.Session)              { h.s.incoming(session) }
func (h handler) Event(session *dialog.Session, e dialog.Event) { h.s.event(session, e) }
func (h handler) FlowDown(f *transaction.Flow, _ error)         { h.s.flowDown(f) }

func (h handler) Request(tx *transaction.ServerTx, req *transaction.Request) {
	if req.Method == "REGISTER" {
		h.s.register(tx, req)
		return
	}
	h.s.ua.NotAllowed(tx)
}

// known checks the digest of a request; when it cannot be believed it has been answered with a challenge of this status.
func (s *Server) known(tx *transaction.ServerTx, req *transaction.Request, status int) (user string, ok bool) {
	user, err := s.auth.Verify(req, func(name string) (string, bool) { u, ok := s.users[name]; return u.Password, ok })
	if err == nil {
		return user, true
	}
	if errors.Is(err, transaction.ErrWrongPassword) {
		s.log.Info("wrong password", "method", req.Method)
	}
	res := transaction.NewResponse(req, status, "")
	s.auth.Challenge(res, err)
	_ = tx.Respond(res)
	return "", false
}

// screen lets only our own extensions call, each under its own name.
func (s *Server) screen(tx *transaction.ServerTx, req *transaction.Request) bool {
	user, ok := s.known(tx, req, 407)
	if !ok {
		return true
	}
	if user != req.From.URI.User {
		_ = tx.Respond(transaction.NewResponse(req, 403, ""))
		return true
	}
	return false
}

// register is the registrar (RFC 3261 §10.3).
func (s *Server) register(tx *transaction.ServerTx, req *transaction.Request) {
	user, ok := s.known(tx, req, 401)
	if !ok {
		return
	}
	ext := req.To.URI.User
	if user != ext {
		_ = tx.Respond(transaction.NewResponse(req, 403, ""))
		return
	}
	before := len(s.reachable(ext))
	if status := s.bind(ext, req); status != 200 {
		res := transaction.NewResponse(req, status, "")
		if status == 423 {
			res.Headers.Add("Min-Expires", strconv.Itoa(int(minExpires.Seconds())))
		}
		_ = tx.Respond(res)
		return
	}
	res := transaction.NewResponse(req, 200, "")
	now := time.Now()
	for _, b := range s.reachable(ext) {
		c := b.contact
		c.Params = c.Params.Without("expires").With("expires", strconv.Itoa(int(b.expires.Sub(now).Round(time.Second).Seconds())))
		res.Contact = append(res.Contact, c)
	}
	res.Headers.Add("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	_ = tx.Respond(res)
	switch after := len(s.reachable(ext)); {
	case before == 0 && after > 0:
		s.tell(Event{Kind: EventRegistered, Extension: ext})
	case before > 0 && after == 0:
		s.tell(Event{Kind: EventUnregistered, Extension: ext})
	}
}

// bind applies the Contacts of a REGISTER and returns the status it deserves.
func (s *Server) bind(ext string, req *transaction.Request) int {
	list := slices.Clone(s.reachable(ext))
	for _, contact := range req.Contact {
		if contact.URI.Host == "*" || contact.URI.Opaque == "*" {
			if req.Headers.Get("Expires") != "0" {
				return 400
			}
			list = nil
			continue
		}
		life, ok := lifetime(contact, req)
		if !ok {
			return 400
		}
		i := slices.IndexFunc(list, func(b binding) bool { return b.contact.URI.Equal(contact.URI) })
		if i >= 0 && list[i].callID == req.CallID && req.CSeq <= list[i].cseq {
			return 500 // out of order (§10.3 step 7)
		}
		if i >= 0 {
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
	if len(list) > 8 {
		return 403
	}
	s.bindings[ext] = list
	return 200
}

// lifetime is what a Contact asks for: its own expires, else the Expires header.
func lifetime(c transaction.Address, req *transaction.Request) (time.Duration, bool) {
	v, ok := c.Params.Get("expires")
	if !ok {
		v = req.Headers.Get("Expires")
	}
	if v == "" {
		return defaultExpires, true
	}
	n, err := strconv.ParseUint(v, 10, 32)
	return time.Duration(n) * time.Second, err == nil
}

// reachable are the bindings of an extension that have not run out; the newest last.
func (s *Server) reachable(ext string) []binding {
	list := slices.DeleteFunc(s.bindings[ext], func(b binding) bool { return !b.expires.After(time.Now()) || !b.flow.Alive() })
	s.bindings[ext] = list
	return list
}

func (s *Server) flowDown(f *transaction.Flow) {
	for ext := range s.bindings {
		s.bindings[ext] = slices.DeleteFunc(s.bindings[ext], func(b binding) bool { return b.flow == f })
	}
}

// Registered reports whether an extension can be reached now.
func (s *Server) Registered(ext string) bool {
	answer := make(chan bool, 1)
	s.ua.Post(func() { answer <- len(s.reachable(ext)) > 0 })
	select {
	case ok := <-answer:
		return ok
	case <-s.ctx.Done():
		return false
	}
}

// NotRegisteredError: nobody can be called at this extension.
type NotRegisteredError struct{ Extension string }

func (e *NotRegisteredError) Error() string {
	return fmt.Sprintf("extension %s is not registered: nobody can be called there", e.Extension)
}
