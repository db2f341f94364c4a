package emulator

import (
	"slices"
	"strings"
	"time"
)

// record is one row. Its fields are replaced on every write, never changed in place, so that a reply rendered under
// the lock stays valid after it.
type record struct {
	id      string // 18 characters
	table   *table
	fields  map[string]any // by API name: nil, string, bool, int64 or float64
	indexed map[string]any // what the search index holds until it has caught up; nil: nothing
	wrote   time.Time
	deleted bool
	seeded  bool // part of the data set, not written by a client
}

func (r *record) str(field string) string {
	s, _ := r.fields[field].(string)
	return s
}

func (r *record) bool(field string) bool {
	b, _ := r.fields[field].(bool)
	return b
}

// table holds the rows of one object in the order of their creation.
type table struct {
	object *object
	rows   []*record
	byID   map[string]*record            // 15 characters
	unique map[string]map[string]*record // unique field → lower-case value → row
	next   uint64
}

// store is the org's data. All methods need the server's lock. Writes are collected in a journal until commit, so
// that a composite request with allOrNone can be taken back.
type store struct {
	schema  *schema
	tables  map[string]*table // by object name
	clock   func() time.Time
	undo    []func()
	changes []change
	recent  []*record // last viewed or written first
}

// change is one committed write, for the hooks and the faults.
type change struct {
	op     string // create, update, delete
	object string
	rec    *record
}

func newStore(s *schema, clock func() time.Time) *store {
	st := &store{tables: make(map[string]*table), clock: clock}
	st.adopt(s)
	return st
}

// adopt switches to another schema; rows of objects that are gone stay, unreachable, until they come back.
func (st *store) adopt(s *schema) {
	st.schema = s
	for _, o := range s.objects {
		if t := st.tables[o.name]; t != nil {
			t.object = o
			continue
		}
		st.tables[o.name] = &table{object: o, byID: make(map[string]*record), unique: make(map[string]map[string]*record), next: 1}
	}
}

func (st *store) table(object string) *table {
	o := st.schema.object(object)
	if o == nil {
		return nil
	}
	return st.tables[o.name]
}

// find returns the row with this id (15 or 18 characters), deleted or not, whatever its object.
func (st *store) find(id string) *record {
	key, ok := canonicalID(id)
	if !ok {
		return nil
	}
	o := st.schema.byKey[key[:3]]
	if o == nil {
		return nil
	}
	return st.tables[o.name].byID[key]
}

// live is find without deleted rows.
func (st *store) live(id string) *record {
	if r := st.find(id); r != nil && !r.deleted {
		return r
	}
	return nil
}

func (st *store) log(op string, r *record, undo func()) {
	st.undo = append(st.undo, undo)
	st.changes = append(st.changes, change{op, r.table.object.name, r})
}

// mark and rollback bracket a transaction inside a request.
func (st *store) mark() (int, int) { return len(st.undo), len(st.changes) }

func (st *store) rollback(undo, changes int) {
	for i := len(st.undo) - 1; i >= undo; i-- {
		st.undo[i]()
	}
	st.undo, st.changes = st.undo[:undo], st.changes[:changes]
}

// commit ends the request's transaction and returns what was written in it.
func (st *store) commit() []change {
	done := st.changes
	st.undo, st.changes = nil, nil
	return done
}

func (st *store) add(t *table, fields map[string]any, seeded bool) *record {
	id, _ := fields["Id"].(string)
	if id == "" {
		id = makeID(t.object.prefix, t.next)
		t.next++
	}
	fields["Id"] = id
	r := &record{id: id, table: t, fields: fields, wrote: st.clock(), seeded: seeded}
	if seeded {
		r.indexed, r.wrote = fields, time.Time{}
	}
	t.rows = append(t.rows, r)
	t.byID[id[:15]] = r
	t.hold(r, nil, fields)
	st.log("create", r, func() {
		t.rows = slices.DeleteFunc(t.rows, func(x *record) bool { return x == r })
		delete(t.byID, id[:15])
		t.hold(r, fields, nil)
		st.recent = slices.DeleteFunc(st.recent, func(x *record) bool { return x == r })
	})
	return r
}

func (st *store) replace(r *record, fields map[string]any, lag time.Duration) {
	old, oldIndexed, oldWrote := r.fields, r.indexed, r.wrote
	r.indexed = r.searched(st.clock(), lag)
	r.fields, r.wrote = fields, st.clock()
	r.table.hold(r, old, fields)
	st.log("update", r, func() {
		r.table.hold(r, fields, old)
		r.fields, r.indexed, r.wrote = old, oldIndexed, oldWrote
	})
}

// drop puts a row into the recycle bin: it keeps its id, loses its unique values, and only queryAll sees it.
func (st *store) drop(r *record) {
	old := r.fields
	fields := make(map[string]any, len(old))
	for k, v := range old {
		fields[k] = v
	}
	fields["IsDeleted"] = true
	r.fields, r.deleted = fields, true
	r.table.hold(r, old, nil)
	st.log("delete", r, func() {
		r.fields, r.deleted = old, false
		r.table.hold(r, nil, old)
	})
}

// hold moves a row's entries in the indexes of unique fields from its old values to its new ones.
func (t *table) hold(r *record, old, fields map[string]any) {
	for _, f := range t.object.fields {
		if !f.unique {
			continue
		}
		if v, ok := old[f.name].(string); ok && t.unique[f.name][strings.ToLower(v)] == r {
			delete(t.unique[f.name], strings.ToLower(v))
		}
		if v, ok := fields[f.name].(string); ok {
			if t.unique[f.name] == nil {
				t.unique[f.name] = make(map[string]*record)
			}
			t.unique[f.name][strings.ToLower(v)] = r
		}
	}
}

// searched is what the search index knows of a row now: the index runs behind the data by lag.
func (r *record) searched(now time.Time, lag time.Duration) map[string]any {
	if lag > 0 && !r.wrote.IsZero() && now.Sub(r.wrote) < lag {
		return r.indexed
	}
	return r.fields
}

// touch moves a row to the front of the list of recently used ones.
func (st *store) touch(r *record) {
	if i := slices.Index(st.recent, r); i >= 0 {
		st.recent = slices.Delete(st.recent, i, i+1)
	}
	st.recent = slices.Insert(st.recent, 0, r)
	if len(st.recent) > 200 {
		st.recent = st.recent[:200]
	}
}
