package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"offhook/config"
	"offhook/crm/salesforce"
)

// newApp is the OAuth client of the settings.
func newApp(l *config.Loaded) salesforce.App {
	app := salesforce.App{LoginURL: l.Salesforce.LoginURL, ClientID: l.Salesforce.ClientID, Local: l.Salesforce.Local()}
	if l.Salesforce.SecretCommand != "" {
		app.Secret = func(ctx context.Context) (string, error) { return secrets(l).ClientSecret(ctx, l.Salesforce) }
	}
	return app
}

// newJWT reads the key of flow jwt; nil for the other flows.
func newJWT(s config.Salesforce) (*salesforce.JWT, error) {
	if s.Flow != "jwt" {
		return nil, nil
	}
	path := s.KeyPath()
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("salesforce.key_file cannot be read: %w", err)
	}
	if runtime.GOOS != "windows" && st.Mode().Perm()&0o007 != 0 { // a group of administrators may share it
		return nil, fmt.Errorf("salesforce.key_file %s can be read by everybody on this machine (%#o): chmod 600 %s; whoever has it signs in as anybody the app allows", path, st.Mode().Perm()&fs.ModePerm, path)
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("salesforce.key_file cannot be read: %w", err)
	}
	key, err := salesforce.ParseKey(pem)
	if err != nil {
		return nil, fmt.Errorf("salesforce.key_file %s: %w", path, err)
	}
	return &salesforce.JWT{Username: s.Username, Key: key, Audience: s.Audience}, nil
}

// openClient makes the client of a profile; it sends nothing. moved is called when another offhook of the profile has signed in
// as somebody else; nil for none.
func openClient(l *config.Loaded, log *slog.Logger, moved func()) (*salesforce.Client, tokenStore, error) {
	return newClient(l, salesforce.Options{Log: log, Moved: moved})
}

// openAnew makes a client that asks what the org looks like now: for commands that somebody runs after changing it.
func openAnew(l *config.Loaded) (*salesforce.Client, tokenStore, error) {
	return newClient(l, salesforce.Options{Anew: true})
}

func newClient(l *config.Loaded, o salesforce.Options) (*salesforce.Client, tokenStore, error) {
	store, err := newTokenStore(l)
	if err != nil {
		return nil, store, err
	}
	jwt, err := newJWT(l.Salesforce)
	if err != nil {
		return nil, store, err
	}
	o.App, o.Store, o.JWT, o.AsApp, o.Agent = newApp(l), store, jwt, l.Salesforce.Flow == "client", l.Salesforce.Username
	o.Version, o.CacheDir = l.Salesforce.APIVersion, filepath.Join(filepath.Dir(store.File), "salesforce")
	client, err := salesforce.New(o)
	return client, store, err
}
