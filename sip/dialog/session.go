package dialog

import (
	"net/netip"

	"offhook/sip/transaction"
)

// Session is one INVITE session. Its methods return at once, may be called from anywhere, and are carried out on
// the loop in the order of the calls; what cannot be done in the state that the session then has is ignored or comes
// back as Refused.
type Session struct {
	// Data belongs to the Handler.
	Data any
}

// Outgoing tells who called.
func (s *Session) Outgoing() bool { return false }

// CallID, LocalTag: fixed for the life of the session.
func (s *Session) CallID() string   { return "" }
func (s *Session) LocalTag() string { return "" }

// Request is the INVITE that began it.
func (s *Session) Request() *transaction.Request { return nil }

// Peer is the address that the first INVITE came from or went to.
func (s *Session) Peer() netip.AddrPort { return netip.AddrPort{} }

// LocalIP is the address of this machine that Peer sees: the one to bind media to.
func (s *Session) LocalIP() netip.Addr { return netip.Addr{} }

// Offered reports whether the INVITE carried an offer (else ours goes into the 2xx).
func (s *Session) Offered() bool { return false }

// Ring sends 180. When it is called on the loop, the response is on the wire when it returns.
func (s *Session) Ring() {}

// Progress sends another provisional response; with media it is early media (the answer in a 183).
func (s *Session) Progress(code int, reason string, media *Local) {}

// Answer sends 200 with our answer, or our offer when theirs is to come in the ACK.
func (s *Session) Answer(media Local, headers ...transaction.Header) {}

// Reject refuses an incoming session with a final response from 300 to 699. It becomes a BYE when it was answered.
func (s *Session) Reject(code int, reason string, headers ...transaction.Header) {}

// End ends the session by whatever ends it now: CANCEL, BYE, 486. reason may be "" or a Reason header value
// (RFC 3326). The Ended event comes at once; the rest goes on behind it.
func (s *Session) End(reason string) {}

// Hold and Resume send a re-INVITE as soon as the session is confirmed and no other offer is under way.
func (s *Session) Hold()   {}
func (s *Session) Resume() {}

// Transfer puts the far end on hold, and once that is confirmed asks it to call target (RFC 3515 REFER).
func (s *Session) Transfer(target transaction.Address, referredBy transaction.Address) {}

// Update sends an UPDATE or re-INVITE-free request in the dialog: any method but INVITE, ACK, BYE, CANCEL. done, if
// not nil, gets the final response on the loop, or the error.
func (s *Session) Send(method string, headers transaction.Headers, contentType string, body []byte, done func(*transaction.Response, error)) {
}

// Reinvite sends a re-INVITE without a change, or without SDP (late). For session refresh and tests.
func (s *Session) Reinvite(late bool) {}

// Refer is a REFER that came in. All methods may be called from anywhere.
type Refer struct {
	Session    *Session
	Target     transaction.Address // Refer-To
	ReferredBy string              // raw
	Request    *transaction.Request
}

// Accept answers 202 and sends NOTIFY 100 (RFC 3515 §2.4.2).
func (r *Refer) Accept() {}

// Reject answers a final response ≥ 300.
func (r *Refer) Reject(code int, reason string) {}

// Notify tells the transferor how it goes: sipfrag of the status line; a final status ends the subscription.
func (r *Refer) Notify(code int, reason string) {}
