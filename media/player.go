package media

import (
	"slices"
	"time"

	"offhook/media/codec"
	"offhook/media/resample"
)

const (
	// slack is how far above the wanted delay sound may lie before it is shortened, and shortage how far below before
	// it is lengthened; between them nothing is touched.
	slack    = 30 * time.Millisecond
	shortage = 15 * time.Millisecond
	// trim is how far above it may lie for trimAfter frames: delay that nobody needs is taken out in the long run.
	trim      = 10 * time.Millisecond
	trimAfter = 100
	// stretchShare of what is played may be added or removed.
	stretchShare = 0.15
	// unread is a pause in reading after which what has piled up is old: the session was not on the headset.
	unread = 200 * time.Millisecond

	past = 2*maxLag + pitchWindow // played sound that is kept for concealment and stretching
)

// player turns packets into a steady stream of samples: it decodes when sound is due, conceals what is missing, and
// follows the network's delay and the far end's clock by leaving out or repeating single pitch periods. It has one
// owner at a time; Session holds a lock around it.
type player struct {
	jb   jitterBuffer
	line line
	loss concealer
	cn   comfortNoise

	started bool
	head    int64 // time of the next sample to come behind the line, in units
	coding  kind
	g722    *codec.G722Decoder
	up      *resample.Resampler
	opus    opusPlayer
	narrow  [maxPayload]int16

	lastGet time.Duration
	above   int           // frames since the delay was last near what is wanted
	rest    int           // samples to be played before the next stretch
	delay   time.Duration // smoothed
	recent  [8]time.Duration
	turn    int

	played, concealed, recovered, stretched uint64 // samples
}

func newPlayer() *player {
	p := &player{g722: codec.NewG722Decoder(), up: resample.New(8000, Rate)}
	p.cn.up, p.cn.seed = resample.New(8000, Rate), 1
	p.line.reset()
	return p
}

// put takes one packet of the far end.
func (p *player) put(ssrc uint32, seq uint16, ts uint32, k kind, payload []byte, at time.Duration) verdict {
	v, reset := p.jb.put(ssrc, seq, ts, k, payload, at)
	if reset {
		if p.started && !p.loss.active { // the old stream fades out, the new one in
			p.loss.begin(p.line.before(0))
		}
		p.started, p.cn.active = false, false
		p.opus.gap = 0
	}
	return v
}

// flush forgets all that waits: after a hold, old sound must not be played.
func (p *player) flush() {
	p.jb.begun = false
	p.jb.fastest.n = 0
	p.started, p.cn.active, p.loss.active = false, false, false
	p.opus.gap = 0
	p.line.reset()
}

// get fills frame with what is due now.
func (p *player) get(now time.Duration, frame []int16) {
	if p.started && now-p.lastGet > unread {
		p.skipOld(now)
	}
	p.lastGet = now
	for p.line.len() < len(frame) {
		p.more(now)
	}
	p.follow(now, len(frame))
	copy(frame, p.line.ahead())
	p.line.pos += len(frame)
	p.played += uint64(len(frame))
}

// skipOld drops what came while nobody listened and starts anew with what is still fresh.
func (p *player) skipOld(now time.Duration) {
	for sl := p.jb.peek(); sl != nil && p.jb.delay(now, sl.ts) > p.wanted()+slack; sl = p.jb.peek() {
		p.jb.take(sl)
	}
	p.started, p.cn.active, p.loss.active = false, false, false
	p.opus.gap = 0
	p.line.reset()
}

// more appends some sound to the line: a packet, or 10 ms of what stands in for it.
func (p *player) more(now time.Duration) {
	sl := p.jb.peek()
	if sl == nil {
		p.standIn(p.line.room(Frame), false)
		return
	}
	// What waits is due when, played behind what is already in the line, it would be as late as wanted.
	due := p.jb.delay(now, sl.ts)+time.Duration(p.line.len())*time.Second/Rate >= p.wanted()
	gap := int((sl.ts - p.head) / perSample)
	switch {
	case !p.started && !due:
		p.standIn(p.line.room(Frame), false)
	case !p.started, gap <= 0, due:
		p.play(sl)
	case p.recover(sl, gap):
	default:
		p.standIn(p.line.room(min(gap, Frame)), true)
	}
}

// standIn fills dst, the end of the line, with noise, concealment or silence. moved tells that the sound which dst
// stands for is given up; otherwise it may still come, and is then played.
func (p *player) standIn(dst []int16, moved bool) {
	n := len(dst)
	switch {
	case p.cn.active:
		p.cn.append(dst[:0], n)
		moved = true
	case !p.started:
		clear(dst)
		if p.loss.active && p.loss.audible() {
			p.loss.fill(dst)
		}
	case p.coding == kindOpus && p.concealOpus(dst, moved):
	default:
		if !p.loss.active {
			p.loss.begin(p.line.before(n))
		}
		heard := p.loss.audible()
		if heard || moved {
			p.concealed += uint64(n)
		}
		p.loss.fill(dst)
		if heard && p.coding == kindG722 {
			p.g722.Follow(p.line.before(n), dst)
		}
	}
	if moved && p.started {
		p.head += int64(n) * perSample
	}
}

// play decodes a packet behind the line.
func (p *player) play(sl *slot) {
	p.opus.follow(sl, p.jb.next)
	p.jb.take(sl)
	if !p.started {
		p.started, p.turn = true, 0
	}
	p.head = sl.ts
	if sl.kind == kindCN {
		p.cn.set(sl.data[:sl.n])
		p.loss.active = false
		return
	}
	if p.coding != sl.kind {
		p.coding = sl.kind
		p.g722.Reset()
		p.up.Reset()
		p.opus.gap = 0
		if !p.loss.active {
			p.loss.begin(p.line.before(0))
		}
	}
	p.cn.active = false
	data := sl.data[:sl.n]
	dst := p.line.room(sl.kind.samples(data))
	switch sl.kind {
	case kindOpus:
		p.opus.decode(dst, data)
	case kindG722:
		p.g722.Decode(dst, data)
	case kindPCMA:
		codec.ALaw.Decode(p.narrow[:], data)
		p.up.Process(dst[:0], p.narrow[:len(data)])
	default:
		codec.ULaw.Decode(p.narrow[:], data)
		p.up.Process(dst[:0], p.narrow[:len(data)])
	}
	if p.loss.active {
		p.loss.blend(dst)
	}
	p.head += int64(len(dst)) * perSample
}

// follow keeps the delay near what is wanted by cutting out or repeating one pitch period.
func (p *player) follow(now time.Duration, frame int) {
	if p.rest = max(p.rest-frame, 0); !p.started || p.cn.active || p.loss.active || p.opus.gap > 0 {
		return
	}
	ahead := time.Duration(p.line.len()) * time.Second / Rate
	delay := p.jb.delay(now, p.head) + ahead
	if p.delay == 0 {
		p.delay = delay
	}
	p.delay += (delay - p.delay) / 16
	// Devices ask for several frames at once; only the least delay of a while says how much of it is to spare.
	p.recent[p.turn%len(p.recent)] = delay
	p.turn++
	low := slices.Min(p.recent[:min(p.turn, len(p.recent))])
	want := p.wanted()
	if p.above++; low <= want+trim {
		p.above = 0
	}
	if p.rest > 0 || delay >= want-shortage && low <= want+slack && p.above < trimAfter {
		return
	}
	var n int
	if low > want {
		for p.line.len() < frame+maxLag { // look ahead, but never across a gap
			sl := p.jb.peek()
			if sl == nil || sl.ts != p.head || sl.kind != p.coding {
				break
			}
			p.play(sl)
		}
		n = p.line.shorten(frame, low > want+3*slack)
		p.shift(-n)
	} else {
		n = p.line.lengthen(delay < want-3*shortage)
		p.shift(n)
	}
	if n > 0 {
		p.above = 0
	}
	p.stretched += uint64(n)
	p.rest = int(float64(n) / stretchShare)
}

// shift corrects what is remembered of the delay after n samples were added.
func (p *player) shift(n int) {
	for i := range p.recent {
		p.recent[i] += time.Duration(n) * time.Second / Rate
	}
}
