package salesforce

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// session holds the current token and renews it, once for all requests that find it expired, and once for all processes that
// share the store.
type session struct {
	app   App
	mint  func(context.Context) (Token, error) // signs in again without a person; nil where that is not possible
	store TokenStore
	log   *slog.Logger
	moved func(gone bool) // another user or org than before, or nobody any more; may be nil
	wg    sync.WaitGroup  // renewals: they outlive a request that gave up

	mu      sync.Mutex
	token   Token
	unsaved bool // the store did not take the token: what stands there is older
	flight  *renewal
	refused error // the sign-in server's last refusal …
	until   time.Time
}

type renewal struct {
	done  chan struct{}
	token Token
	err   error
}

// A refusal is believed for a while without asking again: a wrong token must not hammer the sign-in server, which locks users
// out. Who signed in too often waits longer.
const (
	refusalHolds = 30 * time.Second
	rateHolds    = 5 * time.Minute
)

func (s *session) peek() Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

func (s *session) instance() string { return s.peek().Instance }

// load reads the store, and refuses what is not for this org and app, or would be sent elsewhere.
func (s *session) load(ctx context.Context) (Token, error) {
	t, err := s.store.Load(ctx)
	switch {
	case err != nil:
		return Token{}, err
	case t.Zero():
		return Token{}, ErrNoToken
	case t.LoginURL != "" && !sameURL(t.LoginURL, s.app.LoginURL), t.ClientID != "" && t.ClientID != s.app.ClientID:
		return Token{}, ErrOtherOrg
	}
	if t.Instance != "" {
		if _, err := checkHost(t.Instance, s.app.Local); err != nil {
			return Token{}, err
		}
	}
	return t, nil
}

func sameURL(a, b string) bool {
	return strings.EqualFold(strings.TrimRight(strings.TrimSpace(a), "/"), strings.TrimRight(strings.TrimSpace(b), "/"))
}

// stored returns the token in memory, else the stored one.
func (s *session) stored(ctx context.Context) (Token, error) {
	if t := s.peek(); !t.Zero() {
		return t, nil
	}
	t, err := s.load(ctx)
	if err != nil {
		return Token{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.Zero() {
		s.token = t
	}
	return s.token, nil
}

// current returns a token to try; with none stored it signs in by key or secret where that is configured.
func (s *session) current(ctx context.Context) (Token, error) {
	t, err := s.stored(ctx)
	if err == nil && t.Access != "" {
		return t, nil
	}
	if err != nil && (!errors.Is(err, ErrNoToken) || s.mint == nil) {
		return Token{}, err
	}
	return s.renew(ctx, "")
}

// renew returns a token other than the stale one. One renewal runs at a time, on its own time-out: with rotation a
// reply that nobody waits for would lose the only valid refresh token.
func (s *session) renew(ctx context.Context, stale string) (Token, error) {
	s.mu.Lock()
	if s.token.Access != "" && s.token.Access != stale {
		t := s.token
		s.mu.Unlock()
		return t, nil // somebody renewed it meanwhile
	}
	f := s.flight
	if f == nil {
		f = &renewal{done: make(chan struct{})}
		s.flight = f
		var refused error
		if s.refused != nil && s.app.now().Before(s.until) {
			refused = s.refused
		}
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), 45*time.Second)
		s.wg.Go(func() {
			defer cancel()
			s.fly(own, f, stale, refused)
		})
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return Token{}, &TransportError{Method: "POST", Path: "/services/oauth2/token", Err: ctx.Err()}
	}
}

// fly renews under the store's lock, so that two processes never spend the same refresh token. While a refusal holds only the
// store is looked at: somebody may have signed in meanwhile.
func (s *session) fly(ctx context.Context, f *renewal, stale string, refused error) {
	t, fresh, err := s.locked(ctx, func() (Token, bool, error) { return s.obtain(ctx, stale, refused) })
	s.mu.Lock()
	old := s.token
	var auth *AuthError
	errors.As(err, &auth)
	switch {
	case err == nil:
		s.token, s.refused = t, nil
		if !fresh {
			s.unsaved = false
		}
	case errors.Is(err, ErrNoToken):
		s.token, s.refused = Token{}, nil // signed out by another process
	case refused == nil && auth != nil && auth.rate():
		s.refused, s.until = err, s.app.now().Add(rateHolds)
	case refused == nil && auth != nil && KindOf(err) == KindAuth:
		s.refused, s.until = err, s.app.now().Add(refusalHolds)
	}
	f.token, f.err = t, err
	s.flight = nil
	s.mu.Unlock()
	switch {
	case s.moved == nil || old.Zero(): // that nobody is signed in is known already
	case err == nil && (old.UserID() != t.UserID() || old.Instance != t.Instance):
		s.moved(false)
	case err != nil && refused == nil && KindOf(err) == KindAuth:
		s.moved(true)
	}
	close(f.done)
}

// locked runs one renewal while no other process renews, and saves what it brought. A lock that cannot be had is no reason to
// stay signed out.
func (s *session) locked(ctx context.Context, obtain func() (Token, bool, error)) (Token, bool, error) {
	if l, ok := s.store.(StoreLocker); ok {
		unlock, err := l.Lock(ctx)
		if err == nil {
			defer unlock()
		} else {
			s.log.Warn("the sign-in could not be locked against other offhooks of this profile", "err", err)
		}
	}
	t, fresh, err := obtain()
	if err != nil || !fresh {
		return t, fresh, err
	}
	serr := s.store.Save(ctx, t)
	if serr != nil {
		s.log.Warn("the renewed token could not be stored: sign in again after a restart", "err", serr)
	}
	s.mu.Lock()
	s.unsaved = serr != nil
	s.mu.Unlock()
	return t, true, nil
}

// obtain asks the store first (another process of this profile may have renewed it, or signed out), then the sign-in server.
// fresh tells that the token is new and not stored yet.
func (s *session) obtain(ctx context.Context, stale string, refused error) (t Token, fresh bool, err error) {
	s.mu.Lock()
	held, unsaved := s.token, s.unsaved
	s.mu.Unlock()
	kept, err := s.load(ctx)
	if err == nil && !unsaved && kept.Access != "" && kept.Access != stale {
		return kept, false, nil
	}
	if refused != nil {
		return Token{}, false, refused
	}
	if unsaved || err != nil && !errors.Is(err, ErrNoToken) && !held.Zero() {
		kept, err = held, nil // memory knows better than a store that fails
	}
	if kept.Refresh != "" {
		t, rerr := s.app.Refresh(ctx, kept)
		if rerr == nil || s.mint == nil || KindOf(rerr) != KindAuth {
			return t, rerr == nil, rerr
		}
	}
	if s.mint != nil {
		t, err = s.mint(ctx)
		return t, err == nil, err
	}
	if err == nil {
		err = ErrNoToken
	}
	return Token{}, false, err
}

// askAgain forgets a refusal, because a person wants it tried now; who signs in too often has to wait all the same.
func (s *session) askAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var auth *AuthError
	if errors.As(s.refused, &auth) && !auth.rate() {
		s.refused = nil
	}
}

func (s *session) replace(ctx context.Context, t Token) error {
	s.mu.Lock()
	s.token, s.refused = t, nil
	s.mu.Unlock()
	err := s.store.Save(ctx, t)
	s.mu.Lock()
	s.unsaved = err != nil
	s.mu.Unlock()
	return err
}

func (s *session) forget(ctx context.Context) error {
	s.mu.Lock()
	s.token, s.refused, s.unsaved = Token{}, nil, false
	s.mu.Unlock()
	return s.store.Delete(ctx)
}
