package crm

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"offhook/crm/emulator"
	"offhook/crm/number"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

func (w *world) search(q string) Found {
	w.T.Helper()
	f, err := w.dir.Search(w.T.Context(), text.Clean(q), false)
	if err != nil {
		w.T.Fatalf("%q: %v", q, err)
	}
	return f
}

// create makes a record in the org, without the Directory.
func (w *world) create(object string, values map[string]any) string {
	w.T.Helper()
	id, err := w.SF.Create(w.T.Context(), salesforce.Ident(object), values, nil)
	if err != nil {
		w.T.Fatal(err)
	}
	return id
}

func TestWhatTheQueryLooksLikeDecidesWhereIsSearched(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	w.warm()
	fred, _ := w.Find("Contact", "Name", emulator.StoryKnownName)
	kase, _ := w.Find("Case", "Subject", emulator.StoryKnownCaseSubject)
	number := kase["CaseNumber"].(string)
	for _, c := range []struct{ query, finds, tried string }{
		{emulator.StoryKnownNumber, emulator.StoryKnownName, "telephone fields for "},
		{"+44 7814 256404", emulator.StoryKnownName, "telephone fields for "},
		{"sip:07814256404@pbx.example", emulator.StoryKnownName, "telephone fields for "},
		{"tel:+44-7814-256404;ext=22", emulator.StoryKnownName, "telephone fields for "},
		{"07814 256", emulator.StoryKnownName, "telephone fields for numbers that begin with 07814256"},
		{fred["Email"].(string), emulator.StoryKnownName, "e-mail fields for "},
		{"mailto:" + fred["Email"].(string), emulator.StoryKnownName, "e-mail fields for "},
		{"case " + strings.TrimLeft(number, "0"), emulator.StoryKnownCaseSubject, "cases with the number "},
		{"#" + number, emulator.StoryKnownCaseSubject, "cases with the number "},
		{number, emulator.StoryKnownCaseSubject, "cases with the number "},
		{"bloggs", emulator.StoryKnownName, "names with words that begin like bloggs"},
		{"router drops", emulator.StoryKnownCaseSubject, ""},
	} {
		f := w.search(c.query)
		tried := ""
		for _, t := range f.Tried {
			tried += t.String() + "\n"
		}
		if !strings.Contains(names(f.Hits), c.finds) || !strings.Contains(tried, c.tried) {
			t.Errorf("%q found %s; tried %s", c.query, names(f.Hits), tried)
		}
	}
}

func TestASearchByNumberMarksTheRecordsOnWhichItStands(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	w.warm()
	f := w.search(emulator.StorySharedNumber)
	if len(f.Hits) != 3 || slices.ContainsFunc(f.Hits, func(h Hit) bool { return !h.Verified }) {
		t.Errorf("the whole number: %+v", f.Hits)
	}
	if types := []string{f.Hits[0].Type, f.Hits[1].Type, f.Hits[2].Type}; !slices.Equal(types, []string{"Contact", "Lead", "Account"}) {
		t.Errorf("the order of the layout is lost: %v", types)
	}
	f = w.search("01202")
	if len(f.Hits) == 0 || slices.ContainsFunc(f.Hits, func(h Hit) bool { return h.Verified }) {
		t.Errorf("the beginning of a number: %+v", f.Hits)
	}
	if f = w.search("bloggs"); f.Hits[0].Verified {
		t.Error("a name was taken for a number")
	}
}

func TestNamesFirstAndAllFieldsOnlyWhenNoNameHasIt(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	w.warm()
	before := w.DataRequests("/search")
	if w.search("bloggs"); w.DataRequests("/search")-before != 1 {
		t.Errorf("a name that is found took %d searches", w.DataRequests("/search")-before)
	}
	w.create("Contact", map[string]any{"LastName": "Quill", "Title": "Zymurgist"})
	w.Sleep(recentFor) // past any lag of the index
	f := w.search("zymurg")
	if len(f.Tried) != 2 || !strings.Contains(names(f.Hits), "Quill") {
		t.Errorf("%v found %s", f.Tried, names(f.Hits))
	}
	if f = w.search("nobodyhasthis"); len(f.Hits) != 0 || len(f.Tried) != 2 {
		t.Errorf("%v found %s", f.Tried, names(f.Hits))
	}
	if f = w.search("020 7219 3999"); len(f.Hits) != 0 || len(f.Tried) != 1 {
		t.Errorf("a whole number that nobody has: %v", f.Tried)
	}
}

func TestMoreRowsComeWhenTheyAreAskedFor(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	for range maxFound + 5 {
		w.create("Lead", map[string]any{"LastName": "Manifold", "Company": "Manifold Ltd"})
	}
	w.Sleep(recentFor)
	f := w.search("manifold")
	if len(f.Hits) != maxFound || !slices.Equal(f.More, []string{"Lead"}) {
		t.Errorf("%d, more of %v", len(f.Hits), f.More)
	}
	all, err := w.dir.Search(t.Context(), text.Clean("manifold"), true)
	if err != nil || len(all.Hits) != maxFound+5 || len(all.More) != 0 {
		t.Errorf("%d, more of %v, %v", len(all.Hits), all.More, err)
	}
}

func TestAnIDOrARecordsAddressOpensThatRecord(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	w.warm()
	fred := w.ref("Contact", emulator.StoryKnownName)
	for _, q := range []string{
		fred.ID, fred.ID[:15], " " + fred.ID + " ",
		w.Base + "/lightning/r/Contact/" + fred.ID + "/view",
		w.Base + "/lightning/r/Contact/" + fred.ID[:15] + "/view?x=1",
		w.Base + "/" + fred.ID,
		w.Base + "/one/one.app#/sObject/" + fred.ID + "/view",
	} {
		f, err := w.dir.Search(t.Context(), text.Clean(q), false)
		if err != nil || f.Card == nil || !SameID(f.Card.ID, fred.ID) || f.Card.Name.String() != emulator.StoryKnownName {
			t.Errorf("%q: %+v %v", q, f.Card, err)
		}
	}
	custom := w.create("Campaign", map[string]any{"Name": "Prefix"}) // no standard record of a call: known from the org's list of objects
	if f, err := w.dir.Search(t.Context(), text.Clean(salesforce.LongID(custom)), false); err != nil || f.Card == nil || f.Card.Type != "Campaign" {
		t.Errorf("%+v %v", f.Card, err)
	}
	for _, q := range []string{"003000000000000AAA", "https://other.my.salesforce.com/lightning/r/Contact/" + fred.ID + "/view"} {
		if f, err := w.dir.Search(t.Context(), text.Clean(q), false); err == nil || f.Card != nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %+v %v", q, f, err)
		}
	}
	for _, q := range []string{"confidentiality", "Responsibility Ltd", "00Q"} { // words, however long
		if _, ok, err := w.dir.pasted(t.Context(), q); ok || err != nil {
			t.Errorf("%q was taken for an id, %v", q, err)
		}
	}
}

func TestAddressesOfOneOrgAreToldFromThoseOfOthers(t *testing.T) {
	const own = "https://acme.my.salesforce.com"
	for host, want := range map[string]bool{
		"acme.my.salesforce.com": true, "ACME.my.salesforce.com": true, "acme.lightning.force.com": true,
		"acme--dev.sandbox.lightning.force.com": false, "other.my.salesforce.com": false, "acme.evil.example": false,
		"acme.my.salesforce.com.evil.example": false, "acme": false,
	} {
		if SameOrg(host, own) != want {
			t.Errorf("%s: %v", host, !want)
		}
	}
	for _, q := range []string{"javascript:alert(1)", "https://user@acme.my.salesforce.com/003000000000001AAA", "https://acme.my.salesforce.com/", "http://", "acme"} {
		if o, id, _ := SplitAddress(q); id != "" {
			t.Errorf("%q: %s %s", q, o, id)
		}
	}
}

func TestASearchGoesOnWithoutWhatThisUserMayNotSee(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	asked := 0
	w.Answer(func(r *http.Request) (int, string, bool) {
		if !strings.HasSuffix(r.URL.Path, "/search") {
			return 0, "", false
		}
		if asked++; strings.Contains(r.URL.Query().Get("q"), "Opportunity(") {
			return 400, `[{"message":"sObject type 'Opportunity' is not supported.","errorCode":"INVALID_TYPE"}]`, true
		}
		return 0, "", false
	})
	if f := w.search("bloggs"); asked != 2 || !strings.Contains(names(f.Hits), emulator.StoryKnownName) {
		t.Errorf("%d searches found %s", asked, names(f.Hits))
	}
	if w.search("bloggs"); asked != 3 {
		t.Errorf("what was refused is asked for again: %d searches", asked)
	}
}

func TestOfTwoQuestionsThatFailTheFirstIsTold(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	w.warm()
	second := make(chan struct{})
	var once sync.Once
	w.Answer(func(r *http.Request) (int, string, bool) {
		if strings.HasSuffix(r.URL.Path, "/search") {
			<-second // the second question is refused before the first
			return 400, `[{"message":"no","errorCode":"MALFORMED_SEARCH"}]`, true
		}
		once.Do(func() { close(second) })
		return 400, `[{"message":"no","errorCode":"MALFORMED_QUERY"}]`, true
	})
	_, err := w.dir.Search(t.Context(), text.Clean("00001026"), false) // a number that may be a case's
	if api := salesforce.Refusal(err); api == nil || !api.Has("MALFORMED_SEARCH") {
		t.Errorf("%v", err)
	}
}

func TestWhatWasLookedAtInSalesforceIsAskedSparingly(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	w.warm()
	fred := w.ref("Contact", emulator.StoryKnownName)
	if _, err := w.SF.Get(t.Context(), "Contact", fred.ID); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		hits, err := w.dir.Recents(t.Context())
		if err != nil || len(hits) == 0 || !strings.Contains(names(hits), emulator.StoryKnownName) {
			t.Fatalf("%s %v", names(hits), err)
		}
		if slices.ContainsFunc(hits, func(h Hit) bool { return h.Type == "User" || h.Type == "Task" }) {
			t.Errorf("what no call is about: %s", names(hits))
		}
	}
	if n := w.DataRequests("/recent"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	w.Sleep(2 * lookedLife)
	if _, err := w.dir.Recents(t.Context()); err != nil || w.DataRequests("/recent") != 2 {
		t.Errorf("%v, asked %d times", err, w.DataRequests("/recent"))
	}
}

func FuzzWhatIsTypedIntoTheSearchBox(f *testing.F) {
	for _, s := range []string{"", "case 1", "#0001", "003000000000001AAA", "https://acme.my.salesforce.com/lightning/r/Contact/003000000000001AAA/view", "a@b", "+44 (0)", "{\\}", "sip:1@x", "\x1b]8;;"} {
		f.Add(s)
	}
	sf, err := salesforce.New(salesforce.Options{App: salesforce.App{LoginURL: "https://acme.my.salesforce.com", ClientID: "x"}, Store: salesforce.NewMemoryStore(salesforce.Token{})})
	if err != nil {
		f.Fatal(err)
	}
	d := NewDirectory(sf, DirectorySettings{Numbers: number.Settings{Region: "GB"}})
	f.Fuzz(func(t *testing.T, q string) {
		if o, id, _ := splitAddress(q); id != "" && (!salesforce.ValidID(id) || strings.Contains(o, "/")) {
			t.Fatalf("%q: %q %q", q, o, id)
		}
		q = strings.TrimSpace(text.Clean(q).String())
		s := &byHand{d: d, limit: maxFound}
		if s.plan(q) != nil {
			return
		}
		for _, st := range s.steps {
			if st.cases != nil {
				if _, err := salesforce.Select("Id").From("Case").Where(salesforce.In("CaseNumber", salesforce.Strings(st.cases...)...)).Build(); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if len(st.terms) == 0 {
				t.Fatalf("%q asks for nothing in %s", q, st.group)
			}
			if _, err := salesforce.Find(st.terms...).In(st.group).Returning("Contact", []salesforce.Ident{"Id"}, salesforce.Cond{}, 1).Build(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
