package emulator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// env is what a query is evaluated in.
type env struct {
	store *store
	now   time.Time
	zone  *time.Location
}

// cond tells whether a row fulfils a WHERE clause.
type cond func(st *store, r *record, fields map[string]any) bool

// condition reads a logical expression. AND and OR may be mixed only with parentheses, as in Salesforce.
func (p *parser) condition(o *object) (cond, error) {
	left, err := p.factor(o)
	if err != nil {
		return nil, err
	}
	word := ""
	for {
		t := p.peek()
		if !t.is("AND") && !t.is("OR") {
			return left, nil
		}
		if word == "" {
			word = strings.ToUpper(t.text)
		} else if !t.is(word) {
			return nil, p.unexpected(t)
		}
		p.next()
		right, err := p.factor(o)
		if err != nil {
			return nil, err
		}
		a := left
		if word == "AND" {
			left = func(st *store, r *record, f map[string]any) bool { return a(st, r, f) && right(st, r, f) }
		} else {
			left = func(st *store, r *record, f map[string]any) bool { return a(st, r, f) || right(st, r, f) }
		}
	}
}

func (p *parser) factor(o *object) (cond, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fail(400, "MALFORMED_QUERY", "the query is nested too deeply")
	}
	defer func() { p.depth-- }()
	if p.accept("(") {
		c, err := p.condition(o)
		if err != nil {
			return nil, err
		}
		return c, p.expect(")")
	}
	if p.accept("NOT") {
		c, err := p.factor(o)
		if err != nil {
			return nil, err
		}
		return func(st *store, r *record, f map[string]any) bool { return !c(st, r, f) }, nil
	}
	return p.comparison(o)
}

func (p *parser) comparison(o *object) (cond, error) {
	t := p.next()
	if t.kind != tokWord {
		return nil, p.unexpected(t)
	}
	path, err := p.resolve(o, t.text)
	if err != nil {
		return nil, p.invalidField(t.pos, err)
	}
	if path.leaf != nil && !path.leaf.filter {
		return nil, p.invalidField(t.pos, fmt.Errorf("field '%s' can not be filtered in a query call", path.name))
	}
	op := p.next()
	switch {
	case op.is("IN"):
		return p.in(path, t, false)
	case op.is("NOT") && p.accept("IN"):
		return p.in(path, t, true)
	case op.is("LIKE"):
		return p.like(path, t)
	case op.kind == tokSign && slices.Contains([]string{"=", "!=", "<>", "<", "<=", ">", ">="}, op.text):
		test, err := p.operand(path, t)
		if err != nil {
			return nil, err
		}
		name := op.text
		if name == "<>" {
			name = "!="
		}
		if k := path.kind(); (k == "id" || k == "reference" || k == "boolean") && name != "=" && name != "!=" && k == "boolean" {
			return nil, fail(400, "INVALID_QUERY_FILTER_OPERATOR", "%s", at(p.src, op.pos, "invalid operator on boolean field"))
		}
		return func(st *store, r *record, f map[string]any) bool { return test(path.value(st, r, f)).holds(name) }, nil
	}
	return nil, p.unexpected(op)
}

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

// operand reads a literal of the column's type and returns the comparison with it.
func (p *parser) operand(path *fieldPath, column token) (func(any) order, error) {
	t := p.next()
	if t.is("null") {
		return func(v any) order {
			if v == nil {
				return equal
			}
			return apart
		}, nil
	}
	must := func(kind string) error {
		quotes := "should not be enclosed in quotes"
		if kind == "string" || kind == "ID" {
			quotes = "should be enclosed in quotes"
		}
		return p.invalidField(column.pos, fmt.Errorf("value of filter criterion for field '%s' must be of type %s and %s", path.name, kind, quotes))
	}
	switch kind := path.kind(); kind {
	case "boolean":
		if !t.is("true") && !t.is("false") {
			return nil, must("boolean")
		}
		want := t.is("true")
		return func(v any) order {
			if b, _ := v.(bool); b == want {
				return equal
			}
			return apart
		}, nil
	case "int", "double", "currency", "percent":
		want, err := strconv.ParseFloat(t.text, 64)
		if t.kind != tokNumber || err != nil {
			return nil, must("double")
		}
		return func(v any) order {
			switch x := v.(type) {
			case int64:
				return compare(float64(x), want)
			case float64:
				return compare(x, want)
			}
			return apart
		}, nil
	case "date", "datetime":
		return p.moment(kind, t, must)
	case "id", "reference":
		if t.kind != tokText {
			return nil, must("ID")
		}
		text, err := unquote(t.text, false)
		if err != nil {
			return nil, malformed(p.src, t.pos, err.Error())
		}
		if text == "" {
			return func(v any) order { return map[bool]order{true: equal, false: apart}[v == nil] }, nil
		}
		want, valid := canonicalID(text)
		if !valid {
			return nil, fail(400, "INVALID_QUERY_FILTER_OPERATOR", "%s", at(p.src, column.pos, "invalid ID field: "+text))
		}
		return func(v any) order {
			id, ok := v.(string)
			if !ok || len(id) < 15 {
				return apart
			}
			return compare(id[:15], want)
		}, nil
	}
	if t.kind != tokText {
		return nil, must("string")
	}
	text, err := unquote(t.text, false)
	if err != nil {
		return nil, malformed(p.src, t.pos, err.Error())
	}
	want := strings.ToLower(text)
	return func(v any) order {
		s, ok := v.(string)
		if !ok {
			return map[bool]order{true: equal, false: apart}[want == ""]
		}
		return compare(strings.ToLower(s), want)
	}, nil
}

// moment reads a date, a dateTime or a date literal.
func (p *parser) moment(kind string, t token, must func(string) error) (func(any) order, error) {
	name := map[string]string{"date": "date", "datetime": "dateTime"}[kind]
	if t.kind == tokWord {
		n := 0
		if needsNumber(t.text) {
			if err := p.expect(":"); err != nil {
				return nil, err
			}
			var err error
			if n, err = p.count(); err != nil {
				return nil, err
			}
			if n > 100_000 {
				return nil, malformed(p.src, t.pos, "the number of a date literal is too large")
			}
		}
		sp, known := dateLiteral(t.text, n, p.env.now, p.env.zone)
		if !known {
			return nil, must(name)
		}
		return func(v any) order {
			s, _ := v.(string)
			var at time.Time
			var err error
			if kind == "date" {
				at, err = time.ParseInLocation(dayLayout, s, p.env.zone)
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
		}, nil
	}
	want, valid := parseMoment(t.text)
	if t.kind != tokNumber || !valid || (kind == "date") != (len(t.text) == len(dayLayout)) {
		return nil, must(name)
	}
	return func(v any) order {
		s, ok := v.(string)
		at, valid := parseMoment(s)
		if !ok || !valid {
			return apart
		}
		return order(at.Compare(want) + 1)
	}, nil
}

// in reads a list of literals, or a subquery with one column.
func (p *parser) in(path *fieldPath, column token, not bool) (cond, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if p.peek().is("SELECT") {
		return p.semiJoin(path, column, not)
	}
	var tests []func(any) order
	for {
		test, err := p.operand(path, column)
		if err != nil {
			return nil, err
		}
		tests = append(tests, test)
		if !p.accept(",") {
			break
		}
	}
	return func(st *store, r *record, f map[string]any) bool {
		v := path.value(st, r, f)
		return slices.ContainsFunc(tests, func(t func(any) order) bool { return t(v) == equal }) != not
	}, p.expect(")")
}

// semiJoin is Id IN (SELECT ContactId FROM Case WHERE …).
func (p *parser) semiJoin(path *fieldPath, column token, not bool) (cond, error) {
	if k := path.kind(); k != "id" && k != "reference" {
		return nil, malformed(p.src, column.pos, fmt.Sprintf("Semi join sub-selects can only query id fields, cannot use: '%s'", path.name))
	}
	q, err := p.query(nil)
	if err != nil {
		return nil, err
	}
	if len(q.columns) != 1 || len(q.subs) > 0 || q.count {
		return nil, malformed(p.src, column.pos, "Semi join sub-selects must select exactly one field")
	}
	ids := make(map[string]bool)
	for _, r := range p.env.store.selectRows(q) {
		if id, ok := q.columns[0].value(p.env.store, r, r.fields).(string); ok && len(id) >= 15 {
			ids[id[:15]] = true
		}
	}
	return func(st *store, r *record, f map[string]any) bool {
		id, ok := path.value(st, r, f).(string)
		return (ok && len(id) >= 15 && ids[id[:15]]) != not
	}, p.expect(")")
}

func (p *parser) like(path *fieldPath, column token) (cond, error) {
	switch path.kind() {
	case "id", "reference", "boolean", "int", "double", "currency", "percent", "date", "datetime":
		return nil, fail(400, "INVALID_QUERY_FILTER_OPERATOR", "%s", at(p.src, column.pos, fmt.Sprintf("invalid operator on %s field", path.kind())))
	}
	t := p.next()
	if t.kind != tokText {
		return nil, p.unexpected(t)
	}
	raw, err := unquote(t.text, true)
	if err != nil {
		return nil, malformed(p.src, t.pos, err.Error())
	}
	pattern := likePattern(raw)
	return func(st *store, r *record, f map[string]any) bool {
		s, ok := path.value(st, r, f).(string)
		return ok && pattern.match(strings.ToLower(s))
	}, nil
}
