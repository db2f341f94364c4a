package salesforce

import "strings"

// InSelect is field IN (SELECT …): rows whose field is an id that the query gives. The query selects one id field and has no ORDER BY
// and no LIMIT, which Salesforce does not allow there. Such a condition must stand at the top of WHERE, not in brackets (WhereAll).
func InSelect(f Ident, q SOQL) Cond {
	s, err := q.Build()
	if err != nil {
		return Cond{err: err}
	}
	return compare(f, " IN ", "("+s+")")
}

// WhereAll sets conditions that must all hold, without brackets around them: "Semi join sub-selects are only allowed at the top level
// WHERE expressions and not in nested WHERE expressions" is what Salesforce says otherwise.
func (q SOQL) WhereAll(cs ...Cond) SOQL {
	out := And(cs...)
	if n := len(out.s); strings.HasPrefix(out.s, "(") && n > 1 && parts(cs) > 1 {
		out.s = out.s[1 : n-1]
	}
	return q.Where(out)
}

// parts counts the conditions that say something: And puts brackets around more than one.
func parts(cs []Cond) (n int) {
	for _, c := range cs {
		if c.s != "" {
			n++
		}
	}
	return n
}
