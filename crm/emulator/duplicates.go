package emulator

import (
	"slices"
	"strings"
)

// duplicates is the refusal of the fault that plays a duplicate rule. It names the record that looks most like the new
// one: same phone, e-mail or name, else the first of the object.
func (s *Server) duplicates(f *Fault, o *object, in map[string]any, details bool) *apiError {
	var match *record
	s.store.each(o.name, nil, func(r *record) bool {
		if match == nil || alike(r, in) > alike(match, in) {
			match = r
		}
		return true
	})
	var matches []*record
	if match != nil {
		matches = append(matches, match)
	}
	return refuseDuplicate(&DuplicateRule{AllowSave: f.AllowSave, Message: f.Message}, o, matches, details)
}

// refuseDuplicate words the refusal. The key is really spelt duplicateResut in replies of real orgs.
func refuseDuplicate(rule *DuplicateRule, o *object, matches []*record, details bool) *apiError {
	message, name := rule.Message, rule.Name
	if message == "" {
		message = "Use one of these records?"
	}
	if name == "" {
		name = "Standard_" + o.name + "_Duplicate_Rule"
	}
	results := []any{}
	for _, r := range matches { // one result for each object, in the order of the records
		kind := r.table.object.name
		rec := map[string]any{"attributes": map[string]any{"type": kind, "url": "/services/data/v66.0/sobjects/" + kind + "/" + r.id}, "Id": r.id}
		if details {
			for _, f := range r.table.object.compact {
				rec[f] = r.fields[f]
			}
		}
		one := map[string]any{"additionalInformation": []any{}, "fieldDiffs": []any{}, "matchConfidence": 100.0, "record": rec}
		if i := slices.IndexFunc(results, func(x any) bool { return x.(map[string]any)["entityType"] == kind }); i >= 0 {
			res := results[i].(map[string]any)
			res["matchRecords"] = append(res["matchRecords"].([]any), one)
			res["size"] = len(res["matchRecords"].([]any))
			continue
		}
		results = append(results, matchResult(kind, one))
	}
	if len(results) == 0 {
		results = append(results, matchResult(o.name))
	}
	return &apiError{Status: 400, Code: "DUPLICATES_DETECTED", Message: message, Fields: []string{}, Extra: map[string]any{
		"duplicateResut": map[string]any{"allowSave": rule.AllowSave, "duplicateRule": name, "duplicateRuleEntityType": o.name, "errorMessage": message,
			"matchResults": results}}}
}

func matchResult(kind string, records ...any) map[string]any {
	if records == nil {
		records = []any{}
	}
	return map[string]any{"entityType": kind, "errors": []any{}, "matchEngine": "ExactMatchEngine", "matchRecords": records,
		"rule": "Standard_" + kind + "_Match_Rule_v1_0", "size": len(records), "success": true}
}

// mayDuplicate tells whether duplicate rules can exist for an object when the fault names none.
func mayDuplicate(object string) bool {
	return slices.Contains([]string{"Account", "Contact", "Lead"}, object)
}

func alike(r *record, in map[string]any) int {
	n := 0
	for _, name := range []string{"Phone", "MobilePhone", "Email", "Name", "LastName"} {
		a, _ := in[name].(string)
		if b := r.str(name); a != "" && strings.EqualFold(a, b) {
			n++
		}
	}
	return n
}
