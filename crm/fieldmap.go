package crm

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"offhook/internal/text"
)

// FieldMap is one line of record.map: what of the call goes into which Task field.
type FieldMap struct {
	Value string // a label of FieldValues, or "var:" and the name of a variable of the call
	Field string // API name; "" switches the field of the default map off
}

// varPrefix begins a value that came with the call.
const varPrefix = "var:"

// value is one fact of a call on its way into a field of any type.
type value struct {
	text text.Text // what it is in words; "" for nothing
	num  *float64
	at   time.Time
}

func (v value) empty() bool { return v.text.Empty() && v.num == nil && v.at.IsZero() }

func words(s string) value { return value{text: text.Clean(s)} }

func moment(t time.Time) value {
	if t.IsZero() {
		return value{}
	}
	return value{text: text.Clean(t.UTC().Format(time.RFC3339)), at: t}
}

func seconds(d time.Duration, known bool) value {
	if !known || d < 0 {
		return value{}
	}
	n := float64(d / time.Second)
	return value{text: text.Clean(fmt.Sprintf("%.0f", n)), num: &n}
}

// source is one fact that a call can give.
type source struct {
	label string
	field string // of the default map; "" for none
	from  func(rec CallRecord, s TaskSettings) value
}

// sources are the facts, first those that call-centre reports have by convention, then what else is known of a call.
func sources() []source {
	return []source{
		{"Action", "Offhook_Action__c", func(r CallRecord, _ TaskSettings) value { return words(action(r)) }},
		{"Action Outcome", "Offhook_Action_Outcome__c", func(r CallRecord, _ TaskSettings) value { return value{text: r.Disposition.Or(r.Reason)} }},
		{"Agent Name", "Offhook_Agent_Name__c", func(r CallRecord, _ TaskSettings) value { return value{text: r.Agent} }},
		{"Agent ID", "Offhook_Agent_ID__c", func(_ CallRecord, s TaskSettings) value { return words(s.OwnerID) }},
		{"Call ID", "Offhook_Call_ID__c", func(r CallRecord, _ TaskSettings) value { return words(r.Key) }},
		{"Caller ID", "Offhook_Caller_ID__c", func(r CallRecord, _ TaskSettings) value { return value{text: callerID(r)} }},
		{"Campaign Name", "Offhook_Campaign_Name__c", func(r CallRecord, _ TaskSettings) value { return value{text: r.Campaign.Name} }},
		{"Initiator", "Offhook_Initiator__c", func(r CallRecord, _ TaskSettings) value { return words(initiator(r)) }},
		{"Number Dialed", "Offhook_Number_Dialed__c", func(r CallRecord, _ TaskSettings) value { return value{text: dialled(r)} }},
		{"Recording Link", "Offhook_Recording_Link__c", func(r CallRecord, _ TaskSettings) value { return words(r.Recording) }},
		{"Recording Status", "Offhook_Recording_Status__c", func(r CallRecord, _ TaskSettings) value { return words(recordingStatus(r)) }},
		{"Transfer Destination", "Offhook_Transfer_Destination__c", func(r CallRecord, _ TaskSettings) value { return value{text: r.TransferTo} }},
		{"Transfer Type", "Offhook_Transfer_Type__c", func(r CallRecord, _ TaskSettings) value { return words(r.Transfer) }},
		{"Call Type", "Offhook_Call_Type__c", func(r CallRecord, _ TaskSettings) value { return words(string(r.Way())) }},
		{"Voicemail Duration", "Offhook_Voicemail_Duration__c", func(r CallRecord, _ TaskSettings) value { return seconds(r.Voicemail, r.Voicemail > 0) }},
		{"Voicemail Timestamp", "Offhook_Voicemail_Timestamp__c", func(r CallRecord, _ TaskSettings) value { return moment(r.VoicemailAt) }},
		{"Reason", "Offhook_Reason__c", func(r CallRecord, _ TaskSettings) value { return value{text: r.Reason} }},
		{"Start Time", "Offhook_Call_Start__c", func(r CallRecord, _ TaskSettings) value { return moment(r.Start) }},
		{"Correlation", "Offhook_Correlation__c", func(r CallRecord, _ TaskSettings) value { return words(r.Correlation) }},
		{"Answer Time", "", func(r CallRecord, _ TaskSettings) value { return moment(r.Answer) }},
		{"End Time", "", func(r CallRecord, _ TaskSettings) value { return moment(r.End) }},
		{"Callback Time", "", func(r CallRecord, _ TaskSettings) value { return moment(r.CallbackAt) }},
		{"Duration", "", func(r CallRecord, _ TaskSettings) value {
			return seconds(time.Duration(DurationSeconds(r))*time.Second, true)
		}},
		{"Ring Time", "", func(r CallRecord, _ TaskSettings) value {
			until := r.Answer
			if until.IsZero() {
				until = r.End
			}
			return seconds(until.Sub(r.Start), !until.IsZero())
		}},
		{"Disposition", "", func(r CallRecord, _ TaskSettings) value { return value{text: r.Disposition} }},
		{"Hang Up By", "", func(r CallRecord, _ TaskSettings) value { return words(r.HangUpBy) }},
		{"Notes", "", func(r CallRecord, _ TaskSettings) value { return words(MaskCards(r.Notes.String())) }},
		{"Place", "", func(r CallRecord, _ TaskSettings) value { return value{text: r.Place} }},
		{"Campaign ID", "", func(r CallRecord, _ TaskSettings) value { return words(r.Campaign.ID) }},
		{"Session", "", func(r CallRecord, _ TaskSettings) value { return words(r.Session) }},
		{"Codec", "", func(r CallRecord, _ TaskSettings) value { return words(r.Codec) }},
		{"SIP Call-ID", "", func(r CallRecord, _ TaskSettings) value { return value{text: r.SIPCallID} }},
	}
}

func action(r CallRecord) string {
	if !r.VoicemailAt.IsZero() {
		return "voicemail"
	}
	return r.Action
}

// callerID is the number that the called side saw.
func callerID(r CallRecord) text.Text {
	switch {
	case r.WentOut():
		return r.Agent
	case r.Withheld:
		return text.Clean("withheld")
	}
	return r.Number
}

func dialled(r CallRecord) text.Text {
	if r.WentOut() {
		return r.Number.Or(r.Called)
	}
	return r.Called
}

func initiator(r CallRecord) string {
	switch {
	case r.Initiator != "":
		return r.Initiator
	case r.WentOut():
		return "agent"
	}
	return "customer"
}

// recordingStatus is none, on, paused, stopped or unknown.
func recordingStatus(r CallRecord) string {
	switch r.Recorded {
	case "":
		return "none"
	case "on", "paused":
		return r.Recorded
	case "off":
		return "stopped"
	}
	return "unknown"
}

// FieldValues are the labels that record.map knows.
func FieldValues() (out []string) {
	for _, s := range sources() {
		out = append(out, s.label)
	}
	return out
}

// DefaultFieldMap is the map of the fields that come with offhook (docs/salesforce): they are filled where they are installed.
func DefaultFieldMap() (out []FieldMap) {
	for _, s := range sources() {
		if s.field != "" {
			out = append(out, FieldMap{s.label, s.field})
		}
	}
	return out
}

// labelKey makes labels comparable: "Agent Name", "agent_name" and "agent-name" are the same.
func labelKey(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" _-", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// CheckFieldMap finds the first line of a map that cannot be meant: a value that no call gives, a field that cannot be one.
func CheckFieldMap(m []FieldMap) error {
	for i, line := range m {
		at := fmt.Sprintf("line %d", i+1)
		if name, ok := strings.CutPrefix(strings.ToLower(line.Value), varPrefix); ok {
			if strings.TrimSpace(name) == "" {
				return fmt.Errorf("%s: write the variable's name after var:, as var:Queue", at)
			}
		} else if _, ok := sourceOf(line.Value); !ok {
			return fmt.Errorf("%s: a call has no value %q%s", at, text.Clean(line.Value), meant(line.Value, FieldValues()))
		}
		switch {
		case line.Field == "":
		case !fieldName(line.Field):
			return fmt.Errorf("%s: %q is not the API name of a field, as Agent_Name__c", at, text.Clean(line.Field))
		case slices.ContainsFunc(OwnFields(), func(f string) bool { return strings.EqualFold(f, line.Field) }):
			return fmt.Errorf("%s: %s is filled by offhook itself", at, line.Field)
		}
	}
	return nil
}

// OwnFields are the Task fields that make the record what it is.
func OwnFields() []string {
	return []string{"Id", "Subject", "Status", "ActivityDate", "WhoId", "WhatId", "TaskWhoIds", "OwnerId", "Description", "RecordTypeId", KeyField,
		"TaskSubtype", "CallType", "CallDurationInSeconds", "CallObject"}
}

func sourceOf(label string) (source, bool) {
	key := strings.TrimPrefix(labelKey(label), "convoso") // "Convoso Call Type"
	for _, s := range sources() {
		if labelKey(s.label) == key {
			return s, true
		}
	}
	return source{}, false
}

func fieldName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r != '_' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 80
}

// mapOf is the map in force: the default one, where the settings say nothing else about a value, and the settings' lines.
func (s TaskSettings) mapOf() (out []FieldMap) {
	for _, d := range DefaultFieldMap() {
		if !slices.ContainsFunc(s.Map, func(m FieldMap) bool { return SameValue(m.Value, d.Value) }) {
			out = append(out, d)
		}
	}
	return append(out, slices.DeleteFunc(slices.Clone(s.Map), func(m FieldMap) bool { return m.Field == "" })...)
}

// valueOf is what a call gives under a label.
func valueOf(label string, rec CallRecord, s TaskSettings) value {
	if len(label) > len(varPrefix) && strings.EqualFold(label[:len(varPrefix)], varPrefix) {
		name := strings.TrimSpace(label[len(varPrefix):])
		for _, v := range rec.Vars {
			if strings.EqualFold(v.Name.String(), name) {
				return value{text: v.Value}
			}
		}
		return value{}
	}
	if src, ok := sourceOf(label); ok {
		return src.from(rec, s)
	}
	return value{}
}
