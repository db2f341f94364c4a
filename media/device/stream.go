package device

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"offhook/internal/text"
)

// stall is how long a device may be late before the null clock takes over: a call must go on sending when a server
// hangs, and 100 ms of missing sound is heard anyway. A device that works in large pieces, as some wireless ones do,
// gets the time of three.
const stall = 120 * time.Millisecond

// backlog is how many samples may wait in an intake before the oldest are thrown away: sound that waited so long
// would stay late for the rest of the call. Large pieces are allowed to wait in threes, too.
const backlog = Rate / 5

// largest is the largest piece that is believed.
const largest = 500 * time.Millisecond

// keeper is the clock of a healing stream: it knows up to when the call has been served, by the device or by silence.
type keeper struct {
	covered time.Time
	silent  bool          // the null clock serves
	limit   time.Duration // how late the device may be
}

// expect sets how late a device may be that works in pieces of d.
func (k *keeper) expect(d time.Duration) { k.limit = max(stall, 3*d) }

// served notes that the device has served the call until now.
func (k *keeper) served(now time.Time) { k.covered, k.silent = now, false }

// owed returns how many frames the null clock has to serve at now. A device that is there gets the time of a stall
// before the null clock takes over from it; then the null clock makes up for that time.
func (k *keeper) owed(now time.Time, there bool) int {
	if there && !k.silent && now.Sub(k.covered) < k.limit {
		return 0
	}
	k.silent = true
	if now.Sub(k.covered) > maxCatchUp+k.limit { // the machine slept
		k.covered = now.Add(-period)
	}
	n := int(now.Sub(k.covered) / period)
	k.covered = k.covered.Add(time.Duration(n) * period)
	return n
}

// wait is how long from now until owed may return something.
func (k *keeper) wait(now time.Time) time.Duration {
	limit := k.limit
	if k.silent {
		limit = period
	}
	return max(k.covered.Add(limit).Sub(now), 0)
}

// intake is what the reader of the socket writes and a mic reads: one per stream on the server, so that the last
// words of an old connection never meet the first of a new one.
type intake struct {
	ring *ring
	wake chan struct{}
}

func (in *intake) feed(pcm []byte) {
	in.ring.writeLE(pcm)
	nudge(in.wake)
}

// mic is a microphone of the sound server that the null clock stands in for.
type mic struct {
	*clock
	*seat
	in    atomic.Pointer[intake]
	piece atomic.Int64 // how much sound the server sends at a time, a time.Duration
	heard atomic.Bool  // what the sink is given now came from the server
	wake  chan struct{}
}

func newMic(srv *server, want string) *mic {
	m := &mic{clock: newClock(), wake: make(chan struct{}, 1)}
	m.seat = newSeat(srv, Input, want, m)
	return m
}

// Start begins to capture. It does not fail because of the hardware.
func (m *mic) Start(sink func(frame []int16)) error {
	if err := m.run(func() { m.loop(sink) }); err != nil {
		return err
	}
	m.srv.sit(m.seat)
	return nil
}

func (m *mic) loop(sink func([]int16)) {
	frame := make([]int16, Frame)
	timer := time.NewTimer(period)
	defer timer.Stop()
	k := keeper{covered: time.Now(), silent: true, limit: stall}
	for {
		select {
		case <-m.stop:
			return
		case <-m.wake:
		case <-timer.C:
		}
		now := time.Now()
		in := m.in.Load()
		piece := time.Duration(m.piece.Load())
		k.expect(piece)
		if in != nil && in.ring.len() >= Frame {
			most := max(backlog, 3*samplesOf(piece))
			if k.silent { // silence has stood in for all but the newest of it
				in.ring.discard(max(Frame, samplesOf(piece)))
			} else if in.ring.len() > most {
				in.ring.discard(max(2*Frame, samplesOf(piece)))
			}
			m.heard.Store(true)
			for in.ring.read(frame) {
				sink(frame)
			}
			k.served(now)
		}
		for range k.owed(now, in != nil) {
			m.heard.Store(false)
			clear(frame)
			sink(frame)
		}
		timer.Reset(k.wait(now))
	}
}

func (m *mic) pace(piece time.Duration) { m.piece.Store(int64(min(piece, largest))) }

func (m *mic) attach(c *conn, stream uint32, _ int) {
	in := &intake{ring: newRing(max(2*backlog, 4*samplesOf(time.Duration(m.piece.Load())))), wake: m.wake}
	update(&c.mics, stream, in)
	m.in.Store(in)
	nudge(m.wake)
}

func (m *mic) detach(c *conn, stream uint32) {
	if c != nil {
		update(&c.mics, stream, nil)
	}
	m.in.Store(nil)
	nudge(m.wake)
}

// Close stops capturing. It must not be called from sink.
func (m *mic) Close() error {
	if m.close() {
		m.srv.leave(m.seat)
	}
	return nil
}

// pipe is a playback stream on the server, as the speaker's goroutine sees it.
type pipe struct {
	conn   *conn
	stream uint32
	wants  atomic.Int64 // bytes that the server asked for
	wake   chan struct{}
}

func (p *pipe) demand(n uint32) {
	p.wants.Add(int64(n))
	nudge(p.wake)
}

// speaker is a loudspeaker of the sound server that the null clock stands in for.
type speaker struct {
	*clock
	*seat
	out   atomic.Pointer[pipe]
	piece atomic.Int64 // how much sound the server asks for at a time, a time.Duration
	wake  chan struct{}
}

func newSpeaker(srv *server, want string, role Role) *speaker {
	s := &speaker{clock: newClock(), wake: make(chan struct{}, 1)}
	s.seat = newSeat(srv, role, want, s)
	return s
}

// Start begins to play. It does not fail because of the hardware.
func (s *speaker) Start(fill func(frame []int16)) error {
	if err := s.run(func() { s.loop(fill) }); err != nil {
		return err
	}
	s.srv.sit(s.seat)
	return nil
}

func (s *speaker) loop(fill func([]int16)) {
	frame := make([]int16, Frame)
	timer := time.NewTimer(period)
	defer timer.Stop()
	k := keeper{covered: time.Now(), silent: true, limit: stall}
	var w writer
	for {
		select {
		case <-s.stop:
			return
		case <-s.wake:
		case <-timer.C:
		}
		now := time.Now()
		p := s.out.Load()
		k.expect(time.Duration(s.piece.Load()))
		if p != nil {
			if n := p.wants.Swap(0); n > 0 {
				if rest := n - maxSend; rest > 0 {
					p.demand(uint32(min(rest, 1<<20)))
					n = maxSend
				}
				w.send(p, int(n), fill)
				k.served(now)
			}
		}
		for range k.owed(now, p != nil) {
			fill(frame)
			w.rest = w.rest[:0] // what is left of an older frame is stale
		}
		timer.Reset(k.wait(now))
	}
}

// maxSend is the most that one turn sends, in bytes (100 ms): Close must not wait for a server that asks for hours.
const maxSend = 2 * Rate / 10

// writer cuts frames into what the server asked for; it asks for 7.5 ms as gladly as for 10.
type writer struct {
	frame [Frame]int16
	bytes [2 * Frame]byte
	rest  []byte // of the last frame
	out   []byte
}

func (w *writer) send(p *pipe, n int, fill func([]int16)) {
	w.out = w.out[:0]
	for len(w.out) < n {
		if len(w.rest) == 0 {
			fill(w.frame[:])
			for i, v := range w.frame {
				binary.LittleEndian.PutUint16(w.bytes[2*i:], uint16(v))
			}
			w.rest = w.bytes[:]
		}
		m := min(n-len(w.out), len(w.rest))
		w.out = append(w.out, w.rest[:m]...)
		w.rest = w.rest[m:]
	}
	// An error closes the link, and the server's goroutine hears of it.
	p.conn.client.Send(p.stream, w.out)
}

func (s *speaker) pace(piece time.Duration) { s.piece.Store(int64(min(piece, largest))) }

func (s *speaker) attach(c *conn, stream uint32, missing int) {
	p := &pipe{conn: c, stream: stream, wake: s.wake}
	update(&c.speakers, stream, p)
	s.out.Store(p)
	p.demand(uint32(missing)) // no Request comes before the first bytes
}

func (s *speaker) detach(c *conn, stream uint32) {
	if c != nil {
		update(&c.speakers, stream, nil)
	}
	s.out.Store(nil)
	nudge(s.wake)
}

// Close stops playing. It must not be called from fill.
func (s *speaker) Close() error {
	if s.close() {
		s.srv.leave(s.seat)
	}
	return nil
}

func samplesOf(d time.Duration) int { return int(d * Rate / time.Second) }

// update replaces a table of streams by one in which index stands for v, or for nothing.
func update[T any](table *atomic.Pointer[map[uint32]*T], index uint32, v *T) {
	next := make(map[uint32]*T)
	for i, x := range *table.Load() {
		next[i] = x
	}
	if v == nil {
		delete(next, index)
	} else {
		next[index] = v
	}
	table.Store(&next)
}

// nameOf is what a stream is called: the device it is on, or that it is on none.
func nameOf(i Info, ok bool, role Role) text.Text {
	switch {
	case ok:
		return i.Description
	case role == Input:
		return text.Clean("no microphone")
	}
	return text.Clean("no speaker")
}
