package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// plainWords makes every command below c answer words that it cannot use with one line that shows how it is written.
// cobra's own answers count arguments; and a group of commands shows its help, as a success, for any word at all.
func plainWords(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if check(cmd, args) == nil {
				return nil
			}
			return wrongWords(cmd, args)
		}
	}
	if !c.Runnable() && c.HasSubCommands() {
		c.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return wrongWords(cmd, args)
			}
			return cmd.Help()
		}
	}
	c.Long = unbroken(c.Long)
	for _, sub := range c.Commands() {
		plainWords(sub)
	}
}

// unbroken joins the lines of each paragraph: the help breaks them anew, to the width of the terminal. Short lines,
// and those in columns, are meant as they stand.
func unbroken(long string) string {
	var out strings.Builder
	for line := range strings.Lines(long) {
		if text := strings.TrimSuffix(line, "\n"); len(text) >= 80 && text != line && !strings.Contains(text, "   ") {
			out.WriteString(text + " ")
			continue
		}
		out.WriteString(line)
	}
	return strings.ReplaceAll(out.String(), " \n", "\n\n")
}

func wrongWords(cmd *cobra.Command, args []string) error {
	usage := cmd.CommandPath()
	if _, words, ok := strings.Cut(cmd.Use, " "); ok {
		usage += " " + words
	}
	switch {
	case cmd.HasSubCommands() && len(args) > 0:
		line := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0])
		cmd.SuggestionsMinimumDistance = 2
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			return fmt.Errorf("%s; did you mean %s %s?", line, cmd.CommandPath(), near[0])
		}
		return fmt.Errorf("%s; %s --help lists them", line, cmd.CommandPath())
	case len(args) > 0 && !strings.Contains(cmd.Use, " "):
		return fmt.Errorf("%s takes no %q; write it as: %s", cmd.CommandPath(), args[0], usage)
	case len(args) > 0:
		return fmt.Errorf("%s cannot take all of %s; write it as: %s", cmd.CommandPath(), strings.Join(args, " "), usage)
	}
	return fmt.Errorf("something is missing; write it as: %s", usage)
}

// plain says what cobra says about flags that exclude each other.
func plain(line string) string {
	if rest, ok := strings.CutPrefix(line, "if any flags in the group ["); ok {
		if names, _, ok := strings.Cut(rest, "]"); ok {
			return "give only one of --" + strings.Join(strings.Fields(names), " and --")
		}
	}
	return line
}
