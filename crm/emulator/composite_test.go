package emulator

import (
	"fmt"
	"strings"
	"testing"
)

type m = map[string]any

// sub is one subrequest.
func sub(ref, method, url string, body any) m {
	s := m{"method": method, "url": url, "referenceId": ref}
	if body != nil {
		s["body"] = body
	}
	return s
}

func (o *org) composite(allOrNone bool, subs ...m) []m {
	o.Helper()
	list := o.do("POST", v+"/composite", m{"allOrNone": allOrNone, "compositeRequest": subs}).want(200).object()["compositeResponse"].([]any)
	var out []m
	for _, r := range list {
		out = append(out, r.(m))
	}
	return out
}

func (o *org) statuses(rs []m) string {
	var out []string
	for _, r := range rs {
		out = append(out, fmt.Sprint(r["httpStatusCode"]))
	}
	return strings.Join(out, " ")
}

func TestACompositeRunsInOrderAndFillsInReferences(t *testing.T) {
	o := bareOrg(t)
	rs := o.composite(true,
		sub("c", "POST", v+"/sobjects/Contact", m{"LastName": "New", "Phone": "07700 900461"}),
		sub("t", "POST", v+"/sobjects/Task", m{"Subject": "call of @{c.id}", "Status": "Completed", "WhoId": "@{c.id}"}),
		sub("back", "GET", v+"/sobjects/Task/@{t.id}?fields=Id,WhoId,Subject", nil),
		sub("q", "GET", "/services/data/v50.0/query/?q=SELECT+Id,LastName+FROM+Contact+WHERE+Id='@{c.id}'", nil),
		sub("again", "PATCH", v+"/sobjects/Contact/@{q.records[0].Id}", m{"Title": "@{back.Subject}"}))
	if got := o.statuses(rs); got != "201 201 200 200 204" {
		t.Fatalf("statuses %s: %v", got, rs)
	}
	id := rs[0]["body"].(m)["id"]
	if rs[2]["body"].(m)["WhoId"] != id || rs[2]["body"].(m)["Subject"] != fmt.Sprint("call of ", id) {
		t.Errorf("read back %v", rs[2]["body"])
	}
	if loc := rs[0]["httpHeaders"].(m)["Location"]; loc != fmt.Sprint(v, "/sobjects/Contact/", id) || rs[0]["referenceId"] != "c" {
		t.Errorf("Location %v", loc)
	}
	if rs[4]["body"] != nil {
		t.Errorf("a 204 has no body: %v", rs[4])
	}
}

func TestAllOrNoneTakesEverythingBack(t *testing.T) {
	o := newOrg(t)
	var landed int
	o.OnCreate(func(string, map[string]any) { landed++ })
	rs := o.composite(true,
		sub("a", "POST", v+"/sobjects/Contact", m{"LastName": "Gone"}),
		sub("u", "PATCH", v+"/sobjects/Contact/"+o.storyID("Contact", StoryKnownName), m{"Title": "Changed"}),
		sub("d", "DELETE", v+"/sobjects/Contact/"+o.storyID("Contact", StorySharedContact), nil),
		sub("k", "POST", v+"/sobjects/Task", m{CallKeyField: "k"}),
		sub("b", "POST", v+"/sobjects/Contact", m{"FirstName": "x"}),
		sub("c", "POST", v+"/sobjects/Contact", m{"LastName": "never"}))
	if got := o.statuses(rs); got != "400 400 400 400 400 400" {
		t.Errorf("statuses %s", got)
	}
	for i, r := range rs {
		want := "PROCESSING_HALTED"
		if i == 4 {
			want = "REQUIRED_FIELD_MISSING"
		}
		if code := r["body"].([]any)[0].(m)["errorCode"]; code != want {
			t.Errorf("subrequest %d: %v, want %s", i, code, want)
		}
	}
	if n := o.soql("SELECT COUNT() FROM Contact WHERE LastName IN ('Gone','never') OR Title='Changed'").object()["totalSize"]; n != 0.0 {
		t.Error("a part of the transaction stayed")
	}
	o.storyID("Contact", StorySharedContact)
	if landed != 0 || len(o.Records("Contact", false)) != 500 || len(o.Records("Task", true)) != 0 {
		t.Errorf("%d hooks, %d contacts", landed, len(o.Records("Contact", false)))
	}
	o.do("POST", v+"/sobjects/Task", m{CallKeyField: "k"}).want(201) // its key is free again
}

func TestWithoutAllOrNoneOnlyTheDependentPartFails(t *testing.T) {
	o := bareOrg(t)
	rs := o.composite(false,
		sub("a", "POST", v+"/sobjects/Contact", m{"FirstName": "x"}),
		sub("b", "POST", v+"/sobjects/Task", m{"WhoId": "@{a.id}"}),
		sub("c", "POST", v+"/sobjects/Contact", m{"LastName": "stays"}))
	if got := o.statuses(rs); got != "400 400 201" {
		t.Fatalf("statuses %s", got)
	}
	if e := rs[1]["body"].([]any)[0].(m); e["errorCode"] != "PROCESSING_HALTED" || !strings.Contains(e["message"].(string), "Invalid reference specified. No value for a.id found in a") {
		t.Errorf("dependent: %v", e)
	}
	if len(o.Records("Contact", true)) != 1 {
		t.Error("the independent part is lost")
	}
}

func TestACompositeKnowsItsLimitsAndIsOneCall(t *testing.T) {
	o := bareOrg(t)
	many := func(n int, url string) m {
		var subs []m
		for i := range n {
			subs = append(subs, sub(fmt.Sprint("r", i), "GET", url, nil))
		}
		return m{"compositeRequest": subs}
	}
	query := v + "/query?q=SELECT+Id+FROM+Contact+LIMIT+1"
	for _, tc := range []struct {
		body   any
		status int
		code   string
	}{
		{many(25, v+"/limits"), 200, ""}, {many(26, v+"/limits"), 400, "LIMIT_EXCEEDED"}, {many(5, query), 200, ""}, {many(6, query), 400, "LIMIT_EXCEEDED"},
		{m{"compositeRequest": []m{}}, 400, "INVALID_INPUT"}, {m{"compositeRequest": []m{sub("a b", "GET", v, nil)}}, 400, "INVALID_INPUT"},
		{m{"compositeRequest": []m{sub("a", "GET", v+"/limits", nil), sub("a", "GET", v+"/limits", nil)}}, 400, "INVALID_INPUT"},
	} {
		if a := o.do("POST", v+"/composite", tc.body); a.status != tc.status || a.code() != tc.code {
			t.Errorf("%d %s, want %d %s", a.status, a.code(), tc.status, tc.code)
		}
	}
	for _, url := range []string{v + "/search?q=FIND+{ann}", v + "/parameterizedSearch?q=ann", v + "/composite", "https://other.example/x", "/services/oauth2/userinfo"} {
		if rs := o.composite(false, sub("a", "GET", url, nil)); o.statuses(rs) != "400" {
			t.Errorf("%s: %v", url, rs)
		}
	}
	before := o.do("GET", v+"/limits", nil).header.Get("Sforce-Limit-Info")
	o.do("POST", v+"/composite", many(25, v+"/limits")).want(200)
	after := o.do("GET", v+"/limits", nil).header.Get("Sforce-Limit-Info")
	if before != "api-usage=13/100000" || after != "api-usage=15/100000" {
		t.Errorf("a composite is one call: %s, then %s", before, after)
	}
}

func TestCollectionsAnswerForEveryRecord(t *testing.T) {
	o := bareOrg(t)
	contact := func(last string) m { return m{"attributes": m{"type": "Contact"}, "LastName": last} }
	res := o.do("POST", v+"/composite/sobjects", m{"allOrNone": false, "records": []m{contact("A"), {"attributes": m{"type": "Contact"}}, contact("C")}}).want(200).array()
	bad := res[1].(m)
	if res[0].(m)["success"] != true || res[2].(m)["success"] != true || bad["success"] != false {
		t.Fatalf("results %v", res)
	}
	if e := bad["errors"].([]any)[0].(m); e["statusCode"] != "REQUIRED_FIELD_MISSING" || e["errorCode"] != nil || e["fields"].([]any)[0] != "LastName" {
		t.Errorf("error %v", e)
	}
	a, c := res[0].(m)["id"].(string), res[2].(m)["id"].(string)
	res = o.do("POST", v+"/composite/sobjects", m{"allOrNone": true, "records": []m{contact("B"), {"attributes": m{"type": "Contact"}}}}).want(200).array()
	if e := res[0].(m)["errors"].([]any)[0].(m); e["statusCode"] != "ALL_OR_NONE_OPERATION_ROLLED_BACK" || len(o.Records("Contact", true)) != 2 {
		t.Errorf("all or none: %v", res)
	}
	res = o.do("PATCH", v+"/composite/sobjects", m{"records": []m{{"attributes": m{"type": "Contact"}, "id": a, "Title": "x"}, {"attributes": m{"type": "Contact"}, "Title": "x"}}}).want(200).array()
	if res[0].(m)["success"] != true || res[1].(m)["success"] != false {
		t.Errorf("update %v", res)
	}
	res = o.do("PATCH", v+"/composite/sobjects/Task/"+CallKeyField, m{"records": []m{{"attributes": m{"type": "Task"}, CallKeyField: "k", "Subject": "1"}, {"attributes": m{"type": "Task"}, CallKeyField: "k", "Subject": "2"}}}).want(200).array()
	if res[0].(m)["created"] != true || res[1].(m)["created"] != false || res[0].(m)["id"] != res[1].(m)["id"] {
		t.Errorf("upsert %v", res)
	}
	got := o.do("POST", v+"/composite/sobjects/Contact", m{"ids": []string{a, "003Wz0000000zzz", c}, "fields": []string{"Id", "Title"}}).want(200).array()
	if len(got) != 3 || got[0].(m)["Title"] != "x" || got[1] != nil {
		t.Errorf("retrieve %v", got)
	}
	if same := o.do("GET", v+"/composite/sobjects/Contact?ids="+a+"&fields=Id,Title", nil).want(200).array(); len(same) != 1 {
		t.Errorf("retrieve by GET %v", same)
	}
	res = o.do("DELETE", v+"/composite/sobjects?ids="+a+","+c+",xyz&allOrNone=false", nil).want(200).array()
	if res[0].(m)["success"] != true || res[2].(m)["success"] != false || len(o.Records("Contact", true)) != 0 {
		t.Errorf("delete %v", res)
	}
	var many []m
	for range 201 {
		many = append(many, contact("x"))
	}
	o.do("POST", v+"/composite/sobjects", m{"records": many}).refused(400, "EXCEEDED_ID_LIMIT")
}

func TestACollectionMayStandInsideACompositeUnderAnotherVersion(t *testing.T) {
	o := bareOrg(t)
	rs := o.composite(true, sub("many", "POST", "/services/data/v63.0/composite/sobjects", m{"allOrNone": true, "records": []m{{"attributes": m{"type": "Lead"}, "LastName": "x", "Company": "y"}}}),
		sub("t", "POST", v+"/sobjects/Task", m{"WhoId": "@{many[0].id}"}))
	if got := o.statuses(rs); got != "200 201" {
		t.Errorf("statuses %s: %v", got, rs)
	}
}

func TestEveryGraphIsATransactionOfItsOwn(t *testing.T) {
	o := bareOrg(t)
	graph := func(id string, subs ...m) m { return m{"graphId": id, "compositeRequest": subs} }
	a := o.do("POST", v+"/composite/graph", m{"graphs": []m{
		graph("good", sub("c", "POST", v+"/sobjects/Contact", m{"LastName": "G"}), sub("t", "POST", v+"/sobjects/Task", m{"WhoId": "@{c.id}"})),
		graph("bad", sub("c", "POST", v+"/sobjects/Contact", m{"LastName": "B"}), sub("t", "POST", v+"/sobjects/Task", m{"WhoId": "nobody"}))}}).want(200).object()
	gs := a["graphs"].([]any)
	if gs[0].(m)["isSuccessful"] != true || gs[1].(m)["isSuccessful"] != false || len(o.Records("Contact", true)) != 1 {
		t.Errorf("graphs %v", gs)
	}
}
