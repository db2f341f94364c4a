package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"offhook/internal/checkup"
)

// helpWidth is how wide the help is, as fang takes it.
func helpWidth() int {
	w, _, err := term.GetSize(os.Stdout.Fd())
	if err != nil {
		return 120
	}
	return min(w, 120)
}

// fitHelp breaks what the help of one command says between words, for a width: fang leaves that to the terminal, which breaks in the
// middle of words, and cuts examples. args are those of the program: they say which command.
func fitHelp(root *cobra.Command, args []string, width int) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	c, rest, err := root.Find(args)
	if err == nil && c.Name() == "help" {
		c, _, err = root.Find(rest)
	}
	if err != nil {
		return
	}
	room := max(width-helpColumn(c), 20)
	for _, set := range []*pflag.FlagSet{c.LocalFlags(), c.InheritedFlags()} {
		set.VisitAll(func(f *pflag.Flag) { fitFlag(f, room) })
	}
	for _, sub := range c.Commands() {
		sub.Short = strings.Join(checkup.Wrap(sub.Short, room), "\n")
	}
	var long, examples []string
	for line := range strings.SplitSeq(c.Long, "\n") {
		const margin = 2
		if ansi.StringWidth(line) > width-margin {
			long = append(long, checkup.Wrap(line, width-margin)...)
		} else {
			long = append(long, line)
		}
	}
	c.Long = strings.Join(long, "\n")
	for line := range strings.SplitSeq(c.Example, "\n") {
		const frame = 8
		examples = append(examples, brokenCommand(strings.TrimSpace(line), width-frame)...)
	}
	c.Example = strings.Join(examples, "\n")
}

// fitFlag breaks the text of a flag; fang puts its default behind the last line.
func fitFlag(f *pflag.Flag, room int) {
	usage := strings.Join(strings.Fields(f.Usage), " ")
	shown := ""
	if d := f.DefValue; d != "" && d != "false" && d != "0" && d != "[]" {
		shown = " (" + d + ")"
	}
	lines := checkup.Wrap(usage, room)
	if last := lines[len(lines)-1]; ansi.StringWidth(last+shown) > room {
		lines = append(lines, "")
	}
	f.Usage = strings.Join(lines, "\n")
}

// helpColumn is where the texts of a command's help begin.
func helpColumn(c *cobra.Command) int {
	const before, between, least = 4, 2, 10
	space := least
	key := func(s string) { space = max(space, ansi.StringWidth(s)+between) }
	flag := func(f *pflag.Flag) {
		if f.Shorthand != "" {
			key(fmt.Sprintf("-%s --%s", f.Shorthand, f.Name))
		} else {
			key("--" + f.Name)
		}
	}
	key("-v --version")
	c.LocalFlags().VisitAll(flag)
	c.InheritedFlags().VisitAll(flag)
	for _, sub := range c.Commands() {
		use := sub.Use + " [--flags]"
		if sub.HasAvailableSubCommands() {
			use += " [command]"
		}
		key(use)
	}
	return before + space
}

// brokenCommand is a command line in lines that a shell joins again, broken between words that stand in no quotes.
func brokenCommand(line string, width int) (out []string) {
	const indent = 2
	for ansi.StringWidth(line) > width {
		cut, quote := 0, rune(0)
		for i, r := range line {
			switch {
			case quote == 0 && (r == '"' || r == '\''):
				quote = r
			case r == quote:
				quote = 0
			case r == ' ' && quote == 0 && ansi.StringWidth(line[:i])+len(" \\") <= width:
				cut = i
			}
		}
		if cut == 0 {
			break
		}
		out, line = append(out, line[:cut]+" \\"), line[cut+1:]
		if len(out) == 1 {
			width -= indent
		}
	}
	return append(out, line)
}
