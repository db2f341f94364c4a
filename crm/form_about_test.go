package crm

import (
	"testing"

	"offhook/crm/emulator"
)

func TestANewRecordIsAboutWhomTheCallBelongsTo(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	fred, acme := w.ref("Contact", "Fred Bloggs"), w.ref("Account", "Acme Ltd")
	for name, row := range map[string]struct {
		ask     FormAsk
		want    map[string]string // field: the record's name, "" for nothing
		request int
	}{
		"a case of a contact; Salesforce knows his account": {ask: FormAsk{Object: "Case", About: []Ref{fred, acme}}, want: map[string]string{"ContactId": "Fred Bloggs", "AccountId": ""}},
		"a case of an account":                              {ask: FormAsk{Object: "Case", About: []Ref{acme}}, want: map[string]string{"ContactId": "", "AccountId": "Acme Ltd"}},
		"an opportunity":                                    {ask: FormAsk{Object: "Opportunity", About: []Ref{fred, acme}}, want: map[string]string{"AccountId": "Acme Ltd"}},
		"a contact of an account":                           {ask: FormAsk{Object: "Contact", About: []Ref{acme}}, want: map[string]string{"AccountId": "Acme Ltd"}},
		"nobody's child: another account":                   {ask: FormAsk{Object: "Account", About: []Ref{acme}}, want: map[string]string{}},
		"a custom object's only reference":                  {ask: FormAsk{Object: "Machine__c", About: []Ref{fred, acme}}, want: map[string]string{"Account__c": "Acme Ltd"}},
		"its name is read where it is not known":            {ask: FormAsk{Object: "Case", About: []Ref{{Type: "Contact", ID: fred.ID}}}, want: map[string]string{"ContactId": "Fred Bloggs"}, request: 1},
		"what was typed stays":                              {ask: FormAsk{Object: "Case", About: []Ref{fred}, Values: map[string]string{"ContactId": ""}}, want: map[string]string{"ContactId": ""}},
		"a lead has no references":                          {ask: FormAsk{Object: "Lead", About: []Ref{fred, acme}}, want: map[string]string{"Phone": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.DataRequests("/composite")
			f := w.form(row.ask)
			if got := w.DataRequests("/composite") - before; got != row.request {
				t.Errorf("%d requests for names", got)
			}
			filled := 0
			for _, fd := range f.Fields {
				if fd.Type == "reference" && !fd.Value.Empty() && fd.Name != "OwnerId" {
					filled++
				}
			}
			wanted := 0
			for field, who := range row.want {
				fd := f.Field(field)
				if fd == nil || fd.Shown.String() != who || fd.Value.Empty() != (who == "") {
					t.Errorf("%s: %+v", field, fd)
				}
				if who != "" {
					wanted++
				}
			}
			if filled != wanted {
				t.Errorf("%d references are filled: %+v", filled, f.Fields)
			}
		})
	}
}
