package post

import (
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

func TestTheMapFillsTheFieldsOfTheOrgAndIsNeverAReasonToRefuseARecord(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.sender.o.Settings = func() crm.TaskSettings {
		return crm.TaskSettings{Map: []crm.FieldMap{
			{Value: "Transfer Type", Field: "CallDisposition"}, // instead of the installed field
			{Value: "Reason", Field: ""},                       // switched off
			{Value: "Recording Link", Field: "Nowhere__c"},     // not there
			{Value: "var:Queue", Field: "Offhook_Reason__c"},
		}}
	}
	n := 0
	p.TaskReply = func() (int, string, bool) {
		n++
		return 400, apiBody("NUMBER_OUTSIDE_VALID_RANGE", "Voicemail Duration: value outside of valid range on numeric field: 42", `"Offhook_Voicemail_Duration__c"`), n == 1
	}
	var key string
	var start time.Time
	for i := range 2 {
		key = p.end(i, func(r *crm.CallRecord) {
			start = r.Start
			r.Action, r.Reason = "voicemail", text.Clean("the caller hung up")
			r.Agent, r.Called, r.Disposition = text.Clean("sip:2101@pbx.example.com"), text.Clean("02079460000"), text.Clean("Sale")
			r.Transfer, r.TransferTo, r.Recording, r.Recorded = "blind", text.Clean("2104"), "/var/rec/1.wav", "off"
			r.Campaign = crm.Ref{Type: "Campaign", ID: "701000000000001AAA", Name: text.Clean("Spring")}
			r.VoicemailAt, r.Voicemail = r.Start.Add(time.Second), 42*time.Second
			r.Correlation, r.Session, r.Codec = "corr", "ab13", "opus"
			r.Vars = []crm.Var{{Name: text.Clean("Queue"), Value: text.Clean("Sales")}}
		})
		p.sender.Flush(t.Context())
	}
	p.expect(key, ledger.Sent, 2)
	task := p.task(key)
	for field, want := range map[string]any{
		"Offhook_Action__c": "voicemail", "Offhook_Agent_ID__c": task["OwnerId"], "Offhook_Call_Type__c": "Inbound", "CallDisposition": "Sale",
		"Offhook_Transfer_Type__c": nil, "Offhook_Reason__c": "Sales", "Offhook_Correlation__c": "corr", "Offhook_Voicemail_Duration__c": 42.0,
	} {
		if got := task[field]; !crm.SameField(field, got, want) {
			t.Errorf("%s = %v, not %v", field, got, want)
		}
	}
	if s, _ := task["Offhook_Call_Start__c"].(string); !strings.HasPrefix(s, start.UTC().Format("2006-01-02T15:04:05")) {
		t.Errorf("start %q", s)
	}
	warned := p.said(ReportLacking)
	if len(warned) != 1 || !strings.Contains(warned[0].Line.String(), "no field Nowhere__c") {
		t.Errorf("%v", warned)
	}
	first := p.task("6ba7b810-9dad-51d1-80b4-000000000000")
	if first["Offhook_Voicemail_Duration__c"] != nil || first["Offhook_Action__c"] != "voicemail" {
		t.Errorf("%v", first)
	}
}

func TestWithoutThePackageARecordIsWrittenAsEver(t *testing.T) {
	p := newPost(t, emulator.Options{NoCallKey: true})
	key := p.end(1, nil)
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Sent, 1)
	if n := len(p.said(ReportLacking)); n != 0 {
		t.Errorf("%d warnings about fields that nobody asked for", n)
	}
}

func TestStatusesFollowTheActionWhereTheOrgHasThem(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.sender.o.Settings = func() crm.TaskSettings {
		return crm.TaskSettings{Status: "Nonsense", Statuses: map[string]string{"missed": "Deferred", "declined": "Nowhere"}}
	}
	for i, tt := range []struct{ action, want string }{{"answered", "Completed"}, {"missed", "Deferred"}, {"declined", "Completed"}} {
		key := p.end(i, func(r *crm.CallRecord) { r.Action = tt.action })
		p.sender.Flush(t.Context())
		if got := p.task(key)["Status"]; got != tt.want {
			t.Errorf("%s: %v", tt.action, got)
		}
	}
	var lines []string
	for _, r := range p.said(ReportLacking) {
		for _, l := range r.Lines {
			lines = append(lines, l.String())
		}
	}
	if got := strings.Join(lines, "\n"); len(lines) != 2 || !strings.Contains(got, "Nonsense") || !strings.Contains(got, "Nowhere") {
		t.Errorf("%s", got)
	}
}
