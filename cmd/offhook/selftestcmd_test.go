package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/checkup"
	"offhook/internal/text"
)

// ask runs a command whose question is answered.
func (r room) ask(answer string, args ...string) (string, error) {
	r.t.Helper()
	var out bytes.Buffer
	e := &env{out: &out, errOut: &out, in: strings.NewReader(answer), version: "test"}
	cmd := newRootCmd(e)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{"--config", r.path("config.toml")}, args...))
	err := cmd.ExecuteContext(r.t.Context())
	return out.String(), err
}

func written(org *emulator.Server) (n int) {
	for _, object := range []string{"Contact", "Lead", "Account", "Task", "Campaign"} {
		n += len(org.Records(object, true))
	}
	return n
}

func TestSelfTestNeedsNoSettingsAndNoOrg(t *testing.T) {
	r := newRoom(t, "this is no file of settings")
	out := r.says("0 skipped, 0 failed.", "selftest")
	for line := range strings.SplitSeq(out, "\n") {
		if text.Clean(line).Width() > checkup.Width {
			t.Errorf("too wide: %s", line)
		}
	}
	r.fails("between a second and an hour", "selftest", "--wait", "0s")
}

func TestARealOrgIsAskedForBeforeAnythingIsMadeThere(t *testing.T) {
	r, org := practiceRoom(t)
	for _, no := range []string{"", "n\n", "what?\n"} {
		out, err := r.ask(no, "selftest", "--org")
		out = strings.Join(strings.Fields(out), " ") // it is wrapped
		if err != nil || !strings.Contains(out, "Offhook Practice (http://127") || !strings.Contains(out, "practice Salesforce on this machine") || !strings.Contains(out, "Nothing was made") {
			t.Errorf("%v\n%s", err, out)
		}
	}
	for _, q := range org.Requests() {
		if q.Method != "GET" && !strings.Contains(q.Path, "/oauth2/") {
			t.Errorf("before the answer: %s %s", q.Method, q.Path)
		}
	}
	r.fails("give --yes", "selftest", "--org", "--json")
	for want, o := range map[string]salesforce.OrgInfo{"a sandbox": {Sandbox: true, Edition: "Enterprise Edition"}, "a developer org": {Edition: "Developer Edition"},
		"PRODUCTION, as far as can be told": {Edition: "Enterprise Edition"}} {
		if got := orgKind(o, false); got != want || orgKind(salesforce.OrgInfo{}, false) != "PRODUCTION, as far as can be told" {
			t.Errorf("%+v is %s", o, got)
		}
	}
	r.says("Nothing is settled yet", "selftest", "answers")
	out, err := r.ask("y\n", "selftest", "--org")
	if err != nil || !strings.Contains(out, "9 records deleted") || !strings.Contains(out, "is kept") {
		t.Errorf("%v\n%s", err, out)
	}
	if n := written(org); n != 0 {
		t.Errorf("%d records are left", n)
	}
}

func TestAnswersAreKeptPerOrgAndForgotten(t *testing.T) {
	r, org := practiceRoom(t)
	set := org.Settings()
	set.PhoneSearch = emulator.Strict
	check(t, org.SetSettings(set))
	r.says("is kept", "selftest", "--org", "--yes")
	out := r.says("How the phone search compares: strict", "selftest", "answers")
	if !strings.Contains(out, "Spellings are always asked for") || !strings.Contains(out, "FIELD_INTEGRITY_EXCEPTION") {
		t.Error(out)
	}
	var got answersJSON
	check(t, json.Unmarshal([]byte(r.says("", "selftest", "answers", "--json")), &got))
	if len(got.Orgs) != 1 {
		t.Errorf("%+v", got)
	}
	r.replaceIn(baseSettings, "[sip]\nregistrar = \"\"\n[audio]\ninput = \"null\"\noutput = \"null\"\nring = \"off\"\n")
	if ids, said, code := r.doctors(); strings.Join(ids, " ") != "search.strict sip.open" || code != 0 {
		t.Errorf("%q %d %s", ids, code, said)
	}
	r.says("Forgotten.", "selftest", "answers", "--forget")
	r.says("Nothing is settled yet", "selftest", "answers")
}

// A self test beside a desk that runs does not disturb it, and its answers are there.
func TestASelfTestRunsBesideADesk(t *testing.T) {
	r, _ := practiceRoom(t)
	e := &env{configFile: r.path("config.toml")}
	path, err := e.LedgerPath()
	check(t, err)
	led, err := ledger.Open(t.Context(), path, ledger.Options{})
	check(t, err)
	defer led.Close()
	r.says("is kept", "selftest", "--org", "--yes")
	kept, err := led.Kept(t.Context(), crm.AnswerKind)
	if err != nil || len(kept) != len(crm.Questions()) {
		t.Errorf("%d answers: %v", len(kept), err)
	}
}

func TestASelfTestTellsProgramsEverything(t *testing.T) {
	r, org := practiceRoom(t)
	check(t, org.SetFault(emulator.Fault{Kind: emulator.FaultAPIError, Status: 403, Code: "INSUFFICIENT_ACCESS_OR_READONLY", Message: "no", Method: "DELETE", Object: "Lead"}))
	out, err := r.run("selftest", "--org", "--yes", "--json")
	var exit exitError
	if !errors.As(err, &exit) || int(exit) != 2 {
		t.Errorf("status %v", err)
	}
	var got selfTestJSON
	check(t, json.Unmarshal([]byte(out), &got))
	if got.Version != 1 || got.Org == "" || got.API != "68.0" || got.Made != 9 || got.Deleted != 8 || len(got.Left) != 1 || !strings.HasPrefix(got.Left[0].ID, "00Q") || got.Marker == "" {
		t.Errorf("%+v", got)
	}
	org.ClearFaults()
	check(t, org.SetFault(emulator.Fault{Kind: emulator.FaultValidation, Object: "Contact"}))
	out, err = r.run("selftest", "--org", "--yes")
	if !errors.As(err, &exit) || int(exit) != 1 || !strings.Contains(out, "FAILED   create") {
		t.Errorf("%v\n%s", err, out)
	}
	org.ClearFaults()
	before := written(org)
	r.says("failed.", "selftest", "--org", "--read-only")
	if written(org) != before {
		t.Error("--read-only made a record")
	}
}

func TestWhoIsNotSignedInIsToldSo(t *testing.T) {
	org := startOrg(t)
	e := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\n")
	if err := e.selfTest(t.Context(), selfTestOptions{org: true, wait: 1e9}); err == nil || !strings.Contains(err.Error(), "not signed in") {
		t.Error(err)
	}
	l, err := e.load()
	check(t, err)
	if got := e.examineOrg(t.Context(), l); len(got.Findings) != 1 || got.Findings[0].ID != "signin.none" {
		t.Errorf("%+v", got.Findings)
	}
}
