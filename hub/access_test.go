package hub

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"offhook/desk"
)

func TestAWrongTokenIsSaidAndTheRightRoleIsNeeded(t *testing.T) {
	b := newBus(t)
	for name, change := range map[string]func(*Config){
		"wrong":        func(c *Config) { c.Token = "wrong" },
		"none":         func(c *Config) { c.Token = "" },
		"supervisors'": func(c *Config) { c.Token = b.bosses },
	} {
		_, l := b.agent(t, "amy", change)
		if got := l.wait(t, desk.HealthDown); !strings.Contains(got.Text.String(), "refuses the token") {
			t.Errorf("%s token: %q", name, got.Text)
		}
	}
	w := b.board(t, func(c *Config) { c.Token = b.agents })
	end := timeout(t)
	for !strings.Contains(w.Link().Text.String(), "supervisors' token") {
		select {
		case <-w.Changes():
		case <-end:
			t.Fatalf("a board with the agents' token reads %q", w.Link().Text)
		}
	}
}

func TestAnAgentMayDoNothingButItsOwn(t *testing.T) {
	b := newBus(t)
	nc, errs := b.client(t, roleAgent+amy, b.agents)
	forbidden := []string{kvPrefix + "main.sales.bob", "cmd.sales.bob", grantSubject + "amy", auditHub, auditAgent + "main.sales.bob", callsSubject + "support",
		"$JS.API.STREAM.LIST", "$JS.API.STREAM.PURGE." + streamOfKV, "$SYS.REQ.SERVER.PING"}
	for _, subject := range forbidden {
		if err := nc.Publish(subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		refusedOn(t, errs, subject)
	}
	for _, subject := range []string{"cmd.sales.bob", "cmd.>", kvPrefix + ">", "_INBOX.>", "audit.>", helloSubject} {
		if _, err := nc.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
		refusedOn(t, errs, subject)
	}
}

func TestASupervisorReadsAndAsksButWritesNoState(t *testing.T) {
	b := newBus(t)
	nc, errs := b.client(t, roleBoss+"Maya", b.bosses)
	for _, subject := range []string{kvPrefix + amy, grantSubject + "Nina", auditHub, "$JS.API.STREAM.DELETE." + streamOfKV, "$JS.API.STREAM.INFO." + auditStream, callsSubject + "sales"} {
		if err := nc.Publish(subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		refusedOn(t, errs, subject)
	}
	if _, err := nc.SubscribeSync("cmd.>"); err != nil {
		t.Fatal(err)
	}
	refusedOn(t, errs, "cmd.>")
}

// refusedOn waits for the server's asynchronous refusal.
func refusedOn(t testing.TB, errs <-chan error, subject string) {
	t.Helper()
	select {
	case err := <-errs:
		if !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), subject) {
			t.Errorf("%s: %v", subject, err)
		}
	case <-timeout(t):
		t.Errorf("%s is permitted", subject)
	}
}

func TestSecretsAreOnlyOursAndStayOverARestart(t *testing.T) {
	b := newBus(t)
	for _, f := range []string{agentTokenFile, bossTokenFile, keyFile} {
		st, err := os.Stat(filepath.Join(b.dir, f))
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, st.Mode(), err)
		}
	}
	if b.agents == b.bosses {
		t.Error("the roles share a token")
	}
	b.Close()
	again := startBus(t, b.dir, "127.0.0.1:0")
	if again.agents != b.agents || again.bosses != b.bosses {
		t.Error("the tokens changed")
	}
}

func TestAnAddressThatCannotBeUsedIsExplained(t *testing.T) {
	b := newBus(t)
	var taken *PortTakenError
	if _, err := Serve(t.Context(), Options{Listen: strings.TrimPrefix(b.URL(), "nats://"), Dir: t.TempDir()}); !errors.As(err, &taken) {
		t.Errorf("a taken port: %v", err)
	}
	if _, err := Serve(t.Context(), Options{Listen: "0.0.0.0:0", Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "in clear") {
		t.Errorf("every address without TLS: %v", err)
	}
	if _, err := Serve(t.Context(), Options{Listen: "here", Dir: t.TempDir()}); err == nil {
		t.Error("an address without a port is accepted")
	}
}
