package emulator

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// phoneOwners counts the records whose stored numbers mean this E.164 number.
func phoneOwners(t *testing.T, s *Server, e164 string) []string {
	t.Helper()
	var owners []string
	region := map[string]string{"United Kingdom": "GB", "United States": "US", "Germany": "DE", "France": "FR", "Australia": "AU"}
	for _, object := range []string{"Contact", "Lead", "Account"} {
		for _, r := range s.Records(object, false) {
			country := "GB"
			for _, k := range []string{"MailingCountry", "Country", "BillingCountry"} {
				if c, ok := r[k].(string); ok {
					country = region[c]
				}
			}
			for _, f := range []string{"Phone", "MobilePhone"} {
				raw, ok := r[f].(string)
				if !ok {
					continue
				}
				n, err := phonenumbers.Parse(raw, country)
				if err != nil {
					t.Errorf("%s %v: the stored number %q cannot be read: %v", object, r["Name"], raw, err)
					continue
				}
				n.Extension = nil
				if phonenumbers.Format(n, phonenumbers.E164) == e164 {
					owners = append(owners, object+" "+r["Name"].(string))
				}
			}
		}
	}
	return owners
}

func TestTheStoryNumbersStandOnAsManyRecordsAsTheStorySays(t *testing.T) {
	o := newOrg(t)
	for _, tc := range []struct {
		e164 string
		want []string
	}{
		{StoryKnownE164, []string{"Contact " + StoryKnownName}},
		{StorySharedE164, []string{"Contact " + StorySharedContact, "Lead " + StorySharedLead, "Account " + StorySharedAccount}},
		{StoryUnknownE164, nil},
	} {
		if got := phoneOwners(t, o.Server, tc.e164); !slices.Equal(got, tc.want) {
			t.Errorf("%s stands on %q, want %q", tc.e164, got, tc.want)
		}
	}
}

func TestTheDataSetHasTheSizeAndTheVarietyThatTheDocumentationPromises(t *testing.T) {
	o := newOrg(t)
	for object, want := range map[string]int{"Account": 120, "Contact": 500, "Lead": 150, "Case": 80, "Opportunity": 60, "User": 7, "CampaignMember": 40} {
		if got := len(o.Records(object, false)); got != want {
			t.Errorf("%d %s records, want %d", got, object, want)
		}
	}
	shapes := make(map[string]bool)
	people := make(map[string]bool)
	for _, r := range o.Records("Contact", false) {
		name := r["Name"].(string)
		if people[name] {
			t.Errorf("two contacts are called %s", name)
		}
		people[name] = true
		for _, f := range []string{"Phone", "MobilePhone"} {
			if s, ok := r[f].(string); ok {
				shapes[strings.Map(func(c rune) rune {
					if c >= '0' && c <= '9' {
						return '9'
					}
					return c
				}, s)] = true
			}
		}
	}
	if len(shapes) < 40 {
		t.Errorf("numbers are written in %d ways only", len(shapes))
	}
}

func TestTheDataSetIsTheSameEveryTimeAndSurvivesAFile(t *testing.T) {
	now := newClock().Now()
	var a, b bytes.Buffer
	if _, err := Practice(now).WriteTo(&a); err != nil {
		t.Fatal(err)
	}
	if _, err := Practice(now).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Fatal("two calls made different data")
	}
	data, err := LoadData(&a)
	if err != nil {
		t.Fatal(err)
	}
	o := newOrg(t, func(opt *Options) { opt.Data = data })
	if got := len(o.Records("Contact", false)); got != 500 {
		t.Errorf("%d contacts came back from the file", got)
	}
}

func TestFredHasOneOpenCaseAndAHistory(t *testing.T) {
	o := newOrg(t)
	q := o.soql("SELECT Id, (SELECT Subject FROM Cases WHERE IsClosed = false), (SELECT Subject FROM Tasks WHERE IsClosed = true ORDER BY CreatedDate DESC LIMIT 5) FROM Contact WHERE Name = '" + StoryKnownName + "'").want(200).object()
	row := q["records"].([]any)[0].(map[string]any)
	cases := row["Cases"].(map[string]any)["records"].([]any)
	if len(cases) != 1 || cases[0].(map[string]any)["Subject"] != StoryKnownCaseSubject {
		t.Errorf("open cases: %v", cases)
	}
	if n := len(row["Tasks"].(map[string]any)["records"].([]any)); n < 4 {
		t.Errorf("only %d past calls", n)
	}
}

func BenchmarkNewOrgWithItsData(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
