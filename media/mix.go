package media

import (
	"errors"
	"math"
	"slices"
	"sync"
	"time"
)

// maxLegs is how many take part in a conference, the agent's headset among them.
const maxLegs = 16

// ErrMixFull is returned by Mix.Add when no more can take part.
var ErrMixFull = errors.New("the conference is full")

// Mix is a conference: the agent's headset and up to fifteen sessions, each of which hears the sum of all others at
// 16 kHz. WriteFrame, with the headset's microphone, is its clock; without a headset, Clock.DriveMix is. A session in a
// mix belongs to it: nobody else writes or reads its frames. Voices are brought near one level. A session that is held
// gives and takes nothing, and the others talk on. How loud each hears each may be set, per pair.
//
// WriteFrame and ReadFrame may run on two goroutines, each on one at a time; all else may be called from anywhere.
type Mix struct {
	mu     sync.Mutex
	legs   [maxLegs]*leg // by number; 0 is the headset
	ticked time.Time
	leave  time.Duration // leaveWithin, or what a test has time for
	sum    [Frame]int32
	part   [Frame]int16
	ear    elastic
}

// leg is one who takes part.
type leg struct {
	session *Session // nil: the headset
	in      [Frame]int16
	level   leveller
	want    [maxLegs]float32 // how loud it hears each of the others
	have    [maxLegs]float32 // the same at the end of the last frame
	gone    chan struct{}    // closed when it has faded out; nil while it takes part
}

// NewMix makes a conference with nobody but the headset in it.
func NewMix() *Mix {
	m := &Mix{leave: leaveWithin}
	m.ear.line.reset()
	m.join(0, &leg{})
	return m
}

// join gives a leg its number, and everybody an ear for it.
func (m *Mix) join(i int, l *leg) {
	l.level.gain = 1
	m.legs[i] = l
	for k, other := range m.legs {
		if other == nil || k == i {
			continue
		}
		if other.gone == nil {
			l.want[k], other.want[i] = 1, 1
		}
		other.have[i] = 0
	}
}

// Add lets a session take part from the next frame on, without a click. Adding it again does nothing.
func (m *Mix) Add(s *Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	free := -1
	for i, l := range m.legs {
		switch {
		case l == nil && free < 0:
			free = i
		case l != nil && l.session == s && l.gone == nil:
			return nil
		}
	}
	if free < 0 {
		return ErrMixFull
	}
	m.join(free, &leg{session: s})
	return nil
}

// leaveWithin is how long Remove waits for the frame in which a session fades out.
const leaveWithin = 50 * time.Millisecond

// Remove takes a session out without a click: it waits for the next frame, 10 ms, when the mix is running. After it
// returns the session is the caller's.
func (m *Mix) Remove(s *Session) {
	m.mu.Lock()
	i := m.find(s)
	if i < 0 || s == nil {
		m.mu.Unlock()
		return
	}
	l := m.legs[i]
	l.gone = make(chan struct{})
	l.want = [maxLegs]float32{}
	for _, other := range m.legs {
		if other != nil {
			other.want[i] = 0
		}
	}
	idle := time.Since(m.ticked) > m.leave
	m.mu.Unlock()
	if !idle {
		t := time.NewTimer(m.leave)
		defer t.Stop()
		select {
		case <-l.gone:
			return
		case <-t.C:
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(i, l)
}

// drop ends what is left of a leg. The lock is held.
func (m *Mix) drop(i int, l *leg) {
	if m.legs[i] != l {
		return
	}
	m.legs[i] = nil
	for _, other := range m.legs {
		if other != nil {
			other.want[i], other.have[i] = 0, 0
		}
	}
	close(l.gone)
}

func (m *Mix) find(s *Session) int {
	return slices.IndexFunc(m.legs[:], func(l *leg) bool { return l != nil && l.session == s && l.gone == nil })
}

// Sessions are those that take part, in no order.
func (m *Mix) Sessions() (list []*Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.legs {
		if l != nil && l.session != nil && l.gone == nil {
			list = append(list, l.session)
		}
	}
	return list
}

// SetGain sets how loud listener hears speaker, as a factor from 0 to 4: 1 at the beginning. nil is the headset. It is
// heard within a frame, without a click, and forgotten when either leaves. False: one of them does not take part.
func (m *Mix) SetGain(listener, speaker *Session, gain float64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, k := m.find(listener), m.find(speaker)
	if i < 0 || k < 0 || i == k || math.IsNaN(gain) {
		return false
	}
	m.legs[i].want[k] = float32(max(0, min(4, gain)))
	return true
}

// WriteFrame takes a frame of the headset's microphone and lets the conference go on by 10 ms.
func (m *Mix) WriteFrame(pcm []int16) {
	if len(pcm) != Frame {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ticked = time.Now()
	clear(m.sum[:])
	for _, l := range m.legs {
		if l == nil {
			continue
		}
		if l.session != nil {
			l.session.ReadFrame(l.in[:])
		} else {
			copy(l.in[:], pcm)
		}
		l.level.process(l.in[:])
		for k, v := range l.in {
			m.sum[k] += int32(v)
		}
	}
	for i, l := range m.legs {
		if l == nil {
			continue
		}
		m.render(i, l)
		if l.session == nil {
			m.ear.push(m.part[:])
		} else {
			l.session.WriteFrame(m.part[:])
		}
	}
	for i, l := range m.legs {
		if l != nil && l.gone != nil {
			m.drop(i, l)
		}
	}
}

// render makes what one of them hears: the sum of all without its own, where it hears all alike.
func (m *Mix) render(i int, l *leg) {
	alike := true
	for k, other := range m.legs {
		if other != nil && k != i && (l.want[k] != 1 || l.have[k] != 1) {
			alike = false
		}
	}
	if alike {
		for n, v := range m.sum {
			m.part[n] = saturate(v - int32(l.in[n]))
		}
		return
	}
	var sum [Frame]float32
	for k, other := range m.legs {
		if other == nil || k == i {
			continue
		}
		from, to := l.have[k], l.want[k]
		l.have[k] = to
		if from == 0 && to == 0 {
			continue
		}
		step := (to - from) / Frame
		for n, v := range other.in {
			from += step
			sum[n] += from * float32(v)
		}
	}
	for n, v := range sum {
		m.part[n] = clip(v)
	}
}

func saturate(v int32) int16 { return int16(max(-32768, min(32767, v))) }

// ReadFrame fills a frame for the headset's loudspeaker. Its clock need not be the microphone's.
func (m *Mix) ReadFrame(pcm []int16) {
	if len(pcm) != Frame {
		clear(pcm)
		return
	}
	m.ear.pull(pcm)
}

func (m *Mix) skip(frames int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.legs {
		if l != nil && l.session != nil {
			l.session.skip(frames)
		}
	}
}

// DriveMix is Drive for a conference whose agent has no device: source is the microphone, sink the loudspeaker.
func (c *Clock) DriveMix(m *Mix, source, sink func(frame []int16)) (stop func()) {
	return c.drive(m, source, sink)
}
