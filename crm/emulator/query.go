package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// match yields the rows of a query's object that fulfil its WHERE clause, in the order of their creation.
func (st *store) match(q *soql, yield func(*record) bool) {
	var narrow narrowing
	if q.where != nil {
		narrow = q.where.narrow
	}
	n := 0
	st.scan(st.tables[q.object.name], narrow, func(r *record) bool {
		if n++; n%scanBatch == 0 && st.asker.Err() != nil {
			return false // nobody waits for the answer any more: see tooLate
		}
		if r.deleted && !q.allRows || q.where != nil && !q.where.holds(st, r, r.fields) {
			return true
		}
		return yield(r)
	})
}

// sorted is a row of a sorted result: what to sort it by, and where it is.
type sorted struct {
	id   string
	keys []any
}

// run yields the rows of a query, sorted and cut. Only ids and sort keys are kept while it sorts, and with a LIMIT only
// about as many as it asks for.
func (st *store) run(q *soql, yield func(*record) bool) {
	if q.limit == 0 {
		return
	}
	if len(q.order) == 0 {
		skip, left := q.offset, q.limit
		st.match(q, func(r *record) bool {
			if skip > 0 {
				skip--
				return true
			}
			left--
			return yield(r) && left != 0
		})
		return
	}
	var rows []sorted
	most := -1
	if q.limit >= 0 {
		most = q.limit + q.offset
	}
	st.match(q, func(r *record) bool {
		rows = append(rows, sorted{r.id, q.keys(st, r)})
		if most >= 0 && len(rows) > 2*most+1000 {
			q.sort(rows)
			rows = rows[:most]
		}
		return true
	})
	q.sort(rows)
	rows = rows[min(q.offset, len(rows)):]
	if q.limit >= 0 {
		rows = rows[:min(q.limit, len(rows))]
	}
	for _, s := range rows {
		if r := st.find(s.id); r != nil && !yield(r) {
			return
		}
	}
}

func (q *soql) keys(st *store, r *record) []any {
	keys := make([]any, len(q.order))
	for i, k := range q.order {
		keys[i] = k.path.value(st, r, r.fields)
	}
	return keys
}

func (q *soql) sort(rows []sorted) {
	slices.SortStableFunc(rows, func(a, b sorted) int {
		for i, k := range q.order {
			if n := k.compare(a.keys[i], b.keys[i]); n != 0 {
				return n
			}
		}
		return 0
	})
}

// compare puts nulls first whatever the direction, unless NULLS LAST was asked for.
func (k sortKey) compare(x, y any) int {
	if x == nil || y == nil {
		if (x == nil) == (y == nil) {
			return 0
		}
		if (x == nil) != k.nullsLast {
			return -1
		}
		return 1
	}
	n := compareValues(x, y, k.path.kind())
	if k.desc {
		return -n
	}
	return n
}

func compareValues(x, y any, kind string) int {
	switch a := x.(type) {
	case string:
		b, _ := y.(string)
		if kind == "id" || kind == "reference" {
			return cmp.Compare(a, b)
		}
		return cmp.Compare(strings.ToLower(a), strings.ToLower(b))
	case bool:
		b, _ := y.(bool)
		return cmp.Compare(boolRank(a), boolRank(b))
	case int64:
		b, _ := y.(int64)
		return cmp.Compare(a, b)
	case float64:
		b, _ := y.(float64)
		return cmp.Compare(a, b)
	}
	return 0
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// render makes the JSON object of one row.
func (s *Server) render(c *call, q *soql, r *record) map[string]any {
	out := map[string]any{"attributes": attributes(c, r)}
	for _, p := range q.columns {
		p.put(s.store, c, r, r.fields, out)
	}
	for _, t := range q.typeofs {
		t.put(s.store, c, r.fields, out)
	}
	for _, sub := range q.subs {
		res := s.store.result(sub.of(r), defaultBatch)
		if res.len() == 0 {
			out[sub.relation] = nil
			continue
		}
		out[sub.relation] = s.page(c, res, defaultBatch)
	}
	return out
}

// of is the subquery for one parent.
func (sub subquery) of(parent *record) *soql {
	q := *sub.query
	outer := q.where
	q.where = &cond{func(st *store, child *record, f map[string]any) bool {
		return f[sub.field] == parent.id && (outer == nil || outer.holds(st, child, f))
	}, is(q.object, sub.field, parent.id)}
	return &q
}

// result is what a query found: the first batch as rows, all as ids of 15 characters side by side.
type result struct {
	query *soql
	head  []*record
	ids   []byte
}

func (res *result) len() int { return len(res.ids) / 15 }

func (st *store) result(q *soql, batch int) *result {
	res := &result{query: q}
	st.run(q, func(r *record) bool {
		if len(res.head) < batch {
			res.head = append(res.head, r)
		}
		res.ids = append(res.ids, r.id[:15]...)
		return true
	})
	return res
}

// cursors holds the results that were longer than a batch, newest last.
type cursors struct {
	next  uint64
	open  map[string]*result
	order []string
}

const (
	maxCursors   = 10 // of a user, in Salesforce
	defaultBatch = 2000
)

func (cs *cursors) add(res *result) string {
	cs.next++
	id := makeID("01g", cs.next)
	if cs.open == nil {
		cs.open = make(map[string]*result)
	}
	if len(cs.order) == maxCursors { // the oldest is closed, as for a user with too many open cursors
		delete(cs.open, cs.order[0])
		cs.order = cs.order[1:]
	}
	res.head = nil
	cs.open[id] = res
	cs.order = append(cs.order, id)
	return id
}

// query serves /query, /queryAll and /query/<locator>.
func (s *Server) query(c *call, rest []string) (*reply, error) {
	if err := c.need(http.MethodGet); err != nil {
		return nil, err
	}
	if len(rest) == 1 {
		return s.queryMore(c, rest[0])
	}
	if len(rest) > 1 {
		return nil, errNotFound()
	}
	src := c.query.Get("q")
	if strings.TrimSpace(src) == "" {
		return nil, fail(http.StatusBadRequest, "MALFORMED_QUERY", "SOQL query cannot be null or empty")
	}
	q, err := parseSOQL(s.store.schema, src, s.env(c))
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(c.path[0], "queryAll") {
		q.allRows = true
	}
	if c.query.Get("columns") == "true" {
		return ok(q.columnMetadata()), nil
	}
	if q.count {
		n := s.store.counted(q)
		return ok(map[string]any{"totalSize": n, "done": true, "records": []any{}}), s.store.tooLate()
	}
	if q.groups != nil {
		groups, err := s.store.grouped(q)
		if err != nil {
			return nil, err
		}
		records := make([]any, 0, len(groups))
		for _, values := range groups {
			records = append(records, q.groups.render(values))
		}
		return ok(map[string]any{"totalSize": len(records), "done": true, "records": records}), s.store.tooLate()
	}
	batch := batchSize(c)
	return ok(s.page(c, s.store.result(q, batch), batch)), s.store.tooLate()
}

// tooLate is the refusal of a query whose client has gone, which ended it before it had read everything.
func (st *store) tooLate() error {
	if st.asker.Err() != nil {
		return fail(http.StatusBadRequest, "QUERY_TIMEOUT", "Your query request was running for too long.")
	}
	return nil
}

// page renders the first batch of a result and opens a cursor for the rest.
func (s *Server) page(c *call, res *result, batch int) map[string]any {
	records := make([]any, 0, len(res.head))
	for _, r := range res.head {
		records = append(records, s.render(c, res.query, r))
	}
	body := map[string]any{"totalSize": res.len(), "done": res.len() <= batch, "records": records}
	if res.len() > batch {
		body["nextRecordsUrl"] = c.data(fmt.Sprintf("/query/%s-%d", s.cursors.add(res), batch))
	}
	return body
}

// counted is SELECT COUNT().
func (st *store) counted(q *soql) int {
	if q.where == nil && !q.allRows && q.limit < 0 && q.offset == 0 {
		return st.count(st.tables[q.object.name])
	}
	n := 0
	q.order = nil
	st.run(q, func(*record) bool { n++; return true })
	return n
}

func (s *Server) env(c *call) env {
	return env{store: s.store, user: c.user, now: s.clock(), zone: s.store.timeZone(c.user)}
}

// batchSize reads Sforce-Query-Options: batchSize=200..2000; out of bounds means the nearest bound.
func batchSize(c *call) int {
	for opt := range strings.SplitSeq(c.header.Get("Sforce-Query-Options"), ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(opt), "=")
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && strings.EqualFold(strings.TrimSpace(k), "batchSize") {
			return min(max(n, 200), 2000)
		}
	}
	return defaultBatch
}

// queryMore serves the next batch of a result: rows as they are now.
func (s *Server) queryMore(c *call, locator string) (*reply, error) {
	id, start, _ := strings.Cut(locator, "-")
	res, open := s.cursors.open[id]
	from, err := strconv.Atoi(start)
	if !open || err != nil || from < 0 || from > res.len() {
		return nil, fail(http.StatusBadRequest, "INVALID_QUERY_LOCATOR", "invalid query locator")
	}
	to := min(from+batchSize(c), res.len())
	records := make([]any, 0, to-from)
	for i := from; i < to; i++ {
		if r := s.store.find(string(res.ids[15*i : 15*i+15])); r != nil {
			records = append(records, s.render(c, res.query, r))
		}
	}
	body := map[string]any{"totalSize": res.len(), "done": to == res.len(), "records": records}
	if to < res.len() {
		body["nextRecordsUrl"] = c.data(fmt.Sprintf("/query/%s-%d", id, to))
	}
	return ok(body), nil
}
