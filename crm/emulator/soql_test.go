package emulator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// smallOrg has few records that the query tests know by heart.
func smallOrg(t *testing.T) *org {
	t.Helper()
	data, err := LoadData(strings.NewReader(`
{"attributes":{"type":"Account","referenceId":"acme"},"Name":"Acme","Phone":"020 7946 0001"}
{"attributes":{"type":"Account","referenceId":"zeta"},"Name":"Zeta 100%"}
{"attributes":{"type":"Contact","referenceId":"ann"},"LastName":"Ann","AccountId":"@acme","Phone":"(415) 555-0123","Email":"ann@acme.example","Birthdate":"1990-05-01"}
{"attributes":{"type":"Contact"},"LastName":"Bob","AccountId":"@acme","MobilePhone":"+44 7700 900123","CreatedDate":"2026-11-19T23:30:00Z"}
{"attributes":{"type":"Contact"},"LastName":"O'Hara_x","AccountId":"@zeta","Phone":"01632 960 001 ext. 7"}
{"attributes":{"type":"Contact"},"LastName":"zoe","Description":"back\\slash","DoNotCall":true}
{"attributes":{"type":"Case"},"Subject":"Late","ContactId":"@ann","Status":"New","CreatedDate":"2026-11-18T12:00:00Z"}
{"attributes":{"type":"Case"},"Subject":"Lost","ContactId":"@ann","Status":"Closed","CreatedDate":"2026-10-01T12:00:00Z"}
{"attributes":{"type":"Opportunity"},"Name":"Big","StageName":"Prospecting","CloseDate":"2026-11-20","Amount":1000.5,"AccountId":"@acme"}
{"attributes":{"type":"Opportunity"},"Name":"Small","StageName":"Closed Won","CloseDate":"2026-12-24","Amount":20,"AccountId":"@zeta"}
{"attributes":{"type":"Task"},"Subject":"Talk","WhoId":"@ann","WhatId":"@acme","Status":"Completed","CallDurationInSeconds":60}`))
	if err != nil {
		t.Fatal(err)
	}
	return newOrg(t, func(opt *Options) { opt.Data = data })
}

// key is the text that identifies a row of any object in the tests.
func key(row map[string]any) string {
	for _, k := range []string{"LastName", "Subject", "Name", "Username"} {
		if s, ok := row[k].(string); ok {
			return s
		}
	}
	return fmt.Sprint(row)
}

func TestQueriesFindWhatTheyAskFor(t *testing.T) {
	o := smallOrg(t)
	for q, want := range map[string]string{
		"SELECT LastName FROM Contact":                                                                                       "Ann,Bob,O'Hara_x,zoe",
		"select lastname from contact order by lastname desc":                                                                "zoe,O'Hara_x,Bob,Ann",
		"SELECT Contact.LastName FROM Contact WHERE Contact.LastName='ann'":                                                  "Ann",
		"SELECT LastName FROM Contact ORDER BY Account.Name NULLS LAST, LastName DESC":                                       "Bob,Ann,O'Hara_x,zoe",
		"SELECT LastName FROM Contact ORDER BY Account.Name, LastName":                                                       "zoe,Ann,Bob,O'Hara_x",
		"SELECT LastName FROM Contact ORDER BY LastName LIMIT 2 OFFSET 1":                                                    "Bob,O'Hara_x",
		"SELECT c.LastName FROM Contact c WHERE c.Account.Name = 'Zeta 100%' ORDER BY c.LastName":                            "O'Hara_x",
		"SELECT c.LastName FROM Contact AS c WHERE c.Id IN (SELECT k.ContactId FROM Case k WHERE k.IsClosed = true) LIMIT 1": "Ann",
		"SELECT LastName FROM Contact LIMIT 0":                                                                               "",
		"SELECT LastName FROM Contact WHERE LastName = 'O\\'Hara_x'":                                                         "O'Hara_x",
		"SELECT LastName FROM Contact WHERE LastName LIKE '%\\_x'":                                                           "O'Hara_x",
		"SELECT LastName FROM Contact WHERE LastName LIKE '_o_'":                                                             "Bob,zoe",
		"SELECT LastName FROM Contact WHERE LastName LIKE 'O%'":                                                              "O'Hara_x",
		"SELECT LastName FROM Contact WHERE NOT LastName LIKE '%o%'":                                                         "Ann",
		"SELECT LastName FROM Contact WHERE Phone LIKE '%415%555%0123%'":                                                     "Ann",
		"SELECT LastName FROM Contact WHERE Phone IN ('4155550123','(415) 555-0123')":                                        "Ann",
		"SELECT LastName FROM Contact WHERE Phone = null":                                                                    "Bob,zoe",
		"SELECT LastName FROM Contact WHERE Phone != null AND Email != null":                                                 "Ann",
		"SELECT LastName FROM Contact WHERE Phone != '(415) 555-0123'":                                                       "Bob,O'Hara_x,zoe",
		"SELECT LastName FROM Contact WHERE Phone NOT IN ('(415) 555-0123')":                                                 "Bob,O'Hara_x,zoe",
		"SELECT LastName FROM Contact WHERE (LastName = 'Ann' OR LastName = 'Bob') AND Phone = null":                         "Bob",
		"SELECT LastName FROM Contact WHERE LastName = 'Ann' OR (LastName = 'Bob' AND DoNotCall = TRUE)":                     "Ann",
		"SELECT LastName FROM Contact WHERE DoNotCall = true":                                                                "zoe",
		"SELECT LastName FROM Contact WHERE LastName > 'b' AND LastName < 'p'":                                               "Bob,O'Hara_x",
		"SELECT LastName FROM Contact WHERE Account.Name = 'Zeta 100%'":                                                      "O'Hara_x",
		"SELECT LastName FROM Contact WHERE Account.Name LIKE '%100\\%'":                                                     "O'Hara_x",
		"SELECT LastName FROM Contact WHERE Account.Owner.Name = 'Alex Agent' AND LastName <> 'Ann'":                         "Bob,O'Hara_x",
		"SELECT LastName FROM Contact WHERE Owner.Username = 'alex.agent@offhook.example' AND Title=null LIMIT 1":            "Ann",
		"SELECT LastName FROM Contact WHERE Id IN (SELECT ContactId FROM Case WHERE IsClosed = false)":                       "Ann",
		"SELECT LastName FROM Contact WHERE Id NOT IN (SELECT ContactId FROM Case)":                                          "Bob,O'Hara_x,zoe",
		"SELECT LastName FROM Contact WHERE Birthdate = 1990-05-01":                                                          "Ann",
		"SELECT LastName FROM Contact WHERE Birthdate < 1990-05-01":                                                          "",
		"SELECT LastName FROM Contact WHERE CreatedDate = TODAY AND Birthdate != null":                                       "Ann",
		"SELECT LastName FROM Contact WHERE CreatedDate = YESTERDAY":                                                         "Bob",
		"SELECT Subject FROM Case WHERE CreatedDate = LAST_N_DAYS:2":                                                         "Late",
		"SELECT Subject FROM Case WHERE CreatedDate = LAST_N_DAYS:1":                                                         "",
		"SELECT Subject FROM Case WHERE CreatedDate < LAST_N_DAYS:2":                                                         "Lost",
		"SELECT Subject FROM Case WHERE CreatedDate >= 2026-11-18T12:00:00Z":                                                 "Late",
		"SELECT Subject FROM Case WHERE CreatedDate > 2026-11-18T12:00:00.000+0000":                                          "",
		"SELECT Subject FROM Case WHERE CreatedDate = LAST_MONTH":                                                            "Lost",
		"SELECT Subject FROM Case WHERE CreatedDate = N_DAYS_AGO:2":                                                          "Late",
		"SELECT Subject FROM Case WHERE CreatedDate = LAST_QUARTER OR CreatedDate = THIS_QUARTER":                            "Late,Lost",
		"SELECT Name FROM Opportunity WHERE Amount > 20 AND Amount <= 1000.5":                                                "Big",
		"SELECT Name FROM Opportunity WHERE Amount IN (20, 30)":                                                              "Small",
		"SELECT Name FROM Opportunity WHERE CloseDate = TODAY":                                                               "Big",
		"SELECT Name FROM Opportunity WHERE CloseDate = NEXT_N_DAYS:40":                                                      "Small",
		"SELECT Subject FROM Task WHERE Who.Name = 'Ann' AND What.Type = 'Account'":                                          "Talk",
		"SELECT Subject FROM Task WHERE CallDurationInSeconds >= 60 AND IsClosed = true ALL ROWS":                            "Talk",
		"SELECT Id, Username FROM User WHERE IsActive = false":                                                               "will.leaver@offhook.example",
		"SELECT LastName FROM Contact USING SCOPE Everything WHERE LastName = 'Ann' WITH USER_MODE FOR VIEW":                 "Ann",
	} {
		a := o.soql(q)
		if a.status != 200 {
			t.Errorf("%s: %d %s", q, a.status, a.raw)
			continue
		}
		var got []string
		for _, r := range a.object()["records"].([]any) {
			got = append(got, key(r.(map[string]any)))
		}
		if s := strings.Join(got, ","); s != want {
			t.Errorf("%s\n  found %q\n  want  %q", q, s, want)
		}
	}
}

func TestYesterdayIsTheUsersYesterday(t *testing.T) {
	o := smallOrg(t) // Bob was created on 19 November 23:30 in London, which is the 20th in Berlin
	set := func(zone string) {
		id := o.soql("SELECT Id FROM User WHERE Username = '" + AgentUsername + "'").object()["records"].([]any)[0].(map[string]any)["Id"].(string)
		o.do("PATCH", v+"/sobjects/User/"+id, map[string]any{"TimeZoneSidKey": zone}).want(204)
	}
	for zone, want := range map[string]float64{"Europe/London": 1, "Europe/Berlin": 0} {
		set(zone)
		if got := o.soql("SELECT COUNT() FROM Contact WHERE CreatedDate = YESTERDAY").object()["totalSize"]; got != want {
			t.Errorf("in %s %v contacts were created yesterday, want %v", zone, got, want)
		}
	}
}

func TestWrongQueriesAreRefusedWithTheRightCode(t *testing.T) {
	o := smallOrg(t)
	for q, want := range map[string]string{
		"SELECT Nope__c FROM Contact":                                        "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE Nope = 'x'":                            "INVALID_FIELD",
		"SELECT Account.Nope FROM Contact":                                   "INVALID_FIELD",
		"SELECT Nobody.Name FROM Contact":                                    "INVALID_FIELD",
		"SELECT Who.Birthdate FROM Task":                                     "INVALID_FIELD",
		"SELECT Id FROM Nope":                                                "INVALID_TYPE",
		"SELECT Id, (SELECT Id FROM Nopes) FROM Contact":                     "INVALID_TYPE",
		"SELECT FROM Contact":                                                "MALFORMED_QUERY",
		"SELECT x.Id FROM Contact c":                                         "INVALID_FIELD",
		"SELECT Id FROM Contact c d":                                         "MALFORMED_QUERY",
		"SELECT Id Contact":                                                  "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE":                                       "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE LastName":                              "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE LastName = 'x":                         "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE LastName = 'x' AND":                    "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE LastName='a' AND Phone='b' OR Fax='c'": "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE (LastName = 'x'":                       "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE LastName = 'x' LIMIT x":                "MALFORMED_QUERY",
		"SELECT Id FROM Contact LIMIT -1":                                    "MALFORMED_QUERY",
		"SELECT Id FROM Contact; DROP TABLE x":                               "MALFORMED_QUERY",
		"SELECT Id FROM Contact GROUP BY LastName":                           "MALFORMED_QUERY",
		"SELECT LastName FROM Contact HAVING COUNT(Id) > 1":                  "MALFORMED_QUERY",
		"SELECT LastName, COUNT(Id) FROM Contact":                            "MALFORMED_QUERY",
		"SELECT COUNT(Id) FROM Contact GROUP BY ROLLUP(LastName)":            "MALFORMED_QUERY",
		"SELECT COUNT(Id), (SELECT Id FROM Cases) FROM Contact":              "MALFORMED_QUERY",
		"SELECT LastName FROM Contact GROUP BY LastName ORDER BY FirstName":  "MALFORMED_QUERY",
		"SELECT SUM(LastName) FROM Contact":                                  "INVALID_FIELD",
		"SELECT MAX(Nope) FROM Contact":                                      "INVALID_FIELD",
		"SELECT COUNT(Id) FROM Contact GROUP BY CreatedDate":                 "INVALID_FIELD",
		"SELECT COUNT(Id) FROM Contact GROUP BY Description":                 "INVALID_FIELD",
		"SELECT CALENDAR_YEAR(LastName) FROM Contact":                        "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE LastName = :name":                      "MALFORMED_QUERY",
		"SELECT Id FROM Contact USING SCOPE team":                            "MALFORMED_QUERY",
		"SELECT LENGTH(LastName) FROM Contact":                               "MALFORMED_QUERY",
		"SELECT Id, LastName x FROM Contact":                                 "MALFORMED_QUERY",
		"SELECT Id, ID FROM Contact":                                         "INVALID_FIELD",
		"SELECT toLabel(Birthdate) FROM Contact":                             "INVALID_FIELD",
		"SELECT TYPEOF Account WHEN Account THEN Name END FROM Contact":      "INVALID_FIELD",
		"SELECT TYPEOF Who WHEN Contact THEN Nope END FROM Task":             "INVALID_FIELD",
		"SELECT TYPEOF Who ELSE Name END FROM Task":                          "MALFORMED_QUERY",
		"SELECT TYPEOF Who WHEN Contact THEN Name FROM Task":                 "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE LastName INCLUDES ('a')":               "INVALID_QUERY_FILTER_OPERATOR",
		"SELECT Id FROM Contact WHERE Id IN (SELECT LastName FROM Lead)":     "MALFORMED_QUERY",
		"SELECT COUNT(), Id FROM Contact":                                    "MALFORMED_QUERY",
		"SELECT FIELDS(ALL) FROM Contact":                                    "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE LastName = '\\q'":                      "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE LastName = '\\%'":                      "MALFORMED_QUERY",
		"UPDATE Contact": "MALFORMED_QUERY",
		"SELECT Id FROM Contact WHERE LastName = 5":                            "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE DoNotCall = 'true'":                      "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE CreatedDate = '2026-01-01'":              "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE CreatedDate > 2026-01-01":                "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE CreatedDate = SOMEDAY":                   "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE Birthdate = 2026-01-01T00:00:00Z":        "INVALID_FIELD",
		"SELECT Id FROM Opportunity WHERE Amount = '5'":                        "INVALID_FIELD",
		"SELECT Id FROM Task WHERE Description = 'x'":                          "INVALID_FIELD",
		"SELECT Id FROM Task ORDER BY Description":                             "INVALID_FIELD",
		"SELECT Id FROM Contact WHERE Id = 'fred'":                             "INVALID_QUERY_FILTER_OPERATOR",
		"SELECT Id FROM Contact WHERE AccountId LIKE '001%'":                   "INVALID_QUERY_FILTER_OPERATOR",
		"SELECT Id FROM Contact WHERE DoNotCall > true":                        "INVALID_QUERY_FILTER_OPERATOR",
		"SELECT Id FROM Contact OFFSET 2001":                                   "NUMBER_OUTSIDE_VALID_RANGE",
		"SELECT Id FROM Contact WHERE " + strings.Repeat("(", 100) + "Id=null": "MALFORMED_QUERY",
	} {
		if a := o.soql(q); a.status != 400 || a.code() != want {
			t.Errorf("%.90s: %d %s, want %s", q, a.status, a.code(), want)
		}
	}
	want := "\nSELECT Id, Nope__c FROM Contact\n           ^\nERROR at Row:1:Column:12\nNo such column 'Nope__c' on entity 'Contact'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
	if got := o.soql("SELECT Id, Nope__c FROM Contact").message(); got != want {
		t.Errorf("message %q", got)
	}
}

func TestAResultHasTheShapeOfARealOne(t *testing.T) {
	o := smallOrg(t)
	a := o.soql("SELECT Id, LastName, Account.Name, (SELECT Subject FROM Cases ORDER BY Subject), Account.Owner.Name FROM Contact WHERE LastName = 'Ann'").want(200)
	id, _ := o.Find("Contact", "LastName", "Ann")
	acme, _ := o.Find("Account", "Name", "Acme")
	alex, _ := o.Find("User", "Username", AgentUsername)
	one, _ := o.Find("Case", "Subject", "Late")
	two, _ := o.Find("Case", "Subject", "Lost")
	attr := func(object string, r map[string]any) string {
		return fmt.Sprintf(`"attributes":{"type":"%s","url":"%s/sobjects/%s/%s"}`, object, v, object, r["Id"])
	}
	owner := strings.Replace(attr("User", alex), `"type":"User"`, `"type":"Name"`, 1)
	want := fmt.Sprintf(`{"done":true,"records":[{"Account":{"Name":"Acme","Owner":{"Name":"Alex Agent",%s},%s},"Cases":{"done":true,"records":[{"Subject":"Late",%s},{"Subject":"Lost",%s}],"totalSize":2},"Id":"%s","LastName":"Ann",%s}],"totalSize":1}`,
		owner, attr("Account", acme), attr("Case", one), attr("Case", two), id["Id"], attr("Contact", id))
	if string(a.raw) != want {
		t.Errorf("got  %s\nwant %s", a.raw, want)
	}
	if got := string(o.soql("SELECT COUNT() FROM Contact").raw); got != `{"done":true,"records":[],"totalSize":4}` {
		t.Errorf("COUNT(): %s", got)
	}
	none := o.soql("SELECT LastName, Account.Name, (SELECT Id FROM Cases) FROM Contact WHERE LastName = 'zoe'").object()["records"].([]any)[0].(map[string]any)
	if none["Account"] != nil || none["Cases"] != nil {
		t.Errorf("a missing parent and missing children are null: %v", none)
	}
}

func TestLongResultsComeInPages(t *testing.T) {
	o := newOrg(t)
	first := o.do("GET", v+"/query/?q=SELECT+Id+FROM+Contact+ORDER+BY+Id", nil, "Sforce-Query-Options", "batchSize=200").want(200).object()
	if first["done"] != false || first["totalSize"] != 500.0 || len(first["records"].([]any)) != 200 {
		t.Fatalf("first page: %v %v", first["done"], first["totalSize"])
	}
	next := first["nextRecordsUrl"].(string)
	if !strings.HasPrefix(next, v+"/query/01g") || !strings.HasSuffix(next, "-200") {
		t.Errorf("nextRecordsUrl %s", next)
	}
	o.create("Contact", map[string]any{"LastName": "Late"}) // the result stands as it was
	seen := first["records"].([]any)
	for next != "" {
		// jsforce keeps the last segment only and asks under its own version
		page := o.do("GET", "/services/data/v50.0/query/"+next[strings.LastIndex(next, "/")+1:], nil, "Sforce-Query-Options", "batchSize=200").want(200).object()
		seen = append(seen, page["records"].([]any)...)
		next, _ = page["nextRecordsUrl"].(string)
	}
	ids := make(map[any]bool)
	for _, r := range seen {
		ids[r.(map[string]any)["Id"]] = true
	}
	if len(seen) != 500 || len(ids) != 500 {
		t.Errorf("%d rows, %d different", len(seen), len(ids))
	}
}

func TestQueryAllSeesTheRecycleBin(t *testing.T) {
	o := smallOrg(t)
	zoe, _ := o.Find("Contact", "LastName", "zoe")
	o.do("DELETE", v+"/sobjects/Contact/"+zoe["Id"].(string), nil).want(204)
	if n := o.soql("SELECT COUNT() FROM Contact").object()["totalSize"]; n != 3.0 {
		t.Errorf("query sees %v contacts", n)
	}
	if n := o.do("GET", v+"/queryAll?q=SELECT+COUNT()+FROM+Contact+WHERE+IsDeleted=true", nil).want(200).object()["totalSize"]; n != 1.0 {
		t.Errorf("queryAll sees %v deleted contacts", n)
	}
}

func TestDateLiteralsCoverTheirSpans(t *testing.T) {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 31, 0, 30, 0, 0, time.UTC) // 01:30 on a Tuesday, two days after the clocks went forward
	for name, want := range map[string][2]string{
		"TODAY": {"2026-03-31", "2026-04-01"}, "TOMORROW": {"2026-04-01", "2026-04-02"}, "THIS_WEEK": {"2026-03-29", "2026-04-05"}, "LAST_WEEK": {"2026-03-22", "2026-03-29"},
		"THIS_MONTH": {"2026-03-01", "2026-04-01"}, "LAST_MONTH": {"2026-02-01", "2026-03-01"}, "NEXT_MONTH": {"2026-04-01", "2026-05-01"},
		"THIS_QUARTER": {"2026-01-01", "2026-04-01"}, "THIS_YEAR": {"2026-01-01", "2027-01-01"}, "LAST_90_DAYS": {"2025-12-31", "2026-04-01"},
		"LAST_N_DAYS": {"2026-03-28", "2026-04-01"}, "NEXT_N_DAYS": {"2026-04-01", "2026-04-04"}, "N_DAYS_AGO": {"2026-03-28", "2026-03-29"},
		"LAST_N_MONTHS": {"2025-12-01", "2026-03-01"}, "LAST_N_YEARS": {"2023-01-01", "2026-01-01"}, "NEXT_N_WEEKS": {"2026-04-05", "2026-04-26"},
	} {
		sp, known := dateLiteral(name, 3, now, london)
		if got := [2]string{sp.from.Format(dayLayout), sp.to.Format(dayLayout)}; !known || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if _, known := dateLiteral("FOREVER", 0, now, london); known {
		t.Error("FOREVER is no date literal")
	}
}

func TestLikePatterns(t *testing.T) {
	for _, tc := range []struct {
		pattern, text string
		want          bool
	}{
		{"%", "", true}, {"", "", true}, {"", "a", false}, {"a%b%c", "aXXbYYc", true}, {"a%b%c", "acb", false}, {"_", "é", true},
		{`\%`, "%", true}, {`\%`, "x", false}, {`a\\`, `a\`, true}, {"%aab", "aaaab", true}, {strings.Repeat("%a", 40), strings.Repeat("a", 39), false},
	} {
		if got := likePattern(tc.pattern).match(strings.ToLower(tc.text)); got != tc.want {
			t.Errorf("%q LIKE %q is %v", tc.text, tc.pattern, got)
		}
	}
}

func FuzzSOQL(f *testing.F) {
	s, err := New(Options{Data: &Data{}, Clock: newClock().Now})
	if err != nil {
		f.Fatal(err)
	}
	for _, q := range []string{"SELECT Id, Account.Name, (SELECT Id FROM Cases) FROM Contact WHERE (Name LIKE '%a\\_%' OR Phone IN ('1','2')) AND CreatedDate = LAST_N_DAYS:3 ORDER BY Name DESC NULLS LAST LIMIT 5 OFFSET 1",
		"SELECT COUNT() FROM Task WHERE NOT IsClosed = true", "SELECT FIELDS(ALL) FROM Lead LIMIT 200", "SELECT Id FROM Contact WHERE Id IN (SELECT ContactId FROM Case)", "SELECT Id FROM Task WHERE CallDurationInSeconds>-1.5e3",
		"SELECT CallType, DAY_ONLY(CreatedDate) d, COUNT(Id) n, SUM(CallDurationInSeconds) FROM Task GROUP BY CallType, DAY_ONLY(CreatedDate) HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC",
		"SELECT toLabel(Status), TYPEOF What WHEN Account THEN Phone WHEN Case THEN Subject ELSE Name END FROM Task WHERE CALENDAR_YEAR(CreatedDate) = 2026"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, src string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		q, err := parseSOQL(s.store.schema, src, env{store: s.store, now: s.clock(), zone: time.UTC})
		if err != nil {
			if e := asAPIError(err); e.Status != 400 || !slices.Contains([]string{"MALFORMED_QUERY", "INVALID_FIELD", "INVALID_TYPE", "INVALID_QUERY_FILTER_OPERATOR", "NUMBER_OUTSIDE_VALID_RANGE"}, e.Code) {
				t.Fatalf("%q: %d %s", src, e.Status, e.Message)
			}
			return
		}
		if q.groups != nil {
			if _, err := s.store.grouped(q); err != nil {
				t.Fatalf("%q: %v", src, err)
			}
			return
		}
		for _, r := range s.store.result(q, 200).head {
			s.render(&call{version: "66.0"}, q, r)
		}
		q.columnMetadata()
	})
}
