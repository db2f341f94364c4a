//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offhook/crm/ledger"
	"offhook/internal/control"
	"offhook/internal/text"
)

// dialRoom is a home with a state folder whose path is short enough for a socket.
func dialRoom(t *testing.T) (dir, state string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "dial")
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("XDG_STATE_HOME", dir)
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	state = filepath.Join(dir, "offhook", "default")
	check(t, os.MkdirAll(state, 0o700))
	return dir, state
}

// dialRun is offhook dial as a person starts it.
func dialRun(t *testing.T, args ...string) (out, errOut string, err error) {
	t.Helper()
	var o, eo bytes.Buffer
	root := newRootCmd(&env{out: &o, errOut: &eo, in: strings.NewReader(""), version: "test"})
	root.SetArgs(append([]string{"dial"}, args...))
	err = root.ExecuteContext(t.Context())
	return o.String(), eo.String(), err
}

func TestANumberReachesTheDeskOfTheProfile(t *testing.T) {
	_, state := dialRoom(t)
	var asked []string
	server, err := control.Listen(control.Options{Folder: state, Do: map[string]control.Handler{control.Dial: func(r control.Request) error {
		asked = append(asked, r.Number)
		return nil
	}}})
	check(t, err)
	out, _, err := dialRun(t, "tel:+44-20-7946-0000;ext=22")
	check(t, err)
	if !strings.Contains(out, "nobody is called before you press Enter") {
		t.Errorf("it says %q", out)
	}
	_, _, err = dialRun(t, "020", "7946", "0000")
	check(t, err)
	check(t, server.Close())
	if len(asked) != 2 || asked[0] != "tel:+44-20-7946-0000;ext=22" || asked[1] != "020 7946 0000" {
		t.Errorf("the desk was asked for %q", asked)
	}
}

func TestWithoutADeskThatCanBeReachedOneLineSaysSo(t *testing.T) {
	_, state := dialRoom(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"2104"}, "no desk of this profile is running"},
		{[]string{"Priya"}, "neither a telephone number nor a SIP address"},
		{[]string{"tel:*21*1%23"}, "service code"},
		{nil, "which number?"},
		{[]string{"--install"}, "--handler --install"},
		{[]string{"--handler", "2104"}, "takes no number"},
	} {
		if out, _, err := dialRun(t, c.args...); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || out != "" {
			t.Errorf("%q: %v, %q", c.args, err, out)
		}
	}
	l, err := ledger.Open(t.Context(), filepath.Join(state, "ledger.db"), ledger.Options{Holder: ledger.Holder{Program: "offhook"}})
	check(t, err)
	defer l.Close()
	if _, _, err := dialRun(t, "2104"); err == nil || !strings.Contains(err.Error(), "cannot be reached by other programs") {
		t.Errorf("a desk that does not listen: %v", err)
	}
}

func TestTheDesktopsEntryIsWrittenAndAnotherOwnerIsNamed(t *testing.T) {
	dir, _ := dialRoom(t)
	bin := filepath.Join(dir, "bin")
	check(t, os.MkdirAll(bin, 0o755))
	check(t, os.WriteFile(filepath.Join(bin, "xdg-mime"), []byte("#!/bin/sh\n[ \"$3\" = x-scheme-handler/tel ] && echo google-chrome.desktop\n[ \"$3\" = x-scheme-handler/sip ] && echo offhook-dial.desktop\nexit 0\n"), 0o755))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	path := filepath.Join(dir, "data", "applications", "offhook-dial.desktop")
	out, warned, err := dialRun(t, "--handler")
	check(t, err)
	if _, err := os.Stat(path); err == nil {
		t.Error("it is written without being asked for")
	}
	for _, want := range []string{"[Desktop Entry]", " dial --notify -- %u\n", "MimeType=x-scheme-handler/tel;x-scheme-handler/sip;", "xdg-mime default offhook-dial.desktop x-scheme-handler/tel"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if !strings.Contains(warned, "google-chrome") || strings.Count(warned, "\n") != 1 {
		t.Errorf("the warning is %q", warned)
	}
	_, _, err = dialRun(t, "--handler", "--install")
	check(t, err)
	body, err := os.ReadFile(path)
	check(t, err)
	if !strings.HasPrefix(out, string(body)) {
		t.Errorf("written is\n%s", body)
	}
}

func TestAPathCannotBreakOutOfTheEntry(t *testing.T) {
	for path, want := range map[string]string{
		"/usr/bin/offhook": `"/usr/bin/offhook"`,
		`/a b/50%/$x`:      `"/a b/50%%/\\$x"`,
		"/q\"`\\":          "\"/q\\\\\"\\\\`\\\\\\\\\"",
	} {
		if got, err := quoteExec(path); err != nil || got != want {
			t.Errorf("%q is written %s, %v, want %s", path, got, err, want)
		}
	}
	if got, err := quoteExec("/a\nExec=evil"); err == nil {
		t.Errorf("a line break is written %q", got)
	}
}

func TestNobodyIsWarnedOfOurselves(t *testing.T) {
	for _, owner := range []string{"", desktopEntry} {
		if w := ownerWord("tel", text.Clean(owner)); w != "" {
			t.Errorf("%q is told as %q", owner, w)
		}
	}
}
