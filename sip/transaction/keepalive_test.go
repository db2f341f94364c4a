package transaction

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v3"
)

func TestWhoAgreedToOutboundMustAnswerPings(t *testing.T) {
	for name, c := range map[string]struct {
		set     func(*Flow)
		answers bool
		lives   bool
	}{
		"strict, answered":    {func(f *Flow) { f.KeepAlive(20 * time.Second) }, true, true},
		"strict, silent":      {func(f *Flow) { f.KeepAlive(20 * time.Second) }, false, false},
		"lenient, silent":     {func(f *Flow) { f.PingEvery(20 * time.Second) }, false, true},
		"no more":             {func(f *Flow) { f.KeepAlive(20 * time.Second); f.KeepAlive(0) }, false, true},
		"changed its mind":    {func(f *Flow) { f.KeepAlive(time.Hour); f.KeepAlive(20 * time.Second) }, false, false},
		"as configured":       {func(*Flow) {}, false, true},
		"changed in a pause":  {func(f *Flow) { f.KeepAlive(0); time.Sleep(time.Minute); f.KeepAlive(20 * time.Second) }, false, false},
		"after it was closed": {func(f *Flow) { f.Close(); f.KeepAlive(time.Second) }, false, false},
	} {
		for _, dialled := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				_, f, theirs := pipe(t, Config{Keepalive: 120 * time.Second}, &recorder{}, dialled)
				var at []time.Time
				go func() {
					theirs.Write([]byte(requestText("OPTIONS", "alive", fakeRemote))) // a stranger who says nothing would be cut off
					b := make([]byte, 4096)
					for {
						n, err := theirs.Read(b)
						if err != nil {
							return
						}
						if string(b[:n]) == "\r\n\r\n" {
							if at = append(at, time.Now()); c.answers {
								theirs.Write([]byte("\r\n"))
							}
						}
					}
				}()
				synctest.Wait()
				c.set(f)
				began := time.Now()
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if f.Alive() != c.lives {
					t.Errorf("%s (dialled %v): alive %v, %v", name, dialled, f.Alive(), f.Err())
				}
				if name == "strict, answered" {
					for i, when := range at {
						if wait := when.Sub(began); i > 0 && (wait < 16*time.Second || wait > 20*time.Second) {
							t.Errorf("ping %d came %v after the one before, which is not 80–100 %% of 20 s", i, wait)
						}
						began = when
					}
					if len(at) < 15 {
						t.Errorf("%d pings", len(at))
					}
				}
			})
		}
	}
}

// stunServer answers binding requests on a memory network as change says.
type stunServer struct {
	mu    sync.Mutex
	at    []time.Time
	reply func(m *stun.Message) *stun.Message // nil: silence
}

func (s *stunServer) serve(c PacketConn) {
	b := make([]byte, 2048)
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		m := &stun.Message{Raw: append([]byte(nil), b[:n]...)}
		if m.Decode() != nil {
			continue
		}
		s.mu.Lock()
		s.at = append(s.at, time.Now())
		reply := s.reply
		s.mu.Unlock()
		if reply != nil {
			if r := reply(m); r != nil {
				c.WriteToUDPAddrPort(r.Raw, from)
			}
		}
	}
}

func (s *stunServer) answer(reply func(m *stun.Message) *stun.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = reply
}

func (s *stunServer) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.at)
}

func mappedTo(addr string, set ...stun.Setter) func(m *stun.Message) *stun.Message {
	ap := netip.MustParseAddrPort(addr)
	return func(m *stun.Message) *stun.Message {
		return stun.MustBuild(append([]stun.Setter{stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
			&stun.XORMappedAddress{IP: ap.Addr().AsSlice(), Port: int(ap.Port())}}, set...)...)
	}
}

func TestSTUNKeepsABindingOpenAndTellsWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &Memory{}
		far, _ := net.Listen(fakeRemote)
		server := &stunServer{}
		go server.serve(far)
		defer far.Close()
		ours, _ := net.Listen(fakeLocal)
		l := New(Config{}, &recorder{})
		defer l.Close()
		f, err := l.ServeUDP(ours)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var told []string
		server.answer(mappedTo("198.51.100.7:4711"))
		stop := f.STUN(fakeRemote, 29*time.Second, func(m netip.AddrPort, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				if !errors.Is(err, ErrTimeout) {
					t.Error(err)
				}
				told = append(told, "silent")
				return
			}
			told = append(told, m.String())
		})
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if strings.Join(told, " ") != strings.Join(want, " ") {
				t.Errorf("told %q, want %q", told, want)
			}
			told = nil
		}
		expect("198.51.100.7:4711")
		time.Sleep(10 * time.Minute)
		expect()
		if n := server.asked(); n < 10*60/29 || n > 10*60/23+2 {
			t.Errorf("%d requests in 10 minutes", n)
		}
		server.answer(mappedTo("[2001:db8::7]:4712", stun.Fingerprint))
		time.Sleep(30 * time.Second)
		expect("[2001:db8::7]:4712")
		server.answer(nil)
		before := server.asked()
		time.Sleep(29*time.Second + 3*10*time.Second)
		expect("silent")
		if n := server.asked() - before; n < 15 || n > 20 { // the fourth round may have begun
			t.Errorf("%d requests in three silent rounds", n)
		}
		time.Sleep(5 * time.Minute)
		expect()
		server.answer(func(m *stun.Message) *stun.Message { // RFC 3489
			return stun.MustBuild(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess, &stun.MappedAddress{IP: fakeLocal.Addr().AsSlice(), Port: 9})
		})
		time.Sleep(time.Minute)
		expect("192.0.2.1:9")
		server.answer(func(m *stun.Message) *stun.Message {
			return stun.MustBuild(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingError, stun.CodeBadRequest)
		})
		time.Sleep(time.Minute)
		expect("silent")
		stop()
		stop()
		synctest.Wait()
		before = server.asked()
		time.Sleep(10 * time.Minute)
		if server.asked() != before {
			t.Error("it goes on after stop")
		}
		f.asked.mu.Lock()
		defer f.asked.mu.Unlock()
		if len(f.asked.by) != 0 {
			t.Errorf("%d requests are remembered", len(f.asked.by))
		}
	})
}

func TestASTUNAnswerCountsOnlyFromWhereTheRequestWent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := &Memory{}
		far, _ := mem.Listen(fakeRemote)
		defer far.Close()
		thief, _ := mem.Listen(netip.MustParseAddrPort("192.0.2.66:3478"))
		defer thief.Close()
		ours, _ := mem.Listen(fakeLocal)
		l := New(Config{Trace: func(m TraceMessage) { t.Errorf("traced %q", m.Data) }}, &recorder{})
		defer l.Close()
		f, _ := l.ServeUDP(ours)
		told := 0
		server := &stunServer{reply: func(m *stun.Message) *stun.Message {
			lie := mappedTo("203.0.113.66:6666")
			thief.WriteToUDPAddrPort(lie(m).Raw, fakeLocal) // knows the id, but comes from elsewhere
			other := *m
			other.TransactionID[3]++
			far.WriteToUDPAddrPort(lie(&other).Raw, fakeLocal) // from there, but guesses the id
			broken := lie(m).Raw
			broken[0], broken[1] = 0x01, 0x02 // not binding
			far.WriteToUDPAddrPort(broken, fakeLocal)
			forged := mappedTo("203.0.113.66:6666", stun.Fingerprint)(m).Raw
			forged[len(forged)-1]++
			far.WriteToUDPAddrPort(forged, fakeLocal)
			far.WriteToUDPAddrPort(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw, fakeLocal)
			return nil
		}}
		go server.serve(far)
		stop := f.STUN(fakeRemote, 25*time.Second, func(m netip.AddrPort, err error) {
			if told++; err == nil {
				t.Errorf("believed %v", m)
			}
		})
		time.Sleep(40 * time.Second)
		synctest.Wait()
		stop()
		if s := l.Stats(); told != 1 || s.STUN != 15*5 || s.Garbage != 0 || s.Malformed != 0 {
			t.Errorf("told %d times, counted %+v", told, s)
		}
	})
}

func TestStopCanBeCalledByWhoIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := &Memory{}
		ours, _ := mem.Listen(fakeLocal)
		l := New(Config{}, &recorder{})
		defer l.Close()
		f, _ := l.ServeUDP(ours)
		told := 0
		stop := make(chan func(), 1)
		stop <- f.STUN(fakeRemote, 25*time.Second, func(netip.AddrPort, error) {
			told++
			(<-stop)()
		})
		time.Sleep(time.Hour)
		synctest.Wait()
		if told != 1 {
			t.Errorf("told %d times", told)
		}
		f.Close()
		if stop := f.STUN(fakeRemote, time.Second, func(netip.AddrPort, error) { t.Error("a dead flow asks") }); stop != nil {
			stop()
		}
		_, tcp, _ := pipe(t, Config{}, &recorder{}, true)
		tcp.STUN(fakeRemote, time.Second, func(netip.AddrPort, error) { t.Error("a stream asks") })()
	})
}

// A token may begin with two zero bits, as STUN does.
func TestAMethodThatBeginsLikeSTUNIsStillSIP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		_, _, wire := virtual(t, Config{}, &recorder{request: func(tx *ServerTx, req *Request) {
			got = append(got, req.Method)
			tx.Respond(NewResponse(req, 501, ""))
		}})
		wire.in <- requestText("1NVITE", "digit", fakeRemote)
		synctest.Wait()
		wire.in <- "\r\n\r\n" + requestText("!", "mark", fakeRemote)
		synctest.Wait()
		if strings.Join(got, " ") != "1NVITE !" {
			t.Errorf("got %q", got)
		}
		time.Sleep(time.Minute)
	})
}

// broken is a socket whose reads fail as told.
type broken struct {
	*fakeUDP
	err   atomic.Pointer[error]
	reads atomic.Int64
}

func (b *broken) ReadFromUDPAddrPort(p []byte) (int, netip.AddrPort, error) {
	if err := b.err.Load(); err != nil {
		b.reads.Add(1)
		select {
		case <-b.closed:
			return 0, netip.AddrPort{}, net.ErrClosed
		default:
		}
		return 0, netip.AddrPort{}, *err
	}
	return b.fakeUDP.ReadFromUDPAddrPort(p)
}

func TestASocketThatIsBrokenEndsAndOneThatHearsOfAFarEndDoesNot(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		lives bool
	}{
		"a port is closed there":   {&net.OpError{Op: "read", Err: syscall.ECONNREFUSED}, true},
		"no way to a host":         {&net.OpError{Op: "read", Err: syscall.EHOSTUNREACH}, true},
		"the network is away":      {&net.OpError{Op: "read", Err: syscall.ENETDOWN}, true},
		"Windows on a closed port": {&net.OpError{Op: "read", Err: syscall.Errno(10054)}, true},
		"a datagram too long":      {&net.OpError{Op: "read", Err: syscall.EMSGSIZE}, true},
		"not a socket any more":    {&net.OpError{Op: "read", Err: syscall.EBADF}, false},
		"something unknown":        {io.ErrUnexpectedEOF, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var down []error
			l := New(Config{}, &recorder{down: func(_ *Flow, err error) { down = append(down, err) }})
			c0 := &broken{fakeUDP: newFakeUDP()}
			c0.err.Store(&c.err)
			f, err := l.openUDP(c0, fakeLocal)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if f.Alive() != c.lives || (len(down) == 1) == c.lives {
				t.Errorf("%s: alive %v, told %v", name, f.Alive(), down)
			}
			if len(down) == 1 && !(errors.Is(down[0], ErrFlowDown) && errors.Is(down[0], c.err)) {
				t.Errorf("%s: told %v", name, down)
			}
			if n := c0.reads.Load(); n > 11000 {
				t.Errorf("%s: %d reads in 10 s", name, n)
			}
			if c.lives { // and it hears again
				c0.err.Store(nil)
				c0.in <- requestText("BYE", "well", fakeRemote)
				synctest.Wait()
				if l.Stats().Requests != 1 {
					t.Errorf("%s: deaf afterwards", name)
				}
				time.Sleep(time.Minute)
			}
			l.Close()
		})
	}
}

func FuzzSTUN(f *testing.F) {
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
	f.Add(mappedTo("198.51.100.7:4711", stun.Fingerprint)(&stun.Message{}).Raw)
	f.Add([]byte("\x01\x01\x00\x08\x21\x12\xa4\x42000000000000\x00\x20\x00\x04abcd"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !isSTUN(data) {
			return
		}
		l := New(Config{}, &recorder{})
		defer l.Close()
		fl := &Flow{l: l}
		q := question{fakeRemote, make(chan binding, 1)}
		fl.asked.by = map[[stun.TransactionIDSize]byte]question{[12]byte(data[8:20]): q}
		fl.takeSTUN(data, fakeRemote)
		select {
		case b := <-q.answer:
			if b.err == nil && !b.mapped.IsValid() {
				t.Errorf("an answer of nothing: %+v", b)
			}
		default:
		}
	})
}
