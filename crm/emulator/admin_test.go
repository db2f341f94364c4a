package emulator

import (
	"strings"
	"testing"
)

func TestTheAdministratorSeesWhatWasWrittenAndAsked(t *testing.T) {
	o := newOrg(t)
	if got := o.do("GET", "/_emulator/records/Task", nil, "Authorization", "").want(200).object(); got["totalSize"] != 0.0 || got["version"] != 1.0 {
		t.Errorf("before the first write: %v", got)
	}
	o.do("POST", v+"/sobjects/Task", m{"Subject": "mine"}).want(201)
	got := o.do("GET", "/_emulator/records/task", nil).want(200).object()
	rows := got["records"].([]any)
	if len(rows) != 1 || rows[0].(m)["Subject"] != "mine" || rows[0].(m)["Id"] == nil {
		t.Errorf("written: %v", got)
	}
	if all := o.do("GET", "/_emulator/records/Task?all=true", nil).want(200).object(); all["totalSize"].(float64) < 100 {
		t.Errorf("with the data set: %v", all["totalSize"])
	}
	o.do("GET", "/_emulator/records/Nope", nil).want(404)
	o.do("GET", v+"/query?q=SELECT+Id+FROM+Contact+LIMIT+1", nil, "X-Test", "1")
	log := o.do("GET", "/_emulator/requests", nil).want(200).object()
	reqs := log["requests"].([]any)
	if log["total"] != 2.0 || len(reqs) != 2 {
		t.Fatalf("%v requests: %v", log["total"], reqs)
	}
	first, second := reqs[0].(m), reqs[1].(m)
	if first["method"] != "POST" || first["path"] != v+"/sobjects/Task" || first["body"] != `{"Subject":"mine"}` || first["status"] != 201.0 {
		t.Errorf("first: %v", first)
	}
	if second["query"] != "q=SELECT+Id+FROM+Contact+LIMIT+1" || second["header"].(m)["X-Test"] == nil || second["header"].(m)["Authorization"] != nil {
		t.Errorf("second: %v", second)
	}
	o.do("DELETE", "/_emulator/requests", nil).want(204)
	if n := len(o.Requests()); n != 0 {
		t.Errorf("%d requests after clearing", n)
	}
}

func TestTheRequestLogKeepsTheLastRequestsOnly(t *testing.T) {
	var l requestLog
	for i := range keptRequests*2 + 1 {
		l.add(&Request{Status: i})
	}
	if l.total != keptRequests*2+1 || len(l.ring) > keptRequests || l.ring[len(l.ring)-1].Status != keptRequests*2 {
		t.Errorf("total %d, kept %d", l.total, len(l.ring))
	}
}

func TestTheWelcomePageSignsOtherPeoplesClientsIn(t *testing.T) {
	o := newOrg(t)
	w := o.do("GET", "/", nil, "Authorization", "").want(200).object()
	if w["username"] != AgentUsername || w["clientId"] != ClientID || w["instanceUrl"] != o.base {
		t.Errorf("welcome %v", w)
	}
	o.token = w["accessToken"].(string)
	o.do("GET", v+"/limits", nil).want(200)
}

func TestSettingsCanBeChangedAndAreChecked(t *testing.T) {
	o := newOrg(t)
	got := o.do("POST", "/_emulator/settings", `{"phoneSearch":"strict"}`).want(200).object()
	if got["phoneSearch"] != Strict || got["callKey"] != true {
		t.Errorf("settings %v", got)
	}
	o.do("POST", "/_emulator/settings", `{"phoneSearch":"loud"}`).want(400)
	o.do("POST", "/_emulator/settings", `{"without":["User"]}`).want(400)
	o.do("POST", "/_emulator/settings", `{"nonsense":1}`).want(400)
	if _, err := New(Options{PhoneSearch: "loud"}); err == nil {
		t.Error("an unknown phone search was accepted")
	}
}

func TestADataFileIsReadInThreeFormsAndItsMistakesAreNamed(t *testing.T) {
	for name, text := range map[string]string{
		"lines": `{"attributes":{"type":"Account","referenceId":"a"},"Name":"A"}` + "\n" + `{"attributes":{"type":"Contact"},"LastName":"B","AccountId":"@a"}`,
		"array": `[{"attributes":{"type":"Account","referenceId":"a"},"Name":"A"},{"attributes":{"type":"Contact"},"LastName":"B","AccountId":"@a"}]`,
		"tree":  `{"records":[{"attributes":{"type":"Account","referenceId":"a"},"Name":"A"},{"attributes":{"type":"Contact"},"LastName":"B","AccountId":"@a"}]}`,
	} {
		data, err := LoadData(strings.NewReader(text))
		if err != nil {
			t.Fatal(name, err)
		}
		o := newOrg(t, func(opt *Options) { opt.Data = data })
		if n := o.soql("SELECT COUNT() FROM Contact WHERE Account.Name = 'A'").object()["totalSize"]; n != 1.0 {
			t.Errorf("%s: %v contacts", name, n)
		}
	}
	for text, want := range map[string]string{
		``:                   "no records",
		`{"LastName":"x"}`:   "attributes.type",
		`[1]`:                "not an object",
		`{"records":[{}]`:    "not JSON",
		`{"attributes":{}}`:  "attributes.type",
		`{"attributes":null`: "not JSON",
	} {
		if _, err := LoadData(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"attributes":{"type":"Nope"}}`:                                                    "no object",
		`{"attributes":{"type":"Contact"}}`:                                                 "REQUIRED_FIELD_MISSING",
		`{"attributes":{"type":"Contact"},"LastName":"x","AccountId":"@a"}`:                 "does not come before",
		`{"attributes":{"type":"Contact"},"LastName":"x","Id":"003"}`:                       "not a free Contact id",
		`{"attributes":{"type":"Contact"},"LastName":"x","Id":"001Wz0000000001AAA"}`:        "not a free Contact id",
		`{"attributes":{"type":"Contact"},"LastName":"` + strings.Repeat("x", 81) + `"}`:    "STRING_TOO_LONG",
		`{"attributes":{"type":"Contact"},"LastName":"x","AccountId":"001000000000001AAA"}`: "INVALID_CROSS_REFERENCE_KEY",
	} {
		data, err := LoadData(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{Data: data}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestADataFileMayChangeTheAgentAndKeepIds(t *testing.T) {
	data, err := LoadData(strings.NewReader(`{"attributes":{"type":"User"},"Username":"` + AgentUsername + `","LastName":"Other","Email":"other@x.example"}
{"attributes":{"type":"Contact"},"Id":"003000000000001","LastName":"Kept"}`))
	if err != nil {
		t.Fatal(err)
	}
	o := newOrg(t, func(opt *Options) { opt.Data = data })
	if info := o.do("GET", "/services/oauth2/userinfo", nil).object(); info["email"] != "other@x.example" || info["name"] != "Alex Other" {
		t.Errorf("userinfo %v", info)
	}
	o.do("GET", v+"/sobjects/Contact/003000000000001AAA", nil).want(200)
}
