package transaction

import (
	"net/netip"
)

// Flow is one UDP socket or one TCP connection. All methods may be called from any goroutine.
type Flow struct {
}

// Transport is "UDP" or "TCP".
func (f *Flow) Transport() string { panic("unfinished") }

// LocalAddr is the bound address; its IP is unspecified for a socket bound to all interfaces.
func (f *Flow) LocalAddr() netip.AddrPort { panic("unfinished") }

// LocalFor is the address under which remote can reach this flow: LocalAddr, with the address of the interface that leads to
// remote in place of an unspecified one. It is what goes into Contact and SDP.
func (f *Flow) LocalFor(remote netip.AddrPort) netip.AddrPort { panic("unfinished") }

// RemoteAddr is the far end of a TCP connection; the zero value for UDP.
func (f *Flow) RemoteAddr() netip.AddrPort { panic("unfinished") }

// Contact makes a Contact address for this flow as remote can reach it: sip:user@host:port, with ;transport=tcp on TCP.
func (f *Flow) Contact(user string, remote netip.AddrPort) Address { panic("unfinished") }

// Alive reports whether the flow can still carry messages.
func (f *Flow) Alive() bool { panic("unfinished") }

// Done is closed when the flow has ended.
func (f *Flow) Done() <-chan struct{} { panic("unfinished") }

// Err tells why the flow ended: nil while it lives, ErrClosed after Close, otherwise an error that wraps ErrFlowDown.
func (f *Flow) Err() error { panic("unfinished") }

// Close ends the flow and fails its client transactions. It does not wait for them.
func (f *Flow) Close() { panic("unfinished") }

// Ping sends a CRLFCRLF keepalive now (TCP) or a CRLF datagram to remote (UDP, which keeps a NAT binding open).
func (f *Flow) Ping(remote netip.AddrPort) error { panic("unfinished") }

// Listener accepts TCP connections for a Layer.
type Listener struct {
}

// Addr is the bound address.
func (n *Listener) Addr() netip.AddrPort { panic("unfinished") }

// Close stops accepting; flows that were accepted live on.
func (n *Listener) Close() error { panic("unfinished") }
