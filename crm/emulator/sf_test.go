package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sfRun is a session of Salesforce's command line: one program start per step.
type sfRun struct {
	*testing.T
	*clientOrg
	program string
	report  strings.Builder
}

// run starts sf once and returns what it printed as JSON. The envelope of --json is taken off; what it refuses is an error.
func (r *sfRun) run(env []string, args ...string) (any, error) {
	cmd := r.command(r.T, env, r.program, args...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	var v any
	if jsonErr := json.Unmarshal(out, &v); jsonErr != nil {
		return string(out), fmt.Errorf("%w: %.200s %.300s", errors.Join(err, jsonErr), out, complaint.String())
	}
	envelope, is := v.(map[string]any)
	if !is || envelope["status"] == nil || args[0] == "api" {
		return v, err
	}
	if envelope["status"] != 0.0 {
		return v, fmt.Errorf("%v: %v %v", envelope["name"], envelope["message"], envelope["result"])
	}
	return envelope["result"], nil
}

// step runs sf and holds its result against a text that it must contain.
func (r *sfRun) step(name, contains string, args ...string) any {
	v, err := r.run(nil, args...)
	return r.note(name, contains, v, err)
}

func (r *sfRun) note(name, contains string, v any, err error) any {
	raw, _ := json.Marshal(v) // it came from JSON
	if err == nil && !strings.Contains(string(raw), contains) {
		err = fmt.Errorf("%s is not in %.300s", contains, raw)
	}
	r.report.WriteString(line(name, err))
	return v
}

func textOf(v any, name string) string {
	m, _ := v.(map[string]any)
	s, _ := m[name].(string)
	return s
}

func TestSalesforcesCommandLineBelievesInTheEmulator(t *testing.T) {
	program := clientFile(t, "node_modules/.bin/sf")
	r := &sfRun{T: t, clientOrg: newClientOrg(t), program: program}
	stamp := r.login["stamp"]
	const rest = "services/data/v66.0/"
	r.step("login.jwt", r.login["username"], "org", "login", "jwt", "--client-id", ClientID, "--jwt-key-file", r.login["keyFile"], "--username", r.login["username"],
		"--instance-url", r.base, "--alias", "peer", "--set-default", "--json")
	v, err := r.run([]string{"SF_ACCESS_TOKEN=" + r.login["accessToken"]}, "org", "login", "access-token", "--instance-url", r.base, "--no-prompt", "--alias", "token", "--json")
	r.note("login.token", r.login["username"], v, err)
	r.step("limits", `"name":"DailyApiRequests"`, "org", "list", "limits", "-o", "peer", "--json")
	r.step("describeGlobal", `"Contact"`, "sobject", "list", "-o", "peer", "--json")
	r.step("describe", `"name":"CallType"`, "sobject", "describe", "-s", "Task", "-o", "peer", "--json")
	account := textOf(r.step("create.account", `"success":true`, "data", "create", "record", "-o", "peer", "-s", "Account", "-v", "Name="+stamp, "--json"), "id")
	who := textOf(r.step("create.contact", `"success":true`, "data", "create", "record", "-o", "peer", "-s", "Contact", "-v",
		"LastName="+stamp+" Phone=4155550199 AccountId="+account, "--json"), "id")
	_, err = r.run(nil, "data", "create", "record", "-o", "peer", "-s", "Contact", "-v", "FirstName=x", "--json")
	if err == nil || !strings.Contains(err.Error(), "Required fields are missing: [LastName]") {
		err = fmt.Errorf("a Contact without LastName: %w", errors.Join(err, errors.New("the refusal has other words")))
	} else {
		err = nil
	}
	r.note("create.invalid", "", nil, err)
	r.step("update", `"success":true`, "data", "update", "record", "-o", "peer", "-s", "Contact", "-i", who, "-v", "Title=Director", "--json")
	r.step("get", `"Title":"Director"`, "data", "get", "record", "-o", "peer", "-s", "Contact", "-i", who, "--json")
	r.step("query", `"totalSize":1`, "data", "query", "-o", "peer", "-q", "SELECT Id, Title, Account.Name FROM Contact WHERE Account.Name = '"+stamp+"'", "--json")
	many := r.step("paging", `"totalSize":2010`, "data", "query", "-o", "peer", "-q", "SELECT Id FROM Task WHERE Subject = '"+manyTasks+"'", "--json")
	if m, _ := many.(map[string]any); m != nil {
		if rows, _ := m["records"].([]any); len(rows) != 2010 {
			t.Errorf("sf brought %d of 2,010 rows", len(rows))
		}
	}
	r.step("search", who, "data", "search", "-o", "peer", "-q", "FIND {4155550199} IN PHONE FIELDS RETURNING Contact(Id, Name)", "--json")
	upsert := rest + "sobjects/Task/" + CallKeyField + "/" + stamp
	r.step("upsert", `"created":true`, "api", "request", "rest", upsert, "-X", "PATCH", "-b", `{"Subject":"first"}`, "-o", "peer")
	api := "/services/data/v66.0/sobjects"
	composite := func(name, contains string, second map[string]any) {
		body, err := json.Marshal(map[string]any{"allOrNone": true, "compositeRequest": []any{
			map[string]any{"method": "POST", "url": api + "/Contact", "referenceId": "who", "body": map[string]any{"LastName": stamp + "-c"}},
			map[string]any{"method": "POST", "url": api + "/Task", "referenceId": "call", "body": second}}})
		if err != nil {
			t.Fatal(err)
		}
		r.step(name, contains, "api", "request", "rest", rest+"composite", "-X", "POST", "-b", string(body), "-o", "peer")
	}
	composite("composite", `"httpStatusCode":201,"referenceId":"call"`, map[string]any{"Subject": "x", "WhoId": "@{who.id}"})
	composite("composite.rollback", `"PROCESSING_HALTED"`, map[string]any{"Subject": "x", "CallType": "No such type"})
	tree := filepath.Join(r.home, "tree.json")
	raw, err := json.Marshal(map[string]any{"records": []any{map[string]any{"attributes": map[string]any{"type": "Account", "referenceId": "a"}, "Name": stamp + "-t",
		"Contacts": map[string]any{"records": []any{map[string]any{"attributes": map[string]any{"type": "Contact", "referenceId": "c"}, "LastName": stamp}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tree, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	r.step("tree", `"refId":"c"`, "data", "import", "tree", "-o", "peer", "--files", tree, "--json")
	body, err := json.Marshal(map[string]any{"records": []any{map[string]any{"attributes": map[string]any{"type": "Task"}, "Subject": "a"}, map[string]any{"attributes": map[string]any{"type": "Lead"}, "LastName": "b"}}})
	if err != nil {
		t.Fatal(err)
	}
	r.step("collections", `"statusCode":"REQUIRED_FIELD_MISSING"`, "api", "request", "rest", rest+"composite/sobjects", "-X", "POST", "-b", string(body), "-o", "peer")
	r.step("recent", `"Id":"`+who, "api", "request", "rest", rest+"recent?limit=200", "-o", "peer")
	r.step("parameterizedSearch", who, "api", "request", "rest", rest+"parameterizedSearch?q=4155550199&in=PHONE&sobject=Contact&Contact.fields=Id", "-o", "peer")
	file := filepath.Join(r.home, "call.wav")
	if err := os.WriteFile(file, []byte("RIFF and what follows"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.step("file", `"ContentDocumentId":"069`, "data", "create", "file", "-o", "peer", "--file", file, "--parent-id", who, "--json")
	r.step("delete", `"success":true`, "data", "delete", "record", "-o", "peer", "-s", "Contact", "-i", who, "--json")
	judge(t, "sf", r.report.String(), append([]string{"login.jwt", "login.token", "create.account", "get", "composite.rollback", "tree", "parameterizedSearch"}, sessionSteps...)...)
}
