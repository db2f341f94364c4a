package dialog

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"offhook/sip/offer"
	"offhook/sip/transaction"
)

// Handler is told what reaches a UA. All methods are called on the UA's loop, one at a time, and must not block;
// they may call every method of UA and Session.
type Handler interface {
	// Incoming is a new INVITE that passed every check. Nothing has been sent yet: call Ring, Answer or Reject now
	// or later; a 100 goes out by itself after 200 ms. A call that was cancelled before it came gets its Ended
	// right after this, behind what was posted meanwhile.
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

	// Media is our side of the media of a call over flow, without its ports: whether an offer can be met at all is seen before it
	// rings. nil: sound in the clear.
	Media func(flow *transaction.Flow) Local

	// ICE makes credentials of ours for a far end that begins its checks anew (RFC 8445 §9): MediaChanged tells which are agreed. nil: the
	// answer has those of the call.
	ICE func() *offer.ICE

	Codecs []Codec       // what we can do, in order of preference
	DTMF   uint8         // payload type that we offer for telephone-event, 0: none
	PTime  time.Duration // 0: 20 ms

	Digest *transaction.Digest // answers 401 and 407 of requests in and for dialogs; nil: they are refusals

	// Screen sees each INVITE outside of a dialog before any check, and each OPTIONS, which is to be answered alike (RFC 3261 §11.2). When it returns true, it has answered it itself
	// (403, or a 407 challenge) and the request is forgotten. It runs on the loop. nil: everybody is let in.
	Screen func(tx *transaction.ServerTx, req *transaction.Request) bool
	// Refer sees each REFER that passed every check, to Accept or Reject it. s is the call that it came in, or that its
	// Target-Dialog names (RFC 4538); nil: neither, so whoever sent it is to be judged by r.Request alone. It runs on the
	// loop. nil: 603 to all.
	Refer func(s *Session, r *Refer)
	// Reliable is our stand on reliable provisional responses (RFC 3262).
	Reliable Reliable
	// SessionTimer is the session interval that we ask for (RFC 4028); 0: none, but what the far end asks for is kept to.
	SessionTimer time.Duration
	// MinSE is the shortest interval that we agree to; below 90 s, the least that RFC 4028 §5 allows, it is 90 s.
	MinSE time.Duration
	// Prompt sees each offer of an UPDATE; when a person would have to decide about it, it returns true, and the UPDATE is refused
	// with 504 (RFC 3311 §5.2). It runs on the loop. nil: no offer needs that.
	Prompt func(s *Session, sdp []byte) bool
	// NoReferSub asks far ends to take a transfer without telling how it goes (Refer-Sub: false, RFC 4488): its BYE tells.
	NoReferSub bool
	// Replaces sees each INVITE that would take the place of one of our calls; false refuses it with 403. nil: whoever Screen
	// lets in and who knows the secret tags of the call may replace it.
	Replaces func(old *Session, req *transaction.Request) bool
	// Unserved: no registrar and no proxy looks up who calls us, so the address in a From leads nowhere by itself.
	Unserved bool
	// Asked decides whether the sender of a NOTIFY with Event talk or hold may answer and hold this call in the person's place.
	// nil: nobody, and the events are not offered.
	Asked func(s *Session, req *transaction.Request) bool
	// Also names one further method that Handler.Request takes, in a dialog or not, as "MESSAGE". "": none.
	Also string
	// Options passes OPTIONS outside of dialogs to Handler.Request instead of answering 200.
	Options bool

	// ReferWait limits the wait for the first NOTIFY of a transfer. 0: 32 s.
	ReferWait time.Duration
	// Connect finds the way to a next hop: a new or a known flow, and the address to send to. Port is 0 when the URI names none,
	// transport "UDP", "TCP" or "TLS" (sips); for "UDP" a nil flow means that of the dialog. It is called on a goroutine of its
	// own, never for a UDP address that is known already. nil: Resolve and a plain TCP connection; TLS is an error.
	Connect func(ctx context.Context, host string, port int, transport string) (*transaction.Flow, netip.AddrPort, error)
	// Resolve finds the address of a host that is no IP literal, where Connect is nil; called on its own goroutine. nil: the system's
	// resolver, A and AAAA.
	Resolve func(ctx context.Context, host string) (netip.Addr, error)
}

// UA is a user agent: the sessions of one transaction layer.
type UA struct {
	cfg   Config
	h     Handler
	log   *slog.Logger
	layer *transaction.Layer
	loop  *loop

	ctx    context.Context // of look-ups and connections
	cancel context.CancelFunc
	jobs   sync.WaitGroup
	closed atomic.Bool

	// Owned by the loop.
	sessions map[key]*Session
	streams  map[netip.AddrPort]*transaction.Flow // connections for what is too large for UDP
	usages   map[key]usage                        // dialogs without a session: subscriptions, and REFERs outside of calls
	watching []*Subscription                      // ours
	refers   []*Refer                             // that came in and are still told how they go
	pending  int                                  // requests of ours, and 2xx of ours, that wait for the far end
	idle     chan struct{}
	closing  bool
	over     bool
}

// key finds the session of a message: the far end's tag is compared afterwards, because an INVITE of ours has one
// session and, while it forks, many far ends.
type key struct{ callID, localTag string }

// New starts a UA with its own transaction layer, without flows: open them through Layer.
func New(cfg Config, h Handler) *UA {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.PTime == 0 {
		cfg.PTime = 20 * time.Millisecond
	}
	if cfg.ReferWait == 0 {
		cfg.ReferWait = 64 * transaction.T1
	}
	cfg.MinSE = max(cfg.MinSE, leastSE)
	u := &UA{cfg: cfg, h: h, log: cfg.Logger, loop: newLoop(), sessions: map[key]*Session{}, usages: map[key]usage{}, streams: map[netip.AddrPort]*transaction.Flow{}}
	u.ctx, u.cancel = context.WithCancel(context.Background())
	u.layer = transaction.New(cfg.Transaction, intake{u})
	return u
}

// Layer is the transaction layer, to open flows and to send requests outside of dialogs. The callbacks of
// Layer.Send run on the layer's goroutines; bring them here with Post.
func (u *UA) Layer() *transaction.Layer { return u.layer }

// Post runs f on the loop, after everything posted before. It returns at once and may be called from anywhere;
// after Close it does nothing.
func (u *UA) Post(f func()) { u.loop.post(f) }

// Close ends every session (BYE, CANCEL, 480), waits until the far ends agreed or ctx is over, and closes the layer.
// It must not be called on the loop. Further calls do nothing.
func (u *UA) Close(ctx context.Context) error {
	if u.closed.Swap(true) {
		return nil
	}
	idle := make(chan struct{})
	u.loop.post(func() {
		u.closing = true
		for _, s := range u.sessions {
			s.end(480, "Temporarily Unavailable", "")
		}
		for _, s := range slices.Clone(u.watching) {
			s.stop(0, "")
		}
		u.idle = idle
		u.busy(0)
	})
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		err = ctx.Err()
	}
	u.cancel()
	last := make(chan struct{})
	u.loop.post(func() {
		u.over = true // no look-up and no connection begins from here on
		close(last)
	})
	<-last
	u.jobs.Wait()
	err = errors.Join(err, u.layer.Close())
	u.loop.close()
	return err
}

// busy counts what still runs; Close waits for zero.
func (u *UA) busy(n int) {
	u.pending += n
	if u.pending == 0 && u.idle != nil {
		close(u.idle)
		u.idle = nil
	}
}
