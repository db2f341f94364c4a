package emulator

import (
	"fmt"
	"slices"
	"strings"
)

// RecordType is one of an object's record types. The first one with Default is what a record gets that names none.
// Picklists narrow the values of picklist fields: {"Status":["New","Closed"]}; what it does not name has all values.
type RecordType struct {
	Object        string              `json:"object"`
	DeveloperName string              `json:"developerName"`
	Name          string              `json:"name,omitempty"` // "": the developer name
	Default       bool                `json:"default,omitempty"`
	Picklists     map[string][]string `json:"picklists,omitempty"`
	person        bool
}

// personType is the record type that an org with person accounts has on Account, beside the one for companies.
const personType = "PersonAccount"

// recordTypes lists what the settings say, with the two that person accounts bring.
func (set *Settings) recordTypes() []RecordType {
	out := slices.Clone(set.RecordTypes)
	if !set.PersonAccounts {
		return out
	}
	business := !slices.ContainsFunc(out, func(r RecordType) bool { return strings.EqualFold(r.Object, "Account") && r.Default })
	return append(out, RecordType{Object: "Account", DeveloperName: "Business_Account", Name: "Business Account", Default: business},
		RecordType{Object: "Account", DeveloperName: personType, Name: "Person Account", person: true})
}

// typed are the objects that can have record types.
var typed = []string{"Account", "Contact", "Lead", "Opportunity", "Case", "Campaign", "Task", "Machine__c"}

func (set *Settings) checkRecordTypes(s *schema) error {
	seen := make(map[string]bool)
	for i, r := range set.RecordTypes {
		o := s.object(r.Object)
		if o == nil || !slices.Contains(typed, o.name) {
			return fmt.Errorf("record type %d: %q has no record types here; use one of %s", i+1, r.Object, strings.Join(typed, ", "))
		}
		key := o.name + "." + strings.ToLower(r.DeveloperName)
		if r.DeveloperName == "" || strings.ContainsAny(r.DeveloperName, " .'") || seen[key] || strings.EqualFold(r.DeveloperName, personType) {
			return fmt.Errorf("record type %d: %q is not a free developer name of %s", i+1, r.DeveloperName, o.name)
		}
		seen[key] = true
		for name, values := range r.Picklists {
			f := o.field(name)
			if f == nil || len(f.values) == 0 {
				return fmt.Errorf("record type %s: %s has no picklist %q", r.DeveloperName, o.name, name)
			}
			for _, v := range values {
				if !f.offers(v) {
					return fmt.Errorf("record type %s: %s.%s has no value %q", r.DeveloperName, o.name, f.name, v)
				}
			}
		}
	}
	return nil
}

// typedObjects are the objects with record types in this org.
func (set *Settings) typedObjects() []string {
	var out []string
	for _, r := range set.recordTypes() {
		if !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, r.Object) }) {
			out = append(out, r.Object)
		}
	}
	return out
}

// keepRecordTypes makes the rows of RecordType agree with the settings: new ones are made, dropped ones become inactive.
func (st *store) keepRecordTypes(set *Settings) error {
	o := st.schema.object("RecordType")
	if o == nil {
		return nil
	}
	w := &writer{seed: true}
	wanted := set.recordTypes()
	is := func(r *record, t RecordType) bool {
		return strings.EqualFold(r.str("SobjectType"), t.Object) && strings.EqualFold(r.str("DeveloperName"), t.DeveloperName)
	}
	var have []*record
	st.each(o.name, nil, func(r *record) bool { have = append(have, r); return true })
	for _, r := range have {
		active := slices.ContainsFunc(wanted, func(t RecordType) bool { return is(r, t) })
		if active != r.bool("IsActive") {
			if err := st.update(r, map[string]any{"IsActive": active}, w); err != nil {
				return err
			}
		}
	}
	for _, t := range wanted {
		if slices.ContainsFunc(have, func(r *record) bool { return is(r, t) }) {
			continue
		}
		name := t.Name
		if name == "" {
			name = t.DeveloperName
		}
		if _, err := st.insert(o, map[string]any{"SobjectType": st.schema.object(t.Object).name, "DeveloperName": t.DeveloperName, "Name": name,
			"IsActive": true, "IsPersonType": t.person}, w); err != nil {
			return err
		}
	}
	return nil
}

// typeOfRecord is the RecordType row and its settings that a row of o has, or gets by default; nil when o has none.
func (st *store) typeOfRecord(o *object, id string) (*record, *RecordType) {
	if o.field("RecordTypeId") == nil {
		return nil, nil
	}
	types := st.org.recordTypes()
	var fallback, hit *record
	var fallbackType, hitType *RecordType
	st.each("RecordType", nil, func(r *record) bool {
		i := slices.IndexFunc(types, func(t RecordType) bool {
			return strings.EqualFold(t.Object, o.name) && strings.EqualFold(t.DeveloperName, r.str("DeveloperName"))
		})
		if i < 0 || !strings.EqualFold(r.str("SobjectType"), o.name) {
			return true
		}
		if id != "" && r.id[:15] == id[:min(15, len(id))] {
			hit, hitType = r, &types[i]
		}
		if types[i].Default && fallback == nil {
			fallback, fallbackType = r, &types[i]
		}
		return hit == nil
	})
	if id == "" {
		return fallback, fallbackType
	}
	return hit, hitType
}

// checkRecordType refuses a record type of another object, and values of restricted picklists that the record type does
// not offer. It fills in the default; a new record gets no default value that its type does not offer.
func (st *store) checkRecordType(o *object, row, in map[string]any, fresh bool) error {
	if o.field("RecordTypeId") == nil {
		return nil
	}
	id, _ := row["RecordTypeId"].(string)
	r, t := st.typeOfRecord(o, id)
	if r == nil {
		if id != "" && in["RecordTypeId"] != nil {
			return badField("INVALID_CROSS_REFERENCE_KEY", "Record Type ID: this ID value isn't valid for the user: "+id, "RecordTypeId")
		}
		return nil
	}
	row["RecordTypeId"] = r.id
	for name, values := range t.Picklists {
		f := o.field(name)
		if f == nil {
			continue
		}
		v, given := in[f.name].(string)
		if own, _ := row[f.name].(string); fresh && !given && own != "" && !slices.Contains(values, own) {
			row[f.name] = nil
			if !f.nillable && len(values) > 0 {
				row[f.name] = values[0]
			}
		}
		if given && f.restricted && !slices.Contains(values, v) {
			return badField("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", fmt.Sprintf("%s: bad value for restricted picklist field: %s", f.label, v), f.name)
		}
	}
	return nil
}

// recordTypeInfos is what describe says of an object's record types: the master stands last.
func (s *Server) recordTypeInfos(c *call, o *object) []any {
	out := []any{}
	some := false
	if o.field("RecordTypeId") != nil {
		def, _ := s.store.typeOfRecord(o, "")
		s.store.each("RecordType", nil, func(r *record) bool {
			if strings.EqualFold(r.str("SobjectType"), o.name) {
				mapped := def != nil && def.id == r.id
				some = some || mapped
				out = append(out, map[string]any{"active": r.bool("IsActive"), "available": r.bool("IsActive"), "defaultRecordTypeMapping": mapped,
					"developerName": r.str("DeveloperName"), "master": false, "name": r.str("Name"), "recordTypeId": r.id,
					"urls": map[string]any{"layout": c.data("/sobjects/" + o.name + "/describe/layouts/" + r.id)}})
			}
			return true
		})
	}
	return append(out, map[string]any{"active": true, "available": true, "defaultRecordTypeMapping": !some, "developerName": "Master", "master": true,
		"name": "Master", "recordTypeId": masterRecordType, "urls": map[string]any{}})
}
