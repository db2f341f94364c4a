// Package form is the New form: inputs made of an object's describe, with what Salesforce said about each.
//
// What a person typed stays here until the desk accepts it; a snapshot brings complaints, never other values. The
// package knows field types, not objects.
package form

import (
	"slices"
	"strings"
	"unicode"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"
	"offhook/ui/widget/edit"

	tea "charm.land/bubbletea/v2"
)

// Form is a form on the screen.
type Form struct {
	Object string
	For    desk.CallKey
	label  text.Text
	inputs []input
	focus  int
	top    int
	typed  bool
	failed text.Text // a complaint about the whole record
}

type input struct {
	field   crm.FormField
	text    edit.Field
	pick    int // option of a picklist, -1 for none
	problem string
}

// New opens a form; the focus is on the first required field that is empty.
func New(f *crm.Form, call desk.CallKey) *Form {
	out := &Form{Object: f.Object, For: call, label: f.Label}
	for _, fld := range f.Fields {
		in := input{field: fld, pick: -1}
		in.field.Error = text.Text{} // complain takes it over
		in.text.Limit = fld.Length
		in.text.Set(fld.Value.String())
		if in.picks() {
			in.pick = slices.IndexFunc(fld.Options, func(o text.Text) bool { return o == fld.Value })
		}
		out.inputs = append(out.inputs, in)
	}
	out.complain(f)
	if first := slices.IndexFunc(out.inputs, func(in input) bool { return in.field.Required && in.value() == "" }); first >= 0 && !out.anyProblem() {
		out.focus = first
	}
	return out
}

// Is reports whether the snapshot's form is the one that is open here.
func (f *Form) Is(g *crm.Form, call desk.CallKey) bool { return f.Object == g.Object && f.For == call }

// Sync takes over what Salesforce said about the fields.
func (f *Form) Sync(g *crm.Form) { f.complain(g) }

func (f *Form) complain(g *crm.Form) {
	f.failed = g.Error
	first := -1
	for i := range f.inputs {
		in := &f.inputs[i]
		j := slices.IndexFunc(g.Fields, func(o crm.FormField) bool { return o.Name == in.field.Name })
		if j < 0 {
			continue
		}
		told := g.Fields[j].Error
		if told != in.field.Error { // new since the last snapshot
			in.field.Error, in.problem = told, told.String()
			if in.problem != "" && first < 0 {
				first = i
			}
		}
	}
	if first >= 0 {
		f.focus = first
	}
}

func (f *Form) anyProblem() bool {
	return slices.ContainsFunc(f.inputs, func(in input) bool { return in.problem != "" })
}

func (in *input) picks() bool {
	return strings.EqualFold(in.field.Type, "picklist") || strings.EqualFold(in.field.Type, "combobox") && len(in.field.Options) > 0
}

func (in *input) toggles() bool { return strings.EqualFold(in.field.Type, "boolean") }

func (in *input) value() string {
	switch {
	case in.picks():
		if in.pick >= 0 && in.pick < len(in.field.Options) {
			return in.field.Options[in.pick].String()
		}
		return ""
	case in.toggles():
		if strings.EqualFold(in.text.Value(), "true") {
			return "true"
		}
		return ""
	}
	return strings.TrimSpace(in.text.Value())
}

// Typed reports whether something would be lost when the form is left.
func (f *Form) Typed() bool { return f.typed }

// Label is the object's label.
func (f *Form) Label() string { return f.label.String() }

// Values are the form's values by API name, without the empty ones. ok is false when a required one is missing; the form
// then says which, and has the focus there.
func (f *Form) Values() (values map[string]string, ok bool) {
	values, ok = map[string]string{}, true
	for i := range f.inputs {
		in := &f.inputs[i]
		v := in.value()
		if v == "" && in.field.Required && !in.toggles() {
			in.problem = "is needed"
			if ok {
				f.focus = i
			}
			ok = false
		}
		if v != "" {
			values[in.field.Name] = v
		}
	}
	return values, ok
}

// Move goes to the next (1) or previous (-1) field.
func (f *Form) Move(by int) {
	if n := len(f.inputs); n > 0 {
		f.focus = (f.focus + by + n) % n
	}
}

// Paste puts text into the field that has the focus.
func (f *Form) Paste(s string) {
	if in := f.current(); in != nil && !in.picks() && !in.toggles() && in.text.Insert(s) {
		f.changed(in)
	}
}

func (f *Form) current() *input {
	if len(f.inputs) == 0 {
		return nil
	}
	return &f.inputs[f.focus]
}

func (f *Form) changed(in *input) { f.typed, in.problem = true, "" }

// Key gives the field that has the focus a key and reports whether it used it. Enter goes to the next field.
func (f *Form) Key(k tea.Key) bool {
	in := f.current()
	if in == nil {
		return false
	}
	stroke := k.Keystroke()
	if stroke == "enter" {
		f.Move(1)
		return true
	}
	switch {
	case in.toggles():
		if k.Text != "" || stroke == "space" || stroke == "left" || stroke == "right" {
			if in.value() == "" {
				in.text.Set("true")
			} else {
				in.text.Set("false")
			}
			f.changed(in)
			return true
		}
		return false
	case in.picks():
		return f.choose(in, k)
	}
	handled, changed := in.text.Key(k)
	if changed {
		f.changed(in)
	}
	return handled
}

func (f *Form) choose(in *input, k tea.Key) bool {
	n := len(in.field.Options)
	was := in.pick
	switch stroke := k.Keystroke(); {
	case stroke == "right" || stroke == "space":
		if in.pick++; in.pick >= n {
			in.pick = -1
		}
	case stroke == "left":
		if in.pick--; in.pick < -1 {
			in.pick = n - 1
		}
	case stroke == "backspace" || stroke == "delete":
		in.pick = -1
	case k.Text != "":
		for step := 1; step <= n; step++ { // the next option that begins with the letter
			i := (max(in.pick, -1) + step + n) % n
			if o := in.field.Options[i].String(); o != "" && unicode.ToLower([]rune(o)[0]) == unicode.ToLower([]rune(k.Text)[0]) {
				in.pick = i
				break
			}
		}
	default:
		return false
	}
	if in.pick != was {
		f.changed(in)
	}
	return true
}
