package caller

import (
	"net/url"
	"slices"
	"strings"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/ui/widget/row"

	"github.com/charmbracelet/x/ansi"
)

// filled are the fields of a card that have a value; the others would only take room.
func filled(c *crm.Card) []crm.CardField {
	for i, f := range c.Fields {
		if f.Value.Empty() {
			out := slices.Clone(c.Fields[:i])
			for _, f := range c.Fields[i+1:] {
				if !f.Value.Empty() {
					out = append(out, f)
				}
			}
			return out
		}
	}
	return c.Fields
}

// Lines is how many lines of a card can be selected: its fields with a value, then its related records.
func Lines(c *crm.Card) int {
	if c == nil {
		return 0
	}
	return len(filled(c)) + len(c.Related)
}

// Selected is what line i of a card stands for: a field, or a related record.
func Selected(c *crm.Card, i int) (crm.CardField, crm.Ref) {
	if c == nil || i < 0 || i >= Lines(c) {
		return crm.CardField{}, crm.Ref{}
	}
	fields := filled(c)
	if i < len(fields) {
		return fields[i], fields[i].Ref
	}
	return crm.CardField{}, c.Related[i-len(fields)].Ref
}

// Card draws a record: its fields, then its related records, at most h lines, scrolled so that the selected line shows.
// selected is -1 when nothing is.
func (l Look) Card(c *crm.Card, selected, h int) []string {
	th := l.Theme
	label, fields := 0, filled(c)
	for _, f := range fields {
		label = max(label, f.Label.Width())
	}
	label = min(label, Share(l.Width, 30))
	var lines []string
	at := 0 // the line that is selected
	for i, f := range fields {
		if i == selected {
			at = len(lines)
		}
		lines = append(lines, l.field(f, label, i == selected))
	}
	if len(c.Related) > 0 {
		if len(lines)+len(c.Related)+1+headings(c) <= h { // air, where there is room for it
			lines = append(lines, row.Blank(l.Width))
		}
		for i, rel := range c.Related {
			if i == 0 || rel.List != c.Related[i-1].List {
				lines = append(lines, row.New(l.Width).Gap(4).Put(th.Title, headingOf(rel)).String())
			}
			sel := len(fields)+i == selected
			if sel {
				at = len(lines)
			}
			lines = append(lines, l.related(rel, sel))
		}
	}
	if len(lines) > h && h > 0 {
		top := min(max(at-h+2, 0), len(lines)-h)
		rest := len(lines) - top - h
		lines = lines[top : top+h]
		if rest > 0 {
			lines[h-1] = row.New(l.Width).Gap(4).Put(th.Faint, "↓ "+plural(rest+1, "more line", "more lines")).String()
		}
	}
	return lines
}

func (l Look) field(f crm.CardField, label int, selected bool) string {
	th := l.Theme
	r := row.New(l.Width)
	hint := ""
	if selected {
		r.Gap(2).Put(th.Accent, "› ")
		hint = l.hint(f)
	} else {
		r.Gap(4)
	}
	r.Cell(th.Dim, f.Label.String(), label).Gap(1)
	keep := 1
	if hint != "" {
		keep += row.Width(hint) + 2
	}
	r.Keep(keep)
	ink := th.Text
	switch {
	case selected:
		ink = th.Select
	case f.Kind == crm.KindRef || f.Kind == crm.KindPhone:
		ink = th.Accent
	}
	if link := Link(f.Value); f.Kind == crm.KindURL && link != "" {
		shown := row.Fit(f.Value.String(), r.Left())
		r.Raw(ansi.SetHyperlink(link)+th.Link.Render(shown)+ansi.ResetHyperlink(), row.Width(shown))
	} else {
		r.Put(ink, f.Value.String())
	}
	if hint != "" {
		r.Right(row.Seg{Ink: th.Dim, Text: hint}, row.Seg{Text: " "})
	}
	return r.String()
}

// hint says what the keys do with the selected field.
func (l Look) hint(f crm.CardField) string {
	use, copied := l.Keys.Key("card.use"), l.Keys.Key("card.copy")
	switch {
	case f.Kind == crm.KindPhone:
		return use + " dial  " + copied + " copy"
	case f.Kind == crm.KindRef && !f.Ref.Zero():
		return use + " open  " + copied + " copy"
	}
	return copied + " copy"
}

// Link is the address as a terminal hyperlink may carry it, or nothing when it is no web address. Semicolons and spaces
// are escaped because OSC 8 uses them itself.
func Link(t text.Text) string {
	u, err := url.Parse(t.String())
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return ""
	}
	return strings.NewReplacer(";", "%3B", " ", "%20").Replace(u.String())
}
