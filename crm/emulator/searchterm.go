package emulator

import (
	"strings"
	"unicode"
)

// searchTerm is one word or phrase of a search, prepared for comparison.
type searchTerm struct {
	words  []glob
	digits string // the term when it consists of digits (and wildcards) only
	wild   glob   // digits as a pattern
}

func makeTerm(text string) *searchTerm {
	t := &searchTerm{}
	numeric := true
	var digits strings.Builder
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '*' && r != '?' }) {
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
		t.digits, t.wild = digits.String(), searchPattern(digits.String())
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
	var run, all strings.Builder
	fits := func(digits string) bool {
		return t.wild.match(digits) || len(digits) == 11 && digits[0] == '1' && t.wild.match(digits[1:])
	}
	for _, r := range stored {
		switch {
		case r >= '0' && r <= '9':
			run.WriteRune(r)
			all.WriteRune(r)
		case unicode.IsLetter(r) || r == ';' || r == '#': // 01202 528732 ext. 22: two numbers
			if run.Len() > 0 && fits(run.String()) {
				return true
			}
			run.Reset()
		}
	}
	return run.Len() > 0 && fits(run.String()) || all.Len() > 0 && fits(all.String()) || t.inText(stored)
}

// searchRow is a row as the index knows it, in the scope of a search.
type searchRow struct {
	object *object
	fields map[string]any
	scope  string
	mode   string
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
	for _, f := range row.object.fields {
		if !f.inScope(row.object, row.scope) {
			continue
		}
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
