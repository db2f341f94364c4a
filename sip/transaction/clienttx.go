package transaction

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// ClientTx is a request of ours that runs (RFC 3261 §17.1). All methods may be called from any goroutine.
type ClientTx struct {
	l          *Layer
	flow       *Flow
	dst        netip.AddrPort
	key        string
	req        *Request
	via        string
	wire       []byte
	onResponse func(*Response)
	onDone     func(error)
	fsm        *sip.ClientTx
	ready      chan struct{} // closed when Send has finished
	done       chan struct{}
	taken      bool // over from a flow that died: the request itself is not sent

	// Touched by the turns of its Call-ID only.
	again *sip.Response // a 2xx after the first, from the machine
	ack   []byte        // to the final other than 2xx

	mu          sync.Mutex
	started     bool // Send succeeded
	ended       bool
	err         error
	provisional bool
	final       bool
	cancelling  bool
	feeding     bool  // a response is with the machine: its end waits for what the response is
	over        bool  // the machine ended meanwhile
	fate        error // with this
	reason      Headers
	giveUp      *time.Timer // after CANCEL
}

// Send starts a client transaction: it sends req over flow, to dst on UDP (ignored on a connection), and repeats it as RFC 3261
// §17.1 says. Via, Max-Forwards (when 0), Content-Length and User-Agent are the layer's; an ACK is an error (see SendAck),
// as is a CANCEL (see ClientTx.Cancel). req must not be changed afterwards.
//
// onResponse gets every response in order: 1xx, the final one, and for an INVITE every further 2xx, repeats and forks
// alike (the caller ACKs each; other finals are ACKed by the layer). done is called once, after the last onResponse: with nil
// after a final response (for a 2xx to an INVITE 64·T1 after it, because forks may follow), else with ErrTimeout,
// ErrFlowDown, ErrTerminated or ErrClosed. Both run on the queue of the Call-ID and may be nil. When Send itself returns
// an error (ErrTooLarge, ErrInsecure, ErrFlowDown, ErrClosed, *FieldError) neither is ever called.
func (l *Layer) Send(flow *Flow, dst netip.AddrPort, req *Request, onResponse func(*Response), done func(error)) (*ClientTx, error) {
	if req.Method == "ACK" || req.Method == "CANCEL" {
		return nil, &FieldError{"method", "Send starts no " + req.Method}
	}
	branch := newBranch()
	return l.send(flow, dst, req, branch, flow.viaLine(dst, branch), onResponse, done)
}

func clientKey(branch, method string) string { return branch + "|" + method }

func (l *Layer) send(flow *Flow, dst netip.AddrPort, req *Request, branch, via string, onResponse func(*Response), done func(error)) (*ClientTx, error) {
	tx := &ClientTx{
		l: l, flow: flow, dst: dst, req: req, key: clientKey(branch, req.Method), via: via, onResponse: onResponse, onDone: done,
		ready: make(chan struct{}), done: make(chan struct{}),
	}
	var err error
	if tx.wire, err = req.wire(tx.via, l.cfg.UserAgent); err != nil {
		return nil, err
	}
	if req.URI.Scheme == "sips" && flow.secure == nil && req.ToTag() == "" {
		return nil, fmt.Errorf("%s: %w", req.Method, ErrInsecure) // within a dialog it would leave a call behind that nobody can end
	}
	if flow.udp != nil && l.cfg.UDPMax > 0 && !req.AnySize && len(tx.wire) > l.cfg.UDPMax {
		return nil, fmt.Errorf("%s of %d bytes: %w", req.Method, len(tx.wire), ErrTooLarge)
	}
	if err := tx.begin(); err != nil {
		return nil, err
	}
	close(tx.ready)
	return tx, nil
}

// begin starts the machine. What comes for it waits until ready is closed.
func (tx *ClientTx) begin() error {
	l := tx.l
	origin := fsmRequest(tx.req.Method, tx.req.CSeq, tx.flow.transport)
	tx.fsm = sip.NewClientTx(tx.key, origin, fsmConn{tx.flow.localNet(), tx.send}, silent)
	tx.fsm.OnRetransmission(func(r *sip.Response) { tx.again = r }) // on the turn that called Receive
	tx.fsm.OnTerminate(tx.terminated)

	l.mu.Lock()
	switch {
	case l.closed:
		l.mu.Unlock()
		return ErrClosed
	case !tx.flow.Alive():
		l.mu.Unlock()
		return fmt.Errorf("send %s: %w", tx.req.Method, ErrFlowDown)
	}
	l.clients[tx.key] = tx // before Init: a response may come before it returns
	l.mu.Unlock()

	err := tx.fsm.Init()
	tx.mu.Lock()
	if err == nil && tx.ended {
		err = tx.err // the flow died, or the layer was closed, in between
	}
	tx.started = err == nil
	tx.ended = !tx.started
	tx.mu.Unlock()
	if err != nil {
		tx.fsm.Terminate() // a machine whose Init failed has no timer that would end it
		l.forget(tx)
		close(tx.ready)
	}
	return err
}

func (l *Layer) forget(tx *ClientTx) {
	l.mu.Lock()
	if l.clients[tx.key] == tx {
		delete(l.clients, tx.key)
	}
	l.mu.Unlock()
}

// Request is what was sent.
func (tx *ClientTx) Request() *Request { return tx.req }

// Flow is what it was sent over.
func (tx *ClientTx) Flow() *Flow { return tx.flow }

// Done is closed when the transaction has ended, just before done is called.
func (tx *ClientTx) Done() <-chan struct{} { return tx.done }

// Terminate gives the transaction up without telling the far end; done gets ErrTerminated.
func (tx *ClientTx) Terminate() { tx.abort(ErrTerminated) }

// abort ends the transaction from outside of its turns.
func (tx *ClientTx) abort(err error) {
	tx.end(err, false)
	tx.fsm.Terminate()
	tx.l.forget(tx)
}

// end tells the caller once. inTurn says that this runs as a turn of the Call-ID. After a final response nothing is an error.
func (tx *ClientTx) end(err error, inTurn bool) {
	tx.mu.Lock()
	if tx.ended {
		tx.mu.Unlock()
		return
	}
	if tx.final {
		err = nil
	}
	tx.ended, tx.err = true, err
	if tx.giveUp != nil {
		tx.giveUp.Stop()
	}
	started := tx.started
	tx.mu.Unlock()
	if !started {
		return // Send will return err
	}
	close(tx.done)
	switch {
	case tx.onDone == nil:
	case inTurn:
		tx.onDone(err)
	default:
		tx.l.post(tx.req.CallID, must, func() { tx.onDone(err) })
	}
}

// terminated is called by the machine, sometimes under its lock: it must not call back into it. On TCP the machine ends
// within the very call that gives it the final response (Timers D and K are 0), before anybody knows that response.
func (tx *ClientTx) terminated(_ string, err error) {
	tx.l.forget(tx)
	switch {
	case errors.Is(err, sip.ErrTransactionTimeout):
		err = fmt.Errorf("%s: %w", tx.req.Method, ErrTimeout)
	case errors.Is(err, sip.ErrTransactionTransport):
		err = fmt.Errorf("%s: %w: %w", tx.req.Method, ErrFlowDown, err)
	default:
		err = ErrTerminated
	}
	tx.mu.Lock()
	if tx.feeding {
		tx.over, tx.fate = true, err
		tx.mu.Unlock()
		return
	}
	tx.mu.Unlock()
	tx.end(err, false)
}

// send writes what the machine wants written: the request, or the ACK to a final other than 2xx.
func (tx *ClientTx) send(msg sip.Message) error {
	if req, ok := msg.(*sip.Request); ok && req.IsAck() {
		return tx.flow.write(tx.ack, tx.dst)
	}
	if tx.taken {
		return nil
	}
	return tx.flow.write(tx.wire, tx.dst)
}

// takeResponse puts a valid response into the queue of its Call-ID, on the reader of its flow.
func (l *Layer) takeResponse(res *Response, top via) {
	key := clientKey(top.branch(), res.Method)
	l.mu.Lock()
	tx := l.clients[key]
	l.mu.Unlock()
	accepted := res.Success() && res.Method == "INVITE"
	c := must
	switch {
	case tx != nil && (tx.req.CallID != res.CallID || tx.flow != res.Flow && !tx.taken): // where that goes on, its server may have opened a connection of its own (§18.2.2)
		l.count.stray.Add(1) // nobody answers for another call, or over another connection than he was asked on
		return
	case tx != nil && res.Provisional():
		c = hint
	case tx != nil:
	case accepted:
		c = request
	default:
		l.count.stray.Add(1)
		return
	}
	l.post(res.CallID, c, func() {
		l.mu.Lock()
		tx := l.clients[key]
		l.mu.Unlock()
		switch {
		case tx != nil:
			tx.receive(res)
		case accepted:
			l.h.HandleStray(res)
		default:
			l.count.stray.Add(1)
		}
	})
}

// receive is one turn.
func (tx *ClientTx) receive(res *Response) {
	<-tx.ready // a response that the machine gets before Init has returned leaves Timer B running
	invite := tx.req.Method == "INVITE"
	lost := func() {
		if invite && res.Success() { // given up here, but accepted there: somebody must end that call
			tx.l.h.HandleStray(res)
		}
	}
	tx.mu.Lock()
	repeat := tx.final && res.Status >= 300 && tx.ack != nil
	gone := tx.ended && !tx.final
	tx.feeding = !gone && !repeat
	tx.mu.Unlock()
	if gone {
		lost()
		return
	}
	if invite && res.Status >= 300 && tx.ack == nil {
		tx.ack = tx.hopAck(res)
	}
	if repeat {
		// Every further one would hold the machine's lock for T2 before its ACK goes out.
		_ = tx.flow.write(tx.hopAck(res), tx.dst)
		return
	}
	passed := tx.feed(res)
	tx.mu.Lock()
	tx.feeding = false
	over, fate := tx.over, tx.fate
	gone = tx.ended && !tx.final
	if !passed || gone {
		tx.mu.Unlock()
		if over {
			tx.end(fate, true)
			gone = true
		}
		if gone {
			lost()
		}
		return
	}
	tx.provisional = tx.provisional || res.Provisional()
	tx.final = tx.final || res.Final()
	if tx.final && tx.giveUp != nil {
		tx.giveUp.Stop()
	}
	cancel := tx.cancelling && res.Provisional() && !tx.final && tx.giveUp == nil
	tx.mu.Unlock()
	if cancel {
		tx.sendCancel()
	}
	if tx.onResponse != nil {
		tx.onResponse(res)
	}
	if res.Final() && !(invite && res.Success()) {
		tx.end(nil, true)
		if !invite {
			tx.fsm.Terminate() // it would stay for 32 s; a late repeat is a stray response and dropped
			tx.l.forget(tx)
		}
		return
	}
	if over {
		tx.end(fate, true)
	}
}

// feed gives a response to the machine and reports whether the machine passes it on. The machine hands it over while
// Receive runs, so that takes a second goroutine for the moment.
func (tx *ClientTx) feed(res *Response) bool {
	tx.again = nil
	in := fsmResponse(res.Status, nil)
	returned := make(chan struct{})
	go func() {
		tx.fsm.Receive(in)
		close(returned)
	}()
	select {
	case <-tx.fsm.Responses():
		<-returned
		return true
	case <-returned:
		return tx.again != nil
	}
}

// hopAck is the ACK to a final other than 2xx (RFC 3261 §17.1.1.3): the INVITE's Via, Request-URI and Route, and the
// response's To.
func (tx *ClientTx) hopAck(res *Response) []byte {
	ack := &Request{
		Method: "ACK", URI: tx.req.URI, Route: tx.req.Route, From: tx.req.From, To: res.To, CallID: tx.req.CallID, CSeq: tx.req.CSeq,
		Headers: tx.named(nil),
	}
	wire, err := ack.wire(tx.via, tx.l.cfg.UserAgent)
	if err != nil {
		tx.l.log.Debug("ACK not sent", "error", err)
	}
	return wire
}
