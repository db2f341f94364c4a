package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"charm.land/fang/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Fang asks once in the life of a program how wide the terminal is: no other test lets it say its help.
func TestTheHelpOfEveryCommandFitsEightyColumnsAndBreaksNoWord(t *testing.T) {
	const width = 80
	t.Setenv("__FANG_TEST_WIDTH", "80")
	root := func() *cobra.Command { return newRootCmd(&env{version: "test"}) }
	var paths [][]string
	var walk func(*cobra.Command, []string)
	walk = func(c *cobra.Command, path []string) {
		paths = append(paths, path)
		for _, sub := range c.Commands() {
			walk(sub, append(slices.Clone(path), sub.Name()))
		}
	}
	walk(root(), nil)
	if len(paths) < 40 {
		t.Fatalf("only %d commands", len(paths))
	}
	for _, path := range paths {
		plain, fitted := root(), root()
		fitHelp(fitted, append(slices.Clone(path), "--help"), width)
		var out bytes.Buffer
		fitted.SetOut(&out)
		fitted.SetErr(&out)
		fitted.SetArgs(append(slices.Clone(path), "--help"))
		if err := fang.Execute(t.Context(), fitted, fang.WithVersion("test"), fang.WithoutManpage()); err != nil {
			t.Fatal(path, err)
		}
		said := ansi.Strip(out.String())
		words := map[string]bool{}
		for line := range strings.SplitSeq(said, "\n") {
			if ansi.StringWidth(strings.TrimRight(line, " ")) > width {
				t.Errorf("%v: too wide: %s", path, line)
			}
			for _, w := range strings.Fields(line) {
				words[strings.ToLower(w)] = true
			}
		}
		c, _, err := plain.Find(path)
		check(t, err)
		texts := []string{c.Long, c.Example}
		c.Flags().VisitAll(func(f *pflag.Flag) { texts = append(texts, f.Usage) })
		c.InheritedFlags().VisitAll(func(f *pflag.Flag) { texts = append(texts, f.Usage) })
		for _, sub := range c.Commands() {
			if !sub.Hidden {
				texts = append(texts, sub.Short)
			}
		}
		for _, w := range strings.Fields(strings.Join(texts, " ")) {
			if !words[strings.ToLower(w)] {
				t.Errorf("%v: the word %q is not in the help:\n%s", path, w, said)
				break
			}
		}
	}
}

func TestALongExampleIsBrokenAsAShellTakesIt(t *testing.T) {
	for line, want := range map[string][]string{
		"short":                    {"short"},
		"offhook one two three":    {"offhook one \\", "two three"},
		"offhook \"a b c d e\" f":  {"offhook \\", "\"a b c d e\" f"},
		"aaaaaaaaaaaaaaaaaaaaaaaa": {"aaaaaaaaaaaaaaaaaaaaaaaa"},
	} {
		if got := brokenCommand(line, 14); !slices.Equal(got, want) {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
