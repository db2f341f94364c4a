package post

import (
	"strings"
	"testing"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

// apiBody is an error reply of the REST API.
func apiBody(code, message, fields string) string {
	return `[{"errorCode":"` + code + `","message":"` + message + `","fields":[` + fields + `]}]`
}

func TestEveryDocumentedErrorHasItsReaction(t *testing.T) {
	const (
		pending = ledger.Pending
		sent    = ledger.Sent
		fix     = ledger.Fix
		dead    = ledger.Dead
	)
	p, number := newPost(t, emulator.Options{}), 0
	for _, tt := range []struct {
		name   string
		status int
		body   string
		always bool // answered so every time; else once, and then the practice org answers
		state  ledger.ItemState
		class  string
		tasks  int
		say    string // in the report that the agent gets
		free   bool   // no attempt is burnt
	}{
		{"session ended for good", 401, apiBody("INVALID_SESSION_ID", "Session expired or invalid", ""), true, pending, "auth", 0, "offhook login", true},
		{"limit", 403, apiBody("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", ""), true, pending, "limit", 0, "wait safely on disk", true},
		{"row lock", 400, apiBody("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", ""), true, pending, "network", 0, "tried again", false},
		{"500", 500, apiBody("UNKNOWN_EXCEPTION", "unexpected", ""), true, pending, "network", 0, "tried again", false},
		{"502 page", 502, "<html><title>Bad Gateway</title></html>", true, pending, "network", 0, "Bad Gateway", false},
		{"503", 503, apiBody("SERVER_UNAVAILABLE", "down", ""), true, pending, "network", 0, "tried again", false},
		{"420", 420, "", true, pending, "network", 0, "tried again", false},
		{"429", 429, "", true, pending, "network", 0, "tried again", false},
		{"a proxy's 403", 403, "<html>blocked</html>", true, pending, "network", 0, "tried again", false},
		{"a hotel's 200", 200, "<html>welcome</html>", true, pending, "ambiguous", 0, "looks before it repeats", false},
		{"410 once", 410, apiBody("UNSUPPORTED_API_VERSION", "gone", ""), false, sent, "", 1, "Task saved", false},
		{"validation rule", 400, apiBody("FIELD_CUSTOM_VALIDATION_EXCEPTION", "no calls on Sundays", ""), true, fix, "validation", 0, "no calls on Sundays", false},
		{"required field", 400, apiBody("REQUIRED_FIELD_MISSING", "Required fields are missing: [Region__c]", `"Region__c"`), true, fix, "validation", 0, "Region__c", false},
		{"unknown column", 400, apiBody("INVALID_FIELD", "No such column 'Type' on sobject of type Task", ""), false, sent, "", 1, "left out Type", false},
		{"field not for insert", 400, apiBody("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: CallType.", `"CallType"`), false, sent, "", 1, "left out CallType", false},
		{"too long", 400, apiBody("STRING_TOO_LONG", "Description: data value too large", `"Description"`), false, sent, "", 1, "left out Description", false},
		{"restricted picklist", 400, apiBody("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Priority: bad value for restricted picklist field: Normal", `"Priority"`), false, sent, "", 1, "left out Priority", false},
		{"the same field for ever", 400, apiBody("INVALID_FIELD", "No such column 'Type' on sobject of type Task", ""), true, dead, "field", 0, "left out", false},
		{"a field that cannot be left out", 400, apiBody("STRING_TOO_LONG", "Subject: data value too large", `"Subject"`), true, dead, "field", 0, "Subject", false},
		{"wrong what", 400, apiBody("FIELD_INTEGRITY_EXCEPTION", "Related To ID: id value of incorrect type", `"WhatId"`), true, dead, "link", 0, "link", false},
		{"wrong who", 400, apiBody("MALFORMED_ID", "Name ID: id value of incorrect type", ""), false, sent, "", 1, "association was changed", false},
		{"deleted", 404, apiBody("ENTITY_IS_DELETED", "entity is deleted", ""), false, sent, "", 1, "association was changed", false},
		{"not found", 404, apiBody("NOT_FOUND", "The requested resource does not exist", ""), false, sent, "", 1, "association was changed", false},
		{"not visible", 400, apiBody("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "insufficient access rights on cross-reference id: 003", ""), false, sent, "", 1, "association was changed", false},
		{"cross reference", 400, apiBody("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ""), false, sent, "", 1, "association was changed", false},
		{"bad owner", 400, apiBody("INVALID_CROSS_REFERENCE_KEY", "Assigned To ID: invalid cross reference id", `"OwnerId"`), false, sent, "", 1, "association was changed", false},
		{"stale for ever", 400, apiBody("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ""), true, dead, "link", 0, "gone", false},
		{"no permission", 403, apiBody("INSUFFICIENT_ACCESS", "no access", ""), true, dead, "permission", 0, "administrator", false},
		{"no Task object", 400, apiBody("INVALID_TYPE", "sObject type 'Task' is not supported.", ""), true, dead, "unlicensed", 0, "no such object", false},
		{"duplicate rule", 400, `[{"duplicateResut":{"allowSave":false,"errorMessage":"Exists"},"errorCode":"DUPLICATES_DETECTED","message":"x"}]`, true, dead, "duplicate", 0, "exists already", false},
		{"already there", 400, apiBody("DUPLICATE_VALUE", "duplicate value found: Offhook_Call_Key__c duplicates value on record with id: 00T000000000001AAA", ""), true, sent, "", 0, "saved already", false},
		{"crossing attempts", 400, apiBody("DUPLICATE_VALUE", "duplicate value found: <unknown> duplicates value on record with id: <unknown>", ""), false, pending, "ambiguous", 0, "another attempt", false},
		{"some other unique field", 400, apiBody("DUPLICATE_VALUE", "duplicate value found: Ticket__c duplicates value on record with id: 00T000000000001AAA", ""), true, dead, "refused", 0, "already", false},
		{"malformed request", 400, apiBody("JSON_PARSER_ERROR", "Cannot deserialize instance of date", ""), true, dead, "defect", 0, "defect of offhook", false},
		{"new code", 400, apiBody("SOMETHING_NEW", "who knows", ""), true, dead, "refused", 0, "who knows", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p.T, p.reports = t, nil
			n, before := 0, len(p.tasks())
			p.TaskReply = func() (int, string, bool) {
				n++
				return tt.status, tt.body, tt.always || n == 1
			}
			number += 2
			key := p.end(number, nil)
			p.sender.Flush(t.Context())
			it := p.expect(key, tt.state, before+tt.tasks)
			if it.ErrorClass != tt.class || tt.free != (it.Attempts == 0) {
				t.Errorf("class %q after %d attempts: %s", it.ErrorClass, it.Attempts, it.LastError)
			}
			var said []string
			for _, r := range p.reports {
				said = append(said, r.Line.String())
			}
			if !strings.Contains(strings.Join(said, "\n"), tt.say) {
				t.Errorf("the agent reads %q, without %q", said, tt.say)
			}
			if tt.class == "" && tt.tasks == 1 {
				if _, dup := p.Find("Task", crm.KeyField, key); !dup && !strings.Contains(p.item(key).LastError.String(), crm.KeyField) {
					t.Error("the Task has no key")
				}
			}
			// Whatever happened, the next record is not held up by this one.
			p.TaskReply = nil
			if it.State == ledger.Pending {
				if err := p.led.Drop(t.Context(), key, text.Clean("test")); err != nil {
					t.Fatal(err)
				}
				p.sender.Resume()
			}
			next := p.end(number+1, nil)
			p.sender.Flush(t.Context())
			p.expect(next, ledger.Sent, before+tt.tasks+1)
		})
	}
}
