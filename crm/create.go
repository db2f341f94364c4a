package crm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// SaveAnyway is a key of Create's values: "true" saves a record although a duplicate rule that allows it objects.
const SaveAnyway = "$saveAnyway"

// DuplicateError says that Salesforce has such a record already.
type DuplicateError struct {
	Hits      []Hit // the existing records, as far as this user may see them
	AllowSave bool  // Create with SaveAnyway would be accepted
	Err       error
}

func (e *DuplicateError) Error() string {
	line := salesforce.Line(e.Err)
	var names []string
	for _, h := range e.Hits {
		if !h.Name.Empty() && len(names) < 3 {
			names = append(names, h.Name.String()+" ("+h.Type+")")
		}
	}
	if len(names) == 0 {
		return line
	}
	return line + " – " + strings.Join(names, ", ")
}

func (e *DuplicateError) Unwrap() error { return e.Err }

// Create makes a record of form values (API name to what was typed; an empty one takes a default away). When Salesforce objects, the
// form comes back with the complaint at its field or at its head, together with the error; nothing was created then. An error without
// a form is about the request: the text says whether the record may exist.
func (d *Directory) Create(ctx context.Context, object string, values map[string]string) (Ref, *Form, error) {
	object = or(object, d.set.NewObject)
	bp, err := d.blueprint(ctx, object, false)
	if err != nil {
		return Ref{}, nil, err
	}
	bp.kind, _ = bp.pages.Type(values[RecordTypeField])
	form := d.makeForm(bp)
	form.take(values)
	body, ok := d.bodyOf(bp, &form, values)
	if !ok {
		return Ref{}, &form, &LineError{Line: form.Error.String()}
	}
	rule := &salesforce.DuplicateRule{AllowSave: values[SaveAnyway] == "true"}
	id, err := d.sf.Create(ctx, salesforce.Ident(object), body, rule)
	if err != nil {
		err = d.createError(err)
		return Ref{}, d.complain(&form, bp.desc, err), err
	}
	ref := Ref{Type: object, ID: id, Name: recordName(object, values)}
	d.rememberNew(ref, bp.desc, body)
	return ref, nil, nil
}

// rememberNew keeps a record that was made here with its numbers: the next call finds it before Salesforce's index does.
func (d *Directory) rememberNew(ref Ref, desc *salesforce.Describe, body map[string]any) {
	var phones []string
	for _, f := range desc.Fields {
		if v, ok := body[f.Name].(string); ok && f.Type == "phone" && v != "" {
			phones = append(phones, v)
		}
	}
	company, _ := body["Company"].(string)
	d.remember(Hit{Ref: ref, Detail: text.Clean(company)}, phones)
}

// take puts what was typed into the form.
func (f *Form) take(values map[string]string) {
	for i := range f.Fields {
		if v, ok := values[f.Fields[i].Name]; ok {
			f.Fields[i].Value = text.CleanBlock(v, maxValue)
		} else {
			f.Fields[i].Value = text.Block{}
		}
	}
}

// bodyOf turns texts into what Salesforce takes, and finds what is missing or wrong before asking. Values of fields that the form does
// not show are taken as well: a rule of the settings may fill them.
func (d *Directory) bodyOf(bp blueprint, form *Form, values map[string]string) (map[string]any, bool) {
	body := map[string]any{}
	ok := true
	for name, v := range values {
		f, known := bp.desc.Field(name)
		v = strings.TrimSpace(v)
		if !known || bp.edit && !f.Updateable || !bp.edit && !f.Createable {
			continue
		}
		if v == "" {
			if fd := form.Field(name); fd == nil || !fd.Required {
				body[f.Name] = nil
				if f.Type == "boolean" { // a checkbox has no nothing
					body[f.Name] = false
				}
			}
			continue
		}
		jv, err := d.jsonValue(f, v)
		if err == nil {
			err = tooLong(f, jv)
		}
		if _, narrowed := bp.kind.Picklists[f.Name]; err == nil && (narrowed || f.Restricted || f.Dependent) {
			err = form.offers(name, v, values)
		}
		if err != nil {
			ok = form.fail([]string{f.Name}, err.Error())
			continue
		}
		body[f.Name] = jv
	}
	var missing []string
	for _, f := range form.Fields {
		v, given := values[f.Name]
		desc, _ := bp.desc.Field(f.Name)
		if f.Required && f.Error.Empty() && strings.TrimSpace(v) == "" && (given || !bp.edit && !desc.Defaulted) && f.Name != RecordTypeField {
			missing = append(missing, f.Name)
		}
	}
	if len(missing) > 0 {
		for _, m := range missing {
			ok = form.fail([]string{m}, "needed")
		}
		form.Error = text.Clean("Fill in " + form.labels(missing) + ": Salesforce does not save the record without it")
	} else if !ok {
		form.Error = text.Clean("Correct the marked fields and save again")
	}
	return body, ok
}

// tooLong refuses a text that is longer than its field, before Salesforce does.
func tooLong(f salesforce.Field, v any) error {
	s, ok := v.(string)
	if n := len([]rune(s)); ok && f.Length > 0 && n > f.Length && f.Type != "date" && f.Type != "datetime" && f.Type != "time" && f.Type != "reference" {
		return fmt.Errorf("too long: %d of at most %d characters", n, f.Length)
	}
	return nil
}

// offers refuses a picklist value that the record type, or the value of the controlling field, does not offer: Salesforce takes some of
// them without a word.
func (f *Form) offers(name, v string, values map[string]string) error {
	fd := f.Field(name)
	if fd == nil || fd.Free || fd.Type != "picklist" && fd.Type != "multipicklist" {
		return nil
	}
	controlling := values[fd.Controller]
	if c := f.Field(fd.Controller); c != nil && c.Type == "boolean" && controlling == "" {
		controlling = "false"
	}
	offered := fd.Offered(controlling)
	for one := range strings.SplitSeq(v, ";") {
		if slices.ContainsFunc(offered, func(i int) bool { return fd.Options[i] == text.Clean(one) }) {
			continue
		}
		if c := f.Field(fd.Controller); c != nil {
			return fmt.Errorf("%s is not offered with this %s", text.Clean(one), c.Label)
		}
		return fmt.Errorf("%s is not offered here: choose another", text.Clean(one))
	}
	return nil
}

// complain puts Salesforce's objections where they belong; nil when the request never was judged. What is about a field that the form does
// not have stands at its head with the field's name: there is nowhere else to see what is meant.
func (d *Directory) complain(form *Form, desc *salesforce.Describe, err error) *Form {
	var twice *DuplicateError
	switch kind := salesforce.KindOf(err); {
	case errors.As(err, &twice):
		form.Duplicates, form.AllowSave = twice.Hits, twice.AllowSave
		form.Error = text.Clean(salesforce.Line(twice.Err))
		return form
	case kind == salesforce.KindValidation, kind == salesforce.KindField, kind == salesforce.KindReference:
		api := salesforce.Refusal(err)
		head := api.Message
		for _, it := range api.All {
			names := it.Fields
			if len(names) == 0 {
				names = (&salesforce.APIError{All: []salesforce.ErrorItem{it}}).NamedFields()
			}
			form.fail(names, it.Message)
			for _, n := range names {
				if f, ok := desc.Field(n); ok && form.Field(n) == nil {
					head = or(f.Label, f.Name) + " (not in this form): " + it.Message
				}
			}
		}
		form.Error = text.Clean(head)
		return form
	case kind == salesforce.KindDone, kind == salesforce.KindForbidden, kind == salesforce.KindUnlicensed, kind == salesforce.KindStale:
		form.Error = text.Clean(err.Error())
		return form
	}
	return nil
}

func (d *Directory) createError(err error) error {
	switch salesforce.KindOf(err) {
	case salesforce.KindDuplicates:
		api := salesforce.Refusal(err)
		e := &DuplicateError{Err: err}
		if api.Duplicates != nil {
			e.AllowSave = api.Duplicates.AllowSave
			for _, r := range api.Duplicates.Records() {
				if h := d.planFor(r.Type()).hit(r); !h.Zero() {
					e.Hits = append(e.Hits, h)
				}
			}
		}
		return e
	case salesforce.KindAmbiguous:
		return &LineError{Line: "Salesforce did not answer: the record may exist already; search for it before saving again", Err: err}
	case salesforce.KindDone:
		return &LineError{Line: "Salesforce has a record with this unique value already: search for it", Err: err}
	case salesforce.KindTransient:
		return &LineError{Line: "Salesforce is busy or unreachable: nothing was saved, try again in a moment", Err: err}
	}
	return lineError(err)
}

// recordName is what a new record will be called.
func recordName(object string, v map[string]string) text.Text {
	switch object {
	case "Lead", "Contact":
		return text.Clean(strings.TrimSpace(v["FirstName"] + " " + v["LastName"]))
	case "Case":
		return text.Clean(v["Subject"])
	}
	return text.Clean(v["Name"])
}
