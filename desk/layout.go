package desk

import (
	"slices"
	"strings"
	"unicode"

	"offhook/crm"
	"offhook/crm/layout"
	"offhook/internal/text"
	"offhook/sip"
)

// LayoutChanged gives the desk the softphone layout of the signed-in user; nil is the desk's own.
type LayoutChanged struct{ Layout *layout.Layout }

func (LayoutChanged) deskEvent() {}

// Browse opens a page of the layout in the browser: a Visualforce page or a flow, with what the layout shows of the call.
type Browse struct {
	Call   CallKey
	Pop    layout.Pop
	Record crm.Ref   // the only match
	Values []crm.Var // ANI, DNIS and what else the layout names
}

func (Browse) deskEffect() {}

// callType is the layout's part for a call. Salesforce's layouts cannot say what an outbound call opens, so a desk that is not held
// to them (layout.compat) shows the card of whom the agent is calling.
func (t *turn) callType(c *call) layout.CallType {
	l := t.layout
	if l == nil {
		own := layout.Default()
		l = &own
	}
	ct := l.For(string(c.Dir))
	if c.Dir == crm.Outbound && !t.set.Compat && ct.NoMatch == (layout.Pop{}) && ct.Single == (layout.Pop{}) && ct.Multiple == (layout.Pop{}) {
		ct.Single = layout.Pop{Type: layout.PopToDetails}
	}
	return ct
}

// newObject is the object of a call's New form: the one that the layout names, for an outbound call also the one it names for
// inbound ones, else the desk's own.
func (t *turn) newObject(c *call) string {
	if t.layout == nil || c == nil {
		return t.set.NoMatch
	}
	for _, ct := range []layout.CallType{t.layout.For(string(c.Dir)), t.layout.Inbound} {
		if ct.NoMatch.Type == layout.PopToEntity && ct.NoMatch.Data != "" {
			return ct.NoMatch.Data
		}
	}
	return t.set.NoMatch
}

// counted holds a desk to its layout (layout.compat): several matches are listed only where the layout opens its search page, and
// are a number otherwise.
func (t *turn) counted(c *call) {
	c.Counted = 0
	if t.set.Compat && c.Match.State == crm.MatchMany && t.callType(c).Multiple.Type != layout.PopToSearch {
		c.Counted, c.Match.Hits = len(c.Match.Hits), nil
	}
}

// pop opens by itself what the layout says for what was found, once for each lookup. A card may come while it rings: it takes no key
// away. A form and a list take the keyboard, with which a call is answered, so they wait until it is.
func (t *turn) pop(c *call) {
	if c.popped || t.set.Pop == PopManual || t.set.Pop == PopOnAnswer && c.Answered.IsZero() {
		return
	}
	ct := t.callType(c)
	var p layout.Pop
	switch c.Match.State {
	case crm.MatchOne:
		p = ct.Single
	case crm.MatchMany:
		p = ct.Multiple
	case crm.MatchNone:
		p = ct.NoMatch
	}
	hit, one := c.Match.Only()
	talking := !c.Answered.IsZero() && c.State != Ended && c.State != Ending
	switch {
	case p.Type == layout.PopNone:
	case p.Type == layout.PopToVisualforce || p.Type == layout.PopToFlow:
		if c.State != Ended && c.State != Ending {
			c.popped = true
			t.do(Browse{Call: c.Key, Pop: p, Record: hit.Ref, Values: t.related(c)})
		}
	case !t.mayPop(c):
	case one && p.Type != layout.PopToSearch:
		c.popped = true
		t.autoPop(c, hit)
	case !talking:
	case p.Type == layout.PopToSearch && len(c.Match.Hits) > 0:
		c.popped = true
		t.search = t.newSearch(c.Key, c.Remote.Number)
		t.search.Hits, t.search.Auto = c.Match.Hits, true
	case p.Type == layout.PopToEntity && c.Match.State == crm.MatchNone:
		c.popped = true
		t.do(LoadForm{For: c.Key, Ask: crm.FormAsk{Object: t.newObject(c), Number: c.Remote.Number}, Auto: true})
	}
}

// related is what the layout shows of the call itself (callRelatedFields), as far as the call has it.
func (t *turn) related(c *call) (out []crm.Var) {
	for _, name := range t.callType(c).Fields {
		v := crm.Var{Name: text.Clean(name)}
		switch strings.ToUpper(name) {
		case "ANI":
			if !c.class.Withheld {
				v.Value = c.Remote.Number
			}
			if c.Outgoing {
				v.Value = t.agent.Account
			}
		case "DNIS":
			v.Value = c.Called
		default:
			if i := slices.IndexFunc(c.Vars, func(o sip.Var) bool { return !o.Secret && sameName(o.Name.String(), name) }); i >= 0 {
				v.Value = c.Vars[i].Value
			}
		}
		if !v.Value.Empty() {
			out = append(out, v)
		}
	}
	return out
}

// named puts the values that the layout names in front, in its order, and shows them; ANI and DNIS stand on every call anyway.
func (t *turn) named(c *call) []sip.Var {
	vars := slices.Clone(c.Vars)
	rank := func(v sip.Var) int {
		if i := slices.IndexFunc(t.callType(c).Fields, func(f string) bool { return sameName(v.Name.String(), f) }); i >= 0 {
			return i
		}
		return len(vars) + 1<<10
	}
	for i, v := range vars {
		vars[i].Show = v.Show || rank(v) < 1<<10 && !v.Secret
	}
	slices.SortStableFunc(vars, func(a, b sip.Var) int { return rank(a) - rank(b) })
	return vars
}

// sameName compares a layout's name of a value with the call's: QUEUE is also Queue, and X-Queue as a header has it.
func sameName(of, name string) bool {
	plain := func(s string) string {
		s = strings.TrimPrefix(strings.ToLower(s), "x-")
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, s)
	}
	return plain(of) == plain(name)
}
