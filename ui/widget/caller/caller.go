// Package caller draws who is calling: what the lookup found and why, the open card, and where the call's Task goes.
//
// It draws what the snapshot says and adds no rule of its own; keys are shown as the keymap has them.
package caller

import (
	"fmt"
	"strconv"

	"offhook/crm"
	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/theme"
	"offhook/ui/widget/row"
)

// Look is how to draw.
type Look struct {
	Theme *theme.Theme
	Keys  keymap.Map
	Width int
}

// Match is the line that says what the lookup found.
func (l Look) Match(c *desk.Call) string {
	th, m := l.Theme, &c.Match
	r := row.New(l.Width).Gap(2)
	var right []row.Seg
	switch m.State {
	case crm.MatchOne:
		r.Put(th.Good, "✓ 1 match")
		if h, ok := m.Only(); ok {
			r.Gap(2)
			right = l.how(m)
			r.Keep(row.SegsWidth(right) + 1)
			l.hit(r, h)
		}
	case crm.MatchMany:
		if c.Counted > 0 { // layout.compat: the layout does not open its search page
			r.Put(th.Ringing, "≡ "+plural(c.Counted, "match", "matches")).Gap(2)
			right = l.how(m)
			r.Keep(row.SegsWidth(right)+1).Put(th.Dim, "your layout does not list them: "+l.Keys.Key("caller.search")+" searches by hand")
			break
		}
		r.Put(th.Ringing, "≡ "+plural(len(m.Hits), "match", "matches")).Gap(2)
		right = l.how(m)
		r.Keep(row.SegsWidth(right)+1).Put(th.Dim, "the number is on several records: "+l.Keys.Key("caller.search")+" picks one")
	case crm.MatchNone:
		if m.Via == crm.ViaLayout {
			r.Put(th.Ringing, "○ no match").Gap(2).Put(th.Dim, m.Detail.String())
			break
		}
		r.Put(th.Ringing, "○ no match").Gap(2)
		right = l.how(m)
		r.Keep(row.SegsWidth(right)+1).Put(th.Dim, "nobody in Salesforce has this number: "+l.Keys.Key("caller.new")+" adds one")
	case crm.MatchSearching:
		if c.State == desk.Ended { // the lookup died with the call; the sender makes up for it
			r.Put(th.Dim, "○ not looked up").Gap(2).Put(th.Dim, "the call was over first; its Task still finds a sole match")
			break
		}
		r.Put(th.Accent, "◌ looking up").Gap(2).Put(th.Text, c.Remote.Number.String()).Put(th.Dim, " in Salesforce")
	case crm.MatchInternal:
		r.Put(th.Held, "↔ internal").Gap(2).Put(th.Dim, "a colleague: nothing is looked up, the Task belongs to no record")
	case crm.MatchWithheld:
		r.Put(th.Held, "◌ withheld").Gap(2).Put(th.Dim, "no number, no lookup: ask who it is, then "+l.Keys.Key("caller.search")+" or "+l.Keys.Key("caller.new"))
	case crm.MatchFailed:
		r.Put(th.Problem, "✗ lookup failed").Gap(2).Put(th.Text, m.Detail.String())
	default:
		r.Put(th.Dim, "○ not looked up")
	}
	if len(right) > 0 {
		return r.Right(right...).String()
	}
	return r.String()
}

// how tells how the match was found, for those who wonder.
func (l Look) how(m *crm.Match) []row.Seg {
	if l.Width < 60 {
		return nil
	}
	s := ""
	if m.Possible > 0 {
		s = "+" + plural(m.Possible, "possible", "possible") + "  "
	}
	if m.Took > 0 {
		s += strconv.FormatInt(max(m.Took.Milliseconds(), 1), 10) + " ms "
	}
	if s == "" {
		return nil
	}
	return []row.Seg{{Ink: l.Theme.Faint, Text: s}}
}

// hit is "Contact · Fred Bloggs – Acme Ltd".
func (l Look) hit(r *row.Row, h crm.Hit) {
	r.Put(l.Theme.Dim, h.Type+" · ").Put(l.Theme.Strong, h.Name.String())
	if !h.Detail.Empty() {
		r.Put(l.Theme.Dim, " – ").Put(l.Theme.Text, h.Detail.String())
	}
}

// Hits lists the records of a match with several, at most max lines.
func (l Look) Hits(hits []crm.Hit, max int) (out []string) {
	for i, h := range hits {
		if len(out) == max-1 && len(hits) > max {
			return append(out, row.New(l.Width).Gap(4).Put(l.Theme.Dim, fmt.Sprintf("and %d more", len(hits)-i)).String())
		}
		if len(out) >= max {
			return out
		}
		r := row.New(l.Width).Gap(4).Cell(l.Theme.Dim, h.Type, 12).Cell(l.Theme.Text, h.Name.String(), Share(l.Width, 34))
		out = append(out, r.Put(l.Theme.Dim, h.Detail.String()).String())
	}
	return out
}

// Preview shows what is known of a single match before its card is opened.
func (l Look) Preview(h crm.Hit) (out []string) {
	line := func(label, value string) {
		if value != "" {
			out = append(out, row.New(l.Width).Gap(4).Cell(l.Theme.Dim, label, 14).Gap(1).Put(l.Theme.Text, value).String())
		}
	}
	line("Found by", h.Phone.String())
	account := h.Account.Name.String()
	if account == "" && h.Account.Zero() {
		account = h.Detail.String()
	}
	line("Belongs to", account)
	if k := l.Keys.Key("caller.pop"); k != "" {
		out = append(out, row.New(l.Width).Gap(4).Put(l.Theme.Key, k).Put(l.Theme.Dim, " opens the card").String())
	}
	return out
}

// Share is a part in a hundred of a width.
func Share(w, percent int) int { return w * percent / 100 }

// Assoc is the line that says where the call's Task goes, and by which rule.
func (l Look) Assoc(c *desk.Call, can func(desk.Verb) bool) string {
	th := l.Theme
	rec := c.Assoc.Record()
	r := row.New(l.Width).Gap(2)
	var right []row.Seg
	key := func(action, title string) {
		if k := l.Keys.Key(action); k != "" {
			right = append(right, row.Seg{Ink: th.Key, Text: k}, row.Seg{Ink: th.Dim, Text: " " + title + "  "})
		}
	}
	if can(desk.Pin) {
		if c.Pinned {
			key("caller.pin", "unpin")
		} else {
			key("caller.pin", "pin")
		}
	}
	if can(desk.Clear) {
		if c.Cleared {
			key("caller.clear", "undo")
		} else if !rec.Zero() {
			key("caller.clear", "none")
		}
	}
	why := "(rule " + strconv.Itoa(int(c.Assoc.Rule))
	if c.Assoc.Why != "" {
		why += ": " + c.Assoc.Why
	}
	why += ")"
	if len(right) > 2 && 4+len("Task goes to ")+max(rec.Name.Width(), 9)+1+row.Width(why)+1+row.SegsWidth(right) > l.Width {
		right = right[:2] // the reason goes before the second key
	}
	if n := len(right); n > 0 {
		right[n-1].Text = right[n-1].Text[:len(right[n-1].Text)-1]
		r.Keep(row.SegsWidth(right) + 1)
	}
	switch {
	case c.Pinned:
		r.Put(th.Accent, "◆ ")
	case rec.Zero() && c.Assoc.Pick:
		r.Put(th.Ringing, "! ")
	default:
		r.Put(th.Accent, "▸ ")
	}
	goes := "Task goes to "
	if c.Record == desk.RecordSent {
		goes = "Task went to "
	}
	r.Put(th.Text, goes)
	if rec.Zero() {
		r.Put(th.Strong, "no record")
	} else {
		why = " " + why
		name := rec.Name.String()
		if name == "" {
			name = rec.Type
		}
		r.Put(th.Strong, row.Fit(name, max(r.Left()-row.Width(why), 20)))
		if who := c.Assoc.Who; !c.Assoc.What.Zero() && !who.Zero() && !who.Name.Empty() {
			r.Put(th.Dim, " with ").Put(th.Text, who.Name.String())
		}
		why = why[1:]
	}
	r.Put(th.Dim, " "+why)
	if len(right) > 0 {
		return r.Right(right...).String()
	}
	return r.String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
