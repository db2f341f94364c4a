package overlay

import (
	"strconv"
	"strings"

	"offhook/desk"
	"offhook/ui/theme"
	"offhook/ui/widget/row"

	"github.com/sahilm/fuzzy"
)

// LampLook is a lamp as glyph, word and ink; each alone tells the state.
func LampLook(th *theme.Theme, s desk.LampState) (glyph, word string, ink theme.Ink) {
	switch s {
	case desk.LampFree:
		return "○", "free", th.Good
	case desk.LampRinging:
		return "◉", "ringing", th.Ringing
	case desk.LampBusy:
		return "●", "busy", th.Problem
	}
	return "?", "unknown", th.Faint
}

// ColleagueLine is a colleague with the lamp, in w cells.
func ColleagueLine(th *theme.Theme, w int, l desk.Lamp, name theme.Ink) string {
	glyph, word, ink := LampLook(th, l.State)
	if with := l.With.String(); with != "" && l.State != desk.LampFree && w >= 44 {
		word += " with " + with
	}
	r := row.New(w).Put(ink, glyph).Gap(1)
	right := min(max(w*2/5, 9), 30)
	numbers := 7
	if w < 30 {
		numbers = 5
	}
	r.Cell(th.Dim, l.Number.String(), numbers)
	r.Cell(name, l.Name.Or(l.Number).String(), max(w-r.Used()-right-1, 4))
	return r.Put(ink, word).String()
}

// colleagues is the list of lamps in a box that asks for a number: all of them, or those that what is typed may mean.
type colleagues struct {
	list []desk.Lamp // as the desk shows them now
	hits []desk.Lamp
	at   int // chosen among hits; -1: none, the typed text counts
}

// take takes over the lamps of a newer snapshot; who is chosen stays chosen.
func (c *colleagues) take(list []desk.Lamp, typed string) {
	chosen, was := c.chosen()
	c.list = list
	c.hits = matching(list, typed)
	if was {
		c.at = -1
		for i, l := range c.hits {
			if l.Number == chosen.Number {
				c.at = i
			}
		}
	}
	c.at = min(c.at, len(c.hits)-1)
}

// typed filters by what stands in the field. Letters mean a person, and the best match is chosen; digits are a number as they stand.
func (c *colleagues) typed(s string) {
	c.at = -1
	c.hits = matching(c.list, s)
	if isName(s) && len(c.hits) > 0 {
		c.at = 0
	}
}

// move goes through the list; above its first line the typed text counts again.
func (c *colleagues) move(by int) { c.at = max(min(c.at+by, len(c.hits)-1), -1) }

func (c *colleagues) chosen() (desk.Lamp, bool) {
	if c.at < 0 || c.at >= len(c.hits) {
		return desk.Lamp{}, false
	}
	return c.hits[c.at], true
}

// isName reports whether letters were typed that are no address.
func isName(s string) bool {
	s = strings.TrimSpace(s)
	return s != "" && !strings.ContainsAny(s, "@:+*#0123456789")
}

type lampNames []desk.Lamp

func (l lampNames) String(i int) string { return l[i].Name.String() + " " + l[i].Number.String() }
func (l lampNames) Len() int            { return len(l) }

func matching(list []desk.Lamp, typed string) []desk.Lamp {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return list
	}
	var out []desk.Lamp
	if !isName(typed) {
		for _, l := range list {
			if strings.HasPrefix(l.Number.String(), typed) {
				out = append(out, l)
			}
		}
		return out
	}
	for _, m := range fuzzy.FindFrom(typed, lampNames(list)) {
		out = append(out, list[m.Index])
	}
	return out
}

// draw draws the list in exactly h lines of w cells; nothing when there are no colleagues.
func (c *colleagues) draw(th *theme.Theme, w, h int) (lines []string) {
	if len(c.list) == 0 || h <= 0 {
		return nil
	}
	if len(c.hits) == 0 {
		return row.Height([]string{row.New(w).Gap(2).Put(th.Faint, "no colleague has this name or number").String()}, w, h)
	}
	top := max(min(c.at-h+1, len(c.hits)-h), 0)
	for i := top; i < len(c.hits) && len(lines) < h; i++ {
		name, mark := th.Text, "  "
		if i == c.at {
			name, mark = th.Select, "› "
		}
		r := row.New(w).Put(th.Accent, mark)
		lines = append(lines, r.Raw(ColleagueLine(th, w-2, c.hits[i], name), w-2).String())
	}
	if more := len(c.hits) - top - len(lines); more > 0 {
		lines[len(lines)-1] = row.New(w).Gap(2).Put(th.Dim, "and "+strconv.Itoa(more+1)+" more; type a letter of the name").String()
	}
	return row.Height(lines, w, h)
}
