package main

import (
	"fmt"
	"slices"
	"strings"

	"offhook/peers/feature"
)

const (
	versionsBegin = "Peers of the run that wrote it: "
	intro         = `# Interop: what was tried with whom

Made by ` + "`make interop`" + `, from the tests that ran; a cell is written by a test that passed, never by hand. ✓ passed · – the peer cannot do it, or it was
not tried: the notes below say which.

`
)

// render is the whole page.
func render(lines []feature.Line, versions string) string {
	seen := map[string]string{}
	for _, l := range lines {
		k := l.Peer + "\x00" + l.Feature
		switch {
		case l.Outcome == feature.Failed, seen[k] == feature.Failed:
			seen[k] = feature.Failed
		case l.Outcome == feature.Passed, seen[k] == feature.Passed:
			seen[k] = feature.Passed
		default:
			seen[k] = feature.Skipped
		}
	}
	there := func(p string) bool {
		return slices.ContainsFunc(lines, func(l feature.Line) bool { return l.Peer == p && l.Outcome != feature.Skipped })
	}
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString(versionsBegin + versions + "\n")
	for _, g := range feature.All {
		columns := slices.DeleteFunc(slices.Clone(g.Peers), func(p string) bool { return !there(p) })
		if len(columns) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| feature | %s |\n| --- |%s\n", g.Name, strings.Join(columns, " | "), strings.Repeat(" :-: |", len(columns)))
		for _, f := range g.Features {
			fmt.Fprintf(&b, "| %s |", f)
			for _, p := range columns {
				cell := "–"
				switch seen[p+"\x00"+f] {
				case feature.Passed:
					cell = "✓"
				case feature.Failed:
					cell = "failed"
				}
				b.WriteString(" " + cell + " |")
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n## Why not\n\n")
	for _, w := range why {
		if there(w.peer) {
			fmt.Fprintf(&b, "- **%s** – %s: %s.\n", w.peer, strings.Join(w.features, ", "), w.reason)
		}
	}
	if none := untried(seen, there); len(none) > 0 {
		fmt.Fprintf(&b, "- **No peer** showed: %s. These rest on our own tests alone.\n", strings.Join(none, ", "))
	}
	return b.String()
}

// untried are the features that no peer has shown. A group of which nobody was there has no table, and nothing to miss.
func untried(seen map[string]string, there func(string) bool) (out []string) {
	for _, g := range feature.All {
		if !slices.ContainsFunc(g.Peers, there) {
			continue
		}
		for _, f := range g.Features {
			if !slices.ContainsFunc(g.Peers, func(p string) bool { return seen[p+"\x00"+f] == feature.Passed }) {
				out = append(out, f)
			}
		}
	}
	return out
}

// between is what stands after begin up to end.
func between(s, begin, end string) string {
	_, s, ok := strings.Cut(s, begin)
	if !ok {
		return ""
	}
	s, _, _ = strings.Cut(s, end)
	return s
}

func withoutVersions(page string) string {
	before, after, ok := strings.Cut(page, versionsBegin)
	if !ok {
		return page
	}
	_, after, _ = strings.Cut(after, "\n")
	return before + after
}
