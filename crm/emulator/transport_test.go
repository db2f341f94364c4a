package emulator

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestARequestIsBoundedAsDocumented(t *testing.T) {
	o := bareOrg(t)
	o.do("GET", v+"/limits?x="+strings.Repeat("a", 15000), nil).want(200)
	o.do("GET", v+"/limits?x="+strings.Repeat("a", 16400), nil).refused(414, "URI_TOO_LONG")
	o.do("GET", v+"/limits?x="+strings.Repeat("a", 9000), nil, "X-Padding", strings.Repeat("b", 9000)).refused(431, "REQUEST_HEADER_FIELDS_TOO_LARGE")
	a := o.do("PUT", v+"/limits", nil).refused(405, "METHOD_NOT_ALLOWED")
	if a.header.Get("Allow") != "GET" {
		t.Errorf("Allow: %q", a.header.Get("Allow"))
	}
	o.do("POST", v+"/sobjects/Lead", "<Lead/>", "Content-Type", "application/xml").refused(415, "UNSUPPORTED_MEDIA_TYPE")
	o.do("GET", v+"/nothing", nil).refused(404, "NOT_FOUND")
	o.do("GET", "/services/data/v30.0/limits", nil).refused(410, "UNSUPPORTED_API_VERSION")
}

func TestAClientWithoutPATCHSaysItInTheQuery(t *testing.T) {
	o := bareOrg(t)
	id := o.create("Account", map[string]any{"Name": "before"})
	o.do("POST", v+"/sobjects/Account/"+id+"?_HttpMethod=PATCH", map[string]any{"Name": "after"}).want(204)
	if got := o.do("GET", v+"/sobjects/Account/"+id+"?fields=Name", nil).want(200).object()["Name"]; got != "after" {
		t.Errorf("Name is %v", got)
	}
	o.do("GET", v+"/sobjects/Account/"+id+"?_HttpMethod=DELETE", nil).want(200) // only POST can be turned into something else
}

func TestEveryVersionAnswersAndSlashesDoNotMatter(t *testing.T) {
	o := bareOrg(t)
	list := o.do("GET", "//services/data/", nil).want(200).array()
	if len(list) != 19 {
		t.Fatalf("%d versions", len(list))
	}
	for _, one := range list {
		url := one.(map[string]any)["url"].(string)
		if got := o.do("GET", "//"+url[1:]+"//", nil).want(200).object()["identity"]; !strings.HasPrefix(got.(string), o.base+"/id/00D") {
			t.Errorf("%s: identity %v", url, got)
		}
	}
	for _, q := range []string{"/query/?q=SELECT+Id+FROM+User+LIMIT+1", "/query?q=SELECT%20Id%20FROM%20User%20LIMIT%201"} {
		if m := o.do("GET", v+q, nil).want(200).object(); m["totalSize"] != 1.0 {
			t.Errorf("%s: %v", q, m)
		}
	}
}

func TestBodiesMayBeCompressedBothWays(t *testing.T) {
	o := bareOrg(t)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprint(z, `{"Name":"packed"}`)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	o.do("POST", v+"/sobjects/Account", b.String(), "Content-Encoding", "gzip").want(201)
	a := o.do("GET", v+"/sobjects", nil, "Accept-Encoding", "gzip").want(200)
	r, err := gzip.NewReader(bytes.NewReader(a.raw))
	if err != nil || a.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%q %v", a.header.Get("Content-Encoding"), err)
	}
	var m map[string]any
	if err := json.NewDecoder(r).Decode(&m); err != nil || m["encoding"] != "UTF-8" {
		t.Errorf("%v %v", m["encoding"], err)
	}
}

func TestAConditionAsksForWhatHasChangedOnly(t *testing.T) {
	o := bareOrg(t)
	account, lead := o.create("Account", map[string]any{"Name": "x"}), o.create("Lead", map[string]any{"LastName": "x", "Company": "y"})
	tag := o.do("GET", v+"/sobjects/Account/"+account, nil).want(200).header.Get("ETag")
	if a := o.do("GET", v+"/sobjects/Lead/"+lead, nil).want(200); tag == "" || a.header.Get("ETag") != "" {
		t.Errorf("only Account rows have an entity tag: %q, %q", tag, a.header.Get("ETag"))
	}
	since := o.clock.Now().UTC().Format(http.TimeFormat)
	o.clock.add(time.Minute)
	o.do("GET", v+"/sobjects/Account/"+account, nil, "If-None-Match", tag).want(304)
	for _, path := range []string{"/sobjects/Account/" + account, "/sobjects/Lead/" + lead, "/sobjects/Lead/describe", "/sobjects"} {
		if a := o.do("GET", v+path, nil, "If-Modified-Since", since).want(304); len(a.raw) > 0 {
			t.Errorf("%s: 304 with a body: %s", path, a.raw)
		}
	}
	o.do("PATCH", v+"/sobjects/Account/"+account, map[string]any{"Name": "z"}, "If-Match", tag).want(204)
	o.do("PATCH", v+"/sobjects/Account/"+account, map[string]any{"Name": "z"}, "If-Match", tag).refused(412, "PRECONDITION_FAILED")
	o.do("PATCH", v+"/sobjects/Lead/"+lead, map[string]any{"Company": "z"}, "If-Unmodified-Since", since).want(204)
	o.do("PATCH", v+"/sobjects/Lead/"+lead, map[string]any{"Company": "z"}, "If-Unmodified-Since", since).refused(412, "PRECONDITION_FAILED")
	o.do("GET", v+"/sobjects/Lead/"+lead, nil, "If-Modified-Since", since).want(200)
}
