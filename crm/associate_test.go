package crm

import (
	"testing"

	"offhook/internal/text"
)

const (
	fredID  = "003000000000001AAA"
	zoeID   = "003000000000002AAA"
	annID   = "003000000000003AAA"
	bobID   = "003000000000004AAA"
	leadID  = "00Q000000000001AAA"
	acmeID  = "001000000000001AAA"
	caseID  = "500000000000001AAA"
	oppID   = "006000000000001AAA"
	personC = "003000000000009AAA"
)

func hitOf(kind, id, name string) Hit {
	return Hit{Ref: Ref{Type: kind, ID: id, Name: text.Clean(name)}}
}

var (
	fred     = hitOf("Contact", fredID, "Fred Bloggs")
	zoe      = hitOf("Contact", zoeID, "Zoe")
	ann      = hitOf("Contact", annID, "Ann")
	bob      = hitOf("Contact", bobID, "Bob")
	fredLead = hitOf("Lead", leadID, "Fred Bloggs")
	acme     = hitOf("Account", acmeID, "Acme")
	annCase  = Hit{Ref: Ref{Type: "Case", ID: caseID, Name: text.Clean("00001001 Printer")}, ContactID: annID}
	annOpp   = Hit{Ref: Ref{Type: "Opportunity", ID: oppID, Name: text.Clean("Deal")}, ContactID: annID[:15]}
	vehicle  = hitOf("Vehicle__c", "a01000000000001AAA", "Van")
	person   = Hit{Ref: Ref{Type: "Account", ID: acmeID, Name: text.Clean("Pat Person")}, PersonContactID: personC}
)

func matchOf(hits ...Hit) Match {
	switch len(hits) {
	case 0:
		return Match{State: MatchNone}
	case 1:
		return Match{State: MatchOne, Hits: hits}
	}
	return Match{State: MatchMany, Hits: hits}
}

func TestAssociationFollowsTheTable(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   AssocInput
		rule Rule
		who  string
		what string
		pick bool
	}{
		// The examples of the rules, in their order.
		{"in, Fred matches, nothing done", AssocInput{Match: matchOf(fred)}, 5, fredID, "", false},
		{"in, Fred popped, Acme opened", AssocInput{Match: matchOf(fred), Current: acme, Earlier: []Hit{fred}}, 2, "", acmeID, false},
		{"in, Fred popped and pinned, Acme opened", AssocInput{Match: matchOf(fred), Pinned: fred, Current: acme, Earlier: []Hit{fred}}, 1, fredID, "", false},
		{"in, Zoe's card was open before the ring", AssocInput{Match: matchOf(fred)}, 5, fredID, "", false},
		{"in, the lead of two is picked", AssocInput{Match: matchOf(fred, fredLead), Current: fredLead}, 2, leadID, "", false},
		{"in, two, nothing done", AssocInput{Match: matchOf(fred, fredLead)}, 6, "", "", true},
		{"in, none, new lead saved", AssocInput{Match: matchOf(), Current: fredLead}, 2, leadID, "", false},
		{"in, none, new form cancelled", AssocInput{Match: matchOf()}, 6, "", "", false},
		{"out from Ann's card, two matches", AssocInput{Source: ann, Match: matchOf(ann, bob)}, 3, annID, "", false},
		{"out from Ann's card, her case opened", AssocInput{Source: ann, Match: matchOf(ann), Current: annCase}, 2, annID, caseID, false},
		{"out from a list row that is a record", AssocInput{Source: vehicle, Match: matchOf()}, 3, "", vehicle.ID, false},
		{"out from a row that is none, Bob opened", AssocInput{Match: matchOf(ann, bob), Current: bob}, 2, bobID, "", false},
		{"out, typed at home, one match", AssocInput{Match: matchOf(bob)}, 5, bobID, "", false},
		{"out, typed at home, two", AssocInput{Match: matchOf(ann, bob)}, 6, "", "", true},
		{"out, typed on Ann's card, Bob matches", AssocInput{OpenAtDial: ann, Match: matchOf(bob)}, 4, annID, "", false},
		{"the same under if_number_matches", AssocInput{OpenAtDial: ann, OpenRecord: OpenIfNumberMatches, Match: matchOf(bob)}, 5, bobID, "", false},
		{"the same with Ann's own number", AssocInput{OpenAtDial: ann, OpenRecord: OpenIfNumberMatches, NumberMatches: true, Match: matchOf(bob)}, 4, annID, "", false},
		{"the same under never", AssocInput{OpenAtDial: ann, OpenRecord: OpenNever, NumberMatches: true, Match: matchOf(bob)}, 5, bobID, "", false},
		{"2104, Ann opened", AssocInput{Internal: true, Current: ann, Match: Match{State: MatchInternal}}, 0, "", "", false},
		// Rule 0.
		{"internal and pinned", AssocInput{Internal: true, Pinned: ann}, 0, "", "", false},
		{"emergency, everything open", AssocInput{Emergency: true, Pinned: ann, Current: bob, Source: zoe}, 0, "", "", false},
		{"withheld, nothing opened", AssocInput{Withheld: true, Match: Match{State: MatchWithheld}}, 0, "", "", false},
		{"withheld, Zoe opened", AssocInput{Withheld: true, Current: zoe}, 2, zoeID, "", false},
		{"withheld, Zoe pinned", AssocInput{Withheld: true, Pinned: zoe}, 1, zoeID, "", false},
		{"withheld, a user page opened", AssocInput{Withheld: true, Current: hitOf("User", "005000000000001AAA", "Me")}, 0, "", "", false},
		// Rule 1.
		{"cleared beats everything but a pin", AssocInput{Cleared: true, Current: acme, Source: ann, Match: matchOf(fred)}, 1, "", "", false},
		{"a pin after clearing", AssocInput{Cleared: true, Pinned: bob, Match: matchOf(fred)}, 1, bobID, "", false},
		// Rule 2 and what can be current.
		{"a user never becomes current", AssocInput{Current: hitOf("User", "005000000000001AAA", "Me"), Match: matchOf(fred)}, 5, fredID, "", false},
		{"a task never becomes current", AssocInput{Current: hitOf("Task", "00T000000000001AAA", "x"), Source: ann}, 3, annID, "", false},
		{"current beats source", AssocInput{Current: bob, Source: ann, OpenAtDial: zoe, Match: matchOf(fred)}, 2, bobID, "", false},
		{"source beats open at dial", AssocInput{Source: ann, OpenAtDial: zoe, Match: matchOf(fred)}, 3, annID, "", false},
		{"a custom object is a what", AssocInput{Current: vehicle}, 2, "", vehicle.ID, false},
		// The own contact of a Case or Opportunity.
		{"case, its contact is the single match", AssocInput{Current: annCase, Match: matchOf(ann)}, 2, annID, caseID, false},
		{"case, its contact was picked among two", AssocInput{Current: annCase, Earlier: []Hit{ann}, Match: matchOf(ann, bob)}, 2, annID, caseID, false},
		{"case, its contact had no part", AssocInput{Current: annCase, Match: matchOf(bob)}, 2, "", caseID, false},
		{"case, its contact is one of many, not picked", AssocInput{Current: annCase, Match: matchOf(ann, bob)}, 2, "", caseID, false},
		{"opportunity, its contact was the source", AssocInput{Current: annOpp, Source: ann}, 2, annID, oppID, false},
		{"case pinned, contact current", AssocInput{Pinned: annCase, Current: ann}, 1, annID, caseID, false},
		{"an account replaces the contact", AssocInput{Current: acme, Earlier: []Hit{ann}, Match: matchOf(ann)}, 2, "", acmeID, false},
		// Kinds of records.
		{"a lead has no what beside it", AssocInput{Match: matchOf(fredLead)}, 5, leadID, "", false},
		{"a person account is its contact", AssocInput{Match: matchOf(person)}, 5, personC, "", false},
		{"an account match is a what", AssocInput{Match: matchOf(acme)}, 5, "", acmeID, false},
		{"searching leaves it open", AssocInput{Match: Match{State: MatchSearching}}, 6, "", "", false},
		{"failed leaves it open, whatever the cache knew", AssocInput{Match: Match{State: MatchFailed, Hits: []Hit{fred}}}, 6, "", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Associate(tt.in)
			if got.Rule != tt.rule || got.Who.ID != tt.who && !SameID(got.Who.ID, tt.who) || got.What.ID != tt.what || got.Pick != tt.pick {
				t.Errorf("got rule %d who %q what %q pick %v", got.Rule, got.Who.ID, got.What.ID, got.Pick)
			}
			if got.Why == "" {
				t.Error("no reason is given")
			}
			if got.Who.Type == "Lead" && !got.What.Zero() {
				t.Error("a Lead has a WhatId")
			}
		})
	}
}
