package emulator

import "time"

// late remembers what the search index of a real org would not know yet: rows that a client wrote a short while ago,
// with the fields they had before. It forgets the oldest writes when there are many, which then count as indexed.
type late struct {
	rows  map[string]lateRow // by id
	order []string
}

type lateRow struct {
	before map[string]any // what the index held at the write; nil: nothing
	wrote  time.Time
	r      *record
}

const maxLate = 4096

// wrote notes a write and returns what takes the note back.
func (l *late) wrote(r *record, before map[string]any, now time.Time) func() {
	if l.rows == nil {
		l.rows = make(map[string]lateRow)
	}
	old, had := l.rows[r.id]
	l.rows[r.id] = lateRow{before, now, r}
	if !had {
		l.order = append(l.order, r.id)
		if len(l.order) > maxLate {
			for _, id := range l.order[:maxLate/4] {
				delete(l.rows, id)
			}
			l.order = append([]string(nil), l.order[maxLate/4:]...)
		}
	}
	return func() {
		if had {
			l.rows[r.id] = old
		} else {
			l.forget(r)
		}
	}
}

func (l *late) forget(r *record) {
	delete(l.rows, r.id)
	for i := len(l.order) - 1; i >= 0; i-- {
		if l.order[i] == r.id {
			l.order = append(l.order[:i], l.order[i+1:]...)
			return
		}
	}
}

// searched is what the search index knows of a row now: the index runs behind the data by lag. Nil: nothing.
func (l *late) searched(r *record, now time.Time, lag time.Duration) map[string]any {
	if w, ok := l.rows[r.id]; ok && lag > 0 && now.Sub(w.wrote) < lag {
		return w.before
	}
	return r.fields
}

// behind lists the rows of an object that the index knows with older fields.
func (l *late) behind(t *table, now time.Time, lag time.Duration) []*record {
	if lag <= 0 {
		return nil
	}
	var out []*record
	for _, id := range l.order {
		if w := l.rows[id]; w.r.table == t && w.before != nil && now.Sub(w.wrote) < lag {
			out = append(out, w.r)
		}
	}
	return out
}
