package media

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// paths gathers what is told of the checks.
type paths struct {
	mu  sync.Mutex
	all []PathState
}

func (p *paths) add(s PathState) { p.mu.Lock(); p.all = append(p.all, s); p.mu.Unlock() }

func (p *paths) are(want ...PathState) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Equal(p.all, want)
}

var unchecked = PathState{Found: true, Unchecked: true}

// unanswered are two sessions; a's checks go where nobody answers, and b speaks of no checks.
func unanswered(t *testing.T, told *paths) (*virtual, *Session, *Session) {
	v, a, b := pair(t, PCMU, Config{OnPath: told.add}, Config{})
	expectNothing(t, a, b)
	return v, a, b
}

// expectNothing has a check addresses where nobody answers; b speaks of no checks.
func expectNothing(t *testing.T, a, b *Session) {
	x, _ := credentials()
	x.Candidates, x.Controlling = []netip.AddrPort{addr("127.0.0.1:9")}, true
	pa := params(b, PCMU)
	pa.ICE = &x
	if err := errors.Join(b.Configure(params(a, PCMU)), a.Configure(pa)); err != nil {
		t.Fatal(err)
	}
}

func TestSoundFromTheDescribedAddressIsTakenOnceTheChecksHadTheirTime(t *testing.T) {
	var told paths
	v, a, b := unanswered(t, &told)
	tone := &sine{hz: 900, amp: 8000}
	frame := make([]int16, Frame)
	speak := func() {
		before := b.Stats().PacketsSent
		for b.Stats().PacketsSent == before {
			tone.frame(frame)
			b.WriteFrame(frame)
			v.add(10 * time.Millisecond)
		}
	}
	speak()
	until(t, func() bool { return a.Stats().Strangers >= 1 })
	if _, ok := a.destinationOf(a.config.Load(), partRTP); ok || !told.are() {
		t.Fatal("the checks had no time yet")
	}
	v.add(checksFirst)
	speak()
	until(t, func() bool { return told.are(unchecked) })
	for part, want := range []netip.AddrPort{b.LocalRTP(), b.LocalRTCP()} {
		if to, ok := a.destinationOf(a.config.Load(), part); !ok || to != want {
			t.Errorf("part %d goes to %v %v", part, to, ok)
		}
	}
	if s := strength(talk(t, v, a, b, tone, 60)[30*Frame:], 900); s < 0.98 {
		t.Errorf("the tone holds %.3f", s)
	}
	v.add(time.Minute) // nobody renews consent, and nobody is asked for it
	a.wake()
	if to, ok := a.destinationOf(a.config.Load(), partRTP); !ok || to != b.LocalRTP() {
		t.Errorf("a minute later sound goes to %v %v", to, ok)
	}
}

func TestThatThereIsNoWayIsToldOnceAndThatThereIsOneAfterAll(t *testing.T) {
	var told paths
	v, a, b := unanswered(t, &told)
	v.add(checksTold - time.Millisecond)
	a.wake()
	if !told.are() {
		t.Fatalf("told %v too early", told.all)
	}
	v.add(time.Second)
	until(t, func() bool { a.wake(); return told.are(PathState{}) })
	v.add(time.Minute)
	a.wake()
	frame := make([]int16, Frame)
	for range 2 {
		b.WriteFrame(frame)
		v.add(10 * time.Millisecond)
	}
	until(t, func() bool { return told.are(PathState{}, unchecked) })
}

func TestThatThereIsNoWayIsNotToldAfterTheWayThatWasFound(t *testing.T) {
	var told paths
	entered, slow := make(chan struct{}), make(chan struct{})
	v := newVirtual()
	a := listen(t, v, Config{OnPath: func(s PathState) {
		if !s.Found { // whoever is told takes its time
			close(entered)
			<-slow
		}
		told.add(s)
	}})
	b := listen(t, v, Config{})
	expectNothing(t, a, b)
	v.add(checksTold + time.Second)
	a.wake()
	<-entered
	frame := make([]int16, Frame)
	for range 2 { // and the way is found meanwhile
		b.WriteFrame(frame)
		v.add(10 * time.Millisecond)
	}
	for look := time.NewTicker(time.Millisecond); told.are(); { // what is told too early comes soon
		if <-look.C; v.now() > time.Minute {
			break
		}
		v.add(time.Second)
	}
	close(slow)
	until(t, func() bool { return told.are(PathState{}, unchecked) || told.are(unchecked, PathState{}) })
	if !told.are(PathState{}, unchecked) {
		t.Errorf("told %+v", told.all)
	}
}

func TestThatConsentIsLostIsToldOnceAndNewChecksFindTheWayAgain(t *testing.T) {
	e := newEther(0)
	ours, theirs := credentials()
	ours.Lite = true
	e.ends[there] = (&liteEnd{t: t, ice: theirs}).take
	a := newAgent(ours, 1, []netip.AddrPort{there}, e.now)
	e.join(here, a)
	agents := map[netip.AddrPort]*agent{here: a}
	e.run(time.Minute, agents)
	if a.lost() || a.regained() {
		t.Fatal("told too early")
	}
	delete(e.ends, there)
	e.run(consentOver+consentEvery+time.Second, agents)
	if _, ok := a.chosen(); ok || !a.lost() || a.lost() || a.overdue(e.now) {
		t.Fatal("that is told, and told once")
	}
	ours.LocalUfrag, ours.RemoteUfrag, theirs.LocalUfrag, theirs.RemoteUfrag = "cccc", "dddd", "dddd", "cccc"
	b := newAgent(ours, 1, []netip.AddrPort{there}, e.now)
	b.follows(a)
	e.ends[there] = (&liteEnd{t: t, ice: theirs}).take
	e.join(here, b)
	e.run(time.Minute, map[netip.AddrPort]*agent{here: b})
	if to, ok := b.chosen(); !ok || to != there || !b.regained() || b.regained() || b.lost() {
		t.Errorf("afterwards %v %v", to, ok)
	}
	c := newAgent(ours, 1, nil, e.now)
	if c.follows(b); c.missed {
		t.Error("who takes the place of one that has a way finds nothing again")
	}
}

// RFC 8445 §9: a far end that begins its checks anew is talked to over the old way meanwhile.
func TestSoundGoesOnOverTheOldWayUntilNewChecksHaveFoundOne(t *testing.T) {
	elsewhere := addr("198.51.100.9:9000")
	for name, answers := range map[string]bool{"they find one": true, "they find none": false} {
		t.Run(name, func(t *testing.T) {
			e := newEther(0)
			ours, theirs := credentials()
			ours.Lite = true
			e.ends[there] = (&liteEnd{t: t, ice: theirs}).take
			a := newAgent(ours, 1, []netip.AddrPort{there}, e.now)
			e.join(here, a)
			e.run(time.Minute, map[netip.AddrPort]*agent{here: a})
			delete(e.ends, there)
			ours.LocalUfrag, ours.RemoteUfrag, theirs.LocalUfrag, theirs.RemoteUfrag = "cccc", "dddd", "dddd", "cccc"
			b := newAgent(ours, 1, []netip.AddrPort{elsewhere}, e.now)
			b.follows(a)
			e.join(here, b)
			agents := map[netip.AddrPort]*agent{here: b}
			if to, ok := b.chosen(); !ok || to != there || !b.accepts(there) || b.takeDefault(elsewhere, e.now+time.Hour) {
				t.Fatalf("the sound stops: %v %v", to, ok)
			}
			if answers {
				e.ends[elsewhere] = (&liteEnd{t: t, ice: theirs}).take
				e.run(time.Second, agents)
				if to, ok := b.chosen(); !ok || to != elsewhere || b.overdue(e.now) || b.lost() {
					t.Errorf("%v %v", to, ok)
				}
				return
			}
			e.run(20*time.Second, agents)
			if to, ok := b.chosen(); !ok || to != there || b.overdue(e.now) {
				t.Errorf("before the consent is over: %v %v", to, ok)
			}
			again := newAgent(ours, 1, nil, e.now) // a third time
			if again.follows(b); again.lasts != b.lasts {
				t.Errorf("the old way lasts to %v and not %v", again.lasts, b.lasts)
			}
			e.run(11*time.Second, agents)
			if to, ok := b.chosen(); ok || !b.overdue(e.now) || b.overdue(e.now) {
				t.Errorf("afterwards: %v", to)
			}
		})
	}
}

func TestAnAddressThatPassesACheckTakesThePlaceOfTheOneThatDidNot(t *testing.T) {
	for _, controlling := range []bool{true, false} {
		e := newEther(0)
		x, y := credentials()
		x.Controlling, y.Controlling = controlling, !controlling
		a, b := newAgent(x, 1, []netip.AddrPort{there}, e.now), newAgent(y, 1, []netip.AddrPort{here}, e.now)
		e.run(checksTold, map[netip.AddrPort]*agent{here: a}) // the other end is late
		described := addr("203.0.113.5:7000")
		if !a.takeDefault(described, e.now) || a.regained() || a.overdue(e.now) {
			t.Fatal("not taken")
		}
		if to, ok := a.chosen(); !ok || to != described || !a.accepts(described) {
			t.Fatalf("chosen %v %v", to, ok)
		}
		e.join(here, a)
		e.join(there, b)
		e.run(10*time.Second, map[netip.AddrPort]*agent{here: a, there: b})
		if to, ok := a.chosen(); !ok || to != there || !a.regained() || a.regained() {
			t.Errorf("controlling %v: afterwards %v %v", controlling, to, ok)
		}
	}
}
