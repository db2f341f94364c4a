package media

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/stun/v3"
)

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// both sides' credentials
func credentials() (a, b ICE) {
	a = ICE{LocalUfrag: "aaaa", LocalPwd: "alpha-password-of-22-ch", RemoteUfrag: "bbbb", RemotePwd: "bravo-password-of-22-ch"}
	b = ICE{LocalUfrag: a.RemoteUfrag, LocalPwd: a.RemotePwd, RemoteUfrag: a.LocalUfrag, RemotePwd: a.LocalPwd}
	return a, b
}

// ether carries datagrams between addresses in virtual time, late and not always.
type ether struct {
	r     *rand.Rand
	loss  float64
	delay time.Duration
	now   time.Duration
	ends  map[netip.AddrPort]func(data []byte, from netip.AddrPort) (reply []byte)
	under []inEther
	count int
}

type inEther struct {
	at       time.Duration
	from, to netip.AddrPort
	data     []byte
}

func (e *ether) send(from, to netip.AddrPort, data []byte) {
	e.count++
	if e.r.Float64() < e.loss {
		return
	}
	e.under = append(e.under, inEther{e.now + e.delay, from, to, slices.Clone(data)})
}

// run lets time pass in steps of 10 ms and ticks the agents.
func (e *ether) run(d time.Duration, agents map[netip.AddrPort]*agent) {
	for end := e.now + d; e.now < end; e.now += 10 * time.Millisecond {
		for from, a := range agents {
			out, _ := a.tick(e.now)
			for _, p := range out {
				e.send(from, p.to, p.data)
			}
		}
		due := e.under
		e.under = nil
		for _, p := range due {
			f := e.ends[p.to]
			switch {
			case p.at > e.now:
				e.under = append(e.under, p)
			case f != nil:
				if reply := f(p.data, p.from); reply != nil {
					e.send(p.to, p.from, reply)
				}
			}
		}
	}
}

func newEther(loss float64) *ether {
	return &ether{r: rand.New(rand.NewPCG(3, 3)), loss: loss, delay: 20 * time.Millisecond, now: time.Second,
		ends: map[netip.AddrPort]func([]byte, netip.AddrPort) []byte{}}
}

// join puts an agent at an address.
func (e *ether) join(at netip.AddrPort, a *agent) {
	e.ends[at] = func(data []byte, from netip.AddrPort) []byte {
		reply, _ := a.take(data, from, e.now)
		return reply
	}
}

var here, there = addr("192.0.2.1:4000"), addr("198.51.100.1:5000")

// liteEnd answers checks as RFC 8445 §7.3 wants of a lite agent, and notes what it sees.
type liteEnd struct {
	t          *testing.T
	ice        ICE
	nominated  bool
	requests   int
	noIdentity int
}

func (l *liteEnd) take(data []byte, from netip.AddrPort) []byte {
	m := new(stun.Message)
	if err := stun.Decode(data, m); err != nil {
		l.t.Fatal(err)
	}
	l.requests++
	var name stun.Username
	if err := errors.Join(name.GetFrom(m), stun.Fingerprint.Check(m), stun.NewShortTermIntegrity(l.ice.LocalPwd).Check(m)); err != nil ||
		name.String() != l.ice.LocalUfrag+":"+l.ice.RemoteUfrag {
		l.noIdentity++
		return nil
	}
	if !m.Contains(stun.AttrICEControlling) || !m.Contains(stun.AttrPriority) {
		l.t.Error("a check of a controlling agent without ICE-CONTROLLING or PRIORITY")
	}
	l.nominated = l.nominated || m.Contains(stun.AttrUseCandidate)
	out, err := stun.Build(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())},
		stun.NewShortTermIntegrity(l.ice.LocalPwd), stun.Fingerprint)
	if err != nil {
		l.t.Fatal(err)
	}
	return out.Raw
}

func TestALiteFarEndIsFoundAtTheFirstCandidateThatAnswers(t *testing.T) {
	for _, loss := range []float64{0, 0.3} {
		e := newEther(loss)
		ours, theirs := credentials()
		ours.Lite = true
		lite := &liteEnd{t: t, ice: theirs}
		e.ends[there] = lite.take
		a := newAgent(ours, 1, []netip.AddrPort{addr("203.0.113.9:1"), there, addr("0.0.0.0:7"), there}, e.now)
		e.join(here, a)
		if _, ok := a.chosen(); ok {
			t.Fatal("an address is used before it was checked")
		}
		e.run(8*time.Second, map[netip.AddrPort]*agent{here: a})
		if got, ok := a.chosen(); !ok || got != there || !lite.nominated || lite.noIdentity != 0 {
			t.Errorf("chosen %v %v, nominated %v, %d checks refused", got, ok, lite.nominated, lite.noIdentity)
		}
		if !a.accepts(there) || a.accepts(addr("203.0.113.9:1")) {
			t.Error("sound is accepted from what did not pass a check")
		}
	}
}

func TestConsentIsAskedForEveryFiveSecondsAndIsOverAfterThirty(t *testing.T) {
	e := newEther(0)
	ours, theirs := credentials()
	ours.Lite = true
	lite := &liteEnd{t: t, ice: theirs}
	e.ends[there] = lite.take
	a := newAgent(ours, 1, []netip.AddrPort{there}, e.now)
	e.join(here, a)
	agents := map[netip.AddrPort]*agent{here: a}
	e.run(time.Second, agents)
	before := lite.requests
	e.run(5*time.Minute, agents)
	if n := lite.requests - before; n < 50 || n > 75 {
		t.Errorf("%d requests in five minutes, want about 60", n)
	}
	delete(e.ends, there)
	e.run(24*time.Second, agents)
	if _, ok := a.chosen(); !ok {
		t.Error("consent was given up too early")
	}
	e.run(8*time.Second, agents)
	if _, ok := a.chosen(); ok {
		t.Error("sound is sent to somebody who has not wanted it for half a minute")
	}
	sent := e.count
	e.run(time.Minute, agents)
	if e.count != sent {
		t.Error("and it is still asked")
	}
}

func TestTwoFullAgentsAgreeWhateverTheyBelieveOfTheirRoles(t *testing.T) {
	for _, loss := range []float64{0, 0.3} {
		for roles := range 4 {
			e := newEther(loss)
			x, y := credentials()
			x.Controlling, y.Controlling = roles&1 > 0, roles&2 > 0
			wrong := addr("203.0.113.9:1")
			a, b := newAgent(x, 1, []netip.AddrPort{wrong, there}, e.now), newAgent(y, 1, nil, e.now) // b learns of a by its checks
			e.join(here, a)
			e.join(there, b)
			e.run(20*time.Second, map[netip.AddrPort]*agent{here: a, there: b})
			ta, oka := a.chosen()
			tb, okb := b.chosen()
			if !oka || !okb || ta != there || tb != here || a.controlling == b.controlling {
				t.Errorf("loss %v, roles %d: a sends to %v %v, b to %v %v; controlling %v %v", loss, roles, ta, oka, tb, okb, a.controlling, b.controlling)
			}
			e.run(time.Minute, map[netip.AddrPort]*agent{here: a, there: b})
			if _, ok := a.chosen(); !ok {
				t.Errorf("loss %v, roles %d: consent was lost on a living path", loss, roles)
			}
		}
	}
}

func TestNobodyWithoutThePasswordGetsAnAnswerOrAnEffect(t *testing.T) {
	ours, theirs := credentials()
	a := newAgent(theirs, 1, []netip.AddrPort{here}, 0)
	out, _ := a.tick(0)
	request := out[0].data
	stranger := addr("203.0.113.66:6")
	pw := stun.NewShortTermIntegrity(ours.RemotePwd)
	name := stun.NewUsername(ours.RemoteUfrag + ":" + ours.LocalUfrag)
	m := func(s ...stun.Setter) []byte {
		return stun.MustBuild(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, s...)...).Raw
	}
	good := m(name, pw, stun.Fingerprint)
	if reply, ours := a.take(good, here, 0); reply == nil || !ours {
		t.Fatal("a check with the right password was not answered")
	}
	id := [stun.TransactionIDSize]byte(request[8:20])
	forged := func(s ...stun.Setter) []byte {
		return stun.MustBuild(append([]stun.Setter{stun.NewTransactionIDSetter(id), stun.BindingSuccess}, s...)...).Raw
	}
	late := stun.MustBuild(stun.TransactionID, stun.BindingRequest, name, pw)
	late.Add(stun.AttrUseCandidate, nil) // behind the integrity
	for name, data := range map[string][]byte{
		"no integrity":         m(name, stun.Fingerprint),
		"another password":     m(name, stun.NewShortTermIntegrity("guess"), stun.Fingerprint),
		"no name":              m(pw, stun.Fingerprint),
		"another name":         m(stun.NewUsername("bbbb:xxxx"), pw, stun.Fingerprint),
		"no fingerprint":       m(name, pw),
		"more than its length": append(slices.Clone(good), 0, 0, 0, 0),
		"less than its length": good[:len(good)-4],
		"a forged answer":      forged(stun.NewShortTermIntegrity("guess"), stun.Fingerprint),
		"an answer in the raw": forged(stun.Fingerprint),
		"something behind":     late.Raw,
	} {
		if reply, ours := a.take(data, stranger, 0); reply != nil || ours {
			t.Errorf("%s: reply %x, taken for the far end's %v", name, reply, ours)
		}
	}
	if _, ok := a.chosen(); ok || len(a.pairs) != 1 {
		t.Errorf("%d pairs, chosen %v", len(a.pairs), ok)
	}
	// a thousand addresses that know the password are still no flood
	for i := range 1000 {
		a.take(good, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 9), 0)
	}
	if len(a.pairs) > maxPairs {
		t.Errorf("%d pairs", len(a.pairs))
	}
}

func TestSoundGoesToTheAddressThatPassedACheck(t *testing.T) {
	for _, mux := range []bool{true, false} {
		v, a, b := pair(t, G722, Config{}, Config{})
		x, y := credentials()
		x.Controlling = true
		x.Candidates, x.RTCPCandidates = []netip.AddrPort{b.LocalRTP()}, []netip.AddrPort{b.LocalRTCP()}
		y.Candidates = []netip.AddrPort{addr("203.0.113.9:1")} // b learns of a by a's checks
		pa, pb := params(b, G722), params(a, G722)
		pa.ICE, pb.ICE, pa.Mux, pb.Mux = &x, &y, mux, mux
		nowhere := addr("192.0.2.77:7777") // what signalling names is wrong; the checks find out
		pa.Remote, pb.Remote, pa.RemoteRTCP, pb.RemoteRTCP = nowhere, nowhere, netip.AddrPort{}, netip.AddrPort{}
		if err := errors.Join(b.Configure(pb), a.Configure(pa)); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*Session{a, b} {
			until(t, func() bool {
				v.add(time.Millisecond)
				_, rtp := s.destinationOf(s.config.Load(), partRTP)
				_, rtcp := s.destinationOf(s.config.Load(), partRTCP)
				s.wake()
				return rtp && (mux || rtcp)
			})
		}
		tone := &sine{hz: 900, amp: 8000}
		if s := strength(talk(t, v, a, b, tone, 60)[30*Frame:], 900); s < 0.98 {
			t.Errorf("the tone holds %.3f", s)
		}
		a.sendReport(false)
		until(t, func() bool { b.reports.mu.Lock(); defer b.reports.mu.Unlock(); return b.reports.senderNTP != 0 })
		// hold and resume with the same credentials: nothing is checked again, nothing is interrupted
		if err := a.Configure(pa); err != nil {
			t.Fatal(err)
		}
		if to, ok := a.destinationOf(a.config.Load(), partRTP); !ok || to != b.LocalRTP() {
			t.Errorf("after a re-INVITE sound goes to %v %v", to, ok)
		}
		// a stranger is a stranger
		wire, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(a.LocalRTP()))
		if err != nil {
			t.Fatal(err)
		}
		defer wire.Close()
		if _, err := wire.Write(packet(1, 1, 9, make([]byte, 160))); err != nil {
			t.Fatal(err)
		}
		if _, err := wire.Write(stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.Fingerprint).Raw); err != nil {
			t.Fatal(err)
		}
		until(t, func() bool { return a.Stats().Strangers == 2 })
	}
}

// FuzzSTUN is what anybody may put on the port of a call with checks.
func FuzzSTUN(f *testing.F) {
	x, y := credentials()
	a, b := newAgent(x, 1, []netip.AddrPort{there}, 0), newAgent(y, 1, []netip.AddrPort{here}, 0)
	ab, _ := a.tick(0)
	reply, _ := b.take(ab[0].data, here, 0)
	f.Add(ab[0].data, true)
	f.Add(reply, true)
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, false)
	now := time.Duration(0)
	f.Fuzz(func(t *testing.T, data []byte, known bool) {
		from := addr("203.0.113.66:6")
		if known {
			from = here
		}
		now += time.Millisecond
		if reply, _ := b.take(data, from, now); reply != nil {
			m := new(stun.Message)
			if stun.Decode(reply, m) != nil || len(reply) > 200 || binary.BigEndian.Uint32(data[4:]) != 0x2112A442 {
				t.Fatalf("%x is answered with %x", data, reply)
			}
		}
		if len(b.pairs) > maxPairs {
			t.Fatal("too many pairs")
		}
		b.tick(now)
	})
}
