package post

import (
	"context"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// maxRounds bounds how often one record is made smaller and sent again without a pause.
const maxRounds = 8

// send takes one record as far as it goes now. A record that Salesforce refused in part is made smaller on disk and sent
// again at once.
func (s *Sender) send(ctx context.Context, key string) {
	for range maxRounds {
		item, ok, err := s.o.Outbox.Claim(ctx, key, s.o.Now())
		if err != nil {
			if ctx.Err() == nil {
				s.diskFailed(key, err)
			}
			return
		}
		if !ok {
			return
		}
		own, cancel := context.WithTimeout(ctx, sendLimit)
		again := s.attempt(own, item)
		cancel()
		if !again {
			return
		}
	}
}

// attempt sends a claimed record once and stores what came of it; true means that it was made smaller and is due now.
func (s *Sender) attempt(ctx context.Context, item ledger.Item) bool {
	j := job{item: item, asked: s.gate.asks()}
	p, err := readPayload(item.Payload)
	if err != nil {
		s.dead(ctx, j, "payload", err.Error())
		return false
	}
	j.p = p
	set, err := s.ready(ctx, &j)
	if err != nil {
		return s.react(ctx, j, err, preparing)
	}
	if again, done := s.speak(ctx, &j, set); done {
		return again
	}
	if s.mayExist(j) {
		id, err := s.find(ctx, j)
		if err != nil {
			return s.react(ctx, j, err, looking)
		}
		if id != "" {
			s.sent(ctx, j, id, ReportFound)
			return false
		}
	}
	id, err := s.o.Client.Create(ctx, "Task", j.fields, nil)
	if err == nil {
		s.sent(ctx, j, id, ReportSent)
		return false
	}
	if api := salesforce.Refusal(err); s.keyTaken(j, api) {
		return s.written(ctx, j, api)
	}
	return s.react(ctx, j, err, writing)
}

// ready makes the Task of a record from what the org has and what is found out about the call. Nothing has been written after an error.
func (s *Sender) ready(ctx context.Context, j *job) (crm.TaskSettings, error) {
	org, err := s.orgFor(ctx)
	if err != nil {
		return crm.TaskSettings{}, err
	}
	set, err := s.complete(ctx, j, org)
	if err != nil {
		return set, err
	}
	j.fields, j.extra = j.p.fields(set), set.Mapped(j.p.CallRecord)
	return set, s.follow(ctx, *j)
}

// follow stores what is to follow the record before there is anything to follow: whatever happens then, it is not forgotten.
func (s *Sender) follow(ctx context.Context, j job) error {
	if s.o.Follow == nil {
		return nil
	}
	for _, e := range s.o.Follow(j.p.CallRecord) {
		if _, err := s.o.Outbox.AddErrand(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// complete finds out what the record needs and the desk could not know: whose it is, whom an unfinished lookup would have found, what
// became of a lead. What changes the record is stored before it is sent.
func (s *Sender) complete(ctx context.Context, j *job, org Org) (crm.TaskSettings, error) {
	user := s.o.Settings()
	s.check(org, user)
	set := org.Settings(user)
	owner, err := s.owner(ctx, j.p.CallRecord, set)
	if err != nil {
		return set, err
	}
	set.OwnerID = owner
	unresolved, was := j.p.Unresolved, j.p.Assoc
	made, err := s.takeMade(ctx, j)
	if err != nil {
		return set, err
	}
	if err := s.resolve(ctx, j); err != nil {
		return set, err
	}
	assoc := j.p.Assoc
	lead := !j.leadAsked && s.followLead(ctx, &assoc)
	if !made && !lead && unresolved == j.p.Unresolved {
		return set, nil
	}
	now := assoc
	j.p.Assoc = was
	j.p.freeze()
	j.p.Assoc = now
	return set, s.o.Outbox.Refine(ctx, j.item.Key, j.p.bytes())
}

// takeMade waits for the records that are made for the call, and lets it belong to them where the agent has chosen none. true: it does.
func (s *Sender) takeMade(ctx context.Context, j *job) (bool, error) {
	if s.o.Errands == nil || len(j.p.Creates) == 0 || len(j.p.Unlinked) > 0 {
		return false, nil
	}
	var made []crm.Ref
	for _, key := range j.p.Creates {
		refs, over, err := crm.MadeBy(ctx, s.o.Errands, key)
		if err != nil {
			return false, err
		}
		if !over {
			return false, &crm.WaitError{For: "the record that is being made for this call", Errand: key}
		}
		made = append(made, refs...)
	}
	j.p.Creates = nil
	a := j.p.Assoc
	if len(made) == 0 || a.Rule == crm.RulePinned || a.Rule == crm.RuleNothing || !a.What.Zero() {
		return false, nil
	}
	hit := crm.MadeHit(made, a.Who)
	if hit.Zero() || crm.SameID(hit.ID, a.Who.ID) {
		return false, nil
	}
	if a.Rule == crm.RuleCurrent && !a.Who.Zero() && !crm.SameID(hit.ContactID, a.Who.ID) { // the agent has opened somebody else
		return false, nil
	}
	j.p.Assoc = crm.Associate(crm.AssocInput{Current: hit, Earlier: []crm.Hit{{Ref: crm.PersonOf(made, a.Who)}}})
	j.p.Assoc.Why = "made for this call"
	j.p.Unresolved = false
	return true, nil
}

// keyTaken reports a DUPLICATE_VALUE about our key, not about some other unique field of the org.
func (s *Sender) keyTaken(j job, api *salesforce.APIError) bool {
	_, keyed := j.fields[crm.KeyField]
	if !keyed || !api.Has("DUPLICATE_VALUE") {
		return false
	}
	field := api.DuplicateField()
	return field == "" || field == crm.KeyField
}

// written settles a record whose key stands on a Task already: an earlier attempt succeeded and its reply was lost. When
// two attempts cross, Salesforce does not name the other one (<unknown>): then it is looked up.
func (s *Sender) written(ctx context.Context, j job, api *salesforce.APIError) bool {
	id := api.ExistingID()
	if id == "" {
		var err error
		if id, err = s.find(ctx, j); err != nil {
			return s.react(ctx, j, err, looking)
		}
	}
	if id == "" {
		s.later(ctx, j, "ambiguous", "another attempt is writing this record at the moment", api, true)
		return false
	}
	s.sent(ctx, j, id, ReportFound)
	return false
}

// job is one record on its way.
type job struct {
	item   ledger.Item
	p      payload
	fields map[string]any
	extra  map[string]any // of fields: what the map fills
	asked  int            // what the gate's asks was when the attempt began
	// leadAsked is set when it is known that the lead was not converted.
	leadAsked bool
}

// optional reports whether all of these fields are filled by the map alone: no record is refused for one of them.
func (j job) optional(names []string) bool {
	for _, n := range names {
		if _, ok := j.extra[n]; !ok {
			return false
		}
	}
	return true
}

func (j job) subject() text.Text {
	s, _ := j.fields["Subject"].(string)
	return text.Clean(s)
}

// orgFor returns what is known of the org, asking when it is old.
func (s *Sender) orgFor(ctx context.Context) (Org, error) {
	s.orgMu.Lock()
	if s.org != nil && s.o.Now().Sub(s.orgAt) < orgFresh {
		o := *s.org
		s.orgMu.Unlock()
		return o, nil
	}
	s.orgMu.Unlock()
	o, err := Preflight(ctx, s.o.Client, s.o.Mapped...)
	if err != nil {
		return Org{}, err
	}
	if o.taskErr != nil && judge(o.taskErr, writing).reaction != refused {
		return Org{}, o.taskErr // a Task without its key, written meanwhile, would not be found by it later
	}
	s.orgMu.Lock()
	s.org, s.orgAt = &o, s.o.Now()
	if o.TaskHas == nil {
		s.org = nil // the fields are not known yet: ask again next time
	}
	s.orgMu.Unlock()
	return o, nil
}

// forgetOrg reads fields and statuses again before the next record: they may have changed.
func (s *Sender) forgetOrg() {
	s.o.Client.Forget("Task")
	s.orgMu.Lock()
	defer s.orgMu.Unlock()
	s.org = nil
}

// resolveTries is how many attempts wait for a lookup that keeps failing before the record goes without association.
const resolveTries = 3

// resolve settles a call whose lookup had not finished: one more lookup, and only exactly one match is filled in.
func (s *Sender) resolve(ctx context.Context, j *job) error {
	if !j.p.Unresolved || s.o.Directory == nil || j.p.Withheld || j.p.CallRecord.Way() == crm.Internal || len(j.p.Unlinked) > 0 {
		return nil
	}
	m, err := s.o.Directory.LookupForRecord(ctx, j.p.Number, j.p.Type)
	_, one := m.Only()
	switch {
	case salesforce.KindOf(err) == salesforce.KindLimit:
		return err // the record itself would be refused as well: both wait
	case one:
		j.p.Assoc = crm.Associate(crm.AssocInput{Match: m})
		j.p.Assoc.Why = "the only match, found after the call"
	case m.State == crm.MatchMany:
		j.p.Assoc = crm.Associate(crm.AssocInput{Match: m})
	case m.State == crm.MatchFailed && j.item.Attempts < resolveTries:
		return &crm.LookupError{Why: m.Detail.String()}
	}
	j.p.Unresolved = false
	return nil
}

// mayExist reports whether an earlier attempt may have written the Task. With the unique key a second POST is harmless,
// but an attempt that got no reply is looked up all the same; without it every attempt after the first is.
func (s *Sender) mayExist(j job) bool {
	_, keyed := j.fields[crm.KeyField]
	return j.item.Ambiguous || !keyed && j.item.Attempts > 1
}

// find looks for the record's Task: by the unique key, then by the call id in CallObject, since the key field may have been installed after
// it was written; without either by the subject, which holds second and number.
func (s *Sender) find(ctx context.Context, j job) (string, error) {
	since := salesforce.Eq("CreatedDate", salesforce.LastNDays(s.daysSince(j)))
	var ways []salesforce.Cond
	if _, ok := j.fields[crm.KeyField]; ok {
		ways = append(ways, salesforce.Eq(crm.KeyField, salesforce.String(j.p.Key)))
	}
	mine := func(by salesforce.Cond) salesforce.Cond {
		if owner, ok := j.fields["OwnerId"].(string); ok {
			by = salesforce.And(by, salesforce.Eq("OwnerId", salesforce.ID(owner)))
		}
		return by
	}
	if obj, ok := j.fields["CallObject"].(string); ok && obj != "" {
		ways = append(ways, mine(salesforce.And(salesforce.Eq("CallObject", salesforce.String(obj)), since)))
	} else if len(ways) == 0 {
		ways = append(ways, mine(salesforce.And(salesforce.Eq("Subject", salesforce.String(j.subject().String())), since)))
	}
	for _, by := range ways {
		page, err := s.o.Client.Query(ctx, salesforce.Select("Id").From("Task").Where(by).Limit(1))
		if err != nil {
			return "", err
		}
		if len(page.Records) > 0 {
			return page.Records[0].ID(), nil
		}
	}
	return "", nil
}

// daysSince is how many days back a Task of the record can have been written.
func (s *Sender) daysSince(j job) int {
	if j.item.Created.IsZero() {
		return 2
	}
	return max(2, int(s.o.Now().Sub(j.item.Created)/(24*time.Hour))+2)
}

// sent stores that the Task exists. When the ledger cannot take it, the id is kept and told again; after a crash before
// that, the record is Ambiguous and found by its key.
func (s *Sender) sent(ctx context.Context, j job, id string, kind ReportKind) {
	s.resume("Salesforce takes them again")
	key := j.item.Key
	s.store(ctx, key, "the Task "+id+" is in Salesforce, but that could not be noted: ", func(ctx context.Context) error {
		return s.o.Outbox.MarkSent(ctx, key, id)
	})
	s.forget(key)
	line := "Task saved: " + j.subject().String()
	if kind == ReportFound {
		line = "Task was saved already: " + j.subject().String()
	}
	s.report(Report{Kind: kind, Key: j.item.Key, TaskID: id, Subject: j.subject(), About: j.p.Assoc.Record(), Line: text.Clean(line)})
}
