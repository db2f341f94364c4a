package crm

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// FieldLabel is how a value of record.map is written: "agent_name" is "Agent Name". False: no call gives it.
func FieldLabel(value string) (string, bool) {
	if len(value) >= len(varPrefix) && strings.EqualFold(value[:len(varPrefix)], varPrefix) {
		name := strings.TrimSpace(value[len(varPrefix):])
		return varPrefix + name, name != ""
	}
	s, ok := sourceOf(value)
	return s.label, ok
}

// SameValue reports whether two lines of record.map are about the same value.
func SameValue(a, b string) bool {
	la, oka := FieldLabel(a)
	lb, okb := FieldLabel(b)
	if !oka || !okb {
		return oka == okb && labelKey(a) == labelKey(b)
	}
	return strings.EqualFold(la, lb)
}

// DefaultField is the field of the package that a value fills where it is installed; "" for none.
func DefaultField(value string) string {
	s, _ := sourceOf(value)
	return s.field
}

// sample is a call of which everything is known.
func sample() (CallRecord, TaskSettings) {
	at := time.Date(2026, 5, 4, 12, 30, 0, 0, time.UTC)
	return CallRecord{
		Key: "0b51dbf0-95e2-5a47-8d4f-6a2a3d0c8c11", Type: Inbound, Start: at, Answer: at.Add(9 * time.Second), End: at.Add(time.Minute),
		Number: text.Clean("020 7946 0000"), Called: text.Clean("020 7946 0999"), Agent: text.Clean("ann"), Action: "answered",
		Reason: text.Clean("the caller hung up"), Disposition: text.Clean("Interested"), HangUpBy: "customer", Place: text.Clean("London, UK"),
		Campaign: Ref{ID: "701000000000001AAA", Name: text.Clean("Spring")}, Transfer: "blind", TransferTo: text.Clean("020 7946 0123"),
		Correlation: "0b51dbf0-95e2-5a47-8d4f-6a2a3d0c8c11", Codec: "opus", Session: "0b51dbf095e25a478d4f6a2a3d0c8c11", Recording: "/calls/a.opus",
		CallbackAt: at.Add(time.Hour), VoicemailAt: at, Voicemail: 7 * time.Second, SIPCallID: text.Clean("a84b4c76e66710@pbx"), Notes: text.CleanBlock("as agreed", 100),
	}, TaskSettings{OwnerID: "005000000000001AAA"}
}

// vocabulary are all the words that a value can be; nil when it is free.
func vocabulary(label string) []string {
	switch label {
	case "Action":
		return []string{"answered", "missed", "declined", "cancelled", "transfer", "failed", "answered elsewhere", "voicemail"}
	case "Initiator":
		return []string{"agent", "customer", "campaign"}
	case "Recording Status":
		return []string{"none", "on", "paused", "stopped", "unknown"}
	case "Transfer Type":
		return []string{"blind", "attended"}
	case "Call Type":
		return []string{string(Inbound), string(Outbound), string(Internal)}
	}
	return nil
}

// pointsTo are the objects of which a value is an id.
func pointsTo(label string) []string {
	switch label {
	case "Agent ID":
		return []string{"User", "Group"}
	case "Campaign ID":
		return []string{"Campaign"}
	}
	return nil
}

// CheckField finds out from Salesforce's description of Task whether a value can go into a field: it is there, this user may fill it,
// and its type can hold the value. The field comes back as Salesforce writes it; notes are what will not always fit.
func CheckField(name, field string, task *salesforce.Describe) (f salesforce.Field, notes []string, err error) {
	label, _ := FieldLabel(name)
	f, ok := task.Field(field)
	switch {
	case !ok:
		var near []string
		for _, t := range FieldTargets(task) {
			near = append(near, t.Name)
		}
		hint := meant(field, near)
		if !strings.HasPrefix(hint, "; did") {
			hint = "; offhook fields targets shows those that are there"
		}
		return f, nil, fmt.Errorf("Task has no field %s that your user may see%s", text.Clean(field), hint)
	case !f.Createable:
		return f, nil, fmt.Errorf("%s is there, but your user may not fill it: a formula, a field of Salesforce's own, or one without the right to edit (Field-Level Security)", f.Name)
	case !CanFill(f):
		return f, nil, fmt.Errorf("%s is %s: a call's values do not go into such a field", f.Name, FieldType(f))
	case strings.HasPrefix(label, varPrefix):
		return f, nil, nil
	}
	src, _ := sourceOf(label)
	rec, set := sample()
	samples := []value{src.from(rec, set)}
	words := vocabulary(label)
	if words != nil {
		samples = nil
		for _, w := range words {
			samples = append(samples, value{text: text.Clean(w)})
		}
	}
	if f.Type == "reference" && !slices.ContainsFunc(pointsTo(label), func(o string) bool { return slices.Contains(f.ReferenceTo, o) }) {
		return f, nil, fmt.Errorf("%s is a %s: it cannot hold %s", f.Name, FieldType(f), label)
	}
	var lost []string
	cut := false
	for _, v := range samples {
		if _, ok := convert(v, f, time.UTC); !ok {
			lost = append(lost, v.text.String())
		}
		cut = cut || f.Length > 0 && len([]rune(v.text.String())) > f.Length && !strings.Contains(f.Type, "picklist")
	}
	free := words == nil && samples[0].num == nil && samples[0].at.IsZero()
	switch {
	case free && f.Restricted && strings.Contains(f.Type, "picklist"):
		notes = append(notes, f.Name+" takes only its own values: others are left out")
	case len(lost) == len(samples):
		return f, nil, fmt.Errorf("%s is %s: it cannot hold %s (as %q)", f.Name, FieldType(f), label, samples[0].text.String())
	case f.Type == "picklist" && !f.Restricted && !slices.ContainsFunc(f.Picklist, func(p salesforce.Picklist) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, p.Value) || strings.EqualFold(w, p.Label) })
	}):
		notes = append(notes, f.Name+" is a picklist that takes any text: what is not in its list stands in the record all the same")
	case len(lost) > 0:
		notes = append(notes, f.Name+" does not take "+strings.Join(lost, ", ")+": left out for such calls")
	}
	if cut {
		notes = append(notes, fmt.Sprintf("%s holds %d characters: what is longer is cut", f.Name, f.Length))
	}
	return f, notes, nil
}

// FieldTargets are the Task fields that record.map may fill, by name.
func FieldTargets(task *salesforce.Describe) (out []salesforce.Field) {
	for _, f := range task.Fields {
		if f.Createable && CanFill(f) && fieldName(f.Name) && !slices.ContainsFunc(OwnFields(), func(o string) bool { return strings.EqualFold(o, f.Name) }) {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b salesforce.Field) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return out
}

// FieldType is a field's type in the words of Setup, with its length.
func FieldType(f salesforce.Field) string {
	names := map[string]string{"string": "text", "textarea": "long text", "boolean": "checkbox", "int": "number", "double": "number", "long": "number",
		"datetime": "date and time", "multipicklist": "multi-picklist", "encryptedstring": "encrypted text"}
	name := f.Type
	if n, ok := names[f.Type]; ok {
		name = n
	}
	switch f.Type {
	case "string", "textarea", "phone", "url", "email", "encryptedstring":
		if f.Length > 0 {
			name += fmt.Sprintf(" %d", f.Length)
		}
	case "double", "currency", "percent":
		if f.Precision > 0 {
			name += fmt.Sprintf(" %d.%d", f.Precision-f.Scale, f.Scale)
		}
	case "int", "long":
		if f.Digits > 0 {
			name += fmt.Sprintf(" %d", f.Digits)
		}
	case "picklist", "multipicklist":
		if f.Restricted {
			name += ", restricted"
		}
	case "reference":
		name = "lookup (" + strings.Join(f.ReferenceTo, ", ") + ")"
	}
	return text.Clean(name).Runes(80).String()
}
