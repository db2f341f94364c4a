package impair

import (
	"container/heap"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Proxy stands between two ends of a call, A and B. Each is told the proxy's address for its side as the other's; RTP
// goes to that port and RTCP to the next. Both directions of both are impaired.
type Proxy struct {
	sides [2]side
	began time.Time

	mu     sync.Mutex
	peers  [2]netip.AddrPort // of RTP; invalid until told or learned
	paths  [2]*Path          // from the side
	counts [2]Counts
	queue  queue
	number uint64
	closed bool
	wake   chan struct{}
	done   sync.WaitGroup
}

// Counts are packets from one side, RTP and RTCP.
type Counts struct{ Came, Lost, Sent, Duplicated uint64 }

type side struct{ conns [2]*net.UDPConn } // RTP, RTCP

// NewProxy binds a pair of ports for each side at ip and begins. forth is the way from A to B, back the other one.
func NewProxy(ip netip.Addr, forth, back Link) (*Proxy, error) {
	p := &Proxy{began: time.Now(), paths: [2]*Path{NewPath(forth), NewPath(back)}, wake: make(chan struct{}, 1)}
	for i := range p.sides {
		if err := p.sides[i].bind(ip); err != nil {
			p.unbind()
			return nil, fmt.Errorf("impair: %w", err)
		}
	}
	for i := range p.sides {
		for part := range 2 {
			p.done.Go(func() { p.read(i, part) })
		}
	}
	p.done.Go(p.send)
	return p, nil
}

// bind takes an even port and the next.
func (s *side) bind(ip netip.Addr) (err error) {
	for range 100 {
		if s.conns[0], err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0))); err != nil {
			return err
		}
		port := port(s.conns[0])
		if port%2 == 0 {
			if s.conns[1], err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, port+1))); err == nil {
				return nil
			}
		}
		s.conns[0].Close()
		s.conns[0] = nil
	}
	return errors.Join(errors.New("no free pair of ports"), err)
}

func port(c *net.UDPConn) uint16 { return uint16(c.LocalAddr().(*net.UDPAddr).Port) }

// A is where the end A sends, in place of B's address; B is the same for the other end.
func (p *Proxy) A() netip.AddrPort { return p.addr(0) }

// B is where the end B sends, in place of A's address.
func (p *Proxy) B() netip.AddrPort { return p.addr(1) }

func (p *Proxy) addr(i int) netip.AddrPort {
	a := p.sides[i].conns[0].LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Join tells where the ends receive RTP. An end that is not told (the zero address) is learned from its first packet.
func (p *Proxy) Join(a, b netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peers = [2]netip.AddrPort{a, b}
}

// Change puts other links in place of those of now, for what is sent from now on.
func (p *Proxy) Change(forth, back Link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paths = [2]*Path{NewPath(forth), NewPath(back)}
}

// Counts are what has come from A, and from B.
func (p *Proxy) Counts() (a, b Counts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[0], p.counts[1]
}

// Close ends the proxy and waits; packets on their way are lost.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.nudge()
	err := p.unbind()
	p.done.Wait()
	return err
}

func (p *Proxy) unbind() error {
	var errs []error
	for _, s := range p.sides {
		for _, c := range s.conns {
			if c != nil {
				errs = append(errs, c.Close())
			}
		}
	}
	return errors.Join(errs...)
}

// read takes the packets of one socket.
func (p *Proxy) read(i, part int) {
	buf := make([]byte, 65536)
	for {
		n, from, err := p.sides[i].conns[part].ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // an end that refuses its port
			continue
		}
		now := time.Since(p.began)
		p.mu.Lock()
		if !p.peers[i].IsValid() && part == 0 {
			p.peers[i] = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		}
		c := &p.counts[i]
		c.Came++
		arrivals := p.paths[i].Pass(now)
		if len(arrivals) == 0 {
			c.Lost++
		}
		c.Duplicated += uint64(max(len(arrivals)-1, 0))
		for _, at := range arrivals {
			p.number++
			heap.Push(&p.queue, packet{at: at, number: p.number, to: 1 - i, part: part, data: append([]byte(nil), buf[:n]...)})
		}
		p.mu.Unlock()
		p.nudge()
	}
}

func (p *Proxy) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// send lets packets go when it is their time.
func (p *Proxy) send() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		p.mu.Lock()
		for len(p.queue) > 0 && p.queue[0].at <= time.Since(p.began) {
			k := heap.Pop(&p.queue).(packet)
			to := p.peers[k.to]
			if !to.IsValid() || int(to.Port())+k.part > 65535 {
				continue
			}
			p.counts[1-k.to].Sent++
			_, _ = p.sides[k.to].conns[k.part].WriteToUDPAddrPort(k.data, netip.AddrPortFrom(to.Addr(), to.Port()+uint16(k.part)))
		}
		next := time.Hour
		if len(p.queue) > 0 {
			next = max(0, p.queue[0].at-time.Since(p.began))
		}
		closed := p.closed
		p.mu.Unlock()
		if closed {
			return
		}
		timer.Reset(next)
		select {
		case <-timer.C:
		case <-p.wake:
		}
	}
}

// packet is on its way.
type packet struct {
	at       time.Duration
	number   uint64 // those of one moment keep their order
	to, part int
	data     []byte
}

type queue []packet

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].number < q[j].number
}
func (q *queue) Push(x any) { *q = append(*q, x.(packet)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
