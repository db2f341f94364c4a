package emulator

import (
	"fmt"
	"testing"
)

func TestLayoutsSayWhichValuesARecordTypeOffers(t *testing.T) {
	o := newOrg(t, func(opt *Options) {
		opt.Data = &Data{}
		opt.RecordTypes = []RecordType{{Object: "Case", DeveloperName: "Fault", Default: true, Picklists: map[string][]string{"Type": {"Mechanical", "Electrical"}}},
			{Object: "Case", DeveloperName: "Billing", Picklists: map[string][]string{"type": {"Other"}}}}
	})
	layouts := o.do("GET", v+"/sobjects/Case/describe/layouts", nil).want(200).object()
	if layouts["recordTypeSelectorRequired"].([]any)[0] != true {
		t.Error("a person must choose between two record types")
	}
	offered, ids := map[any]string{}, map[any]string{}
	for _, m := range layouts["recordTypeMappings"].([]any) {
		mapping := m.(map[string]any)
		ids[mapping["developerName"]] = mapping["recordTypeId"].(string)
		for _, p := range mapping["picklistsForRecordType"].([]any) {
			if list := p.(map[string]any); list["picklistName"] == "Type" {
				for _, value := range list["picklistValues"].([]any) {
					offered[mapping["developerName"]] += fmt.Sprint(value.(map[string]any)["value"], " ")
				}
			}
		}
	}
	if offered["Fault"] != "Mechanical Electrical " || offered["Billing"] != "Other " || offered["Master"] != "Mechanical Electrical Electronic Structural Other " {
		t.Errorf("values of Type: %q", offered)
	}
	for _, id := range []string{ids["Fault"], ids["Billing"][:15], ids["Master"]} {
		o.do("GET", v+"/sobjects/Case/describe/layouts/"+id, nil).want(200)
	}
	o.do("GET", v+"/sobjects/Case/describe/layouts/012000000000009AAA", nil).refused(404, "NOT_FOUND")
	if one := o.do("GET", v+"/sobjects/Contact/describe/layouts", nil).want(200).object(); one["recordTypeSelectorRequired"].([]any)[0] != false {
		t.Error("nothing is to be chosen without record types")
	}
}

func TestAPicklistThatDependsOnAnotherSaysOnWhat(t *testing.T) {
	o, found := bareOrg(t), false
	for _, f := range o.do("GET", v+"/sobjects/Machine__c/describe", nil).want(200).object()["fields"].([]any) {
		m := f.(map[string]any)
		if m["name"] != "Fault__c" {
			if m["dependentPicklist"] != false || m["controllerName"] != nil {
				t.Errorf("%v depends on %v", m["name"], m["controllerName"])
			}
			continue
		}
		got := ""
		found = true
		for _, p := range m["picklistValues"].([]any) {
			got += fmt.Sprint(p.(map[string]any)["validFor"], " ")
		}
		if m["dependentPicklist"] != true || m["controllerName"] != "State__c" || got != "gA== wA== QA== QA== " { // Running is the first bit, Stopped the second
			t.Errorf("%v %v %s", m["dependentPicklist"], m["controllerName"], got)
		}
	}
	if !found {
		t.Error("Fault__c is not described")
	}
}

func TestADefaultThatTheRecordTypeDoesNotOfferIsNotTaken(t *testing.T) {
	o := newOrg(t, func(opt *Options) {
		opt.Data = &Data{}
		opt.RecordTypes = []RecordType{{Object: "Case", DeveloperName: "Repair", Default: true, Picklists: map[string][]string{"Priority": {"High", "Low"}}},
			{Object: "Lead", DeveloperName: "Shop", Default: true, Picklists: map[string][]string{"Status": {"Working - Contacted"}}}}
	})
	id := o.create("Case", map[string]any{"Subject": "x"})
	if row := o.do("GET", v+"/sobjects/Case/"+id, nil).want(200).object(); row["Priority"] != nil {
		t.Errorf("priority %v", row["Priority"])
	}
	id = o.create("Lead", map[string]any{"LastName": "x", "Company": "y"})
	if row := o.do("GET", v+"/sobjects/Lead/"+id, nil).want(200).object(); row["Status"] != "Working - Contacted" {
		t.Errorf("a lead must have a status, and has %v", row["Status"])
	}
	id = o.create("Case", map[string]any{"Subject": "x", "Priority": "Low"})
	o.do("PATCH", v+"/sobjects/Case/"+id, map[string]any{"Subject": "y"}).want(204)
	if row := o.do("GET", v+"/sobjects/Case/"+id, nil).want(200).object(); row["Priority"] != "Low" {
		t.Errorf("priority %v", row["Priority"])
	}
}
