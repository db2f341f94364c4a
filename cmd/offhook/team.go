package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/hub"
	"offhook/internal/text"
	"offhook/media"
	"offhook/sip"
)

// simulateTeam lets five made-up agents work at the hub until ctx ends; wait returns when they have left. They take calls, hold,
// wrap up, pause and follow a supervisor's orders. One has a bad line and goes stale again and again, one has records that are
// not in Salesforce yet.
func simulateTeam(ctx context.Context, url, token string) (wait func(), err error) {
	ctx, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	team := colleagues(time.Now())
	links := make([]*hub.Agent, 0, len(team))
	for _, c := range team {
		cfg := hub.Config{URL: url, Token: token, Site: "main", Team: "sales", Agent: c.name}
		if c.badLine {
			cfg.Heartbeat = time.Hour // only what changes is heard
		}
		a, err := hub.Connect(ctx, cfg)
		if err != nil {
			stop()
			return nil, err
		}
		links = append(links, a)
		work.Go(func() {
			for g := range a.Commands() {
				c.obey(g)
			}
		})
	}
	work.Go(func() {
		defer stop()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			for i, c := range team {
				if s := c.step(time.Now()); s != nil {
					links[i].Publish(s)
				}
			}
			select {
			case <-ctx.Done():
				for _, a := range links {
					a.Close()
				}
				return
			case <-tick.C:
			}
		}
	})
	return work.Wait, nil
}

// wrapUp is a state that the desk's own machine does not have yet.
const wrapUp desk.State = "wrap-up"

// colleague is one made-up agent: a random walk through believable states, the same for the same seed and clock.
type colleague struct {
	name    string
	badLine bool
	unsent  int

	mu    sync.Mutex
	rnd   *rand.Rand
	state desk.State
	since time.Time
	until time.Time
	next  desk.State // after the call
	call  *desk.Call
	heard time.Time // when a colleague with a bad line was heard last
	seq   uint64
	began time.Time
}

func colleagues(now time.Time) []*colleague {
	names := []string{"Amy Weber", "Ben Okafor", "Chloé Martin", "Dev Patel", "Ella Novak"}
	starts := []desk.State{desk.OnCall, desk.Available, desk.Away, wrapUp, desk.Ringing}
	out := make([]*colleague, len(names))
	for i, n := range names {
		c := &colleague{name: n, badLine: i == 3, rnd: rand.New(rand.NewPCG(uint64(i)+7, 2026)), began: now}
		if i == 1 {
			c.unsent = 3
		}
		if starts[i] == desk.OnCall || starts[i] == desk.Ringing {
			c.ring(now)
		}
		if starts[i] == desk.OnCall {
			c.answer(now)
		} else if starts[i] != desk.Ringing {
			c.enter(now, starts[i])
		}
		c.since = now.Add(-time.Duration(20+i*37) * time.Second)
		out[i] = c
	}
	return out
}

// seconds is a random time between two numbers of seconds.
func (c *colleague) seconds(from, to int) time.Duration {
	return time.Duration(from+c.rnd.IntN(to-from+1)) * time.Second
}

func (c *colleague) enter(now time.Time, s desk.State) {
	c.state, c.since = s, now
	switch s {
	case desk.Available:
		c.until = now.Add(c.seconds(5, 18))
	case desk.Ringing:
		c.until = now.Add(c.seconds(3, 8))
	case desk.OnCall:
		c.until = now.Add(c.seconds(20, 75))
	case wrapUp:
		c.until = now.Add(c.seconds(6, 18))
	case desk.Away:
		c.until = now.Add(c.seconds(25, 60))
	case desk.NotResponding:
		c.until = now.Add(c.seconds(8, 15))
	}
}

// callers are made-up customers with numbers that are kept for fiction.
var callers = [...]struct {
	number, name string
	match        crm.MatchState
	dir          crm.Direction
}{
	{"07700900123", "Fred Bloggs", crm.MatchOne, crm.Inbound}, {"02079460781", "", crm.MatchNone, crm.Inbound},
	{"01134960204", "Harbour Marine Ltd", crm.MatchMany, crm.Inbound}, {"2104", "Maya (Dispatch)", crm.MatchInternal, crm.Internal},
	{"07700900417", "Dana Whitfield", crm.MatchOne, crm.Outbound}, {"01314960558", "Cleo Vance", crm.MatchOne, crm.Inbound},
	{"02920180366", "Porter & Sons", crm.MatchOne, crm.Inbound},
}

func (c *colleague) ring(now time.Time) {
	who := callers[c.rnd.IntN(len(callers))]
	c.seq++
	c.call = &desk.Call{
		Key: desk.CallKey(fmt.Sprintf("practice-%s-%d", c.name[:3], c.seq)), Dir: who.dir, Outgoing: who.dir == crm.Outbound, State: desk.Incoming,
		Remote: sip.Party{Number: text.Clean(who.number)}, Name: text.Clean(who.name), Match: crm.Match{State: who.match}, Started: now, StateSince: now,
	}
	c.enter(now, desk.Ringing)
	if who.dir == crm.Outbound {
		c.call.State = desk.Alerting
		c.enter(now, desk.OnCall)
		c.call.Answered = now
		c.call.State = desk.Talking
	}
}

func (c *colleague) answer(now time.Time) {
	if c.call.Answered.IsZero() {
		c.call.State, c.call.Answered, c.call.StateSince = desk.Talking, now, now
	}
	c.enter(now, desk.OnCall)
}

// step is the colleague's next second: the snapshot, or nil when nothing is heard.
func (c *colleague) step(now time.Time) *desk.Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !now.Before(c.until) {
		c.turn(now)
	} else if c.state == desk.OnCall {
		c.during(now)
	}
	if c.badLine { // heard for a moment, then silent for longer than the board believes
		if now.Sub(c.heard) < 26*time.Second {
			return nil
		}
		c.heard = now
	}
	return c.snapshot(now)
}

// turn is what comes after the present state.
func (c *colleague) turn(now time.Time) {
	switch c.state {
	case desk.Available:
		if c.rnd.IntN(6) == 0 {
			c.enter(now, desk.Away)
			return
		}
		c.ring(now)
	case desk.Ringing:
		if c.rnd.IntN(8) == 0 {
			c.end(now, "not answered")
			c.enter(now, desk.NotResponding)
			return
		}
		c.answer(now)
	case desk.OnCall:
		c.end(now, "the customer hung up")
		c.enter(now, wrapUp)
	case wrapUp:
		s := desk.Available
		if c.next != "" {
			s, c.next = c.next, ""
		}
		c.enter(now, s)
	default:
		c.enter(now, desk.Available)
	}
}

// end leaves the ended call on the desk, as a desk does, until the next one rings.
func (c *colleague) end(now time.Time, cause string) {
	c.call.State, c.call.EndedAt, c.call.Cause, c.call.Quality = desk.Ended, now, text.Clean(cause), nil
	c.call.Muted, c.call.HeldByThem, c.call.Record = false, false, desk.RecordPending
}

// during is what happens in a call.
func (c *colleague) during(now time.Time) {
	k := c.call
	switch n := c.rnd.IntN(30); {
	case n == 0 && k.State == desk.Talking:
		k.State, k.StateSince = desk.Held, now
	case n < 6 && k.State == desk.Held:
		k.State, k.StateSince = desk.Talking, now
	case n == 7:
		k.Muted = !k.Muted
	case n == 8:
		k.HeldByThem = !k.HeldByThem
	}
	mos := 4.3 + c.rnd.Float64()*0.15
	if c.badLine || c.name == "Ella Novak" {
		mos = 3.2 + c.rnd.Float64()*0.5
	}
	k.Quality = &media.Stats{MOS: mos}
}

func (c *colleague) snapshot(now time.Time) *desk.Snapshot {
	c.seq++
	ok := desk.Link{Health: desk.HealthOK}
	s := &desk.Snapshot{
		Seq: c.seq, At: now, State: c.state, Since: c.since, Pending: c.next, Agent: desk.Agent{Version: version, Demo: true},
		Links: desk.Links{SIP: ok, Salesforce: ok, Hub: ok},
	}
	if c.unsent > 0 {
		s.Outbox = desk.Outbox{Pending: c.unsent, Oldest: c.began.Add(-8 * time.Minute)}
		s.Links.Salesforce = desk.Link{Health: desk.HealthWarn}
	}
	if c.call != nil {
		k := *c.call
		s.Calls = []desk.Call{k}
	}
	return s
}

// obey follows a supervisor's order; during a call when it ends.
func (c *colleague) obey(g hub.Granted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ev := range g.Events {
		cmd, ok := ev.(desk.Commanded)
		if !ok {
			continue
		}
		want := desk.Available
		if cmd.Verb == desk.GoAway {
			want = desk.Away
		}
		c.heard = time.Time{} // also over a bad line
		switch {
		case c.state != desk.OnCall && c.state != desk.Ringing:
			c.enter(time.Now(), want)
			c.next = ""
		case want == desk.Available:
			c.next = ""
		default:
			c.next = want
		}
	}
}
