package emulator

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func (o *org) settings(body string) answer {
	o.Helper()
	return o.do("POST", "/_emulator/settings", body)
}

// eitherStore runs a test on an org in memory and on one in a file.
func eitherStore(t *testing.T, test func(t *testing.T, o *org)) {
	for _, where := range []string{"memory", "file"} {
		t.Run(where, func(t *testing.T) {
			test(t, newOrg(t, func(opt *Options) {
				opt.Data = &Data{}
				if where == "file" {
					opt.File = filepath.Join(t.TempDir(), "org.db")
				}
			}))
		})
	}
}

func TestAValidationRuleRefusesWhatItsConditionHoldsFor(t *testing.T) {
	eitherStore(t, func(t *testing.T, o *org) {
		o.settings(`{"validationRules":[{"object":"Task","when":"IsClosed = true AND CallDisposition = null","field":"CallDisposition","message":"Choose a result."},
			{"object":"Contact","when":"Account.Name = 'Closed Ltd'","message":"That company is closed."}]}`).want(200)
		a := o.do("POST", v+"/sobjects/Task", `{"Status":"Completed"}`).refused(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
		if a.message() != "Choose a result." || fmt.Sprint(a.array()[0].(map[string]any)["fields"]) != "[CallDisposition]" {
			t.Errorf("%s", a.raw)
		}
		id := o.create("Task", map[string]any{"Subject": "open"})
		o.do("PATCH", v+"/sobjects/Task/"+id, `{"Status":"Completed"}`).refused(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
		o.do("PATCH", v+"/sobjects/Task/"+id, `{"Status":"Completed","CallDisposition":"Resolved"}`).want(204)
		closed := o.create("Account", map[string]any{"Name": "Closed Ltd"})
		o.do("POST", v+"/sobjects/Contact", map[string]any{"LastName": "x", "AccountId": closed}).refused(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
		if n := len(o.Records("Contact", true)); n != 0 {
			t.Errorf("%d contacts were stored all the same", n)
		}
	})
}

func TestADuplicateRuleFindsThePersonByAddressNumberOrName(t *testing.T) {
	eitherStore(t, func(t *testing.T, o *org) {
		o.settings(`{"duplicateRules":[{"object":"Contact","match":["Email"],"against":["Contact","Lead"],"allowSave":true},
			{"object":"Contact","name":"Same_Phone","match":["MobilePhone"]},{"object":"Lead","match":["Name","Company"],"message":"We know them."}]}`).want(200)
		emma := o.create("Contact", map[string]any{"FirstName": "Emma", "LastName": "Woodhouse", "Email": "emma@hartfield.example", "Phone": "(01632) 960-777"})
		lead := o.create("Lead", map[string]any{"LastName": "Elton", "Company": "Vicarage", "Email": "elton@vicarage.example"})
		for _, tc := range []struct {
			body, match, rule string
			allow             bool
		}{
			{`{"LastName":"W","Email":"EMMA@hartfield.example"}`, emma, "Standard_Contact_Duplicate_Rule", true},
			{`{"LastName":"E","Email":"elton@vicarage.example"}`, lead, "Standard_Contact_Duplicate_Rule", true},
			{`{"LastName":"W","MobilePhone":"01632 960777"}`, emma, "Same_Phone", false},
			{`{"LastName":"W","MobilePhone":"01632 960778"}`, "", "", false},
			{`{"LastName":"Woodhouse"}`, "", "", false},
			{`{"LastName":"W","Phone":"01632 960777"}`, "", "", false},
		} {
			a := o.do("POST", v+"/sobjects/Contact", tc.body)
			if tc.match == "" {
				a.want(201)
				continue
			}
			res := a.refused(400, "DUPLICATES_DETECTED").array()[0].(map[string]any)["duplicateResut"].(map[string]any)
			rec := res["matchResults"].([]any)[0].(map[string]any)["matchRecords"].([]any)[0].(map[string]any)["record"].(map[string]any)
			if rec["Id"] != tc.match || res["duplicateRule"] != tc.rule || res["allowSave"] != tc.allow {
				t.Errorf("%s: %v", tc.body, res)
			}
			save := o.do("POST", v+"/sobjects/Contact", tc.body, "Sforce-Duplicate-Rule-Header", "allowSave=true")
			if tc.allow {
				o.do("DELETE", v+"/sobjects/Contact/"+save.want(201).object()["id"].(string), nil).want(204)
			} else {
				save.refused(400, "DUPLICATES_DETECTED")
			}
		}
		o.do("POST", v+"/sobjects/Lead", `{"LastName":"elton","Company":"vicarage"}`).refused(400, "DUPLICATES_DETECTED")
		o.do("PATCH", v+"/sobjects/Contact/"+emma, `{"Title":"Miss"}`).want(204) // herself is no duplicate
		o.do("PATCH", v+"/sobjects/Contact/"+emma, `{"Email":"elton@vicarage.example"}`).refused(400, "DUPLICATES_DETECTED")
	})
}

func TestWrongRulesAreRefusedWithTheirNumber(t *testing.T) {
	o := bareOrg(t)
	for body, want := range map[string]string{
		`{"validationRules":[{"object":"Nope","when":"Id != null","message":"x"}]}`:                     "validation rule 1",
		`{"validationRules":[{"object":"Task","when":"Nope = 1","message":"x"}]}`:                       "No such column 'Nope'",
		`{"validationRules":[{"object":"Task","when":"Id IN (SELECT Id FROM Task)","message":"x"}]}`:    "query of its own",
		`{"validationRules":[{"object":"Task","when":"Id != null","message":" "}]}`:                     "needs a message",
		`{"validationRules":[{"object":"Task","when":"Id != null","message":"x","field":"Nope"}]}`:      "no field",
		`{"duplicateRules":[{"object":"Contact","match":[]}]}`:                                          "duplicate rule 1",
		`{"duplicateRules":[{"object":"Contact","match":["DoNotCall"]}]}`:                               "no telephone number",
		`{"recordTypes":[{"object":"User","developerName":"A"}]}`:                                       "no record types",
		`{"recordTypes":[{"object":"Case","developerName":"A"},{"object":"Case","developerName":"a"}]}`: "not a free developer name",
		`{"recordTypes":[{"object":"Case","developerName":"A","picklists":{"Status":["Nope"]}}]}`:       "has no value",
		`{"recordTypes":[{"object":"Case","developerName":"A","picklists":{"Subject":["x"]}}]}`:         "no picklist",
		`{"noAccess":["x"]}`: "not the id",
	} {
		before := fmt.Sprint(o.Settings())
		a := o.settings(body).want(400)
		if !strings.Contains(string(a.raw), want) {
			t.Errorf("%s\n  said %s, want %q in it", body, a.raw, want)
		}
		if fmt.Sprint(o.Settings()) != before {
			t.Errorf("%s changed the settings", body)
		}
	}
}

func TestRecordTypesHaveADefaultAndNarrowPicklists(t *testing.T) {
	eitherStore(t, func(t *testing.T, o *org) {
		o.soql("SELECT RecordTypeId FROM Case").refused(400, "INVALID_FIELD")
		o.settings(`{"recordTypes":[{"object":"Case","developerName":"Repair","name":"A repair","default":true},{"object":"Case","developerName":"Claim"},
			{"object":"Task","developerName":"Call","default":true,"picklists":{"CallType":["Inbound"]}}]}`).want(200)
		types := make(map[string]string)
		for _, r := range o.soql("SELECT Id, DeveloperName FROM RecordType WHERE IsActive = true").object()["records"].([]any) {
			m := r.(map[string]any)
			types[m["DeveloperName"].(string)] = m["Id"].(string)
		}
		if len(types) != 3 || !strings.HasPrefix(types["Repair"], "012") {
			t.Fatalf("record types: %v", types)
		}
		typeOf := func(id string) any {
			return o.soql("SELECT RecordType.DeveloperName FROM Case WHERE Id = '" + id + "'").object()["records"].([]any)[0].(map[string]any)["RecordType"].(map[string]any)["DeveloperName"]
		}
		if got := typeOf(o.create("Case", map[string]any{})); got != "Repair" {
			t.Errorf("a case got the record type %v", got)
		}
		if got := typeOf(o.create("Case", map[string]any{"RecordTypeId": types["Claim"]})); got != "Claim" {
			t.Errorf("a claim got the record type %v", got)
		}
		a := o.do("POST", v+"/sobjects/Case", map[string]any{"RecordTypeId": types["Call"]}).refused(400, "INVALID_CROSS_REFERENCE_KEY")
		if a.message() != "Record Type ID: this ID value isn't valid for the user: "+types["Call"] {
			t.Error(a.message())
		}
		o.do("POST", v+"/sobjects/Task", `{"CallType":"Outbound"}`).refused(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
		o.create("Task", map[string]any{"CallType": "Inbound"})
		infos := o.do("GET", v+"/sobjects/Case/describe", nil).object()["recordTypeInfos"].([]any)
		if len(infos) != 3 || infos[0].(map[string]any)["defaultRecordTypeMapping"] != true || infos[2].(map[string]any)["master"] != true {
			t.Errorf("describe: %v", infos)
		}
		o.settings(`{"recordTypes":[{"object":"Case","developerName":"Claim"}]}`).want(200)
		if n := o.soql("SELECT COUNT() FROM RecordType WHERE IsActive = true").object()["totalSize"]; n != 1.0 {
			t.Errorf("%v record types are active", n)
		}
	})
}

func TestAPersonAccountIsAnAccountAndAContact(t *testing.T) {
	eitherStore(t, func(t *testing.T, o *org) {
		o.settings(`{"personAccounts":true}`).want(200)
		person := o.soql("SELECT Id FROM RecordType WHERE IsPersonType = true").object()["records"].([]any)[0].(map[string]any)["Id"].(string)
		id := o.create("Account", map[string]any{"RecordTypeId": person, "FirstName": "Emma", "LastName": "Woodhouse", "PersonMobilePhone": "01632 960123", "PersonEmail": "emma@hartfield.example"})
		row := o.do("GET", v+"/sobjects/Account/"+id, nil).object()
		if row["Name"] != "Emma Woodhouse" || row["IsPersonAccount"] != true {
			t.Errorf("account: %v", row)
		}
		contact := o.do("GET", v+"/sobjects/Contact/"+row["PersonContactId"].(string), nil).want(200).object()
		if contact["MobilePhone"] != "01632 960123" || contact["Email"] != "emma@hartfield.example" || contact["IsPersonAccount"] != true || contact["AccountId"] != id {
			t.Errorf("contact: %v", contact)
		}
		o.do("PATCH", v+"/sobjects/Account/"+id, `{"LastName":"Knightley","PersonMobilePhone":"01632 960124"}`).want(204)
		if got := found(o.sosl("FIND {01632960124} IN PHONE FIELDS RETURNING Account(Name), Contact(Name)")); strings.Count(got, "Emma Knightley") != 2 {
			t.Errorf("searched by the new number: %q", got)
		}
		a := o.do("POST", v+"/sobjects/Account", `{"Name":"Acme","PersonEmail":"x@y.example"}`).refused(400, "INVALID_FIELD_FOR_INSERT_UPDATE")
		if a.message() != "Account: bad field names on insert/update call: PersonEmail" {
			t.Error(a.message())
		}
		o.do("POST", v+"/sobjects/Account", map[string]any{"RecordTypeId": person, "Name": "x"}).refused(400, "INVALID_FIELD_FOR_INSERT_UPDATE")
		o.do("POST", v+"/sobjects/Account", map[string]any{"RecordTypeId": person, "FirstName": "x"}).refused(400, "REQUIRED_FIELD_MISSING")
		company := o.create("Account", map[string]any{"Name": "Acme"})
		if row := o.do("GET", v+"/sobjects/Account/"+company, nil).object(); row["IsPersonAccount"] != false || row["PersonContactId"] != nil || row["RecordTypeId"] == nil {
			t.Errorf("company: %v", row)
		}
		o.create("Task", map[string]any{"WhoId": contact["Id"], "WhatId": id})
		o.do("DELETE", v+"/sobjects/Account/"+id, nil).want(204)
		o.do("GET", v+"/sobjects/Contact/"+contact["Id"].(string), nil).refused(404, "ENTITY_IS_DELETED")
	})
}

func TestARecordThatAnAdminTookAwayCannotBeChangedOrRelatedTo(t *testing.T) {
	o := newOrg(t)
	fred := o.storyID("Contact", StoryKnownName)
	o.settings(`{"noAccess":["` + fred[:15] + `"]}`).want(200)
	o.do("GET", v+"/sobjects/Contact/"+fred, nil).want(200)
	o.do("PATCH", v+"/sobjects/Contact/"+fred, `{"Title":"x"}`).refused(400, "INSUFFICIENT_ACCESS_OR_READONLY")
	o.do("DELETE", v+"/sobjects/Contact/"+fred, nil).refused(400, "INSUFFICIENT_ACCESS_OR_READONLY")
	o.do("POST", v+"/sobjects/Task", map[string]any{"WhoId": fred}).refused(400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY")
}

func TestTheObjectsAroundACallCanBeWritten(t *testing.T) {
	o := newOrg(t)
	fred, acme := o.storyID("Contact", StoryKnownName), o.storyID("Account", StoryKnownAccount)
	opp := o.create("Opportunity", map[string]any{"Name": "x", "StageName": "Qualification", "CloseDate": "2026-12-01", "AccountId": acme})
	o.create("OpportunityContactRole", map[string]any{"OpportunityId": opp, "ContactId": fred, "Role": "Decision Maker", "IsPrimary": true})
	if n := o.soql("SELECT COUNT() FROM OpportunityContactRole WHERE Contact.Name = '" + StoryKnownName + "' AND Opportunity.IsClosed = false").object()["totalSize"]; n != 1.0 {
		t.Errorf("%v roles", n)
	}
	call := o.create("VoiceCall", map[string]any{"CallStartDateTime": "2026-11-20T16:00:00Z", "CallEndDateTime": "2026-11-20T16:03:00Z", "CallType": "Inbound", "FromPhoneNumber": StoryKnownE164})
	o.do("PATCH", v+"/sobjects/VoiceCall/"+call, `{"FromPhoneNumber":"1"}`).refused(400, "INVALID_FIELD_FOR_INSERT_UPDATE")
	o.do("PATCH", v+"/sobjects/VoiceCall/"+call, map[string]any{"ActivityId": o.create("Task", map[string]any{})}).want(204)
	o.do("POST", v+"/sobjects/VoiceCall", `{"CallType":"Inbound"}`).refused(400, "REQUIRED_FIELD_MISSING")
	ev := o.create("Event", map[string]any{"Subject": "Visit", "StartDateTime": "2026-11-24T09:00:00Z", "WhoId": fred})
	if row := o.do("GET", v+"/sobjects/Event/"+ev, nil).object(); row["ActivityDate"] != "2026-11-24" || row["AccountId"] != acme {
		t.Errorf("event: %v", row)
	}
	o.do("POST", v+"/sobjects/Event", map[string]any{"WhoId": o.storyID("Lead", StorySharedLead), "WhatId": acme}).refused(400, "FIELD_INTEGRITY_EXCEPTION")
	machine := o.create("Machine__c", map[string]any{"Name": "Press 4", "Services__c": "Repair;Inspect", "Account__c": acme})
	o.do("POST", v+"/sobjects/Machine__c", `{"Name":"x","Services__c":"Repair;Nope"}`).refused(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
	for q, want := range map[string]float64{"INCLUDES ('Repair;Inspect')": 1, "INCLUDES ('Repair;Install')": 0, "INCLUDES ('Install','repair')": 1, "EXCLUDES ('Install')": 1,
		"EXCLUDES ('Repair')": 0, "= 'Repair;Inspect'": 1} {
		if n := o.soql("SELECT COUNT() FROM Machine__c WHERE Services__c " + q).want(200).object()["totalSize"]; n != want {
			t.Errorf("Services__c %s finds %v", q, n)
		}
	}
	o.create("Task", map[string]any{"WhatId": machine, "ReminderDateTime": "2026-11-24T09:00:00Z", "IsReminderSet": true})
}
