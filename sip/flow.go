package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"offhook/sip/locate"
	"offhook/sip/transaction"
)

// path is a flow to one server.
type path struct {
	flow   *transaction.Flow
	server locate.Server
}

func (p path) dst() netip.AddrPort { return p.server.Addr }

func (p path) alive() bool { return p.flow != nil && p.flow.Alive() }

// same reports whether two servers are one place, whatever they are called.
func same(a, b locate.Server) bool { return a.Transport == b.Transport && a.Addr == b.Addr }

// reachTime bounds the way to a server: look-up and connections.
const reachTime = 10 * time.Second

// find looks for servers; f runs on the loop.
func (p *Phone) find(t locate.Target, f func([]locate.Server, error)) {
	p.jobs.Go(func() {
		ctx, cancel := context.WithTimeout(p.ctx, reachTime)
		defer cancel()
		list, err := p.look(ctx, t)
		p.ua.Post(func() { f(list, err) })
	})
}

// look asks the resolver, or Config.Resolve where there is one.
func (p *Phone) look(ctx context.Context, t locate.Target) ([]locate.Server, error) {
	if _, err := netip.ParseAddr(t.Host); err != nil && p.acc.Resolve != nil {
		domain := t.Host
		a, err := p.acc.Resolve(ctx, domain)
		if err != nil {
			return nil, fmt.Errorf("%s has no address: %w", domain, err)
		}
		t.Host = a.String()
		list, err := p.locate.Find(ctx, t)
		for i := range list {
			list[i].Domain = domain
		}
		return list, err
	}
	return p.locate.Find(ctx, t)
}

// open makes a flow to a server, or takes the socket for UDP. It may be called on any goroutine.
func (p *Phone) open(ctx context.Context, s locate.Server) (*transaction.Flow, error) {
	var flow *transaction.Flow
	var err error
	switch l := p.ua.Layer(); {
	case s.Transport == "UDP":
		if flow = p.socket.Load(); flow == nil || !flow.Alive() {
			return nil, errors.New("The socket of the telephone is closed; it is being opened again")
		}
	case p.acc.net.dial != nil:
		flow, err = p.acc.net.dial(ctx, l, s.Addr)
	case s.Transport == "TLS":
		flow, err = l.DialTLS(ctx, s.Addr, p.acc.tlsFor(s.Domain))
	default:
		flow, err = l.DialTCP(ctx, s.Addr)
	}
	if err != nil && !errors.Is(err, transaction.ErrCertificate) {
		err = fmt.Errorf("%s (%v) does not take connections: %w", s.Name, s.Addr, err)
	}
	return flow, err
}

// openFor is open for the loop: f runs on it.
func (p *Phone) openFor(s locate.Server, f func(*transaction.Flow, error)) {
	if s.Transport == "UDP" {
		f(p.open(p.ctx, s))
		return
	}
	p.jobs.Go(func() {
		ctx, cancel := context.WithTimeout(p.ctx, reachTime)
		defer cancel()
		flow, err := p.open(ctx, s)
		p.ua.Post(func() { f(flow, err) })
	})
}

// reach finds the first server of a target that takes us; f runs on the loop.
func (p *Phone) reach(t locate.Target, f func(path, error)) {
	p.jobs.Go(func() {
		ctx, cancel := context.WithTimeout(p.ctx, reachTime)
		defer cancel()
		list, err := p.look(ctx, t)
		var to path
		for _, s := range list {
			to.server = s
			if to.flow, err = p.flowTo(ctx, s); err == nil || ctx.Err() != nil {
				break
			}
			p.locate.Failed(s)
		}
		p.ua.Post(func() { f(to, err) })
	})
}

// flowTo is a flow of ours that leads to a server already, else a new one.
func (p *Phone) flowTo(ctx context.Context, s locate.Server) (*transaction.Flow, error) {
	if flow := p.lineTo(s); flow != nil {
		return flow, nil
	}
	return p.open(ctx, s)
}

// lineTo is the flow of a registration that leads to a server; nil: there is none.
func (p *Phone) lineTo(s locate.Server) *transaction.Flow {
	for _, l := range *p.lines.Load() {
		if same(l.server, s) && l.alive() {
			return l.flow
		}
	}
	return nil
}

// connectHop is the way of requests in dialogs and of those that are too large for UDP (dialog.Config.Connect). A literal address
// that is one of our servers' is that server: its certificate proves the domain, not the address.
func (p *Phone) connectHop(ctx context.Context, host string, port int, transport string) (*transaction.Flow, netip.AddrPort, error) {
	list, err := p.look(ctx, locate.Target{Host: host, Port: port, Transport: transport, Secure: transport == "TLS", Family: p.acc.family()})
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	for _, s := range list {
		if s.Transport == "UDP" {
			return nil, s.Addr, nil
		}
		for _, l := range *p.lines.Load() {
			if l.server.Addr.Addr() == s.Addr.Addr() {
				s.Domain = l.server.Domain
			}
		}
		flow := p.lineTo(s)
		if flow != nil {
			return flow, s.Addr, nil
		}
		if p.deaf.is(s) {
			err = errors.New("this server did not take a connection a moment ago")
			continue
		}
		p.awaitLine(ctx, s)
		if flow, err = p.flowTo(ctx, s); err == nil {
			return flow, s.Addr, nil
		}
		p.deaf.add(s)
		p.locate.Failed(s)
	}
	return nil, netip.AddrPort{}, err
}

// awaitLine waits while a registration at a server is about to come back over a new connection: requests in dialogs go over that one
// too. It is not called on the loop.
func (p *Phone) awaitLine(ctx context.Context, s locate.Server) {
	if !slices.ContainsFunc(*p.lines.Load(), func(l line) bool { return same(l.server, s) && l.flow != nil && !l.alive() }) {
		return
	}
	back := make(chan struct{})
	p.ua.Post(func() {
		p.whenUp(func(*registration) { close(back) })
	})
	select {
	case <-back:
	case <-ctx.Done():
	}
}

// listen opens the socket of the account's transport; without a registrar both, on one port, for who comes by TCP.
func (p *Phone) listen() error {
	l := p.ua.Layer()
	if p.acc.net.listen != nil {
		f, err := p.acc.net.listen(l)
		if err == nil {
			p.bound(f)
		}
		return err
	}
	if p.acc.registers() && (p.acc.Transport == "tcp" || p.acc.Transport == "tls") {
		if p.acc.Transport == "tls" { // what is private comes over what we dialled, and over nothing else
			p.local.Store(&p.acc.Listen)
			return nil
		}
		n, err := l.ListenTCP(p.acc.Listen)
		if err != nil {
			return fmt.Errorf("the telephone cannot listen on %v: %w", p.acc.Listen, err)
		}
		a := n.Addr()
		p.local.Store(&a)
		return nil
	}
	const tries = 8 // a port that the system chose for UDP may be taken on TCP
	for try := 1; ; try++ {
		f, err := l.ListenUDP(p.acc.Listen)
		if err != nil {
			return fmt.Errorf("the telephone cannot listen on %v: %w", p.acc.Listen, err)
		}
		p.bound(f)
		if p.acc.registers() {
			return nil
		}
		if _, err = l.ListenTCP(f.LocalAddr()); err == nil {
			return nil
		}
		if p.acc.Listen.Port() != 0 || try == tries {
			return fmt.Errorf("the telephone cannot listen on %v by TCP: %w", f.LocalAddr(), err)
		}
		f.Close()
	}
}

func (p *Phone) bound(f *transaction.Flow) {
	a := f.LocalAddr()
	p.udp = f
	p.socket.Store(f)
	p.local.Store(&a)
}

// rebind opens a UDP socket that died again: on its port, or on another where the configuration leaves it open. Until that
// works, once a second.
func (p *Phone) rebind() {
	if p.closing || p.udp == nil || p.udp.Alive() {
		return
	}
	open := func() (*transaction.Flow, error) {
		if p.acc.net.listen != nil {
			return p.acc.net.listen(p.ua.Layer())
		}
		f, err := p.ua.Layer().ListenUDP(netip.AddrPortFrom(p.acc.Listen.Addr(), p.udp.LocalAddr().Port()))
		if err != nil && p.acc.Listen.Port() == 0 {
			f, err = p.ua.Layer().ListenUDP(p.acc.Listen)
		}
		return f, err
	}
	f, err := open()
	if err != nil {
		p.log.Warn("the socket cannot be opened again", "err", err)
		p.rebinds = time.AfterFunc(time.Second, func() { p.ua.Post(p.rebind) })
		return
	}
	old := p.udp
	p.bound(f)
	p.moveCalls(old, path{flow: f}, false)
	for _, r := range p.regs {
		if r.uses(old) {
			r.renew(false)
		}
	}
}

// Woke tells the phone that the machine slept: what was registered is registered again over new flows, and calls move to them.
func (p *Phone) Woke() { p.ua.Post(p.renew) }

// NetworkChanged tells the phone that the machine's addresses or its way out changed; it does what Woke does.
func (p *Phone) NetworkChanged() { p.ua.Post(p.renew) }

func (p *Phone) renew() {
	if p.closing {
		return
	}
	p.locate.Forget()
	p.deaf.forget()
	if p.udp != nil {
		p.udp.Rerouted()
	}
	for _, r := range p.regs {
		r.renew(true)
	}
}

// moveCalls refreshes the calls that run over old, to go over to. changed says that our Contact is another one
// even though the flow is the same.
func (p *Phone) moveCalls(old *transaction.Flow, to path, changed bool) {
	if old == nil || old == to.flow && !changed {
		return
	}
	for _, l := range p.legs {
		if l.s == nil || l.s.Home() != old {
			continue
		}
		dst := to.dst()
		if !dst.IsValid() {
			dst = l.s.Peer()
		}
		if ip := to.flow.LocalFor(dst).Addr(); l.media != nil && p.acc.Listen.Addr().IsUnspecified() {
			l.s.Refresh(to.flow, dst, transaction.Address{}, l.local(ip, to.flow))
			continue
		}
		l.s.Refresh(to.flow, dst, transaction.Address{})
	}
}

// deaf remembers servers that take no connection, so that not every large request waits for it (RFC 3261 §18.1.1).
type deaf struct {
	mu    sync.Mutex
	until map[netip.AddrPort]time.Time
}

// deafFor is how long a connection is not tried again, maxDeaf how many of those are remembered.
const (
	deafFor = 5 * time.Minute
	maxDeaf = 64
)

func (d *deaf) is(s locate.Server) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Before(d.until[s.Addr])
}

func (d *deaf) add(s locate.Server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.until == nil || len(d.until) >= maxDeaf {
		d.until = map[netip.AddrPort]time.Time{}
	}
	d.until[s.Addr] = time.Now().Add(deafFor)
}

func (d *deaf) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = nil
}
