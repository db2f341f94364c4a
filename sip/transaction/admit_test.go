package transaction

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoIsNotAdmittedGetsNothingOrANo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		say := Drop
		h := &recorder{
			request: func(tx *ServerTx, req *Request) { t.Errorf("%s was let in", req.Method) },
			ack:     func(*Request) { t.Error("an ACK was let in") },
		}
		l, f, wire := virtual(t, Config{Admit: func(flow *Flow, source netip.AddrPort, method string, toTag bool) Admission {
			if source != fakeRemote || flow == nil {
				t.Errorf("asked about %v on %v", source, flow)
			}
			asked = append(asked, fmt.Sprint(method, " ", toTag))
			return say
		}}, h)
		_ = f
		inside := strings.Replace(requestText("BYE", "b", fakeRemote), "To: <sip:2101@127.0.0.1>", "To: <sip:2101@127.0.0.1>;tag=1", 1)
		sent := []string{
			requestText("INVITE", "a", fakeRemote), inside, requestText("CANCEL", "a", fakeRemote), requestText("ACK", "a", fakeRemote),
			strings.Replace(requestText("OPTIONS", "c", fakeRemote), "CSeq: 1 OPTIONS", "CSeq: none", 1),         // the parser sees it
			strings.Replace(requestText("INFO", "d", fakeRemote), "Max-Forwards: 70", "no field at all", 1),      // it does not
			strings.Replace(requestText("REGISTER", "e", fakeRemote), "sip:2101@127.0.0.1 SIP", "x:y SIP", 1),    // nor here
			strings.Replace(requestText("MESSAGE", "g", fakeRemote), "Max-Forwards: 70", "Max-Forwards: no", 10), // it does
		}
		for _, say = range []Admission{Drop, Refuse} {
			before := len(wire.lines())
			asked = nil
			for _, msg := range sent {
				wire.in <- msg
			}
			synctest.Wait()
			if want := "INVITE false,BYE true,CANCEL false,ACK false,OPTIONS false,INFO false,REGISTER false,MESSAGE false"; strings.Join(asked, ",") != want {
				t.Errorf("asked about %q", asked)
			}
			answers := wire.lines()[before:]
			if say == Drop && len(answers) != 0 {
				t.Errorf("answered %q", answers)
			}
			if say == Refuse && (len(answers) != len(sent)-1 || slices.ContainsFunc(answers, func(s string) bool { return s != "SIP/2.0 403 Forbidden" })) {
				t.Errorf("answered %q", answers)
			}
		}
		if s := l.Stats(); s.Dropped != 8 || s.Refused != 8 || s.ServerTx != 0 || s.EarlyCancels != 0 || s.Requests != 0 {
			t.Errorf("counted %+v", s)
		}
	})
}

func TestASourceMayBeginOnlySoManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var let atomic.Int64
		h := &recorder{request: func(tx *ServerTx, req *Request) {
			let.Add(1)
			tx.Respond(NewResponse(req, 486, ""))
		}}
		l, _, wire := virtual(t, Config{RequestRate: 2, RequestBurst: 5}, h)
		n := 0
		burst := func(k int) int {
			before := let.Load()
			for range k {
				n++
				wire.in <- requestText("OPTIONS", fmt.Sprint("r", n), fakeRemote)
			}
			synctest.Wait()
			return int(let.Load() - before)
		}
		if in := burst(50); in != 5 {
			t.Errorf("of a burst of 50 came in %d", in)
		}
		// What is already here is free: repeats, CANCEL, ACK, and dialogs.
		sent := len(wire.lines())
		for range 10 {
			wire.in <- requestText("OPTIONS", "r1", fakeRemote)
		}
		inside := strings.Replace(requestText("INFO", "in", fakeRemote), "To: <sip:2101@127.0.0.1>", "To: <sip:2101@127.0.0.1>;tag=1", 1)
		wire.in <- inside
		synctest.Wait()
		if got := len(wire.lines()) - sent; got != 11 {
			t.Errorf("%d answers to 10 repeats and one within a dialog", got)
		}
		// Who only says that it belongs to a dialog has an end too.
		before := l.Stats().Requests
		for i := range 300 {
			wire.in <- strings.Replace(requestText("INFO", fmt.Sprint("in", i), fakeRemote), "To: <sip:2101@127.0.0.1>", "To: <sip:2101@127.0.0.1>;tag=1", 1)
		}
		synctest.Wait()
		if got := l.Stats().Requests - before; got != 99 { // of 5 times 20, one was above
			t.Errorf("%d requests within dialogs came in", got)
		}
		time.Sleep(time.Second)
		if in := burst(50); in != 2 {
			t.Errorf("a second later came in %d", in)
		}
		time.Sleep(time.Hour)
		if in := burst(50); in != 5 {
			t.Errorf("an hour later came in %d", in)
		}
		if s := l.Stats(); s.Limited != 45+48+45+201 {
			t.Errorf("counted %+v", s)
		}
		// An answer to what cannot be understood costs as well.
		bad := strings.Replace(requestText("OPTIONS", "bad", fakeRemote), "CSeq: 1 OPTIONS", "CSeq: none", 1)
		bad = strings.Replace(bad, "To: <sip:2101@127.0.0.1>", "To: <sip:2101@127.0.0.1>;tag=1", 1)
		sent = len(wire.lines())
		wire.in <- bad
		synctest.Wait()
		if len(wire.lines()) != sent {
			t.Error("it was answered beyond the rate")
		}
		time.Sleep(time.Minute)
	})
	synctest.Test(t, func(t *testing.T) { // nobody repeats what was lost on a connection
		h := &recorder{request: func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 200, "")) }}
		_, _, theirs := pipe(t, Config{RequestRate: 1, RequestBurst: 1}, h, true)
		go func() {
			theirs.Write([]byte(requestText("OPTIONS", "one", fakeRemote)))
			theirs.Write([]byte(requestText("OPTIONS", "two", fakeRemote)))
		}()
		b := make([]byte, 8192)
		var all string
		for strings.Count(all, "\r\n\r\n") < 2 {
			n, err := theirs.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			all += string(b[:n])
		}
		if !strings.Contains(all, "SIP/2.0 200 OK") || !strings.Contains(all, "SIP/2.0 503 Service Unavailable") || !strings.Contains(all, "Retry-After: 5") {
			t.Errorf("answered %q", all)
		}
	})
}

func TestABucketHasAPropertyTheRateBoundsEverySourceAndItsMemoryIsBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	m := newLimiter(3, 10)
	began := time.Unix(0, 0)
	now, got := began, map[netip.Prefix]int{}
	for range 200000 {
		now = now.Add(time.Duration(r.IntN(int(2 * time.Millisecond))))
		a := netip.AddrFrom4([4]byte{10, byte(r.IntN(2)), byte(r.IntN(256)), byte(r.IntN(64))}) // more than there is room for
		if r.IntN(2) == 0 {
			a = netip.AddrFrom4([4]byte{192, 0, 2, 1})
		}
		if m.take(a, now) {
			got[sourceOf(a)]++
		}
		if len(m.by) > maxBuckets {
			t.Fatalf("%d sources are known", len(m.by))
		}
	}
	most := 0
	for _, n := range got {
		most = max(most, n)
	}
	if limit := int(now.Sub(began).Seconds()*3) + 10; most > limit {
		t.Errorf("one source had %d, at most %d are allowed", most, limit)
	}
	v6 := newLimiter(1, 3)
	n := 0
	for i := range 100 { // one host has a whole /64
		if v6.take(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: byte(i)}), now) {
			n++
		}
	}
	if n != 3 {
		t.Errorf("a /64 had %d", n)
	}
	if v6.take(netip.MustParseAddr("::ffff:192.0.2.1"), now); len(v6.by) != 2 || !v6.take(netip.MustParseAddr("192.0.2.1"), now.Add(-time.Hour)) {
		t.Error("IPv4 in IPv6 is another source, or a clock that was set back stops everything")
	}
}

// flood is a socket on which any number of datagrams of as many sources come.
type flood struct {
	*fakeUDP
	n, of int
	made  func(i int) []byte
	over  chan struct{}
}

func (c *flood) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	if c.n++; c.n > c.of {
		if c.n == c.of+1 {
			close(c.over)
		}
		<-c.closed
		return 0, netip.AddrPort{}, net.ErrClosed
	}
	i := c.n
	return copy(b, c.made(i)), netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), uint16(i)), nil
}

func (c *flood) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) { return len(b), nil }

func TestAFloodOfGarbageDoesNotGrowMemory(t *testing.T) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const many = 20000
	for name, made := range map[string]func(i int) []byte{
		"noise":        func(i int) []byte { return bytes.Repeat([]byte{byte(i), byte(i >> 8), 0xff}, 40) },
		"no SIP":       func(i int) []byte { return fmt.Appendf(nil, "HELO %d\r\n\r\n", i) },
		"half a start": func(i int) []byte { return fmt.Appendf(nil, "INVITE sip:%d", i) },
		"no Via":       func(i int) []byte { return text2("INVITE", i, "Call-ID: x%d") },
		"bad CSeq":     func(i int) []byte { return []byte(requestText("INVITE", fmt.Sprint(i), fakeRemote, "CSeq: x")) },
		"cancels":      func(i int) []byte { return []byte(requestText("CANCEL", fmt.Sprint("c", i), fakeRemote)) },
		"stray ACKs":   func(i int) []byte { return []byte(requestText("ACK", fmt.Sprint("k", i), fakeRemote)) },
		"responses": func(i int) []byte {
			return []byte(strings.Replace(requestText("INVITE", fmt.Sprint("s", i), fakeRemote), "INVITE sip:2101@127.0.0.1 SIP/2.0", "SIP/2.0 486 No", 1))
		},
		"STUN": func(i int) []byte {
			return []byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 16: byte(i), 17: byte(i >> 8), 18: byte(i >> 16), 19: 0}
		},
		"more than its rate": func(i int) []byte { return []byte(requestText("OPTIONS", fmt.Sprint("o", i), fakeRemote)) },
	} {
		c := &flood{fakeUDP: newFakeUDP(), of: many, made: made, over: make(chan struct{})}
		l := New(Config{RequestRate: 0.001, RequestBurst: 1, MaxQueues: 64}, &recorder{request: func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 486, "")) }})
		before := heap()
		if _, err := l.openUDP(c, fakeLocal); err != nil {
			t.Fatal(err)
		}
		<-c.over
		for l.Stats().Queues > 0 {
			runtime.Gosched()
		}
		most := int64(3 << 20)
		if name == "more than its rate" {
			most = 64 << 20 // the first of each of 4096 sources: their transactions, which live for 32 s
		}
		if grown := heap() - before; grown > most {
			t.Errorf("%s: %d kB more after %d datagrams: %+v", name, grown>>10, many, l.Stats())
		}
		if s := l.Stats(); s.ServerTx > maxBuckets+1 || s.ClientTx != 0 {
			t.Errorf("%s: %+v", name, s)
		}
		l.Close()
	}
}

func text2(method string, i int, field string) []byte {
	return []byte(text(method+" sip:a@b SIP/2.0", fmt.Sprintf(field, i)))
}

func TestAConnectionIsClosedForWhatIsTooLongOrNeverEnds(t *testing.T) {
	head := "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.2;branch=z9hG4bKx\r\n"
	for name, c := range map[string]struct {
		said  string
		waits time.Duration
	}{
		"a head without an end":     {head + strings.Repeat("X: "+strings.Repeat("y", 100)+"\r\n", 400), 0},
		"a line without an end":     {head + "X: " + strings.Repeat("y", 40<<10), 0},
		"a start line without one":  {strings.Repeat("A", 40<<10), 0},
		"a body that is too long":   {head + "Content-Length: 70000\r\n\r\n", 0},
		"a body of another world":   {head + "Content-Length: 99999999999999999999\r\n\r\n", 0},
		"the rest does not come":    {head + "X: y", 64 * T1},
		"the body does not come":    {head + "Content-Length: 100\r\n\r\nabc", 64 * T1},
		"half a ping and no more":   {"\r", 64 * T1},
		"a letter, and then nobody": {"O", 64 * T1},
	} {
		for _, dialled := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				_, f, theirs := pipe(t, Config{Keepalive: -1}, &recorder{request: func(tx *ServerTx, req *Request) { tx.Respond(NewResponse(req, 200, "")) }}, dialled)
				go func() {
					b := make([]byte, 4096)
					for {
						if _, err := theirs.Read(b); err != nil {
							return
						}
					}
				}()
				theirs.Write([]byte(requestText("OPTIONS", "first", fakeRemote)))
				synctest.Wait()
				go theirs.Write([]byte(c.said))
				if c.waits == 0 {
					time.Sleep(framingGrace)
				}
				synctest.Wait()
				if c.waits > 0 {
					time.Sleep(c.waits - time.Second)
					synctest.Wait()
					if !f.Alive() {
						t.Errorf("%s: closed too early", name)
					}
					time.Sleep(time.Second)
					synctest.Wait()
				}
				if f.Alive() || cap(f.tcp.in) > 256<<10 {
					t.Errorf("%s (dialled %v): alive %v with %d bytes", name, dialled, f.Alive(), cap(f.tcp.in))
				}
			})
		}
	}
}

func TestAConnectionInPiecesAndPausesIsNotHurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		_, f, theirs := pipe(t, Config{}, &recorder{request: func(tx *ServerTx, req *Request) {
			n.Add(1)
			tx.Respond(NewResponse(req, 200, ""))
		}}, false)
		go func() {
			b := make([]byte, 4096)
			for {
				if _, err := theirs.Read(b); err != nil {
					return
				}
			}
		}()
		for i := range 5 {
			msg := requestText("OPTIONS", fmt.Sprint("slow", i), fakeRemote)
			theirs.Write([]byte(msg[:50]))
			time.Sleep(20 * time.Second)
			theirs.Write([]byte(msg[50:]))
			time.Sleep(time.Hour)
		}
		synctest.Wait()
		if n.Load() != 5 || !f.Alive() {
			t.Errorf("%d came, alive %v: %v", n.Load(), f.Alive(), f.Err())
		}
	})
}
