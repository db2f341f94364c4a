package form

import (
	"strings"
	"testing"

	"offhook/crm"
	"offhook/desk"
	"offhook/internal/text"

	tea "charm.land/bubbletea/v2"
)

func key(stroke string) tea.Key {
	switch stroke {
	case "enter":
		return tea.Key{Code: tea.KeyEnter}
	case "right":
		return tea.Key{Code: tea.KeyRight}
	case "space":
		return tea.Key{Code: tea.KeySpace, Text: " "}
	case "backspace":
		return tea.Key{Code: tea.KeyBackspace}
	}
	return letter(stroke)
}

func presses(f *Form, strokes ...string) {
	for _, s := range strokes {
		f.Key(key(s))
	}
}

func texts(list ...string) (out []text.Text) {
	for _, s := range list {
		out = append(out, text.Clean(s))
	}
	return out
}

// machine is a form with a picklist on which another depends, a list of several, a free one and a reference.
func machine() *crm.Form {
	c := text.Clean
	return &crm.Form{Object: "Machine__c", Label: c("Machine"), Fields: []crm.FormField{
		{Name: "State", Label: c("State"), Type: "picklist", Options: texts("Running", "Stopped")},
		{Name: "Fault", Label: c("Fault"), Type: "picklist", Options: texts("None", "Noise", "No power"), Controller: "State", For: [][]string{{"Running"}, {"Running", "Stopped"}, {"Stopped"}}},
		{Name: "Services", Label: c("Services"), Type: "multipicklist", Options: texts("Install", "Repair", "Inspect"), Labels: texts("Set up", "Mend", "Look")},
		{Name: "Site", Label: c("Site"), Type: "combobox", Free: true, Options: texts("Yard", "Hall")},
		{Name: "Account", Label: c("Account"), Type: "reference", Refers: []string{"Account"}},
		{Name: "Text", Label: c("Text"), Type: "textarea", Length: 100, Help: c("What the customer says")},
	}}
}

func TestLettersFindAnOptionAndDependentOnesFollow(t *testing.T) {
	f := New(machine(), "k")
	presses(f, "s", "t", "o", "enter") // Stopped
	presses(f, "p", "o", "w")          // contains it
	if got := f.Now(); got["State"] != "Stopped" || got["Fault"] != "No power" {
		t.Fatalf("%v", got)
	}
	presses(f, "enter")
	f.Move(-2)
	presses(f, "r", "enter")
	if got := f.Now(); got["State"] != "Running" || got["Fault"] != "" || !strings.Contains(drawn(f), "State has changed") {
		t.Errorf("%v\n%s", got, drawn(f))
	}
	presses(f, "x")
	if got := f.Now(); got["Fault"] != "" || !strings.Contains(drawn(f), "no such choice") {
		t.Errorf("%v\n%s", got, drawn(f))
	}
	f.Move(1)
	if strings.Contains(drawn(f), "no such choice") {
		t.Error("a search that was left still complains")
	}
}

func TestADependentListIsEmptyUntilItsControllerIsChosen(t *testing.T) {
	f := New(machine(), "k")
	f.Move(1)
	presses(f, "right", "space")
	if got := f.Now(); got["Fault"] != "" || !strings.Contains(drawn(f), "choose State first") {
		t.Errorf("%v\n%s", got, drawn(f))
	}
}

func TestSeveralAreTickedWithSpaceAndShownByTheirLabels(t *testing.T) {
	f := New(machine(), "k")
	f.Move(2)
	presses(f, "space", "l", "space")
	if got := f.Now()["Services"]; got != "Install;Inspect" || !strings.Contains(drawn(f), "[✓] Look") || !strings.Contains(drawn(f), "[ ] Mend") {
		t.Errorf("%q\n%s", got, drawn(f))
	}
	presses(f, "space")
	if got := f.Now()["Services"]; got != "Install" {
		t.Errorf("%q", got)
	}
}

func TestAFreeListTakesWhatIsNotInIt(t *testing.T) {
	f := New(machine(), "k")
	f.Move(3)
	presses(f, "R", "o", "o", "f", "enter")
	if got := f.Now()["Site"]; got != "Roof" {
		t.Errorf("%q", got)
	}
}

func TestAReferenceAsksForWhatIsTypedAndTakesWhatWasFound(t *testing.T) {
	f := New(machine(), "k")
	f.Move(4)
	presses(f, "A", "c")
	ask := f.Take()
	if ask.Find == nil || *ask.Find != "Ac" || ask.Field != "Account" || ask.Changed {
		t.Fatalf("%+v", ask)
	}
	hit := crm.Hit{Ref: crm.Ref{Type: "Account", ID: "001000000000001", Name: text.Clean("Acme Ltd")}}
	f.Found(&desk.Found{Field: "Account", Query: text.Clean("A"), Hits: []crm.Hit{hit}}, false)
	presses(f, "enter") // an answer to another question is not taken
	if got := f.Now()["Account"]; got != "" {
		t.Errorf("%q", got)
	}
	f.Found(&desk.Found{Field: "Account", Query: text.Clean("Ac"), Hits: []crm.Hit{hit}}, false)
	if !strings.Contains(drawn(f), "▸ Acme Ltd") {
		t.Error(drawn(f))
	}
	presses(f, "enter")
	if got := f.Now()["Account"]; got != hit.ID || !strings.Contains(drawn(f), "Acme Ltd") || !f.Take().Changed {
		t.Errorf("%q\n%s", got, drawn(f))
	}
	f.Move(-1)
	presses(f, "backspace")
	if got := f.Now()["Account"]; got != "" {
		t.Errorf("taken away: %q", got)
	}
}

func TestDuplicatesAreOfferedAboveTheFields(t *testing.T) {
	for _, anyway := range []bool{true, false} {
		f := New(machine(), "k")
		told := machine()
		told.Error, told.AllowSave = text.Clean("Use one of these"), anyway
		told.Duplicates = []crm.Hit{{Ref: crm.Ref{Type: "Contact", ID: "003000000000001", Name: text.Clean("Ann")}}, {Ref: crm.Ref{Type: "Contact", ID: "003000000000002", Name: text.Clean("Anna")}}}
		f.Sync(told)
		if strings.Contains(drawn(f), "save anyway") != anyway {
			t.Errorf("allowed %v:\n%s", anyway, drawn(f))
		}
		f.Move(1)
		presses(f, "enter")
		if ask := f.Take(); ask.Use == nil || ask.Use.ID != "003000000000002" {
			t.Errorf("%+v", ask)
		}
		f.Move(1)
		presses(f, "enter")
		if ask := f.Take(); ask.SaveAnyway != anyway {
			t.Errorf("allowed %v: %+v", anyway, ask)
		}
	}
}

func TestWhatSomebodyElseWroteIsShownAndUntouchedFieldsFollow(t *testing.T) {
	c := func(s string) text.Block { return text.CleanBlock(s, 100) }
	old := &crm.Form{Object: "Contact", Record: crm.Ref{Type: "Contact", ID: "003000000000001"}, Base: map[string]string{"Title": "Buyer", "Email": "a@b"}, Fields: []crm.FormField{
		{Name: "Title", Label: text.Clean("Title"), Type: "string", Value: c("Buyer")}, {Name: "Email", Label: text.Clean("Email"), Type: "email", Value: c("a@b")}}}
	f := New(old, "")
	presses(f, "s")
	f.Sync(&crm.Form{Object: "Contact", Record: old.Record, Base: map[string]string{"Title": "Director", "Email": "new@b"}, Fields: []crm.FormField{
		{Name: "Title", Value: c("Buyers"), Theirs: text.Clean("Director"), Error: text.Clean("somebody wrote Director meanwhile")}, {Name: "Email", Value: c("new@b")}}})
	if got := f.Now(); got["Title"] != "Buyers" || got["Email"] != "new@b" || !strings.Contains(drawn(f), "Director") {
		t.Errorf("%v\n%s", got, drawn(f))
	}
}

func TestALongTextHasLinesACounterAndItsHelp(t *testing.T) {
	f := New(machine(), "k")
	f.Move(5)
	presses(f, "a")
	f.Key(tea.Key{Code: tea.KeyEnter, Mod: tea.ModAlt})
	presses(f, "b")
	if got := f.Now()["Text"]; got != "a\nb" || !strings.Contains(drawn(f), "3/100") || !strings.Contains(drawn(f), "What the customer says") {
		t.Errorf("%q\n%s", got, drawn(f))
	}
}

func TestAnotherRecordTypeIsAskedFor(t *testing.T) {
	g := &crm.Form{Object: "Case", RecordType: "1", Fields: []crm.FormField{{Name: crm.RecordTypeField, Type: "picklist", Options: texts("1", "2"), Labels: texts("Support", "Outage"), Value: text.CleanBlock("1", 9)}}}
	f := New(g, "")
	presses(f, "o")
	if ask := f.Take(); ask.RecordType != "2" || f.Is(&crm.Form{Object: "Case", RecordType: "2"}, "") {
		t.Errorf("%+v", ask)
	}
}
