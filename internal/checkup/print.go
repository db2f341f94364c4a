package checkup

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"offhook/internal/text"
)

// Width is what a terminal is assumed to have.
const Width = 80

// margin is where the text of a line begins, behind its word.
const margin = 11

// Line writes one line of a list: a word of at most eight letters, and a text that is wrapped beside it.
func Line(w io.Writer, word, line string) error {
	head := fmt.Sprintf("  %-*s", margin-2, word)
	for _, part := range Wrap(line, Width-margin) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(head+part, " ")); err != nil {
			return err
		}
		head = strings.Repeat(" ", margin)
	}
	return nil
}

// Print writes what was found, for a terminal of 80 columns: each section with what is well, then each finding with what it means
// and what to do.
func Print(w io.Writer, sections []Section) error {
	for _, s := range sections {
		if len(s.Good)+len(s.Findings) == 0 {
			continue
		}
		if _, err := fmt.Fprintln(w, s.Name); err != nil {
			return err
		}
		for _, g := range s.Good {
			if err := Line(w, "ok", g.String()); err != nil {
				return err
			}
		}
		for _, level := range []Level{Problem, Warning, Note} {
			for _, f := range s.Findings {
				if f.Level != level {
					continue
				}
				if err := printFinding(w, f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func printFinding(w io.Writer, f Finding) error {
	word := map[Level]string{Problem: "PROBLEM", Warning: "warning", Note: "note"}[f.Level]
	if err := Line(w, word, f.What.String()+"."); err != nil {
		return err
	}
	if !f.Means.Empty() {
		if err := Line(w, "", text.Capital(f.Means.String())+"."); err != nil {
			return err
		}
	}
	for i, step := range f.Steps {
		number, more := fmt.Sprintf("%d. ", i+1), "   "
		if len(f.Steps) == 1 {
			number, more = "→ ", "  "
		}
		for _, part := range Wrap(step.String(), Width-margin-len(more)) {
			if _, err := fmt.Fprintf(w, "%*s%s%s\n", margin, "", number, part); err != nil {
				return err
			}
			number = more
		}
	}
	return nil
}

// Wrap breaks a text between words into lines of at most width cells. A word that is wider is broken.
func Wrap(s string, width int) (out []string) {
	line := ""
	for word := range strings.FieldsSeq(s) {
		for {
			switch joined := strings.TrimSpace(line + " " + word); {
			case cells(joined) <= width:
				line, word = joined, ""
			case line != "":
				out, line = append(out, line), ""
				continue
			default:
				cut, n := []rune(word), 1
				for n < len(cut) && cells(string(cut[:n+1])) <= width {
					n++
				}
				out, word = append(out, string(cut[:n])), string(cut[n:])
			}
			if word == "" {
				break
			}
		}
	}
	if line != "" || out == nil {
		out = append(out, line)
	}
	return out
}

func cells(s string) int { return text.Clean(s).Width() }

// Table is the rules as a table in Markdown, in their order; values stand as their names in capitals.
func Table(rules Rules) string {
	plain := func(s string) string {
		for {
			before, rest, ok := strings.Cut(s, "{")
			name, after, closed := strings.Cut(rest, "}")
			if !ok || !closed {
				return strings.ReplaceAll(s, "|", `\|`)
			}
			s = before + strings.ToUpper(name) + after
		}
	}
	var b strings.Builder
	b.WriteString("\n| id | doctor says | what it means | what to do |\n| --- | --- | --- | --- |\n")
	for _, r := range rules {
		steps := slices.Clone(r.Steps)
		if len(steps) > 1 {
			for i := range steps {
				steps[i] = fmt.Sprintf("%d. %s", i+1, steps[i])
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s: %s | %s | %s |\n", r.ID, r.Level, plain(r.What), plain(r.Means), plain(strings.Join(steps, "<br>")))
	}
	return b.String() + "\n"
}
