package exchange

import (
	"sync"

	"offhook/media"
)

// pipe is what a phone's leg hears: a person's voice, its own echo, another phone, or music while it is on hold. take and
// give run on the clock's goroutine, everything else on the loop.
type pipe struct {
	mu     sync.Mutex
	voice  []int16 // what is still to be said
	then   func()  // when it has been said
	paused bool    // the voice waits
	music  []int16 // instead of everything else, again and again; nil: none
	pos    int     // in music
	echo   bool    // what the phone says comes back
	other  *pipe   // a bridged phone's pipe: what this phone says goes there

	heard    [maxHeard][media.Frame]int16 // a ring of what came from the other phone
	first, n int
}

// maxHeard is how many frames wait between two phones: more than the jitter of two clocks, less than anybody hears.
const maxHeard = 6

// say says samples once, in place of what was being said; then is called when all was said, on the clock's goroutine: it
// must only post. pcm is not changed.
func (p *pipe) say(pcm []int16, then func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.voice, p.then = pcm, then
}

// hush stops what is being said.
func (p *pipe) hush() { p.say(nil, nil) }

// pause lets the voice wait, or go on.
func (p *pipe) pause(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = on
}

// play is music on hold; nil ends it, and the voice goes on where it was.
func (p *pipe) play(music []int16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.music, p.pos, p.n = music, 0, 0
}

// link lets two phones hear each other; unlink is link with nil.
func (p *pipe) link(o *pipe) {
	p.mu.Lock()
	p.other, p.n = o, 0
	p.mu.Unlock()
	if o != nil {
		o.mu.Lock()
		o.other, o.n = p, 0
		o.mu.Unlock()
	}
}

// take fills the next frame for the phone.
func (p *pipe) take(frame []int16) {
	p.mu.Lock()
	var then func()
	switch {
	case len(p.music) > 0:
		for i := range frame {
			frame[i] = p.music[p.pos]
			p.pos = (p.pos + 1) % len(p.music)
		}
	case !p.paused && (len(p.voice) > 0 || p.then != nil):
		n := copy(frame, p.voice)
		clear(frame[n:])
		if p.voice = p.voice[n:]; len(p.voice) == 0 {
			then, p.then = p.then, nil
		}
	case p.n > 0:
		copy(frame, p.heard[p.first][:])
		p.first, p.n = (p.first+1)%maxHeard, p.n-1
	default:
		clear(frame)
	}
	p.mu.Unlock()
	if then != nil {
		then()
	}
}

// give takes a frame that the phone said.
func (p *pipe) give(frame []int16) {
	p.mu.Lock()
	to := p.other
	if p.echo {
		to = p
	}
	p.mu.Unlock()
	if to != nil {
		to.put(frame)
	}
}

func (p *pipe) put(frame []int16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.music) > 0 {
		return
	}
	if p.n == maxHeard { // the oldest goes
		p.first, p.n = (p.first+1)%maxHeard, p.n-1
	}
	copy(p.heard[(p.first+p.n)%maxHeard][:], frame)
	p.n++
}
