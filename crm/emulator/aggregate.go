package emulator

import (
	"fmt"
	"slices"
	"strings"
)

// grouping is what makes a query one of groups: GROUP BY, or an aggregate function in the SELECT list. A group has the
// values of its columns first and the results of the functions behind them.
type grouping struct {
	by        []*fieldPath
	functions []aggregateCall
	selected  []groupColumn
	having    func(values []any) bool
}

type aggregateCall struct {
	name string // COUNT, COUNT_DISTINCT, SUM, AVG, MIN, MAX
	path *fieldPath
	kind string // of the result
}

// groupColumn is one element of the SELECT list: where its value stands in a group, and its name in the reply.
type groupColumn struct {
	function, by int // -1: the other one
	name         string
}

const maxGroups = 2000 // aggregate queries have one batch

var aggregates = []string{"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"}

// aggregate tells whether a word followed by a parenthesis is an aggregate function.
func (p *parser) aggregate(t token) bool {
	return slices.Contains(aggregates, strings.ToUpper(t.text)) && p.peek().is("(")
}

// aggregateColumn reads COUNT(Id) total of the SELECT list.
func (p *parser) aggregateColumn(q *soql, raw rawColumn) error {
	call, err := p.aggregateCall(q.object, raw.word)
	if err != nil {
		return err
	}
	if q.groups == nil {
		q.groups = &grouping{}
	}
	name := raw.alias
	if name == "" {
		unnamed := 0
		for _, c := range q.groups.selected {
			if c.function >= 0 && strings.HasPrefix(c.name, "expr") {
				unnamed++
			}
		}
		name = fmt.Sprintf("expr%d", unnamed)
	}
	q.groups.selected = append(q.groups.selected, groupColumn{q.groups.add(call), -1, name})
	return nil
}

// add makes sure that a function is computed and returns its place.
func (g *grouping) add(call aggregateCall) int {
	for i, f := range g.functions {
		if f.name == call.name && f.path.key() == call.path.key() {
			return i
		}
	}
	g.functions = append(g.functions, call)
	return len(g.functions) - 1
}

func (p *parser) aggregateCall(o *object, word token) (aggregateCall, error) {
	call := aggregateCall{name: strings.ToUpper(word.text)}
	p.next() // the parenthesis
	arg := p.next()
	if arg.kind != tokWord {
		return call, p.unexpected(arg)
	}
	path, err := p.column(o, arg)
	if err != nil {
		return call, err
	}
	call.path, call.kind = path, path.kind()
	if path.leaf != nil && !path.leaf.filter {
		return call, p.invalidField(arg.pos, fmt.Errorf("field %s does not support aggregate operator %s", path.name, call.name))
	}
	numeric := slices.Contains([]string{"int", "double", "currency", "percent"}, call.kind)
	switch call.name {
	case "COUNT", "COUNT_DISTINCT":
		call.kind = "int"
	case "SUM", "AVG":
		if !numeric {
			return call, p.invalidField(arg.pos, fmt.Errorf("field %s does not support aggregate operator %s", path.name, call.name))
		}
		call.kind = "double"
	default:
		if call.kind == "boolean" || call.kind == "multipicklist" {
			return call, p.invalidField(arg.pos, fmt.Errorf("field %s does not support aggregate operator %s", path.name, call.name))
		}
	}
	return call, p.expect(")")
}

// groupBy reads GROUP BY and HAVING and checks that the SELECT list fits.
func (p *parser) groupBy(q *soql) error {
	if p.accept("GROUP") {
		if err := p.expect("BY"); err != nil {
			return err
		}
		if q.groups == nil {
			q.groups = &grouping{}
		}
		for {
			t := p.next()
			if t.kind != tokWord {
				return p.unexpected(t)
			}
			if (t.is("ROLLUP") || t.is("CUBE")) && p.peek().is("(") {
				return malformed(p.src, t.pos, "the practice Salesforce does not know GROUP BY "+strings.ToUpper(t.text))
			}
			path, err := p.column(q.object, t)
			if err != nil {
				return err
			}
			if k := path.kind(); k == "datetime" || k == "multipicklist" || path.leaf != nil && !path.leaf.filter {
				return p.invalidField(t.pos, fmt.Errorf("field '%s' can not be grouped in a query call", path.name))
			}
			q.groups.by = append(q.groups.by, path)
			if !p.accept(",") {
				break
			}
		}
	}
	g := q.groups
	if g == nil {
		if t := p.peek(); t.is("HAVING") {
			return malformed(p.src, t.pos, "a HAVING clause needs a GROUP BY clause")
		}
		return nil
	}
	if len(q.subs) > 0 || len(q.typeofs) > 0 || q.count {
		return malformed(p.src, p.peek().pos, "Grouped query cannot use child relationships in the SELECT list")
	}
	for _, c := range q.columns {
		i := slices.IndexFunc(g.by, func(b *fieldPath) bool { return b.key() == c.key() })
		if i < 0 {
			return malformed(p.src, p.peek().pos, "Field must be grouped or aggregated: "+c.name)
		}
		name := c.as
		if name == "" {
			if name = c.name; c.fn != nil && c.fnAs != "" {
				name = fmt.Sprintf("expr%d", len(g.selected))
			}
		}
		g.selected = append(g.selected, groupColumn{-1, i, name})
	}
	if p.accept("HAVING") {
		var err error
		if g.having, err = p.having(q); err != nil {
			return err
		}
	}
	return nil
}

// having reads the condition on groups, by the same rules as WHERE.
func (p *parser) having(q *soql) (func([]any) bool, error) {
	left, err := p.havingFactor(q)
	if err != nil {
		return nil, err
	}
	word := ""
	for p.peek().is("AND") || p.peek().is("OR") {
		t := p.next()
		if word != "" && !t.is(word) {
			return nil, p.unexpected(t)
		}
		word = strings.ToUpper(t.text)
		right, err := p.havingFactor(q)
		if err != nil {
			return nil, err
		}
		a := left
		if word == "AND" {
			left = func(v []any) bool { return a(v) && right(v) }
		} else {
			left = func(v []any) bool { return a(v) || right(v) }
		}
	}
	return left, nil
}

func (p *parser) havingFactor(q *soql) (func([]any) bool, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fail(400, "MALFORMED_QUERY", "the query is nested too deeply")
	}
	defer func() { p.depth-- }()
	switch {
	case p.accept("("):
		c, err := p.having(q)
		if err != nil {
			return nil, err
		}
		return c, p.expect(")")
	case p.accept("NOT"):
		c, err := p.havingFactor(q)
		if err != nil {
			return nil, err
		}
		return func(v []any) bool { return !c(v) }, nil
	}
	t := p.next()
	if t.kind != tokWord {
		return nil, p.unexpected(t)
	}
	path, err := p.sortColumn(q, t)
	if err != nil {
		return nil, err
	}
	op := p.next()
	if !slices.Contains([]string{"=", "!=", "<>", "<", "<=", ">", ">="}, op.text) {
		return nil, p.unexpected(op)
	}
	lit, err := p.operand(path, t)
	if err != nil {
		return nil, err
	}
	name := op.text
	if name == "<>" {
		name = "!="
	}
	return func(v []any) bool { return lit.order(v[path.group]).holds(name) }, nil
}

// sortColumn reads what ORDER BY and HAVING name: a column, or in a grouped query one of the group's values.
func (p *parser) sortColumn(q *soql, t token) (*fieldPath, error) {
	g := q.groups
	if g == nil {
		return p.column(q.object, t)
	}
	if p.aggregate(t) {
		call, err := p.aggregateCall(q.object, t)
		if err != nil {
			return nil, err
		}
		return &fieldPath{name: call.path.name, fn: func(v any) any { return v }, fnIs: call.kind, group: len(g.by) + g.add(call)}, nil
	}
	for _, c := range g.selected {
		if c.function >= 0 && strings.EqualFold(c.name, t.text) {
			f := g.functions[c.function]
			return &fieldPath{name: f.path.name, fn: func(v any) any { return v }, fnIs: f.kind, group: len(g.by) + c.function}, nil
		}
	}
	path, err := p.column(q.object, t)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(g.by, func(b *fieldPath) bool { return b.key() == path.key() })
	if i < 0 {
		return nil, malformed(p.src, t.pos, "Ordered field must be grouped or aggregated: "+path.name)
	}
	path.group = i
	return path, nil
}

// tally collects the values of one function in one group.
type tally struct {
	n        int64
	sum      float64
	best     any
	distinct map[any]bool
}

func (c aggregateCall) take(t *tally, v any) {
	if v == nil {
		return
	}
	t.n++
	switch c.name {
	case "SUM", "AVG":
		switch x := v.(type) {
		case int64:
			t.sum += float64(x)
		case float64:
			t.sum += x
		}
	case "COUNT_DISTINCT":
		if t.distinct == nil {
			t.distinct = make(map[any]bool)
		}
		if s, ok := v.(string); ok {
			v = strings.ToLower(s)
		}
		t.distinct[v] = true
	case "MIN", "MAX":
		if t.best == nil || (compareValues(v, t.best, c.kind) < 0) == (c.name == "MIN") {
			t.best = v
		}
	}
}

func (c aggregateCall) result(t *tally) any {
	switch c.name {
	case "COUNT":
		return t.n
	case "COUNT_DISTINCT":
		return int64(len(t.distinct))
	case "SUM":
		if t.n > 0 {
			return t.sum
		}
		return nil
	case "AVG":
		if t.n > 0 {
			return t.sum / float64(t.n)
		}
		return nil
	}
	return t.best
}

// grouped computes the groups of a query in the order asked for.
func (st *store) grouped(q *soql) ([][]any, error) {
	g := q.groups
	type group struct {
		by    []any
		tally []tally
	}
	groups := make(map[string]*group)
	var order []*group
	inner := *q
	inner.order, inner.limit, inner.offset = nil, -1, 0
	var key strings.Builder
	full := false
	st.run(&inner, func(r *record) bool {
		by := make([]any, len(g.by))
		key.Reset()
		for i, path := range g.by {
			by[i] = path.value(st, r, r.fields)
			fmt.Fprintf(&key, "%T%q;", by[i], strings.ToLower(fmt.Sprint(by[i])))
		}
		gr := groups[key.String()]
		if gr == nil {
			if len(order) == 100*maxGroups { // no LIMIT or HAVING brings so many down to a batch that is worth the memory
				full = true
				return false
			}
			gr = &group{by, make([]tally, len(g.functions))}
			groups[key.String()] = gr
			order = append(order, gr)
		}
		for i, f := range g.functions {
			f.take(&gr.tally[i], f.path.value(st, r, r.fields))
		}
		return true
	})
	if len(g.by) == 0 && len(order) == 0 {
		order = append(order, &group{nil, make([]tally, len(g.functions))})
	}
	var out [][]any
	for _, gr := range order {
		values := gr.by
		for i, f := range g.functions {
			values = append(values, f.result(&gr.tally[i]))
		}
		if g.having == nil || g.having(values) {
			out = append(out, values)
		}
	}
	slices.SortStableFunc(out, func(a, b []any) int {
		for _, k := range q.order {
			if n := k.compare(a[k.group], b[k.group]); n != 0 {
				return n
			}
		}
		if len(q.order) > 0 {
			return 0
		}
		for i := range g.by { // Salesforce promises no order; a stable one is easier to work with
			if n := (sortKey{path: g.by[i]}).compare(a[i], b[i]); n != 0 {
				return n
			}
		}
		return 0
	})
	out = out[min(q.offset, len(out)):]
	if q.limit >= 0 {
		out = out[:min(q.limit, len(out))]
	}
	if len(out) > maxGroups || full {
		return nil, fail(400, "EXCEEDED_ID_LIMIT", "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch")
	}
	return out, nil
}

func (g *grouping) render(values []any) map[string]any {
	out := map[string]any{"attributes": map[string]any{"type": "AggregateResult"}}
	for _, c := range g.selected {
		if c.function >= 0 {
			out[c.name] = values[len(g.by)+c.function]
		} else {
			out[c.name] = values[c.by]
		}
	}
	return out
}
