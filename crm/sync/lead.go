package sync

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// LeadRule says which unknown callers of a campaign become leads.
type LeadRule struct {
	Campaign crm.Ref     // by id or by name
	Results  []text.Text // dispositions that make one
}

// LeadJob creates leads for callers that Salesforce does not know. One is created only when all of three things hold: there is a call of
// the campaign that belongs to no record, it was given one of the selected results, and no record of the object has the caller's number
// in the key field.
type LeadJob struct {
	Client *salesforce.Client
	Store  Calls
	Object string // Lead, or a custom object
	Key    string // its external id field
	Rules  []LeadRule
	Number func(text.Text) string                // the number as the key holds it, as +442079460000; empty: none
	Status func(disposition text.Text) text.Text // what a disposition makes of a campaign member; empty: no member
	Now    func() time.Time
}

// Run is the job.
func (j *LeadJob) Run(ctx context.Context, from json.RawMessage, save func(any) error) (string, error) {
	if len(j.Rules) == 0 {
		return "no campaign has sync_from and statuses: nothing to do", nil
	}
	object, key := salesforce.Ident(j.Object), salesforce.Ident(j.Key)
	d, err := j.Client.Describe(ctx, object)
	if err != nil {
		return "", err
	}
	if f, ok := d.Field(j.Key); !ok || !f.ExternalID {
		return "", &crm.RefusedError{Class: "validation", Line: fmt.Sprintf("%s has no external id field %q (campaigns.lead_key): no lead was created, because one caller could become two", d.Name, text.Clean(j.Key))}
	}
	var m mark
	if json.Unmarshal(from, &m) != nil || m.At.IsZero() {
		m.At = j.Now().Add(-lookBack)
	}
	until, made, known := j.Now(), 0, 0
	err = eachCall(ctx, j.Store, m.At, func(e ledger.Entry, rec crm.CallRecord) error {
		number := j.Number(rec.Number)
		if !j.wanted(rec) || rec.Withheld || number == "" || !rec.Assoc.Record().Zero() || rec.Type == crm.Internal {
			return nil
		}
		page, err := j.Client.Query(ctx, salesforce.Select("Id").From(object).Where(salesforce.Eq(key, salesforce.String(number))).Limit(1))
		if err != nil {
			return err
		}
		if len(page.Records) > 0 {
			known++
			return nil
		}
		res, err := j.Client.Upsert(ctx, object, key, number, j.fields(d, rec), false)
		if err != nil {
			return err
		}
		made++
		status := j.Status(rec.Disposition)
		if j.Object != "Lead" || status.Empty() {
			return nil
		}
		_, err = j.Store.AddErrand(ctx, ledger.Errand{Key: "member:" + rec.Key + ":lead", Kind: MemberErrand,
			Payload: Payload(MemberChange{Campaign: rec.Campaign, Who: crm.Ref{Type: "Lead", ID: res.ID}, Status: status})})
		return err
	})
	if err != nil {
		return "", err
	}
	if err := save(mark{At: until.Add(-time.Hour)}); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d created, %d known already", made, known), nil
}

func (j *LeadJob) wanted(rec crm.CallRecord) bool {
	return slices.ContainsFunc(j.Rules, func(r LeadRule) bool {
		same := r.Campaign.ID != "" && crm.SameID(r.Campaign.ID, rec.Campaign.ID) || !r.Campaign.Name.Empty() && strings.EqualFold(r.Campaign.Name.String(), rec.Campaign.Name.String())
		return same && slices.Contains(r.Results, rec.Disposition)
	})
}

// fields are what is known of the caller, as far as the object has fields for it.
func (j *LeadJob) fields(d *salesforce.Describe, rec crm.CallRecord) map[string]any {
	name := rec.Name.Or(rec.Number)
	f := map[string]any{}
	for field, v := range map[string]text.Text{"LastName": name, "Name": name, "Company": text.Clean("Unknown"), "Phone": rec.Number, "LeadSource": text.Clean("Phone Inquiry"), "Description": text.Clean(rec.Notes.String())} {
		if have, ok := d.Field(field); ok && have.Createable && !v.Empty() && (field != "LeadSource" || slices.ContainsFunc(have.Picklist, func(p salesforce.Picklist) bool { return p.Value == v.String() })) {
			f[field] = v.Runes(max(have.Length, 40)).String()
		}
	}
	return f
}
