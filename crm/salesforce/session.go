package salesforce

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// session holds the current token and renews it, once for all requests that find it expired.
type session struct {
	app   App
	jwt   *JWT
	store TokenStore
	log   *slog.Logger
	wg    sync.WaitGroup // renewals: they outlive a request that gave up

	mu      sync.Mutex
	token   Token
	flight  *renewal
	refused error // the sign-in server's last refusal …
	until   time.Time
}

type renewal struct {
	done  chan struct{}
	token Token
	err   error
}

// refusalHolds is how long a refusal is believed without asking again: a wrong token must not hammer the sign-in
// server, which locks users out.
const refusalHolds = 30 * time.Second

func (s *session) peek() Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

func (s *session) instance() string { return s.peek().Instance }

// stored returns the token in memory, else the stored one.
func (s *session) stored(ctx context.Context) (Token, error) {
	if t := s.peek(); !t.Zero() {
		return t, nil
	}
	t, err := s.store.Load(ctx)
	if err != nil {
		return Token{}, err
	}
	if t.Instance != "" {
		if _, err := checkHost(t.Instance, s.app.Local); err != nil {
			return Token{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.Zero() {
		s.token = t
	}
	return s.token, nil
}

// current returns a token to try; with none stored it signs in by key where that is configured.
func (s *session) current(ctx context.Context) (Token, error) {
	t, err := s.stored(ctx)
	if err == nil && t.Access != "" {
		return t, nil
	}
	if err != nil && (!errors.Is(err, ErrNoToken) || s.jwt == nil) {
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
	if s.refused != nil && s.app.now().Before(s.until) {
		err := s.refused
		s.mu.Unlock()
		return Token{}, err
	}
	f := s.flight
	if f == nil {
		f = &renewal{done: make(chan struct{})}
		s.flight = f
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), 45*time.Second)
		s.wg.Go(func() {
			defer cancel()
			s.fly(own, f, stale)
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

func (s *session) fly(ctx context.Context, f *renewal, stale string) {
	t, err := s.obtain(ctx, stale)
	if err == nil {
		if serr := s.store.Save(ctx, t); serr != nil {
			s.log.Warn("the renewed token could not be stored: sign in again after a restart", "err", serr)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var auth *AuthError
	switch {
	case err == nil:
		s.token, s.refused = t, nil
	case errors.As(err, &auth) && KindOf(err) == KindAuth:
		s.refused, s.until = err, s.app.now().Add(refusalHolds)
	}
	f.token, f.err = t, err
	s.flight = nil
	close(f.done)
}

// obtain asks the store first (another process of this profile may have renewed it), then the sign-in server.
func (s *session) obtain(ctx context.Context, stale string) (Token, error) {
	kept, err := s.store.Load(ctx)
	if err == nil && kept.Access != "" && kept.Access != stale {
		if _, herr := checkHost(kept.Instance, s.app.Local); herr == nil {
			return kept, nil
		}
	}
	if err != nil {
		kept = s.peek()
	}
	switch {
	case kept.Refresh != "":
		t, err := s.app.Refresh(ctx, kept)
		if err != nil && s.jwt != nil && KindOf(err) == KindAuth {
			return s.app.SignInJWT(ctx, *s.jwt)
		}
		return t, err
	case s.jwt != nil:
		return s.app.SignInJWT(ctx, *s.jwt)
	}
	if err != nil && !errors.Is(err, ErrNoToken) {
		return Token{}, err
	}
	return Token{}, ErrNoToken
}

func (s *session) replace(ctx context.Context, t Token) error {
	s.mu.Lock()
	s.token, s.refused = t, nil
	s.mu.Unlock()
	return s.store.Save(ctx, t)
}

func (s *session) forget(ctx context.Context) error {
	s.mu.Lock()
	s.token, s.refused = Token{}, nil
	s.mu.Unlock()
	return s.store.Delete(ctx)
}
