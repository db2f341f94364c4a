package crm

import (
	"strings"
	"testing"
	"time"

	"offhook/crm/number"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestSubjectLines(t *testing.T) {
	at := func(loc *time.Location, clock string) time.Time {
		d, err := time.ParseInLocation(time.DateTime, "2026-11-20 "+clock, loc)
		if err != nil {
			t.Fatal(err)
		}
		return d.UTC()
	}
	london, hongkong := zone(t, "Europe/London"), zone(t, "Asia/Hong_Kong")
	who := func(name string) Association {
		return Association{Who: Ref{Type: "Contact", ID: fredID, Name: text.Clean(name)}}
	}
	for _, tt := range []struct {
		want  string
		rec   CallRecord
		style SubjectStyle
	}{
		{"Inbound Call at 16:11:36 Europe/London from 07814256404 (Fred Bloggs)",
			CallRecord{Type: Inbound, Start: at(london, "16:11:36"), Number: text.Clean("07814256404"), Assoc: who("Fred Bloggs")},
			SubjectStyle{Zone: london, ZoneStyle: ZoneID}},
		{"Inbound Call at 16:14:28 Asia/Hong Kong from 01202528735 (John Smith)",
			CallRecord{Type: Inbound, Start: at(hongkong, "16:14:28"), Number: text.Clean("01202528735"), Assoc: who("John Smith")},
			SubjectStyle{Zone: hongkong, ZoneStyle: ZoneID}},
		{"Inbound Call at 16:14:50 Asia/Hong Kong from 01202528732 (Bournemouth)",
			CallRecord{Type: Inbound, Start: at(hongkong, "16:14:50"), Number: text.Clean("01202528732"), Place: text.Clean("Bournemouth")},
			SubjectStyle{Zone: hongkong, ZoneStyle: ZoneID}},
		{"Outbound Call at 1:09:36 PM Greenwich Mean Time to 07814256404 (David Teague)",
			CallRecord{Type: Outbound, Outgoing: true, Start: at(london, "13:09:36"), Number: text.Clean("07814256404"), Assoc: who("David Teague")},
			SubjectStyle{Zone: london, ZoneStyle: ZoneName, TwelveHour: true}},
		{"Internal Call at 09:00:00 from 2104", CallRecord{Type: Internal, Start: at(london, "09:00:00"), Number: text.Clean("2104")}, SubjectStyle{Zone: london}},
		{"Internal Call at 09:00:00 to 2104", CallRecord{Type: Internal, Outgoing: true, Start: at(london, "09:00:00"), Number: text.Clean("2104")}, SubjectStyle{Zone: london}},
		{"Inbound Call at 12:00:00 AM from Withheld",
			CallRecord{Type: Inbound, Withheld: true, Start: at(london, "00:00:00"), Number: text.Clean("07814256404"), Assoc: who("Zoe")},
			SubjectStyle{Zone: london, TwelveHour: true}},
		{"Inbound Call at 16:11:36 from +447814256404",
			CallRecord{Type: Inbound, Start: at(london, "16:11:36"), Number: text.Clean("07814256404")}, SubjectStyle{Zone: london, Number: number.E164, Region: "GB"}},
		{"Inbound Call at 16:11:36 from 07814 256404",
			CallRecord{Type: Inbound, Start: at(london, "16:11:36"), Number: text.Clean("+447814256404")}, SubjectStyle{Zone: london, Number: number.National, Region: "GB"}},
		{"Inbound Call at 16:11:36 from 07814256404 (00001001 Printer)",
			CallRecord{Type: Inbound, Start: at(london, "16:11:36"), Number: text.Clean("07814256404"), Assoc: Association{What: annCase.Ref}}, SubjectStyle{Zone: london}},
		{"Inbound Call at 16:11:36 from 07814256404",
			CallRecord{Type: Inbound, Start: at(london, "16:11:36"), Number: text.Clean("07814256404")},
			SubjectStyle{Zone: time.FixedZone("Nowhere/Here", 0), ZoneStyle: ZoneName}},
	} {
		if got := Subject(tt.rec, tt.style); got != tt.want {
			t.Errorf("\n got %q\nwant %q", got, tt.want)
		}
	}
}

func TestZoneNamesFollowDaylightTime(t *testing.T) {
	for _, tt := range []struct{ zone, month, want string }{
		{"Europe/London", "07", "British Summer Time"}, {"Europe/London", "01", "Greenwich Mean Time"},
		{"America/New_York", "07", "Eastern Daylight Time"}, {"Australia/Sydney", "01", "Australian Eastern Daylight Time"},
		{"Europe/Dublin", "07", "Irish Standard Time"}, {"Europe/Dublin", "01", "Greenwich Mean Time"}, {"Asia/Tokyo", "07", "Japan Standard Time"},
		{"Antarctica/Troll", "07", ""},
	} {
		d, err := time.ParseInLocation(time.DateOnly, "2026-"+tt.month+"-15", zone(t, tt.zone))
		if err != nil {
			t.Fatal(err)
		}
		if got := zoneText(d, ZoneName); got != tt.want {
			t.Errorf("%s in month %s: %q, want %q", tt.zone, tt.month, got, tt.want)
		}
	}
}

func TestEveryZoneInTheTableExistsAndHasAName(t *testing.T) {
	n := 0
	for line := range strings.Lines(zoneGroups) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if zoneNames[f[0]][0] == "" {
			t.Errorf("group %s has no name", f[0])
		}
		for _, id := range f[1:] {
			n++
			if _, err := time.LoadLocation(id); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d zones", n)
	}
}

func TestASubjectIsNeverLongerThanItsFieldAndKeepsTheNumber(t *testing.T) {
	rec := CallRecord{Type: Inbound, Start: time.Unix(0, 0), Number: text.Clean("07814256404"),
		Assoc: Association{Who: Ref{Type: "Contact", ID: fredID, Name: text.Clean(strings.Repeat("Ünal ", 100))}}}
	got := Subject(rec, SubjectStyle{Zone: time.UTC})
	if n := len([]rune(got)); n > 255 || n < 250 {
		t.Errorf("%d characters", n)
	}
	if !strings.Contains(got, "from 07814256404 (Ünal") || !strings.HasSuffix(got, "…)") {
		t.Errorf("%q", got)
	}
	rec.Number = text.Clean(strings.Repeat("9", 400))
	if n := len([]rune(Subject(rec, SubjectStyle{}))); n > 255 {
		t.Errorf("%d characters with a long number", n)
	}
}

func sampleRecord() CallRecord {
	start := time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC)
	return CallRecord{
		Version: 1, Key: "6ba7b810-9dad-51d1-80b4-00c04fd430c8", Type: Inbound, Number: text.Clean("07814256404"), Name: text.Clean("FRED B"),
		Start: start, Answer: start.Add(5 * time.Second), End: start.Add(192 * time.Second), Duration: 187*time.Second + 900*time.Millisecond,
		Action: "answered", Reason: text.Clean("the caller hung up"), HangUpBy: "customer",
		Notes: text.CleanBlock("wants a refund\ncard 4111 1111 1111 1111", 1000),
		Assoc: Association{Rule: 5, Why: "the only match", Who: fred.Ref}, SIPCallID: text.Clean("abc@x"),
	}
}

func TestTheTaskHasTheFieldsOfTheMap(t *testing.T) {
	set := TaskSettings{
		Subject: SubjectStyle{Zone: zone(t, "Asia/Tokyo")}, OwnerID: "005000000000001AAA",
		Has: map[string]bool{KeyField: true, "Type": true, "CallObject": true, "CallType": true, "CallDurationInSeconds": true, "TaskSubtype": true, "Priority": true},
	}
	f := TaskFields(sampleRecord(), set)
	for k, want := range map[string]any{
		"Subject": "Inbound Call at 08:30:00 from 07814256404 (Fred Bloggs)", "Status": "Completed", "Priority": "Normal", "TaskSubtype": "Call", "Type": "Call",
		"CallType": "Inbound", "CallDurationInSeconds": 187, "CallObject": "6ba7b810-9dad-51d1-80b4-00c04fd430c8", KeyField: "6ba7b810-9dad-51d1-80b4-00c04fd430c8",
		"ActivityDate": "2026-11-21", // the agent's date, not Greenwich's
		"WhoId":        fredID, "OwnerId": "005000000000001AAA",
	} {
		if f[k] != want {
			t.Errorf("%s = %v, want %v", k, f[k], want)
		}
	}
	if _, ok := f["WhatId"]; ok {
		t.Error("there is a WhatId")
	}
	d := f["Description"].(string)
	for _, part := range []string{"wants a refund\n", "Start: 2026-11-21 08:30:00 +09:00", "End: 2026-11-21 08:33:12 +09:00", "Duration: 0:03:07", "Call key: 6ba7b810",
		"SIP Call-ID: abc@x", "Result: answered, the caller hung up", "Association: the only match", "************1111"} {
		if !strings.Contains(strings.ReplaceAll(d, " ", ""), strings.ReplaceAll(part, " ", "")) {
			t.Errorf("no %q in\n%s", part, d)
		}
	}
	if strings.Contains(strings.ReplaceAll(d, " ", ""), "4111111111111111") {
		t.Error("a card number stands in the description")
	}
}

func TestFieldsThatTheOrgDoesNotHaveAreLeftOut(t *testing.T) {
	f := TaskFields(sampleRecord(), TaskSettings{Has: map[string]bool{"TaskSubtype": true}})
	for _, k := range []string{KeyField, "Type", "CallObject", "CallType", "CallDurationInSeconds", "Priority"} {
		if _, ok := f[k]; ok {
			t.Errorf("%s was written", k)
		}
	}
	f = TaskFields(sampleRecord(), TaskSettings{}) // describe was not possible
	for k, want := range map[string]bool{KeyField: false, "Type": false, "CallObject": true, "CallType": true, "TaskSubtype": true} {
		if _, ok := f[k]; ok != want {
			t.Errorf("%s written: %v", k, ok)
		}
	}
}

func TestWhoAndWhatFollowTheRecord(t *testing.T) {
	for _, tt := range []struct {
		name      string
		assoc     Association
		kind      Direction
		who, what string
	}{
		{"contact", Association{Who: fred.Ref}, Inbound, fredID, ""},
		{"lead", Association{Who: fredLead.Ref}, Inbound, leadID, ""},
		{"lead with a stray what", Association{Who: fredLead.Ref, What: acme.Ref}, Inbound, leadID, ""},
		{"account", Association{What: acme.Ref}, Outbound, "", acmeID},
		{"case with its contact", Association{Who: ann.Ref, What: annCase.Ref}, Inbound, annID, caseID},
		{"internal", Association{Who: ann.Ref, What: acme.Ref}, Internal, "", ""},
		{"a broken id", Association{Who: Ref{Type: "Contact", ID: "003'; --"}}, Inbound, "", ""},
	} {
		rec := sampleRecord()
		rec.Assoc, rec.Type = tt.assoc, tt.kind
		f := TaskFields(rec, TaskSettings{})
		who, _ := f["WhoId"].(string)
		what, _ := f["WhatId"].(string)
		if who != tt.who || what != tt.what {
			t.Errorf("%s: who %q what %q", tt.name, who, what)
		}
	}
}

func TestDurationsAreNeverNegativeOrGivenWithoutAnswer(t *testing.T) {
	now := time.Unix(1e9, 0)
	for _, tt := range []struct {
		rec  CallRecord
		want int
	}{
		{CallRecord{Answer: now, Duration: -5 * time.Second}, 0},
		{CallRecord{Duration: 50 * time.Second}, 0},
		{CallRecord{Answer: now, Duration: 999 * time.Millisecond}, 0},
		{CallRecord{Answer: now, Duration: 61 * time.Second}, 61},
	} {
		if got := DurationSeconds(tt.rec); got != tt.want {
			t.Errorf("%+v: %d", tt.rec.Duration, got)
		}
	}
}

func TestALongDescriptionKeepsTheFacts(t *testing.T) {
	rec := sampleRecord()
	rec.Notes = text.CleanBlock(strings.Repeat("ä", 40000), 100000)
	d := Description(rec, TaskSettings{})
	if n := len([]rune(d)); n > maxDescription {
		t.Errorf("%d characters", n)
	}
	if !strings.Contains(d, "Call key: "+rec.Key) {
		t.Error("the facts were cut off")
	}
}

func TestOnlyCardNumbersAreMasked(t *testing.T) {
	for in, want := range map[string]string{
		"card 4111-1111-1111-1111 exp": "card ****-****-****-1111 exp",
		"4111111111111112":             "4111111111111112", // wrong sum
		"call +4479460000000000":       "call +4479460000000000",
		"order 12345678":               "order 12345678",
		"378282246310005.":             "***********0005.",
	} {
		if got := MaskCards(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestAValueThatCameWithTheCallFillsItsFieldWhereTheOrgHasItElseItIsDescribed(t *testing.T) {
	rec := CallRecord{Key: "k", Type: Inbound, Number: text.Clean("07814256404"), Start: time.Date(2026, 11, 20, 16, 11, 36, 0, time.UTC), Vars: []Var{
		{Name: text.Clean("Campaign"), Value: text.Clean("Spring"), Field: "Campaign_Name__c"},
		{Name: text.Clean("Queue"), Value: text.Clean("Sales"), Field: "Nowhere__c"},
		{Name: text.Clean("Trick"), Value: text.Clean("Open"), Field: "Status"},
	}}
	f := TaskFields(rec, TaskSettings{Targets: map[string]salesforce.Field{"campaign_name__c": {Name: "Campaign_Name__c", Type: "string"}, "status": {Name: "Status", Type: "picklist"}}})
	if f["Campaign_Name__c"] != "Spring" || f["Status"] != "Completed" || f["Nowhere__c"] != nil {
		t.Errorf("%v", f)
	}
	if d := f["Description"].(string); !strings.Contains(d, "Queue: Sales") || strings.Contains(d, "Campaign: Spring") {
		t.Errorf("description: %s", d)
	}
}
