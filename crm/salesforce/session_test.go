package salesforce

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

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
	c.AskAgain()
	c.Get(t.Context(), "Contact", "003000000000001")
	if n := s.refresh.Load(); n != 3 {
		t.Errorf("%d requests when a person wants it tried now", n)
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

func TestTheTokenNeverLeavesForAForeignHost(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://login.salesforce.com": true, "https://acme.my.salesforce.com/": true, "https://acme.sandbox.my.salesforce.com": true, "https://x.force.com": true,
		"https://ACME.My.Salesforce.Com": true, "https://acme.my.salesforce.com:443": true,
		"https://acme.my.salesforce.com.": false, "https://acme.my.salesforce.com..": false, "https://acme.my.salesforce.com:8443": false, "https://acme.my.salesforce.com:0443": false,
		"https://login.salesforce.com.evil.example": false, "https://force.com.evil.example": false, "https://notforce.com": false, "https://x.salesforce.co": false,
		"https://login.s\u0430lesforce.com": false, "https://evil.example\u3002login.salesforce.com": false, "https://evil.example\uff0flogin.salesforce.com": false,
		"https://evil.example%2f.salesforce.com": false, "https://evil.example%00.salesforce.com": false, "https://evil.example\\.salesforce.com": false, "https://evil.example\\@login.salesforce.com": false,
		"https://user:secret@login.salesforce.com": false, "https://@login.salesforce.com": false, "https://.salesforce.com": false, "https://a..salesforce.com": false, "https://a_b.salesforce.com": false,
		"https://login.salesforce.com/services": false, "https://login.salesforce.com/?": false, "https://login.salesforce.com/#": false, "//login.salesforce.com": false,
		"https://[::ffff:1.2.3.4].salesforce.com": false, "https://localhost.evil.example": false, "https://127.0.0.1.salesforce.com.evil.example": false,
		"javascript://login.salesforce.com": false, "https://login.salesforce.com\n.evil.example": false, "https://login.salesforce.com\t": true,
		"http://login.salesforce.com": false, "https://evilsalesforce.com": false, "https://salesforce.com.evil.example": false, "https://salesforce.com": false,
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
}

// Another server on this machine stands for any foreign host: what it sees is what a thief would see.
func TestARedirectCarriesNoTokenAnywhere(t *testing.T) {
	var stolen []string
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		stolen = append(stolen, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization")+" "+string(b))
	}))
	defer thief.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		away := func(w http.ResponseWriter, r *http.Request, _ string) {
			http.Redirect(w, r, thief.URL+r.URL.RequestURI(), status)
		}
		s := newServer(t, away)
		c := s.client(t, nil)
		if _, err := c.Get(t.Context(), "Task", "00T000000000001"); err == nil {
			t.Errorf("%d: a redirect is taken for an answer", status)
		}
		if _, err := c.Create(t.Context(), "Task", map[string]any{"Subject": "x"}, nil); err == nil {
			t.Errorf("%d: a redirect of a write is taken for an answer", status)
		}
		if err := c.SignOut(t.Context()); err == nil {
			t.Errorf("%d: a redirect of the revocation is taken for a yes", status)
		}
		s.tokens(func(w http.ResponseWriter, _ string) {
			w.Header().Set("Location", thief.URL)
			w.WriteHeader(status)
		})
		_, err := s.client(t, func(o *Options) { o.Store = NewMemoryStore(Token{Refresh: "5Aep"}) }).Get(t.Context(), "Task", "00T000000000001")
		if err == nil || !strings.Contains(Line(err), "no sign-in server answers there") {
			t.Errorf("%d: %v", status, err)
		}
	}
	if len(stolen) > 0 {
		t.Errorf("the other host saw %q", stolen)
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
