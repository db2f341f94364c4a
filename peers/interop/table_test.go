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
	page := render(lines, why(), "Asterisk 22")
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
	page := render(lines, why(), "")
	for _, want := range []string{"| feature | SIPp |\n", "| CANCEL | ✓ |\n", "| feature | sf |\n", "| limits | ✓ |\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}
	}
	if page := render(lines[:1], why(), ""); strings.Contains(page, "Salesforce") || strings.Contains(page, "JWT") {
		t.Errorf("a table without anybody in it:\n%s", page)
	}
}

func TestAFailedTestNeverBecomesACell(t *testing.T) {
	dir := t.TempDir()
	log, out := filepath.Join(dir, "log"), filepath.Join(dir, "interop.md")
	write(t, log, `{"peer":"SIPp","feature":"CANCEL","outcome":"failed","test":"B"}`)
	if err := run(log, out, "", false, everythingElse()); err == nil || !strings.Contains(err.Error(), "SIPp: CANCEL (B)") {
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
	if err := run(log, out, "SIPp 3.6.1", false, everythingElse()); err != nil {
		t.Fatal(err)
	}
	if err := run(log, out, "SIPp 4", true, everythingElse()); err != nil {
		t.Errorf("another version: %v", err)
	}
	write(t, log, `{"peer":"SIPp","feature":"early media","outcome":"passed","test":"B"}`)
	if err := run(log, out, "SIPp 3.6.1", true, []reason{{"SIPp", allBut("early media"), "not tried"}}); err == nil {
		t.Error("the table is stale and nobody said so")
	}
}

func TestWhatAnOptionalPeerShowedBeforeStands(t *testing.T) {
	dir := t.TempDir()
	log, out := filepath.Join(dir, "log"), filepath.Join(dir, "interop.md")
	write(t, log, `{"peer":"SIPp","feature":"CANCEL","outcome":"passed","test":"B"}`+"\n"+`{"peer":"pjproject","feature":"crafted requests","outcome":"passed","test":"C"}`)
	if err := run(log, out, "", false, everythingElse()); err != nil {
		t.Fatal(err)
	}
	write(t, log, `{"peer":"SIPp","feature":"CANCEL","outcome":"passed","test":"B"}`)
	if err := run(log, out, "", true, everythingElse()); err != nil {
		t.Errorf("without the checkout: %v", err)
	}
}

func TestEveryReasonNamesFeaturesOfTheTable(t *testing.T) {
	for _, w := range why() {
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

// everythingElse gives a reason for each cell that the logs of these tests leave empty.
func everythingElse() []reason {
	return []reason{
		{"SIPp", allBut("CANCEL", "early media"), "not tried"}, {"SIPp", []string{"early media"}, "not tried"},
		{"pjproject", allBut("crafted requests"), "not tried"},
	}
}

func TestACellWithoutAReasonAndAReasonForWhatWorksAreErrors(t *testing.T) {
	dir := t.TempDir()
	log, out := filepath.Join(dir, "log"), filepath.Join(dir, "interop.md")
	write(t, log, `{"peer":"SIPp","feature":"CANCEL","outcome":"passed","test":"B"}`)
	for want, reasons := range map[string][]reason{
		"SIPp has no reason for early media":               {{"SIPp", allBut("CANCEL", "early media"), "not tried"}},
		"SIPp shows CANCEL, and there is a reason why not": {{"SIPp", allBut(), "not tried"}},
	} {
		if err := run(log, out, "", false, reasons); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a table was written")
	}
}
