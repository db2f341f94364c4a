package emulator

import (
	"fmt"
	"strings"
	"time"
)

// derive fills the fields that Salesforce computes: names, closed flags, times, parents.
func (st *store) derive(o *object, row map[string]any, old *record, w *writer) {
	now := formatMoment(st.clock())
	text := func(name string) string { s, _ := row[name].(string); return s }
	switch o.name {
	case "Account":
		if o.field("IsPersonAccount") != nil && row["IsPersonAccount"] == nil {
			row["IsPersonAccount"] = false
		}
	case "Contact", "Lead", "User":
		row["Name"] = strings.TrimSpace(text("FirstName") + " " + text("LastName"))
	case "Task":
		closed := st.statusClosed(text("Status"))
		was := old != nil && old.bool("IsClosed")
		row["IsClosed"] = closed
		switch {
		case !closed:
			row["CompletedDateTime"] = nil
		case !was && (row["CompletedDateTime"] == nil || !w.seed):
			row["CompletedDateTime"] = now
		}
		row["IsHighPriority"] = text("Priority") == "High"
		row["WhoCount"], row["WhatCount"] = count(row["WhoId"]), count(row["WhatId"])
		row["AccountId"] = st.accountOf(text("WhatId"), text("WhoId"))
	case "Case":
		closed := text("Status") == "Closed"
		was := old != nil && old.bool("IsClosed")
		row["IsClosed"] = closed
		switch {
		case !closed:
			row["ClosedDate"] = nil
		case !was && row["ClosedDate"] == nil:
			row["ClosedDate"] = now
		}
		if row["CaseNumber"] == nil {
			row["CaseNumber"] = fmt.Sprintf("%08d", 1000+st.number(st.tables["Case"]))
		}
		contact := st.live(text("ContactId"))
		for field, source := range map[string]string{"ContactPhone": "Phone", "ContactMobile": "MobilePhone", "ContactEmail": "Email"} {
			row[field] = nil
			if contact != nil {
				row[field] = contact.fields[source]
			}
		}
		if row["AccountId"] == nil && contact != nil {
			row["AccountId"] = contact.fields["AccountId"]
		}
	case "Opportunity":
		stage := text("StageName")
		row["IsClosed"], row["IsWon"] = strings.HasPrefix(stage, "Closed"), stage == "Closed Won"
		if row["Probability"] == nil || old != nil && old.str("StageName") != stage {
			row["Probability"] = map[string]float64{"Prospecting": 10, "Qualification": 10, "Needs Analysis": 20, "Proposal/Price Quote": 75,
				"Negotiation/Review": 90, "Closed Won": 100}[stage]
		}
	case "Event":
		if start := text("StartDateTime"); start != "" {
			row["ActivityDate"] = start[:len(dayLayout)]
		}
		row["AccountId"] = st.accountOf(text("WhatId"), text("WhoId"))
	case "CampaignMember":
		st.deriveMember(row)
	case "ContentVersion":
		if old == nil {
			st.deriveVersion(row, w)
		}
	}
}

func count(v any) any {
	if v == nil {
		return int64(0)
	}
	return int64(1)
}

// statusClosed asks the org's own status values, as a client should.
func (st *store) statusClosed(status string) bool {
	if r := st.first("TaskStatus", nil, func(r *record) bool { return strings.EqualFold(r.str("ApiName"), status) }); r != nil {
		return r.bool("IsClosed")
	}
	return status == "Completed"
}

// accountOf is Task.AccountId: the account of the related record, else of the person.
func (st *store) accountOf(what, who string) any {
	for _, id := range []string{what, who} {
		r := st.live(id)
		if r == nil {
			continue
		}
		if r.table.object.name == "Account" {
			return r.id
		}
		if a := r.str("AccountId"); a != "" {
			return a
		}
	}
	return nil
}

// deriveMember replaces an unknown member status silently by the campaign's default, as Salesforce does.
func (st *store) deriveMember(row map[string]any) {
	var fallback, match *record
	campaign, _ := row["CampaignId"].(string)
	if o := st.schema.object("CampaignMemberStatus"); o != nil {
		st.each(o.name, is(o, "CampaignId", campaign), func(r *record) bool {
			if r.str("CampaignId") != campaign {
				return true
			}
			if r.bool("IsDefault") {
				fallback = r
			}
			if s, _ := row["Status"].(string); strings.EqualFold(r.str("Label"), s) {
				match = r
			}
			return true
		})
	}
	if match == nil {
		match = fallback
	}
	if match != nil {
		row["Status"], row["HasResponded"] = match.fields["Label"], match.bool("HasResponded")
	}
	if row["HasResponded"] == true && row["FirstRespondedDate"] == nil {
		row["FirstRespondedDate"] = st.clock().Format(dayLayout)
	}
	who, _ := row["ContactId"].(string)
	company := "Account.Name"
	if who == "" {
		who, _ = row["LeadId"].(string)
		company = "Company"
	}
	r := st.live(who)
	if r == nil {
		return
	}
	for _, f := range []string{"Name", "FirstName", "LastName", "Phone", "MobilePhone"} {
		row[f] = r.fields[f]
	}
	row["CompanyOrAccount"] = r.fields["Company"]
	if company == "Account.Name" {
		if a := st.live(r.str("AccountId")); a != nil {
			row["CompanyOrAccount"] = a.fields["Name"]
		}
	}
}

// after makes the records that come with a new one: a campaign's two member statuses, the contact of a person.
func (st *store) after(r *record, w *writer) error {
	if r.table.object.name == "ContentVersion" {
		st.publish(r, w)
		return nil
	}
	if r.table.object.name != "Campaign" || st.table("CampaignMemberStatus") == nil {
		return st.contactOf(r, w)
	}
	quiet := &writer{user: w.user, seed: true}
	o := st.schema.object("CampaignMemberStatus")
	for i, label := range []string{"Sent", "Responded"} {
		if _, err := st.insert(o, map[string]any{"CampaignId": r.id, "Label": label, "SortOrder": i + 1, "IsDefault": i == 0, "HasResponded": i == 1}, quiet); err != nil {
			return err
		}
	}
	return nil
}

// timeZone is the user's zone, for date literals; unknown zones count as UTC.
func (st *store) timeZone(user string) *time.Location {
	if u := st.live(user); u != nil {
		if zone, err := time.LoadLocation(u.str("TimeZoneSidKey")); err == nil && u.str("TimeZoneSidKey") != "" {
			return zone
		}
	}
	return time.UTC
}
