package post

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// errorRow is one documented error of the REST API: what it means, what the agent reads, and what becomes of the call record that
// is answered so every time.
type errorRow struct {
	name   string
	status int
	body   string
	kind   salesforce.Kind
	line   string // in what the agent reads
	state  ledger.ItemState
	class  string
}

// errorRows are the rows of Salesforce's errors and their reactions, each status and code with its documented text.
func errorRows() []errorRow {
	const (
		pending = ledger.Pending
		sent    = ledger.Sent
		fix     = ledger.Fix
		dead    = ledger.Dead
	)
	named := `"Status"` // a field that a Task cannot do without
	return []errorRow{
		{"session", 401, apiBody("INVALID_SESSION_ID", "Session expired or invalid", ""), salesforce.KindAuth, "run offhook login", pending, "auth"},
		{"session without REST", 401, apiBody("INVALID_SESSION_ID", "This session is not valid for use with the REST API", ""), salesforce.KindAuth, "may not use the REST API", pending, "auth"},
		{"session of an agent", 401, apiBody("INVALID_SESSION_ID", "Connected app is not attached to Agent", ""), salesforce.KindAuth, "attach the app", pending, "auth"},
		{"session, told in XML", 401, `<?xml version="1.0"?><Errors><Error><errorCode>INVALID_SESSION_ID</errorCode><message>Session expired or invalid</message></Error></Errors>`, salesforce.KindAuth, "run offhook login", pending, "auth"},
		{"API switched off", 403, apiBody("API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner", ""), salesforce.KindAuth, "API Enabled", pending, "auth"},
		{"limit", 403, apiBody("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", ""), salesforce.KindLimit, "wait safely on disk", pending, "limit"},
		{"row lock", 400, apiBody("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: 003000000000001", ""), salesforce.KindTransient, "tried again by itself", pending, "network"},
		{"500", 500, apiBody("UNKNOWN_EXCEPTION", "An unexpected error occurred.", ""), salesforce.KindTransient, "tried again by itself", pending, "network"},
		{"502 of the edge", 502, "<html><head><title>Bad Gateway</title></head></html>", salesforce.KindTransient, "Bad Gateway", pending, "network"},
		{"503", 503, apiBody("SERVER_UNAVAILABLE", "We are down for maintenance.", ""), salesforce.KindTransient, "down for maintenance", pending, "network"},
		{"504", 504, "", salesforce.KindTransient, "tried again by itself", pending, "network"},
		{"420 of the edge", 420, "", salesforce.KindTransient, "tried again by itself", pending, "network"},
		{"428", 428, "", salesforce.KindTransient, "tried again by itself", pending, "network"},
		{"429", 429, "", salesforce.KindTransient, "tried again by itself", pending, "network"},
		{"query timeout", 400, apiBody("QUERY_TIMEOUT", "Your query request was running for too long.", ""), salesforce.KindTransient, "running for too long", pending, "network"},
		{"validation rule", 400, apiBody("FIELD_CUSTOM_VALIDATION_EXCEPTION", "no calls on Sundays", ""), salesforce.KindValidation, "no calls on Sundays", fix, "validation"},
		{"required field", 400, apiBody("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", `"Name"`), salesforce.KindValidation, "Required fields are missing: [Name]", fix, "validation"},
		{"unknown field", 400, apiBody("INVALID_FIELD", "No such column 'Status' on sobject of type Task", ""), salesforce.KindField, "tell your administrator", dead, "field"},
		{"field not for insert", 400, apiBody("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: Status.", named), salesforce.KindField, "tell your administrator", dead, "field"},
		{"too long", 400, apiBody("STRING_TOO_LONG", "Status: data value too large: x (max length=40)", named), salesforce.KindField, "data value too large", dead, "field"},
		{"restricted picklist", 400, apiBody("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Status: bad value for restricted picklist field: Done", named), salesforce.KindField, "bad value", dead, "field"},
		{"integrity", 400, apiBody("FIELD_INTEGRITY_EXCEPTION", "Related To ID: id value of incorrect type: 003000000000001", `"WhatId"`), salesforce.KindReference, "defect of offhook", dead, "link"},
		{"malformed id", 400, apiBody("MALFORMED_ID", "Name ID: id value of incorrect type: 001000000000001", `"WhoId"`), salesforce.KindReference, "defect of offhook", dead, "link"},
		{"duplicates", 400, `[{"duplicateResut":{"allowSave":true,"errorMessage":"Use one of these records?"},"errorCode":"DUPLICATES_DETECTED","message":"x"}]`, salesforce.KindDuplicates, "save anyway", dead, "duplicate"},
		{"duplicates, the other spelling", 400, `[{"duplicateResult":{"allowSave":false,"errorMessage":"Exists"},"errorCode":"DUPLICATES_DETECTED","message":"x"}]`, salesforce.KindDuplicates, "use the existing one", dead, "duplicate"},
		{"already there", 400, apiBody("DUPLICATE_VALUE", "duplicate value found: Offhook_Call_Key__c duplicates value on record with id: 00T000000000001AAA", ""), salesforce.KindDone, "already has this record", sent, ""},
		{"deleted", 404, apiBody("ENTITY_IS_DELETED", "entity is deleted", ""), salesforce.KindStale, "search again", dead, "link"},
		{"not found", 404, apiBody("NOT_FOUND", "The requested resource does not exist", ""), salesforce.KindStale, "search again", dead, "link"},
		{"not visible", 400, apiBody("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "insufficient access rights on cross-reference id: 003000000000001", ""), salesforce.KindStale, "not visible to you", dead, "link"},
		{"cross reference", 400, apiBody("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ""), salesforce.KindStale, "search again", dead, "link"},
		{"converted lead", 400, apiBody("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", ""), salesforce.KindStale, "converted", dead, "link"},
		{"short search", 400, apiBody("INVALID_SEARCH", "search term must be longer than one character: ", ""), salesforce.KindProgramming, "please report it", dead, "defect"},
		{"malformed search", 400, apiBody("MALFORMED_SEARCH", "No search term found.", ""), salesforce.KindProgramming, "please report it", dead, "defect"},
		{"malformed query", 400, apiBody("MALFORMED_QUERY", "unexpected token: 'x'", ""), salesforce.KindProgramming, "please report it", dead, "defect"},
		{"unlicensed", 400, apiBody("INVALID_TYPE", "sObject type 'Task' is not supported.", ""), salesforce.KindUnlicensed, "goes on without it", dead, "unlicensed"},
		{"retired version", 410, apiBody("UNSUPPORTED_API_VERSION", "The requested API version is retired", ""), salesforce.KindGone, "asks for a newer one", pending, "network"},
		{"changed meanwhile", 412, "", salesforce.KindConflict, "read again", pending, "network"},
		{"no permission", 403, apiBody("INSUFFICIENT_ACCESS", "insufficient access rights on object id", ""), salesforce.KindForbidden, "ask your administrator", dead, "permission"},
		{"method", 405, apiBody("METHOD_NOT_ALLOWED", "HTTP Method 'POST' not allowed.", ""), salesforce.KindUnknown, "not allowed", dead, "refused"},
		{"conflict", 409, apiBody("CONFLICT", "conflict with the current state", ""), salesforce.KindUnknown, "conflict", dead, "refused"},
		{"too long an address", 414, apiBody("URI_TOO_LONG", "URI too long", ""), salesforce.KindUnknown, "too long", dead, "refused"},
		{"media type", 415, apiBody("UNSUPPORTED_MEDIA_TYPE", "unsupported media type", ""), salesforce.KindUnknown, "media type", dead, "refused"},
		{"header too long", 431, apiBody("HEADERS_TOO_LARGE", "request headers too large", ""), salesforce.KindUnknown, "too large", dead, "refused"},
		{"one object instead of a list", 400, `{"errorCode":"UNABLE_TO_LOCK_ROW","message":"unable to obtain exclusive access"}`, salesforce.KindTransient, "exclusive access", pending, "network"},
		{"a page instead of data", 400, "<html><title>Sign in to the Wi-Fi</title></html>", salesforce.KindTransient, "Sign in to the Wi-Fi", pending, "network"},
	}
}

// The same reply is given to everything that a desk asks: the lookup while it rings, and the record when it ends.
func TestEveryErrorRowIsReadByTheAgentAndKeptByTheLedger(t *testing.T) {
	p := newPost(t, emulator.Options{Rotate: true}) // hours go by: the session is renewed
	p.warm()
	p.end(1, nil)
	p.sender.Flush(t.Context()) // the org is known now
	for i, row := range errorRows() {
		t.Run(row.name, func(t *testing.T) {
			p.T, p.reports = t, nil
			tasks := len(p.tasks())
			p.Answer(func(r *http.Request) (int, string, bool) {
				data := strings.Contains(r.URL.Path, "/search") || strings.Contains(r.URL.Path, "/composite") || strings.HasSuffix(r.URL.Path, "/sobjects/Task")
				return row.status, row.body, data
			})
			// The meaning, and the line.
			_, err := p.SF.Create(t.Context(), "Task", map[string]any{"Subject": "x"}, nil)
			if got := salesforce.KindOf(err); got != row.kind {
				t.Errorf("kind %d, not %d: %v", got, row.kind, err)
			}
			if line := salesforce.Line(err); !strings.Contains(line, row.line) || strings.ContainsAny(line, "\n\r") {
				t.Errorf("the agent reads %q, without %q", line, row.line)
			}
			// The lookup: "failed" is not "nobody", and it says why.
			p.freshDirectory()
			p.warm()
			if m := p.lookup("+442079460777"); m.State != crm.MatchFailed || m.Detail.Empty() {
				t.Errorf("the lookup says %s %q", m.State, m.Detail)
			}
			// The record.
			key := p.end(100+2*i, nil)
			p.sender.Flush(t.Context())
			it := p.expect(key, row.state, tasks)
			if it.ErrorClass != row.class {
				t.Errorf("class %q, not %q: %s", it.ErrorClass, row.class, it.LastError)
			}
			if row.state == ledger.Pending && !strings.Contains(it.LastError.String(), row.line) {
				t.Errorf("the ledger says %q, without %q", it.LastError, row.line)
			}
			// When Salesforce is well again, nothing stands in the way of the record, nor of the one after it.
			p.Answer(nil)
			p.sender.Resume()
			want := tasks
			if row.state == ledger.Pending {
				p.Sleep(10 * time.Minute)
				p.sender.Flush(t.Context())
				want++
				p.expect(key, ledger.Sent, want)
			}
			next := p.end(101+2*i, nil)
			p.sender.Flush(t.Context())
			p.expect(next, ledger.Sent, want+1)
		})
	}
}

// While only the search fails, the spellings still find who is calling.
func TestOneWayThatFailsIsNotTheEndOfALookup(t *testing.T) {
	for _, row := range errorRows() {
		if row.kind == salesforce.KindAuth || row.kind == salesforce.KindLimit {
			continue // these are about both ways
		}
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{})
			w.warm()
			w.Answer(func(r *http.Request) (int, string, bool) {
				return row.status, row.body, strings.Contains(r.URL.Path, "/search")
			})
			if m := w.dir.Lookup(t.Context(), text.Clean(emulator.StoryKnownNumber), crm.Inbound); m.State != crm.MatchOne {
				t.Errorf("%s %q", m.State, m.Detail)
			}
		})
	}
}
