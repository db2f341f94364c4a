package transaction

import (
	"slices"
	"strings"
)

// Param is one parameter of a URI or a header value. Names compare without case (RFC 3261 §7.3.1).
type Param struct {
	Name  string
	Value string // unquoted, unescaped
	Has   bool   // there was a "=": distinguishes ";lr" from ";lr="
}

// Params is an ordered list of parameters.
type Params []Param

// Get returns the value of the first parameter of this name.
func (p Params) Get(name string) (value string, ok bool) {
	for _, q := range p {
		if strings.EqualFold(q.Name, name) {
			return q.Value, true
		}
	}
	return "", false
}

// Has reports whether there is a parameter of this name.
func (p Params) Has(name string) bool {
	_, ok := p.Get(name)
	return ok
}

// With returns a copy in which name has this value; an empty value makes a flag (";lr").
func (p Params) With(name, value string) Params {
	q := Param{Name: name, Value: value, Has: value != ""}
	out := slices.Clone(p)
	for i := range out {
		if strings.EqualFold(out[i].Name, name) {
			out[i] = q
			return out
		}
	}
	return append(out, q)
}

// Without returns a copy without name.
func (p Params) Without(name string) Params {
	return slices.DeleteFunc(slices.Clone(p), func(q Param) bool { return strings.EqualFold(q.Name, name) })
}

// String writes the parameters with a leading ";" each, quoting values where a token is not enough. A parameter whose
// name is no token is left out: it could only be an attempt to write something else.
func (p Params) String() string {
	var b strings.Builder
	for _, q := range p {
		if !isToken(q.Name) {
			continue
		}
		b.WriteByte(';')
		b.WriteString(q.Name)
		if !q.Has && q.Value == "" {
			continue
		}
		b.WriteByte('=')
		if q.Value != "" && isGenValue(q.Value) {
			b.WriteString(q.Value)
		} else {
			b.WriteString(quote(q.Value))
		}
	}
	return b.String()
}

// ParseParams reads ";a=b;c" or "a=b;c" with quoted values, as the parameters of a header field. Errors are *FieldError.
func ParseParams(s string) (Params, error) {
	var out Params
	for part := range splitOutside(s, ';') {
		part = strings.Trim(part, lws)
		if part == "" {
			continue
		}
		name, value, has := strings.Cut(part, "=")
		name, value = strings.TrimRight(name, lws), strings.TrimLeft(value, lws)
		if !isToken(name) {
			return nil, &FieldError{"parameter", "the name is not a token"}
		}
		if strings.HasPrefix(value, `"`) {
			v, rest, ok := unquote(value)
			if !ok || strings.Trim(rest, lws) != "" {
				return nil, &FieldError{name, "unbalanced quotes"}
			}
			value = v
		}
		out = append(out, Param{Name: name, Value: value, Has: has})
	}
	return out, nil
}

// SplitList splits a header value at commas outside of quotes and angle brackets and trims the parts; empty parts are
// left out.
func SplitList(s string) []string {
	var out []string
	for part := range splitOutside(s, ',') {
		if part = strings.Trim(part, lws); part != "" {
			out = append(out, part)
		}
	}
	return out
}

const lws = " \t"

// splitOutside yields the parts of s between separators that stand outside of quoted strings and angle brackets.
func splitOutside(s string, sep byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		quoted, angle, from := false, false, 0
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case quoted && c == '\\':
				i++
			case c == '"':
				quoted = !quoted
			case quoted:
			case c == '<':
				angle = true
			case c == '>':
				angle = false
			case c == sep && !angle:
				if !yield(s[from:i]) {
					return
				}
				from = i + 1
			}
		}
		yield(s[from:])
	}
}

// unquote reads the quoted string at the beginning of s.
func unquote(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", s, false
	}
	end := strings.IndexAny(s[1:], `"\`)
	if end >= 0 && s[1+end] == '"' { // nothing escaped: no copy
		return s[1 : 1+end], s[2+end:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			i++
			if i == len(s) {
				return "", s, false
			}
		}
		b.WriteByte(s[i])
	}
	return "", s, false
}

// quote makes a quoted string (RFC 3261 §25.1). Control characters have no place in one and become spaces.
func quote(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20 || c == 0x7f:
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// isToken: RFC 3261 §25.1, token.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isAlnum(s[i]) && strings.IndexByte("-.!%*_+`'~", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// isGenValue: a token or a host (RFC 3261 §25.1, gen-value), where "[", "]" and ":" come from IPv6.
func isGenValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isAlnum(s[i]) && strings.IndexByte("-.!%*_+`'~[]:", s[i]) < 0 {
			return false
		}
	}
	return true
}

// clean reports that s may stand in a message as it is: no CR, LF or NUL, and no other control character than a tab (RFC 3261 §25.1).
func clean(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
