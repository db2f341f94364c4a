package crm

import (
	"fmt"
	"strings"
)

// Fill makes the values of a record's fields from a call.
type Fill struct{ fields map[string][]*Template }

// ParseFill reads "LastName = {name} || {number}; Phone = {number}": each field with the placeholders of record.description, and after ||
// what stands there instead when nothing else is known.
func ParseFill(s string) (Fill, error) {
	f := Fill{fields: map[string][]*Template{}}
	for one := range strings.SplitSeq(s, ";") {
		if strings.TrimSpace(one) == "" {
			continue
		}
		name, value, ok := strings.Cut(one, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" || strings.ContainsAny(name, " {}'\"") {
			return Fill{}, fmt.Errorf("%q is no field and its value: write it as LastName = {name}", strings.TrimSpace(one))
		}
		for alternative := range strings.SplitSeq(value, "||") {
			t, err := ParseTemplate(strings.TrimSpace(alternative))
			if err != nil {
				return Fill{}, fmt.Errorf("%s: %w", name, err)
			}
			f.fields[name] = append(f.fields[name], t)
		}
	}
	return f, nil
}

// Values are the fields of a call, without the empty ones.
func (f Fill) Values(rec CallRecord, s TaskSettings) map[string]string {
	out := map[string]string{}
	for name, alternatives := range f.fields {
		for _, t := range alternatives {
			if v := strings.TrimSpace(t.render(rec, s, MaskCards(rec.Notes.String()))); v != "" {
				out[name] = v
				break
			}
		}
	}
	return out
}
