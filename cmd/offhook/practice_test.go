package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offhook/crm/salesforce"

	"offhook/sip/exchange"
)

func TestTheEmulatorsFirstLineIsEnoughToSignInAndBreakIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := newLines()
	e := testEnv()
	e.out = out
	ended := make(chan error, 1)
	go func() { ended <- e.runEmulator(ctx, emulatorOptions{listen: "127.0.0.1:0"}) }()
	var line signInLine
	check(t, json.Unmarshal([]byte(out.next(t, "{")), &line))
	key, err := os.ReadFile(line.KeyFile)
	check(t, err)
	parsed, err := salesforce.ParseKey(key)
	check(t, err)
	token, err := salesforce.App{LoginURL: line.URL, ClientID: line.ClientID, Local: true}.SignInJWT(ctx, salesforce.JWT{Username: line.Username, Key: parsed})
	if err != nil || line.Version != 1 || token.Access == "" {
		t.Fatalf("%+v %v", line, err)
	}
	get := func(path, bearer string) int {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, line.URL+path, nil)
		check(t, err)
		req.Header.Set("Authorization", "Bearer "+bearer)
		res, err := http.DefaultClient.Do(req)
		check(t, err)
		check(t, res.Body.Close())
		return res.StatusCode
	}
	if got := get("/services/data/v66.0/limits", line.AccessToken); got != http.StatusOK {
		t.Fatalf("the token of the first line: %d", got)
	}
	res, err := http.Post(line.URL+"/_emulator/faults", "application/json", strings.NewReader(`{"kind":"503","times":1}`))
	check(t, err)
	check(t, res.Body.Close())
	if first, then := get("/services/data/v66.0/limits", token.Access), get("/services/data/v66.0/limits", token.Access); first != 503 || then != 200 {
		t.Fatalf("%d, then %d", first, then)
	}
	cancel()
	check(t, <-ended)
	if _, err := os.Stat(line.KeyFile); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("the key file is left behind")
	}
}

func TestTheEmulatorKeepsItsRecordsInTheFileThatIsNamed(t *testing.T) {
	dir := t.TempDir()
	data, good, bad := filepath.Join(dir, "org.db"), filepath.Join(dir, "Contact.csv"), filepath.Join(dir, "Lead.csv")
	check(t, os.WriteFile(good, []byte("FirstName,LastName,Phone\nEmma,Woodhouse,01632 960101\n"), 0o600))
	check(t, os.WriteFile(bad, []byte("LastName,Company\nElton,\n"), 0o600))
	people := func(o emulatorOptions) (string, error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		o.listen = "127.0.0.1:0"
		out := newLines()
		e := testEnv()
		e.out = out
		ended := make(chan error, 1)
		go func() {
			err := e.runEmulator(ctx, o)
			if err != nil {
				fmt.Fprintln(out, "{}")
			}
			ended <- err
		}()
		var line signInLine
		check(t, json.Unmarshal([]byte(out.next(t, "{")), &line))
		if line.URL == "" {
			return "", <-ended
		}
		res, err := http.Get(line.URL + "/_emulator/records/Contact?all=true")
		check(t, err)
		body, err := io.ReadAll(res.Body)
		check(t, err)
		check(t, res.Body.Close())
		cancel()
		return string(body), <-ended
	}
	if _, err := people(emulatorOptions{data: data, load: []string{good, bad}}); err == nil || !strings.Contains(err.Error(), "record 1 of Lead.csv") {
		t.Fatalf("a wrong record: %v", err)
	}
	if _, err := os.Stat(data); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("half an org is left behind: %v", err)
	}
	for _, o := range []emulatorOptions{{data: data, load: []string{good}}, {data: data}} {
		got, err := people(o)
		if err != nil || strings.Count(got, `"Name":"Emma Woodhouse"`) != 1 || !strings.Contains(got, `"totalSize":1`) {
			t.Fatalf("%+v: %v %s", o, err, got)
		}
	}
	if _, err := people(emulatorOptions{data: data, load: []string{bad}}); err == nil {
		t.Fatal("a wrong record was loaded")
	}
	if got, err := people(emulatorOptions{data: data}); err != nil || !strings.Contains(got, `"totalSize":1`) {
		t.Fatalf("what was there before a load that failed: %v %s", err, got)
	}
}

func TestTheExchangesFirstLineAndACallByHand(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	call := func(args ...string) (string, error) {
		e := testEnv()
		cmd := newExchangeCallCmd(e)
		_, err := runCmd(t, cmd, args...)
		return e.out.(*bytes.Buffer).String(), err
	}
	if _, err := call("--to", "2101"); err == nil || !strings.Contains(err.Error(), "no practice exchange is running") {
		t.Fatalf("%v", err)
	}
	out := newLines()
	e := testEnv()
	e.out = out
	ended := make(chan error, 1)
	go func() {
		ended <- e.runExchange(ctx, exchangeFlags{listen: "127.0.0.1:0", control: exchange.ControlFile(), still: true})
	}()
	var line exchangeLine
	check(t, json.Unmarshal([]byte(out.next(t, "{")), &line))
	if line.Version != 1 || line.SIP == "" || len(line.Extensions) == 0 || line.Extensions[0].Password == "" {
		t.Fatalf("%+v", line)
	}
	if _, err := call(); err == nil || !strings.Contains(err.Error(), "--to") {
		t.Fatalf("%v", err)
	}
	if _, err := call("--from", "07814256404", "--to", "2101"); err == nil || strings.Contains(err.Error(), "\n") {
		t.Fatalf("nobody is registered, and: %v", err)
	}

	// A desk with real settings at that exchange is called.
	dir := t.TempDir()
	d := testEnv()
	d.configFile = filepath.Join(dir, "config.toml")
	check(t, os.WriteFile(d.configFile, []byte(fmt.Sprintf("[sip]\naccount = \"sip:%s@%s\"\nregistrar = %q\nlisten = \"127.0.0.1:0\"\npassword = %q\nallow_plaintext = true\n%s[storage]\ndir = %q\n",
		line.Extensions[0].Extension, line.SIP, line.SIP, line.Extensions[0].Password, quietSettings, filepath.Join(dir, "state"))), 0o600))
	l, err := d.load()
	check(t, err)
	p := &place{TB: t, e: d}
	p.w, err = openWorkplace(ctx, d, l, options{still: true})
	check(t, err)
	t.Cleanup(func() { p.w.close(context.WithoutCancel(ctx)) })
	p.snaps, _ = p.w.desk.Subscribe()
	p.w.start(ctx)
	p.until("it is registered", available)
	said, err := call("--from", "07814256404", "--to", line.Extensions[0].Extension, "--name", "Fred")
	if err != nil || said != line.Extensions[0].Extension+" is ringing.\n" {
		t.Fatalf("%q %v", said, err)
	}
	p.until("it rings", ringing)
	p.talk()
	p.w.close(ctx)
	cancel()
	check(t, <-ended)
}
