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
	if err := run(*log, *out, *versions, *check, why()); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(log, out, versions string, check bool, reasons []reason) error {
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
	page := render(lines, reasons, versions)
	if failed := failures(lines); len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	if wrong := unreasoned(lines, reasons); len(wrong) > 0 {
		return fmt.Errorf("why.go: %s", strings.Join(wrong, "; "))
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

// optional are the peers that a run may be without: a checkout of pjproject (PJPROJECT).
var optional = []string{"pjproject"}

// kept is what the optional peers that this run did not have have shown before, as the table says.
func kept(lines []feature.Line, page string) (out []feature.Line) {
	for _, p := range optional {
		if slices.ContainsFunc(lines, func(l feature.Line) bool { return l.Peer == p && l.Outcome != feature.Skipped }) {
			continue
		}
		column := -1
		for row := range strings.SplitSeq(page, "\n") {
			cells := strings.Split(row, " | ")
			for i := range cells {
				cells[i] = strings.Trim(cells[i], "| ")
			}
			switch {
			case !strings.HasPrefix(row, "| "):
				column = -1
			case cells[0] == "feature":
				column = slices.Index(cells, p)
			case column > 0 && column < len(cells) && cells[column] == "✓":
				out = append(out, feature.Line{Peer: p, Feature: cells[0], Outcome: feature.Passed, Test: "an earlier run"})
			}
		}
	}
	return out
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
