package exchange

import (
	"context"
	"flag"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"offhook/internal/text"
	"offhook/media"
	"offhook/media/codec/opus"
	"offhook/media/device"
	"offhook/sip"
	"offhook/sip/exchange/prompts"
)

// The tests wait for sound in real time and compute little, so some can do so at once: as many as a slow machine keeps up with under the
// race detector, which needs ten times as much of it.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	_ = opus.Wait() // compiled behind a call it would take the processor from the sound of others, and count as a goroutine
	m.Run()
}

// longest bounds a wait for something that must happen; it is never what a test measures.
const longest = time.Minute

// world is an exchange for a test, and what it tells.
type world struct {
	*Server
	t      *testing.T
	events chan Event
}

func newWorld(t *testing.T, opt Options) *world {
	t.Helper()
	w := &world{t: t, events: make(chan Event, 1024)}
	opt.OnEvent = func(e Event) { w.events <- e }
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	w.Server = s
	t.Cleanup(func() { w.close() })
	return w
}

func (w *world) close() {
	w.closeWithin(time.Second)
}

// closeWithin closes the exchange; its phones have so long to agree.
func (w *world) closeWithin(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := w.Close(ctx); err != nil {
		w.t.Error(err)
	}
}

// told waits for the next event of a kind; others are skipped.
func (w *world) told(kind EventKind) Event {
	w.t.Helper()
	limit := time.After(longest)
	for {
		select {
		case e := <-w.events:
			if e.Kind == kind {
				return e
			}
		case <-limit:
			w.t.Fatalf("the exchange never told %q", kind)
		}
	}
}

// on runs f on the exchange's loop.
func (w *world) on(f func()) {
	done := make(chan struct{})
	w.ua.Post(func() { f(); close(done) })
	<-done
}

func (w *world) place(c Call) {
	w.t.Helper()
	if err := w.Place(c); err != nil {
		w.t.Fatal(err)
	}
}

// phone is our own telephone at the exchange, with a person at it who hums one note and listens.
type phone struct {
	*sip.Phone
	*ear
	t    *testing.T
	ext  string
	mark int // what was heard before has been looked at
}

// newPhone is a phone that is about to register. It does not watch the machine: one that was busy for some seconds has slept, for all that a
// phone can tell.
func newPhone(w *world, ext string, hz float64, change ...func(*sip.Config)) *phone {
	w.t.Helper()
	e := &ear{tick: make(chan struct{}, 1)}
	h := media.NewHeadset(func() device.Capture { return &mouth{hz: hz} }, func() device.Playback { return &speaker{ear: e} })
	w.t.Cleanup(func() { h.Close() })
	cfg := sip.Config{
		Account: "sip:" + ext + "@" + w.Addr().String(), Registrar: w.Addr().String(), Listen: loopback, Headset: h, Unwatched: true,
		Password: func(context.Context) (string, error) { return "practice" + ext, nil },
	}
	for _, f := range change {
		f(&cfg)
	}
	p, err := sip.Open(w.t.Context(), cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	ph := &phone{Phone: p, ear: e, t: w.t, ext: ext}
	w.t.Cleanup(ph.shut)
	return ph
}

// registered is a phone that can be called.
func registered(w *world, ext string, hz float64, change ...func(*sip.Config)) *phone {
	w.t.Helper()
	p := newPhone(w, ext, hz, change...)
	for {
		if e := next[sip.RegistrationChanged](p); e.State == sip.Registered {
			return p
		}
	}
}

func (p *phone) shut() { p.shutWithin(time.Second) }

// leaves closes a phone whose exchange is there: it is taken off its list.
func (p *phone) leaves() { p.shutWithin(longest) }

func (p *phone) shutWithin(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	p.Close(ctx)
}

// next waits for the next event of type E and fails when the call ends before; others are skipped.
func next[E sip.Event](p *phone) E {
	p.t.Helper()
	limit := time.After(longest)
	for {
		select {
		case e, ok := <-p.Events():
			if !ok {
				p.t.Fatalf("%s: closed while waiting for %T", p.ext, *new(E))
			}
			if e, ok := e.(E); ok {
				return e
			}
			if end, ok := e.(sip.CallEnded); ok {
				p.t.Fatalf("%s: the call ended while waiting for %T: %+v", p.ext, *new(E), end)
			}
		case <-limit:
			p.t.Fatalf("%s: no %T came", p.ext, *new(E))
		}
	}
}

// answers takes the next call.
func (p *phone) answers() sip.IncomingCall {
	p.t.Helper()
	c := next[sip.IncomingCall](p)
	p.Answer(c.Leg)
	next[sip.CallAnswered](p)
	return c
}

// dials calls a number that somebody answers.
func (p *phone) dials(number string) sip.LegID {
	p.t.Helper()
	leg := sip.LegID("to-" + number)
	p.Dial(leg, number)
	return leg
}

// ear remembers what a phone's loudspeaker played.
type ear struct {
	mu   sync.Mutex
	pcm  []int16
	tick chan struct{} // one token per frame
}

func (e *ear) hear(frame []int16) {
	e.mu.Lock()
	e.pcm = append(e.pcm, frame...)
	e.mu.Unlock()
	select {
	case e.tick <- struct{}{}:
	default:
	}
}

// heard is how many samples there are.
func (e *ear) heard() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.pcm)
}

func (e *ear) between(from, to int) []int16 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pcm[from:to:to] // what was heard does not change
}

// until waits until what is heard satisfies is, looking every 100 ms of sound.
func (p *phone) until(what string, is func(*ear) bool) {
	p.t.Helper()
	limit := time.After(longest)
	for n := 0; ; n++ {
		if n%10 == 0 && is(p.ear) {
			p.mark = p.heard()
			return
		}
		select {
		case <-p.tick:
		case <-limit:
			p.t.Fatalf("%s never heard %s", p.ext, what)
		}
	}
}

// hears waits for a note: 200 ms of it, in pieces of 20 ms, for on a busy machine sound comes with gaps.
func (p *phone) hears(what string, hz float64) {
	p.t.Helper()
	const piece = media.Rate / 50
	at, n := max(p.mark, p.heard()-media.Rate/5), 0
	p.until(what, func(e *ear) bool {
		for ; at+piece <= e.heard(); at += piece {
			if strength(e.between(at, at+piece), hz) > 0.8 {
				n++
			}
		}
		return n >= 10
	})
}

// hearsPrompt waits until what is heard is somewhere in a prompt: the same wave, not just some sound. It looks at all that was heard since
// the last look, for on a busy machine it begins long after the prompt; and may come with a gap in every 100 ms: then some
// shorter pieces do, each of which must be more like it. again, if any, has it said once more after ten seconds of other sound.
func (p *phone) hearsPrompt(name string, again ...func()) {
	p.t.Helper()
	prompt := thin(thin(must(p.t, name)))
	at, pieces := p.mark, 0
	said := p.heard()
	p.until("the prompt "+name, func(e *ear) bool {
		for ; at+media.Rate/4 <= e.heard(); at += 4 * step {
			heard := thin(thin(e.between(at, at+media.Rate/4)))
			if likeness(prompt, loudest(heard, part)) > alike {
				return true
			}
			for piece := range slices.Chunk(heard[:step], shortPart) {
				if likeness(prompt, loudest(piece, shortPart)) > shortAlike {
					pieces++
				}
			}
			if pieces >= enough {
				return true
			}
		}
		if e.heard()-said > 10*media.Rate && len(again) > 0 {
			again[0]()
			said = e.heard()
		}
		return false
	})
}

// part is how much is compared, 100 ms at 4 kHz; alike is from where on it is the same: other words of the same voice stay below 0.75, but
// for a coincidence. Of pieces of 40 ms one in a hundred is as much alike, so several must be.
const (
	part       = 400
	alike      = 0.85
	shortPart  = 160
	shortAlike = 0.9
	enough     = 5
	step       = 3 * shortPart
)

func must(t *testing.T, name string) []int16 {
	t.Helper()
	pcm, err := prompts.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

// strength is the share of the energy of pcm at hz, 0–1 (Goertzel); 0 for near silence.
func strength(pcm []int16, hz float64) float64 {
	w := 2 * math.Cos(2*math.Pi*hz/media.Rate)
	var s1, s2, all float64
	for _, v := range pcm {
		s1, s2 = float64(v)+w*s1-s2, s1
		all += float64(v) * float64(v)
	}
	if n := float64(len(pcm)); n > 0 && all/n > 1e4 {
		return 2 * (s1*s1 + s2*s2 - w*s1*s2) / all / n
	}
	return 0
}

// thin halves the rate: a quarter is enough to recognise speech.
func thin(pcm []int16) []int16 {
	out := make([]int16, len(pcm)/2)
	for i := range out {
		out[i] = int16((int(pcm[2*i]) + int(pcm[2*i+1])) / 2)
	}
	return out
}

// loudest are the n samples with the most energy; nil when it is near silence.
func loudest(pcm []int16, n int) (out []int16) {
	best := 1e4 * float64(n)
	for i := 0; i+n <= len(pcm); i += n / 4 {
		if e := dot(pcm[i:i+n], pcm[i:i+n]); e > best {
			best, out = e, pcm[i:i+n]
		}
	}
	return out
}

// likeness is the highest normalised correlation of want with any part of pcm; 0 when there is nothing to want.
// It computes much, on what nobody else has: watched by the race detector it would take the processor from the sound that it judges.
//
//go:norace
func likeness(pcm, want []int16) (best float64) {
	n := len(want)
	if n == 0 || len(pcm) < n {
		return 0
	}
	own, e := dot(want, want), dot(pcm[:n], pcm[:n])
	for i := 0; ; i++ {
		if e > own/2 && e < own*2 {
			best = max(best, dot(pcm[i:i+n], want)/math.Sqrt(e*own))
		}
		if i+n == len(pcm) {
			return best
		}
		e += float64(pcm[i+n])*float64(pcm[i+n]) - float64(pcm[i])*float64(pcm[i])
	}
}

//go:norace
func dot(a, b []int16) float64 {
	var sum int64
	for i, v := range a {
		sum += int64(v) * int64(b[i])
	}
	return float64(sum)
}

// note is a second of a tone.
func note(hz float64, seconds int) []int16 {
	pcm := make([]int16, seconds*media.Rate)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/media.Rate))
	}
	return pcm
}

// ticking runs f every 10 ms, as a sound card does: what a busy machine missed is made up for, as far as a
// card has a buffer. What is older is lost: a machine that had all of it to do would do nothing else, and fall behind more.
type ticking struct {
	stop chan struct{}
	done sync.WaitGroup
}

// buffered is how much of its sound a card keeps.
const buffered = 100 * time.Millisecond

func (k *ticking) start(f func()) error {
	k.stop = make(chan struct{})
	k.done.Go(func() {
		due := time.Now()
		for {
			due = due.Add(10 * time.Millisecond)
			select {
			case <-k.stop:
				return
			case <-time.After(time.Until(due)):
				if oldest := time.Now().Add(-buffered); due.Before(oldest) {
					due = oldest
				}
				f()
			}
		}
	})
	return nil
}

func (k *ticking) Close() error { close(k.stop); k.done.Wait(); return nil }

type mouth struct {
	ticking
	hz float64
	n  int
}

func (m *mouth) Name() text.Text { return text.Clean("mouth") }
func (m *mouth) Start(sink func([]int16)) error {
	return m.start(func() {
		var f [media.Frame]int16
		for i := range f {
			f[i] = int16(8000 * math.Sin(2*math.Pi*m.hz*float64(m.n)/media.Rate))
			m.n++
		}
		sink(f[:])
	})
}

type speaker struct {
	ticking
	ear *ear
}

func (s *speaker) Name() text.Text { return text.Clean("ear") }
func (s *speaker) Start(fill func([]int16)) error {
	return s.start(func() {
		var f [media.Frame]int16
		fill(f[:])
		s.ear.hear(f[:])
	})
}
