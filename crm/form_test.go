package crm

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

func (w *world) form(ask FormAsk) Form {
	w.T.Helper()
	f, err := w.dir.Form(w.T.Context(), ask)
	if err != nil {
		w.T.Fatal(err)
	}
	return f
}

func options(fd *FormField, controlling string) string {
	var out []string
	for _, i := range fd.Offered(controlling) {
		out = append(out, fd.Options[i].String())
	}
	return strings.Join(out, ",")
}

func TestAFormBeginsWithWhatIsNeededAndGoesOnAsThePageDoes(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	f := w.form(FormAsk{Object: "Lead"})
	needed := true
	for _, fd := range f.Fields {
		if fd.Required && !needed {
			t.Errorf("%s is needed, and stands after what is not", fd.Name)
		}
		needed = fd.Required
	}
	if f.Field("Status").Value.String() != "Open - Not Contacted" {
		t.Errorf("the default of Status: %q", f.Field("Status").Value)
	}
}

func TestADependentPicklistOffersWhatItsControllerAllows(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	f := w.form(FormAsk{Object: "Machine__c"})
	fault := f.Field("Fault__c")
	if fault == nil || fault.Controller != "State__c" {
		t.Fatalf("%+v", f)
	}
	for state, want := range map[string]string{"Running": "None,Noise", "Stopped": "Noise,No power,Broken", "": ""} {
		if got := options(fault, state); got != want {
			t.Errorf("%q offers %s, want %s", state, got, want)
		}
	}
	_, form, err := w.dir.Create(t.Context(), "Machine__c", map[string]string{"Name": "Press", "State__c": "Running", "Fault__c": "Broken"})
	if err == nil || form == nil || !strings.Contains(form.Field("Fault__c").Error.String(), "not offered with this State") {
		t.Errorf("%+v %v", form, err)
	}
	ref, _, err := w.dir.Create(t.Context(), "Machine__c", map[string]string{"Name": "Press", "State__c": "Stopped", "Fault__c": "Broken", "Services__c": "Repair;Inspect"})
	if err != nil || ref.Name.String() != "Press" {
		t.Fatal(ref, err)
	}
	if r, _ := w.Find("Machine__c", "Id", ref.ID); r["Services__c"] != "Repair;Inspect" || r["Fault__c"] != "Broken" {
		t.Errorf("%v", r)
	}
}

func TestTheRecordTypeDecidesWhatAPicklistOffers(t *testing.T) {
	w := newWorld(t, emulator.Options{RecordTypes: []emulator.RecordType{
		{Object: "Case", DeveloperName: "Support", Name: "Support", Default: true, Picklists: map[string][]string{"Priority": {"Low", "Medium"}}},
		{Object: "Case", DeveloperName: "Outage", Name: "Power cut", Picklists: map[string][]string{"Priority": {"High"}}},
	}}, DirectorySettings{})
	f := w.form(FormAsk{Object: "Case"})
	kind := f.Field(RecordTypeField)
	if kind == nil || len(kind.Options) != 2 || kind.Value.String() != f.RecordType || kind.Option(1).String() != "Power cut" {
		t.Fatalf("%+v", kind)
	}
	if got := options(f.Field("Priority"), ""); got != "Medium,Low" && got != "Low,Medium" {
		t.Error("Support offers", got)
	}
	if got := f.Field("Priority").Value.String(); got != "Medium" {
		t.Errorf("Support begins with %q", got)
	}
	outage := kind.Options[1].String()
	g := w.form(FormAsk{Object: "Case", RecordType: outage, Values: map[string]string{"Subject": "No light"}})
	if got := g.Field("Priority").Value.String(); got != "" {
		t.Errorf("a power cut begins with %q, which it does not offer", got)
	}
	if g.RecordType != outage || options(g.Field("Priority"), "") != "High" || g.Field("Subject").Value.String() != "No light" {
		t.Errorf("%+v", g)
	}
	if _, form, err := w.dir.Create(t.Context(), "Case", map[string]string{RecordTypeField: outage, "Subject": "x", "Status": "New", "Priority": "Low"}); err == nil || form.Field("Priority").Error.Empty() {
		t.Errorf("a priority of another record type was taken: %v", err)
	}
	ref, _, err := w.dir.Create(t.Context(), "Case", map[string]string{RecordTypeField: outage, "Subject": "x", "Status": "New", "Priority": "High"})
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := w.Find("Case", "Id", ref.ID); !SameID(r[RecordTypeField].(string), outage) {
		t.Errorf("%v", r)
	}
}

func TestAReferenceIsFoundByItsNameAndKeepsIt(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	f := w.form(FormAsk{Object: "Contact"})
	account := f.Field("AccountId")
	if account == nil || !slices.Equal(account.Refers, []string{"Account"}) {
		t.Fatalf("%+v", account)
	}
	acc, _, err := w.dir.Create(t.Context(), "Account", map[string]string{"Name": "Zebra Bakery"})
	if err != nil {
		t.Fatal(err)
	}
	hits, err := w.dir.References(t.Context(), account.Refers, text.Clean("zeb"))
	if err != nil || len(hits) != 1 || !SameID(hits[0].ID, acc.ID) {
		t.Fatalf("%+v %v", hits, err)
	}
	ref, _, err := w.dir.Create(t.Context(), "Contact", map[string]string{"LastName": "Baker", "AccountId": acc.ID})
	if err != nil {
		t.Fatal(err)
	}
	g := w.form(FormAsk{Record: ref})
	if got := g.Field("AccountId"); got.Value.String() == "" || got.Shown.String() != "Zebra Bakery" {
		t.Errorf("%+v", got)
	}
	if _, err := w.dir.References(t.Context(), []string{"User", "Group"}, text.Clean("al")); err != nil {
		t.Errorf("an owner: %v", err)
	}
	if _, err := w.dir.References(t.Context(), account.Refers, text.Clean("z")); err == nil {
		t.Error("one letter is a search")
	}
}

func TestTheChooserListsWhatPeopleMakeCustomObjectsToo(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	list, err := w.dir.Objects(t.Context())
	if err != nil || len(list) < 6 || list[0].Name != "Lead" || !slices.ContainsFunc(list, func(o ObjectName) bool { return o.Name == "Machine__c" && o.Custom }) {
		t.Errorf("%+v %v", list, err)
	}
}

func TestDefaultsAreLiteralsOnly(t *testing.T) {
	for formula, want := range map[string]string{
		`"Phone"`: "Phone", `'Phone'`: "Phone", `5`: "5", `-1.5`: "-1.5", `TRUE`: "true", `false`: "false", `TODAY()`: "", `"a" & "b"`: "", `1-2`: "", ``: "", `"`: "", `$User.Id`: "",
	} {
		got := defaultOf(salesforce.Field{Formula: formula})
		if got != want {
			t.Errorf("%s gives %q, want %q", formula, got, want)
		}
	}
	if defaultOf(salesforce.Field{Default: true}) != "true" || defaultOf(salesforce.Field{Default: json.Number("3")}) != "3" || defaultOf(salesforce.Field{Default: "x"}) != "x" {
		t.Error("a default value is lost")
	}
}

func TestNumbersAreReadAsTheAgentWritesThem(t *testing.T) {
	for _, c := range []struct{ locale, typed, want string }{
		{"en_GB", "1234.56", "1234.56"}, {"en_GB", "1,234.56", "1234.56"}, {"en_GB", "1,23", ""}, {"en_GB", "1.234,56", ""}, {"en_GB", "1,234", "1234"},
		{"de_DE", "1.234,56", "1234.56"}, {"de_DE", "1234,5", "1234.5"}, {"de_DE", "1.23", ""}, {"de_DE", "1.234", "1234"}, {"fr_FR", "1 234,5", "1234.5"},
		{"de_CH", "1'234.50", "1234.50"}, {"es_MX", "1,234.5", "1234.5"}, {"es_ES", "1.234,5", "1234.5"}, {"", "-7", "-7"}, {"", "+7", "7"}, {"", ".5", "0.5"},
		{"", "5.", ""}, {"", "", ""}, {"", "1e9", ""}, {"", "0x10", ""}, {"", "1.2.3", ""}, {"", "007", "7"}, {"", "−4", "-4"}, {"", "--4", ""}, {"", "NaN", ""}, {"en_US", ",234", ""},
	} {
		got, err := localeOf(c.locale).number(c.typed)
		if got.String() != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s %q gives %q %v, want %q", c.locale, c.typed, got, err, c.want)
		}
	}
}

func TestValuesAreCheckedBeforeTheyAreSent(t *testing.T) {
	d := NewDirectory(nil, DirectorySettings{Locale: func() string { return "de_DE" }, Zone: func() *time.Location { return time.FixedZone("", 3600) },
		Now: func() time.Time { return time.Date(2026, 11, 21, 23, 30, 0, 0, time.UTC) }}) // already the 22nd there
	defer d.Close()
	for _, c := range []struct {
		field salesforce.Field
		typed string
		want  string // "" for refused
	}{
		{salesforce.Field{Type: "boolean"}, "yes", "true"}, {salesforce.Field{Type: "boolean"}, "perhaps", ""},
		{salesforce.Field{Type: "currency", Precision: 6, Scale: 2}, "€ 1.234,5", "1234.5"}, {salesforce.Field{Type: "currency", Precision: 6, Scale: 2}, "12345", ""},
		{salesforce.Field{Type: "percent", Precision: 3}, "50 %", "50"}, {salesforce.Field{Type: "int", Digits: 3}, "12,0", "12"},
		{salesforce.Field{Type: "int", Digits: 3}, "1,5", ""}, {salesforce.Field{Type: "int", Digits: 3}, "1234", ""},
		{salesforce.Field{Type: "date"}, "24.12.2026", `"2026-12-24"`}, {salesforce.Field{Type: "date"}, "24/12/2026", `"2026-12-24"`}, {salesforce.Field{Type: "date"}, "today", `"2026-11-22"`},
		{salesforce.Field{Type: "date"}, "+7", `"2026-11-29"`}, {salesforce.Field{Type: "date"}, "31.2.2026", ""}, {salesforce.Field{Type: "date"}, "+7x", ""}, {salesforce.Field{Type: "date"}, "1.1.0001", ""},
		{salesforce.Field{Type: "datetime"}, "2026-12-24 14:30", `"2026-12-24T13:30:00.000Z"`}, {salesforce.Field{Type: "datetime"}, "morgens", ""},
		{salesforce.Field{Type: "time"}, "2:30pm", `"14:30:00.000Z"`}, {salesforce.Field{Type: "time"}, "25:00", ""},
		{salesforce.Field{Type: "email"}, "a@b.example", `"a@b.example"`}, {salesforce.Field{Type: "email"}, "a b@c", ""}, {salesforce.Field{Type: "email"}, "nobody", ""},
		{salesforce.Field{Type: "reference"}, "003000000000001AAA", `"003000000000001AAA"`}, {salesforce.Field{Type: "reference"}, "Miller", ""},
		{salesforce.Field{Type: "textarea"}, "one\ntwo", `"one\ntwo"`}, {salesforce.Field{Type: "string"}, "one\x1b[31m", `"one"`},
	} {
		v, err := d.jsonValue(c.field, c.typed)
		got := ""
		if err == nil {
			b, _ := json.Marshal(v)
			got = string(b)
		}
		if got != c.want {
			t.Errorf("%s %q gives %s %v, want %s", c.field.Type, c.typed, got, err, c.want)
		}
	}
}

func TestBothSpellingsOfADuplicateRefusalAreUnderstood(t *testing.T) {
	for _, key := range []string{"duplicateResut", "duplicateResult"} {
		for _, allow := range []string{"true", "false"} {
			w := newWorld(t, emulator.Options{}, DirectorySettings{})
			alex := w.ref("Contact", emulator.StoryKnownName)
			w.Answer(func(r *http.Request) (int, string, bool) {
				return 400, `[{"` + key + `":{"allowSave":` + allow + `,"duplicateRule":"Standard_Contact_Duplicate_Rule","duplicateRuleEntityType":"Contact","errorMessage":"Use one of these records?","matchResults":[{"entityType":"Contact","errors":[],"matchEngine":"ExactMatchEngine","rule":"x","size":1,"success":true,"matchRecords":[{"additionalInformation":[],"fieldDiffs":[],"matchConfidence":100,"record":{"attributes":{},"Id":"` +
					alex.ID + `","Name":"x"}}]}]},"errorCode":"DUPLICATES_DETECTED","message":"Use one of these records?","fields":[]}]`, r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/sobjects/Contact")
			})
			_, form, err := w.dir.Create(t.Context(), "Contact", map[string]string{"LastName": "Abbott"})
			var twice *DuplicateError
			if !errors.As(err, &twice) || form == nil || len(form.Duplicates) != 1 || !SameID(form.Duplicates[0].ID, alex.ID) || form.AllowSave != (allow == "true") {
				t.Errorf("%s, allowSave %s: %+v %v", key, allow, form, err)
			}
		}
	}
}

func TestARuleOfTheOrgOffersTheExistingRecord(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	set := w.Settings()
	set.DuplicateRules = []emulator.DuplicateRule{{Object: "Contact", Match: []string{"Email"}, AllowSave: true}}
	if err := w.SetSettings(set); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"LastName": "Twice", "Email": "twice@example.com"}
	first, _, err := w.dir.Create(t.Context(), "Contact", values)
	if err != nil {
		t.Fatal(err)
	}
	_, form, err := w.dir.Create(t.Context(), "Contact", values)
	if err == nil || form == nil || len(form.Duplicates) != 1 || !SameID(form.Duplicates[0].ID, first.ID) || form.Duplicates[0].Name.String() != "Twice" || !form.AllowSave {
		t.Fatalf("%+v %v", form, err)
	}
	values[SaveAnyway] = "true"
	if second, _, err := w.dir.Create(t.Context(), "Contact", values); err != nil || SameID(second.ID, first.ID) {
		t.Errorf("save anyway: %v %v", second, err)
	}
}

func TestAChangeTouchesOnlyWhatWasChangedAndOnlyWhatNobodyElseDid(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	ref, _, err := w.dir.Create(t.Context(), "Contact", map[string]string{"LastName": "Change", "FirstName": "Ann", "Title": "Buyer", "Email": "ann@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	f := w.form(FormAsk{Record: ref, Focus: "Title"})
	if f.Record.Name.String() != "Ann Change" || f.Base["Title"] != "Buyer" || f.Focus != "Title" || f.Since == "" {
		t.Fatalf("%+v", f)
	}
	w.Sleep(3 * time.Second)
	if err := w.SF.Update(t.Context(), "Contact", ref.ID, map[string]any{"Email": "ann@new.example"}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, fd := range f.Fields {
		values[fd.Name] = fd.Value.String()
	}
	values["Title"] = "Head of buying"
	if _, form, err := w.dir.Update(t.Context(), FormUpdate{Record: ref, Base: f.Base, Values: values, Since: f.Since}); err != nil || form != nil {
		t.Fatalf("another field was changed meanwhile: %+v %v", form, err)
	}
	if r, _ := w.Find("Contact", "Id", ref.ID); r["Title"] != "Head of buying" || r["Email"] != "ann@new.example" {
		t.Errorf("%v", r)
	}

	f = w.form(FormAsk{Record: ref})
	w.Sleep(3 * time.Second)
	if err := w.SF.Update(t.Context(), "Contact", ref.ID, map[string]any{"Title": "Director"}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	values["Title"], values["Email"] = "Boss", "ann@new.example"
	_, form, err := w.dir.Update(t.Context(), FormUpdate{Record: ref, Base: f.Base, Values: values, Since: f.Since})
	if err == nil || form == nil || form.Field("Title").Theirs.String() != "Director" || form.Field("Title").Value.String() != "Boss" {
		t.Fatalf("%+v %v", form, err)
	}
	if _, form, err := w.dir.Update(t.Context(), FormUpdate{Record: ref, Base: form.Base, Values: values, Since: form.Since}); err != nil || form != nil {
		t.Fatalf("saved again: %+v %v", form, err)
	}
	if r, _ := w.Find("Contact", "Id", ref.ID); r["Title"] != "Boss" {
		t.Errorf("%v", r)
	}
	values["LastName"] = ""
	if _, form, err := w.dir.Update(t.Context(), FormUpdate{Record: ref, Base: form.Base, Values: values, Since: form.Since}); err == nil || form == nil || form.Field("LastName").Error.Empty() {
		t.Errorf("a name was taken away: %+v %v", form, err)
	}
}

func FuzzNumberAsTyped(f *testing.F) {
	for _, s := range []string{"1.234,5", "-", "0,", "١٢", "9999999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, l := range []string{"de_DE", "en_US"} {
			if n, err := localeOf(l).number(s); err == nil && !json.Valid([]byte(n)) {
				t.Errorf("%q gives %q", s, n)
			}
		}
	})
}

func TestAComplaintAboutAFieldThatTheFormDoesNotHaveNamesIt(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	set := w.Settings()
	set.ValidationRules = []emulator.ValidationRule{
		{Object: "Case", When: "Priority = 'High' AND Reason = null", Field: "Reason", Message: "Say why it is urgent."},
		{Object: "Case", When: "Priority = 'Low' AND Subject = null", Field: "Subject", Message: "Say what it is."},
	}
	if err := w.SetSettings(set); err != nil {
		t.Fatal(err)
	}
	for priority, want := range map[string]string{"High": "Case Reason (not in this form): Say why it is urgent.", "Low": "Say what it is."} {
		_, form, err := w.dir.Create(t.Context(), "Case", map[string]string{"Status": "New", "Priority": priority})
		if err == nil || form == nil || form.Error.String() != want {
			t.Errorf("%s: %+v %v", priority, form, err)
		}
	}
}
