package emulator

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// file keeps an org's rows in an SQLite database, of which little is in memory: a page cache and some thousand rows.
// One connection, one program: the file is locked while it is open. A commit is on the disk when it returns.
//
// The table record is the truth; the tables ix_<object> (what rows are looked up by) and fts_<object> (what searches
// look through) are made from it and can be made again.
type file struct {
	db      *sql.DB
	conn    *sql.Conn
	stmts   map[string]*sql.Stmt
	layouts map[string]*layout // by object name
	cache   map[string]*record // by the 15 characters of the id
	begun   bool
	grown   bool  // very much is written and not committed yet
	err     error // the first one since the last commit
}

// layout is how one object stands in the file.
type layout struct {
	name    string
	no      int64    // its rows are numbered from no<<40
	columns []*field // that have an index
	texts   []*field // that searches look through; nil: the object is not searchable
	scopes  [][]int  // name, email, phone, rest: which texts
	next    int64    // number of the next row
	live    int
	dirty   bool
}

const (
	shift     = 40
	scanBatch = 256
	maxCached = 4096
)

func (l *layout) global(n int64) int64 { return l.no<<shift | n }

func (f *file) of(t *table) *layout { return f.layouts[t.object.name] }

// fail remembers an error for commit.
func (f *file) fail(err error) bool {
	if err != nil && f.err == nil {
		f.err = err
	}
	return f.err != nil
}

func (f *file) stmt(query string) *sql.Stmt {
	if s := f.stmts[query]; s != nil {
		return s
	}
	s, err := f.conn.PrepareContext(context.Background(), query)
	if f.fail(err) {
		return nil
	}
	if len(f.stmts) > 500 {
		for _, old := range f.stmts {
			_ = old.Close() // statements that nothing reads from
		}
		clear(f.stmts)
	}
	f.stmts[query] = s
	return s
}

func (f *file) exec(query string, args ...any) {
	if f.err != nil {
		return
	}
	if s := f.stmt(query); s != nil {
		_, err := s.Exec(args...)
		f.fail(err)
	}
}

// query runs take for every row; take scans it.
func (f *file) query(query string, args []any, take func(*sql.Rows) error) {
	if f.err != nil {
		return
	}
	s := f.stmt(query)
	if s == nil {
		return
	}
	rows, err := s.Query(args...)
	if f.fail(err) {
		return
	}
	defer rows.Close()
	for rows.Next() {
		if f.fail(take(rows)) {
			return
		}
	}
	f.fail(rows.Err())
}

const rowColumns = "SELECT n, id, state, body FROM record WHERE "

// rows reads whole rows into memory, so that others can be read and written while they are looked at.
func (f *file) rows(t *table, condition string, args ...any) []*record {
	var out []*record
	f.query(rowColumns+condition, args, func(rows *sql.Rows) error {
		var n, state int64
		var id, body string
		if err := rows.Scan(&n, &id, &state, &body); err != nil {
			return err
		}
		if r := f.cache[id]; r != nil {
			out = append(out, r)
			return nil
		}
		r := &record{n: n & (1<<shift - 1), id: id18(id), table: t, deleted: state&1 != 0, seeded: state&2 != 0}
		var err error
		if r.fields, err = unpack(t.object, body); err != nil {
			return fmt.Errorf("row %s: %w", r.id, err)
		}
		r.fields["Id"], r.fields["IsDeleted"] = r.id, r.deleted
		out = append(out, r)
		return nil
	})
	return out
}

func (f *file) keep(r *record) *record {
	if len(f.cache) >= maxCached {
		clear(f.cache)
	}
	f.cache[r.id[:15]] = r
	return r
}

func (f *file) get(t *table, key string) *record {
	if r := f.cache[key]; r != nil {
		return r
	}
	if rows := f.rows(t, "id = ?", key); len(rows) == 1 {
		return f.keep(rows[0])
	}
	return nil
}

func (f *file) scan(t *table, narrow narrowing, yield func(*record) bool) {
	l := f.of(t)
	if numbers, narrowed := f.numbers(l, narrow); narrowed {
		for batch := range slices.Chunk(numbers, scanBatch) {
			for _, n := range batch {
				for _, r := range f.rows(t, "n = ?", n) {
					if !yield(r) {
						return
					}
				}
			}
		}
		return
	}
	for from := l.global(0); ; {
		batch := f.rows(t, "n > ? AND n < ? ORDER BY n LIMIT ?", from, l.global(1<<shift-1), scanBatch)
		for _, r := range batch {
			if !yield(r) {
				return
			}
		}
		if len(batch) < scanBatch || f.err != nil {
			return
		}
		from = l.global(batch[len(batch)-1].n)
	}
}

// numbers asks the indexes which rows a narrowing lets through, in order.
func (f *file) numbers(l *layout, narrow narrowing) ([]int64, bool) {
	if narrow == nil {
		return nil, false
	}
	var out []int64
	take := func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		out = append(out, n)
		return err
	}
	for _, d := range narrow {
		from := "SELECT n FROM " + l.index() + " WHERE " + quote(d.field.name)
		if d.field.kind == "id" {
			from = "SELECT n FROM record WHERE id"
		} else if !slices.ContainsFunc(l.columns, func(c *field) bool { return c.name == d.field.name }) {
			return nil, false
		}
		switch {
		case d.values != nil:
			for chunk := range slices.Chunk(d.values, 200) {
				args := make([]any, len(chunk))
				for i, v := range chunk {
					args[i] = v
				}
				f.query(from+" IN (?"+strings.Repeat(",?", len(chunk)-1)+")", args, take)
			}
		case d.field.kind == "id":
			return nil, false
		case d.from != "" && d.to != "":
			f.query(from+" BETWEEN ? AND ?", []any{d.from, d.to}, take)
		case d.from != "":
			f.query(from+" >= ?", []any{d.from}, take)
		default:
			f.query(from+" <= ?", []any{d.to}, take)
		}
	}
	if len(out) > 10_000 && len(out) > l.live/4 {
		return nil, false // reading everything in its order is faster
	}
	slices.Sort(out)
	return slices.Compact(out), true
}

func (f *file) holder(t *table, fd *field, value string) *record {
	var hit *record
	f.scan(t, is(t.object, fd.name, value), func(r *record) bool {
		if !r.deleted && strings.EqualFold(r.str(fd.name), value) {
			hit = r
		}
		return hit == nil
	})
	return hit
}

func (f *file) begin() {
	if !f.begun && f.err == nil {
		f.begun = true
		f.exec("BEGIN IMMEDIATE")
	}
}

func (f *file) put(r *record, old map[string]any) {
	f.begin()
	l := f.of(r.table)
	body, err := pack(r.fields)
	if f.fail(err) {
		return
	}
	state := oneIf(r.deleted) | oneIf(r.seeded)<<1
	f.exec("INSERT INTO record (n, id, state, body) VALUES (?, ?, ?, ?) ON CONFLICT (n) DO UPDATE SET state = excluded.state, body = excluded.body",
		l.global(r.n), r.id[:15], state, body)
	l.live += oneIf(!r.deleted) - oneIf(old != nil && old["IsDeleted"] != true)
	l.dirty = true
	f.indexRow(l, r, old)
	f.keep(r)
}

func (f *file) erase(r *record) {
	f.begin()
	l := f.of(r.table)
	f.exec("DELETE FROM record WHERE n = ?", l.global(r.n))
	f.exec("DELETE FROM "+l.index()+" WHERE n = ?", l.global(r.n))
	if l.texts != nil {
		f.exec("DELETE FROM "+l.search()+" WHERE rowid = ?", l.global(r.n))
	}
	l.live -= oneIf(!r.deleted)
	l.dirty = true
	delete(f.cache, r.id[:15])
}

func (f *file) number(t *table) int64 {
	l := f.of(t)
	l.dirty = true
	l.next++
	return l.next - 1
}

func (f *file) count(t *table) int { return f.of(t).live }

func (f *file) commit() error {
	if !f.begun {
		err := f.err
		f.err = nil
		return err
	}
	for _, l := range f.layouts {
		if l.dirty {
			f.exec("UPDATE object SET next = ?, live = ? WHERE no = ?", l.next, l.live, l.no)
		}
	}
	f.exec("COMMIT")
	if f.err != nil {
		return f.err
	}
	f.begun = false
	for _, l := range f.layouts {
		l.dirty = false
	}
	if f.grown { // the log of a load is as large as the data; it is not wanted again
		f.grown = false
		_, err := f.conn.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
		return err
	}
	return nil
}

func (f *file) abandon() {
	f.err = nil
	if f.begun {
		_, _ = f.conn.ExecContext(context.Background(), "ROLLBACK") // SQLite may have rolled back already
		f.begun = false
	}
	clear(f.cache)
	f.counts()
	f.err = nil
}

// counts reads what the file knows of its objects.
func (f *file) counts() {
	f.query("SELECT name, next, live FROM object", nil, func(rows *sql.Rows) error {
		var name string
		var next int64
		var live int
		if err := rows.Scan(&name, &next, &live); err != nil {
			return err
		}
		if l := f.layouts[name]; l != nil {
			l.next, l.live, l.dirty = next, live, false
		}
		return nil
	})
}

func (f *file) recall(key string) string {
	var value string
	f.query("SELECT value FROM meta WHERE key = ?", []any{key}, func(rows *sql.Rows) error { return rows.Scan(&value) })
	return value
}

func (f *file) remember(key, value string) {
	f.begin()
	f.exec("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value)
}

func (f *file) canAbandon() bool { return true }

// bulk takes indexes away that the loading of a million rows would update in a random order, and makes them again.
func (f *file) bulk(on bool) {
	f.begin()
	for _, l := range f.layouts {
		f.sortIndexes(l, !on)
	}
	f.grown = !on
}

func (f *file) close() error {
	f.abandon()
	for _, s := range f.stmts {
		_ = s.Close() // the connection's end is what counts
	}
	err := f.conn.Close()
	if e := f.db.Close(); err == nil {
		err = e
	}
	return err
}

func quote(name string) string { return `"` + name + `"` }

func (l *layout) index() string  { return quote("ix_" + l.name) }
func (l *layout) search() string { return quote("fts_" + l.name) }
