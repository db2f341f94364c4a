package transaction

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Config is what a Layer is made of. The zero value works.
type Config struct {
	// Logger gets what a developer wants to know; nothing of a message's content. nil discards.
	Logger *slog.Logger
	// UserAgent becomes the User-Agent of requests and the Server of responses that have none of their own.
	UserAgent string
	// Trace sees every message that goes over a socket, in order per flow, on the goroutine that reads or writes; it must
	// not block. nil traces nothing.
	Trace func(TraceMessage)
	// TraceHide are names of header fields whose values Trace does not see, beyond the secrets that it never sees (Redact).
	TraceHide []string
	// UDPMax is the largest request in bytes that Send puts on UDP; 0 means 1300 (RFC 3261 §18.1.1), negative no limit.
	UDPMax int
	// DialTimeout limits DialTCP, DialTLS with its handshake, and the handshake of a TLS connection that came in; 0 means 5 s.
	DialTimeout time.Duration
	// WriteTimeout limits one write to a TCP connection, after which the flow is dead; 0 means 5 s.
	WriteTimeout time.Duration
	// Keepalive is how often a TCP or TLS flow that we dialled is pinged with CRLFCRLF (RFC 5626 §4.4.1): each wait is 80–100 % of
	// it; 0 means 120 s, negative never. Something must come back within 10 s, once the far end has shown that it answers pings. See Flow.KeepAlive.
	Keepalive time.Duration
	// QueueLen bounds what may wait per Call-ID; 0 means 128. When it is full, a request is answered 503 and provisional
	// responses are dropped. ACK and CANCEL have four times the room; final responses are never dropped.
	QueueLen int
	// Admit is asked of every request, those that cannot be understood included, before it costs anything; toTag says that it belongs to a dialog.
	// It runs on the goroutine that reads the flow and must not block. nil admits everything.
	Admit func(flow *Flow, source netip.AddrPort, method string, toTag bool) Admission
	// Dropped hears of each request that was dropped unanswered, because of Admit or because its source sends too many; repeats over UDP
	// are told each time. It must not block. nil: nobody.
	Dropped func(source netip.AddrPort, method, callID string, cseq uint32)
	// RequestRate is how many requests per second outside of dialogs one source (an IPv4 address, an IPv6 /64) may begin for long; within dialogs it is twenty times
	// that, and repeats, ACK and CANCEL are free. What is more is dropped on UDP and answered 503 on a connection, where nobody repeats it. 0: no limit.
	RequestRate float64
	// RequestBurst is how many of them may come at once; 0 means twice RequestRate, at least 20.
	RequestBurst int
	// MaxQueues bounds the Call-IDs that have something waiting at one moment; 0 means 4096.
	MaxQueues int
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.UDPMax == 0 {
		c.UDPMax = 1300
	}
	if c.DialTimeout <= 0 {
		c.DialTimeout = 5 * time.Second
	}
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = 5 * time.Second
	}
	if c.Keepalive == 0 {
		c.Keepalive = 120 * time.Second
	}
	if c.QueueLen <= 0 {
		c.QueueLen = 128
	}
	if c.MaxQueues <= 0 {
		c.MaxQueues = 4096
	}
	return c
}

// Handler is told what comes in. For one Call-ID all calls (the response callbacks of Send included) are made one at a
// time in the order of arrival; different Call-IDs run at the same time. A handler must not block and must not call
// Layer.Close; it may Send, Respond and Cancel. It must not keep or change what it is given except where it says so;
// Clone first.
type Handler interface {
	// HandleRequest gets a new request other than ACK and CANCEL. Every tx must be answered by Respond with a final
	// response, sooner or later. An INVITE that was not answered when HandleRequest returns gets a 100. The tag that our
	// responses will carry in To is tx.LocalTag(). tx and req may be kept; req is not to be changed.
	HandleRequest(tx *ServerTx, req *Request)
	// HandleAck gets each ACK to a 2xx, repeats included; never one to another final response.
	HandleAck(ack *Request)
	// HandleCancel: the INVITE of tx was cancelled. The 200 for the CANCEL and the 487 for the INVITE have been sent and
	// tx.Respond answers ErrCancelled from now on. Not called when the INVITE already had a final response.
	HandleCancel(tx *ServerTx, cancel *Request)
	// HandleStray gets each 2xx to an INVITE that belongs to no running client transaction: a fork's late answer, or
	// repeats after the transaction ended. Other stray responses are counted and dropped.
	HandleStray(res *Response)
	// HandleFlowDown: a flow ended by itself, not by Flow.Close. Its client transactions have been failed (their done is
	// called on their own queue). Called once per flow on a goroutine of its own.
	HandleFlowDown(flow *Flow, err error)
}

// EarlyCanceller is a Handler that wants to hear of INVITEs which were cancelled before they came: over UDP a CANCEL may overtake its
// INVITE. The 487 has been sent, tx.Respond answers ErrCancelled; it is there for the record, for nobody is to be alerted.
type EarlyCanceller interface {
	HandleEarlyCancel(tx *ServerTx, cancel *Request)
}

// Stats counts what was dropped or repeated since New.
type Stats struct {
	Requests, Responses uint64 // that passed intake
	Malformed           uint64 // messages refused or dropped at intake
	Garbage             uint64 // datagrams that are not SIP
	Stray               uint64 // responses of no transaction
	Overflow            uint64 // messages refused because a queue was full
	Merged              uint64 // requests answered 482 (RFC 3261 §8.2.2.2)
	EarlyCancels        uint64 // INVITEs that came after their CANCEL
	STUN                uint64 // STUN messages that nobody here asked for
	Dropped             uint64 // requests that Config.Admit had dropped
	Refused             uint64 // requests that Config.Admit had answered 403
	Limited             uint64 // connections and requests of a source that had too many
	ClientTx, ServerTx  int    // running now
	Queues              int    // Call-IDs with something waiting now
}

// Layer runs transactions over flows. All methods may be called from any goroutine.
type Layer struct {
	cfg    Config
	h      Handler
	log    *slog.Logger
	parser *sip.Parser
	secret string // of stateless tags

	limit, inside *limiter // of requests outside of and within dialogs; nil without a limit

	life context.Context // ends with Close
	die  context.CancelFunc

	mu        sync.Mutex
	closed    bool
	flows     map[*Flow]struct{}
	listeners map[*Listener]struct{}
	clients   map[string]*ClientTx
	servers   map[string]*ServerTx
	merged    map[string]*ServerTx // by From tag, Call-ID and CSeq
	early     earlyCancels

	qmu     sync.Mutex
	queues  map[string]*queue
	drained bool

	wg    sync.WaitGroup
	count struct {
		requests, responses, malformed, garbage, stray, overflow, merged, early, limited, stun, dropped, refused atomic.Uint64
	}
}

// New makes a layer without any flow. h gets what comes in. The logger of the SIP library, which is process-wide and would
// print whole messages, is silenced once.
func New(cfg Config, h Handler) *Layer {
	silence()
	cfg = cfg.withDefaults()
	life, die := context.WithCancel(context.Background())
	var limit, inside *limiter
	if cfg.RequestRate > 0 {
		limit = newLimiter(cfg.RequestRate, cfg.RequestBurst)
		inside = newLimiter(cfg.RequestRate*insideDialogs, int(limit.burst)*insideDialogs)
	}
	return &Layer{
		limit: limit, inside: inside, cfg: cfg, h: h, log: cfg.Logger, life: life, die: die,
		parser:    sip.NewParser(sip.WithHeadersParsers(parserFields())),
		secret:    randomHex(16),
		flows:     map[*Flow]struct{}{},
		listeners: map[*Listener]struct{}{},
		clients:   map[string]*ClientTx{},
		servers:   map[string]*ServerTx{},
		merged:    map[string]*ServerTx{},
		queues:    map[string]*queue{},
	}
}

// silence sets what is process-wide in the SIP library, once.
var silence = sync.OnceFunc(func() { sip.SetDefaultLogger(slog.New(slog.DiscardHandler)) })

// Close closes every flow and listener, fails running client transactions with ErrClosed and waits until every
// goroutine of the layer has ended. Not to be called from a Handler.
func (l *Layer) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	l.closed = true
	l.die()
	flows, listeners := keys(l.flows), keys(l.listeners)
	servers := values(l.servers)
	l.mu.Unlock()
	var errs []error
	for _, n := range listeners {
		errs = append(errs, n.Close())
	}
	for _, f := range flows {
		f.Close()
	}
	for _, tx := range servers {
		tx.fsm.Terminate()
	}
	l.mu.Lock()
	clients := values(l.clients)
	l.mu.Unlock()
	for _, tx := range clients {
		tx.abort(ErrClosed)
	}
	l.qmu.Lock()
	l.drained = true
	l.qmu.Unlock()
	l.wg.Wait()
	return errors.Join(errs...)
}

// Stats returns the counters.
func (l *Layer) Stats() Stats {
	s := Stats{
		Requests: l.count.requests.Load(), Responses: l.count.responses.Load(), Malformed: l.count.malformed.Load(),
		Garbage: l.count.garbage.Load(), Stray: l.count.stray.Load(), Overflow: l.count.overflow.Load(),
		Merged: l.count.merged.Load(), EarlyCancels: l.count.early.Load(), Limited: l.count.limited.Load(), STUN: l.count.stun.Load(),
		Dropped: l.count.dropped.Load(), Refused: l.count.refused.Load(),
	}
	l.mu.Lock()
	s.ClientTx, s.ServerTx = len(l.clients), len(l.servers)
	l.mu.Unlock()
	l.qmu.Lock()
	s.Queues = len(l.queues)
	l.qmu.Unlock()
	return s
}

// SendAck sends the ACK to a 2xx (RFC 3261 §13.2.2.4) with a branch of its own: no transaction, no repetition. To answer a repeated
// 2xx call it again with the same ack. Errors: ErrFlowDown, ErrClosed, *FieldError.
func (l *Layer) SendAck(flow *Flow, dst netip.AddrPort, ack *Request) error {
	if ack.Method != "ACK" {
		return &FieldError{"method", "SendAck sends only ACK"}
	}
	wire, err := ack.wire(flow.viaLine(dst, newBranch()), l.cfg.UserAgent)
	if err != nil {
		return err
	}
	return flow.write(wire, dst)
}

func newBranch() string { return magicCookie + randomHex(10) }

func keys[K comparable, V any](m map[K]V) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

func values[K comparable, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	return out
}
