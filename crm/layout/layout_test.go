package layout

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func parse(t testing.TB, raw string) Layout {
	t.Helper()
	l, warnings, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Logf("forgiven: %s", w)
	}
	return l
}

func lab(s string) text.Text { return text.Clean(s) }

// published is what the official sample of getSoftphoneLayout says.
func published() Layout {
	account := []Object{{Name: "Account", Fields: []Field{{Name: "Name", Label: lab("Account Name")}}}}
	return Layout{
		Internal: CallType{Fields: []string{"ANI", "DNIS"}, Objects: []Object{{Name: "User", Fields: []Field{{Name: "Name", Label: lab("Name")}}}}},
		Inbound: CallType{Fields: []string{"ANI", "DNIS", "SEGMENT", "QUEUE"}, Objects: account, Within: "ExistingWindow",
			NoMatch: Pop{PopToEntity, "Contact"}, Single: Pop{PopToVisualforce, "Visualforce_Page_Name"}, Multiple: Pop{Type: PopToSearch}},
		Outbound: CallType{Fields: []string{"DNIS"}, Objects: account},
	}
}

func TestThePublishedSampleIsReadAlthoughItsCommasAreMissing(t *testing.T) {
	if json.Valid(read(t, "published.json")) {
		t.Fatal("the sample is proper JSON: it proves nothing")
	}
	l, warnings, err := Parse(read(t, "published.json"))
	if err != nil {
		t.Fatal(err)
	}
	if want := published(); !reflect.DeepEqual(l, want) {
		t.Errorf("read\n%+v\nwant\n%+v", l, want)
	}
	if len(warnings) != 2 || !strings.Contains(warnings[0].String()+warnings[1].String(), "missing commas") {
		t.Errorf("warnings: %v", warnings)
	}
}

func TestTheWrittenShapeIsThatOfGetSoftphoneLayout(t *testing.T) {
	var got, want any
	if err := json.Unmarshal(published().JSON(), &got); err != nil {
		t.Fatal(err)
	}
	// The shape of the reference sheet: members, their case, and empty settings where nothing pops.
	err := json.Unmarshal([]byte(`{"Internal":{"callRelatedFields":["ANI","DNIS"],"objects":{"User":[{"displayName":"Name","apiName":"Name"}]},"screenPopSettings":{}},
 "Inbound":{"callRelatedFields":["ANI","DNIS","SEGMENT","QUEUE"],"objects":{"Account":[{"displayName":"Account Name","apiName":"Name"}]},
  "screenPopSettings":{"screenPopsOpenWithin":"ExistingWindow","NoMatch":{"screenPopType":"PopToEntity","screenPopData":"Contact"},
   "SingleMatch":{"screenPopType":"PopToVisualforce","screenPopData":"Visualforce_Page_Name"},"MultipleMatches":{"screenPopType":"PopToSearch"}}},
 "Outbound":{"callRelatedFields":["DNIS"],"objects":{"Account":[{"displayName":"Account Name","apiName":"Name"}]},"screenPopSettings":{}}}`), &want)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("wrote %s", published().JSON())
	}
}

func TestOurOwnMembersAndTheOrderOfObjectsSurviveARoundTrip(t *testing.T) {
	raw := `{"x-owner": {"team":"sales","n":[1,2.50,true,null]}, "x-name":"Sales",
	 "Inbound":{"x-tone":"soft","callRelatedFields":["ANI"],"objects":{"Zeta__c":["Name","Phone__c"],"Account":[{"apiName":"Name","displayName":"Account Name"}],"Contact":[]},"screenPopSettings":{}}}`
	l := parse(t, raw)
	if got := l.Inbound.Names(); !slices.Equal(got, []string{"Zeta__c", "Account", "Contact"}) {
		t.Errorf("objects in the order %v", got)
	}
	if l.Name != "Sales" || string(l.Extra["x-owner"]) != `{"team":"sales","n":[1,2.50,true,null]}` || string(l.Inbound.Extra["x-tone"]) != `"soft"` {
		t.Errorf("name %q, ours %s", l.Name, l.Extra["x-owner"])
	}
	again := parse(t, string(l.JSON()))
	if !slices.Equal(again.Inbound.Names(), l.Inbound.Names()) || string(again.Inbound.Extra["x-tone"]) != `"soft"` || string(l.JSON()) != string(again.JSON()) {
		t.Errorf("read again:\n%s\nfirst:\n%s", again.JSON(), l.JSON())
	}
}

func TestALayoutIsReadAsPeopleWriteIt(t *testing.T) {
	want := Pop{PopToEntity, "Contact"}
	for name, raw := range map[string]string{
		"comments":                       "// ours\n{/* calls */\"Inbound\":{\"screenPopSettings\":{\"NoMatch\":{\"screenPopType\":\"PopToEntity\", // new\n\"screenPopData\":\"Contact\"}}}}",
		"commas too many":                `{"Inbound":{"screenPopSettings":{"NoMatch":{"screenPopType":"PopToEntity","screenPopData":"Contact",},},},}`,
		"no commas at all":               `{"Inbound":{"callRelatedFields":["ANI" "DNIS"] "screenPopSettings":{"NoMatch":{"screenPopType":"PopToEntity" "screenPopData":"Contact"}}}}`,
		"names in any case":              `{"inbound":{"screenpopsettings":{"nomatch":{"screenpoptype":"poptoentity","screenpopdata":"Contact"}}}}`,
		"a byte order mark, a semicolon": "\xef\xbb\xbf" + `{"Inbound":{"screenPopSettings":{"NoMatch":{"screenPopType":"PopToEntity","screenPopData":"Contact"}}}};`,
		"the whole reply":                `{"success":true,"returnValue":{"Inbound":{"screenPopSettings":{"NoMatch":{"screenPopType":"PopToEntity","screenPopData":"Contact"}}}},"errors":null}`,
		"the reply of Classic":           `{"result":"{\"Inbound\":{\"screenPopSettings\":{\"NoMatch\":{\"screenPopType\":\"PopToEntity\",\"screenPopData\":\"Contact\"}}}}"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if got := parse(t, raw).Inbound.NoMatch; got != want {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestWhatIsNoLayoutIsRefusedInALineThatSaysWhere(t *testing.T) {
	for name, c := range map[string]struct{ raw, says string }{
		"nothing":           {"", "ends in the middle"},
		"a list":            {"[]", "there is no layout"},
		"another object":    {`{"foo":1}`, "neither Inbound"},
		"half":              {"{\"Inbound\":{\n\"objects\":", "line 2"},
		"two layouts":       {`{"Inbound":{}} {"Inbound":{}}`, "behind the end"},
		"a word":            {`{"Inbound": nonsense}`, "no value"},
		"a bare name":       {`{Inbound: {}}`, "name in quotes"},
		"no colon":          {`{"Inbound" {}}`, "colon"},
		"an endless text":   {`{"Inbound`, "no end"},
		"an endless remark": {`{"Inbound":{} /* `, "no end"},
		"a call of a text":  {`{"Inbound":"x"}`, "braces"},
		"depth":             {strings.Repeat(`{"Inbound":`, 100), "deep"},
		"width":             {`{"Inbound":{"callRelatedFields":[` + strings.Repeat(`"a",`, 30000) + `]}}`, "more values"},
		"size":              {strings.Repeat(" ", maxInput+1), "megabyte"},
		"not text":          {"{\"Inbound\":\"\xff\"}", "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := Parse([]byte(c.raw)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want something about %q", err, c.says)
			}
		})
	}
}

func TestWhatCannotBeTakenIsLeftOutWithALineAndTheRestStands(t *testing.T) {
	raw := `{"Inbound":{"objects":{"Contact":[{"apiName":"Name"},{"apiName":"Name; DROP"},{"displayName":"No name"}],"Bad Object":["Name"],"Acc.ount":[]},
	 "screenPopSettings":{"SingleMatch":{"screenPopType":"PopToMoon"},"NoMatch":{"screenPopType":"PopToFlow"},"MultipleMatches":{"screenPopType":"None"},"Never":{}},"what":1},"Sideways":{}}`
	l, warnings, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Inbound; !slices.Equal(got.Names(), []string{"Contact"}) || len(got.Objects[0].Fields) != 1 || got.Single != (Pop{}) || got.NoMatch != (Pop{}) || got.Multiple != (Pop{}) {
		t.Errorf("%+v", got)
	}
	if len(warnings) != 9 {
		t.Errorf("%d warnings: %v", len(warnings), warnings)
	}
}

func TestNewIsALeadUnlessTheLayoutNamesAnObject(t *testing.T) {
	for name, c := range map[string]struct {
		pop  Pop
		want string
	}{
		"don't pop":              {Pop{}, "Lead"},
		"pop to new, none named": {Pop{Type: PopToEntity}, "Lead"},
		"pop to new Contact":     {Pop{PopToEntity, "Contact"}, "Contact"},
		"a custom object":        {Pop{PopToEntity, "Machine__c"}, "Machine__c"},
		"a page":                 {Pop{PopToVisualforce, "Contact"}, "Lead"},
		"a search":               {Pop{Type: PopToSearch}, "Lead"},
	} {
		if got := (CallType{NoMatch: c.pop}).New(); got != c.want {
			t.Errorf("%s: New makes a %s, want %s", name, got, c.want)
		}
	}
	none := parse(t, `{"Inbound":{"screenPopSettings":{"NoMatch":{"screenPopType":"PopToEntity","screenPopData":"–None–"}}}}`)
	if none.Inbound.New() != "Lead" {
		t.Errorf("–None– makes a %s", none.Inbound.New())
	}
}

func TestEachDirectionHasItsOwnPartOfTheLayout(t *testing.T) {
	l := published()
	for dir, want := range map[string]int{"Inbound": 4, "Outbound": 1, "Internal": 2, "": 4} {
		if got := len(l.For(dir).Fields); got != want {
			t.Errorf("%q shows %d fields, want %d", dir, got, want)
		}
	}
}

func TestTheLayoutOfTheSOAPInterfaceIsTheSameLayout(t *testing.T) {
	l, warnings := FromDescribe(salesforce.SoftphoneLayout{Name: "Standard", CallTypes: []salesforce.SoftphoneCallType{
		{Name: "Internal", InfoFields: []string{"ANI"}, Sections: []salesforce.SoftphoneSection{{Entity: "User", Items: []string{"Name"}}}},
		{Name: "Inbound", InfoFields: []string{"ANI", "DNIS"}, OpenWithin: "ExistingWindow",
			Pops:     []salesforce.SoftphonePop{{Match: "NoMatch", Type: "PopToEntity", Data: "Contact"}, {Match: "MultipleMatches", Type: "PopToSearch"}, {Match: "Moon"}},
			Sections: []salesforce.SoftphoneSection{{Entity: "Contact", Items: []string{"Name", "Phone"}}, {Entity: "no object!", Items: nil}}},
		{Name: "Sideways"},
	}})
	in := l.Inbound
	if l.Name != "Standard" || in.New() != "Contact" || in.Multiple.Type != PopToSearch || in.Single != (Pop{}) || in.Within != "ExistingWindow" ||
		!slices.Equal(in.Names(), []string{"Contact"}) || len(in.Objects[0].Fields) != 2 || len(l.Internal.Objects) != 1 {
		t.Errorf("%+v", l)
	}
	if len(warnings) != 3 {
		t.Errorf("warnings: %v", warnings)
	}
}

// random makes a layout of anything that Parse can make.
func random(r *rand.Rand) Layout {
	name := func() string { return fmt.Sprintf("N%d__c", r.IntN(50)) }
	pop := func() Pop {
		switch r.IntN(6) {
		case 0:
			return Pop{PopToEntity, name()}
		case 1:
			return Pop{PopToVisualforce, "apex/Page?x=\"1\"&y=<é>"}
		case 2:
			return Pop{PopToFlow, "Flow_" + name()}
		case 3:
			return Pop{Type: PopToSearch}
		case 4:
			return Pop{Type: PopToDetails}
		}
		return Pop{}
	}
	call := func() (c CallType) {
		for range r.IntN(4) {
			if f := "F" + name(); !slices.Contains(c.Fields, f) {
				c.Fields = append(c.Fields, f)
			}
		}
		for range r.IntN(5) {
			if o := (Object{Name: name()}); !slices.Contains(c.Names(), o.Name) {
				for i := range r.IntN(4) {
					o.Fields = append(o.Fields, Field{Name: fmt.Sprintf("F%d", i), Label: lab(fmt.Sprintf("Label „%d“ <&>", r.IntN(9)))})
				}
				c.Objects = append(c.Objects, o)
			}
		}
		c.NoMatch, c.Single, c.Multiple = pop(), pop(), pop()
		if r.IntN(2) == 0 {
			c.Within = "ExistingWindow"
		}
		if r.IntN(3) == 0 {
			c.Extra = Extra{"x-ours": json.RawMessage(`{"a":[1,{"b":"c"}]}`)}
		}
		return c
	}
	return Layout{Name: []string{"", "Sales “EMEA”"}[r.IntN(2)], Inbound: call(), Outbound: call(), Internal: call()}
}

func TestWhatIsWrittenIsReadAsTheSameLayout(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	for i := range 2000 {
		l := random(r)
		got, warnings, err := Parse(l.JSON())
		if err != nil || len(warnings) > 0 || !json.Valid(l.JSON()) {
			t.Fatalf("layout %d: %v %v\n%s", i, err, warnings, l.JSON())
		}
		if string(got.JSON()) != string(l.JSON()) || !reflect.DeepEqual(norm(got), norm(l)) {
			t.Fatalf("layout %d:\n%+v\n%+v", i, got, l)
		}
	}
}

// norm lets an extension be written with other blanks.
func norm(l Layout) Layout {
	for _, c := range []*CallType{&l.Inbound, &l.Outbound, &l.Internal} {
		if c.Extra != nil {
			e := Extra{}
			for k, v := range c.Extra {
				e[k] = json.RawMessage(strings.Join(strings.Fields(string(v)), ""))
			}
			c.Extra = e
		}
	}
	return l
}

func TestALayoutThatDoesNotDoWhatItSeemsIsTold(t *testing.T) {
	l := Layout{Inbound: CallType{Objects: []Object{{Name: "Contact"}}, NoMatch: Pop{Type: PopToSearch}, Multiple: Pop{Type: PopToDetails}}}
	var all []string
	for _, line := range l.Check() {
		all = append(all, line.String())
	}
	got := strings.Join(all, "\n")
	for _, want := range []string{"Contact has no field", "PopToSearch opens nothing", "cannot choose", "Outbound: no object"} {
		if !strings.Contains(got, want) {
			t.Errorf("nothing about %q in:\n%s", want, got)
		}
	}
	if lines := Default().Check(); len(lines) > 0 {
		t.Errorf("our own layout: %v", lines)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(read(f, "published.json"))
	f.Add(Default().JSON())
	f.Add([]byte(`{"result":"{}"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, _, err := Parse(raw)
		if err != nil {
			return
		}
		again, _, err := Parse(l.JSON())
		if err != nil {
			t.Fatalf("%v: what was written cannot be read: %s", err, l.JSON())
		}
		if string(again.JSON()) != string(l.JSON()) {
			t.Fatalf("written twice:\n%s\n%s", l.JSON(), again.JSON())
		}
		_ = l.Check()
		_ = l.Lines()
	})
}

func FuzzSettings(f *testing.F) {
	f.Add(`{"/reqDialingOptions/reqOutsidePrefix":"9"}`)
	f.Add(`{"sections":[{"items":[{"name":"reqLongDistPrefix","value":"1"}]}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		o := SettingsDialing(raw)
		for _, p := range []string{o.Outside, o.LongDistance, o.International} {
			if !Dials(p) || len(p) > maxPrefix {
				t.Fatalf("%q cannot be dialled", p)
			}
		}
	})
}
