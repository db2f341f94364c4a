package checkup

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"offhook/internal/text"
)

func rules() Rules {
	return Rules{
		NewRule("a.b", Warning, "Task has no field {field}", "it is left out", "Show {field}", "Or take it out"),
		NewRule("c", Problem, "offhook does not start", "offhook stays away", "Look"),
		NewRule("d", Note, "a | b", "nothing"),
	}
}

func TestAFindingIsFilledInWithWhatItIsAbout(t *testing.T) {
	f := rules().Get("a.b").With("field", "Evil\x1b[31m\u202e__c", "other", "x")
	if f.What.String() != "Task has no field Evil__c" || f.Steps[0].String() != "Show Evil__c" || f.Level != Warning {
		t.Errorf("%+v", f)
	}
	if long := rules().Get("a.b").With("field", strings.Repeat("x", 10_000)); len(long.What.String()) > 400 {
		t.Error("a value of 10,000 letters is told whole")
	}
	if none := rules().Get("nope"); none.Level != Problem || !strings.Contains(none.What, "nope") {
		t.Errorf("a rule that is not there: %+v", none)
	}
}

func TestWhatIsWorstDecidesTheExitStatus(t *testing.T) {
	s := func(ids ...string) []Section {
		one := Section{Name: "S"}
		for _, id := range ids {
			one.Find(rules().Get(id).With())
		}
		return []Section{{Name: "empty"}, one}
	}
	for _, tt := range []struct {
		sections []Section
		code     int
		worst    Level
	}{{nil, 0, ""}, {s(), 0, ""}, {s("d"), 0, Note}, {s("d", "a.b"), 1, Warning}, {s("c", "a.b", "d"), 2, Problem}} {
		if Code(tt.sections) != tt.code || Worst(tt.sections) != tt.worst {
			t.Errorf("status %d, worst %q", Code(tt.sections), Worst(tt.sections))
		}
	}
	raw, err := json.Marshal(Whole(s()))
	if err != nil || strings.Contains(string(raw), "null") {
		t.Errorf("%s %v", raw, err)
	}
}

func TestFindingsAreToldWorstFirstWithNumberedSteps(t *testing.T) {
	one := Section{Name: "Salesforce"}
	one.Fine("signed in")
	one.Find(rules().Get("a.b").With("field", "Type"))
	one.Find(rules().Get("c").With())
	var b bytes.Buffer
	if err := Print(&b, []Section{{Name: "Nothing"}, one}); err != nil {
		t.Fatal(err)
	}
	const want = `Salesforce
  ok       signed in
  PROBLEM  offhook does not start.
           offhook stays away.
           → Look
  warning  Task has no field Type.
           It is left out.
           1. Show Type
           2. Or take it out
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
	if table := Table(rules()); !strings.Contains(table, "| `a.b` | warning: Task has no field FIELD | it is left out | 1. Show FIELD<br>2. Or take it out |\n") || !strings.Contains(table, `a \| b`) {
		t.Error(table)
	}
}

func FuzzNoLineIsWiderThanItsTerminal(f *testing.F) {
	f.Add("one two three", 7)
	f.Add("漢字漢字漢字 e\u0301", 3)
	f.Add(strings.Repeat("x", 300), 80)
	f.Fuzz(func(t *testing.T, s string, width int) {
		if width < 2 || width > 200 || len(s) > 2000 {
			return
		}
		s = text.Clean(s).String()
		lines := Wrap(s, width)
		for _, l := range lines {
			if text.Clean(l).Width() > width && len([]rune(l)) > 1 {
				t.Fatalf("%q has more than %d cells", l, width)
			}
		}
		joined := strings.Join(strings.Fields(strings.Join(lines, "")), "")
		if joined != strings.Join(strings.Fields(s), "") || len(lines) == 0 {
			t.Fatalf("%q became %q", s, lines)
		}
		if slices.Contains(lines, "") && s != "" && len(strings.Fields(s)) > 0 {
			t.Fatalf("%q has an empty line", lines)
		}
	})
}
