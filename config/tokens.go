package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zalando/go-keyring"
)

// Tokens keeps a profile's Salesforce sign-in as an opaque text: in the system's keyring, or in a file that only its owner
// can read. The keyring does not exist on headless machines; auto then takes the file.
type Tokens struct {
	Mode    string // auto, keyring, file
	File    string // folder and name of the file, 0600
	Profile string
}

func (t Tokens) name() string { return t.Profile + " salesforce" }

// Load returns what was kept; nil when nobody is signed in.
func (t Tokens) Load() ([]byte, error) {
	if t.Mode != "file" {
		v, err := keyring.Get(keyringService, t.name())
		if err == nil {
			return []byte(v), nil
		}
		if t.Mode == "keyring" && !errors.Is(err, keyring.ErrNotFound) {
			return nil, err
		}
	}
	if t.Mode == "keyring" {
		return nil, nil
	}
	b, err := os.ReadFile(t.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Save keeps a sign-in, atomically.
func (t Tokens) Save(b []byte) error {
	if t.Mode != "file" {
		err := keyring.Set(keyringService, t.name(), string(b))
		if err == nil || t.Mode == "keyring" {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(t.File), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(t.File), ".tokens-*") // created 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing is left of it when the rename succeeded
	if _, err := f.Write(b); err != nil {
		f.Close()
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), t.File)
}

// Delete forgets the sign-in everywhere.
func (t Tokens) Delete() error {
	if t.Mode != "file" {
		_ = keyring.Delete(keyringService, t.name()) // there may be no keyring at all
	}
	if err := os.Remove(t.File); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
