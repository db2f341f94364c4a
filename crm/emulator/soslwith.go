package emulator

import "strings"

const (
	maxSearchText = 10_000 // characters between the braces; a longer text finds nothing
	maxOperators  = 4_000  // in a longer text the operators are not heeded: AND counts as OR
)

// cut applies the documented bounds of the search text.
func (q *sosl) cut(length int) {
	q.nothing = length > maxSearchText
	if length > maxOperators {
		q.find = q.find.loose()
	}
}

func (e searchExpr) loose() searchExpr {
	if e.term != nil {
		return e
	}
	out := searchExpr{op: "or"}
	for _, p := range e.parts {
		if p.op != "not" {
			out.parts = append(out.parts, p.loose())
		}
	}
	return out
}

// with reads one of the WITH clauses. Only METADATA = 'LABELS' changes anything here: the practice org has no data
// categories, divisions, networks or price books, and neither highlights nor corrects spelling.
func (p *parser) with(q *sosl) error {
	name := p.next()
	switch strings.ToUpper(name.text) {
	case "HIGHLIGHT":
		return nil
	case "METADATA":
		v, err := p.withValue()
		q.labels = q.labels || strings.EqualFold(v.text, "LABELS")
		return err
	case "SPELL_CORRECTION":
		v, err := p.withValue()
		if err == nil && !v.is("true") && !v.is("false") {
			return p.unexpected(v)
		}
		return err
	case "DIVISION", "PRICEBOOKID":
		_, err := p.withValue()
		return err
	case "NETWORK":
		if !p.accept("IN") {
			_, err := p.withValue()
			return err
		}
		if err := p.expect("("); err != nil {
			return err
		}
		return p.skipParens()
	case "SNIPPET":
		if p.accept("(") {
			return p.skipParens()
		}
		return nil
	case "DATA":
		return p.withCategories()
	}
	return p.unexpected(name)
}

func (p *parser) withValue() (token, error) {
	if err := p.expect("="); err != nil {
		return token{}, err
	}
	v := p.next()
	if v.kind != tokText && v.kind != tokWord {
		return v, p.unexpected(v)
	}
	return v, nil
}

// withCategories reads DATA CATEGORY Geography__c ABOVE usa__c AND ….
func (p *parser) withCategories() error {
	if err := p.expect("CATEGORY"); err != nil {
		return err
	}
	for {
		group, op := p.next(), p.next()
		if group.kind != tokWord {
			return p.unexpected(group)
		}
		if !op.is("AT") && !op.is("ABOVE") && !op.is("BELOW") && !op.is("ABOVE_OR_BELOW") {
			return p.unexpected(op)
		}
		if p.accept("(") {
			if err := p.skipParens(); err != nil {
				return err
			}
		} else if c := p.next(); c.kind != tokWord {
			return p.unexpected(c)
		}
		if !p.accept("AND") {
			return nil
		}
	}
}
