package crm

import (
	"testing"
)

func TestEveryRowOfWhoAndWhat(t *testing.T) {
	custom := Ref{Type: "Machine__c", ID: "a00000000000001AAA"}
	second := Ref{Type: "Contact", ID: annID}
	person := Hit{Ref: Ref{Type: "Account", ID: acmeID}, PersonContactID: fredID}
	shared := TaskSettings{Has: map[string]bool{"TaskWhoIds": true}, WhatTypes: []string{"Account", "Case", "Opportunity"}}
	opp := Hit{Ref: Ref{Type: "Opportunity", ID: "006000000000001AAA"}, ContactID: fredID}
	for _, tt := range []struct {
		name  string
		assoc Association
		also  []Ref
		kind  Direction
		set   TaskSettings
		who   any
		what  any
		whos  int
	}{
		{"contact", Association{Who: fred.Ref}, nil, Inbound, shared, fredID, nil, 0},
		{"contact with the case opened with it", Association{Who: ann.Ref, What: annCase.Ref}, nil, Inbound, shared, annID, caseID, 0},
		{"lead", Association{Who: fredLead.Ref}, nil, Inbound, shared, leadID, nil, 0},
		{"lead never with a what", Association{Who: fredLead.Ref, What: acme.Ref}, nil, Inbound, shared, leadID, nil, 0},
		{"account", Association{What: acme.Ref}, nil, Outbound, shared, nil, acmeID, 0},
		{"person account", Associate(AssocInput{Pinned: person}), nil, Inbound, shared, fredID, nil, 0},
		{"opportunity of the match", Associate(AssocInput{Current: opp, Match: Match{State: MatchOne, Hits: []Hit{fred}}}), nil, Inbound, shared, fredID, "006000000000001AAA", 0},
		{"opportunity of somebody else", Associate(AssocInput{Current: opp, Match: Match{State: MatchOne, Hits: []Hit{ann}}}), nil, Inbound, shared, nil, "006000000000001AAA", 0},
		{"custom object with activities", Association{What: custom}, nil, Inbound, TaskSettings{WhatTypes: []string{"Account", "Machine__c"}}, nil, custom.ID, 0},
		{"custom object without", Association{What: custom}, nil, Inbound, shared, nil, nil, 0},
		{"custom object, not known", Association{What: custom}, nil, Inbound, TaskSettings{}, nil, custom.ID, 0},
		{"user", Association{What: Ref{Type: "User", ID: "005000000000001AAA"}}, nil, Inbound, TaskSettings{}, nil, nil, 0},
		{"internal", Association{Who: ann.Ref, What: acme.Ref}, nil, Internal, shared, nil, nil, 0},
		{"two contacts with shared activities", Association{Who: fred.Ref}, []Ref{second, fred.Ref}, Inbound, shared, fredID, nil, 2},
		{"two contacts without", Association{Who: fred.Ref}, []Ref{second}, Inbound, TaskSettings{}, fredID, nil, 0},
		{"a lead has no company", Association{Who: fredLead.Ref}, []Ref{second}, Inbound, shared, leadID, nil, 0},
	} {
		rec := sampleRecord()
		rec.Assoc, rec.Type, rec.Also = tt.assoc, tt.kind, tt.also
		got := whoWhat(rec, tt.set)
		whos, _ := got["TaskWhoIds"].([]string)
		if got["WhoId"] != tt.who || got["WhatId"] != tt.what || len(whos) != tt.whos {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
