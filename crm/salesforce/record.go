package salesforce

import (
	"encoding/json"
	"strings"
)

// Record is a row as Salesforce sent it: numbers are json.Number, parents are Records under their relationship name.
// The values are foreign text: clean them before they are shown.
type Record map[string]any

// Type returns the object's API name from the attributes.
func (r Record) Type() string {
	a, _ := r["attributes"].(map[string]any)
	s, _ := a["type"].(string)
	return s
}

// ID returns the record id; when the row does not select it, the one at the end of its URL.
func (r Record) ID() string {
	if s, ok := r["Id"].(string); ok {
		return s
	}
	a, _ := r["attributes"].(map[string]any)
	u, _ := a["url"].(string)
	if id := u[strings.LastIndexByte(u, '/')+1:]; ValidID(id) {
		return id
	}
	return ""
}

// Value returns the value at a path such as Account.Name, or nil.
func (r Record) Value(path string) any {
	var cur any = map[string]any(r)
	for name := range strings.SplitSeq(path, ".") {
		m, ok := cur.(map[string]any)
		if !ok {
			return nil
		}
		cur = m[name]
	}
	return cur
}

// Str returns the value at a path as a string: "" for null, digits for a number, true or false for a boolean.
func (r Record) Str(path string) string {
	switch v := r.Value(path).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	case map[string]any: // a compound field: an address or a geolocation
		var parts []string
		for _, k := range []string{"street", "postalCode", "city", "state", "country"} {
			if s, ok := v[k].(string); ok && s != "" {
				parts = append(parts, s)
			}
		}
		return strings.Join(parts, ", ")
	}
	return ""
}

// Bool returns the boolean at a path; false when it is something else.
func (r Record) Bool(path string) bool {
	b, _ := r.Value(path).(bool)
	return b
}
