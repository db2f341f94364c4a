package salesforce

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
