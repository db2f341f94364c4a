package caller

import (
	"offhook/crm"
	"offhook/ui/theme"
	"offhook/ui/widget/row"
)

// headings counts the lists of a card's related records.
func headings(c *crm.Card) (n int) {
	for i, rel := range c.Related {
		if i == 0 || rel.List != c.Related[i-1].List {
			n++
		}
	}
	return n
}

func headingOf(rel crm.Related) string {
	switch rel.List {
	case crm.OpenCases:
		return "Open cases"
	case crm.OpenOpportunities:
		return "Open opportunities"
	case crm.LastCalls:
		return "Last calls"
	}
	return "Related"
}

func (l Look) related(rel crm.Related, selected bool) string {
	th := l.Theme
	r := row.New(l.Width)
	ink := th.Text
	hint := ""
	if selected {
		r.Gap(2).Put(th.Accent, "› ")
		ink, hint = th.Select, l.Keys.Key("card.use")+" open"
	} else {
		r.Gap(4)
	}
	if rel.List == crm.LastCalls {
		return l.pastCall(r, ink, rel, hint)
	}
	if rel.List == "" {
		r.Cell(th.Dim, rel.Type, min(max(row.Width(rel.Type), 5), 11))
	}
	most := max(Share(l.Width, 35), l.Width-r.Used()-rel.Name.Width()-3) // a short name leaves it more
	right := row.Seg{Ink: th.Dim, Text: rel.Detail.Truncate(most).String()}
	if hint != "" {
		right.Text = hint
	}
	return r.Keep(row.Width(right.Text)+3).Put(ink, rel.Name.String()).Right(right, row.Seg{Text: " "}).String()
}

// pastCall is one call: when, which way, its result and whose it was, in columns; its subject where there is room.
func (l Look) pastCall(r *row.Row, ink theme.Ink, rel crm.Related, hint string) string {
	th := l.Theme
	way := map[crm.Direction]string{crm.Inbound: "in", crm.Outbound: "out", crm.Internal: "int"}[rel.Way]
	when := rel.When.String()
	if l.Width < 70 && len(when) > 10 {
		when = when[:10] // the day
	}
	right := []row.Seg{{Ink: th.Dim, Text: rel.By.Truncate(18).String()}, {Text: " "}}
	if hint != "" {
		right[0].Text = hint
	}
	r.Keep(row.SegsWidth(right)+2).Cell(ink, when, row.Width(when)).Cell(th.Dim, way, 3)
	if !rel.Result.Empty() {
		r.Cell(th.Text, rel.Result.String(), min(rel.Result.Width(), 18))
	}
	return r.Put(th.Dim, rel.Name.String()).Right(right...).String()
}
