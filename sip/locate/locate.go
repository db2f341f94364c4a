package locate

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Family says which kinds of addresses the caller can reach, and which he likes better. The zero value is IPv4First.
type Family int

// Families.
const (
	IPv4First Family = iota
	IPv6First
	IPv4Only
	IPv6Only
)

// takes reports whether an address is of use.
func (f Family) takes(a netip.Addr) bool {
	switch f {
	case IPv4Only:
		return a.Is4()
	case IPv6Only:
		return a.Is6()
	}
	return true
}

// Target is what a SIP URI, or a setting, names.
type Target struct {
	Host      string // name or IP literal, without brackets
	Port      int    // 0: the name service or the transport's default says it
	Transport string // "UDP", "TCP", "TLS"; "": the name service chooses (RFC 3263 §4.1)
	Secure    bool   // a sips URI: only TLS will do
	Family    Family
}

// Server is one place to try.
type Server struct {
	Transport string // "UDP", "TCP", "TLS"
	Addr      netip.AddrPort
	Name      string // host that the address belongs to, as an SRV record names it
	Domain    string // the target's host: what a certificate must prove (RFC 5922 §4)
}

// System is what the operating system knows of names: hosts files, search domains; *net.Resolver has it.
type System interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// Exchange asks one name server one question, over TCP when tcp is set. The answer may be anything.
type Exchange func(ctx context.Context, q *dns.Msg, server netip.AddrPort, tcp bool) (*dns.Msg, error)

// Config is how a Resolver works. The zero value is right for a program.
type Config struct {
	Servers    []netip.AddrPort // name servers; nil: those of ResolvConf
	ResolvConf string           // "": /etc/resolv.conf, read again whenever something has to be asked
	Hosts      string           // hosts file; "": the system's
	System     System           // nil: the Go resolver, which does no mDNS
	Exchange   Exchange         // nil: over the network
	Timeout    time.Duration    // for one question to one server; 0: 2 s
	Tries      int              // rounds over all name servers; 0: 2
	Seed       uint64           // of the order among SRV records of one priority; 0: random
}

// Resolver finds servers. Its methods may be called from any goroutine.
type Resolver struct {
	cfg  Config
	seed uint64

	mu       sync.Mutex
	cache    map[question]answer
	flights  map[question]chan struct{}
	failures map[place]failure
}

// New makes a Resolver with an empty memory.
func New(cfg Config) *Resolver {
	if cfg.ResolvConf == "" {
		cfg.ResolvConf = "/etc/resolv.conf"
	}
	if cfg.Hosts == "" {
		cfg.Hosts = "/etc/hosts"
	}
	if cfg.System == nil {
		cfg.System = &net.Resolver{PreferGo: true}
	}
	if cfg.Exchange == nil {
		cfg.Exchange = overNetwork
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 2 * time.Second
	}
	if cfg.Tries <= 0 {
		cfg.Tries = 2
	}
	r := &Resolver{cfg: cfg, seed: cfg.Seed, cache: map[question]answer{}, flights: map[question]chan struct{}{}, failures: map[place]failure{}}
	if r.seed == 0 {
		r.seed = rand.Uint64() | 1
	}
	return r
}

// maxServers bounds what Find returns, whatever the name service says.
const maxServers = 32

// Find lists the servers of a target in the order of trial (RFC 3263 §4): at least one, unless there is an error. Servers
// that failed lately stand last. Errors are *Error, one line for a person.
func (r *Resolver) Find(ctx context.Context, t Target) ([]Server, error) {
	t.Host = strings.TrimSuffix(t.Host, ".")
	t.Transport = strings.ToUpper(t.Transport)
	if t.Secure && t.Transport != "UDP" {
		t.Transport = "TLS"
	}
	switch {
	case t.Host == "":
		return nil, &Error{"", "there is no host to look for", ErrNotFound}
	case t.Port < 0 || t.Port > 65535:
		return nil, &Error{t.Host, "is named with a port that does not exist", ErrNotFound}
	case t.Secure && t.Transport == "UDP", t.Transport != "" && !known(t.Transport):
		return nil, &Error{t.Host, "is to be reached in a way that this phone does not know (" + t.Transport + ")", ErrNoService}
	}
	if a, err := netip.ParseAddr(t.Host); err == nil {
		a = a.Unmap()
		if !t.Family.takes(a) {
			return nil, &Error{t.Host, "cannot be reached from here: this network has no addresses of its kind", ErrNotFound}
		}
		return []Server{t.server(t.transport(), a, t.Port, t.Host)}, nil
	}
	if !isHost(t.Host) {
		return nil, &Error{t.Host, "is not a host name", ErrNotFound}
	}
	found, err := r.find(ctx, t)
	if err != nil {
		return nil, err
	}
	return r.sort(unique(found)), nil
}

// transport is the one to use when the name service has no say.
func (t Target) transport() string {
	if t.Transport == "" {
		return "UDP"
	}
	return t.Transport
}

func (t Target) server(transport string, a netip.Addr, port int, name string) Server {
	if port == 0 {
		port = 5060
		if transport == "TLS" {
			port = 5061
		}
	}
	return Server{Transport: transport, Addr: netip.AddrPortFrom(a, uint16(port)), Name: name, Domain: t.Host}
}

func known(transport string) bool {
	return transport == "UDP" || transport == "TCP" || transport == "TLS"
}

// isHost reports whether s can be asked for: labels of letters, digits, hyphen and underscore (RFC 1123 §2.1).
func isHost(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			if c := label[i]; c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
				return false
			}
		}
	}
	return true
}

func unique(list []Server) []Server {
	seen := map[place]bool{}
	out := list[:0:0]
	for _, s := range list {
		if k := s.place(); !seen[k] && len(out) < maxServers {
			seen[k] = true
			out = append(out, s)
		}
	}
	return out
}

// Forget drops what is remembered of names and failures: another network has another truth.
func (r *Resolver) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.cache)
	clear(r.failures)
}
