package crm

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// formFields are the fields of the New form of the standard objects, in order; those that an org or a user does not have
// fall out, and required ones that are not here are added.
var formFields = map[string][]string{
	"Lead":        {"FirstName", "LastName", "Company", "Title", "Phone", "MobilePhone", "Email", "Status", "LeadSource", "Description"},
	"Contact":     {"FirstName", "LastName", "Phone", "MobilePhone", "Email", "Title", "Department", "Description"},
	"Account":     {"Name", "Phone", "Website", "Industry", "Description"},
	"Case":        {"Subject", "Status", "Origin", "Priority", "SuppliedName", "SuppliedPhone", "Description"},
	"Opportunity": {"Name", "StageName", "CloseDate", "Amount", "Description"},
}

// maxFormFields bounds the form of an object that is not in the list.
const maxFormFields = 14

// inputTypes are the describe types that can be typed in a terminal.
var inputTypes = []string{"string", "phone", "email", "url", "textarea", "picklist", "boolean", "date", "datetime", "int", "double", "currency", "percent", "combobox"}

// Form makes the New form of an object from its description, with the caller's number filled in. An empty object means
// the one for unknown callers (Lead). A withheld number leaves the phone empty.
func (d *Directory) Form(ctx context.Context, object string, number text.Text) (Form, error) {
	object = or(object, d.set.NewObject)
	desc, err := d.describeFor(ctx, object)
	if err != nil {
		return Form{}, err
	}
	f := Form{Object: object, Label: text.Clean(or(desc.Label, object))}
	for _, fd := range inputs(desc, object) {
		f.Fields = append(f.Fields, formField(fd))
	}
	d.fillNumber(&f, number)
	return f, nil
}

func (d *Directory) describeFor(ctx context.Context, object string) (*salesforce.Describe, error) {
	if !salesforce.Ident(object).Valid() {
		return nil, &LineError{Line: fmt.Sprintf("%q is no Salesforce object: check the layout", object)}
	}
	desc, err := d.sf.Describe(ctx, salesforce.Ident(object))
	if err != nil {
		return nil, lineError(err)
	}
	if !desc.Createable {
		return nil, &LineError{Line: "you may not create a " + or(desc.Label, object) + " in Salesforce: ask your administrator, or choose another object"}
	}
	return desc, nil
}

// inputs chooses the fields of a form.
func inputs(desc *salesforce.Describe, object string) []salesforce.Field {
	usable := func(f salesforce.Field) bool { return f.Createable && slices.Contains(inputTypes, f.Type) }
	var out []salesforce.Field
	has := func(name string) bool {
		return slices.ContainsFunc(out, func(f salesforce.Field) bool { return f.Name == name })
	}
	for _, name := range formFields[object] {
		if f, ok := desc.Field(name); ok && usable(f) {
			out = append(out, f)
		}
	}
	for _, f := range desc.Fields {
		if usable(f) && required(f) && !has(f.Name) {
			out = append(out, f)
		}
	}
	if len(formFields[object]) == 0 {
		for _, f := range desc.Fields {
			if len(out) < maxFormFields && usable(f) && !has(f.Name) && (f.Custom || f.NameField || f.Type == "phone" || f.Type == "email") {
				out = append(out, f)
			}
		}
	}
	return out
}

// required: Salesforce refuses the record without it, and does not fill it in by itself.
func required(f salesforce.Field) bool {
	return f.Createable && !f.Nillable && !f.Defaulted && f.Type != "boolean"
}

func formField(f salesforce.Field) FormField {
	out := FormField{
		Name: f.Name, Label: text.Clean(or(f.Label, f.Name)), Type: f.Type, Required: required(f), Length: f.Length,
	}
	for _, p := range f.Picklist {
		if !p.Active {
			continue
		}
		out.Options = append(out.Options, text.Clean(p.Value))
		if p.Default {
			out.Value = text.Clean(p.Value)
		}
	}
	if f.Type == "boolean" {
		out.Options = []text.Text{text.Clean("no"), text.Clean("yes")}
	}
	return out
}

// fillNumber puts the caller's number into the form's main phone field.
func (d *Directory) fillNumber(f *Form, number text.Text) {
	if d.numbers.Classify(number.String(), false, "") == ClassWithheld {
		return
	}
	num := d.numbers.Parse(number.String())
	value := num.Format(E164)
	if len(num.Digits) == 0 || value.Empty() {
		return
	}
	at := -1
	for i, fd := range f.Fields {
		switch {
		case fd.Name == "Phone" || fd.Name == "SuppliedPhone":
			at = i
		case fd.Type == "phone" && at < 0:
			at = i
			continue
		default:
			continue
		}
		break
	}
	if at >= 0 {
		if n := f.Fields[at].Length; n > 0 {
			value = value.Runes(n)
		}
		f.Fields[at].Value = value
	}
}

// labels returns the labels of fields for a message: "Last Name, Company".
func (f Form) labels(names []string) string {
	var out []string
	for _, n := range names {
		label := n
		for _, fd := range f.Fields {
			if fd.Name == n {
				label = fd.Label.String()
			}
		}
		out = append(out, label)
	}
	return strings.Join(out, ", ")
}
