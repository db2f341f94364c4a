package transaction

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is a TCP flow over a connection in memory, for use inside of a bubble.
func pipe(t *testing.T, cfg Config, h Handler, dialled bool) (*Layer, *Flow, net.Conn) {
	t.Helper()
	l := New(cfg, h)
	ours, theirs := net.Pipe()
	f, err := l.openTCP(ours, fakeLocal, fakeRemote, dialled)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		theirs.Close()
		l.Close()
	})
	return l, f, theirs
}

// readMessage reads one message without a body from a stream.
func readMessage(r *bufio.Reader) string {
	var b strings.Builder
	for {
		l, err := r.ReadString('\n')
		b.WriteString(l)
		if err != nil || l == "\r\n" {
			return b.String()
		}
	}
}

func TestTheDeathOfAConnectionFailsItsTransactionsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down []error
		l, f, theirs := pipe(t, Config{}, &recorder{down: func(_ *Flow, err error) { down = append(down, err) }}, false)
		go bufio.NewReader(theirs).WriteTo(discard{})
		a, b := dial(t, l, f, newRequest("INVITE", "a")), dial(t, l, f, newRequest("REGISTER", "b"))
		synctest.Wait()
		began := time.Now()
		theirs.Close()
		synctest.Wait()
		for _, c := range []*call{a, b} {
			if len(c.done()) != 1 || !errors.Is(c.done()[0], ErrFlowDown) {
				t.Errorf("done %v", c.done())
			}
		}
		if len(down) != 1 || !errors.Is(down[0], ErrFlowDown) || f.Alive() || time.Since(began) != 0 || l.Stats().ClientTx != 0 {
			t.Errorf("down %v, alive %v, after %v", down, f.Alive(), time.Since(began))
		}
		if _, err := l.Send(f, fakeRemote, newRequest("OPTIONS", "c"), nil, nil); !errors.Is(err, ErrFlowDown) {
			t.Errorf("Send over a dead flow: %v", err)
		}
	})
}

func TestAConnectionOnWhichNothingIsSaidIsClosed(t *testing.T) {
	for _, said := range []string{"", "\r\n\r\n", "OPTIONS sip:a@b SIP/2.0\r\nVia: "} {
		synctest.Test(t, func(t *testing.T) {
			_, f, theirs := pipe(t, Config{}, &recorder{}, false)
			go bufio.NewReader(theirs).WriteTo(discard{})
			theirs.Write([]byte(said))
			time.Sleep(mute - time.Millisecond)
			synctest.Wait()
			if !f.Alive() {
				t.Errorf("%q: closed too early", said)
			}
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if f.Alive() {
				t.Errorf("%q: still open", said)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		_, f, theirs := pipe(t, Config{}, &recorder{request: func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 200, "")) }}, false)
		go bufio.NewReader(theirs).WriteTo(discard{})
		theirs.Write([]byte(requestText("OPTIONS", "one", fakeRemote)))
		time.Sleep(time.Hour)
		synctest.Wait()
		if !f.Alive() {
			t.Error("a connection that carried a message was closed")
		}
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestAPeerThatTakesNothingEndsTheFlowAndNotTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := 0
		l, f, _ := pipe(t, Config{}, &recorder{down: func(*Flow, error) { down++ }}, false)
		_, err := l.Send(f, fakeRemote, newRequest("INVITE", "stuck"), nil, func(error) { t.Error("done was called though Send failed") })
		synctest.Wait()
		if !errors.Is(err, ErrFlowDown) || down != 1 || f.Alive() {
			t.Errorf("error %v, told %d times", err, down)
		}
	})
}

func TestClosingAFlowIsNotReportedAsItsDeath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, f, theirs := pipe(t, Config{}, &recorder{down: func(*Flow, error) { t.Error("HandleFlowDown was called") }}, false)
		go bufio.NewReader(theirs).WriteTo(discard{})
		f.Close()
		f.Close()
		synctest.Wait()
		if !errors.Is(f.Err(), ErrClosed) {
			t.Errorf("Err %v", f.Err())
		}
	})
}

func TestKeepalivesAreSentAnsweredAndMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f, theirs := pipe(t, Config{Keepalive: 100 * time.Second}, &recorder{}, true)
		var pings atomic.Int64
		var mute atomic.Bool
		go func() {
			b := make([]byte, 16)
			for {
				n, err := theirs.Read(b)
				if err != nil {
					return
				}
				if string(b[:n]) == "\r\n\r\n" {
					pings.Add(1)
					if !mute.Load() {
						theirs.Write([]byte("\r\n"))
					}
				} else if string(b[:n]) == "\r\n" {
					pings.Add(100) // the answer to our ping
				}
			}
		}()
		time.Sleep(7 * time.Minute)
		synctest.Wait()
		if n := pings.Load(); n < 3 || n > 5 || !f.Alive() {
			t.Fatalf("%d pings, alive %v", n, f.Alive())
		}
		before := pings.Load()
		theirs.Write([]byte("\r\n\r\n"))
		synctest.Wait()
		if pings.Load() != before+100 {
			t.Error("a ping was not answered")
		}
		mute.Store(true)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if f.Alive() || !strings.Contains(f.Err().Error(), "keepalive") {
			t.Errorf("a silent far end: alive %v, %v", f.Alive(), f.Err())
		}
		l.Close()
	})
}

func TestOneBadFieldOnTCPCostsOneAnswerAndNotTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &recorder{request: func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 200, "")) }}
		_, f, theirs := pipe(t, Config{}, h, false)
		in := bufio.NewReader(theirs)
		good := strings.Replace(requestText("OPTIONS", "good", fakeRemote), "/UDP", "/TCP", 1)
		for _, c := range []struct{ old, new, want string }{
			{"CSeq: 1 OPTIONS", "CSeq: one OPTIONS", "SIP/2.0 400 Bad Request: CSeq is missing or cannot be read"},
			{"CSeq: 1 OPTIONS", "CSeq: 1 INVITE", "SIP/2.0 400 Bad Request: the method of CSeq is not that of the request"},
			{"To: <sip:2101@127.0.0.1>", "To: <sip:2101@127.0.0.1", "SIP/2.0 400 Bad Request: To is missing or cannot be read"},
			{"Max-Forwards: 70", "Max-Forwards: many", "SIP/2.0 400 Bad Request: Max-Forwards cannot be read"},
			{"Max-Forwards: 70", "no field at all", "SIP/2.0 400 Bad Request: a header field without a name"},
			{"Max-Forwards: 70", "From: <sip:b@example.com>;tag=2", "SIP/2.0 400 Bad Request: more than one From"},
			{"sip:2101@127.0.0.1 SIP/2.0", "sip:2101@127.0.0.1 SIP/7.0", "SIP/2.0 505 Version Not Supported: SIP version not supported"},
			{"sip:2101@127.0.0.1 SIP/2.0", "sip:2101@[::: SIP/2.0", "SIP/2.0 400 Bad Request: Request-URI cannot be read"},
			{"sip:2101@127.0.0.1 SIP/2.0", "nobody:knows SIP/2.0", "SIP/2.0 416 Unsupported URI Scheme"},
			{"x", "x", "SIP/2.0 200 OK"},
		} {
			msg := strings.Replace(good, c.old, c.new, 1)
			go func() { // in pieces, as TCP does
				for i := 0; i < len(msg); i += 37 {
					theirs.Write([]byte(msg[i:min(i+37, len(msg))]))
				}
			}()
			res := readMessage(in)
			if firstLine(res) != c.want || field(res, "Via") == "" || tagOf(field(res, "To")) == "" && !strings.Contains(c.new, "To:") {
				t.Errorf("%s: answered\n%s", c.new, res)
			}
		}
		if !f.Alive() {
			t.Errorf("the connection was closed: %v", f.Err())
		}
		go theirs.Write([]byte(strings.Replace(good, "Content-Length: 0", "X: y", 1)))
		if res := readMessage(in); !strings.HasPrefix(res, "SIP/2.0 400") {
			t.Errorf("without a length: %s", res)
		}
		time.Sleep(framingGrace)
		synctest.Wait()
		if f.Alive() {
			t.Error("a stream whose messages cannot be told apart must be closed")
		}
	})
}

func TestRubbishOverUDPIsDroppedWhoeverSendsIt(t *testing.T) {
	h := &recorder{request: func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 200, "")) }}
	l, f := udpLayer(t, Config{}, h)
	p := newPeer(t, f.LocalAddr())
	for _, rubbish := range []string{"\r\n", "\r\n\r\n", "\x00\x00\x00\x00", "\x00", "hello", "GET / HTTP/1.1\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n",
		"SIP/2.0 999 What\r\n\r\n", strings.Repeat("A", 20000), "INVITE sip:a@b SIP/2.0\r\nVia: x\r\n\r\n", "ACK sip:a@b SIP/3.0\r\nVia: SIP/2.0/UDP a\r\nCSeq: 1 ACK\r\n\r\n"} {
		p.send(rubbish)
	}
	p.send("\r\n\r\n" + requestText("OPTIONS", "after", p.addr()))
	res, _ := p.read()
	for strings.Contains(firstLine(res), "400") {
		res, _ = p.read()
	}
	if firstLine(res) != "SIP/2.0 200 OK" || !f.Alive() {
		t.Errorf("after rubbish: %q", firstLine(res))
	}
	if s := l.Stats(); s.Garbage == 0 || s.Malformed == 0 || s.Requests != 1 {
		t.Errorf("counted %+v", s)
	}
}

func TestTCPCarriesRequestsInBothDirections(t *testing.T) {
	answer := func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 200, "")) }
	inbound := make(chan *Flow, 1)
	server := New(Config{}, &recorder{request: func(tx *ServerTx, req *Request) {
		answer(tx, req)
		inbound <- req.Flow
	}})
	defer server.Close()
	ln, err := server.ListenTCP(loopback)
	if err != nil {
		t.Fatal(err)
	}
	client := New(Config{}, &recorder{request: answer})
	defer client.Close()
	f, err := client.DialTCP(t.Context(), ln.Addr())
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan *Response, 1)
	if _, err := client.Send(f, netip.AddrPort{}, newRequest("OPTIONS", "there"), func(r *Response) { got <- r }, nil); err != nil {
		t.Fatal(err)
	}
	if res := <-got; res.Status != 200 || res.Seen != f.LocalAddr() {
		t.Errorf("%d, seen as %v, local %v", res.Status, res.Seen, f.LocalAddr())
	}
	if _, err := server.Send(<-inbound, netip.AddrPort{}, newRequest("OPTIONS", "back"), func(r *Response) { got <- r }, nil); err != nil {
		t.Fatal(err)
	}
	if res := <-got; res.Status != 200 || f.Contact("2101", f.RemoteAddr()).URI.Params.String() != ";transport=tcp" {
		t.Errorf("%d, contact %s", res.Status, f.Contact("2101", f.RemoteAddr()))
	}
}

func TestAPortThatIsTakenIsSaidToBe(t *testing.T) {
	l, f := udpLayer(t, Config{}, &recorder{})
	if _, err := l.ListenUDP(f.LocalAddr()); !errors.Is(err, ErrPortTaken) {
		t.Errorf("UDP: %v", err)
	}
	n, err := l.ListenTCP(loopback)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.ListenTCP(n.Addr()); !errors.Is(err, ErrPortTaken) {
		t.Errorf("TCP: %v", err)
	}
	n.Close()
	if _, err := l.DialTCP(t.Context(), n.Addr()); !errors.Is(err, ErrFlowDown) {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestASocketOnAllInterfacesNamesTheOneThatLeadsToTheFarEnd(t *testing.T) {
	l := New(Config{}, &recorder{})
	defer l.Close()
	f, err := l.ListenUDP(netip.MustParseAddrPort("0.0.0.0:0"))
	if err != nil {
		t.Fatal(err)
	}
	if at := f.LocalFor(netip.MustParseAddrPort("127.0.0.1:5060")); at.Addr() != loopback.Addr() || at.Port() != f.LocalAddr().Port() {
		t.Errorf("towards loopback: %v", at)
	}
}

func TestTheTraceHoldsNoSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen strings.Builder
		l, f, wire := virtual(t, Config{Trace: func(m TraceMessage) { seen.Write(m.Data) }}, &recorder{})
		req := newRequest("REGISTER", "trace")
		req.Headers.Add("Authorization", `Digest username="2101", response="0123456789abcdef", nc=00000001`)
		req.ContentType, req.Body = "application/sdp", []byte("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^31\r\n")
		dial(t, l, f, req)
		wire.in <- respondTo(wire.last(), "200 OK", "x")
		synctest.Wait()
		s := seen.String()
		if strings.Contains(s, "0123456789abcdef") || strings.Contains(s, "c2VjcmV0") || !strings.Contains(s, "nc=00000001") || !strings.Contains(s, "200 OK") {
			t.Errorf("trace is\n%s", s)
		}
		if !strings.Contains(wire.last(), "0123456789abcdef") {
			t.Error("the message itself was changed")
		}
	})
}
