package salesforce

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of sign-in failures into docs/troubleshooting.md")

const (
	hintsPage  = "../../docs/troubleshooting.md"
	hintsBegin = "<!-- Generated from crm/salesforce/hint.go: go test ./crm/salesforce -run Troubleshooting -update -->\n"
	hintsEnd   = "<!-- end of the generated table -->\n"
)

// hintsTable is the page's table of sign-in failures.
func hintsTable() string {
	grants := map[string]string{GrantCode: "browser", GrantRefresh: "renewal", GrantJWT: "flow jwt", GrantClient: "flow client", GrantDevice: "flow device"}
	var b strings.Builder
	b.WriteString("\n| offhook says | Salesforce says | what to do |\n| --- | --- | --- |\n")
	for _, h := range Hints() {
		var said []string
		for _, c := range h.Codes {
			said = append(said, "`"+c+"`")
		}
		for _, s := range h.Says {
			said = append(said, "“"+s+"”")
		}
		from := strings.Join(said, ", ")
		if g := grants[h.Grant]; g != "" {
			from += " (" + g + ")"
		}
		do := h.Do
		for _, word := range strings.Fields(do) { // settings and addresses as code
			bare := strings.Trim(word, ",;:")
			if strings.HasPrefix(bare, "salesforce.") || strings.HasPrefix(bare, "http") {
				do = strings.ReplaceAll(do, word, strings.Replace(word, bare, "`"+bare+"`", 1))
			}
		}
		b.WriteString("| `" + h.What + "` | " + from + " | " + do + " |\n")
	}
	return b.String() + "\n"
}

func TestTheTroubleshootingPageHasEverySignInFailure(t *testing.T) {
	raw, err := os.ReadFile(hintsPage)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	begin, end := strings.Index(page, hintsBegin), strings.Index(page, hintsEnd)
	if begin < 0 || end < begin {
		t.Fatal("the page has lost the marks of its generated table")
	}
	want := page[:begin+len(hintsBegin)] + hintsTable() + page[end:]
	if *update {
		if err := os.WriteFile(hintsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if page != want {
		t.Error("docs/troubleshooting.md is not what the table says: go test ./crm/salesforce -run Troubleshooting -update")
	}
}
