package sip

import (
	"context"
	"net/netip"

	"offhook/sip/dialog"
	"offhook/sip/locate"
	"offhook/sip/transaction"
)

// A call whose server dies, or cannot, goes to the next server that the name service knows for the same place (RFC 3263 §4.3).

// maxServers is how many servers one call is tried at.
const maxServers = 4

// nextServers finds further servers for a call to uri, which has gone to dst over flow first. The registration at a server that said
// nothing is looked after too.
func (p *Phone) nextServers(uri transaction.URI, flow *transaction.Flow, dst netip.AddrPort) dialog.NextServer {
	targets := p.hops(uri)
	tried := []locate.Server{{Transport: flow.Transport(), Addr: dst}}
	again := false
	return func(dead bool, f func(*transaction.Flow, netip.AddrPort)) {
		if p.closing || len(tried) >= maxServers {
			f(nil, netip.AddrPort{})
			return
		}
		last := len(tried) - 1
		switch {
		case last < 0: // the same server was asked for again, and not reached
		case dead && flow.Transport() != "UDP" && !flow.Alive() && !again: // the connection died; the server need not have
			again = true
			tried = tried[:last:last]
		case dead:
			p.locate.Failed(tried[last])
			p.suspect(flow)
		}
		sofar := tried
		p.jobs.Go(func() {
			ctx, cancel := context.WithTimeout(p.ctx, reachTime)
			defer cancel()
			to := p.another(ctx, targets, sofar)
			p.ua.Post(func() {
				if to.flow != nil {
					tried = append(tried, to.server)
					flow = to.flow
					p.log.Info("a call goes to the next server", "server", to.dst())
				}
				f(to.flow, to.dst())
			})
		})
	}
}

// another is the first server of these targets that was not tried and takes us; one without a flow: there is none.
func (p *Phone) another(ctx context.Context, targets []locate.Target, tried []locate.Server) path {
	for _, t := range targets {
		list, err := p.look(ctx, t)
		if err != nil {
			continue
		}
		for _, s := range list {
			if known(tried, s) {
				continue
			}
			if flow, err := p.flowTo(ctx, s); err == nil {
				return path{flow, s}
			}
			if ctx.Err() != nil {
				return path{}
			}
			p.locate.Failed(s)
		}
	}
	return path{}
}

func known(list []locate.Server, s locate.Server) bool {
	for _, o := range list {
		if same(o, s) {
			return true
		}
	}
	return false
}

// hops are the places whose servers carry a request for uri: those of the registrations, that of calls first; else that of route.
func (p *Phone) hops(uri transaction.URI) []locate.Target {
	if !p.served(uri) {
		t, _ := p.straight(uri)
		return []locate.Target{t}
	}
	var out []locate.Target
	line := p.line()
	for _, r := range p.regs {
		if t := p.acc.target(r.hop()); r == line {
			out = append([]locate.Target{t}, out...)
		} else {
			out = append(out, t)
		}
	}
	return out
}
