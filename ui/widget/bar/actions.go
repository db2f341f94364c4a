package bar

import (
	"slices"

	"offhook/ui/theme"
	"offhook/ui/widget/row"
)

// Item is one action that is possible now.
type Item struct {
	Name  string // of the action
	Key   string // as shown
	Title string
	Next  bool // the key to press next
	Hot   bool // what the caller's match asks for
	Stay  bool // in view where there are two lines, whatever else must go
}

// Zone is a part of a line that a mouse can click.
type Zone struct {
	Line, From, To int // cells, To exclusive
	Action         string
}

// Actions draws the items on at most max lines. Each group starts on a new line when all of them fit that way; else they
// follow each other, and what does not fit at all is left out (the palette has it).
func Actions(th *theme.Theme, w, max int, groups ...[]Item) (lines []string, zones []Zone) {
	lines, zones, left := flow(th, w, max, groups)
	if left > 0 && len(groups) > 1 {
		if l, z, n := flow(th, w, max, [][]Item{slices.Concat(groups...)}); n < left {
			return l, z
		}
	}
	return lines, zones
}

// width is how many cells the item takes.
func (it Item) width() int {
	n := row.Width(it.Key) + 1 + row.Width(it.Title)
	switch {
	case it.Next:
		n += 4
	case it.Hot:
		n += 2
	}
	return n
}

// flow lays the groups out and counts the items for which there was no room.
func flow(th *theme.Theme, w, max int, groups [][]Item) (lines []string, zones []Zone, left int) {
	r := row.New(w).Gap(1)
	stay := 0 // cells that the last line keeps for what stays
	for _, items := range groups {
		for _, it := range items {
			if it.Stay && it.Key != "" {
				stay += 3 + it.width()
			}
		}
	}
	end := func() {
		lines = append(lines, r.String())
		r = row.New(w).Gap(1)
	}
	for g, items := range groups {
		if g > 0 && r.Used() > 1 && len(lines) < max-1 {
			end()
		}
		for _, it := range items {
			if it.Key == "" {
				continue
			}
			n := it.width()
			if it.Stay {
				stay -= 3 + n
			}
			gap := 0
			if r.Used() > 1 {
				gap = 3
			}
			keep := 0
			if max > 1 && len(lines) >= max-1 { // a single line is for the call
				keep = stay
			}
			if r.Used()+gap+n > w-1-keep {
				if len(lines) >= max-1 {
					left++ // a shorter one may still fit
					continue
				}
				end()
				gap = 0
			}
			r.Gap(gap)
			zones = append(zones, Zone{len(lines), r.Used(), r.Used() + n, it.Name})
			switch {
			case it.Next:
				r.Put(th.Next, " ▶ "+it.Key+" "+it.Title+" ")
			case it.Hot:
				r.Put(th.Key, "▸ "+it.Key).Put(th.Strong, " "+it.Title)
			default:
				r.Put(th.Key, it.Key).Put(th.Dim, " "+it.Title)
			}
		}
	}
	if r.Used() > 1 {
		end()
	}
	return lines, zones, left
}
