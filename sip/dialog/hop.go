package dialog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"time"

	"offhook/sip/transaction"
)

// errHop says why a request found no way; RFC 3261 §8.1.3.1 treats it as a 503.
var errHop = errors.New("no way to the far end")

// hop finds flow and address for a request and gives them to f, on the loop: at once when the next hop is an IP address and
// the flow lives, else after a look-up or a new connection.
//
// A connection that is open is used whatever the URI says: the far end reached us over it, or we reached it, and behind a
// NAT there is no other way (RFC 5626).
func (u *UA) hop(d *ident, req *transaction.Request, f func(*transaction.Flow, netip.AddrPort, error)) {
	flow := d.flow
	if flow != nil && flow.Transport() != "UDP" && flow.Alive() {
		f(flow, flow.RemoteAddr(), nil)
		return
	}
	// A strict router is already the Request-URI; so the first of Route counts only when it is a loose one.
	route := req.Route
	if len(route) > 0 {
		if _, lr := route[0].URI.Params.Get("lr"); !lr {
			route = nil
		}
	}
	host, port, transport := transaction.Destination(req.URI, route)
	switch {
	case transport == "TLS":
	case transport == "TCP", flow == nil, flow.Transport() == "TCP":
		transport = "TCP"
	case flow.Transport() == "TLS": // what was private stays so
		transport = "TLS"
	default:
		transport = "UDP"
		if addr, err := netip.ParseAddr(host); err == nil {
			if port == 0 {
				port = 5060
			}
			f(flow, netip.AddrPortFrom(addr.Unmap(), uint16(port)), nil)
			return
		}
	}
	u.background(hopTime, func(ctx context.Context) {
		next, dst, err := u.connect(ctx, host, port, transport)
		u.loop.post(func() {
			switch {
			case err != nil:
				f(nil, dst, fmt.Errorf("%w: %w", errHop, err))
			case next != nil:
				d.flow = next
				f(next, dst, nil)
			case flow != nil:
				f(flow, dst, nil)
			default:
				f(nil, dst, fmt.Errorf("%w: no flow for UDP", errHop))
			}
		})
	})
}

// Times for the way to a next hop, and for the connection that a large request would rather have.
const (
	hopTime    = 10 * time.Second
	streamTime = 4 * time.Second
)

// connect is Config.Connect, or what a UA does without it.
func (u *UA) connect(ctx context.Context, host string, port int, transport string) (*transaction.Flow, netip.AddrPort, error) {
	if u.cfg.Connect != nil {
		return u.cfg.Connect(ctx, host, port, transport)
	}
	if transport == "TLS" {
		return nil, netip.AddrPort{}, fmt.Errorf("TLS is asked for by %s", host)
	}
	if port == 0 {
		port = 5060
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		if addr, err = u.resolve(ctx, host); err != nil {
			return nil, netip.AddrPort{}, err
		}
	}
	dst := netip.AddrPortFrom(addr.Unmap(), uint16(port))
	if transport == "UDP" {
		return nil, dst, nil
	}
	flow, err := u.layer.DialTCP(ctx, dst)
	return flow, dst, err
}

// stream finds a connection to dst for a request that is too large for UDP (RFC 3261 §18.1.1), and keeps it for the next one.
func (u *UA) stream(dst netip.AddrPort, f func(*transaction.Flow, netip.AddrPort, error)) {
	if flow := u.streams[dst]; flow != nil && flow.Alive() {
		f(flow, dst, nil)
		return
	}
	maps.DeleteFunc(u.streams, func(_ netip.AddrPort, flow *transaction.Flow) bool { return !flow.Alive() })
	if len(u.streams) >= maxStreams {
		f(nil, dst, errHop)
		return
	}
	u.background(streamTime, func(ctx context.Context) {
		flow, to, err := u.connect(ctx, dst.Addr().String(), int(dst.Port()), "TCP")
		u.loop.post(func() {
			if err == nil && flow == nil {
				err = errHop
			}
			if err == nil {
				u.streams[dst] = flow
			}
			f(flow, to, err)
		})
	})
}

// maxStreams is how many such connections there may be; they stay until the far end or the layer closes them.
const maxStreams = 64

// background runs f on a goroutine that Close waits for.
func (u *UA) background(limit time.Duration, f func(context.Context)) {
	if u.over {
		f(u.ctx) // which fails at once
		return
	}
	u.jobs.Go(func() {
		ctx, cancel := context.WithTimeout(u.ctx, limit)
		defer cancel()
		f(ctx)
	})
}

func (u *UA) resolve(ctx context.Context, host string) (netip.Addr, error) {
	if u.cfg.Resolve != nil {
		return u.cfg.Resolve(ctx, host)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range addrs { // our sockets are IPv4 unless the host has nothing else
		if a.Unmap().Is4() {
			return a.Unmap(), nil
		}
	}
	if len(addrs) == 0 {
		return netip.Addr{}, fmt.Errorf("%s has no address", host)
	}
	return addrs[0], nil
}
