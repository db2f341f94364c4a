package salesforce

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Token is what a sign-in yields. It holds secrets: never log it.
type Token struct {
	Access    string    `json:"access_token"`
	Refresh   string    `json:"refresh_token,omitempty"`
	Instance  string    `json:"instance_url"`
	Identity  string    `json:"id,omitempty"` // https://login.salesforce.com/id/<org>/<user>
	Scope     string    `json:"scope,omitempty"`
	IssuedAt  time.Time `json:"issued_at,omitzero"`
	LoginURL  string    `json:"login_url,omitempty"`
	ClientID  string    `json:"client_id,omitempty"`
	Signature string    `json:"-"`
}

// Zero reports whether nobody signed in.
func (t Token) Zero() bool { return t.Access == "" && t.Refresh == "" }

// UserID returns the signed-in user's id from the identity URL, or "".
func (t Token) UserID() string { return t.identityPart(1) }

// OrgID returns the organisation's id from the identity URL, or "".
func (t Token) OrgID() string { return t.identityPart(2) }

func (t Token) identityPart(fromEnd int) string {
	parts := strings.Split(strings.TrimRight(t.Identity, "/"), "/")
	if len(parts) < 5 {
		return ""
	}
	return parts[len(parts)-fromEnd]
}

// String hides the secrets, so that a token in a log line is harmless.
func (t Token) String() string {
	if t.Zero() {
		return "no token"
	}
	return "token for " + t.Instance
}

// GoString hides the secrets from %#v as well.
func (t Token) GoString() string { return t.String() }

// TokenStore keeps one profile's token between runs: a keyring, an encrypted file, or memory. Load returns ErrNoToken
// when there is none. Implementations must allow calls from several goroutines.
type TokenStore interface {
	Load(ctx context.Context) (Token, error)
	Save(ctx context.Context, t Token) error
	Delete(ctx context.Context) error
}

// StoreLocker is a TokenStore that several processes share. Lock keeps the others from renewing until unlock; it waits as long as
// ctx lets it. With rotation two renewals at once would end the sign-in.
type StoreLocker interface {
	Lock(ctx context.Context) (unlock func(), err error)
}

// MemoryStore is a TokenStore for the length of the process.
type MemoryStore struct {
	mu sync.Mutex
	t  Token
}

// NewMemoryStore holds the given token; the zero Token means that nobody signed in.
func NewMemoryStore(t Token) *MemoryStore { return &MemoryStore{t: t} }

// Load returns the token, or ErrNoToken.
func (m *MemoryStore) Load(context.Context) (Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.t.Zero() {
		return Token{}, ErrNoToken
	}
	return m.t, nil
}

// Save replaces the token.
func (m *MemoryStore) Save(_ context.Context, t Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.t = t
	return nil
}

// Delete forgets the token.
func (m *MemoryStore) Delete(context.Context) error { return m.Save(context.Background(), Token{}) }

// issuedAt reads a token reply's issued_at, a string of milliseconds.
func issuedAt(s string) time.Time {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
