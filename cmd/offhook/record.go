package main

import (
	"fmt"
	"slices"
	"strings"

	"offhook/config"
	"offhook/crm"
	"offhook/crm/number"
)

// actions are what a call's record says was done with it.
var actions = [...]string{"answered", "missed", "declined", "cancelled", "transfer", "failed", "answered elsewhere"}

// checkRecord finds what cannot be meant in the section about records.
func checkRecord(r config.Record, say func(section string, err error)) {
	if err := crm.CheckFieldMap(fieldMap(r)); err != nil {
		say("record.map", err)
	}
	if _, err := descriptionOf(r); err != nil {
		say("record.description", err)
	}
	for i, s := range r.Statuses {
		if !slices.Contains(actions[:], s.Action) {
			say("record.statuses", fmt.Errorf("line %d: no call is %q; there are: %s", i+1, s.Action, strings.Join(actions[:], ", ")))
		} else if s.Status == "" {
			say("record.statuses", fmt.Errorf("line %d: there is no status for %s calls", i+1, s.Action))
		}
	}
	for i, o := range r.Owners {
		if o.SIP == "" || o.User == "" {
			say("record.owners", fmt.Errorf("line %d: write both, as {sip = \"2101\", user = \"ann@example.com\"}", i+1))
		}
	}
}

func fieldMap(r config.Record) (out []crm.FieldMap) {
	for _, m := range r.Map {
		out = append(out, crm.FieldMap{Value: m.Value, Field: m.Field})
	}
	return out
}

// descriptionOf reads record.description; nil for the default.
func descriptionOf(r config.Record) (*crm.Template, error) {
	if r.Descr == "" {
		return nil, nil
	}
	return crm.ParseTemplate(r.Descr)
}

// taskSettings are the user's side of a Task.
func (o *org) taskSettings() crm.TaskSettings {
	styles := map[string]number.Style{"national": number.National, "e164": number.E164}
	zones := map[string]crm.ZoneStyle{"off": crm.ZoneOff, "id": crm.ZoneID, "name": crm.ZoneName}
	s := recordSettings(o.record)
	s.Template, s.Shared, s.Answers = o.template, o.shared, o.answers()
	s.Subject = crm.SubjectStyle{
		Zone: o.zone.Load(), ZoneStyle: zones[o.record.Zone], TwelveHour: o.record.Clock == "12h",
		Number: styles[o.record.Number], Region: o.region,
	}
	return s
}

// recordSettings are what the settings alone say about a Task.
func recordSettings(r config.Record) crm.TaskSettings {
	s := crm.TaskSettings{Status: r.Status, Map: fieldMap(r), Target: crm.Target(r.Target)}
	for _, o := range r.Owners {
		s.Owners = append(s.Owners, crm.OwnerRule{SIP: o.SIP, User: o.User})
	}
	for _, st := range r.Statuses {
		if s.Statuses == nil {
			s.Statuses = map[string]string{}
		}
		s.Statuses[st.Action] = st.Status
	}
	return s
}
