package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offhook/config"
	"offhook/desk"
	"offhook/sip"
	"offhook/sip/exchange"
)

// twoAccounts is a desk with a second account at the same exchange; its password is what the command prints.
func twoAccounts(t *testing.T, passwordCommand string) *place {
	t.Helper()
	p := &place{TB: t, e: placeEnv()}
	var err error
	if p.b, err = startBackend(t.Context(), p.e, true, quietSettings); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.b.close)
	l := *p.b.settings
	l.SIP.Accounts = []config.Account{{Account: fmt.Sprintf("sip:2102@%s", p.b.exchange.Addr()), PasswordCommand: passwordCommand}}
	if p.w, err = openWorkplace(t.Context(), p.e, &l, p.b.options(true)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.w.close(context.WithoutCancel(t.Context())) })
	p.snaps, _ = p.w.desk.Subscribe()
	p.w.start(t.Context())
	return p
}

func TestCallsOfASecondAccountReachTheSameDesk(t *testing.T) {
	p := twoAccounts(t, "echo practice2102")
	p.until("both accounts are registered", func(s *desk.Snapshot) bool {
		return s.State == desk.Available && s.Links.SIP.Text.String() == "2/2" && len(s.Accounts) == 2 && strings.HasPrefix(s.Accounts[0].Name.String(), "2101@")
	})
	if err := p.b.exchange.Place(exchange.Call{From: "07814256404", To: "2102"}); err != nil {
		t.Fatal(err)
	}
	s := p.until("it rings", func(s *desk.Snapshot) bool { return s.State == desk.Ringing })
	if c := s.Calls[0]; !strings.HasPrefix(c.Account.String(), "sip:2102@") {
		t.Errorf("the call came in at %q", c.Account)
	}
	p.talk()
	p.b.exchange.HangUp("2102")
	p.until("the call is over", func(s *desk.Snapshot) bool { return s.State != desk.OnCall })
	p.sent()
	p.oneTask()
}

func TestAnAccountThatIsRefusedIsNamedAndTheOtherWorks(t *testing.T) {
	p := twoAccounts(t, "echo wrong")
	s := p.until("the second account is refused", func(s *desk.Snapshot) bool {
		return s.State == desk.Available && s.Links.SIP.Health == desk.HealthWarn && strings.HasPrefix(s.Links.SIP.Text.String(), "1/2, 2102@")
	})
	if s.Accounts[1].Health != desk.HealthDown || s.Accounts[1].Text.Empty() {
		t.Errorf("%+v", s.Accounts)
	}
	p.ring("07814256404")
	p.talk()
	p.bye()
}

func TestAFurtherAccountBelievesAndProvesWhatItsLineSays(t *testing.T) {
	first := sip.Config{Account: "sip:2101@pbx.example.com", Transport: "tls", TLS: sip.TLS{CAFile: "ca.pem", CertFile: "2101.pem", KeyFile: "2101.key", ServerName: "sbc.example.com"}}
	for what, c := range map[string]struct {
		line config.Account
		want sip.TLS
	}{
		"nothing said, the same domain": {config.Account{Account: "sip:2102@pbx.example.com"}, first.TLS},
		"nothing said, another domain": {config.Account{Account: "sip:31@other.example.com"},
			sip.TLS{CAFile: "ca.pem", CertFile: "2101.pem", KeyFile: "2101.key"}},
		"a certificate of its own": {config.Account{Account: "sip:2102@pbx.example.com", Certificate: "2102.pem", Key: "2102.key"},
			sip.TLS{CAFile: "ca.pem", CertFile: "2102.pem", KeyFile: "2102.key", ServerName: "sbc.example.com"}},
		"everything": {config.Account{Account: "sip:31@other.example.com", CAFile: "other.pem", Certificate: "31.pem", Key: "31.key", TLSName: "edge.example.com"},
			sip.TLS{CAFile: "other.pem", CertFile: "31.pem", KeyFile: "31.key", ServerName: "edge.example.com"}},
		"a key without its certificate is not put to the first one's": {config.Account{Account: "sip:2102@pbx.example.com", Key: "2102.key"},
			sip.TLS{CAFile: "ca.pem", KeyFile: "2102.key", ServerName: "sbc.example.com"}},
	} {
		t.Run(what, func(t *testing.T) {
			if got := further(first, &config.Loaded{}, c.line).TLS; got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAFurtherAccountThatMakesNoSenseIsSaidInOneLine(t *testing.T) {
	for why, c := range map[string]struct{ toml, says string }{
		"no address":    {"[sip]\naccount = \"sip:a@b\"\naccounts = [{account = \"31\"}]\n", "\"31\" is not an address"},
		"no transport":  {"[sip]\naccount = \"sip:a@b\"\naccounts = [{account = \"sip:31@c\", transport = \"pigeon\"}]\n", "pigeon"},
		"no first one":  {"[sip]\nregistrar = \"\"\naccounts = [{account = \"sip:31@c\"}]\n", "further accounts need sip.account"},
		"a lamp twice":  {"[sip]\nregistrar = \"\"\nlamps = [{number = \"2102\"}, {number = \"2102\"}]\n", "is there twice"},
		"a silent lamp": {"[sip]\nregistrar = \"\"\nlamps = [{name = \"Billie\"}]\n", "has no number"},
	} {
		t.Run(why, func(t *testing.T) {
			e := testEnv()
			e.configFile = writeSettings(t, c.toml)
			if err := e.configCheck(); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v", err)
			}
		})
	}
}

func writeSettings(t *testing.T, toml string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.toml")
	check(t, os.WriteFile(file, []byte(toml), 0o600))
	return file
}

func TestALampKnowsItsAccountWhereThereAreSeveral(t *testing.T) {
	c := config.SIP{Account: "sip:2101@pbx.example.com", Lamps: []config.Lamp{{Number: "2102"}, {Number: "2103", Account: "sip:31@other.example.com"}}}
	for _, l := range lamps(c) {
		if !l.Via.Empty() {
			t.Errorf("with one account: %+v", l)
		}
	}
	c.Accounts = []config.Account{{Account: "sip:31@other.example.com"}}
	for i, want := range []string{"2101@pbx.example.com", "31@other.example.com"} {
		if l := lamps(c)[i]; l.Via.String() != want {
			t.Errorf("%+v is at %q, want %q", l, l.Via, want)
		}
	}
}
