package dialog

import "offhook/sip/transaction"

// Announce tells the far end something about the call by headers alone, such as who it talks to now (P-Asserted-Identity): an UPDATE
// without SDP, which winds the session timer as any other (RFC 4028 §7.4). It is ignored by a session that is not confirmed, and where
// the far end does not take UPDATE.
func (s *Session) Announce(headers transaction.Headers) {
	s.do(func() {
		if s.state != confirmed || !s.id.updates {
			return
		}
		req := s.id.request("UPDATE")
		s.ua.describe(req)
		s.askTimer(req)
		req.Headers = append(req.Headers, headers...)
		s.send(req, func(res *transaction.Response, err error) {
			if err == nil && res.Success() && s.state == confirmed {
				s.id.refresh(res.Contact)
				s.agreedTimer(res)
			}
		})
	})
}
