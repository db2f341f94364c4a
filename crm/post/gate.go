package post

import (
	"sync"
	"time"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// gate is why nothing is sent for now: it is the org's state, so queues share it. A probe is let through when until has passed.
type gate struct {
	mu    sync.Mutex
	why   string // "" when open
	kind  salesforce.Kind
	until time.Time
	times int  // in a row
	told  bool // why it is shut
	heard bool // somebody was told that it is shut
	asked int  // how often somebody wanted it tried now

	telling sync.Mutex // held while a pause or its end is told: the last word must be the newest
}

const (
	authProbe  = time.Minute // signed out: one record tries again so often
	limitFirst = time.Minute // no API calls left: first wait …
	limitLast  = time.Hour   // … and the longest
)

// Resume ends a pause: somebody signed in again, or wants it tried now.
func (q *queue) Resume() {
	q.gate.ask()
	q.resume("tried again now")
	q.Notify()
}

// Paused tells why the queue waits, or "".
func (q *queue) Paused() string {
	q.gate.mu.Lock()
	defer q.gate.mu.Unlock()
	return q.gate.why
}

// SignedOut reports that the queue waits for somebody to sign in, and not for API calls.
func (q *queue) SignedOut() bool {
	q.gate.mu.Lock()
	defer q.gate.mu.Unlock()
	return q.gate.why != "" && q.gate.kind == salesforce.KindAuth
}

// SignedIn tells that the sign-in works again: a queue that waited for it goes on at once, and is not stopped by what began with the former
// one. One that waits for API calls does not.
func (q *queue) SignedIn() {
	q.gate.ask()
	if q.SignedOut() {
		q.Resume()
	}
}

// rest is how long nothing is sent; with rest 0 and probing one thing may try.
func (g *gate) rest(now time.Time) (probing bool, rest time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.why == "" {
		return false, 0
	}
	return true, max(g.until.Sub(now), 0)
}

// shut closes the gate, unless somebody wanted it tried since the attempt began: asked is what asks was then.
func (g *gate) shut(kind salesforce.Kind, line string, now time.Time, asked int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asked != asked {
		return
	}
	if g.why == "" || g.kind != kind {
		g.kind, g.times, g.told = kind, 0, false
	}
	g.why = line
	wait := authProbe
	if kind == salesforce.KindLimit {
		wait = min(limitFirst<<min(g.times, 10), limitLast)
	}
	g.times++
	g.until = now.Add(wait)
}

// untold returns why the gate is shut, once.
func (g *gate) untold() (why string, until time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ok = g.why != "" && !g.told
	if ok {
		g.told, g.heard = true, true
	}
	return g.why, g.until, ok
}

// ask counts that somebody wants it tried now; asks is how often that was. What an attempt brings home that began before the last time is
// no answer to it.
func (g *gate) ask() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
}

func (g *gate) asks() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

// open reports whether anybody was told that the gate was shut.
func (g *gate) open() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	heard := g.heard
	g.why, g.kind, g.times, g.until, g.told, g.heard = "", salesforce.KindNone, 0, time.Time{}, false, false
	return heard
}

// pauseQueue shuts the gate after an attempt that began when asks was asked. What it returns tells of that, and is called when what the
// pause is about stands on disk: who hears of it and looks finds it waiting. A pause that is over by then is not told.
func (q *queue) pauseQueue(kind salesforce.Kind, line string, asked int) (tell func()) {
	q.gate.shut(kind, line, q.now(), asked)
	return func() {
		q.gate.telling.Lock()
		defer q.gate.telling.Unlock()
		if why, until, ok := q.gate.untold(); ok {
			q.load.report(Report{Kind: ReportPaused, Line: text.Clean(why), NextTry: until})
		}
	}
}

func (q *queue) resume(line string) {
	q.gate.telling.Lock()
	defer q.gate.telling.Unlock()
	if q.gate.open() {
		q.load.report(Report{Kind: ReportResumed, Line: text.Clean(q.name + "s are sent again: " + line)})
	}
}
