package transaction

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// What strangers may hold open: connections, and TLS handshakes that are not done; all together, and one source.
const (
	maxAccepted, maxAcceptedEach     = 1024, 256
	maxHandshakes, maxHandshakesEach = 128, 16
)

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
	return l.openStream(c, local, remote, dialled, nil, "")
}

// openStream makes a flow of a connection: TLS when secure says so, and peer is then whom to name to a person.
func (l *Layer) openStream(c net.Conn, local, remote netip.AddrPort, dialled bool, secure *TLSInfo, peer string) (*Flow, error) {
	f := &Flow{l: l, transport: "TCP", local: local, remote: remote, dialled: dialled, secure: secure, peer: peer, done: make(chan struct{})}
	if secure != nil {
		f.transport = "TLS"
	}
	f.tcp = newStreamConn(f, c)
	if err := l.run(f); err != nil {
		return nil, err
	}
	return f, nil
}

// Listener accepts TCP or TLS connections for a Layer.
type Listener struct {
	l    *Layer
	ln   net.Listener
	tls  *tls.Config // nil for TCP
	once sync.Once
	err  error
}

// ListenTCP accepts connections; each becomes a flow. Port 0 lets the system choose. Errors: ErrPortTaken, ErrClosed.
func (l *Layer) ListenTCP(addr netip.AddrPort) (*Listener, error) { return l.listen("TCP", addr, nil) }

// ListenTLS accepts connections as ListenTCP does; each becomes a flow when its handshake is done, which has Config.DialTimeout and
// holds nobody up. cfg has our certificate, and says what the far end must show (ClientAuth). Errors: ErrPortTaken, ErrClosed, *FieldError.
func (l *Layer) ListenTLS(addr netip.AddrPort, cfg *tls.Config) (*Listener, error) {
	if cfg == nil || len(cfg.Certificates) == 0 && cfg.GetCertificate == nil && cfg.GetConfigForClient == nil {
		return nil, &FieldError{"TLS", "no certificate to show"}
	}
	return l.listen("TLS", addr, cfg)
}

func (l *Layer) listen(proto string, addr netip.AddrPort, cfg *tls.Config) (*Listener, error) {
	ln, err := net.ListenTCP(network("tcp", addr), net.TCPAddrFromAddrPort(addr))
	if err != nil {
		return nil, bindError(proto, addr, err)
	}
	n := &Listener{l: l, ln: ln, tls: cfg}
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
	open, busy := newRoom(maxAccepted, maxAcceptedEach), newRoom(maxHandshakes, maxHandshakesEach)
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
		local, remote := addrPort(c.LocalAddr()), addrPort(c.RemoteAddr())
		if !open.enter(remote.Addr()) {
			n.l.count.limited.Add(1)
			c.Close()
			continue
		}
		if n.tls == nil {
			f, err := n.l.openTCP(c, local, remote, false)
			if err != nil {
				return
			}
			n.l.wg.Go(func() {
				<-f.done
				open.leave(remote.Addr())
			})
			continue
		}
		if !busy.enter(remote.Addr()) {
			open.leave(remote.Addr())
			n.l.count.limited.Add(1)
			c.Close()
			continue
		}
		n.l.wg.Go(func() {
			defer open.leave(remote.Addr())
			f, err := n.l.ServeTLS(n.l.life, c, n.tls, local, remote, false)
			busy.leave(remote.Addr())
			if err != nil {
				n.l.log.Debug("handshake failed", "from", remote, "error", err)
				return
			}
			<-f.done
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
