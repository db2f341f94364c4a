package media

import (
	"math"
	"sync/atomic"
	"time"
)

// vad tells speech from other sound in the microphone by two traits: it stands above the noise of the room, and it has
// a pitch. It steers nothing: what is sent is sent whether or not it is speech. One goroutine measures, any may read.
type vad struct {
	past  [maxLag + pitchWindow]int16
	floor float64 // level of the room, dBFS; 0 unknown
	odds  float64 // that there is speech now, 0 to 1
	run   int     // frames in a row with speech
	hang  int     // frames for which it lasts on
	dead  int     // frames of nothing at all
	vain  int     // frames of speech while muted, of late
	until time.Duration

	speaking atomic.Bool
	unheard  atomic.Bool
	at       atomic.Int64
}

const (
	vadOdds   = 0.6
	vadRun    = 4  // 40 ms: a click of a key is shorter
	vadHang   = 25 // words have gaps
	vadRise   = 0.015
	vadFall   = 0.2
	vadLowest = -58.0 // below this nothing is speech, dBFS

	deadLevel  = -80.0 // a microphone that works has noise above this
	deadFrames = 500   // 5 s
	vainFrames = 50    // half a second of speech
	vainLasts  = 2 * time.Second
)

// measure takes a frame of the microphone as it was before muting. sending is whether the far end should hear it.
func (d *vad) measure(pcm []int16, now time.Duration, muted, sending bool) {
	level := Level(pcm)
	copy(d.past[:], d.past[Frame:])
	copy(d.past[len(d.past)-Frame:], pcm)
	like := 0.0
	if level > vadLowest {
		_, like = pitch(d.past[:], maxLag)
	}
	switch {
	case d.floor == 0:
		d.floor = min(level, -40)
	case level < d.floor:
		d.floor += (level - d.floor) * vadFall
	case d.odds < 0.5:
		d.floor = min(d.floor+4*vadRise, level)
	default: // a voice does not become the room, but a fan does in the end
		d.floor += vadRise
	}
	d.floor = max(d.floor, -90)
	odds := 0.0
	if level > vadLowest {
		odds = 1 / (1 + math.Exp(-(0.3*(min(level-d.floor, 30)-12) + 8*(like-0.6))))
	}
	d.odds += (odds - d.odds) * 0.35
	if d.odds > vadOdds {
		d.run++
	} else {
		d.run = 0
	}
	if d.hang = max(d.hang-1, 0); d.run >= vadRun {
		d.hang = vadHang
	}
	d.judge(level, now, muted, sending)
	d.speaking.Store(d.hang > 0)
	d.at.Store(int64(now))
}

// judge finds out whether the agent is not being heard: speaks while muted, or has a microphone that gives nothing.
func (d *vad) judge(level float64, now time.Duration, muted, sending bool) {
	if d.dead++; level > deadLevel || !sending {
		d.dead = 0
	}
	if muted && sending && d.run >= vadRun {
		d.vain += 2
	}
	if d.vain = min(max(d.vain-1, 0), 2*vainFrames); d.vain > vainFrames {
		d.until = now + vainLasts
	}
	if !muted {
		d.vain, d.until = 0, 0
	}
	d.unheard.Store(d.dead >= deadFrames && !muted || now < d.until)
}

// now tells whether there is speech, and whether it is in vain, at the given time.
func (d *vad) now(at time.Duration) (speaking, unheard bool) {
	if at-time.Duration(d.at.Load()) > stale {
		return false, false
	}
	return d.speaking.Load(), d.unheard.Load()
}
