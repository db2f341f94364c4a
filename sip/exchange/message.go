package exchange

import (
	"errors"

	"offhook/sip/transaction"
)

// Message sends a short text (RFC 3428) from one number to all phones of an extension. The error says that nobody got it on its way:
// *NotRegisteredError, ErrClosed. Not to be called from OnEvent.
func (s *Server) Message(from, name, ext, words string) error {
	why, err := ask(s, func() error {
		at := s.reachable(ext)
		if len(at) == 0 {
			return &NotRegisteredError{ext}
		}
		for _, b := range at {
			req := &transaction.Request{
				Method: "MESSAGE", URI: b.contact.URI, CallID: transaction.NewCallID(), CSeq: 1, MaxForwards: 70,
				From: transaction.Address{Display: name, URI: s.uri(from, s.addr.Addr())}.WithTag(transaction.NewTag()),
				To:   transaction.Address{URI: s.uri(ext, s.addr.Addr())}, ContentType: "text/plain;charset=UTF-8", Body: []byte(words),
			}
			req.URI.Headers = nil
			if _, err := s.ua.Layer().Send(b.flow, b.addr, req, func(*transaction.Response) {}, func(error) {}); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(why, err)
}
