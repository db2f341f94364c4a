package form

import (
	"slices"
	"strings"

	"offhook/crm"
	"offhook/internal/text"
	"offhook/ui/widget/edit"

	tea "charm.land/bubbletea/v2"
)

// matching are the offered options that a text finds: those that begin with it, then those that contain it. The same letter again and
// again goes through those that begin with it, as lists of browsers do.
func (f *Form) matching(in *input) []int {
	q := strings.ToLower(strings.TrimSpace(in.seek.Value()))
	offered := f.offered(in)
	if q == "" {
		return offered
	}
	var first, rest []int
	for _, i := range offered {
		switch label := strings.ToLower(in.field.Option(i).String()); {
		case strings.HasPrefix(label, q):
			first = append(first, i)
		case strings.Contains(label, q):
			rest = append(rest, i)
		}
	}
	if out := append(first, rest...); len(out) > 0 {
		return out
	}
	if n := len([]rune(q)); strings.Trim(q, string([]rune(q)[0])) == "" {
		for _, i := range offered {
			if strings.HasPrefix(strings.ToLower(in.field.Option(i).String()), string([]rune(q)[0])) {
				first = append(first, i)
			}
		}
		if len(first) > 0 {
			by := (n - 1) % len(first)
			return append(slices.Clone(first[by:]), first[:by]...)
		}
	}
	return nil
}

// choose is a key in a picklist: letters find an option, left and right go through them, backspace takes the choice away.
func (f *Form) choose(in *input, k tea.Key) bool {
	stroke := k.Keystroke()
	if in.seeking {
		switch stroke {
		case "enter":
			f.settle(in)
			f.Move(1)
			return true
		case "right", "left":
			if n := len(f.matching(in)); n > 0 {
				by := 1
				if stroke == "left" {
					by = n - 1
				}
				in.at = (in.at + by) % n
				f.pick(in)
			}
			return true
		}
		handled, changed := in.seek.Key(k)
		if changed {
			f.sought(in)
		}
		return handled
	}
	switch {
	case stroke == "right" || stroke == "space" || stroke == "left":
		list := f.offered(in)
		if len(list) == 0 {
			return true
		}
		at := slices.IndexFunc(list, func(i int) bool { return in.field.Options[i].String() == in.value })
		if stroke == "left" {
			if at--; at < -1 {
				at = len(list) - 1
			}
		} else if at++; at >= len(list) {
			at = -1
		}
		v := ""
		if at >= 0 {
			v = in.field.Options[list[at]].String()
		}
		if v != in.value {
			in.value = v
			f.changed(in)
		}
		return true
	case stroke == "backspace" || stroke == "delete":
		if in.value != "" {
			in.value = ""
			f.changed(in)
		}
		return true
	case k.Text != "":
		in.seek, in.seeking = edit.Field{Limit: 80}, true
		if _, changed := in.seek.Key(k); changed {
			f.sought(in)
		}
		return true
	}
	return false
}

// sought is another text in the search of a picklist or a reference.
func (f *Form) sought(in *input) {
	in.at = 0
	if in.refers() {
		q := in.seek.Value()
		f.ask.Find, f.ask.Field = &q, in.field.Name
		return
	}
	if in.seek.Value() == "" {
		in.seeking = false
		return
	}
	f.pick(in)
}

// pick takes the option that the search stands at; in a free picklist what was typed, when it finds none.
func (f *Form) pick(in *input) {
	list := f.matching(in)
	v := in.value
	switch {
	case len(list) > 0:
		v = in.field.Options[list[min(in.at, len(list)-1)]].String()
	case in.field.Free:
		v = strings.TrimSpace(in.seek.Value())
	default:
		in.problem = "no such choice"
		return
	}
	in.problem = ""
	if v != in.value {
		in.value = v
		f.changed(in)
	}
}

// settle ends a search: what it stands at is chosen, or the choice stays as it was.
func (f *Form) settle(in *input) {
	if in.picks() && in.field.Free && strings.TrimSpace(in.seek.Value()) != "" {
		if v := strings.TrimSpace(in.seek.Value()); len(f.matching(in)) == 0 && v != in.value {
			in.value = v
			f.changed(in)
		}
	}
	if in.problem == "no such choice" {
		in.problem = ""
	}
	in.seek, in.seeking, in.at = edit.Field{}, false, 0
}

// tick is a key in a list of which several can be taken: left and right move, space takes one or puts it back.
func (f *Form) tick(in *input, k tea.Key) bool {
	list := f.offered(in)
	stroke := k.Keystroke()
	if len(list) == 0 {
		return stroke != "enter" && k.Text != ""
	}
	in.at = min(in.at, len(list)-1)
	switch {
	case stroke == "right":
		in.at = (in.at + 1) % len(list)
	case stroke == "left":
		in.at = (in.at + len(list) - 1) % len(list)
	case stroke == "space":
		in.flip(in.field.Options[list[in.at]].String())
		f.changed(in)
	case stroke == "backspace" || stroke == "delete":
		if in.value != "" {
			in.value = ""
			f.changed(in)
		}
	case k.Text != "": // to the next one that begins with the letter
		for step := 1; step <= len(list); step++ {
			i := (in.at + step) % len(list)
			if strings.HasPrefix(strings.ToLower(in.field.Option(list[i]).String()), strings.ToLower(k.Text)) {
				in.at = i
				break
			}
		}
	default:
		return false
	}
	return true
}

func (in *input) flip(v string) {
	var list []string
	if in.value != "" {
		list = strings.Split(in.value, ";")
	}
	if i := slices.Index(list, v); i >= 0 {
		list = slices.Delete(list, i, i+1)
	} else {
		list = append(list, v)
	}
	in.value = strings.Join(list, ";")
}

func (in *input) ticked(v string) bool { return slices.Contains(strings.Split(in.value, ";"), v) }

// refer is a key in a reference: letters search, left and right go through what was found, Enter takes it.
func (f *Form) refer(in *input, k tea.Key) bool {
	stroke := k.Keystroke()
	hits := in.hits()
	switch {
	case in.seeking && stroke == "enter":
		if len(hits) == 0 {
			if strings.TrimSpace(in.seek.Value()) == "" {
				f.settle(in)
				f.Move(1)
			} else if in.found != nil && !in.found.Busy {
				in.problem = "nothing found: type another beginning"
			}
			return true
		}
		h := hits[in.at]
		in.value, in.field.Shown = h.ID, h.Name
		f.settle(in)
		f.changed(in)
		f.Move(1)
		return true
	case in.seeking && (stroke == "right" || stroke == "left") && len(hits) > 1:
		by := 1
		if stroke == "left" {
			by = len(hits) - 1
		}
		in.at = (in.at + by) % len(hits)
		return true
	case !in.seeking && (stroke == "backspace" || stroke == "delete"):
		if in.value != "" {
			in.value, in.field.Shown = "", text.Text{}
			f.changed(in)
		}
		return true
	case !in.seeking && k.Text == "":
		return false
	}
	if !in.seeking {
		in.seek, in.seeking = edit.Field{Limit: 80}, true
	}
	in.problem = ""
	handled, changed := in.seek.Key(k)
	if changed {
		f.sought(in)
		if in.seek.Value() == "" {
			in.seeking = false
		}
	}
	return handled
}

// hits are the records that were found for what is typed now.
func (in *input) hits() []crm.Hit {
	if in.found == nil || in.found.Busy || in.found.Query != text.Clean(in.seek.Value()) {
		return nil
	}
	return in.found.Hits
}
