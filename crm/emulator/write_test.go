package emulator

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestEveryRuleOfAWriteRefusesWithItsOwnCode(t *testing.T) {
	o := newOrg(t)
	fred, acme := o.storyID("Contact", StoryKnownName), o.storyID("Account", StoryKnownAccount)
	lead := o.storyID("Lead", StorySharedLead)
	gone := o.create("Contact", map[string]any{"LastName": "Gone"})
	o.do("DELETE", v+"/sobjects/Contact/"+gone, nil).want(204)
	leaver := o.soql("SELECT Id FROM User WHERE Username = 'will.leaver@offhook.example'").object()["records"].([]any)[0].(map[string]any)["Id"].(string)
	converted := o.soql("SELECT Id FROM Lead WHERE IsConverted = true LIMIT 1").object()["records"].([]any)[0].(map[string]any)["Id"].(string)
	for name, tc := range map[string]struct {
		object, body, code, message, field string
	}{
		"required":           {"Contact", `{"FirstName":"x"}`, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", "LastName"},
		"two required":       {"Lead", `{"FirstName":"x"}`, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName, Company]", "LastName"},
		"blank is missing":   {"Contact", `{"LastName":"  "}`, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", "LastName"},
		"null status":        {"Task", `{"Status":null}`, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Status]", "Status"},
		"unknown field":      {"Contact", `{"LastName":"x","Nope":1}`, "INVALID_FIELD", "No such column 'Nope' on sobject of type Contact", ""},
		"read-only":          {"Task", `{"IsClosed":true}`, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: IsClosed. Please check the security settings of this field and verify that it is read/write for your profile or permission set.", "IsClosed"},
		"completed is ours":  {"Task", `{"CompletedDateTime":"2026-11-20T10:00:00Z"}`, "INVALID_FIELD_FOR_INSERT_UPDATE", "", "CompletedDateTime"},
		"id on create":       {"Task", `{"Id":"00T000000000000AAA"}`, "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", "Id"},
		"too long":           {"Task", `{"Subject":"` + strings.Repeat("s", 256) + `"}`, "STRING_TOO_LONG", "Subject: data value too large: " + strings.Repeat("s", 256) + " (max length=255)", "Subject"},
		"long phone":         {"Contact", `{"LastName":"x","Phone":"` + strings.Repeat("1", 41) + `"}`, "STRING_TOO_LONG", "", "Phone"},
		"call type":          {"Task", `{"CallType":"Sideways"}`, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Call Type: bad value for restricted picklist field: Sideways", "CallType"},
		"subtype":            {"Task", `{"TaskSubtype":"Fax"}`, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "", "TaskSubtype"},
		"negative duration":  {"Task", `{"CallDurationInSeconds":-1}`, "NUMBER_OUTSIDE_VALID_RANGE", "", "CallDurationInSeconds"},
		"duration text":      {"Task", `{"CallDurationInSeconds":"soon"}`, "JSON_PARSER_ERROR", "", ""},
		"fraction":           {"Task", `{"CallDurationInSeconds":1.5}`, "JSON_PARSER_ERROR", "", ""},
		"date":               {"Task", `{"ActivityDate":"tomorrow"}`, "JSON_PARSER_ERROR", "", ""},
		"object as value":    {"Task", `{"Subject":{"a":1}}`, "JSON_PARSER_ERROR", "", ""},
		"wrong what":         {"Task", `{"WhatId":"` + fred + `"}`, "MALFORMED_ID", "Related To ID: id value of incorrect type: " + fred, "WhatId"},
		"wrong who":          {"Task", `{"WhoId":"` + acme + `"}`, "MALFORMED_ID", "Name ID: id value of incorrect type: " + acme, "WhoId"},
		"no id":              {"Task", `{"WhoId":"fred"}`, "MALFORMED_ID", "Name ID: id value of incorrect type: fred", "WhoId"},
		"bad checksum":       {"Task", `{"WhoId":"` + fred[:17] + `5"}`, "MALFORMED_ID", "", "WhoId"},
		"nobody":             {"Task", `{"WhoId":"` + id18("003Wz0000000zzz") + `"}`, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ""},
		"deleted":            {"Task", `{"WhoId":"` + gone + `"}`, "ENTITY_IS_DELETED", "entity is deleted", ""},
		"lead and what":      {"Task", `{"WhoId":"` + lead + `","WhatId":"` + acme + `"}`, "FIELD_INTEGRITY_EXCEPTION", "", "WhatId"},
		"converted lead":     {"Task", `{"WhoId":"` + converted + `"}`, "CANNOT_UPDATE_CONVERTED_LEAD", "", "WhoId"},
		"inactive owner":     {"Task", `{"OwnerId":"` + leaver + `"}`, "INACTIVE_OWNER_OR_USER", "", ""},
		"email":              {"Contact", `{"LastName":"x","Email":"not an address"}`, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: not an address", "Email"},
		"member of nothing":  {"CampaignMember", `{"Status":"Sent"}`, "REQUIRED_FIELD_MISSING", "", "CampaignId"},
		"statuses are fixed": {"CampaignMemberStatus", `{"Label":"x"}`, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := o.in(t)
			before := len(o.Records(tc.object, true))
			a := o.do("POST", v+"/sobjects/"+tc.object, tc.body).refused(400, tc.code)
			if tc.message != "" && a.message() != tc.message {
				t.Errorf("message %q, want %q", a.message(), tc.message)
			}
			if tc.field != "" {
				if f, _ := a.array()[0].(map[string]any)["fields"].([]any); len(f) == 0 || f[0] != tc.field {
					t.Errorf("fields %v, want %s first", f, tc.field)
				}
			}
			if len(o.Records(tc.object, true)) != before {
				t.Error("the refused record was stored")
			}
		})
	}
}

func TestACallIsStoredAsACompletedTaskWithEverythingDerived(t *testing.T) {
	o := newOrg(t)
	fred, acme := o.storyID("Contact", StoryKnownName), o.storyID("Account", StoryKnownAccount)
	var landed []string
	o.OnCreate(func(object string, r map[string]any) { landed = append(landed, fmt.Sprint(object, " ", r["Subject"])) })
	a := o.do("POST", v+"/sobjects/Task", map[string]any{"attributes": map[string]any{"type": "Task"}, "subject": "Inbound Call", "Status": "Completed", "Priority": "Normal", "TaskSubtype": "Call",
		"CallType": "Inbound", "CallDurationInSeconds": 187, "CallDisposition": "Resolved", "CallObject": "key-1", "ActivityDate": "2026-11-20", "WhoId": fred[:15], CallKeyField: "uuid-1"}).want(201)
	m := a.object()
	id := m["id"].(string)
	if len(id) != 18 || m["success"] != true || len(m["errors"].([]any)) != 0 || len(m) != 3 || a.header.Get("Location") != v+"/sobjects/Task/"+id {
		t.Errorf("created: %s, Location %s", a.raw, a.header.Get("Location"))
	}
	row := o.do("GET", v+"/sobjects/Task/"+id, nil).want(200).object()
	for k, want := range map[string]any{"IsClosed": true, "CompletedDateTime": "2026-11-20T16:11:36.000+0000", "AccountId": acme, "WhoId": fred, "WhoCount": 1.0, "WhatCount": 0.0,
		"CallDurationInSeconds": 187.0, "Subject": "Inbound Call", "IsDeleted": false, "CreatedDate": "2026-11-20T16:11:36.000+0000", CallKeyField: "uuid-1"} {
		if row[k] != want {
			t.Errorf("%s is %v, want %v", k, row[k], want)
		}
	}
	if att := row["attributes"].(map[string]any); att["type"] != "Task" || att["url"] != v+"/sobjects/Task/"+id {
		t.Errorf("attributes %v", att)
	}
	if len(landed) != 1 || landed[0] != "Task Inbound Call" {
		t.Errorf("the hook saw %q", landed)
	}
	o.clock.add(time.Hour)
	o.do("PATCH", v+"/sobjects/Task/"+id, `{"TaskSubtype":"Call"}`).refused(400, "INVALID_FIELD_FOR_INSERT_UPDATE")
	o.do("PATCH", v+"/sobjects/Task/"+id, `{"Id":"`+id+`"}`).refused(400, "INVALID_FIELD")
	o.do("PATCH", v+"/sobjects/Task/"+id, `{"Status":"In Progress"}`).want(204)
	if row = o.do("GET", v+"/sobjects/Task/"+id+"?fields=IsClosed,CompletedDateTime,Who.Name", nil).want(200).object(); row["IsClosed"] != false || row["CompletedDateTime"] != nil {
		t.Errorf("opened again: %v", row)
	}
	if who := row["Who"].(map[string]any); who["Name"] != StoryKnownName {
		t.Errorf("Who is %v", who)
	}
	o.do("DELETE", v+"/sobjects/Task/"+id, nil).want(204)
	o.do("GET", v+"/sobjects/Task/"+id, nil).refused(404, "ENTITY_IS_DELETED")
	o.do("PATCH", v+"/sobjects/Task/"+id, `{}`).refused(404, "ENTITY_IS_DELETED")
}

func TestAnOpenTaskHasTheDefaultsOfTheOrg(t *testing.T) {
	o := bareOrg(t)
	row := o.do("GET", v+"/sobjects/Task/"+o.create("Task", map[string]any{}), nil).object()
	for k, want := range map[string]any{"Status": "Not Started", "Priority": "Normal", "TaskSubtype": "Task", "IsClosed": false, "CompletedDateTime": nil} {
		if row[k] != want {
			t.Errorf("%s is %v, want %v", k, row[k], want)
		}
	}
	agent := o.soql("SELECT Id FROM User WHERE Username = '" + AgentUsername + "'").object()["records"].([]any)[0].(map[string]any)["Id"]
	if row["OwnerId"] != agent || row["CreatedById"] != agent {
		t.Errorf("owner %v, creator %v, want the agent %v", row["OwnerId"], row["CreatedById"], agent)
	}
}

func TestOneKeyMakesOneTask(t *testing.T) {
	o := bareOrg(t)
	body := map[string]any{"Subject": "a", CallKeyField: "Key-1"}
	id := o.create("Task", body)
	body[CallKeyField] = "key-1" // unique without case
	a := o.do("POST", v+"/sobjects/Task", body).refused(400, "DUPLICATE_VALUE")
	if a.message() != "duplicate value found: Offhook_Call_Key__c duplicates value on record with id: "+id {
		t.Errorf("message %q", a.message())
	}
	o.do("DELETE", v+"/sobjects/Task/"+id, nil).want(204)
	o.do("POST", v+"/sobjects/Task", body).want(201) // a deleted record frees its key
}

func TestUpsertByKeyCreatesOnceAndThenUpdates(t *testing.T) {
	o := bareOrg(t)
	path := v + "/sobjects/Task/" + CallKeyField + "/k%20%2F1"
	o.do("PATCH", path+"?updateOnly=true", `{"Subject":"x"}`).refused(404, "NOT_FOUND")
	a := o.do("PATCH", path, `{"Subject":"first","TaskSubtype":"Call"}`).want(201).object()
	if a["created"] != true || a["success"] != true {
		t.Errorf("first: %v", a)
	}
	b := o.do("PATCH", path, `{"Subject":"second"}`).want(200).object()
	if b["created"] != false || b["id"] != a["id"] {
		t.Errorf("second: %v", b)
	}
	for body, code := range map[string]string{`{"Offhook_Call_Key__c":"k"}`: "INVALID_FIELD", `{"Id":"x"}`: "INVALID_FIELD", `{"TaskSubtype":"Call"}`: "INVALID_FIELD_FOR_INSERT_UPDATE"} {
		r := o.do("PATCH", path, body).refused(400, code)
		if strings.Contains(body, "Call_Key") && r.message() != "The Offhook_Call_Key__c field should not be specified in the sobject data." {
			t.Errorf("message %q", r.message())
		}
	}
	if row := o.do("GET", path, nil).want(200).object(); row["Subject"] != "second" || row[CallKeyField] != "k /1" {
		t.Errorf("read back %v %v", row["Subject"], row[CallKeyField])
	}
	o.do("PATCH", v+"/sobjects/Task/Subject/x", `{}`).refused(404, "NOT_FOUND")
}

func TestAnExternalIdThatIsNotUniqueAnswers300(t *testing.T) {
	o := bareOrg(t)
	one, two := o.create("Task", map[string]any{CallIDField: "c"}), o.create("Task", map[string]any{CallIDField: "c"})
	list := o.do("PATCH", v+"/sobjects/Task/"+CallIDField+"/c", `{"Subject":"x"}`).want(300).array()
	if len(list) != 2 || list[0] != v+"/sobjects/Task/"+one || list[1] != v+"/sobjects/Task/"+two {
		t.Errorf("choices: %v", list)
	}
}

func TestAnOrgWithoutThePackageOrTheLicenceSaysSo(t *testing.T) {
	o := newOrg(t, func(opt *Options) { opt.NoCallKey = true; opt.Without = []string{"CampaignMember", "Task.Type"} })
	o.do("POST", v+"/sobjects/Task", map[string]any{CallKeyField: "k"}).refused(400, "INVALID_FIELD")
	o.do("POST", v+"/sobjects/Task", `{"Type":"Call"}`).refused(400, "INVALID_FIELD")
	o.do("GET", v+"/sobjects/CampaignMember/describe", nil).refused(404, "NOT_FOUND")
	o.soql("SELECT Id FROM CampaignMember").refused(400, "INVALID_TYPE")
	id := o.create("Task", map[string]any{"CallObject": "key-9"})
	q := o.soql("SELECT Id FROM Task WHERE CallObject='key-9' AND CreatedDate=LAST_N_DAYS:2 LIMIT 1").want(200).object()
	if q["totalSize"] != 1.0 || q["records"].([]any)[0].(map[string]any)["Id"] != id {
		t.Errorf("the fallback query found %v", q)
	}
	o.do("POST", "/_emulator/settings", `{"callKey":true,"without":[]}`).want(200)
	o.do("POST", v+"/sobjects/Task", map[string]any{CallKeyField: "k", "Type": "Call"}).want(201)
}

func TestACampaignMemberTakesTheDefaultForAnUnknownStatus(t *testing.T) {
	o := newOrg(t)
	campaign := o.create("Campaign", map[string]any{"Name": "Spring"})
	st := o.soql("SELECT Label,HasResponded,IsDefault,SortOrder FROM CampaignMemberStatus WHERE CampaignId='" + campaign + "' ORDER BY SortOrder").object()
	if st["totalSize"] != 2.0 {
		t.Fatalf("statuses: %v", st)
	}
	fred := o.storyID("Contact", StoryKnownName)
	id := o.create("CampaignMember", map[string]any{"CampaignId": campaign, "ContactId": fred, "Status": "Bananas"})
	row := o.do("GET", v+"/sobjects/CampaignMember/"+id, nil).object()
	if row["Status"] != "Sent" || row["HasResponded"] != false || row["Name"] != StoryKnownName || row["CompanyOrAccount"] != StoryKnownAccount {
		t.Errorf("member: %v", row)
	}
	o.do("POST", v+"/sobjects/CampaignMember", map[string]any{"CampaignId": campaign, "ContactId": fred}).refused(400, "DUPLICATE_VALUE")
	o.do("PATCH", v+"/sobjects/CampaignMember/"+id, `{"Status":"Responded"}`).want(204)
	if row = o.do("GET", v+"/sobjects/CampaignMember/"+id, nil).object(); row["HasResponded"] != true || row["FirstRespondedDate"] != "2026-11-20" {
		t.Errorf("responded: %v", row)
	}
}

func TestCasesAndOpportunitiesDeriveTheirState(t *testing.T) {
	o := newOrg(t)
	fred, acme := o.storyID("Contact", StoryKnownName), o.storyID("Account", StoryKnownAccount)
	id := o.create("Case", map[string]any{"ContactId": fred, "Subject": "x"})
	row := o.do("GET", v+"/sobjects/Case/"+id, nil).object()
	if row["Status"] != "New" || row["IsClosed"] != false || row["AccountId"] != acme || row["ContactMobile"] != StoryKnownStored || row["CaseNumber"] == nil {
		t.Errorf("case: %v", row)
	}
	o.do("PATCH", v+"/sobjects/Case/"+id, `{"Status":"Closed"}`).want(204)
	if row = o.do("GET", v+"/sobjects/Case/"+id, nil).object(); row["IsClosed"] != true || row["ClosedDate"] == nil {
		t.Errorf("closed case: %v", row)
	}
	opp := o.create("Opportunity", map[string]any{"Name": "x", "StageName": "Closed Won", "CloseDate": "2026-12-01", "AccountId": acme})
	if row = o.do("GET", v+"/sobjects/Opportunity/"+opp, nil).object(); row["IsWon"] != true || row["Probability"] != 100.0 {
		t.Errorf("opportunity: %v", row)
	}
}

func TestManyClientsWriteAtOnceWithoutLosingARecord(t *testing.T) {
	o := bareOrg(t)
	done := make(chan int, 8)
	for g := range 8 {
		go func() {
			n := 0
			for i := range 20 {
				if o.do("POST", v+"/sobjects/Task", map[string]any{CallKeyField: fmt.Sprint(g%4, "-", i)}).status == 201 {
					n++
				}
				o.soql("SELECT COUNT() FROM Task")
			}
			done <- n
		}()
	}
	total := 0
	for range 8 {
		total += <-done
	}
	if total != 80 || len(o.Records("Task", true)) != 80 {
		t.Errorf("%d writes succeeded and %d records are there, want 80 of each", total, len(o.Records("Task", true)))
	}
}

func TestWhoSeesARecordSeesTheRequestThatMadeIt(t *testing.T) {
	o := bareOrg(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 50 {
			o.do("POST", v+"/sobjects/Task", map[string]any{CallKeyField: fmt.Sprint("k-", i)})
		}
	}()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		made := len(o.Records("Task", true))
		if asked := len(o.Requests()); asked < made {
			t.Fatalf("%d Tasks after %d requests", made, asked)
		}
	}
}
