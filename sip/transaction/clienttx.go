package transaction

// ClientTx is a request of ours that runs (RFC 3261 §17.1). All methods may be called from any goroutine.
type ClientTx struct {
}

// Request is what was sent.
func (tx *ClientTx) Request() *Request { panic("unfinished") }

// Cancel ends an INVITE (RFC 3261 §9.1): the CANCEL goes out at once after a 1xx, otherwise the wish is remembered until one
// comes; never after a final response. reason are extra fields such as Reason (RFC 3326). Without a final response within 64·T1
// the transaction ends with ErrTimeout. A 2xx may still cross it: the caller must ACK and BYE. Further calls do nothing.
func (tx *ClientTx) Cancel(reason Headers) { panic("unfinished") }

// Terminate gives the transaction up without telling the far end; done gets ErrTerminated.
func (tx *ClientTx) Terminate() { panic("unfinished") }

// Done is closed when the transaction has ended, just before done is called.
func (tx *ClientTx) Done() <-chan struct{} { panic("unfinished") }
