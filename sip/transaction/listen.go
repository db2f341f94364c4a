package transaction

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// maxAccepted bounds the connections that strangers may hold open.
const maxAccepted = 1024

// socketBuffer is what a UDP socket should be able to hold, in bytes.
const socketBuffer = 4 << 20

// ListenUDP binds a UDP socket: one flow for all remotes. Port 0 lets the system choose. Errors: ErrPortTaken, ErrClosed.
func (l *Layer) ListenUDP(addr netip.AddrPort) (*Flow, error) {
	c, err := net.ListenUDP(network("udp", addr), net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, bindError("UDP", addr, err)
	}
	// A burst must fit: what the socket cannot hold is lost, and a lost ACK or BYE costs half a second or a call. The system
	// gives as much of it as it allows.
	_ = c.SetReadBuffer(socketBuffer)
	return l.openUDP(c, addrPort(c.LocalAddr()))
}

func (l *Layer) openUDP(c PacketConn, local netip.AddrPort) (*Flow, error) {
	f := &Flow{l: l, transport: "UDP", local: local, udp: c, done: make(chan struct{})}
	if err := l.run(f); err != nil {
		return nil, err
	}
	return f, nil
}

// DialTCP connects to remote within Config.DialTimeout and ctx. Each call makes a new connection and flow, which carries
// requests in both directions.
func (l *Layer) DialTCP(ctx context.Context, remote netip.AddrPort) (*Flow, error) {
	d := net.Dialer{Timeout: l.cfg.DialTimeout}
	c, err := d.DialContext(ctx, "tcp", remote.String())
	if err != nil {
		return nil, fmt.Errorf("connect to %v: %w: %w", remote, ErrFlowDown, err)
	}
	return l.openTCP(c, addrPort(c.LocalAddr()), addrPort(c.RemoteAddr()), true)
}

func (l *Layer) openTCP(c net.Conn, local, remote netip.AddrPort, dialled bool) (*Flow, error) {
	f := &Flow{l: l, transport: "TCP", local: local, remote: remote, dialled: dialled, done: make(chan struct{})}
	f.tcp = newStreamConn(f, c)
	if err := l.run(f); err != nil {
		return nil, err
	}
	return f, nil
}

// Listener accepts TCP connections for a Layer.
type Listener struct {
	l    *Layer
	ln   net.Listener
	once sync.Once
	err  error
}

// ListenTCP accepts connections; each becomes a flow. Port 0 lets the system choose. Errors: ErrPortTaken, ErrClosed.
func (l *Layer) ListenTCP(addr netip.AddrPort) (*Listener, error) {
	ln, err := net.ListenTCP(network("tcp", addr), net.TCPAddrFromAddrPort(addr))
	if err != nil {
		return nil, bindError("TCP", addr, err)
	}
	n := &Listener{l: l, ln: ln}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		ln.Close()
		return nil, ErrClosed
	}
	l.listeners[n] = struct{}{}
	l.wg.Go(n.accept)
	return n, nil
}

// accept makes flows of connections until the listener is closed.
func (n *Listener) accept() {
	room := make(chan struct{}, maxAccepted)
	for {
		c, err := n.ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			n.l.log.Debug("accept failed", "error", err)
			time.Sleep(50 * time.Millisecond) // out of file descriptors: trying at once would only spin
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			c.Close()
			continue
		}
		f, err := n.l.openTCP(c, addrPort(c.LocalAddr()), addrPort(c.RemoteAddr()), false)
		if err != nil {
			return
		}
		n.l.wg.Go(func() {
			<-f.done
			<-room
		})
	}
}

// Addr is the bound address.
func (n *Listener) Addr() netip.AddrPort { return addrPort(n.ln.Addr()) }

// Close stops accepting; flows that were accepted live on.
func (n *Listener) Close() error {
	n.once.Do(func() {
		n.err = n.ln.Close()
		n.l.mu.Lock()
		delete(n.l.listeners, n)
		n.l.mu.Unlock()
	})
	return n.err
}

// network picks the protocol family, so that 0.0.0.0 does not also take IPv6.
func network(proto string, addr netip.AddrPort) string {
	if addr.Addr().Is4() {
		return proto + "4"
	}
	return proto
}

func bindError(proto string, addr netip.AddrPort, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s %v: %w", proto, addr, ErrPortTaken)
	}
	return fmt.Errorf("listen on %s %v: %w", proto, addr, err)
}
