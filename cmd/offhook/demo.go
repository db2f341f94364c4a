package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"offhook/keymap"
	"offhook/sip/exchange"
)

func newDemoCmd(e *env) *cobra.Command {
	var quiet, team bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Practise: customers call, Salesforce answers, all on this machine", Args: cobra.NoArgs,
		Long: "Starts a practice exchange, a practice Salesforce and your desk in one process, on loopback only. Customers call by\n" +
			"themselves; with --quiet they wait for the key that the screen names, or for offhook exchange call.",
		RunE: func(cmd *cobra.Command, _ []string) error { return e.runDemo(cmd.Context(), quiet, team) },
	}
	cmd.Flags().BoolVar(&quiet, "quiet", false, "customers call only when asked")
	cmd.Flags().BoolVar(&team, "team", false, "with a supervisor's board of a simulated team")
	return cmd
}

func (e *env) runDemo(ctx context.Context, quiet, team bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	extra := ""
	var squad *squad
	if team {
		var err error
		if squad, err = startSquad(ctx); err != nil {
			return err
		}
		defer squad.close()
		extra = squad.settings()
	}
	b, err := startBackend(ctx, e, false, extra)
	if err != nil {
		return err
	}
	defer b.close()
	if _, err := b.exchange.ServeControl(ctx, exchange.ControlFile()); err != nil {
		return err
	}
	keys, err := keymap.New(b.settings.Keys)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	opt := b.options(quiet)
	opt.ready = func(w *workplace) error {
		b.guide(ctx, w, keys, quiet)
		return nil
	}
	if squad != nil {
		opt.show = squad.show
	}
	return showDesk(ctx, e, b.settings, opt)
}
