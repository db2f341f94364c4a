package transaction

import (
	"net"
	"net/netip"
	"sync"
)

// PacketConn is what a flow needs of a UDP socket; *net.UDPConn has it.
type PacketConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
	LocalAddr() net.Addr
	Close() error
}

// ServeUDP makes a flow of a socket that was made elsewhere, such as one of a Memory. The flow closes it.
func (l *Layer) ServeUDP(c PacketConn) (*Flow, error) {
	return l.openUDP(c, addrPort(c.LocalAddr()))
}

// ServeTCP makes a flow of a stream connection that was made elsewhere, such as one end of a net.Pipe. The flow closes it.
func (l *Layer) ServeTCP(c net.Conn, local, remote netip.AddrPort) (*Flow, error) {
	return l.openTCP(c, local, remote, false)
}

// Memory is a network of datagrams within the process. Layers on it run whole calls, time-outs of 32 s included, in virtual
// time (testing/synctest), because nothing in it waits outside of the program. The zero value is ready.
type Memory struct {
	mu    sync.Mutex
	drop  func(from, to netip.AddrPort, data []byte) bool
	conns map[netip.AddrPort]*memoryConn
}

type datagram struct {
	from netip.AddrPort
	data []byte
}

type memoryConn struct {
	m      *Memory
	addr   netip.AddrPort
	in     chan datagram
	once   sync.Once
	closed chan struct{}
}

// Lose decides which datagrams are lost from now on; nil: none. drop is called for one datagram at a time, and must not block.
func (m *Memory) Lose(drop func(from, to netip.AddrPort, data []byte) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop = drop
}

// Listen binds an address. Errors: ErrPortTaken.
func (m *Memory) Listen(addr netip.AddrPort) (PacketConn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conns[addr] != nil {
		return nil, bindError("memory", addr, ErrPortTaken)
	}
	if m.conns == nil {
		m.conns = map[netip.AddrPort]*memoryConn{}
	}
	c := &memoryConn{m: m, addr: addr, in: make(chan datagram, 1024), closed: make(chan struct{})}
	m.conns[addr] = c
	return c, nil
}

// ReadFromUDPAddrPort waits for a datagram.
func (c *memoryConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case d := <-c.in:
		return copy(b, d.data), d.from, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// WriteToUDPAddrPort delivers b, or loses it when nobody listens or too much waits, as UDP does.
func (c *memoryConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	c.m.mu.Lock()
	lost := c.m.drop != nil && c.m.drop(c.addr, to, b)
	peer := c.m.conns[to]
	c.m.mu.Unlock()
	if peer != nil && !lost {
		select {
		case peer.in <- datagram{c.addr, append([]byte(nil), b...)}:
		default:
		}
	}
	return len(b), nil
}

func (c *memoryConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.addr) }

func (c *memoryConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.m.mu.Lock()
		delete(c.m.conns, c.addr)
		c.m.mu.Unlock()
	})
	return nil
}
