package main

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"offhook/config"
	"offhook/crm"
	"offhook/crm/layout"
	"offhook/crm/ledger"
	"offhook/crm/number"
	"offhook/crm/post"
	"offhook/crm/salesforce"
	"offhook/desk"
	"offhook/internal/text"
)

// org is the Salesforce side of a desk: the client, the directory that looks callers up and the sender that empties the
// outbox.
type org struct {
	client    *salesforce.Client
	directory *crm.Directory
	sender    *post.Sender
	errands   *post.Errands // what follows the call records
	lists     *lists        // campaigns and callbacks
	signed    atomic.Bool   // the sign-in has worked
	ledger    *ledger.Ledger
	record    config.Record
	template  *crm.Template // of record.description; nil for the default
	shared    bool          // the session is not a person's
	attach    post.Attachments
	region    string
	zone      atomic.Pointer[time.Location]
	locale    atomic.Pointer[string] // of the signed-in user, as de_DE
	used      atomic.Int32           // per cent of the API calls, as the desk was told
	again     chan struct{}          // somebody wants the sign-in tried now
	now       chan struct{}          // somebody wants every record sent now
	changed   chan struct{}          // the outbox has changed

	layouts layouts
	layout  atomic.Pointer[layout.Layout] // of the signed-in user; nil: offhook's own

	settled atomic.Pointer[crm.Answers] // what a self test found out about the org

	reports chan post.Report
}

// answers are what is known of the org; nothing before the sign-in.
func (o *org) answers() crm.Answers {
	if a := o.settled.Load(); a != nil {
		return *a
	}
	return crm.Answers{}
}

func openOrg(l *config.Loaded, led *ledger.Ledger, numbers number.Settings, log *slog.Logger) (*org, error) {
	o := &org{
		ledger: led, record: l.Record, region: l.Numbers.Region,
		again: make(chan struct{}, 1), now: make(chan struct{}, 1), changed: make(chan struct{}, 1), reports: make(chan post.Report, 512),
	}
	var err error
	if o.layouts, err = openLayouts(l); err != nil {
		return nil, err
	}
	o.layout.Store(o.layouts.file)
	client, _, err := openClient(l, log, func() { poke(o.again) })
	if err != nil {
		return nil, err
	}
	o.client = client
	o.shared = l.Salesforce.Flow == "client" && l.Salesforce.Username == "" // else the agent owns the records
	o.attach = attachments(l.Recording)
	if o.template, err = descriptionOf(l.Record); err != nil {
		return nil, err
	}
	if l.Record.TimeZone != "" {
		if zone, err := time.LoadLocation(l.Record.TimeZone); err == nil { // checked with the settings
			o.zone.Store(zone)
		}
	}
	o.directory = crm.NewDirectory(client, crm.DirectorySettings{
		Numbers: numbers, Layout: o.layout.Load, Answers: o.answers, NewObject: l.Salesforce.NoMatch, Deadline: l.Salesforce.Timeout, LikeObjects: l.Salesforce.Scan,
		Log:  log,
		Zone: o.location, Locale: o.localeName,
	})
	report := func(r post.Report) {
		select {
		case o.reports <- r:
		default: // the ledger has it; only the line on the screen is lost
		}
	}
	o.sender = post.NewSender(post.SenderOptions{
		Mapped: mappedFields(l.SIP.Data),
		Outbox: led, Errands: led, Client: client, Directory: o.directory, Settings: o.taskSettings, Follow: o.follow, Log: log, Report: report,
	})
	if o.lists, err = openLists(o, l.Config, number.NewPlan(numbers)); err != nil {
		return nil, err
	}
	o.openErrands(led, report, log)
	return o, nil
}

// location is the agent's time zone; this machine's while it is not known.
func (o *org) location() *time.Location {
	if z := o.zone.Load(); z != nil {
		return z
	}
	return time.Local
}

// localeName is how the agent writes numbers and days; "" while it is not known.
func (o *org) localeName() string {
	if l := o.locale.Load(); l != nil {
		return *l
	}
	return ""
}

// The desk's wishes; none of them blocks.
func (o *org) sendNow() {
	o.client.AskAgain()
	if o.sender.SignedOut() {
		poke(o.again)
	}
	poke(o.now)
}
func (o *org) committed() {
	o.sender.Notify()
	poke(o.changed)
}
func (o *org) retry() {
	o.client.AskAgain()
	poke(o.again)
	poke(o.now)
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// run keeps the desk told about Salesforce and the outbox until ctx ends.
func (o *org) run(ctx context.Context, d *desk.Desk) {
	var work sync.WaitGroup
	work.Go(func() { o.sender.Run(ctx) })
	work.Go(func() { o.errands.Run(ctx) })
	work.Go(func() { o.signIn(ctx, d) })
	work.Go(func() { o.lists.run(ctx, d) })
	o.count(ctx, d)
	poll := time.NewTicker(5 * time.Second) // the tools may have changed the outbox
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			work.Wait()
			return
		case r := <-o.reports:
			o.tell(d, r)
			o.count(ctx, d)
		case <-o.now: // also what waits for its next try
			_, _ = o.ledger.RetryAll(ctx, false) // a disk that refuses is told where records are written
			o.sender.Resume()
			o.errands.Notify()
			o.count(ctx, d)
		case <-o.changed:
			o.count(ctx, d)
		case <-poll.C:
			o.count(ctx, d)
			if tellAmended(ctx, o.ledger, d) { // what another program leaves to do is seen here first
				o.errands.Notify()
				o.sender.Notify()
			}
		}
	}
}

// tell passes a report of the sender on to the agent.
func (o *org) tell(d *desk.Desk, r post.Report) {
	if o.tellErrand(d, r) {
		return
	}
	switch r.Kind {
	case post.ReportSent, post.ReportFound:
		d.Post(desk.TaskLanded{Landed: desk.Landed{Call: desk.CallKey(r.Key), TaskID: r.TaskID, Subject: r.Subject, About: r.About}})
		d.Post(desk.LinkChanged{Name: desk.LinkSalesforce, Health: desk.HealthOK, Text: d.Snapshot().Agent.User})
	case post.ReportDead, post.ReportFix:
		d.Post(desk.TaskDead{Call: desk.CallKey(r.Key), Reason: r.Line})
	case post.ReportPaused:
		d.Post(desk.LinkChanged{Name: desk.LinkSalesforce, Health: desk.HealthDown, Text: r.Line})
		if o.sender.SignedOut() {
			poke(o.again) // somebody may sign in elsewhere
		} else { // the status line has no room to say why
			d.Post(desk.Told{Severity: desk.Warning, Text: asSentence(r.Line.String())})
		}
	case post.ReportResumed:
		d.Post(desk.LinkChanged{Name: desk.LinkSalesforce, Health: desk.HealthOK, Text: d.Snapshot().Agent.User})
	case post.ReportRetry:
		d.Post(desk.LinkChanged{Name: desk.LinkSalesforce, Health: desk.HealthWarn, Text: r.Line})
	case post.ReportLacking:
		var lines []text.Text
		for _, l := range r.Lines {
			lines = append(lines, asSentence(l.String()))
		}
		d.Post(desk.Lacking{Lines: lines})
	case post.ReportDegraded, post.ReportLate, post.ReportDisk:
		d.Post(desk.Told{Severity: desk.Warning, Text: r.Line})
	}
}

// count tells the desk how many records are not in Salesforce yet.
func (o *org) count(ctx context.Context, d *desk.Desk) {
	c, err := o.ledger.Counts(ctx)
	if err != nil {
		return
	}
	d.Post(desk.OutboxChanged{Outbox: desk.Outbox{
		Pending: c.Pending, Dead: c.Dead + c.Fix, Oldest: c.Oldest, Paused: text.Clean(o.sender.Paused()),
	}})
	o.apiUsed(d)
}

// drain lets the sender finish what it can send now, for at most five seconds: a record that is on its way is not called back.
func (o *org) drain(ctx context.Context) {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = o.sender.Drain(limit) // what is left is counted, and told, by the last word
	_ = o.errands.Drain(limit)
}

// close lets go of the org. It is called once, after drain.
func (o *org) close() {
	o.directory.Close()
	o.client.Close()
}
