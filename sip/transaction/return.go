package transaction

import "net/netip"

// The connection that an INVITE came over may die while it rings. The caller behind it may be there still, and knows the responses by
// their branch, whatever connection they come over (RFC 3261 §17.1.3): they go over the next one that leads to him (§18.2.2).

// Flow is where responses go: the flow of the request, or the one that took its place.
func (tx *ServerTx) Flow() *Flow {
	if f := tx.out.Load(); f != nil {
		return f
	}
	return tx.req.Flow
}

// ReturnTo is where to open a connection for the responses when the one of the request is gone (RFC 3261 §18.2.2): the address that it really
// came from, and the port that its Via names.
func (tx *ServerTx) ReturnTo() netip.AddrPort {
	port := tx.port
	if port == 0 {
		port = 5060
		if tx.req.Flow.secure != nil {
			port = 5061
		}
	}
	return netip.AddrPortFrom(tx.req.Source.Addr(), uint16(port))
}

// Over lets responses to an INVITE go over another connection of the same kind from now on, when the one before is dead, and sends what found no
// way.
func (tx *ServerTx) Over(flow *Flow) {
	if !tx.stays() || flow == nil || flow.transport != tx.req.Flow.transport || tx.Flow().Alive() {
		return
	}
	tx.out.Store(flow)
	if last := tx.last.Load(); last != nil && tx.lost.Load() {
		_ = tx.put(*last) // else it waits for the next one
	}
}

// Kept reports that the last response found no way and waits for Over.
func (tx *ServerTx) Kept() bool { return tx.stays() && tx.lost.Load() }

// follow goes over to the connection on which the same sender comes again.
func (tx *ServerTx) follow(req *Request) {
	if req.Source.Addr() == tx.req.Source.Addr() {
		tx.Over(req.Flow)
	}
}

// stays reports whether the transaction outlives its flow.
func (tx *ServerTx) stays() bool { return tx.req.Method == "INVITE" && tx.req.Flow.udp == nil }

// put writes to where responses go, and notes whether that worked.
func (tx *ServerTx) put(wire []byte) error {
	err := tx.Flow().write(wire, tx.dst)
	tx.lost.Store(err != nil)
	return err
}
