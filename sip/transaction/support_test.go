package transaction

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is a Handler whose methods can be set one by one.
type recorder struct {
	request func(*ServerTx, *Request)
	ack     func(*Request)
	cancel  func(*ServerTx, *Request)
	stray   func(*Response)
	down    func(*Flow, error)
}

func (r *recorder) HandleRequest(tx *ServerTx, req *Request) {
	if r.request != nil {
		r.request(tx, req)
	}
}

func (r *recorder) HandleAck(req *Request) {
	if r.ack != nil {
		r.ack(req)
	}
}

func (r *recorder) HandleCancel(tx *ServerTx, req *Request) {
	if r.cancel != nil {
		r.cancel(tx, req)
	}
}

func (r *recorder) HandleStray(res *Response) {
	if r.stray != nil {
		r.stray(res)
	}
}

func (r *recorder) HandleFlowDown(f *Flow, err error) {
	if r.down != nil {
		r.down(f, err)
	}
}

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// udpLayer is a layer with one UDP flow on loopback.
func udpLayer(t testing.TB, cfg Config, h Handler) (*Layer, *Flow) {
	t.Helper()
	l := New(cfg, h)
	t.Cleanup(func() { l.Close() })
	f, err := l.ListenUDP(loopback)
	if err != nil {
		t.Fatal(err)
	}
	return l, f
}

// peer is the far end: a bare socket that sends and reads text.
type peer struct {
	t    testing.TB
	conn *net.UDPConn
	to   netip.AddrPort
}

func newPeer(t testing.TB, to netip.AddrPort) *peer {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(loopback))
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadBuffer(4 << 20)
	t.Cleanup(func() { c.Close() })
	return &peer{t, c, to}
}

func (p *peer) addr() netip.AddrPort { return addrPort(p.conn.LocalAddr()) }

func (p *peer) send(msg string) {
	if _, err := p.conn.WriteToUDPAddrPort([]byte(msg), p.to); err != nil {
		p.t.Error(err)
	}
}

// read waits for the next message; a test that waits in vain fails after a while.
func (p *peer) read() (msg string, from netip.AddrPort) {
	buf := make([]byte, 65536)
	p.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, from, err := p.conn.ReadFromUDPAddrPort(buf)
	if err != nil {
		return "", from
	}
	return string(buf[:n]), netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}

// field is the value of the first field of this name in a message.
func field(msg, name string) string {
	for l := range strings.SplitSeq(msg, "\r\n") {
		if n, v, ok := strings.Cut(l, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func firstLine(msg string) string {
	l, _, _ := strings.Cut(msg, "\r\n")
	return l
}

func tagOf(value string) string {
	a, err := ParseAddress(value)
	if err != nil {
		return "unreadable: " + value
	}
	return a.Tag()
}

// respondTo writes a response to a request of ours as text.
func respondTo(req, status, toTag string, extra ...string) string {
	to := field(req, "To")
	if toTag != "" && tagOf(to) == "" {
		to += ";tag=" + toTag
	}
	return text("SIP/2.0 "+status, append([]string{
		"Via: " + field(req, "Via"), "From: " + field(req, "From"), "To: " + to,
		"Call-ID: " + field(req, "Call-ID"), "CSeq: " + field(req, "CSeq"),
	}, extra...)...)
}

// requestText writes a request of the far end. id is its Call-ID and branch.
func requestText(method, id string, via netip.AddrPort, extra ...string) string {
	return text(method+" sip:2101@127.0.0.1 SIP/2.0", append([]string{
		"Via: SIP/2.0/UDP " + via.String() + ";branch=z9hG4bK" + id + ";rport", "Max-Forwards: 70",
		"From: \"Ann\" <sip:ann@example.com>;tag=a" + id, "To: <sip:2101@127.0.0.1>",
		"Call-ID: " + id, "CSeq: 1 " + method, "Contact: <sip:ann@" + via.String() + ">",
	}, extra...)...)
}

func text(first string, fields ...string) string {
	return first + "\r\n" + strings.Join(fields, "\r\n") + "\r\nContent-Length: 0\r\n\r\n"
}

// ackTo writes the ACK to a final other than 2xx.
func ackTo(invite, res string) string {
	return text("ACK sip:2101@127.0.0.1 SIP/2.0", "Via: "+field(invite, "Via"), "Max-Forwards: 70", "From: "+field(invite, "From"),
		"To: "+field(res, "To"), "Call-ID: "+field(invite, "Call-ID"), "CSeq: 1 ACK")
}

// newRequest is a request of ours.
func newRequest(method, id string) *Request {
	return &Request{
		Method: method, URI: URI{Scheme: "sip", User: "bob", Host: "example.com"},
		From: Address{URI: URI{Scheme: "sip", User: "2101", Host: "example.com"}}.WithTag("us"),
		To:   Address{URI: URI{Scheme: "sip", User: "bob", Host: "example.com"}}, CallID: id, CSeq: 1,
	}
}

// line of communication for tests in virtual time: what the flow writes goes to out, what is put into in it reads.
type fakeUDP struct {
	in      chan string
	mu      sync.Mutex
	sent    []string
	onWrite func(msg string)
	once    sync.Once
	closed  chan struct{}
}

var (
	fakeLocal  = netip.MustParseAddrPort("192.0.2.1:5060")
	fakeRemote = netip.MustParseAddrPort("192.0.2.2:5060")
)

func newFakeUDP() *fakeUDP { return &fakeUDP{in: make(chan string), closed: make(chan struct{})} }

func (c *fakeUDP) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case msg := <-c.in:
		return copy(b, msg), fakeRemote, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (c *fakeUDP) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	c.mu.Lock()
	c.sent = append(c.sent, string(b))
	c.mu.Unlock()
	if c.onWrite != nil {
		c.onWrite(string(b))
	}
	return len(b), nil
}

func (c *fakeUDP) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(fakeLocal) }

func (c *fakeUDP) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// lines are the first lines of what was sent so far.
func (c *fakeUDP) lines() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]string, len(c.sent))
	for i, m := range c.sent {
		out[i] = firstLine(m)
	}
	return out
}

func (c *fakeUDP) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sent) == 0 {
		return ""
	}
	return c.sent[len(c.sent)-1]
}

// count counts messages whose first line begins so.
func (c *fakeUDP) count(prefix string) int {
	n := 0
	for _, l := range c.lines() {
		if strings.HasPrefix(l, prefix) {
			n++
		}
	}
	return n
}

// virtual is a layer over a fake socket, for use inside of a synctest bubble.
func virtual(t *testing.T, cfg Config, h Handler) (*Layer, *Flow, *fakeUDP) {
	t.Helper()
	l, c := New(cfg, h), newFakeUDP()
	f, err := l.openUDP(c, fakeLocal)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, f, c
}

func statuses(list []*Response) string {
	var b strings.Builder
	for _, r := range list {
		fmt.Fprintf(&b, "%d ", r.Status)
	}
	return strings.TrimSpace(b.String())
}
