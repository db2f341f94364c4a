package sync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// The jobs.
const (
	JobLeads        = "leads"
	JobDispositions = "dispositions"
	JobCallbacks    = "callbacks"
)

// JobNames lists the jobs in the order in which they run.
func JobNames() []string { return []string{JobLeads, JobDispositions, JobCallbacks} }

// Line is an error of a job in one line.
func Line(err error) string {
	var no *crm.RefusedError
	if errors.As(err, &no) {
		return no.Line
	}
	if salesforce.KindOf(err) == salesforce.KindUnknown && apiError(err).Status == 0 {
		return err.Error()
	}
	return salesforce.Line(err)
}

// mark is how far a job came through rows in the order of (LastModifiedDate, Id).
type mark struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

// sfTime is how Salesforce writes moments.
const sfTime = "2006-01-02T15:04:05.000-0700"

func readTime(s string) time.Time {
	t, err := time.Parse(sfTime, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// after is the condition of rows behind a mark. Salesforce compares whole seconds in a literal, so the second of the mark is read again
// and what is known is left out by id.
func (m mark) after() salesforce.Cond {
	at := salesforce.DateTime(m.At)
	gt := salesforce.Gt("LastModifiedDate", at)
	if !salesforce.ValidID(m.ID) {
		return salesforce.Or(gt, salesforce.Eq("LastModifiedDate", at))
	}
	return salesforce.Or(gt, salesforce.And(salesforce.Eq("LastModifiedDate", at), salesforce.Gt("Id", salesforce.ID(m.ID))))
}

// CallbackJob brings the callbacks that were made, moved or closed in Salesforce to the desk.
type CallbackJob struct {
	Client *salesforce.Client
	// Tell takes over what was found; a run that is cut off tells the rest next time.
	Tell func(set []Callback, gone []string)
	Zone func() *time.Location
	Day  time.Duration // when a day begins: the time of a callback that has only a date
	Now  func() time.Time
}

const jobPage = 200

// Run is the job.
func (j *CallbackJob) Run(ctx context.Context, from json.RawMessage, save func(any) error) (string, error) {
	user, err := j.Client.Agent(ctx)
	if err != nil {
		return "", err
	}
	var m mark
	first := json.Unmarshal(from, &m) != nil || m.At.IsZero()
	if first {
		m = mark{At: j.Now().AddDate(0, -3, 0).UTC().Truncate(time.Second)}
	}
	found, closed := 0, 0
	for {
		q := salesforce.Select("Id", "Subject", "Description", "IsClosed", "IsReminderSet", "ReminderDateTime", "ActivityDate", "WhoId", "Who.Name", "WhatId", "CallObject", "LastModifiedDate").From("Task").
			Where(salesforce.And(salesforce.Eq("OwnerId", salesforce.ID(user.UserID)), salesforce.Eq("TaskSubtype", salesforce.String("Call")), m.after())).
			OrderBy("LastModifiedDate", false).OrderBy("Id", false).Limit(jobPage)
		page, err := j.Client.Query(ctx, q)
		if err != nil {
			return "", err
		}
		var set []Callback
		var gone []string
		for _, r := range page.Records {
			m = mark{At: readTime(r.Str("LastModifiedDate")).Truncate(time.Second), ID: r.ID()}
			cb, open := j.callback(r)
			switch {
			case open:
				set = append(set, cb)
			case r.Bool("IsClosed"):
				gone = append(gone, r.ID())
			}
		}
		if err := j.numbers(ctx, set); err != nil {
			return "", err
		}
		if len(set)+len(gone) > 0 {
			j.Tell(set, gone)
		}
		found, closed = found+len(set), closed+len(gone)
		if err := save(m); err != nil {
			return "", err
		}
		if len(page.Records) < jobPage {
			break
		}
	}
	if first {
		return fmt.Sprintf("open callbacks: %d", found), nil
	}
	if found+closed == 0 {
		return "nothing has changed", nil
	}
	return fmt.Sprintf("callbacks made or moved: %d, calls and callbacks closed: %d", found, closed), nil
}

// callback makes a callback of a Task; false when it is none, or closed.
func (j *CallbackJob) callback(r salesforce.Record) (Callback, bool) {
	if r.Bool("IsClosed") || !r.Bool("IsReminderSet") {
		return Callback{}, false
	}
	at := readTime(r.Str("ReminderDateTime"))
	if at.IsZero() {
		day, err := time.ParseInLocation(time.DateOnly, r.Str("ActivityDate"), j.Zone())
		if err != nil {
			return Callback{}, false
		}
		at = day.Add(j.Day)
	}
	cb := Callback{Key: r.ID(), At: at, TaskID: r.ID(), Elsewhere: true, Name: text.Clean(r.Str("Who.Name")), Notes: text.CleanBlock(r.Str("Subject"), 300)}
	if k := r.Str("CallObject"); len(k) > 39 && k[36:39] == "/cb" { // this program made it, here or at another desk
		cb.Key, cb.Elsewhere = k, false
	}
	if ref, ok := crm.RefOfID(r.Str("WhoId")); ok {
		cb.Who = crm.Ref{Type: ref.Type, ID: ref.ID, Name: cb.Name}
	}
	if ref, ok := crm.RefOfID(r.Str("WhatId")); ok {
		cb.What = ref
	}
	return cb, true
}

// numbers reads the telephone numbers of the people to call.
func (j *CallbackJob) numbers(ctx context.Context, set []Callback) error {
	for _, object := range []string{"Contact", "Lead", "Account"} {
		var ids []salesforce.Literal
		for _, cb := range set {
			if about := cb.About(); about.Type == object {
				ids = append(ids, salesforce.ID(about.ID))
			}
		}
		if len(ids) == 0 {
			continue
		}
		fields := []salesforce.Ident{"Id", "Name", "Phone"}
		if object != "Account" {
			fields = append(fields, "MobilePhone")
		}
		page, err := j.Client.Query(ctx, salesforce.Select(fields...).From(salesforce.Ident(object)).Where(salesforce.In("Id", ids...)).Limit(len(ids)))
		if err != nil {
			return err
		}
		for _, r := range page.Records {
			for i := range set {
				if about := set[i].About(); crm.SameID(about.ID, r.ID()) {
					set[i].Number = text.Clean(r.Str("Phone")).Or(text.Clean(r.Str("MobilePhone")))
					set[i].Name = set[i].Name.Or(text.Clean(r.Str("Name")))
				}
			}
		}
	}
	return nil
}

// Calls is where jobs read finished calls (ledger.Ledger).
type Calls interface {
	History(ctx context.Context, f ledger.Filter) ([]ledger.Entry, error)
	Errand(ctx context.Context, key string) (ledger.Errand, bool, error)
	AddErrand(ctx context.Context, e ledger.Errand) (bool, error)
}

// DispositionJob finds results of calls that no campaign member has been told of, such as those of calls whose record was found only
// after they were over, or of the time in which the org had no campaigns, and has them told.
type DispositionJob struct {
	Store  Calls
	Status func(disposition text.Text) text.Text // what a disposition makes of a member; empty: nothing
	Now    func() time.Time
}

// lookBack is how far the first run looks, and how long a call may have taken to be corrected.
const lookBack = 7 * 24 * time.Hour

// Run is the job.
func (j *DispositionJob) Run(ctx context.Context, from json.RawMessage, save func(any) error) (string, error) {
	var m mark
	if json.Unmarshal(from, &m) != nil || m.At.IsZero() {
		m.At = j.Now().Add(-lookBack)
	}
	until := j.Now()
	told := 0
	err := eachCall(ctx, j.Store, m.At, func(e ledger.Entry, rec crm.CallRecord) error {
		who := rec.Member
		if who.Zero() {
			who = rec.Assoc.Who
		}
		status := j.Status(rec.Disposition)
		if status.Empty() || rec.Campaign.Zero() && rec.Campaign.Name.Empty() || who.Type != "Contact" && who.Type != "Lead" {
			return nil
		}
		key := "member:" + rec.Key
		if have, ok, err := j.Store.Errand(ctx, key); err != nil || ok && have.Result != noCampaigns {
			return err
		} else if ok { // the org has campaigns by now
			key += ":again"
		}
		added, err := j.Store.AddErrand(ctx, ledger.Errand{Key: key, Kind: MemberErrand, Call: rec.Key,
			Payload: Payload(MemberChange{Campaign: rec.Campaign, Who: who, Status: status})})
		if added {
			told++
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if err := save(mark{At: until.Add(-time.Hour)}); err != nil { // a call that is up now began earlier
		return "", err
	}
	if told == 0 {
		return "every result has been told", nil
	}
	return fmt.Sprintf("results still to be told: %d", told), nil
}

// eachCall yields the ended calls that began after a moment, the oldest first.
func eachCall(ctx context.Context, store Calls, since time.Time, f func(ledger.Entry, crm.CallRecord) error) error {
	const page = 500
	list, err := store.History(ctx, ledger.Filter{Since: since, State: ledger.Ended, Limit: 20 * page})
	if err != nil {
		return err
	}
	for i := len(list) - 1; i >= 0; i-- {
		var rec crm.CallRecord
		if list[i].Call.Open() || json.Unmarshal(list[i].Call.Detail, &rec) != nil || rec.Key == "" {
			continue
		}
		if err := f(list[i], rec); err != nil {
			return err
		}
	}
	return nil
}
