package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"
	"offhook/keymap"
	"offhook/sip/exchange"
)

// The pace of the demo.
const (
	firstCustomer = 3 * time.Second
	nextCustomer  = 7 * time.Second
)

// guide tells a newcomer what happens, and brings the customers one after the other. What it says follows from the desk as it
// is now and from what the people on its calls have said last: a caption never outlives the moment that it is about.
type guide struct {
	story []exchange.Customer
	key   func(action string) string
	quiet bool
	down  func() bool // the practice Salesforce has been switched off

	mu   sync.Mutex
	said map[string]string // the last words of each person, by number ("" is withheld)
	had  bool              // a customer has called
}

// guide makes the guide of this backend's desk and sets it to work until the desk ends.
func (b *backend) guide(ctx context.Context, w *workplace, keys keymap.Map, quiet bool) {
	g := &guide{story: b.story, key: keys.Key, quiet: quiet, said: map[string]string{}, down: b.broken}
	b.listen(g.hear)
	snapshots, cancel := w.desk.Subscribe()
	w.work.Go(func() {
		defer cancel()
		g.run(ctx, snapshots, func(line string) { w.desk.Post(desk.CaptionChanged{Text: text.Clean(line)}) }, b.nextCustomer)
	})
}

// hear remembers what is said. Called by the exchange, which must not wait.
func (g *guide) hear(ev exchange.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch ev.Kind {
	case exchange.EventCalling:
		g.had = true
		delete(g.said, ev.Number)
	case exchange.EventEnded:
		delete(g.said, ev.Number)
	case exchange.EventSays:
		g.said[ev.Number] = ev.Text.String()
	}
}

// run ends with the desk or with ctx. A customer calls only while the desk is free: an agent who is away, still types or looks
// something up is not pushed.
func (g *guide) run(ctx context.Context, snapshots <-chan *desk.Snapshot, say func(string), call func()) {
	const beat = 250 * time.Millisecond
	tick := time.NewTicker(beat)
	defer tick.Stop()
	told, free, wait := "", time.Duration(0), firstCustomer
	var now *desk.Snapshot
	for {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-snapshots:
			if !ok || s.Quit {
				return
			}
			now = s
		case <-tick.C:
			if now == nil {
				continue
			}
			free += beat
			if now.State != desk.Available || now.Form != nil || now.Search != nil || live(now) {
				free = 0
			}
			if !g.quiet && free >= wait {
				free, wait = 0, nextCustomer
				call()
			}
		}
		if line := g.caption(now); line != told {
			told = line
			say(line)
		}
	}
}

func live(s *desk.Snapshot) bool {
	for i := range s.Calls {
		if s.Calls[i].State != desk.Ended {
			return true
		}
	}
	return false
}

// caption is what there is to say at this moment: of all calls, about the one that asks most of the agent.
func (g *guide) caption(s *desk.Snapshot) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var line string
	most := 0
	for i := range s.Calls {
		if weight, l := g.about(&s.Calls[i], s); weight >= most && l != "" {
			most, line = weight, l
		}
	}
	if line != "" {
		return line
	}
	return g.idle(s)
}

// about is what there is to say about a call, and how much it matters.
func (g *guide) about(c *desk.Call, s *desk.Snapshot) (int, string) {
	who := c.Name.String()
	if who == "" {
		who = "The other side"
	}
	switch c.State {
	case desk.Incoming:
		return 9, g.ringing(c, s)
	case desk.Dialling, desk.Alerting:
		return 8, g.with("demo.next", "It rings at the other end. %s makes them answer.", "It rings at the other end.")
	case desk.Transferring:
		if t := c.Transfer; t != nil && t.Other != "" {
			return 8, fmt.Sprintf("%s and %s are being joined; you leave the call.", who, t.Target)
		}
		return 7, fmt.Sprintf("%s goes over. If nobody answers there, the call comes back to you.", who)
	case desk.Talking:
		if c.HeldByThem {
			return 5, who + g.with("demo.hold", " has put you on hold; %s brings them back.", " has put you on hold.")
		}
		if c.Conference {
			return 6, g.with("call.conference", "All of you hear each other. %s parts you again", "All of you hear each other") + g.with("call.join", "; %s leaves the two of them talking.", ".")
		}
		line := ""
		if words := g.said[c.Remote.Number.String()]; words != "" {
			line = "“" + strings.TrimSpace(words) + "”"
		}
		if other := waiting(s, c); other != nil && c.Outgoing { // a consultation
			name := other.Name.Or(other.Remote.Number).String()
			return 7, strings.TrimSpace(line + g.with("call.join", " %s hands "+escape(name)+" over", " "+name+" waits") + g.with("call.conference", ", %s makes it three.", "."))
		}
		if line != "" {
			if c.Dir == crm.Inbound && len(s.Calls) == 1 {
				line += g.with("call.transfer", " %s, a name and Tab: ask a colleague first.", "")
			}
			return 6, line
		}
		return 6, g.with("call.hangup", "You are connected. %s hangs up.", "You are connected.")
	case desk.Holding, desk.Held:
		return 4, who + g.with("call.hold", " hears music. %s takes the call back.", " hears music.")
	}
	return 0, ""
}

// waiting is the one other call that is on hold.
func waiting(s *desk.Snapshot, c *desk.Call) *desk.Call {
	for i := range s.Calls {
		if o := &s.Calls[i]; o.Key != c.Key && (o.State == desk.Held || o.State == desk.Holding) {
			return o
		}
	}
	return nil
}

// escape keeps a name from being read as a format.
func escape(s string) string { return strings.ReplaceAll(s, "%", "%%") }

func (g *guide) ringing(c *desk.Call, s *desk.Snapshot) string {
	line := "A call for you"
	for _, p := range g.story {
		if p.From == c.Remote.Number.String() {
			line = fmt.Sprintf("%s is calling: %s", p.Who, p.Why)
			break
		}
	}
	line += g.with("call.answer", ". Press %s to answer", "")
	for i := range s.Calls {
		if o := &s.Calls[i]; o.State == desk.Talking {
			return line + "; the other call goes on hold."
		}
	}
	return line + "."
}

// idle is what there is to say when nobody is on the line.
func (g *guide) idle(s *desk.Snapshot) string {
	next := g.with("demo.next", " %s brings the next customer.", "")
	switch {
	case s.State == desk.Starting || s.State == desk.Offline || s.State == "":
		return "This is your practice desk."
	case g.down():
		return "Salesforce is switched off: records wait on disk." + g.with("demo.fault", " %s switches it on again.", "")
	case s.State == desk.Away:
		return "You are away: no customer gets through." + g.with("state.available", " %s takes calls again.", "")
	case s.State == desk.NotResponding:
		return "The customer gave up." + g.with("state.available", " %s takes calls again.", "")
	case s.Form != nil || s.Search != nil:
		return "Take your time: no customer calls while you are here."
	}
	if n := len(s.Calls); n > 0 { // the last one is over
		switch s.Calls[n-1].Record {
		case desk.RecordSent:
			return "The call is over and its Task is in Salesforce." + next
		case desk.RecordPending:
			return "The call is over; its Task is on its way to Salesforce." + next
		}
		return "The call is over." + next
	}
	switch {
	case g.quiet && g.had:
		return "The desk is free." + next
	case g.quiet:
		return "This is your practice desk." + g.with("demo.next", " %s brings a customer.", "")
	case g.had:
		return "The next customer calls in a moment."
	}
	return "This is your practice desk. The first customer calls in a moment."
}

// with puts the key of an action into a sentence; without is what is said when the action has no key.
func (g *guide) with(action, sentence, without string) string {
	if k := g.key(action); k != "" {
		return fmt.Sprintf(sentence, k)
	}
	return without
}
