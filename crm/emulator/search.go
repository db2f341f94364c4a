package emulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const maxSearchRows = 2000

// search serves GET /search?q=<SOSL>.
func (s *Server) search(c *call, rest []string) (*reply, error) {
	if len(rest) > 0 {
		return nil, errNotFound()
	}
	if err := c.need(http.MethodGet); err != nil {
		return nil, err
	}
	src := c.query.Get("q")
	if strings.TrimSpace(src) == "" {
		return nil, malformedSearch("SOSL query cannot be null or empty")
	}
	q, err := parseSOSL(s.store.schema, src, s.env(c))
	if err != nil {
		return nil, err
	}
	return s.found(c, q), s.store.tooLate()
}

func (s *Server) found(c *call, q *sosl) *reply {
	if len(q.returning) == 0 {
		for _, o := range s.store.schema.objects {
			if o.searchable {
				q.returning = append(q.returning, returning{query: &soql{object: o, limit: -1}, plain: true})
			}
		}
	}
	left := maxSearchRows
	if q.limit >= 0 {
		left = q.limit
	}
	records := []any{}
	for _, ret := range q.returning {
		sub := ret.query
		// One object gives 250 rows at most, 2,000 with a filter or an order; several objects share.
		most := min(maxSearchRows/len(q.returning), 250)
		if sub.where != nil || len(sub.order) > 0 {
			most = maxSearchRows / len(q.returning)
		}
		if sub.limit >= 0 {
			most = min(most, sub.limit)
		}
		rows := s.searchRows(q, sub, min(most, left))
		left -= len(rows)
		for _, r := range rows {
			out := s.render(c, sub, r)
			if ret.plain {
				out["Id"] = r.id
			}
			records = append(records, out)
		}
	}
	body := map[string]any{"searchRecords": records}
	if q.labels {
		body["metadata"] = q.metadata()
	}
	return ok(body)
}

// searchRows finds the rows of one object. The engine looks at the first 2,000 that the text matches, then come the
// filter and the order.
func (s *Server) searchRows(q *sosl, sub *soql, most int) []*record {
	st, t := s.store, s.store.tables[sub.object.name]
	lag, now, columns := s.indexLag(sub.object.name), s.clock(), sub.object.scope(q.scope)
	var rows []*record
	considered := 0
	enough := func() bool {
		return st.asker.Err() != nil || considered >= maxSearchRows || len(sub.order) == 0 && len(rows) >= sub.offset+most
	}
	try := func(r *record) bool {
		fields := st.late.searched(r, now, lag)
		if r.deleted || fields == nil || !q.find.matches(searchRow{columns, fields, s.settings.PhoneSearch}) {
			return true
		}
		considered++
		if sub.where == nil || sub.where.holds(st, r, r.fields) {
			rows = append(rows, r)
		}
		return !enough()
	}
	behind := st.late.behind(t, now, lag)
	if most > 0 && !q.nothing {
		st.candidates(t, q.find, q.scope, func(r *record) bool {
			return slices.ContainsFunc(behind, func(b *record) bool { return b.id == r.id }) || try(r)
		})
		for _, r := range behind {
			if !enough() {
				try(r)
			}
		}
	}
	if len(behind) > 0 {
		slices.SortStableFunc(rows, func(a, b *record) int { return cmp.Compare(a.n, b.n) })
	}
	slices.SortStableFunc(rows, func(a, b *record) int {
		for _, k := range sub.order {
			if n := k.compare(k.path.value(st, a, a.fields), k.path.value(st, b, b.fields)); n != 0 {
				return n
			}
		}
		return 0
	})
	rows = rows[min(sub.offset, len(rows)):]
	return rows[:min(len(rows), most)]
}

// metadata names the labels of the fields that a search returned.
func (q *sosl) metadata() map[string]any {
	entities := []any{}
	for _, ret := range q.returning {
		fields := []any{}
		for _, p := range ret.query.columns {
			if p.leaf != nil && len(p.steps) == 0 {
				fields = append(fields, map[string]any{"name": p.leaf.name, "label": p.leaf.label})
			}
		}
		entities = append(entities, map[string]any{"entityName": ret.query.object.name, "fieldMetadata": fields})
	}
	return map[string]any{"entityMetadata": entities}
}

// parameterSearch is the body of POST /parameterizedSearch; GET says the same in its query.
type parameterSearch struct {
	Q             string            `json:"q"`
	In            string            `json:"in"`
	Fields        []string          `json:"fields"`
	SObjects      []parameterObject `json:"sobjects"`
	DefaultLimit  *int              `json:"defaultLimit"`
	OverallLimit  *int              `json:"overallLimit"`
	Offset        int               `json:"offset"`
	SpellCorrect  *bool             `json:"spellCorrection"`
	Metadata      string            `json:"metadata"`
	DataCategory  json.RawMessage   `json:"dataCategories"`
	NetworkIDs    []string          `json:"netWorkIds"`
	UpdateTracked *bool             `json:"updateTracking"`
}

type parameterObject struct {
	Name    string   `json:"name"`
	Fields  []string `json:"fields"`
	Limit   *int     `json:"limit"`
	Where   string   `json:"where"`
	OrderBy string   `json:"orderBy"`
}

func (s *Server) parameterizedSearch(c *call) (*reply, error) {
	if err := c.need(http.MethodGet, http.MethodPost); err != nil {
		return nil, err
	}
	var req parameterSearch
	if c.method == http.MethodPost {
		if err := c.decode(&req); err != nil {
			return nil, err
		}
	} else if err := req.fromQuery(c); err != nil {
		return nil, err
	}
	if strings.TrimSpace(req.Q) == "" {
		return nil, malformedSearch("the parameter q is missing")
	}
	q := &sosl{scope: strings.ToUpper(req.In), limit: -1, labels: strings.EqualFold(req.Metadata, "LABELS")}
	switch q.scope {
	case "", "SIDEBAR":
		q.scope = "ALL"
	case "ALL", "NAME", "EMAIL", "PHONE":
	default:
		return nil, malformedSearch("unknown search group '%s'", req.In)
	}
	var err error
	if q.find, err = parseFind(req.Q, true); err != nil {
		return nil, err
	}
	if req.OverallLimit != nil {
		if *req.OverallLimit < 0 || *req.OverallLimit > maxSearchRows {
			return nil, malformedSearch("overallLimit is 2000 at most")
		}
		q.limit = *req.OverallLimit
	}
	if len(req.SObjects) == 0 {
		for _, o := range s.store.schema.objects {
			if o.searchable {
				req.SObjects = append(req.SObjects, parameterObject{Name: o.name})
			}
		}
	}
	for _, spec := range req.SObjects {
		ret, err := s.parameterObject(c, &req, spec)
		if err != nil {
			return nil, err
		}
		q.returning = append(q.returning, ret)
	}
	return s.found(c, q), nil
}

// parameterObject reads one object's part through the parser of RETURNING.
func (s *Server) parameterObject(c *call, req *parameterSearch, spec parameterObject) (returning, error) {
	fields := spec.Fields
	if len(fields) == 0 {
		fields = req.Fields
	}
	src := spec.Name
	limit := spec.Limit
	if limit == nil {
		limit = req.DefaultLimit
	}
	plain := len(fields) == 0
	if plain {
		fields = []string{"Id"}
	}
	src += "(" + strings.Join(fields, ",")
	if spec.Where != "" {
		src += " WHERE " + spec.Where
	}
	if spec.OrderBy != "" {
		src += " ORDER BY " + spec.OrderBy
	}
	if limit != nil {
		src += " LIMIT " + strconv.Itoa(*limit)
	}
	toks, err := lex(src + ")")
	if err != nil {
		return returning{}, err
	}
	p := &parser{src: src + ")", toks: toks, schema: s.store.schema, env: s.env(c)}
	ret, err := p.returning()
	if err != nil {
		return ret, err
	}
	if t := p.peek(); t.kind != tokEnd {
		return ret, p.unexpected(t)
	}
	return ret, nil
}

// fromQuery reads q, in, sobject, fields, <Object>.fields, <Object>.limit and the limits of the GET form.
func (r *parameterSearch) fromQuery(c *call) error {
	number := func(name string) (*int, error) {
		v := c.query.Get(name)
		if v == "" {
			return nil, nil
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return nil, malformedSearch("%s must be a number", name)
		}
		return &n, nil
	}
	var err error
	r.Q, r.In, r.Metadata, r.Fields = c.query.Get("q"), c.query.Get("in"), c.query.Get("metadata"), splitList(c.query.Get("fields"))
	if r.DefaultLimit, err = number("defaultLimit"); err != nil {
		return err
	}
	if r.OverallLimit, err = number("overallLimit"); err != nil {
		return err
	}
	var names []string
	for _, v := range c.query["sobject"] {
		names = append(names, splitList(v)...)
	}
	for _, name := range slices.Compact(names) {
		o := parameterObject{Name: name, Fields: splitList(c.query.Get(name + ".fields")), Where: c.query.Get(name + ".where"), OrderBy: c.query.Get(name + ".orderBy")}
		if o.Limit, err = number(name + ".limit"); err != nil {
			return err
		}
		r.SObjects = append(r.SObjects, o)
	}
	return nil
}
