package checkup

import (
	"slices"
	"strings"

	"offhook/internal/text"
)

// Level is what a finding is worth.
type Level string

// Levels, from nothing to worst.
const (
	Note    Level = "note"    // good to know
	Warning Level = "warning" // it works, with less
	Problem Level = "problem" // calls or their records suffer
)

// Rule is one thing that can be wrong. In its texts {name} stands for a value of the finding.
type Rule struct {
	ID    string // stable, as task.create
	Level Level
	What  string   // one sentence without a full stop
	Means string   // for calls and their records
	Steps []string // what an administrator or the agent does, in order
}

// NewRule makes a rule, for tables.
func NewRule(id string, l Level, what, means string, steps ...string) Rule {
	return Rule{ID: id, Level: l, What: what, Means: means, Steps: steps}
}

// Finding is a rule that applies.
type Finding struct {
	ID    string      `json:"id"`
	Level Level       `json:"level"`
	What  text.Text   `json:"what"`
	Means text.Text   `json:"means"`
	Steps []text.Text `json:"steps,omitempty"`
}

// maxValue bounds what is filled into a sentence: values come from settings and from Salesforce.
const maxValue = 300

// With makes the finding of a rule. pairs are names and values: With("field", "Type").
func (r Rule) With(pairs ...string) Finding {
	for i := 1; i < len(pairs); i += 2 {
		pairs[i-1], pairs[i] = "{"+pairs[i-1]+"}", text.Clean(pairs[i]).Runes(maxValue).String()
	}
	fill := strings.NewReplacer(pairs...)
	f := Finding{ID: r.ID, Level: r.Level, What: text.Clean(fill.Replace(r.What)), Means: text.Clean(fill.Replace(r.Means))}
	for _, s := range r.Steps {
		f.Steps = append(f.Steps, text.Clean(fill.Replace(s)))
	}
	return f
}

// Rules finds rules by their ids.
type Rules []Rule

// Get returns the rule of an id. A rule that is not in the table is a defect, which its finding tells.
func (rs Rules) Get(id string) Rule {
	if i := slices.IndexFunc(rs, func(r Rule) bool { return r.ID == id }); i >= 0 {
		return rs[i]
	}
	return Rule{ID: id, Level: Problem, What: "offhook has no rule " + id, Means: "this is a defect of offhook"}
}

// Section is one part of what was examined: what is well, and what is not.
type Section struct {
	Name     string      `json:"name"`
	Good     []text.Text `json:"ok"`
	Findings []Finding   `json:"findings"`
}

// Fine notes that something is well.
func (s *Section) Fine(line string) { s.Good = append(s.Good, text.Clean(line)) }

// Find notes that a rule applies.
func (s *Section) Find(f Finding) { s.Findings = append(s.Findings, f) }

// Whole gives sections empty lists where they have none, for JSON.
func Whole(sections []Section) []Section {
	out := slices.Clone(sections)
	for i := range out {
		out[i].Good = append([]text.Text{}, out[i].Good...)
		out[i].Findings = append([]Finding{}, out[i].Findings...)
	}
	return out
}

// Worst returns the worst level among sections; "" when there is not even a note.
func Worst(sections []Section) (worst Level) {
	order := []Level{"", Note, Warning, Problem}
	for _, s := range sections {
		for _, f := range s.Findings {
			if slices.Index(order, f.Level) > slices.Index(order, worst) {
				worst = f.Level
			}
		}
	}
	return worst
}

// Count returns how many findings have a level.
func Count(sections []Section, l Level) (n int) {
	for _, s := range sections {
		for _, f := range s.Findings {
			if f.Level == l {
				n++
			}
		}
	}
	return n
}

// Code is the exit status of a check: 0 well, or notes only; 1 warnings; 2 problems.
func Code(sections []Section) int {
	switch Worst(sections) {
	case Problem:
		return 2
	case Warning:
		return 1
	}
	return 0
}
