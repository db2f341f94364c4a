package layout

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"offhook/internal/text"
)

func centre(t testing.TB, raw []byte) CallCenter {
	t.Helper()
	c, _, warnings, err := ParseCallCenter(raw)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return c
}

func TestBothDialectsAreReadAndWrittenByteForByte(t *testing.T) {
	for file, want := range map[string]Dialect{"setup.xml": DialectSetup, "metadata.xml": DialectMetadata} {
		raw := read(t, file)
		c, d, warnings, err := ParseCallCenter(raw)
		if err != nil || d != want || len(warnings) > 0 {
			t.Fatalf("%s: %v, %v, %v", file, d, err, warnings)
		}
		if got := WriteCallCenter(c, d); string(got) != string(raw) {
			t.Errorf("%s is written as\n%s", file, got)
		}
		if d == DialectMetadata {
			c = c.Named("OffhookDesk") // the file's name
		}
		if problems := c.Check(); len(problems) > 0 {
			t.Errorf("%s: %v", file, problems)
		}
		if c.InternalName() != "OffhookDesk" || c.DisplayName().String() != "offhook desk" || c.AdapterURL() != "https://localhost" {
			t.Errorf("%s: %q %q %q", file, c.InternalName(), c.DisplayName(), c.AdapterURL())
		}
	}
}

func TestADefinitionBecomesTheOtherDialectAndBack(t *testing.T) {
	c := centre(t, read(t, "setup.xml"))
	other := centre(t, WriteCallCenter(c, DialectMetadata)).Named(c.InternalName())
	if problems := other.Check(); len(problems) > 0 {
		t.Error(problems)
	}
	back := centre(t, WriteCallCenter(other, DialectSetup))
	if !reflect.DeepEqual(back, c) {
		t.Errorf("back:\n%s", WriteCallCenter(back, DialectSetup))
	}
}

func TestDialingOptionsStandInTheirSectionElseInTheCustomSettings(t *testing.T) {
	for name, c := range map[string]struct {
		centre CallCenter
		want   DialingOptions
	}{
		"the section":         {centre(t, read(t, "setup.xml")), DialingOptions{"9", "1", "01"}},
		"the settings":        {centre(t, read(t, "metadata.xml")), DialingOptions{Outside: "0"}},
		"nested, and numbers": {CallCenter{CustomSettings: text.CleanBlock(`{"reqDialingOptions":{"reqOutsidePrefix":0,"reqLongDistPrefix":{"label":"L","value":"1"}}}`, 999)}, DialingOptions{Outside: "0", LongDistance: "1"}},
		"a list":              {CallCenter{CustomSettings: text.CleanBlock(`[{"name":"reqInternationalPrefix","value":"0 11"}]`, 999)}, DialingOptions{International: "011"}},
		"no JSON":             {CallCenter{CustomSettings: text.CleanBlock(`reqOutsidePrefix=9`, 999)}, DialingOptions{}},
		"no digits":           {CallCenter{CustomSettings: text.CleanBlock(`{"reqOutsidePrefix":"nine"}`, 999)}, DialingOptions{}},
		"far too long":        {CallCenter{CustomSettings: text.CleanBlock(`{"reqOutsidePrefix":"99999999999999"}`, 999)}, DialingOptions{}},
	} {
		if got := c.centre.Dialing(); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestEachRuleOfADefinitionIsTold(t *testing.T) {
	for name, c := range map[string]struct{ from, to, says string }{
		"the internal name is too long":       {">OffhookDesk<", ">" + strings.Repeat("a", 41) + "<", "at most 40"},
		"it has other characters":             {">OffhookDesk<", ">offhook_desk<", "letters and digits"},
		"it begins with a digit":              {">OffhookDesk<", ">1desk<", "begin with a letter"},
		"it is missing":                       {">OffhookDesk<", "><", "reqInternalName is missing"},
		"the display name is too long":        {">offhook desk<", ">" + strings.Repeat("é", 1001) + "<", "at most 1,000"},
		"the order of items has a gap":        {`sortOrder="4" name="reqSoftphoneHeight"`, `sortOrder="40" name="reqSoftphoneHeight"`, "without gaps"},
		"two items have one place":            {`sortOrder="1" name="reqLongDist`, `sortOrder="0" name="reqLongDist`, "stands twice"},
		"the order of sections has a gap":     {`sortOrder="2" name="reqConnectS`, `sortOrder="3" name="reqConnectS`, "the sections"},
		"the internal name is not first":      {`sortOrder="0" name="reqInternalName"`, `sortOrder="7" name="reqInternalName"`, "reqInternalName must have sortOrder 0"},
		"a name is reserved":                  {`name="reqConnectUrl"`, `name="sortOrder"`, "reserved"},
		"a name is no word":                   {`name="reqConnectUrl"`, `name="the url"`, "letters and digits"},
		"a name is too long":                  {`name="reqConnectUrl"`, `name="` + strings.Repeat("x", 41) + `"`, "at most 40"},
		"two items have one name":             {`name="reqSoftphoneWidth"`, `name="reqSoftphoneHeight"`, "two items"},
		"two sections have one name":          {`name="reqConnectSFCCPOptions"`, `name="reqDialingOptions"`, "two sections"},
		"too low":                             {">300<", ">239<", "from 240 to 2560"},
		"too wide":                            {">500<", ">1921<", "from 200 to 1920"},
		"a height of words":                   {">300<", ">tall<", "whole number"},
		"no height":                           {">300<", "><", "reqSoftphoneHeight is missing"},
		"the interface is neither on nor off": {">true<", ">maybe<", "true, false"},
		"an unknown mode":                     {">Classic_and_Lightning<", ">Dark<", "Classic_and_Lightning"},
		"no address":                          {">https://localhost<", ">ftp://localhost<", "web address"},
		"a prefix with letters":               {">9<", ">nine<", "must be digits"},
		"half a canvas app":                   {`name="reqConnectUrl"`, `name="reqCanvasApiName"`, "belong together"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := string(read(t, "setup.xml"))
			broken := strings.Replace(raw, c.from, c.to, 1)
			if broken == raw {
				t.Fatal("nothing was broken")
			}
			cc, _, _, err := ParseCallCenter([]byte(broken))
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, p := range cc.Check() {
				lines = append(lines, p.String())
			}
			if !strings.Contains(strings.Join(lines, "\n"), c.says) {
				t.Errorf("%q says nothing about %q", lines, c.says)
			}
		})
	}
}

func TestWhatNoDefinitionNeedsIsRefused(t *testing.T) {
	bomb := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]><callCenter><section name="a"><item name="b">&lol2;</item></section></callCenter>`
	for name, c := range map[string]struct{ raw, says string }{
		"a bomb of entities": {bomb, "declaration"},
		"a file from disk":   {`<!DOCTYPE c SYSTEM "file:///etc/passwd"><callCenter/>`, "declaration"},
		"an unknown entity":  {`<callCenter><section name="a"><item name="b">&xxe;</item></section></callCenter>`, "line 1"},
		"depth":              {strings.Repeat("<callCenter>", 5000), "this deep"},
		"width":              {"<callCenter>" + strings.Repeat("<a/>", maxXMLElements) + "</callCenter>", "this large"},
		"size":               {"<callCenter>" + strings.Repeat(" ", maxInput) + "</callCenter>", "megabyte"},
		"nothing":            {"", "nothing in the file"},
		"another document":   {"<html><body/></html>", "<html>"},
		"an open element":    {"<callCenter><section>", "line 1"},
		"two documents":      {`<callCenter><section name="a"/></callCenter><callCenter/>`, "second"},
		"no section":         {"<callCenter></callCenter>", "no section"},
		"an old encoding":    {`<?xml version="1.0" encoding="ISO-8859-1"?><callCenter/>`, "UTF-8"},
		"not XML":            {`{"a":1}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, _, err := ParseCallCenter([]byte(c.raw)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want something about %q", err, c.says)
			}
		})
	}
}

func TestTheFlatViewHasTheKeysOfGetCallCenterSettings(t *testing.T) {
	got := map[string]string{}
	for _, s := range centre(t, read(t, "setup.xml")).Flat() {
		got[s.Key] = s.Value.String()
	}
	for key, want := range map[string]string{
		"/displayNameLabel": "Display Name", "/internalNameLabel": "Internal Name", "/label": "offhook desk",
		"/reqGeneralInfo/reqAdapterUrl": "https://localhost", "/reqGeneralInfo/reqAdapterUrl/label": "CTI Adapter URL",
		"/reqGeneralInfo/reqAdapterUrl/sortOrder": "2.0", "/reqGeneralInfo/label": "General Information",
		"/reqDialingOptions/reqInternationalPrefix": "01", "/reqConnectSFCCPOptions/reqConnectUrl": "https://example.test/a?b=1&c=<2>",
	} {
		if got[key] != want {
			t.Errorf("%s = %q, want %q", key, got[key], want)
		}
	}
}

// randomCentre makes a definition of anything that ParseCallCenter can make of a file in the dialect.
func randomCentre(r *rand.Rand, d Dialect) CallCenter {
	strange := []string{"", "9", "a & b", "<i>\"x\"</i>", "zwei\nZeilen", "日本語", "'", "]]>", "  inner  blanks  "}
	pick := func() string { return strings.TrimSpace(strange[r.IntN(len(strange))]) }
	order := func(i int) int {
		if d == DialectMetadata {
			return -1
		}
		return i
	}
	c := CallCenter{DisplayNameLabel: lab("Display Name"), InternalNameLabel: lab("Internal Name")}
	for i := range 1 + r.IntN(4) {
		s := Section{Name: fmt.Sprintf("reqSection%d", i), Label: lab("Section „" + fmt.Sprint(i) + "“"), Order: order(i)}
		if i == 0 {
			s.Name = generalSection
			for j, name := range []string{internalName, displayName, adapterURL} {
				if d == DialectMetadata && j == 0 {
					continue
				}
				l := []string{"Internal Name", "Display Name", "CTI Adapter URL"}[j]
				s.Items = append(s.Items, Item{Name: name, Label: lab(l), Order: order(j), Value: text.CleanBlock([]string{"Desk1", "A & B", "https://x.test/?a=1&b=2"}[j], 99)})
			}
		}
		for range r.IntN(5) {
			name := fmt.Sprintf("item%d", len(s.Items))
			s.Items = append(s.Items, Item{Name: name, Label: lab("L " + name), Order: order(len(s.Items)), Value: text.CleanBlock(pick(), 999)})
		}
		c.Sections = append(c.Sections, s)
	}
	if d == DialectMetadata {
		c.Version = lab("4")
		c.CustomSettings = text.CleanBlock([]string{"", `{"a":"<b> & \"c\""}`}[r.IntN(2)], 99)
	}
	return c
}

func TestACallCentreThatWasWrittenIsReadAsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for i := range 2000 {
		d := []Dialect{DialectSetup, DialectMetadata}[i%2]
		c := randomCentre(r, d)
		raw := WriteCallCenter(c, d)
		got, gotD, warnings, err := ParseCallCenter(raw)
		if err != nil || gotD != d || len(warnings) > 0 {
			t.Fatalf("%v %v\n%s", err, warnings, raw)
		}
		if !reflect.DeepEqual(got, c) {
			t.Fatalf("%d:\n%+v\n%+v\n%s", i, got, c, raw)
		}
	}
}

func TestSectionsStandInTheirOrderWhateverTheFileSays(t *testing.T) {
	c, _, warnings, err := ParseCallCenter([]byte(`<callCenter><section sortOrder="1.0" name="b"><item sortOrder="1" name="y"/><item sortOrder="0" name="x"/></section><section sortOrder="0" name="a"/><section sortOrder="soon" name="c"/><other/></callCenter>`))
	var names []string
	for _, s := range c.Sections {
		names = append(names, s.Name)
	}
	if err != nil || !slices.Equal(names, []string{"a", "b", "c"}) || c.Sections[1].Items[0].Name != "x" || len(warnings) != 2 {
		t.Errorf("%v, %v, %v", names, warnings, err)
	}
}

func FuzzParseCallCenter(f *testing.F) {
	f.Add(read(f, "setup.xml"))
	f.Add(read(f, "metadata.xml"))
	f.Add([]byte(`<callCenter><section name="a"><item name="b">&#x1b;c</item></section></callCenter>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, d, _, err := ParseCallCenter(raw)
		if err != nil {
			return
		}
		_ = c.Check()
		_ = c.Flat()
		once := WriteCallCenter(c, d)
		again, _, _, err := ParseCallCenter(once)
		if err != nil {
			t.Fatalf("%v: what was written cannot be read:\n%s", err, once)
		}
		if twice := WriteCallCenter(again, d); string(twice) != string(once) {
			t.Fatalf("written twice:\n%s\n%s", once, twice)
		}
	})
}
