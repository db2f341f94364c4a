package locate

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// service is one way that a domain offers: a transport and the SRV name that lists its servers.
type service struct{ transport, name string }

// maxServices bounds the SRV names of one domain, and maxRecords what is read of one answer.
const (
	maxServices = 8
	maxRecords  = 64
)

// find works through RFC 3263 §4.1 and §4.2 for a host that is a name.
func (r *Resolver) find(ctx context.Context, t Target) ([]Server, error) {
	if t.Port != 0 || !strings.Contains(t.Host, ".") || isLocal(t.Host) || len(inHosts(r.cfg.Hosts, t.Host)) > 0 {
		// There is nothing for SRV to say.
		return r.hostServers(ctx, t, t.transport(), t.Host, t.Port)
	}
	ctx, cancel := context.WithCancel(ctx)
	var early sync.WaitGroup
	defer early.Wait()
	defer cancel()
	services := r.services(ctx, t, &early)
	records := make([][]*dns.SRV, len(services))
	var closed error
	var wg sync.WaitGroup
	for i, s := range services {
		wg.Go(func() { records[i] = r.srv(ctx, s.name) })
	}
	wg.Wait()
	var out []Server
	var why error
	any, asked := false, 0
	for i, s := range services {
		for _, rec := range r.order(records[i]) {
			any = true
			if rec.Target == "." { // RFC 2782: decidedly not
				closed = &Error{t.Host, "says that it takes no calls over " + s.transport, ErrNoService}
				continue
			}
			if asked++; len(out) >= maxServers || asked > maxServers || rec.Port == 0 {
				continue
			}
			found, err := r.hostServers(ctx, t, s.transport, strings.TrimSuffix(rec.Target, "."), int(rec.Port))
			if err != nil {
				why = err
				continue
			}
			out = append(out, found...)
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case closed != nil:
		return nil, closed
	case why != nil:
		return nil, why
	case any:
		return nil, &Error{t.Host, "names servers that cannot be used", ErrNoService}
	}
	return r.hostServers(ctx, t, t.transport(), t.Host, 0)
}

// services chooses by NAPTR where there is one, else by what this phone can do. SRV is asked for at the same time, for some
// name servers never answer NAPTR; early is what of it may still run.
func (r *Resolver) services(ctx context.Context, t Target, early *sync.WaitGroup) []service {
	plain := srvNames(t)
	if t.Transport != "" && !t.Secure { // §4.1: the transport is settled
		return plain
	}
	for _, s := range plain {
		early.Go(func() { r.srv(ctx, s.name) })
	}
	records, err := r.ask(ctx, t.Host, dns.TypeNAPTR)
	if err == nil {
		if chosen := choose(records, t.Secure); len(chosen) > 0 {
			return chosen
		}
	}
	return plain
}

func srvNames(t Target) []service {
	udp, tcp, tls := service{"UDP", "_sip._udp." + t.Host}, service{"TCP", "_sip._tcp." + t.Host}, service{"TLS", "_sips._tcp." + t.Host}
	switch t.Transport {
	case "UDP":
		return []service{udp}
	case "TCP":
		return []service{tcp}
	case "TLS":
		return []service{tls}
	}
	return []service{udp, tcp}
}

// choose picks from NAPTR records the services of the lowest order that has one we know, by preference (RFC 3263 §4.1, RFC 3403
// §4.1). Without any, SRV is tried as if there were no NAPTR: domains forget records more often than they mean it.
func choose(records []dns.RR, secure bool) (out []service) {
	var list []*dns.NAPTR
	for _, rr := range records {
		n, ok := rr.(*dns.NAPTR)
		if !ok || len(list) >= maxRecords {
			continue
		}
		s := strings.ToUpper(n.Service)
		transport := naptrTransport(s)
		name := strings.TrimSuffix(n.Replacement, ".")
		if !strings.EqualFold(n.Flags, "s") || n.Regexp != "" || transport == "" || secure && transport != "TLS" || !isHost(name) {
			continue
		}
		list = append(list, n)
	}
	slices.SortStableFunc(list, func(a, b *dns.NAPTR) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
	})
	for _, n := range list {
		if n.Order != list[0].Order || len(out) >= maxServices {
			break
		}
		out = append(out, service{naptrTransport(strings.ToUpper(n.Service)), strings.TrimSuffix(n.Replacement, ".")})
	}
	return out
}

func naptrTransport(service string) string {
	switch service {
	case "SIPS+D2T":
		return "TLS"
	case "SIP+D2T":
		return "TCP"
	case "SIP+D2U":
		return "UDP"
	}
	return ""
}

// srv asks for the SRV records of one name; that there are none, and that nobody says so, is the same to the caller.
func (r *Resolver) srv(ctx context.Context, name string) (out []*dns.SRV) {
	records, err := r.ask(ctx, name, dns.TypeSRV)
	if errors.Is(err, errNoServers) {
		return r.systemSRV(ctx, name)
	}
	for _, rr := range records {
		if s, ok := rr.(*dns.SRV); ok && (s.Target == "." || isHost(strings.TrimSuffix(s.Target, "."))) {
			out = append(out, s)
		}
	}
	return out
}

// systemSRV is for systems that do not say who their name servers are.
func (r *Resolver) systemSRV(ctx context.Context, name string) (out []*dns.SRV) {
	_, list, err := r.cfg.System.LookupSRV(ctx, "", "", name)
	if err != nil {
		return nil
	}
	for _, s := range list {
		if s.Target == "." || isHost(strings.TrimSuffix(s.Target, ".")) {
			out = append(out, &dns.SRV{Priority: s.Priority, Weight: s.Weight, Port: s.Port, Target: s.Target})
		}
	}
	return out
}

// order sorts SRV records by priority, and within one by weight as RFC 2782 asks: each is first with a probability of its
// share. The order is drawn once for a resolver, not at each look-up: a phone that asks again must not wander between servers.
func (r *Resolver) order(list []*dns.SRV) []*dns.SRV {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *dns.SRV) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(r.lot(a), r.lot(b)))
	})
	return list
}

// lot is drawn from an exponential distribution with the record's weight as its rate: the smallest is first with the
// probability that the weights give (Efraimidis and Spirakis). A weight of 0 has hardly a chance beside others.
func (r *Resolver) lot(s *dns.SRV) float64 {
	h := fnv(r.seed, strings.ToLower(s.Target), s.Port)
	u := (float64(h>>11) + 1) / (1 << 53) // in (0, 1]
	weight := float64(s.Weight)
	if weight == 0 {
		weight = 0.01
	}
	return -math.Log(u) / weight
}

// hostServers are the addresses of one host as servers.
func (r *Resolver) hostServers(ctx context.Context, t Target, transport, host string, port int) ([]Server, error) {
	addrs, err := r.addresses(ctx, host, t.Family)
	if err != nil {
		return nil, err
	}
	var out []Server
	for _, a := range addrs {
		out = append(out, t.server(transport, a, port, host))
	}
	return out, nil
}

// Addresses are the A and AAAA records of a host, or itself when it is an IP literal.
func (r *Resolver) Addresses(ctx context.Context, host string, f Family) ([]netip.Addr, error) {
	servers, err := r.Find(ctx, Target{Host: host, Port: 1, Family: f})
	var out []netip.Addr
	for _, s := range servers {
		out = append(out, s.Addr.Addr())
	}
	return out, err
}
