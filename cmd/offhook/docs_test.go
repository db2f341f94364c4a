package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// docs reads every page of the documentation, by its path from the root of the house.
func docs(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..")
	pages := map[string]string{}
	read := func(path string) {
		raw, err := os.ReadFile(path)
		check(t, err)
		name, err := filepath.Rel(root, path)
		check(t, err)
		pages[filepath.ToSlash(name)] = string(raw)
	}
	read(filepath.Join(root, "README.md"))
	check(t, filepath.WalkDir(filepath.Join(root, "docs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".md" {
			read(path)
		}
		return err
	}))
	return pages
}

// example is what stands in one fenced block.
type example struct {
	kind, body string
	line       int // of the fence, from 1
}

// examples are the fenced blocks of a page.
func examples(page string) (out []example) {
	var open *example
	for i, line := range strings.Split(page, "\n") {
		kind, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && open != nil:
			out, open = append(out, *open), nil
		case fence:
			open = &example{kind: kind, line: i + 1}
		case open != nil:
			open.body += line + "\n"
		}
	}
	return out
}

// Files that the examples name.
const (
	layoutFile = `{"Inbound":{"objects":{"Contact":["Name"]}}}`
	centreFile = `<callCenter><section sortOrder="0" name="reqGeneralInfo" label="General Information">
<item sortOrder="0" name="reqInternalName" label="Internal Name">Desk</item></section></callCenter>`
)

// Whoever copies an example into a file of settings has a file that works: its section is named, and nothing in it is unknown. What
// the example does not say (an account, the files that it names) is there.
func TestEveryExampleOfSettingsInTheDocumentationLoads(t *testing.T) {
	seen := 0
	for name, page := range docs(t) {
		for _, ex := range examples(page) {
			if ex.kind != "toml" {
				continue
			}
			seen++
			t.Run(fmt.Sprintf("%s:%d", name, ex.line), func(t *testing.T) {
				dir := t.TempDir()
				room{t, dir}.issues("2101", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
				body := strings.NewReplacer("/etc/offhook/ca.pem", filepath.ToSlash(filepath.Join(dir, "2101.pem")), "/etc/offhook/2101", filepath.ToSlash(filepath.Join(dir, "2101")), "age1…", "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
					"KEY_FILE of the emulator's first line", filepath.ToSlash(filepath.Join(dir, "key.pem"))).Replace(ex.body)
				for file, holds := range map[string]string{
					"config.toml": body, "layout.json": layoutFile, "support.json": layoutFile, "grace.json": layoutFile, "callcenter.xml": centreFile, "key.pem": "",
				} {
					check(t, os.WriteFile(filepath.Join(dir, file), []byte(holds), 0o600))
				}
				e := testEnv()
				e.configFile = filepath.Join(dir, "config.toml")
				if !strings.Contains(body, "account =") {
					e.set = append(e.set, "sip.account=sip:2101@pbx.example.com")
				}
				if strings.HasPrefix(body, "locked") { // an administrator's file
					e.practice = true
				}
				check(t, e.configCheck())
			})
		}
	}
	if seen < 20 {
		t.Errorf("only %d examples were found", seen)
	}
}

var (
	inline  = regexp.MustCompile("`(offhook [^`]+)`")
	typed   = regexp.MustCompile(`(?m)^(?: {4,}|\$ | +\$ )?(?:OFFHOOK_[A-Z_]+=\S+ +)?(offhook .+)$`)
	quoted  = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	ending  = regexp.MustCompile(`\s+[#|>&;].*$| {3,}.*$|;.*$`)
	command = regexp.MustCompile(`^[a-z][a-z-]*$`)
)

// commandLines are the lines of a page that a reader types, without prompts, comments and what comes after a pipe.
func commandLines(page string) (out []string) {
	add := func(found [][]string) {
		for _, m := range found {
			out = append(out, strings.TrimSpace(ending.ReplaceAllString(quoted.ReplaceAllString(m[1], "QUOTED"), "")))
		}
	}
	add(inline.FindAllStringSubmatch(page, -1))
	for _, ex := range examples(page) {
		if ex.kind == "" {
			add(typed.FindAllStringSubmatch(ex.body, -1))
		}
	}
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(line, "    ") {
			add(typed.FindAllStringSubmatch(line, -1))
		}
	}
	return out
}

func TestEveryCommandLineInTheDocumentationIsUnderstood(t *testing.T) {
	root := newRootCmd(&env{out: new(bytes.Buffer), errOut: new(bytes.Buffer), in: strings.NewReader(""), version: "test"})
	seen := 0
	for name, page := range docs(t) {
		for _, line := range commandLines(page) {
			var words, flags []string
			for i, w := range strings.Fields(line)[1:] {
				switch {
				case strings.HasPrefix(w, "-") && w != "-":
					w, _, _ = strings.Cut(strings.TrimRight(w, ",.:)]"), "=")
					flags = append(flags, w)
				case i == len(words) && command.MatchString(w):
					words = append(words, w)
				}
			}
			if len(words) == 0 && len(flags) == 0 || strings.HasSuffix(line, ".") { // prose, as "offhook has no configuration yet."
				continue
			}
			seen++
			c, _, err := root.Find(words)
			if err != nil || c == root && len(words) > 0 || c.HasSubCommands() && !c.Runnable() && len(words) > strings.Count(c.CommandPath(), " ") {
				t.Errorf("%s: there is no such command: %s", name, line)
				continue
			}
			for _, f := range flags {
				long := strings.TrimPrefix(f, "--")
				if long == f && c.Flags().ShorthandLookup(f[1:]) == nil || long != f && c.Flag(long) == nil && c.InheritedFlags().Lookup(long) == nil && long != "help" && long != "version" {
					t.Errorf("%s: %s has no %s", name, line, f)
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d command lines were found", seen)
	}
}
