package crm

import (
	"math"
	"strconv"
	"strings"
	"time"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// CanFill reports whether values can go into fields of the describe type at all.
func CanFill(f salesforce.Field) bool {
	switch f.Type {
	case "string", "textarea", "phone", "url", "email", "encryptedstring", "combobox", "picklist", "multipicklist",
		"double", "currency", "percent", "int", "long", "boolean", "date", "datetime", "time", "reference":
		return true
	}
	return false
}

// convert makes the JSON value of a field from a fact, as the field's description wants it. False: this fact does not fit, and the
// field is left out; a record is never refused for it.
func convert(v value, f salesforce.Field, loc *time.Location) (any, bool) {
	if v.empty() {
		return nil, false
	}
	switch f.Type {
	case "picklist", "multipicklist":
		return pick(v.text, f)
	case "double", "currency", "percent":
		return decimal(v, f)
	case "int", "long":
		return whole(v, f)
	case "boolean":
		return yesNo(v.text)
	case "datetime", "date", "time":
		return clock(v, f.Type, loc)
	case "reference":
		return v.text.String(), salesforce.ValidID(v.text.String())
	case "email":
		s := v.text.String()
		return s, strings.Count(s, "@") == 1 && !strings.ContainsAny(s, " <>") && fits(s, f)
	case "url":
		return v.text.String(), fits(v.text.String(), f) // half an address leads nowhere
	}
	s := v.text
	if f.Length > 0 {
		s = s.Runes(f.Length)
	}
	return s.String(), true
}

func fits(s string, f salesforce.Field) bool { return f.Length <= 0 || len([]rune(s)) <= f.Length }

// pick finds the value of a picklist; only an unrestricted one takes others.
func pick(s text.Text, f salesforce.Field) (any, bool) {
	for _, p := range f.Picklist {
		if p.Active && (strings.EqualFold(p.Value, s.String()) || strings.EqualFold(p.Label, s.String())) {
			return p.Value, true
		}
	}
	if f.Restricted {
		return nil, false
	}
	return s.Runes(255).String(), true
}

func figure(v value) (float64, bool) {
	if v.num != nil {
		return *v.num, true
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(v.text.String()), 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

func decimal(v value, f salesforce.Field) (any, bool) {
	n, ok := figure(v)
	digits := 15
	if f.Precision > 0 {
		digits = min(digits, f.Precision-f.Scale)
	}
	return n, ok && math.Abs(n) < math.Pow10(digits)
}

func whole(v value, f salesforce.Field) (any, bool) {
	n, ok := figure(v)
	digits := 9
	if f.Digits > 0 {
		digits = min(digits, f.Digits)
	}
	if !ok || math.Abs(n) >= math.Pow10(digits) {
		return nil, false
	}
	return int64(math.Round(n)), true
}

func yesNo(s text.Text) (any, bool) {
	switch strings.ToLower(s.String()) {
	case "true", "yes", "on", "1":
		return true, true
	case "false", "no", "off", "0", "none":
		return false, true
	}
	return nil, false
}

// clock is a date in the agent's zone, a moment in UTC or a time of day.
func clock(v value, kind string, loc *time.Location) (any, bool) {
	at := v.at
	if at.IsZero() {
		s := strings.TrimSpace(v.text.String())
		for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.DateOnly} {
			if t, err := time.ParseInLocation(layout, s, loc); err == nil {
				at = t
				break
			}
		}
	}
	if y := at.Year(); at.IsZero() || y < 1700 || y > 4000 { // what Salesforce takes
		return nil, false
	}
	switch kind {
	case "date":
		return at.In(loc).Format(time.DateOnly), true
	case "time":
		return at.In(loc).Format("15:04:05.000") + "Z", true
	}
	return at.UTC().Format(salesforce.TimeLayout), true
}

// Mapped are the fields that the map fills for a call. What names the field wins over what came later.
func (s TaskSettings) Mapped(rec CallRecord) map[string]any {
	out := map[string]any{}
	put := func(field string, v value) {
		f, ok := s.Targets[strings.ToLower(field)]
		if !ok {
			return
		}
		if _, have := out[f.Name]; have {
			return
		}
		if got, ok := convert(v, f, s.Subject.Location()); ok {
			out[f.Name] = got
		}
	}
	for _, m := range s.Map {
		if m.Field != "" {
			put(m.Field, valueOf(m.Value, rec, s))
		}
	}
	for _, v := range rec.Vars {
		put(v.Field, value{text: v.Value})
	}
	for _, m := range s.mapOf() {
		put(m.Field, valueOf(m.Value, rec, s))
	}
	return out
}
