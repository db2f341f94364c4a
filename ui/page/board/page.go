// Package boardpage is the supervisors' live board: one row per agent of the team, the selected agent in detail, and the
// orders that may be given.
//
// It shows the rows of a Source and asks it for orders; what a supervisor may do is decided by the hub and by the desk. It
// knows nothing of the bus and keeps only what a person does at it: selection, sorting, filter, the open box.
package boardpage

import (
	"context"
	"strings"
	"time"

	"offhook/desk"
	"offhook/internal/text"
	"offhook/keymap"
	"offhook/ui/widget/edit"
)

// WrapUp is the after-call state, which a desk of a later version reports.
const WrapUp desk.State = "wrap-up"

// Presence is how much a row is to be believed.
type Presence string

// Presences.
const (
	Live    Presence = "live"
	Stale   Presence = "stale"   // the agent has been silent for too long
	Gone    Presence = "offline" // the agent has left or was lost
	Unknown Presence = "unknown" // the board has no word from the hub
)

// Agent is one row.
type Agent struct {
	ID       string // names the agent in an Order
	Site     text.Text
	Team     text.Text
	Name     text.Text
	State    desk.State
	Presence Presence
	Reason   text.Text // why away, or how the agent left
	Since    time.Time
	Heard    time.Time
	Next     desk.State // after the call
	Call     *Call
	Calls    int // when more than one is up
	Unsent   int
	Refused  int
	Oldest   time.Duration // of the oldest unsent record
	SIP, SF  desk.Health
	Version  text.Text
}

// Call is the call that matters most at an agent's desk.
type Call struct {
	Dir   string // in, out, internal
	State desk.CallState
	Peer  text.Text // masked number
	Name  text.Text
	Queue text.Text
	Since time.Time
	Match string
	Hold  string // us, them, both
	Muted bool
	MOS   float64
}

// Link is the board's own connection.
type Link struct {
	Up    bool
	Since time.Time
	Text  text.Text // why it is down: "is not reachable; …"
}

// Verb is what an order asks for.
type Verb string

// Verbs of orders.
const (
	Away      Verb = "away"
	Available Verb = "available"
	Logout    Verb = "logout"
	Message   Verb = "message"
)

// Order is a supervisor's wish for one agent.
type Order struct {
	Agent string // Agent.ID
	Verb  Verb
	Text  text.Text
}

// Source is where the rows come from and the orders go. Rows and Link are called from the screen's goroutine and must not
// block; Do may take seconds and is called from another.
type Source interface {
	Rows(now time.Time) []Agent
	Link() Link
	Changes() <-chan struct{}
	Do(ctx context.Context, o Order) (string, error)
}

// Page is the board. Only the program's Update and View use it.
type Page struct {
	keys keymap.Map
	who  text.Text // the supervisor
	what string    // what is watched: "team sales"
	hub  string    // address
	desk string    // key that leads back to the desk, or empty

	all    []Agent // as they came
	rows   []Agent // filtered and sorted
	link   Link
	sel    string // ID of the selected agent
	order  sorting
	filter edit.Field
	typing bool // the filter has the focus
	top    int  // first row shown
	news   news
}

// news is the word about the last order.
type news struct {
	text text.Text
	bad  bool
	at   time.Time
}

func newPage(keys keymap.Map, who text.Text, what, hub string) *Page {
	p := &Page{keys: keys, who: who, what: what, hub: hub}
	p.filter.Limit = 40
	return p
}

// take shows newer rows; the selection stays on its agent.
func (p *Page) take(rows []Agent, link Link) {
	p.all, p.link = rows, link
	p.arrange()
}

// arrange filters and sorts, and keeps a row selected.
func (p *Page) arrange() {
	at := p.at()
	p.rows = p.rows[:0]
	want := strings.ToLower(strings.TrimSpace(p.filter.Value()))
	for i := range p.all {
		if want == "" || strings.Contains(strings.ToLower(p.all[i].words()), want) {
			p.rows = append(p.rows, p.all[i])
		}
	}
	p.order.sort(p.rows)
	if p.at() < 0 && len(p.rows) > 0 {
		p.sel = p.rows[min(max(at, 0), len(p.rows)-1)].ID
	}
}

// words is what the filter looks into.
func (a *Agent) words() string {
	_, state, _ := look(nil, a)
	parts := []string{a.Name.String(), a.Team.String(), a.Site.String(), state, a.Reason.String()}
	if c := a.Call; c != nil {
		parts = append(parts, c.Name.String(), c.Peer.String(), c.Queue.String())
	}
	return strings.Join(parts, "\n")
}

// at is the row of the selected agent, or -1.
func (p *Page) at() int {
	for i := range p.rows {
		if p.rows[i].ID == p.sel {
			return i
		}
	}
	return -1
}

// selected is the selected agent, or nil.
func (p *Page) selected() *Agent {
	if i := p.at(); i >= 0 {
		return &p.rows[i]
	}
	return nil
}

// move moves the selection by rows.
func (p *Page) move(by int) {
	if len(p.rows) > 0 {
		p.sel = p.rows[min(max(p.at()+by, 0), len(p.rows)-1)].ID
	}
}

// may reports whether an order makes sense for the selected agent; the desk itself has the last word.
func (p *Page) may(v Verb) bool {
	a := p.selected()
	if a == nil || !p.link.Up || a.Presence == Gone || a.Presence == Unknown {
		return false
	}
	switch v {
	case Away:
		return a.State != desk.Away && a.Next != desk.Away
	case Available:
		return a.State == desk.Away || a.State == desk.NotResponding || a.Next == desk.Away
	}
	return true
}
