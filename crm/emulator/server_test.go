package emulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// testClock is a clock that stands until a test moves it.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *testClock { return &testClock{now: time.Date(2026, 11, 20, 16, 11, 36, 0, time.UTC)} }

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// org is a practice org under test with a signed-in client.
type org struct {
	*testing.T
	*Server
	clock *testClock
	base  string
	token string
}

func newOrg(t *testing.T, opts ...func(*Options)) *org {
	t.Helper()
	clock := newClock()
	opt := Options{Clock: clock.Now}
	for _, f := range opts {
		f(&opt)
	}
	if strings.HasPrefix(t.Name(), onFile) {
		opt.File = filepath.Join(t.TempDir(), "org.db")
	}
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	return &org{T: t, Server: s, clock: clock, base: srv.URL, token: s.Credentials().AccessToken}
}

// bareOrg has users, but no customers.
func bareOrg(t *testing.T) *org {
	t.Helper()
	return newOrg(t, func(opt *Options) { opt.Data = &Data{} })
}

// in is the same org in a subtest.
func (o *org) in(t *testing.T) *org { c := *o; c.T = t; return &c }

// answer is a reply as a client sees it.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	raw    []byte
}

func (a answer) object() map[string]any {
	a.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.raw, &m); err != nil {
		a.t.Fatalf("not a JSON object: %v: %s", err, a.raw)
	}
	return m
}

func (a answer) array() []any {
	a.t.Helper()
	var l []any
	if err := json.Unmarshal(a.raw, &l); err != nil {
		a.t.Fatalf("not a JSON array: %v: %s", err, a.raw)
	}
	return l
}

// code is the errorCode of an error reply, "" when it is none.
func (a answer) code() string {
	var l []map[string]any
	if json.Unmarshal(a.raw, &l) != nil || len(l) == 0 {
		return ""
	}
	s, _ := l[0]["errorCode"].(string)
	return s
}

func (a answer) message() string {
	var l []map[string]any
	if json.Unmarshal(a.raw, &l) != nil || len(l) == 0 {
		return ""
	}
	s, _ := l[0]["message"].(string)
	return s
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %.600s", a.status, status, a.raw)
	}
	return a
}

func (a answer) refused(status int, code string) answer {
	a.t.Helper()
	if a.status != status || a.code() != code {
		a.t.Fatalf("%d %s, want %d %s: %.600s", a.status, a.code(), status, code, a.raw)
	}
	return a
}

func (o *org) do(method, path string, body any, headers ...string) answer {
	o.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = bytes.NewReader([]byte(b))
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			o.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(o.Context(), method, o.base+path, in)
	if err != nil {
		o.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		o.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		o.Fatal(err)
	}
	return answer{o.T, resp.StatusCode, resp.Header, raw}
}

const v = "/services/data/v66.0"

func (o *org) soql(q string) answer {
	o.Helper()
	return o.do("GET", v+"/query?q="+url.QueryEscape(q), nil)
}

func (o *org) sosl(q string) answer {
	o.Helper()
	return o.do("GET", v+"/search?q="+url.QueryEscape(q), nil)
}

// create makes a record and returns its id.
func (o *org) create(object string, fields map[string]any) string {
	o.Helper()
	id, _ := o.do("POST", v+"/sobjects/"+object, fields).want(201).object()["id"].(string)
	return id
}

// storyID is the id of a record of the story.
func (o *org) storyID(object, name string) string {
	o.Helper()
	r, one := o.Find(object, "Name", name)
	if !one {
		o.Fatalf("%s %s is not there exactly once", object, name)
	}
	return r["Id"].(string)
}

func names(rows any) []string {
	var out []string
	list, _ := rows.([]any)
	for _, r := range list {
		m, _ := r.(map[string]any)
		s, _ := m["Name"].(string)
		out = append(out, s)
	}
	return out
}

func TestTheServerStartsOnAFreePortAndStopsWhenClosed(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	base, err := s.Start(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(base + "/services/data")
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	if s.Credentials().URL != base || s.URL() != base {
		t.Errorf("the credentials name %q, the server listens on %q", s.Credentials().URL, base)
	}
	if _, err := s.Start(t.Context(), "127.0.0.1:0"); err == nil {
		t.Error("a second Start was accepted")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.Get(base + "/services/data"); err == nil {
		resp.Body.Close()
		t.Error("the server answers after Close")
	}
}
