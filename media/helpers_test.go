package media

import (
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// sine fills successive frames with a tone.
type sine struct {
	hz, amp float64
	n       int
}

func (g *sine) frame(pcm []int16) {
	for i := range pcm {
		pcm[i] = int16(g.amp * math.Sin(2*math.Pi*g.hz*float64(g.n)/Rate))
		g.n++
	}
}

// strength is the share of the energy of pcm at hz, from 0 to 1 (a Goertzel filter).
func strength(pcm []int16, hz float64) float64 {
	w := 2 * math.Cos(2*math.Pi*hz/Rate)
	var s1, s2, all float64
	for _, s := range pcm {
		s1, s2 = float64(s)+w*s1-s2, s1
		all += float64(s) * float64(s)
	}
	if all == 0 {
		return 0
	}
	return 2 * (s1*s1 + s2*s2 - w*s1*s2) / all / float64(len(pcm))
}

// purest is the highest strength of any 100 ms of pcm: what is decoded well is pure somewhere, also where a busy machine made the
// play-out stretch and conceal the rest.
func purest(pcm []int16, hz float64) (best float64) {
	for i := 0; i+Rate/10 <= len(pcm); i += Rate / 50 {
		best = max(best, strength(pcm[i:i+Rate/10], hz))
	}
	return best
}

// virtual is a clock that a test moves.
type virtual struct{ ns atomic.Int64 }

func (v *virtual) now() time.Duration  { return time.Duration(v.ns.Load()) }
func (v *virtual) add(d time.Duration) { v.ns.Add(int64(d)) }
func newVirtual() *virtual             { v := new(virtual); v.add(time.Second); return v }
func loopback(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

// listen makes a session on loopback in virtual time; cfg may hold more. Reports go out when a test sends them: those that a session
// sends by itself every few seconds of the machine's time would come in the middle of slow tests only.
func listen(t testing.TB, v *virtual, cfg Config) *Session {
	t.Helper()
	cfg.LocalIP, cfg.now, cfg.reticent = loopback(0).Addr(), v.now, true
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// params joins a session with another one.
func params(to *Session, c Codec) Params {
	return Params{Remote: to.LocalRTP(), RemoteRTCP: to.LocalRTCP(), Codec: c, SendPT: c.PT, RecvPT: c.PT,
		DTMFSendPT: 101, DTMFRecvPT: 101, Send: true, Receive: true}
}

// pair is two sessions that talk over loopback UDP in virtual time.
func pair(t testing.TB, c Codec, a, b Config) (*virtual, *Session, *Session) {
	t.Helper()
	v := newVirtual()
	x, y := listen(t, v, a), listen(t, v, b)
	for s, o := range map[*Session]*Session{x: y, y: x} {
		if err := s.Configure(params(o, c)); err != nil {
			t.Fatal(err)
		}
	}
	return v, x, y
}

// step lets 10 ms pass: a sends pcm, and once what it sent has come through the kernel, b plays into out.
func step(t testing.TB, v *virtual, a, b *Session, pcm, out []int16) {
	t.Helper()
	a.WriteFrame(pcm)
	settle(t, a, b)
	b.ReadFrame(out)
	v.add(10 * time.Millisecond)
}

// settle waits until b has received all that a has sent.
func settle(t testing.TB, a, b *Session) {
	t.Helper()
	until(t, func() bool {
		x, y := a.Stats(), b.Stats()
		return y.PacketsReceived+y.Malformed >= x.PacketsSent
	})
}

// until waits for something that another goroutine does, and gives up when it does not come, with what why tells.
func until(t testing.TB, ok func() bool, why ...func() string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Microsecond)
	defer tick.Stop()
	for range 400_000 {
		if ok() {
			return
		}
		<-tick.C
	}
	for _, f := range why {
		t.Log(f())
	}
	t.Fatal("what should happen did not happen")
}

// collector gathers digits.
type collector struct {
	mu sync.Mutex
	s  []rune
}

func (c *collector) add(r rune) {
	c.mu.Lock()
	c.s = append(c.s, r)
	c.mu.Unlock()
}

func (c *collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.s)
}
