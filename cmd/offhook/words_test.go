package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestWordsThatCannotBeUsedGetOneLineThatShowsHowItIsWritten(t *testing.T) {
	for words, want := range map[string]string{
		"config chek":       `offhook config has no command "chek"; did you mean offhook config check?`,
		"outbox zzzzzz":     `offhook outbox has no command "zzzzzz"; offhook outbox --help lists them`,
		"outbox show":       "something is missing; write it as: offhook outbox show KEY",
		"play":              "something is missing; write it as: offhook play TAPE…",
		"config schema all": `offhook config schema takes no "all"; write it as: offhook config schema`,
		"why a b":           "offhook why cannot take all of a b; write it as: offhook why",
	} {
		root := newRootCmd(&env{out: new(bytes.Buffer), errOut: new(bytes.Buffer), in: strings.NewReader(""), version: "test"})
		root.SetArgs(strings.Fields(words))
		root.SetOut(new(bytes.Buffer))
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("offhook %s: %v", words, err)
		}
	}
}

func TestFlagsThatExcludeEachOtherAreNamed(t *testing.T) {
	root := newRootCmd(&env{out: new(bytes.Buffer), errOut: new(bytes.Buffer), in: strings.NewReader(""), version: "test"})
	root.SetArgs([]string{"history", "--json", "--csv"})
	if err := root.ExecuteContext(t.Context()); err == nil || plain(err.Error()) != "give only one of --json and --csv" {
		t.Errorf("%v", err)
	}
}

func TestHelpIsBrokenToTheTerminalAndNotTwice(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("word ", 20))
	for in, want := range map[string]string{
		long + "\nshort\nlast":             long + " short\nlast",
		long + "\n" + long + "\n\n" + long: long + " " + long + "\n\n" + long,
		long + "   column\nnext":           long + "   column\nnext",
		"":                                 "",
	} {
		if got := unbroken(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
