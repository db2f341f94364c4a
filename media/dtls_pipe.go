package media

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// pipe is the packet connection that a handshake believes to have: packets of its kind from the sound's socket, and
// what it sends goes out there. It implements net.PacketConn.
type pipe struct {
	in     chan []byte
	write  func([]byte)
	local  netip.AddrPort
	remote net.Addr

	mu      sync.Mutex
	expired chan struct{} // closed when the read deadline has passed
	timer   *time.Timer
	closed  chan struct{}
	once    sync.Once
}

// pipeDepth is how many packets a handshake may be behind; more are lost, as on any network.
const pipeDepth = 32

func newPipe(local netip.AddrPort, remote net.Addr, write func([]byte)) *pipe {
	return &pipe{in: make(chan []byte, pipeDepth), write: write, local: local, remote: remote,
		expired: make(chan struct{}), closed: make(chan struct{})}
}

// feed gives the handshake a packet. It never blocks.
func (p *pipe) feed(data []byte) {
	select {
	case p.in <- append([]byte(nil), data...):
	default:
	}
}

func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		p.mu.Lock()
		expired := p.expired
		p.mu.Unlock()
		select {
		case <-p.closed:
			return 0, nil, net.ErrClosed
		case <-expired:
			return 0, nil, os.ErrDeadlineExceeded
		default:
		}
		select {
		case data := <-p.in:
			return copy(b, data), p.remote, nil
		case <-p.closed:
		case <-expired:
		}
	}
}

func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	select {
	case <-p.closed:
		return 0, net.ErrClosed
	default:
		p.write(b)
		return len(b), nil
	}
}

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipe) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(p.local) }

func (p *pipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetReadDeadline follows net.Conn: a time that has passed ends a waiting read, a later one makes reading possible again.
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	select {
	case <-p.expired:
		p.expired = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return nil
	}
	expired := p.expired
	if d := time.Until(t); d > 0 {
		p.timer = time.AfterFunc(d, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.expired == expired {
				shut(expired)
			}
		})
		return nil
	}
	close(expired)
	return nil
}

// SetWriteDeadline does nothing: a datagram is never waited for.
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

func shut(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}
