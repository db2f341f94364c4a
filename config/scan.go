package config

import (
	"errors"
	"strconv"
	"strings"
)

// A file of settings is cut into its statements so that one of them can be changed and every other byte stays. The file has been
// read as TOML before: this finds places in it and judges nothing.

// statement is a header or a setting of a file, with its place.
type statement struct {
	kind       byte     // 't': [table], 'a': [[list of tables]], 'k': key = value
	path       []string // of the header, or of the setting with its header before it
	head       int      // how many of path come from the header
	start, end int      // the whole lines, with what ends them
	from, to   int      // the value of a setting
}

func (s statement) is(kind byte, path ...string) bool {
	return s.kind == kind && within(path, s.path) && len(path) == len(s.path)
}

// within reports whether path begins with all of under.
func within(under, path []string) bool {
	if len(path) < len(under) {
		return false
	}
	for i, p := range under {
		if path[i] != p {
			return false
		}
	}
	return true
}

var errShape = errors.New("it is written in a way that offhook does not change; change it by hand")

// statements cuts a file.
func statements(s string) (out []statement, err error) {
	var head []string
	for i := strings.IndexFunc(s, func(r rune) bool { return r != '\ufeff' }); i >= 0 && i < len(s); {
		i = blank(s, i, true)
		if i >= len(s) {
			break
		}
		st := statement{kind: 'k', start: strings.LastIndexByte(s[:i], '\n') + 1}
		if s[i] == '[' {
			st.kind = 't'
			if strings.HasPrefix(s[i:], "[[") {
				st.kind = 'a'
				i++
			}
			if head, i, err = dotted(s, i+1); err != nil {
				return nil, err
			}
			st.path = head
		} else {
			var own []string
			if own, i, err = dotted(s, i); err != nil {
				return nil, err
			}
			st.path, st.head = append(append([]string{}, head...), own...), len(head)
			if i >= len(s) || s[i] != '=' {
				return nil, errShape
			}
			st.from = blank(s, i+1, false)
			if st.to, err = valueEnd(s, st.from); err != nil {
				return nil, err
			}
			i = st.to
		}
		i = lineEnd(s, i)
		st.end = i
		out = append(out, st)
	}
	return out, nil
}

// lineEnd is the first byte of the next line.
func lineEnd(s string, i int) int {
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		return i + n + 1
	}
	return len(s)
}

// blank skips spaces; with lines also the ends of lines, and comments.
func blank(s string, i int, lines bool) int {
	for i < len(s) {
		switch c := s[i]; {
		case c == ' ' || c == '\t':
			i++
		case lines && (c == '\n' || c == '\r'):
			i++
		case lines && c == '#':
			i = lineEnd(s, i)
		default:
			return i
		}
	}
	return i
}

// dotted reads a key as a."b".c, and what is blank behind it.
func dotted(s string, i int) (path []string, next int, err error) {
	for {
		i = blank(s, i, false)
		if i >= len(s) {
			return nil, i, errShape
		}
		start := i
		switch c := s[i]; {
		case c == '"' || c == '\'':
			if i, err = valueEnd(s, i); err != nil {
				return nil, i, err
			}
			part := s[start+1 : i-1]
			if c == '"' {
				if part, err = strconv.Unquote(s[start:i]); err != nil {
					return nil, i, errShape
				}
			}
			path = append(path, part)
		default:
			for i < len(s) && !strings.ContainsRune(" \t\r\n.=]#\"'[{},", rune(s[i])) {
				i++
			}
			if i == start {
				return nil, i, errShape
			}
			path = append(path, s[start:i])
		}
		i = blank(s, i, false)
		if i >= len(s) || s[i] != '.' {
			return path, i, nil
		}
		i++
	}
}

// valueEnd is the place behind a value.
func valueEnd(s string, i int) (int, error) {
	if i >= len(s) {
		return i, errShape
	}
	switch c := s[i]; c {
	case '"', '\'':
		return quoted(s, i, c)
	case '[', '{':
		for i++; i < len(s); {
			var err error
			switch s[i] {
			case '"', '\'', '[', '{':
				if i, err = valueEnd(s, i); err != nil {
					return i, err
				}
			case '#':
				i = lineEnd(s, i)
			case ']', '}':
				return i + 1, nil
			default:
				i++
			}
		}
		return i, errShape
	}
	end := i
	for end < len(s) && !strings.ContainsRune(",]}#\r\n", rune(s[end])) {
		end++
	}
	return i + len(strings.TrimRight(s[i:end], " \t")), nil
}

// quoted is the place behind a text in quotes, of one line or many.
func quoted(s string, i int, q byte) (int, error) {
	three := strings.Repeat(string(q), 3)
	long := strings.HasPrefix(s[i:], three)
	if i++; long {
		i += 2
	}
	for i < len(s) {
		switch {
		case q == '"' && s[i] == '\\':
			i += 2
		case long && strings.HasPrefix(s[i:], three):
			for i += 3; i < len(s) && s[i] == q; { // up to two quotes may stand before the three that end it
				i++
			}
			return i, nil
		case !long && s[i] == q:
			return i + 1, nil
		default:
			i++
		}
	}
	return i, errShape
}

// elements are the places of a list's values.
func elements(s string, from, to int) (out [][2]int, err error) {
	for i := from + 1; ; {
		i = blank(s, i, true)
		switch {
		case i >= to-1:
			return out, nil
		case s[i] == ',':
			i++
		default:
			end, err := valueEnd(s, i)
			if err != nil || end <= i {
				return nil, errShape
			}
			out = append(out, [2]int{i, end})
			i = end
		}
	}
}
