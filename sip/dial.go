package sip

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"offhook/sip/caller"
	"offhook/sip/locate"
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
		raw = caller.User(u)
	case strings.Contains(raw, "@"):
		raw = "sip:" + raw
	}
	if strings.HasPrefix(strings.ToLower(raw), "sip") && strings.Contains(raw, ":") {
		u, err := transaction.ParseURI(raw)
		if err != nil || u.Host == "" {
			return transaction.URI{}, errBadTarget
		}
		if u.Scheme != "sip" && p.acc.Transport != "tls" && p.acc.Transport != "auto" {
			return transaction.URI{}, errors.New("That address demands TLS, which this account does not use")
		}
		u.Headers, u.Password = nil, ""
		return u, nil
	}
	user := strings.Map(caller.Unseparated, raw)
	if !caller.Digits(user) {
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
	home.Scheme, home.User = p.acc.aor.Scheme, user
	return home, nil
}

// home is where plain numbers live: the account's domain, or without a registrar the outbound proxy.
func (p *Phone) home() transaction.URI {
	if !p.acc.registers() && !p.acc.proxy.none() {
		return transaction.URI{Scheme: "sip", Host: p.acc.proxy.host, Port: p.acc.proxy.port}
	}
	return transaction.URI{Scheme: "sip", Host: p.acc.aor.Host, Port: p.acc.aor.Port}
}

// at reports whether uri is of the account's domain or at its registrar.
func (p *Phone) at(uri transaction.URI) bool {
	at := func(h hop) bool { // another port of the same host is another server
		return strings.EqualFold(uri.Host, h.host) && (uri.Port == 0 || uri.Port == h.portOr5060())
	}
	for _, w := range p.acc.ways {
		if at(w.registrar) || at(hop{host: p.acc.aor.Host, port: p.acc.aor.Port}) {
			return true
		}
	}
	return false
}

// served reports whether the account's own servers carry a request for uri.
func (p *Phone) served(uri transaction.URI) bool {
	return p.at(uri) || slices.ContainsFunc(p.acc.ways, func(w way) bool { return !w.proxy.none() })
}

// route finds the way of a request outside of a dialog: the flow of a registration for our own domain and whenever there is an
// outbound proxy, else straight to the host of the URI. f runs on the loop, now or later.
func (p *Phone) route(uri transaction.URI, f func(*transaction.Flow, netip.AddrPort, []transaction.Address, error)) {
	if p.served(uri) {
		p.whenUp(func(r *registration) {
			if r == nil {
				f(nil, netip.AddrPort{}, nil, errNoServer)
				return
			}
			f(r.at.flow, r.at.dst(), r.routes(), nil)
		})
		return
	}
	t, route := p.straight(uri)
	if a, err := netip.ParseAddr(t.Host); err == nil && t.Transport == "UDP" {
		port := uint16(t.Port)
		if port == 0 {
			port = 5060
		}
		p.rebind() // if the socket has just died
		f(p.udp, netip.AddrPortFrom(a.Unmap(), port), route, nil)
		return
	}
	p.reach(t, func(to path, err error) { f(to.flow, to.dst(), route, err) })
}

// straight is where a request for uri goes that no registrar of ours carries, and by which routes.
func (p *Phone) straight(uri transaction.URI) (locate.Target, []transaction.Address) {
	next := hop{host: uri.Host, port: uri.Port, secure: uri.Scheme == "sips"}
	next.transport, _ = uri.Params.Get("transport")
	var route []transaction.Address
	if !p.acc.proxy.none() {
		next = p.acc.proxy
		route = []transaction.Address{p.acc.proxyRoute(next)}
	}
	t := p.acc.target(next)
	if t.Transport == "UDP" && p.udp == nil {
		t.Transport = "TCP"
	}
	return t, route
}
