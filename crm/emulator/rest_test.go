package emulator

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPathsAreReadAsSalesforceReadsThem(t *testing.T) {
	o := bareOrg(t)
	for path, want := range map[string]int{
		"/services/data": 200, "//services/data": 200, "/services/data/": 200, "//services//data/v66.0//limits/": 200,
		"/services/data/v50.0/limits": 200, "/services/data/v68.0/limits": 200, "/services/data/v69.0/limits": 404, "/services/data/v49.0/limits": 404,
		"/services/data/v30.0/limits": 410, "/services/data/v66.5/limits": 404, "/services/data/66.0/limits": 404, "/services/data/vx/limits": 404,
		v: 200, v + "/": 200, v + "/nonsense": 404, v + "/sobjects/Nope": 404, "/services": 404, "/x": 404,
		v + "/query/?q=SELECT+Id+FROM+Contact+LIMIT+1": 200, v + "/query?q=SELECT%20Id%20FROM%20Contact%20LIMIT%201": 200,
		v + "/limits?pad=" + strings.Repeat("x", 17000): 414,
	} {
		if a := o.do("GET", path, nil); a.status != want {
			t.Errorf("GET %.60s: %d, want %d: %.200s", path, a.status, want, a.raw)
		}
	}
}

func TestTheVersionListNeedsNoSignInAndIsNotCounted(t *testing.T) {
	o := bareOrg(t)
	a := o.do("GET", "/services/data", nil, "Authorization", "").want(200)
	list := a.array()
	last := list[len(list)-1].(map[string]any)
	if last["version"] != "68.0" || last["label"] != "Winter '27" || last["url"] != "/services/data/v68.0" || len(list) != 19 {
		t.Errorf("%d versions, the last is %v", len(list), last)
	}
	if a.header.Get("Sforce-Limit-Info") != "" {
		t.Error("the version list was counted")
	}
	o.do("GET", v, nil, "Authorization", "").refused(401, "INVALID_SESSION_ID")
	if got := o.do("GET", v+"/limits", nil).header.Get("Sforce-Limit-Info"); got != "api-usage=1/100000" {
		t.Errorf("Sforce-Limit-Info is %q", got)
	}
}

func TestTheResourceMapNamesTheIdentityAbsolutely(t *testing.T) {
	o := bareOrg(t)
	m := o.do("GET", v, nil).want(200).object()
	if id, _ := m["identity"].(string); !strings.HasPrefix(id, o.base+"/id/00D") {
		t.Errorf("identity is %v", m["identity"])
	}
	if m["query"] != v+"/query" {
		t.Errorf("query is %v", m["query"])
	}
}

func TestTheDailyLimitEndsAndReturnsAfterADay(t *testing.T) {
	o := newOrg(t, func(opt *Options) { opt.Data, opt.APILimit = &Data{}, 2; opt.SessionTimeout = 72 * time.Hour })
	o.do("GET", v+"/limits", nil).want(200)
	o.do("GET", v+"/limits", nil).want(200)
	a := o.do("GET", v+"/limits", nil).refused(403, "REQUEST_LIMIT_EXCEEDED")
	if a.message() != "TotalRequests Limit exceeded." {
		t.Errorf("message %q", a.message())
	}
	o.clock.add(24 * time.Hour)
	o.do("GET", v+"/limits", nil).want(200)
}

func TestBodiesTravelCompressedInBothDirections(t *testing.T) {
	o := bareOrg(t)
	req, err := http.NewRequestWithContext(t.Context(), "GET", o.base+v+"/sobjects/Task/describe", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.token)
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := (&http.Transport{DisableCompression: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	z, err := gzip.NewReader(resp.Body)
	if err != nil || resp.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal("the reply is not compressed", err)
	}
	var m map[string]any
	if err := json.NewDecoder(z).Decode(&m); err != nil || m["name"] != "Task" {
		t.Fatal(m["name"], err)
	}
	var b strings.Builder
	zw := gzip.NewWriter(&b)
	_, _ = io.WriteString(zw, `{"LastName":"Zip"}`)
	_ = zw.Close()
	o.do("POST", v+"/sobjects/Contact", b.String(), "Content-Encoding", "gzip").want(201)
	o.do("POST", v+"/sobjects/Contact", "no gzip", "Content-Encoding", "gzip").refused(400, "JSON_PARSER_ERROR")
}

func TestErrorsAreArraysAndMethodsAreChecked(t *testing.T) {
	o := bareOrg(t)
	for _, tc := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", v + "/sobjects/Contact", `{"LastName":`, 400, "JSON_PARSER_ERROR"},
		{"POST", v + "/sobjects/Contact", `[]`, 400, "JSON_PARSER_ERROR"},
		{"POST", v + "/sobjects/Contact", ``, 400, "JSON_PARSER_ERROR"},
		{"POST", v + "/sobjects/Contact", `{"LastName":"x"} {}`, 400, "JSON_PARSER_ERROR"},
		{"PUT", v + "/sobjects/Contact", `{}`, 405, "METHOD_NOT_ALLOWED"},
		{"POST", v + "/query", ``, 405, "METHOD_NOT_ALLOWED"},
		{"POST", v + "/limits", ``, 405, "METHOD_NOT_ALLOWED"},
		{"GET", v + "/composite", ``, 405, "METHOD_NOT_ALLOWED"},
		{"GET", v + "/sobjects/Contact/xyz", ``, 404, "NOT_FOUND"},
		{"GET", v + "/sobjects/Contact/003Wz0000000zzz", ``, 404, "NOT_FOUND"},
		{"GET", v + "/query", ``, 400, "MALFORMED_QUERY"},
		{"GET", v + "/query/01gnonsense-2000", ``, 400, "INVALID_QUERY_LOCATOR"},
		{"GET", v + "/recent?limit=x", ``, 400, "INVALID_QUERY_LIMIT"},
		{"GET", v + "/compactLayouts?q=Nope", ``, 400, "INVALID_TYPE"},
	} {
		o.do(tc.method, tc.path, tc.body).refused(tc.status, tc.code)
	}
}

func TestABodyMustBeJSON(t *testing.T) {
	o := bareOrg(t)
	for kind, want := range map[string]int{"application/json": 201, "application/json; charset=utf-8": 201, "": 201, "application/x-www-form-urlencoded": 415, "text/xml": 415, ";": 415} {
		if a := o.do("POST", v+"/sobjects/Contact", `{"LastName":"x"}`, "Content-Type", kind); a.status != want {
			t.Errorf("Content-Type %q: %d, want %d", kind, a.status, want)
		}
	}
}

func TestConditionsOnTimeAndVersionAreKept(t *testing.T) {
	o := newOrg(t)
	account, contact := o.storyID("Account", StoryKnownAccount), o.storyID("Contact", StoryKnownName)
	a := o.do("GET", v+"/sobjects/Account/"+account, nil).want(200)
	etag, modified := a.header.Get("ETag"), a.header.Get("Last-Modified")
	if etag == "" || modified == "" {
		t.Fatalf("ETag %q, Last-Modified %q", etag, modified)
	}
	if o.do("GET", v+"/sobjects/Contact/"+contact, nil).want(200).header.Get("ETag") != "" {
		t.Error("only Account rows have entity tags")
	}
	o.do("GET", v+"/sobjects/Account/"+account, nil, "If-Modified-Since", modified).want(304)
	o.do("GET", v+"/sobjects/Account/"+account, nil, "If-None-Match", etag).want(304)
	o.do("PATCH", v+"/sobjects/Account/"+account, `{"Fax":"1"}`, "If-Unmodified-Since", modified).want(204)
	o.do("PATCH", v+"/sobjects/Account/"+account, `{"Fax":"2"}`, "If-Unmodified-Since", modified).refused(412, "PRECONDITION_FAILED")
	o.do("PATCH", v+"/sobjects/Account/"+account, `{"Fax":"2"}`, "If-Match", etag).refused(412, "PRECONDITION_FAILED")
	last := o.do("GET", v+"/sobjects/Task/describe", nil).want(200).header.Get("Last-Modified")
	o.do("GET", v+"/sobjects/Task/describe", nil, "If-Modified-Since", last).want(304)
	o.clock.add(time.Second)
	o.do("POST", "/_emulator/settings", `{"callKey":false}`).want(200)
	o.do("GET", v+"/sobjects/Task/describe", nil, "If-Modified-Since", last).want(200)
}

func TestRecentRecordsComeLastUsedFirst(t *testing.T) {
	o := newOrg(t)
	fred := o.storyID("Contact", StoryKnownName)
	o.do("GET", v+"/sobjects/Contact/"+fred, nil).want(200)
	id := o.create("Contact", map[string]any{"LastName": "New"})
	list := o.do("GET", v+"/recent?limit=2", nil).want(200).array()
	if len(list) != 2 || list[0].(map[string]any)["Id"] != id || list[1].(map[string]any)["Id"] != fred {
		t.Errorf("recent: %v", list)
	}
}
