package layout

import (
	"fmt"
	"slices"
	"strings"

	"offhook/internal/text"
)

// Check says what of a layout will not do what it seems to say, each in a line for the administrator. Whether the org has the
// objects and fields is not known here.
func (l Layout) Check() []text.Text {
	var out []text.Text
	say := func(format string, args ...any) { out = append(out, text.Clean(fmt.Sprintf(format, args...))) }
	for _, d := range []string{directionInbound, directionOutbound} {
		c := l.For(d)
		if len(c.Objects) == 0 {
			say("%s: no object is searched, so no caller is ever found", d)
		}
		for _, o := range c.Objects {
			if len(o.Fields) == 0 {
				say("%s: %s has no field: its name alone is shown", d, o.Name)
			}
		}
		if c.NoMatch.Type == PopToSearch || c.NoMatch.Type == PopToDetails {
			say("%s: %s opens nothing when nobody was found", d, c.NoMatch.Type)
		}
		if c.Single.Type == PopToSearch {
			say("%s: one record is found and %s is set: its list of one is opened", d, c.Single.Type)
		}
		if c.Multiple.Type == PopToDetails || c.Multiple.Type == PopToEntity {
			say("%s: %s cannot choose among several records: the list is only offered", d, c.Multiple.Type)
		}
	}
	return out
}

// Lines describes the layout for a person, a line each.
func (l Layout) Lines() []string {
	var out []string
	if l.Name != "" {
		out = append(out, "Softphone layout "+l.Name)
	}
	for _, d := range []string{directionInbound, directionOutbound, directionInternal} {
		c := l.For(d)
		out = append(out, "", d+" calls")
		if len(c.Fields) > 0 {
			out = append(out, "  Shown of the call   "+strings.Join(c.Fields, ", "))
		}
		if d == directionInternal {
			out = append(out, "  Searched            nothing: colleagues are never looked up")
			continue
		}
		if len(c.Objects) == 0 {
			out = append(out, "  Searched            nothing")
		}
		for i, o := range c.Objects {
			head := ""
			if i == 0 {
				head = "Searched"
			}
			var names []string
			for _, f := range o.Fields {
				names = append(names, f.Label.Or(text.Clean(f.Name)).String())
			}
			out = append(out, fmt.Sprintf("  %-19s %s: %s", head, o.Name, strings.Join(names, ", ")))
		}
		one, object := "p opens it", c.New()
		if d == directionOutbound {
			if c.NoMatch.Type != PopToEntity {
				object = l.Inbound.New()
			}
			if c.NoMatch == (Pop{}) && c.Single == (Pop{}) && c.Multiple == (Pop{}) {
				one = "offhook shows its card all the same (not with layout.compat)"
			}
		}
		out = append(out,
			"  Nobody found        "+c.NoMatch.line("n makes a "+object),
			"  One record          "+c.Single.line(one),
			"  Several             "+c.Multiple.line("s lists them (with layout.compat they are only counted)"))
	}
	return slices.Clip(out)
}

// line says what a pop opens; without one what happens instead.
func (p Pop) line(none string) string {
	switch p.Type {
	case PopToDetails:
		return "opens the record"
	case PopToEntity:
		if p.Data == "" {
			return "opens the record, or a New form (Lead) when there is none"
		}
		return "opens a New form (" + p.Data + "), or the record that was found"
	case PopToSearch:
		return "opens the list"
	case PopToVisualforce:
		return "opens the page " + p.Data + " in the browser"
	case PopToFlow:
		return "opens the flow " + p.Data + " in the browser"
	}
	return "does not pop: " + none
}
