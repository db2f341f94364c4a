package crm

import (
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
	maxDescription     = 32000
	maxCallObject      = 255
	maxCallDisposition = 255
)

// Target is where calls are written to (record.target).
type Target string

// Targets.
const (
	TargetTask      Target = "task" // also the zero value
	TargetVoiceCall Target = "voicecall"
	TargetBoth      Target = "both"
)

// TaskSettings are what the Task of a call is made with: the org's side (Preflight fills it) and the user's.
type TaskSettings struct {
	Subject  SubjectStyle
	Status   string            // a closed status; "" for Completed
	Statuses map[string]string // by action: another status than Status
	Owners   []OwnerRule       // who a SIP account's calls belong to
	Shared   bool              // the session is not a person's: calls need an owner of their own
	OwnerID  string            // "" leaves it to Salesforce: the signed-in user
	Type     string            // value of Task.Type, "" for Call
	Map      []FieldMap        // beside, and instead of, the default map
	Template *Template         // of the description; nil for the default
	Target   Target
	Answers  Answers // what is known of the org
	// Has tells which optional fields exist for this user; nil when describe was not possible: then only the fields
	// that every org has are written.
	Has       map[string]bool
	Targets   map[string]salesforce.Field // of the map: fields that this user may fill, by API name in lower case
	WhatTypes []string                    // objects that a Task can be about; nil when that is not known
}

// OptionalFields are the fields of a Task that may be missing: hidden by field-level security or not installed. Describe decides.
func OptionalFields() []string {
	return []string{KeyField, "Type", "CallObject", "CallType", "CallDurationInSeconds", "CallDisposition", "TaskSubtype", "Priority", "TaskWhoIds"}
}

// has reports whether a field may be written. The call fields belong to every org with Salesforce CRM Call Center; Type
// the key field and TaskWhoIds (Shared Activities) must have been seen: now, or by a self test of this org.
func (s TaskSettings) has(field string) bool {
	if s.Has == nil {
		switch field {
		case KeyField:
			return s.Answers.Of(AskTaskKey) == Yes
		case "Type":
			return s.Answers.Of(AskTaskType) == Yes
		}
		return field != "TaskWhoIds"
	}
	return s.Has[field]
}

// maps reports whether a field of the settings takes values that came with the call: it must have been seen in the org.
func (s TaskSettings) maps(field string) bool {
	_, ok := s.Targets[strings.ToLower(field)]
	return ok
}

// Keyed reports whether the unique key field is installed, so that a Task can be posted again without harm.
func (s TaskSettings) Keyed() bool { return s.has(KeyField) }

// TaskFields makes the Task of a call record: a completed activity, inserted once.
func TaskFields(rec CallRecord, s TaskSettings) map[string]any {
	f := map[string]any{
		"Subject": Subject(rec, s.Subject),
		"Status":  or(s.Statuses[rec.Action], or(s.Status, "Completed")),
		// The agent's local date; Salesforce must not shift it for time zones.
		"ActivityDate": rec.Start.In(s.Subject.Location()).Format(time.DateOnly),
	}
	set := func(field string, v any) {
		if s.has(field) {
			f[field] = v
		}
	}
	set("Priority", "Normal")
	set("TaskSubtype", "Call") // create only: an amendment must leave it out
	set("Type", or(s.Type, "Call"))
	set("CallType", string(rec.Way()))
	set("CallDurationInSeconds", DurationSeconds(rec))
	set("CallObject", text.Clean(rec.Key).Runes(maxCallObject).String())
	set(KeyField, rec.Key)
	if !rec.Disposition.Empty() {
		set("CallDisposition", rec.Disposition.Runes(maxCallDisposition).String())
	}
	if salesforce.ValidID(s.OwnerID) {
		f["OwnerId"] = s.OwnerID
	}
	for k, v := range whoWhat(rec, s) {
		f[k] = v
	}
	for k, v := range s.Mapped(rec) {
		if _, ours := f[k]; !ours { // what the record itself says is never overwritten by a header
			f[k] = v
		}
	}
	if d := Description(rec, s); d != "" {
		f["Description"] = d
	}
	return f
}

// DurationSeconds is the talk time in whole seconds, never negative, 0 when the call was not answered.
func DurationSeconds(rec CallRecord) int {
	if rec.Answer.IsZero() || rec.Duration <= 0 {
		return 0
	}
	return int(min(rec.Duration/time.Second, math.MaxInt32))
}

// FitDescription cuts a text to what a Description takes.
func FitDescription(s string) string {
	return cutRunes(s, maxDescription)
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

// OwnerRule says whose calls those of a SIP account are.
type OwnerRule struct {
	SIP  string // account, as sip:2101@pbx.example.com, or its user part alone
	User string // user name or id of a Salesforce user, or id of a queue
}
