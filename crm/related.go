package crm

import (
	"context"
	"slices"
	"strings"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// How many lines the related lists of a card have.
const (
	cardCalls         = 5
	cardCases         = 5
	cardOpportunities = 5
)

// relatedSubs are the questions about what belongs to a record. With the record itself they are at most five, which is what one
// composite takes.
func relatedSubs(ref Ref) (subs []salesforce.Sub) {
	id := salesforce.ID(ref.ID)
	open := salesforce.Eq("IsClosed", salesforce.Bool(false))
	list := func(name string, q salesforce.SOQL) { subs = append(subs, salesforce.SubQuery(name, q)) }
	cases := func(f salesforce.Ident) {
		list("cases", salesforce.Select("Id", "CaseNumber", "Subject", "Status", "Priority").From("Case").
			Where(salesforce.And(salesforce.Eq(f, id), open)).OrderBy("CreatedDate", true).Limit(cardCases))
	}
	deals := func(name string, of salesforce.Cond) {
		list(name, salesforce.Select("Id", "Name", "StageName", "CloseDate").From("Opportunity").
			WhereAll(of, open).OrderBy("CloseDate", false).Limit(cardOpportunities))
	}
	switch ref.Type {
	case "User", "Task", "Event":
		return nil
	case "Contact":
		cases("ContactId")
		// Those in which the person has a role, then those of the company.
		deals("roles", salesforce.InSelect("Id", salesforce.Select("OpportunityId").From("OpportunityContactRole").Where(salesforce.Eq("ContactId", id))))
		deals("deals", salesforce.InSelect("AccountId", salesforce.Select("AccountId").From("Contact").Where(salesforce.Eq("Id", id))))
	case "Account": // a person account's cases and Tasks name its account as well
		cases("AccountId")
		deals("deals", salesforce.Eq("AccountId", id))
	}
	list("calls", callTasks(ref).Limit(cardCalls))
	return subs
}

// callTasks are the calls with a record: Tasks that were logged as calls, by us or by another telephone system, which may set no
// TaskSubtype.
func callTasks(ref Ref) salesforce.SOQL {
	return salesforce.Select("Id", "Subject", "ActivityDate", "CreatedDate", "CallType", "CallDisposition", "Owner.Name").From("Task").
		Where(salesforce.And(aboutRecord(ref), salesforce.Or(salesforce.Eq("TaskSubtype", salesforce.String("Call")), salesforce.Ne("CallType", salesforce.Null())))).
		OrderBy("CreatedDate", true)
}

// aboutRecord are the activities of a record; an account has those of its people and cases too.
func aboutRecord(ref Ref) salesforce.Cond {
	id := salesforce.ID(ref.ID)
	switch ref.Type {
	case "Contact", "Lead":
		return salesforce.Eq("WhoId", id)
	case "Account":
		return salesforce.Or(salesforce.Eq("WhatId", id), salesforce.Eq("AccountId", id))
	}
	return salesforce.Eq("WhatId", id)
}

// relatedOf reads the answers. A list that cannot be read is left out; calls of which a field is hidden from this user are asked for
// once more with what everybody sees.
func (d *Directory) relatedOf(ctx context.Context, ref Ref, results []salesforce.SubResult) []Related {
	var out []Related
	for _, list := range []string{"cases", "roles", "deals", "calls"} {
		i := slices.IndexFunc(results, func(r salesforce.SubResult) bool { return r.Ref == list })
		if i < 0 {
			continue
		}
		var page salesforce.QueryResult
		if err := results[i].Into(&page); err != nil {
			if list != "calls" || salesforce.KindOf(err) != salesforce.KindField {
				continue
			}
			if page, err = d.sf.Query(ctx, salesforce.Select("Id", "Subject", "ActivityDate").From("Task").
				Where(salesforce.And(aboutRecord(ref), salesforce.Eq("TaskSubtype", salesforce.String("Call")))).
				OrderBy("CreatedDate", true).Limit(cardCalls)); err != nil {
				continue
			}
		}
		for _, row := range page.Records {
			rel := d.relatedLine(list, row)
			if rel.Zero() || slices.ContainsFunc(out, func(o Related) bool { return SameID(o.ID, rel.ID) }) {
				continue
			}
			if rel.List != OpenOpportunities || count(out, OpenOpportunities) < cardOpportunities {
				out = append(out, rel)
			}
		}
	}
	return out
}

func count(list []Related, of RelatedList) (n int) {
	for _, r := range list {
		if r.List == of {
			n++
		}
	}
	return n
}

func (d *Directory) relatedLine(list string, row salesforce.Record) Related {
	rel := Related{Ref: Ref{ID: row.ID()}}
	several := func(parts ...string) text.Text {
		return text.Clean(strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · "))
	}
	switch list {
	case "cases":
		rel.Type, rel.List, rel.Name = "Case", OpenCases, text.Clean(row.Str("CaseNumber")+" "+row.Str("Subject"))
		rel.Detail = several(row.Str("Status"), row.Str("Priority"))
	case "roles", "deals":
		rel.Type, rel.List, rel.Name = "Opportunity", OpenOpportunities, text.Clean(row.Str("Name"))
		rel.Detail = several(row.Str("StageName"), row.Str("CloseDate"))
	case "calls":
		rel.Type, rel.List, rel.Name = "Task", LastCalls, text.Clean(row.Str("Subject"))
		rel.When, rel.Way = text.Clean(d.callTime(row)), Direction(text.Clean(row.Str("CallType")).String())
		rel.Result, rel.By = text.Clean(row.Str("CallDisposition")), text.Clean(row.Str("Owner.Name"))
		rel.Detail = several(rel.When.String(), string(rel.Way), rel.Result.String(), rel.By.String())
	}
	return rel
}

// callTime is when a call was: its Task is made when it ends, unless it was entered later for another day.
func (d *Directory) callTime(row salesforce.Record) string {
	made, day := d.dateText("datetime", row.Str("CreatedDate")), row.Str("ActivityDate")
	if day == "" || strings.HasPrefix(made, day) {
		return made
	}
	return day
}
