package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// runSync runs offhook sync with these arguments against the practice world.
func runSync(t *testing.T, b *backend, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	e := &env{configFile: b.settings.Path, out: &out, errOut: &out, in: strings.NewReader(""), version: "test"}
	cmd := newSyncCmd(e)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{}, args...)) // nil would mean those of the test itself
	cmd.SilenceUsage = true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestJobsRunWithoutADeskAndTellWhatCameOfThem(t *testing.T) {
	b, err := startBackend(t.Context(), &env{out: new(bytes.Buffer), errOut: new(bytes.Buffer), version: "test"}, true, "")
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if out, err := runSync(t, b, "status"); err != nil || !strings.Contains(out, "has not run yet") {
		t.Fatalf("%q, %v", out, err)
	}
	if out, err := runSync(t, b, "now", "callbacks"); err != nil || !strings.Contains(out, "open callbacks: 0") || strings.Contains(out, "leads") {
		t.Fatalf("%q, %v", out, err)
	}
	if _, err := runSync(t, b, "now", "nothing"); err == nil || !strings.Contains(err.Error(), "there are: leads, dispositions, callbacks") {
		t.Fatal(err)
	}
	out, err := runSync(t, b, "status", "--json")
	var got struct {
		Jobs []JobJSON
	}
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || len(got.Jobs) != 3 || got.Jobs[2].Runs != 1 || got.Jobs[0].Runs != 0 || got.Jobs[2].Next.IsZero() {
		t.Fatalf("%q, %v", out, err)
	}
}
