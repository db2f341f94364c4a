package crm

import (
	"strings"
	"testing"

	"offhook/crm/salesforce"
)

func TestAFieldIsCheckedAgainstWhatItCanHold(t *testing.T) {
	field := func(name, kind string, more func(*salesforce.Field)) salesforce.Field {
		f := salesforce.Field{Name: name, Type: kind, Createable: true}
		if more != nil {
			more(&f)
		}
		return f
	}
	list := func(values ...string) func(*salesforce.Field) {
		return func(f *salesforce.Field) {
			f.Restricted = true
			for _, v := range values {
				f.Picklist = append(f.Picklist, salesforce.Picklist{Value: v, Label: v, Active: true})
			}
		}
	}
	to := func(o ...string) func(*salesforce.Field) { return func(f *salesforce.Field) { f.ReferenceTo = o } }
	long := func(n int) func(*salesforce.Field) { return func(f *salesforce.Field) { f.Length = n } }
	task := &salesforce.Describe{Fields: []salesforce.Field{
		field("Text__c", "string", long(255)), field("Short__c", "string", long(4)), field("Num__c", "double", nil), field("When__c", "datetime", nil),
		field("Day__c", "date", nil), field("Yes__c", "boolean", nil), field("Mail__c", "email", long(80)), field("User__c", "reference", to("User")),
		field("Camp__c", "reference", to("Campaign")), field("Kind__c", "picklist", list("Inbound", "Outbound")), field("Odd__c", "picklist", list("x")),
		field("Open__c", "picklist", nil), field("Formula__c", "string", func(f *salesforce.Field) { f.Createable = false }), field("Where__c", "location", nil),
	}}
	for _, tt := range []struct{ value, field, err, note string }{
		{"Notes", "text__C", "", ""},
		{"Call ID", "Short__c", "", "holds 4 characters"},
		{"Duration", "Num__c", "", ""},
		{"Duration", "When__c", "cannot hold", ""},
		{"Start Time", "When__c", "", ""},
		{"Start Time", "Day__c", "", ""},
		{"Start Time", "Num__c", "cannot hold", ""},
		{"Caller ID", "Num__c", "cannot hold", ""},
		{"Agent Name", "Mail__c", "cannot hold", ""},
		{"Recording Status", "Yes__c", "", "does not take paused, stopped, unknown"},
		{"Action", "Yes__c", "cannot hold", ""},
		{"agent id", "User__c", "", ""},
		{"Agent ID", "Camp__c", "cannot hold", ""},
		{"Campaign ID", "Camp__c", "", ""},
		{"Notes", "User__c", "cannot hold", ""},
		{"Call Type", "Kind__c", "", "does not take Internal"},
		{"Call Type", "Odd__c", "cannot hold", ""},
		{"Call Type", "Open__c", "", "takes any text"},
		{"Disposition", "Odd__c", "", "only its own values"},
		{"var:Queue", "Num__c", "", ""},
		{"var:Queue", "Where__c", "do not go into", ""},
		{"Notes", "Formula__c", "may not fill it", ""},
		{"Notes", "Txet__c", "did you mean Text__c?", ""},
		{"Notes", "Shoesize__c", "offhook fields targets shows", ""},
		{"Notes", "Something_Else_Altogether__c", "fields targets", ""},
	} {
		f, notes, err := CheckField(tt.value, tt.field, task)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s into %s: %v, want %q", tt.value, tt.field, err, tt.err)
		}
		if all := strings.Join(notes, "\n"); (all == "") != (tt.note == "") || !strings.Contains(all, tt.note) {
			t.Errorf("%s into %s: %q, want %q", tt.value, tt.field, all, tt.note)
		}
		if err == nil && !strings.EqualFold(f.Name, tt.field) {
			t.Errorf("%s came back as %s", tt.field, f.Name)
		}
	}
	for _, f := range FieldTargets(task) {
		if f.Name == "Formula__c" || f.Name == "Where__c" {
			t.Errorf("%s is offered", f.Name)
		}
	}
}

func TestEveryValueOfACallHasASampleOfItsKind(t *testing.T) {
	rec, set := sample()
	for _, s := range sources() {
		if s.from(rec, set).empty() {
			t.Errorf("nothing is known of %s", s.label)
		}
		text := &salesforce.Describe{Fields: []salesforce.Field{{Name: "Text__c", Type: "string", Length: 255, Createable: true}}}
		if _, notes, err := CheckField(s.label, "Text__c", text); err != nil || notes != nil {
			t.Errorf("%s does not go into a text: %v %v", s.label, notes, err)
		}
	}
}

func TestALineUnderAnotherSpellingTakesThePlaceOfTheDefault(t *testing.T) {
	for _, spelling := range []string{"Call Type", "call_type", "Convoso Call Type"} {
		for _, m := range (TaskSettings{Map: []FieldMap{{spelling, "Kind__c"}}}).mapOf() {
			if m.Field == "Offhook_Call_Type__c" {
				t.Errorf("%s: the default is filled, too", spelling)
			}
		}
	}
}
