package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

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
			if _, err := newApp(l).Refresh(t.Context(), token); err == nil {
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

func TestTheDeviceFlowShowsACodeAndWaits(t *testing.T) {
	org := startOrg(t)
	for name, c := range map[string]struct {
		lines string
		allow bool
		says  string // of the refusal
	}{
		"allowed": {"", true, ""}, "denied": {"", false, "not allowed in the browser"},
	} {
		t.Run(name, func(t *testing.T) {
			e := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\nflow = \"device\"\n")
			out, asked := newLines(), make(chan struct{})
			e.out = out
			e.sleep = func(ctx context.Context, _ time.Duration) error {
				select {
				case <-asked: // the person has decided
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			ended := make(chan error, 1)
			go func() { ended <- e.login(t.Context(), false); _ = out.w.Close() }()
			line := out.next(t, "and enter the code")
			if code := line[strings.LastIndexByte(line, ' ')+1:]; !org.Decide(code, c.allow) {
				t.Fatalf("Salesforce does not know the code %q", code)
			}
			close(asked)
			err := <-ended
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("%v", err)
				}
				return
			}
			check(t, err)
			if token, err := kept(t, e); err != nil || token.Refresh == "" {
				t.Fatalf("%+v %v", token, err)
			}
		})
	}
	check(t, org.SetSettings(emulator.Settings{DeviceFlow: emulator.DeviceOff}))
	e := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\nflow = \"device\"\n")
	e.out = new(bytes.Buffer)
	if err := e.login(t.Context(), false); err == nil || !strings.Contains(err.Error(), "Enable Device Flow") {
		t.Fatalf("%v", err)
	}
}

func TestTheAppSignsInForItselfAndRecordsBelongToTheAgent(t *testing.T) {
	org := startOrg(t)
	e := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\nflow = \"client\"\nusername = \""+emulator.AgentUsername+"\"\nclient_secret_command = \"echo "+emulator.ClientSecret+"\"\n")
	t.Setenv("PATH", "/usr/bin:/bin")
	out := new(bytes.Buffer)
	e.out = out
	check(t, e.login(t.Context(), false))
	if !strings.Contains(out.String(), "call records belong to "+emulator.AgentUsername) {
		t.Fatalf("%s", out)
	}
	out.Reset()
	check(t, e.logout(t.Context(), true))
	if !strings.Contains(out.String(), "signs in again by itself") {
		t.Fatalf("%s", out)
	}
	for name, c := range map[string]struct{ lines, says string }{
		"a wrong secret":  {"username = \"" + emulator.AgentUsername + "\"\nclient_secret_command = \"echo nope\"\n", "Consumer Secret"},
		"no such agent":   {"username = \"nobody@x\"\nclient_secret_command = \"echo " + emulator.ClientSecret + "\"\n", "no active user"},
		"a silent secret": {"username = \"a@x\"\nclient_secret_command = \"true\"\n", "printed nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			e := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\nflow = \"client\"\n"+c.lines)
			t.Setenv("PATH", "/usr/bin:/bin")
			e.out = new(bytes.Buffer)
			if err := e.login(t.Context(), false); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestAWrongCodeIsToldAndTheRightOneStillSignsIn(t *testing.T) {
	org := startOrg(t)
	e := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\n")
	out, complaints := newLines(), newLines()
	in, keys := io.Pipe()
	defer keys.Close()
	e.out, e.errOut, e.in = out, complaints, in
	ended := make(chan error, 1)
	go func() { ended <- e.login(t.Context(), true); _ = out.w.Close() }()
	address := visit(t, out.next(t, "/services/oauth2/authorize?"))
	fmt.Fprintln(keys, "aPrxAnOldCode.of.yesterday==")
	complaints.next(t, "does not take that code")
	fmt.Fprintln(keys, address)
	check(t, <-ended)
	if _, err := kept(t, e); err != nil {
		t.Fatal(err)
	}
}

func TestWhatTheBrowserShowsCanBePastedAndIsExplained(t *testing.T) {
	org := startOrg(t)
	check(t, org.SetSettings(emulator.Settings{App: emulator.AppNotInstalled}))
	for name, c := range map[string]struct {
		paste func(address string) string
		says  string
	}{
		"the app is not installed": {func(address string) string { return address }, "Approve Uninstalled Connected Apps"},
		"the page of a wrong callback": {func(string) string {
			return "error=redirect_uri_mismatch&error_description=redirect_uri%20must%20match%20configuration"
		}, "callback URLs"},
		"a refusal that lost its state": {func(string) string {
			return "http://localhost:1717/OauthRedirect?error=access_denied&error_description=end-user+denied+authorization"
		}, "choose Allow"},
	} {
		t.Run(name, func(t *testing.T) {
			e := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\n")
			out := newLines()
			in, keys := io.Pipe()
			defer keys.Close()
			e.out, e.errOut, e.in = out, new(bytes.Buffer), in
			ended := make(chan error, 1)
			go func() { ended <- e.login(t.Context(), true); _ = out.w.Close() }()
			fmt.Fprintln(keys, c.paste(visit(t, out.next(t, "/services/oauth2/authorize?"))))
			if err := <-ended; err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v", err)
			}
			if _, err := kept(t, e); !errors.Is(err, salesforce.ErrNoToken) {
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestABrowserIsOnlyOpenedWhereItsPersonSeesIt(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("displays are Linux's")
	}
	for env, want := range map[string]bool{
		"DISPLAY=:0": true, "WAYLAND_DISPLAY=wayland-0": true, "": false, "DISPLAY=:10 SSH_CONNECTION=1.2.3.4": false, "DISPLAY=:0 SSH_TTY=/dev/pts/1": false, "WSL_DISTRO_NAME=Ubuntu": true,
	} {
		got := hasBrowser(func(name string) string {
			for _, kv := range strings.Fields(env) {
				if k, v, _ := strings.Cut(kv, "="); k == name {
					return v
				}
			}
			return ""
		})
		if got != want {
			t.Errorf("%q: %t", env, got)
		}
	}
}

func TestWhoamiTellsEverythingButTheSecrets(t *testing.T) {
	org := startOrg(t)
	e := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\nflow = \"jwt\"\nusername = \""+emulator.AgentUsername+"\"\nkey_file = \"$DIR/key.pem\"\n")
	out := new(bytes.Buffer)
	e.out = out
	check(t, e.login(t.Context(), false))
	out.Reset()
	check(t, e.whoami(t.Context(), false))
	for _, want := range []string{emulator.AgentUsername, org.URL(), "API         v", " of its ", "Scopes      api", "by key", "does not say when it ends", "the file "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	text := out.String()
	out.Reset()
	check(t, e.whoami(t.Context(), true))
	var id identity
	if err := json.Unmarshal(out.Bytes(), &id); err != nil || id.Username != emulator.AgentUsername || id.APIMax == 0 || id.OrgID == "" || id.Version != 1 {
		t.Errorf("%v %s", err, out)
	}
	token, err := kept(t, e)
	check(t, err)
	for _, secret := range []string{token.Access, token.Refresh} {
		if secret != "" && strings.Contains(text+out.String(), secret) {
			t.Error("a secret is shown")
		}
	}
	// Nobody, an old file that others can read, and a sign-in of another org: one line each.
	nobody := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\n")
	nobody.out = out
	if err := nobody.whoami(t.Context(), false); err == nil || err.Error() != "not signed in to Salesforce: run offhook login" {
		t.Errorf("%v", err)
	}
	l, err := nobody.load()
	check(t, err)
	store, err := newTokenStore(l)
	check(t, err)
	check(t, store.Save(t.Context(), salesforce.Token{Access: "x", Instance: org.URL(), LoginURL: "https://login.salesforce.com", ClientID: emulator.ClientID}))
	if err := nobody.whoami(t.Context(), false); err == nil || !strings.Contains(err.Error(), "another login_url") {
		t.Errorf("%v", err)
	}
	check(t, os.Chmod(store.File, 0o644))
	if err := nobody.whoami(t.Context(), false); err == nil || !strings.Contains(err.Error(), "chmod 600") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}
