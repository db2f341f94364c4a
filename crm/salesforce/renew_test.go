package salesforce

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// sharedStore is one profile's store as several processes see it: a token, and a lock between them.
type sharedStore struct {
	*MemoryStore
	lock chan struct{}
	fail error // of Save
}

func newSharedStore(t Token) *sharedStore {
	return &sharedStore{MemoryStore: NewMemoryStore(t), lock: make(chan struct{}, 1)}
}

func (s *sharedStore) Lock(ctx context.Context) (func(), error) {
	select {
	case s.lock <- struct{}{}:
		return func() { <-s.lock }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *sharedStore) Save(ctx context.Context, t Token) error {
	if s.fail != nil {
		return s.fail
	}
	return s.MemoryStore.Save(ctx, t)
}

// rotating is a sign-in server that gives a new refresh token each time and ends everything when an old one comes again.
type rotating struct {
	mu       sync.Mutex
	n        int
	reused   bool
	accepted string
}

func (r *rotating) token(s *server) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, form string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		v, _ := url.ParseQuery(form)
		if v.Get("refresh_token") != fmt.Sprintf("R%d", r.n) {
			r.reused = true
			fail(w, 400, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`)
			return
		}
		r.n++
		r.accepted = fmt.Sprintf("00D!a%d", r.n)
		fmt.Fprintf(w, `{"access_token":%q,"refresh_token":"R%d","instance_url":%q}`, r.accepted, r.n, s.URL)
	}
}

func (r *rotating) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accepted = "none"
}

func TestTwoProcessesNeverSpendTheSameRefreshToken(t *testing.T) {
	r := &rotating{accepted: "none"}
	s := newServer(t, func(w http.ResponseWriter, req *http.Request, _ string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if req.Header.Get("Authorization") != "Bearer "+r.accepted {
			fail(w, 401, expired)
			return
		}
		fmt.Fprint(w, `{}`)
	})
	s.tokens(r.token(s))
	store := newSharedStore(Token{Access: "00D!a0", Refresh: "R0", Instance: s.URL})
	var clients []*Client
	for range 4 {
		clients = append(clients, s.client(t, func(o *Options) { o.Store = store }))
	}
	for round := range 5 {
		var wg sync.WaitGroup
		for _, c := range clients {
			for range 3 {
				wg.Go(func() {
					if _, err := c.Get(t.Context(), "Task", "00T000000000001"); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if r.n != round+1 || r.reused {
			t.Fatalf("after %d expiries %d renewals, reused %t", round+1, r.n, r.reused)
		}
		r.expire()
	}
}

func TestWhoSignsOutElsewhereIsSignedOutHere(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) { fail(w, 401, expired) })
	store := newSharedStore(Token{Access: "00D!old", Refresh: "5Aep", Instance: s.URL})
	told := 0
	c := s.client(t, func(o *Options) { o.Store, o.Moved = store, func() { told++ } })
	c.session.stored(t.Context())
	store.Delete(t.Context())
	if _, err := c.Get(t.Context(), "Task", "00T000000000001"); !errors.Is(err, ErrNoToken) || s.refresh.Load() != 0 {
		t.Errorf("%v, %d renewals of a sign-in that was given up", err, s.refresh.Load())
	}
	if !c.session.peek().Zero() {
		t.Error("the token is still in memory")
	}
	c.Prove(t.Context())
	if told != 1 { // or whoever asks because of it would ask for ever
		t.Errorf("told %d times", told)
	}
}

func TestASignInElsewhereIsTakenAtOnceAlsoAfterARefusal(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if r.Header.Get("Authorization") != "Bearer 00D!new" {
			fail(w, 401, expired)
			return
		}
		fmt.Fprint(w, `{"user_id":"005000000000002AAA","name":"Robin"}`)
	})
	s.tokens(func(w http.ResponseWriter, _ string) {
		fail(w, 400, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`)
	})
	store := newSharedStore(Token{Access: "00D!old", Refresh: "5Aep", Instance: s.URL, Identity: "https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA"})
	moved := 0
	now := time.Unix(1e9, 0)
	c := s.client(t, func(o *Options) {
		o.Store, o.Moved, o.App.Now = store, func() { moved++ }, func() time.Time { return now }
	})
	c.user.Store(&UserInfo{Name: "Somebody before"})
	for range 2 {
		if _, err := c.Get(t.Context(), "Task", "00T000000000001"); !strings.Contains(Line(err), "expired or was revoked: run offhook login") {
			t.Fatalf("%q", Line(err))
		}
	}
	store.MemoryStore.Save(t.Context(), Token{Access: "00D!new", Refresh: "R", Instance: s.URL, Identity: "https://login.salesforce.com/id/00D000000000001AAA/005000000000002AAA"})
	if _, err := c.Get(t.Context(), "Task", "00T000000000001"); err != nil || s.refresh.Load() != 1 {
		t.Errorf("%v, %d renewals", err, s.refresh.Load())
	}
	if u, err := c.User(t.Context()); moved != 2 || err != nil || u.Name != "Robin" { // that it ended, and that somebody else signed in
		t.Errorf("another user: told %d times, %s %v", moved, u.Name, err)
	}
}

func TestASignInOfAnotherOrgIsNotUsed(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) { fmt.Fprint(w, `{}`) })
	for name, tok := range map[string]Token{
		"another login_url": {Access: "00D!prod", Instance: s.URL, LoginURL: "https://login.salesforce.com", ClientID: "app"},
		"another client_id": {Access: "00D!prod", Instance: s.URL, LoginURL: s.URL, ClientID: "other"},
	} {
		c := s.client(t, func(o *Options) { o.Store = NewMemoryStore(tok) })
		_, err := c.Get(t.Context(), "Task", "00T000000000001")
		if !errors.Is(err, ErrOtherOrg) || KindOf(err) != KindAuth || !strings.Contains(Line(err), "another login_url") || len(s.seen()) != 0 {
			t.Errorf("%s: %v, %d requests", name, err, len(s.seen()))
		}
	}
	c := s.client(t, func(o *Options) {
		o.Store = NewMemoryStore(Token{Access: "x", Instance: s.URL, LoginURL: s.URL + "/", ClientID: "app"})
	})
	if _, err := c.Get(t.Context(), "Task", "00T000000000001"); err != nil {
		t.Errorf("a slash makes another org: %v", err)
	}
}

func TestATokenThatCouldNotBeStoredIsStillUsedAndRenewed(t *testing.T) {
	r := &rotating{accepted: "none"}
	s := newServer(t, func(w http.ResponseWriter, req *http.Request, _ string) {
		if req.Header.Get("Authorization") != "Bearer "+r.accepted {
			fail(w, 401, expired)
			return
		}
		fmt.Fprint(w, `{}`)
	})
	s.tokens(r.token(s))
	store := newSharedStore(Token{Access: "00D!a0", Refresh: "R0", Instance: s.URL})
	store.fail = errors.New("the keyring is locked")
	c := s.client(t, func(o *Options) { o.Store = store })
	for range 3 {
		if _, err := c.Get(t.Context(), "Task", "00T000000000001"); err != nil {
			t.Fatal(err)
		}
		r.expire()
	}
	if r.n != 3 || r.reused {
		t.Errorf("%d renewals, reused %t", r.n, r.reused)
	}
}

func TestWhoSignsInTooOftenWaitsLongerAndNothingIsLost(t *testing.T) {
	now := time.Unix(1e9, 0)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) { fail(w, 401, expired) })
	s.tokens(func(w http.ResponseWriter, _ string) {
		fail(w, 400, `{"error":"invalid_grant","error_description":"login rate exceeded"}`)
	})
	c := s.client(t, func(o *Options) { o.App.Now = func() time.Time { return now } })
	for range 4 {
		_, err := c.Get(t.Context(), "Task", "00T000000000001")
		if KindOf(err) != KindTransient || !strings.Contains(Line(err), "too often") {
			t.Fatalf("%d %q", KindOf(err), Line(err))
		}
		now = now.Add(time.Minute)
	}
	if n := s.refresh.Load(); n != 1 {
		t.Errorf("%d sign-ins", n)
	}
	now = now.Add(rateHolds)
	c.Get(t.Context(), "Task", "00T000000000001")
	if n := s.refresh.Load(); n != 2 {
		t.Errorf("%d sign-ins after the pause", n)
	}
}

func TestAPinnedVersionThatIsRetiredIsToldAndNotReplaced(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		fail(w, 410, `[{"errorCode":"UNSUPPORTED_API_VERSION","message":"The requested API version is retired"}]`)
	})
	_, err := s.client(t, func(o *Options) { o.Version = "66.0" }).Get(t.Context(), "Task", "00T000000000001")
	var version *VersionError
	if !errors.As(err, &version) || !strings.Contains(Line(err), "salesforce.api_version") || len(s.seen()) != 1 {
		t.Errorf("%v: %q after %d requests", err, Line(err), len(s.seen()))
	}
	_, err = s.client(t, func(o *Options) { o.Version = "61.0" }).Get(t.Context(), "Task", "00T000000000001")
	if !strings.Contains(Line(err), "61.0") || !strings.Contains(Line(err), "newest here: 68.0") || len(s.seen()) != 1 {
		t.Errorf("%v after %d requests", err, len(s.seen()))
	}
	if _, err := s.client(t, nil).Get(t.Context(), "Task", "00T000000000001"); KindOf(err) != KindGone || len(s.seen()) != 3 {
		t.Errorf("unpinned it is negotiated again once: %v after %d requests", err, len(s.seen()))
	}
}
