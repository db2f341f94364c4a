package report

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"offhook/crm/ledger"
	"offhook/internal/text"
)

// EventErrand is the kind of the errands that make Tasks of events; EventKind that of the things that are kept of them.
const (
	EventErrand = "event"
	EventKind   = "event"
	openKind    = "session" // the session that is under way, with its last sign of life
)

// What events are about.
const (
	Login  = "login"
	Logout = "logout"
	State  = "state"
)

// Modes of a Log: which events become Tasks.
const (
	Off         = "off"    // none; the ledger keeps them for this desk's own report
	LogLogin    = "login"  // logins and logouts
	LogStates   = "states" // and every change of the agent's state
	eventPrefix = "offhook-"
)

// Event is one thing that an agent did beside calls.
type Event struct {
	Version int       `json:"version"` // 1
	Key     string    `json:"key"`     // the same for the same event, however often it is told
	Kind    string    `json:"kind"`
	At      time.Time `json:"at"`
	State   string    `json:"state,omitempty"`
	Reason  text.Text `json:"reason,omitzero"`
	Agent   text.Text `json:"agent,omitzero"` // SIP account; of Salesforce's Tasks: the owner
	Session string    `json:"session"`        // the same for a login, its logout and what is between
	// Cut: nobody logged out; this is the last sign of life of a session that was cut off.
	Cut bool `json:"cut,omitempty"`
}

func newEvent(kind, session string, at time.Time, agent text.Text) Event {
	sum := sha256.Sum256([]byte(session + "\x00" + kind + "\x00" + at.UTC().Format(time.RFC3339Nano)))
	if kind != State { // a session begins and ends once
		sum = sha256.Sum256([]byte(session + "\x00" + kind))
	}
	return Event{Version: 1, Key: eventPrefix + kind + "-" + hex.EncodeToString(sum[:12]), Kind: kind, At: at, Agent: agent, Session: session}
}

// EventStore is where events are kept: a *ledger.Ledger.
type EventStore interface {
	Keep(ctx context.Context, things ...ledger.Kept) error
	Kept(ctx context.Context, kind string) ([]ledger.Kept, error)
	Unkeep(ctx context.Context, kind string, keys ...string) error
	AddErrand(ctx context.Context, e ledger.Errand) (added bool, err error)
}

// keepFor is how long events are kept here.
const keepFor = 400 * 24 * time.Hour

// Log notes what the agent of one desk does. One goroutine uses it. Nothing it does waits for Salesforce.
type Log struct {
	store   EventStore
	mode    string
	agent   text.Text
	session string
	state   string
	reason  text.Text
}

// NewLog makes the log of one run of a desk. The session is random: it names this run.
func NewLog(store EventStore, mode string, agent text.Text, session string) *Log {
	return &Log{store: store, mode: mode, agent: agent, session: session}
}

// open is the session that is under way.
type open struct {
	Session string    `json:"session"`
	Agent   text.Text `json:"agent,omitzero"`
	Mode    string    `json:"mode"`
}

// Login begins the session at this time. A session that was cut off ends first, with its last sign of life.
func (l *Log) Login(ctx context.Context, at time.Time) error {
	left, err := l.store.Kept(ctx, openKind)
	if err != nil {
		return err
	}
	for _, k := range left {
		var o open
		if json.Unmarshal(k.Value, &o) == nil && o.Session != "" && o.Session != l.session {
			ev := newEvent(Logout, o.Session, k.At, o.Agent)
			if ev.Cut = true; ev.At.After(at) { // the clock was set back in between
				ev.At = at
			}
			if err := l.note(ctx, ev, o.Mode); err != nil {
				return err
			}
		}
		if err := l.store.Unkeep(ctx, openKind, k.Key); err != nil {
			return err
		}
	}
	if err := l.Alive(ctx, at); err != nil {
		return err
	}
	if err := l.note(ctx, newEvent(Login, l.session, at, l.agent), l.mode); err != nil {
		return err
	}
	return l.forget(ctx, at.Add(-keepFor))
}

// Alive notes that the session goes on; after a crash it ends at the last of these.
func (l *Log) Alive(ctx context.Context, at time.Time) error {
	b, err := json.Marshal(open{l.session, l.agent, l.mode})
	if err != nil {
		return err
	}
	return l.store.Keep(ctx, ledger.Kept{Kind: openKind, Key: l.session, Value: b, At: at})
}

// State notes a change of the agent's state; the same again is none.
func (l *Log) State(ctx context.Context, state string, reason text.Text, at time.Time) error {
	if state == l.state && reason == l.reason || state == "" {
		return nil
	}
	l.state, l.reason = state, reason
	ev := newEvent(State, l.session, at, l.agent)
	ev.State, ev.Reason = state, reason
	return l.note(ctx, ev, l.mode)
}

// Logout ends the session.
func (l *Log) Logout(ctx context.Context, at time.Time) error {
	if err := l.note(ctx, newEvent(Logout, l.session, at, l.agent), l.mode); err != nil {
		return err
	}
	return l.store.Unkeep(ctx, openKind, l.session)
}

// note keeps an event, and leaves the errand when it is to become a Task.
func (l *Log) note(ctx context.Context, ev Event, mode string) error {
	b, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	if mode == LogStates || mode == LogLogin && ev.Kind != State {
		if _, err := l.store.AddErrand(ctx, ledger.Errand{Key: ev.Key, Kind: EventErrand, Payload: b}); err != nil {
			return err
		}
	}
	return l.store.Keep(ctx, ledger.Kept{Kind: EventKind, Key: ev.Key, Value: b, At: ev.At})
}

func (l *Log) forget(ctx context.Context, before time.Time) error {
	all, err := l.store.Kept(ctx, EventKind) // the oldest first
	if err != nil {
		return err
	}
	var old []string
	for _, k := range all {
		if k.At.Before(before) {
			old = append(old, k.Key)
		}
	}
	if len(old) == 0 {
		return nil // no key would mean all
	}
	return l.store.Unkeep(ctx, EventKind, old...)
}

// KeptEvents are the events of this desk, the oldest first. What cannot be read is left out.
func KeptEvents(ctx context.Context, l interface {
	Kept(ctx context.Context, kind string) ([]ledger.Kept, error)
}) ([]Event, error) {
	list, err := l.Kept(ctx, EventKind)
	if err != nil {
		return nil, err
	}
	var out []Event
	for _, k := range list {
		var ev Event
		if json.Unmarshal(k.Value, &ev) == nil && ev.Version == 1 && !ev.At.IsZero() {
			out = append(out, ev)
		}
	}
	return out, nil
}

// Session is one stretch of work.
type Session struct {
	Agent text.Text     `json:"agent,omitzero"`
	From  time.Time     `json:"login,omitzero"`  // zero: before what is known
	Until time.Time     `json:"logout,omitzero"` // zero: still under way, or not told
	Cut   bool          `json:"cut,omitempty"`   // it ended without a logout
	Away  time.Duration `json:"-"`               // as far as states were noted
}

// Length is how long the session was; at is now, for one that goes on.
func (s Session) Length(at time.Time) time.Duration {
	switch {
	case s.From.IsZero():
		return 0
	case s.Until.IsZero():
		return max(0, at.Sub(s.From))
	}
	return max(0, s.Until.Sub(s.From))
}

// sessions puts events together, the earliest session first: those that touch the period.
func sessions(events []Event, f Filter) (out []Session) {
	type work struct {
		Session
		away time.Time
	}
	found := map[string]*work{}
	var order []string
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b Event) int { return a.At.Compare(b.At) })
	for _, ev := range events {
		if !same(ev.Agent, f.Agent) {
			continue
		}
		w := found[ev.Session]
		if w == nil {
			w = &work{Session: Session{Agent: ev.Agent}}
			found[ev.Session], order = w, append(order, ev.Session)
		}
		if !w.away.IsZero() && ev.Kind != Login {
			w.Away += ev.At.Sub(w.away)
			w.away = time.Time{}
		}
		switch ev.Kind {
		case Login:
			w.From = ev.At
		case Logout:
			w.Until, w.Cut = ev.At, ev.Cut
		case State:
			if strings.EqualFold(ev.State, "away") {
				w.away = ev.At
			}
		}
	}
	for _, key := range order {
		s := found[key].Session
		begins, ends := s.From, s.Until
		if begins.IsZero() {
			begins = ends
		}
		if begins.IsZero() || !begins.Before(f.Period.Until) || !ends.IsZero() && ends.Before(f.Period.From) {
			continue
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b Session) int { return a.From.Compare(b.From) })
	return out
}
