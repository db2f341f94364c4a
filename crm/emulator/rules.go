package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// ValidationRule refuses a record for which a condition, written as the WHERE clause of a query, holds:
// {"object":"Task","when":"IsClosed = true AND CallDisposition = null","field":"CallDisposition","message":"Choose a result."}.
type ValidationRule struct {
	Object  string `json:"object"`
	When    string `json:"when"`
	Field   string `json:"field,omitempty"` // the field that the message stands at; "": the top of the page
	Message string `json:"message"`
}

// DuplicateRule refuses a record that agrees with another one in all the fields of Match. Phone means any telephone
// number of the other record, in digits; texts are compared without case. With AllowSave a person, or the header
// Sforce-Duplicate-Rule-Header: allowSave=true, may save it anyway.
type DuplicateRule struct {
	Object    string   `json:"object"`
	Name      string   `json:"name,omitempty"` // "": Standard_<Object>_Duplicate_Rule
	Match     []string `json:"match"`
	Against   []string `json:"against,omitempty"` // objects to compare with; none: the same one
	AllowSave bool     `json:"allowSave,omitempty"`
	Message   string   `json:"message,omitempty"`
}

const maxRules = 100

// checkRuleSettings refuses rules that could never be carried out, in words for the admin.
func (set *Settings) checkRuleSettings(s *schema) error {
	if len(set.ValidationRules) > maxRules || len(set.DuplicateRules) > maxRules || len(set.RecordTypes) > maxRules {
		return fmt.Errorf("an org has %d rules and record types of each sort at most", maxRules)
	}
	for i, r := range set.ValidationRules {
		o := s.object(r.Object)
		if o == nil || !o.createable {
			return fmt.Errorf("validation rule %d: there are no rules for %q", i+1, r.Object)
		}
		if strings.TrimSpace(r.Message) == "" {
			return fmt.Errorf("validation rule %d needs a message", i+1)
		}
		if r.Field != "" && o.field(r.Field) == nil {
			return fmt.Errorf("validation rule %d: %s has no field %q", i+1, o.name, r.Field)
		}
		if _, err := parseCondition(s, o, r.When, env{}); err != nil {
			return fmt.Errorf("validation rule %d: %w", i+1, err)
		}
	}
	for i, r := range set.DuplicateRules {
		o := s.object(r.Object)
		if o == nil || !o.createable || len(r.Match) == 0 {
			return fmt.Errorf("duplicate rule %d needs an object and the fields that match", i+1)
		}
		for _, name := range append([]string{r.Object}, r.Against...) {
			other := s.object(name)
			if other == nil {
				return fmt.Errorf("duplicate rule %d: there is no object %q", i+1, name)
			}
			for _, m := range r.Match {
				if f := other.field(m); f == nil || f.kind != "phone" && f.kind != "email" && f.kind != "string" {
					return fmt.Errorf("duplicate rule %d: %s has no telephone number, address or text %q", i+1, other.name, m)
				}
			}
		}
	}
	return set.checkRecordTypes(s)
}

// parseCondition reads a condition that stands alone.
func parseCondition(s *schema, o *object, src string, e env) (*cond, error) {
	if len(src) > maxQuery {
		return nil, fail(http.StatusBadRequest, "MALFORMED_QUERY", "the condition is too long")
	}
	toks, err := lex(src)
	if err != nil {
		return nil, err
	}
	for _, t := range toks {
		if t.is("SELECT") {
			return nil, fail(http.StatusBadRequest, "MALFORMED_QUERY", "a rule's condition has no query of its own")
		}
	}
	p := &parser{src: src, toks: toks, schema: s, env: e}
	c, err := p.condition(o)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokEnd {
		return nil, p.unexpected(t)
	}
	return c, nil
}

// validate applies the org's rules to a row as it would be stored, with everything derived; in is what the client gave.
func (st *store) validate(t *table, row, in map[string]any, old *record, w *writer) error {
	if w.seed {
		return nil
	}
	o := t.object
	would := &record{table: t, fields: row}
	if old != nil {
		would.id, would.n = old.id, old.n
	}
	for _, rule := range st.org.ValidationRules {
		if !strings.EqualFold(rule.Object, o.name) {
			continue
		}
		c, err := parseCondition(st.schema, o, rule.When, env{store: st, now: st.clock(), zone: st.timeZone(w.user)})
		if err != nil { // a field of the rule was taken away since
			continue
		}
		if c.holds(st, would, row) {
			var fields []string
			if f := o.field(rule.Field); f != nil {
				fields = append(fields, f.name)
			}
			return badField("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.Message, fields...)
		}
	}
	for i := range st.org.DuplicateRules {
		rule := &st.org.DuplicateRules[i]
		if !strings.EqualFold(rule.Object, o.name) || rule.AllowSave && w.allowSave ||
			old != nil && !slices.ContainsFunc(rule.Match, func(m string) bool { return o.field(m) != nil && in[o.field(m).name] != nil }) {
			continue
		}
		if matches := st.duplicatesOf(rule, o, row, old); len(matches) > 0 {
			return refuseDuplicate(rule, o, matches, w.details)
		}
	}
	return nil
}

const maxMatches = 10

// duplicatesOf finds the records that a new or changed row agrees with.
func (st *store) duplicatesOf(rule *DuplicateRule, o *object, row map[string]any, self *record) []*record {
	against := rule.Against
	if len(against) == 0 {
		against = []string{o.name}
	}
	var out []*record
	for _, name := range against {
		t := st.table(name)
		if t == nil {
			continue
		}
		try := func(r *record) bool {
			if !r.deleted && (self == nil || r.id != self.id) && rule.agrees(o, row, r) {
				out = append(out, r)
			}
			return len(out) < maxMatches
		}
		if find, narrow, ok := rule.lookUp(o, t.object, row); !ok {
			continue
		} else if find != nil {
			st.candidates(t, *find, "PHONE", try)
		} else {
			st.scan(t, narrow, try)
		}
	}
	return out
}

// lookUp chooses the index for a rule; false when the row lacks one of the fields, and so agrees with nothing.
func (rule *DuplicateRule) lookUp(o, other *object, row map[string]any) (find *searchExpr, narrow narrowing, ok bool) {
	for _, m := range rule.Match {
		f := o.field(m)
		if f == nil {
			return nil, nil, false
		}
		v, _ := row[f.name].(string)
		if v == "" {
			return nil, nil, false
		}
		narrow = both(narrow, is(other, m, v))
		if f.kind == "phone" {
			any := &searchExpr{op: "or"}
			for _, digits := range readings(v) {
				if len(digits) >= minPhone {
					any.parts = append(any.parts, searchExpr{term: makeTerm(digits)})
				}
			}
			if len(any.parts) == 0 {
				return nil, nil, false
			}
			find = any
			narrow = nil
			break
		}
	}
	return find, narrow, true
}

const minPhone = 6 // fewer digits say nothing about a person

func (rule *DuplicateRule) agrees(o *object, row map[string]any, r *record) bool {
	for _, m := range rule.Match {
		f := o.field(m)
		want, _ := row[f.name].(string)
		if f.kind == "phone" {
			if !samePhone(want, r) {
				return false
			}
			continue
		}
		other := r.table.object.field(m)
		if other == nil || want == "" || !strings.EqualFold(r.str(other.name), want) {
			return false
		}
	}
	return true
}

// samePhone compares all digits of a number with every telephone number of a record.
func samePhone(number string, r *record) bool {
	for _, digits := range readings(number) {
		if len(digits) < minPhone {
			continue
		}
		t := makeTerm(digits)
		for _, f := range r.table.object.fields {
			if v, ok := r.fields[f.name].(string); ok && f.kind == "phone" && t.inPhone(v, Normalise) {
				return true
			}
		}
	}
	return false
}
