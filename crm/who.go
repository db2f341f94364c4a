package crm

import (
	"slices"

	"offhook/crm/salesforce"
)

// maxWhos is how many people a Task takes with Shared Activities.
const maxWhos = 50

// whoWhat maps the association to WhoId and WhatId:
//
//	matched record       WhoId                            WhatId
//	Contact              the contact                      the record opened with it, else nothing
//	Lead                 the lead                         never: Salesforce refuses it (FIELD_INTEGRITY_EXCEPTION)
//	Account              nothing                          the account
//	person account       its contact (PersonContactId)    nothing
//	Case, Opportunity    its contact, if that took part   the record
//	custom object        nothing                          the record, if activities are allowed on it
//	User, internal call  nothing                          nothing
//
// Several contacts stand in TaskWhoIds, where the org has Shared Activities.
func whoWhat(rec CallRecord, s TaskSettings) map[string]any {
	out := map[string]any{}
	if rec.Way() == Internal {
		return out
	}
	who, what := rec.Assoc.Who, rec.Assoc.What
	if salesforce.ValidID(who.ID) && (who.Type == "Contact" || who.Type == "Lead" || who.Type == "") {
		out["WhoId"] = who.ID
	}
	if salesforce.ValidID(what.ID) && !(who.Type == "Lead" && !who.Zero()) && s.about(what.Type) {
		out["WhatId"] = what.ID
	}
	if who.Type != "Contact" || !s.has("TaskWhoIds") || out["WhoId"] == nil {
		return out
	}
	all := []string{who.ID}
	for _, r := range rec.Also {
		if r.Type == "Contact" && salesforce.ValidID(r.ID) && len(all) < maxWhos && !slices.ContainsFunc(all, func(id string) bool { return SameID(id, r.ID) }) {
			all = append(all, r.ID)
		}
	}
	if len(all) > 1 {
		out["TaskWhoIds"] = all
	}
	return out
}

// about reports whether a Task can be about records of the object: describe lists what WhatId refers to.
func (s TaskSettings) about(object string) bool {
	switch object {
	case "User", "Task", "Event", "Contact", "Lead":
		return false
	}
	return object == "" || len(s.WhatTypes) == 0 || slices.Contains(s.WhatTypes, object)
}
