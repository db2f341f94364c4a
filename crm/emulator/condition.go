package emulator

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// env is what a query is evaluated in.
type env struct {
	store *store
	user  string // whose query it is
	now   time.Time
	zone  *time.Location
}

// cond is a WHERE clause, or a part of one: whether a row fulfils it, and which rows possibly can.
type cond struct {
	holds  func(st *store, r *record, fields map[string]any) bool
	narrow narrowing
}

func where(holds func(st *store, r *record, fields map[string]any) bool) *cond {
	return &cond{holds: holds}
}

// condition reads a logical expression. AND and OR may be mixed only with parentheses, as in Salesforce.
func (p *parser) condition(o *object) (*cond, error) {
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
		a, b := left.holds, right.holds
		if word == "AND" {
			left = &cond{func(st *store, r *record, f map[string]any) bool { return a(st, r, f) && b(st, r, f) }, both(left.narrow, right.narrow)}
		} else {
			left = &cond{func(st *store, r *record, f map[string]any) bool { return a(st, r, f) || b(st, r, f) }, either(left.narrow, right.narrow)}
		}
	}
}

func (p *parser) factor(o *object) (*cond, error) {
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
		return where(func(st *store, r *record, f map[string]any) bool { return !c.holds(st, r, f) }), nil
	}
	return p.comparison(o)
}

func (p *parser) comparison(o *object) (*cond, error) {
	t := p.next()
	if t.kind != tokWord {
		return nil, p.unexpected(t)
	}
	path, err := p.column(o, t)
	if err != nil {
		return nil, err
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
	case op.is("INCLUDES") || op.is("EXCLUDES"):
		return p.includes(path, t, op.is("EXCLUDES"))
	case op.kind == tokSign && slices.Contains([]string{"=", "!=", "<>", "<", "<=", ">", ">="}, op.text):
		lit, err := p.operand(path, t)
		if err != nil {
			return nil, err
		}
		name := op.text
		if name == "<>" {
			name = "!="
		}
		if path.kind() == "boolean" && name != "=" && name != "!=" {
			return nil, fail(400, "INVALID_QUERY_FILTER_OPERATOR", "%s", at(p.src, op.pos, "invalid operator on boolean field"))
		}
		if path.kind() == "multipicklist" && name != "=" && name != "!=" {
			return nil, fail(400, "INVALID_QUERY_FILTER_OPERATOR", "%s", at(p.src, op.pos, "invalid operator on multipicklist field"))
		}
		return &cond{func(st *store, r *record, f map[string]any) bool { return lit.order(path.value(st, r, f)).holds(name) },
			path.narrow(name, lit)}, nil
	}
	return nil, p.unexpected(op)
}

// narrow is what an index can make of a comparison with a column of the row itself.
func (p *fieldPath) narrow(op string, lit literal) narrowing {
	if len(p.steps) > 0 || p.fn != nil || p.leaf == nil || !p.leaf.keyed() {
		return nil
	}
	switch {
	case op == "=" && lit.key != "":
		return narrowing{{field: p.leaf, values: []string{lit.key}}}
	case op == "=" && lit.from != "":
		return narrowing{{field: p.leaf, from: lit.from, to: lit.to}}
	case (op == ">" || op == ">=") && lit.from != "":
		return narrowing{{field: p.leaf, from: lit.from}}
	case (op == "<" || op == "<=") && lit.to != "":
		return narrowing{{field: p.leaf, to: lit.to}}
	}
	return nil
}

// in reads a list of literals, or a subquery with one column.
func (p *parser) in(path *fieldPath, column token, not bool) (*cond, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if p.peek().is("SELECT") {
		return p.semiJoin(path, column, not)
	}
	var lits []literal
	var narrow narrowing
	for {
		lit, err := p.operand(path, column)
		if err != nil {
			return nil, err
		}
		one := path.narrow("=", lit)
		switch {
		case len(lits) == 0:
			narrow = one
		case narrow == nil || one == nil || one[0].values == nil || narrow[0].values == nil || len(narrow[0].values) >= maxDemands:
			narrow = nil
		default:
			narrow[0].values = append(narrow[0].values, one[0].values...)
		}
		lits = append(lits, lit)
		if !p.accept(",") {
			break
		}
	}
	if not {
		narrow = nil
	}
	return &cond{func(st *store, r *record, f map[string]any) bool {
		v := path.value(st, r, f)
		return slices.ContainsFunc(lits, func(l literal) bool { return l.order(v) == equal }) != not
	}, narrow}, p.expect(")")
}

// semiJoin is Id IN (SELECT ContactId FROM Case WHERE …).
func (p *parser) semiJoin(path *fieldPath, column token, not bool) (*cond, error) {
	if k := path.kind(); k != "id" && k != "reference" {
		return nil, malformed(p.src, column.pos, fmt.Sprintf("Semi join sub-selects can only query id fields, cannot use: '%s'", path.name))
	}
	q, err := p.query(nil)
	if err != nil {
		return nil, err
	}
	if len(q.columns) != 1 || len(q.subs) > 0 || q.count || q.groups != nil || len(q.typeofs) > 0 {
		return nil, malformed(p.src, column.pos, "Semi join sub-selects must select exactly one field")
	}
	if k := q.columns[0].kind(); k != "id" && k != "reference" {
		return nil, malformed(p.src, column.pos, fmt.Sprintf("Semi join sub-selects can only query id fields, cannot use: '%s'", q.columns[0].name))
	}
	ids := make(map[string]bool)
	p.env.store.run(q, func(r *record) bool {
		if id, ok := q.columns[0].value(p.env.store, r, r.fields).(string); ok && len(id) >= 15 {
			ids[id[:15]] = true
		}
		return true
	})
	c := where(func(st *store, r *record, f map[string]any) bool {
		id, ok := path.value(st, r, f).(string)
		return (ok && len(id) >= 15 && ids[id[:15]]) != not
	})
	if !not && len(path.steps) == 0 && path.leaf != nil && path.leaf.keyed() && len(ids) <= maxDemands {
		values := make([]string, 0, len(ids))
		for id := range ids {
			values = append(values, id)
		}
		c.narrow = narrowing{{field: path.leaf, values: values}}
	}
	return c, p.expect(")")
}

func (p *parser) like(path *fieldPath, column token) (*cond, error) {
	switch path.kind() {
	case "id", "reference", "boolean", "int", "double", "currency", "percent", "date", "datetime", "multipicklist":
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
	c := where(func(st *store, r *record, f map[string]any) bool {
		s, ok := path.value(st, r, f).(string)
		return ok && pattern.match(strings.ToLower(s))
	})
	if prefix := pattern.prefix(); prefix != "" { // what begins with a text is a range of an index
		c.narrow = path.narrow("=", literal{from: prefix, to: prefix + "\U0010FFFF"})
	}
	return c, nil
}

// includes reads INCLUDES ('a;b', 'c'): rows whose multi-select picklist has a and b, or c.
func (p *parser) includes(path *fieldPath, column token, not bool) (*cond, error) {
	if path.kind() != "multipicklist" {
		return nil, fail(400, "INVALID_QUERY_FILTER_OPERATOR", "%s", at(p.src, column.pos, fmt.Sprintf("invalid operator on %s field", path.kind())))
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var sets [][]string
	for {
		t := p.next()
		if t.kind != tokText {
			return nil, p.unexpected(t)
		}
		text, err := unquote(t.text, false)
		if err != nil {
			return nil, malformed(p.src, t.pos, err.Error())
		}
		sets = append(sets, strings.Split(strings.ToLower(text), ";"))
		if !p.accept(",") {
			break
		}
	}
	return where(func(st *store, r *record, f map[string]any) bool {
		s, _ := path.value(st, r, f).(string)
		has := strings.Split(strings.ToLower(s), ";")
		return slices.ContainsFunc(sets, func(set []string) bool {
			return !slices.ContainsFunc(set, func(v string) bool { return !slices.Contains(has, v) })
		}) != not
	}), p.expect(")")
}

// scope reads USING SCOPE mine or everything; nil is no restriction.
func (p *parser) scope(o *object) (*cond, error) {
	if !p.accept("USING", "SCOPE") {
		return nil, nil
	}
	t := p.next()
	switch {
	case t.is("everything"):
		return nil, nil
	case t.is("mine") && o.field("OwnerId") != nil:
		user := p.env.user
		return &cond{func(_ *store, _ *record, f map[string]any) bool { return f["OwnerId"] == user }, is(o, "OwnerId", user)}, nil
	}
	return nil, p.unexpected(t)
}

func (c *cond) and(other *cond) *cond {
	if c == nil {
		return other
	}
	if other == nil {
		return c
	}
	return &cond{func(st *store, r *record, f map[string]any) bool { return c.holds(st, r, f) && other.holds(st, r, f) }, both(c.narrow, other.narrow)}
}
