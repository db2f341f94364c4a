package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm/number"
	"offhook/keymap"
	"offhook/media/device"
)

func newConfigCmd(e *env) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Write, check and explain the settings"}
	cmd.AddCommand(
		&cobra.Command{
			Use: "init", Short: "Write a commented file of settings", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return e.configInit() },
		},
		&cobra.Command{
			Use: "check", Short: "Say what is wrong with the settings", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return e.configCheck() },
		},
		&cobra.Command{
			Use: "explain [KEY]", Short: "Say what a setting does, its value and where it came from", Args: cobra.MaximumNArgs(1),
			RunE: func(_ *cobra.Command, args []string) error { return e.configExplain(args) },
		},
		&cobra.Command{
			Use: "schema", Short: "Print the JSON schema of the file, for editors", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return config.Schema(e.out) },
		},
	)
	return cmd
}

func (e *env) configInit() error {
	path := e.configFile
	if path == "" {
		var err error
		if path, err = config.File(); err != nil {
			return err
		}
	}
	if err := config.Init(path); err != nil {
		return err
	}
	schema, err := os.Create(filepath.Join(filepath.Dir(path), "config.schema.json"))
	if err != nil {
		return err
	}
	if err := errors.Join(config.Schema(schema), schema.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "Wrote %s.\nFill in [sip] account and password_command, then: offhook config check\nFor Salesforce set [salesforce] client_id, then: offhook login\n", path)
	return err
}

func (e *env) configCheck() error {
	l, err := e.load()
	if err != nil {
		return err
	}
	err = checkParts(l)
	for _, f := range tlsFaults(l, time.Now()) {
		err = errors.Join(err, fmt.Errorf("%s: %s: %s: %s", l.Path, f.key, f.finding.What, f.finding.Means))
	}
	if err != nil {
		return err
	}
	for _, w := range l.Warnings {
		fmt.Fprintln(e.out, w)
	}
	_, err = fmt.Fprintf(e.out, "%s, profile %s: every setting is understood.\n", l.Path, l.Profile)
	return err
}

// checkParts asks the parts of the program about the settings that only they understand: all of them, one line each.
func checkParts(l *config.Loaded) error {
	var lines []string
	say := func(section string, err error) {
		lines = append(lines, fmt.Sprintf("%s: %s: %v", l.Path, section, err))
	}
	if _, err := keymap.New(l.Keys); err != nil {
		say("keys", err)
	}
	if err := (device.Spec{Input: l.Audio.Input, Output: l.Audio.Output, Ring: l.Audio.Ring}).Check(); err != nil {
		say("audio", err)
	}
	if !number.KnownRegion(l.Numbers.Region) {
		say("numbers.region", fmt.Errorf("%q is not a country with telephone numbers; write its two letters, as GB or DE", l.Numbers.Region))
	}
	if _, err := prefixes(l.SIP.TrustedPeers); err != nil {
		say("sip.trusted_peers", err)
	}
	checkRecord(l.Record, say)
	if _, err := openLayouts(l); err != nil {
		say("layout", err)
	}
	if _, err := dialingOptions(l); err != nil {
		say("dialing", err)
	}
	checkSync(l.Sync, say)
	checkCreate(l.Create, say)
	if lines == nil {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}

func (e *env) configExplain(args []string) error {
	l, err := e.load()
	if l == nil {
		if !errors.Is(err, config.ErrNoFile) {
			return err
		}
		l = config.Defaults()
	}
	for _, w := range l.Warnings {
		fmt.Fprintln(e.errOut, w)
	}
	if len(args) == 0 {
		for _, s := range config.Sections() {
			fmt.Fprintf(e.out, "%-12s %s\n", s.Name, s.Doc)
		}
		return nil
	}
	return l.Explain(e.out, args[0])
}
