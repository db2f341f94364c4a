package emulator

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// soql is a parsed and resolved query.
type soql struct {
	object  *object
	from    string // as written
	count   bool   // SELECT COUNT()
	columns []*fieldPath
	subs    []subquery
	typeofs []typeOf
	where   *cond // nil: all rows
	groups  *grouping
	order   []sortKey
	limit   int // -1: none
	offset  int
	allRows bool
}

type subquery struct {
	relation string
	field    string // the child's reference to this object
	query    *soql
}

type sortKey struct {
	path      *fieldPath
	group     int // in a grouped query: which value of the group, see grouping
	desc      bool
	nullsLast bool
}

// parser reads SOQL, and the object specifications of SOSL.
type parser struct {
	src    string
	toks   []token
	i      int
	schema *schema
	env    env
	alias  string // of the object being queried
	depth  int
}

const (
	maxQuery = 100_000
	maxDepth = 60
)

func (p *parser) peek() token { return p.toks[p.i] }

func (p *parser) next() token {
	t := p.toks[p.i]
	if t.kind != tokEnd {
		p.i++
	}
	return t
}

// accept consumes the words if they come next.
func (p *parser) accept(words ...string) bool {
	for j, w := range words {
		if p.i+j >= len(p.toks) || !p.toks[p.i+j].is(w) {
			return false
		}
	}
	p.i += len(words)
	return true
}

func (p *parser) unexpected(t token) error {
	return malformed(p.src, t.pos, fmt.Sprintf("unexpected token: '%s'", t.text))
}

func (p *parser) expect(word string) error {
	if t := p.peek(); !p.accept(word) {
		return malformed(p.src, t.pos, fmt.Sprintf("expecting '%s', found '%s'", word, t.text))
	}
	return nil
}

func (p *parser) invalidField(pos int, err error) error {
	return fail(400, "INVALID_FIELD", "%s", at(p.src, pos, err.Error()))
}

// parseSOQL reads a whole query.
func parseSOQL(s *schema, src string, e env) (*soql, error) {
	if len(src) > maxQuery {
		return nil, fail(400, "MALFORMED_QUERY", "SOQL statements cannot be longer than %d characters.", maxQuery)
	}
	toks, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, toks: toks, schema: s, env: e}
	q, err := p.query(nil)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokEnd {
		return nil, p.unexpected(t)
	}
	return q, nil
}

// aliasOf reads the c of FROM Contact c.
func (p *parser) aliasOf() string {
	t := p.peek()
	if p.accept("AS") {
		t = p.peek()
	}
	if t.kind != tokWord || clauseWord(t) || strings.Contains(t.text, ".") {
		return ""
	}
	return p.next().text
}

// clauseWord tells the words that begin a clause from aliases.
func clauseWord(t token) bool {
	return slices.ContainsFunc([]string{"FROM", "USING", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "ALL"}, t.is)
}

// resolve finds a column, written with or without the alias.
func (p *parser) resolve(o *object, path string) (*fieldPath, error) {
	if first, rest, dotted := strings.Cut(path, "."); dotted && p.alias != "" && strings.EqualFold(first, p.alias) {
		path = rest
	}
	return p.schema.resolve(o, path)
}

type rawColumn struct {
	word   token
	at     int    // token index, for what is read again when the object is known
	fields string // FIELDS(ALL)
	sub    bool   // a subquery
	typeOf bool
	call   bool // a function
	alias  string
}

// query reads SELECT … up to the end of its clauses. The columns are resolved after FROM is known; parent is the
// object of the outer query when this is a subquery of its SELECT list.
func (p *parser) query(parent *object) (*soql, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fail(400, "MALFORMED_QUERY", "the query is nested too deeply")
	}
	defer func() { p.depth-- }()
	if err := p.expect("SELECT"); err != nil {
		return nil, err
	}
	q := &soql{limit: -1}
	raws, err := p.columns(q)
	if err != nil {
		return nil, err
	}
	if err := p.expect("FROM"); err != nil {
		return nil, err
	}
	from := p.next()
	if from.kind != tokWord {
		return nil, p.unexpected(from)
	}
	q.from = from.text
	if parent != nil {
		for _, ch := range parent.children {
			if strings.EqualFold(ch.relation, from.text) {
				q.object = p.schema.object(ch.object)
			}
		}
		if q.object == nil {
			return nil, fail(400, "INVALID_TYPE", "%s", at(p.src, from.pos, fmt.Sprintf("Didn't understand relationship '%s' in FROM part of query call. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.", from.text)))
		}
	} else if q.object = p.schema.object(from.text); q.object == nil {
		return nil, fail(400, "INVALID_TYPE", "%s", at(p.src, from.pos, fmt.Sprintf("sObject type '%s' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.", from.text)))
	}
	outer := p.alias
	defer func() { p.alias = outer }()
	p.alias = p.aliasOf()
	if err := p.resolveColumns(q, raws); err != nil {
		return nil, err
	}
	scope, err := p.scope(q.object)
	if err != nil {
		return nil, err
	}
	if err := p.clauses(q); err != nil {
		return nil, err
	}
	q.where = scope.and(q.where)
	for _, raw := range raws {
		if (raw.fields == "ALL" || raw.fields == "CUSTOM") && (q.limit < 0 || q.limit > 200) {
			return nil, malformed(p.src, raw.word.pos, "The SOQL FIELDS function must have a LIMIT of at most 200")
		}
		if raw.alias != "" && q.groups == nil {
			return nil, malformed(p.src, raw.word.pos, "only aggregate expressions use field aliasing")
		}
	}
	return q, nil
}

// columns reads the SELECT list roughly; resolveColumns reads its parts again.
func (p *parser) columns(q *soql) ([]rawColumn, error) {
	var raws []rawColumn
	for {
		t := p.next()
		raw := rawColumn{word: t, at: p.i}
		switch {
		case t.is("("):
			raw.sub = true
			if err := p.skipParens(); err != nil {
				return nil, err
			}
		case t.kind != tokWord || t.is("FROM"):
			return nil, p.unexpected(t)
		case t.is("TYPEOF"):
			raw.typeOf = true
			for !p.accept("END") {
				if e := p.next(); e.kind == tokEnd {
					return nil, p.unexpected(e)
				}
			}
		case t.is("COUNT") && p.accept("(", ")"):
			q.count = true
			if len(raws) > 0 || p.peek().is(",") {
				return nil, malformed(p.src, p.peek().pos, "unexpected token: COUNT() must be the only element of the SELECT list")
			}
			return nil, nil
		case t.is("FIELDS") && p.accept("("):
			set := p.next()
			if !set.is("ALL") && !set.is("STANDARD") && !set.is("CUSTOM") {
				return nil, p.unexpected(set)
			}
			if err := p.expect(")"); err != nil {
				return nil, err
			}
			raw.fields = strings.ToUpper(set.text)
		case p.accept("("):
			raw.call = true
			if err := p.skipParens(); err != nil {
				return nil, err
			}
			fallthrough
		default:
			if t := p.peek(); t.kind == tokWord && !clauseWord(t) && !strings.Contains(t.text, ".") {
				raw.alias = p.next().text
			}
		}
		raws = append(raws, raw)
		if !p.accept(",") {
			return raws, nil
		}
	}
}

// skipParens moves behind the closing parenthesis; the opening one has been read.
func (p *parser) skipParens() error {
	for depth := 1; depth > 0; {
		switch t := p.next(); {
		case t.kind == tokEnd:
			return p.unexpected(t)
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		}
	}
	return nil
}

func (p *parser) resolveColumns(q *soql, raws []rawColumn) error {
	back := p.i
	defer func() { p.i = back }()
	seen := make(map[string]bool)
	for _, raw := range raws {
		p.i = raw.at
		switch {
		case raw.sub:
			if err := p.childQuery(q); err != nil {
				return err
			}
		case raw.typeOf:
			if err := p.typeOf(q); err != nil {
				return err
			}
		case raw.fields != "":
			for _, f := range q.object.fields {
				if !seen[f.name] && (raw.fields == "ALL" || f.custom() == (raw.fields == "CUSTOM")) {
					seen[f.name] = true
					q.columns = append(q.columns, &fieldPath{leaf: f, name: f.name})
				}
			}
		case raw.call && p.aggregate(raw.word):
			if err := p.aggregateColumn(q, raw); err != nil {
				return err
			}
		default:
			path, err := p.column(q.object, raw.word)
			if err != nil {
				return err
			}
			if path.as = raw.alias; raw.alias == "" {
				if at := path.key(); seen[at] {
					return p.invalidField(raw.word.pos, fmt.Errorf("duplicate field selected: %s", raw.word.text))
				} else {
					seen[at] = true
				}
			}
			q.columns = append(q.columns, path)
		}
	}
	return nil
}

// childQuery reads (SELECT Id FROM Contacts); its parenthesis has been read.
func (p *parser) childQuery(q *soql) error {
	sub, err := p.query(q.object)
	if err == nil {
		err = p.expect(")")
	}
	if err != nil {
		return err
	}
	for _, ch := range q.object.children {
		if strings.EqualFold(ch.relation, sub.from) {
			q.subs = append(q.subs, subquery{ch.relation, ch.field, sub})
		}
	}
	return nil
}

// clauses reads what may follow the object, in SOQL and in the parentheses of SOSL's RETURNING.
func (p *parser) clauses(q *soql) error {
	var err error
	if p.accept("WHERE") {
		if q.where, err = p.condition(q.object); err != nil {
			return err
		}
	}
	for p.accept("WITH") { // SECURITY_ENFORCED, USER_MODE, SYSTEM_MODE: the practice user may see everything
		if t := p.next(); t.kind != tokWord {
			return p.unexpected(t)
		}
	}
	if err := p.groupBy(q); err != nil {
		return err
	}
	if p.accept("ORDER") {
		if err := p.expect("BY"); err != nil {
			return err
		}
		if err := p.orderBy(q); err != nil {
			return err
		}
	}
	if p.accept("LIMIT") {
		if q.limit, err = p.count(); err != nil {
			return err
		}
	}
	if p.accept("OFFSET") {
		t := p.peek()
		if q.offset, err = p.count(); err != nil {
			return err
		}
		if q.offset > 2000 {
			return fail(400, "NUMBER_OUTSIDE_VALID_RANGE", "%s", at(p.src, t.pos, "Maximum SOQL offset allowed is 2000"))
		}
	}
	for p.accept("FOR") {
		if t := p.next(); !t.is("VIEW") && !t.is("REFERENCE") && !t.is("UPDATE") {
			return p.unexpected(t)
		}
	}
	q.allRows = p.accept("ALL", "ROWS")
	return nil
}

func (p *parser) count() (int, error) {
	t := p.next()
	n, err := strconv.Atoi(t.text)
	if t.kind != tokNumber || err != nil || n < 0 {
		return 0, p.unexpected(t)
	}
	return n, nil
}

func (p *parser) orderBy(q *soql) error {
	for {
		t := p.next()
		if t.kind != tokWord {
			return p.unexpected(t)
		}
		path, err := p.sortColumn(q, t)
		if err != nil {
			return err
		}
		if path.leaf != nil && !path.leaf.filter {
			return p.invalidField(t.pos, fmt.Errorf("field '%s' can not be sorted in a query call", path.name))
		}
		k := sortKey{path: path, group: path.group}
		if !p.accept("ASC") {
			k.desc = p.accept("DESC")
		}
		if p.accept("NULLS") {
			switch {
			case p.accept("FIRST"):
			case p.accept("LAST"):
				k.nullsLast = true
			default:
				return p.unexpected(p.peek())
			}
		}
		q.order = append(q.order, k)
		if !p.accept(",") {
			return nil
		}
	}
}
