package exchange

import (
	"time"

	"offhook/internal/text"
	"offhook/sip/exchange/prompts"
)

// person is somebody at the other end of a phone's call: what he says at which moment, and how he takes being put on hold.
// Owned by the loop; a person outlives a transfer.
type person struct {
	s       *Server
	number  string // "" when withheld
	name    string
	lines   map[prompts.Moment]line
	pcm     []int16       // said after the answer instead of the greeting, as "--talk" wants
	after   time.Duration // hangs up so long after the answer; 0: by the lines alone
	patient bool          // never hangs up by himself

	leg     *leg
	held    bool
	timer   *time.Timer
	waiting bool
}

// line is something a person can say.
type line struct {
	text string
	pcm  []int16
}

// The rhythm of a conversation. A person who gets no answer says one more thing and then goodbye.
const (
	beforeGreeting = 700 * time.Millisecond
	patience       = 12 * time.Second
	lastPatience   = 20 * time.Second
	afterResumed   = 8 * time.Second
)

// linesOf are the prompts of one of the story's callers.
func linesOf(c prompts.Caller) map[prompts.Moment]line {
	out := map[prompts.Moment]line{}
	for _, m := range prompts.Moments() {
		name := c.Says(m)
		if pcm, err := prompts.Load(name); err == nil {
			out[m] = line{prompts.Text(name), pcm}
		}
	}
	return out
}

func (p *person) event(kind EventKind, words string) {
	p.s.tell(Event{Kind: kind, Extension: p.leg.ext, Number: p.number, Name: text.Clean(p.name), Text: text.Clean(words)})
}

// answered: the phone took the call, or was taken by a transfer.
func (p *person) answered(l *leg) {
	p.leg = l
	p.event(EventAnswered, "")
	if p.after > 0 {
		p.s.after(p.after, func() { p.bye(l) })
	}
	p.in(beforeGreeting, func() {
		if p.pcm != nil {
			l.pipe.say(p.pcm, nil)
			return
		}
		p.say(prompts.Greeting, func() { p.waitFor(patience) })
	})
}

// in does something later, unless something else comes first. Even still people speak; they only never end anything.
func (p *person) in(d time.Duration, f func()) {
	p.quiet()
	l := p.leg
	p.timer = p.s.after(d, func() {
		if p.leg == l && l != nil && !l.ended && !p.held {
			f()
		}
	})
}

func (p *person) quiet() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// say says one of the person's lines; then is called, on the loop, when it has been said.
func (p *person) say(m prompts.Moment, then func()) {
	words, ok := p.lines[m]
	if !ok || p.leg == nil {
		return
	}
	p.event(EventSays, words.text)
	l := p.leg
	p.leg.pipe.say(words.pcm, func() {
		if then != nil {
			p.s.ua.Post(func() {
				if p.leg == l && !l.ended && !p.held {
					then()
				}
			})
		}
	})
}

// waitFor lets the person wait for the agent to do something.
func (p *person) waitFor(d time.Duration) {
	if p.s.opt.Still || p.patient {
		return
	}
	p.in(d, func() {
		if !p.waiting {
			p.waiting = true
			p.say(prompts.Waiting, func() { p.waitFor(lastPatience) })
			return
		}
		p.goodbye()
	})
}

// goodbye says the last line and hangs up.
func (p *person) goodbye() {
	l := p.leg
	if l == nil || l.ended {
		return
	}
	p.quiet()
	if _, ok := p.lines[prompts.Goodbye]; !ok || p.held {
		p.bye(l)
		return
	}
	p.say(prompts.Goodbye, func() { p.bye(l) })
}

func (p *person) bye(l *leg) {
	if p.leg == l && !l.ended {
		l.d.End("")
	}
}

// heldBy: the agent put the person on hold, or came back.
func (p *person) heldBy(on bool) {
	if on == p.held || p.leg == nil {
		return
	}
	p.held = on
	p.quiet()
	if on {
		p.leg.pipe.hush()
		return
	}
	p.in(beforeGreeting/2, func() { p.say(prompts.Resumed, func() { p.waitFor(afterResumed) }) })
}

// digit is a key that the agent pressed; a voice menu says nothing more.
func (p *person) digit(rune) { p.leg.pipe.hush() }

// gone: the call is over.
func (p *person) gone(l *leg) {
	if p.leg != l && p.leg != nil {
		return
	}
	if p.leg == nil {
		p.leg = l
	}
	p.quiet()
	p.event(EventEnded, "")
	p.leg = nil
}
