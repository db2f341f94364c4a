package emulator

import (
	"slices"
	"strings"
)

// duplicates is the refusal of a duplicate rule. It names the record that looks most like the new one: same phone,
// e-mail or name, else the first of the object. The key is really spelt duplicateResut in replies of real orgs.
func (s *Server) duplicates(f *Fault, o *object, in map[string]any, details bool) *apiError {
	message := f.Message
	if message == "" {
		message = "Use one of these records?"
	}
	var match *record
	s.store.each(o.name, nil, func(r *record) bool {
		if match == nil || alike(r, in) > alike(match, in) {
			match = r
		}
		return true
	})
	matches := []any{}
	if match != nil {
		rec := map[string]any{"attributes": map[string]any{"type": o.name, "url": "/services/data/v66.0/sobjects/" + o.name + "/" + match.id}, "Id": match.id}
		if details {
			for _, name := range o.compact {
				rec[name] = match.fields[name]
			}
		}
		matches = append(matches, map[string]any{"additionalInformation": []any{}, "fieldDiffs": []any{}, "matchConfidence": 100.0, "record": rec})
	}
	rule := "Standard_" + o.name + "_Duplicate_Rule"
	return &apiError{Status: 400, Code: "DUPLICATES_DETECTED", Message: message, Fields: []string{}, Extra: map[string]any{
		"duplicateResut": map[string]any{"allowSave": f.AllowSave, "duplicateRule": rule, "duplicateRuleEntityType": o.name, "errorMessage": message,
			"matchResults": []any{map[string]any{"entityType": o.name, "errors": []any{}, "matchEngine": "ExactMatchEngine",
				"matchRecords": matches, "rule": "Standard_" + o.name + "_Match_Rule_v1_0", "size": len(matches), "success": true}}}}}
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
