package crm

import (
	"slices"
	"strings"

	"offhook/internal/text"
)

// FormField is one input of a form, from the object's describe. Values are strings: what a person types, or the API value of a
// picklist; "true" or "false" of a boolean; values joined by ";" of a multipicklist; a record's id of a reference.
type FormField struct {
	Name     string      `json:"name"` // API name
	Label    text.Text   `json:"label"`
	Type     string      `json:"type"` // describe type: string, phone, email, picklist, textarea, boolean, date …
	Required bool        `json:"required,omitempty"`
	Value    text.Block  `json:"value,omitzero"` // default, prefilled, or as it is in Salesforce
	Options  []text.Text `json:"options,omitempty"`
	Length   int         `json:"length,omitempty"` // characters, 0 for no limit
	Error    text.Text   `json:"error,omitzero"`   // the complaint about this field

	Labels     []text.Text `json:"labels,omitempty"`     // what people read for each option; nil: the options themselves
	Free       bool        `json:"free,omitempty"`       // other values than the options may be typed
	Controller string      `json:"controller,omitempty"` // of a dependent picklist: the field that decides what is offered
	For        [][]string  `json:"for,omitempty"`        // of each option: the controller's values for which it is offered
	Refers     []string    `json:"refers,omitempty"`     // of a reference: the objects it may point to
	Shown      text.Text   `json:"shown,omitzero"`       // of a reference: the name of the record in Value
	Help       text.Text   `json:"help,omitzero"`        // the administrator's help text
	Hint       text.Text   `json:"hint,omitzero"`        // how a value is written: 1.234,56
	Theirs     text.Text   `json:"theirs,omitzero"`      // what somebody else has written there meanwhile, with Error
}

// Form is the form of one record: a new one of an object, or an existing one that is changed.
type Form struct {
	Object string      `json:"object"` // API name
	Label  text.Text   `json:"label"`
	Fields []FormField `json:"fields"`
	Error  text.Text   `json:"error,omitzero"` // a complaint about the whole record

	Record     Ref               `json:"record,omitzero"`      // the record that is changed; zero: a new one
	RecordType string            `json:"recordType,omitempty"` // what Fields and their options are for; "" where there is no choice
	Focus      string            `json:"focus,omitempty"`      // the field to begin at; "": the first that is needed
	Since      string            `json:"since,omitempty"`      // LastModifiedDate of Record as it was read
	Base       map[string]string `json:"base,omitempty"`       // the values of Record as they were read
	Duplicates []Hit             `json:"duplicates,omitempty"` // records that Salesforce takes for the same
	AllowSave  bool              `json:"allowSave,omitempty"`  // the record may be saved beside Duplicates
	Restored   text.Text         `json:"restored,omitzero"`    // where the values come from, when not from Salesforce
}

// RecordTypeField is the input that chooses the record type. Choosing another one changes the form.
const RecordTypeField = "RecordTypeId"

// FormAsk says which form is wanted.
type FormAsk struct {
	Object     string            `json:"object"`               // API name; "" for that of unknown callers
	Record     Ref               `json:"record,omitzero"`      // change this record instead
	RecordType string            `json:"recordType,omitempty"` // "": the default, or the record's own
	Number     text.Text         `json:"number,omitzero"`      // of the caller, filled in; empty when withheld
	About      []Ref             `json:"about,omitempty"`      // what a new record is about, filled into its references, the first one first
	Values     map[string]string `json:"values,omitempty"`     // what was typed already: it stays
	Focus      string            `json:"focus,omitempty"`      // field to begin at
}

// Field returns the field of that API name, nil when the form has none.
func (f *Form) Field(name string) *FormField {
	for i := range f.Fields {
		if strings.EqualFold(f.Fields[i].Name, name) {
			return &f.Fields[i]
		}
	}
	return nil
}

// Offered lists the indexes of the options that are offered while the controlling field has a value; every option without a
// controller.
func (f *FormField) Offered(controlling string) []int {
	out := make([]int, 0, len(f.Options))
	for i := range f.Options {
		if f.Controller == "" || i < len(f.For) && slices.Contains(f.For[i], controlling) {
			out = append(out, i)
		}
	}
	return out
}

// Option returns what people read for the i-th option.
func (f *FormField) Option(i int) text.Text {
	if i < len(f.Labels) && !f.Labels[i].Empty() {
		return f.Labels[i]
	}
	return f.Options[i]
}

// labels returns the labels of fields for a message: "Last Name, Company".
func (f *Form) labels(names []string) string {
	var out []string
	for _, n := range names {
		label := n
		if fd := f.Field(n); fd != nil {
			label = fd.Label.String()
		}
		out = append(out, label)
	}
	return strings.Join(out, ", ")
}

// fail writes a complaint at fields; it returns false for the caller's convenience.
func (f *Form) fail(names []string, why string) bool {
	for _, n := range names {
		if fd := f.Field(n); fd != nil {
			fd.Error = text.Clean(why)
		}
	}
	return false
}
