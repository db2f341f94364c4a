package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"offhook/sip/exchange"
)

var updateCLI = flag.Bool("update", false, "write docs/cli.md")

// cliPage is the reference of every subcommand, made of the commands themselves.
func cliPage() string {
	var b strings.Builder
	b.WriteString("# Commands\n\n<!-- Generated from cmd/offhook: go test ./cmd/offhook -run CommandReference -update -->\n")
	root := newRootCmd(&env{out: new(bytes.Buffer), errOut: new(bytes.Buffer), in: strings.NewReader(""), version: "test"})
	fmt.Fprintf(&b, "\n`offhook` alone starts the desk with your settings. Every command takes these flags, and `--help`:\n\n%s",
		indent(root.PersistentFlags().FlagUsages()))
	describe(&b, root)
	return b.String()
}

func describe(b *strings.Builder, cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		fmt.Fprintf(b, "\n## %s\n\n%s.\n\n%s", c.CommandPath(), c.Short, indent(c.UseLine()))
		if c.Long != "" && c.Long != c.Short {
			b.WriteString("\n" + strings.TrimSpace(c.Long) + "\n")
		}
		if flags := c.LocalNonPersistentFlags().FlagUsages(); flags != "" {
			// Where a running exchange is found depends on the machine.
			b.WriteString("\n" + indent(strings.ReplaceAll(flags, fmt.Sprintf(" (default %q)", exchange.ControlFile()), "")))
		}
		if c.Example != "" {
			b.WriteString("\nExamples:\n\n" + indent(c.Example))
		}
		describe(b, c)
	}
}

// indent makes a block of code of some lines.
func indent(s string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.Trim(s, "\n"), "\n") {
		b.WriteString(strings.TrimRight("    "+strings.TrimPrefix(line, "  "), " ") + "\n")
	}
	return b.String()
}

func TestTheCommandReferenceIsFresh(t *testing.T) {
	t.Setenv("USER", "") // the default of one flag
	path, want := filepath.Join("..", "..", "docs", "cli.md"), cliPage()
	if strings.Contains(want, exchange.ControlFile()) {
		t.Fatal("the page names a path of this machine")
	}
	if *updateCLI {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Fatalf("docs/cli.md is stale (%v); make it again with: go test ./cmd/offhook -run CommandReference -update", err)
	}
}

func TestEveryCommandSaysWhatItDoes(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" && !c.Hidden {
			t.Errorf("%s has no short description", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRootCmd(&env{version: "test"}))
}
