package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSettingsThatAreWrongAreSaidInOneLineEach(t *testing.T) {
	for name, c := range map[string]struct{ toml, says string }{
		"a setting that does not exist": {"[sip]\nregistar = \"x\"\n", "registrar"},
		"no TOML at all":                {"[sip\n", "config.toml"},
		"a wrong value":                 {"[sip]\ntransport = \"pigeon\"\n", "transport"},
		"no such country":               {"[sip]\nregistrar = \"\"\n[numbers]\nregion = \"ZZ\"\n", "ZZ"},
		"a tone that is no tone":        {"[sip]\nregistrar = \"\"\n[audio]\ninput = \"tone:x\"\n", "tone:x"},
		"a key that is taken":           {"[sip]\nregistrar = \"\"\n[keys]\n\"call.answer\" = \"h\"\n\"call.hold\" = \"h\"\n", "call.hold"},
	} {
		t.Run(name, func(t *testing.T) {
			e := testEnv()
			e.configFile = filepath.Join(t.TempDir(), "config.toml")
			check(t, os.WriteFile(e.configFile, []byte(c.toml), 0o600))
			err := e.configCheck()
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v", err)
			}
			if err2 := runDesk(t.Context(), e); err2 == nil {
				t.Fatal("the desk started with it")
			}
		})
	}
}

func TestWithoutSettingsItSaysWhatToDo(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	err := runDesk(t.Context(), testEnv())
	if err == nil || strings.Count(err.Error(), "\n") != 2 || !strings.Contains(err.Error(), "offhook demo") || !strings.Contains(err.Error(), "offhook config init") {
		t.Fatalf("%v", err)
	}
	e := testEnv()
	out := new(bytes.Buffer)
	e.out = out
	check(t, e.configInit())
	check(t, e.configCheck())
	if !strings.Contains(out.String(), "every setting is understood") {
		t.Fatalf("%s", out)
	}
	if err := e.configInit(); err == nil {
		t.Fatal("a second init wrote over the first")
	}
	if err := e.configExplain([]string{"sip.registrar"}); err != nil {
		t.Fatal(err)
	}
	if err := e.configExplain([]string{"sip.nothing"}); err == nil {
		t.Fatal("a setting that does not exist was explained")
	}
}

func TestAPortThatIsTakenIsOneLineAndLeavesNothingBehind(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(t, err)
	defer taken.Close()
	dir := t.TempDir()
	e := testEnv()
	e.configFile = filepath.Join(dir, "config.toml")
	toml := func(listen string) string {
		return fmt.Sprintf("[sip]\nregistrar = \"\"\nlisten = %q\n%s[storage]\ndir = %q\n", listen, quietSettings, filepath.Join(dir, "state"))
	}
	check(t, os.WriteFile(e.configFile, []byte(toml(taken.LocalAddr().String())), 0o600))
	l, err := e.load()
	check(t, err)
	if _, err := openWorkplace(t.Context(), e, l, options{}); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), taken.LocalAddr().String()) {
		t.Fatalf("%v", err)
	}
	check(t, os.WriteFile(e.configFile, []byte(toml("127.0.0.1:0")), 0o600))
	l, err = e.load()
	check(t, err)
	w, err := openWorkplace(t.Context(), e, l, options{}) // the profile is free again
	check(t, err)
	w.close(t.Context())
}
