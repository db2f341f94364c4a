// Command interop makes docs/interop.md of the log that the peer tests write: peer × feature → passed, or why not. It reads no
// test and runs none; `make interop` does.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"offhook/peers/feature"
)

func main() {
	log := flag.String("log", "", "the file that OFFHOOK_INTEROP_LOG named")
	out := flag.String("out", "docs/interop.md", "where the table goes")
	check := flag.Bool("check", false, "do not write; fail when the table in -out says something else")
	versions := flag.String("versions", "", "peers and their versions, \"SIPp 3.6.1; baresip 1.0.0\"; empty: as the table says them now")
	flag.Parse()
	if err := run(*log, *out, *versions, *check); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(log, out, versions string, check bool) error {
	lines, err := read(log)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	lines = append(lines, kept(lines, string(old))...)
	if versions == "" {
		versions = between(string(old), versionsBegin, "\n")
	}
	page := render(lines, versions)
	if failed := failures(lines); len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	if !check {
		return os.WriteFile(out, []byte(page), 0o644)
	}
	// What the table says must be what was seen; versions may differ from machine to machine.
	if withoutVersions(string(old)) != withoutVersions(page) {
		return fmt.Errorf("%s does not say what the tests showed; make interop writes it anew:\n%s", out, page)
	}
	return nil
}

// kept is what an optional peer, which this run did not have, has shown before: pjproject's requests need a checkout (PJPROJECT).
func kept(lines []feature.Line, page string) []feature.Line {
	const optional, shown = "pjsua", "crafted requests"
	if slices.ContainsFunc(lines, func(l feature.Line) bool { return l.Peer == optional && l.Outcome != feature.Skipped }) || !strings.Contains(page, "| "+optional+" |") {
		return nil
	}
	return []feature.Line{{Peer: optional, Feature: shown, Outcome: feature.Passed, Test: "an earlier run"}}
}

func read(path string) ([]feature.Line, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []feature.Line
	for s := bufio.NewScanner(f); s.Scan(); {
		var l feature.Line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func failures(lines []feature.Line) (out []string) {
	for _, l := range lines {
		if l.Outcome == feature.Failed {
			out = append(out, l.Peer+": "+l.Feature+" ("+l.Test+")")
		}
	}
	return out
}
