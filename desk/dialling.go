package desk

import (
	"strings"

	"offhook/internal/text"
	"offhook/sip"
)

// Prepared says what the telephone will dial for a number that is being typed.
type Prepared struct {
	Typed text.Text `json:"typed,omitzero"`
	Dials text.Text `json:"dials,omitzero"`
}

// dials is what the telephone is told to call for a number that somebody typed or clicked: by the dial plan, and never for colleagues
// and emergency numbers. Behind " via " stands the account to call from.
func (t *turn) dials(number string) string {
	callee, via, named := strings.Cut(number, " via ")
	if t.set.DialPlan == nil {
		return number
	}
	callee = strings.TrimSpace(callee)
	if class := t.set.Classify(sip.Party{Number: text.Clean(callee), Source: sip.FromDialled}); class.Internal || class.Emergency {
		return number
	}
	if callee = t.set.DialPlan(callee); named {
		return callee + " via " + via
	}
	return callee
}

// prepare shows what would be dialled, while it is typed.
func (t *turn) prepare(cmd Command) {
	if t.set.DialPlan != nil {
		t.prepared = &Prepared{Typed: text.Clean(cmd.Text), Dials: text.Clean(t.dials(strings.TrimSpace(cmd.Text)))}
	}
}

// asTyped keeps the number that the agent knows: the one with the prefixes of the line outside is the exchange's.
func (c *call) asTyped(p sip.Party) sip.Party {
	if !c.Dialled.Empty() && p.Number == c.Dialled {
		p.Number = c.typed
	}
	return p
}
