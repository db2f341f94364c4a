package emulator

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fault switches one on over the wire.
func (o *org) fault(body string) {
	o.Helper()
	o.do("POST", "/_emulator/faults", body).want(200)
}

func TestFaultsHappenAsOftenAsTheyAreAskedFor(t *testing.T) {
	for name, tc := range map[string]struct {
		fault  string
		status int
		code   string
	}{
		"session":      {`{"kind":"session_expired","times":2}`, 401, "INVALID_SESSION_ID"},
		"limit":        {`{"kind":"limit","times":2}`, 403, "REQUEST_LIMIT_EXCEEDED"},
		"limit by 403": {`{"kind":"403 limit","times":2}`, 403, "REQUEST_LIMIT_EXCEEDED"},
		"row lock":     {`{"kind":"row-lock","times":2}`, 400, "UNABLE_TO_LOCK_ROW"},
		"503":          {`{"kind":"503","times":2}`, 503, "SERVER_UNAVAILABLE"},
		"500":          {`{"kind":"500","times":2,"object":"Task"}`, 500, "UNKNOWN_EXCEPTION"},
		"html":         {`{"kind":"html","times":2,"method":"POST"}`, 502, ""},
		"html 200":     {`{"kind":"html","times":2,"status":200}`, 200, ""},
		"validation":   {`{"kind":"validation_rule","times":2,"object":"Task","message":"Pick a disposition.","field":"CallDisposition"}`, 400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"},
		"duplicate":    {`[{"kind":"duplicate_rule","times":2,"object":"Task"}]`, 400, "DUPLICATES_DETECTED"},
		"wrapped":      {`{"faults":[{"kind":"unavailable","times":2,"path":"/sobjects/Task"}]}`, 503, "SERVER_UNAVAILABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			o := bareOrg(t)
			o.fault(tc.fault)
			for i, want := range []int{tc.status, tc.status, 201} {
				a := o.do("POST", v+"/sobjects/Task", `{"Subject":"x"}`)
				if a.status != want || i < 2 && a.code() != tc.code {
					t.Fatalf("request %d: %d %s, want %d %s", i+1, a.status, a.code(), want, tc.code)
				}
				if i < 2 && strings.HasPrefix(name, "html") && !strings.HasPrefix(string(a.raw), "<!DOCTYPE html>") {
					t.Errorf("not a page: %s", a.raw)
				}
			}
			if n := len(o.Records("Task", true)); n != 1 {
				t.Errorf("%d records were stored, want the last one only", n)
			}
			if left := o.Faults(); len(left) != 0 {
				t.Errorf("faults are left: %v", left)
			}
		})
	}
}

func TestAFaultKeepsToItsObjectPathAndMethod(t *testing.T) {
	o := bareOrg(t)
	o.fault(`{"kind":"unavailable","object":"Task"}`)
	o.do("POST", v+"/sobjects/Contact", `{"LastName":"x"}`).want(201)
	o.soql("SELECT Id FROM TaskStatus").want(200)
	o.soql("SELECT Id FROM Task").want(503)
	o.do("POST", v+"/composite", m{"compositeRequest": []m{sub("t", "POST", v+"/sobjects/Task", m{})}}).want(503)
	o.do("DELETE", "/_emulator/faults", nil).want(204)
	o.soql("SELECT Id FROM Task").want(200)
	o.fault(`{"kind":"unavailable","path":"/search","method":"get"}`)
	o.sosl("FIND {ann} RETURNING Contact").want(503)
	o.soql("SELECT Id FROM Task").want(200)
	o.do("DELETE", "/_emulator/faults", nil).want(204)
	o.fault(`{"kind":"unavailable"}`)
	o.do("GET", "/services/oauth2/userinfo", nil).want(200) // sign-in is spared unless it is named
	o.fault(`{"kind":"html","path":"/services/oauth2/"}`)
	o.do("GET", "/services/oauth2/userinfo", nil).want(502)
}

func TestAllTokensCanEndAtOnce(t *testing.T) {
	o := bareOrg(t)
	o.fault(`{"kind":"session_expiry"}`)
	o.do("GET", v+"/limits", nil).refused(401, "INVALID_SESSION_ID")
	o.do("GET", v+"/limits", nil).refused(401, "INVALID_SESSION_ID")
	o.token = o.Credentials().AccessToken // a fresh one
	o.do("GET", v+"/limits", nil).want(200)
}

func TestWrongFaultsAreExplained(t *testing.T) {
	o := bareOrg(t)
	for _, body := range []string{`{"kind":"earthquake"}`, `{"knd":"limit"}`, `{"kind":"limit","times":-1}`, `nonsense`, ``} {
		a := o.do("POST", "/_emulator/faults", body).want(400)
		if s, _ := a.object()["error"].(string); s == "" {
			t.Errorf("%s: %s", body, a.raw)
		}
	}
	if a := o.do("POST", "/_emulator/faults", `{"kind":"earthquake"}`); !strings.Contains(string(a.raw), "row_lock") {
		t.Errorf("the error does not name the kinds: %s", a.raw)
	}
}

func TestADuplicateRuleLetsPassWhatItAllowsToSave(t *testing.T) {
	o := newOrg(t)
	o.fault(`{"kind":"duplicate_rule","allowSave":true}`)
	body := m{"LastName": "Bloggs", "FirstName": "Frederick", "MobilePhone": StoryKnownStored}
	a := o.do("POST", v+"/sobjects/Contact", body, "Sforce-Duplicate-Rule-Header", "includeRecordDetails=true").refused(400, "DUPLICATES_DETECTED")
	res := a.array()[0].(m)["duplicateResut"].(m)
	match := res["matchResults"].([]any)[0].(m)["matchRecords"].([]any)[0].(m)["record"].(m)
	if res["allowSave"] != true || res["duplicateRule"] != "Standard_Contact_Duplicate_Rule" || match["Name"] != StoryKnownName {
		t.Errorf("result %v", res)
	}
	o.do("POST", v+"/sobjects/Contact", body, "Sforce-Duplicate-Rule-Header", "allowSave=true; includeRecordDetails=true; runAsCurrentUser=true").want(201)
	o.do("POST", v+"/sobjects/Task", m{}).want(201) // duplicate rules are for Accounts, Contacts and Leads
}

func TestADroppedReplyLeavesACommittedRecord(t *testing.T) {
	o := bareOrg(t)
	var landed atomic.Int32
	o.OnCreate(func(string, map[string]any) { landed.Add(1) })
	o.fault(`{"kind":"drop_reply","times":1,"object":"Task"}`)
	o.do("POST", v+"/sobjects/Contact", m{"LastName": "x"}).want(201)
	o.do("POST", v+"/sobjects/Task", m{"CallType": "Sideways"}).want(400) // nothing was committed: nothing is dropped
	req, err := http.NewRequestWithContext(t.Context(), "POST", o.base+v+"/sobjects/Task", strings.NewReader(`{"Offhook_Call_Key__c":"k"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.token)
	if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		t.Fatalf("a reply came: %d %s", resp.StatusCode, b)
	}
	if n := len(o.Records("Task", true)); n != 1 || landed.Load() != 2 {
		t.Errorf("%d Tasks, %d hooks", n, landed.Load())
	}
	o.do("POST", v+"/sobjects/Task", `{"Offhook_Call_Key__c":"k"}`).refused(400, "DUPLICATE_VALUE")
	reqs := o.Requests()
	if last := reqs[len(reqs)-2]; !last.Dropped || last.Status != 0 || last.Method != "POST" {
		t.Errorf("the log says %+v", last)
	}
}

func TestARowLockInATransactionTakesAllOfItBack(t *testing.T) {
	o := bareOrg(t)
	o.fault(`{"kind":"row_lock","times":1,"object":"Task"}`)
	rs := o.composite(true, sub("c", "POST", v+"/sobjects/Contact", m{"LastName": "x"}), sub("t", "POST", v+"/sobjects/Task", m{"WhoId": "@{c.id}"}))
	if rs[1]["body"].([]any)[0].(m)["errorCode"] != "UNABLE_TO_LOCK_ROW" || len(o.Records("Contact", true)) != 0 {
		t.Errorf("%v", rs)
	}
}

func TestLatencyIsWaitedAndEndsWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if !wait(t.Context(), 700*time.Millisecond) || time.Since(began) != 700*time.Millisecond {
			t.Errorf("waited %v", time.Since(began))
		}
	})
	o := bareOrg(t)
	if err := o.SetFault(Fault{Kind: FaultLatency, Milliseconds: 250, Path: "/search"}); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://x"+v+"/search", nil)
	if err != nil {
		t.Fatal(err)
	}
	if p := o.plan(req, v+"/search", nil); p.latency != 250*time.Millisecond {
		t.Errorf("planned latency %v", p.latency)
	}
	if p := o.plan(req, v+"/limits", nil); p.latency != 0 {
		t.Errorf("another path waits %v", p.latency)
	}
}
