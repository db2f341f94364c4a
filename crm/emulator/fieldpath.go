package emulator

import (
	"fmt"
	"slices"
	"strings"
)

// fieldPath is a column as a query names it: a field of the object, or of a parent (Account.Name, up to five steps).
type fieldPath struct {
	steps []*field // the reference fields on the way
	leaf  *field   // nil when a polymorphic parent was reached: then name says which
	name  string
	as    string        // alias
	fn    func(any) any // a function of the column, nil for the column itself
	fnIs  string        // the type of its result
	fnAs  string        // how it is written
	group int           // in a grouped query: which value of the group
}

// key names the column, whatever its spelling in the query.
func (p *fieldPath) key() string {
	var b strings.Builder
	b.WriteString(p.fnAs)
	for _, s := range p.steps {
		b.WriteString(s.relation + ".")
	}
	return b.String() + p.name
}

// nameFields are what every polymorphic parent (Who, What, Owner) offers.
var nameFields = []string{"Id", "Name", "Type", "FirstName", "LastName", "Title", "Phone", "Email", "Username", "Alias", "IsActive"}

// resolve finds a dotted path; its error is worded like Salesforce's.
func (s *schema) resolve(o *object, path string) (*fieldPath, error) {
	parts := strings.Split(path, ".")
	if len(parts) > 1 && strings.EqualFold(parts[0], o.name) && o.byRelation[strings.ToLower(parts[0])] == nil {
		parts = parts[1:] // SELECT Contact.Name FROM Contact
	}
	if len(parts) > 6 {
		return nil, fmt.Errorf("%s: relationships may be followed over five levels", path)
	}
	p := &fieldPath{}
	at := o
	for i, part := range parts[:len(parts)-1] {
		f := at.byRelation[strings.ToLower(part)]
		if f == nil {
			return nil, fmt.Errorf("Didn't understand relationship '%s' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.", part)
		}
		p.steps = append(p.steps, f)
		if len(f.refTo) > 1 {
			last := parts[len(parts)-1]
			j := slices.IndexFunc(nameFields, func(n string) bool { return strings.EqualFold(n, last) })
			if i != len(parts)-2 || j < 0 {
				return nil, noColumn(strings.Join(parts[i+1:], "."), "Name")
			}
			p.name = nameFields[j]
			return p, nil
		}
		if at = s.object(f.refTo[0]); at == nil {
			return nil, fmt.Errorf("Didn't understand relationship '%s' in field path.", part)
		}
	}
	last := parts[len(parts)-1]
	if p.leaf = at.field(last); p.leaf == nil {
		return nil, noColumn(last, at.name)
	}
	p.name = p.leaf.name
	return p, nil
}

func noColumn(field, entity string) error {
	return fmt.Errorf("No such column '%s' on entity '%s'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.", field, entity)
}

// kind is the type of the column, for comparisons.
func (p *fieldPath) kind() string {
	switch {
	case p.fn != nil:
		return p.fnIs
	case p.leaf != nil:
		return p.leaf.kind
	case p.name == "Id":
		return "id"
	case p.name == "IsActive":
		return "boolean"
	}
	return "string"
}

// value reads the column of a row; a missing parent makes it null.
func (p *fieldPath) value(st *store, r *record, fields map[string]any) any {
	for _, step := range p.steps {
		id, _ := fields[step.name].(string)
		r = st.live(id)
		if r == nil {
			return nil
		}
		fields = r.fields
	}
	return p.last(r, fields)
}

func (p *fieldPath) last(r *record, fields map[string]any) any {
	if p.fn != nil {
		return p.fn(fields[p.name])
	}
	if p.leaf == nil {
		switch p.name {
		case "Type":
			return r.table.object.name
		case "Name":
			return fields[r.table.object.nameField]
		}
	}
	return fields[p.name]
}

// put renders the column into a result row, with the parents as nested objects.
func (p *fieldPath) put(st *store, c *call, r *record, fields map[string]any, out map[string]any) {
	for _, step := range p.steps {
		id, _ := fields[step.name].(string)
		r = st.live(id)
		if r == nil {
			out[step.relation] = nil
			return
		}
		inner, _ := out[step.relation].(map[string]any)
		if inner == nil {
			att := attributes(c, r)
			if len(step.refTo) > 1 {
				att["type"] = "Name"
			}
			inner = map[string]any{"attributes": att}
			out[step.relation] = inner
		}
		out, fields = inner, r.fields
	}
	v := p.last(r, fields)
	if p.leaf != nil {
		v = p.leaf.shown(c, r, v)
	}
	out[p.name] = v
}
