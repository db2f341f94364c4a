package crm

import (
	"strings"
	"testing"
	"time"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// told is a call that has something to say under every label.
func told() CallRecord {
	rec := sampleRecord()
	rec.Agent, rec.Called, rec.Disposition = text.Clean("sip:2101@pbx.example.com"), text.Clean("02079460000"), text.Clean("Sale")
	rec.Transfer, rec.TransferTo, rec.Recording, rec.Recorded = "blind", text.Clean("2104"), "/var/rec/1.wav", "off"
	rec.Campaign = Ref{Type: "Campaign", ID: "701000000000001AAA", Name: text.Clean("Spring")}
	rec.VoicemailAt, rec.Voicemail = rec.Start.Add(time.Minute), 42*time.Second
	rec.Correlation, rec.Session, rec.Codec = "corr", "ab13", "opus"
	rec.Vars = []Var{{Name: text.Clean("Queue"), Value: text.Clean("Sales")}}
	return rec
}

func TestEveryLabelGivesWhatItSays(t *testing.T) {
	set := TaskSettings{OwnerID: "005000000000001AAA"}
	for label, want := range map[string]string{
		"Action": "voicemail", "Action Outcome": "Sale", "Agent Name": "sip:2101@pbx.example.com", "Agent ID": "005000000000001AAA",
		"Call ID": "6ba7b810-9dad-51d1-80b4-00c04fd430c8", "Caller ID": "07814256404", "Campaign Name": "Spring", "Initiator": "customer",
		"Number Dialed": "02079460000", "Recording Link": "/var/rec/1.wav", "Recording Status": "stopped", "Transfer Destination": "2104",
		"Transfer Type": "blind", "Convoso Call Type": "Inbound", "Voicemail Duration": "42", "Voicemail Timestamp": "2026-11-20T23:31:00Z",
		"Reason": "the caller hung up", "Start Time": "2026-11-20T23:30:00Z", "correlation": "corr", "session": "ab13", "CODEC": "opus", "var:queue": "Sales",
		"agent_id": "005000000000001AAA", "Ring Time": "5", "Duration": "187", "var:nothing": "", "Hang Up By": "customer",
	} {
		if got := valueOf(label, told(), set).text.String(); got != want {
			t.Errorf("%s: %q, not %q", label, got, want)
		}
	}
	out := told()
	out.Type, out.Outgoing, out.VoicemailAt = Outbound, true, time.Time{}
	for label, want := range map[string]string{"Action": "answered", "Caller ID": "sip:2101@pbx.example.com", "Number Dialed": "07814256404", "Initiator": "agent", "Call Type": "Outbound"} {
		if got := valueOf(label, out, set).text.String(); got != want {
			t.Errorf("outbound, %s: %q, not %q", label, got, want)
		}
	}
	hidden := told()
	hidden.Withheld = true
	if got := valueOf("Caller ID", hidden, set).text.String(); got != "withheld" {
		t.Errorf("a withheld number is told: %q", got)
	}
}

func TestValuesAreConvertedForTheirField(t *testing.T) {
	at := time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC)
	n := 42.4
	tokyo := zone(t, "Asia/Tokyo")
	list := []salesforce.Picklist{{Value: "HOT", Label: "Hot lead", Active: true}, {Value: "OLD", Active: false}}
	for _, tt := range []struct {
		name string
		v    value
		f    salesforce.Field
		want any // nil: left out
	}{
		{"text is cut to its length", words("abcdef"), salesforce.Field{Type: "string", Length: 3}, "abc"},
		{"a moment as text", moment(at), salesforce.Field{Type: "string", Length: 40}, "2026-11-20T23:30:00Z"},
		{"a moment", moment(at), salesforce.Field{Type: "datetime"}, "2026-11-20T23:30:00.000Z"},
		{"the agent's day", moment(at), salesforce.Field{Type: "date"}, "2026-11-21"},
		{"a time of day", moment(at), salesforce.Field{Type: "time"}, "08:30:00.000Z"},
		{"a day from text", words("2026-11-20"), salesforce.Field{Type: "date"}, "2026-11-20"},
		{"no day", words("tomorrow"), salesforce.Field{Type: "date"}, nil},
		{"a year nobody has", words("0001-01-01"), salesforce.Field{Type: "date"}, nil},
		{"a number", value{num: &n, text: text.Clean("42.4")}, salesforce.Field{Type: "double", Precision: 8, Scale: 2}, 42.4},
		{"a number from text", words(" 17 "), salesforce.Field{Type: "int", Digits: 3}, int64(17)},
		{"too many digits", words("1234"), salesforce.Field{Type: "int", Digits: 3}, nil},
		{"too large", words("1e12"), salesforce.Field{Type: "currency", Precision: 10, Scale: 2}, nil},
		{"no number", words("many"), salesforce.Field{Type: "double"}, nil},
		{"not a number", words("NaN"), salesforce.Field{Type: "double"}, nil},
		{"yes", words("Yes"), salesforce.Field{Type: "boolean"}, true},
		{"neither", words("perhaps"), salesforce.Field{Type: "boolean"}, nil},
		{"a value of a list", words("hot LEAD"), salesforce.Field{Type: "picklist", Restricted: true, Picklist: list}, "HOT"},
		{"not in a restricted list", words("Cold"), salesforce.Field{Type: "picklist", Restricted: true, Picklist: list}, nil},
		{"not active any more", words("OLD"), salesforce.Field{Type: "picklist", Restricted: true, Picklist: list}, nil},
		{"an open list takes others", words("Cold"), salesforce.Field{Type: "picklist", Picklist: list}, "Cold"},
		{"an id", words("701000000000001AAA"), salesforce.Field{Type: "reference"}, "701000000000001AAA"},
		{"a name is no id", words("Spring"), salesforce.Field{Type: "reference"}, nil},
		{"an e-mail", words("a@b.example"), salesforce.Field{Type: "email", Length: 80}, "a@b.example"},
		{"no e-mail", words("2101"), salesforce.Field{Type: "email", Length: 80}, nil},
		{"half an address leads nowhere", words("https://example.com/" + strings.Repeat("x", 300)), salesforce.Field{Type: "url", Length: 255}, nil},
		{"nothing", value{}, salesforce.Field{Type: "string"}, nil},
	} {
		got, ok := convert(tt.v, tt.f, tokyo)
		if ok != (tt.want != nil) || ok && got != tt.want {
			t.Errorf("%s: %v %v", tt.name, got, ok)
		}
	}
}

func TestAMapThatCannotBeMeantNamesItsLine(t *testing.T) {
	for want, m := range map[string][]FieldMap{
		`line 2: a call has no value "Agnet Name"; did you mean Agent Name?`: {{"Action", "A__c"}, {"Agnet Name", "B__c"}},
		"line 1: write the variable's name after var:":                       {{"var:", "A__c"}},
		`line 1: "A b" is not the API name`:                                  {{"Action", "A b"}},
		"line 1: WhoId is filled by offhook itself":                          {{"Action", "whoid"}},
		"there are: Action":                                                  {{"zzzzzzzz", "A__c"}},
	} {
		if err := CheckFieldMap(m); err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "WHOID", "WhoId"), strings.ReplaceAll(want, "WhoId", m[len(m)-1].Field)) {
			t.Errorf("%v, not %q", err, want)
		}
	}
	if err := CheckFieldMap([]FieldMap{{"var:Queue", "Queue__c"}, {"convoso_call_type", "X__c"}, {"Reason", ""}}); err != nil {
		t.Error(err)
	}
}
