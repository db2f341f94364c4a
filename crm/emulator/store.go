package emulator

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// record is one row. Its fields are replaced on every write, never changed in place, so that a reply rendered under
// the lock stays valid after it.
type record struct {
	n       int64  // place in the order of creation, inside its object
	id      string // 18 characters
	table   *table
	fields  map[string]any // by API name: nil, string, bool, int64 or float64
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

// table stands for the rows of one object.
type table struct {
	object *object
}

// rows is where the records of an org are: a map (memory) or a database file (file). Everything that the API promises
// is decided above it, so both pass the same tests. Rows come in the order of their creation, deleted ones too. A
// method that cannot read or write remembers the first error, and commit returns it.
type rows interface {
	// get returns the row with these 15 characters as its id, nil when there is none.
	get(t *table, key string) *record
	// scan yields the rows that any of the narrowings lets through, all rows when there is none, until yield returns
	// false. It may yield more, never fewer.
	scan(t *table, narrow narrowing, yield func(*record) bool)
	// candidates yields the rows that may match a search text, as scan does.
	candidates(t *table, find searchExpr, scope string, yield func(*record) bool)
	// holder returns the live row whose unique field has this value.
	holder(t *table, f *field, value string) *record
	// put stores a row whose fields were old (nil for a new row); erase takes the creation of a row back.
	put(r *record, old map[string]any)
	erase(r *record)
	// number deals out the numbers of new rows.
	number(t *table) int64
	// count is the number of live rows.
	count(t *table) int
	// remember keeps a note beside the rows, as long as they live; recall reads it, "" when there is none.
	remember(key, value string)
	recall(key string) string
	// commit makes everything since the last commit durable; abandon forgets it.
	commit() error
	abandon()
	// bulk says that very many rows come (true), and that they are there (false). canAbandon tells whether abandon takes
	// writes back; when it does not, every write has to be taken back alone.
	bulk(on bool)
	canAbandon() bool
	close() error
}

// store is the org's data. All methods need the server's lock. Writes are collected in a journal until commit, so
// that a composite request with allOrNone can be taken back.
type store struct {
	rows
	schema  *schema
	tables  map[string]*table // by object name
	clock   func() time.Time
	undo    []func()
	changes []change
	recent  []string // ids, last viewed or written first
	late    late
	org     *Settings // what the admin decided: record types, rules
	asker   context.Context
}

// change is one committed write, for the hooks and the faults.
type change struct {
	op     string // create, update, delete
	object string
	rec    *record
}

func newStore(s *schema, where rows, clock func() time.Time) *store {
	st := &store{rows: where, tables: make(map[string]*table), clock: clock, org: &Settings{}, asker: context.Background()}
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
		st.tables[o.name] = &table{object: o}
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
	return st.get(st.tables[o.name], key)
}

// live is find without deleted rows.
func (st *store) live(id string) *record {
	if r := st.find(id); r != nil && !r.deleted {
		return r
	}
	return nil
}

// each yields the live rows of an object that an index finds by these narrowings; none at all when the object is gone.
func (st *store) each(object string, narrow narrowing, yield func(*record) bool) {
	t := st.table(object)
	if t == nil {
		return
	}
	st.scan(t, narrow, func(r *record) bool { return r.deleted || yield(r) })
}

// first is the first live row that yield accepts.
func (st *store) first(object string, narrow narrowing, accept func(*record) bool) *record {
	var hit *record
	st.each(object, narrow, func(r *record) bool {
		if accept(r) {
			hit = r
		}
		return hit == nil
	})
	return hit
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

// commit ends the request's transaction and returns what was written in it. With an error nothing was written.
func (st *store) commit() ([]change, error) {
	if err := st.rows.commit(); err != nil {
		st.rollback(0, 0)
		st.abandon()
		st.undo, st.changes = nil, nil
		return nil, fmt.Errorf("the data file cannot be written: %w", err)
	}
	done := st.changes
	st.undo, st.changes = nil, nil
	return done, nil
}

func (st *store) add(t *table, fields map[string]any, seeded bool) *record {
	n := st.number(t)
	id, _ := fields["Id"].(string)
	for k := uint64(n); id == ""; k++ {
		if id = makeID(t.object.prefix, k); st.get(t, id[:15]) != nil {
			id = "" // a loaded record brought the id along
		}
	}
	fields["Id"] = id
	r := &record{n: n, id: id, table: t, fields: fields, seeded: seeded}
	if !seeded {
		st.late.wrote(r, nil, st.clock())
	}
	st.put(r, nil)
	st.log("create", r, func() {
		st.erase(r)
		st.late.forget(r)
		st.recent = slices.DeleteFunc(st.recent, func(x string) bool { return x == r.id })
	})
	return r
}

func (st *store) replace(r *record, fields map[string]any, lag time.Duration) {
	old := r.fields
	undoLate := st.late.wrote(r, st.late.searched(r, st.clock(), lag), st.clock())
	r.fields = fields
	st.put(r, old)
	st.log("update", r, func() {
		r.fields = old
		st.put(r, fields)
		undoLate()
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
	st.put(r, old)
	st.log("delete", r, func() {
		r.fields, r.deleted = old, false
		st.put(r, fields)
	})
}

// touch moves a row to the front of the list of recently used ones.
func (st *store) touch(r *record) {
	if i := slices.Index(st.recent, r.id); i >= 0 {
		st.recent = slices.Delete(st.recent, i, i+1)
	}
	st.recent = slices.Insert(st.recent, 0, r.id)
	if len(st.recent) > 200 {
		st.recent = st.recent[:200]
	}
}
