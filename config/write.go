package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// initKeys are the settings that a new user fills in; the rest stands commented out below its section.
var initKeys = map[string]string{
	"sip.account":          `"sip:2101@pbx.example.com"`,
	"sip.password_command": `"pass show pbx/2101"`,
	"salesforce.client_id": `""`,
	"numbers.region":       `"GB"`,
}

// Init writes a commented file of settings. It never overwrites one. What the system's file locks is not there to be filled in.
func Init(path string) error {
	l := &Loaded{}
	if f, _, err := readFile(systemFile()); err == nil {
		_ = l.lock(f, unsafe(f.path)) // what is wrong with it is Load's to say
	}
	return l.init(path)
}

func (l *Loaded) init(path string) error {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s exists already and was left as it is; edit it, or move it away first", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("#:schema ./config.schema.json\n# offhook's settings. offhook config check tells what is wrong with them, offhook config explain KEY what each one does.\n" +
		"# Lines that begin with # show the defaults.\n")
	for _, s := range Sections() {
		fmt.Fprintf(&b, "\n# %s\n[%s]\n", s.Doc, s.Name)
		for _, k := range s.Keys {
			if _, file, ok := l.Locked(k.Path); ok {
				fmt.Fprintf(&b, "# %s is locked in %s\n", k.Name(), file)
			} else if v, ok := initKeys[k.Path]; ok {
				fmt.Fprintf(&b, "%s = %s # %s\n", k.Name(), v, k.Doc)
			} else if !k.Secret {
				fmt.Fprintf(&b, "#%s = %s # %s\n", k.Name(), k.TOML(), k.Doc)
			}
		}
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// Schema writes the JSON schema of the file, for editors that complete and check TOML.
func Schema(w io.Writer) error {
	props := map[string]any{}
	for _, s := range Sections() {
		table := map[string]any{"type": "object", "description": s.Doc, "additionalProperties": false}
		keys := map[string]any{}
		for _, k := range s.Keys {
			keys[k.Name()] = k.schema()
		}
		table["properties"] = keys
		if s.Name == "keys" {
			table["additionalProperties"] = map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
		}
		props[s.Name] = table
	}
	sections := map[string]any{"type": "object", "additionalProperties": false, "properties": props}
	all := map[string]any{}
	for name, p := range props {
		all[name] = p
	}
	all[lockWord] = map[string]any{"type": "array", "items": map[string]any{"type": "string"}, "description": "Only in the system's file: settings that nothing after it may set, as salesforce.* or recording.consent."}
	all["profile"] = map[string]any{"type": "object", "description": "Profiles: [profile.NAME.sip] and so on, laid over the rest with --profile NAME.", "additionalProperties": sections}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "offhook configuration", "type": "object",
		"additionalProperties": false, "properties": all,
	})
}

func (k Key) schema() map[string]any {
	out := map[string]any{"description": k.Doc}
	switch k.Type {
	case "true/false":
		out["type"], out["default"] = "boolean", k.Default == "true"
	case "integer":
		out["type"] = "integer"
	case "list":
		out["type"], out["items"] = "array", map[string]any{"type": "string"}
	case "list of tables":
		out["type"], out["items"] = "array", map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{
			"prefix": map[string]any{"type": "string"}, "min_len": map[string]any{"type": "integer"},
			"max_len": map[string]any{"type": "integer"}, "internal": map[string]any{"type": "boolean"},
		}}
	case "duration":
		out["type"], out["pattern"], out["default"] = "string", `^([0-9.]+(ms|s|m|h))+$`, k.Default
	default:
		out["type"], out["default"] = "string", k.Default
	}
	if len(k.Enum) > 0 {
		out["enum"] = k.Enum
	}
	return out
}

// Reference writes docs/config.md: every setting, from the same table that reads the file.
func Reference(w io.Writer) {
	fmt.Fprint(w, "# Settings\n\n<!-- Generated from config/config.go: go generate ./config -->\n\nOne file, `~/.config/offhook/config.toml`. Later layers win: defaults, `/etc/offhook/config.toml`, your file, `[profile.NAME.…]` of\n`--profile NAME`, environment variables `OFFHOOK_SECTION_KEY`, `--set section.key=value`. A list is written there as\n`one,two` or, as in the file, `[\"one\", \"two\"]`. An unknown setting is an error.\n\n"+
		"`locked = [\"salesforce.*\", \"recording.consent\"]`, above the first section of `/etc/offhook/config.toml`, keeps every later layer from setting these:\n[guide-admin.md](guide-admin.md#locked-settings).\n")
	for _, s := range Sections() {
		fmt.Fprintf(w, "\n## [%s]\n\n%s\n", s.Name, s.Doc)
		if len(s.Keys) == 0 {
			continue
		}
		fmt.Fprint(w, "\n| setting | type | default | |\n| --- | --- | --- | --- |\n")
		for _, k := range s.Keys {
			doc := k.Doc
			if len(k.Enum) > 0 {
				doc += " One of: `" + strings.Join(k.choices(), "`, `") + "`."
			}
			fmt.Fprintf(w, "| `%s` | %s | `%s` | %s |\n", k.Name(), k.Type, k.TOML(), strings.ReplaceAll(doc, "|", "\\|"))
		}
	}
}
