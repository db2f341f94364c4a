package sip

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offhook/sip/offer"
)

// soak is a day at a call centre in a few minutes: customers call an agent, in many ways and many at once, in one process.
type soak struct {
	t                                   *testing.T
	customer, guarded, agent, colleague *board
	recordings                          string
	number                              atomic.Int64 // of calls begun
	heard                               atomic.Int64 // calls in which packets came
	protected                           atomic.Int64 // calls that were encrypted
	recorded                            atomic.Int64
}

// OFFHOOK_SOAK is how many calls the soak makes; make soak asks for 10,000.
func soakCalls(t *testing.T) int {
	s := os.Getenv("OFFHOOK_SOAK")
	if s == "" {
		return 120
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("OFFHOOK_SOAK=%q is no number", s)
	}
	return n
}

func TestThousandsOfCallsLeaveNothingBehind(t *testing.T) {
	calls := soakCalls(t)
	s := &soak{t: t, recordings: t.TempDir()}
	busy := func(c *Config) { anywhere(c); c.MaxCalls = 1000; c.Codecs = []string{"PCMU", "G722"} }
	s.customer = newBoard(open(t, "customer", busy))
	s.guarded = newBoard(open(t, "guarded", busy, func(c *Config) { c.Sound = SoundConfig{Protect: offer.Required, DTLS: true} }))
	s.agent = newBoard(open(t, "agent", busy, func(c *Config) {
		c.Headset, c.Recording = (&bench{hz: 440}).headset(t), RecordingConfig{Dir: s.recordings}
		c.Sound = SoundConfig{Protect: offer.Optional}
	}))
	s.colleague = newBoard(open(t, "colleague", busy, func(c *Config) { c.Sound = SoundConfig{Protect: offer.Optional} }))

	r := rand.New(rand.NewPCG(1, 2))
	const lines = 16 // at once: more would be more than a phone takes from one source in a second
	var marks []footprint
	for _, until := range milestones(calls) {
		work := make(chan func(string))
		var done sync.WaitGroup
		for range lines {
			done.Go(func() {
				for story := range work {
					s.tell(story)
				}
			})
		}
		for n := int(s.number.Load()); n < until && !t.Failed(); n++ { // nobody is at work yet
			work <- s.story(r.IntN(20))
		}
		close(work)
		done.Wait()
		if t.Failed() {
			return
		}
		s.agent.idle(t)
		s.customer.idle(t)
		s.guarded.idle(t)
		s.colleague.idle(t)
		f := measure(calls > 1000, s.agent, s.customer, s.guarded, s.colleague)
		marks = append(marks, f)
		t.Logf("after %5d calls: %v", until, f)
	}
	t.Logf("sound came in %d, %d were encrypted, %d recorded", s.heard.Load(), s.protected.Load(), s.recorded.Load())
	if s.heard.Load() < int64(calls)/2 || s.protected.Load() < int64(calls)/20 || s.recorded.Load() < int64(calls)/40 {
		t.Error("these were no real calls")
	}
	last := marks[len(marks)-1]
	for i, f := range marks[1 : len(marks)-1] {
		last.within(t, f, i == 0)
	}
}

// gone ends a story that went wrong.
type gone struct{}

func (s *soak) tell(story func(id string)) {
	defer func() {
		if r := recover(); r != nil && r != (gone{}) {
			panic(r)
		}
	}()
	story(fmt.Sprintf("soak-%d", s.number.Add(1)))
}

func (s *soak) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf(format, args...)
	panic(gone{})
}

// milestones are the numbers of calls after which is measured; the first is for warming up.
func milestones(calls int) []int {
	if calls <= 1000 {
		return []int{calls / 4, calls / 2, calls}
	}
	out := []int{200, 1000}
	for n := 4000; n < calls; n += 3000 {
		out = append(out, n)
	}
	return append(out, calls)
}

// story is one way in which calls go.
func (s *soak) story(n int) func(id string) {
	switch n {
	case 0, 1:
		return s.gaveUp
	case 2:
		return s.declined
	case 3, 4:
		return s.blind
	case 5, 6:
		return s.attended
	case 7, 8:
		return s.recording
	case 9, 10, 11:
		return func(id string) { s.held(s.guarded, id) }
	case 12, 13:
		return func(id string) { s.held(s.customer, id) }
	case 14:
		return s.redirected
	case 15, 16:
		return func(id string) { s.plain(s.guarded, id) }
	default:
		return func(id string) { s.plain(s.customer, id) }
	}
}

// call lets a caller call another board, and answers.
func (s *soak) call(from *board, id string, to *board) (here, there *phoneLeg) {
	here, there = s.ring(from, id, to)
	there.board.p.Answer(there.id)
	take[CallAnswered](s, here)
	take[CallAnswered](s, there)
	s.sounds(here)
	return here, there
}

func (s *soak) ring(from *board, id string, to *board) (here, there *phoneLeg) {
	here = from.phoneLeg(LegID(id))
	from.p.Dial(here.id, at(to.p, "agent"))
	out := take[OutgoingCall](s, here)
	return here, to.arrives(s, out.CallID, here)
}

// sounds waits until something was heard in a call.
func (s *soak) sounds(l *phoneLeg) {
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		if q, ok := l.board.p.Quality(l.id); ok && q.PacketsReceived > 5 {
			s.heard.Add(1)
			if q.Secure != "" {
				s.protected.Add(1)
			}
			return
		}
	}
	s.fail("%s: nothing was heard", l.id)
}

func (s *soak) over(a, b *phoneLeg) {
	a.board.p.Hangup(a.id)
	take[CallEnded](s, a)
	take[CallEnded](s, b)
}

func (s *soak) plain(from *board, id string) {
	a, b := s.call(from, id, s.agent)
	if len(id)%2 == 0 {
		a, b = b, a
	}
	s.over(a, b)
}

func (s *soak) held(from *board, id string) {
	a, b := s.call(from, id, s.agent)
	b.board.p.Hold(b.id)
	take[CallHeld](s, b)
	take[CallHeld](s, a)
	b.board.p.Resume(b.id)
	take[CallHeld](s, b)
	s.over(a, b)
}

func (s *soak) gaveUp(id string) {
	a, b := s.ring(s.customer, id, s.agent)
	s.over(a, b)
}

func (s *soak) declined(id string) {
	a, b := s.ring(s.customer, id, s.agent)
	b.board.p.Reject(b.id, 486, "")
	take[CallEnded](s, a)
	take[CallEnded](s, b)
}

func (s *soak) blind(id string) {
	a, b := s.call(s.customer, id, s.agent)
	b.board.p.Transfer(b.id, at(s.colleague.p, "colleague"))
	s.transferred(a, b)
}

// transferred sees the customer to the colleague.
func (s *soak) transferred(a, b *phoneLeg) {
	sent := a.board.referred(s, a.id)
	out := take[OutgoingCall](s, sent)
	c := s.colleague.arrives(s, out.CallID, sent)
	c.board.p.Answer(c.id)
	take[CallAnswered](s, sent)
	take[CallAnswered](s, c)
	if done := take[TransferEnded](s, b); !done.OK {
		s.fail("%s: %+v", b.id, done)
	}
	take[CallEnded](s, b)
	if o := b.consulting; o != nil {
		take[CallEnded](s, o)
		take[CallEnded](s, o.far)
	}
	take[CallEnded](s, a)
	s.over(c, sent)
}

func (s *soak) attended(id string) {
	a, b := s.call(s.customer, id, s.agent)
	b.board.p.Hold(b.id)
	take[CallHeld](s, b)
	consult, far := s.call(s.agent, id+"-consult", s.colleague)
	consult.far, b.consulting = far, consult
	b.board.p.TransferTo(b.id, consult.id)
	s.transferred(a, b)
}

func (s *soak) recording(id string) {
	a, b := s.call(s.customer, id, s.agent)
	b.board.p.Record(b.id, true)
	on := take[RecordingChanged](s, b)
	if on.State != RecordingOn {
		s.fail("%s: %+v", id, on)
	}
	for limit := time.Now().Add(patience); size(on.Path) < 8_000; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			s.fail("%s: no recording in %s", id, on.Path)
		}
	}
	s.recorded.Add(1)
	s.over(a, b)
	os.Remove(on.Path) // it may still be open; that does not matter to it
}

func size(path string) int64 {
	fi, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return fi.Size()
}

// redirected: another phone gets the call, as the same leg of the caller.
func (s *soak) redirected(id string) {
	a, b := s.ring(s.customer, id, s.agent)
	on := id + "-on"
	b.board.p.Redirect(b.id, at(s.colleague.p, on))
	take[CallEnded](s, b)
	c := s.colleague.arrives(s, on, a)
	c.board.p.Answer(c.id)
	take[CallAnswered](s, a)
	take[CallAnswered](s, c)
	s.over(c, a)
}
