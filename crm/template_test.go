package crm

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"offhook/internal/text"
)

func TestTheDefaultDescriptionIsNotesThenFacts(t *testing.T) {
	got := Description(told(), TaskSettings{Subject: SubjectStyle{Zone: time.UTC}})
	want := `wants a refund
card **** **** **** 1111

Start: 2026-11-20 23:30:00 +00:00
Answered: 2026-11-20 23:30:05 +00:00
End: 2026-11-20 23:33:12 +00:00
Duration: 0:03:07
Result: answered, the caller hung up
Disposition: Sale
Ended by: customer
Number: 07814256404
Presented name: FRED B
Called: 02079460000
Transfer: blind 2104
Agent: sip:2101@pbx.example.com
Association: the only match
Campaign: Spring
Call key: 6ba7b810-9dad-51d1-80b4-00c04fd430c8
Correlation: corr
SIP Call-ID: abc@x
Session: ab13
Recording: /var/rec/1.wav off
Queue: Sales`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	missed := CallRecord{Key: "k", Withheld: true, Number: text.Clean("07814256404"), Name: text.Clean("Secret"), Start: told().Start, Action: "missed"}
	if got := Description(missed, TaskSettings{Subject: SubjectStyle{Zone: time.UTC}}); got != "Start: 2026-11-20 23:30:00 +00:00\nResult: missed\nCaller: number withheld\nCall key: k" {
		t.Errorf("%s", got)
	}
}

func TestATemplateOfOnesOwn(t *testing.T) {
	tpl, err := ParseTemplate("Called by {{ACME}} on {start}\n\n\n\nTransfer to: {transfer}\nCase {var:Case} / {var:None}\n{notes}\nend")
	if err != nil {
		t.Fatal(err)
	}
	rec := told()
	rec.Transfer, rec.TransferTo = "", text.Text{}
	rec.Vars = []Var{{Name: text.Clean("case"), Value: text.Clean("17")}}
	got := Description(rec, TaskSettings{Template: tpl, Subject: SubjectStyle{Zone: time.UTC}})
	if want := "Called by {ACME} on 2026-11-20 23:30:00 +00:00\n\nCase 17 / \nwants a refund\ncard **** **** **** 1111\nend"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestATemplateThatCannotBeMeantNamesItsLine(t *testing.T) {
	for s, want := range map[string]string{
		"a\n{durration}":     "line 2: there is no placeholder {durration}; did you mean duration?",
		"{start":             "line 1: a { without its }",
		"{a{b}":              "line 1: a { without its }",
		"ok\nok\n oops } ":   "line 3: a } without its {",
		"{notes}\n\n{notes}": "line 3: {notes} stands twice",
		"{}":                 "line 1: {} names nothing",
		"{zzzzzzzzz}":        "there are: notes",
		"{var:}":             "line 1: there is no placeholder {var:}",
	} {
		if _, err := ParseTemplate(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %q", s, err, want)
		}
	}
}

func TestNotesAreCutBeforeFactsInEveryTemplate(t *testing.T) {
	for _, s := range []string{"", "{notes}", "Facts {key}\n{notes}\nlast line", "About: {notes} (that was it)"} {
		var set TaskSettings
		if s != "" {
			tpl, err := ParseTemplate(s)
			if err != nil {
				t.Fatal(err)
			}
			set.Template = tpl
		}
		rec := told()
		rec.Notes = text.CleanBlock(strings.Repeat("ä ", 20000), 100000)
		d := Description(rec, set)
		if n := utf8.RuneCountInString(d); n > maxDescription || n < maxDescription-400 {
			t.Errorf("%q: %d characters", s, n)
		}
		if strings.Contains(s, "last line") && !strings.HasSuffix(d, "last line") || strings.Contains(s, "that was") && !strings.HasSuffix(d, "(that was it)") {
			t.Errorf("%q: the end was cut", s)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{DefaultDescription, "{{}}", "{notes} {{x}} }}", "{var:a b}\r\n{ start }"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tpl, err := ParseTemplate(s)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: more than one line: %v", s, err)
			}
			return
		}
		if n := utf8.RuneCountInString(Description(told(), TaskSettings{Template: tpl})); n > maxDescription {
			t.Errorf("%q: %d characters", s, n)
		}
	})
}
