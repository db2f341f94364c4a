package salesforce

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Ident is an API name: an object, a field, or a path over one or more relationships (Account.Name). It is checked
// whenever a query or a path is built, so a name from a file or a describe cannot smuggle anything in.
type Ident string

func (n Ident) check() error {
	ok := n != "" && len(n) <= 255
	start := true
	for i := 0; ok && i < len(n); i++ {
		c := n[i]
		switch {
		case c == '.' && !start && i < len(n)-1:
			start = true
			continue
		case start && !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'):
			ok = false
		case !alnum(c) && c != '_':
			ok = false
		}
		start = false
	}
	if !ok {
		return fmt.Errorf("%q is not a Salesforce API name", string(n))
	}
	return nil
}

// Valid reports whether the name may stand in a query.
func (n Ident) Valid() bool { return n.check() == nil }

// Literal is a value in a query. Only the functions here make one, so every string in a query is quoted and escaped.
type Literal struct{ s string }

// String makes a string literal.
func String(s string) Literal { return Literal{"'" + escapeSOQL(s) + "'"} }

// Strings makes a literal of each string.
func Strings(list ...string) []Literal {
	out := make([]Literal, len(list))
	for i, s := range list {
		out[i] = String(s)
	}
	return out
}

// ID makes an id literal; something that is no id becomes a string that matches nothing.
func ID(id string) Literal {
	if !ValidID(id) {
		return Literal{"'000000000000000'"}
	}
	return Literal{"'" + id + "'"}
}

// Int makes a number literal.
func Int(n int) Literal { return Literal{strconv.Itoa(n)} }

// Bool makes TRUE or FALSE.
func Bool(b bool) Literal { return Literal{strings.ToUpper(strconv.FormatBool(b))} }

// Null is the empty value.
func Null() Literal { return Literal{"NULL"} }

// Date makes a date literal of the day in t's location.
func Date(t time.Time) Literal { return Literal{t.Format(time.DateOnly)} }

// DateTime makes a date-time literal in UTC.
func DateTime(t time.Time) Literal { return Literal{t.UTC().Format("2006-01-02T15:04:05Z")} }

// LastNDays makes the date literal LAST_N_DAYS:n.
func LastNDays(n int) Literal { return Literal{"LAST_N_DAYS:" + strconv.Itoa(max(n, 1))} }

// escapeSOQL escapes what SOQL gives a meaning inside quotes and drops control characters that have none.
func escapeSOQL(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	for _, r := range strings.ToValidUTF8(s, "") {
		switch r {
		case '\\', '\'', '"':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			if r >= 0x20 && r != 0x7f {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// Pattern is the right side of LIKE. Its parts are literal text; only the wildcards between them are wild.
type Pattern struct{ s string }

// Contains matches values in which the parts stand in this order, with anything before, between and after.
func Contains(parts ...string) Pattern {
	var b strings.Builder
	b.WriteByte('%')
	for _, p := range parts {
		b.WriteString(escapeLike(p))
		b.WriteByte('%')
	}
	return Pattern{"'" + b.String() + "'"}
}

// StartsWith matches values that begin with the text.
func StartsWith(s string) Pattern { return Pattern{"'" + escapeLike(s) + "%'"} }

func escapeLike(s string) string {
	return strings.NewReplacer("%", `\%`, "_", `\_`).Replace(escapeSOQL(s))
}

// Cond is a condition of WHERE. The zero Cond is no condition.
type Cond struct {
	s   string
	err error
}

func compare(f Ident, op string, right string) Cond {
	return Cond{string(f) + op + right, f.check()}
}

// Eq is field = value.
func Eq(f Ident, v Literal) Cond { return compare(f, " = ", v.s) }

// Ne is field != value.
func Ne(f Ident, v Literal) Cond { return compare(f, " != ", v.s) }

// Gt is field > value.
func Gt(f Ident, v Literal) Cond { return compare(f, " > ", v.s) }

// Lt is field < value.
func Lt(f Ident, v Literal) Cond { return compare(f, " < ", v.s) }

// Like is field LIKE pattern.
func Like(f Ident, p Pattern) Cond { return compare(f, " LIKE ", p.s) }

// In is field IN (values); with no value it is an error, because SOQL has no empty list.
func In(f Ident, vs ...Literal) Cond {
	if len(vs) == 0 {
		return Cond{err: fmt.Errorf("%s IN (): no values", f)}
	}
	parts := make([]string, len(vs))
	for i, v := range vs {
		parts[i] = v.s
	}
	return compare(f, " IN ", "("+strings.Join(parts, ",")+")")
}

// And joins conditions; empty ones fall out.
func And(cs ...Cond) Cond { return join(" AND ", cs) }

// Or joins conditions; empty ones fall out.
func Or(cs ...Cond) Cond { return join(" OR ", cs) }

// Not negates a condition.
func Not(c Cond) Cond { return Cond{"NOT (" + c.s + ")", c.err} }

func join(op string, cs []Cond) Cond {
	var parts []string
	var err error
	for _, c := range cs {
		if err == nil {
			err = c.err
		}
		if c.s != "" {
			parts = append(parts, c.s)
		}
	}
	switch len(parts) {
	case 0:
		return Cond{err: err}
	case 1:
		return Cond{parts[0], err}
	}
	return Cond{"(" + strings.Join(parts, op) + ")", err}
}

// SOQL is a query. Its methods return changed copies.
type SOQL struct {
	fields []Ident
	counts []string // aggregate functions
	groups []Ident
	from   Ident
	where  Cond
	order  []string
	err    error
	limit  int
}

// Select starts a query.
func Select(fields ...Ident) SOQL { return SOQL{fields: fields} }

// From names the object.
func (q SOQL) From(object Ident) SOQL { q.from = object; return q }

// Where sets the condition; the zero Cond means none.
func (q SOQL) Where(c Cond) SOQL { q.where = c; return q }

// OrderBy adds a sort field.
func (q SOQL) OrderBy(f Ident, descending bool) SOQL {
	if err := f.check(); err != nil {
		q.err = err
	}
	s := string(f)
	if descending {
		s += " DESC"
	}
	q.order = append(q.order[:len(q.order):len(q.order)], s)
	return q
}

// Limit sets the largest number of rows; 0 for none.
func (q SOQL) Limit(n int) SOQL { q.limit = n; return q }

// Build returns the text, or an error when a name in it is not a name.
func (q SOQL) Build() (string, error) {
	if q.err != nil {
		return "", q.err
	}
	fields, err := q.columns()
	if err != nil {
		return "", err
	}
	if err := q.from.check(); err != nil {
		return "", err
	}
	if q.where.err != nil {
		return "", q.where.err
	}
	var b strings.Builder
	b.WriteString("SELECT " + fields + " FROM " + string(q.from))
	if q.where.s != "" {
		b.WriteString(" WHERE " + q.where.s)
	}
	if len(q.groups) > 0 {
		by, err := names(q.groups)
		if err != nil {
			return "", err
		}
		b.WriteString(" GROUP BY " + by)
	}
	if len(q.order) > 0 {
		b.WriteString(" ORDER BY " + strings.Join(q.order, ","))
	}
	if q.limit > 0 {
		b.WriteString(" LIMIT " + strconv.Itoa(q.limit))
	}
	return b.String(), nil
}

func names(list []Ident) (string, error) {
	if len(list) == 0 {
		return "", fmt.Errorf("a query needs at least one field")
	}
	parts := make([]string, len(list))
	for i, n := range list {
		if err := n.check(); err != nil {
			return "", err
		}
		parts[i] = string(n)
	}
	return strings.Join(parts, ","), nil
}
