package dialog

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"offhook/sip/transaction"
)

// patience bounds a wait for something that must happen; it is never what a test measures. In virtual time it costs nothing.
const (
	patience        = 30 * time.Second
	virtualPatience = time.Hour
)

// phone is a UA for tests on a loopback socket.
type phone struct {
	t      *testing.T
	name   string
	ua     *UA
	flow   *transaction.Flow
	ring   bool // ring each call by itself
	calls  chan *Session
	events chan told
	wait   time.Duration

	mu   sync.Mutex
	down int
}

type told struct {
	s *Session
	e Event
}

func (p *phone) Incoming(s *Session) {
	if p.ring {
		s.Ring()
	}
	p.calls <- s
}

func (p *phone) Request(tx *transaction.ServerTx, req *transaction.Request) { p.ua.NotAllowed(tx) }
func (p *phone) Event(s *Session, e Event)                                  { p.events <- told{s, e} }
func (p *phone) FlowDown(*transaction.Flow, error)                          { p.mu.Lock(); p.down++; p.mu.Unlock() }

func newPhone(t *testing.T, name string, change ...func(*Config)) *phone {
	t.Helper()
	return startPhone(t, name, func(l *transaction.Layer) (*transaction.Flow, error) {
		return l.ListenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	}, change...)
}

func startPhone(t *testing.T, name string, open func(*transaction.Layer) (*transaction.Flow, error), change ...func(*Config)) *phone {
	t.Helper()
	p := &phone{t: t, name: name, ring: true, calls: make(chan *Session, 64), events: make(chan told, 4096), wait: patience}
	cfg := Config{User: name, Codecs: testCodecs, DTMF: 101}
	for _, f := range change {
		f(&cfg)
	}
	p.ua = New(cfg, p)
	flow, err := open(p.ua.Layer())
	if err != nil {
		t.Fatal(err)
	}
	p.flow = flow
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second/5)
		defer cancel()
		p.ua.Close(ctx)
	})
	return p
}

func (p *phone) uri() transaction.URI {
	a := p.flow.LocalAddr()
	return transaction.URI{Scheme: "sip", User: p.name, Host: a.Addr().String(), Port: int(a.Port())}
}

func local(port uint16) Local {
	return Local{RTP: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)}
}

func (p *phone) invite(to transaction.URI, change ...func(*Invite)) *Session {
	p.t.Helper()
	in := Invite{
		Flow: p.flow, Dst: netip.AddrPortFrom(netip.MustParseAddr(to.Host), uint16(to.Port)), URI: to,
		From: transaction.Address{URI: p.uri()}, Media: local(20000),
	}
	for _, f := range change {
		f(&in)
	}
	return p.ua.Invite(in, nil)
}

func (p *phone) incoming() *Session {
	p.t.Helper()
	select {
	case s := <-p.calls:
		return s
	case <-time.After(p.wait):
		p.t.Fatalf("%s: no call came", p.name)
		return nil
	}
}

// next waits for the next event of type E of s and fails on Ended before it. Events of other types are skipped.
func next[E Event](p *phone, s *Session) E {
	p.t.Helper()
	for {
		select {
		case ev := <-p.events:
			if ev.s != s {
				continue
			}
			if e, ok := ev.e.(E); ok {
				return e
			}
			if end, ok := ev.e.(Ended); ok {
				p.t.Fatalf("%s: the session ended (%+v) while waiting for %T", p.name, end, *new(E))
			}
		case <-time.After(p.wait):
			p.t.Fatalf("%s: no %T came", p.name, *new(E))
		}
	}
}

// quietSo fails when a session that goes on was told to end.
func (p *phone) quietSo(s *Session) {
	p.t.Helper()
	done := make(chan struct{})
	p.ua.Post(func() { close(done) })
	<-done
	for {
		select {
		case ev := <-p.events:
			if e, over := ev.e.(Ended); over && ev.s == s {
				p.t.Fatalf("%s: ended: %+v", p.name, e)
			}
		default:
			return
		}
	}
}

// quiet fails when an event came to s after its end; everything posted before is waited for.
func (p *phone) quiet(s *Session) {
	p.t.Helper()
	done := make(chan struct{})
	p.ua.Post(func() { close(done) })
	<-done
	for {
		select {
		case ev := <-p.events:
			if ev.s == s {
				p.t.Fatalf("%s: %T %+v after the end", p.name, ev.e, ev.e)
			}
		default:
			return
		}
	}
}

// connected is a call between two phones, answered.
func connected(t *testing.T, a, b *phone) (ours, theirs *Session) {
	t.Helper()
	ours = a.invite(b.uri())
	theirs = b.incoming()
	theirs.Answer(local(30000))
	next[Confirmed](a, ours)
	next[Confirmed](b, theirs)
	return ours, theirs
}

// script is a far end that says exactly what a test wants, over a plain socket or a connection.
type script struct {
	t     *testing.T
	local netip.AddrPort
	to    netip.AddrPort
	tcp   bool
	write func([]byte) error
	in    chan packet
	wait  time.Duration

	hangUp func() // of a connection
}

// packet is one message as it came.
type packet struct {
	data []byte
	from netip.AddrPort
	at   time.Time
}

// msg is a message as a script sees it.
type msg struct {
	start string
	h     textproto.MIMEHeader
	body  string
	at    time.Time
}

func newScript(t *testing.T, to *phone) *script {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	s := datagramScript(t, c)
	if to != nil {
		s.to = to.flow.LocalAddr()
	}
	return s
}

// datagramScript reads from c until the test is over.
func datagramScript(t *testing.T, c transaction.PacketConn) *script {
	s := &script{t: t, local: c.LocalAddr().(*net.UDPAddr).AddrPort(), in: make(chan packet, 1024), wait: patience}
	s.write = func(b []byte) error {
		_, err := c.WriteToUDPAddrPort(b, s.to)
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			buf := make([]byte, 65536)
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			s.in <- packet{buf[:n], from, time.Now()}
		}
	}()
	t.Cleanup(func() { c.Close(); <-done })
	return s
}

func (s *script) addr() netip.AddrPort { return s.local }

func (s *script) uri() transaction.URI {
	u := transaction.URI{Scheme: "sip", User: "peer", Host: s.addr().Addr().String(), Port: int(s.addr().Port())}
	if s.tcp {
		u.Params = u.Params.With("transport", "tcp")
	}
	return u
}

func (s *script) send(text string) {
	s.t.Helper()
	if err := s.write([]byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// recv waits for a message whose start line begins with one of these, skipping repetitions of what is not asked for. A 100 is only
// what was asked for when it is named: whether one comes before the answer depends on what the loop is doing.
func (s *script) recv(starts ...string) msg {
	s.t.Helper()
	var seen []string
	limit := time.After(s.wait)
	for {
		select {
		case p := <-s.in:
			s.to = p.from
			m := parseMsg(s.t, p.data)
			m.at = p.at
			for _, want := range starts {
				if strings.HasPrefix(m.start, want) && (len(want) > len("SIP/2.0") || !strings.HasPrefix(m.start, "SIP/2.0 100")) {
					return m
				}
			}
			seen = append(seen, m.start)
		case <-limit:
			s.t.Fatalf("%q did not come; came: %q", starts, seen)
		}
	}
}

func parseMsg(t *testing.T, b []byte) msg {
	t.Helper()
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(b)))
	start, err := r.ReadLine()
	if err != nil {
		t.Fatal(err)
	}
	h, err := r.ReadMIMEHeader()
	if err != nil {
		t.Fatalf("%v in %q", err, b)
	}
	body, _ := io.ReadAll(r.R)
	return msg{start: start, h: h, body: string(body)}
}

func (m msg) get(name string) string { return m.h.Get(name) }

func (m msg) code() int {
	n, _ := strconv.Atoi(strings.Fields(m.start)[1])
	return n
}

func (m msg) cseq() int {
	n, _ := strconv.Atoi(strings.Fields(m.get("CSeq"))[0])
	return n
}

// tag of From or To.
func (m msg) tag(name string) string {
	_, after, _ := strings.Cut(m.get(name), "tag=")
	tag, _, _ := strings.Cut(after, ";")
	return tag
}

// reply answers req; the To tag is added when there is one to add.
func (s *script) reply(req msg, status, tag, extra, body string) {
	s.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %s\r\n", status)
	for _, v := range req.h["Via"] {
		fmt.Fprintf(&b, "Via: %s\r\n", v)
	}
	to := req.get("To")
	if tag != "" && !strings.Contains(to, "tag=") {
		to += ";tag=" + tag
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n", req.get("From"), to, req.get("Call-Id"), req.get("Cseq"))
	if !strings.Contains(extra, "Contact:") {
		fmt.Fprintf(&b, "Contact: <%s>\r\n", s.uri())
	}
	b.WriteString(extra)
	if body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	s.send(b.String())
}

// line makes a request of the script's own.
type line struct {
	method, callID, from, to string // with tags
	cseq                     int
	branch                   string
	extra, body, kind        string
	uri                      string
	bare                     bool // without a Contact of its own
}

func (s *script) request(l line) {
	s.t.Helper()
	if l.branch == "" {
		l.branch = "z9hG4bK" + transaction.NewTag()
	}
	if l.uri == "" {
		l.uri = fmt.Sprintf("sip:phone@%v", s.to)
	}
	if l.body != "" && l.kind == "" {
		l.kind = "application/sdp"
	}
	if l.kind != "" {
		l.extra += "Content-Type: " + l.kind + "\r\n"
	}
	transport := "UDP"
	if s.tcp {
		transport = "TCP"
	}
	if !l.bare {
		l.extra = "Contact: <" + s.uri().String() + ">\r\n" + l.extra
	}
	s.send(fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %v;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n%sContent-Length: %d\r\n\r\n%s",
		l.method, l.uri, transport, s.addr(), l.branch, l.from, l.to, l.callID, l.cseq, l.method, l.extra, len(l.body), l.body))
}

var peerSDP = string(lines("v=0", "o=peer 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"))

// calls starts a call of the script to the phone, without waiting.
func (s *script) call(callID, extra, body string) line {
	l := line{method: "INVITE", callID: callID, from: "<sip:peer@127.0.0.1>;tag=peer1", to: "<sip:phone@127.0.0.1>", cseq: 10,
		branch: "z9hG4bK" + callID, extra: extra, body: body}
	s.request(l)
	return l
}

// in makes l a request in the dialog of the 2xx res.
func (l line) in(res msg, method string, cseq int) line {
	l.method, l.cseq, l.branch, l.to, l.extra, l.body, l.kind = method, cseq, "", res.get("To"), "", "", ""
	return l
}

// lines joins SDP lines as they go over the wire.
func lines(l ...string) []byte { return []byte(strings.Join(l, "\r\n") + "\r\n") }

var testCodecs = []Codec{
	{Name: "G722", Clock: 8000, Channels: 1, PT: 9},
	{Name: "PCMU", Clock: 8000, Channels: 1, PT: 0},
	{Name: "PCMA", Clock: 8000, Channels: 1, PT: 8},
}
