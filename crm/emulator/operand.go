package emulator

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// order is where a value stands towards an operand. A null is comparable to null only, but differs from anything.
type order int

const (
	before order = iota
	equal
	after
	apart // one of them is null
)

func (o order) holds(op string) bool {
	switch op {
	case "=":
		return o == equal
	case "!=":
		return o != equal
	case "<":
		return o == before
	case "<=":
		return o == before || o == equal
	case ">":
		return o == after
	case ">=":
		return o == after || o == equal
	}
	return false
}

func compare[T int | int64 | float64 | string](a, b T) order {
	switch {
	case a < b:
		return before
	case a > b:
		return after
	}
	return equal
}

// literal is an operand: how values compare with it, and what an index would look for.
type literal struct {
	order    func(any) order
	key      string // the only index key that is equal to it; "": none
	from, to string // the keys that are equal to it lie between these
}

func quotation(kind string) string {
	if kind == "string" || kind == "ID" {
		return "should be enclosed in quotes"
	}
	return "should not be enclosed in quotes"
}

// operand reads a literal of the column's type.
func (p *parser) operand(path *fieldPath, column token) (literal, error) {
	t := p.next()
	if t.is("null") {
		return literal{order: func(v any) order {
			if v == nil {
				return equal
			}
			return apart
		}}, nil
	}
	if t.is(":") {
		return literal{}, malformed(p.src, t.pos, "Bind variables only allowed in Apex code")
	}
	must := func(kind string) error {
		return p.invalidField(column.pos, fmt.Errorf("value of filter criterion for field '%s' must be of type %s and %s", path.name, kind, quotation(kind)))
	}
	switch kind := path.kind(); kind {
	case "boolean":
		if !t.is("true") && !t.is("false") {
			return literal{}, must("boolean")
		}
		want := t.is("true")
		return literal{order: func(v any) order {
			if b, _ := v.(bool); b == want {
				return equal
			}
			return apart
		}}, nil
	case "int", "double", "currency", "percent":
		want, err := strconv.ParseFloat(t.text, 64)
		if t.kind != tokNumber || err != nil {
			if kind == "percent" {
				kind = "double"
			}
			return literal{}, must(kind)
		}
		return literal{order: func(v any) order {
			switch x := v.(type) {
			case int64:
				return compare(float64(x), want)
			case float64:
				return compare(x, want)
			}
			return apart
		}}, nil
	case "date", "datetime":
		return p.moment(kind, t, must)
	case "id", "reference":
		return p.idLiteral(t, column, must)
	}
	if t.kind != tokText {
		return literal{}, must("string")
	}
	text, err := unquote(t.text, false)
	if err != nil {
		return literal{}, malformed(p.src, t.pos, err.Error())
	}
	want := strings.ToLower(text)
	return literal{key: want, order: func(v any) order {
		s, ok := v.(string)
		if !ok {
			return equalIf(want == "")
		}
		return compare(strings.ToLower(s), want)
	}}, nil
}

func equalIf(b bool) order {
	if b {
		return equal
	}
	return apart
}

func (p *parser) idLiteral(t, column token, must func(string) error) (literal, error) {
	if t.kind != tokText {
		return literal{}, must("ID")
	}
	text, err := unquote(t.text, false)
	if err != nil {
		return literal{}, malformed(p.src, t.pos, err.Error())
	}
	if text == "" {
		return literal{order: func(v any) order { return equalIf(v == nil) }}, nil
	}
	want, valid := canonicalID(text)
	if !valid {
		return literal{}, fail(400, "INVALID_QUERY_FILTER_OPERATOR", "%s", at(p.src, column.pos, "invalid ID field: "+text))
	}
	return literal{key: want, order: func(v any) order {
		id, ok := v.(string)
		if !ok || len(id) < 15 {
			return apart
		}
		return compare(id[:15], want)
	}}, nil
}

// moment reads a date, a dateTime or a date literal.
func (p *parser) moment(kind string, t token, must func(string) error) (literal, error) {
	name := map[string]string{"date": "date", "datetime": "dateTime"}[kind]
	format := formatMoment
	if kind == "date" {
		format = func(t time.Time) string { return t.Format(dayLayout) }
	}
	if t.kind == tokWord {
		n := 0
		if needsNumber(t.text) {
			if err := p.expect(":"); err != nil {
				return literal{}, err
			}
			var err error
			if n, err = p.count(); err != nil {
				return literal{}, err
			}
			if n > 100_000 {
				return literal{}, malformed(p.src, t.pos, "the number of a date literal is too large")
			}
		}
		sp, known := dateLiteral(t.text, n, p.env.now, p.env.zone)
		if !known {
			return literal{}, must(name)
		}
		zone := p.env.zone
		lit := literal{order: func(v any) order {
			s, _ := v.(string)
			var at time.Time
			var err error
			if kind == "date" {
				at, err = time.ParseInLocation(dayLayout, s, zone)
			} else {
				at, err = time.Parse(momentLayout, s)
			}
			switch {
			case err != nil:
				return apart
			case at.Before(sp.from):
				return before
			case at.Before(sp.to):
				return equal
			}
			return after
		}}
		if sp.from.Year() > 0 && sp.to.Year() < 9999 {
			lit.from, lit.to = format(sp.from), format(sp.to)
		}
		return lit, nil
	}
	want, valid := parseMoment(t.text)
	if t.kind != tokNumber || !valid || (kind == "date") != (len(t.text) == len(dayLayout)) {
		return literal{}, must(name)
	}
	lit := literal{order: func(v any) order {
		s, ok := v.(string)
		at, valid := parseMoment(s)
		if !ok || !valid {
			return apart
		}
		return order(at.Compare(want) + 1)
	}}
	if want.Year() > 0 && want.Year() < 9999 {
		lit.from = format(want.Truncate(time.Millisecond))
		lit.to = format(want.Add(time.Millisecond))
		if kind == "date" {
			lit.to = lit.from
		}
	}
	return lit, nil
}
