package main

import (
	"bytes"
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
