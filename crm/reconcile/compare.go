package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/post"
	"offhook/crm/report"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// Ledger is where the calls are: a *ledger.Ledger.
type Ledger interface {
	History(ctx context.Context, f ledger.Filter) ([]ledger.Entry, error)
	Call(ctx context.Context, key string) (ledger.Story, error)
	MarkSent(ctx context.Context, key, taskID string) error
	Resend(ctx context.Context, key string, reason text.Text) error
	Retry(ctx context.Context, key string) error
}

// Options make a Reconciler. All must be set.
type Options struct {
	Client *salesforce.Client
	Ledger Ledger
	Sender *post.Sender // knows what a record's Task should be
	Now    func() time.Time
}

// Reconciler compares and mends. It is used by one goroutine.
type Reconciler struct {
	o     Options
	user  string // whose session it is
	agent string // whose Tasks they are
	keyed bool   // the key field can be read
	read  []salesforce.Ident
}

// New makes a Reconciler.
func New(o Options) *Reconciler { return &Reconciler{o: o} }

// ErrBudget says that the org has hardly any API calls left: they belong to the calls of the day.
var ErrBudget = errors.New("the org has used 95 % of its API calls of 24 hours: compare later, or with --force")

const (
	// onTheWay is how long a record without a failure may wait before it is told.
	onTheWay = 5 * time.Minute
	// settled is how long after its creation a Task may still be changed by the org's own automation.
	settled = 5 * time.Second
	// oldest: what is older may have been archived, and an archived Task is not missing.
	oldest = report.Archived - 5*24*time.Hour
)

// compared are the fields that are compared.
var compared = [...]string{"Subject", "CallDurationInSeconds", "CallDisposition", "WhoId", "WhatId", "OwnerId"}

// Compare compares the calls that began in a period with Salesforce. It changes nothing.
func (r *Reconciler) Compare(ctx context.Context, p report.Period) (Result, error) {
	res := Result{Findings: []Finding{}}
	if err := r.prepare(ctx); err != nil {
		return res, err
	}
	es, err := r.o.Ledger.History(ctx, ledger.Filter{Since: p.From, Until: p.Until, Limit: -1})
	if err != nil {
		return res, err
	}
	res.Calls = len(es)
	calls := map[string]ledger.Entry{}
	for _, e := range es {
		calls[e.Call.Key] = e
	}
	tasks, err := r.tasks(ctx, p, es)
	if err != nil {
		return res, err
	}
	res.Tasks = len(tasks)
	byKey := map[string][]TaskRow{}
	for _, t := range tasks {
		byKey[t.key] = append(byKey[t.key], t)
	}
	for _, e := range es {
		if err := r.one(ctx, &res, e, byKey[e.Call.Key]); err != nil {
			return res, err
		}
	}
	if err := r.strangers(ctx, &res, p, calls, tasks); err != nil {
		return res, err
	}
	res.sort()
	return res, nil
}

// prepare finds out who asks, and which fields can be read.
func (r *Reconciler) prepare(ctx context.Context) error {
	if r.read != nil {
		return nil
	}
	user, err := r.o.Client.User(ctx)
	if err != nil {
		return err
	}
	agent, err := r.o.Client.Agent(ctx)
	if err != nil {
		return err
	}
	d, err := r.o.Client.Describe(ctx, "Task")
	if err != nil {
		return err
	}
	r.user, r.agent = user.UserID, agent.UserID
	r.keyed = d.Has(crm.KeyField)
	if !r.keyed && !d.Has("CallObject") {
		return errors.New("Task has neither CallObject nor " + crm.KeyField + " for this user: nothing tells which call a Task belongs to")
	}
	read := []salesforce.Ident{"Id", "Subject", "OwnerId", "WhoId", "WhatId", "ActivityDate", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "LastModifiedBy.Name"}
	for _, name := range []string{"CallObject", crm.KeyField, "CallDurationInSeconds", "CallDisposition"} {
		if d.Has(name) {
			read = append(read, salesforce.Ident(name))
		}
	}
	r.read = read
	return nil
}

// tasks reads what may belong to the calls: the user's Tasks of the period with a day on both sides, because a Task's day is a
// day in the agent's zone; then, by id and by key, those of calls that were not among them.
func (r *Reconciler) tasks(ctx context.Context, p report.Period, es []ledger.Entry) (out []TaskRow, err error) {
	seen := map[string]bool{}
	read := func(where salesforce.Cond) error {
		for row, err := range r.o.Client.All(ctx, salesforce.Select(r.read...).From("Task").Where(where).OrderBy("Id", false)) {
			if err != nil {
				return err
			}
			if t, ok := r.row(row); ok && !seen[t.ID] {
				seen[t.ID] = true
				out = append(out, t)
			}
		}
		return nil
	}
	mine := salesforce.Or(salesforce.Eq("OwnerId", salesforce.ID(r.agent)), salesforce.Eq("CreatedById", salesforce.ID(r.user)))
	err = read(salesforce.And(salesforce.Gt("ActivityDate", salesforce.Date(p.From.AddDate(0, 0, -2))), salesforce.Lt("ActivityDate", salesforce.Date(p.Until.AddDate(0, 0, 2))), r.ours(), mine))
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, t := range out {
		found[t.key] = true
	}
	var ids, keys []string
	for _, e := range es {
		if e.Item == nil || found[e.Call.Key] || e.Item.State == ledger.Filtered && !e.Item.Ambiguous {
			continue
		}
		keys = append(keys, e.Call.Key)
		if salesforce.ValidID(e.Item.TaskID) && strings.HasPrefix(e.Item.TaskID, "00T") {
			ids = append(ids, e.Item.TaskID)
		}
	}
	for chunk := range slices.Chunk(keys, 100) {
		by := salesforce.In("CallObject", salesforce.Strings(chunk...)...)
		if r.keyed {
			by = salesforce.In(crm.KeyField, salesforce.Strings(chunk...)...)
			if slices.Contains(r.read, "CallObject") {
				by = salesforce.Or(by, salesforce.In("CallObject", salesforce.Strings(chunk...)...))
			}
		}
		if err := read(by); err != nil {
			return nil, err
		}
	}
	for chunk := range slices.Chunk(ids, 200) {
		var list []salesforce.Literal
		for _, id := range chunk {
			list = append(list, salesforce.ID(id))
		}
		if err := read(salesforce.In("Id", list...)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ours is true for Tasks that may be of calls.
func (r *Reconciler) ours() salesforce.Cond {
	var cs []salesforce.Cond
	if r.keyed {
		cs = append(cs, salesforce.Ne(crm.KeyField, salesforce.Null()))
	}
	if slices.Contains(r.read, "CallObject") {
		cs = append(cs, salesforce.Ne("CallObject", salesforce.Null()))
	}
	return salesforce.Or(cs...)
}

// row reads a Task; false when it belongs to no call.
func (r *Reconciler) row(rec salesforce.Record) (TaskRow, bool) {
	at := func(name string) time.Time {
		t, _ := time.Parse("2006-01-02T15:04:05.000-0700", rec.Str(name))
		return t
	}
	t := TaskRow{ID: rec.ID(), Subject: text.Clean(rec.Str("Subject")), Created: at("CreatedDate"), Modified: at("LastModifiedDate"), By: text.Clean(rec.Str("LastModifiedBy.Name")),
		key: text.Clean(cmp.Or(rec.Str(crm.KeyField), rec.Str("CallObject"))).String(), day: rec.Str("ActivityDate"), createdBy: rec.Str("CreatedById"), modifiedBy: rec.Str("LastModifiedById"),
		values: map[string]any{}, stamp: rec.Str("LastModifiedDate")}
	for _, name := range compared {
		if v, ok := rec[name]; ok {
			if n, is := v.(json.Number); is {
				v, _ = n.Float64()
			}
			t.values[name] = v
		}
	}
	t.Touched = t.Modified.Sub(t.Created) > settled || !crm.SameID(t.createdBy, r.user) || !crm.SameID(t.modifiedBy, r.user)
	return t, salesforce.ValidID(t.ID)
}

// one compares one call with the Tasks that bear its key.
func (r *Reconciler) one(ctx context.Context, res *Result, e ledger.Entry, tasks []TaskRow) error {
	c, it := e.Call, e.Item
	f := Finding{Key: c.Key, At: c.Started, Number: c.Number, Name: c.RecordName.Or(c.Name)}
	add := func(k Kind) { f.Kind = k; res.Findings = append(res.Findings, f) }
	switch {
	case it == nil || it.State == ledger.Sending:
		res.Way++
		return nil
	case it.State == ledger.Sent && !strings.HasPrefix(it.TaskID, "00T"):
		res.Other++
		return nil
	}
	f.State, f.Reason = it.State, it.LastError
	slices.SortFunc(tasks, func(a, b TaskRow) int { // the one that the ledger names first, then the oldest
		if x, y := crm.SameID(a.ID, it.TaskID), crm.SameID(b.ID, it.TaskID); x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
	})
	if len(tasks) == 0 {
		switch {
		case it.State == ledger.Filtered || it.State == ledger.Dropped:
			res.Kept++
		case it.State == ledger.Pending && it.LastError.Empty() && r.o.Now().Sub(it.Created) < onTheWay:
			res.Way++
		case it.State != ledger.Sent:
			add(Unsent)
		case r.o.Now().Sub(c.Started) > oldest:
			res.Other++ // archived Tasks cannot be seen
		default:
			f.Task.ID = it.TaskID
			add(Missing)
		}
		return nil
	}
	f.Task, f.More = tasks[0], tasks[1:]
	agree := true
	if it.State != ledger.Sent {
		agree = false
		add(Arrived)
	}
	if len(f.More) > 0 {
		agree = false
		add(Doubled)
		f.More = nil
	}
	if e.Change != ledger.ErrandWaiting && e.Change != ledger.ErrandDoing { // else its change is on the way
		if err := r.differ(ctx, &f, e); err != nil {
			return err
		}
	}
	if len(f.Fields) == 0 {
		if agree {
			res.Agree++
		}
		return nil
	}
	touched, err := r.touched(ctx, f.Task, e)
	if err != nil {
		return err
	}
	if touched {
		add(Edited)
	} else {
		add(Different)
	}
	return nil
}

// differ compares the fields of a Task with what the record makes.
func (r *Reconciler) differ(ctx context.Context, f *Finding, e ledger.Entry) error {
	want, err := r.o.Sender.Expect(ctx, e.Item.Payload)
	if no := (*crm.RefusedError)(nil); errors.As(err, &no) {
		return nil // a record that cannot be read cannot be compared; sending tells of it
	}
	if err != nil {
		return err
	}
	f.want = map[string]any{}
	for _, name := range compared {
		there, read := f.Task.values[name]
		here, ours := want.Fields[name]
		same := crm.SameField(name, here, there)
		switch {
		case !read || !ours && name != "WhoId" && name != "WhatId" && name != "CallDisposition":
			same = true // cannot be read, or nothing is said of it
		case name == "Subject":
			s, _ := there.(string)
			same = want.Subject(s)
		case name == "WhoId" && !same:
			a, _ := here.(string)
			b, _ := there.(string)
			same = strings.HasPrefix(a, "00Q") && strings.HasPrefix(b, "003") // the lead was converted: Salesforce moves its Tasks
		}
		if !same {
			f.Fields = append(f.Fields, Diff{name, here, there})
			f.want[name] = here
		}
	}
	return nil
}

// touched reports whether somebody else than offhook has changed the Task since: its last change is later than ours by the
// ledger's account, which tells how long after the sending our own changes were.
func (r *Reconciler) touched(ctx context.Context, t TaskRow, e ledger.Entry) (bool, error) {
	if !t.Touched {
		return false, nil
	}
	s, err := r.o.Ledger.Call(ctx, e.Call.Key)
	if err != nil {
		return false, err
	}
	var sent, last time.Time
	for _, a := range s.Attempts {
		if a.Result == "sent" {
			sent, last = a.At, a.At
		}
		if a.Result == "amended" {
			last = a.At
		}
	}
	amended := last.After(sent) && t.Modified.Sub(t.Created) <= last.Sub(sent)+time.Minute
	return !amended || !crm.SameID(t.createdBy, r.user) || !crm.SameID(t.modifiedBy, r.user), nil
}

// strangers finds Tasks that look like ours and whose call is not in the ledger.
func (r *Reconciler) strangers(ctx context.Context, res *Result, p report.Period, calls map[string]ledger.Entry, tasks []TaskRow) error {
	first, last := p.Days()
	for _, t := range tasks {
		if _, known := calls[t.key]; known || !callKey(t.key) || t.day < first || t.day > last {
			continue
		}
		s, err := r.o.Ledger.Call(ctx, t.key)
		var none *ledger.NotFoundError
		if err == nil && s.Call.Key == t.key {
			continue // of another day here
		}
		if err != nil && !errors.As(err, &none) {
			return err
		}
		res.Findings = append(res.Findings, Finding{Kind: Unknown, Key: t.key, At: t.Created, Task: t})
	}
	return nil
}

// callKey reports whether a text is a call key: a name-based UUID (RFC 9562, version 5).
func callKey(s string) bool {
	if len(s) != 36 || s[14] != '5' {
		return false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
		if dash != (c == '-') || !dash && !hex {
			return false
		}
	}
	return true
}
