package sip

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"

	"offhook/sip/dialog"
	"offhook/sip/locate"
	"offhook/sip/transaction"
)

// network is where a phone has its socket and makes its connections; the zero value is the system's. Tests run in virtual time
// on one of their own.
type network struct {
	listen func(*transaction.Layer) (*transaction.Flow, error)
	dial   func(context.Context, *transaction.Layer, netip.AddrPort) (*transaction.Flow, error)
}

// account is a Config that has been read.
type account struct {
	Config
	aor    transaction.URI
	secure bool  // a sips account: TLS all the way
	ways   []way // how to be reached: none without a registrar, else one or two
	proxy  hop   // of calls when there is no registrar
	tls    *tls.Config
	codecs []dialog.Codec
}

// way is one registrar and how to get there.
type way struct{ registrar, proxy hop }

// next is the first hop: the outbound proxy, else the registrar.
func (w way) next() hop {
	if !w.proxy.none() {
		return w.proxy
	}
	return w.registrar
}

// hop is a server by name.
type hop struct {
	host      string
	port      int
	transport string // as the URI says, "" when it does not
	secure    bool   // a sips URI
}

func (h hop) none() bool { return h.host == "" }

func (h hop) portOr5060() int {
	if h.port == 0 {
		return 5060
	}
	return h.port
}

// readServers reads everything about the account and the way to its servers, but for the files of TLS.
func (a *account) readServers() error {
	c := a.Config
	var err error
	if a.aor, err = transaction.ParseURI(c.Account); err != nil || a.aor.Scheme != "sip" && a.aor.Scheme != "sips" || a.aor.User == "" || a.aor.Host == "" {
		return &ConfigError{"account", fmt.Sprintf("%q is not an address of the form sip:user@domain", c.Account)}
	}
	a.secure = a.aor.Scheme == "sips"
	switch a.Transport = strings.ToLower(c.Transport); {
	case a.Transport == "" && a.secure:
		a.Transport = "tls"
	case a.Transport == "":
		a.Transport = "udp"
	case a.Transport == "udp", a.Transport == "tcp", a.Transport == "tls", a.Transport == "auto":
	case a.Transport == "ws", a.Transport == "wss":
		return &ConfigError{"transport", "this phone does not do SIP over WebSocket; use tls"}
	default:
		return &ConfigError{"transport", fmt.Sprintf("%q is none of udp, tcp, tls and auto", c.Transport)}
	}
	if a.secure && a.Transport != "tls" && a.Transport != "auto" {
		return &ConfigError{"transport", "a sips account needs tls"}
	}
	read := func(key, value string) (h hop) {
		switch {
		case err != nil || value == "":
		case value == "auto" && strings.HasPrefix(key, "registrar"):
			h = hop{a.aor.Host, a.aor.Port, "", a.secure}
		default:
			var e error
			if h, e = readHop(value); e != nil {
				err = &ConfigError{key, e.Error()}
			}
		}
		return h
	}
	first := way{read("registrar", c.Registrar), read("outbound_proxy", c.OutboundProxy)}
	second := way{read("registrar2", c.Registrar2), read("outbound_proxy2", c.OutboundProxy2)}
	if err != nil {
		return err
	}
	a.proxy = first.proxy
	if first.registrar.none() {
		if !second.registrar.none() || !second.proxy.none() {
			return &ConfigError{"registrar2", "there is a second registrar but no first one"}
		}
	} else {
		a.ways = append(a.ways, first)
		if second.registrar.none() && !second.proxy.none() {
			second.registrar = first.registrar
		}
		if !second.registrar.none() {
			a.ways = append(a.ways, second)
		}
	}
	return nil
}

// registers reports whether there is a registrar.
func (a account) registers() bool { return len(a.ways) > 0 }

// tlsFor is how a server that was found for domain proves itself.
func (a account) tlsFor(domain string) *tls.Config {
	if a.TLS.ServerName != "" {
		domain = a.TLS.ServerName
	}
	if a.TLS.AllowInsecure {
		cfg := a.tls.Clone()
		cfg.InsecureSkipVerify = true
		cfg.ServerName = domain
		return cfg
	}
	return transaction.Proof{Domain: domain, Wildcard: a.TLS.Wildcard}.Config(a.tls)
}

// target is what to look for to reach h.
func (a account) target(h hop) locate.Target {
	t := locate.Target{Host: h.host, Port: h.port, Transport: h.transport, Secure: h.secure || a.secure, Family: a.family()}
	if t.Transport == "" && a.Transport != "auto" {
		t.Transport = strings.ToUpper(a.Transport)
	}
	return t
}

// family is what our sockets can reach: UDP has one that is bound, and everything else follows it.
func (a account) family() locate.Family {
	addr := a.Listen.Addr()
	switch {
	case a.Transport != "udp" && a.Transport != "auto" && addr.IsUnspecified():
		return locate.IPv4First
	case addr.Is4():
		return locate.IPv4Only
	case addr.IsUnspecified():
		return locate.IPv4First
	}
	return locate.IPv6Only
}

// proxyRoute is an outbound proxy as a preloaded route (RFC 3261 §8.1.2).
func (a account) proxyRoute(h hop) transaction.Address {
	u := transaction.URI{Scheme: "sip", Host: h.host, Port: h.port}
	if h.secure || a.secure {
		u.Scheme = "sips"
	}
	switch {
	case h.transport != "":
		u.Params = u.Params.With("transport", strings.ToLower(h.transport))
	case a.Transport == "tcp", a.Transport == "tls":
		u.Params = u.Params.With("transport", a.Transport)
	}
	u.Params = u.Params.With("lr", "")
	return transaction.Address{URI: u}
}

// readHop reads "host", "host:port", "[2001:db8::1]:5060" or a SIP URI.
func readHop(s string) (hop, error) {
	raw, lower := s, strings.ToLower(s)
	if strings.HasPrefix(lower, "ws:") || strings.HasPrefix(lower, "wss:") {
		return hop{}, fmt.Errorf("%q: this phone does not do SIP over WebSocket", raw)
	}
	if !strings.HasPrefix(lower, "sip:") && !strings.HasPrefix(lower, "sips:") {
		if a, err := netip.ParseAddr(s); err == nil && a.Is6() {
			s = "[" + s + "]"
		}
		s = "sip:" + s
	}
	u, err := transaction.ParseURI(s)
	if err != nil || u.Host == "" || strings.ContainsAny(u.Host, " /") {
		return hop{}, fmt.Errorf("%q is not a host or host:port", raw)
	}
	h := hop{host: u.Host, port: u.Port, secure: u.Scheme == "sips"}
	if t, ok := u.Params.Get("transport"); ok {
		switch h.transport = strings.ToUpper(t); h.transport {
		case "UDP", "TCP", "TLS":
		case "WS", "WSS":
			return hop{}, fmt.Errorf("%q: this phone does not do SIP over WebSocket", raw)
		default:
			return hop{}, fmt.Errorf("%q names a transport that this phone does not know", raw)
		}
	}
	return h, nil
}
