package config

import (
	"fmt"
	"reflect"
	"strings"
)

// checkTables looks at each table of a list: its keys must be known and hold what they should.
func (k Key) checkTables(list []any) string {
	elem := k.goType.Elem()
	known := map[string]reflect.Type{}
	var names []string
	for f := range fields(elem) {
		known[f.Tag.Get("key")] = f.Type
		names = append(names, f.Tag.Get("key"))
	}
	for i, v := range list {
		table, ok := v.(map[string]any)
		if !ok {
			return fmt.Sprintf("entry %d must be a table, as {%s = …}", i+1, names[0])
		}
		for name, value := range table {
			t, ok := known[name]
			if !ok {
				text := fmt.Sprintf("entry %d: there is no %q", i+1, name)
				if near := nearest(name, names); near != "" {
					return text + "; did you mean " + near + "?"
				}
				return text + "; there are " + strings.Join(names, ", ")
			}
			if t.Kind() == reflect.Pointer {
				t = t.Elem()
			}
			fits := false
			switch value.(type) {
			case string:
				fits = t.Kind() == reflect.String
			case bool:
				fits = t.Kind() == reflect.Bool
			case int64:
				fits = t.Kind() == reflect.Int
			}
			if !fits {
				return fmt.Sprintf("entry %d: %s must be %s, not %v", i+1, name, map[reflect.Kind]string{
					reflect.String: "a text in quotes", reflect.Bool: "true or false", reflect.Int: "a whole number",
				}[t.Kind()], value)
			}
		}
	}
	return ""
}

// fields yields the fields of a struct type.
func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}
