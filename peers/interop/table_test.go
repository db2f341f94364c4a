package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offhook/peers/feature"
)

func TestATableSaysWhatWasSeenAndNothingElse(t *testing.T) {
	lines := []feature.Line{
		{Peer: "Asterisk", Feature: "register UDP", Outcome: feature.Passed, Test: "A"},
		{Peer: "Asterisk", Feature: "register TCP", Outcome: feature.Skipped, Test: "A"},
		{Peer: "SIPp", Feature: "CANCEL", Outcome: feature.Passed, Test: "B"},
	}
	page := render(lines, "Asterisk 22")
	for _, want := range []string{"| feature | Asterisk | SIPp |", "| register UDP | ✓ | – |", "| register TCP | – | – |", "| CANCEL | – | ✓ |", "Asterisk 22"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}
	}
	if strings.Contains(page, "Kamailio") {
		t.Error("a peer that was not there has a column")
	}
}

func TestSalesforceClientsHaveATableOfTheirOwn(t *testing.T) {
	lines := []feature.Line{
		{Peer: "SIPp", Feature: "CANCEL", Outcome: feature.Passed, Test: "B"},
		{Peer: "sf", Feature: "limits", Outcome: feature.Passed, Test: "C"},
	}
	page := render(lines, "")
	for _, want := range []string{"| feature | SIPp |\n", "| CANCEL | ✓ |\n", "| feature | sf |\n", "| limits | ✓ |\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}
	}
	if page := render(lines[:1], ""); strings.Contains(page, "Salesforce") || strings.Contains(page, "JWT") {
		t.Errorf("a table without anybody in it:\n%s", page)
	}
}

func TestAFailedTestNeverBecomesACell(t *testing.T) {
	dir := t.TempDir()
	log, out := filepath.Join(dir, "log"), filepath.Join(dir, "interop.md")
	write(t, log, `{"peer":"SIPp","feature":"CANCEL","outcome":"failed","test":"B"}`)
	if err := run(log, out, "", false); err == nil || !strings.Contains(err.Error(), "SIPp: CANCEL (B)") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a table was written")
	}
}

func TestACheckSeesAStaleTableAndLooksPastVersions(t *testing.T) {
	dir := t.TempDir()
	log, out := filepath.Join(dir, "log"), filepath.Join(dir, "interop.md")
	write(t, log, `{"peer":"SIPp","feature":"CANCEL","outcome":"passed","test":"B"}`)
	if err := run(log, out, "SIPp 3.6.1", false); err != nil {
		t.Fatal(err)
	}
	if err := run(log, out, "SIPp 4", true); err != nil {
		t.Errorf("another version: %v", err)
	}
	write(t, log, `{"peer":"SIPp","feature":"early media","outcome":"passed","test":"B"}`)
	if err := run(log, out, "SIPp 3.6.1", true); err == nil {
		t.Error("the table is stale and nobody said so")
	}
}

func TestWhatAnOptionalPeerShowedBeforeStands(t *testing.T) {
	dir := t.TempDir()
	log, out := filepath.Join(dir, "log"), filepath.Join(dir, "interop.md")
	write(t, log, `{"peer":"SIPp","feature":"CANCEL","outcome":"passed","test":"B"}`+"\n"+`{"peer":"pjsua","feature":"crafted requests","outcome":"passed","test":"C"}`)
	if err := run(log, out, "", false); err != nil {
		t.Fatal(err)
	}
	write(t, log, `{"peer":"SIPp","feature":"CANCEL","outcome":"passed","test":"B"}`)
	if err := run(log, out, "", true); err != nil {
		t.Errorf("without the checkout: %v", err)
	}
}

func TestEveryReasonNamesFeaturesOfTheTable(t *testing.T) {
	for _, w := range why {
		for _, f := range w.features {
			if !feature.Known(f) {
				t.Errorf("%s: %q is no feature", w.peer, f)
			}
		}
	}
}

func write(t *testing.T, path, line string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}
