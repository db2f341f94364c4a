package report

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

// Ledger is the source of this desk's own calls.
type Ledger interface {
	History(ctx context.Context, f ledger.Filter) ([]ledger.Entry, error)
	Kept(ctx context.Context, kind string) ([]ledger.Kept, error)
}

// FromLedger answers from the ledger: this agent's calls on this machine, also without a network.
func FromLedger(ctx context.Context, l Ledger, name, by string, f Filter) (Report, error) {
	r := Report{Name: name, By: by, Source: "ledger", Period: f.Period}
	if err := Check(name, by); err != nil {
		return r, err
	}
	if name == Logins {
		events, err := KeptEvents(ctx, l)
		if err != nil {
			return r, err
		}
		r.Sessions = sessions(events, f)
		return r, nil
	}
	if r.By == "" && name != Missed {
		r.By = ByDay
	}
	choose := ledger.Filter{Since: f.Period.From, Until: f.Period.Until, Limit: -1}
	if name == Missed {
		choose.Until = time.Time{} // who was called back later was called back
	}
	es, err := l.History(ctx, choose)
	if err != nil {
		return r, err
	}
	samples := make([]sample, 0, len(es))
	open := 0
	for _, e := range es {
		if e.Call.Open() {
			open++
			continue
		}
		samples = append(samples, sampleOf(e, f.Period.Zone()))
	}
	if name == Missed {
		r.Missed = missed(samples, f)
		return r, nil
	}
	kept := samples[:0]
	for _, s := range samples {
		if f.wants(s) {
			kept = append(kept, s)
		}
	}
	if open > 0 {
		r.note("%s still up: counted when it has ended", plural(open, "call is", "calls are"))
	}
	r.counted(kept)
	return r, nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// sampleOf reads one call of the ledger.
func sampleOf(e ledger.Entry, zone *time.Location) sample {
	c := e.Call
	var rec crm.CallRecord
	raw := c.Detail
	if e.Item != nil && len(e.Item.Payload) > 0 {
		raw = e.Item.Payload // newer: what an amendment or the sender has found out stands there
	}
	_ = json.Unmarshal(raw, &rec) // the call's own row is enough
	s := sample{
		key: c.Key, at: c.Started, day: day(c.Started, zone), hour: c.Started.In(zone).Format("15") + ":00",
		agent: rec.Agent, result: rec.Disposition, direction: crm.Direction(c.Direction), queue: rec.Called, campaign: rec.Campaign.Name.Or(text.Clean(rec.Campaign.ID)),
		number: c.Number, name: c.RecordName.Or(c.Name), record: c.RecordID, unanswered: c.Answered.IsZero(),
	}
	for _, v := range rec.Vars {
		s.more = append(s.more, v.Value)
	}
	outgoing := s.direction == crm.Outbound || s.direction == crm.Internal && c.Outgoing
	s.wasMissed = !outgoing && s.unanswered && rec.Action != "answered elsewhere"
	s.stats = Stats{Calls: 1}
	switch s.direction {
	case crm.Outbound:
		s.queue, s.stats.Out = text.Text{}, 1
	case crm.Internal:
		s.stats.Internal = 1
	default:
		s.stats.In = 1
	}
	if s.wasMissed {
		s.stats.Missed = 1
	}
	if !s.unanswered {
		talk := time.Duration(max(0, c.Seconds)) * time.Second
		s.stats.Answered, s.stats.Talk, s.stats.Longest = 1, talk, talk
		s.stats.Handled, s.stats.Handle = 1, talk+min(max(0, c.Answered.Sub(c.Started)), 24*time.Hour)
	}
	return s
}
