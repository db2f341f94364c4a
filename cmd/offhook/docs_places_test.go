package main

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"offhook/config"
)

var (
	namedSetting = regexp.MustCompile("`([a-z]+)\\.([a-z0-9_]+)`")
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

func TestSettingsAndPlacesThatTheDocumentationNamesAreThere(t *testing.T) {
	sections := map[string]bool{}
	for _, s := range config.Sections() {
		sections[s.Name] = s.Name != "keys"
	}
	pages := docs(t)
	for name, page := range pages {
		for _, m := range namedSetting.FindAllStringSubmatch(generated.ReplaceAllString(page, ""), -1) {
			switch _, ok := config.Find(m[1] + "." + m[2]); {
			case ok, !sections[m[1]], m[2] == "json": // a file's name
			case name == "docs/json.md", name == "docs/hub.md": // those name members of JSON
			default:
				t.Errorf("%s names the setting %s.%s", name, m[1], m[2])
			}
		}
		for _, m := range linkedPlace.FindAllStringSubmatch(page, -1) {
			to := name
			if m[1] != "" {
				to = path.Join(path.Dir(name), m[1])
			}
			if text, ok := pages[to]; ok && m[2] != "" && !anchors(text)[m[2]] {
				t.Errorf("%s links to %s, which has no place #%s", name, to, m[2])
			}
		}
	}
}
