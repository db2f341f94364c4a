package sip

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/pprof"
	"sync"
	"testing"
	"time"
)

// board sorts the events of a phone by leg, for stories that run at the same time.
type board struct {
	p *Phone

	mu      sync.Mutex
	wires   map[LegID]*phoneLeg
	came    map[string]*phoneLeg // calls that came in, by Call-ID and by the name that was called
	sent    map[LegID]*phoneLeg  // calls that a far end asked for, by the leg that it asked in
	changed chan struct{}        // closed when something came
}

// phoneLeg is one leg of a board.
type phoneLeg struct {
	board           *board
	id              LegID
	events          []Event
	consulting, far *phoneLeg
}

func newBoard(p *Phone) *board {
	b := &board{p: p, wires: map[LegID]*phoneLeg{}, came: map[string]*phoneLeg{}, sent: map[LegID]*phoneLeg{}, changed: make(chan struct{})}
	go func() {
		for e := range p.Events() {
			b.take(e)
		}
	}()
	return b
}

func (b *board) take(e Event) {
	leg := reflect.ValueOf(e).FieldByName("Leg")
	if !leg.IsValid() {
		return
	}
	w := b.phoneLeg(leg.Interface().(LegID))
	b.mu.Lock()
	defer b.mu.Unlock()
	w.events = append(w.events, e)
	switch e := e.(type) {
	case IncomingCall:
		b.came[e.CallID], b.came[e.Called.String()] = w, w
	case OutgoingCall:
		if e.For != "" {
			b.sent[e.For] = w
		}
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *board) phoneLeg(id LegID) *phoneLeg {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.wires[id]
	if w == nil {
		w = &phoneLeg{board: b, id: id}
		b.wires[id] = w
	}
	return w
}

// told is what happened to a leg since it was looked at last.
func (w *phoneLeg) told() string {
	w.board.mu.Lock()
	defer w.board.mu.Unlock()
	return fmt.Sprintf("%s %+v", w.id, w.events)
}

// until waits for something that take makes true.
func (b *board) until(s *soak, what func() string, ok func() bool) {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		b.mu.Lock()
		done, changed := ok(), b.changed
		b.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			s.fail("%s: no %s", b.p.acc.Account, what())
		}
	}
}

// arrives is the call with this Call-ID or for this name, that a leg of another board began.
func (b *board) arrives(s *soak, key string, by *phoneLeg) *phoneLeg {
	w := &phoneLeg{board: b}
	b.until(s, func() string { return "call " + key + ", but " + by.told() }, func() bool {
		if b.came[key] != nil {
			w = b.came[key]
		}
		return w.id != ""
	})
	return w
}

// referred is the call that a leg's far end asked for.
func (b *board) referred(s *soak, by LegID) *phoneLeg {
	w := &phoneLeg{board: b}
	b.until(s, func() string { return "call that was asked for in " + string(by) }, func() bool {
		if b.sent[by] != nil {
			w = b.sent[by]
		}
		return w.id != ""
	})
	return w
}

// take removes the next event of type E from a leg; those before it are dropped.
func take[E Event](s *soak, w *phoneLeg) (e E) {
	w.board.until(s, func() string { return fmt.Sprintf("%T, but %s", e, w.told()) }, func() (ok bool) {
		for i, have := range w.events {
			if e, ok = have.(E); ok {
				w.events = w.events[i+1:]
				return true
			}
		}
		return false
	})
	return e
}

// idle checks that no call is left, and forgets those that were.
func (b *board) idle(t *testing.T) {
	t.Helper()
	left, sounding, beats := 0, 0, 0
	becomes(t, string(b.p.acc.Account)+" has no call left", func() bool {
		done := make(chan struct{})
		b.p.ua.Post(func() {
			left, beats = len(b.p.legs), len(b.p.sound.beats)
			b.p.sound.mu.Lock()
			sounding = len(b.p.sound.calls)
			b.p.sound.mu.Unlock()
			close(done)
		})
		<-done
		return left+sounding+beats == 0
	}, func() string { return fmt.Sprintf("%d legs, %d sessions, %d beats", left, sounding, beats) })
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wires, b.came, b.sent = map[LegID]*phoneLeg{}, map[string]*phoneLeg{}, map[LegID]*phoneLeg{} // cleared ones would keep their room
}

// footprint is what the process holds when no call is up.
type footprint struct {
	goroutines, files int
	heap, objects     uint64 // live bytes and objects; 0: not settled
	lingering         int    // transactions that still wait for what may be repeated
}

func (f footprint) String() string {
	return fmt.Sprintf("%d goroutines, %d files and sockets, heap %.2f MB in %d objects, %d transactions", f.goroutines, f.files, float64(f.heap)/1e6, f.objects, f.lingering)
}

// measure looks at the process when what ends by itself has ended. settled waits for the transactions too: 64·T1 after the last
// call (RFC 3261 §13.3.1.4), without which memory says nothing.
func measure(settled bool, phones ...*board) (f footprint) {
	look := func() footprint {
		f := footprint{goroutines: runtime.NumGoroutine(), files: files()}
		for _, b := range phones {
			st := b.p.ua.Layer().Stats()
			f.lingering += st.ClientTx + st.ServerTx
		}
		return f
	}
	f = look()
	for calm := 0; calm < 20; time.Sleep(20 * time.Millisecond) { // until nothing goes away any more
		now := look()
		if calm++; now.goroutines < f.goroutines || now.files < f.files || settled && now.lingering > 0 {
			calm = 0
		}
		f = now
	}
	if settled {
		time.Sleep(65 * time.Second / 2) // ended sessions answer what is still on its way for as long
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		f.heap, f.objects = m.HeapAlloc, m.HeapObjects
		if dir := os.Getenv("OFFHOOK_SOAK_PROFILE"); dir != "" { // what grew: go tool pprof -base
			if file, err := os.Create(filepath.Join(dir, fmt.Sprintf("heap-%d", time.Now().Unix()))); err == nil {
				_ = pprof.Lookup("heap").WriteTo(file, 0)
				file.Close()
			}
		}
	}
	return f
}

// files are the descriptors of this process; 0 where the system does not tell.
func files() int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(all)
}

// within fails when there is more than there was. A phone that is young has not yet had as many calls in its 64·T1 as it will have, and its
// tables have less room.
func (f footprint) within(t *testing.T, before footprint, young bool) {
	t.Helper()
	if f.goroutines > before.goroutines+4 || f.files > before.files+2 {
		t.Errorf("it grew: %v, and before %v", f, before)
	}
	more := before.heap/10 + 256<<10
	if young {
		more += 4 << 20
	}
	if f.heap > before.heap+more {
		t.Errorf("memory grew: %v, and before %v", f, before)
	}
}
