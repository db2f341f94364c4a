package selftest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"offhook/crm"
	"offhook/crm/layout"
	"offhook/crm/salesforce"
)

// records looks at what is read and written.
func (x *examination) records(ctx context.Context) {
	x.task(ctx)
	x.customers(ctx)
	x.extras(ctx)
	v, _ := x.sf.Version(ctx)
	switch s := x.wants.Settled; {
	case s == "":
		x.find("answers.none")
	case v != "" && s != v:
		x.find("answers.old", "then", s, "now", v)
	}
	if x.wants.Strict && len(x.wants.Scan) == 0 {
		x.find("search.strict")
	}
}

// describe reads what an object looks like now: an administrator may have changed it a moment ago.
func (x *examination) describe(ctx context.Context, object string) (*salesforce.Describe, error) {
	if d, ok := x.seen[object]; ok {
		return d, nil
	}
	x.sf.Forget(salesforce.Ident(object))
	d, err := x.sf.Describe(ctx, salesforce.Ident(object))
	if err == nil {
		x.seen[object] = d
	}
	x.hidden(err)
	return d, err
}

// callFields belong to Salesforce's own call centres: an org without that licence has not got them.
func callFields() []string {
	return []string{"CallType", "CallDurationInSeconds", "CallObject", "CallDisposition"}
}

// plainFields are the other fields of Task that may be hidden.
func plainFields() []string { return []string{"Type", "TaskSubtype", "Priority"} }

func (x *examination) task(ctx context.Context) {
	d, err := x.describe(ctx, "Task")
	if err != nil {
		x.find("task.hidden")
		return
	}
	if !d.Createable {
		x.find("task.create")
		return
	}
	before := len(x.out.Findings)
	fills := func(name string) bool {
		f, ok := d.Field(name)
		return ok && f.Createable
	}
	for _, name := range callFields() {
		if !fills(name) {
			x.find("task.call_field", "field", name)
		}
	}
	for _, name := range plainFields() {
		if !fills(name) {
			x.find("task.field", "field", name)
		}
	}
	x.key(d)
	x.fieldMap(d, fills)
	x.statuses(ctx)
	if len(x.out.Findings) == before {
		x.out.Fine("may create Tasks; every field of a call is there")
	}
}

// keyLength is how long a call's key is: a UUID.
const keyLength = 36

func (x *examination) key(d *salesforce.Describe) {
	f, ok := d.Field(crm.KeyField)
	switch {
	case !ok || !f.Createable:
		x.find("key.missing")
		return
	case f.Length > 0 && f.Length < keyLength:
		x.find("key.short", "length", fmt.Sprint(f.Length))
		return
	case !f.Unique:
		x.find("key.unique")
	}
	if !f.ExternalID {
		x.find("key.external")
	}
}

func (x *examination) fieldMap(d *salesforce.Describe, fills func(string) bool) {
	for _, m := range x.wants.Task.Map {
		if m.Field != "" && !fills(m.Field) {
			x.find("map.field", "field", m.Field)
		}
	}
	for _, name := range x.wants.Mapped {
		if !fills(name) {
			x.find("data.field", "field", name)
		}
	}
	all := crm.DefaultFieldMap()
	var gone []string
	for _, m := range all {
		if !fills(m.Field) {
			gone = append(gone, strings.TrimSuffix(strings.TrimPrefix(m.Field, "Offhook_"), "__c"))
		}
	}
	if n := len(gone); n > 0 {
		x.find("fields.package", "count", fmt.Sprint(n), "all", fmt.Sprint(len(all)), "fields", strings.Join(gone, ", "))
	}
}

func (x *examination) statuses(ctx context.Context) {
	page, err := x.sf.Query(ctx, salesforce.Select("ApiName", "MasterLabel", "IsClosed", "SortOrder").From("TaskStatus").OrderBy("SortOrder", false))
	if err != nil || len(page.Records) == 0 {
		x.hidden(err)
		x.find("status.unknown")
		return
	}
	var all, closed []string
	for _, r := range page.Records {
		name := or(r.Str("ApiName"), r.Str("MasterLabel"))
		all = append(all, name)
		if r.Bool("IsClosed") {
			closed = append(closed, name)
		}
	}
	if closed == nil {
		x.find("status.closed")
		return
	}
	used := closed[0]
	if slices.Contains(closed, "Completed") {
		used = "Completed"
	}
	if s := x.wants.Task.Status; s != "" && !slices.Contains(closed, s) {
		x.find("status.setting", "status", s, "used", used, "closed", strings.Join(closed, ", "))
	}
	for _, action := range slices.Sorted(maps.Keys(x.wants.Task.Statuses)) {
		if s := x.wants.Task.Statuses[action]; !slices.Contains(all, s) {
			x.find("status.action", "status", s, "action", action, "statuses", strings.Join(all, ", "))
		}
	}
}

// customers looks at the objects that callers are looked up in, as the softphone layout has them.
func (x *examination) customers(ctx context.Context) {
	objects, fields := x.searched()
	var gone, fine []string
	for _, o := range objects {
		d, err := x.describe(ctx, o)
		if err != nil {
			gone = append(gone, o)
			continue
		}
		if !slices.ContainsFunc(d.Fields, func(f salesforce.Field) bool {
			return f.Type == "phone" && !strings.Contains(strings.ToLower(f.Name), "fax")
		}) {
			x.find("object.phone", "object", o)
		} else {
			fine = append(fine, o)
		}
		for _, f := range fields[o] {
			if base, _, path := strings.Cut(f, "."); !d.Has(base) && !path {
				x.find("layout.field", "object", o, "field", f)
			}
		}
		if _, err := x.sf.CompactLayout(ctx, salesforce.Ident(o)); x.hidden(err) {
			x.find("object.compact", "object", o)
		}
	}
	if len(gone) > 0 && len(gone) == len(objects) {
		x.find("lookup.none", "objects", strings.Join(gone, ", "))
		return
	}
	for _, o := range gone {
		x.find("object.hidden", "object", o)
	}
	if len(fine) > 0 {
		x.out.Fine("callers are looked up in " + strings.Join(fine, ", "))
	}
	x.creates(ctx, gone)
	if !slices.Contains(objects, "Case") {
		if _, err := x.describe(ctx, "Case"); err != nil {
			x.find("case.hidden")
		}
	}
}

// creates looks at what the New form makes.
func (x *examination) creates(ctx context.Context, gone []string) {
	o := or(x.wants.NoMatch, "Lead")
	if l := x.wants.Layout; l != nil && l.Inbound.NoMatch.Type == layout.PopToEntity {
		o = l.Inbound.New()
	}
	d, err := x.describe(ctx, o)
	switch {
	case err != nil && slices.Contains(gone, o): // said already, with the same step
	case err != nil || !d.Createable:
		x.find("object.create", "object", o)
	default:
		x.out.Fine("may create a " + o + " for an unknown caller")
	}
}

// searched returns the objects in order, and the fields that the layout shows of each.
func (x *examination) searched() (objects []string, fields map[string][]string) {
	fields = map[string][]string{}
	if x.wants.Layout == nil {
		return []string{"Contact", "Lead", "Account"}, fields
	}
	for _, c := range []layout.CallType{x.wants.Layout.Inbound, x.wants.Layout.Outbound} {
		for _, o := range c.Objects {
			if !slices.Contains(objects, o.Name) {
				objects = append(objects, o.Name)
			}
			for _, f := range o.Fields {
				if !slices.Contains(fields[o.Name], f.Name) {
					fields[o.Name] = append(fields[o.Name], f.Name)
				}
			}
		}
	}
	return objects, fields
}

// extras looks at what only some settings need.
func (x *examination) extras(ctx context.Context) {
	describe := func(o string) *salesforce.Describe {
		d, err := x.describe(ctx, o)
		if err != nil {
			return nil
		}
		return d
	}
	for _, o := range x.wants.Creates {
		if d := describe(o); d == nil || !d.Createable {
			x.find("create.object", "object", o)
		}
	}
	if x.wants.Campaigns {
		x.campaigns(describe)
	}
	if key := x.wants.LeadKey; key != "" {
		o := or(x.wants.LeadObject, "Lead")
		f, ok := describe(o).Field(key)
		if !ok || !f.ExternalID || !f.Createable {
			x.find("lead.key", "object", o, "field", key)
		}
	}
	if x.wants.Voice {
		d, why := describe("VoiceCall"), ""
		switch {
		case d == nil:
			why = "the org has none, or the user may not see them"
		case !d.Createable:
			why = "a permission set of Salesforce's telephony is missing"
		default:
			for _, name := range []string{"CallStartDateTime", "CallEndDateTime", "CallType", "FromPhoneNumber", "VendorCallKey"} {
				if f, ok := d.Field(name); !ok || !f.Createable {
					why = "not the field " + name
				}
			}
		}
		if why != "" {
			x.find("voice.off", "why", why)
		}
	}
	if x.wants.Attach {
		if d := describe("ContentVersion"); d == nil || !d.Createable {
			x.find("attach.off")
		}
	}
	x.duplicateRules(ctx)
}

func (x *examination) campaigns(describe func(string) *salesforce.Describe) {
	if describe("Campaign") == nil {
		x.find("campaign.hidden", "object", "Campaigns")
		return
	}
	d := describe("CampaignMember")
	if d == nil {
		x.find("campaign.hidden", "object", "Campaign Members")
		return
	}
	before := len(x.out.Findings)
	if f, ok := d.Field("Status"); !ok || !f.Updateable {
		x.find("campaign.update")
	}
	if s := describe("CampaignMemberStatus"); x.wants.NewStatuses && (s == nil || !s.Createable) {
		x.find("campaign.status")
	}
	if len(x.out.Findings) == before {
		x.out.Fine("may see campaigns and change their members")
	}
}

// duplicateRules tells which objects have active ones. Most users may not see them: then there is nothing to say.
func (x *examination) duplicateRules(ctx context.Context) {
	page, err := x.sf.Query(ctx, salesforce.Select("Id", "SobjectType").From("DuplicateRule").Where(salesforce.Eq("IsActive", salesforce.Bool(true))).Limit(200))
	if err != nil {
		return
	}
	var on []string
	for _, r := range page.Records {
		if o := r.Str("SobjectType"); slices.Contains([]string{"Account", "Contact", "Lead", or(x.wants.NoMatch, "Lead")}, o) && !slices.Contains(on, o) {
			on = append(on, o)
		}
	}
	if len(on) > 0 {
		slices.Sort(on)
		x.find("duplicate.rule", "objects", strings.Join(on, ", "))
	}
}
