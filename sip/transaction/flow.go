package transaction

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Flow is one UDP socket, or one TCP or TLS connection. All methods may be called from any goroutine.
type Flow struct {
	l             *Layer
	transport     string
	local, remote netip.AddrPort
	udp           PacketConn  // nil for a stream
	tcp           *streamConn // TCP or TLS
	dialled       bool
	secure        *TLSInfo // nil without TLS
	peer          string   // whom a TLS connection was made to, for a person

	pace  chan pace // of the pings of a stream; made under Layer.mu by the first who wants some
	asked asked     // by STUN

	// Of the message that the reader is handing over; touched by the reader only.
	start  startLine
	source netip.AddrPort

	wmu sync.Mutex // one writer at a time on a stream

	broken atomic.Bool // a write failed: the end is near, and nothing can be sent any more

	mu    sync.Mutex
	done  chan struct{}
	err   error
	fault error               // of a write, which leaves it to the reader to end the flow
	paths map[netip.Addr]path // our address towards a remote, for a socket bound to all interfaces
}

type path struct {
	local netip.Addr
	until time.Time
}

// run registers the flow and starts reading it. Each flow has a transport layer of its own, because sipgo finds connections
// by remote address and two flows may have the same; it only reads, and never dials.
func (l *Layer) run(f *Flow) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		f.hangUp()
		return ErrClosed
	}
	l.flows[f] = struct{}{}
	tl := sip.NewTransportLayer(net.DefaultResolver, l.parser, nil, sip.WithTransportLayerLogger(slog.New(slog.DiscardHandler)))
	tl.OnMessage(func(msg sip.Message) { l.receive(f, f.start, f.source, msg) })
	l.wg.Go(func() {
		if f.udp != nil {
			_ = tl.ServeUDP(&datagrams{f: f}) // returns nil whatever happened; the flow knows why
		} else {
			_ = tl.ServeTCP(&handOver{conn: f.tcp, done: f.done})
			<-f.tcp.gone
		}
		f.end(errors.New("the reader ended"))
	})
	if f.dialled && l.cfg.Keepalive > 0 {
		f.pace = make(chan pace, 1)
		f.pace <- pace{every: l.cfg.Keepalive}
		l.wg.Go(f.keepAlive)
	}
	return nil
}

// Transport is "UDP", "TCP" or "TLS".
func (f *Flow) Transport() string { return f.transport }

// LocalAddr is the bound address; its IP is unspecified for a socket bound to all interfaces.
func (f *Flow) LocalAddr() netip.AddrPort { return f.local }

// RemoteAddr is the far end of a connection; the zero value for UDP.
func (f *Flow) RemoteAddr() netip.AddrPort { return f.remote }

// Alive reports whether the flow can still carry messages. It is false from the first write on that failed, which may be a moment before
// Done is closed.
func (f *Flow) Alive() bool {
	if f.broken.Load() {
		return false
	}
	select {
	case <-f.done:
		return false
	default:
		return true
	}
}

// Done is closed when the flow has ended.
func (f *Flow) Done() <-chan struct{} { return f.done }

// Err tells why the flow ended: nil while it lives, ErrClosed after Close, otherwise an error that wraps ErrFlowDown.
func (f *Flow) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Close ends the flow and fails its client transactions. It does not wait for them.
func (f *Flow) Close() { f.end(ErrClosed) }

// end ends the flow once: the first reason counts.
func (f *Flow) end(why error) {
	f.mu.Lock()
	if f.err != nil {
		f.mu.Unlock()
		return
	}
	if f.err = why; !errors.Is(why, ErrClosed) {
		if f.fault != nil {
			why = f.fault
		}
		f.err = fmt.Errorf("%w: %w", ErrFlowDown, why)
	}
	close(f.done)
	f.mu.Unlock()
	f.hangUp()
	f.l.flowEnded(f)
}

func (f *Flow) hangUp() {
	if f.udp != nil {
		f.udp.Close()
	} else {
		f.tcp.hangUp()
	}
}

// flowEnded fails what ran over the flow at once; sipgo would leave it to timers.
func (l *Layer) flowEnded(f *Flow) {
	err := f.Err()
	l.mu.Lock()
	delete(l.flows, f)
	var clients []*ClientTx
	for _, tx := range l.clients {
		if tx.flow == f {
			clients = append(clients, tx)
		}
	}
	var servers []*ServerTx
	for _, tx := range l.servers {
		if tx.req.Flow == f && !tx.stays() {
			servers = append(servers, tx)
		}
	}
	closing := l.closed
	if !closing && !errors.Is(err, ErrClosed) {
		l.wg.Go(func() { l.h.HandleFlowDown(f, err) })
	}
	l.mu.Unlock()
	for _, tx := range clients {
		if closing {
			tx.abort(ErrClosed)
			continue
		}
		down := func() { tx.abort(fmt.Errorf("%w (%v)", ErrFlowDown, err)) }
		if !l.post(tx.req.CallID, must, down) { // after what was read before the end: an answer counts, though the connection died with it
			down()
		}
	}
	for _, tx := range servers {
		tx.fsm.Terminate()
	}
}

// write puts one message on the wire; dst is for UDP. An error wraps ErrFlowDown; on TCP it ends the flow.
func (f *Flow) write(b []byte, dst netip.AddrPort) error {
	if !f.Alive() {
		return fmt.Errorf("send over %s: %w", f.transport, ErrFlowDown)
	}
	if f.udp != nil {
		f.trace(true, b, dst)
		if _, err := f.udp.WriteToUDPAddrPort(b, dst); err != nil {
			return fmt.Errorf("send to %v: %w: %w", dst, ErrFlowDown, err)
		}
		return nil
	}
	f.wmu.Lock()
	f.trace(true, b, f.remote)
	f.tcp.conn.SetWriteDeadline(time.Now().Add(f.l.cfg.WriteTimeout))
	_, err := f.tcp.conn.Write(b)
	f.wmu.Unlock()
	if err != nil {
		// Half a message may be out: nothing can follow it. The reader notices and ends the flow; here a transaction
		// machine may hold its lock, which ending its transaction would want.
		f.mu.Lock()
		f.fault = err
		f.mu.Unlock()
		f.broken.Store(true)
		f.tcp.hangUp()
		return fmt.Errorf("send to %v: %w: %w", f.remote, ErrFlowDown, err)
	}
	return nil
}

// LocalFor is the address under which remote can reach this flow: LocalAddr, with the address of the interface that leads to
// remote in place of an unspecified one. It is what goes into Contact and SDP.
func (f *Flow) LocalFor(remote netip.AddrPort) netip.AddrPort {
	if !f.local.Addr().IsUnspecified() {
		return f.local
	}
	f.mu.Lock()
	p, ok := f.paths[remote.Addr()]
	f.mu.Unlock()
	now := time.Now()
	if !ok || now.After(p.until) {
		p = path{f.local.Addr(), now.Add(30 * time.Second)} // networks change: ask again
		// Connecting a datagram socket sends nothing; it only asks the routing table.
		if c, err := (&net.Dialer{}).DialContext(context.Background(), "udp", remote.String()); err == nil {
			p.local = addrPort(c.LocalAddr()).Addr()
			c.Close()
		}
		f.mu.Lock()
		if f.paths == nil || len(f.paths) > 256 {
			f.paths = map[netip.Addr]path{}
		}
		f.paths[remote.Addr()] = p
		f.mu.Unlock()
	}
	return netip.AddrPortFrom(p.local, f.local.Port())
}

// Contact makes a Contact address for this flow as remote can reach it: sip:user@host:port, with ;transport=tcp or ;transport=tls on
// a connection. RFC 3261 calls transport=tls deprecated; it is what registrars in use expect of a sip URI. Where RFC 3261 §8.1.1.8 asks
// for a sips URI, see SecureContact.
func (f *Flow) Contact(user string, remote netip.AddrPort) Address {
	at := f.LocalFor(remote)
	u := URI{Scheme: "sip", User: user, Host: at.Addr().WithZone("").String(), Port: int(at.Port())}
	if f.transport != "UDP" {
		u.Params = Params{{Name: "transport", Value: strings.ToLower(f.transport), Has: true}}
	}
	return Address{URI: u}
}

// SecureContact makes the Contact for a request whose Request-URI or topmost Route is a sips URI (RFC 3261 §8.1.1.8, RFC 5630 §3.1.4):
// sips:user@host:port. false when the flow is not TLS: then no such request may be sent over it.
func (f *Flow) SecureContact(user string, remote netip.AddrPort) (Address, bool) {
	a := f.Contact(user, remote)
	a.URI.Scheme, a.URI.Params = "sips", nil
	return a, f.secure != nil
}

// viaLine is our Via for a request to dst, asking for rport (RFC 3581 §3).
func (f *Flow) viaLine(dst netip.AddrPort, branch string) string {
	if f.udp == nil {
		dst = f.remote
	}
	at := f.LocalFor(dst)
	return "SIP/2.0/" + f.transport + " " + netip.AddrPortFrom(at.Addr().WithZone(""), at.Port()).String() + ";branch=" + branch + ";rport"
}

// addrPort reads the address of a socket, IPv4 as IPv4.
func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		ap = a.AddrPort()
	case *net.TCPAddr:
		ap = a.AddrPort()
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// localNet is LocalAddr for those who want a net.Addr.
func (f *Flow) localNet() net.Addr {
	if f.udp != nil {
		return net.UDPAddrFromAddrPort(f.local)
	}
	return net.TCPAddrFromAddrPort(f.local)
}
