package emulator

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// found lists what a search returned, as key texts.
func found(a answer) string {
	a.t.Helper()
	var out []string
	for _, r := range a.want(200).object()["searchRecords"].([]any) {
		m := r.(map[string]any)
		out = append(out, m["attributes"].(map[string]any)["type"].(string)+" "+key(m))
	}
	return strings.Join(out, ", ")
}

func TestSearchesFindByScopeAndOperators(t *testing.T) {
	o := smallOrg(t)
	for q, want := range map[string]string{
		"FIND {4155550123} IN PHONE FIELDS RETURNING Contact(LastName)":                                 "Contact Ann",
		"FIND {7700900123 OR 447700900123 OR 07700900123} IN PHONE FIELDS RETURNING Contact(LastName)":  "Contact Bob",
		"FIND {7700900123} IN PHONE FIELDS RETURNING Contact(LastName)":                                 "", // no country code is bridged
		"FIND {01632960001} IN PHONE FIELDS RETURNING Contact(LastName)":                                "Contact O'Hara_x",
		"FIND {016329600017} IN PHONE FIELDS RETURNING Contact(LastName)":                               "Contact O'Hara_x",
		"FIND {447700*} IN PHONE FIELDS RETURNING Contact(LastName)":                                    "Contact Bob",
		"FIND {4477009001?3} IN PHONE FIELDS RETURNING Contact(LastName)":                               "Contact Bob",
		"FIND {\\+447700900123} IN PHONE FIELDS RETURNING Contact(LastName)":                            "Contact Bob",
		"FIND {\"447700900123\"} IN PHONE FIELDS RETURNING Contact(LastName)":                           "Contact Bob",
		"FIND {4155550123} IN NAME FIELDS RETURNING Contact(LastName)":                                  "",
		"FIND {acme} IN ALL FIELDS RETURNING Contact(LastName), Account(Name)":                          "Contact Ann, Account Acme",
		"FIND {acme} IN NAME FIELDS RETURNING Contact(LastName), Account(Name)":                         "Account Acme",
		"FIND {acme} IN EMAIL FIELDS RETURNING Contact(LastName), Account(Name)":                        "Contact Ann",
		"FIND {\"ann@acme.example\"} IN EMAIL FIELDS RETURNING Contact(LastName)":                       "Contact Ann",
		"FIND {ann acme} RETURNING Contact(LastName)":                                                   "Contact Ann",
		"FIND {ann AND bob} RETURNING Contact(LastName)":                                                "",
		"FIND {ann OR bob} RETURNING Contact(LastName)":                                                 "Contact Ann, Contact Bob",
		"FIND {(ann OR bob) AND NOT acme} RETURNING Contact(LastName)":                                  "Contact Bob",
		"FIND {ann OR bob} RETURNING Contact(LastName WHERE MobilePhone != null)":                       "Contact Bob",
		"FIND {ann OR bob} RETURNING Contact(LastName ORDER BY LastName DESC LIMIT 1)":                  "Contact Bob",
		"FIND {ann OR bob} RETURNING Contact(LastName ORDER BY LastName LIMIT 1 OFFSET 1)":              "Contact Bob",
		"FIND {ann OR bob OR acme} RETURNING Contact(LastName), Account(Name) LIMIT 2":                  "Contact Ann, Contact Bob",
		"find {hara} in name fields returning contact(lastname) with SPELL_CORRECTION = false limit 10": "Contact O'Hara_x",
		"FIND {ann} IN NAME FIELDS RETURNING Contact(LastName USING ListView=Recent)":                   "Contact Ann",
	} {
		if got := found(o.sosl(q)); got != want {
			t.Errorf("%s\n  found %q\n  want  %q", q, got, want)
		}
	}
}

func TestTheBoundsOfASearchTextAreTheDocumentedOnes(t *testing.T) {
	o := smallOrg(t)
	for name, tc := range map[string]struct{ text, want string }{
		"short":                                    {"ann AND bob", ""},
		"above 4,000 AND counts as OR":             {"ann AND bob AND " + strings.Repeat("nobody ", 600), "Contact Ann, Contact Bob"},
		"above 4,000 NOT is not heeded":            {"ann AND NOT ann AND " + strings.Repeat("nobody ", 600), "Contact Ann"},
		"above 10,000 characters nothing is found": {"ann OR " + strings.Repeat("nobody ", 1500), ""},
	} {
		if got := found(o.sosl("FIND {" + tc.text + "} IN NAME FIELDS RETURNING Contact(LastName)")); got != tc.want {
			t.Errorf("%s: found %q, want %q", name, got, tc.want)
		}
	}
	for _, with := range []string{"HIGHLIGHT", "SNIPPET(target_length=120)", "SNIPPET", "NETWORK = '0DBWz0000000001'", "NETWORK IN ('a','b')", "DIVISION = 'Global'", "PricebookId = '01sWz0000000001'",
		"SPELL_CORRECTION = false", "METADATA = 'LABELS'", "DATA CATEGORY Geography__c ABOVE usa__c AND Product__c AT (a__c, b__c)"} {
		if got := found(o.sosl("FIND {ann} IN NAME FIELDS RETURNING Contact(LastName) WITH " + with + " LIMIT 5")); got != "Contact Ann" {
			t.Errorf("WITH %s: %q", with, got)
		}
	}
}

func TestWrongSearchesAreRefusedWithTheRightCode(t *testing.T) {
	o := smallOrg(t)
	for q, want := range map[string]string{
		"FIND {a} RETURNING Contact":                                          "INVALID_SEARCH",
		"FIND {} RETURNING Contact":                                           "INVALID_SEARCH",
		"FIND {ann OR } RETURNING Contact":                                    "INVALID_SEARCH",
		"FIND {a*} RETURNING Contact":                                         "INVALID_SEARCH",
		"FIND {*nn} RETURNING Contact":                                        "MALFORMED_SEARCH",
		"FIND {+441202} RETURNING Contact":                                    "MALFORMED_SEARCH",
		"FIND {(415) 555-0123} RETURNING Contact":                             "MALFORMED_SEARCH",
		"FIND {\"555-0123\"} RETURNING Contact":                               "MALFORMED_SEARCH", // also inside quotation marks
		"FIND {o'hara} RETURNING Contact":                                     "MALFORMED_SEARCH",
		"FIND {x:y} RETURNING Contact":                                        "MALFORMED_SEARCH",
		"FIND {ann & bob} RETURNING Contact":                                  "MALFORMED_SEARCH",
		"FIND {(ann} RETURNING Contact":                                       "MALFORMED_SEARCH",
		"FIND {ann)} RETURNING Contact":                                       "MALFORMED_SEARCH",
		"FIND {\"ann} RETURNING Contact":                                      "MALFORMED_SEARCH",
		"FIND {ann\\} RETURNING Contact":                                      "MALFORMED_SEARCH",
		"FIND {ann RETURNING Contact":                                         "MALFORMED_SEARCH",
		"FIND 'ann' RETURNING Contact":                                        "MALFORMED_SEARCH",
		"SELECT Id FROM Contact":                                              "MALFORMED_SEARCH",
		"FIND {ann} IN SOME FIELDS":                                           "MALFORMED_SEARCH",
		"FIND {ann} RETURNING":                                                "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Contact(":                                       "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Contact(Id LIMIT 5":                             "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Contact(COUNT())":                               "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Contact LIMIT 2001":                             "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Contact; x":                                     "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Nope(Id)":                                       "INVALID_TYPE",
		"FIND {ann} RETURNING Organization(Id)":                               "INVALID_TYPE",
		"FIND {ann} RETURNING Contact(Nope)":                                  "INVALID_FIELD",
		"FIND {ann} RETURNING Contact WITH NOPE":                              "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Contact WITH SPELL_CORRECTION = 3":              "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Contact WITH DATA CATEGORY Geo__c UNDER usa__c": "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Contact WITH METADATA":                          "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Contact(COUNT(Id))":                             "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Contact(Id GROUP BY Id)":                        "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Contact(Id x)":                                  "MALFORMED_SEARCH",
		"FIND {ann} RETURNING Contact(FIELDS(ALL) LIMIT 10)":                  "MALFORMED_SEARCH",
		"FIND {" + strings.Repeat("(", 200) + "ann} RETURNING Contact":        "MALFORMED_SEARCH",
	} {
		if a := o.sosl(q); a.status != 400 || a.code() != want {
			t.Errorf("%.80s: %d %s, want %s: %.200s", q, a.status, a.code(), want, a.raw)
		}
	}
}

func TestTheStorysNumbersAreFoundByTheirVariants(t *testing.T) {
	o := newOrg(t)
	search := func(nsn string) string {
		return found(o.sosl("FIND {" + nsn + " OR 44" + nsn + " OR 0" + nsn + " OR 0044" + nsn + "} IN PHONE FIELDS RETURNING Contact(Name LIMIT 6), Lead(Name WHERE IsConverted=false LIMIT 6), Account(Name LIMIT 6)"))
	}
	if got := search(StoryKnownNumber[1:]); got != "Contact "+StoryKnownName {
		t.Errorf("known: %q", got)
	}
	if got := search(StorySharedNumber[1:]); got != "Contact "+StorySharedContact+", Lead "+StorySharedLead+", Account "+StorySharedAccount {
		t.Errorf("shared: %q", got)
	}
	if got := search(StoryUnknownNumber[1:]); got != "" {
		t.Errorf("unknown: %q", got)
	}
	if err := o.SetSettings(Settings{PhoneSearch: Strict, CallKey: true}); err != nil {
		t.Fatal(err)
	}
	if got := search(StoryKnownNumber[1:]); got != "" {
		t.Errorf("in strict mode the blank in %q hides the number, but found %q", StoryKnownStored, got)
	}
	if got := found(o.sosl("FIND {\"07814 256404\"} IN PHONE FIELDS RETURNING Contact(Name)")); got != "Contact "+StoryKnownName {
		t.Errorf("strict, as stored: %q", got)
	}
}

func TestTheSearchIndexRunsBehindByTheLagThatIsSet(t *testing.T) {
	o := smallOrg(t)
	if err := o.SetFault(Fault{Kind: FaultIndexLag, Seconds: 60, Object: "Contact"}); err != nil {
		t.Fatal(err)
	}
	search := func(name string) string {
		return found(o.sosl("FIND {" + name + "} IN NAME FIELDS RETURNING Contact(LastName)"))
	}
	id := o.create("Contact", map[string]any{"LastName": "Newby"})
	if got := search("newby"); got != "" {
		t.Errorf("found at once: %q", got)
	}
	if n := o.soql("SELECT COUNT() FROM Contact WHERE LastName='Newby'").object()["totalSize"]; n != 1.0 {
		t.Error("a query does not lag")
	}
	o.clock.add(61 * time.Second)
	if got := search("newby"); got != "Contact Newby" {
		t.Errorf("after the lag: %q", got)
	}
	o.do("PATCH", v+"/sobjects/Contact/"+id, `{"LastName":"Oldby"}`).want(204)
	if got := search("newby"); got != "Contact Oldby" { // found by what the index knows, shown as it is
		t.Errorf("changed a moment ago: %q", got)
	}
	if got := search("oldby"); got != "" {
		t.Errorf("the new name is found at once: %q", got)
	}
	o.clock.add(61 * time.Second)
	if got := search("newby") + search("oldby"); got != "Contact Oldby" {
		t.Errorf("after the second lag: %q", got)
	}
}

func TestParameterizedSearchIsTheSameInBothForms(t *testing.T) {
	o := smallOrg(t)
	q := url.Values{"q": {"(415) 555-0123"}, "in": {"PHONE"}, "sobject": {"Contact", "Account"}, "Contact.fields": {"LastName,Phone"}, "Contact.limit": {"5"}, "fields": {"Name"}, "spellCorrection": {"false"}}
	get := o.do("GET", v+"/parameterizedSearch?"+q.Encode(), nil)
	post := o.do("POST", v+"/parameterizedSearch", `{"q":"(415) 555-0123","in":"PHONE","sobjects":[{"name":"Contact","fields":["LastName","Phone"],"limit":5},{"name":"Account"}],"fields":["Name"],"spellCorrection":false}`)
	if got := found(get); got != "Contact Ann" || string(get.raw) != string(post.raw) {
		t.Errorf("GET %s\nPOST %s", get.raw, post.raw)
	}
	labels := o.do("POST", v+"/parameterizedSearch", `{"q":"ann","sobjects":[{"name":"Contact","fields":["LastName"]}],"metadata":"LABELS"}`).want(200).object()
	if labels["metadata"] == nil {
		t.Errorf("no labels: %v", labels)
	}
	for body, code := range map[string]string{`{"q":""}`: "MALFORMED_SEARCH", `{"q":"ann","in":"FEET"}`: "MALFORMED_SEARCH", `{"q":"ann","sobjects":[{"name":"Nope"}]}`: "INVALID_TYPE",
		`{"q":"ann","overallLimit":2001}`: "MALFORMED_SEARCH", `{"q":"ann","sobjects":[{"name":"Contact(Id), Lead"}]}`: "MALFORMED_QUERY"} {
		o.do("POST", v+"/parameterizedSearch", body).refused(400, code)
	}
}

func FuzzSOSL(f *testing.F) {
	s, err := New(Options{Data: &Data{}, Clock: newClock().Now})
	if err != nil {
		f.Fatal(err)
	}
	for _, q := range []string{"FIND {781* OR \"a b\" AND NOT (c\\+d x?)} IN PHONE FIELDS RETURNING Contact(Id, Account.Name WHERE Name LIKE 'x%' ORDER BY Name LIMIT 5), Lead LIMIT 10",
		"FIND {\\\\} RETURNING User", "FIND {a\\}b} IN ALL FIELDS WITH METADATA='LABELS' LIMIT 3", "FIND{ab}"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, src string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		q, err := parseSOSL(s.store.schema, src, env{store: s.store, now: s.clock(), zone: time.UTC})
		if err != nil {
			if e := asAPIError(err); e.Status != 400 || !slices.Contains([]string{"MALFORMED_SEARCH", "INVALID_SEARCH", "INVALID_FIELD", "INVALID_TYPE", "INVALID_QUERY_FILTER_OPERATOR", "NUMBER_OUTSIDE_VALID_RANGE"}, e.Code) {
				t.Fatalf("%q: %d %s %s", src, e.Status, e.Code, e.Message)
			}
		} else {
			s.found(&call{version: "66.0"}, q)
		}
		_, _ = parseFind(src, true)
	})
}

func BenchmarkPhoneSearch(b *testing.B) {
	s, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	c := &call{version: "66.0", method: "GET", query: url.Values{"q": {"FIND {7814256404 OR 447814256404 OR 07814256404 OR 00447814256404} IN PHONE FIELDS RETURNING Contact(Id,Name,Phone,MobilePhone,Account.Name LIMIT 6), Lead(Id,Name,Company,Phone,MobilePhone,Status WHERE IsConverted=false LIMIT 6), Account(Id,Name,Phone LIMIT 6)"}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.search(c, nil); err != nil {
			b.Fatal(err)
		}
	}
}
