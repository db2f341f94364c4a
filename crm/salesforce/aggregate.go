package salesforce

import (
	"fmt"
	"strings"
)

// Function is an aggregate function of SOQL.
type Function string

// Aggregate functions.
const (
	Count Function = "COUNT"
	Sum   Function = "SUM"
	Max   Function = "MAX"
	Min   Function = "MIN"
)

// MaxGroups is how many rows a query with groups has at most: Salesforce gives them in one page and refuses more
// (EXCEEDED_ID_LIMIT), so who asks for groups asks for few.
const MaxGroups = 2000

// Aggregate adds a function of a field to what is selected; its value stands in each row under alias.
func (q SOQL) Aggregate(fn Function, f, alias Ident) SOQL {
	switch fn {
	case Count, Sum, Max, Min:
	default:
		q.err = fmt.Errorf("%q is not an aggregate function", string(fn))
	}
	if err := f.check(); err != nil {
		q.err = err
	}
	if err := alias.check(); err != nil {
		q.err = err
	}
	q.counts = append(q.counts[:len(q.counts):len(q.counts)], string(fn)+"("+string(f)+") "+string(alias))
	return q
}

// GroupBy makes one row of all rows with the same values of these fields, which must be selected, too.
func (q SOQL) GroupBy(fields ...Ident) SOQL {
	q.groups = append(q.groups[:len(q.groups):len(q.groups)], fields...)
	return q
}

// columns is the SELECT list.
func (q SOQL) columns() (string, error) {
	if len(q.fields) == 0 && len(q.counts) > 0 {
		return strings.Join(q.counts, ","), nil
	}
	fields, err := names(q.fields)
	if err != nil || len(q.counts) == 0 {
		return fields, err
	}
	return fields + "," + strings.Join(q.counts, ","), nil
}
