package emulator

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"
	_ "time/tzdata" // date literals need the users' zones on machines without a zone database
)

// Options of New. The zero value is a usable practice org.
type Options struct {
	Data           *Data            // what a new org holds; nil: Practice, the made-up data set
	File           string           // database file that keeps the org's records and settings; "": in memory
	Clock          func() time.Time // nil: time.Now
	PhoneSearch    string           // "" means Normalise
	NoCallKey      bool             // Task.Offhook_Call_Key__c is not installed
	Without        []string         // see Settings
	RecordTypes    []RecordType     // see Settings
	PersonAccounts bool             // see Settings
	APILimit       int              // DailyApiRequests; 0 means 100,000
	SessionTimeout time.Duration    // life of an access token; 0 means 2 h
	Rotate         bool             // rotate refresh tokens
	Logger         *slog.Logger     // nil: no log
}

// Server is one practice org. All methods may be called from any goroutine.
type Server struct {
	clock   func() time.Time
	log     *slog.Logger
	timeout time.Duration

	mu        sync.Mutex // guards everything below
	settings  Settings
	described time.Time // when the settings last changed what describe says
	store     *store
	auth      *auth
	usage     usage
	faults    []*Fault
	cursors   cursors
	requests  requestLog
	hooks     []func(string, map[string]any)
	ready     string // the access token that Credentials hands out
	url       string

	keyOnce sync.Once
	key     *rsa.PrivateKey

	http    *http.Server
	served  sync.WaitGroup // the listener's goroutine
	active  sync.WaitGroup // requests under way
	closing bool           // no request begins any more
	closed  bool           // the store is closed
}

// New makes a practice org and loads its data. An error names the record of Options.Data that Salesforce would refuse.
func New(opt Options) (*Server, error) {
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{clock: opt.Clock, log: opt.Logger, timeout: opt.SessionTimeout,
		settings: Settings{PhoneSearch: opt.PhoneSearch, CallKey: !opt.NoCallKey, Without: opt.Without, PersonAccounts: opt.PersonAccounts, RecordTypes: opt.RecordTypes, RotateRefreshTokens: opt.Rotate}}
	if s.timeout == 0 {
		s.timeout = 2 * time.Hour
	}
	if err := s.settings.check(); err != nil {
		return nil, err
	}
	s.usage = usage{max: opt.APILimit}
	if s.usage.max == 0 {
		s.usage.max = 100_000
	}
	if err := s.furnish(opt); err != nil {
		return nil, err
	}
	s.described = s.clock().UTC().Truncate(time.Second)
	return s, nil
}

// Start listens on listen (host:port, port 0 for any) and serves until the context ends or Close. It returns the
// base URL, which is the login URL and the instance URL in one. It may be called once.
func (s *Server) Start(ctx context.Context, listen string) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return "", fmt.Errorf("the practice Salesforce cannot listen on %s: %w", listen, err)
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	url := "http://" + net.JoinHostPort(host, port)
	srv := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 30 * time.Second,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	s.mu.Lock()
	if s.http != nil {
		s.mu.Unlock()
		return "", errors.Join(errors.New("the practice Salesforce is already started"), l.Close())
	}
	s.http, s.url = srv, url
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	s.served.Go(func() {
		defer stop()
		if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the practice Salesforce stopped", "err", err)
		}
	})
	return url, nil
}

// Close stops serving, cuts requests under way and waits for them. It must not be called from a hook.
func (s *Server) Close() error {
	s.mu.Lock()
	srv := s.http
	s.closing = true
	s.mu.Unlock()
	var err error
	if srv != nil {
		err = srv.Close()
	}
	s.served.Wait()
	s.active.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return err
	}
	s.closed = true
	return errors.Join(err, s.store.close())
}

// enter counts a request, unless the server is being closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.active.Add(1)
	}
	return !s.closing
}

// OnCreate registers a hook that is called for every record a client creates, after the commit and before the reply,
// in the request's goroutine and without locks. The record is a copy with all fields.
func (s *Server) OnCreate(hook func(object string, record map[string]any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook)
}

// Records returns copies of the live rows of an object, oldest first. With written, only those that a client
// created since the start, without the data set.
func (s *Server) Records(object string, written bool) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store.table(object) == nil {
		return nil
	}
	out := []map[string]any{}
	s.store.each(object, nil, func(r *record) bool {
		if !(written && r.seeded) {
			row := make(map[string]any, len(r.table.object.fields))
			for _, f := range r.table.object.fields {
				row[f.name] = nil
			}
			maps.Copy(row, r.fields)
			out = append(out, row)
		}
		return true
	})
	return out
}

// Find returns a copy of the row whose text field has this value ("Contact", "Name", "Fred Bloggs"), and whether
// exactly one has.
func (s *Server) Find(object, field, value string) (map[string]any, bool) {
	var hit map[string]any
	n := 0
	for _, r := range s.Records(object, false) {
		if v, ok := r[field].(string); ok && v == value {
			hit, n = r, n+1
		}
	}
	return hit, n == 1
}

// URL is the base URL after Start, "" before.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}
