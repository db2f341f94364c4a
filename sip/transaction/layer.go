package transaction

import (
	"context"
	"log/slog"
	"net/netip"
	"time"
)

// Config is what a Layer is made of. The zero value works.
type Config struct {
	// Logger gets what a developer wants to know; nothing of a message's content. nil discards.
	Logger *slog.Logger
	// UserAgent becomes the User-Agent of requests and the Server of responses that have none of their own.
	UserAgent string
	// Trace sees every chunk that goes over a socket, in order per flow, on the goroutine that reads or writes; it must
	// not block. nil traces nothing.
	Trace func(TraceMessage)
	// UDPMax is the largest request in bytes that Send puts on UDP; 0 means 1300 (RFC 3261 §18.1.1), negative no limit.
	UDPMax int
	// DialTimeout limits DialTCP; 0 means 5 s.
	DialTimeout time.Duration
	// WriteTimeout limits one write to a TCP connection, after which the flow is dead; 0 means 5 s.
	WriteTimeout time.Duration
	// Keepalive is how often a TCP flow is pinged with CRLFCRLF (RFC 5626 §4.4.1): each wait is 80–100 % of it; 0 means 120 s,
	// negative never. A pong must come within 10 s, once the far end has shown that it answers pings.
	Keepalive time.Duration
	// QueueLen bounds what may wait per Call-ID; 0 means 128. When it is full, a request is answered 503 and provisional
	// responses are dropped; final responses, ACK and CANCEL never are.
	QueueLen int
	// MaxQueues bounds the Call-IDs that have something waiting at one moment; 0 means 4096.
	MaxQueues int
}

// Handler is told what comes in. For one Call-ID all calls (the response callbacks of Send included) are made one at a
// time in the order of arrival; different Call-IDs run at the same time. A handler must not block and must not call
// Layer.Close; it may Send, Respond and Cancel. It must not keep or change what it is given except where it says so;
// Clone first.
type Handler interface {
	// HandleRequest gets a new request other than ACK and CANCEL. Every tx must be answered by Respond with a final
	// response, sooner or later. An INVITE that was not answered when HandleRequest returns gets a 100. The tag that our
	// responses will carry in To is tx.LocalTag().
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

// TraceMessage is something that went over a socket. On TCP it may be a part of a message or several of them. The response of
// digest credentials and SDES keys are blanked out.
type TraceMessage struct {
	At            time.Time
	Out           bool
	Transport     string // "UDP", "TCP"
	Local, Remote netip.AddrPort
	Data          []byte // may be kept
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
	ClientTx, ServerTx  int    // running now
	Queues              int    // Call-IDs with something waiting now
}

// Layer runs transactions over flows. All methods may be called from any goroutine.
type Layer struct {
	cfg Config
}

// New makes a layer without any flow. Process-wide settings of the SIP library (message size over UDP, logger) are
// set once here.
func New(cfg Config, h Handler) *Layer { panic("unfinished") }

// Close closes every flow and listener, fails running client transactions with ErrClosed and waits until every
// goroutine of the layer has ended. Not to be called from a Handler.
func (l *Layer) Close() error { panic("unfinished") }

// Stats returns the counters.
func (l *Layer) Stats() Stats { panic("unfinished") }

// ListenUDP binds a UDP socket: one flow for all remotes. Port 0 lets the system choose. Errors: ErrPortTaken, ErrClosed.
func (l *Layer) ListenUDP(addr netip.AddrPort) (*Flow, error) { panic("unfinished") }

// ListenTCP accepts connections; each becomes a flow. Port 0 lets the system choose. Errors: ErrPortTaken, ErrClosed.
func (l *Layer) ListenTCP(addr netip.AddrPort) (*Listener, error) { panic("unfinished") }

// DialTCP connects to remote within Config.DialTimeout and ctx. Each call makes a new connection and flow, which carries
// requests in both directions.
func (l *Layer) DialTCP(ctx context.Context, remote netip.AddrPort) (*Flow, error) {
	panic("unfinished")
}

// Send starts a client transaction: it sends req over flow, to dst on UDP (ignored on TCP), and repeats it as RFC 3261
// §17.1 says. Via, Max-Forwards (when 0), Content-Length and User-Agent are the layer's; an ACK is an error (see SendAck),
// as is a CANCEL (see ClientTx.Cancel). req must not be changed afterwards.
//
// onResponse gets every response in order: 1xx, the final one, and for an INVITE every further 2xx, repeats and forks
// alike (the caller ACKs each; other finals are ACKed by the layer). done is called once, after the last onResponse: with nil
// after a final response (for a 2xx to an INVITE 64·T1 after it, because forks may follow), else with ErrTimeout,
// ErrFlowDown, ErrTerminated or ErrClosed. Both run on the queue of the Call-ID and may be nil. When Send itself returns
// an error (ErrTooLarge, ErrFlowDown, ErrClosed, *FieldError) neither is ever called.
func (l *Layer) Send(flow *Flow, dst netip.AddrPort, req *Request, onResponse func(*Response), done func(error)) (*ClientTx, error) {
	panic("unfinished")
}

// SendAck sends the ACK to a 2xx (RFC 3261 §13.2.2.4) with a branch of its own: no transaction, no repetition. To answer a repeated
// 2xx call it again with the same ack: the same bytes go out.
func (l *Layer) SendAck(flow *Flow, dst netip.AddrPort, ack *Request) error { panic("unfinished") }
