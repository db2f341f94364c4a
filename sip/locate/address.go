package locate

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// maxNameServers bounds what is read of resolv.conf, maxHosts the bytes of a hosts file.
const (
	maxNameServers = 4
	maxHosts       = 1 << 20
)

// servers are the name servers to ask; the file is read again each time, because a network change rewrites it.
func (r *Resolver) servers() []netip.AddrPort {
	if r.cfg.Servers != nil {
		return r.cfg.Servers
	}
	conf, err := dns.ClientConfigFromFile(r.cfg.ResolvConf)
	if err != nil {
		return nil
	}
	var out []netip.AddrPort
	for _, s := range conf.Servers {
		if a, err := netip.ParseAddr(s); err == nil && len(out) < maxNameServers {
			out = append(out, netip.AddrPortFrom(a.Unmap(), 53))
		}
	}
	return out
}

// isLocal: names that no name server knows (RFC 6761 §6.3, RFC 6762 §3).
func isLocal(host string) bool {
	h := strings.ToLower(host)
	return h == "localhost" || strings.HasSuffix(h, ".localhost") || strings.HasSuffix(h, ".local")
}

// addresses are the addresses of one host: those of the hosts file, else A and AAAA, else what the system knows.
func (r *Resolver) addresses(ctx context.Context, host string, f Family) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return order([]netip.Addr{a.Unmap()}, f), nil
	}
	if out := order(inHosts(r.cfg.Hosts, host), f); len(out) > 0 {
		return out, nil
	}
	var why error
	public := strings.Contains(host, ".") && !isLocal(host)
	if public {
		out, err := r.records(ctx, host, f)
		if out = order(out, f); len(out) > 0 {
			return out, nil
		}
		why = err
	}
	out, err := r.system(ctx, host)
	if out = order(out, f); len(out) > 0 {
		return out, nil
	}
	if !public || errors.Is(why, errNoServers) {
		why = err
	}
	var dnsErr *net.DNSError
	switch {
	case errors.Is(why, ErrNameService), errors.Is(why, context.DeadlineExceeded), errors.As(why, &dnsErr) && dnsErr.IsTimeout:
		return nil, &Error{host, "cannot be looked up: the name service does not answer", ErrNameService}
	case errors.Is(why, errUnknown), errors.Is(why, errNoServers), errors.As(why, &dnsErr) && dnsErr.IsNotFound:
		return nil, &Error{host, "has no address: no such name is known", ErrNotFound}
	case errors.Is(why, context.Canceled):
		return nil, &Error{host, "was not looked up to the end", ErrNameService}
	case f == IPv4Only:
		return nil, &Error{host, "has no IPv4 address, and this network knows no other", ErrNotFound}
	case f == IPv6Only:
		return nil, &Error{host, "has no IPv6 address, and this network knows no other", ErrNotFound}
	}
	return nil, &Error{host, "has no address", ErrNotFound}
}

// records asks for A and AAAA at the same time.
func (r *Resolver) records(ctx context.Context, host string, f Family) ([]netip.Addr, error) {
	kinds := []uint16{dns.TypeA, dns.TypeAAAA}
	switch f {
	case IPv4Only:
		kinds = kinds[:1]
	case IPv6Only:
		kinds = kinds[1:]
	}
	type result struct {
		rr  []dns.RR
		err error
	}
	results := make([]result, len(kinds))
	var wg sync.WaitGroup
	for i, kind := range kinds {
		wg.Go(func() { results[i].rr, results[i].err = r.ask(ctx, host, kind) })
	}
	wg.Wait()
	var out []netip.Addr
	var why error
	for _, res := range results {
		for _, rr := range res.rr {
			var ip net.IP
			switch rr := rr.(type) {
			case *dns.A:
				ip = rr.A
			case *dns.AAAA:
				ip = rr.AAAA
			}
			if a, ok := netip.AddrFromSlice(ip); ok {
				out = append(out, a.Unmap())
			}
		}
		if res.err != nil && (why == nil || errors.Is(res.err, ErrNameService)) {
			why = res.err
		}
	}
	return out, why
}

// order leaves out what is no address of a server, or cannot be reached, and puts the better liked family first.
func order(list []netip.Addr, f Family) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		if a.IsValid() && f.takes(a) && !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255}) &&
			!slices.Contains(out, a) && len(out) < maxServers {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b netip.Addr) int {
		if f == IPv6First {
			return b.BitLen() - a.BitLen()
		}
		return a.BitLen() - b.BitLen()
	})
	return out
}

// system asks the operating system; what it says has no life of its own and is kept for a moment.
func (r *Resolver) system(ctx context.Context, host string) ([]netip.Addr, error) {
	list, err := r.cfg.System.LookupNetIP(ctx, "ip", host)
	for i := range list {
		list[i] = list[i].Unmap()
	}
	return list, err
}

// inHosts reads a hosts file as hosts(5) describes it.
func inHosts(path, host string) (out []netip.Addr) {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	lines := bufio.NewScanner(io.LimitReader(file, maxHosts))
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		a, err := netip.ParseAddr(fields[0])
		if err == nil && slices.ContainsFunc(fields[1:], func(n string) bool { return strings.EqualFold(strings.TrimSuffix(n, "."), host) }) {
			out = append(out, a.Unmap())
		}
	}
	return out
}

// fnv mixes a seed with a server's name and port into a number that is the same at each look-up.
func fnv(seed uint64, name string, port uint16) uint64 {
	h := uint64(14695981039346656037) ^ seed
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	h = (h ^ uint64(port)) * 1099511628211
	h ^= h >> 33 // the low bits of a short name decide little: finish as MurmurHash3 does
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
