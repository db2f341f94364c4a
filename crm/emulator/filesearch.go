package emulator

import (
	"database/sql"
	"strings"
)

// candidates asks the word index which rows a search text may match. What it yields is compared exactly afterwards, so
// both ways of reading telephone numbers are served by one index.
func (f *file) candidates(t *table, find searchExpr, scope string, yield func(*record) bool) {
	l := f.of(t)
	match := ""
	if l.texts != nil {
		match = find.match(scopeColumns(scope))
	}
	if match == "" {
		f.scan(t, nil, yield)
		return
	}
	for after := int64(-1); ; {
		var numbers []int64
		f.query("SELECT rowid FROM "+l.search()+" WHERE "+l.search()+" MATCH ? AND rowid > ? ORDER BY rowid LIMIT 1000", []any{match, after},
			func(rows *sql.Rows) error {
				var n int64
				err := rows.Scan(&n)
				numbers = append(numbers, n)
				return err
			})
		for _, n := range numbers {
			for _, r := range f.rows(t, "n = ?", n) {
				if !yield(r) {
					return
				}
			}
			after = n
		}
		if len(numbers) < 1000 || f.err != nil {
			return
		}
	}
}

func scopeColumns(scope string) string {
	switch scope {
	case "NAME", "EMAIL", "PHONE":
		return "{" + strings.ToLower(scope) + "}"
	}
	return "{name email phone rest}"
}

// match words the search as an FTS5 query that finds at least the rows that it matches; "" is no restriction.
func (e searchExpr) match(columns string) string {
	switch e.op {
	case "or":
		var parts []string
		for _, p := range e.parts {
			m := p.match(columns)
			if m == "" {
				return ""
			}
			parts = append(parts, m)
		}
		return "(" + strings.Join(parts, " OR ") + ")"
	case "and":
		var parts []string
		for _, p := range e.parts {
			if m := p.match(columns); m != "" {
				parts = append(parts, m)
			}
		}
		if len(parts) == 0 {
			return ""
		}
		return "(" + strings.Join(parts, " AND ") + ")"
	case "not":
		return ""
	}
	var parts []string
	for _, w := range e.term.words {
		if m := w.ftsWord(); m != "" {
			parts = append(parts, m)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	out := columns + " : (" + strings.Join(parts, " AND ") + ")"
	if e.term.digits != "" && len(e.term.words) > 1 && (columns == scopeColumns("PHONE") || columns == scopeColumns("ALL")) {
		pattern := e.term.wild
		if pattern == nil {
			pattern = searchPattern(e.term.digits)
		}
		if m := pattern.ftsWord(); m != "" { // 07814 256404: also one number without its blank
			out = "(" + out + " OR {phone} : " + m + ")"
		}
	}
	return out
}

// ftsWord is a pattern as a word or the beginning of one. Words hold letters and digits only, so quotes are safe.
func (g glob) ftsWord() string {
	p := g.prefix()
	switch {
	case p == "":
		return ""
	case len([]rune(p)) == len(g):
		return `"` + p + `"`
	}
	return `"` + p + `"*`
}
