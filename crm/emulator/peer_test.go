package emulator

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestJSForceBelievesInTheEmulator runs a whole session of Salesforce's own JavaScript client: every kind of sign-in, then query,
// search, create, update, upsert, composite, paging, describe, limits, delete. OFFHOOK_JSFORCE_DIR names a folder
// with node_modules/jsforce (and @salesforce/core, which is run too when it is there).
func TestJSForceBelievesInTheEmulator(t *testing.T) {
	dir := os.Getenv("OFFHOOK_JSFORCE_DIR")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("peer node is not installed")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "jsforce", "package.json")); dir == "" || err != nil {
		t.Skip("peer jsforce is not installed")
	}
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	base, err := s.Start(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c := s.Credentials()
	o := &org{T: t, Server: s, base: base, token: c.AccessToken}
	code := o.authorize(map[string][]string{"code_challenge": {challenge("a verifier of sufficient length")}}).Get("code")
	tmp := t.TempDir()
	login, err := json.Marshal(map[string]any{"accessToken": c.AccessToken, "instanceUrl": base, "username": c.Username, "password": c.Password, "soap": true,
		"clientId": c.ClientID, "clientSecret": c.ClientSecret, "code": code, "codeVerifier": "a verifier of sufficient length", "redirectUri": redirect,
		"refreshToken": o.do("GET", "/", nil).object()["refreshToken"], "version": "66.0"})
	if err != nil {
		t.Fatal(err)
	}
	loginFile, tokenFile := filepath.Join(tmp, "login.json"), filepath.Join(tmp, "token.json")
	if err := os.WriteFile(loginFile, login, 0o600); err != nil {
		t.Fatal(err)
	}
	clients := map[string]int{"jsforce": 25}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@salesforce", "core")); err == nil {
		clients["core"] = 20
	}
	for _, client := range []string{"jsforce", "core"} { // core goes on with the token that jsforce got
		least, there := clients[client]
		if !there {
			continue
		}
		cmd := exec.CommandContext(t.Context(), node, filepath.Join("testdata", "jsforce", "session.mjs"), client, base, loginFile, tokenFile, CallKeyField)
		cmd.Env = append(os.Environ(), "OFFHOOK_CLIENTS="+dir, "HOME="+tmp, "SF_DISABLE_LOG_FILE=true", "SF_DISABLE_TELEMETRY=true", "SF_USE_GENERIC_UNIX_KEYCHAIN=true")
		out, err := cmd.CombinedOutput()
		passed := strings.Count(string(out), " ok ")
		if err != nil || passed < least || strings.Contains(string(out), " FAIL ") {
			t.Errorf("%s: %d steps passed, want %d, %v\n%s", client, passed, least, err, out)
		}
	}
}
