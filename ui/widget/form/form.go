// Package form is the form of one record: inputs made of an object's describe, with what Salesforce said about each.
//
// What a person typed stays here until the desk accepts it; a snapshot brings complaints, and other values only where nobody
// here has changed them. The package knows field types, not objects.
package form

import (
	"slices"
	"strings"

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
	record crm.Ref
	kind   string // record type
	inputs []input
	focus  int // below zero: a line of the head, counted from its foot
	top    int
	typed  bool
	failed text.Text // a complaint about the whole record
	told   text.Text // where the values come from
	twins  []crm.Hit // records that Salesforce takes for the same
	anyway bool      // it may be saved beside them
	busy   bool      // it is being saved
	ask    Ask
}

// Ask is what a key asked the desk for. The zero value is nothing.
type Ask struct {
	Changed    bool     // the values are others now
	Find       *string  // the beginning of the name of a record, for Field
	Field      string   // of Find
	RecordType string   // another record type was chosen
	Use        *crm.Hit // the existing record is to be used
	SaveAnyway bool     // … or not
}

type input struct {
	field   crm.FormField
	text    edit.Field
	value   string     // of a picklist, a checkbox, a reference
	seek    edit.Field // what is typed to find an option or a record
	seeking bool
	at      int // of the offered options or the records found
	was     string
	problem string
	found   *desk.Found
}

// New opens a form; the focus is where it was asked for, else on the first required field that is empty.
func New(f *crm.Form, call desk.CallKey) *Form {
	out := &Form{Object: f.Object, For: call, label: f.Label, record: f.Record, kind: f.RecordType, told: f.Restored, typed: !f.Restored.Empty()}
	for _, fld := range f.Fields {
		in := input{field: fld}
		in.field.Error = text.Text{} // complain takes it over
		in.text.Lines = fld.Type == "textarea"
		in.text.Limit = fld.Length
		in.set(fld.Value.String())
		in.was = in.now()
		out.inputs = append(out.inputs, in)
	}
	out.complain(f)
	if out.anyProblem() || out.focus < 0 {
		return out
	}
	if first := slices.IndexFunc(out.inputs, func(in input) bool { return strings.EqualFold(in.field.Name, f.Focus) }); first >= 0 {
		out.focus = first
	} else if first := slices.IndexFunc(out.inputs, func(in input) bool { return in.field.Required && in.now() == "" }); first >= 0 {
		out.focus = first
	}
	return out
}

// Is reports whether the snapshot's form is the one that is open here.
func (f *Form) Is(g *crm.Form, call desk.CallKey) bool {
	return f.Object == g.Object && f.For == call && f.kind == g.RecordType && crm.SameID(f.record.ID, g.Record.ID)
}

// Sync takes over what Salesforce said about the fields, and the values that nobody here has changed.
func (f *Form) Sync(g *crm.Form) {
	for i := range f.inputs {
		in := &f.inputs[i]
		if fd := g.Field(in.field.Name); fd != nil && !g.Record.Zero() && in.now() == in.was && fd.Value.String() != in.was && g.Base[fd.Name] == fd.Value.String() {
			in.set(fd.Value.String())
			in.was = in.now()
		}
	}
	f.complain(g)
}

// Found takes over what a search for a reference found, and whether the form is being saved.
func (f *Form) Found(found *desk.Found, busy bool) {
	f.busy = busy
	for i := range f.inputs {
		in := &f.inputs[i]
		in.found = nil
		if found != nil && found.Field == in.field.Name {
			in.found = found
			in.at = min(in.at, max(len(found.Hits)-1, 0))
		}
	}
}

// Heir takes over from a form of the same record that it replaces that something was typed.
func (f *Form) Heir(of *Form) {
	if of != nil && of.Object == f.Object && of.For == f.For && crm.SameID(of.record.ID, f.record.ID) {
		f.typed = f.typed || of.typed
	}
}

func (f *Form) complain(g *crm.Form) {
	f.failed, f.anyway = g.Error, g.AllowSave
	twins := len(f.twins)
	f.twins = g.Duplicates
	first := -1
	for i := range f.inputs {
		in := &f.inputs[i]
		fd := g.Field(in.field.Name)
		if fd == nil {
			continue
		}
		if told := fd.Error; told != in.field.Error { // new since the last snapshot
			in.field.Error, in.problem = told, told.String()
			if in.problem != "" && first < 0 {
				first = i
			}
		}
	}
	switch {
	case first >= 0:
		f.focus = first
	case len(f.twins) > 0 && twins == 0:
		f.focus = -f.rows()
	case f.focus < -f.rows():
		f.focus = 0
	}
}

// rows is how many lines of the head can be chosen: the records that are the same, and saving all the same.
func (f *Form) rows() int {
	if len(f.twins) == 0 {
		return 0
	}
	if f.anyway {
		return len(f.twins) + 1
	}
	return len(f.twins)
}

func (f *Form) anyProblem() bool {
	return slices.ContainsFunc(f.inputs, func(in input) bool { return in.problem != "" })
}

func (in *input) picks() bool {
	return in.field.Type == "picklist" || in.field.Type == "combobox" && len(in.field.Options) > 0
}

func (in *input) many() bool    { return in.field.Type == "multipicklist" }
func (in *input) toggles() bool { return in.field.Type == "boolean" }
func (in *input) refers() bool  { return in.field.Type == "reference" }

func (in *input) set(v string) {
	in.seek, in.seeking, in.at = edit.Field{}, false, 0
	if in.picks() || in.many() || in.toggles() || in.refers() {
		in.value = v
		return
	}
	in.text.Set(v)
}

func (in *input) now() string {
	switch {
	case in.toggles():
		if strings.EqualFold(in.value, "true") || strings.EqualFold(in.value, "yes") {
			return "true"
		}
		return ""
	case in.picks() || in.many() || in.refers():
		return in.value
	}
	return strings.TrimSpace(in.text.Value())
}

// Typed reports whether something would be lost when the form is left.
func (f *Form) Typed() bool { return f.typed }

// Title is what the form does, in words.
func (f *Form) Title() string {
	if f.record.Zero() {
		return "New " + f.label.String()
	}
	return "Change " + f.record.Name.Or(f.label).String()
}

// Values are the form's values by API name, without the empty ones; those that were taken away are empty. ok is false when a required
// one is missing; the form then says which, and has the focus there.
func (f *Form) Values() (values map[string]string, ok bool) {
	values, ok = f.Now(), true
	for i := range f.inputs {
		in := &f.inputs[i]
		if values[in.field.Name] == "" && in.field.Required && !in.toggles() {
			in.problem = "is needed"
			if ok {
				f.focus = i
			}
			ok = false
		}
	}
	return values, ok
}

// Now are the values as they are, whatever is missing.
func (f *Form) Now() map[string]string {
	values := map[string]string{}
	for i := range f.inputs {
		in := &f.inputs[i]
		v := in.now()
		if v == "" && in.toggles() && in.was != "" {
			v = "false"
		}
		if v != "" || in.was != "" || !f.record.Zero() {
			values[in.field.Name] = v
		}
	}
	return values
}

// Take returns what the last keys asked for, once.
func (f *Form) Take() Ask {
	a := f.ask
	f.ask = Ask{}
	return a
}

// Move goes to the next (1) or previous (-1) field.
func (f *Form) Move(by int) {
	if in := f.current(); in != nil && in.seeking {
		f.settle(in)
	}
	if n := len(f.inputs) + f.rows(); n > 0 {
		f.focus = (f.focus+f.rows()+by+n)%n - f.rows()
	}
}

// Paste puts text into the field that has the focus.
func (f *Form) Paste(s string) {
	in := f.current()
	switch {
	case in == nil || in.toggles() || in.many():
	case in.picks() || in.refers():
		in.seeking = true
		if in.seek.Insert(s) {
			f.sought(in)
		}
	case in.text.Insert(s):
		f.changed(in)
	}
}

func (f *Form) current() *input {
	if f.focus < 0 || f.focus >= len(f.inputs) {
		return nil
	}
	return &f.inputs[f.focus]
}

func (f *Form) changed(in *input) {
	f.typed, in.problem = true, ""
	f.ask.Changed = true
	if in.field.Name == crm.RecordTypeField && in.value != f.kind {
		f.ask.RecordType = in.value
	}
	for i := range f.inputs { // what depends on it and is not offered any more goes
		dep := &f.inputs[i]
		if dep.field.Controller != in.field.Name || dep.value == "" {
			continue
		}
		offered := f.offered(dep)
		kept := slices.DeleteFunc(strings.Split(dep.value, ";"), func(v string) bool {
			return !slices.ContainsFunc(offered, func(o int) bool { return dep.field.Options[o].String() == v })
		})
		if left := strings.Join(kept, ";"); left != dep.value {
			dep.value, dep.problem = left, "choose again: "+in.field.Label.String()+" has changed"
		}
	}
}

// offered are the options that can be chosen now.
func (f *Form) offered(in *input) []int {
	controlling := ""
	for i := range f.inputs {
		if c := &f.inputs[i]; c.field.Name == in.field.Controller && in.field.Controller != "" {
			controlling = c.now()
			if c.toggles() && controlling == "" {
				controlling = "false"
			}
		}
	}
	return in.field.Offered(controlling)
}

// Key gives the field that has the focus a key and reports whether it used it. Enter takes what is chosen, else goes to the next field.
func (f *Form) Key(k tea.Key) bool {
	stroke := k.Keystroke()
	in := f.current()
	if in == nil {
		return f.headKey(stroke)
	}
	switch {
	case in.toggles():
		if k.Text == "" && stroke != "space" && stroke != "left" && stroke != "right" {
			break
		}
		if in.now() == "" {
			in.value = "true"
		} else {
			in.value = "false"
		}
		f.changed(in)
		return true
	case in.many():
		if f.tick(in, k) {
			return true
		}
	case in.picks():
		if f.choose(in, k) {
			return true
		}
	case in.refers():
		if f.refer(in, k) {
			return true
		}
	case stroke == "enter":
	case in.text.Lines && (stroke == "alt+enter" || stroke == "shift+enter" || stroke == "ctrl+j"):
		if in.text.Insert("\n") {
			f.changed(in)
		}
		return true
	default:
		handled, changed := in.text.Key(k)
		if changed {
			f.changed(in)
		}
		return handled
	}
	if stroke == "enter" {
		f.Move(1)
		return true
	}
	return false
}

// headKey is a key on the lines above the fields: Enter uses the record, or saves all the same.
func (f *Form) headKey(stroke string) bool {
	if stroke != "enter" || f.focus >= 0 || f.rows() == 0 {
		return false
	}
	if i := f.focus + f.rows(); i < len(f.twins) {
		f.ask.Use = &f.twins[i]
	} else {
		f.ask.SaveAnyway = true
	}
	return true
}
