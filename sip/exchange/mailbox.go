package exchange

import (
	"fmt"
	"slices"
	"time"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

// mailbox is what callers have left for an extension. Owned by the loop, and kept nowhere else.
type mailbox struct{ fresh, old int }

// summary is the mailbox as RFC 3842 §5.2 writes it.
func (s *Server) summary(ext string) []byte {
	m, waiting := s.mail[ext], "no"
	if m.fresh > 0 {
		waiting = "yes"
	}
	return fmt.Appendf(nil, "Messages-Waiting: %s\r\nMessage-Account: %s\r\nVoice-Message: %d/%d (0/0)\r\n",
		waiting, s.uri(Voicemail, s.addr.Addr()), m.fresh, m.old)
}

const summaryType = "application/simple-message-summary"

// leaves puts a message into a mailbox.
func (s *Server) leaves(ext string) {
	m := s.mail[ext]
	m.fresh++
	s.mail[ext] = m
	s.mailChanged(ext)
}

// listens makes what is in a mailbox old: its owner has called.
func (s *Server) listens(ext string) {
	m := s.mail[ext]
	if m.fresh == 0 {
		return
	}
	s.mail[ext] = mailbox{old: m.old + m.fresh}
	s.mailChanged(ext)
}

// mailChanged tells who has subscribed, and the phones that have not, unasked.
func (s *Server) mailChanged(ext string) {
	s.changed(watched{"message-summary", ext})
	if len(s.watchers[watched{"message-summary", ext}]) > 0 {
		return
	}
	for _, b := range s.reachable(ext) {
		s.lamplight(ext, b)
	}
}

// lamplight sends the state of a mailbox outside of every subscription, as most exchanges do after a REGISTER.
func (s *Server) lamplight(ext string, b binding) {
	req := &transaction.Request{
		Method: "NOTIFY", URI: b.contact.URI, CallID: transaction.NewCallID(), CSeq: 1, MaxForwards: 70,
		From: transaction.Address{URI: s.uri(Voicemail, s.addr.Addr())}.WithTag(transaction.NewTag()), To: transaction.Address{URI: s.uri(ext, s.addr.Addr())},
		Contact: []transaction.Address{b.flow.Contact("exchange", b.addr)}, ContentType: summaryType, Body: s.summary(ext),
	}
	req.URI.Headers = nil
	req.Headers.Add("Event", "message-summary")
	req.Headers.Add("Subscription-State", "active")
	if _, err := s.ua.Layer().Send(b.flow, b.addr, req, func(*transaction.Response) {}, func(error) {}); err != nil {
		s.log.Debug("telling a mailbox", "err", err)
	}
}

// watched is something that phones may subscribe to.
type watched struct{ event, ext string }

// subscribe answers a SUBSCRIBE of one of our extensions: to the calls of any of them, or to its own mailbox.
func (s *Server) subscribe(tx *transaction.ServerTx, req *transaction.Request) {
	claimed := req.From.URI.User
	user, ok := s.known(tx, req, claimed, 407)
	if !ok {
		return
	}
	w := watched{event: "", ext: req.URI.User}
	var state func(uint32) (string, []byte)
	switch {
	case req.Headers.HasToken("Event", "dialog"):
		w.event = "dialog"
		state = func(v uint32) (string, []byte) { return dialogInfoType, s.dialogInfo(w.ext, v) }
	case req.Headers.HasToken("Event", "message-summary"):
		w.event = "message-summary"
		if w.ext == "" || w.ext == Voicemail {
			w.ext = claimed
		}
		state = func(uint32) (string, []byte) { return summaryType, s.summary(w.ext) }
	default:
		s.respond(tx, 489, transaction.Header{Name: "Allow-Events", Value: "dialog, message-summary"})
		return
	}
	_, ours := s.users[w.ext]
	switch known := ours || w.event == "dialog" && isPerson(w.ext); {
	case user != claimed, ours && w.event == "message-summary" && w.ext != claimed:
		s.respond(tx, 403)
		return
	case !known:
		s.respond(tx, 404)
		return
	}
	var watcher *dialog.Watcher
	watcher = s.ua.Admit(tx, req, dialog.Watched{State: state, Longest: maxExpires, Gone: func() {
		s.watchers[w] = slices.DeleteFunc(s.watchers[w], func(o *dialog.Watcher) bool { return o == watcher })
	}})
	if watcher != nil {
		s.watchers[w] = append(s.watchers[w], watcher)
	}
}

// changed tells everybody who watches.
func (s *Server) changed(w watched) {
	for _, o := range s.watchers[w] {
		o.Changed()
	}
}

// aMessage is how long a caller speaks who leaves one.
const aMessage = 2 * time.Second
