package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"offhook/sip/transaction"
)

// Errors of a target, one line for a person each.
var (
	errNoTarget  = errors.New("There is no number to call")
	errBadTarget = errors.New("That is neither a number nor a SIP address")
	errNoServer  = errors.New("The registrar cannot be reached; the number was not called")
)

// target reads what a person wants to call: a number as it is written anywhere, a name at home's host, or a SIP or tel URI.
func (p *Phone) target(raw string, home transaction.URI) (transaction.URI, error) {
	raw = strings.TrimSpace(raw)
	lower := strings.ToLower(raw)
	switch {
	case raw == "":
		return transaction.URI{}, errNoTarget
	case len(raw) > 256:
		return transaction.URI{}, errBadTarget
	case strings.HasPrefix(lower, "sip:"), strings.HasPrefix(lower, "sips:"):
	case strings.HasPrefix(lower, "tel:"):
		u, err := transaction.ParseURI(raw)
		if err != nil {
			return transaction.URI{}, errBadTarget
		}
		raw = userOf(u)
	case strings.Contains(raw, "@"):
		raw = "sip:" + raw
	}
	if strings.HasPrefix(strings.ToLower(raw), "sip") && strings.Contains(raw, ":") {
		u, err := transaction.ParseURI(raw)
		if err != nil || u.Host == "" {
			return transaction.URI{}, errBadTarget
		}
		if u.Scheme != "sip" {
			return transaction.URI{}, errors.New("That address demands TLS, which this account does not use")
		}
		u.Headers, u.Password = nil, ""
		return u, nil
	}
	user := strings.Map(unseparated, raw)
	if !digits(user) {
		user = raw
		for _, r := range user {
			if !strings.ContainsRune("-_.!~*'()&=+$,;?/#", r) && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') {
				return transaction.URI{}, errBadTarget
			}
		}
	}
	if home.Host == "" {
		return transaction.URI{}, errBadTarget
	}
	home.Scheme, home.User = "sip", user
	return home, nil
}

// home is where plain numbers live: the account's domain, or without a registrar the outbound proxy.
func (p *Phone) home() transaction.URI {
	if p.acc.registrar.none() && !p.acc.proxy.none() {
		return transaction.URI{Scheme: "sip", Host: p.acc.proxy.host, Port: p.acc.proxy.port}
	}
	return transaction.URI{Scheme: "sip", Host: p.acc.aor.Host, Port: p.acc.aor.Port}
}

// served reports whether the account's own servers carry a request for uri.
func (p *Phone) served(uri transaction.URI) bool {
	at := func(h hop) bool { // another port of the same host is another server
		return strings.EqualFold(uri.Host, h.host) && (uri.Port == 0 || uri.Port == h.portOr5060())
	}
	return p.reg != nil && (!p.acc.proxy.none() || at(hop{p.acc.aor.Host, p.acc.aor.Port}) || at(p.acc.registrar))
}

// route finds the way of a request outside of a dialog: the registrar's flow for our own domain and whenever there is an
// outbound proxy, else straight to the host of the URI. f runs on the loop, now or later.
func (p *Phone) route(uri transaction.URI, f func(*transaction.Flow, netip.AddrPort, []transaction.Address, error)) {
	if r := p.reg; p.served(uri) {
		if r.flow == nil || !r.flow.Alive() {
			f(nil, netip.AddrPort{}, nil, errNoServer)
			return
		}
		f(r.flow, r.dst, r.routes(), nil)
		return
	}
	next, tcp := hop{uri.Host, uri.Port}, p.acc.Transport == "tcp"
	var route []transaction.Address
	if t, ok := uri.Params.Get("transport"); ok {
		tcp = strings.EqualFold(t, "tcp")
	}
	if !p.acc.proxy.none() {
		next, tcp = p.acc.proxy, p.acc.Transport == "tcp"
		route = []transaction.Address{p.acc.proxyRoute()}
	}
	if dst, ok := next.addr(); ok && !tcp && p.udp != nil {
		f(p.udp, dst, route, nil)
		return
	}
	p.reach(next, tcp || p.udp == nil, func(flow *transaction.Flow, dst netip.AddrPort, err error) { f(flow, dst, route, err) })
}

func (a account) proxyRoute() transaction.Address {
	u := a.proxy.uri(a.Transport == "tcp")
	u.Params = u.Params.With("lr", "")
	return transaction.Address{URI: u}
}

// reach looks a host up and connects to it when it is by TCP; f runs on the loop.
func (p *Phone) reach(h hop, tcp bool, f func(*transaction.Flow, netip.AddrPort, error)) {
	p.jobs.Go(func() {
		ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
		defer cancel()
		dst, err := p.lookUp(ctx, h)
		flow := p.udp
		if err == nil && tcp {
			if flow, err = p.connectTo(ctx, dst); err != nil {
				err = fmt.Errorf("%s (%v) does not take connections: %w", h.host, dst, err)
			}
		}
		p.ua.Post(func() { f(flow, dst, err) })
	})
}

func (p *Phone) connectTo(ctx context.Context, dst netip.AddrPort) (*transaction.Flow, error) {
	if p.acc.net.dial != nil {
		return p.acc.net.dial(ctx, p.ua.Layer(), dst)
	}
	return p.ua.Layer().DialTCP(ctx, dst)
}

func (p *Phone) lookUp(ctx context.Context, h hop) (netip.AddrPort, error) {
	if a, ok := h.addr(); ok {
		return a, nil
	}
	if p.acc.Resolve != nil {
		a, err := p.acc.Resolve(ctx, h.host)
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("%s has no address: %w", h.host, err)
		}
		return netip.AddrPortFrom(a.Unmap(), uint16(h.portOr5060())), nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", h.host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%s has no address: %w", h.host, err)
	}
	want6 := p.acc.Listen.Addr().Is6() && !p.acc.Listen.Addr().IsUnspecified()
	for _, a := range addrs {
		if a.Unmap().Is6() == want6 {
			return netip.AddrPortFrom(a.Unmap(), uint16(h.portOr5060())), nil
		}
	}
	return netip.AddrPort{}, fmt.Errorf("%s has no address that %v can reach", h.host, p.acc.Listen.Addr())
}
