package hub

import (
	"math"
	"strings"
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"
)

// project makes the value of a snapshot: what a supervisor may see of a desk, with numbers masked. ahead is how far the
// hub's clock is ahead of ours.
func project(s *desk.Snapshot, now time.Time, ahead time.Duration) Value {
	ms := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return max(t.Add(ahead).UnixMilli(), 0)
	}
	v := Value{
		V: valueVersion, State: s.State, Since: ms(s.Since), Next: s.Pending,
		Outbox:  Outbox{Pending: s.Outbox.Pending, Dead: s.Outbox.Dead},
		Version: text.Clean(s.Agent.Version).Runes(16),
		SIP:     string(s.Links.SIP.Health), SF: string(s.Links.Salesforce.Health),
	}
	if !s.Outbox.Oldest.IsZero() && s.Outbox.Pending+s.Outbox.Dead > 0 {
		v.Outbox.Oldest = int64(max(now.Sub(s.Outbox.Oldest), 0) / time.Second)
	}
	c, up := foremost(s.Calls)
	if c == nil {
		return v
	}
	if up > 1 {
		v.Calls = up
	}
	out := &Call{
		ID: c.Key, Dir: way(c), State: c.State, Since: ms(c.Answered), Match: string(c.Match.State),
		Muted: c.Muted, Hold: hold(c), Name: maskName(c.Name, 24),
	}
	if out.Since == 0 {
		out.Since = ms(c.Started)
	}
	if !c.Remote.Withheld {
		out.Peer = Mask(c.Remote.Number).Runes(16)
	}
	if q := c.Quality; q != nil && q.MOS >= 1 && q.MOS <= 5 {
		out.MOS = math.Round(q.MOS*10) / 10
	}
	v.Call = out
	return v
}

// foremost is the call that a supervisor wants to see, and how many are up.
func foremost(list []desk.Call) (best *desk.Call, up int) {
	rank := func(c *desk.Call) int {
		switch c.State {
		case desk.Talking, desk.Transferring, desk.Holding, desk.Resuming, desk.Answering:
			return 3
		case desk.Incoming, desk.Dialling, desk.Alerting:
			return 2
		case desk.Held, desk.Ending:
			return 1
		}
		return 0
	}
	for i := range list {
		c := &list[i]
		if rank(c) == 0 {
			continue
		}
		up++
		if best == nil || rank(c) > rank(best) {
			best = c
		}
	}
	return best, up
}

func way(c *desk.Call) string {
	switch {
	case c.Dir == crm.Internal:
		return "internal"
	case c.Outgoing, c.Dir == crm.Outbound:
		return "out"
	}
	return "in"
}

func hold(c *desk.Call) string {
	us := c.State == desk.Held || c.State == desk.Holding
	switch {
	case us && c.HeldByThem:
		return "both"
	case us:
		return "us"
	case c.HeldByThem:
		return "them"
	}
	return ""
}

// same reports whether nothing has changed that a supervisor must see at once. How it sounds and how old the oldest record
// is wait for the next heartbeat: they move all the time.
func same(a, b Value) bool {
	a.Seq, b.Seq, a.Outbox.Oldest, b.Outbox.Oldest = 0, 0, 0, 0
	var ca, cb Call
	if (a.Call == nil) != (b.Call == nil) {
		return false
	}
	if a.Call != nil {
		ca, cb = *a.Call, *b.Call
		ca.MOS, cb.MOS = 0, 0
	}
	a.Call, b.Call = nil, nil
	return a == b && ca == cb
}

// CallEvent is published on evt.calls.<team> when a call has ended. Numbers are masked.
type CallEvent struct {
	V        int          `json:"v"`
	Agent    string       `json:"agent"` // site.team.agent
	ID       desk.CallKey `json:"id"`
	Dir      string       `json:"dir"`
	Outgoing bool         `json:"outgoing,omitempty"`
	Peer     text.Text    `json:"peer,omitzero"`
	Match    string       `json:"match,omitempty"`
	Started  time.Time    `json:"started"`
	Answered time.Time    `json:"answered,omitzero"`
	Ended    time.Time    `json:"ended"`
	Seconds  int64        `json:"seconds"` // talking time; 0 when it was not answered
	Cause    text.Text    `json:"cause,omitzero"`
	Record   string       `json:"record,omitempty"` // where its call record was at that moment
	Object   string       `json:"object,omitempty"` // type of the record it belongs to
}

func callEvent(key string, c *desk.Call) CallEvent {
	ev := CallEvent{
		V: 1, Agent: key, ID: c.Key, Dir: way(c), Outgoing: c.Outgoing, Match: string(c.Match.State), Started: c.Started.UTC(),
		Ended: c.EndedAt.UTC(), Cause: maskCause(c), Record: string(c.Record), Object: clip(c.Assoc.Record().Type, 40),
	}
	if !c.Answered.IsZero() {
		ev.Answered = c.Answered.UTC()
		ev.Seconds = int64(max(c.EndedAt.Sub(c.Answered), 0) / time.Second)
	}
	if !c.Remote.Withheld {
		ev.Peer = Mask(c.Remote.Number).Runes(16)
	}
	return ev
}

// maskCause is why the call ended, unless the words repeat the number.
func maskCause(c *desk.Call) text.Text {
	if n := c.Remote.Number.String(); len(n) > 5 && strings.Contains(c.Cause.String(), n) {
		return text.Text{}
	}
	return maskName(c.Cause, 80)
}
