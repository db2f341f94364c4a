package config

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Explain writes what a setting is, its value now and where that came from. A section's name explains its settings.
func (l *Loaded) Explain(w io.Writer, path string) error {
	if k, ok := Find(path); ok {
		fmt.Fprintf(w, "%s (%s)\n  %s\n", k.Path, k.Type, k.Doc)
		if len(k.Enum) > 0 {
			fmt.Fprintf(w, "  one of    %s\n", strings.Join(k.choices(), ", "))
		}
		fmt.Fprintf(w, "  default   %s\n  now       %s\n  set by    %s\n", k.TOML(), l.Value(k), l.Origin(k.Path))
		if pattern, file, ok := l.Locked(k.Path); ok {
			fmt.Fprintf(w, "  locked    in %s (%s): only whoever administers this computer may change it\n", file, pattern)
		} else {
			fmt.Fprintf(w, "  or        OFFHOOK_%s\n", strings.ToUpper(strings.Replace(k.Path, ".", "_", 1)))
		}
		return nil
	}
	var known []string
	for _, s := range Sections() {
		if s.Name == path {
			fmt.Fprintf(w, "[%s] %s\n", s.Name, s.Doc)
			for _, k := range s.Keys {
				from := l.Origin(k.Path)
				if _, _, ok := l.Locked(k.Path); ok {
					from += ", locked"
				}
				fmt.Fprintf(w, "  %-28s %-22s %s\n", k.Path, l.Value(k), from)
			}
			return nil
		}
		known = append(known, s.Name)
		for _, k := range s.Keys {
			known = append(known, k.Path)
		}
	}
	if near := nearest(path, known); near != "" {
		return fmt.Errorf("there is no setting %q; did you mean %s?", path, near)
	}
	return fmt.Errorf("there is no setting %q; offhook config explain lists the sections", path)
}

// Origin says which layer set a key: default, a file, a profile, an environment variable or --set.
func (l *Loaded) Origin(path string) string {
	if o := l.origin[path]; o != "" {
		return o
	}
	return "default"
}

// Value is a setting's value as it would stand in the file; secrets are never shown.
func (l *Loaded) Value(k Key) string {
	v := l.values.Get(strings.ReplaceAll(k.Path, ".", sep))
	if k.Secret && v != "" && v != nil {
		return `"…" (not shown)`
	}
	return literal(v)
}

// choices are the values of a setting that takes only some, as people read them.
func (k Key) choices() []string {
	out := slices.Clone(k.Enum)
	for i, c := range out {
		if c == "" {
			out[i] = `"" (nothing)`
		}
	}
	return out
}

// TOML is the default as it would stand in the file.
func (k Key) TOML() string { return literal(k.defaultValue()) }

func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return `""`
	case string:
		return fmt.Sprintf("%q", v)
	case []string:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = literal(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = literal(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}
