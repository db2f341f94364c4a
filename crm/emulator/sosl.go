package emulator

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// sosl is a parsed search.
type sosl struct {
	find      searchExpr
	scope     string // ALL, NAME, EMAIL, PHONE
	returning []returning
	limit     int // overall; -1: none
	labels    bool
	nothing   bool // the text is so long that nothing is found
}

// returning is one object of a search with what is wanted of it.
type returning struct {
	query *soql // columns, where, order, limit, offset
	plain bool  // no fields were named
}

// searchExpr is the text of FIND: a tree of terms.
type searchExpr struct {
	op    string // "and", "or", "not", "" for a term
	parts []searchExpr
	term  *searchTerm
}

const reserved = `?&|!{}[]()^~*:\"'+-`

// searchReader reads the text between the braces of FIND. In lenient mode (parameterizedSearch) reserved characters
// need no backslash: they separate words.
type searchReader struct {
	src     []rune
	i       int
	depth   int
	lenient bool
}

func malformedSearch(format string, args ...any) *apiError {
	return fail(400, "MALFORMED_SEARCH", format, args...)
}

// parseFind reads a search text.
func parseFind(text string, lenient bool) (searchExpr, error) {
	if !utf8.ValidString(text) {
		return searchExpr{}, malformedSearch("the search text is not UTF-8")
	}
	rd := &searchReader{src: []rune(text), lenient: lenient}
	e, err := rd.or()
	if err != nil {
		return e, err
	}
	if rd.space(); rd.i < len(rd.src) {
		return e, malformedSearch("unexpected character '%c' in the search text", rd.src[rd.i])
	}
	return e, nil
}

func (rd *searchReader) space() {
	for rd.i < len(rd.src) && (rd.src[rd.i] <= ' ' || rd.lenient && strings.ContainsRune(`&|!{}[]^~:'+-\`, rd.src[rd.i])) {
		rd.i++
	}
}

// word looks ahead for an operator.
func (rd *searchReader) word(w string) bool {
	rd.space()
	end := rd.i + len(w)
	if end > len(rd.src) || !strings.EqualFold(string(rd.src[rd.i:end]), w) {
		return false
	}
	if end < len(rd.src) && rd.src[end] > ' ' && rd.src[end] != '(' && rd.src[end] != ')' && rd.src[end] != '"' {
		return false
	}
	rd.i = end
	return true
}

func (rd *searchReader) done() bool {
	rd.space()
	return rd.i >= len(rd.src) || rd.src[rd.i] == ')'
}

func (rd *searchReader) or() (searchExpr, error) {
	if rd.depth++; rd.depth > maxDepth {
		return searchExpr{}, malformedSearch("the search text is nested too deeply")
	}
	defer func() { rd.depth-- }()
	e := searchExpr{op: "or"}
	for {
		part, err := rd.and()
		if err != nil {
			return e, err
		}
		e.parts = append(e.parts, part)
		if !rd.word("OR") {
			return e, nil
		}
	}
}

// and reads factors; words side by side mean AND.
func (rd *searchReader) and() (searchExpr, error) {
	e := searchExpr{op: "and"}
	for {
		part, err := rd.factor()
		if err != nil {
			return e, err
		}
		e.parts = append(e.parts, part)
		if rd.word("AND") {
			continue
		}
		at := rd.i
		if rd.done() || rd.word("OR") {
			rd.i = at
			return e, nil
		}
	}
}

func (rd *searchReader) factor() (searchExpr, error) {
	if rd.word("NOT") {
		part, err := rd.factorPlain()
		return searchExpr{op: "not", parts: []searchExpr{part}}, err
	}
	return rd.factorPlain()
}

func (rd *searchReader) factorPlain() (searchExpr, error) {
	if rd.done() {
		return searchExpr{}, fail(400, "INVALID_SEARCH", "search term must be longer than one character: ")
	}
	switch rd.src[rd.i] {
	case '(':
		rd.i++
		e, err := rd.or()
		if err != nil {
			return e, err
		}
		if rd.space(); rd.i >= len(rd.src) || rd.src[rd.i] != ')' {
			return e, malformedSearch("unbalanced parenthesis in the search text")
		}
		rd.i++
		return e, nil
	case '"':
		rd.i++
		return rd.term(true)
	}
	return rd.term(false)
}

// term reads a word or, behind its opening quote, a phrase.
func (rd *searchReader) term(quoted bool) (searchExpr, error) {
	var b strings.Builder
	bare := 0 // characters that are not wildcards
	for ; rd.i < len(rd.src); rd.i++ {
		r := rd.src[rd.i]
		switch {
		case r == '\\' && !rd.lenient:
			if rd.i++; rd.i >= len(rd.src) {
				return searchExpr{}, malformedSearch("the search text ends with a backslash")
			}
			// An escaped reserved character is text, and text is compared without punctuation.
			if strings.ContainsRune(reserved, rd.src[rd.i]) {
				b.WriteRune(' ')
			} else {
				b.WriteRune(rd.src[rd.i])
			}
			bare++
			continue
		case quoted && r == '"':
			rd.i++
			return newTerm(b.String(), bare, true)
		case !quoted && (r <= ' ' || r == '(' || r == ')' || r == '"'):
			return newTerm(b.String(), bare, false)
		case r == '*' || r == '?':
			if bare == 0 {
				return searchExpr{}, malformedSearch("a wildcard may stand in the middle or at the end of a term only")
			}
			b.WriteRune(r)
			continue
		case rd.lenient && strings.ContainsRune(reserved, r):
			b.WriteRune(' ')
			continue
		case strings.ContainsRune(reserved, r):
			return searchExpr{}, malformedSearch("the reserved character '%c' must be escaped with a backslash", r)
		}
		b.WriteRune(r)
		bare++
	}
	if quoted {
		return searchExpr{}, malformedSearch("a quotation mark is not closed in the search text")
	}
	return newTerm(b.String(), bare, false)
}

func newTerm(text string, bare int, phrase bool) (searchExpr, error) {
	t := makeTerm(text)
	if bare < 2 || len(t.words) == 0 {
		return searchExpr{}, fail(400, "INVALID_SEARCH", "search term must be longer than one character: %s", strings.TrimSpace(text))
	}
	return searchExpr{term: t}, nil
}

// parseSOSL reads FIND {…} [IN … FIELDS] [RETURNING …] [WITH …] [LIMIT n].
func parseSOSL(s *schema, src string, e env) (*sosl, error) {
	if len(src) > maxQuery {
		return nil, malformedSearch("SOSL statements cannot be longer than %d characters.", maxQuery)
	}
	trimmed := strings.TrimSpace(src)
	if len(trimmed) < 4 || !strings.EqualFold(trimmed[:4], "FIND") {
		return nil, malformedSearch("line 1:0 no viable alternative at input '%.20s': a search begins with FIND", trimmed)
	}
	rest := strings.TrimLeft(trimmed[4:], " \t\r\n")
	if !strings.HasPrefix(rest, "{") {
		return nil, malformedSearch("line 1:5 expecting a left brace, found '%.1s'", rest)
	}
	end := closingBrace(rest)
	if end < 0 {
		return nil, malformedSearch("the search text is not closed by a right brace")
	}
	q := &sosl{scope: "ALL", limit: -1}
	var err error
	if q.find, err = parseFind(rest[1:end], false); err != nil {
		return nil, err
	}
	q.cut(utf8.RuneCountInString(rest[1:end]))
	toks, err := lex(rest[end+1:])
	if err != nil {
		return nil, malformedSearch("%s", asAPIError(err).Message)
	}
	p := &parser{src: rest[end+1:], toks: toks, schema: s, env: e}
	if err := p.searchClauses(q); err != nil {
		if a := asAPIError(err); a.Code == "MALFORMED_QUERY" {
			a.Code = "MALFORMED_SEARCH"
		}
		return nil, err
	}
	return q, nil
}

// closingBrace finds the brace that ends the search text: the first one without a backslash.
func closingBrace(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '}':
			return i
		}
	}
	return -1
}

func (p *parser) searchClauses(q *sosl) error {
	if p.accept("IN") {
		t := p.next()
		q.scope = strings.ToUpper(t.text)
		switch q.scope {
		case "ALL", "NAME", "EMAIL", "PHONE":
		case "SIDEBAR":
			q.scope = "ALL"
		default:
			return p.unexpected(t)
		}
		if err := p.expect("FIELDS"); err != nil {
			return err
		}
	}
	if p.accept("RETURNING") {
		for {
			r, err := p.returning()
			if err != nil {
				return err
			}
			q.returning = append(q.returning, r)
			if !p.accept(",") {
				break
			}
		}
	}
	for p.accept("WITH") {
		if err := p.with(q); err != nil {
			return err
		}
	}
	if p.accept("LIMIT") {
		var err error
		if q.limit, err = p.count(); err != nil {
			return err
		}
		if q.limit > 2000 {
			return malformedSearch("the limit of a search is 2000 rows at most")
		}
	}
	for p.accept("UPDATE") {
		if t := p.next(); !t.is("TRACKING") && !t.is("VIEWSTAT") {
			return p.unexpected(t)
		}
	}
	if t := p.peek(); t.kind != tokEnd {
		return p.unexpected(t)
	}
	return nil
}

func (p *parser) returning() (returning, error) {
	t := p.next()
	if t.kind != tokWord {
		return returning{}, p.unexpected(t)
	}
	o := p.schema.object(t.text)
	if o == nil {
		return returning{}, fail(400, "INVALID_TYPE", "%s", at(p.src, t.pos, fmt.Sprintf("sObject type '%s' is not supported.", t.text)))
	}
	if !o.searchable {
		return returning{}, fail(400, "INVALID_TYPE", "%s", at(p.src, t.pos, fmt.Sprintf("entity type %s does not support search", o.name)))
	}
	r := returning{query: &soql{object: o, limit: -1}}
	if !p.accept("(") {
		r.plain = true
		return r, nil
	}
	raws, err := p.columns(r.query)
	if err != nil {
		return r, err
	}
	if r.query.count {
		return r, p.unexpected(t)
	}
	for _, raw := range raws {
		if raw.sub || raw.typeOf || raw.fields != "" || raw.alias != "" || raw.call && !raw.word.is("toLabel") && !raw.word.is("FORMAT") {
			return r, p.unexpected(raw.word)
		}
	}
	if err := p.resolveColumns(r.query, raws); err != nil {
		return r, err
	}
	if p.accept("USING") { // USING ListView=Recent
		if t := p.next(); !t.is("ListView") {
			return r, p.unexpected(t)
		}
		if err := p.expect("="); err != nil {
			return r, err
		}
		p.next()
	}
	if err := p.clauses(r.query); err != nil {
		return r, err
	}
	if r.query.groups != nil {
		return r, p.unexpected(t)
	}
	return r, p.expect(")")
}
