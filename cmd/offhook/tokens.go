package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"offhook/config"
	"offhook/crm/salesforce"
)

// tokenStore keeps a profile's Salesforce sign-in where its settings say.
type tokenStore struct{ config.Tokens }

func newTokenStore(l *config.Loaded) (tokenStore, error) {
	dir, err := l.StateDir(l.Profile)
	if err != nil {
		return tokenStore{}, err
	}
	return tokenStore{config.Tokens{Mode: l.Salesforce.Tokens, File: filepath.Join(dir, "salesforce.json"), Profile: l.Profile}}, nil
}

func (s tokenStore) Load(context.Context) (salesforce.Token, error) {
	b, err := s.Tokens.Load()
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

func (s tokenStore) Save(_ context.Context, t salesforce.Token) error {
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.Tokens.Save(b)
}

func (s tokenStore) Delete(context.Context) error { return s.Tokens.Delete() }
