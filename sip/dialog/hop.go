package dialog

import (
	"context"
	"errors"
	"fmt"
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
	if port == 0 {
		port = 5060
	}
	if transport == "TLS" {
		f(nil, netip.AddrPort{}, fmt.Errorf("%w: TLS is asked for by %s", errHop, host))
		return
	}
	tcp := transport == "TCP" || flow == nil || flow.Transport() != "UDP"
	addr, err := netip.ParseAddr(host)
	if err == nil && !tcp {
		f(flow, netip.AddrPortFrom(addr.Unmap(), uint16(port)), nil)
		return
	}
	u.background(func(ctx context.Context) {
		if err != nil {
			addr, err = u.resolve(ctx, host)
		}
		dst := netip.AddrPortFrom(addr.Unmap(), uint16(port))
		next := flow
		if err == nil && tcp {
			next, err = u.layer.DialTCP(ctx, dst)
		}
		u.loop.post(func() {
			if err != nil {
				f(nil, dst, fmt.Errorf("%w: %w", errHop, err))
				return
			}
			if tcp {
				d.flow = next
			}
			f(next, dst, nil)
		})
	})
}

// background runs f on a goroutine that Close waits for.
func (u *UA) background(f func(context.Context)) {
	if u.over {
		f(u.ctx) // which fails at once
		return
	}
	u.jobs.Go(func() {
		ctx, cancel := context.WithTimeout(u.ctx, 10*time.Second)
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
