package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"offhook/config"
)

var (
	namedSetting = regexp.MustCompile("`([a-z]+)\\.([a-z0-9_]+)`")
	namedCommand = regexp.MustCompile("`offhook ([a-z]+)(?: ([a-z]+))?")
	linkedPlace  = regexp.MustCompile(`\]\(([^)#: ]*)(?:#([a-z0-9-]+))?\)`)
	generated    = regexp.MustCompile(`(?s)<!-- Generated.*?<!-- end`) // has a test of its own
	heading      = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// anchors are the places of a page that a link can name.
func anchors(page string) map[string]bool {
	out := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(page, -1) {
		var b strings.Builder
		for _, r := range strings.ToLower(h[1]) {
			switch {
			case r == ' ':
				b.WriteByte('-')
			case r == '-' || r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				b.WriteRune(r)
			}
		}
		out[b.String()] = true
	}
	return out
}

func TestWhatTheGuidesPromiseIsThere(t *testing.T) {
	root := newRootCmd(&env{out: new(bytes.Buffer), errOut: new(bytes.Buffer), in: strings.NewReader(""), version: "test"})
	sections := map[string]bool{}
	for _, s := range config.Sections() {
		sections[s.Name] = true
	}
	delete(sections, "keys")
	for _, name := range []string{"README.md", "docs/README.md", "docs/features.md", "docs/guide-admin.md", "docs/guide-records.md", "docs/guide-campaigns.md", "docs/troubleshooting.md"} {
		path := filepath.Join("..", "..", name)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		page := string(raw)
		for _, m := range namedSetting.FindAllStringSubmatch(generated.ReplaceAllString(page, ""), -1) {
			if _, ok := config.Find(m[1] + "." + m[2]); sections[m[1]] && !ok && m[2] != "json" { // a file's name
				t.Errorf("%s names the setting %s.%s", name, m[1], m[2])
			}
		}
		for _, m := range namedCommand.FindAllStringSubmatch(page, -1) {
			if m[1] == "has" { // "offhook has no configuration yet"
				continue
			}
			words := strings.Fields(m[1] + " " + m[2])
			if c, _, err := root.Find(words[:1]); err != nil || c == root {
				t.Errorf("%s names the command offhook %s", name, m[1])
			} else if sub, _, err := root.Find(words); err != nil || len(words) > 1 && sub == c && c.HasSubCommands() && !c.Runnable() {
				t.Errorf("%s names the command offhook %s", name, strings.Join(words, " "))
			}
		}
		for _, m := range linkedPlace.FindAllStringSubmatch(page, -1) {
			to, text := path, page
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(path), m[1])
				raw, err := os.ReadFile(to)
				if err != nil {
					if st, err := os.Stat(to); err != nil || !st.IsDir() {
						t.Errorf("%s links to %s", name, m[1])
					}
					continue
				}
				text = string(raw)
			}
			if m[2] != "" && !anchors(text)[m[2]] {
				t.Errorf("%s links to %s, which has no place #%s", name, to, m[2])
			}
		}
	}
}
