package report

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// EventTasks carries out the errands that make completed Tasks of events.
type EventTasks struct {
	Client *salesforce.Client
	Zone   func() *time.Location // the agent's: a Task's day is a day there
}

// Run is the crm.ErrandFunc of EventErrand. An event is one Task however often it is told: its key stands in the unique key field and in
// CallObject, and is looked for before a second attempt.
func (t EventTasks) Run(ctx context.Context, e ledger.Errand) (string, error) {
	var ev Event
	if err := json.Unmarshal(e.Payload, &ev); err != nil || ev.Version != 1 || ev.Key == "" || ev.At.IsZero() {
		return "", &crm.RefusedError{Class: "payload", Line: "the event cannot be read"}
	}
	d, err := t.Client.Describe(ctx, "Task")
	if err != nil {
		return "", err
	}
	key, keyed := d.Field(crm.KeyField)
	keyed = keyed && key.Unique && key.ExternalID && key.Createable
	if e.Ambiguous || e.Attempts > 1 {
		by := salesforce.Eq("CallObject", salesforce.String(ev.Key))
		if keyed {
			by = salesforce.Eq(crm.KeyField, salesforce.String(ev.Key))
		}
		page, err := t.Client.Query(ctx, salesforce.Select("Id").From("Task").Where(by).Limit(1))
		if err != nil {
			return "", err
		}
		if len(page.Records) > 0 {
			return page.Records[0].ID(), nil
		}
	}
	agent, err := t.Client.Agent(ctx)
	if err != nil {
		return "", err
	}
	closed, err := closedStatus(ctx, t.Client)
	if err != nil {
		return "", err
	}
	at := ev.At.In(t.Zone())
	f := map[string]any{
		"Subject": ev.Subject(t.Zone()), "Status": closed, "ActivityDate": at.Format(time.DateOnly), "OwnerId": agent.UserID,
		"Description": ev.description(),
	}
	for name, v := range map[string]any{"CallObject": ev.Key, "Priority": "Normal"} {
		if d.Has(name) {
			f[name] = v
		}
	}
	if keyed {
		f[crm.KeyField] = ev.Key
	}
	id, err := t.Client.Create(ctx, "Task", f, nil)
	var api *salesforce.APIError
	if errors.As(err, &api) && api.Has("DUPLICATE_VALUE") && salesforce.ValidID(api.ExistingID()) {
		return api.ExistingID(), nil
	}
	return id, err
}

// closedStatus is the org's status of finished Tasks.
func closedStatus(ctx context.Context, sf *salesforce.Client) (string, error) {
	page, err := sf.Query(ctx, salesforce.Select("ApiName", "IsClosed", "SortOrder").From("TaskStatus").OrderBy("SortOrder", false))
	if err != nil {
		return "", err
	}
	closed := ""
	for _, r := range page.Records {
		if name := r.Str("ApiName"); r.Bool("IsClosed") && (closed == "" || name == "Completed") {
			closed = name
		}
	}
	if closed == "" {
		return "", &crm.RefusedError{Class: "validation", Line: "the org has no status that closes a Task"}
	}
	return closed, nil
}

// Subject is the subject of the event's Task:
//
//	Login at 09:00:12 (sip:2101@pbx.example.com)
func (ev Event) Subject(zone *time.Location) string {
	what := map[string]string{Login: "Login", Logout: "Logout", State: "State"}[ev.Kind]
	if what == "" {
		what = text.Clean(ev.Kind).String()
	}
	if ev.Kind == State {
		what += " " + text.Clean(ev.State).String()
		if !ev.Reason.Empty() {
			what += ", " + ev.Reason.String()
		}
	}
	what += " at " + ev.At.In(zone).Format(time.TimeOnly)
	if !ev.Agent.Empty() {
		what += " (" + ev.Agent.String() + ")"
	}
	return text.Clean(what).Runes(crm.MaxSubject).String()
}

// description holds the event so that it can be read again.
func (ev Event) description() string {
	lines := []string{"Event: " + ev.Kind, "At: " + ev.At.UTC().Format(time.RFC3339), "Session: " + ev.Session, "Account: " + ev.Agent.String()}
	if ev.State != "" {
		lines = append(lines, "State: "+text.Clean(ev.State).String())
	}
	if !ev.Reason.Empty() {
		lines = append(lines, "Reason: "+ev.Reason.String())
	}
	if ev.Cut {
		lines = append(lines, "Cut off: yes; this is the last sign of life")
	}
	return strings.Join(lines, "\n")
}

// readEvent reads an event from its Task, which a stranger may have edited.
func readEvent(key, description string, owner text.Text) (Event, bool) {
	ev := Event{Version: 1, Key: key, Agent: owner}
	for _, line := range text.CleanBlock(description, 4000).Lines() {
		name, value, _ := strings.Cut(line.String(), ": ")
		switch name {
		case "Event":
			ev.Kind = value
		case "At":
			ev.At, _ = time.Parse(time.RFC3339, value)
		case "Session":
			ev.Session = value
		case "State":
			ev.State = value
		case "Reason":
			ev.Reason = text.Clean(value)
		case "Cut off":
			ev.Cut = true
		}
	}
	known := ev.Kind == Login || ev.Kind == Logout || ev.Kind == State
	return ev, known && !ev.At.IsZero() && ev.Session != ""
}

// events reads the Tasks of events, open ones and completed ones alike: a report that leaves out what somebody opened again is wrong. A
// day before the period and one after it are read, too: that is where its sessions begin and end.
func (s *source) events(ctx context.Context) (out []Event, err error) {
	p := s.filter.Period
	first, last := Period{p.From.Add(-24 * time.Hour), p.Until.Add(24 * time.Hour)}.Days()
	where := []salesforce.Cond{between(first, last), salesforce.Like("CallObject", salesforce.StartsWith(eventPrefix))}
	if s.owner != "" {
		where = append(where, salesforce.Eq("OwnerId", salesforce.ID(s.owner)))
	}
	q := salesforce.Select("Id", "CallObject", "Description", "Owner.Name").From("Task").Where(salesforce.And(where...)).OrderBy("Id", false)
	for row, err := range s.sf.All(ctx, q) {
		if err != nil {
			return out, err
		}
		if ev, ok := readEvent(row.Str("CallObject"), row.Str("Description"), text.Clean(row.Str("Owner.Name"))); ok && len(out) < maxTasks {
			out = append(out, ev)
		}
	}
	return out, nil
}
