package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"offhook/config"
	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/number"
	"offhook/crm/sync"
	"offhook/desk"
	"offhook/internal/text"
)

// lists is what keeps campaigns, callbacks and Salesforce in step for a desk.
type lists struct {
	org       *org
	set       config.Config
	members   *sync.Members
	callbacks *sync.Callbacks
	scheduler *sync.Scheduler
	desk      atomic.Pointer[desk.Desk] // nil until one runs
}

// spared is the share of the org's API calls from which on no job runs.
const spared = 0.95

func openLists(o *org, c config.Config, numbers *number.Plan) (*lists, error) {
	l := &lists{org: o, set: c}
	l.members = &sync.Members{Client: o.client, NewStatuses: c.Campaigns.NewStatuses, Off: func(line text.Text) { l.tell(desk.Told{Severity: desk.Info, Text: line}) }}
	l.callbacks = &sync.Callbacks{Client: o.client, Store: o.ledger, Zone: o.location, Remind: c.Callbacks.Remind,
		Opened: func(key, task string) { l.tell(desk.CallbackOpened{Key: key, TaskID: task}) }}
	start, err := c.Callbacks.Start()
	if err != nil {
		return nil, err
	}
	leads := &sync.LeadJob{Client: o.client, Store: o.ledger, Object: c.Campaigns.LeadObject, Key: c.Campaigns.LeadKey, Status: l.status, Now: time.Now,
		Number: func(t text.Text) string { return numbers.Parse(t.String()).E164() }}
	for _, camp := range c.Campaigns.List {
		if r := (sync.LeadRule{Campaign: campaignRef(camp)}); camp.SyncFrom && camp.Statuses != "" {
			for _, code := range config.Words(camp.Statuses) {
				r.Results = append(r.Results, l.label(code))
			}
			leads.Rules = append(leads.Rules, r)
		}
	}
	results := &sync.DispositionJob{Store: o.ledger, Status: l.status, Now: time.Now}
	promised := &sync.CallbackJob{Client: o.client, Tell: l.pulled, Zone: o.location, Day: start, Now: time.Now}
	jobs := []sync.Job{{Name: sync.JobLeads, Run: leads.Run}, {Name: sync.JobDispositions, Run: results.Run}, {Name: sync.JobCallbacks, Run: promised.Run}}
	for i, schedule := range []string{c.Sync.Leads, c.Sync.Dispositions, c.Sync.Callbacks} {
		run := jobs[i].Run
		jobs[i].Run = func(ctx context.Context, from json.RawMessage, save func(any) error) (string, error) {
			if o.client.Budget().Share() >= spared { // the rest is for records
				return "left out: the org's API calls are nearly used up", nil
			}
			return run(ctx, from, save)
		}
		if schedule == "" {
			continue
		}
		if jobs[i].Cron, err = sync.ParseCron(schedule); err != nil {
			return nil, fmt.Errorf("sync.%s: %w", jobs[i].Name, err)
		}
	}
	l.scheduler = sync.NewScheduler(sync.SchedulerOptions{Store: o.ledger, Jobs: jobs, Zone: o.location, Failed: func(job string, err error) {
		l.tell(desk.Told{Severity: desk.Warning, Text: text.Clean("The job " + job + " did not succeed: " + sync.Line(err) + " It is tried again at its next time; offhook sync now " + job + " tries now.")})
	}})
	return l, nil
}

// checkSync finds schedules that cannot be meant.
func checkSync(s config.Sync, say func(section string, err error)) {
	for i, schedule := range []string{s.Leads, s.Dispositions, s.Callbacks} {
		if _, err := sync.ParseCron(schedule); schedule != "" && err != nil {
			say("sync."+sync.JobNames()[i], err)
		}
	}
}

func (l *lists) tell(ev desk.Event) {
	if d := l.desk.Load(); d != nil {
		d.Post(ev)
	}
}

// run runs the schedules of a desk until ctx ends. Nothing is asked before the sign-in has worked once.
func (l *lists) run(ctx context.Context, d *desk.Desk) {
	l.desk.Store(d)
	for l.org.signed.Load() == false {
		select {
		case <-ctx.Done():
			return
		case <-time.After(500 * time.Millisecond):
		}
	}
	l.scheduler.Run(ctx)
}

// pulled brings callbacks of Salesforce to the desk, or into the ledger when none runs.
func (l *lists) pulled(set []sync.Callback, gone []string) {
	if l.desk.Load() != nil {
		l.tell(desk.CallbacksPulled{Set: set, Gone: gone})
		return
	}
	m := desk.NewMachine(desk.Settings{Callbacks: keptCallbacks(context.Background(), l.org.ledger)})
	_, fx := m.Step(time.Now(), desk.CallbacksPulled{Set: set, Gone: gone})
	for _, f := range fx { // a ledger that refuses is asked again by the next run
		switch f := f.(type) {
		case desk.Keep:
			_ = l.org.ledger.Keep(context.Background(), f.Things...)
		case desk.Unkeep:
			_ = l.org.ledger.Unkeep(context.Background(), f.Kind, f.Keys...)
		}
	}
}

// keptCallbacks are the callbacks of the last run; one that cannot be read is left out.
func keptCallbacks(ctx context.Context, led *ledger.Ledger) (out []desk.Callback) {
	list, err := led.Kept(ctx, sync.CallbackKind)
	if err != nil {
		return nil
	}
	for _, k := range list {
		var cb desk.Callback
		if json.Unmarshal(k.Value, &cb) == nil && cb.Key == k.Key {
			cb.Due = false // who is waiting is told again at each start
			out = append(out, cb)
		}
	}
	return out
}

// lastWork is the campaign whose work list was open in the last run.
func lastWork(ctx context.Context, led *ledger.Ledger) (out crm.Ref) {
	list, err := led.Kept(ctx, sync.MemberKind)
	if err != nil {
		return out
	}
	for _, k := range list {
		if k.Key == sync.LastWork && json.Unmarshal(k.Value, &out) != nil {
			return crm.Ref{}
		}
	}
	return out
}

// work reads members of a campaign with what was done with them.
func (l *lists) work(ctx context.Context, ask desk.PullWork) desk.WorkPulled {
	out := desk.WorkPulled{Asked: ask.Campaign, After: ask.After}
	err := func() (err error) {
		if out.Campaign, err = sync.Resolve(ctx, l.org.client, ask.Campaign); err != nil {
			return err
		}
		out.Members, out.More, err = sync.PullMembers(ctx, l.org.client, sync.Pull{Campaign: out.Campaign, Statuses: l.set.Campaigns.Statuses,
			Numbers: l.set.Campaigns.Numbers, After: ask.After})
		if err != nil {
			return err
		}
		done, err := l.org.ledger.Kept(ctx, sync.MemberKind)
		if err != nil {
			return err
		}
		worked := map[string]sync.Worked{}
		for _, k := range done {
			var w sync.Worked
			if json.Unmarshal(k.Value, &w) == nil {
				worked[k.Key] = w
			}
		}
		for i := range out.Members {
			out.Members[i].Worked = worked[sync.WorkKey(out.Campaign.ID, out.Members[i].ID)]
		}
		return nil
	}()
	if err != nil {
		out.Err = text.Clean(sync.Line(err))
	}
	return out
}

func campaignRef(c config.Campaign) crm.Ref {
	return crm.Ref{Type: "Campaign", ID: c.ID, Name: text.Clean(c.Name)}
}

// label is what a disposition is called in records.
func (l *lists) label(code string) text.Text {
	for _, d := range l.set.Dispositions.Codes {
		if strings.EqualFold(strings.TrimSpace(d.Code), code) {
			return text.Clean(or(d.Label, d.Code))
		}
	}
	return text.Clean(code)
}

// status is what a disposition, as records name it, makes of a campaign member.
func (l *lists) status(disposition text.Text) text.Text {
	for _, d := range l.set.Dispositions.Codes {
		if text.Clean(or(d.Label, d.Code)) == disposition {
			return text.Clean(d.Status)
		}
	}
	return text.Text{}
}

// campaignSettings are the desk's part of the settings about campaigns.
func campaignSettings(c config.Config, set *desk.Settings) {
	for _, d := range c.Dispositions.Codes {
		set.Dispositions = append(set.Dispositions, desk.Disposition{Code: strings.TrimSpace(d.Code), Label: text.Clean(or(d.Label, d.Code)), Key: d.Key,
			Queue: text.Clean(d.Queue), Status: text.Clean(d.Status), Callback: d.Callback})
	}
	for _, camp := range c.Campaigns.List {
		set.Campaigns = append(set.Campaigns, desk.Campaign{Ref: campaignRef(camp), List: text.Clean(camp.List), Log: config.Words(camp.Log)})
	}
	if name := c.Campaigns.Default; name != "" {
		set.Campaign = crm.Ref{Type: "Campaign", Name: text.Clean(name)}
		if strings.HasPrefix(name, "701") && (len(name) == 15 || len(name) == 18) {
			set.Campaign = crm.Ref{Type: "Campaign", ID: name}
		}
	}
	set.NeedResult, set.DoNotCall = c.Dispositions.Required, c.Campaigns.DoNotCall
	set.DayStart, _ = c.Callbacks.Start() // checked with the settings
}

// noWork is the work list of a desk without Salesforce.
func noWork(_ context.Context, ask desk.PullWork) desk.WorkPulled {
	return desk.WorkPulled{Asked: ask.Campaign, Err: text.Clean("Salesforce is not set up: there is nobody to call.")}
}
