package watch

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func at(wall, run, boot time.Duration) Reading {
	return Reading{Wall: time.Unix(1_000_000, 0).Add(wall), Run: run, Boot: boot}
}

func TestSleepIsToldFromEverythingElse(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		why       string
		last, now Reading
		want      time.Duration
	}{
		{"an ordinary second", at(0, 0, 0), at(s, s, s), 0},
		{"a busy machine", at(0, 0, 0), at(4*s, 4*s, 4*s), 0},
		{"an hour of sleep", at(0, 0, 0), at(3600*s, s, 3600*s), time.Hour},
		{"a nap of four seconds", at(0, 0, 0), at(5*s, s, 5*s), 5 * s},
		{"the clock was set forward", at(0, 0, 0), at(3600*s, s, s), 0},
		{"the clock was set back", at(3600*s, 0, 0), at(0, s, s), 0},
		{"sleep while the clock was set back", at(3600*s, 0, 0), at(0, s, 100*s), 100 * s},
		{"the program was stopped", at(0, 0, 0), at(60*s, 60*s, 60*s), time.Minute},
		{"no clock that goes on: sleep shows in the wall clock", at(0, 0, -1), at(3600*s, s, -1), time.Hour},
		{"there, setting back is not sleep", at(3600*s, 0, -1), at(0, s, -1), 0},
		{"nor is a correction", at(0, 0, -1), at(3*s, s, -1), 0},
	} {
		if got := Slept(tc.last, tc.now, s, 5*s); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.why, got, tc.want)
		}
	}
}

// machine is a computer in virtual time.
type machine struct {
	mu      sync.Mutex
	slept   time.Duration
	network string
	hints   chan struct{}
	looks   int
}

// set changes the machine while it is watched.
func (m *machine) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func (m *machine) watch(t *testing.T, polled bool) *Watcher {
	m.hints = make(chan struct{}, 1)
	began := time.Now()
	hints := m.hints
	if polled {
		hints = nil
	}
	w := New(Config{
		Clock: func() Reading {
			m.mu.Lock()
			defer m.mu.Unlock()
			ran := time.Since(began)
			return Reading{Wall: began.Add(ran + m.slept), Run: ran, Boot: ran + m.slept}
		},
		Network: func() string { m.mu.Lock(); defer m.mu.Unlock(); m.looks++; return m.network },
		Hints:   func(context.Context, func(func())) <-chan struct{} { return hints },
	})
	t.Cleanup(w.Close)
	return w
}

// next is the next event within limit.
func next(w *Watcher, limit time.Duration) (Event, bool) {
	select {
	case e, ok := <-w.Events():
		return e, ok
	case <-time.After(limit):
		return Event{}, false
	}
}

func TestWakingUpIsToldWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{network: "home"}
		w := m.watch(t, false)
		if e, ok := next(w, time.Hour); ok {
			t.Fatalf("%+v in an hour of nothing", e)
		}
		m.set(func() { m.slept = 8 * time.Hour })
		woke := time.Now()
		e, ok := next(w, time.Hour)
		if !ok || e.Kind != Woke || e.Slept < 8*time.Hour || time.Since(woke) > time.Second {
			t.Fatalf("%+v after %v", e, time.Since(woke))
		}
		if e, ok := next(w, time.Hour); ok {
			t.Fatalf("told twice: %+v", e)
		}
		// Asleep at home, awake in the office, and the kernel says nothing.
		m.set(func() { m.slept, m.network = 9*time.Hour, "office" })
		if e, ok := next(w, time.Minute); !ok || e.Kind != Woke {
			t.Fatalf("%+v", e)
		}
		if e, ok := next(w, time.Second); !ok || e.Kind != NetworkChanged {
			t.Fatalf("%+v", e)
		}
	})
}

func TestAChangeOfNetworkIsToldOnceWhenItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{network: "wire"}
		w := m.watch(t, false)
		began := time.Now()
		for i := range 5 { // the wire is pulled; addresses and routes go and come
			m.set(func() { m.network = "wireless" + string(rune('0'+i)) })
			m.hints <- struct{}{}
			time.Sleep(100 * time.Millisecond)
		}
		e, ok := next(w, time.Minute)
		if !ok || e.Kind != NetworkChanged || time.Since(began) > time.Second {
			t.Fatalf("%+v after %v", e, time.Since(began))
		}
		m.hints <- struct{}{} // something that concerns nobody
		if e, ok := next(w, time.Minute); ok {
			t.Fatalf("%+v", e)
		}
		var looks, after int
		m.set(func() { looks = m.looks })
		m.hints <- struct{}{} // away and back within the debounce
		time.Sleep(time.Minute)
		m.set(func() { after = m.looks })
		if after != looks+1 {
			t.Errorf("looked %d times for one hint", after-looks)
		}
	})
}

func TestANetworkThatNeverRestsIsToldAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{network: "a"}
		w := m.watch(t, false)
		stop := make(chan struct{})
		var noise sync.WaitGroup
		defer noise.Wait()
		noise.Go(func() {
			for {
				select {
				case m.hints <- struct{}{}:
					time.Sleep(50 * time.Millisecond)
				case <-stop:
					return
				}
			}
		})
		time.Sleep(time.Second)
		m.set(func() { m.network = "b" })
		began := time.Now()
		if e, ok := next(w, time.Minute); !ok || e.Kind != NetworkChanged || time.Since(began) > 2*time.Second {
			t.Errorf("%+v after %v", e, time.Since(began))
		}
		close(stop)
	})
}

func TestWithoutHintsTheNetworkIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{network: "a"}
		w := m.watch(t, true)
		time.Sleep(time.Minute)
		m.set(func() { m.network = "b" })
		began := time.Now()
		if e, ok := next(w, time.Minute); !ok || e.Kind != NetworkChanged || time.Since(began) > time.Second {
			t.Fatalf("%+v after %v", e, time.Since(began))
		}
	})
}

func TestAListenerThatIsBusyGetsOneOfAKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{network: "a"}
		w := m.watch(t, true)
		for i := range 20 {
			m.set(func() { m.network = string(rune('b' + i)) })
			time.Sleep(2 * time.Second)
		}
		n := 0
		for _, ok := next(w, time.Second/2); ok; _, ok = next(w, time.Second/2) {
			n++
		}
		if n == 0 || n > 3 {
			t.Errorf("%d events", n)
		}
		w.Close()
		if _, ok := <-w.Events(); ok {
			t.Error("events after the end")
		}
	})
}
