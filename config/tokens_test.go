package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/zalando/go-keyring"
)

// identity writes an age identity as age-keygen does.
func identity(t *testing.T, dir string) string {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "identity.txt")
	if err := os.WriteFile(path, []byte("# public key: "+id.Recipient().String()+"\n"+id.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestASignInIsKeptAndForgottenInEveryPlace(t *testing.T) {
	dir := t.TempDir()
	id := identity(t, dir)
	for name, tt := range map[string]struct {
		tok     Tokens
		keyring error // nil: it works
		where   string
		file    string // that holds it; "" for none
	}{
		"file":                {Tokens{Mode: "file"}, nil, "the file", "tokens.json"},
		"keyring":             {Tokens{Mode: "keyring"}, nil, "keyring", ""},
		"auto with a keyring": {Tokens{Mode: "auto"}, nil, "keyring", ""},
		"auto without one":    {Tokens{Mode: "auto"}, errors.New("no bus"), "the file", "tokens.json"},
		"age, identity":       {Tokens{Mode: "age", Identity: id}, errors.New("no bus"), "the age file", "tokens.json.age"},
		"age, passphrase":     {Tokens{Mode: "age", Passphrase: "echo correct horse"}, nil, "the age file", "tokens.json.age"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.keyring != nil {
				keyring.MockInitWithError(tt.keyring)
			} else {
				keyring.MockInit()
			}
			tok := tt.tok
			tok.Profile, tok.File = "default", filepath.Join(t.TempDir(), "state", "tokens.json")
			if b, err := tok.Load(t.Context()); b != nil || err != nil {
				t.Fatalf("before: %q %v", b, err)
			}
			for _, text := range []string{`{"access_token":"one"}`, `{"access_token":"two"}`} {
				if err := tok.Save(t.Context(), []byte(text)); err != nil {
					t.Fatal(err)
				}
				if b, err := tok.Load(t.Context()); string(b) != text || err != nil {
					t.Fatalf("%q %v", b, err)
				}
			}
			if w := tok.Where(); !strings.Contains(w, tt.where) {
				t.Errorf("it is in %s", w)
			}
			files, _ := os.ReadDir(filepath.Dir(tok.File))
			switch {
			case tt.file == "" && len(files) == 0:
			case len(files) != 1 || files[0].Name() != tt.file:
				t.Errorf("files %v", files)
			default:
				b, _ := os.ReadFile(filepath.Join(filepath.Dir(tok.File), tt.file))
				if st, _ := files[0].Info(); runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
					t.Errorf("mode %o", st.Mode())
				}
				if tok.Mode == "age" && strings.Contains(string(b), "two") {
					t.Error("the age file is not encrypted")
				}
			}
			if err := tok.Delete(); err != nil {
				t.Fatal(err)
			}
			if b, err := tok.Load(t.Context()); b != nil || err != nil {
				t.Errorf("afterwards: %q %v", b, err)
			}
		})
	}
}

func TestAFileBesideAKeyringIsTheNewerOne(t *testing.T) {
	keyring.MockInitWithError(errors.New("locked"))
	tok := Tokens{Mode: "auto", Profile: "default", File: filepath.Join(t.TempDir(), "tokens.json")}
	if err := tok.Save(t.Context(), []byte("while it was locked")); err != nil {
		t.Fatal(err)
	}
	keyring.MockInit()
	if err := keyring.Set(keyringService, tok.name(), "before"); err != nil {
		t.Fatal(err)
	}
	if b, err := tok.Load(t.Context()); string(b) != "while it was locked" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	if err := tok.Save(t.Context(), []byte("again")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tok.File); err == nil {
		t.Error("the file with the old sign-in is still there")
	}
	if b, err := tok.Load(t.Context()); string(b) != "again" || err != nil {
		t.Errorf("%q %v", b, err)
	}
}

func TestFilesThatOthersCanReadAreRefusedWithTheRemedy(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such bits")
	}
	keyring.MockInit()
	dir := t.TempDir()
	id := identity(t, dir)
	file := Tokens{Mode: "file", Profile: "default", File: filepath.Join(dir, "tokens.json")}
	sealed := Tokens{Mode: "age", Profile: "default", File: filepath.Join(dir, "tokens.json"), Identity: id}
	for _, tok := range []Tokens{file, sealed} {
		if err := tok.Save(t.Context(), []byte("secret")); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		tok  Tokens
		path string
	}{
		"the file": {file, file.File}, "the age file": {sealed, sealed.ageFile()}, "the identity": {sealed, id},
	} {
		for _, mode := range []os.FileMode{0o640, 0o604, 0o666} {
			if err := os.Chmod(tt.path, mode); err != nil {
				t.Fatal(err)
			}
			b, err := tt.tok.Load(t.Context())
			var loose *LooseError
			if b != nil || !errors.As(err, &loose) || !strings.Contains(err.Error(), "chmod 600 "+tt.path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s %o: %q %v", name, mode, b, err)
			}
		}
		if err := os.Chmod(tt.path, 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := tt.tok.Load(t.Context()); string(b) != "secret" || err != nil {
			t.Errorf("%s put right: %q %v", name, b, err)
		}
	}
}

func TestAnAgeFileThatCannotBeOpenedSaysWhy(t *testing.T) {
	dir := t.TempDir()
	id := identity(t, dir)
	tok := Tokens{Mode: "age", Profile: "default", File: filepath.Join(dir, "t.json"), Identity: id}
	if err := tok.Save(t.Context(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(*Tokens)
		say    string
	}{
		"another identity":     {func(k *Tokens) { k.Identity = identity(t, t.TempDir()) }, "sealed with another identity"},
		"no identity":          {func(k *Tokens) { k.Identity = filepath.Join(dir, "none.txt") }, "age-keygen -o"},
		"a wrong passphrase":   {func(k *Tokens) { k.Passphrase = "echo nope" }, "sealed with another identity or passphrase"},
		"a command that fails": {func(k *Tokens) { k.Passphrase = "exit 3" }, "salesforce.token_passphrase_command"},
	} {
		k := tok
		tt.change(&k)
		if _, err := k.Load(t.Context()); err == nil || !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %v", name, err)
		}
		if err := k.Check(t.Context()); (err != nil) != (name == "no identity" || name == "a command that fails") {
			t.Errorf("%s, before signing in: %v", name, err)
		}
	}
	bad := filepath.Join(dir, "bad.txt")
	if err := os.WriteFile(bad, []byte("not an identity\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := tok
	k.Identity = bad
	if err := k.Save(t.Context(), []byte("x")); err == nil || !strings.Contains(err.Error(), "holds no age identity") {
		t.Errorf("%v", err)
	}
}
