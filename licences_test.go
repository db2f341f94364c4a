package offhook_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestEveryModuleInTheProgramIsNamedWithItsLicence(t *testing.T) {
	raw, err := os.ReadFile("docs/licences/README.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	seen := map[string]bool{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "./cmd/offhook")
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		list, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for path := range strings.FieldsSeq(string(list)) {
			seen[path] = true
		}
	}
	if len(seen) < 20 {
		t.Fatalf("only %d modules were found", len(seen))
	}
	for path := range seen {
		if !strings.Contains(page, "| `"+path+"` |") {
			t.Errorf("docs/licences/README.md does not name %s, which the program holds", path)
		}
	}
	for line := range strings.Lines(page) {
		if path, ok := strings.CutPrefix(line, "| `"); ok {
			if path, _, _ = strings.Cut(path, "`"); !seen[path] {
				t.Errorf("docs/licences/README.md names %s, which the program does not hold", path)
			}
		}
	}
}
