package config

import (
	"slices"
	"strings"
)

// editor changes one list of tables in the text of a file, one line of the list after the other.
type editor struct {
	s            string
	section, key string
	eol          string
}

func (e *editor) apply(c Change) error {
	for i, r := range c.Replace {
		if err := e.one(func(p place) error { return e.replace(p, i, r) }); err != nil {
			return err
		}
	}
	drop := slices.Clone(c.Drop)
	slices.Sort(drop)
	for _, i := range slices.Backward(slices.Compact(drop)) {
		if err := e.one(func(p place) error { return e.drop(p, i) }); err != nil {
			return err
		}
	}
	for _, r := range c.Add {
		if err := e.one(func(p place) error { return e.add(p, r) }); err != nil {
			return err
		}
	}
	return nil
}

// place is where the list stands: as key = [ … ], or as blocks under [[section.key]].
type place struct {
	all    []statement
	value  *statement
	rows   [][2]int // of value
	blocks []block
}

// block is one [[section.key]] with its settings.
type block struct {
	head statement
	keys []statement
}

func (b block) end() int {
	if len(b.keys) > 0 {
		return b.keys[len(b.keys)-1].end
	}
	return b.head.end
}

// one finds the list and does one thing to it.
func (e *editor) one(do func(place) error) (err error) {
	var p place
	if p.all, err = statements(e.s); err != nil {
		return err
	}
	in := false
	for i, st := range p.all {
		switch {
		case st.is('a', e.section, e.key):
			in = true
			p.blocks = append(p.blocks, block{head: st})
		case st.kind != 'k':
			in = false
		case in:
			b := &p.blocks[len(p.blocks)-1]
			b.keys = append(b.keys, st)
		case st.is('k', e.section, e.key):
			p.value = &p.all[i]
		case st.is('k', e.section): // section = { … }
			return errShape
		}
	}
	if p.value != nil {
		if e.s[p.value.from] != '[' {
			return errShape
		}
		if p.rows, err = elements(e.s, p.value.from, p.value.to); err != nil {
			return err
		}
	}
	return do(p)
}

// splice puts text in the place of the bytes from a to b.
func (e *editor) splice(a, b int, text string) { e.s = e.s[:a] + text + e.s[b:] }

func (e *editor) replace(p place, i int, r Row) error {
	switch {
	case p.value != nil && i < len(p.rows):
		e.splice(p.rows[i][0], p.rows[i][1], r.String())
	case i < len(p.blocks):
		b := p.blocks[i]
		for _, c := range slices.Backward(r) {
			at := slices.IndexFunc(b.keys, func(st statement) bool { return st.is('k', e.section, e.key, c[0]) })
			if at < 0 {
				e.newline(b.head.end)
				e.splice(b.head.end, b.head.end, c[0]+" = "+quote(c[1])+e.eol)
			} else {
				e.splice(b.keys[at].from, b.keys[at].to, quote(c[1]))
			}
			if err := e.one(func(now place) error { b = now.blocks[i]; return nil }); err != nil {
				return err
			}
		}
	default:
		return errShape
	}
	return nil
}

// drop takes a line away, with the comment behind it on its line.
func (e *editor) drop(p place, i int) error {
	if p.value == nil {
		if i >= len(p.blocks) {
			return errShape
		}
		e.splice(p.blocks[i].head.start, p.blocks[i].end(), "")
		return nil
	}
	if i >= len(p.rows) {
		return errShape
	}
	a, b := p.rows[i][0], p.rows[i][1]
	comma := blank(e.s, b, true)
	switch {
	case e.s[comma] != ',': // the last one: the comma before it may go, or stay
		if i > 0 {
			if before := p.rows[i-1][1]; strings.Trim(e.s[before:a], " \t") == "," {
				e.splice(before, b, "")
				return nil
			}
		}
	case strings.Trim(e.s[b:comma], " \t") == "":
		b = comma + 1
	default: // it stands on another line
		e.splice(comma, comma+1, "")
	}
	start, end := strings.LastIndexByte(e.s[:a], '\n')+1, lineEnd(e.s, b)
	rest := strings.TrimSpace(e.s[b:end])
	if strings.TrimSpace(e.s[start:a]) == "" && (rest == "" || rest[0] == '#') && start > p.value.start {
		e.splice(start, end, "")
		return nil
	}
	for b < len(e.s) && (e.s[b] == ' ' || e.s[b] == '\t') && rest != "" && rest[0] != '#' {
		b++
	}
	e.splice(a, b, "")
	return nil
}

func (e *editor) add(p place, r Row) error {
	switch {
	case p.value != nil:
		e.into(p, r)
	case len(p.blocks) > 0:
		text := e.eol + "[[" + e.section + "." + e.key + "]]" + e.eol
		for _, c := range r {
			text += c[0] + " = " + quote(c[1]) + e.eol
		}
		at := p.blocks[len(p.blocks)-1].end()
		at += e.newline(at)
		e.splice(at, at, text)
	default:
		e.begin(p, r)
	}
	return nil
}

// into adds a line to a list that is there.
func (e *editor) into(p place, r Row) {
	close := p.value.to - 1
	start := strings.LastIndexByte(e.s[:close], '\n') + 1
	alone := strings.TrimSpace(e.s[start:close]) == "" && start > p.value.from
	indent := "  "
	switch {
	case alone:
		if n := len(p.rows); n > 0 {
			at := strings.LastIndexByte(e.s[:p.rows[n-1][0]], '\n') + 1
			if lead := e.s[at:p.rows[n-1][0]]; strings.TrimSpace(lead) == "" {
				indent = lead
			}
		}
		e.splice(start, start, indent+r.String()+","+e.eol)
	case len(p.rows) == 0 && strings.TrimSpace(e.s[p.value.from+1:close]) == "":
		e.splice(p.value.from, p.value.to, "["+e.eol+indent+r.String()+","+e.eol+"]")
	default:
		for e.s[close-1] == ' ' || e.s[close-1] == '\t' {
			close--
		}
		lead := " "
		if e.s[close-1] == '[' {
			lead = ""
		}
		e.splice(close, close, lead+r.String())
	}
	if n := len(p.rows); n > 0 { // the one before it may be without its comma
		if end := p.rows[n-1][1]; e.s[blank(e.s, end, true)] != ',' {
			e.splice(end, end, ",")
		}
	}
}

// begin writes the list where there is none: in its section, behind the default that a commented file shows, else at the section's end.
func (e *editor) begin(p place, r Row) {
	text := e.key + " = [" + e.eol + "  " + r.String() + "," + e.eol + "]" + e.eol
	at, top := -1, -1
	from, to := 0, 0
	in := false
	for _, st := range p.all {
		switch {
		case st.kind != 'k':
			if in {
				to = st.start
			}
			in = st.is('t', e.section)
			if in {
				at, from, to = st.end, st.end, len(e.s)
			}
		case in:
			at = st.end
		case st.head == 0 && st.path[0] == e.section:
			top = st.end
		}
	}
	switch {
	case at >= 0:
		for i := from; i < to; i = lineEnd(e.s, i) {
			line := strings.TrimLeft(strings.TrimSpace(e.s[i:lineEnd(e.s, i)]), "# ")
			if strings.HasPrefix(line, e.key+" = [") && !slices.ContainsFunc(p.all, func(st statement) bool { return st.start <= i && i < st.end }) {
				at = lineEnd(e.s, i)
				break
			}
		}
	case top >= 0:
		at, text = top, e.section+"."+text
	default:
		at, text = len(e.s), "["+e.section+"]"+e.eol+text
		if e.s != "" {
			text = e.eol + text
		}
	}
	at += e.newline(at)
	e.splice(at, at, text)
}

// newline ends the line before a place, and returns how many bytes that took.
func (e *editor) newline(at int) int {
	if at == 0 || e.s[at-1] == '\n' {
		return 0
	}
	e.splice(at, at, e.eol)
	return len(e.eol)
}
