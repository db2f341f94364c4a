package locate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// carrier is a domain with everything.
const carrier = `
example.com. NAPTR 50 10 "s" "SIPS+D2T" "" _sips._tcp.example.com.
example.com. NAPTR 50 20 "s" "SIP+D2T" "" _sip._tcp.example.com.
example.com. NAPTR 90 10 "s" "SIP+D2U" "" _sip._udp.example.com.
_sips._tcp.example.com. SRV 1 10 5061 edge1.example.com.
_sip._tcp.example.com. SRV 1 10 5060 edge1.example.com.
_sip._tcp.example.com. SRV 2 10 5070 edge2.example.com.
_sip._udp.example.com. SRV 1 10 5060 edge2.example.com.
edge1.example.com. A 192.0.2.1
edge1.example.com. AAAA 2001:db8::1
edge2.example.com. A 192.0.2.2
example.com. A 192.0.2.80

plain.example.net. A 192.0.2.9
udp.example.net. A 192.0.2.80
_sip._udp.udp.example.net. SRV 1 0 5080 plain.example.net.
both.example.net. A 192.0.2.80
_sip._udp.both.example.net. SRV 1 0 5060 plain.example.net.
_sip._tcp.both.example.net. SRV 1 0 5060 plain.example.net.
_sips._tcp.both.example.net. SRV 1 0 5061 plain.example.net.
none.example.net. A 192.0.2.80
_sip._udp.none.example.net. SRV 0 0 0 .
_sip._tcp.none.example.net. SRV 0 0 0 .
alias.example.net. CNAME plain.example.net.
foreign.example.net. NAPTR 10 10 "u" "E2U+sip" "!^.*$!sip:x@example.com!" .
foreign.example.net. A 192.0.2.7
odd.example.net. NAPTR 10 10 "s" "SIP+D2S" "" _sip._sctp.odd.example.net.
odd.example.net. A 192.0.2.8
six.example.net. AAAA 2001:db8::6
hanging.example.net. A 192.0.2.80
_sip._udp.hanging.example.net. SRV 1 0 5060 gone.example.net.
`

func TestServersAreFoundAsRFC3263Says(t *testing.T) {
	z := newZone(t, carrier)
	r := New(Config{Servers: []netip.AddrPort{z.serve(t)}, System: nothing{}, Timeout: patience, Hosts: hosts(t, "192.0.2.66 desk.example.org desk # here\n::1 localhost\n127.0.0.1\tlocalhost\n")})
	for _, tc := range []struct {
		why    string
		target Target
		want   string
	}{
		{"NAPTR chooses the transport, the lowest order alone", Target{Host: "example.com"}, "TLS 192.0.2.1:5061, TLS [2001:db8::1]:5061, TCP 192.0.2.1:5060, TCP [2001:db8::1]:5060, TCP 192.0.2.2:5070"},
		{"capitals and a last dot are no matter", Target{Host: "EXAMPLE.com.", Family: IPv4Only}, "TLS 192.0.2.1:5061, TCP 192.0.2.1:5060, TCP 192.0.2.2:5070"},
		{"IPv6 first where it is liked better", Target{Host: "example.com", Transport: "tls", Family: IPv6First}, "TLS [2001:db8::1]:5061, TLS 192.0.2.1:5061"},
		{"a transport settles it", Target{Host: "example.com", Transport: "UDP"}, "UDP 192.0.2.2:5060"},
		{"sips is TLS and nothing else", Target{Host: "example.com", Secure: true, Family: IPv4Only}, "TLS 192.0.2.1:5061"},
		{"sips with transport=tcp is TLS (RFC 3261 §26.2.2)", Target{Host: "example.com", Secure: true, Transport: "TCP", Family: IPv4Only}, "TLS 192.0.2.1:5061"},
		{"an IP literal is what it is", Target{Host: "192.0.2.3"}, "UDP 192.0.2.3:5060"},
		{"and over TLS on TLS's port", Target{Host: "2001:db8::3", Secure: true}, "TLS [2001:db8::3]:5061"},
		{"an IPv4 address written as IPv6", Target{Host: "::ffff:192.0.2.3", Port: 5070, Transport: "TCP"}, "TCP 192.0.2.3:5070"},
		{"a port leaves nothing to ask but the address", Target{Host: "example.com", Port: 5099}, "UDP 192.0.2.80:5099"},
		{"a port and TLS", Target{Host: "example.com", Port: 5099, Secure: true}, "TLS 192.0.2.80:5099"},
		{"SRV without NAPTR", Target{Host: "udp.example.net"}, "UDP 192.0.2.9:5080"},
		{"UDP before TCP", Target{Host: "both.example.net"}, "UDP 192.0.2.9:5060, TCP 192.0.2.9:5060"},
		{"sips without NAPTR", Target{Host: "both.example.net", Secure: true}, "TLS 192.0.2.9:5061"},
		{"no SRV of that transport: the host itself", Target{Host: "udp.example.net", Transport: "TCP"}, "TCP 192.0.2.80:5060"},
		{"neither NAPTR nor SRV", Target{Host: "plain.example.net"}, "UDP 192.0.2.9:5060"},
		{"an alias", Target{Host: "alias.example.net"}, "UDP 192.0.2.9:5060"},
		{"NAPTR about something else", Target{Host: "foreign.example.net"}, "UDP 192.0.2.7:5060"},
		{"NAPTR of a transport that we do not have", Target{Host: "odd.example.net"}, "UDP 192.0.2.8:5060"},
		{"a name of the hosts file", Target{Host: "desk.example.org"}, "UDP 192.0.2.66:5060"},
		{"a short name of the hosts file", Target{Host: "DESK", Transport: "TCP"}, "TCP 192.0.2.66:5060"},
		{"this machine", Target{Host: "localhost"}, "UDP 127.0.0.1:5060, UDP [::1]:5060"},

		{"decidedly not", Target{Host: "none.example.net", Transport: "UDP"}, "none.example.net says that it takes no calls over UDP"},
		{"a name that is none", Target{Host: "nowhere.example.net"}, "nowhere.example.net has no address: no such name is known"},
		{"an SRV that leads nowhere", Target{Host: "hanging.example.net"}, "gone.example.net has no address: no such name is known"},
		{"no address of the right kind", Target{Host: "six.example.net", Family: IPv4Only}, "six.example.net has no IPv4 address, and this network knows no other"},
		{"a literal of the wrong kind", Target{Host: "2001:db8::1", Family: IPv4Only}, "2001:db8::1 cannot be reached from here: this network has no addresses of its kind"},
		{"no host", Target{}, "there is no host to look for"},
		{"rubbish", Target{Host: "a b.example.com"}, "a b.example.com is not a host name"},
		{"dots", Target{Host: "a..example.com"}, "a..example.com is not a host name"},
		{"a transport that we do not have", Target{Host: "example.com", Transport: "SCTP"}, "example.com is to be reached in a way that this phone does not know (SCTP)"},
		{"sips over UDP", Target{Host: "example.com", Transport: "UDP", Secure: true}, "example.com is to be reached in a way that this phone does not know (UDP)"},
		{"an impossible port", Target{Host: "example.com", Port: 70000}, "example.com is named with a port that does not exist"},
	} {
		if got := find(t, r, tc.target); got != tc.want {
			t.Errorf("%s: %+v\n got %s\nwant %s", tc.why, tc.target, got, tc.want)
		}
	}
	list, err := r.Find(t.Context(), Target{Host: "example.com", Secure: true})
	if err != nil || list[0].Domain != "example.com" || list[0].Name != "edge1.example.com" {
		t.Errorf("%+v, %v: a certificate must prove the domain, not the server's name", list, err)
	}
	if a, err := r.Addresses(t.Context(), "example.com", IPv4First); err != nil || len(a) != 1 || a[0].String() != "192.0.2.80" {
		t.Errorf("%v, %v", a, err)
	}
}

func TestErrorsAreTold(t *testing.T) {
	z := newZone(t, carrier)
	r := direct(z)
	var e *Error
	_, err := r.Find(t.Context(), Target{Host: "nowhere.example.net"})
	if !errors.Is(err, ErrNotFound) || !errors.As(err, &e) || e.Host != "nowhere.example.net" {
		t.Errorf("%v", err)
	}
	if _, err = r.Find(t.Context(), Target{Host: "none.example.net"}); !errors.Is(err, ErrNoService) {
		t.Errorf("%v", err)
	}
	mute := direct(z, func(c *Config) {
		c.Exchange = func(context.Context, *dns.Msg, netip.AddrPort, bool) (*dns.Msg, error) {
			return nil, os.ErrDeadlineExceeded
		}
	})
	_, err = mute.Find(t.Context(), Target{Host: "example.com"})
	if !errors.Is(err, ErrNameService) || err.Error() != "example.com cannot be looked up: the name service does not answer" {
		t.Errorf("%v", err)
	}
	for _, err := range []error{err} {
		if strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%q is more than a line", err)
		}
	}
}

func TestSharesOfServersAreTheirWeights(t *testing.T) {
	z := newZone(t, `
_sip._udp.w.example.com. SRV 5 60 5060 a.example.com.
_sip._udp.w.example.com. SRV 5 30 5060 b.example.com.
_sip._udp.w.example.com. SRV 5 10 5060 c.example.com.
_sip._udp.w.example.com. SRV 5 0 5060 z.example.com.
_sip._udp.w.example.com. SRV 1 0 5060 first.example.com.
_sip._udp.w.example.com. SRV 9 99 5060 last.example.com.
first.example.com. A 192.0.2.10
a.example.com. A 192.0.2.1
b.example.com. A 192.0.2.2
c.example.com. A 192.0.2.3
z.example.com. A 192.0.2.4
last.example.com. A 192.0.2.20
`)
	shares := map[string]int{}
	const phones = 2000
	for i := range phones {
		r := direct(z, func(c *Config) { c.Seed = uint64(i+1) * 0x9e3779b97f4a7c15 })
		list, err := r.Find(t.Context(), Target{Host: "w.example.com", Transport: "UDP"})
		if err != nil || len(list) != 6 || list[0].Name != "first.example.com" || list[5].Name != "last.example.com" {
			t.Fatalf("%v %v", list, err)
		}
		shares[list[1].Name]++
		again, _ := r.Find(t.Context(), Target{Host: "w.example.com", Transport: "UDP"})
		if !slices.Equal(list, again) {
			t.Fatalf("a phone that asks again wanders: %v, then %v", short(list), short(again))
		}
	}
	for name, want := range map[string]float64{"a.example.com": 0.6, "b.example.com": 0.3, "c.example.com": 0.1} {
		if got := float64(shares[name]) / phones; got < want-0.04 || got > want+0.04 {
			t.Errorf("%s: %.3f, want %.1f", name, got, want)
		}
	}
	if shares["z.example.com"] > 10 {
		t.Errorf("weight 0 came first %d times", shares["z.example.com"])
	}
}

func TestAnAnswerThatIsCutOffIsAskedForOverTCP(t *testing.T) {
	lines := &strings.Builder{}
	for i := range 60 {
		fmt.Fprintf(lines, "_sip._udp.big.example.com. SRV %d 0 5060 a-rather-long-name-of-a-server-%02d.example.com.\n", i, i)
		fmt.Fprintf(lines, "a-rather-long-name-of-a-server-%02d.example.com. A 192.0.2.%d\n", i, i+1)
	}
	z := newZone(t, lines.String())
	r := New(Config{Servers: []netip.AddrPort{z.serve(t)}, System: nothing{}, Hosts: os.DevNull, Timeout: patience})
	list, err := r.Find(t.Context(), Target{Host: "big.example.com", Transport: "UDP"})
	if err != nil || len(list) != maxServers || list[0].Addr.String() != "192.0.2.1:5060" || list[31].Addr.String() != "192.0.2.32:5060" {
		t.Fatalf("%d servers, %v", len(list), err)
	}
}

func TestAnotherNameServerIsAskedWhenOneFails(t *testing.T) {
	z := newZone(t, carrier)
	good := z.serve(t)
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	mute := netip.MustParseAddrPort(silent.LocalAddr().String())
	broken := newZone(t, "")
	broken.twist = func(w dns.ResponseWriter, q, m *dns.Msg) bool {
		m.Rcode = dns.RcodeServerFailure
		w.WriteMsg(m)
		return true
	}
	old := newZone(t, carrier) // which does not know EDNS
	old.twist = func(w dns.ResponseWriter, q, m *dns.Msg) bool {
		if q.IsEdns0() == nil {
			return false
		}
		m.Answer, m.Rcode = nil, dns.RcodeFormatError
		w.WriteMsg(m)
		return true
	}
	liar := newZone(t, carrier)
	liar.twist = func(w dns.ResponseWriter, q, m *dns.Msg) bool {
		m.Question[0].Name = "another.example.com."
		w.WriteMsg(m)
		return true
	}
	for name, servers := range map[string][]netip.AddrPort{
		"silent": {mute, good}, "broken": {broken.serve(t), good},
		"old": {old.serve(t)}, "liar": {liar.serve(t), good},
	} {
		r := New(Config{Servers: servers, System: nothing{}, Hosts: os.DevNull, Timeout: patience, Exchange: func(ctx context.Context, q *dns.Msg, at netip.AddrPort, tcp bool) (*dns.Msg, error) {
			if at == mute { // it alone is not waited for long
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Second/5)
				defer cancel()
			}
			return overNetwork(ctx, q, at, tcp)
		}})
		if got := find(t, r, Target{Host: "udp.example.net", Transport: "UDP"}); got != "UDP 192.0.2.9:5080" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestNameServersAreThoseOfTheSystem(t *testing.T) {
	path := hosts(t, "search example.com\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver rubbish\nnameserver 192.0.2.54\nnameserver 192.0.2.55\nnameserver 192.0.2.56\n")
	r := New(Config{ResolvConf: path})
	if got := fmt.Sprint(r.servers()); got != "[192.0.2.53:53 [fe80::1%eth0]:53 192.0.2.54:53 192.0.2.55:53]" {
		t.Error(got)
	}
	r = New(Config{ResolvConf: path + ".none", Hosts: os.DevNull, System: known1{}})
	if got := find(t, r, Target{Host: "pbx.example.com"}); got != "UDP 192.0.2.77:5070" {
		t.Errorf("without name servers of its own the system is asked: %s", got)
	}
	if got := find(t, r, Target{Host: "office", Transport: "TCP"}); got != "TCP 192.0.2.77:5060" {
		t.Errorf("a short name is the system's business: %s", got)
	}
}

// known1 is a system that knows everybody by one address.
type known1 struct{}

func (known1) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("::ffff:192.0.2.77")}, nil
}

func (known1) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	if name != "_sip._udp.pbx.example.com" {
		return "", nil, errors.New("none")
	}
	return "", []*net.SRV{{Target: "node.example.com.", Port: 5070}}, nil
}
