package deskpage

import (
	"strconv"
	"strings"
	"time"

	"offhook/crm"
	"offhook/desk"
	"offhook/keymap"
	"offhook/ui/widget/caller"
	"offhook/ui/widget/row"
)

func (p *Page) doCard(a keymap.Action) Result {
	card := p.card()
	if card == nil {
		return Result{}
	}
	n := caller.Lines(card)
	field, ref := caller.Selected(card, p.cardAt)
	switch a.Name {
	case "card.edit":
		return send(desk.Command{Verb: desk.Edit, Text: field.Name})
	case "card.down":
		p.cardAt = min(p.cardAt+1, n-1)
	case "card.up":
		p.cardAt = max(p.cardAt-1, min(0, n-1))
	case "card.copy":
		value := field.Value.String()
		if value == "" && ref.Zero() {
			value = card.URL.String()
		} else if value == "" {
			value = ref.Name.String()
		}
		return copied(value)
	case "card.address":
		return copied(card.URL.String())
	case "card.id":
		return copied(card.ID)
	case "card.browse":
		address := card.URL.String()
		if !ref.Zero() && p.cardAt >= 0 {
			address = beside(card, ref)
		}
		if address == "" {
			return Result{Handled: true, Say: "The address of this record is not known: Salesforce has not been reached yet."}
		}
		return Result{Handled: true, Browse: address}
	case "card.refresh":
		return send(desk.Command{Verb: desk.Refresh})
	case "card.back":
		return send(desk.Command{Verb: desk.Back, Call: p.live()})
	case "card.use":
		switch {
		case field.Kind == crm.KindPhone && !field.Value.Empty():
			return send(desk.Command{Verb: desk.Dial, Text: field.Value.String(), Record: card.Ref})
		case !ref.Zero():
			return send(desk.Command{Verb: desk.Open, Call: p.live(), Record: ref})
		}
		return copied(field.Value.String())
	}
	return Result{Handled: true}
}

// beside is the address of another record of the org that a card belongs to.
func beside(card *crm.Card, ref crm.Ref) string {
	base, _, ok := strings.Cut(card.URL.String(), "/lightning/r/")
	if !ok {
		return ""
	}
	return base + "/lightning/r/" + ref.Type + "/" + ref.ID + "/view"
}

// copied puts a value on the clipboard. The value is clean text.
func copied(s string) Result {
	if s == "" {
		return Result{Handled: true, Say: "There is nothing to copy here."}
	}
	return Result{Handled: true, Copy: s, Say: "Copied: " + s}
}

// live is the focused call while it is up: records opened now are opened during it.
func (p *Page) live() desk.CallKey {
	if c := p.Focused(); c != nil && c.State != desk.Ended {
		return c.Key
	}
	return ""
}

func (p *Page) callerHeading(c canvas, w int, call *desk.Call, card *crm.Card) string {
	if card == nil {
		return row.Heading(c.th, w, "Caller")
	}
	title := card.Label.String()
	if title == "" {
		title = card.Type
	}
	title += " · " + card.Name.String()
	if call != nil {
		if h, ok := call.Match.Only(); ok && crm.SameID(h.ID, card.ID) {
			title = "Caller" // the line below names the record
		}
	}
	var right []row.Seg
	key := func(action, does string) {
		if k := p.keys.Key(action); k != "" {
			right = append(right, row.Seg{Ink: c.th.Key, Text: k}, row.Seg{Ink: c.th.Dim, Text: " " + does + "  "})
		}
	}
	link := caller.Link(card.URL)
	switch {
	case p.snap.Reading:
		right = append(right, row.Seg{Ink: c.th.Accent, Text: "◌ reading it again  "})
	case Age(card.Fetched, c.now) != "":
		right = append(right, row.Seg{Ink: c.th.Dim, Text: "as of " + Age(card.Fetched, c.now) + "  "})
		key("card.refresh", "reads it again")
	}
	if p.snap.Earlier > 0 && w >= 70 {
		key("card.back", "back")
	}
	if len(right) == 0 && link != "" && w >= 60 && p.cardAt < 0 {
		key("card.down", "fields")
		key("card.copy", "copy address")
	}
	if n := len(right); n > 0 {
		right[n-1].Text = strings.TrimRight(right[n-1].Text, " ")
	}
	return row.LinkHeading(c.th, w, title, link, right...)
}

// Age says how old something is that was read at a time: nothing for the first minute, then minutes, then when it was.
func Age(at, now time.Time) string {
	old := now.Sub(at)
	switch {
	case at.IsZero() || old < time.Minute:
		return ""
	case old < time.Hour:
		return strconv.Itoa(int(old.Minutes())) + " min ago"
	case at.Local().Format(time.DateOnly) == now.Local().Format(time.DateOnly):
		return at.Local().Format("15:04")
	}
	return at.Local().Format("02 Jan 15:04")
}
