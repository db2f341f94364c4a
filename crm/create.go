package crm

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
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

// Create makes a record of form values (API name to text; empty ones are left out). When Salesforce objects, the form
// comes back with the complaint at its field or at its head, together with the error; nothing was created then. An error
// without a form is about the request: the text says whether the record may exist.
func (d *Directory) Create(ctx context.Context, object string, values map[string]string) (Ref, *Form, error) {
	object = or(object, d.set.NewObject)
	desc, err := d.describeFor(ctx, object)
	if err != nil {
		return Ref{}, nil, err
	}
	form := &Form{Object: object, Label: text.Clean(or(desc.Label, object))}
	for _, f := range inputs(desc, object) {
		ff := formField(f)
		ff.Value = text.Clean(values[f.Name])
		form.Fields = append(form.Fields, ff)
	}
	body, ok := d.bodyOf(desc, form, values)
	if !ok {
		return Ref{}, form, &LineError{Line: form.Error.String()}
	}
	rule := &salesforce.DuplicateRule{AllowSave: values[SaveAnyway] == "true"}
	id, err := d.sf.Create(ctx, salesforce.Ident(object), body, rule)
	if err != nil {
		return Ref{}, d.complain(form, err), d.createError(err)
	}
	ref := Ref{Type: object, ID: id, Name: recordName(object, values)}
	var phones []string
	for _, f := range desc.Fields {
		if v := values[f.Name]; f.Type == "phone" && v != "" {
			phones = append(phones, v)
		}
	}
	d.remember(Hit{Ref: ref, Detail: text.Clean(values["Company"])}, phones)
	return ref, nil, nil
}

// bodyOf turns texts into what Salesforce takes, and finds what is missing before asking.
func (d *Directory) bodyOf(desc *salesforce.Describe, form *Form, values map[string]string) (map[string]any, bool) {
	body := map[string]any{}
	ok := true
	for name, v := range values {
		f, known := desc.Field(name)
		v = strings.TrimSpace(v)
		if !known || !f.Createable || v == "" {
			continue
		}
		jv, err := jsonValue(f.Type, v)
		if err != nil {
			ok = form.fail([]string{f.Name}, err.Error())
			continue
		}
		body[f.Name] = jv
	}
	var missing []string
	for _, f := range form.Fields {
		if _, given := body[f.Name]; f.Required && !given && f.Error.Empty() {
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

func jsonValue(kind, v string) (any, error) {
	switch kind {
	case "boolean":
		switch strings.ToLower(v) {
		case "yes", "true", "y", "1", "on":
			return true, nil
		case "no", "false", "n", "0", "off":
			return false, nil
		}
		return nil, errors.New("yes or no")
	case "int", "double", "currency", "percent":
		if _, err := strconv.ParseFloat(v, 64); err != nil || !json.Valid([]byte(v)) {
			return nil, errors.New("not a number")
		}
		return json.Number(v), nil
	case "textarea":
		return text.CleanBlock(v, 128<<10).String(), nil
	}
	return text.Clean(v).String(), nil
}

// fail writes a complaint at fields; it returns false for the caller's convenience.
func (f *Form) fail(names []string, why string) bool {
	for i := range f.Fields {
		if slices.Contains(names, f.Fields[i].Name) {
			f.Fields[i].Error = text.Clean(why)
		}
	}
	return false
}

// complain puts Salesforce's objections where they belong; nil when the request never was judged.
func (d *Directory) complain(form *Form, err error) *Form {
	switch salesforce.KindOf(err) {
	case salesforce.KindValidation, salesforce.KindField, salesforce.KindReference:
		api := apiError(err)
		for _, it := range api.All {
			names := it.Fields
			if len(names) == 0 {
				names = (&salesforce.APIError{All: []salesforce.ErrorItem{it}}).NamedFields()
			}
			form.fail(names, it.Message)
		}
		form.Error = text.Clean(api.Message)
		return form
	case salesforce.KindDuplicates, salesforce.KindDone, salesforce.KindForbidden, salesforce.KindUnlicensed, salesforce.KindStale:
		form.Error = text.Clean(d.createError(err).Error())
		return form
	}
	return nil
}

func (d *Directory) createError(err error) error {
	switch salesforce.KindOf(err) {
	case salesforce.KindDuplicates:
		api := apiError(err)
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
