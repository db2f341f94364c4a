package salesforce

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Term is one thing to look for. Only the functions here make one: digits, or text whose every reserved character is
// escaped.
type Term struct{ s string }

// Digits makes a term of the ASCII digits of s and drops everything else: a caller's number is text that a stranger
// chose. ok is false with fewer than two digits, the least Salesforce searches for.
func Digits(s string) (t Term, ok bool) {
	d := onlyDigits(s)
	return Term{d}, len(d) >= 2
}

// DigitsPrefix is like Digits, but finds longer numbers that begin with these digits.
func DigitsPrefix(s string) (t Term, ok bool) {
	d := onlyDigits(s)
	return Term{d + "*"}, len(d) >= 2
}

func onlyDigits(s string) string {
	var b []byte
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			b = append(b, s[i])
		}
	}
	return string(b)
}

// Phrase makes a quoted term that matches the words in this order.
func Phrase(s string) (t Term, ok bool) {
	e := escapeSOSL(strings.Join(strings.Fields(s), " "))
	return Term{`"` + e + `"`}, letters(e) >= 2
}

// letters counts what Salesforce counts as characters of a search term.
func letters(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// Words makes a term of every word of s as the beginning of a word, all of which must occur. Words with fewer than two
// letters or digits are left out (INVALID_SEARCH otherwise); AND, OR and NOT are words, not operators.
func Words(s string) (t Term, ok bool) {
	var parts []string
	for w := range strings.FieldsSeq(s) {
		if letters(w) < 2 {
			continue
		}
		e := escapeSOSL(w)
		switch strings.ToUpper(w) {
		case "AND", "OR", "NOT":
			parts = append(parts, `"`+e+`"`)
		default:
			parts = append(parts, e+"*")
		}
	}
	return Term{strings.Join(parts, " AND ")}, len(parts) > 0
}

// escapeSOSL puts a backslash before every reserved character, even inside quotes, and drops control characters.
func escapeSOSL(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "") {
		if r < 0x20 || r == 0x7f {
			continue
		}
		if strings.ContainsRune(`?&|!{}[]()^~*:\"'+-`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// SearchGroup says which fields a search looks at.
type SearchGroup string

// Search groups.
const (
	PhoneFields SearchGroup = "PHONE"
	NameFields  SearchGroup = "NAME"
	EmailFields SearchGroup = "EMAIL"
	AllFields   SearchGroup = "ALL"
)

// SOSL is a search. Its methods return changed copies.
type SOSL struct {
	terms     []Term
	group     SearchGroup
	returning []returning
	limit     int
}

type returning struct {
	object Ident
	fields []Ident
	where  Cond
	limit  int
}

// Find starts a search for any of the terms.
func Find(terms ...Term) SOSL { return SOSL{terms: terms} }

// In sets the fields to look at; AllFields when it is not called.
func (q SOSL) In(g SearchGroup) SOSL { q.group = g; return q }

// Returning adds an object with the fields to return, a condition (the zero Cond for none) and a row limit (0 for none).
func (q SOSL) Returning(object Ident, fields []Ident, where Cond, limit int) SOSL {
	q.returning = append(q.returning[:len(q.returning):len(q.returning)], returning{object, fields, where, limit})
	return q
}

// Limit sets the largest number of rows of all objects together; 0 for none.
func (q SOSL) Limit(n int) SOSL { q.limit = n; return q }

// Build returns the text, or an error when it has nothing to look for or a name in it is not a name.
func (q SOSL) Build() (string, error) {
	var terms []string
	for _, t := range q.terms {
		if t.s != "" {
			terms = append(terms, t.s)
		}
	}
	if len(terms) == 0 {
		return "", errors.New("a search needs something to look for")
	}
	var b strings.Builder
	b.WriteString("FIND {" + strings.Join(terms, " OR ") + "}")
	switch q.group {
	case PhoneFields, NameFields, EmailFields, AllFields:
		b.WriteString(" IN " + string(q.group) + " FIELDS")
	case "":
		b.WriteString(" IN ALL FIELDS")
	default:
		return "", fmt.Errorf("%q is not a group of fields", string(q.group))
	}
	for i, r := range q.returning {
		b.WriteString([]string{" RETURNING ", ", "}[min(i, 1)])
		if err := r.write(&b); err != nil {
			return "", err
		}
	}
	if q.limit > 0 {
		b.WriteString(" LIMIT " + strconv.Itoa(q.limit))
	}
	return b.String(), nil
}

func (r returning) write(b *strings.Builder) error {
	if err := r.object.check(); err != nil {
		return err
	}
	fields, err := names(r.fields)
	if err != nil {
		return err
	}
	if r.where.err != nil {
		return r.where.err
	}
	b.WriteString(string(r.object) + "(" + fields)
	if r.where.s != "" {
		b.WriteString(" WHERE " + r.where.s)
	}
	if r.limit > 0 {
		b.WriteString(" LIMIT " + strconv.Itoa(r.limit))
	}
	b.WriteString(")")
	return nil
}
