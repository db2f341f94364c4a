package emulator

import (
	"fmt"
	"strings"
	"time"
)

// column reads a field, or a function of one: toLabel(Status), CALENDAR_MONTH(CreatedDate), DAY_ONLY(…). Its first word
// has been read. Functions of dates work in the user's zone, as if convertTimezone stood around their argument.
func (p *parser) column(o *object, word token) (*fieldPath, error) {
	if !p.accept("(") {
		path, err := p.resolve(o, word.text)
		if err != nil {
			return nil, p.invalidField(word.pos, err)
		}
		return path, nil
	}
	name := strings.ToUpper(word.text)
	arg := p.next()
	if arg.kind != tokWord {
		return nil, p.unexpected(arg)
	}
	inner := arg
	zoned := arg.is("convertTimezone") && p.accept("(")
	if zoned {
		inner = p.next()
	}
	path, err := p.resolve(o, inner.text)
	if err != nil {
		return nil, p.invalidField(inner.pos, err)
	}
	if zoned {
		if err := p.expect(")"); err != nil {
			return nil, err
		}
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	kind := path.kind()
	if name == "TOLABEL" {
		if kind != "picklist" && kind != "multipicklist" && kind != "string" && kind != "combobox" {
			return nil, p.invalidField(word.pos, fmt.Errorf("field '%s' can not be translated by toLabel", path.name))
		}
		return path, nil // the practice org has one language: its labels are its values
	}
	part, known := dateParts[name]
	if !known {
		return nil, malformed(p.src, word.pos, fmt.Sprintf("unexpected token: '%s'", word.text))
	}
	if kind != "datetime" && (kind != "date" || name == "DAY_ONLY" || name == "HOUR_IN_DAY") {
		return nil, p.invalidField(word.pos, fmt.Errorf("field '%s' does not support the function %s", path.name, name))
	}
	zone := p.env.zone
	path.fnAs, path.fnIs = name+" ", "int"
	if name == "DAY_ONLY" {
		path.fnIs = "date"
	}
	path.fn = func(v any) any {
		s, _ := v.(string)
		t, ok := parseMoment(s)
		if !ok {
			return nil
		}
		if kind == "datetime" {
			t = t.In(zone)
		}
		if name == "DAY_ONLY" {
			return t.Format(dayLayout)
		}
		return int64(part(t))
	}
	return path, nil
}

// dateParts are SOQL's date functions. The fiscal year of the practice org is the calendar's.
var dateParts = map[string]func(time.Time) int{
	"CALENDAR_YEAR": time.Time.Year, "FISCAL_YEAR": time.Time.Year,
	"CALENDAR_QUARTER": func(t time.Time) int { return int(t.Month()-1)/3 + 1 },
	"FISCAL_QUARTER":   func(t time.Time) int { return int(t.Month()-1)/3 + 1 },
	"CALENDAR_MONTH":   func(t time.Time) int { return int(t.Month()) },
	"FISCAL_MONTH":     func(t time.Time) int { return int(t.Month()) },
	"DAY_IN_MONTH":     time.Time.Day,
	"DAY_IN_WEEK":      func(t time.Time) int { return int(t.Weekday()) + 1 },
	"DAY_IN_YEAR":      time.Time.YearDay,
	"WEEK_IN_MONTH":    func(t time.Time) int { return (t.Day()-1)/7 + 1 },
	"WEEK_IN_YEAR":     func(t time.Time) int { return (t.YearDay()-1)/7 + 1 },
	"HOUR_IN_DAY":      time.Time.Hour,
	"DAY_ONLY":         time.Time.Day,
}

// typeOf is TYPEOF What WHEN Account THEN Phone ELSE Name END.
type typeOf struct {
	ref   *field
	whens []typeOfWhen
	other []*fieldPath
}

type typeOfWhen struct {
	object  *object
	columns []*fieldPath
}

func (p *parser) typeOf(q *soql) error {
	word := p.next()
	t := typeOf{ref: q.object.byRelation[strings.ToLower(word.text)]}
	if word.kind != tokWord || t.ref == nil || len(t.ref.refTo) < 2 {
		return p.invalidField(word.pos, fmt.Errorf("TYPEOF needs a polymorphic relationship, which '%s' is not", word.text))
	}
	for p.accept("WHEN") {
		name := p.next()
		w := typeOfWhen{object: p.schema.object(name.text)}
		if w.object == nil {
			return fail(400, "INVALID_TYPE", "%s", at(p.src, name.pos, fmt.Sprintf("sObject type '%s' is not supported.", name.text)))
		}
		if err := p.expect("THEN"); err != nil {
			return err
		}
		var err error
		if w.columns, err = p.typeOfFields(func(path string) (*fieldPath, error) { return p.schema.resolve(w.object, path) }); err != nil {
			return err
		}
		t.whens = append(t.whens, w)
	}
	if len(t.whens) == 0 {
		return p.unexpected(p.peek())
	}
	if p.accept("ELSE") {
		var err error
		if t.other, err = p.typeOfFields(func(path string) (*fieldPath, error) {
			return p.schema.resolve(q.object, t.ref.relation+"."+path)
		}); err != nil {
			return err
		}
		for _, o := range t.other {
			o.steps = nil // the row is the parent already
		}
	}
	q.typeofs = append(q.typeofs, t)
	return p.expect("END")
}

func (p *parser) typeOfFields(resolve func(string) (*fieldPath, error)) ([]*fieldPath, error) {
	var out []*fieldPath
	for {
		t := p.next()
		if t.kind != tokWord {
			return nil, p.unexpected(t)
		}
		path, err := resolve(t.text)
		if err != nil {
			return nil, p.invalidField(t.pos, err)
		}
		out = append(out, path)
		if !p.accept(",") {
			return out, nil
		}
	}
}

// put renders the related record with the fields of its type.
func (t typeOf) put(st *store, c *call, fields map[string]any, out map[string]any) {
	id, _ := fields[t.ref.name].(string)
	r := st.live(id)
	if r == nil {
		out[t.ref.relation] = nil
		return
	}
	inner := map[string]any{"attributes": attributes(c, r)}
	columns := t.other
	for _, w := range t.whens {
		if w.object == r.table.object {
			columns = w.columns
		}
	}
	for _, col := range columns {
		col.put(st, c, r, r.fields, inner)
	}
	out[t.ref.relation] = inner
}
