package locate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// bounded is what Find promises whatever a name server says.
func bounded(t *testing.T, target Target, list []Server, err error) {
	t.Helper()
	var known *Error
	switch {
	case err != nil && (!errors.As(err, &known) || known.Unwrap() == nil || len(list) != 0):
		t.Fatalf("%v with %v", err, list)
	case err == nil && (len(list) == 0 || len(list) > maxServers):
		t.Fatalf("%d servers without an error", len(list))
	}
	for _, s := range list {
		a := s.Addr.Addr()
		if !s.Addr.IsValid() || s.Addr.Port() == 0 || a.IsUnspecified() || a.IsMulticast() || a.Is4In6() || !target.Family.takes(a) ||
			target.Secure && s.Transport != "TLS" || s.Domain != target.Host {
			t.Fatalf("%+v for %+v", s, target)
		}
	}
}

// FuzzHostileAnswers: whatever comes in the place of an answer, Find ends, soon, in servers that can be tried or in one line.
func FuzzHostileAnswers(f *testing.F) {
	for _, zone := range []string{
		carrier,
		"x.example. CNAME x.example.\n_sip._udp.x.example. CNAME y.example.\ny.example. CNAME _sip._udp.x.example.\n",
		"_sip._udp.x.example. SRV 1 1 0 a.example.\n_sip._udp.x.example. SRV 1 1 5060 0.0.0.0.\nx.example. A 0.0.0.0\nx.example. A 255.255.255.255\nx.example. A 224.0.0.1\nx.example. AAAA ::ffff:192.0.2.1\nx.example. AAAA ff02::1\n",
		`x.example. NAPTR 0 0 "s" "SIP+D2U" "!.*!evil!" _sip._udp.x.example.` + "\n" + `x.example. NAPTR 0 0 "S" "sip+d2t" "" .` + "\n" + `x.example. NAPTR 1 0 "a" "SIP+D2T" "" x.example.`,
	} {
		z := newZone(f, zone)
		m := new(dns.Msg)
		m.Response, m.Answer = true, z.records
		m.Question = []dns.Question{{Name: "x.example.", Qtype: dns.TypeA, Qclass: dns.ClassINET}}
		if wire, err := m.Pack(); err == nil {
			f.Add(wire, wire, uint8(3))
		}
	}
	f.Add([]byte{}, []byte{0xc0, 0x0c}, uint8(255))
	f.Fuzz(func(t *testing.T, first, second []byte, mode uint8) {
		var asked atomic.Int64
		r := New(Config{
			Servers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}, System: nothing{}, Hosts: os.DevNull, Seed: uint64(mode) + 1,
			Exchange: func(_ context.Context, q *dns.Msg, _ netip.AddrPort, tcp bool) (*dns.Msg, error) {
				n := asked.Add(1)
				m := new(dns.Msg)
				wire := first
				if n%2 == 0 {
					wire = second
				}
				if err := m.Unpack(wire); err != nil {
					return nil, fmt.Errorf("unpack: %w", err)
				}
				if mode&1 != 0 { // as if it were the answer to this very question
					m.Id, m.Response, m.Question, m.Rcode = q.Id, true, q.Question, int(mode>>6)
				}
				if mode&2 != 0 {
					for i, rr := range m.Answer {
						if i%2 == 0 {
							rr.Header().Name = q.Question[0].Name
						}
					}
				}
				return m, nil
			},
		})
		target := Target{Host: "x.example", Secure: mode&4 != 0, Family: Family(mode >> 4 & 3)}
		began := time.Now()
		list, err := r.Find(t.Context(), target)
		bounded(t, target, list, err)
		if n := asked.Load(); n > 64*maxAliases*8 {
			t.Fatalf("%d questions in %v", n, time.Since(began))
		}
	})
}

// FuzzHostsFile: a hosts file is whatever somebody wrote.
func FuzzHostsFile(f *testing.F) {
	f.Add("127.0.0.1 localhost\n::1 localhost ip6-localhost # x\n", "localhost")
	f.Add("192.0.2.1\tpbx.example.com. pbx\n\x00\n999.1.1.1 x\n", "pbx.example.com")
	f.Fuzz(func(t *testing.T, content, host string) {
		for _, a := range inHosts(hosts(t, content), host) {
			if !a.IsValid() || a.Is4In6() {
				t.Fatalf("%v", a)
			}
		}
	})
}
