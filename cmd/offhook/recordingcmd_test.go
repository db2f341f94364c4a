package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// sealed is a folder with a key and a recording of these bytes.
func sealed(t *testing.T, sound string) (dir, key, file string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	key, file = filepath.Join(dir, "key.txt"), filepath.Join(dir, "20260612T090000Z-call.opus.age")
	var b bytes.Buffer
	w, err := age.Encrypt(&b, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, sound)
	w.Close()
	put(t, key, "# created by age-keygen\n# public key: "+id.Recipient().String()+"\n"+id.String()+"\n")
	put(t, file, b.String())
	return dir, key, file
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recordingCmd runs offhook recording with these words.
func recordingCmd(t *testing.T, args ...string) (out, errOut string, err error) {
	t.Helper()
	var a, b bytes.Buffer
	e := &env{out: &a, errOut: &b, in: strings.NewReader(""), version: "test"}
	root := newRootCmd(e)
	root.SetArgs(append([]string{"recording"}, args...))
	root.SetOut(&a)
	root.SetErr(&b)
	err = root.ExecuteContext(context.Background())
	return a.String(), b.String(), err
}

func TestAnEncryptedRecordingIsDecryptedBesideItselfAndNothingIsWrittenOver(t *testing.T) {
	dir, key, file := sealed(t, "OggS what was said")
	want := strings.TrimSuffix(file, ".age")
	out, errOut, err := recordingCmd(t, "decrypt", "-i", key, file)
	if err != nil || strings.TrimSpace(out) != want || errOut != "" {
		t.Fatalf("%q %q %v", out, errOut, err)
	}
	if b, err := os.ReadFile(want); err != nil || string(b) != "OggS what was said" {
		t.Fatalf("%q %v", b, err)
	}
	if s, _ := os.Stat(want); s.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", s.Mode())
	}
	put(t, want, "mine")
	if _, errOut, err = recordingCmd(t, "decrypt", "-i", key, file); err == nil || !strings.Contains(errOut, "is there already and was left alone") {
		t.Errorf("%q %v", errOut, err)
	}
	if b, _ := os.ReadFile(want); string(b) != "mine" {
		t.Errorf("written over: %q", b)
	}
	elsewhere := t.TempDir()
	if out, _, err = recordingCmd(t, "decrypt", "-i", key, "-o", elsewhere, file); err != nil || !strings.HasPrefix(out, elsewhere) {
		t.Errorf("%q %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "20260612T090000Z-call.opus.age")); err != nil {
		t.Error("the encrypted one is gone")
	}
}

func TestARecordingThatIsCutOffIsWrittenAsFarAsItGoes(t *testing.T) {
	sound := strings.Repeat("sound ", 40_000)
	_, key, file := sealed(t, sound)
	b, _ := os.ReadFile(file)
	put(t, file, string(b[:len(b)-100]))
	out, errOut, err := recordingCmd(t, "decrypt", "-i", key, file)
	if err != nil || !strings.Contains(errOut, "ends early") {
		t.Fatalf("%q %q %v", out, errOut, err)
	}
	if got, _ := os.ReadFile(strings.TrimSpace(out)); len(got) == 0 || !strings.HasPrefix(sound, string(got)) {
		t.Errorf("%d bytes", len(got))
	}
}

func TestWhatCannotBeDecryptedIsSaidInOneLineAndLeavesNothing(t *testing.T) {
	dir, key, file := sealed(t, "sound")
	_, other, _ := sealed(t, "other")
	secret, _ := os.ReadFile(key)
	file2 := func(name, content string) string {
		p := filepath.Join(dir, name)
		put(t, p, content)
		return p
	}
	broken := strings.Replace(string(secret), "AGE-SECRET-KEY-1", "AGE-SECRET-KEY-1XX", 1)
	for _, tc := range []struct {
		name, want string
		args       []string
	}{
		{"no key", "-i names the file", []string{file}},
		{"another key", "none of the keys opens it", []string{"-i", other, file}},
		{"a key file that is not there", "cannot be read: no such file", []string{"-i", filepath.Join(dir, "none"), file}},
		{"a folder as key file", "cannot be read", []string{"-i", dir, file}},
		{"a public key", "public key in line 1", []string{"-i", file2("pub", "age1qqqq\n"), file}},
		{"a key that is damaged", "no age identity in line 3", []string{"-i", file2("broken", broken), file}},
		{"an empty key file", "holds no key", []string{"-i", file2("empty", "# nothing\n"), file}},
		{"a key file that is encrypted", "is encrypted itself", []string{"-i", file, file}},
		{"a recording that is not there", "no such file", []string{"-i", key, filepath.Join(dir, "gone.wav.age")}},
		{"a recording in the clear", "does not end in .age", []string{"-i", key, file2("a.wav", "RIFF")}},
		{"one that ends before its sound", "no sound in it", []string{"-i", key, file2("c.wav.age", string(mustRead(t, file))[:len(mustRead(t, file))-3])}},
		{"rubbish", "damaged, or not encrypted with age", []string{"-i", key, file2("b.wav.age", "rubbish")}},
		{"a folder that is not there", "cannot be written: no such file", []string{"-i", key, "-o", filepath.Join(dir, "x"), file}},
		{"no file", "something is missing", []string{"-i", key}},
	} {
		out, errOut, err := recordingCmd(t, append([]string{"decrypt"}, tc.args...)...)
		said := errOut
		if err != nil {
			said += err.Error()
		}
		if err == nil || !strings.Contains(said, tc.want) || out != "" {
			t.Errorf("%s: %q %q", tc.name, out, said)
		}
		if strings.Contains(said, "AGE-SECRET-KEY-1X") || strings.Contains(said, strings.TrimSpace(string(secret[len(secret)-20:]))) {
			t.Errorf("%s: the key is in %q", tc.name, said)
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*.opus"))
	if len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	if _, err := os.Stat(filepath.Join(dir, "b.wav")); err == nil {
		t.Error("something was made of rubbish")
	}
}
