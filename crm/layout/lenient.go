package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a file that somebody else wrote.
const (
	maxInput = 1 << 20 // bytes
	maxDepth = 24
	maxNodes = 20000
)

// node is one JSON value whose members keep their order, which is the order of a layout's objects.
type node struct {
	kind    byte // '{', '[', '"', '0' a number, 't' true or false, 'n' null
	text    string
	list    []node
	members []member
}

type member struct {
	name  string
	value node
}

// get returns a member by name, whatever its case; the last one when a name stands twice.
func (n node) get(name string) (node, bool) {
	for i := len(n.members) - 1; i >= 0; i-- {
		if strings.EqualFold(n.members[i].name, name) {
			return n.members[i].value, true
		}
	}
	return node{}, false
}

// str returns a string's text; "" for anything else.
func (n node) str() string {
	if n.kind == '"' {
		return n.text
	}
	return ""
}

// reader reads JSON as people write it by hand and as the published sample of getSoftphoneLayout has it: commas may be missing or
// one too many, and comments may stand between values.
type reader struct {
	in    []byte
	at    int
	nodes int
	notes []string // what was forgiven, each once
}

func (r *reader) note(what string) {
	for _, n := range r.notes {
		if n == what {
			return
		}
	}
	r.notes = append(r.notes, what)
}

func (r *reader) fail(format string, args ...any) error {
	line := 1 + bytes.Count(r.in[:min(r.at, len(r.in))], []byte("\n"))
	return fmt.Errorf("line %d: %s", line, fmt.Sprintf(format, args...))
}

// readJSON reads one value and nothing behind it.
func readJSON(raw []byte) (node, []string, error) {
	if len(raw) > maxInput {
		return node{}, nil, errors.New("the file is larger than a megabyte: that is no layout")
	}
	r := &reader{in: bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))}
	if !utf8.Valid(r.in) {
		return node{}, nil, errors.New("the file is not UTF-8 text")
	}
	if err := r.space(); err != nil {
		return node{}, nil, err
	}
	n, err := r.value(0)
	if err != nil {
		return node{}, nil, err
	}
	if err := r.space(); err != nil {
		return node{}, nil, err
	}
	if r.at < len(r.in) && r.in[r.at] == ';' { // copied out of a script
		r.at++
		if err := r.space(); err != nil {
			return node{}, nil, err
		}
	}
	if r.at < len(r.in) {
		return node{}, nil, r.fail("something stands behind the end of the layout")
	}
	return n, r.notes, nil
}

// space skips blanks and comments.
func (r *reader) space() error {
	for r.at < len(r.in) {
		rest := r.in[r.at:]
		switch {
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n' || rest[0] == '\r':
			r.at++
		case bytes.HasPrefix(rest, []byte("//")):
			r.note("comments were left out")
			if i := bytes.IndexByte(rest, '\n'); i >= 0 {
				r.at += i
			} else {
				r.at = len(r.in)
			}
		case bytes.HasPrefix(rest, []byte("/*")):
			r.note("comments were left out")
			i := bytes.Index(rest[2:], []byte("*/"))
			if i < 0 {
				return r.fail("a comment has no end")
			}
			r.at += i + 4
		default:
			return nil
		}
	}
	return nil
}

func (r *reader) value(depth int) (node, error) {
	if r.nodes++; r.nodes > maxNodes {
		return node{}, r.fail("there are more values than any layout has")
	}
	if depth > maxDepth {
		return node{}, r.fail("values stand inside each other more than %d deep", maxDepth)
	}
	if r.at >= len(r.in) {
		return node{}, r.fail("the text ends in the middle")
	}
	switch c := r.in[r.at]; {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.array(depth)
	case c == '"':
		s, err := r.string()
		return node{kind: '"', text: s}, err
	case c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z':
		return r.word()
	}
	return node{}, r.fail("%q is not expected here", rune(r.in[r.at]))
}

// comma goes over what stands between two members; it reports whether the end was reached.
func (r *reader) comma(end byte, first bool) (bool, error) {
	if err := r.space(); err != nil {
		return false, err
	}
	commas := 0
	for r.at < len(r.in) && r.in[r.at] == ',' {
		r.at++
		commas++
		if err := r.space(); err != nil {
			return false, err
		}
	}
	if r.at >= len(r.in) {
		return false, r.fail("the text ends in the middle: a %c is missing", end)
	}
	if r.in[r.at] == end {
		r.at++
		if commas > 0 {
			r.note("a comma too many was left out")
		}
		return true, nil
	}
	switch {
	case commas == 0 && !first:
		r.note("missing commas were put in")
	case commas > 1 || commas > 0 && first:
		r.note("a comma too many was left out")
	}
	return false, nil
}

func (r *reader) object(depth int) (node, error) {
	r.at++
	n := node{kind: '{'}
	for first := true; ; first = false {
		end, err := r.comma('}', first)
		if end || err != nil {
			return n, err
		}
		if r.in[r.at] != '"' {
			return n, r.fail("a name in quotes is expected, not %q", rune(r.in[r.at]))
		}
		name, err := r.string()
		if err != nil {
			return n, err
		}
		if err := r.space(); err != nil {
			return n, err
		}
		if r.at >= len(r.in) || r.in[r.at] != ':' {
			return n, r.fail("a colon is missing behind %q", name)
		}
		r.at++
		if err := r.space(); err != nil {
			return n, err
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return n, err
		}
		n.members = append(n.members, member{name, v})
	}
}

func (r *reader) array(depth int) (node, error) {
	r.at++
	n := node{kind: '['}
	for first := true; ; first = false {
		end, err := r.comma(']', first)
		if end || err != nil {
			return n, err
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return n, err
		}
		n.list = append(n.list, v)
	}
}

func (r *reader) string() (string, error) {
	start := r.at
	for r.at++; r.at < len(r.in); r.at++ {
		switch r.in[r.at] {
		case '\\':
			r.at++
		case '"':
			r.at++
			var s string
			if err := json.Unmarshal(r.in[start:r.at], &s); err != nil {
				r.at = start
				return "", r.fail("a text in quotes is broken")
			}
			return s, nil
		}
	}
	r.at = start
	return "", r.fail("a text in quotes has no end")
}

func (r *reader) word() (node, error) {
	start := r.at
	for r.at < len(r.in) && (strings.IndexByte("+-.", r.in[r.at]) >= 0 || r.in[r.at] >= '0' && r.in[r.at] <= '9' ||
		r.in[r.at] >= 'a' && r.in[r.at] <= 'z' || r.in[r.at] >= 'A' && r.in[r.at] <= 'Z') {
		r.at++
	}
	w := string(r.in[start:r.at])
	switch {
	case w == "true" || w == "false":
		return node{kind: 't', text: w}, nil
	case w == "null":
		return node{kind: 'n', text: w}, nil
	case json.Valid([]byte(w)):
		return node{kind: '0', text: w}, nil
	}
	r.at = start
	return node{}, r.fail("%q is no value", w)
}

// append writes the value as plain JSON.
func (n node) append(b []byte) []byte {
	switch n.kind {
	case '{':
		b = append(b, '{')
		for i, m := range n.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(quote(b, m.name), ':')
			b = m.value.append(b)
		}
		return append(b, '}')
	case '[':
		b = append(b, '[')
		for i, v := range n.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = v.append(b)
		}
		return append(b, ']')
	case '"':
		return quote(b, n.text)
	}
	return append(b, n.text...)
}

func quote(b []byte, s string) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string and a buffer: neither can refuse
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}
