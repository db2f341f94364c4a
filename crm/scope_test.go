package crm

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/layout"
	"offhook/internal/text"
)

// withLayout is a practice org whose directory follows a layout, written as an administrator writes it.
func withLayout(t *testing.T, opt emulator.Options, raw string) *world {
	t.Helper()
	l, warnings, err := layout.Parse([]byte(raw))
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return newWorld(t, opt, DirectorySettings{Layout: func() *layout.Layout { return &l }})
}

// searched returns the objects that the searches so far asked for.
func (w *world) searched() string {
	var out []string
	for _, r := range w.Requests() {
		if !strings.Contains(r.Path, "/search") {
			continue
		}
		_, returning, _ := strings.Cut(r.Query, "RETURNING")
		for _, o := range []string{"Contact", "Lead", "Account", "Machine__c", "User"} {
			if strings.Contains(returning, o+"(") || strings.Contains(returning, o+"%28") {
				out = append(out, o)
			}
		}
	}
	return strings.Join(out, " ")
}

func TestALookupSearchesTheLayoutsObjectsOfItsDirectionAndNoOthers(t *testing.T) {
	w := withLayout(t, emulator.Options{}, `{"Inbound":{"objects":{"Lead":["Name","Company"]}},"Outbound":{"objects":{"Contact":["Name","Title"]}}}`)
	w.warm()                                        // what is learnt in the background after a first lookup would be counted below
	number := text.Clean(emulator.StoryKnownNumber) // a contact's
	if m := w.dir.Lookup(t.Context(), number, Inbound); m.State != MatchNone {
		t.Errorf("inbound: %s %s", m.State, names(m.Hits))
	}
	if got := w.searched(); got != "Lead" {
		t.Errorf("inbound searched %s", got)
	}
	m := w.dir.Lookup(t.Context(), number, Outbound)
	if hit, one := m.Only(); !one || hit.Name.String() != emulator.StoryKnownName {
		t.Errorf("outbound: %s %s: the other direction's result was used", m.State, names(m.Hits))
	}
	before := len(w.Requests())
	if m := w.dir.Lookup(t.Context(), number, Internal); m.State != MatchInternal || len(w.Requests()) != before {
		t.Errorf("internal: %s", m.State)
	}
}

func TestALayoutWithoutObjectsFindsNobodyAndAsksNobody(t *testing.T) {
	w := withLayout(t, emulator.Options{}, `{"Inbound":{"callRelatedFields":["ANI"]},"Outbound":{"objects":{}}}`)
	for _, dir := range []Direction{Inbound, Outbound} {
		m := w.dir.Lookup(t.Context(), text.Clean(emulator.StoryKnownNumber), dir)
		if m.State != MatchNone || !strings.Contains(m.Detail.String(), "searches nothing") {
			t.Errorf("%s: %s %q", dir, m.State, m.Detail)
		}
	}
	if n := len(w.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	if found, err := w.dir.Search(t.Context(), text.Clean(emulator.StoryKnownName), false); err != nil || len(found.Hits) == 0 {
		t.Errorf("a person who searches found %d, %v", len(found.Hits), err)
	}
}

func TestTheLineBesideAHitShowsTheLayoutsFieldsInItsOrder(t *testing.T) {
	w := withLayout(t, emulator.Options{}, `{"Inbound":{"objects":{"Contact":["Title","AccountId","Name","Phone","No_Such__c","Department"]}}}`)
	if err := w.dir.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	ref := w.ref("Contact", emulator.StoryKnownName)
	if err := w.SF.Update(t.Context(), "Contact", ref.ID, map[string]any{"Title": "Buyer", "Department": "Plant"}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	hit, one := w.lookup(emulator.StoryKnownNumber).Only()
	if want := "Buyer · " + emulator.StoryKnownAccount + " · Plant"; !one || hit.Detail.String() != want {
		t.Errorf("%q, want %q", hit.Detail, want)
	}
	card, err := w.dir.Card(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, f := range card.Fields {
		labels = append(labels, f.Name)
	}
	if got := strings.Join(labels, " "); !strings.HasPrefix(got, "Title AccountId Name Phone Department ") {
		t.Errorf("the card shows %s", got)
	}
}

func TestAFieldOfTheLayoutThatThisUserMayNotSeeCostsTheFieldAndNotTheCaller(t *testing.T) {
	w := withLayout(t, emulator.Options{Without: []string{"Contact.Department"}}, `{"Inbound":{"objects":{"Contact":["Name","Department","Title"]}}}`)
	if m := w.lookup(emulator.StoryKnownNumber); m.State != MatchOne {
		t.Errorf("before anything was learnt: %s %s", m.State, m.Detail)
	}
}

func TestACustomObjectIsFoundByThePhoneFieldsOfItsDescription(t *testing.T) {
	w := withLayout(t, emulator.Options{}, `{"Inbound":{"objects":{"Machine__c":["Name","Serial_Number__c","Account__c"],"Contact":["Name"]}}}`)
	account := w.ref("Account", emulator.StoryKnownAccount)
	if _, err := w.SF.Create(t.Context(), "Machine__c", map[string]any{"Name": "Press 7", "Serial_Number__c": "P7-001", "Site_Phone__c": "(020) 7946 0777", "Account__c": account.ID}, nil); err != nil {
		t.Fatal(err)
	}
	hit, one := w.lookup("+442079460777").Only() // the first lookup ever: nothing was learnt yet
	if want := "P7-001 · " + emulator.StoryKnownAccount; !one || hit.Type != "Machine__c" || hit.Name.String() != "Press 7" || hit.Detail.String() != want {
		t.Errorf("%+v", hit)
	}
	if a := Associate(AssocInput{Match: Match{State: MatchOne, Hits: []Hit{hit}}}); a.What.ID != hit.ID {
		t.Errorf("its call belongs to %+v", a)
	}
}

func TestAPersonAccountIsOneHitWhoseContactTheTaskIsAbout(t *testing.T) {
	for name, raw := range map[string]string{
		"contacts and accounts": `{"Inbound":{"objects":{"Contact":["Name"],"Account":["Name"]}}}`,
		"accounts":              `{"Inbound":{"objects":{"Account":["Name"]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			d := &emulator.Data{Records: []emulator.Seed{
				{Type: "Contact", Ref: "half", Fields: map[string]any{"LastName": "Person", "FirstName": "Pia", "MobilePhone": "07700 900555", "IsPersonAccount": true}},
				{Type: "Account", Ref: "pia", Fields: map[string]any{"Name": "Pia Person", "PersonMobilePhone": "07700 900555", "IsPersonAccount": true, "PersonContactId": "@half"}},
			}}
			w := withLayout(t, emulator.Options{PersonAccounts: true, Data: d}, raw)
			if err := w.dir.Warm(t.Context()); err != nil {
				t.Fatal(err)
			}
			m := w.lookup("+447700900555")
			hit, one := m.Only()
			if !one || hit.Type != "Account" || hit.PersonContactID == "" {
				t.Fatalf("%s: %s", m.State, names(m.Hits))
			}
			if a := Associate(AssocInput{Match: m}); a.Who.ID != hit.PersonContactID || !a.What.Zero() {
				t.Errorf("the Task is about %+v", a)
			}
		})
	}
}

func TestAnObjectOfTheLayoutThatTheOrgDoesNotHaveIsLeftOut(t *testing.T) {
	w := withLayout(t, emulator.Options{}, `{"Inbound":{"objects":{"Ghost__c":["Name"],"Contact":["Name"]}}}`)
	if m := w.lookup(emulator.StoryKnownNumber); m.State != MatchOne {
		t.Errorf("%s %s", m.State, m.Detail)
	}
}

func TestMoreObjectsThanOneCompositeTakesAreAllAsked(t *testing.T) {
	w := withLayout(t, emulator.Options{PhoneSearch: emulator.Strict},
		`{"Inbound":{"objects":{"Lead":["Name"],"Account":["Name"],"User":["Name"],"Machine__c":["Name"],"Contact":["Name"],"Case":["CaseNumber"]}}}`)
	if m := w.lookup(emulator.StoryKnownNumber); m.State != MatchOne || m.Via != "soql" {
		t.Errorf("%s via %q %s", m.State, m.Via, names(m.Hits))
	}
}

func TestALayoutThatChangesIsObeyedAtOnce(t *testing.T) {
	l, _, _ := layout.Parse([]byte(`{"Inbound":{"objects":{"Lead":["Name"]}}}`))
	var now atomic.Pointer[layout.Layout]
	now.Store(&l)
	w := newWorld(t, emulator.Options{}, DirectorySettings{Layout: now.Load})
	if m := w.lookup(emulator.StoryKnownNumber); m.State != MatchNone {
		t.Fatalf("%s", m.State)
	}
	other, _, _ := layout.Parse([]byte(`{"Inbound":{"objects":{"Contact":["Name"]}}}`))
	now.Store(&other)
	if m := w.lookup(emulator.StoryKnownNumber); m.State != MatchOne {
		t.Errorf("after the change: %s", m.State)
	}
	now.Store(nil)
	if m := w.lookup(emulator.StorySharedNumber); m.State != MatchMany {
		t.Errorf("without a layout: %s", m.State)
	}
}
