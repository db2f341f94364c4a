package transaction

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
)

// ServerTx is a request of the far end that we answer (RFC 3261 §17.2, RFC 6026). All methods may be called from any goroutine.
type ServerTx struct {
	l      *Layer
	key    string
	merge  string // guarded by Layer.mu
	req    *Request
	via    string // top Via of responses
	dst    netip.AddrPort
	port   int // that top Via names, 0: none
	tag    string
	addTag string // what To lacks
	fsm    *sip.ServerTx
	done   chan struct{}

	status atomic.Int32           // final, for those who may not wait for the gate
	last   atomic.Pointer[[]byte] // what was sent last, for the same
	out    atomic.Pointer[Flow]   // where responses go since the flow of the request died; nil: it lives
	lost   atomic.Bool            // what was sent last found no way

	mu        sync.Mutex // the gate
	started   bool       // something was sent
	final     int        // status, 0 before
	cancelled bool
	confirmed bool   // the ACK to a final other than 2xx came
	accepted  []byte // the 2xx to an INVITE
}

// Request is what came in.
func (tx *ServerTx) Request() *Request { return tx.req }

// LocalTag is the tag in To of every response to it: the one of the request when it has one, else one that the layer chose.
func (tx *ServerTx) LocalTag() string { return tx.tag }

// Stamp sets a header field that every response from now on carries, also those that the layer makes by itself (100, 487):
// Session-ID (RFC 7989 §7). A later stamp takes the place of the former; one that cannot be written is left out.
func (tx *ServerTx) Stamp(name, value string) {
	if isToken(name) && clean(value) {
		tx.req.raw.stamp.Store(&Header{name, value})
	}
}

// Respond sends res. Via, From, To (with LocalTag), Call-ID, CSeq and Record-Route are taken from the request whatever res
// says. There is one gate: after a final response it returns ErrAnswered, after a CANCEL ErrCancelled, and nothing is sent. A
// write error returns ErrFlowDown and ends the transaction, but that of an INVITE on a connection, which goes on: the response counts, and
// goes out with Over. A *FieldError sends nothing and changes nothing. Finals other than 2xx
// to an INVITE are repeated by the layer until their ACK; a 2xx is repeated by whoever answers for the dialog, with RespondAgain.
func (tx *ServerTx) Respond(res *Response) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	switch {
	case tx.cancelled:
		return ErrCancelled
	case tx.final != 0:
		return ErrAnswered
	}
	return tx.pass(res)
}

// pass sends through the open gate; tx.mu is held.
func (tx *ServerTx) pass(res *Response) error {
	wire, err := res.wire(tx.req.raw, tx.via, tx.addTag, tx.l.cfg.UserAgent)
	if err != nil {
		return err
	}
	tx.started = true
	tx.last.Store(&wire)
	if res.Final() {
		tx.final = res.Status
		tx.status.Store(int32(res.Status))
		if res.Success() && tx.req.Method == "INVITE" {
			tx.accepted = wire
		}
	}
	tx.lost.Store(false)
	if err := tx.fsm.Respond(fsmResponse(res.Status, wire)); err != nil {
		tx.fsm.Terminate() // after a failed write of a 2xx the machine has no timer left and would never end
		if errors.Is(err, ErrFlowDown) {
			return err
		}
		return fmt.Errorf("respond %d: %w: %w", res.Status, ErrFlowDown, err)
	}
	if tx.lost.Load() {
		return fmt.Errorf("respond %d: %w", res.Status, ErrFlowDown)
	}
	return nil
}

// RespondAgain puts the same 2xx to an INVITE on the wire once more (RFC 3261 §13.3.1.4). It works as long as the flow lives,
// beyond the end of the transaction, and with Over also afterwards. Before the 2xx it does nothing and returns a *FieldError.
func (tx *ServerTx) RespondAgain() error {
	tx.mu.Lock()
	wire := tx.accepted
	tx.mu.Unlock()
	if wire == nil {
		return &FieldError{"response", "there is no 2xx to repeat"}
	}
	return tx.put(wire)
}

// Cancelled reports whether a CANCEL ended the INVITE.
func (tx *ServerTx) Cancelled() bool {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.cancelled
}

// Done is closed when the transaction has ended; for a 2xx to an INVITE 64·T1 after it.
func (tx *ServerTx) Done() <-chan struct{} { return tx.done }

// trying answers an INVITE that its handler left open.
func (tx *ServerTx) trying() {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if !tx.started && !tx.cancelled {
		_ = tx.pass(NewResponse(tx.req, 100, ""))
	}
}

// cancel closes the gate and has the machine send the 487; false when there is a final response already. Everything happens
// under the gate: whoever comes first, the far end sees one final.
func (tx *ServerTx) cancel() bool {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.req.Method != "INVITE" || tx.final != 0 {
		return false
	}
	tx.started, tx.cancelled, tx.final = true, true, 487
	tx.status.Store(487)
	if wire, err := NewResponse(tx.req, 487, "").wire(tx.req.raw, tx.via, tx.addTag, tx.l.cfg.UserAgent); err == nil {
		tx.last.Store(&wire)
	}
	_ = tx.fsm.Receive(fsmRequest("CANCEL", tx.req.CSeq, tx.req.Flow.transport))
	return true
}

// acked gives an ACK to the machine when it belongs to a final other than 2xx.
func (tx *ServerTx) acked(ack *Request) bool {
	tx.mu.Lock()
	final, repeat := tx.final, tx.confirmed
	tx.confirmed = tx.confirmed || final >= 300
	tx.mu.Unlock()
	if final < 300 {
		return false
	}
	if repeat {
		return true
	}
	_ = tx.fsm.Receive(fsmRequest("ACK", ack.CSeq, ack.Flow.transport))
	// The machine passes the first ACK on to whoever reads them; unread it would hold a goroutine.
	select {
	case <-tx.fsm.Acks():
	case <-tx.done:
	}
	return true
}

// send writes what the machine wants written, under its lock.
func (tx *ServerTx) send(msg sip.Message) error {
	wire := msg.Body()
	if res, ok := msg.(*sip.Response); ok && wire == nil {
		// One that the machine made itself: the 487, or its 100 when the handler takes longer than 200 ms. That 100 may come
		// after our 180 and would take its place: then what we sent last goes out once more.
		if last := tx.last.Load(); last != nil {
			wire = *last
		} else {
			var err error
			if wire, err = NewResponse(tx.req, res.StatusCode, "").wire(tx.req.raw, tx.via, tx.addTag, tx.l.cfg.UserAgent); err != nil {
				return err
			}
		}
	}
	if err := tx.put(wire); err != nil && !tx.stays() {
		return err
	}
	return nil
}
