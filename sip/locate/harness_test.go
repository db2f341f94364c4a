package locate

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// patience bounds a wait for a name server that answers; it is never what a test measures.
const patience = 30 * time.Second

// zone is a name server of the test's own: what it answers, in the form of a zone file.
type zone struct {
	mu      sync.Mutex
	records []dns.RR
	asked   []string
	twist   func(w dns.ResponseWriter, q, answer *dns.Msg) bool // answers itself
}

func newZone(t testing.TB, lines string) *zone {
	t.Helper()
	z := &zone{}
	z.add(t, lines)
	return z
}

func (z *zone) add(t testing.TB, lines string) {
	t.Helper()
	p := dns.NewZoneParser(strings.NewReader(lines), ".", "")
	p.SetDefaultTTL(60)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		z.mu.Lock()
		z.records = append(z.records, rr)
		z.mu.Unlock()
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
}

// answer is what an honest server says.
func (z *zone) answer(q *dns.Msg) *dns.Msg {
	z.mu.Lock()
	defer z.mu.Unlock()
	m := new(dns.Msg)
	m.SetReply(q)
	name, exists := q.Question[0].Name, false
	z.asked = append(z.asked, dns.TypeToString[q.Question[0].Qtype]+" "+name)
	for range 8 {
		alias := ""
		for _, rr := range z.records {
			if !strings.EqualFold(rr.Header().Name, name) {
				continue
			}
			exists = true
			if c, ok := rr.(*dns.CNAME); ok {
				alias = c.Target
				m.Answer = append(m.Answer, rr)
			} else if rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		if alias == "" {
			break
		}
		name = alias
	}
	if !exists {
		m.Rcode = dns.RcodeNameError
	}
	return m
}

// questions are the kinds that were asked about, in order.
func (z *zone) questions() []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return append([]string(nil), z.asked...)
}

// ServeDNS answers over UDP and TCP, cut off where UDP is too small.
func (z *zone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := z.answer(q)
	if z.twist != nil && z.twist(w, q, m) {
		return
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		size := dns.MinMsgSize
		if o := q.IsEdns0(); o != nil {
			size = int(o.UDPSize())
		}
		m.Truncate(size)
	}
	w.WriteMsg(m)
}

// serve starts the server on a port of its own.
func (z *zone) serve(t testing.TB) netip.AddrPort {
	t.Helper()
	var udp net.PacketConn
	var tcp net.Listener
	var err error
	for range 20 {
		if udp, err = net.ListenPacket("udp4", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if tcp, err = net.Listen("tcp4", udp.LocalAddr().String()); err == nil {
			break
		}
		udp.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	for _, s := range []*dns.Server{{PacketConn: udp, Handler: z}, {Listener: tcp, Handler: z}} {
		up := make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		wg.Go(func() { s.ActivateAndServe() })
		<-up
		defer t.Cleanup(func() { s.Shutdown() }) // all of them before the wait
	}
	return netip.MustParseAddrPort(udp.LocalAddr().String())
}

// nothing is a system that knows no name.
type nothing struct{}

func (nothing) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func (nothing) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, errors.New("no SRV")
}

// hosts writes a hosts file.
func hosts(t testing.TB, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// direct is a Resolver that asks z without a socket, for virtual time.
func direct(z *zone, change ...func(*Config)) *Resolver {
	c := Config{
		Servers: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}, System: nothing{}, Hosts: os.DevNull, Seed: 7,
		Exchange: func(_ context.Context, q *dns.Msg, _ netip.AddrPort, _ bool) (*dns.Msg, error) {
			return z.answer(q), nil
		},
	}
	for _, f := range change {
		f(&c)
	}
	return New(c)
}

// short writes servers as "UDP 192.0.2.1:5060".
func short(list []Server) string {
	var out []string
	for _, s := range list {
		out = append(out, s.Transport+" "+s.Addr.String())
	}
	return strings.Join(out, ", ")
}

func find(t testing.TB, r *Resolver, target Target) string {
	t.Helper()
	list, err := r.Find(context.Background(), target)
	if err != nil {
		return err.Error()
	}
	return short(list)
}
