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

// outcomes are the cells: the worst of a test that failed, the best of those that did not.
func outcomes(lines []feature.Line) map[string]string {
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
	return seen
}

// asked are the peers that showed or failed something.
func asked(lines []feature.Line) func(string) bool {
	return func(p string) bool {
		return slices.ContainsFunc(lines, func(l feature.Line) bool { return l.Peer == p && l.Outcome != feature.Skipped })
	}
}

// render is the whole page.
func render(lines []feature.Line, reasons []reason, versions string) string {
	seen, there := outcomes(lines), asked(lines)
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
	for _, w := range reasons {
		if there(w.peer) {
			features := strings.Join(w.features, ", ")
			if len(w.features) > 30 {
				features = "all the rest"
			}
			fmt.Fprintf(&b, "- **%s** – %s: %s.\n", w.peer, features, w.reason)
		}
	}
	if none := untried(seen, there); len(none) > 0 {
		fmt.Fprintf(&b, "- **No peer** showed: %s. These rest on our own tests alone.\n", strings.Join(none, ", "))
	}
	return b.String()
}

// unreasoned are the empty cells that no reason of why.go explains, and the reasons for what was seen to work.
func unreasoned(lines []feature.Line, reasons []reason) (out []string) {
	seen, there := outcomes(lines), asked(lines)
	for _, g := range feature.All {
		for _, p := range g.Peers {
			if !there(p) {
				continue
			}
			for _, f := range g.Features {
				said := slices.ContainsFunc(reasons, func(w reason) bool { return w.peer == p && slices.Contains(w.features, f) })
				switch shown := seen[p+"\x00"+f] == feature.Passed; {
				case !shown && !said:
					out = append(out, p+" has no reason for "+f)
				case shown && said:
					out = append(out, p+" shows "+f+", and there is a reason why not")
				}
			}
		}
	}
	return out
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
