package salesforce

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTheNewestVersionIsNegotiatedOnce(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) { fmt.Fprint(w, `{"Id":"003000000000001"}`) })
	c := s.client(t, nil)
	for range 3 {
		if _, err := c.Get(t.Context(), "Contact", "003000000000001", "Id", "Name"); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range s.seen() {
		if r.uri != "/services/data/v68.0/sobjects/Contact/003000000000001?fields=Id%2CName" || r.auth != "Bearer 00D!old" {
			t.Errorf("%+v", r)
		}
	}
}

func TestOnlyReadsAndKeyedWritesAreRepeated(t *testing.T) {
	for _, tt := range []struct {
		name  string
		tries int
		do    func(c *Client) error
	}{
		{"get", 3, func(c *Client) error { _, err := c.Get(t.Context(), "Task", "00T000000000001"); return err }},
		{"query", 3, func(c *Client) error { _, err := c.Query(t.Context(), Select("Id").From("Task")); return err }},
		{"create", 1, func(c *Client) error { _, err := c.Create(t.Context(), "Task", nil, nil); return err }},
		{"update", 1, func(c *Client) error {
			return c.Update(t.Context(), "Task", "00T000000000001", map[string]any{}, time.Time{})
		}},
		{"delete", 1, func(c *Client) error { return c.Delete(t.Context(), "Task", "00T000000000001") }},
		{"upsert", 3, func(c *Client) error {
			_, err := c.Upsert(t.Context(), "Task", "K__c", "k", map[string]any{}, false)
			return err
		}},
		{"composite of reads", 3, func(c *Client) error {
			_, err := c.Composite(t.Context(), false, SubQuery("a", Select("Id").From("Task")))
			return err
		}},
		{"composite with a write", 1, func(c *Client) error {
			_, err := c.Composite(t.Context(), true, SubCreate("a", "Task", nil))
			return err
		}},
	} {
		for _, status := range []int{503, 500, 502, 504, 420, 429} {
			s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) { fail(w, status, "busy") })
			err := tt.do(s.client(t, nil))
			if KindOf(err) != KindTransient || len(s.seen()) != tt.tries {
				t.Errorf("%s, %d: %d requests, %v", tt.name, status, len(s.seen()), err)
			}
		}
	}
}

func TestARowLockIsRepeatedWithJitterAndRetryAfterIsObeyed(t *testing.T) {
	n := 0
	var waits []time.Duration
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if n++; n == 1 {
			fail(w, 400, `[{"message":"unable to obtain exclusive access to this record","errorCode":"UNABLE_TO_LOCK_ROW"}]`)
			return
		}
		if n == 2 {
			w.Header().Set("Retry-After", "7")
			fail(w, 503, "")
			return
		}
		fmt.Fprint(w, `{}`)
	})
	c := s.client(t, func(o *Options) {
		o.Sleep = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	})
	if _, err := c.Get(t.Context(), "Task", "00T000000000001"); err != nil {
		t.Fatal(err)
	}
	if len(waits) != 2 || waits[0] != 125*time.Millisecond || waits[1] != 7*time.Second {
		t.Errorf("waits %v", waits)
	}
}

func TestARetiredVersionIsNegotiatedAgain(t *testing.T) {
	gone := true
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if gone {
			gone = false
			fail(w, 410, `[{"message":"gone","errorCode":"UNSUPPORTED_API_VERSION"}]`)
			return
		}
		fmt.Fprint(w, `{}`)
	})
	c := s.client(t, nil)
	if _, err := c.Get(t.Context(), "Task", "00T000000000001"); err != nil {
		t.Error(err)
	}
}

func TestTheBudgetIsReadFromEveryReply(t *testing.T) {
	usage := "api-usage=10018/100000"
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		w.Header().Set("Sforce-Limit-Info", usage)
		fmt.Fprint(w, `{}`)
	})
	c := s.client(t, nil)
	for _, tt := range []struct {
		usage           string
		used            int
		tight, critical bool
	}{
		{"api-usage=10018/100000", 10018, false, false}, {"api-usage=80000/100000", 80000, true, false},
		{"api-usage=95000/100000; per-app-api-usage=17/250(appName=x)", 95000, true, true}, {"nonsense", 95000, true, true}, {"api-usage=120000/100000", 120000, true, true},
	} {
		usage = tt.usage
		if _, err := c.Get(t.Context(), "Task", "00T000000000001"); err != nil {
			t.Fatal(err)
		}
		if b := c.Budget(); b.Used != tt.used || b.Tight() != tt.tight || b.Critical() != tt.critical {
			t.Errorf("%s: %+v", tt.usage, b)
		}
	}
}

func TestRepliesMayBeCompressed(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("gzip is not asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, `{"Id":"003000000000001","Name":"Zoë"}`)
		z.Close()
	})
	r, err := s.client(t, nil).Get(t.Context(), "Contact", "003000000000001")
	if err != nil || r.Str("Name") != "Zoë" {
		t.Errorf("%v %v", r, err)
	}
}

func TestAWriteWithoutReplyIsAmbiguousAndOneThatNeverLeftIsNot(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) { panic(http.ErrAbortHandler) })
	c := s.client(t, nil)
	if _, err := c.Create(t.Context(), "Task", map[string]any{"Subject": "x"}, nil); KindOf(err) != KindAmbiguous {
		t.Errorf("cut off: %v", err)
	}
	if _, err := c.Get(t.Context(), "Task", "00T000000000001"); KindOf(err) != KindTransient {
		t.Errorf("a read cut off: %v", err)
	}
	s.answers(func(w http.ResponseWriter, r *http.Request, _ string) {
		fmt.Fprint(w, "<html>Welcome to the hotel</html>")
	})
	if _, err := c.Create(t.Context(), "Task", nil, nil); KindOf(err) != KindAmbiguous {
		t.Errorf("a web page with status 200: %v", err)
	}
	s.answers(func(w http.ResponseWriter, r *http.Request, _ string) { fail(w, 201, `{"success":true}`) })
	if _, err := c.Create(t.Context(), "Task", nil, nil); KindOf(err) != KindAmbiguous {
		t.Errorf("no id: %v", err)
	}
	c.version.Store(new("68.0"))
	c.session.replace(t.Context(), Token{Access: "x", Instance: "http://127.0.0.1:1"}) // tcpmux: not a port that another test may get
	if _, err := c.Create(t.Context(), "Task", nil, nil); KindOf(err) != KindTransient {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestACancelledContextEndsTheRequest(t *testing.T) {
	arrived := make(chan struct{})
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) { close(arrived); <-r.Context().Done() })
	c := s.client(t, nil)
	if _, err := c.Version(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := c.Get(ctx, "Task", "00T000000000001"); done <- err }()
	<-arrived
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestQueriesArePagedUntilDone(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if r.URL.Path == "/services/data/v68.0/query" {
			fmt.Fprint(w, `{"totalSize":3,"done":false,"nextRecordsUrl":"/services/data/v68.0/query/01g000000000001-2000","records":[{"attributes":{"type":"Task","url":"/x/00T000000000001"}},{"Id":"00T000000000002"}]}`)
			return
		}
		fmt.Fprint(w, `{"totalSize":3,"done":true,"records":[{"Id":"00T000000000003"}]}`)
	})
	c := s.client(t, nil)
	var ids []string
	for r, err := range c.All(t.Context(), Select("Id").From("Task").Where(Eq("Subject", String("a b'c")))) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID())
	}
	if strings.Join(ids, " ") != "00T000000000001 00T000000000002 00T000000000003" {
		t.Error(ids)
	}
	if got := s.seen()[0].uri; got != "/services/data/v68.0/query?q=SELECT%20Id%20FROM%20Task%20WHERE%20Subject%20%3D%20%27a%20b%5C%27c%27" {
		t.Errorf("uri %s", got)
	}
	if s.seen()[1].uri != "/services/data/v68.0/query/01g000000000001-2000" {
		t.Errorf("second page %s", s.seen()[1].uri)
	}
	for _, bad := range []string{"https://evil.example/services/data/v1/query/x", "/services/data/v68.0/../../oauth2/revoke", "", "/services/data/v68.0/query?x"} {
		if _, err := c.QueryMore(t.Context(), QueryResult{Next: bad}); err == nil {
			t.Errorf("%q was followed", bad)
		}
	}
}

func TestRequestsHaveTheDocumentedShape(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, body string) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/composite"):
			fmt.Fprint(w, `{"compositeResponse":[{"body":{"totalSize":1,"done":true,"records":[{"Id":"003000000000001"}]},"httpHeaders":{},"httpStatusCode":200,"referenceId":"a"},{"body":[{"message":"no","errorCode":"NOT_FOUND"}],"httpStatusCode":404,"referenceId":"b"},{"body":{"id":"00T000000000001","success":true,"errors":[]},"httpStatusCode":201,"referenceId":"c"}]}`)
		case r.Method == "POST":
			fail(w, 201, `{"id":"00T000000000001AAA","success":true,"errors":[]}`)
		case r.Method == "PATCH" && strings.Contains(r.URL.Path, "__c"):
			fail(w, 201, `{"id":"00T000000000001AAA","success":true,"errors":[],"created":true}`)
		case r.Method == "PATCH", r.Method == "DELETE":
			w.WriteHeader(204)
		default:
			fmt.Fprint(w, `{"searchRecords":[{"attributes":{"type":"Contact","url":"/services/data/v68.0/sobjects/Contact/003000000000001"},"Id":"003000000000001"}]}`)
		}
	})
	c := s.client(t, nil)
	ctx := t.Context()
	if id, err := c.Create(ctx, "Lead", map[string]any{"LastName": "X"}, &DuplicateRule{AllowSave: true}); err != nil || id != "00T000000000001AAA" {
		t.Error(id, err)
	}
	if err := c.Update(ctx, "Task", "00T000000000001", map[string]any{"Subject": "y"}, time.Time{}); err != nil {
		t.Error(err)
	}
	if err := c.Delete(ctx, "Task", "00T000000000001"); err != nil {
		t.Error(err)
	}
	if r, err := c.Upsert(ctx, "Task", "Key__c", "a/b c", map[string]any{"Key__c": "a/b c", "Id": "x", "Subject": "z"}, true); err != nil || !r.Created {
		t.Error(r, err)
	}
	digits, _ := Digits("+44 7814 256404")
	rows, err := c.Search(ctx, Find(digits).In(PhoneFields).Returning("Contact", []Ident{"Id", "Account.Name"}, Cond{}, 6).Returning("Lead", []Ident{"Id"}, Eq("IsConverted", Bool(false)), 6))
	if err != nil || len(rows) != 1 || rows[0].Type() != "Contact" {
		t.Error(rows, err)
	}
	subs, err := c.Composite(ctx, false, SubQuery("a", Select("Id").From("Contact")), SubGet("b", "Contact", "003000000000001", "Id"), SubCreate("c", "Task", map[string]any{"WhoId": "@{a.records[0].Id}"}))
	if err != nil || len(subs) != 3 || subs[0].Err() != nil || KindOf(subs[1].Err()) != KindStale || subs[2].Err() != nil {
		t.Error(subs, err)
	}
	want := []seen{
		{"POST", "/services/data/v68.0/sobjects/Lead", `{"LastName":"X"}`, ""},
		{"PATCH", "/services/data/v68.0/sobjects/Task/00T000000000001", `{"Subject":"y"}`, ""},
		{"DELETE", "/services/data/v68.0/sobjects/Task/00T000000000001", "", ""},
		{"PATCH", "/services/data/v68.0/sobjects/Task/Key__c/a%2Fb%20c?updateOnly=true", `{"Subject":"z"}`, ""},
		{"GET", "/services/data/v68.0/search?q=FIND%20%7B447814256404%7D%20IN%20PHONE%20FIELDS%20RETURNING%20Contact%28Id%2CAccount.Name%20LIMIT%206%29%2C%20Lead%28Id%20WHERE%20IsConverted%20%3D%20FALSE%20LIMIT%206%29", "", ""},
		{"POST", "/services/data/v68.0/composite", `{"allOrNone":false,"compositeRequest":[{"method":"GET","url":"/services/data/v68.0/query?q=SELECT%20Id%20FROM%20Contact","referenceId":"a"},{"method":"GET","url":"/services/data/v68.0/sobjects/Contact/003000000000001?fields=Id","referenceId":"b"},{"method":"POST","url":"/services/data/v68.0/sobjects/Task","referenceId":"c","body":{"WhoId":"@{a.records[0].Id}"}}]}`, ""},
	}
	for i, r := range s.seen() {
		r.auth = ""
		if r != want[i] {
			t.Errorf("\n got %+v\nwant %+v", r, want[i])
		}
	}
}

func TestNamesAndIdsAreCheckedBeforeAnythingIsSent(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		t.Error("a request was sent: " + r.URL.String())
	})
	c := s.client(t, nil)
	ctx := t.Context()
	for _, err := range []error{
		c.Update(ctx, "Task", "../../oauth2/revoke", nil, time.Time{}),
		c.Update(ctx, "Task/x", "00T000000000001", nil, time.Time{}),
		c.Delete(ctx, "Task", "00T00000000000'"),
		func() error { _, err := c.Get(ctx, "Task", "00T000000000001", "Id FROM User"); return err }(),
		func() error { _, err := c.Create(ctx, "Task?x", nil, nil); return err }(),
		func() error { _, err := c.Upsert(ctx, "Task", "K__c", "", nil, false); return err }(),
		func() error { _, err := c.Composite(ctx, false, SubGet("a", "Task", "x")); return err }(),
		func() error { _, err := c.Composite(ctx, false); return err }(),
		func() error { _, err := c.Query(ctx, Select("Id").From("Task WHERE")); return err }(),
		func() error { _, err := c.Query(ctx, Select().From("Task")); return err }(),
		func() error { _, err := c.Query(ctx, Select("Id").From("Task").Where(In("Id"))); return err }(),
		func() error { _, err := c.Search(ctx, Find()); return err }(),
		func() error { _, err := c.Describe(ctx, "Task/../User"); return err }(),
	} {
		if err == nil {
			t.Error("accepted")
		}
	}
	if c.RecordURL("Contact", "x/y") != "" {
		t.Error("a record address was built of a bad id")
	}
}

func TestDescribeIsCachedAndAskedAgainConditionally(t *testing.T) {
	now := time.Unix(1e9, 0)
	modified, down := "Fri, 20 Nov 2026 10:00:00 GMT", false
	asked, conditional := 0, 0
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		asked++
		if down {
			fail(w, 503, "")
			return
		}
		if r.Header.Get("If-Modified-Since") == modified {
			conditional++
			w.WriteHeader(304)
			return
		}
		w.Header().Set("Last-Modified", modified)
		if strings.HasSuffix(r.URL.Path, "/compactLayouts/primary") {
			fmt.Fprint(w, `{"name":"SYSTEM","objectType":"Contact","fieldItems":[{"label":"Phone","layoutComponents":[{"type":"Field","value":"Phone"}]},{"label":"x","layoutComponents":[{"type":"EmptySpace"}]}]}`)
			return
		}
		json.NewEncoder(w).Encode(Describe{Name: "Contact", Fields: []Field{{Name: "Phone", Type: "phone"}, {Name: "Name", NameField: true}}})
	})
	c := s.client(t, func(o *Options) { o.App.Now = func() time.Time { return now } })
	for range 3 {
		if d, err := c.Describe(t.Context(), "Contact"); err != nil || !d.Has("phone") || d.NameField() != "Name" {
			t.Fatal(d, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	now = now.Add(describeFresh + time.Second)
	c.Describe(t.Context(), "Contact")
	if asked != 2 || conditional != 1 {
		t.Errorf("asked %d, conditionally %d", asked, conditional)
	}
	now, down = now.Add(describeFresh+time.Second), true
	if d, err := c.Describe(t.Context(), "Contact"); err != nil || !d.Has("Phone") {
		t.Errorf("during an outage: %v", err)
	}
	down = false
	if l, err := c.CompactLayout(t.Context(), "Contact"); err != nil || len(l.Items) != 1 || l.Items[0].Fields[0] != "Phone" {
		t.Errorf("%+v %v", l, err)
	}
}
