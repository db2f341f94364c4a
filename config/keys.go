package config

import (
	"reflect"
	"strings"
	"time"
)

// Key is one setting as the tags of Config describe it.
type Key struct {
	Path    string // "sip.registrar"
	Type    string // string, integer, true/false, duration, list, table, list of tables
	Default string // as it would stand in the file; empty for none
	Enum    []string
	Doc     string
	Secret  bool // never printed
	goType  reflect.Type
	index   []int
}

// Section is one table of the file.
type Section struct {
	Name string
	Doc  string
	Keys []Key
}

// Sections lists every setting, in the order of the file.
func Sections() []Section {
	var out []Section
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		f := t.Field(i)
		s := Section{Name: f.Tag.Get("key"), Doc: f.Tag.Get("doc")}
		if f.Type.Kind() == reflect.Struct {
			for j := range f.Type.NumField() {
				s.Keys = append(s.Keys, keyOf(s.Name, f.Type.Field(j), []int{i, j}))
			}
		}
		out = append(out, s)
	}
	return out
}

func keyOf(section string, f reflect.StructField, index []int) Key {
	k := Key{
		Path: section + "." + f.Tag.Get("key"), Default: f.Tag.Get("default"), Doc: f.Tag.Get("doc"),
		Secret: f.Tag.Get("secret") == "true", goType: f.Type, index: index,
	}
	if e := f.Tag.Get("enum"); e != "" {
		k.Enum = strings.Split(e, ",")
	}
	switch {
	case f.Type == reflect.TypeFor[time.Duration]():
		k.Type = "duration"
	case f.Type.Kind() == reflect.Bool:
		k.Type = "true/false"
	case f.Type.Kind() == reflect.Int:
		k.Type = "integer"
	case f.Type == reflect.TypeFor[[]string]():
		k.Type = "list"
	case f.Type.Kind() == reflect.Slice:
		k.Type = "list of tables"
	default:
		k.Type = "string"
	}
	return k
}

// Find returns the setting with this path.
func Find(path string) (Key, bool) {
	for _, s := range Sections() {
		for _, k := range s.Keys {
			if k.Path == path {
				return k, true
			}
		}
	}
	return Key{}, false
}

// Name is the key's own name, without its section.
func (k Key) Name() string { return k.Path[strings.IndexByte(k.Path, '.')+1:] }

// defaultValue is the default in the type that the file would give it.
func (k Key) defaultValue() any {
	switch k.Type {
	case "list":
		if k.Default == "" {
			return []any{}
		}
		var list []any
		for s := range strings.SplitSeq(k.Default, ",") {
			list = append(list, s)
		}
		return list
	case "list of tables":
		return []any{}
	case "true/false":
		return k.Default == "true"
	}
	return k.Default
}

// nearest returns the candidate closest to word, when one is close enough to be meant.
func nearest(word string, candidates []string) string {
	best, bestDistance := "", len(word)/2+1
	for _, c := range candidates {
		if d := distance(word, c); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is Levenshtein's edit distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := prev
			if a[i-1] != b[j-1] {
				cost = 1 + min(prev, row[j], row[j-1])
			}
			prev, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
