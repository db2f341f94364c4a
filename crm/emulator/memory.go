package emulator

import (
	"slices"
	"strings"
)

// memory keeps an org's rows in maps. It is gone when the program ends.
type memory struct {
	tables map[*table]*memoryTable
	notes  map[string]string
}

type memoryTable struct {
	rows   []*record // in the order of their creation
	byID   map[string]*record
	unique map[string]map[string]*record // unique field → lower-case value → row
	next   int64
	live   int
}

func newMemory() *memory {
	return &memory{tables: make(map[*table]*memoryTable), notes: make(map[string]string)}
}

func (m *memory) of(t *table) *memoryTable {
	mt := m.tables[t]
	if mt == nil {
		mt = &memoryTable{byID: make(map[string]*record), unique: make(map[string]map[string]*record), next: 1}
		m.tables[t] = mt
	}
	return mt
}

func (m *memory) get(t *table, key string) *record { return m.of(t).byID[key] }

func (m *memory) scan(t *table, narrow narrowing, yield func(*record) bool) {
	mt := m.of(t)
	if len(narrow) == 1 && narrow[0].field.kind == "id" && narrow[0].values != nil {
		var hits []*record
		for _, key := range narrow[0].values {
			if r := mt.byID[key]; r != nil && !slices.Contains(hits, r) {
				hits = append(hits, r)
			}
		}
		slices.SortFunc(hits, func(a, b *record) int { return int(a.n - b.n) })
		for _, r := range hits {
			if !yield(r) {
				return
			}
		}
		return
	}
	for _, r := range mt.rows[:len(mt.rows):len(mt.rows)] {
		if !yield(r) {
			return
		}
	}
}

func (m *memory) candidates(t *table, _ searchExpr, _ string, yield func(*record) bool) {
	m.scan(t, nil, yield)
}

func (m *memory) holder(t *table, f *field, value string) *record {
	return m.of(t).unique[f.name][strings.ToLower(value)]
}

func (m *memory) put(r *record, old map[string]any) {
	mt := m.of(r.table)
	if mt.byID[r.id[:15]] == nil {
		mt.rows = append(mt.rows, r)
		mt.byID[r.id[:15]] = r
		mt.live++
	} else {
		mt.live += oneIf(!r.deleted) - oneIf(old["IsDeleted"] != true)
	}
	now := r.fields
	if r.deleted {
		now = nil
	}
	mt.hold(r, old, now)
}

func (m *memory) erase(r *record) {
	mt := m.of(r.table)
	for i := len(mt.rows) - 1; i >= 0; i-- { // a row that is taken back is one of the last
		if mt.rows[i] == r {
			mt.rows = slices.Concat(mt.rows[:i], mt.rows[i+1:])
			break
		}
	}
	delete(mt.byID, r.id[:15])
	mt.live -= oneIf(!r.deleted)
	mt.hold(r, r.fields, nil)
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// hold moves a row's entries in the indexes of unique fields from its old values to its new ones.
func (mt *memoryTable) hold(r *record, old, fields map[string]any) {
	for _, f := range r.table.object.fields {
		if !f.unique {
			continue
		}
		if v, ok := old[f.name].(string); ok && mt.unique[f.name][strings.ToLower(v)] == r {
			delete(mt.unique[f.name], strings.ToLower(v))
		}
		if v, ok := fields[f.name].(string); ok {
			if mt.unique[f.name] == nil {
				mt.unique[f.name] = make(map[string]*record)
			}
			mt.unique[f.name][strings.ToLower(v)] = r
		}
	}
}

func (m *memory) number(t *table) int64 {
	mt := m.of(t)
	mt.next++
	return mt.next - 1
}

func (m *memory) count(t *table) int { return m.of(t).live }

func (m *memory) remember(key, value string) { m.notes[key] = value }
func (m *memory) recall(key string) string   { return m.notes[key] }

func (m *memory) commit() error    { return nil }
func (m *memory) abandon()         {}
func (m *memory) bulk(bool)        {}
func (m *memory) canAbandon() bool { return false }
func (m *memory) close() error     { return nil }
