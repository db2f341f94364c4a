package caller

import (
	"strings"
	"testing"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"
	"offhook/keymap"
	"offhook/ui/theme"

	"github.com/charmbracelet/x/ansi"
)

func look(w int) Look {
	th, _ := theme.Named("dark", true)
	return Look{Theme: th, Keys: keymap.Default(), Width: w}
}

func TestOnlyWebAddressesBecomeLinks(t *testing.T) {
	for raw, want := range map[string]string{
		"https://acme.example/a?b=c":         "https://acme.example/a?b=c",
		"http://acme.example":                "http://acme.example",
		"https://acme.example/a;b":           "https://acme.example/a%3Bb",
		"javascript:alert(1)":                "",
		"file:///etc/passwd":                 "",
		"https://trusted.example@evil.test/": "",
		"www.acme.example":                   "",
		"https://x.example/\x1b]52;c;AA\a":   "https://x.example/",
		"":                                   "",
	} {
		if got := Link(text.Clean(raw)); got != want {
			t.Errorf("%q links to %q, want %q", raw, got, want)
		}
	}
}

func card() *crm.Card {
	c := text.Clean
	return &crm.Card{Ref: crm.Ref{Type: "Contact", ID: "003000000000001", Name: c("Fred")}, Fields: []crm.CardField{
		{Label: c("Name"), Value: c("Fred"), Kind: crm.KindText},
		{Label: c("Fax"), Kind: crm.KindPhone},
		{Label: c("Phone"), Value: c("0207"), Kind: crm.KindPhone},
	}, Related: []crm.Related{{Ref: crm.Ref{Type: "Case", ID: "500000000000001", Name: c("Broken")}}}}
}

func TestEmptyFieldsTakeNoRoomAndCannotBeSelected(t *testing.T) {
	c := card()
	if Lines(c) != 3 {
		t.Errorf("%d lines", Lines(c))
	}
	if f, _ := Selected(c, 1); f.Value.String() != "0207" {
		t.Errorf("the second line is %+v", f)
	}
	if _, ref := Selected(c, 2); ref.Name.String() != "Broken" {
		t.Errorf("the third line is %+v", ref)
	}
	for _, i := range []int{-1, 3, 99} {
		if f, ref := Selected(c, i); f.Name != "" || !ref.Zero() {
			t.Errorf("line %d is something", i)
		}
	}
	out := ansi.Strip(strings.Join(look(80).Card(c, 1, 20), "\n"))
	if strings.Contains(out, "Fax") || !strings.Contains(out, "› Phone  0207") || !strings.Contains(out, "Enter dial") {
		t.Errorf("%s", out)
	}
	if len(c.Fields) != 3 {
		t.Error("drawing changed the snapshot's card")
	}
}

func TestTheSelectedLineIsAlwaysInSight(t *testing.T) {
	c := card()
	for range 20 {
		c.Related = append(c.Related, crm.Related{Ref: crm.Ref{Type: "Case", ID: "5", Name: text.Clean("more")}})
	}
	for i := range Lines(c) {
		if out := ansi.Strip(strings.Join(look(60).Card(c, i, 5), "\n")); !strings.Contains(out, "› ") {
			t.Fatalf("line %d is out of sight:\n%s", i, out)
		}
	}
}

func TestTheAssociationNamesRecordRuleAndPinKey(t *testing.T) {
	who, what := crm.Ref{Type: "Contact", ID: "003", Name: text.Clean("Fred")}, crm.Ref{Type: "Case", ID: "500", Name: text.Clean("Broken")}
	all := func(desk.Verb) bool { return true }
	for want, call := range map[string]desk.Call{
		"▸ Task goes to Fred (rule 5: the only match)":                     {Assoc: crm.Association{Rule: 5, Why: "the only match", Who: who}},
		"▸ Task goes to Broken with Fred (rule 2: opened during the call)": {Assoc: crm.Association{Rule: 2, Why: "opened during the call", Who: who, What: what}},
		"◆ Task goes to Fred (rule 1: pinned by you)":                      {Pinned: true, Assoc: crm.Association{Rule: 1, Why: "pinned by you", Who: who}},
		"! Task goes to no record (rule 6: several matches, none chosen)":  {Assoc: crm.Association{Rule: 6, Why: "several matches, none chosen", Pick: true}},
		"▸ Task went to no record (rule 0: internal call)":                 {Record: desk.RecordSent, Assoc: crm.Association{Rule: 0, Why: "internal call"}},
	} {
		got := ansi.Strip(look(110).Assoc(&call, all))
		if !strings.Contains(got, want) || !strings.Contains(got, "P ") {
			t.Errorf("%q, want %q and the pin key", got, want)
		}
	}
}

func TestAnEndedCallIsNotStillBeingLookedUp(t *testing.T) {
	c := desk.Call{State: desk.Incoming, Match: crm.Match{State: crm.MatchSearching}}
	if got := ansi.Strip(look(80).Match(&c)); !strings.Contains(got, "looking up") {
		t.Errorf("while it rings: %q", got)
	}
	c.State = desk.Ended
	if got := ansi.Strip(look(80).Match(&c)); strings.Contains(got, "looking up") || !strings.Contains(got, "the call was over first") {
		t.Errorf("afterwards: %q", got)
	}
}
