package media

import "time"

const (
	// units per second of the buffer's own time, in which a tick of every codec's clock and a sample are whole.
	units     = 48000
	perSample = units / Rate
	// slots of the jitter buffer: 2.5 s of 20 ms packets. A larger jump of the sequence number is another stream.
	slots = 128
	// maxPayload is 120 ms of G.711 and G.722, and twice what Opus makes of 120 ms of speech; 60 ms is the largest
	// agreed ptime.
	maxPayload = 960
	// transitWindow is how long the fastest packet sets the base that delays are measured from; clock drift of
	// 200 ppm moves it by 0.4 ms.
	transitWindow = 2 * time.Second
	// transitJump is a change of transit that no network makes: the sender restarted its timestamps.
	transitJump = 3 * time.Second
	// backwards in units is more than packets of one stream overlap.
	backwards = units / 50

	bins = 200
	bin  = 5 * time.Millisecond
	// lateWeight is how many milliseconds of delay one percent of late packets is worth, and histMemory the weight of
	// the past; both from simulation over eight kinds of networks.
	lateWeight = 10
	histMemory = 0.998
	// startTarget is used until the histogram has seen startPackets: the first packets tell little.
	startTarget  = 20 * time.Millisecond
	startPackets = 25
)

// verdict is what became of a packet.
type verdict uint8

const (
	stored    verdict = iota
	late              // its moment has passed
	duplicate         // came before
)

type slotState uint8

const (
	empty slotState = iota
	waiting
	done // played, or held no sound
)

// slot is one packet, not yet decoded: whether it is needed is known only when it is its turn.
type slot struct {
	state slotState
	kind  kind
	seq   int64
	ts    int64 // units
	n     int
	data  [maxPayload]byte
}

// jitterBuffer orders packets and decides how long to wait for them: the delay that minimises delay + w · % late over
// the recent past. It knows no samples; player does the rest. Times are durations since any fixed moment.
type jitterBuffer struct {
	slots   [slots]slot
	begun   bool
	ssrc    uint32
	highest int64 // extended sequence number
	next    int64 // the sequence number to play next

	clocks [2]anchor // 8000 and 48000 ticks per second
	turn   int       // the clock in use
	turned int64     // the first packet on it
	last   struct{ seq, end int64 }

	fastest minimum
	hist    [bins]float64
	count   int
	target  time.Duration
}

// anchor is one packet of a clock, from which the time of others on the same clock is counted.
type anchor struct {
	known bool
	ts    uint32
	at    int64 // units
}

// put takes a packet that came at the given time. reset tells that it begins a new stream, which discards all.
func (j *jitterBuffer) put(ssrc uint32, seq uint16, ts uint32, k kind, payload []byte, at time.Duration) (v verdict, reset bool) {
	s := j.extend(seq)
	t := j.place(s, ts, k)
	if !j.begun || ssrc != j.ssrc || s-j.highest > slots || j.highest-s > slots || j.jumped(at-span(t)) {
		reset = j.begun
		j.restart(ssrc, seq)
		s, t = j.extend(seq), j.place(j.highest, ts, k)
	}
	sl := &j.slots[s%slots]
	if sl.state != empty && sl.seq == s {
		return duplicate, reset
	}
	j.observe(at, at-span(t))
	j.anchor(s, t, ts, k)
	if s >= j.last.seq {
		j.last.seq, j.last.end = s, t+int64(k.samples(payload))*perSample
	}
	if s < j.next {
		return late, reset
	}
	j.highest = max(j.highest, s)
	if s >= j.next+slots { // nobody reads: the oldest give way
		j.next = s - slots + 1
	}
	sl.state, sl.kind, sl.seq, sl.ts = waiting, k, s, t
	sl.n = copy(sl.data[:], payload)
	return stored, reset
}

// note marks a packet as come that holds no sound for the buffer (a telephone event).
func (j *jitterBuffer) note(ssrc uint32, seq uint16) {
	if !j.begun || ssrc != j.ssrc {
		return
	}
	s := j.extend(seq)
	if s < j.next || s-j.highest > slots {
		return
	}
	j.highest = max(j.highest, s)
	if s >= j.next+slots {
		j.next = s - slots + 1
	}
	if sl := &j.slots[s%slots]; sl.state == empty || sl.seq != s {
		sl.state, sl.seq = done, s
	}
}

// peek is the oldest waiting packet, or nil.
func (j *jitterBuffer) peek() *slot {
	if !j.begun {
		return nil
	}
	for s := j.next; s <= j.highest; s++ {
		if sl := &j.slots[s%slots]; sl.state == waiting && sl.seq == s {
			return sl
		}
	}
	return nil
}

// take marks the packet that peek gave as played; older ones that come later are late.
func (j *jitterBuffer) take(sl *slot) {
	sl.state = done
	j.next = sl.seq + 1
}

// delay is how long after its fastest possible arrival the sound of timestamp ts would be played at the given time.
func (j *jitterBuffer) delay(at time.Duration, ts int64) time.Duration {
	return at - span(ts) - j.fastest.value()
}

func (j *jitterBuffer) wanted() time.Duration {
	if j.count < startPackets {
		return max(j.target, startTarget)
	}
	return j.target
}

// span is a number of units as a time.
func span(n int64) time.Duration { return time.Duration(n * 62500 / 3) }

func (j *jitterBuffer) extend(seq uint16) int64 {
	return j.highest + int64(int16(seq-uint16(j.highest)))
}

// place finds the time of a packet, in units since the beginning of the stream. Where the stream changes to a codec
// with another clock under the same SSRC (RFC 7160 §4.1 tells senders not to, and they do), the new timestamps mean
// nothing beside the old ones: the first of them takes the place behind the last packet.
func (j *jitterBuffer) place(s int64, ts uint32, k kind) int64 {
	i := clockOf(k)
	if a := &j.clocks[i]; a.known && (i == j.turn || s < j.turned) {
		t := a.at + int64(int32(ts-a.ts))*int64(units/k.clock())
		if s != j.last.seq+1 || t > j.last.end-backwards {
			return t
		}
	}
	return j.last.end
}

// anchor remembers a packet that has been placed.
func (j *jitterBuffer) anchor(s, t int64, ts uint32, k kind) {
	i := clockOf(k)
	if i != j.turn && (s >= j.turned || !j.clocks[j.turn].known) {
		j.turn, j.turned = i, s
	}
	j.clocks[i] = anchor{true, ts, t}
}

func clockOf(k kind) int {
	if k == kindOpus {
		return 1
	}
	return 0
}

func (j *jitterBuffer) jumped(transit time.Duration) bool {
	if j.fastest.n == 0 {
		return false
	}
	d := transit - j.fastest.value()
	return d > transitJump || d < -transitJump
}

func (j *jitterBuffer) restart(ssrc uint32, seq uint16) {
	for i := range j.slots {
		j.slots[i].state = empty
	}
	j.begun, j.ssrc = true, ssrc
	j.highest = int64(seq) + 1<<16 // so that older numbers stay positive
	j.next, j.turned = j.highest, j.highest
	j.clocks = [2]anchor{}
	j.last.seq, j.last.end = j.highest, 0
	j.fastest.n = 0
	j.hist, j.count, j.target = [bins]float64{}, 0, startTarget
}

// observe learns from a packet's transit time.
func (j *jitterBuffer) observe(at, transit time.Duration) {
	j.fastest.add(at, transit)
	rel := transit - j.fastest.value()
	j.count++
	f := min(histMemory, 1-2/float64(j.count+1)) // learns fast in the beginning
	for i := range j.hist {
		j.hist[i] *= f
	}
	j.hist[min(max(int(rel/bin), 0), bins-1)] += 1 - f

	// cost of waiting for bin k: its delay in ms, and w for each percent beyond it
	best, cost, beyond := 0, 0.0, 1.0
	for k, h := range j.hist {
		beyond -= h
		c := float64(k+1)*float64(bin/time.Millisecond) + lateWeight*100*max(beyond, 0)
		if k == 0 || c < cost {
			best, cost = k, c
		}
		if beyond < 1e-6 {
			break
		}
	}
	j.target = time.Duration(best+1) * bin
}

// minimum is the least value of a sliding window: a queue in which every value is less than those behind it.
type minimum struct {
	at   [256]time.Duration
	v    [256]time.Duration
	head int
	n    int
}

func (m *minimum) value() time.Duration {
	if m.n == 0 {
		return 0
	}
	return m.v[m.head]
}

func (m *minimum) add(at, v time.Duration) {
	const size = len(m.v)
	for m.n > 0 && m.v[(m.head+m.n-1)%size] >= v {
		m.n--
	}
	for m.n > 0 && (m.n == size || at-m.at[m.head] > transitWindow) {
		m.head = (m.head + 1) % size
		m.n--
	}
	i := (m.head + m.n) % size
	m.at[i], m.v[i] = at, v
	m.n++
}
