package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"filippo.io/age"
	"github.com/zalando/go-keyring"
)

// Tokens keeps a profile's Salesforce sign-in as an opaque text: in the system's keyring, in an age file, or in a file that only
// its owner can read. The keyring does not exist on headless machines; auto then takes the file.
type Tokens struct {
	Mode       string // auto, keyring, age, file
	File       string // folder and name of the file, 0600; the age file has .age behind it
	Profile    string
	Identity   string // age identity file
	Passphrase string // command of the age file's passphrase, instead of an identity
}

// maxTokens bounds the file: a sign-in is some two thousand bytes.
const maxTokens = 1 << 20

// scryptWork is the cost of a passphrase, 2^16 rounds: a quarter of a second at each start and renewal.
const scryptWork = 16

func (t Tokens) name() string { return t.Profile + " salesforce" }

func (t Tokens) ageFile() string { return t.File + ".age" }

// Where says in a person's words where the sign-in is.
func (t Tokens) Where() string {
	_, err := os.Stat(t.File)
	switch {
	case t.Mode == "age":
		return "the age file " + t.ageFile()
	case t.Mode == "file", t.Mode == "auto" && err == nil:
		return "the file " + t.File
	}
	return "the system's keyring"
}

// Load returns what was kept; nil when nobody is signed in.
func (t Tokens) Load(ctx context.Context) ([]byte, error) {
	switch t.Mode {
	case "age":
		return t.open(ctx)
	case "file":
		return readPrivate(t.File)
	case "keyring":
		return t.fromKeyring()
	}
	// A file beside a keyring is newer: saving to the keyring removes it.
	if b, err := readPrivate(t.File); b != nil || err != nil {
		return b, err
	}
	b, err := t.fromKeyring()
	if err != nil {
		return nil, nil // no keyring here, and no file: nobody is signed in
	}
	return b, nil
}

// Check reports why nothing could be kept here, before somebody signs in for nothing.
func (t Tokens) Check(ctx context.Context) error {
	switch t.Mode {
	case "age":
		_, _, err := t.keys(ctx)
		return err
	case "keyring":
		_, err := t.fromKeyring()
		return err
	}
	return nil
}

func (t Tokens) fromKeyring() ([]byte, error) {
	v, err := keyring.Get(keyringService, t.name())
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the keyring cannot be read (%w): unlock it, or set salesforce.tokens to age or file", err)
	}
	return []byte(v), nil
}

// Save keeps a sign-in, atomically, and nowhere else.
func (t Tokens) Save(ctx context.Context, b []byte) error {
	switch t.Mode {
	case "age":
		return t.seal(ctx, b)
	case "file":
		return writePrivate(t.File, b)
	}
	err := keyring.Set(keyringService, t.name(), string(b))
	switch {
	case err == nil:
		return remove(t.File)
	case t.Mode == "keyring":
		return fmt.Errorf("the keyring does not take it (%w): unlock it, or set salesforce.tokens to age or file", err)
	}
	return writePrivate(t.File, b)
}

// Delete forgets the sign-in in every place, also one that another setting used.
func (t Tokens) Delete() error {
	err := keyring.Delete(keyringService, t.name())
	if t.Mode != "keyring" || errors.Is(err, keyring.ErrNotFound) {
		err = nil // there may be no keyring at all
	}
	return errors.Join(err, remove(t.File), remove(t.ageFile()))
}

// open decrypts the age file.
func (t Tokens) open(ctx context.Context) ([]byte, error) {
	sealed, err := readPrivate(t.ageFile())
	if sealed == nil || err != nil {
		return nil, err
	}
	ids, _, err := t.keys(ctx)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), ids...)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be opened (%w): it was sealed with another identity or passphrase; sign in again with offhook login", t.ageFile(), err)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxTokens))
	if err != nil {
		return nil, fmt.Errorf("%s is damaged, sign in again with offhook login: %w", t.ageFile(), err)
	}
	return b, nil
}

// seal encrypts to the identity's own recipients, or to the passphrase.
func (t Tokens) seal(ctx context.Context, b []byte) error {
	_, to, err := t.keys(ctx)
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to...)
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return writePrivate(t.ageFile(), sealed.Bytes())
}

// keys are what opens the age file and what it is sealed to.
func (t Tokens) keys(ctx context.Context) ([]age.Identity, []age.Recipient, error) {
	if t.Passphrase != "" {
		phrase, err := runCommand(ctx, t.Passphrase)
		if err != nil {
			return nil, nil, fmt.Errorf("%w; correct salesforce.token_passphrase_command", err)
		}
		id, err := age.NewScryptIdentity(phrase)
		if err != nil {
			return nil, nil, err
		}
		to, err := age.NewScryptRecipient(phrase)
		if err != nil {
			return nil, nil, err
		}
		to.SetWorkFactor(scryptWork)
		return []age.Identity{id}, []age.Recipient{to}, nil
	}
	path := expand(t.Identity)
	raw, err := readPrivate(path)
	switch {
	case err != nil:
		return nil, nil, err
	case raw == nil:
		return nil, nil, fmt.Errorf("there is no age identity at %s: make one with age-keygen -o %s, or set salesforce.token_passphrase_command", path, path)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(raw))
	if err != nil {
		return nil, nil, fmt.Errorf("%s holds no age identity: %w", path, err)
	}
	var to []age.Recipient
	for _, id := range ids {
		switch id := id.(type) {
		case *age.X25519Identity:
			to = append(to, id.Recipient())
		case *age.HybridIdentity:
			to = append(to, id.Recipient())
		}
	}
	if len(to) == 0 {
		return nil, nil, fmt.Errorf("%s holds no identity that something can be encrypted to: make one with age-keygen", path)
	}
	return ids, to[:1], nil // recipients of different kinds cannot be mixed
}

// LooseError says that others can read a file of secrets.
type LooseError struct {
	Path string
	Mode fs.FileMode
}

func (e *LooseError) Error() string {
	return fmt.Sprintf("%s can be read by others (%#o), so it is not used: chmod 600 %s; if somebody may have read it, sign out and in again", e.Path, e.Mode.Perm(), e.Path)
}

// Private checks that only its owner can read a file.
func Private(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && st.Mode().Perm()&0o077 != 0 { // Windows has no such bits; the profile's folder is private
		return &LooseError{path, st.Mode()}
	}
	return nil
}

// readPrivate reads a file that only its owner may read; nil when there is none.
func readPrivate(path string) ([]byte, error) {
	switch err := Private(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxTokens))
}

// writePrivate replaces a file atomically; it is 0600 from its first byte on.
func writePrivate(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tokens-*") // created 0600
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
	return os.Rename(f.Name(), path)
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
