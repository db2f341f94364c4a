package form

import (
	"maps"
	"strings"
	"testing"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/ui/theme"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

func described() *crm.Form {
	c := text.Clean
	return &crm.Form{Object: "Lead", Label: c("Lead"), Fields: []crm.FormField{
		{Name: "LastName", Label: c("Last Name"), Type: "string", Required: true, Length: 5},
		{Name: "Phone", Label: c("Phone"), Type: "phone", Value: text.CleanBlock("0207 946", 100)},
		{Name: "Source", Label: c("Source"), Type: "picklist", Options: []text.Text{c("Web"), c("Phone"), c("Partner")}},
		{Name: "Call", Label: c("Call"), Type: "boolean"},
	}}
}

func typing(f *Form, keys ...tea.Key) {
	for _, k := range keys {
		f.Key(k)
	}
}

func letter(s string) tea.Key { return tea.Key{Code: []rune(s)[0], Text: s} }

func TestValuesAreByAPINameWithoutTheEmptyOnes(t *testing.T) {
	f := New(described(), "k1")
	typing(f, letter("L"), letter("o"), letter("n"), letter("g"), letter("e"), letter("r")) // five characters fit
	f.Move(2)
	typing(f, letter("p"), letter("p")) // Phone, then Partner
	f.Move(1)
	typing(f, tea.Key{Code: tea.KeySpace, Text: " "})
	got, ok := f.Values()
	if want := map[string]string{"LastName": "Longe", "Phone": "0207 946", "Source": "Partner", "Call": "true"}; !ok || !maps.Equal(got, want) {
		t.Errorf("%v %v", got, ok)
	}
}

func TestAMissingRequiredFieldIsNamedAndGetsTheFocus(t *testing.T) {
	f := New(described(), "k1")
	f.Move(1)
	if _, ok := f.Values(); ok || f.focus != 0 || !strings.Contains(drawn(f), "is needed") {
		t.Errorf("focus on %d\n%s", f.focus, drawn(f))
	}
	typing(f, letter("x"))
	if strings.Contains(drawn(f), "is needed") {
		t.Error("the complaint stays after the field was filled in")
	}
}

func TestAComplaintFromSalesforceStandsBesideItsField(t *testing.T) {
	f := New(described(), "k1")
	typing(f, letter("x"))
	told := described()
	told.Error, told.Fields[1].Error = text.Clean("not saved"), text.Clean("too short")
	f.Sync(told)
	if out := drawn(f); f.focus != 1 || !strings.Contains(out, "✗ too short") || !strings.Contains(out, "✗ not saved") || !strings.Contains(out, "x") {
		t.Errorf("focus on %d\n%s", f.focus, out)
	}
	typing(f, letter("1"))
	f.Sync(told) // the same complaint again, about a value that is being changed
	if strings.Contains(drawn(f), "too short") {
		t.Error("the old complaint comes back while the field is being corrected")
	}
}

func TestOnlyTypingCountsAsTyped(t *testing.T) {
	f := New(described(), "k1")
	f.Move(1)
	typing(f, tea.Key{Code: tea.KeyLeft}, tea.Key{Code: tea.KeyEnter})
	if f.Typed() {
		t.Error("moving about counts as typing")
	}
	f.Paste("5")
	f.Move(-1)
	f.Paste("5")
	if !f.Typed() {
		t.Error("a paste does not count")
	}
}

func drawn(f *Form) string {
	th, _ := theme.Named("dark", true)
	lines, _, _ := f.Draw(th, 80, 12)
	return ansi.Strip(strings.Join(lines, "\n"))
}
