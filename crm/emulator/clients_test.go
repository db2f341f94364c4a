package emulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"offhook/peers/feature"
)

// featureOf says which row of docs/interop.md a step of a client's session belongs to.
var featureOf = map[string]string{
	"login.token": "access token", "login.code": "code with PKCE", "login.jwt": "JWT bearer", "login.refresh": "refresh token",
	"login.client_credentials": "client credentials", "login.password": "username and password", "login.soap": "SOAP login", "logout": "sign out",
	"identity": "identity", "versions": "versions", "describeGlobal": "describe global", "describe": "describe an object",
	"query": "query with a parent", "paging": "query in pages", "search": "search", "parameterizedSearch": "parameterized search",
	"create": "create, update, delete", "create.account": "create, update, delete", "create.contact": "create, update, delete",
	"create.task": "create, update, delete", "get": "create, update, delete", "update": "create, update, delete", "delete": "create, update, delete",
	"create.invalid": "a refusal is told", "query.invalid": "a refusal is told", "upsert": "upsert by external id",
	"login.gzip": "composite with references", "composite": "composite with references", "composite.rollback": "composite takes all back",
	"collections": "collections", "tree": "collections", "limits": "limits", "limitInfo": "limits", "recent": "recent records", "file": "a file beside a record",
}

// sessionSteps are what every client's session has; the sign-ins come on top.
var sessionSteps = []string{"describeGlobal", "describe", "query", "paging", "search", "update", "delete", "create.invalid", "upsert", "composite", "collections", "limits", "recent", "file"}

// manyTasks is the Subject of 2,010 Tasks: more than one page of a query.
const manyTasks = "one of very many"

// clientFile is a file of the installed clients; without it the test is skipped, or fails where peers are required.
func clientFile(t *testing.T, name string) string {
	t.Helper()
	absent := func(what string) {
		t.Helper()
		if os.Getenv("OFFHOOK_PEERS_REQUIRED") == "1" {
			t.Fatalf("peer %s is not installed", what)
		}
		t.Skipf("peer %s is not installed (peers/start/salesforce-clients.sh installs it)", what)
	}
	path := clientPath(name)
	if !fileThere(path) {
		absent(strings.TrimPrefix(name, "node_modules/"))
	}
	if strings.HasPrefix(name, "node_modules/") {
		if _, err := exec.LookPath("node"); err != nil {
			absent("node")
		}
	}
	return path
}

// clientPath is where a file of the installed clients lies, "" where nothing is installed.
func clientPath(name string) string {
	dir := os.Getenv("OFFHOOK_SALESFORCE_CLIENTS")
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

func fileThere(path string) bool {
	_, err := os.Stat(path)
	return path != "" && err == nil
}

// clientOrg is a started practice org, and what a client needs to sign in to it, as a file too.
type clientOrg struct {
	*Server
	home, base, file string
	login            map[string]string
}

func newClientOrg(t *testing.T) *clientOrg {
	t.Helper()
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	base, err := s.Start(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	o := &org{T: t, Server: s, base: base, token: s.Credentials().AccessToken}
	var rows []any
	for range 2010 {
		rows = append(rows, map[string]any{"attributes": map[string]any{"type": "Task"}, "Subject": manyTasks})
	}
	for batch := range slices.Chunk(rows, maxCollection) {
		o.do("POST", v+"/composite/sobjects", map[string]any{"allOrNone": true, "records": batch}).want(200)
	}
	c := s.Credentials()
	org := &clientOrg{Server: s, home: t.TempDir(), base: base}
	key := filepath.Join(org.home, "key.pem")
	org.login = map[string]string{"instanceUrl": base, "accessToken": c.AccessToken, "username": c.Username, "password": c.Password, "securityToken": SecurityToken,
		"clientId": c.ClientID, "clientSecret": c.ClientSecret, "keyFile": key, "keyField": CallKeyField, "version": "66.0", "many": manyTasks,
		"stamp": strings.ReplaceAll(t.Name(), "/", "-")}
	raw, err := json.Marshal(org.login)
	if err != nil {
		t.Fatal(err)
	}
	org.file = filepath.Join(org.home, "login.json")
	for name, b := range map[string][]byte{key: s.KeyPEM(), org.file: raw,
		// @salesforce/core takes the port of its redirect from a project file.
		filepath.Join(org.home, "sfdx-project.json"): []byte(`{"packageDirectories":[{"path":".","default":true}],"oauthLocalPort":"17170","sourceApiVersion":"66.0"}`)} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return org
}

// command runs a client in a home of its own: they keep files there, ask a keyring, phone home and update themselves unless told not to.
func (o *clientOrg) command(t *testing.T, env []string, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = o.home
	bin := clientPath("node_modules/.bin") // a Node.js of their own lies there, where the system's is too old
	cmd.Env = append(os.Environ(), append(env, "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+o.home, "OFFHOOK_CLIENTS="+os.Getenv("OFFHOOK_SALESFORCE_CLIENTS"), "SF_USE_GENERIC_UNIX_KEYCHAIN=true",
		"SF_DISABLE_TELEMETRY=true", "SF_AUTOUPDATE_DISABLE=true", "SF_SKIP_NEW_VERSION_CHECK=true", "SF_HIDE_RELEASE_NOTES=true", "SF_DISABLE_LOG_FILE=true",
		"SF_ORG_API_VERSION=66.0", "NO_COLOR=1", "FORCE_COLOR=0")...)
	return cmd
}

// judge reads "client step ok|FAIL detail" lines, makes a subtest of every feature that they show, and demands the steps that are
// wanted.
func judge(t *testing.T, peer, out string, wanted ...string) {
	t.Helper()
	seen, passed := map[string]string{}, 0
	for line := range strings.Lines(out) {
		parts := strings.SplitN(strings.TrimSpace(line), " ", 4)
		if len(parts) < 3 || parts[2] != "ok" && parts[2] != "FAIL" {
			continue
		}
		if parts[2] == "ok" {
			passed++
		}
		seen[parts[1]] = cmp.Or(strings.Join(parts[2:], " "), "ok")
	}
	if len(seen) == 0 {
		t.Fatalf("%s did no step:\n%s", peer, out)
	}
	features := map[string][]string{}
	for step := range seen {
		if featureOf[step] == "" {
			t.Errorf("the step %q belongs to no feature: %s", step, seen[step])
		}
		features[featureOf[step]] = append(features[featureOf[step]], step)
	}
	for _, step := range wanted {
		if seen[step] == "" {
			features[featureOf[step]] = append(features[featureOf[step]], step)
		}
	}
	for _, g := range feature.All {
		for _, f := range g.Features {
			steps := features[f]
			if len(steps) == 0 || !slices.Contains(g.Peers, peer) {
				continue
			}
			t.Run(f, func(t *testing.T) {
				feature.Proves(t, peer, f)
				for _, step := range slices.Sorted(slices.Values(steps)) {
					if result := seen[step]; !strings.HasPrefix(result, "ok") {
						t.Errorf("%s: %s", step, cmp.Or(result, "was not tried"))
					}
				}
			})
		}
	}
	t.Logf("%s: %d steps of %d passed", peer, passed, len(seen))
}

func TestJSForceBelievesInTheEmulator(t *testing.T) {
	runNode(t, "jsforce", "jsforce", "login.soap", "login.password", "login.client_credentials", "logout")
}

func TestSalesforcesOwnLibraryBelievesInTheEmulator(t *testing.T) {
	runNode(t, "@salesforce/core", "core")
}

// runNode runs session.mjs with one of the clients that are made for it.
func runNode(t *testing.T, peer, client string, wanted ...string) {
	t.Helper()
	clientFile(t, "node_modules/"+peer)
	o := newClientOrg(t)
	script, err := filepath.Abs(filepath.Join("testdata", "clients", "session.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	program := "node"
	if own := clientPath("node_modules/.bin/node"); fileThere(own) {
		program = own
	}
	out, err := o.command(t, nil, program, script, client, o.file).CombinedOutput()
	wanted = append(wanted, "login.token", "login.code", "login.jwt", "login.refresh", "identity", "versions", "query.invalid", "parameterizedSearch",
		"composite.rollback", "limitInfo", "create.account", "create.contact", "create.task")
	judge(t, peer, string(out), append(wanted, sessionSteps...)...)
	if err != nil && !t.Failed() {
		t.Errorf("%v\n%s", err, out)
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

func TestAnIndependentGoClientBelievesInTheEmulator(t *testing.T) {
	program := clientFile(t, "go-salesforce")
	o := newClientOrg(t)
	out, err := o.command(t, nil, program, o.file).CombinedOutput()
	judge(t, "go-salesforce", string(out), append([]string{"login.token", "login.password", "login.client_credentials", "login.jwt", "create", "login.gzip", "parameterizedSearch", "composite.rollback"}, sessionSteps...)...)
	if err != nil && !t.Failed() {
		t.Errorf("%v\n%s", err, out)
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

// line is a step's result in the form that judge reads.
func line(step string, err error) string {
	if err != nil {
		return fmt.Sprintf("sf %s FAIL %.400s\n", step, strings.Join(strings.Fields(err.Error()), " "))
	}
	return "sf " + step + " ok\n"
}
