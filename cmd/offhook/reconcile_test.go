package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/report"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// runOn runs one command against the practice world.
func runOn(t *testing.T, b *backend, in string, make func(*env) *cobra.Command, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	e := &env{configFile: b.settings.Path, out: &out, errOut: &out, in: strings.NewReader(in), version: "test"}
	cmd := make(e)
	cmd.SetIn(strings.NewReader(in))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{}, args...)) // nil would mean those of the test itself
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// takeCalls puts ended calls of today into the ledger of the practice world's desk.
func takeCalls(t *testing.T, b *backend, n int) {
	t.Helper()
	path, err := ledgerPath(b.settings.Config, b.settings.Profile)
	check(t, err)
	check(t, os.MkdirAll(filepath.Dir(path), 0o700))
	led, err := ledger.Open(t.Context(), path, ledger.Options{})
	check(t, err)
	defer led.Close()
	for i := range n {
		at := time.Now().Add(-time.Duration(i+1) * time.Second)
		rec := crm.CallRecord{Version: 1, Key: fmt.Sprintf("6ba7b810-9dad-51d1-80b4-%012d", i), Type: crm.Inbound, Number: text.Clean("07700900123"), Start: at, Answer: at, End: at.Add(time.Second),
			Duration: time.Second, Action: "answered", Agent: text.Clean("2101")}
		body, err := json.Marshal(rec)
		check(t, err)
		c := ledger.Call{Key: rec.Key, State: ledger.EndedNormal, Direction: "Inbound", Number: rec.Number, Started: at, Answered: at, Ended: rec.End, Seconds: 1, Detail: body}
		check(t, led.Finish(t.Context(), c, &ledger.Item{Key: rec.Key, Payload: body}))
		check(t, led.MarkSent(t.Context(), rec.Key, salesforce.LongID(fmt.Sprintf("00T00000000%04d", i)))) // Tasks that somebody has deleted
	}
}

func TestReconcileAsksBeforeItMendsAndTellsByItsExitStatus(t *testing.T) {
	b, err := startBackend(t.Context(), testEnv(), true, "")
	check(t, err)
	defer b.close()
	takeCalls(t, b, 3)
	before := len(b.org.Records("Task", true))
	status := func(err error) int {
		var exit exitError
		if errors.As(err, &exit) {
			return int(exit)
		}
		check(t, err)
		return 0
	}
	from := []string{"--from", "yesterday", "--to", "today"}
	out, err := runOn(t, b, "", newReconcileCmd, from...)
	if status(err) != faultsLeft || !strings.Contains(out, "Their Tasks are missing (3)") || !strings.Contains(out, "Nothing was changed") {
		t.Errorf("the dry run: %v\n%s", err, out)
	}
	for line := range strings.Lines(out) {
		if w := text.Clean(strings.TrimRight(line, "\n")).Width(); w > 80 {
			t.Errorf("%d columns: %s", w, line)
		}
	}
	for _, answer := range []string{"", "\n", "n\n", "what?\n"} {
		if out, err = runOn(t, b, answer, newReconcileCmd, append(from, "--mend")...); status(err) != faultsLeft || !strings.Contains(out, "Nothing was changed") {
			t.Errorf("answer %q: %v\n%s", answer, err, out)
		}
	}
	if len(b.org.Records("Task", true)) != before {
		t.Fatal("a Task was written without a yes")
	}
	if out, err = runOn(t, b, "y\n", newReconcileCmd, append(from, "--mend")...); status(err) != 0 || !strings.Contains(out, "3 of 3 calls mended") {
		t.Errorf("mending: %v\n%s", err, out)
	}
	if len(b.org.Records("Task", true)) != before+3 {
		t.Errorf("%d Tasks, not %d", len(b.org.Records("Task", true)), before+3)
	}
	out, err = runOn(t, b, "", newReconcileCmd, append(from, "--mend", "--yes", "--json")...)
	var got struct {
		Version, Calls, Agree int
		Findings              []any
	}
	if status(err) != 0 || json.Unmarshal([]byte(out), &got) != nil || got.Version != 1 || got.Calls != 3 || got.Agree != 3 || len(got.Findings) != 0 {
		t.Errorf("the second run: %v\n%s", err, out)
	}
	for _, wrong := range [][]string{{"--yes"}, {"--json", "--mend"}, {"--from", "soon"}, {"--from", "today", "--to", "yesterday"}} {
		if _, err := runOn(t, b, "", newReconcileCmd, wrong...); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestReportsComeFromBothSourcesAndAsFiles(t *testing.T) {
	b, err := startBackend(t.Context(), testEnv(), true, "")
	check(t, err)
	defer b.close()
	if out, err := runOn(t, b, "", newReportCmd, "missed"); err != nil || !strings.Contains(out, "No missed calls.") {
		t.Errorf("before the first call: %v\n%s", err, out)
	}
	takeCalls(t, b, 3)
	from := []string{"--from", "yesterday", "--to", "today"}
	out, err := runOn(t, b, "", newReportCmd, append(from, "talk")...)
	if err != nil || !strings.Contains(out, "Talk time by day") || !strings.Contains(out, "0:03") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := runOn(t, b, "", newReportCmd, append(from, "--source", "salesforce", "--by", "agent")...); err != nil || !strings.Contains(out, "Calls by agent") {
		t.Errorf("%v\n%s", err, out)
	}
	file := filepath.Join(t.TempDir(), "calls.csv")
	if _, err := runOn(t, b, "", newReportCmd, append(from, "--csv", file)...); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	check(t, err)
	defer f.Close()
	if rows, err := csv.NewReader(f).ReadAll(); err != nil || len(rows) < 2 || rows[0][0] != "day" {
		t.Errorf("%q %v", rows, err)
	}
	for _, wrong := range [][]string{{"sales"}, {"--by", "moon"}, {"missed", "--by", "day"}, {"--source", "moon"}, {"--from", "soon"}, {"--source", "salesforce", "--queue", "x"}, {"--csv", "/nowhere/at/all.csv"}} {
		if _, err := runOn(t, b, "", newReportCmd, wrong...); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestADeskThatLogsInTellsSalesforceAndItsOwnLedger(t *testing.T) {
	b, err := startBackend(t.Context(), testEnv(), true, "[activity]\nlog = \"login\"\n"+quietSettings)
	check(t, err)
	defer b.close()
	w, err := openWorkplace(t.Context(), testEnv(), b.settings, b.options(true))
	check(t, err)
	w.start(t.Context())
	w.close(t.Context())
	path, err := ledgerPath(b.settings.Config, b.settings.Profile)
	check(t, err)
	led, err := ledger.Open(t.Context(), path, ledger.Options{})
	check(t, err)
	defer led.Close()
	events, err := report.KeptEvents(t.Context(), led)
	check(t, err)
	errands, err := led.Errands(t.Context(), report.EventErrand)
	check(t, err)
	kinds := ""
	for _, ev := range events {
		if ev.Kind != report.State {
			kinds += ev.Kind + " "
		}
	}
	if kinds != "login logout " || len(errands) != 2 {
		t.Errorf("%q, %d errands", kinds, len(errands))
	}
}
