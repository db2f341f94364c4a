package media

import (
	"math"
	"slices"
	"sync"
)

// leveller brings a voice slowly near the level that all voices of a conference have. It learns from speech alone, so
// that pauses are not lifted.
type leveller struct {
	gain   float32
	speech float64 // level of the voice, dBFS; 0 unknown
	peak   float64 // recent loudest frame, dBFS
}

const (
	mixLevel  = -23.0 // dBFS, of speech
	mixRange  = 9.0   // most that a voice is changed, dB
	mixLeast  = -48.0 // below this nothing is speech
	mixFollow = 0.02  // how fast the level is learnt, per frame with speech: half a second
	mixStep   = 1.004 // most that the gain moves per frame: 3.5 dB in a second
)

func (l *leveller) process(pcm []int16) {
	now := Level(pcm)
	if l.peak = max(now, l.peak-0.05); now > mixLeast && now > l.peak-15 {
		if l.speech == 0 {
			l.speech = now
		}
		l.speech += (now - l.speech) * mixFollow
	}
	want := float32(1)
	if l.speech != 0 {
		want = float32(math.Pow(10, max(-mixRange, min(mixRange, mixLevel-l.speech))/20))
	}
	from := l.gain
	l.gain = max(from/mixStep, min(from*mixStep, want))
	if from == 1 && l.gain == 1 {
		return
	}
	step := (l.gain - from) / float32(len(pcm))
	for i, v := range pcm {
		from += step
		pcm[i] = clip(from * float32(v))
	}
}

// elastic joins two clocks: frames are pushed by one and pulled by another, which may take several at once. Like the
// player it leaves out or repeats single pitch periods, and conceals what does not come.
type elastic struct {
	mu      sync.Mutex
	line    line
	loss    concealer
	started bool
	low     [32]int // what was left after each of the last pulls
	turn    int
	rest    int
}

const (
	elasticStart = 2 * Frame
	elasticMost  = 3 * Frame // least that is left in a while, above which sound is taken out
	elasticFull  = 16 * Frame
)

func (e *elastic) push(frame []int16) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.line.len() >= elasticFull { // nobody listens
		e.line.pos += Frame
		e.started = false
	}
	dst := e.line.room(Frame)
	copy(dst, frame)
	if e.loss.active {
		e.loss.blend(dst)
	}
}

func (e *elastic) pull(frame []int16) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.started {
		if e.line.len() < elasticStart {
			clear(frame)
			return
		}
		if n := e.line.len() - elasticStart; n > 0 {
			e.line.pos += n
		}
		e.started, e.turn = true, 0
		for i, v := range e.line.ahead()[:Frame] { // out of silence
			e.line.ahead()[i] = mix(0, v, i, Frame)
		}
	}
	if n := Frame - e.line.len(); n > 0 {
		if !e.loss.active {
			e.loss.begin(e.line.before(0))
		}
		e.loss.fill(e.line.room(n))
	}
	e.rest = max(0, e.rest-Frame)
	if e.turn >= len(e.low) && e.rest == 0 && !e.loss.active {
		if low := slices.Min(e.low[:]); low > elasticMost {
			n := e.line.shorten(Frame, low > 2*elasticMost)
			for i := range e.low {
				e.low[i] -= n
			}
			e.rest = 8 * n
		}
	}
	copy(frame, e.line.ahead())
	e.line.pos += Frame
	e.low[e.turn%len(e.low)] = e.line.len()
	e.turn++
}
