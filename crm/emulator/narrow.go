package emulator

import "strings"

// narrowing says which rows a condition can possibly hold for, as any of several demands on indexed columns. Nil lets
// every row through.
type narrowing []demand

// demand is one of some values in a column, or a range of values.
type demand struct {
	field    *field
	values   []string // as indexKey makes them; nil: a range
	from, to string   // inclusive; "": open
}

const maxDemands = 5000 // a longer list of values is no better than reading everything

// keyed tells whether the column has an index: what people look records up by.
func (f *field) keyed() bool {
	switch f.kind {
	case "reference":
		return f.name != "CreatedById" && f.name != "LastModifiedById"
	case "phone", "email", "id":
		return true
	case "datetime":
		return f.name == "CreatedDate" || f.name == "LastModifiedDate" || f.name == "SystemModstamp"
	case "date":
		return f.name == "ActivityDate"
	}
	switch f.name {
	case "Name", "LastName", "CallObject", "CaseNumber", "Username":
		return true
	}
	return f.unique || f.external
}

// indexKey is a stored value as an index holds it; false when it is not indexed.
func (f *field) indexKey(v any) (string, bool) {
	s, ok := v.(string)
	switch {
	case !ok || s == "":
		return "", false
	case f.kind == "id" || f.kind == "reference":
		return s[:min(15, len(s))], true
	case f.kind == "date" || f.kind == "datetime":
		return s, true
	}
	return strings.ToLower(s), true
}

// is narrows to one value of a column.
func is(o *object, name, value string) narrowing {
	f := o.field(name)
	if f == nil || !f.keyed() {
		return nil
	}
	k, ok := f.indexKey(value)
	if !ok {
		return nil
	}
	return narrowing{{field: f, values: []string{k}}}
}

// both narrows by a conjunction: the part that promises fewer rows.
func both(a, b narrowing) narrowing {
	if a == nil || b != nil && b.cost() < a.cost() {
		return b
	}
	return a
}

// either narrows by a disjunction: both parts, if both narrow at all.
func either(a, b narrowing) narrowing {
	if a == nil || b == nil {
		return nil
	}
	n := 0
	for _, d := range append(append(narrowing{}, a...), b...) {
		n += len(d.values)
	}
	if n > maxDemands {
		return nil
	}
	return append(append(narrowing{}, a...), b...)
}

// cost estimates how much a narrowing lets through: an id one row, a number or an address few, a parent or an owner
// many, a span of time most.
func (n narrowing) cost() int {
	sum := 0
	for _, d := range n {
		each := 10
		switch {
		case d.values == nil:
			sum += 1_000_000
			continue
		case d.field.kind == "id" || d.field.unique:
			each = 1
		case d.field.name == "OwnerId" || d.field.name == "RecordTypeId":
			each = 100_000
		case d.field.kind == "reference":
			each = 50
		case d.field.name == "LastName" || d.field.name == "Name":
			each = 100
		}
		sum += each * len(d.values)
	}
	return sum
}
