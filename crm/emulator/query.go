package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// selectRows finds and sorts the rows of a query, without OFFSET and LIMIT of an outer page.
func (st *store) selectRows(q *soql) []*record {
	var rows []*record
	for _, r := range st.tables[q.object.name].rows {
		if r.deleted && !q.allRows {
			continue
		}
		if q.where == nil || q.where(st, r, r.fields) {
			rows = append(rows, r)
		}
	}
	st.sort(rows, q.order)
	rows = rows[min(q.offset, len(rows)):]
	if q.limit >= 0 {
		rows = rows[:min(q.limit, len(rows))]
	}
	return rows
}

func (st *store) sort(rows []*record, keys []sortKey) {
	if len(keys) == 0 {
		return
	}
	slices.SortStableFunc(rows, func(a, b *record) int {
		for _, k := range keys {
			x, y := k.path.value(st, a, a.fields), k.path.value(st, b, b.fields)
			if x == nil || y == nil {
				if (x == nil) == (y == nil) {
					continue
				}
				if (x == nil) != k.nullsLast { // nulls first is the rule, whatever the direction
					return -1
				}
				return 1
			}
			n := compareValues(x, y, k.path.kind())
			if k.desc {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
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
	for _, sub := range q.subs {
		inner := *sub.query
		outer := inner.where
		inner.where = func(st *store, child *record, f map[string]any) bool {
			return f[sub.field] == r.id && (outer == nil || outer(st, child, f))
		}
		rows := []any{}
		for _, child := range s.store.selectRows(&inner) {
			rows = append(rows, s.render(c, sub.query, child))
		}
		if len(rows) == 0 {
			out[sub.relation] = nil
			continue
		}
		out[sub.relation] = map[string]any{"totalSize": len(rows), "done": true, "records": rows}
	}
	return out
}

// cursors holds the rest of results that were longer than a batch, newest last.
type cursors struct {
	next  uint64
	open  map[string][]any
	order []string
}

const (
	maxCursors   = 20
	defaultBatch = 2000
)

func (cs *cursors) add(rows []any) string {
	cs.next++
	id := makeID("01g", cs.next)
	if cs.open == nil {
		cs.open = make(map[string][]any)
	}
	if len(cs.order) == maxCursors { // the oldest is closed, as for a user with too many open cursors
		delete(cs.open, cs.order[0])
		cs.order = cs.order[1:]
	}
	cs.open[id] = rows
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
	rows := s.store.selectRows(q)
	if q.count {
		return ok(map[string]any{"totalSize": len(rows), "done": true, "records": []any{}}), nil
	}
	records := make([]any, 0, len(rows))
	for _, r := range rows {
		records = append(records, s.render(c, q, r))
	}
	batch := batchSize(c)
	if len(records) <= batch {
		return ok(map[string]any{"totalSize": len(records), "done": true, "records": records}), nil
	}
	return ok(s.page(c, s.cursors.add(records), records, 0, batch)), nil
}

func (s *Server) env(c *call) env {
	return env{store: s.store, now: s.clock(), zone: s.store.timeZone(c.user)}
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

func (s *Server) page(c *call, id string, all []any, from, batch int) map[string]any {
	to := min(from+batch, len(all))
	body := map[string]any{"totalSize": len(all), "done": to == len(all), "records": all[from:to]}
	if to < len(all) {
		body["nextRecordsUrl"] = c.data(fmt.Sprintf("/query/%s-%d", id, to))
	}
	return body
}

func (s *Server) queryMore(c *call, locator string) (*reply, error) {
	id, start, _ := strings.Cut(locator, "-")
	all, open := s.cursors.open[id]
	from, err := strconv.Atoi(start)
	if !open || err != nil || from < 0 || from > len(all) {
		return nil, fail(http.StatusBadRequest, "INVALID_QUERY_LOCATOR", "invalid query locator")
	}
	return ok(s.page(c, id, all, from, batchSize(c))), nil
}
