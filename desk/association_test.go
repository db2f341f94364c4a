package desk

import (
	"testing"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/sip"
)

func acme() crm.Ref {
	return crm.Ref{Type: "Account", ID: "001000000000001AAA", Name: text.Clean("Acme")}
}
func router() crm.Ref {
	return crm.Ref{Type: "Case", ID: "500000000000001AAA", Name: text.Clean("00001 Router")}
}

// opens opens a record whose card arrives at once, with its parents.
func (b *bench) opens(ref crm.Ref, contact string) *bench {
	b.t.Helper()
	b.do(Commanded{Command{Verb: Open, Record: ref}})
	key := effects[LoadCard](b.last)[0].For
	return b.do(CardLoaded{For: key, Ref: ref, Card: &crm.Card{Ref: ref, ContactID: contact}})
}

func (b *bench) finished() crm.CallRecord {
	b.t.Helper()
	fin := effects[Finish](b.all)
	if len(fin) != 1 {
		b.t.Fatalf("%d call records", len(fin))
	}
	return fin[0].Record
}

// TestTheTableOfAssociations plays each way in which a call gets its record: by a match, by the card that is open, by the agent's choice.
func TestTheTableOfAssociations(t *testing.T) {
	lead := crm.Hit{Ref: crm.Ref{Type: "Lead", ID: "00Q000000000009AAA", Name: text.Clean("Fred Lead")}}
	zoe := crm.Ref{Type: "Contact", ID: "003000000000009AAA", Name: text.Clean("Zoe")}
	ann := crm.Ref{Type: "Contact", ID: "003000000000007AAA", Name: text.Clean("Ann")}
	many := crm.Match{State: crm.MatchMany, Hits: []crm.Hit{fred(), lead}}
	in := func(b *bench) *bench { return b.up("c", "07814256404") }
	dial := func(b *bench, from crm.Ref) *bench {
		b.do(Commanded{Command{Verb: Dial, Text: "07814256404", Record: from}})
		return b.phone(sip.OutgoingCall{At: b.at, Leg: "out-1", CallID: "x", LocalTag: "y", Remote: party("07814256404")})
	}
	for name, row := range map[string]struct {
		set       Settings
		play      func(b *bench)
		who, what string
		rule      crm.Rule
		pick      bool
	}{
		"in, Fred, nothing":             {play: func(b *bench) { in(b).found("c", one(fred())) }, who: "Fred Bloggs", rule: crm.RuleOneMatch},
		"in, pops Fred, opens Acme":     {play: func(b *bench) { in(b).found("c", one(fred())).cmd(Pop).opens(acme(), "") }, what: "Acme", rule: crm.RuleCurrent},
		"in, pops, pins, opens Acme":    {play: func(b *bench) { in(b).found("c", one(fred())).cmd(Pop).cmd(Pin).opens(acme(), "") }, who: "Fred Bloggs", rule: crm.RulePinned},
		"in, Zoe open before the ring":  {play: func(b *bench) { in(b.opens(zoe, "")).found("c", one(fred())) }, who: "Fred Bloggs", rule: crm.RuleOneMatch},
		"in, two, picks the Lead":       {play: func(b *bench) { in(b).found("c", many).cmd(SearchIn).opens(lead.Ref, "") }, who: "Fred Lead", rule: crm.RuleCurrent},
		"in, two, nothing":              {play: func(b *bench) { in(b).found("c", many) }, rule: crm.RuleNone, pick: true},
		"in, none, New cancelled":       {play: func(b *bench) { in(b).found("c", crm.Match{State: crm.MatchNone}).cmd(New).cmd(Close) }, rule: crm.RuleNone},
		"out from Ann's card":           {play: func(b *bench) { dial(b, ann).found("out-1", many) }, who: ann.ID, rule: crm.RuleSource},
		"out from Ann, opens her Case":  {play: func(b *bench) { dial(b, ann).found("out-1", many).opens(router(), ann.ID) }, who: ann.ID, what: "00001 Router", rule: crm.RuleCurrent},
		"out typed at home, one":        {play: func(b *bench) { dial(b, crm.Ref{}).found("out-1", one(fred())) }, who: "Fred Bloggs", rule: crm.RuleOneMatch},
		"out typed at home, two":        {play: func(b *bench) { dial(b, crm.Ref{}).found("out-1", many) }, rule: crm.RuleNone, pick: true},
		"out typed on Ann's card":       {play: func(b *bench) { dial(b.opens(ann, ""), crm.Ref{}).found("out-1", one(fred())) }, who: "Ann", rule: crm.RuleOpenAtDial},
		"the same, if the number is it": {set: Settings{OpenRecord: "if_number_matches"}, play: func(b *bench) { dial(b.opens(ann, ""), crm.Ref{}).found("out-1", one(fred())) }, who: "Fred Bloggs", rule: crm.RuleOneMatch},
		"the card is left after dialling": {play: func(b *bench) {
			dial(b.opens(ann, ""), crm.Ref{}).cmd(Close).found("out-1", one(fred()))
		}, who: "Ann", rule: crm.RuleOpenAtDial},
		"leaving a card does not clear": {play: func(b *bench) { in(b).found("c", one(fred())).opens(acme(), "").cmd(Close) }, what: "Acme", rule: crm.RuleCurrent},
		"the clear key does":            {play: func(b *bench) { in(b).found("c", one(fred())).cmd(Clear) }, rule: crm.RulePinned},
		"opening takes the clear back":  {play: func(b *bench) { in(b).found("c", one(fred())).cmd(Clear).opens(acme(), "") }, what: "Acme", rule: crm.RuleCurrent},
		"a User never becomes current": {play: func(b *bench) {
			in(b).found("c", one(fred())).opens(crm.Ref{Type: "User", ID: "005000000000001AAA"}, "")
		}, who: "Fred Bloggs", rule: crm.RuleOneMatch},
		"a withheld caller, Ann opened":  {play: func(b *bench) { b.up("c", "").opens(ann, "") }, who: "Ann", rule: crm.RuleCurrent},
		"a withheld caller, nothing":     {play: func(b *bench) { b.up("c", "") }, rule: crm.RuleNothing},
		"2104, opens Ann":                {play: func(b *bench) { b.up("c", "2104").opens(ann, "") }, rule: crm.RuleNothing},
		"a Case of the only match":       {play: func(b *bench) { in(b).found("c", one(fred())).opens(router(), fred().ID) }, who: "Fred Bloggs", what: "00001 Router", rule: crm.RuleCurrent},
		"a Case of somebody else":        {play: func(b *bench) { in(b).found("c", one(fred())).opens(router(), zoe.ID) }, what: "00001 Router", rule: crm.RuleCurrent},
		"an Account replaces the person": {play: func(b *bench) { in(b).found("c", one(fred())).opens(router(), fred().ID).opens(acme(), "") }, what: "Acme", rule: crm.RuleCurrent},
		"a Case pinned before its card came": {play: func(b *bench) {
			in(b).found("c", one(fred()))
			b.do(Commanded{Command{Verb: Open, Record: router()}}).cmd(Pin)
			b.do(CardLoaded{For: b.call("c").Key, Ref: router(), Card: &crm.Card{Ref: router(), ContactID: fred().ID}}).opens(acme(), "")
		}, who: "Fred Bloggs", what: "00001 Router", rule: crm.RulePinned},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, row.set)
			row.play(b)
			leg := sip.LegID("c")
			if b.snap().Calls[0].Outgoing {
				leg = "out-1"
			}
			b.bye(string(leg), false)
			a := b.finished().Assoc
			same := func(r crm.Ref, want string) bool {
				return want == "" && r.Zero() || want != "" && (r.ID == want || r.Name.String() == want)
			}
			if a.Rule != row.rule || !same(a.Who, row.who) || !same(a.What, row.what) || a.Pick != row.pick {
				t.Fatalf("got %+v", a)
			}
		})
	}
}
