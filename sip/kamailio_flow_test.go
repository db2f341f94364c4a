package sip

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offhook/peers/feature"
	"offhook/sip/transaction"
)

// Instances of two devices (RFC 5626 §4.1).
const (
	deskInstance   = "6f2b8d34-9a1c-4d57-8a0e-6a1f0c2b9e01"
	mobileInstance = "0d9e4a70-53b1-4c3c-9d6e-f1a2b3c4d5e6"
)

// wire keeps every message of a phone.
type wire struct {
	mu   sync.Mutex
	msgs []transaction.TraceMessage
}

func (w *wire) tap(c *Config) {
	c.Trace = func(m transaction.TraceMessage) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.msgs = append(w.msgs, m)
	}
}

// saw reports whether a message of ours (or theirs) begins so and matches.
func (w *wire) saw(out bool, begins, pattern string) bool {
	re := regexp.MustCompile("(?im)" + pattern)
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.msgs, func(m transaction.TraceMessage) bool {
		return m.Out == out && bytes.HasPrefix(m.Data, []byte(begins)) && re.Match(m.Data)
	})
}

// must fails unless it is there.
func (w *wire) must(t *testing.T, out bool, begins, pattern string) {
	t.Helper()
	if w.saw(out, begins, pattern) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	t.Errorf("no %s with %s in %d messages", begins, pattern, len(w.msgs))
	for _, m := range w.msgs {
		if m.Out == out && bytes.HasPrefix(m.Data, []byte(begins)) {
			t.Logf("%s", m.Data)
		}
	}
}

// proxyAt is a port of the Kamailio.
func proxyAt(t *testing.T, port uint16) netip.AddrPort {
	t.Helper()
	addr, err := netip.ParseAddrPort(os.Getenv("OFFHOOK_KAMAILIO"))
	if err != nil {
		t.Skip("peer kamailio is not installed (OFFHOOK_KAMAILIO=host:port)")
	}
	return netip.AddrPortFrom(addr.Addr(), port)
}

// edged is a phone that is registered through the edge.
func edged(t *testing.T, instance string) func(*Config) {
	edge := proxyAt(t, 5080).String()
	return func(c *Config) { c.OutboundProxy, c.Instance = edge, instance }
}

// overTLS is a phone that is registered over TLS.
func overTLS(t *testing.T) func(*Config) {
	at := proxyAt(t, 5061)
	return func(c *Config) { c.Registrar, c.TLS.CAFile = at.String(), os.Getenv("OFFHOOK_PEERS_CA") }
}

// talk is a call from a to number, answered by b; both hear each other.
func talk(t *testing.T, a, b *Phone, one, two *bench, leg LegID, number string) (theirs LegID) {
	t.Helper()
	a.Dial(leg, number)
	in := wait[IncomingCall](t, b)
	b.Answer(in.Leg)
	wait[CallAnswered](t, b)
	wait[CallAnswered](t, a)
	hearEachOther(t, one, two)
	return in.Leg
}

// forget makes the ear judge only what it hears from now on.
func (b *bench) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard = nil
}

// goodbye ends a call of p, and sees it end at q.
func goodbye(t *testing.T, p *Phone, leg LegID, q *Phone) {
	t.Helper()
	p.Hangup(leg)
	if e := wait[CallEnded](t, p); e.Leg != leg || e.Cause != EndNormal || !e.ByUs {
		t.Errorf("%+v", e)
	}
	if e := wait[CallEnded](t, q); e.Cause != EndNormal || e.ByUs {
		t.Errorf("%+v", e)
	}
}

func TestAKamailioOverTLSRingsPhonesOfEveryTransport(t *testing.T) {
	feature.Proves(t, "Kamailio", "register TLS", "call over TLS", "forking, answered elsewhere")
	one, two := &bench{hz: 440}, &bench{hz: 1000}
	a := proxied(t, "7001", "tls", overTLS(t), func(c *Config) { c.Headset = one.headset(t) })
	b := proxied(t, "7002", "tls", overTLS(t), func(c *Config) { c.Headset = two.headset(t) })
	others := []*Phone{proxied(t, "7002", "udp"), proxied(t, "7002", "tcp")}
	a.Dial("x", "7002")
	in := wait[IncomingCall](t, b)
	for _, o := range others {
		wait[IncomingCall](t, o)
	}
	b.Answer(in.Leg)
	if e := wait[CallSecured](t, a); !strings.HasPrefix(e.Signaling, "TLS") {
		t.Errorf("%+v", e)
	}
	wait[CallAnswered](t, a)
	for _, o := range others {
		if e := wait[CallEnded](t, o); e.Cause != EndAnsweredElsewhere && e.Cause != EndCancelled {
			t.Errorf("%+v", e)
		}
	}
	hearEachOther(t, one, two)
	goodbye(t, a, "x", b)
}

func TestAKamailioTellsPathServiceRouteAndOutboundThroughAnEdge(t *testing.T) {
	feature.Proves(t, "Kamailio", "Path", "outbound (RFC 5626)", "Service-Route")
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			one, two := &bench{hz: 440}, &bench{hz: 1000}
			w := &wire{}
			a := proxied(t, "7001", transport, edged(t, deskInstance), w.tap, func(c *Config) { c.Headset = one.headset(t) })
			b := proxied(t, "7002", "udp", func(c *Config) { c.Headset = two.headset(t) })
			w.must(t, true, "REGISTER", `^Supported:.*outbound`)
			w.must(t, true, "REGISTER", `^Contact:.*reg-id=1`)
			w.must(t, false, "SIP/2.0 200", `^Require:.*outbound`)
			w.must(t, false, "SIP/2.0 200", `^Path:.*5080.*;ob`)
			w.must(t, false, "SIP/2.0 200", `^Flow-Timer: 20`)
			talk(t, b, a, two, one, "in", "7001") // the registrar finds us by the edge's token
			w.must(t, false, "INVITE", `^Record-Route:.*5080`)
			goodbye(t, b, "in", a)
			leg := talk(t, a, b, one, two, "out", "7002")
			w.must(t, true, "INVITE", `^Route: <sip:[^>]*:5080;[^>]*>.*<sip:[^>]*:5060;lr>|^Route:.*5080(.|\s)*^Route:.*:5060;lr`)
			b.Hold(leg) // a request in the dialog comes by the same flow
			if h := wait[CallHeld](t, a); !h.ByThem {
				t.Errorf("%+v", h)
			}
			goodbye(t, b, leg, a)
		})
	}
}

func TestAKamailioGivesOneDeviceAnAddressOfItsOwn(t *testing.T) {
	feature.Proves(t, "Kamailio", "GRUU")
	one, two := &bench{hz: 440}, &bench{hz: 1000}
	w := &wire{}
	a := proxied(t, "7001", "udp", func(c *Config) { c.Headset, c.Instance = one.headset(t), deskInstance }, w.tap)
	other := proxied(t, "7001", "tcp", func(c *Config) { c.Instance = mobileInstance })
	b := proxied(t, "7002", "tcp", func(c *Config) { c.Headset = two.headset(t) })
	w.must(t, false, "SIP/2.0 200", `^Contact:.*pub-gruu="sip:7001@[^"]*;gr=urn:uuid:`+deskInstance)
	a.Dial("x", "7002")
	in := wait[IncomingCall](t, b)
	b.Answer(in.Leg)
	wait[CallAnswered](t, b)
	wait[CallAnswered](t, a)
	w.must(t, true, "INVITE", `^Contact:.*;gr=urn:uuid:`+deskInstance)
	hearEachOther(t, one, two)
	b.Hold(in.Leg) // to our GRUU
	if h := wait[CallHeld](t, a); !h.ByThem {
		t.Errorf("%+v", h)
	}
	b.Resume(in.Leg)
	wait[CallHeld](t, a)
	hearEachOther(t, one, two)
	goodbye(t, a, "x", b)

	// A new call to the GRUU rings that device and no other.
	b.Dial("y", "sip:7001@"+proxyAt(t, 5060).Addr().String()+";gr=urn:uuid:"+deskInstance)
	in = wait[IncomingCall](t, a)
	a.Answer(in.Leg)
	for e := wait[CallAnswered](t, b); e.Leg != "y"; e = wait[CallAnswered](t, b) {
	}
	hearEachOther(t, two, one)
	goodbye(t, b, "y", a)
	for {
		select {
		case e := <-other.Events():
			if in, ok := e.(IncomingCall); ok {
				t.Errorf("the other device rang: %+v", in)
			}
			continue
		default:
		}
		break
	}
}

// cable is a TCP connection between a phone and its proxy that a test can cut, or leave hanging.
type cable struct {
	l      net.Listener
	to     string
	mu     sync.Mutex
	pairs  [][2]net.Conn
	silent bool
	work   sync.WaitGroup
}

func newCable(t *testing.T, to netip.AddrPort) *cable {
	t.Helper()
	l, err := net.Listen("tcp", netip.AddrPortFrom(to.Addr(), 0).String()) // the proxy knows itself by its address
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{l: l, to: to.String()}
	c.work.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", c.to)
			if err != nil {
				in.Close()
				continue
			}
			c.mu.Lock()
			c.silent = false // the new one works
			c.pairs = append(c.pairs, [2]net.Conn{in, out})
			n := len(c.pairs)
			c.mu.Unlock()
			c.work.Go(func() { c.carry(n, in, out) })
			c.work.Go(func() { c.carry(n, out, in) })
		}
	})
	t.Cleanup(func() { l.Close(); c.cut(); c.work.Wait() })
	return c
}

// carry copies until either end is closed; what the cable swallowed once it never carries again.
func (c *cable) carry(n int, from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 65536)
	dead := false
	for {
		k, err := from.Read(buf)
		if err != nil {
			return
		}
		c.mu.Lock()
		dead = dead || c.silent && n == len(c.pairs)
		c.mu.Unlock()
		if dead {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if _, err := to.Write(buf[:k]); err != nil {
			return
		}
	}
}

func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pairs {
		p[0].Close()
		p[1].Close()
	}
}

func (c *cable) hang() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = true
}

func TestACallOutlivesTheConnectionToItsKamailio(t *testing.T) {
	feature.Proves(t, "Kamailio", "keepalive and dead flow")
	for name, broken := range map[string]func(*cable){"cut": (*cable).cut, "silent": (*cable).hang} {
		t.Run(name, func(t *testing.T) {
			if name == "silent" && os.Getenv("OFFHOOK_PATIENT") == "" {
				t.Skip("the flow timer takes half a minute (OFFHOOK_PATIENT=1)")
			}
			c := newCable(t, proxyAt(t, 5080))
			one, two := &bench{hz: 440}, &bench{hz: 1000}
			w := &wire{}
			a := proxied(t, "7001", "tcp", w.tap, func(cfg *Config) {
				cfg.Headset, cfg.Instance, cfg.OutboundProxy = one.headset(t), deskInstance, c.l.Addr().String()
			})
			b := proxied(t, "7002", "udp", func(c *Config) { c.Headset = two.headset(t) })
			leg := talk(t, a, b, one, two, "x", "7002")
			before := time.Now()
			broken(c)
			until(t, a, Registered)
			t.Logf("%s: registered again after %v", name, time.Since(before).Round(time.Millisecond))
			becomes(t, "the call is refreshed over the new flow", func() bool {
				return w.saw(true, "INVITE", `^To:.*;tag=`) || w.saw(true, "UPDATE", `^To:.*;tag=`)
			})
			becomes(t, "and that is answered", func() bool { return w.saw(false, "SIP/2.0 200", `^CSeq: ([3-9]|[1-9]\d+) (INVITE|UPDATE)`) })
			t.Logf("%s: the call was refreshed after %v", name, time.Since(before).Round(time.Millisecond))
			hearEachOther(t, one, two)
			goodbye(t, b, leg, a)
			in := talk(t, b, a, two, one, "again", "7001")
			goodbye(t, a, in, b)
		})
	}
}
