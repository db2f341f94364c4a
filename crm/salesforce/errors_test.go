package salesforce

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// errorRows are the documented errors, how they look on the wire, and what they must mean.
var errorRows = []struct {
	name   string
	status int
	body   string
	want   Kind
	say    string // must stand in the line for a person
}{
	{"session expired", 401, `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`, KindAuth, "run offhook login"},
	{"session not for REST", 401, `[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]`, KindAuth, "ask your administrator"},
	{"userinfo with an old token", 403, `Bad_OAuth_Token`, KindAuth, "run offhook login"},
	{"limit", 403, `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`, KindLimit, "call records wait safely"},
	{"row lock", 400, `[{"message":"unable to obtain exclusive access to this record or 1 records: 001…","errorCode":"UNABLE_TO_LOCK_ROW"}]`, KindTransient, "tried again"},
	{"500", 500, `[{"message":"An unexpected error occurred","errorCode":"UNKNOWN_EXCEPTION"}]`, KindTransient, "tried again"},
	{"503", 503, `[{"message":"Server is down","errorCode":"SERVER_UNAVAILABLE"}]`, KindTransient, "tried again"},
	{"502 html", 502, `<html><head><title>Bad Gateway</title></head><body>x</body></html>`, KindTransient, "Bad Gateway"},
	{"504 empty", 504, ``, KindTransient, "Gateway Timeout"},
	{"420", 420, ``, KindTransient, "tried again"},
	{"429", 429, `slow down`, KindTransient, "slow down"},
	{"403 of a proxy", 403, `<html><title>Blocked by policy</title></html>`, KindTransient, "Blocked by policy"},
	{"query timeout", 400, `[{"message":"Your query request was running for too long.","errorCode":"QUERY_TIMEOUT"}]`, KindTransient, "running for too long"},
	{"validation rule", 400, `[{"message":"Close date must be in the future","errorCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION","fields":["CloseDate"]}]`, KindValidation, "Close date must be in the future"},
	{"required field", 400, `[{"message":"Required fields are missing: [Name]","errorCode":"REQUIRED_FIELD_MISSING","fields":["Name"]}]`, KindValidation, "Required fields are missing: [Name]"},
	{"invalid field", 400, `[{"message":"No such column 'Type' on sobject of type Task","errorCode":"INVALID_FIELD"}]`, KindField, "left out"},
	{"field not for update", 400, `[{"message":"Unable to create/update fields: TaskSubtype.","errorCode":"INVALID_FIELD_FOR_INSERT_UPDATE","fields":["TaskSubtype"]}]`, KindField, "left out"},
	{"too long", 400, `[{"message":"Subject: data value too large: xxx (max length=255)","errorCode":"STRING_TOO_LONG","fields":["Subject"]}]`, KindField, "left out"},
	{"picklist", 400, `[{"message":"Priority: bad value for restricted picklist field: Norm","errorCode":"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST","fields":["Priority"]}]`, KindField, "left out"},
	{"what mapping", 400, `[{"message":"Related To ID: id value of incorrect type: 003000000000001","errorCode":"MALFORMED_ID","fields":["WhatId"]}]`, KindReference, "defect of offhook"},
	{"integrity", 400, `[{"message":"Related To ID: id value of incorrect type","errorCode":"FIELD_INTEGRITY_EXCEPTION","fields":["WhatId"]}]`, KindReference, "without it"},
	{"duplicates", 400, `[{"duplicateResut":{"allowSave":true,"errorMessage":"Use one of these records?","matchResults":[]},"errorCode":"DUPLICATES_DETECTED","message":"Use one","fields":[]}]`, KindDuplicates, "save anyway"},
	{"duplicates, no saving", 400, `[{"duplicateResult":{"allowSave":false,"errorMessage":"Exists"},"errorCode":"DUPLICATES_DETECTED","message":"x"}]`, KindDuplicates, "use the existing one"},
	{"already written", 400, `[{"message":"duplicate value found: Offhook_Call_Key__c duplicates value on record with id: 00T000000000001","errorCode":"DUPLICATE_VALUE","fields":[]}]`, KindDone, "already"},
	{"already written, unnamed", 400, `[{"message":"duplicate value found: <unknown> duplicates value on record with id: <unknown>","errorCode":"DUPLICATE_VALUE","fields":[]}]`, KindValidation, "correct it"},
	{"deleted", 404, `[{"message":"entity is deleted","errorCode":"ENTITY_IS_DELETED","fields":[]}]`, KindStale, "search again"},
	{"not found", 404, `[{"message":"The requested resource does not exist","errorCode":"NOT_FOUND"}]`, KindStale, "search again"},
	{"no access", 400, `[{"message":"insufficient access rights on cross-reference id: 001","errorCode":"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY","fields":[]}]`, KindStale, "not visible"},
	{"cross reference", 400, `[{"message":"invalid cross reference id","errorCode":"INVALID_CROSS_REFERENCE_KEY","fields":[]}]`, KindStale, "gone"},
	{"converted lead", 400, `[{"message":"cannot reference converted lead","errorCode":"CANNOT_UPDATE_CONVERTED_LEAD","fields":[]}]`, KindStale, "converted"},
	{"short search", 400, `[{"message":"search term must be longer than one character: ","errorCode":"INVALID_SEARCH"}]`, KindProgramming, "defect of offhook"},
	{"malformed search", 400, `[{"message":"No search term found","errorCode":"MALFORMED_SEARCH"}]`, KindProgramming, "defect of offhook"},
	{"malformed query", 400, `[{"message":"unexpected token: 'x'","errorCode":"MALFORMED_QUERY"}]`, KindProgramming, "defect of offhook"},
	{"unlicensed", 400, `[{"message":"sObject type 'CampaignMember' is not supported.","errorCode":"INVALID_TYPE"}]`, KindUnlicensed, "goes on without it"},
	{"gone", 410, `[{"message":"gone","errorCode":"UNSUPPORTED_API_VERSION"}]`, KindGone, "newer one"},
	{"conflict", 412, ``, KindConflict, "read again"},
	{"forbidden", 403, `[{"message":"no","errorCode":"INSUFFICIENT_ACCESS"}]`, KindForbidden, "administrator"},
	{"API switched off", 403, `[{"message":"API is not enabled for this Organization or Partner","errorCode":"API_DISABLED_FOR_ORG"}]`, KindAuth, "API Enabled"},
	{"API currently off", 403, `[{"message":"API is currently disabled for this user","errorCode":"API_CURRENTLY_DISABLED"}]`, KindAuth, "records wait safely"},
	{"a rule that sounds like a sign-in", 400, `[{"message":"Audience must not be inactive user","errorCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION"}]`, KindValidation, "correct it"},
	{"unknown code", 400, `[{"message":"new thing","errorCode":"SOMETHING_NEW"}]`, KindUnknown, "new thing"},
	{"object instead of array", 400, `{"message":"m","errorCode":"INVALID_FIELD"}`, KindField, "left out"},
	{"failed save result", 400, `{"id":null,"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: [Company]","fields":["Company"]}]}`, KindValidation, "Company"},
	{"xml", 401, `<?xml version="1.0"?><Errors><Error><errorCode>INVALID_SESSION_ID</errorCode><message>Session expired</message></Error></Errors>`, KindAuth, "run offhook login"},
	{"soap fault", 500, `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault><faultcode>sf:REQUEST_LIMIT_EXCEEDED</faultcode><faultstring>limit</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`, KindLimit, "used up"},
	{"broken json", 400, `[{"message":`, KindTransient, "tried again"},
	{"binary", 502, "\x00\x1b[31m\xff\xfe", KindTransient, "tried again"},
}

func TestEveryDocumentedErrorHasItsMeaningAndOneLine(t *testing.T) {
	for _, tt := range errorRows {
		t.Run(tt.name, func(t *testing.T) {
			err := parseError("POST", "/sobjects/Task", tt.status, nil, []byte(tt.body))
			if got := KindOf(err); got != tt.want {
				t.Errorf("kind %d, want %d: %v", got, tt.want, err)
			}
			line := Line(err)
			if !strings.Contains(line, tt.say) || strings.ContainsAny(line, "\n\r\x1b\x00") || len(line) < 20 {
				t.Errorf("the line is %q, without %q", line, tt.say)
			}
			if err.Error() == "" || len(err.All) == 0 && tt.body != "" {
				t.Errorf("%+v", err)
			}
		})
	}
}

func TestErrorsNameTheirFieldsAndRecords(t *testing.T) {
	for _, tt := range []struct {
		body     string
		fields   string
		existing string
		kindType string
	}{
		{`[{"message":"No such column 'Type' on sobject of type Task","errorCode":"INVALID_FIELD"}]`, "Type", "", "Task"},
		{`[{"message":"Row:1:Column:9\nNo such column 'Fax' on entity 'Lead'. If you are","errorCode":"INVALID_FIELD"}]`, "Fax", "", "Lead"},
		{`[{"message":"x","errorCode":"STRING_TOO_LONG","fields":["Subject","Description"]}]`, "Subject Description", "", ""},
		{`[{"message":"Priority: bad value","errorCode":"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST","fields":[]}]`, "Priority", "", ""},
		{`[{"message":"Required fields are missing: [Name, Company]","errorCode":"REQUIRED_FIELD_MISSING"}]`, "Name Company", "", ""},
		{`[{"message":"duplicate value found: K__c duplicates value on record with id: 00T000000000001AAA","errorCode":"DUPLICATE_VALUE"}]`, "", "00T000000000001AAA", ""},
		{`[{"message":"sObject type 'Lead' is not supported.","errorCode":"INVALID_TYPE"}]`, "", "", "Lead"},
	} {
		e := parseError("POST", "/x", 400, nil, []byte(tt.body))
		if strings.Join(e.NamedFields(), " ") != tt.fields || e.ExistingID() != tt.existing || e.NamedType() != tt.kindType {
			t.Errorf("%s: %v %q %q", tt.body, e.NamedFields(), e.ExistingID(), e.NamedType())
		}
	}
}

func TestBothSpellingsOfDuplicateResultsAreRead(t *testing.T) {
	for _, key := range []string{"duplicateResut", "duplicateResult"} {
		e := parseError("POST", "/x", 400, nil, []byte(`[{"`+key+`":{"allowSave":true,"matchResults":[{"entityType":"Contact","matchRecords":[{"matchConfidence":100,"record":{"attributes":{},"Id":"003000000000001"}},{"record":null}]}]},"errorCode":"DUPLICATES_DETECTED","message":"x"}]`))
		if e.Duplicates == nil || !e.Duplicates.AllowSave {
			t.Fatalf("%s: %+v", key, e)
		}
		if rs := e.Duplicates.Records(); len(rs) != 1 || rs[0].ID() != "003000000000001" {
			t.Errorf("%s: %v", key, rs)
		}
	}
}

func TestSeveralRecordsWithOneExternalIdAreListed(t *testing.T) {
	e := parseError("PATCH", "/x", 300, nil, []byte(`["/services/data/v68.0/sobjects/Task/00T000000000001","/services/data/v68.0/sobjects/Task/00T000000000002"]`))
	if len(e.Choices) != 2 || e.Code != "MULTIPLE_CHOICES" {
		t.Errorf("%+v", e)
	}
}

func TestAuthErrorsTellWhoMustAct(t *testing.T) {
	for _, tt := range []struct {
		status    int
		body, say string
		kind      Kind
	}{
		{400, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`, "run offhook login", KindAuth},
		{400, `{"error":"OAUTH_APPROVAL_ERROR_GENERIC"}`, "administrator must install it", KindAuth},
		{400, `error=invalid_client&error_description=app+must+be+installed+into+org`, "administrator must install it", KindAuth},
		{400, `error=unsupported_token_type&error_description=this+token+type+is+not+supported`, "not supported", KindAuth},
		{503, `<html><title>Down for maintenance</title></html>`, "tried again", KindTransient},
		{400, ``, "HTTP 400", KindAuth},
	} {
		err := parseAuthError(tt.status, []byte(tt.body))
		if KindOf(err) != tt.kind || !strings.Contains(Line(err), tt.say) {
			t.Errorf("%s: kind %d, %q", tt.body, KindOf(err), Line(err))
		}
	}
}

func TestOtherErrorsHaveALineToo(t *testing.T) {
	for _, err := range []error{
		ErrNoToken, &HostError{"http://x", "not https"}, &TransportError{Method: "POST", Path: "/x", MayHaveArrived: true, Err: errors.New("eof")},
		&TransportError{Method: "GET", Path: "/x", MayHaveArrived: true, Err: errors.New("eof")}, context.Canceled, errors.New("anything"), &VersionError{"62.0", "50.0", false},
	} {
		if line := Line(err); line == "" || strings.Contains(line, "\n") {
			t.Errorf("%v: %q", err, line)
		}
	}
	if Line(nil) != "" {
		t.Error("a line without an error")
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, r := range errorRows {
		f.Add(r.status, []byte(r.body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := parseError(http.MethodPost, "/x", status, http.Header{"Retry-After": {string(body)}}, body)
		if line := Line(e); line == "" || strings.ContainsAny(line, "\n\r\x1b\x00\u202e") {
			t.Fatalf("%q", line)
		}
		if slices.Contains(e.NamedFields(), "") || e.RetryAfter < 0 {
			t.Fatalf("%+v", e)
		}
		e.Duplicates.Records()
		parseAuthError(status, body)
	})
}
