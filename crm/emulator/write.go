package emulator

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// writer is who writes, and under which circumstances.
type writer struct {
	user      string // 18-character id of the user
	seed      bool   // the data set may set read-only fields
	allowSave bool   // Sforce-Duplicate-Rule-Header: allowSave=true
	details   bool   // … includeRecordDetails=true
	lag       time.Duration
	// guard is asked before every write of a client; it answers with a fault that is switched on.
	guard func(op string, o *object, id string, in map[string]any) *apiError
}

// accept resolves the names and converts the values of a body; what it returns has API names and stored kinds.
func (st *store) accept(o *object, body map[string]any, w *writer, creating bool) (map[string]any, error) {
	in := make(map[string]any, len(body))
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if name == "attributes" {
			continue
		}
		f := o.field(name)
		if f == nil {
			return nil, errNoColumn(name, o.name)
		}
		if !w.seed {
			if f.name == "Id" {
				if creating {
					return nil, badField("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", "Id")
				}
				return nil, badField("INVALID_FIELD", "The Id field should not be specified in the sobject data.", "Id")
			}
			if creating && !f.create || !creating && !f.update {
				return nil, badField("INVALID_FIELD_FOR_INSERT_UPDATE", fmt.Sprintf(
					"Unable to create/update fields: %s. Please check the security settings of this field and verify that it is read/write for your profile or permission set.", f.name), f.name)
			}
		}
		v, err := f.convert(body[name])
		if err != nil {
			return nil, err
		}
		if v == nil && f.kind == "boolean" {
			v = f.def
		}
		in[f.name] = v
	}
	return in, nil
}

func (st *store) insert(o *object, body map[string]any, w *writer) (*record, error) {
	if !o.createable && !w.seed {
		return nil, fail(http.StatusBadRequest, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type %s does not support create", o.name)
	}
	in, err := st.accept(o, body, w, true)
	if err != nil {
		return nil, err
	}
	row := make(map[string]any, len(o.fields))
	for _, f := range o.fields {
		row[f.name] = nil
		if f.def != nil {
			row[f.name] = f.def
		}
		if f.kind == "boolean" {
			row[f.name] = f.def == true
		}
	}
	maps.Copy(row, in)
	if f := o.field("OwnerId"); f != nil && row["OwnerId"] == nil {
		row["OwnerId"] = w.user
	}
	now := formatMoment(st.clock())
	for name, v := range map[string]any{"CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now, "CreatedById": w.user, "LastModifiedById": w.user} {
		if row[name] == nil {
			row[name] = v
		}
	}
	if err := st.prepare(o, row, in, nil, w); err != nil {
		return nil, err
	}
	if err := st.check(o, row, in, nil, w); err != nil {
		return nil, err
	}
	if !w.seed && w.guard != nil {
		if e := w.guard("create", o, "", row); e != nil {
			return nil, e
		}
	}
	t := st.tables[o.name]
	st.derive(o, row, nil, w)
	if err := st.validate(t, row, in, nil, w); err != nil {
		return nil, err
	}
	r := st.add(t, row, w.seed)
	if err := st.after(r, w); err != nil {
		return nil, err
	}
	if !w.seed {
		st.touch(r)
	}
	return r, nil
}

func (st *store) update(r *record, body map[string]any, w *writer) error {
	o := r.table.object
	if r.deleted {
		return errDeleted()
	}
	if !o.updateable && !w.seed {
		return fail(http.StatusBadRequest, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type %s does not support update", o.name)
	}
	in, err := st.accept(o, body, w, false)
	if err != nil {
		return err
	}
	row := maps.Clone(r.fields)
	maps.Copy(row, in)
	if o.name == "Lead" && r.bool("IsConverted") && !w.seed {
		return badField("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
	}
	if err := st.mayChange(r, w); err != nil {
		return err
	}
	if err := st.prepare(o, row, in, r, w); err != nil {
		return err
	}
	if err := st.check(o, row, in, r, w); err != nil {
		return err
	}
	if !w.seed && w.guard != nil {
		if e := w.guard("update", o, r.id, in); e != nil {
			return e
		}
	}
	row["LastModifiedDate"] = formatMoment(st.clock())
	row["SystemModstamp"] = row["LastModifiedDate"]
	row["LastModifiedById"] = w.user
	st.derive(o, row, r, w)
	if err := st.validate(r.table, row, in, r, w); err != nil {
		return err
	}
	st.replace(r, row, w.lag)
	if err := st.contactOf(r, w); err != nil {
		return err
	}
	st.touch(r)
	return nil
}

func (st *store) remove(r *record, w *writer) error {
	if r.deleted {
		return errDeleted()
	}
	o := r.table.object
	if !o.deletable {
		return fail(http.StatusBadRequest, "INSUFFICIENT_ACCESS_OR_READONLY", "entity type %s does not support delete", o.name)
	}
	if err := st.mayChange(r, w); err != nil {
		return err
	}
	if w.guard != nil {
		if e := w.guard("delete", o, r.id, nil); e != nil {
			return e
		}
	}
	if contact := st.live(r.str("PersonContactId")); contact != nil && r.bool("IsPersonAccount") {
		st.drop(contact) // the two are one person
	}
	st.drop(r)
	return nil
}

// prepare fills in what the other rules of a write look at.
func (st *store) prepare(o *object, row, in map[string]any, old *record, w *writer) error {
	if err := st.preparePerson(o, row, in, old, w); err != nil {
		return err
	}
	return st.checkRecordType(o, row, in, old == nil)
}

// mayChange refuses the records that an admin took from the user.
func (st *store) mayChange(r *record, w *writer) error {
	if !w.seed && st.org.forbids(r.id) {
		return badField("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
	}
	return nil
}

func (set *Settings) forbids(id string) bool {
	return slices.ContainsFunc(set.NoAccess, func(x string) bool { return x[:15] == id[:15] })
}

// check applies the rules of a write to the row as it would be; in is what the client gave, old the row before.
func (st *store) check(o *object, row, in map[string]any, old *record, w *writer) error {
	var missing []string
	for _, f := range o.fields {
		if f.required && row[f.name] == nil {
			missing = append(missing, f.name)
		}
	}
	if len(missing) > 0 {
		return badField("REQUIRED_FIELD_MISSING", fmt.Sprintf("Required fields are missing: [%s]", strings.Join(missing, ", ")), missing...)
	}
	for _, f := range o.fields {
		v, given := in[f.name]
		if !given || v == nil || f.kind != "reference" {
			continue
		}
		if err := st.checkReference(f, v.(string), w); err != nil {
			return err
		}
	}
	if !w.seed {
		if err := st.checkRules(o, row, in); err != nil {
			return err
		}
	}
	t := st.tables[o.name]
	for _, f := range o.fields {
		if v, ok := in[f.name].(string); ok && f.unique {
			if other := st.holder(t, f, v); other != nil && (old == nil || other.id != old.id) {
				return badField("DUPLICATE_VALUE", fmt.Sprintf("duplicate value found: %s duplicates value on record with id: %s", f.name, other.id))
			}
		}
	}
	return nil
}

func (st *store) checkReference(f *field, id string, w *writer) error {
	target := st.schema.byKey[id[:3]]
	if target == nil || !slices.Contains(f.refTo, target.name) {
		return badField("MALFORMED_ID", fmt.Sprintf("%s: id value of incorrect type: %s", f.label, id), f.name)
	}
	r := st.find(id)
	switch {
	case r == nil:
		return badField("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
	case r.deleted:
		return badField("ENTITY_IS_DELETED", "entity is deleted")
	case !w.seed && st.org.forbids(r.id):
		return badField("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "insufficient access rights on cross-reference id: "+r.id)
	case f.name == "OwnerId" && target.name == "User" && !r.bool("IsActive"):
		return badField("INACTIVE_OWNER_OR_USER", fmt.Sprintf("operation performed with inactive user [%s] as owner", r.id[:15]))
	}
	return nil
}

// checkRules are the rules between fields and records.
func (st *store) checkRules(o *object, row, in map[string]any) error {
	switch o.name {
	case "Task", "Event":
		who, _ := row["WhoId"].(string)
		if strings.HasPrefix(who, "00Q") {
			if row["WhatId"] != nil {
				// The exact text is not documented; the code is.
				return badField("FIELD_INTEGRITY_EXCEPTION", "Related To ID: a task or event that has a lead as its name cannot be related to another record", "WhatId")
			}
			if lead := st.live(who); in["WhoId"] != nil && lead != nil && lead.bool("IsConverted") {
				return badField("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", "WhoId")
			}
		}
	case "CampaignMember":
		if row["LeadId"] == nil && row["ContactId"] == nil {
			return badField("REQUIRED_FIELD_MISSING", "Required fields are missing: [LeadId]", "LeadId")
		}
		for _, who := range []string{"LeadId", "ContactId"} {
			person, given := in[who].(string)
			if !given {
				continue
			}
			if m := st.first(o.name, is(o, who, person), func(m *record) bool {
				return m.fields["CampaignId"] == row["CampaignId"] && m.str(who) == person && m.id != row["Id"]
			}); m != nil {
				return badField("DUPLICATE_VALUE", fmt.Sprintf("Already a campaign member. duplicates value on record with id: %s", m.id))
			}
		}
	}
	return nil
}
