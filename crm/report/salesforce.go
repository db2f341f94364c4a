package report

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// Archived is the age from which Salesforce takes closed Tasks out of ordinary queries.
const Archived = 365 * 24 * time.Hour

// maxTasks bounds the rows of a list that is read from Salesforce.
const maxTasks = 50_000

// FromSalesforce answers from the Tasks of the org: everybody's calls, as far as the signed-in user may see them. Counting is left to
// Salesforce (GROUP BY), two API calls for most questions; lists are read page by page. Days are the agents' own, as the Tasks
// have them (ActivityDate), so a partial day counts as a whole one.
func FromSalesforce(ctx context.Context, sf *salesforce.Client, name, by string, f Filter, now time.Time) (Report, error) {
	r := Report{Name: name, By: by, Source: "salesforce", Period: f.Period}
	if err := Check(name, by); err != nil {
		return r, err
	}
	if r.By == "" && (name == Calls || name == Talk) {
		r.By = ByDay
	}
	if by == ByHour || by == ByQueue || by == ByCampaign || f.Queue != "" || f.Campaign != "" {
		return r, errors.New("Salesforce's Tasks do not tell hour, queue and campaign: ask the ledger of a desk (--source ledger)")
	}
	s := source{sf: sf, filter: f, names: map[string]text.Text{}}
	if err := s.agent(ctx); err != nil {
		return r, err
	}
	if f.Period.From.Before(now.Add(-Archived)) {
		r.note("Salesforce archives closed Tasks after a year: what is older is not counted")
	}
	switch name {
	case Logins:
		events, err := s.events(ctx)
		r.Sessions = sessions(events, Filter{Period: f.Period})
		return r, err
	case Missed:
		samples, full, err := s.tasks(ctx)
		if full {
			r.note("only the first %d Tasks were read: choose a shorter period", maxTasks)
		}
		r.Missed = missed(samples, Filter{Period: f.Period, Disposition: f.Disposition})
		return r, err
	}
	samples, err := s.groups(ctx, r.By, f.Period)
	if err != nil {
		return r, err
	}
	r.note("Tasks that this user may see in Salesforce, whole days; an inbound call of 0 seconds counts as missed")
	r.counted(samples)
	return r, nil
}

// source asks Salesforce.
type source struct {
	sf     *salesforce.Client
	filter Filter
	owner  string               // id of filter.Agent
	names  map[string]text.Text // of owners
}

// agent finds whom the filter means.
func (s *source) agent(ctx context.Context) error {
	a := strings.TrimSpace(s.filter.Agent)
	if a == "" {
		return nil
	}
	if salesforce.ValidID(a) && (strings.HasPrefix(a, "005") || strings.HasPrefix(a, "00G")) {
		s.owner = a
		return nil
	}
	page, err := s.sf.Query(ctx, salesforce.Select("Id", "Name").From("User").
		Where(salesforce.Or(salesforce.Eq("Name", salesforce.String(a)), salesforce.Eq("Username", salesforce.String(a)))).Limit(2))
	if err != nil {
		return err
	}
	if len(page.Records) != 1 {
		return fmt.Errorf("%s users of this org are called %q: give the user name or the id", []string{"no", "", "several"}[len(page.Records)], text.Clean(a))
	}
	s.owner = page.Records[0].ID()
	return nil
}

// calls is the condition for Tasks of calls on some days. A callback that was closed is a Task of kind Call, too, but has no duration.
func (s *source) calls(first, last string, more ...salesforce.Cond) salesforce.Cond {
	cs := append([]salesforce.Cond{between(first, last), salesforce.Ne("CallType", salesforce.Null()), salesforce.Ne("CallDurationInSeconds", salesforce.Null())}, more...)
	if d := s.filter.Direction; d != "" {
		cs = append(cs, salesforce.Eq("CallType", salesforce.String(d)))
	}
	if d := s.filter.Disposition; d != "" {
		cs = append(cs, salesforce.Eq("CallDisposition", salesforce.String(d)))
	}
	if s.owner != "" {
		cs = append(cs, salesforce.Eq("OwnerId", salesforce.ID(s.owner)))
	}
	return salesforce.And(cs...)
}

// between is true for days from first to last; last may be empty.
func between(first, last string) salesforce.Cond {
	a, _ := time.Parse(time.DateOnly, first)
	c := salesforce.Gt("ActivityDate", salesforce.Date(a.AddDate(0, 0, -1)))
	if last == "" {
		return c
	}
	b, _ := time.Parse(time.DateOnly, last)
	return salesforce.And(c, salesforce.Lt("ActivityDate", salesforce.Date(b.AddDate(0, 0, 1))))
}

// groups lets Salesforce count. More groups than it gives are asked for in halves of the period.
func (s *source) groups(ctx context.Context, by string, p Period) (out []sample, err error) {
	field := map[string]salesforce.Ident{ByDay: "ActivityDate", ByAgent: "OwnerId", ByDisposition: "CallDisposition", ByDirection: "CallType"}[by]
	fields := []salesforce.Ident{field}
	if field != "CallType" {
		fields = append(fields, "CallType")
	}
	first, last := p.Days()
	ask := func(more ...salesforce.Cond) ([]salesforce.Record, error) {
		q := salesforce.Select(fields...).Aggregate(salesforce.Count, "Id", "calls").Aggregate(salesforce.Sum, "CallDurationInSeconds", "seconds").
			Aggregate(salesforce.Max, "CallDurationInSeconds", "longest").From("Task").Where(s.calls(first, last, more...)).GroupBy(fields...)
		page, err := s.sf.Query(ctx, q)
		return page.Records, err
	}
	all, err := ask()
	var api *salesforce.APIError
	if first != last && (len(all) >= salesforce.MaxGroups || errors.As(err, &api) && api.Has("EXCEEDED_ID_LIMIT")) {
		middle := midnight(p.From.Add(p.Until.Sub(p.From) / 2))
		if middle.After(p.From) {
			a, err := s.groups(ctx, by, Period{p.From, middle})
			if err != nil {
				return nil, err
			}
			b, err := s.groups(ctx, by, Period{middle, p.Until})
			return append(a, b...), err
		}
	}
	if err != nil {
		return nil, err
	}
	answered, err := ask(salesforce.Gt("CallDurationInSeconds", salesforce.Int(0)))
	if err != nil {
		return nil, err
	}
	for i, rows := range [][]salesforce.Record{all, answered} {
		for _, row := range rows {
			m := sample{direction: crm.Direction(text.Clean(row.Str("CallType")).String())}
			n, seconds, longest := count(row, "calls"), count(row, "seconds"), count(row, "longest")
			switch {
			case i == 1:
				m.stats.Answered = n
				if m.direction == crm.Inbound {
					m.stats.Missed = -n // of the inbound calls that the other rows count as missed
				}
			default:
				m.stats = Stats{Calls: n, Talk: time.Duration(seconds) * time.Second, Longest: time.Duration(longest) * time.Second}
				switch m.direction {
				case crm.Outbound:
					m.stats.Out = n
				case crm.Internal:
					m.stats.Internal = n
				default:
					m.stats.In, m.stats.Missed = n, n
				}
			}
			value := text.Clean(row.Str(string(field)))
			switch by {
			case ByDay:
				m.day = value.String()
			case ByDisposition:
				m.result = value
			case ByAgent:
				m.agent = value
			}
			out = append(out, m)
		}
	}
	if by == ByAgent {
		err = s.named(ctx, out)
	}
	return out, err
}

// count reads a number of an aggregate; SUM comes as 180.0.
func count(r salesforce.Record, name string) int {
	f, err := strconv.ParseFloat(r.Str(name), 64)
	if err != nil || f < 0 || f > 1e15 {
		return 0
	}
	return int(f)
}

// named puts names in the place of owners' ids.
func (s *source) named(ctx context.Context, samples []sample) error {
	var ids []string
	for _, m := range samples {
		if id := m.agent.String(); salesforce.ValidID(id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for chunk := range slices.Chunk(ids, 200) {
		var list []salesforce.Literal
		for _, id := range chunk {
			list = append(list, salesforce.ID(id))
		}
		for row, err := range s.sf.All(ctx, salesforce.Select("Id", "Name").From("User").Where(salesforce.In("Id", list...))) {
			if err != nil {
				return err
			}
			s.names[row.ID()[:15]] = text.Clean(row.Str("Name"))
		}
	}
	for i := range samples {
		if id := samples[i].agent.String(); len(id) >= 15 {
			samples[i].agent = s.names[id[:15]].Or(samples[i].agent)
		}
	}
	return nil
}

// tasks reads the Tasks of calls since the period began; full: there were more than are read.
func (s *source) tasks(ctx context.Context) (out []sample, full bool, err error) {
	first, _ := s.filter.Period.Days()
	zone := s.filter.Period.Zone()
	q := salesforce.Select("Id", "Subject", "OwnerId", "Owner.Name", "ActivityDate", "CreatedDate", "CallType", "CallDurationInSeconds", "CallDisposition", "WhoId", "Who.Name").
		From("Task").Where(s.calls(first, "")).OrderBy("CreatedDate", false)
	for row, err := range s.sf.All(ctx, q) {
		if err != nil {
			return out, false, err
		}
		if len(out) == maxTasks {
			return out, true, nil
		}
		m := sample{key: row.ID(), agent: text.Clean(row.Str("Owner.Name")), result: text.Clean(row.Str("CallDisposition")),
			direction: crm.Direction(text.Clean(row.Str("CallType")).String()), unanswered: count(row, "CallDurationInSeconds") == 0,
			name: text.Clean(row.Str("Who.Name")), record: row.Str("WhoId")}
		m.number, m.at = readSubject(row.Str("Subject"), row.Str("ActivityDate"), zone)
		if m.at.IsZero() {
			if m.at, err = time.Parse("2006-01-02T15:04:05.000-0700", row.Str("CreatedDate")); err != nil {
				continue
			}
		}
		m.wasMissed = m.direction == crm.Inbound && m.unanswered
		out = append(out, m)
	}
	return out, false, nil
}

// readSubject takes number and moment from a subject that crm.Subject wrote: "Inbound Call at 16:11:36 from 07814256404 (Fred Bloggs)".
func readSubject(subject, day string, zone *time.Location) (number text.Text, at time.Time) {
	s := text.Clean(subject).String()
	for _, word := range []string{" from ", " to "} {
		if _, rest, ok := strings.Cut(s, word); ok {
			rest, _, _ = strings.Cut(rest, " (")
			number = text.Clean(rest)
			break
		}
	}
	_, rest, ok := strings.Cut(s, " Call at ")
	if !ok {
		return number, at
	}
	for _, layout := range []string{"3:04:05 PM", time.TimeOnly} {
		n := 8
		if layout != time.TimeOnly {
			if n = strings.Index(rest, "M ") + 1; n <= 0 {
				continue
			}
		}
		if len(rest) < n {
			continue
		}
		if t, err := time.ParseInLocation(time.DateOnly+" "+layout, day+" "+rest[:n], zone); err == nil {
			return number, t
		}
	}
	return number, at
}
