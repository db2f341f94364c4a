package config

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Row is one line of a list of tables: its keys and texts, in the order in which they are written.
type Row [][2]string

func (r Row) table() map[string]any {
	out := map[string]any{}
	for _, c := range r {
		out[c[0]] = c[1]
	}
	return out
}

func (r Row) String() string {
	var cells []string
	for _, c := range r {
		cells = append(cells, c[0]+" = "+quote(c[1]))
	}
	return "{ " + strings.Join(cells, ", ") + " }"
}

// quote writes a text as TOML's basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

// Change is what is to be done to the lines of a list of tables. Indices count the lines as they are before it.
type Change struct {
	Replace map[int]Row
	Drop    []int
	Add     []Row
}

// list is what a change makes of a list.
func (c Change) list(old []any) []any {
	out := []any{}
	for i, v := range old {
		if r, ok := c.Replace[i]; ok {
			v = r.table()
		}
		if !slices.Contains(c.Drop, i) {
			out = append(out, v)
		}
	}
	for _, r := range c.Add {
		out = append(out, r.table())
	}
	return out
}

// Editable says why a setting cannot be changed in the user's file with any effect: it is locked, or a later layer sets it.
func (l *Loaded) Editable(path string) error {
	if text := l.refusal(path); text != "" {
		pattern, file, _ := l.Locked(path)
		return fmt.Errorf("%s is locked in %s (%s): only whoever administers this computer may change it, there", path, file, pattern)
	}
	origin := l.Origin(path)
	switch name, profile := strings.CutPrefix(origin, "profile "); {
	case profile:
		return fmt.Errorf("%s stands in [profile.%s.%s], which goes over the rest of the file: change it there by hand", path, name, strings.SplitN(path, ".", 2)[0])
	case origin == "--set" || strings.HasPrefix(origin, "OFFHOOK_"):
		return fmt.Errorf("%s is set by %s, which goes over the file: change it there", path, origin)
	}
	return nil
}

// Edit changes a list of tables in the user's file. Everything else stays byte for byte: comments, order, line ends, mode. The file is
// whole before and after, and left alone when somebody changed the list meanwhile. Where the list stands in the system's file only, the
// user's file gets its lines too, because a list replaces the one below it.
func (l *Loaded) Edit(path string, c Change) error {
	if err := l.Editable(path); err != nil {
		return err
	}
	file := l.Path
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real // a link into somebody's collection of settings stays a link
	}
	old, err := os.ReadFile(file)
	mode := fs.FileMode(0o600)
	switch st, serr := os.Stat(file); {
	case os.IsNotExist(err):
		old = nil
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
	case err != nil:
		return err
	case serr != nil:
		return serr
	default:
		mode = st.Mode().Perm()
		f, err := os.OpenFile(file, os.O_WRONLY, 0) // a file that may not be written is not replaced either
		if err != nil {
			return fmt.Errorf("%s was left as it is: %w", l.Path, err)
		}
		f.Close()
	}
	section, key, _ := strings.Cut(path, ".")
	seen, _ := l.values.Get(section + sep + key).([]any)
	have, err := listIn(string(old), section, key)
	switch from := l.Origin(path); {
	case err != nil:
		return fmt.Errorf("%s: %s: %w", l.Path, path, err)
	case from == l.Path:
		if !reflect.DeepEqual(have, seen) {
			return fmt.Errorf("%s was changed meanwhile and left as it is: try again", l.Path)
		}
	case have != nil:
		return fmt.Errorf("%s was changed meanwhile and left as it is: try again", l.Path)
	default:
		if c, err = whole(path, seen, c); err != nil {
			return fmt.Errorf("%s: %s: %w", from, path, err)
		}
	}
	fresh, err := edit(string(old), section, key, c)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", l.Path, path, err)
	}
	return replaceFile(file, old, []byte(fresh), mode)
}

// whole is a change that writes all lines of a list that stood elsewhere.
func whole(path string, seen []any, c Change) (Change, error) {
	k, _ := Find(path)
	out := Change{Add: []Row{}}
	for _, v := range c.list(seen) {
		t, _ := v.(map[string]any)
		var r Row
		for f := range fields(k.goType.Elem()) {
			if s, ok := t[f.Tag.Get("key")].(string); ok {
				r = append(r, [2]string{f.Tag.Get("key"), s})
			}
		}
		if len(r) != len(t) {
			return out, errShape
		}
		out.Add = append(out.Add, r)
	}
	return out, nil
}

// replaceFile puts fresh in the place of old, whole or not at all.
func replaceFile(file string, old, fresh []byte, mode fs.FileMode) error {
	fail := func(err error) error { return fmt.Errorf("%s was left as it is: %w", file, err) }
	tmp, err := os.CreateTemp(filepath.Dir(file), ".offhook-*")
	if err != nil {
		return fail(err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(fresh)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fail(err)
	}
	if st, err := os.Stat(file); err == nil {
		giveTo(tmp.Name(), st)
	}
	now, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) || !bytes.Equal(now, old) {
		return fmt.Errorf("%s was changed meanwhile and left as it is: try again", file)
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return fail(err)
	}
	return nil
}

// listIn is the list at section.key of a file, nil when it has none.
func listIn(raw, section, key string) ([]any, error) {
	all := map[string]any{}
	if err := toml.Unmarshal([]byte(raw), &all); err != nil {
		return nil, err
	}
	return listOf(all, section, key)
}

func listOf(all map[string]any, section, key string) ([]any, error) {
	t, ok := all[section].(map[string]any)
	if !ok {
		if all[section] != nil {
			return nil, errShape
		}
		return nil, nil
	}
	list, ok := t[key].([]any)
	if !ok && t[key] != nil {
		return nil, errShape
	}
	return list, nil
}

// edit changes the list at section.key in the text of a file. What comes out has been read again: it says what was wanted, and nothing
// else says anything else than before.
func edit(raw, section, key string, c Change) (string, error) {
	want := map[string]any{}
	if err := toml.Unmarshal([]byte(raw), &want); err != nil {
		return "", err
	}
	old, err := listOf(want, section, key)
	if err != nil {
		return "", err
	}
	t, _ := want[section].(map[string]any)
	if t == nil {
		t = map[string]any{}
		want[section] = t
	}
	list := c.list(old)
	t[key] = list
	e := editor{s: raw, section: section, key: key, eol: "\n"}
	if i := strings.IndexByte(raw, '\n'); i > 0 && raw[i-1] == '\r' {
		e.eol = "\r\n"
	}
	if err := e.apply(c); err != nil {
		return "", err
	}
	got := map[string]any{}
	if err := toml.Unmarshal([]byte(e.s), &got); err != nil {
		return "", errShape
	}
	if now, _ := listOf(got, section, key); len(list) == 0 && now == nil { // the last [[section.key]] went
		delete(t, key)
		if got[section] == nil {
			delete(want, section)
		}
	}
	if !reflect.DeepEqual(got, want) {
		return "", errShape
	}
	return e.s, nil
}
