package transaction

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// named adds the Session-ID of the INVITE, which its CANCEL and ACK carry too (RFC 7989 §7).
func (tx *ClientTx) named(h Headers) Headers {
	if id := tx.req.Headers.Get("Session-ID"); id != "" {
		h.Add("Session-ID", id)
	}
	return h
}

// Cancel ends an INVITE (RFC 3261 §9.1): the CANCEL goes out at once after a 1xx, otherwise the wish is remembered until one
// comes; never after a final response. reason are extra fields such as Reason (RFC 3326). Without a final response within 64·T1
// the transaction ends with ErrTimeout. A 2xx may still cross it: the caller must ACK and BYE. Further calls do nothing.
func (tx *ClientTx) Cancel(reason Headers) {
	tx.mu.Lock()
	if tx.req.Method != "INVITE" || tx.cancelling || tx.final || tx.ended {
		tx.mu.Unlock()
		return
	}
	tx.cancelling, tx.reason = true, slices.Clone(reason)
	now := tx.provisional
	tx.mu.Unlock()
	if now {
		tx.sendCancel()
	}
}

// sendCancel sends the CANCEL as a transaction of its own, under the INVITE's branch.
func (tx *ClientTx) sendCancel() {
	tx.mu.Lock()
	if tx.giveUp != nil || tx.final || tx.ended {
		tx.mu.Unlock()
		return
	}
	tx.giveUp = time.AfterFunc(64*T1, func() {
		tx.abort(fmt.Errorf("no final response to the cancelled INVITE: %w", ErrTimeout))
	})
	cancel := &Request{
		Method: "CANCEL", URI: tx.req.URI, Route: tx.req.Route, From: tx.req.From, To: tx.req.To, CallID: tx.req.CallID, CSeq: tx.req.CSeq,
		Headers: tx.named(tx.reason),
	}
	tx.mu.Unlock()
	v, _ := parseVia(tx.via)
	answered := func(res *Response) {
		if tx.taken && res.Status >= 300 { // they know nothing of the INVITE any more, so nothing will come
			tx.abort(ErrTerminated)
		}
	}
	_, err := tx.l.send(tx.flow, tx.dst, cancel, v.branch(), tx.via, answered, nil)
	if field := (*FieldError)(nil); errors.As(err, &field) { // of the reason: for its sake the far end must not go on ringing
		cancel.Headers = nil
		_, err = tx.l.send(tx.flow, tx.dst, cancel, v.branch(), tx.via, answered, nil)
	}
	if err != nil {
		tx.l.log.Debug("CANCEL not sent", "error", err)
	}
}

// CancelOver cancels an INVITE that ended with ErrFlowDown before its final response: its server may know it still, and finds it by the
// same branch and sent-by in Via, whatever connection the CANCEL comes over (RFC 3261 §9.1, §17.2.3). flow is to lead to the same server
// over the same kind of transport. The result stands for the INVITE from here on, which is not sent again: onResponse and done are told
// what becomes of it, as by Send. Errors: ErrFlowDown, ErrClosed, *FieldError.
func (tx *ClientTx) CancelOver(flow *Flow, reason Headers, onResponse func(*Response), done func(error)) (*ClientTx, error) {
	tx.mu.Lock()
	lost := tx.req.Method == "INVITE" && tx.ended && !tx.final
	tx.mu.Unlock()
	if !lost || flow.transport != tx.flow.transport {
		return nil, &FieldError{"method", "this request cannot be cancelled over another connection"}
	}
	next := &ClientTx{
		l: tx.l, flow: flow, dst: tx.dst, req: tx.req, key: tx.key, via: tx.via, taken: true, onResponse: onResponse, onDone: done,
		ready: make(chan struct{}), done: make(chan struct{}),
	}
	if err := next.begin(); err != nil {
		return nil, err
	}
	next.feed(&Response{Status: 100}) // whether they said so or not: they are asked as if they had
	next.mu.Lock()
	next.provisional = true
	next.mu.Unlock()
	close(next.ready)
	next.Cancel(reason)
	return next, nil
}
