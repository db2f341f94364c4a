package media

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// told gathers what OnSecure says.
type told struct {
	mu     sync.Mutex
	states []SecureState
}

func (l *told) add(s SecureState) {
	l.mu.Lock()
	l.states = append(l.states, s)
	l.mu.Unlock()
}

func (l *told) all() []SecureState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]SecureState(nil), l.states...)
}

func certificate(t testing.TB) *Certificate {
	t.Helper()
	c, err := NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ends are two sessions about to shake hands; a begins.
type ends struct {
	v      *virtual
	a, b   *Session
	pa, pb Params
	ca, cb *Certificate
	la, lb told
}

func newEnds(t testing.TB, mux bool, ca, cb Config) *ends {
	t.Helper()
	e := &ends{v: newVirtual(), ca: certificate(t), cb: certificate(t)}
	ca.Certificate, cb.Certificate = e.ca, e.cb
	ca.OnSecure, cb.OnSecure = e.la.add, e.lb.add
	e.a, e.b = listen(t, e.v, ca), listen(t, e.v, cb)
	e.pa, e.pb = params(e.b, G722), params(e.a, G722)
	e.pa.Secure = Secure{Kind: DTLSSRTP, DTLS: &DTLS{Fingerprints: []string{e.cb.Fingerprint()}, Client: true}}
	e.pb.Secure = Secure{Kind: DTLSSRTP, DTLS: &DTLS{Fingerprints: []string{e.ca.Fingerprint()}}}
	e.pa.Mux, e.pb.Mux = mux, mux
	return e
}

// begin configures both and waits for their keys.
func (e *ends) begin(t testing.TB) {
	t.Helper()
	if err := errors.Join(e.a.Configure(e.pa), e.b.Configure(e.pb)); err != nil {
		t.Fatal(err)
	}
	e.wait(t, 1)
}

func (e *ends) wait(t testing.TB, n int) {
	t.Helper()
	until(t, func() bool { return len(e.la.all()) >= n && len(e.lb.all()) >= n })
}

func TestAHandshakeGivesBothSidesKeysForSoundAndReports(t *testing.T) {
	for _, mux := range []bool{true, false} {
		e := newEnds(t, mux, Config{}, Config{})
		e.begin(t)
		for _, l := range []*told{&e.la, &e.lb} {
			if s := l.all()[0]; !s.OK || s.Kind != DTLSSRTP || s.Suite != "AEAD_AES_256_GCM" {
				t.Fatalf("told %+v", s)
			}
		}
		tone := &sine{hz: 1000, amp: 8000}
		if s := strength(talk(t, e.v, e.a, e.b, tone, 60)[30*Frame:], 1000); s < 0.98 {
			t.Errorf("the tone holds %.3f", s)
		}
		if s := strength(talk(t, e.v, e.b, e.a, tone, 60)[30*Frame:], 1000); s < 0.98 {
			t.Errorf("the other way the tone holds %.3f", s)
		}
		until(t, func() bool { return e.a.config.Load().rtcpOut != nil && e.b.config.Load().rtcpIn != nil })
		if same := e.a.config.Load().rtcpOut == e.a.config.Load().out; same != mux {
			t.Errorf("shared port %v, and one key for both %v", mux, same)
		}
		e.a.sendReport(false)
		until(t, func() bool { e.b.reports.mu.Lock(); defer e.b.reports.mu.Unlock(); return e.b.reports.senderNTP != 0 })
		if st := e.b.Stats(); st.SecureErrors != 0 || st.Strangers != 0 || st.Secure == "" {
			t.Errorf("%+v", st)
		}
		// hold and resume: nobody shakes hands again
		if err := e.a.Configure(e.pa); err != nil {
			t.Fatal(err)
		}
		if s := strength(talk(t, e.v, e.a, e.b, tone, 60)[30*Frame:], 1000); s < 0.98 || len(e.la.all()) != 1 {
			t.Errorf("after a re-INVITE the tone holds %.3f, told %v", s, e.la.all())
		}
	}
}

func TestAForeignCertificateMeansNoSoundEitherWay(t *testing.T) {
	for _, client := range []bool{true, false} {
		e := newEnds(t, true, Config{}, Config{})
		wrong := certificate(t).Fingerprint()
		if client {
			e.pa.Secure.DTLS.Fingerprints = []string{wrong}
		} else {
			e.pb.Secure.DTLS.Fingerprints = []string{wrong}
		}
		e.begin(t)
		judge := &e.lb
		if client {
			judge = &e.la
		}
		if s := judge.all()[0]; s.OK || !strings.Contains(s.Detail, "listening in") {
			t.Errorf("client judges %v: told %+v", client, s)
		}
		tone := &sine{hz: 1000, amp: 8000}
		var in, out [Frame]int16
		for range 40 {
			tone.frame(in[:])
			e.a.WriteFrame(in[:])
			e.b.WriteFrame(in[:])
			e.a.ReadFrame(out[:])
			e.b.ReadFrame(in[:])
			if Level(out[:]) > silence || Level(in[:]) > silence {
				t.Fatal("sound flows")
			}
			e.v.add(10 * time.Millisecond)
		}
		if a, b := e.a.Stats(), e.b.Stats(); a.PacketsSent != 0 && client || b.PacketsSent != 0 && !client {
			t.Errorf("%d and %d packets were sent", a.PacketsSent, b.PacketsSent)
		}
	}
}

func TestOneOfSeveralFingerprintsIsEnoughAndWeakHashesAreNone(t *testing.T) {
	c := certificate(t)
	der := c.tls.Certificate[0]
	s384, s512 := sha512.Sum384(der), sha512.Sum512(der)
	s256 := sha256.Sum256([]byte("somebody else"))
	other := "sha-256 " + colons(s256[:])
	for _, tc := range []struct {
		list         []string
		usable, fits bool
	}{
		{[]string{c.Fingerprint()}, true, true},
		{[]string{strings.ToLower(c.Fingerprint())}, true, true},
		{[]string{other, "SHA-384 " + colons(s384[:])}, true, true},
		{[]string{"sha-512 " + colons(s512[:]), other}, true, true},
		{[]string{other}, true, false},
		{[]string{"sha-1 " + colons(make([]byte, 20))}, false, false},
		{[]string{"md5 00"}, false, false},
		{[]string{"sha-256 " + colons(s256[:31])}, false, false},
		{[]string{"sha-256"}, false, false},
		{nil, false, false},
		{make([]string, 100), false, false},
	} {
		if usable := usableFingerprints(tc.list) == nil; usable != tc.usable {
			t.Errorf("%v is usable: %v", tc.list, usable)
		}
		if fits := fingerprintFits(tc.list, der); fits != tc.fits {
			t.Errorf("%v fits: %v", tc.list, fits)
		}
	}
	if a, b := certificate(t).Fingerprint(), certificate(t).Fingerprint(); a == b || len(a) != len("sha-256 ")+32*3-1 {
		t.Errorf("fingerprints %s and %s", a, b)
	}
}

func TestANewAssociationTakesOverWithoutSilence(t *testing.T) {
	e := newEnds(t, true, Config{}, Config{})
	e.begin(t)
	tone := &sine{hz: 600, amp: 8000}
	talk(t, e.v, e.a, e.b, tone, 60)
	first := e.a.config.Load().out
	e.pa.Secure.DTLS.Restart, e.pb.Secure.DTLS.Restart = true, true
	if err := errors.Join(e.b.Configure(e.pb), e.a.Configure(e.pa)); err != nil {
		t.Fatal(err)
	}
	var heard []int16
	var in, out [Frame]int16
	both := false
	for i := range 90 {
		// Between the two ends of a handshake lie microseconds, in which this clock must not run for whole frames.
		if !both && (i == 30 || e.a.config.Load().out != first || len(e.lb.all()) > 1) {
			e.wait(t, 2)
			both = true
		}
		tone.frame(in[:])
		e.a.WriteFrame(in[:])
		until(t, func() bool { // the side that is ready first may send a packet that the other cannot read yet
			b := e.b.Stats()
			return b.PacketsReceived+b.SecureErrors >= e.a.Stats().PacketsSent
		})
		e.b.ReadFrame(out[:])
		heard = append(heard, out[:]...)
		e.v.add(10 * time.Millisecond)
	}
	if e.a.config.Load().out == first {
		t.Error("the keys are the old ones")
	}
	if s := strength(heard, 600); s < 0.97 {
		t.Errorf("through the restart the tone holds %.3f", s)
	}
	if st := e.b.Stats(); st.Lost > 2 {
		t.Errorf("%d packets were lost", st.Lost)
	}
}

func TestAHelloThatComesBeforeTheAnswerIsNotLost(t *testing.T) {
	e := newEnds(t, true, Config{}, Config{})
	if err := e.a.Configure(e.pa); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool {
		e.b.early.mu.Lock()
		defer e.b.early.mu.Unlock()
		return len(e.b.early.kept[partRTP]) > 0
	})
	if err := e.b.Configure(e.pb); err != nil {
		t.Fatal(err)
	}
	e.wait(t, 1)
	if !e.la.all()[0].OK {
		t.Errorf("told %+v", e.la.all())
	}
}

func TestBehindANATTheHandshakeFindsTheFarEnd(t *testing.T) {
	e := newEnds(t, true, Config{}, Config{Latch: true})
	e.pb.Remote = netip.MustParseAddrPort("192.0.2.7:4000")
	e.begin(t)
	if !e.lb.all()[0].OK {
		t.Fatalf("told %+v", e.lb.all())
	}
	if to, _ := e.b.destinationOf(e.b.config.Load(), partRTP); to != e.a.LocalRTP() {
		t.Errorf("sound goes to %v, want %v", to, e.a.LocalRTP())
	}
	tone := &sine{hz: 1000, amp: 8000}
	if s := strength(talk(t, e.v, e.b, e.a, tone, 60)[30*Frame:], 1000); s < 0.98 {
		t.Errorf("the tone holds %.3f", s)
	}
}

// wires joins two pipes by a network that loses, in virtual time.
func wires(r *rand.Rand, loss float64, delay time.Duration) (x, y *pipe) {
	addr := netip.AddrPortFrom(netip.IPv4Unspecified(), 9)
	var mu sync.Mutex
	send := func(to **pipe) func([]byte) {
		return func(b []byte) {
			mu.Lock()
			lost := r.Float64() < loss
			mu.Unlock()
			if lost {
				return
			}
			b = append([]byte(nil), b...)
			time.AfterFunc(delay, func() { (*to).feed(b) })
		}
	}
	x = newPipe(addr, net.UDPAddrFromAddrPort(addr), send(&y))
	y = newPipe(addr, net.UDPAddrFromAddrPort(addr), send(&x))
	return x, y
}

func TestAHandshakeGetsThroughANetworkThatLosesAThird(t *testing.T) {
	ca, cb := certificate(t), certificate(t)
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			x, y := wires(rand.New(rand.NewPCG(seed, 1)), 0.33, 30*time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), handshakeTime)
			defer cancel()
			type result struct {
				send, recv SRTPKey
				err        error
			}
			results := [2]result{}
			var wg sync.WaitGroup
			done := make(chan struct{})
			for i, h := range []*handshake{
				{certificate: ca, params: DTLS{Fingerprints: []string{cb.Fingerprint()}, Client: true}},
				{certificate: cb, params: DTLS{Fingerprints: []string{ca.Fingerprint()}}},
			} {
				p := []*pipe{x, y}[i]
				ready := make(chan struct{})
				wg.Go(func() {
					conn, send, recv, err := h.run(ctx, p)
					results[i] = result{send, recv, err}
					close(ready)
					if err == nil {
						<-done // until both have finished: a last flight may have to be repeated
						conn.Close()
					}
				})
				defer func() { <-ready }()
			}
			time.Sleep(handshakeTime) // virtual
			close(done)
			wg.Wait()
			if a, b := results[0], results[1]; a.err != nil || b.err != nil || !a.send.equal(&b.recv) || !a.recv.equal(&b.send) {
				t.Errorf("seed %d: %v, %v, keys agree %v", seed, a.err, b.err, a.err == nil && a.send.equal(&b.recv))
			}
			time.Sleep(time.Second)
		})
	}
}

func TestAFarEndThatNeverAnswersIsToldOfAfterTwentySeconds(t *testing.T) {
	c := certificate(t)
	for _, client := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			x, _ := wires(rand.New(rand.NewPCG(1, 1)), 1, 0)
			ctx, cancel := context.WithTimeout(t.Context(), handshakeTime)
			defer cancel()
			began := time.Now()
			h := &handshake{certificate: c, params: DTLS{Fingerprints: []string{c.Fingerprint()}, Client: client}}
			_, _, _, err := h.run(ctx, x)
			if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != handshakeTime {
				t.Errorf("client %v: %v after %v", client, err, took)
			}
			if line := handshakeProblem(err); !strings.Contains(line, "20 seconds") {
				t.Errorf("told %q", line)
			}
		})
	}
}

// FuzzHandshake is the first packets of somebody who claims to begin a handshake.
func FuzzHandshake(f *testing.F) {
	c := certificate(f)
	var hello []byte
	p := newPipe(netip.AddrPort{}, &net.UDPAddr{}, func(b []byte) {
		if hello == nil {
			hello = append([]byte(nil), b...)
		}
	})
	ctx, cancel := context.WithTimeout(f.Context(), 20*time.Millisecond)
	_, _, _, _ = (&handshake{certificate: c, params: DTLS{Fingerprints: []string{c.Fingerprint()}, Client: true}}).run(ctx, p)
	cancel()
	f.Add(hello, true)
	f.Add(hello, false)
	f.Add([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4}, false)
	f.Add([]byte{21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40}, true)
	f.Fuzz(func(t *testing.T, data []byte, client bool) {
		if len(data) == 0 || classify(data) != dtlsData {
			return
		}
		p := newPipe(netip.AddrPort{}, &net.UDPAddr{}, func([]byte) {})
		p.feed(data)
		p.feed(data)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Millisecond)
		defer cancel()
		h := &handshake{certificate: c, params: DTLS{Fingerprints: []string{c.Fingerprint()}, Client: client}}
		if conn, _, _, err := h.run(ctx, p); err == nil {
			conn.Close()
			t.Fatal("a stranger's packet made a handshake")
		}
	})
}
