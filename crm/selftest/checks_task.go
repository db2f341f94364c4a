package selftest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offhook/crm"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// createLead saves a lead as the New form does.
func createLead(ctx context.Context, t *test) Result {
	if d := t.desc["Lead"]; d == nil || !d.Createable {
		return skipped("this user may not create Leads")
	}
	values := map[string]any{"FirstName": "Test", "LastName": t.marker, "Company": t.marker}
	id, err := t.create(ctx, "Lead", values)
	if err != nil {
		return failed(err)
	}
	t.lead = id
	return ok("a lead for an unknown caller")
}

// popCard shows a record as a call does.
func popCard(ctx context.Context, t *test) Result {
	began := t.o.Now()
	card, err := t.dir.Card(ctx, crm.Ref{Type: "Contact", ID: t.people[0].id})
	if err != nil {
		return failedAs("%s", err)
	}
	if len(card.Fields) == 0 {
		return failedAs("the card of the contact is empty")
	}
	return ok("the contact's card, %s, in %s", plural(len(card.Fields), "field"), t.o.Now().Sub(began).Round(time.Millisecond))
}

// record is a call of three minutes with the first contact.
func (t *test) record() crm.CallRecord {
	end := t.o.Now()
	p := t.people[0]
	return crm.CallRecord{
		Version: 1, Key: t.key, Type: crm.Inbound, Action: "answered", Number: text.Clean(p.e164), Name: text.Clean(t.marker), Agent: text.Clean("selftest"),
		Start: end.Add(-190 * time.Second), Answer: end.Add(-180 * time.Second), End: end, Duration: 180 * time.Second,
		Notes: text.CleanBlock("A record of offhook's self test; it is deleted at its end.", 200),
		Assoc: crm.Association{Who: crm.Ref{Type: "Contact", ID: p.id, Name: text.Clean(t.marker)}},
	}
}

// callTask is a Task as a call leaves one, under the test's name.
func (t *test) callTask() map[string]any {
	set := t.org.Settings(t.o.Task)
	if !salesforce.ValidID(set.OwnerID) {
		set.OwnerID = t.user.UserID
	}
	f := crm.TaskFields(t.record(), set)
	f["Subject"] = t.marker + " call"
	return f
}

// logCall writes the Task of a call, and reads it back.
func logCall(ctx context.Context, t *test) Result {
	t.key = "selftest-" + t.o.Token
	want := t.callTask()
	id, err := t.create(ctx, "Task", want)
	if err != nil {
		return failed(err)
	}
	t.task = id
	r, err := t.sf.Get(ctx, "Task", id, "Status", "IsClosed", "WhoId")
	switch {
	case err != nil:
		return failed(err)
	case !r.Bool("IsClosed"):
		return failedAs("the Task is not closed: its status is %s", r.Str("Status"))
	case !crm.SameID(r.Str("WhoId"), t.people[0].id):
		return failedAs("the Task does not belong to the contact")
	}
	return ok("a Task with %s, %s, on the contact's record", plural(len(want), "field"), r.Str("Status"))
}

// logAgain sends the same call once more, as after a lost reply.
func logAgain(ctx context.Context, t *test) Result {
	if !t.keyed() {
		return skipped("the call key field is not installed: docs/salesforce")
	}
	id, err := t.create(ctx, "Task", t.callTask())
	api, refused := errors.AsType[*salesforce.APIError](err)
	switch {
	case err == nil:
		r := settled(crm.AskTaskKey, crm.No, "a second Task was written", "a second Task with the same call key was written (%s): the field is not unique", id)
		r.Outcome = Failed
		return r
	case refused && api.Has("DUPLICATE_VALUE") && crm.SameID(api.ExistingID(), t.task):
		return settled(crm.AskTaskKey, crm.Yes, api.Message, "the same call again is refused, and Salesforce names the first Task (DUPLICATE_VALUE)")
	case refused && api.Has("DUPLICATE_VALUE"):
		return settled(crm.AskTaskKey, crm.Yes, api.Message, "the same call again is refused (DUPLICATE_VALUE), without the id of the first Task")
	}
	return failed(err)
}

func (t *test) keyed() bool { return t.org.TaskHas[crm.KeyField] }

// amend changes the Task as a later note does.
func amend(ctx context.Context, t *test) Result {
	const later = "Amended by offhook's self test."
	if err := t.sf.Update(ctx, "Task", t.task, map[string]any{"Description": later}, time.Time{}); err != nil {
		return failed(err)
	}
	r, err := t.sf.Get(ctx, "Task", t.task, "Description")
	switch {
	case err != nil:
		return failed(err)
	case r.Str("Description") != later:
		return failedAs("the change was accepted and is not there")
	}
	return ok("the Task takes later notes")
}

// upsertSubtype asks whether an upsert that finds its Task minds TaskSubtype, which can only be created.
func upsertSubtype(ctx context.Context, t *test) Result {
	d := t.desc["Task"]
	if f, there := d.Field(crm.KeyField); !t.keyed() || !there || !f.ExternalID {
		return skipped("the call key field is not installed as an external id: docs/salesforce")
	}
	if f, there := d.Field("TaskSubtype"); !there || !f.Createable {
		return skipped("Task.TaskSubtype is not there")
	}
	res, err := t.sf.Upsert(ctx, "Task", crm.KeyField, t.key, map[string]any{"Description": "Upserted."}, false)
	if err != nil {
		return failed(err)
	}
	if res.Created || res.ID != "" && !crm.SameID(res.ID, t.task) {
		return failedAs("an upsert by the call key made another Task")
	}
	_, err = t.sf.Upsert(ctx, "Task", crm.KeyField, t.key, map[string]any{"Description": "Upserted again.", "TaskSubtype": "Call"}, false)
	api, refused := errors.AsType[*salesforce.APIError](err)
	switch {
	case err == nil:
		return settled(crm.AskUpsertSubtype, crm.Yes, "", "an upsert changes the Task, and takes TaskSubtype")
	case refused && salesforce.KindOf(err) == salesforce.KindField:
		return settled(crm.AskUpsertSubtype, crm.No, api.Code+" "+api.Message, "an upsert changes the Task, and refuses TaskSubtype (%s)", api.Code)
	}
	return failed(err)
}

// sharedID asks what an upsert does when two Tasks have its external id.
func sharedID(ctx context.Context, t *test) Result {
	field := ""
	for _, f := range t.desc["Task"].Fields {
		if f.ExternalID && !f.Unique && f.Createable && f.Type == "string" && f.Length >= len(t.key) {
			field = f.Name
			break
		}
	}
	if field == "" {
		return skipped("Task has no external id without Unique to try it with")
	}
	for range 2 {
		if _, err := t.create(ctx, "Task", map[string]any{"Subject": t.marker + " shared", field: t.key}); err != nil {
			return failed(err)
		}
	}
	_, err := t.sf.Upsert(ctx, "Task", salesforce.Ident(field), t.key, map[string]any{"Description": "Which?"}, true)
	api, refused := errors.AsType[*salesforce.APIError](err)
	switch {
	case refused && api.Status == 300:
		return settled(crm.AskTaskKey300, crm.Yes, fmt.Sprintf("%d addresses", len(api.Choices)), "an upsert that two Tasks fit answers 300 with %s", fmt.Sprintf("%d addresses", len(api.Choices)))
	case refused:
		return settled(crm.AskTaskKey300, crm.No, fmt.Sprintf("%d %s %s", api.Status, api.Code, api.Message), "an upsert that two Tasks fit answers %d %s", api.Status, api.Code)
	case err != nil:
		return failed(err)
	}
	return settled(crm.AskTaskKey300, crm.No, "one of them was changed", "an upsert that two Tasks fit changes one of them")
}

// leadWhat asks how a Task is refused that has a lead and a record it is about.
func leadWhat(ctx context.Context, t *test) Result {
	if t.account == "" {
		return skipped("this user may not create Accounts")
	}
	_, err := t.create(ctx, "Task", map[string]any{"Subject": t.marker + " lead", "Status": t.org.Status, "WhoId": t.lead, "WhatId": t.account})
	api, refused := errors.AsType[*salesforce.APIError](err)
	switch {
	case err == nil:
		return settled(crm.AskLeadWhat, "accepted", "", "a Task takes a lead together with an account")
	case refused && salesforce.KindOf(err) == salesforce.KindReference:
		return settled(crm.AskLeadWhat, api.Code, api.Message, "a Task with a lead and an account is refused (%s: %s)", api.Code, api.Message)
	case refused:
		r := settled(crm.AskLeadWhat, api.Code, api.Message, "a Task with a lead and an account is refused in words that offhook does not know (%s: %s): please report it", api.Code, api.Message)
		r.Outcome = Failed
		return r
	}
	return failed(err)
}
