package salesforce

// InSelect is field IN (SELECT …): rows whose field is an id that the query gives. The query selects one id field and has no ORDER BY
// and no LIMIT, which Salesforce does not allow there; nor may such a condition stand under OR.
func InSelect(f Ident, q SOQL) Cond {
	s, err := q.Build()
	if err != nil {
		return Cond{err: err}
	}
	return compare(f, " IN ", "("+s+")")
}
