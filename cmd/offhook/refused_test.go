package main

import (
	"net/http"
	"strings"
	"testing"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/desk"
)

// refusal is one way in which Salesforce says no, and what becomes of the call record and of the agent's screen.
type refusal struct {
	name  string
	fault emulator.Fault
	say   string // on the screen
	end   string // waits, dead, or written
}

// refusals are the errors of the REST API with the texts that Salesforce documents.
func refusals() []refusal {
	api := func(status int, code, message, field string) emulator.Fault {
		return emulator.Fault{Kind: emulator.FaultAPIError, Status: status, Code: code, Message: message, Field: field}
	}
	once := func(f emulator.Fault) emulator.Fault { f.Times = 1; return f }
	return []refusal{
		{"session", emulator.Fault{Kind: emulator.FaultSession, Times: 1000}, "offhook login", "waits"},
		{"session without REST", emulator.Fault{Kind: emulator.FaultSession, Times: 1000, Message: "This session is not valid for use with the REST API"}, "REST API", "waits"},
		{"row lock", api(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", ""), "exclusive access", "waits"},
		{"row lock, one object", emulator.Fault{Kind: emulator.FaultAPIError, Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access to this record", Format: "object"}, "exclusive access", "waits"},
		{"500", emulator.Fault{Kind: emulator.FaultError}, "tried again by itself", "waits"},
		{"502", emulator.Fault{Kind: emulator.FaultHTML}, "tried again by itself", "waits"},
		{"503", emulator.Fault{Kind: emulator.FaultBusy}, "tried again by itself", "waits"},
		{"504", emulator.Fault{Kind: emulator.FaultHTML, Status: 504}, "tried again by itself", "waits"},
		{"420", emulator.Fault{Kind: emulator.FaultHTML, Status: 420}, "tried again by itself", "waits"},
		{"429", emulator.Fault{Kind: emulator.FaultHTML, Status: 429}, "tried again by itself", "waits"},
		{"query timeout", api(400, "QUERY_TIMEOUT", "Your query request was running for too long.", ""), "running for too long", "waits"},
		{"retired", once(api(410, "UNSUPPORTED_API_VERSION", "The requested API version is retired", "")), "", "written"},
		{"changed meanwhile", api(412, "PRECONDITION_FAILED", "The record has been modified", ""), "read again", "waits"},
		{"validation rule", api(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "no calls on Sundays", ""), "no calls on Sundays", "dead"},
		{"required field", api(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Region__c]", "Region__c"), "Region__c", "dead"},
		{"unknown field", once(api(400, "INVALID_FIELD", "No such column 'Type' on sobject of type Task", "")), "left out Type", "written"},
		{"field not for insert", once(api(400, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: CallType.", "CallType")), "left out CallType", "written"},
		{"too long", once(api(400, "STRING_TOO_LONG", "Description: data value too large", "Description")), "left out Description", "written"},
		{"restricted picklist", once(api(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Priority: bad value for restricted picklist field: Normal", "Priority")), "left out Priority", "written"},
		{"integrity", once(api(400, "FIELD_INTEGRITY_EXCEPTION", "Related To ID: id value of incorrect type: 003000000000001", "WhatId")), "", "dead"},
		{"malformed id", once(api(400, "MALFORMED_ID", "Name ID: id value of incorrect type: 001000000000001", "WhoId")), "association was changed", "written"},
		{"duplicates", api(400, "DUPLICATES_DETECTED", "Use one of these records?", ""), "", "dead"},
		{"deleted", once(api(404, "ENTITY_IS_DELETED", "entity is deleted", "")), "association was changed", "written"},
		{"not found", once(api(404, "NOT_FOUND", "The requested resource does not exist", "")), "association was changed", "written"},
		{"not visible", once(api(400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "insufficient access rights on cross-reference id: 003", "")), "association was changed", "written"},
		{"cross reference", once(api(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", "")), "association was changed", "written"},
		{"converted lead", once(api(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", "")), "association was changed", "written"},
		{"malformed query", api(400, "MALFORMED_QUERY", "unexpected token: 'x'", ""), "please report it", "dead"},
		{"short search", api(400, "INVALID_SEARCH", "search term must be longer than one character: ", ""), "please report it", "dead"},
		{"malformed search", api(400, "MALFORMED_SEARCH", "No search term found.", ""), "please report it", "dead"},
		{"unlicensed", api(400, "INVALID_TYPE", "sObject type 'Task' is not supported.", ""), "no such object", "dead"},
		{"no permission", api(403, "INSUFFICIENT_ACCESS", "insufficient access rights on object id", ""), "administrator", "dead"},
		// last, because lookups rest for a while after it
		{"limit", emulator.Fault{Kind: emulator.FaultLimit}, "wait safely on disk", "waits"},
	}
}

// Everything that Salesforce may answer, from the practice Salesforce through the whole program: the lookup while it rings says that it
// failed, and does not say that nobody is known; the record is written, waits on disk or is kept for a person, and the screen says why.
func TestWhateverSalesforceRefusesTheAgentReadsWhyAndTheRecordIsKept(t *testing.T) {
	p := newPlace(t)
	for i, r := range refusals() {
		ok := t.Run(r.name, func(t *testing.T) {
			p.TB = t
			before, dead := len(p.tasks()), p.w.desk.Snapshot().Outbox.Dead
			f := r.fault
			f.Path, f.Method = "/sobjects/Task", http.MethodPost
			if err := p.b.org.SetFault(f); err != nil {
				t.Fatal(err)
			}
			if f.Times != 1 && r.end != "written" {
				for _, path := range []string{"/search", "/composite"} {
					f.Path, f.Method = path, ""
					if err := p.b.org.SetFault(f); err != nil {
						t.Fatal(err)
					}
				}
			}
			number := emulator.StoryKnownNumber
			if f.Path != "/sobjects/Task" {
				number = "+4420794601" + string(rune('0'+i/10)) + string(rune('0'+i%10)) // not in the cache
			}
			p.ring(number)
			s := p.talk()
			if f.Path != "/sobjects/Task" {
				s = p.until("the lookup has failed", func(s *desk.Snapshot) bool {
					return len(s.Calls) > 0 && s.Calls[len(s.Calls)-1].Match.State == crm.MatchFailed
				})
				if s.Calls[len(s.Calls)-1].Match.Detail.Empty() {
					t.Error("the lookup does not say why it failed")
				}
			}
			p.b.org.ClearFaults()
			f = r.fault
			f.Path, f.Method = "/sobjects/Task", http.MethodPost
			if err := p.b.org.SetFault(f); err != nil {
				t.Fatal(err)
			}
			p.bye()
			said := func(s *desk.Snapshot) bool {
				if r.say == "" || strings.Contains(s.Links.Salesforce.Text.String(), r.say) || strings.Contains(s.Outbox.Paused.String(), r.say) {
					return true
				}
				for _, n := range s.Notices {
					if strings.Contains(n.Text.String(), r.say) {
						return true
					}
				}
				return false
			}
			switch r.end {
			case "waits":
				p.until("the screen says "+r.say, func(s *desk.Snapshot) bool { return s.Outbox.Pending == 1 && said(s) })
				if n := len(p.tasks()); n != before {
					t.Errorf("%d Tasks", n-before)
				}
				p.b.org.ClearFaults()
				p.w.org.sendNow()
				p.until("it is sent", func(s *desk.Snapshot) bool { return s.Outbox.Pending == 0 && len(p.tasks()) == before+1 })
			case "dead":
				p.until("a person must look, and reads "+r.say, func(s *desk.Snapshot) bool { return s.Outbox.Dead == dead+1 && said(s) })
			case "written":
				p.until("it is written, and the screen says "+r.say, func(s *desk.Snapshot) bool { return len(p.tasks()) == before+1 && s.Outbox.Pending == 0 && said(s) })
			}
			p.b.org.ClearFaults()
			p.send(desk.GoAvailable, "")
			p.until("the next call can come", func(s *desk.Snapshot) bool { return s.State == desk.Available })
		})
		if !ok {
			return // the desk is not as the next row expects it
		}
	}
}

func TestThatNothingCanBeSentIsToldInAWholeLineWhichGoesWhenItCanAgain(t *testing.T) {
	p := newPlace(t)
	check(t, p.b.org.SetFault(emulator.Fault{Kind: emulator.FaultLimit}))
	p.ring("+442079460177")
	p.talk()
	p.bye()
	const line = "Salesforce's API calls for today are used up: lookups stop, call records wait safely on disk and are sent later."
	p.until("it is told", func(s *desk.Snapshot) bool { return said(s, line) && s.Links.Salesforce.Health == desk.HealthDown })
	p.b.org.ClearFaults()
	p.w.org.sendNow()
	p.until("the line goes", func(s *desk.Snapshot) bool {
		return s.Outbox.Pending == 0 && len(s.Landed) == 1 && !said(s, "used up") && s.Links.Salesforce.Health == desk.HealthOK
	})
}
