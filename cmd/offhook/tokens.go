package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"offhook/config"
	"offhook/crm/salesforce"
)

// tokenStore keeps a profile's Salesforce sign-in where its settings say. Every offhook of the profile shares it.
type tokenStore struct{ config.Tokens }

func newTokenStore(l *config.Loaded) (tokenStore, error) {
	dir, err := l.StateDir(l.Profile)
	if err != nil {
		return tokenStore{}, err
	}
	identity := l.Salesforce.TokenIdentity
	if identity == "" {
		identity = filepath.Join(filepath.Dir(l.Path), "identity.txt")
	}
	return tokenStore{config.Tokens{Mode: l.Salesforce.Tokens, File: filepath.Join(dir, "salesforce.json"), Profile: l.Profile,
		Identity: identity, Passphrase: l.Salesforce.TokenCommand}}, nil
}

func (s tokenStore) Load(ctx context.Context) (salesforce.Token, error) {
	b, err := s.Tokens.Load(ctx)
	if err != nil {
		return salesforce.Token{}, err
	}
	if len(b) == 0 {
		return salesforce.Token{}, salesforce.ErrNoToken
	}
	var t salesforce.Token
	if err := json.Unmarshal(b, &t); err != nil {
		return salesforce.Token{}, fmt.Errorf("the kept sign-in is damaged, sign in again with offhook login: %w", err)
	}
	return t, nil
}

func (s tokenStore) Save(ctx context.Context, t salesforce.Token) error {
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.Tokens.Save(ctx, b)
}

func (s tokenStore) Delete(context.Context) error { return s.Tokens.Delete() }

// Lock keeps the other offhooks of the profile from renewing the sign-in. The system frees it when a process dies.
func (s tokenStore) Lock(ctx context.Context) (func(), error) {
	if err := os.MkdirAll(filepath.Dir(s.File), 0o700); err != nil {
		return nil, err
	}
	f := flock.New(s.File + ".lock")
	if ok, err := f.TryLockContext(ctx, 25*time.Millisecond); !ok {
		return nil, fmt.Errorf("the lock of the sign-in is held: %w", err)
	}
	return func() { _ = f.Unlock() }, nil
}
