package emulator

import (
	"fmt"
	"strings"
	"testing"
)

func TestABatchRunsEachRequestByItself(t *testing.T) {
	o := bareOrg(t)
	reqs := []any{
		map[string]any{"method": "POST", "url": "v66.0/sobjects/Account", "richInput": map[string]any{"Name": "one"}},
		map[string]any{"method": "POST", "url": "v55.0/sobjects/Account", "richInput": map[string]any{"Phone": "1"}},
		map[string]any{"method": "GET", "url": "/services/data/v66.0/query?q=SELECT+Id+FROM+Account"},
	}
	m := o.do("POST", v+"/composite/batch", map[string]any{"batchRequests": reqs}).want(200).object()
	if got := statuses(m["results"]); m["hasErrors"] != true || got != "201 400 200" {
		t.Errorf("%s: %v", got, m)
	}
	m = o.do("POST", v+"/composite/batch", map[string]any{"haltOnError": true, "batchRequests": reqs}).want(200).object()
	if got := statuses(m["results"]); got != "201 400 412" {
		t.Errorf("halted: %s: %v", got, m)
	}
	if n := len(o.Records("Account", true)); n != 2 {
		t.Errorf("%d accounts, want 2: what a batch did before a failure stays", n)
	}
	o.do("POST", v+"/composite/batch", map[string]any{"batchRequests": make([]any, 26)}).refused(400, "LIMIT_EXCEEDED")
	o.do("POST", v+"/composite/batch", map[string]any{}).refused(400, "INVALID_INPUT")
}

func statuses(results any) string {
	var out []string
	list, _ := results.([]any)
	for _, r := range list {
		out = append(out, fmt.Sprint(r.(map[string]any)["statusCode"]))
	}
	return strings.Join(out, " ")
}

func TestATreeIsCreatedWholeOrNotAtAll(t *testing.T) {
	o := bareOrg(t)
	attributes := func(object, ref string) map[string]any {
		return map[string]any{"type": object, "referenceId": ref}
	}
	tree := func(last string) map[string]any {
		return map[string]any{"records": []any{map[string]any{"attributes": attributes("Account", "a"), "Name": "Acme",
			"Contacts": map[string]any{"records": []any{map[string]any{"attributes": attributes("Contact", "c"), "LastName": last}}}}}}
	}
	m := o.do("POST", v+"/composite/tree/Account", tree("Bloggs")).want(201).object()
	if results, _ := m["results"].([]any); m["hasErrors"] != false || len(results) != 2 {
		t.Fatalf("%v", m)
	}
	if c, found := o.Find("Contact", "LastName", "Bloggs"); !found || c["AccountId"] != o.storyID("Account", "Acme") {
		t.Errorf("the contact is not below its account: %v", c)
	}
	m = o.do("POST", v+"/composite/tree/Account", tree("")).want(400).object()
	if results, _ := m["results"].([]any); m["hasErrors"] != true || len(results) != 1 || results[0].(map[string]any)["referenceId"] != "c" {
		t.Errorf("%v", m)
	}
	if n := len(o.Records("Account", true)); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
	same := map[string]any{"records": []any{map[string]any{"attributes": attributes("Account", "a"), "Name": "1"}, map[string]any{"attributes": attributes("Account", "a"), "Name": "2"}}}
	o.do("POST", v+"/composite/tree/Account", same).refused(400, "INVALID_INPUT")
	o.do("POST", v+"/composite/tree/Contact", tree("x")).refused(400, "INVALID_TYPE")
	o.do("POST", v+"/composite/tree/Nothing", tree("x")).refused(404, "NOT_FOUND")
}

// graph is one graph of creates; each refers to the one before it when chained.
func graph(id string, chained bool, names ...string) map[string]any {
	var reqs []any
	for i, name := range names {
		body := map[string]any{"Name": name}
		if chained && i > 0 {
			body["ParentId"] = fmt.Sprintf("@{n%d.id}", i-1)
		}
		reqs = append(reqs, map[string]any{"method": "POST", "url": v + "/sobjects/Account", "referenceId": fmt.Sprintf("n%d", i), "body": body})
	}
	return map[string]any{"graphId": id, "compositeRequest": reqs}
}

func TestAGraphKeepsItsLimits(t *testing.T) {
	o := bareOrg(t)
	post := func(graphs ...any) answer {
		return o.do("POST", v+"/composite/graph", map[string]any{"graphs": graphs})
	}
	var long []string
	for range 16 {
		long = append(long, "x")
	}
	post(graph("g", true, long[:15]...)).want(200)
	post(graph("g", true, long...)).refused(400, "LIMIT_EXCEEDED")
	post(graph("g", false, long...)).want(200)
	post(graph("g", false, "a"), graph("g", false, "b")).refused(400, "INVALID_INPUT")
	var many, kinds []any
	for i := range 76 {
		many = append(many, graph(fmt.Sprint(i), false, "a"))
	}
	post(many...).refused(400, "LIMIT_EXCEEDED")
	for i := range 16 {
		kinds = append(kinds, map[string]any{"method": "GET", "url": fmt.Sprintf("%s/sobjects/X%d/1", v, i), "referenceId": fmt.Sprintf("k%d", i)})
	}
	post(map[string]any{"graphId": "g", "compositeRequest": kinds}).refused(400, "LIMIT_EXCEEDED")
	post(map[string]any{"graphId": "g", "compositeRequest": []any{map[string]any{"method": "GET", "url": v + "/query?q=SELECT+Id+FROM+User", "referenceId": "q"}}}).refused(400, "INVALID_INPUT")
	big := make([]string, 501)
	post(graph("g", false, big...)).refused(400, "LIMIT_EXCEEDED")

	var failing []any
	for i := range 14 {
		failing = append(failing, graph(fmt.Sprint(i), false, ""))
	}
	m := post(append(failing, graph("last", false, "good"))...).want(200).object()
	graphs := m["graphs"].([]any)
	last := graphs[14].(map[string]any)
	if last["isSuccessful"] != false || !strings.Contains(fmt.Sprint(last), "PROCESSING_HALTED") {
		t.Errorf("after 14 failures: %v", last)
	}
	if _, found := o.Find("Account", "Name", "good"); found {
		t.Error("a graph was run after 14 failures")
	}
	m = post(append(failing[:13:13], graph("last", false, "good"))...).want(200).object()
	if last := m["graphs"].([]any)[13].(map[string]any); last["isSuccessful"] != true {
		t.Errorf("after 13 failures: %v", last)
	}
}
