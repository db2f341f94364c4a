package emulator

import (
	"database/sql"
	"slices"
	"strings"
	"unicode"
)

// arrange gives every object its place in the file, and makes the indexes again when this program wants others than the
// ones that are there.
func (f *file) arrange(full *schema) {
	var want strings.Builder
	for _, o := range full.objects {
		l := newLayout(o)
		f.layouts[o.name] = l
		f.exec("INSERT OR IGNORE INTO object (name, next, live) VALUES (?, 1, 0)", o.name)
		f.query("SELECT no FROM object WHERE name = ?", []any{o.name}, func(rows *sql.Rows) error { return rows.Scan(&l.no) })
		want.WriteString(l.describe())
	}
	f.counts()
	if f.recall("indexes") == want.String() {
		return
	}
	for _, o := range full.objects {
		l := f.layouts[o.name]
		f.exec("DROP TABLE IF EXISTS " + l.index())
		f.exec("DROP TABLE IF EXISTS " + l.search())
		f.makeIndexes(l)
		t := &table{object: o}
		f.scan(t, nil, func(r *record) bool {
			f.indexRow(l, r, nil)
			return f.err == nil
		})
	}
	f.remember("indexes", want.String())
}

func newLayout(o *object) *layout {
	l := &layout{name: o.name, next: 1}
	for _, fd := range o.fields {
		if fd.keyed() && fd.kind != "id" {
			l.columns = append(l.columns, fd)
		}
	}
	if !o.searchable {
		return l
	}
	l.scopes = make([][]int, 4)
	for _, fd := range o.fields {
		if !fd.inScope(o, "ALL") {
			continue
		}
		scope := 3
		switch {
		case fd.inScope(o, "NAME"):
			scope = 0
		case fd.inScope(o, "EMAIL"):
			scope = 1
		case fd.inScope(o, "PHONE"):
			scope = 2
		}
		l.scopes[scope] = append(l.scopes[scope], len(l.texts))
		l.texts = append(l.texts, fd)
	}
	return l
}

// describe tells two layouts apart.
func (l *layout) describe() string {
	var b strings.Builder
	b.WriteString(l.name + ":")
	for _, c := range l.columns {
		b.WriteString(c.name + ",")
	}
	b.WriteByte('/')
	for _, c := range l.texts {
		b.WriteString(c.name + ",")
	}
	return b.String() + "\n"
}

func (f *file) makeIndexes(l *layout) {
	columns := ""
	for _, c := range l.columns {
		columns += ", " + quote(c.name) + " TEXT"
	}
	f.exec("CREATE TABLE IF NOT EXISTS " + l.index() + " (n INTEGER PRIMARY KEY" + columns + ") STRICT")
	f.sortIndexes(l, true)
	if l.texts != nil {
		// Without the texts themselves, by column: 1,000,000 people need little room.
		f.exec("CREATE VIRTUAL TABLE IF NOT EXISTS " + l.search() +
			" USING fts5(name, email, phone, rest, content='', contentless_delete=1, detail=column, tokenize='ascii')")
	}
}

// sortIndexes makes or drops the indexes of columns that no write looks at. Sorting a million values once is faster than
// placing each of them.
func (f *file) sortIndexes(l *layout, on bool) {
	for _, c := range l.columns {
		name := quote("ix_" + l.name + "_" + c.name)
		switch {
		case on:
			f.exec("CREATE INDEX IF NOT EXISTS " + name + " ON " + l.index() + " (" + quote(c.name) + ") WHERE " + quote(c.name) + " IS NOT NULL")
		case c.kind != "reference" && !c.unique && !c.external:
			f.exec("DROP INDEX IF EXISTS " + name)
		}
	}
}

// indexRow writes what a row is found by.
func (f *file) indexRow(l *layout, r *record, old map[string]any) {
	args := make([]any, 1, len(l.columns)+1)
	args[0] = l.global(r.n)
	for _, c := range l.columns {
		if k, ok := c.indexKey(r.fields[c.name]); ok {
			args = append(args, k)
		} else {
			args = append(args, nil)
		}
	}
	f.exec("INSERT OR REPLACE INTO "+l.index()+" VALUES (?"+strings.Repeat(", ?", len(l.columns))+")", args...)
	if l.texts == nil {
		return
	}
	was := old != nil && old["IsDeleted"] != true
	if was && !r.deleted && !slices.ContainsFunc(l.texts, func(fd *field) bool { return old[fd.name] != r.fields[fd.name] }) {
		return
	}
	if was || old != nil {
		f.exec("DELETE FROM "+l.search()+" WHERE rowid = ?", l.global(r.n))
	}
	if r.deleted {
		return
	}
	columns := make([]any, 5)
	columns[0] = l.global(r.n)
	for i, scope := range l.scopes {
		var b strings.Builder
		for _, at := range scope {
			if s, ok := r.fields[l.texts[at].name].(string); ok {
				indexWords(&b, s)
				if i == 2 {
					phoneWords(&b, s)
				}
			}
		}
		columns[i+1] = b.String()
	}
	f.exec("INSERT INTO "+l.search()+" (rowid, name, email, phone, rest) VALUES (?, ?, ?, ?, ?)", columns...)
}

// indexWords writes the words of a text as the search sees them, one blank between.
func indexWords(b *strings.Builder, text string) {
	for _, w := range strings.FieldsFunc(strings.ToLower(text), notInWord) {
		b.WriteString(w)
		b.WriteByte(' ')
	}
}

func notInWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// phoneWords writes every reading of a stored number that a search in normalise mode accepts.
func phoneWords(b *strings.Builder, stored string) {
	for _, digits := range readings(stored) {
		b.WriteString(digits)
		b.WriteByte(' ')
		if len(digits) == 11 && digits[0] == '1' {
			b.WriteString(digits[1:])
			b.WriteByte(' ')
		}
	}
}
