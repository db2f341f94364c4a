package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offhook/ui/tape"
)

// TestTheStoriesOfTheDemoPlay plays every story against the practice exchange and the practice Salesforce, with the wiring of the
// program.
func TestTheStoriesOfTheDemoPlay(t *testing.T) {
	files, err := filepath.Glob("../../ui/tape/testdata/*.tape")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d stories, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".tape"), func(t *testing.T) {
			t.Parallel()
			script, err := tape.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := tape.Play(t.Context(), script, placeEnv().stage); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// playOne plays one tape through the subcommand.
func playOne(t *testing.T, source string) (out, complaint string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.tape")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	e := &env{out: &stdout, errOut: &stderr, in: strings.NewReader(""), version: "test"}
	err = e.play(t.Context(), []string{file})
	return stdout.String(), stderr.String(), err
}

func TestPlayTellsItsOutcomeByItsExitCode(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		code   exitError
		says   string
	}{
		"an expectation fails":  {"Wait+Screen /Available/\n#: expect /no such words/", playFailed, "Available"},
		"it cannot be read":     {"Hom", playUnreadable, "x.tape:1"},
		"the program has ended": {"Wait+Screen /Available/\nType \"q\"\nWait+Screen /never/", playDied, "ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, complaint, err := playOne(t, c.source)
			var code exitError
			if !errors.As(err, &code) || code != c.code || !strings.Contains(out+complaint, c.says) {
				t.Fatalf("exit %v\n%s%s", err, out, complaint)
			}
		})
	}
	if out, _, err := playOne(t, "Wait+Screen /Available/"); err != nil || !strings.Contains(out, "passed") {
		t.Fatalf("%v\n%s", err, out)
	}
}
