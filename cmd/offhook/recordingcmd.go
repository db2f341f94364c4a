package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"offhook/internal/text"
	"offhook/media/record"
)

func newRecordingCmd(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use: "recording", Short: "Recordings of calls", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDecryptCmd(e))
	return cmd
}

func newDecryptCmd(e *env) *cobra.Command {
	var keys []string
	var dir string
	cmd := &cobra.Command{
		Use:   "decrypt FILE…",
		Short: "Make encrypted recordings playable",
		Long: "Decrypts recordings that were encrypted to recording.recipients, each into a file of the same name without .age. " +
			"A file that is there is never written over. A recording that a crash cut off is written as far as it goes.",
		Example: "  offhook recording decrypt -i key.txt ~/calls/20260612T090000Z-4f1b.wav.age",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			if len(keys) == 0 {
				return errors.New("no key: -i names the file with the age identity, as age-keygen wrote it")
			}
			var all []age.Identity
			for _, path := range keys {
				list, err := readIdentities(path)
				if err != nil {
					return err
				}
				all = append(all, list...)
			}
			failed := false
			for _, f := range files {
				to, err := decryptRecording(f, dir, all)
				switch {
				case to != "" && err != nil:
					fmt.Fprintf(e.errOut, "%s: %v; what there is was written\n", text.Clean(f), err)
					fallthrough
				case err == nil:
					fmt.Fprintln(e.out, text.Clean(to))
				default:
					failed = true
					fmt.Fprintf(e.errOut, "offhook: %s: %v\n", text.Clean(f), err)
				}
			}
			if failed {
				return exitError(1)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&keys, "identity", "i", nil, "file with the secret key (AGE-SECRET-KEY-…); may be given several times")
	f.StringVarP(&dir, "out", "o", "", "folder to write into (default: beside each recording)")
	return cmd
}

// maxIdentities bounds a file of keys.
const maxIdentities = 1 << 20

// readIdentities reads a file of age identities, as age-keygen writes it. Nothing of the file is ever in an error.
func readIdentities(path string) ([]age.Identity, error) {
	say := func(why string) error { return fmt.Errorf("the key file %s %s", text.Clean(path), why) }
	f, err := os.Open(path)
	if err != nil {
		return nil, say("cannot be read: " + plainFault(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxIdentities+1))
	switch {
	case err != nil:
		return nil, say("cannot be read: " + plainFault(err))
	case len(b) > maxIdentities:
		return nil, say("is too large to be one")
	case bytes.HasPrefix(b, []byte("age-encryption.org/")), bytes.HasPrefix(b, []byte("-----BEGIN AGE ENCRYPTED FILE")):
		return nil, say("is encrypted itself; decrypt it first: age --decrypt -o key.txt " + text.Clean(path).String())
	}
	var out []age.Identity
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, maxIdentities)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		list, err := age.ParseIdentities(strings.NewReader(line))
		switch {
		case err == nil:
			out = append(out, list...)
		case strings.HasPrefix(line, "age1"):
			return nil, say(fmt.Sprintf("has a public key in line %d; the secret one is needed (AGE-SECRET-KEY-…)", n))
		default:
			return nil, say(fmt.Sprintf("has no age identity in line %d (AGE-SECRET-KEY-…)", n))
		}
	}
	if len(out) == 0 {
		return nil, say("holds no key")
	}
	return out, nil
}

// decryptRecording writes one recording beside itself or into dir, and returns where; that and an error for one that ends early.
func decryptRecording(path, dir string, keys []age.Identity) (to string, err error) {
	name, ok := strings.CutSuffix(filepath.Base(path), ".age")
	if !ok || name == "" {
		return "", errors.New("the name does not end in .age, so it is no encrypted recording")
	}
	if dir == "" {
		dir = filepath.Dir(path)
	}
	to = filepath.Join(dir, name)
	if _, err := os.Lstat(to); err == nil {
		return "", fmt.Errorf("%s is there already and was left alone", text.Clean(to))
	}
	in, err := os.Open(path)
	if err != nil {
		return "", errors.New(plainFault(err))
	}
	defer in.Close()
	out := &fresh{path: to}
	err = record.Decrypt(out, in, keys...)
	cut := errors.Is(err, record.ErrTruncated)
	if out.f == nil && out.failed == nil && (err == nil || cut) {
		return "", errors.New("there is no sound in it")
	}
	if closed := out.close(err != nil && !cut); err == nil || cut {
		err = errors.Join(err, closed)
		cut = cut && closed == nil
	}
	var none *age.NoIdentityMatchError
	switch {
	case err == nil:
		return to, nil
	case cut:
		return to, record.ErrTruncated
	case errors.As(err, &none):
		return "", errors.New("none of the keys opens it")
	case errors.Is(err, fs.ErrExist):
		return "", fmt.Errorf("%s is there already and was left alone", text.Clean(to))
	case out.failed != nil:
		return "", fmt.Errorf("%s cannot be written: %s", text.Clean(to), plainFault(out.failed))
	}
	return "", errors.New("it is damaged, or not encrypted with age")
}

// fresh is a file that begins with the first byte that is written, and is never one that was there.
type fresh struct {
	path   string
	f      *os.File
	failed error
}

func (w *fresh) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if w.f == nil {
		if w.f, w.failed = os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); w.failed != nil {
			return 0, w.failed
		}
	}
	n, err := w.f.Write(b)
	w.failed = err
	return n, err
}

// close ends the file; one that did not come out well goes.
func (w *fresh) close(bad bool) error {
	if w.f == nil {
		return nil
	}
	err := w.f.Close()
	if bad || err != nil {
		err = errors.Join(err, os.Remove(w.path))
	}
	return err
}

// plainFault is what is wrong with a file, without its path and the name of the call that found it.
func plainFault(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}
