package crm

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"offhook/crm/number"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// formFields are the fields of the New form of the standard objects where the org has no page layout for them, in order; those that an
// org or a user does not have fall out.
var formFields = map[string][]string{
	"Lead":        {"FirstName", "LastName", "Company", "Title", "Phone", "MobilePhone", "Email", "Status", "LeadSource", "Description"},
	"Contact":     {"FirstName", "LastName", "AccountId", "Phone", "MobilePhone", "Email", "Title", "Department", "Description"},
	"Account":     {"Name", "Phone", "Website", "Industry", "Description"},
	"Case":        {"Subject", "ContactId", "Status", "Origin", "Priority", "SuppliedName", "SuppliedPhone", "Description"},
	"Opportunity": {"Name", "AccountId", "StageName", "CloseDate", "Amount", "Description"},
}

// Bounds of a form: what strangers describe is never endless.
const (
	maxSenseFields = 14 // of an object without layout and list
	maxFormFields  = 120
	maxOptions     = 1000
)

// inputTypes are the describe types that can be typed in a terminal.
var inputTypes = []string{"string", "phone", "email", "url", "textarea", "picklist", "multipicklist", "boolean", "date", "datetime", "time",
	"int", "long", "double", "currency", "percent", "combobox", "reference"}

// blueprint is what a form is made of.
type blueprint struct {
	desc  *salesforce.Describe
	pages *salesforce.Pages // nil: the org does not say
	kind  salesforce.RecordType
	edit  bool
}

// Form makes a form. A new record gets its defaults, the caller's number and whom it is about; one that is changed its values as they
// are in Salesforce now. What was typed already (FormAsk.Values) goes above all of them.
func (d *Directory) Form(ctx context.Context, ask FormAsk) (Form, error) {
	object := or(or(ask.Record.Type, ask.Object), d.set.NewObject)
	bp, err := d.blueprint(ctx, object, !ask.Record.Zero())
	if err != nil {
		return Form{}, err
	}
	var rec salesforce.Record
	if bp.edit {
		if rec, err = d.readFields(ctx, ask.Record, bp); err != nil {
			return Form{}, lineError(err)
		}
		bp.kind, _ = bp.pages.Type(rec.Str(RecordTypeField))
	} else if t, ok := bp.pages.Type(ask.RecordType); ok {
		bp.kind = t
	}
	f := d.makeForm(bp)
	f.Focus = ask.Focus
	if bp.edit {
		f.Record, f.Since = ask.Record, rec.Str("LastModifiedDate")
		if name := text.Clean(rec.Str(bp.desc.NameField())); !name.Empty() {
			f.Record.Name = name
		}
		d.fillRecord(&f, bp, rec)
	} else {
		d.fillNumber(&f, ask.Number)
		d.fillAbout(&f, ask.About)
	}
	for name, v := range ask.Values {
		if fd := f.Field(name); fd != nil && fd.Name != RecordTypeField {
			if v != fd.Value.String() {
				fd.Shown = text.Text{}
			}
			fd.Value = text.CleanBlock(v, maxValue)
		}
	}
	d.nameReferences(ctx, &f)
	return f, nil
}

func (d *Directory) blueprint(ctx context.Context, object string, edit bool) (blueprint, error) {
	if !salesforce.Ident(object).Valid() {
		return blueprint{}, &LineError{Line: fmt.Sprintf("%q is no Salesforce object: check the layout", text.Clean(object))}
	}
	desc, err := d.sf.Describe(ctx, salesforce.Ident(object))
	if err != nil {
		return blueprint{}, lineError(err)
	}
	label := text.Clean(or(desc.Label, object)).String()
	if !desc.Createable && !edit {
		return blueprint{}, &LineError{Line: "you may not create a " + label + " in Salesforce: ask your administrator, or choose another object"}
	}
	if !desc.Updateable && edit {
		return blueprint{}, &LineError{Line: "you may not change a " + label + " in Salesforce: ask your administrator"}
	}
	bp := blueprint{desc: desc, edit: edit}
	if pages, err := d.sf.Pages(ctx, salesforce.Ident(object)); err == nil { // an object without layouts goes by its description
		bp.pages = pages
	}
	return bp, nil
}

// makeForm makes the empty form of a blueprint: first what is needed, then the layout's fields in their order.
func (d *Directory) makeForm(bp blueprint) Form {
	f := Form{Object: bp.desc.Name, Label: text.Clean(or(bp.desc.Label, bp.desc.Name))}
	if choices := bp.pages.Choices(); choices != nil && bp.desc.Has(RecordTypeField) && !bp.edit {
		fd := FormField{Name: RecordTypeField, Label: text.Clean("Record Type"), Type: "picklist", Required: true}
		for _, t := range choices {
			fd.Options, fd.Labels = append(fd.Options, text.Clean(t.ID)), append(fd.Labels, text.Clean(t.Name))
			if t.ID == bp.kind.ID {
				f.RecordType, fd.Value = t.ID, text.CleanBlock(t.ID, 20)
			}
		}
		f.Fields = append(f.Fields, fd)
	}
	for _, in := range bp.inputs() {
		f.Fields = append(f.Fields, d.formField(bp, in))
	}
	return f
}

// input is one field of a form with what its page says of it.
type input struct {
	salesforce.Field
	needed bool
	label  string
}

func (bp blueprint) usable(f salesforce.Field) bool {
	may := f.Createable
	if bp.edit {
		may = f.Updateable
	}
	return may && slices.Contains(inputTypes, f.Type) && f.Name != RecordTypeField && !f.AutoNumber
}

// inputs chooses the fields of a form: those that are needed, those of the page layout; without one those that make sense.
func (bp blueprint) inputs() []input {
	var needed, rest []input
	has := func(name string) bool {
		same := func(in input) bool { return strings.EqualFold(in.Name, name) }
		return slices.ContainsFunc(needed, same) || slices.ContainsFunc(rest, same)
	}
	add := func(in input) {
		switch {
		case has(in.Name) || len(needed)+len(rest) >= maxFormFields:
		case in.needed:
			needed = append(needed, in)
		default:
			rest = append(rest, in)
		}
	}
	page := bp.pages.Fields(bp.kind.ID)
	for _, p := range page {
		f, ok := bp.desc.Field(p.Name)
		may := p.New
		if bp.edit {
			may = p.Edit
		}
		if ok && may && bp.usable(f) {
			add(input{f, required(f) || p.Required && f.Type != "boolean", p.Label})
		}
	}
	if len(page) == 0 {
		for _, name := range formFields[bp.desc.Name] {
			if f, ok := bp.desc.Field(name); ok && bp.usable(f) {
				add(input{f, required(f), ""})
			}
		}
	}
	for _, f := range bp.desc.Fields {
		if bp.usable(f) && required(f) {
			add(input{f, true, ""})
		}
	}
	if len(page) == 0 && len(formFields[bp.desc.Name]) == 0 {
		for _, f := range bp.desc.Fields {
			if len(needed)+len(rest) < maxSenseFields && bp.usable(f) && (f.Custom || f.NameField || f.Type == "phone" || f.Type == "email") {
				add(input{f, false, ""})
			}
		}
	}
	return append(needed, rest...)
}

// required: Salesforce refuses the record without it, and does not fill it in by itself.
func required(f salesforce.Field) bool {
	return (f.Createable || f.Updateable) && !f.Nillable && !f.Defaulted && f.Type != "boolean"
}

func (d *Directory) formField(bp blueprint, f input) FormField {
	out := FormField{
		Name: f.Name, Label: text.Clean(or(f.label, or(f.Label, f.Name))), Type: f.Type, Required: f.needed, Length: f.Length,
		Help: text.Clean(f.Help), Free: f.Type == "combobox", Hint: text.Clean(d.hint(f.Type)),
	}
	if f.label == "" && f.Type == "reference" {
		out.Label = text.Clean(strings.TrimSuffix(or(f.Label, f.Name), " ID"))
	}
	switch f.Type {
	case "picklist", "multipicklist", "combobox":
		d.options(&out, bp, f.Field)
	case "boolean":
		out.Options = []text.Text{text.Clean("no"), text.Clean("yes")}
	case "reference":
		for _, to := range f.ReferenceTo {
			if salesforce.Ident(to).Valid() && len(out.Refers) < maxRefers {
				out.Refers = append(out.Refers, to)
			}
		}
		out.Length = 0
	case "date", "datetime", "time", "int", "long", "double", "currency", "percent":
		out.Length = 0 // describe's is none of what is typed
	}
	if v := bp.defaultOf(f.Field); v != "" && !bp.edit {
		out.Value = text.CleanBlock(v, maxValue)
	}
	return out
}

// options fills in what a picklist offers for the record type, and for which values of its controlling field.
func (d *Directory) options(out *FormField, bp blueprint, f salesforce.Field) {
	var controls []string
	if f.Dependent || f.Controller != "" {
		if c, ok := bp.desc.Field(f.Controller); ok && bp.usable(c) {
			out.Controller = c.Name
			controls = []string{"false", "true"} // of a checkbox
			if c.Type != "boolean" {
				controls = nil
				for _, p := range c.Picklist {
					controls = append(controls, text.Clean(p.Value).String())
				}
			}
		}
	}
	offered, narrowed := bp.kind.Picklists[f.Name]
	labelled := false
	for _, p := range f.Picklist {
		if !p.Active || narrowed && !slices.Contains(offered, p.Value) || len(out.Options) >= maxOptions {
			continue
		}
		value, label := text.Clean(p.Value), text.Clean(or(p.Label, p.Value))
		out.Options, out.Labels = append(out.Options, value), append(out.Labels, label)
		labelled = labelled || label != value
		if out.Controller != "" {
			valid := []string{}
			for i, v := range controls {
				if p.OfferedFor(i) {
					valid = append(valid, v)
				}
			}
			out.For = append(out.For, valid)
		}
	}
	if !labelled {
		out.Labels = nil
	}
}

// defaultOf is what a new record of this kind gets in a field, "" for none. A picklist's own default goes before the field's, that of the
// record type before both, and none is taken that the record type does not offer.
func (bp blueprint) defaultOf(f salesforce.Field) string {
	v := defaultOf(f)
	if len(f.Picklist) == 0 {
		return v
	}
	for _, p := range f.Picklist {
		if p.Active && p.Default {
			v = p.Value
		}
	}
	if own, ok := bp.kind.Defaults[f.Name]; ok {
		v = own
	}
	if offered, narrowed := bp.kind.Picklists[f.Name]; narrowed && !slices.Contains(offered, v) {
		return ""
	}
	return v
}

// defaultOf is a field's default as a value of the form, "" for none. Of formulas only literals are understood: the rest is filled in
// by Salesforce.
func defaultOf(f salesforce.Field) string {
	switch v := f.Default.(type) {
	case string:
		return v
	case bool:
		return boolText(v)
	case json.Number:
		return v.String()
	}
	formula := strings.TrimSpace(f.Formula)
	if n := len(formula); n >= 2 && (formula[0] == '"' || formula[0] == '\'') && formula[n-1] == formula[0] {
		inner := formula[1 : n-1]
		if !strings.ContainsAny(inner, `"'\&`) { // not two literals that are joined
			return inner
		}
		return ""
	}
	switch {
	case strings.EqualFold(formula, "true"):
		return "true"
	case strings.EqualFold(formula, "false"):
		return "false"
	case formula != "" && json.Valid([]byte(formula)) && strings.Trim(formula, "0123456789.-") == "":
		return formula
	}
	return ""
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "" // not ticked is a checkbox's nothing
}

// fillNumber puts the caller's number into the form's main phone field.
func (d *Directory) fillNumber(f *Form, caller text.Text) {
	if caller.Empty() || d.numbers.Classify(caller.String(), false, "") == number.Withheld {
		return
	}
	num := d.numbers.Parse(caller.String())
	value := num.Format(number.E164)
	if len(num.Digits) == 0 || value.Empty() {
		return
	}
	at := -1
	for i, fd := range f.Fields {
		if fd.Name == "Phone" || fd.Name == "SuppliedPhone" {
			at = i
			break
		}
		if fd.Type == "phone" && at < 0 {
			at = i
		}
	}
	if at >= 0 {
		if n := f.Fields[at].Length; n > 0 {
			value = value.Runes(n)
		}
		f.Fields[at].Value = text.CleanBlock(value.String(), maxValue)
	}
}
