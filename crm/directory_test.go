package crm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/number"
	"offhook/crm/practice"
	"offhook/internal/text"
)

func names(hits []Hit) string {
	var out []string
	for _, h := range hits {
		out = append(out, h.Type+" "+h.Name.String())
	}
	return strings.Join(out, ", ")
}

func TestTheStoryCallersAreFound(t *testing.T) {
	for _, mode := range []string{emulator.Normalise, emulator.Strict} {
		w := newWorld(t, emulator.Options{PhoneSearch: mode}, DirectorySettings{})
		for _, number := range []string{emulator.StoryKnownNumber, emulator.StoryKnownE164, "447814256404", "00447814256404"} {
			m := w.lookup(number)
			if hit, one := m.Only(); !one || hit.Name.String() != emulator.StoryKnownName || hit.Detail.String() != emulator.StoryKnownAccount || hit.Type != "Contact" {
				// In strict mode the exact spellings still find what the index does not.
				t.Errorf("%s, %s: %s %s %s", mode, number, m.State, names(m.Hits), m.Detail)
			}
		}
		if m := w.lookup(emulator.StorySharedNumber); m.State != MatchMany || len(m.Hits) != 3 && mode == emulator.Normalise {
			t.Errorf("%s: shared: %s %s", mode, m.State, names(m.Hits))
		}
		if m := w.lookup(emulator.StoryUnknownNumber); m.State != MatchNone || len(m.Hits) != 0 {
			t.Errorf("%s: unknown: %s %s", mode, m.State, names(m.Hits))
		}
	}
}

func TestInternalWithheldAndEmergencyNumbersMakeNoRequest(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{Numbers: number.Settings{Domain: "pbx.example"}})
	for number, want := range map[string]MatchState{
		"2104": MatchInternal, "*98": MatchInternal, "sip:priya@pbx.example": MatchInternal, "": MatchWithheld, "anonymous": MatchWithheld,
		"sip:anonymous@anonymous.invalid": MatchWithheld, "112": MatchNotSearched, "911": MatchNotSearched, "bob@elsewhere.example": MatchNone,
	} {
		if m := w.lookup(number); m.State != want {
			t.Errorf("%q: %s", number, m.State)
		}
	}
	if n := len(w.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestALookupIsOneSearchAndOneCompositeAndThenTheCache(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	if err := w.dir.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := len(w.Requests())
	w.lookup(emulator.StorySharedNumber)
	if n := len(w.Requests()) - before; n != 2 || w.DataRequests("/search") != 1 {
		t.Errorf("%d requests", n)
	}
	m := w.lookup(emulator.StorySharedE164)
	if len(w.Requests())-before != 2 || m.Via != "cache" || len(m.Hits) != 3 {
		t.Errorf("the second lookup asked again (%s, %d hits)", m.Via, len(m.Hits))
	}
	w.Sleep(2 * time.Minute)
	w.lookup(emulator.StorySharedNumber)
	if n := len(w.Requests()) - before; n != 4 {
		t.Errorf("after the cache's time: %d requests", n)
	}
}

func TestARecordMadeHereIsFoundBeforeTheIndexKnowsIt(t *testing.T) {
	w := newWorld(t, emulator.Options{PhoneSearch: emulator.Strict}, DirectorySettings{})
	w.Fault(emulator.Fault{Kind: emulator.FaultIndexLag, Seconds: 600})
	if m := w.lookup(emulator.StoryUnknownNumber); m.State != MatchNone {
		t.Fatal(m.State)
	}
	ref, form, err := w.dir.Create(t.Context(), "Lead", map[string]string{"LastName": "Smith", "FirstName": "Harriet", "Company": "Highbury", "Phone": "07700 900 461"})
	if err != nil || form != nil || ref.Name.String() != "Harriet Smith" {
		t.Fatal(ref, form, err)
	}
	m := w.lookup(emulator.StoryUnknownE164)
	if hit, one := m.Only(); !one || hit.ID != ref.ID || m.Via != "cache" {
		t.Errorf("%s %s via %s", m.State, names(m.Hits), m.Via)
	}
	if found, err := w.dir.Search(t.Context(), text.Clean("harriet smi"), false); err != nil || len(found.Hits) == 0 || found.Hits[0].ID != ref.ID {
		t.Errorf("by name: %s %v", names(found.Hits), err)
	}
}

func TestALookupThatFailsIsNotNobody(t *testing.T) {
	for _, f := range []emulator.Fault{
		{Kind: emulator.FaultBusy}, {Kind: emulator.FaultError}, {Kind: emulator.FaultHTML}, {Kind: emulator.FaultLimit},
		{Kind: emulator.FaultHTML, Status: 200}, {Kind: emulator.FaultHTML, Status: 403},
	} {
		w := newWorld(t, emulator.Options{}, DirectorySettings{})
		w.Fault(f)
		m := w.lookup(emulator.StoryKnownNumber)
		if m.State != MatchFailed || m.Detail.Empty() {
			t.Errorf("%s: %s %q", f.Kind, m.State, m.Detail)
		}
		w.ClearFaults()
		if f.Kind == emulator.FaultLimit {
			if m := w.lookup(emulator.StoryKnownNumber); m.State != MatchFailed {
				t.Errorf("lookups go on at once after the limit: %s", m.State)
			}
			w.Sleep(2 * limitPause)
		}
		if m := w.lookup(emulator.StoryKnownNumber); m.State != MatchOne {
			t.Errorf("%s: afterwards %s %s", f.Kind, m.State, m.Detail)
		}
	}
}

func TestASlowSalesforceEndsTheLookupAtItsDeadline(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{Deadline: 150 * time.Millisecond})
	if err := w.dir.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Fault(emulator.Fault{Kind: emulator.FaultLatency, Milliseconds: 60000})
	m := w.lookup(emulator.StoryKnownNumber)
	if m.State != MatchFailed || !strings.Contains(m.Detail.String(), "did not answer in time") {
		t.Errorf("%s %q", m.State, m.Detail)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the caller hung up
	if m := w.dir.Lookup(ctx, text.Clean(emulator.StoryKnownNumber), Inbound); m.State != MatchFailed {
		t.Errorf("cancelled: %s", m.State)
	}
}

func TestOneWayOfSearchingIsEnough(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{Grace: 50 * time.Millisecond})
	if err := w.dir.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Fault(emulator.Fault{Kind: emulator.FaultLatency, Milliseconds: 60000, Path: "/composite"})
	if m := w.lookup(emulator.StoryKnownNumber); m.State != MatchOne || m.Via != "sosl" {
		t.Errorf("without the second: %s %s", m.State, m.Via)
	}
	w.ClearFaults()
	w.Fault(emulator.Fault{Kind: emulator.FaultBusy, Path: "/search"})
	w.Sleep(2 * time.Minute)
	if m := w.lookup(emulator.StoryKnownNumber); m.State != MatchOne || m.Via != "soql" {
		t.Errorf("without the first: %s %s %s", m.State, m.Via, m.Detail)
	}
	if m := w.lookup(emulator.StoryUnknownNumber); m.State != MatchFailed {
		t.Errorf("nobody by spelling alone is %s", m.State)
	}
}

func TestAnObjectOrFieldThatTheUserCannotSeeIsLeftOut(t *testing.T) {
	w := newWorld(t, emulator.Options{Without: []string{"Lead", "Contact.MobilePhone"}}, DirectorySettings{})
	if m := w.lookup(emulator.StorySharedNumber); m.State != MatchMany || len(m.Hits) != 2 {
		t.Errorf("%s %s %s", m.State, names(m.Hits), m.Detail)
	}
	if err := w.dir.Warm(t.Context()); err != nil {
		t.Errorf("learning: %v", err)
	}
}

func TestTheLastCallsOfTheDayAreKeptForRecords(t *testing.T) {
	w := newWorld(t, emulator.Options{APILimit: 40}, DirectorySettings{})
	for range 60 {
		if w.SF.Budget().Critical() {
			break
		}
		if _, err := w.SF.Version(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.SF.User(t.Context())
		w.SF.Query(t.Context(), selectNothing())
	}
	before := len(w.Requests())
	m := w.lookup(emulator.StoryKnownNumber)
	if m.State != MatchFailed || !strings.Contains(m.Detail.String(), "95 %") || len(w.Requests()) != before {
		t.Errorf("%s %q, %d requests", m.State, m.Detail, len(w.Requests())-before)
	}
}

func TestAHostileCallerIdFindsNobodyAndBreaksNothing(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{LikeObjects: []string{"Contact", "Lead", "Account"}})
	for _, raw := range practice.HostileNumbers() {
		m := w.lookup(raw)
		if m.State == MatchFailed {
			t.Errorf("%q: %s", raw, m.Detail)
		}
		if m.State == MatchMany {
			t.Errorf("%q found %s", raw, names(m.Hits))
		}
	}
}

func TestTheCardShowsTheCompactLayoutAndWhatBelongsToTheRecord(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	fredRef := w.ref("Contact", emulator.StoryKnownName)
	if err := w.dir.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := len(w.Requests())
	card, err := w.dir.Card(t.Context(), fredRef)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(w.Requests()) - before; n != 1 {
		t.Errorf("a known object's card took %d requests", n)
	}
	if card.Name.String() != emulator.StoryKnownName || card.Label.Empty() || card.AccountID == "" || !strings.Contains(card.URL.String(), "/lightning/r/Contact/"+fredRef.ID) {
		t.Errorf("%+v", card)
	}
	phone, ref := false, false
	for _, f := range card.Fields {
		phone = phone || f.Kind == KindPhone && f.Value.String() == emulator.StoryKnownStored
		ref = ref || f.Kind == KindRef && f.Ref.Type == "Account" && f.Value.String() == emulator.StoryKnownAccount
		if f.Label.Empty() {
			t.Errorf("%s has no label", f.Name)
		}
	}
	if !phone || !ref {
		t.Errorf("fields %+v", card.Fields)
	}
	if len(card.Related) == 0 || card.Related[0].Type != "Case" || !strings.Contains(card.Related[0].Name.String(), emulator.StoryKnownCaseSubject) {
		t.Fatalf("related %+v", card.Related)
	}
	kase, err := w.dir.Card(t.Context(), card.Related[0].Ref)
	if err != nil || !SameID(kase.ContactID, fredRef.ID) || !strings.Contains(kase.Name.String(), emulator.StoryKnownCaseSubject) {
		t.Errorf("%+v %v", kase, err)
	}
	a := Associate(AssocInput{Current: CardHit(kase), Match: matchOf(CardHit(card))})
	if !SameID(a.Who.ID, fredRef.ID) || a.What.ID != kase.ID {
		t.Errorf("association of the case: %+v", a)
	}
	for _, object := range []string{"Lead", "Account"} {
		name := map[string]string{"Lead": emulator.StorySharedLead, "Account": emulator.StorySharedAccount}[object]
		if c, err := w.dir.Card(t.Context(), w.ref(object, name)); err != nil || c.Name.String() != name || len(c.Fields) == 0 {
			t.Errorf("%s: %+v %v", object, c, err)
		}
	}
}

func TestACardThatCannotBeReadSaysWhyInOneLine(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	for _, ref := range []Ref{{Type: "Contact", ID: "003000000000000AAA"}, {Type: "Contact'", ID: "003000000000000"}, {Type: "Nothing__c", ID: "003000000000000"}, {}} {
		_, err := w.dir.Card(t.Context(), ref)
		var line *LineError
		if !errors.As(err, &line) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v", ref, err)
		}
	}
	w.Fault(emulator.Fault{Kind: emulator.FaultBusy})
	if _, err := w.dir.Card(t.Context(), w.ref("Contact", emulator.StoryKnownName)); err == nil || !strings.Contains(err.Error(), "tried again") {
		t.Errorf("%v", err)
	}
}

func TestSearchByNumberNameAndEMail(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	fredRec, _ := w.Find("Contact", "Name", emulator.StoryKnownName)
	mail, _ := fredRec["Email"].(string)
	for _, q := range []string{"fred blo", "Bloggs", emulator.StoryKnownNumber, "07814 256", mail} {
		if q == "" {
			t.Fatal("Fred has no e-mail address")
		}
		found, err := w.dir.Search(t.Context(), text.Clean(q), false)
		hits := found.Hits
		if err != nil || !strings.Contains(names(hits), emulator.StoryKnownName) {
			t.Errorf("%q: %s %v", q, names(hits), err)
		}
	}
	for _, q := range []string{"", "x", "  "} {
		if _, err := w.dir.Search(t.Context(), text.Clean(q), false); err == nil {
			t.Errorf("%q was searched", q)
		}
	}
	for _, q := range practice.HostileNumbers() {
		if _, err := w.dir.Search(t.Context(), text.Clean(q), false); err != nil && strings.Contains(err.Error(), "defect") {
			t.Errorf("%q: %v", q, err)
		}
	}
}

func TestTheNewFormHasTheNumberAndTheNeededFields(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	field := func(f Form, name string) FormField {
		for _, x := range f.Fields {
			if x.Name == name {
				return x
			}
		}
		t.Errorf("%s has no %s", f.Object, name)
		return FormField{}
	}
	f, err := w.dir.Form(t.Context(), FormAsk{Object: "", Number: text.Clean(emulator.StoryUnknownNumber)})
	if err != nil || f.Object != "Lead" || f.Label.Empty() {
		t.Fatal(f, err)
	}
	if field(f, "Phone").Value.String() != emulator.StoryUnknownNumber || // a number of no plan stays as it was signalled
		!field(f, "LastName").Required || !field(f, "Company").Required || field(f, "FirstName").Required {
		t.Errorf("%+v", f.Fields)
	}
	if g, err := w.dir.Form(t.Context(), FormAsk{Object: "Lead", Number: text.Clean(emulator.StoryKnownNumber)}); err != nil || field(g, "Phone").Value.String() != emulator.StoryKnownE164 {
		t.Errorf("%+v %v", g, err)
	}
	if s := field(f, "Status"); len(s.Options) == 0 {
		t.Errorf("no choices for Status: %+v", s)
	}
	for _, object := range []string{"Contact", "Account", "Case", "Opportunity"} {
		if f, err := w.dir.Form(t.Context(), FormAsk{Object: object, Number: text.Clean("anonymous")}); err != nil || len(f.Fields) < 3 {
			t.Errorf("%s: %+v %v", object, f, err)
		} else {
			for _, x := range f.Fields {
				if x.Type == "phone" && !x.Value.Empty() {
					t.Errorf("%s: a withheld number was filled in: %s", object, x.Value)
				}
			}
		}
	}
	if _, err := w.dir.Form(t.Context(), FormAsk{Object: "Nothing__c", Number: text.Text{}}); err == nil {
		t.Error("a form of an object that does not exist")
	}
}

func TestWhatIsMissingIsToldBeforeAnythingIsSent(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	if _, err := w.dir.Form(t.Context(), FormAsk{Object: "Lead", Number: text.Text{}}); err != nil {
		t.Fatal(err)
	}
	before := len(w.Requests())
	ref, form, err := w.dir.Create(t.Context(), "Lead", map[string]string{"FirstName": "Harriet", "Phone": "07700900461"})
	if err == nil || form == nil || !ref.Zero() || len(w.Requests()) != before {
		t.Fatal(ref, form, err)
	}
	marked := 0
	for _, f := range form.Fields {
		if !f.Error.Empty() {
			marked++
		}
		if f.Name == "FirstName" && f.Value.String() != "Harriet" {
			t.Error("what was typed is gone")
		}
	}
	if marked < 2 || !strings.Contains(form.Error.String(), "Company") {
		t.Errorf("%d marked, %q", marked, form.Error)
	}
}

func TestSalesforcesObjectionsComeBackInTheForm(t *testing.T) {
	lead := map[string]string{"LastName": "Smith", "Company": "Highbury", "Phone": "07700900461"}
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	w.Fault(emulator.Fault{Kind: emulator.FaultValidation, Object: "Lead", Times: 1, Message: "Company must not be Highbury", Field: "Company"})
	_, form, err := w.dir.Create(t.Context(), "Lead", lead)
	if err == nil || form == nil || !strings.Contains(form.Error.String(), "must not be Highbury") {
		t.Fatalf("%+v %v", form, err)
	}
	found := false
	for _, f := range form.Fields {
		found = found || f.Name == "Company" && strings.Contains(f.Error.String(), "must not be Highbury")
	}
	if !found {
		t.Errorf("the complaint is not at its field: %+v", form.Fields)
	}

	w.Fault(emulator.Fault{Kind: emulator.FaultDuplicate, Object: "Lead", AllowSave: true})
	_, form, err = w.dir.Create(t.Context(), "Lead", lead)
	var dup *DuplicateError
	if !errors.As(err, &dup) || !dup.AllowSave || form == nil || !strings.Contains(form.Error.String(), "save anyway") {
		t.Fatalf("%+v %v", form, err)
	}
	lead[SaveAnyway] = "true"
	if ref, _, err := w.dir.Create(t.Context(), "Lead", lead); err != nil || ref.Zero() {
		t.Errorf("save anyway: %v", err)
	}
	w.ClearFaults()

	delete(lead, SaveAnyway)
	w.Fault(emulator.Fault{Kind: emulator.FaultDropReply, Object: "Lead", Times: 1})
	before := len(w.Records("Lead", true))
	_, form, err = w.dir.Create(t.Context(), "Lead", lead)
	if err == nil || form != nil || !strings.Contains(err.Error(), "may exist already") {
		t.Errorf("without reply: %+v %v", form, err)
	}
	if n := len(w.Records("Lead", true)) - before; n != 1 {
		t.Errorf("%d leads were made", n)
	}
}

func BenchmarkLookupAgainstThePracticeOrg(b *testing.B) {
	srv, err := emulator.New(emulator.Options{})
	if err != nil {
		b.Fatal(err)
	}
	url, err := srv.Start(b.Context(), "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Close()
	cred := srv.Credentials()
	sf := benchClient(b, url, cred.AccessToken)
	dir := NewDirectory(sf, DirectorySettings{Numbers: number.Settings{Region: "GB"}, CacheFor: time.Nanosecond})
	defer dir.Close()
	if err := dir.Warm(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if m := dir.Lookup(b.Context(), text.Clean(emulator.StoryKnownNumber), Inbound); m.State != MatchOne {
			b.Fatal(m.State, m.Detail)
		}
	}
}
