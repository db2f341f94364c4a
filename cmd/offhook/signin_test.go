package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"offhook/crm/emulator"
	"offhook/crm/salesforce"
)

func startOrg(t *testing.T) *emulator.Server {
	t.Helper()
	org, err := emulator.New(emulator.Options{})
	check(t, err)
	_, err = org.Start(t.Context(), "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = org.Close() })
	return org
}

// signInEnv is a profile whose Salesforce is the practice org, with the given lines in [salesforce].
func signInEnv(t *testing.T, org *emulator.Server, lines string) *env {
	t.Helper()
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "key.pem"), org.KeyPEM(), 0o600))
	toml := fmt.Sprintf("[sip]\nregistrar = \"\"\n[salesforce]\nlogin_url = %q\ntokens = \"file\"\nallow_localhost = true\n%s[storage]\ndir = %q\n", org.URL(),
		strings.ReplaceAll(lines, "$DIR", dir), filepath.Join(dir, "state"))
	e := testEnv()
	e.configFile = filepath.Join(dir, "config.toml")
	check(t, os.WriteFile(e.configFile, []byte(toml), 0o600))
	t.Setenv("PATH", dir) // no browser opens
	return e
}

// kept reads the sign-in that the profile keeps.
func kept(t *testing.T, e *env) (salesforce.Token, error) {
	t.Helper()
	l, err := e.load()
	check(t, err)
	store, err := newTokenStore(l)
	check(t, err)
	return store.Load(t.Context())
}

// lines reads what a command prints, as it prints it.
type lines struct {
	mu   sync.Mutex
	all  bytes.Buffer
	r    *io.PipeReader
	w    *io.PipeWriter
	scan *bufio.Scanner
}

func newLines() *lines {
	l := &lines{}
	l.r, l.w = io.Pipe()
	l.scan = bufio.NewScanner(l.r)
	return l
}
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	l.all.Write(p)
	l.mu.Unlock()
	return l.w.Write(p)
}

// next is the next line that contains part.
func (l *lines) next(t *testing.T, part string) string {
	t.Helper()
	for l.scan.Scan() {
		if strings.Contains(l.scan.Text(), part) {
			go func() { _, _ = io.Copy(io.Discard, l.r) }() // the rest is of no interest
			return strings.TrimSpace(l.scan.Text())
		}
	}
	t.Fatalf("no line contains %q:\n%s", part, l.all.String())
	return ""
}

// visit opens the address of a sign-in as a browser would. It returns where it ended without following the redirect.
func visit(t *testing.T, url string) string {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Get(url)
	check(t, err)
	check(t, res.Body.Close())
	where := res.Header.Get("Location")
	if res.StatusCode != http.StatusFound || where == "" {
		t.Fatalf("%s: %s", url, res.Status)
	}
	return where
}

func TestSigningInWithABrowserAndOutAgain(t *testing.T) {
	org := startOrg(t)
	e := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\nflow = \"pkce\"\n")
	for name, finish := range map[string]func(address string, keys *io.PipeWriter){
		"the redirect comes to this machine": func(address string, _ *io.PipeWriter) {
			res, err := http.Get(address)
			check(t, err)
			page, _ := io.ReadAll(res.Body)
			check(t, res.Body.Close())
			if res.StatusCode != http.StatusOK || !strings.Contains(string(page), "You can close this page") {
				t.Errorf("%s %s", res.Status, page)
			}
		},
		"the address is pasted": func(address string, keys *io.PipeWriter) {
			fmt.Fprintf(keys, "\nsomething else entirely\n%s\n", address)
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, complaints := newLines(), new(bytes.Buffer)
			in, keys := io.Pipe()
			defer keys.Close()
			run := *e
			run.out, run.errOut, run.in = out, complaints, in
			ended := make(chan error, 1)
			go func() { ended <- run.login(t.Context(), false); _ = out.w.Close() }()
			finish(visit(t, out.next(t, "/services/oauth2/authorize?")), keys)
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			if want := "Signed in to " + org.URL() + " as " + emulator.AgentUsername + ".\n"; !strings.HasSuffix(out.all.String(), want) {
				t.Fatalf("%s", out.all.String())
			}
			token, err := kept(t, e)
			if err != nil || token.Refresh == "" {
				t.Fatalf("%+v %v", token, err)
			}

			// Signing out asks, revokes at Salesforce and forgets here.
			run.in, run.out = strings.NewReader("n\n"), new(bytes.Buffer)
			check(t, run.logout(t.Context(), false))
			if _, err := kept(t, e); err != nil {
				t.Fatal("no meant yes")
			}
			run.in, run.out = strings.NewReader("y\n"), new(bytes.Buffer)
			check(t, run.logout(t.Context(), false))
			if _, err := kept(t, e); !errors.Is(err, salesforce.ErrNoToken) {
				t.Fatalf("still kept: %v", err)
			}
			l, err := e.load()
			check(t, err)
			if _, err := newApp(l.Salesforce).Refresh(t.Context(), token); err == nil {
				t.Fatal("the sign-in still works at Salesforce")
			}
			res := new(bytes.Buffer)
			run.out = res
			check(t, run.logout(t.Context(), true))
			if res.String() != "Nobody is signed in.\n" {
				t.Fatalf("%q", res)
			}
		})
	}
}

func TestSigningInWithAKey(t *testing.T) {
	org := startOrg(t)
	e := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\nflow = \"jwt\"\nusername = \""+emulator.AgentUsername+"\"\nkey_file = \"$DIR/key.pem\"\n")
	out := new(bytes.Buffer)
	e.out = out
	check(t, e.login(t.Context(), false))
	if out.String() != "Signed in to "+org.URL()+" as "+emulator.AgentUsername+".\n" {
		t.Fatalf("%q", out)
	}
}

func TestASignInThatIsRefusedIsOneLine(t *testing.T) {
	org := startOrg(t)
	for name, c := range map[string]struct{ lines, says string }{
		"a wrong client id": {"client_id = \"3MVGnobody\"\nflow = \"jwt\"\nusername = \"" + emulator.AgentUsername + "\"\nkey_file = \"$DIR/key.pem\"\n", "check salesforce.client_id"},
		"a wrong user":      {"client_id = \"" + emulator.ClientID + "\"\nflow = \"jwt\"\nusername = \"nobody@offhook.example\"\nkey_file = \"$DIR/key.pem\"\n", "check salesforce.username"},
		"no key":            {"client_id = \"" + emulator.ClientID + "\"\nflow = \"jwt\"\nusername = \"" + emulator.AgentUsername + "\"\nkey_file = \"$DIR/none.pem\"\n", "salesforce.key_file"},
		"no client id":      {"", "salesforce.client_id is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			e := signInEnv(t, org, c.lines)
			err := e.login(t.Context(), false)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "run offhook login") {
				t.Fatalf("%v", err) // who is signing in is not told to sign in
			}
		})
	}
}
