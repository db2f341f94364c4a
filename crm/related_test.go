package crm

import (
	"slices"
	"strings"
	"testing"

	"offhook/crm/emulator"
)

func TestACardListsOpenCasesOpenOpportunitiesAndTheLastCallsInOneRequest(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	w.warm()
	fred, acme := w.ref("Contact", emulator.StoryKnownName), w.ref("Account", emulator.StoryKnownAccount)
	with := w.create("Opportunity", map[string]any{"Name": "Fred's own", "AccountId": acme.ID, "StageName": "Prospecting", "CloseDate": "2030-01-31"})
	w.create("OpportunityContactRole", map[string]any{"OpportunityId": with, "ContactId": fred.ID, "Role": "Decision Maker"})
	w.create("Opportunity", map[string]any{"Name": "Of the company", "AccountId": acme.ID, "StageName": "Prospecting", "CloseDate": "2029-01-31"})
	w.create("Opportunity", map[string]any{"Name": "Lost long ago", "AccountId": acme.ID, "StageName": "Closed Lost", "CloseDate": "2020-01-31"})
	w.create("Task", map[string]any{"Subject": "Spoke about rain", "WhoId": fred.ID, "Status": "Completed", "TaskSubtype": "Call", "CallType": "Inbound", "CallDisposition": "Resolved"})
	w.create("Task", map[string]any{"Subject": "Logged by another system", "WhoId": fred.ID, "Status": "Completed", "CallType": "Outbound"})
	w.create("Task", map[string]any{"Subject": "Send the brochure", "WhoId": fred.ID})
	before := len(w.Requests())
	card, err := w.dir.Card(t.Context(), fred)
	if err != nil || len(w.Requests())-before != 1 {
		t.Fatalf("%d requests, %v", len(w.Requests())-before, err)
	}
	var lists []RelatedList
	var all []string
	for _, r := range card.Related {
		lists = append(lists, r.List)
		all = append(all, r.Name.String()+" | "+r.Detail.String())
	}
	if order := slices.Compact(slices.Clone(lists)); !slices.Equal(order, []RelatedList{OpenCases, OpenOpportunities, LastCalls}) {
		t.Errorf("the lists are %v", order)
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{emulator.StoryKnownCaseSubject + " | Working", "Fred's own | Prospecting · 2030-01-31", "Of the company", "Logged by another system", "Inbound · Resolved · " + emulator.AgentName} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for _, not := range []string{"Lost long ago", "Send the brochure", "Invoice sent twice"} {
		if strings.Contains(text, not) {
			t.Errorf("%q is in\n%s", not, text)
		}
	}
	company, err := w.dir.Card(t.Context(), acme)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []RelatedList{OpenCases, OpenOpportunities, LastCalls} {
		if count(company.Related, list) == 0 {
			t.Errorf("the account's card has no %s: %+v", list, company.Related)
		}
	}
}

func TestTheCardOfACallLeadsToWhomItWasWith(t *testing.T) {
	w := newWorld(t, emulator.Options{}, DirectorySettings{})
	fred := w.ref("Contact", emulator.StoryKnownName)
	id := w.create("Task", map[string]any{"Subject": "Call", "WhoId": fred.ID, "Status": "Completed", "TaskSubtype": "Call"})
	card, err := w.dir.Card(t.Context(), Ref{Type: "Task", ID: id})
	if err != nil || len(card.Related) != 0 {
		t.Fatalf("%+v %v", card.Related, err)
	}
	if !slices.ContainsFunc(card.Fields, func(f CardField) bool {
		return f.Kind == KindRef && f.Ref.Type == "Contact" && SameID(f.Ref.ID, fred.ID)
	}) {
		t.Errorf("nothing leads to the contact: %+v", card.Fields)
	}
}
