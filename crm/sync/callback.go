package sync

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

// Callbacks carries out the errands that make, move and close the Tasks of callbacks.
type Callbacks struct {
	Client *salesforce.Client
	Store  interface {
		Errand(ctx context.Context, key string) (ledger.Errand, bool, error)
	}
	Zone   func() *time.Location // the agent's: ActivityDate is a day there
	Remind time.Duration         // how long before its time Salesforce reminds
	// Opened is told that a callback is in Salesforce. nil for nobody.
	Opened func(key, taskID string)
}

// Run is the crm.ErrandFunc of CallbackErrand. A callback is one Task however often it is told: its key stands in the unique key field,
// or in CallObject where that is not installed, and is looked for before anything is written.
func (c *Callbacks) Run(ctx context.Context, e ledger.Errand) (string, error) {
	var ch CallbackChange
	if err := json.Unmarshal(e.Payload, &ch); err != nil || ch.Callback.Key == "" {
		return "", &crm.RefusedError{Class: "payload", Line: "the callback cannot be read"}
	}
	d, err := c.Client.Describe(ctx, "Task")
	if err != nil {
		return "", err
	}
	task, err := c.find(ctx, d, ch.Callback)
	if err != nil {
		return "", err
	}
	open, closed, err := taskStatuses(ctx, c.Client)
	if err != nil {
		return "", err
	}
	if ch.Do == CloseCallback {
		return c.close(ctx, ch, task, closed)
	}
	if task != nil && task.Bool("IsClosed") {
		return "the Task was closed already", nil
	}
	id := ""
	if task != nil {
		id = task.ID()
		err = c.Client.Update(ctx, "Task", id, c.times(ch.Callback), noTime)
	} else {
		id, err = c.create(ctx, d, ch.Callback, open)
	}
	if err == nil && c.Opened != nil {
		c.Opened(ch.Callback.Key, id)
	}
	return id, err
}

func (c *Callbacks) create(ctx context.Context, d *salesforce.Describe, cb Callback, status string) (string, error) {
	f := c.times(cb)
	agent, err := c.Client.Agent(ctx) // whose promise it is, also when the session is an app's
	if err != nil {
		return "", err
	}
	f["OwnerId"] = agent.UserID
	f["Subject"] = text.Clean("Call back " + strings.TrimSpace(cb.Name.Or(cb.Number).String()+" "+inBrackets(cb))).Runes(255).String()
	f["Status"] = status
	set := func(name string, v any) {
		if d.Has(name) {
			f[name] = v
		}
	}
	set("Priority", "Normal")
	set("TaskSubtype", "Call")
	set("CallObject", cb.Key)
	set("CallType", "Outbound")
	if k, ok := d.Field(crm.KeyField); ok && k.Unique && k.ExternalID {
		f[crm.KeyField] = cb.Key
	}
	if salesforce.ValidID(cb.Who.ID) {
		f["WhoId"] = cb.Who.ID
	}
	if salesforce.ValidID(cb.What.ID) && cb.Who.Type != "Lead" { // a Lead never gets a WhatId
		f["WhatId"] = cb.What.ID
	}
	lines := []string{crm.MaskCards(cb.Notes.String()), "Number: " + cb.Number.String(), "Callback: " + cb.Key}
	f["Description"] = text.CleanBlock(strings.TrimSpace(strings.Join(lines, "\n")), 30000).String()
	id, err := c.Client.Create(ctx, "Task", f, nil)
	if k := salesforce.KindOf(err); k == salesforce.KindStale || k == salesforce.KindReference { // the record is gone or converted: the promise is not
		delete(f, "WhoId")
		delete(f, "WhatId")
		id, err = c.Client.Create(ctx, "Task", f, nil)
	}
	if api := apiError(err); err != nil && api.Has("DUPLICATE_VALUE") && salesforce.ValidID(api.ExistingID()) {
		return api.ExistingID(), nil
	}
	return id, err
}

func inBrackets(cb Callback) string {
	if cb.Name.Empty() || cb.Number.Empty() {
		return ""
	}
	return "(" + cb.Number.String() + ")"
}

// times are the fields that say when.
func (c *Callbacks) times(cb Callback) map[string]any {
	return map[string]any{
		"ActivityDate":     cb.At.In(c.Zone()).Format(time.DateOnly), // the agent's day; Salesforce never shifts it
		"ReminderDateTime": cb.At.Add(-c.Remind).UTC().Format("2006-01-02T15:04:05.000Z"),
		"IsReminderSet":    true,
	}
}

// close closes the Task. One that has not been made yet is waited for.
func (c *Callbacks) close(ctx context.Context, ch CallbackChange, task salesforce.Record, status string) (string, error) {
	if task == nil {
		before, ok, err := c.Store.Errand(ctx, ch.Opened)
		if err != nil {
			return "", err
		}
		if ok && (before.State == ledger.ErrandWaiting || before.State == ledger.ErrandDoing) {
			return "", &salesforce.TransportError{Method: "GET", Path: "/sobjects/Task", Err: errors.New("the callback's Task has not been made yet")}
		}
		return "there is no Task to close", nil
	}
	if task.Bool("IsClosed") {
		return task.ID(), nil
	}
	return task.ID(), c.Client.Update(ctx, "Task", task.ID(), map[string]any{"Status": status, "IsReminderSet": false}, noTime)
}

// find looks for the callback's Task: by its id, the key field, or CallObject. nil when there is none.
func (c *Callbacks) find(ctx context.Context, d *salesforce.Describe, cb Callback) (salesforce.Record, error) {
	by := salesforce.Eq("CallObject", salesforce.String(cb.Key))
	if k, ok := d.Field(crm.KeyField); ok && k.Unique && k.ExternalID {
		by = salesforce.Eq(crm.KeyField, salesforce.String(cb.Key))
	}
	if salesforce.ValidID(cb.TaskID) {
		by = salesforce.Eq("Id", salesforce.ID(cb.TaskID))
	}
	page, err := c.Client.Query(ctx, salesforce.Select("Id", "IsClosed").From("Task").Where(by).Limit(1))
	if err != nil || len(page.Records) == 0 {
		return nil, err
	}
	return page.Records[0], nil
}

// taskStatuses are the open and the closed status that the org uses by default.
func taskStatuses(ctx context.Context, client *salesforce.Client) (open, closed string, err error) {
	page, err := client.Query(ctx, salesforce.Select("ApiName", "IsClosed", "IsDefault", "SortOrder").From("TaskStatus").OrderBy("SortOrder", false))
	if err != nil {
		return "", "", err
	}
	for _, r := range page.Records {
		name := r.Str("ApiName")
		if r.Bool("IsClosed") {
			if closed == "" || name == "Completed" {
				closed = name
			}
		} else if open == "" || r.Bool("IsDefault") {
			open = name
		}
	}
	if open == "" || closed == "" {
		return "", "", &crm.RefusedError{Class: "validation", Line: "the org has no open, or no closed, status of Tasks"}
	}
	return open, closed, nil
}
