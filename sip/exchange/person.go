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
	ext     string // the phone that he talks to or calls
	number  string // "" when withheld
	name    string
	lines   map[prompts.Moment]string // names of prompts
	pcm     []int16                   // said after the answer instead of the greeting, as "--talk" wants
	after   time.Duration             // hangs up so long after the first answer; 0: by the lines alone
	patient bool                      // never hangs up by himself
	machine bool                      // falls silent at a key
	leg     *leg                      // nil before the answer and after the end
	heard   func()                    // when he has talked with somebody; nil: nothing

	counting bool // after is running
	held     bool // by the phone
	holding  bool // he has put the phone on hold
	greeted  bool
	waiting  bool // has said that he is still there
	leaving  bool // says goodbye
	timer    *timer
}

// line is something that can be heard.
type line struct {
	text string
	pcm  []int16 // shared by all who say it: never changed
}

// line is a prompt by its name, decoded once.
func (s *Server) line(name string) line {
	l, ok := s.spoken[name]
	if !ok {
		pcm, err := prompts.Load(name)
		if err != nil {
			s.log.Warn("prompt", "name", name, "err", err)
		}
		l = line{prompts.Text(name), pcm}
		s.spoken[name] = l
	}
	return l
}

// The rhythm of a conversation. A person who gets no answer says one more thing and then goodbye.
const (
	beforeGreeting = 700 * time.Millisecond
	beforeResumed  = 350 * time.Millisecond
	patience       = 12 * time.Second
	lastPatience   = 20 * time.Second
	afterResumed   = 8 * time.Second
	afterGoodbye   = 300 * time.Millisecond // what was said is still on its way
)

// linesOf are the prompts of one of the story's callers.
func linesOf(c prompts.Caller) map[prompts.Moment]string {
	if c == "" {
		return nil
	}
	out := map[prompts.Moment]string{}
	for _, m := range prompts.Moments() {
		out[m] = c.Says(m)
	}
	return out
}

func (p *person) event(kind EventKind, words string) {
	p.s.tell(Event{Kind: kind, Extension: p.ext, Number: p.number, Name: text.Clean(p.name), Text: text.Clean(words)})
}

// answered: the phone took the call, or a transfer brought the person to it.
func (p *person) answered(l *leg) {
	p.leg, p.ext = l, l.ext
	p.held, p.holding, p.greeted, p.waiting = l.theirs, false, false, false
	p.event(EventAnswered, "")
	if p.after > 0 && !p.counting {
		p.counting = true
		p.s.after(p.after, p.bye)
	}
	p.in(beforeGreeting, p.greet)
}

func (p *person) greet() {
	p.greeted = true
	if p.pcm != nil {
		p.leg.pipe.say(p.pcm, nil)
		return
	}
	p.say(prompts.Greeting, func() { p.waitFor(patience) })
}

// in does something later, unless something else comes first. Still people react at once.
func (p *person) in(d time.Duration, f func()) {
	p.quiet()
	if p.held || p.holding {
		return
	}
	if p.s.opt.Still {
		f()
		return
	}
	p.timer = p.s.after(d, func() {
		if p.leg != nil {
			f()
		}
	})
}

func (p *person) quiet() { p.timer.stop() }

// say says one of the person's lines; then is called, on the loop, when it has been said.
func (p *person) say(m prompts.Moment, then func()) {
	name, ok := p.lines[m]
	if !ok || p.leg == nil {
		return
	}
	words, l := p.s.line(name), p.leg
	p.event(EventSays, words.text)
	l.pipe.say(words.pcm, func() {
		p.s.ua.Post(func() {
			if p.leg == l && !p.held && then != nil {
				then()
			}
		})
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

// goodbye says the last line and hangs up; asked again, or when nobody would hear it, at once.
func (p *person) goodbye() {
	if p.leg == nil {
		return
	}
	p.quiet()
	if _, polite := p.lines[prompts.Goodbye]; !polite || p.held || p.holding || p.leaving || p.s.opt.Still {
		p.bye()
		return
	}
	p.leaving = true
	p.say(prompts.Goodbye, func() { p.in(afterGoodbye, p.bye) })
}

func (p *person) bye() {
	if p.leg != nil {
		p.leg.leave()
	}
}

// heldBy: the agent put the person on hold, or came back.
func (p *person) heldBy(on bool) {
	if on == p.held || p.leg == nil {
		return
	}
	p.held = on
	p.quiet()
	if p.pcm != nil {
		p.leg.pipe.pause(on)
	} else if on {
		p.leg.pipe.hush()
	}
	if !on {
		p.in(beforeResumed, p.resumed)
	}
}

func (p *person) resumed() {
	switch {
	case !p.greeted:
		p.greet()
	case p.leaving:
		p.leaving = false
		p.goodbye()
	case p.pcm == nil:
		p.say(prompts.Resumed, func() { p.waitFor(afterResumed) })
	}
}

// holds: the person has put the agent on hold, or comes back. His voice waits meanwhile, behind the music.
func (p *person) holds(on bool) {
	if p.leg == nil || on == p.holding {
		return
	}
	p.holding = on
	p.quiet()
	switch {
	case on:
	case !p.greeted:
		p.in(beforeResumed, p.greet)
	default:
		p.waitFor(afterResumed)
	}
}

// digit is a key that the agent pressed; a machine falls silent at it.
func (p *person) digit(r rune) {
	p.event(EventDigit, string(r))
	if p.machine && p.leg != nil {
		p.leg.pipe.hush()
	}
}

// gone: the call is over.
func (p *person) gone() {
	p.quiet()
	if p.heard != nil && p.leg != nil {
		p.heard()
	}
	p.leg = nil
	p.event(EventEnded, "")
}
