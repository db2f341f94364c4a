package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/zalando/go-keyring"
)

var update = flag.Bool("update", false, "write the generated documents")

func load(t *testing.T, body string, src Source) (*Loaded, error) {
	t.Helper()
	src.File = filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(src.File, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(src)
}

const good = `
[sip]
account = "sip:2101@pbx.example.com"
password_command = "echo secret"
transport = "tcp"
[numbers]
region = "DE"
internal_rules = [{prefix = "7", min_len = 6, max_len = 6}]
[keys]
"call.answer" = "f5"
"call.hold" = ["h", "f6"]
[profile.night.sip]
account = "sip:2199@pbx.example.com"
`

func TestLayersGoOverEachOtherAndTellTheirOrigin(t *testing.T) {
	l, err := load(t, good, Source{Profile: "night", Environ: []string{"OFFHOOK_SIP_EXPIRES=90s", "PATH=/bin"}, Flags: map[string]string{"numbers.region": "FR"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want, path, origin string }{
		{l.SIP.Account, "sip:2199@pbx.example.com", "sip.account", "profile night"},
		{l.SIP.Transport, "tcp", "sip.transport", l.Path},
		{l.SIP.Expires.String(), "1m30s", "sip.expires", "OFFHOOK_SIP_EXPIRES"},
		{l.Numbers.Region, "FR", "numbers.region", "--set"},
		{l.Salesforce.Timeout.String(), (2 * time.Second).String(), "salesforce.lookup_timeout", "default"},
	} {
		if c.got != c.want || l.Origin(c.path) != c.origin {
			t.Errorf("%s = %q from %q, want %q from %q", c.path, c.got, l.Origin(c.path), c.want, c.origin)
		}
	}
	if got := l.Keys["call.answer"]; len(got) != 1 || got[0] != "f5" {
		t.Errorf("a single key name became %v", got)
	}
	if r := l.Numbers.InternalRules; len(r) != 1 || r[0].Prefix != "7" || r[0].MinLen != 6 {
		t.Errorf("internal_rules = %+v", r)
	}
}

func TestEveryMistakeGetsOneLineWithFileLineAndRemedy(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"broken TOML":           {"[sip]\naccount = \"sip:a@b\n", ":2: column"},
		"unknown section":       {"[sipp]\nx = 1\n", ":1: sipp: there is no such section; did you mean [sip]?"},
		"unknown key":           {"[sip]\nacount = \"sip:a@b\"\n", ":2: sip.acount: there is no such setting; did you mean sip.account?"},
		"wrong type":            {"[ui]\nmouse = \"yes\"\n[sip]\naccount=\"sip:a@b\"", ":2: ui.mouse: must be true or false"},
		"wrong choice":          {"[sip]\naccount = \"sip:a@b\"\ntransport = \"upd\"\n", "transport: \"upd\" is not allowed; choose udp, tcp"},
		"bad duration":          {"[sip]\naccount = \"sip:a@b\"\nexpires = \"soon\"\n", ":3: sip.expires: \"soon\" is not a duration"},
		"no account":            {"[audio]\ninput = \"null\"\n", "sip.account: is needed to register"},
		"plaintext password":    {"[sip]\naccount = \"sip:a@b\"\npassword = \"hush\"\n", "sip.password: a password in this file is refused"},
		"plain http":            {"[sip]\naccount = \"sip:a@b\"\n[salesforce]\nlogin_url = \"http://example.com\"\n", "must be https"},
		"port range":            {"[sip]\naccount = \"sip:a@b\"\nrtp_ports = \"9-10\"\n", "is not a range"},
		"missing key file":      {"[sip]\naccount = \"sip:a@b\"\n[salesforce]\nclient_id = \"x\"\nflow = \"jwt\"\nusername = \"u\"\nkey_file = \"/no/such/file\"\n", "salesforce.key_file: cannot be read"},
		"login_url with path":   {"[sip]\naccount = \"sip:a@b\"\n[salesforce]\nlogin_url = \"https://acme.my.salesforce.com/lightning/page/home\"\n", "only the host belongs there, as https://acme.my.salesforce.com"},
		"client without secret": {"[sip]\naccount = \"sip:a@b\"\n[salesforce]\nclient_id = \"x\"\nflow = \"client\"\nlogin_url = \"https://acme.my.salesforce.com\"\nusername = \"u\"\n", "salesforce.client_secret_command: is needed for flow client"},
		"client without agent":  {"[sip]\naccount = \"sip:a@b\"\n[salesforce]\nclient_id = \"x\"\nflow = \"client\"\nlogin_url = \"https://acme.my.salesforce.com\"\nclient_secret_command = \"echo s\"\n", "the agent whom the records belong to"},
		"client at login":       {"[sip]\naccount = \"sip:a@b\"\n[salesforce]\nclient_id = \"x\"\nflow = \"client\"\nusername = \"u\"\nclient_secret_command = \"echo s\"\n", "at the org's My Domain only"},
		"a version":             {"[sip]\naccount = \"sip:a@b\"\n[salesforce]\napi_version = \"latest\"\n", "is not a version, as 66.0"},
		"two keys for one file": {"[sip]\naccount = \"sip:a@b\"\n[salesforce]\ntokens = \"age\"\ntoken_identity = \"a\"\ntoken_passphrase_command = \"b\"\n", "not both"},
		"less than nothing":     {"[sip]\naccount = \"sip:a@b\"\n[numbers]\ninternal_max_digits = -1\n", "internal_max_digits: cannot be less than 0"},
		"section as value":      {"sip = 5\n", ":1: sip: must be a section"},
		"wrong key in a list":   {"[sip]\naccount = \"sip:a@b\"\n[keys]\n\"call.answer\" = [1]\n", "must be a list of key names"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.body, Source{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v\nwant it to contain %s", err, c.want)
			}
			if n := strings.Count(err.Error(), "\n"); n > 0 {
				t.Errorf("one mistake, %d lines:\n%v", n+1, err)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Error("the password is shown")
			}
		})
	}
}

func TestAnEmptyRegistrarTakesCallsWithoutAnAccount(t *testing.T) {
	l, err := load(t, "[sip]\nregistrar = \"\"\nlisten = \"127.0.0.1:5070\"\n", Source{})
	if err != nil || l.SIP.Registrar != "" {
		t.Fatalf("%v, registrar %q", err, l.SIP.Registrar)
	}
}

func TestSlipsInTheEnvironmentAndInSetAreNamed(t *testing.T) {
	body := "[sip]\naccount = \"sip:a@b\"\n"
	for want, src := range map[string]Source{
		"OFFHOOK_SIP_TRANSPRT: sip.transprt: there is no such setting; did you mean sip.transport?": {Environ: []string{"OFFHOOK_SIP_TRANSPRT=tcp"}},
		"OFFHOOK_SIP_EXPIRES: sip.expires: \"soon\" is not a duration":                              {Environ: []string{"OFFHOOK_SIP_EXPIRES=soon"}},
		"--set: numbers.internal_max_digits: must be a whole number, not five":                      {Flags: map[string]string{"numbers.internal_max_digits": "five"}},
	} {
		_, err := load(t, body, src)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	if _, err := load(t, body, Source{Environ: []string{"OFFHOOK_PEERS_REQUIRED=1", "OFFHOOK_SIP_PASSWORD=hush", "OFFHOOK_HUB_TOKEN=x", "OFFHOOK_HUB_SUPERVISOR_TOKEN=y"}}); err != nil {
		t.Errorf("what is no slip was refused: %v", err)
	}
}

func TestPlainHTTPIsForThisMachineOnly(t *testing.T) {
	for login, local := range map[string]bool{"http://127.0.0.1:8080": true, "http://localhost:1": true, "https://login.salesforce.com": false} {
		l, err := load(t, "[sip]\naccount = \"sip:a@b\"\n[salesforce]\nlogin_url = \""+login+"\"\n", Source{})
		if err != nil || l.Salesforce.Local() != local {
			t.Errorf("%s: %v, local %v", login, err, l.Salesforce.Local())
		}
	}
	if _, err := load(t, "[sip]\naccount = \"sip:a@b\"\n[salesforce]\nlogin_url = \"http://127.0.0.1:1\"\nallow_localhost = false\n", Source{}); err == nil {
		t.Error("allow_localhost = false allows it")
	}
}

func TestNoFileIsItsOwnError(t *testing.T) {
	if _, err := Load(Source{File: filepath.Join(t.TempDir(), "none.toml")}); !errors.Is(err, ErrNoFile) {
		t.Fatalf("got %v", err)
	}
}

func TestAnUnknownProfileNamesThoseThatExist(t *testing.T) {
	_, err := load(t, good, Source{Profile: "nigth"})
	if err == nil || !strings.Contains(err.Error(), "it has night") {
		t.Fatalf("got %v", err)
	}
}

func TestInitWritesAFileThatLoadsAndNeverOverwrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "offhook", "config.toml")
	if err := Init(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Source{File: path}); err != nil {
		t.Fatalf("the file that init wrote does not load: %v", err)
	}
	if err := Init(path); err == nil || !strings.Contains(err.Error(), "left as it is") {
		t.Fatalf("a second init said %v", err)
	}
}

func TestExplainNamesValueOriginAndNearestKey(t *testing.T) {
	l, err := load(t, good, Source{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := l.Explain(&b, "sip.transport"); err != nil || !strings.Contains(b.String(), `now       "tcp"`) || !strings.Contains(b.String(), l.Path) {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if err := l.Explain(&b, "sip.transprt"); err == nil || !strings.Contains(err.Error(), "did you mean sip.transport") {
		t.Fatalf("got %v", err)
	}
}

func TestSecretsComeFromTheFirstPlaceThatHasThem(t *testing.T) {
	keyring.MockInit()
	dir := t.TempDir()
	s := Secrets{Dir: dir, Profile: "default", Environ: func(k string) string { return map[string]string{"OFFHOOK_SIP_PASSWORD": "from-env"}[k] }}
	sip := SIP{Account: "sip:a@b"}
	check := func(want string) {
		t.Helper()
		if got, err := s.SIPPassword(t.Context(), sip); err != nil || got != want {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	}
	check("from-env")
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "secrets.age"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := age.Encrypt(f, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("sip.password = from-age\n"))
	w.Close()
	f.Close()
	os.WriteFile(filepath.Join(dir, "identity.txt"), []byte(id.String()+"\n"), 0o600)
	check("from-age")
	if err := s.Keep("sip.password", "from-keyring"); err != nil {
		t.Fatal(err)
	}
	check("from-keyring")
	sip.PasswordCommand = "printf 'from-command\\nrest\\n'"
	check("from-command")
	sip.PasswordCommand = "echo no such entry >&2; exit 1"
	if _, err := s.SIPPassword(t.Context(), sip); err == nil || !strings.Contains(err.Error(), "no such entry") {
		t.Fatalf("a failing command said %v", err)
	}
}

func TestTheReferenceAndTheSchemaAreFresh(t *testing.T) {
	var ref, schema strings.Builder
	Reference(&ref)
	if err := Schema(&schema); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"../docs/config.md": ref.String(), "../docs/config.schema.json": schema.String()} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s is stale: go generate ./config", path)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(good)
	f.Add("[sip]\naccount = 5\n[profile]\nx=1\n[profile.y]\nz=1")
	f.Fuzz(func(t *testing.T, body string) {
		l, err := load(t, body, Source{})
		if err == nil && l == nil {
			t.Fatal("neither a configuration nor an error")
		}
	})
}
