package crm

import (
	"fmt"
	"math"
	"strings"
	"time"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// KeyField is the unique external-id field that makes writing a Task safe to repeat. It is optional: an administrator
// installs it once.
const KeyField = "Offhook_Call_Key__c"

// Lengths of Task fields.
const (
	maxDescription = 32000
	maxCallObject  = 255
)

// TaskSettings are what the Task of a call is made with: the org's side (Preflight fills it) and the user's.
type TaskSettings struct {
	Subject SubjectStyle
	Status  string // a closed status; "" for Completed
	OwnerID string // "" leaves it to Salesforce: the signed-in user
	Type    string // value of Task.Type, "" for Call
	// Has tells which optional fields exist for this user; nil when describe was not possible: then only the fields
	// that every org has are written.
	Has map[string]bool
}

// taskOptional are the fields that may be missing: hidden by field-level security or not installed. Describe decides.
var taskOptional = []string{KeyField, "Type", "CallObject", "CallType", "CallDurationInSeconds", "CallDisposition", "TaskSubtype", "Priority"}

// has reports whether a field may be written. The call fields belong to every org with Salesforce CRM Call Center; Type
// and the key field must have been seen.
func (s TaskSettings) has(field string) bool {
	if s.Has == nil {
		return field != KeyField && field != "Type"
	}
	return s.Has[field]
}

// maps reports whether a field of the settings takes values that came with the call: it must have been seen in the org.
func (s TaskSettings) maps(field string) bool { return field != "" && s.Has != nil && s.Has[field] }

// Keyed reports whether the unique key field is installed, so that a Task can be posted again without harm.
func (s TaskSettings) Keyed() bool { return s.has(KeyField) }

// TaskFields makes the Task of a call record: a completed activity, inserted once.
func TaskFields(rec CallRecord, s TaskSettings) map[string]any {
	f := map[string]any{
		"Subject": Subject(rec, s.Subject),
		"Status":  or(s.Status, "Completed"),
		// The agent's local date; Salesforce must not shift it for time zones.
		"ActivityDate": rec.Start.In(s.Subject.location()).Format(time.DateOnly),
	}
	set := func(field string, v any) {
		if s.has(field) {
			f[field] = v
		}
	}
	set("Priority", "Normal")
	set("TaskSubtype", "Call") // create only: an amendment must leave it out
	set("Type", or(s.Type, "Call"))
	set("CallType", string(callType(rec)))
	set("CallDurationInSeconds", DurationSeconds(rec))
	set("CallObject", text.Clean(rec.Key).Runes(maxCallObject).String())
	set(KeyField, rec.Key)
	if salesforce.ValidID(s.OwnerID) {
		f["OwnerId"] = s.OwnerID
	}
	for k, v := range whoWhat(rec) {
		f[k] = v
	}
	for _, v := range rec.Vars {
		if _, ours := f[v.Field]; !ours && s.maps(v.Field) { // what the record itself says is never overwritten by a header
			f[v.Field] = v.Value.Runes(255).String()
		}
	}
	if d := Description(rec, s); d != "" {
		f["Description"] = d
	}
	return f
}

// whoWhat maps the association to WhoId and WhatId. An internal call has neither; a Lead has no WhatId.
func whoWhat(rec CallRecord) map[string]string {
	out := map[string]string{}
	if callType(rec) == Internal {
		return out
	}
	who, what := rec.Assoc.Who, rec.Assoc.What
	if salesforce.ValidID(who.ID) {
		out["WhoId"] = who.ID
	}
	if salesforce.ValidID(what.ID) && !(who.Type == "Lead" && !who.Zero()) {
		out["WhatId"] = what.ID
	}
	return out
}

// DurationSeconds is the talk time in whole seconds, never negative, 0 when the call was not answered.
func DurationSeconds(rec CallRecord) int {
	if rec.Answer.IsZero() || rec.Duration <= 0 {
		return 0
	}
	return int(min(rec.Duration/time.Second, math.MaxInt32))
}

// Description writes the notes first, then the facts of the call, one per line, at most 32,000 characters. Notes are
// cut before facts.
func Description(rec CallRecord, s TaskSettings) string {
	loc := s.Subject.location()
	var facts []string
	add := func(label, value string) {
		if value != "" {
			facts = append(facts, label+": "+value)
		}
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(loc).Format("2006-01-02 15:04:05 -07:00")
	}
	add("Start", at(rec.Start))
	add("Answered", at(rec.Answer))
	add("End", at(rec.End))
	if d := DurationSeconds(rec); d > 0 {
		add("Duration", fmt.Sprintf("%d:%02d:%02d", d/3600, d/60%60, d%60))
	}
	result := rec.Action
	if !rec.Reason.Empty() {
		result = strings.TrimPrefix(result+", "+rec.Reason.String(), ", ")
	}
	add("Result", result)
	add("Ended by", rec.HangUpBy)
	if rec.Withheld {
		add("Caller", "number withheld")
	} else {
		add("Number", rec.Number.String())
		add("Presented name", rec.Name.String())
	}
	add("Called", rec.Called.String())
	add("Transfer", strings.TrimSpace(rec.Transfer+" "+rec.TransferTo.String()))
	add("Agent", rec.Agent.String())
	add("Association", rec.Assoc.Why)
	add("Call key", rec.Key)
	add("Correlation", rec.Correlation)
	add("SIP Call-ID", rec.SIPCallID.String())
	add("Session", rec.Session)
	add("Recording", strings.TrimSpace(rec.Recording+" "+rec.Recorded))
	for _, v := range rec.Vars {
		if !s.maps(v.Field) {
			add(v.Name.String(), v.Value.String())
		}
	}
	tail := strings.Join(facts, "\n")
	notes := MaskCards(rec.Notes.String())
	if notes == "" {
		return cutRunes(tail, maxDescription)
	}
	room := max(0, maxDescription-len([]rune(tail))-2)
	return cutRunes(cutRunes(notes, room)+"\n\n"+tail, maxDescription)
}

func cutRunes(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n])
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// MaskCards replaces all but the last four digits of what looks like a payment card (13 to 19 digits with a right Luhn
// sum, spaces and dashes between them allowed). It is a safety net for notes, no compliance.
func MaskCards(s string) string {
	b := []byte(s)
	for i := 0; i < len(b); i++ {
		if b[i] < '0' || b[i] > '9' || i > 0 && (b[i-1] >= '0' && b[i-1] <= '9' || b[i-1] == '+') {
			continue
		}
		var at []int
		j := i
		for ; j < len(b) && len(at) < 20; j++ {
			switch {
			case b[j] >= '0' && b[j] <= '9':
				at = append(at, j)
				continue
			case (b[j] == ' ' || b[j] == '-') && j+1 < len(b) && b[j+1] >= '0' && b[j+1] <= '9':
				continue
			}
			break
		}
		if n := len(at); n >= 13 && n <= 19 && luhn(b, at) {
			for _, k := range at[:n-4] {
				b[k] = '*'
			}
			i = at[n-1]
		}
	}
	return string(b)
}

func luhn(b []byte, at []int) bool {
	sum := 0
	for i := range at {
		d := int(b[at[len(at)-1-i]] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
