package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/v2"
	"github.com/pelletier/go-toml/v2"
)

// sep separates the parts of a path inside koanf. A dot would cut the names of actions ("call.answer") in [keys].
const sep = "/"

// DefaultProfile is the profile that is used when none is named.
const DefaultProfile = "default"

// ErrNoFile is returned by Load when there is no file of settings at all.
var ErrNoFile = errors.New("there is no configuration yet")

// Source says where to load from. The zero value loads the user's own file with the default profile.
type Source struct {
	File    string   // --config; empty: File()
	Profile string   // --profile
	Environ []string // os.Environ(); nil: none
	Flags   map[string]string
	Alone   bool // the system's file and its locks are for real calls: practice goes without

	system  string              // the system's file; "": systemFile()
	trusted func(string) string // why the system's file is not to be believed; nil: unsafe
}

// Loaded is a configuration with the origin of each setting.
type Loaded struct {
	Config
	Path    string // the user's file
	Profile string
	// Warnings are what is not wrong enough to stop for, one line each.
	Warnings []string

	origin map[string]string // key path → layer
	values *koanf.Koanf
	locks  []string // patterns of the system's file
	locker string   // that file
}

// layer is a koanf.Provider over a map.
type layer map[string]any

func (l layer) ReadBytes() ([]byte, error)    { return nil, errors.New("a layer has no bytes") }
func (l layer) Read() (map[string]any, error) { return l, nil }

// Load reads all layers: defaults < system file < user file < profile < OFFHOOK_SECTION_KEY < flags. What is wrong comes back
// as Problems, all of them at once, each with its file, line and what to do.
func Load(src Source) (*Loaded, error) {
	l := &Loaded{Path: src.File, Profile: src.Profile, origin: map[string]string{}, values: koanf.New(sep)}
	if l.Profile == "" {
		l.Profile = DefaultProfile
	}
	var problems Problems
	l.over("default", defaults())

	if l.Path == "" {
		path, err := File()
		if err != nil {
			return nil, fmt.Errorf("the configuration folder cannot be found: %w", err)
		}
		l.Path = path
	}
	if src.system == "" {
		src.system = systemFile()
	}
	if src.trusted == nil {
		src.trusted = unsafe
	}
	files := []string{src.system, l.Path}
	switch {
	case src.Alone:
		files = files[1:]
	case l.Path == src.system:
		files = files[:1]
	}
	found := false
	for i, file := range files {
		f, bad, err := readFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = true
		problems = append(problems, bad...)
		own, ok := f.profiles[l.Profile]
		if !src.Alone && i > 0 {
			if f.locked != nil {
				problems = append(problems, Problem{File: file, Line: lineOf(f.raw, lockWord), Key: lockWord, Text: "only " + src.system + " may lock settings"})
			}
			problems = append(problems, l.refuse(file, f.raw, f.table)...)
			problems = append(problems, l.refuse(file, f.raw, own)...)
		}
		l.over(file, f.table)
		switch {
		case ok:
			l.over("profile "+l.Profile, own)
		case l.Profile != DefaultProfile && file == l.Path:
			names := slices.Sorted(maps.Keys(f.profiles))
			problems = append(problems, Problem{File: file, Text: fmt.Sprintf("there is no profile %q; it has %s", l.Profile, list(names))})
		}
		if !src.Alone && i == 0 { // what it sets itself is not refused
			problems = append(problems, l.lock(f, src.trusted(file))...)
		}
	}
	if !found {
		remedy := "offhook config init writes one"
		if src.File != "" {
			remedy = fmt.Sprintf("check the name, or offhook --config %s config init writes one", l.Path)
		}
		return nil, fmt.Errorf("%w: %s does not exist; %s", ErrNoFile, l.Path, remedy)
	}
	problems = append(problems, l.environment(src.Environ)...)
	problems = append(problems, l.flags(src.Flags)...)
	if err := l.decode(); err != nil && len(problems) == 0 { // what has been named does not decode either
		problems = append(problems, Problem{File: l.Path, Text: strings.Join(strings.Fields(err.Error()), " ")})
	}
	if len(problems) == 0 {
		problems = append(problems, l.validate()...)
	}
	if len(problems) > 0 {
		return l, problems
	}
	return l, nil
}

func defaults() map[string]any {
	out := map[string]any{}
	for _, s := range Sections() {
		table := map[string]any{}
		for _, k := range s.Keys {
			table[k.Name()] = k.defaultValue()
		}
		out[s.Name] = table
	}
	return out
}

// over lays one layer over those below and remembers which settings it changed.
func (l *Loaded) over(name string, table map[string]any) {
	_ = l.values.Load(layer(table), nil) // a map cannot fail to be read
	for section, v := range table {
		if keys, ok := v.(map[string]any); ok {
			for key := range keys {
				l.origin[section+"."+key] = name
			}
		}
	}
}

// settings is one file.
type settings struct {
	path, raw string
	table     map[string]any
	profiles  map[string]map[string]any
	locked    any // what stands under lockWord
}

// readFile parses one file, checks every key and its type, and separates the profiles.
func readFile(file string) (f settings, bad Problems, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return f, nil, fmt.Errorf("the settings cannot be read: %w", err)
	}
	f = settings{path: file, raw: string(data), table: map[string]any{}, profiles: map[string]map[string]any{}}
	if err := toml.Unmarshal(data, &f.table); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			row, col := at.Position()
			bad = Problems{{File: file, Line: row, Text: fmt.Sprintf("column %d: %s", col, strings.TrimPrefix(at.Error(), "toml: "))}}
		} else {
			bad = Problems{{File: file, Text: strings.TrimPrefix(err.Error(), "toml: ")}}
		}
		return settings{path: file, raw: f.raw}, bad, nil
	}
	if p, ok := f.table["profile"].(map[string]any); ok {
		for name, v := range p {
			if t, ok := v.(map[string]any); ok {
				f.profiles[name] = t
				bad = append(bad, checkTable(file, f.raw, t)...)
			} else {
				bad = append(bad, Problem{File: file, Line: lineOf(f.raw, "profile."+name), Text: fmt.Sprintf("profile.%s must be a table, as [profile.%s.sip]", name, name)})
			}
		}
	}
	f.locked = f.table[lockWord]
	delete(f.table, "profile")
	delete(f.table, lockWord)
	bad = append(bad, checkTable(file, f.raw, f.table)...)
	return f, bad, nil
}

// environment lays OFFHOOK_SECTION_KEY over the files.
func (l *Loaded) environment(environ []string) (bad Problems) {
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		rest, ok := strings.CutPrefix(name, "OFFHOOK_")
		if !ok {
			continue
		}
		section, key, ok := strings.Cut(strings.ToLower(rest), "_")
		if !ok {
			continue
		}
		switch k, found := Find(section + "." + key); {
		case found && k.Secret: // Secrets looks there itself; it must not count as written in the file
		case found:
			bad = append(bad, l.set(name, k, value)...)
		case isSection(section) && name != "OFFHOOK_HUB_TOKEN" && name != "OFFHOOK_HUB_SUPERVISOR_TOKEN": // secrets apart: a slip of the hand must not pass for a setting
			bad = append(bad, unknownKey(name, 0, section+"."+key))
		}
	}
	return bad
}

func isSection(name string) bool {
	return slices.ContainsFunc(Sections(), func(s Section) bool { return s.Name == name })
}

func (l *Loaded) flags(flags map[string]string) (bad Problems) {
	for path, value := range flags {
		k, ok := Find(path)
		if !ok {
			bad = append(bad, unknownKey("--set", 0, path))
			continue
		}
		bad = append(bad, l.set("--set", k, value)...)
	}
	return bad
}

// set lays one setting, written as text, over the others.
func (l *Loaded) set(origin string, k Key, value string) Problems {
	if text := l.refusal(k.Path); text != "" {
		return Problems{{File: origin, Key: k.Path, Text: text}}
	}
	var v any = value
	switch k.Type {
	case "true/false":
		if value != "true" && value != "false" {
			return Problems{{File: origin, Key: k.Path, Text: fmt.Sprintf("%q is not true or false", value)}}
		}
		v = value == "true"
	case "list":
		items, ok := readList(value)
		if !ok {
			return Problems{{File: origin, Key: k.Path, Text: fmt.Sprintf("%s is not a list; write one,two or [\"one\", \"two\"]", value)}}
		}
		v = items
	case "integer":
		n, err := strconv.Atoi(value)
		if err != nil {
			return Problems{{File: origin, Key: k.Path, Text: fmt.Sprintf("must be a whole number, not %s", value)}}
		}
		v = n
	case "duration":
		if text := k.check(value); text != "" {
			return Problems{{File: origin, Key: k.Path, Text: text}}
		}
	case "list of tables":
		return Problems{{File: origin, Key: k.Path, Text: "can only be set in the file"}}
	}
	section, name, _ := strings.Cut(k.Path, ".")
	l.over(origin, map[string]any{section: map[string]any{name: v}})
	return nil
}

// readList reads a list as people write it outside a file: parted by commas, or as in the file when an item has a comma of its own.
func readList(value string) (items []string, ok bool) {
	if value = strings.TrimSpace(value); strings.HasPrefix(value, "[") {
		var file struct{ V []string }
		err := toml.Unmarshal([]byte("v = "+value), &file)
		return file.V, err == nil
	}
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items, true
}

func (l *Loaded) decode() error {
	return l.values.UnmarshalWithConf("", &l.Config, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: &l.Config, TagName: "key", WeaklyTypedInput: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(mapstructure.StringToTimeDurationHookFunc()),
	}})
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Defaults is the configuration of a machine that has no file.
func Defaults() *Loaded {
	l := &Loaded{Profile: DefaultProfile, origin: map[string]string{}, values: koanf.New(sep)}
	l.over("default", defaults())
	_ = l.decode() // the defaults are this package's own; its tests decode them
	return l
}
