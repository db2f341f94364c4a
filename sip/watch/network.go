package watch

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// systemNetwork describes the addresses under which this machine can be reached and the ways out of it. Addresses of the
// machine for itself and of one cable (loopback, link-local) do not count; of IPv6 only the network does, because systems
// give themselves new addresses in it every day (RFC 8981).
func systemNetwork() string {
	var out []string
	interfaces, err := net.Interfaces()
	if err != nil {
		return "?"
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				if s := describe(i.Name, n); s != "" {
					out = append(out, s)
				}
			}
		}
	}
	out = append(out, ways()...)
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "\n")
}

func describe(name string, n *net.IPNet) string {
	a, ok := netip.AddrFromSlice(n.IP)
	if a = a.Unmap(); !ok || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return ""
	}
	if a.Is4() {
		return name + " " + a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return ""
	}
	return name + " " + p.String()
}
