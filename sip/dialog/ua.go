package dialog

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"offhook/sip/transaction"
)

// Handler is told what reaches a UA. All methods are called on the UA's loop, one at a time, and must not block;
// they may call every method of UA and Session.
type Handler interface {
	// Incoming is a new INVITE that passed every check. Nothing has been sent yet: call Ring, Answer or Reject now
	// or later; a 100 goes out by itself after 200 ms.
	Incoming(s *Session)
	// Request is any other request outside of a dialog (REGISTER, MESSAGE, NOTIFY …), to be answered with
	// tx.Respond. OPTIONS comes here only when Config.Options is set. For a method it does not want it calls
	// UA.NotAllowed.
	Request(tx *transaction.ServerTx, req *transaction.Request)
	// Event is something that happened to a session.
	Event(s *Session, e Event)
	// FlowDown: a flow died. Sessions do not end by it: they get a new flow when they next send.
	FlowDown(f *transaction.Flow, err error)
}

// Config is how a UA behaves.
type Config struct {
	Transaction transaction.Config // logger, user agent, trace
	Logger      *slog.Logger       // nil: discard

	User string // user part of our Contact
	// Contact makes our Contact for a dialog over flow with remote; nil: sip:User@local address of the flow, with a
	// wildcard address replaced by the one that the system would use towards remote.
	Contact func(flow *transaction.Flow, remote netip.AddrPort) transaction.URI

	Codecs []Codec       // what we can do, in order of preference
	DTMF   uint8         // payload type that we offer for telephone-event, 0: none
	PTime  time.Duration // 0: 20 ms

	Digest *transaction.Digest // answers 401 and 407 of requests in and for dialogs; nil: they are refusals

	// Screen sees each INVITE outside of a dialog before any check. When it returns true, it has answered it itself
	// (403, or a 407 challenge) and the request is forgotten. It runs on the loop. nil: everybody is let in.
	Screen func(tx *transaction.ServerTx, req *transaction.Request) bool
	// Refer sees each REFER inside a dialog, to Accept or Reject it. nil: 603.
	Refer func(s *Session, r *Refer)
	// Options passes OPTIONS outside of dialogs to Handler.Request instead of answering 200.
	Options bool

	// ReferWait limits the wait for the first NOTIFY of a transfer. 0: 32 s.
	ReferWait time.Duration
	// Resolve finds the address of a host that is no IP literal; called on its own goroutine. nil: the system's
	// resolver, A and AAAA.
	Resolve func(ctx context.Context, host string) (netip.Addr, error)
}

// UA is a user agent: the sessions of one transaction layer.
type UA struct{}

// New starts a UA with its own transaction layer, without flows: open them through Layer.
func New(cfg Config, h Handler) *UA { return nil }

// Layer is the transaction layer, to open flows and to send requests outside of dialogs. The callbacks of
// Layer.Send run on the layer's goroutines; bring them here with Post.
func (u *UA) Layer() *transaction.Layer { return nil }

// Post runs f on the loop, after everything posted before. It returns at once and may be called from anywhere;
// after Close it does nothing.
func (u *UA) Post(f func()) {}

// Close ends every session (BYE, CANCEL, 480), waits until the far ends agreed or ctx is over, and closes the layer.
// It must not be called on the loop.
func (u *UA) Close(ctx context.Context) error { return nil }

// NotAllowed answers 405 with our Allow.
func (u *UA) NotAllowed(tx *transaction.ServerTx) {}

// Invite describes an outgoing session.
type Invite struct {
	Flow  *transaction.Flow     // where it goes out
	Dst   netip.AddrPort        // first hop; zero: found from Route, else Target (must then be an IP literal or known host)
	URI   transaction.URI       // Request-URI
	To    transaction.Address   // zero: URI
	From  transaction.Address   // ours, without tag
	Route []transaction.Address // preloaded routes (outbound proxy, Service-Route)

	Media   Local
	Headers transaction.Headers // further headers, such as P-Asserted-Identity

	CallID, Tag string // chosen when empty

	// LateOffer leaves the offer to the far end's 2xx (RFC 3261 §13.2.1).
	LateOffer bool
	// RingLimit ends the attempt with a CANCEL. 0: 3 min.
	RingLimit time.Duration
}

// Invite starts an outgoing session and returns it at once; what becomes of it comes as Events. It may be called from
// anywhere.
func (u *UA) Invite(in Invite) *Session { return nil }
