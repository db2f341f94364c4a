package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// under loads body as the user's file below a system's file.
func under(t *testing.T, system, body, untrusted string, src Source) (*Loaded, error) {
	t.Helper()
	if !strings.Contains(body, "[sip]") {
		body += "[sip]\nregistrar = \"\"\n"
	}
	src.system = filepath.Join(t.TempDir(), "system.toml")
	if err := os.WriteFile(src.system, []byte(system), 0o644); err != nil {
		t.Fatal(err)
	}
	src.trusted = func(string) string { return untrusted }
	return load(t, body, src)
}

const lockedDown = `locked = ["salesforce.*", "toll.*", "recording.consent", "keys.call.answer"]
[salesforce]
login_url = "https://acme.my.salesforce.com"
[toll]
deny = ["0900"]
`

func TestALockedSettingIsRefusedFromEveryLayerAndKeepsTheAdministratorsValue(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		src  Source
		at   string // what the line begins with
		key  string
	}{
		"the user's file": {body: "[salesforce]\nlogin_url = \"https://evil.example\"\n", at: "config.toml:2: ", key: "salesforce.login_url"},
		"a profile":       {body: "[profile.x.toll]\ndeny = []\n", src: Source{Profile: "x"}, at: "config.toml:2: ", key: "toll.deny"},
		"a default":       {body: "[recording]\nconsent = true\n", at: "config.toml:2: ", key: "recording.consent"},
		"a dotted key":    {body: "salesforce.login_url = \"https://evil.example\"\n", at: "config.toml:1: ", key: "salesforce.login_url"},
		"a key binding":   {body: "[keys]\n\"call.answer\" = \"f5\"\n", at: "config.toml:2: ", key: "keys.call.answer"},
		"the environment": {src: Source{Environ: []string{"OFFHOOK_SALESFORCE_LOGIN_URL=https://evil.example"}}, at: "OFFHOOK_SALESFORCE_LOGIN_URL: ", key: "salesforce.login_url"},
		"--set":           {src: Source{Flags: map[string]string{"toll.deny": ""}}, at: "--set: ", key: "toll.deny"},
	} {
		l, err := under(t, lockedDown, tt.body, "", tt.src)
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != 1 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		line := filepath.Base(problems[0].String())
		if i := strings.LastIndex(problems[0].String(), "config.toml:"); i >= 0 && !strings.HasPrefix(tt.at, "O") {
			line = problems[0].String()[i:]
		} else {
			line = problems[0].String()
		}
		if !strings.HasPrefix(line, tt.at+tt.key+": is locked in ") || !strings.Contains(line, "system.toml") || !strings.Contains(line, "only whoever administers this computer") {
			t.Errorf("%s: %s", name, line)
		}
		if l.Salesforce.LoginURL != "https://acme.my.salesforce.com" || len(l.Toll.Deny) != 1 || l.Recording.Consent {
			t.Errorf("%s: the value changed", name)
		}
	}
}

func TestWhatIsNotLockedIsTheUsersAndSecretsNeverAre(t *testing.T) {
	l, err := under(t, "locked = [\"sip.*\"]\n[sip]\nregistrar = \"\"\n", "[audio]\ninput = \"null\"\n[sip]\npassword = \"x\"\n", "", Source{Environ: []string{"OFFHOOK_SIP_PASSWORD=y"}})
	if err == nil || strings.Contains(err.Error(), "is locked") || l.Audio.Input != "null" {
		t.Fatal(err) // the password in the file has its own refusal
	}
	if _, err = under(t, lockedDown, "[profile.x.toll]\ndeny = []\n", "", Source{}); err != nil {
		t.Error("a profile that is not used:", err)
	}
}

func TestLocksCountOnlyInAFileThatNobodyElseCanWrite(t *testing.T) {
	l, err := under(t, lockedDown, "[recording]\nconsent = true\n", "/x does not belong to root", Source{})
	if err != nil || !l.Recording.Consent || len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0], "/x does not belong to root: the locks are not honoured") {
		t.Errorf("%v %v", err, l.Warnings)
	}
	if _, err := under(t, "", "locked = [\"sip.*\"]\n", "", Source{}); err == nil || !strings.Contains(err.Error(), "may lock settings") {
		t.Error(err)
	}
	if _, err := under(t, "", "[profile.x]\nlocked = []\n", "", Source{}); err == nil {
		t.Error("a profile locks")
	}
}

func TestAPatternThatLocksNothingIsSaid(t *testing.T) {
	for system, want := range map[string]string{
		`locked = ["salesfroce.*"]`:     "did you mean salesforce.*?",
		`locked = ["recording.consen"]`: "did you mean recording.consent?",
		`locked = "sip.*"`:              "must be a list",
		`locked = [1]`:                  "must be a list of texts in quotes",
		`locked = ["sip.p*"]`:           "neither a setting nor a section",
	} {
		if _, err := under(t, system, "", "", Source{}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "system.toml:1: locked: ") {
			t.Errorf("%s: %v", system, err)
		}
	}
	if l, err := under(t, "locked = [\"*\"]\nsip.registrar = \"\"", "[sip]\n", "", Source{}); err != nil {
		t.Error(err)
	} else if _, _, ok := l.Locked("audio.input"); !ok {
		t.Error("not everything is locked")
	}
}

func TestExplainShowsTheLockAndInitLeavesItOut(t *testing.T) {
	l, err := under(t, lockedDown, "", "", Source{})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := errors.Join(l.Explain(&out, "toll.deny"), l.Explain(&out, "salesforce")); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, "locked    in ") || !strings.Contains(s, "(toll.*): only whoever") || strings.Contains(s, "OFFHOOK_TOLL_DENY") || !strings.Contains(s, "system.toml, locked") || !strings.Contains(s, "default, locked") {
		t.Error(s)
	}
	path := filepath.Join(t.TempDir(), "new", "config.toml")
	if err := l.init(path); err != nil {
		t.Fatal(err)
	}
	raw, _ := os.ReadFile(path)
	if s := string(raw); !strings.Contains(s, "# client_id is locked in ") || !strings.Contains(s, "\naccount = ") {
		t.Error(s)
	}
}

func TestWhoMayWriteAFileDecidesWhetherItsLocksCount(t *testing.T) {
	for _, tt := range []struct {
		owner uint32
		mode  os.FileMode
		safe  bool
	}{{0, 0o644, true}, {0, 0o600, true}, {0, 0o755, true}, {1000, 0o644, false}, {0, 0o664, false}, {0, 0o646, false}, {0, 0o777, false}} {
		if why := judgeOwner("/etc/offhook/config.toml", tt.owner, tt.mode); (why == "") != tt.safe {
			t.Errorf("%d %v: %q", tt.owner, tt.mode, why)
		}
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if unsafe(file) == "" {
		t.Error("a folder that everybody can write makes its files everybody's")
	}
}
