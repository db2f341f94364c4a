package transaction

// ServerTx is a request of the far end that we answer (RFC 3261 §17.2, RFC 6026). All methods may be called from any goroutine.
type ServerTx struct {
}

// Request is what came in.
func (tx *ServerTx) Request() *Request { panic("unfinished") }

// LocalTag is the tag in To of every response to it: the one of the request when it has one, else one that the layer chose.
func (tx *ServerTx) LocalTag() string { panic("unfinished") }

// Respond sends res. Via, From, To (with LocalTag), Call-ID, CSeq and Record-Route are taken from the request whatever res
// says. There is one gate: after a final response it returns ErrAnswered, after a CANCEL ErrCancelled, and nothing is sent. A
// write error returns ErrFlowDown and ends the transaction. Finals other than 2xx to an INVITE are repeated by the layer until
// their ACK; a 2xx is repeated by whoever answers for the dialog, with RespondAgain.
func (tx *ServerTx) Respond(res *Response) error { panic("unfinished") }

// RespondAgain puts the same 2xx to an INVITE on the wire once more (RFC 3261 §13.3.1.4). It works as long as the flow lives,
// beyond the end of the transaction. It is an error before the 2xx.
func (tx *ServerTx) RespondAgain() error { panic("unfinished") }

// Cancelled reports whether a CANCEL ended the INVITE.
func (tx *ServerTx) Cancelled() bool { panic("unfinished") }

// Done is closed when the transaction has ended; for a 2xx to an INVITE 64·T1 after it.
func (tx *ServerTx) Done() <-chan struct{} { panic("unfinished") }
