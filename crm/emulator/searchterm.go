package emulator

import (
	"slices"
	"strings"
	"unicode"
)

// searchTerm is one word or phrase of a search, prepared for comparison.
type searchTerm struct {
	words  []glob
	digits string // the term when it consists of digits (and wildcards) only
	wild   glob   // digits as a pattern, nil without wildcards
}

func makeTerm(text string) *searchTerm {
	t := &searchTerm{}
	numeric := true
	var digits strings.Builder
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '*' && r != '?' }) {
		if strings.Trim(w, "*?") == "" {
			continue
		}
		t.words = append(t.words, searchPattern(w))
		for _, r := range w {
			if (r < '0' || r > '9') && r != '*' && r != '?' {
				numeric = false
			}
		}
		digits.WriteString(w)
	}
	if numeric && digits.Len() > 0 {
		if t.digits = digits.String(); strings.ContainsAny(t.digits, "*?") {
			t.wild = searchPattern(t.digits)
		}
	}
	return t
}

// inText tells whether the words of the term stand side by side in a text.
func (t *searchTerm) inText(text string) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i := 0; i+len(t.words) <= len(words); i++ {
		all := true
		for j, g := range t.words {
			if !g.match(words[i+j]) {
				all = false
				break
			}
		}
		if all {
			return true
		}
	}
	return false
}

// inPhone compares with a stored number. Normalise ignores punctuation, keeps an extension apart, and ignores the 1
// before ten digits as Salesforce's own formatting of US numbers does. Neither mode knows of other country codes or of
// trunk zeros, as nothing suggests that Salesforce does: clients search for the variants.
func (t *searchTerm) inPhone(stored, mode string) bool {
	if t.digits == "" || mode == Strict {
		return t.inText(stored)
	}
	for _, digits := range readings(stored) {
		if t.isNumber(digits) {
			return true
		}
	}
	return len(t.words) > 1 && t.inText(stored)
}

// readings are the numbers that a stored text may mean: the digits side by side, the digits up to a letter (01202 528732
// ext. 22 is two numbers), and all of them.
func readings(stored string) []string {
	var out []string
	var buf [3][48]byte
	all, run, word := buf[0][:0], buf[1][:0], buf[2][:0]
	take := func(digits []byte) {
		if len(digits) > 0 && !slices.Contains(out, string(digits)) {
			out = append(out, string(digits))
		}
	}
	for _, r := range stored {
		if r >= '0' && r <= '9' {
			all, run, word = append(all, byte(r)), append(run, byte(r)), append(word, byte(r))
			continue
		}
		take(word)
		word = word[:0]
		if unicode.IsLetter(r) || r == ';' || r == '#' {
			take(run)
			run = run[:0]
		}
	}
	take(word)
	take(run)
	take(all)
	return out
}

func (t *searchTerm) isNumber(digits string) bool {
	short := digits
	if len(digits) == 11 && digits[0] == '1' {
		short = digits[1:]
	}
	if t.wild == nil {
		return digits == t.digits || short == t.digits
	}
	return t.wild.match(digits) || t.wild.match(short)
}

// searchRow is a row as the index knows it, with the columns that the search looks at.
type searchRow struct {
	columns []*field
	fields  map[string]any
	mode    string
}

// scope lists the object's columns that IN … FIELDS looks at.
func (o *object) scope(name string) []*field {
	var out []*field
	for _, f := range o.fields {
		if f.inScope(o, name) {
			out = append(out, f)
		}
	}
	return out
}

func (e searchExpr) matches(row searchRow) bool {
	switch e.op {
	case "or":
		for _, p := range e.parts {
			if p.matches(row) {
				return true
			}
		}
		return false
	case "and":
		for _, p := range e.parts {
			if !p.matches(row) {
				return false
			}
		}
		return true
	case "not":
		return !e.parts[0].matches(row)
	}
	for _, f := range row.columns {
		v, ok := row.fields[f.name].(string)
		if !ok {
			continue
		}
		if f.kind == "phone" {
			if e.term.inPhone(v, row.mode) {
				return true
			}
		} else if e.term.inText(v) {
			return true
		}
	}
	return false
}

// inScope tells which fields IN … FIELDS looks at; PHONE means fields of type phone, nothing else.
func (f *field) inScope(o *object, scope string) bool {
	switch scope {
	case "PHONE":
		return f.kind == "phone"
	case "EMAIL":
		return f.kind == "email"
	case "NAME":
		return f.name == o.nameField || f.name == "FirstName" || f.name == "LastName"
	}
	return f.inIndex() || f.kind == "combobox"
}
