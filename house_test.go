// Package offhook_test keeps the house in order: which package may import which, how long a file may be, and what every file
// must have. What it says about arrows is docs/README.md's picture of the house, as a test.
package offhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pkg is what the arrows are judged by: a package of this module and everything its code and its tests import directly.
type pkg struct {
	ImportPath   string
	Dir          string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

const module = "offhook"

// arrow is one rule of the house: no package under From imports one under To, except those under Unless.
type arrow struct {
	from   []string // prefixes of import paths; "" means the whole module
	to     []string
	unless []string // packages that may
	why    string
	tests  bool // holds for tests too
}

// below is everything under the screen.
var below = []string{"offhook/desk", "offhook/sip", "offhook/media", "offhook/crm", "offhook/config", "offhook/hub", "offhook/internal"}

// arrows are the rules: cmd → ui → desk → {sip, crm}, sip → media; hub stands beside ui on desk.
var arrows = []arrow{
	{from: below, to: []string{"charm.land/bubbletea", "charm.land/bubbles", "charm.land/lipgloss", "github.com/charmbracelet/bubbletea"},
		why: "nothing below ui knows the screen"},
	{from: []string{""}, to: []string{"github.com/emiago/sipgo"}, unless: []string{"offhook/sip/transaction"}, why: "sipgo is transaction's own business"},
	{from: []string{""}, to: []string{"github.com/nats-io"}, unless: []string{"offhook/hub"}, why: "NATS is the hub's own business", tests: true},
	{from: []string{"offhook/sip"}, to: []string{"offhook/crm"}, why: "the telephone does not know the customer", tests: true},
	{from: []string{"offhook/crm"}, to: []string{"offhook/sip", "offhook/media"}, why: "the customer does not know the telephone", tests: true},
	{from: []string{"offhook/media"}, to: []string{"offhook/sip", "offhook/crm", "offhook/desk"}, why: "sound stands on its own", tests: true},
	{from: []string{"offhook/sip", "offhook/crm", "offhook/media", "offhook/config", "offhook/internal"}, to: []string{"offhook/desk", "offhook/keymap"},
		why: "arrows point down, and the desk is above"},
	{from: append([]string{"offhook/keymap"}, below...), to: []string{"offhook/ui"}, why: "nothing below the screen imports it", tests: true},
	{from: []string{"offhook/ui", "offhook/desk", "offhook/keymap", "offhook/sip", "offhook/media", "offhook/crm", "offhook/config", "offhook/internal"},
		to: []string{"offhook/hub"}, why: "the hub carries what others make; they do not know it", tests: true},
	{from: []string{"offhook/hub"}, to: []string{"offhook/ui", "offhook/crm/salesforce", "offhook/crm/ledger", "offhook/media"},
		why: "the hub carries snapshots of desks and nothing else"},
	{from: []string{"offhook/desk", "offhook/ui", "offhook/hub"}, to: []string{"offhook/crm/post"}, why: "the desk stores what is to be sent; cmd runs what sends it"},
	{from: []string{"offhook/internal/text"}, to: []string{"offhook"}, why: "text is a leaf that all use", tests: true},
	{from: append([]string{"offhook/ui", "offhook/hub", "offhook/keymap"}, below...), to: []string{"offhook/cmd"}, why: "cmd wires the parts; no part knows it", tests: true},
}

// under reports whether a package is one of the prefixes or lies in one.
func under(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool {
		return p == "" || path == p || strings.HasPrefix(path, p+"/")
	})
}

// broken names every import that goes against a rule.
func broken(packages []pkg, rules []arrow) (out []string) {
	for _, p := range packages {
		for _, rule := range rules {
			if !under(p.ImportPath, rule.from) || under(p.ImportPath, rule.unless) {
				continue
			}
			imports := slices.Clone(p.Imports)
			if rule.tests {
				imports = slices.Concat(imports, p.TestImports, p.XTestImports)
			}
			for _, i := range imports {
				if under(i, rule.to) && i != p.ImportPath {
					out = append(out, fmt.Sprintf("%s imports %s: %s", p.ImportPath, i, rule.why))
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// packages lists the module with go list, tests included.
func packages(t *testing.T) (out []pkg) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Imports,TestImports,XTestImports", "./...")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, complaint.String())
	}
	for dec := json.NewDecoder(bytes.NewReader(raw)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
}

func TestArrowsBetweenPackagesGoOneWay(t *testing.T) {
	all := packages(t)
	if len(all) < 20 || all[0].ImportPath != module && !strings.HasPrefix(all[0].ImportPath, module+"/") {
		t.Fatalf("%d packages were found, the first is %+v", len(all), all[0])
	}
	for _, line := range broken(all, arrows) {
		t.Error(line)
	}
}

func TestABrokenArrowIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		p     pkg
		finds string // "": nothing
	}{
		"the desk draws":                  {pkg{ImportPath: "offhook/desk", Imports: []string{"charm.land/bubbletea/v2"}}, "screen"},
		"a dialog parses by itself":       {pkg{ImportPath: "offhook/sip/dialog", Imports: []string{"github.com/emiago/sipgo/sip"}}, "sipgo"},
		"transaction may use sipgo":       {pkg{ImportPath: "offhook/sip/transaction", Imports: []string{"github.com/emiago/sipgo/sip"}}, ""},
		"the screen talks to NATS":        {pkg{ImportPath: "offhook/ui", Imports: []string{"github.com/nats-io/nats.go"}}, "NATS"},
		"the phone looks callers up":      {pkg{ImportPath: "offhook/sip", Imports: []string{"offhook/crm"}}, "customer"},
		"a test of the phone does":        {pkg{ImportPath: "offhook/sip", XTestImports: []string{"offhook/crm/emulator"}}, "customer"},
		"the customer rings":              {pkg{ImportPath: "offhook/crm/ledger", Imports: []string{"offhook/sip"}}, "telephone"},
		"sound knows calls":               {pkg{ImportPath: "offhook/media/device", Imports: []string{"offhook/sip/dialog"}}, "sound"},
		"the desk reaches up":             {pkg{ImportPath: "offhook/desk", Imports: []string{"offhook/ui/bridge"}}, "below the screen"},
		"text uses the project":           {pkg{ImportPath: "offhook/internal/text", Imports: []string{"offhook/config"}}, "leaf"},
		"a name that only begins alike":   {pkg{ImportPath: "offhook/sipper", Imports: []string{"offhook/crm"}}, ""},
		"the desk uses phone and records": {pkg{ImportPath: "offhook/desk", Imports: []string{"offhook/sip", "offhook/crm"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := broken([]pkg{c.p}, arrows)
			if c.finds == "" && len(got) > 0 || c.finds != "" && (len(got) == 0 || !strings.Contains(got[0], c.finds)) {
				t.Errorf("found %q, want something about %q", got, c.finds)
			}
		})
	}
}

// goFiles are the module's own Go files.
func goFiles(t *testing.T) (out []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(path, ".go") {
			out = append(out, path)
		}
		return nil
	})
	if err != nil || len(out) < 100 {
		t.Fatalf("%d files were found, %v", len(out), err)
	}
	return out
}

// longest is how many lines a file may have: a file is a room with one thing in it.
const longest = 450

func TestFilesOfTheHouseAreShortAndFormatted(t *testing.T) {
	for _, path := range goFiles(t) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(raw, []byte("\n")); n > longest && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s has %d lines: at most %d, a new idea gets a new file", path, n, longest)
		}
		if formatted, err := format.Source(raw); err != nil || !bytes.Equal(formatted, raw) {
			t.Errorf("%s is not gofmt-ed (%v)", path, err)
		}
	}
}

func TestEveryRoomOfTheHouseSaysWhatItIsFor(t *testing.T) {
	says, dirs := map[string]int{}, map[string]bool{}
	files := token.NewFileSet()
	for _, path := range goFiles(t) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(path)
		dirs[dir] = true
		if f.Doc != nil {
			says[dir] += len(strings.Fields(f.Doc.Text()))
		}
	}
	for dir := range dirs {
		if says[dir] < 8 {
			t.Errorf("the package in %s does not say what it is for", dir)
		}
	}
}

// machines are beginnings of paths that exist on one machine only. They are put together here so that this file does not hold
// them.
var machines = []string{"/" + "work/", "/" + "root/", "/tmp" + "/offhook-"}

func TestNoFileOfTheHouseNamesOneMachine(t *testing.T) {
	kinds := []string{".go", ".md", ".toml", ".sh", ".tape", ".json", ".mod", ".xml"}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || !slices.Contains(kinds, filepath.Ext(path)) {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range machines {
			for i, line := range strings.Split(string(raw), "\n") {
				if strings.Contains(line, m) {
					t.Errorf("%s:%d names a path of one machine (%s…)", path, i+1, m)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestGeneratedPagesAreThereAndSayHowTheyStayFresh(t *testing.T) {
	for path, from := range map[string]string{
		"docs/config.md": "config/config.go", "docs/keys.md": "keymap/action.go", "docs/cli.md": "cmd/offhook",
	} {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%s is missing: %v", path, err)
			continue
		}
		if !bytes.Contains(raw, []byte("<!-- Generated from ")) || !bytes.Contains(raw, []byte(from)) {
			t.Errorf("%s does not say that it is generated from %s", path, from)
		}
	}
}

func TestLinksInTheHouseLeadSomewhere(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, target := range links(string(raw)) {
			file, _, _ := strings.Cut(target, "#")
			if file == "" || strings.Contains(file, "://") || strings.HasPrefix(file, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), filepath.FromSlash(file))); err != nil {
				t.Errorf("%s links to %s, which is not there", path, target)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// links are the targets of Markdown's [text](target), outside of code.
func links(md string) (out []string) {
	code := false
	for line := range strings.SplitSeq(md, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		}
		if code || strings.HasPrefix(line, "    ") {
			continue
		}
		for rest := line; ; {
			_, after, ok := strings.Cut(rest, "](")
			if !ok {
				break
			}
			target, more, ok := strings.Cut(after, ")")
			if !ok {
				break
			}
			out, rest = append(out, target), more
		}
	}
	return out
}

func TestLinksOfTheHouseAreRead(t *testing.T) {
	got := links("see [a](b.md) and ![c](d/e.svg#x)\n```\n[no](code)\n```\n    [nor](this)\n")
	if !slices.Equal(got, []string{"b.md", "d/e.svg#x"}) {
		t.Errorf("found %q", got)
	}
}
