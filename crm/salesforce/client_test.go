package salesforce

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// seen is one request as it came over the wire.
type seen struct{ method, uri, body, auth string }

// server is a recorder: it answers versions and tokens like Salesforce and everything else by a function.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []seen
	refresh  atomic.Int32
	answer   func(w http.ResponseWriter, r *http.Request, body string)
	token    func(w http.ResponseWriter, form string)
}

func newServer(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, body string)) *server {
	t.Helper()
	s := &server{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/services/data":
		fmt.Fprint(w, `[{"label":"Spring '26","url":"/services/data/v66.0","version":"66.0"},{"label":"Winter '27","url":"/services/data/v68.0","version":"68.0"},{"version":"67.0"}]`)
		return
	case "/services/oauth2/token":
		n := s.refresh.Add(1)
		s.mu.Lock()
		token := s.token
		s.mu.Unlock()
		if token != nil {
			token(w, string(b))
			return
		}
		fmt.Fprintf(w, `{"access_token":"00D!fresh%d","instance_url":%q,"id":"https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA","token_type":"Bearer","issued_at":"1708058728442"}`, n, s.URL)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, seen{r.Method, r.URL.RequestURI(), string(b), r.Header.Get("Authorization")})
	answer := s.answer
	s.mu.Unlock()
	answer(w, r, string(b))
}

// answers changes what the recorder says from now on.
func (s *server) answers(f func(w http.ResponseWriter, r *http.Request, body string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// tokens changes what the sign-in endpoint says from now on; nil for a fresh token.
func (s *server) tokens(f func(w http.ResponseWriter, form string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = f
}

func (s *server) seen() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.requests...)
}

func (s *server) client(t *testing.T, change func(*Options)) *Client {
	t.Helper()
	o := Options{
		App:   App{LoginURL: s.URL, ClientID: "app", Local: true},
		Store: NewMemoryStore(Token{Access: "00D!old", Refresh: "5Aep", Instance: s.URL, Identity: "https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA"}),
		Sleep: func(context.Context, time.Duration) error { return nil },
		Rand:  func() float64 { return 0.5 },
	}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func fail(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	io.WriteString(w, body)
}

const expired = `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`

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

func TestAVersionListThatDoesNotFitIsRefused(t *testing.T) {
	for _, tt := range []struct{ list, pinned, want string }{
		{`[{"version":"61.0"}]`, "", ""}, {`[{"version":"62.0"}]`, "", "62.0"}, {`[]`, "", ""}, {`<html>`, "", ""},
		{`[{"version":"66.0"},{"version":"68.0"}]`, "66.0", "66.0"}, {`[{"version":"66.0"}]`, "v66.0", "66.0"}, {`[{"version":"66.0"}]`, "70.0", ""},
		{`[{"version":"9/../../x.0"},{"version":"66.0"}]`, "", "66.0"},
	} {
		got, err := chooseVersion([]byte(tt.list), tt.pinned)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s pinned %q: %q %v", tt.list, tt.pinned, got, err)
		}
	}
}

func TestAnExpiredSessionIsRenewedOnceForAllRequests(t *testing.T) {
	var arrived sync.WaitGroup
	arrived.Add(8)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if r.Header.Get("Authorization") == "Bearer 00D!old" {
			arrived.Done()
			arrived.Wait() // all eight find out together
			fail(w, 401, expired)
			return
		}
		fmt.Fprint(w, `{"Id":"003000000000001"}`)
	})
	c := s.client(t, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := c.Get(t.Context(), "Contact", "003000000000001"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.refresh.Load(); n != 1 {
		t.Errorf("%d renewals", n)
	}
	if kept, _ := c.o.Store.Load(t.Context()); kept.Refresh != "5Aep" || kept.Access != "00D!fresh1" {
		t.Errorf("stored %q %q", kept.Access, kept.Refresh)
	}
}

func TestARotatedRefreshTokenIsKept(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if r.Header.Get("Authorization") == "Bearer 00D!old" {
			fail(w, 401, expired)
			return
		}
		fmt.Fprint(w, `{}`)
	})
	s.tokens(func(w http.ResponseWriter, form string) {
		if form != "client_id=app&grant_type=refresh_token&refresh_token=5Aep" {
			t.Errorf("form %s", form)
		}
		fmt.Fprintf(w, `{"access_token":"00D!new","refresh_token":"5Rotated","instance_url":%q}`, s.URL)
	})
	c := s.client(t, nil)
	if _, err := c.Get(t.Context(), "Contact", "003000000000001"); err != nil {
		t.Fatal(err)
	}
	if kept, _ := c.o.Store.Load(t.Context()); kept.Refresh != "5Rotated" || kept.UserID() != "005000000000001AAA" {
		t.Errorf("%q %q", kept.Refresh, kept.Identity)
	}
}

func TestASession401AfterRenewalIsNotRenewedAgain(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) { fail(w, 401, expired) })
	c := s.client(t, nil)
	_, err := c.Get(t.Context(), "Contact", "003000000000001")
	if KindOf(err) != KindAuth || s.refresh.Load() != 1 || len(s.seen()) != 2 {
		t.Errorf("%v, %d renewals, %d requests", err, s.refresh.Load(), len(s.seen()))
	}
}

func TestTheTwo401TextsThatNoTokenCuresAreNotRenewed(t *testing.T) {
	for _, text := range []string{"This session is not valid for use with the REST API", "Connected app is not attached to Agent"} {
		s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
			fail(w, 401, `[{"message":"`+text+`","errorCode":"INVALID_SESSION_ID"}]`)
		})
		_, err := s.client(t, nil).Get(t.Context(), "Contact", "003000000000001")
		if KindOf(err) != KindAuth || s.refresh.Load() != 0 || len(s.seen()) != 1 {
			t.Errorf("%s: %v, %d renewals", text, err, s.refresh.Load())
		}
	}
}

func TestA403IsNeverRenewed(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		fail(w, 403, `[{"message":"no","errorCode":"INSUFFICIENT_ACCESS"}]`)
	})
	_, err := s.client(t, nil).Get(t.Context(), "Contact", "003000000000001")
	if KindOf(err) != KindForbidden || s.refresh.Load() != 0 || len(s.seen()) != 1 {
		t.Errorf("%v, %d renewals, %d requests", err, s.refresh.Load(), len(s.seen()))
	}
}

func TestUserinfosOwnWayOfSayingExpiredIsRenewed(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if r.Header.Get("Authorization") == "Bearer 00D!old" {
			fail(w, 403, "Bad_OAuth_Token")
			return
		}
		fmt.Fprint(w, `{"user_id":"005000000000001AAA","name":"Me","zoneinfo":"Europe/London"}`)
	})
	c := s.client(t, nil)
	for range 2 {
		if u, err := c.User(t.Context()); err != nil || u.Zone != "Europe/London" {
			t.Errorf("%+v %v", u, err)
		}
	}
	if s.refresh.Load() != 1 || len(s.seen()) != 2 || s.seen()[0].uri != "/services/oauth2/userinfo" {
		t.Errorf("%d renewals, %+v", s.refresh.Load(), s.seen())
	}
}

func TestARefusedRenewalDoesNotHammerTheSignInServer(t *testing.T) {
	now := time.Unix(1e9, 0)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) { fail(w, 401, expired) })
	s.tokens(func(w http.ResponseWriter, _ string) {
		fail(w, 400, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`)
	})
	c := s.client(t, func(o *Options) { o.App.Now = func() time.Time { return now } })
	for range 5 {
		_, err := c.Get(t.Context(), "Contact", "003000000000001")
		var auth *AuthError
		if !errors.As(err, &auth) || auth.Code != "invalid_grant" || KindOf(err) != KindAuth {
			t.Fatal(err)
		}
	}
	if n := s.refresh.Load(); n != 1 {
		t.Errorf("%d requests to the sign-in server", n)
	}
	now = now.Add(refusalHolds + time.Second)
	c.Get(t.Context(), "Contact", "003000000000001")
	if n := s.refresh.Load(); n != 2 {
		t.Errorf("%d requests after the pause", n)
	}
	s.tokens(nil)
	if err := c.SignedIn(t.Context(), Token{Access: "00D!again", Refresh: "x", Instance: s.URL}); err != nil {
		t.Fatal(err)
	}
	s.answers(func(w http.ResponseWriter, _ *http.Request, _ string) { fmt.Fprint(w, `{}`) })
	if _, err := c.Get(t.Context(), "Contact", "003000000000001"); err != nil {
		t.Errorf("after signing in again: %v", err)
	}
}

func TestATokenRenewedByAnotherProcessIsTaken(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if r.Header.Get("Authorization") != "Bearer 00D!theirs" {
			fail(w, 401, expired)
			return
		}
		fmt.Fprint(w, `{}`)
	})
	store := NewMemoryStore(Token{Access: "00D!old", Refresh: "5Aep", Instance: s.URL})
	c := s.client(t, func(o *Options) { o.Store = store })
	c.session.stored(t.Context())
	store.Save(t.Context(), Token{Access: "00D!theirs", Refresh: "5Theirs", Instance: s.URL})
	if _, err := c.Get(t.Context(), "Contact", "003000000000001"); err != nil || s.refresh.Load() != 0 {
		t.Errorf("%v, %d renewals", err, s.refresh.Load())
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
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	c.version.Store(new("68.0"))
	c.session.replace(t.Context(), Token{Access: "x", Instance: "http://" + addr})
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

func TestTheTokenNeverLeavesForAForeignHost(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://login.salesforce.com": true, "https://acme.my.salesforce.com/": true, "https://acme.sandbox.my.salesforce.com": true, "https://x.force.com": true,
		"https://ACME.My.Salesforce.Com.": true,
		"http://login.salesforce.com":     false, "https://evilsalesforce.com": false, "https://salesforce.com.evil.example": false, "https://salesforce.com": false,
		"https://login.salesforce.com@evil.example": false, "https://evil.example/.salesforce.com": false, "https://evil.example?x=.salesforce.com": false,
		"https://evil.example#.salesforce.com": false, "": false, "http://localhost:1": false, "https://127.0.0.1": false, "ftp://x.salesforce.com": false, "https:login.salesforce.com": false,
		"https://169.254.169.254": false,
	} {
		if _, err := checkHost(url, false); (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, url := range []string{"http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:9"} {
		if _, err := checkHost(url, true); err != nil {
			t.Error(err)
		}
	}
	if _, err := checkHost("http://10.0.0.1", true); err == nil {
		t.Error("another machine over plain http was taken")
	}
	s := newServer(t, nil)
	s.tokens(func(w http.ResponseWriter, _ string) {
		fmt.Fprint(w, `{"access_token":"x","instance_url":"https://evil.example"}`)
	})
	c := s.client(t, func(o *Options) { o.Store = NewMemoryStore(Token{Refresh: "r"}) })
	if _, err := c.Get(t.Context(), "Task", "00T000000000001"); KindOf(err) != KindAddress {
		t.Errorf("a token reply naming a foreign instance: %v", err)
	}
	s.answers(func(w http.ResponseWriter, r *http.Request, _ string) {
		http.Redirect(w, r, "https://evil.example/", 302)
	})
	if _, err := s.client(t, nil).Get(t.Context(), "Task", "00T000000000001"); err == nil {
		t.Error("a redirect was followed")
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	tok := Token{Access: "00D!secret", Refresh: "5Aepsecret", Instance: "https://x.my.salesforce.com"}
	for _, s := range []string{fmt.Sprint(tok), fmt.Sprintf("%v %+v %#v %s", tok, tok, tok, tok)} {
		if strings.Contains(s, "secret") {
			t.Errorf("printed %s", s)
		}
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
