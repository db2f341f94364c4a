// Package feature notes what a test proved with a program that nobody here wrote: the lines from which docs/interop.md is made.
// Tests call Proves first; without OFFHOOK_INTEROP_LOG it does nothing. The package decides nothing about a test.
package feature

import (
	"encoding/json"
	"os"
	"testing"
)

// Line is one row of the log: what was tried with whom, and what came of it.
type Line struct {
	Peer    string `json:"peer"`    // as in the table's head: "Asterisk", "baresip"
	Feature string `json:"feature"` // one of All
	Outcome string `json:"outcome"` // passed, failed, skipped
	Test    string `json:"test"`
}

// Outcomes of a Line.
const (
	Passed  = "passed"
	Failed  = "failed"
	Skipped = "skipped"
)

// Proves says that the rest of the test shows these features working with peer. When the test ends its outcome is appended to the
// file that OFFHOOK_INTEROP_LOG names, one JSON object a line. An unknown feature is an error of the test: the table would not show it.
func Proves(t testing.TB, peer string, features ...string) {
	t.Helper()
	for _, f := range features {
		if !Known(f) {
			t.Fatalf("%q is no feature of the interop table", f)
		}
	}
	path := os.Getenv("OFFHOOK_INTEROP_LOG")
	if path == "" {
		return
	}
	t.Cleanup(func() {
		outcome := Passed
		switch {
		case t.Failed():
			outcome = Failed
		case t.Skipped():
			outcome = Skipped
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Errorf("interop log: %v", err)
			return
		}
		defer f.Close()
		for _, name := range features {
			if err := json.NewEncoder(f).Encode(Line{peer, name, outcome, t.Name()}); err != nil {
				t.Errorf("interop log: %v", err)
			}
		}
	})
}
