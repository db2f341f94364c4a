package crm

// Rule is the row of the association table that decided (first that applies wins).
type Rule int

// The association rules, in order of precedence.
const (
	RuleNothing    Rule = 0 // internal call, or withheld with nothing opened: nothing
	RulePinned     Rule = 1 // pinned, or explicitly cleared, by the agent
	RuleCurrent    Rule = 2 // the record last opened during the call
	RuleSource     Rule = 3 // click-to-dial: the record whose phone field placed the call
	RuleOpenAtDial Rule = 4 // a number was typed while a card was open
	RuleOneMatch   Rule = 5 // exactly one match
	RuleNone       Rule = 6 // many, or none
)

// Association is which record a call belongs to, and why.
type Association struct {
	Rule Rule   `json:"rule"`
	Why  string `json:"why"`            // the rule in a few words, shown to the agent
	Who  Ref    `json:"who,omitzero"`   // Contact or Lead (Task.WhoId)
	What Ref    `json:"what,omitzero"`  // anything else (Task.WhatId)
	Pick bool   `json:"pick,omitempty"` // many matches, nobody chose: flagged for the agent
}

// Record returns the record the association is about: What when the agent opened one, else Who.
func (a Association) Record() Ref {
	if !a.What.Zero() {
		return a.What
	}
	return a.Who
}
