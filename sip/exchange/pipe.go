package exchange

import (
	"sync"

	"offhook/media"
)

// pipe joins the sound of a leg with its other side. Both ends run on the clock's goroutine or under its lock, a frame of
// 10 ms at a time.
type pipe struct {
	mu    sync.Mutex
	voice []int16       // what is being said, from here on
	then  func()        // when it has been said
	loop  []int16       // said again and again when there is nothing else; nil: silence
	pos   int           // in loop
	echo  bool          // what is heard is said
	other *pipe         // a bridged phone's pipe: what is heard goes there
	heard [][]int16     // from the other phone, oldest first
	tap   func([]int16) // hears the phone; nil: nobody
}

// maxHeard is how many frames wait between two phones: more than the jitter of two clocks, less than anybody hears.
const maxHeard = 6

// say says samples once, in place of what was being said; then is called when all was said, on the clock's goroutine.
func (p *pipe) say(pcm []int16, then func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.voice, p.then = pcm, then
}

// hush stops what is being said.
func (p *pipe) hush() { p.say(nil, nil) }

// take fills the next frame for the phone.
func (p *pipe) take(frame []int16) {
	p.mu.Lock()
	var then func()
	n := copy(frame, p.voice)
	p.voice = p.voice[n:]
	if len(p.voice) == 0 && p.then != nil {
		then, p.then = p.then, nil
	}
	rest := frame[n:]
	clear(rest)
	switch {
	case len(p.heard) > 0:
		copy(rest, p.heard[0])
		p.heard = p.heard[1:]
	case len(p.loop) > 0:
		for i := range rest {
			rest[i] = p.loop[p.pos]
			p.pos = (p.pos + 1) % len(p.loop)
		}
	}
	p.mu.Unlock()
	if then != nil {
		then()
	}
}

// give takes a frame that the phone said.
func (p *pipe) give(frame []int16) {
	p.mu.Lock()
	to, echo, tap := p.other, p.echo, p.tap
	p.mu.Unlock()
	if tap != nil {
		tap(frame)
	}
	if echo {
		to = p
	}
	if to != nil {
		to.put(frame)
	}
}

func (p *pipe) put(frame []int16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.heard) >= maxHeard {
		p.heard = p.heard[1:]
	}
	p.heard = append(p.heard, append(make([]int16, 0, media.Frame), frame...))
}
