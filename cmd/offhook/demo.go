package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"offhook/desk"
	"offhook/internal/text"
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

// The pace of the demo.
const (
	firstCustomer = 3 * time.Second
	nextCustomer  = 7 * time.Second
)

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

// guide tells the newcomer what happens and brings the customers, one after the other.
func (b *backend) guide(ctx context.Context, w *workplace, keys keymap.Map, quiet bool) {
	idle := "This is your practice desk. The first customer calls in a moment."
	if quiet {
		idle = fmt.Sprintf("This is your practice desk. %s brings a customer.", keys.Key("demo.next"))
	}
	ended := make(chan struct{}, 1)
	b.listen(func(ev exchange.Event) {
		if line, ok := b.caption(ev, keys.Key); ok {
			w.desk.Post(desk.CaptionChanged{Text: line})
		}
		if ev.Kind == exchange.EventEnded {
			select {
			case ended <- struct{}{}:
			default:
			}
		}
	})
	w.work.Go(func() {
		w.desk.Post(desk.CaptionChanged{Text: text.Clean(idle)})
		if quiet {
			return
		}
		wait := firstCustomer
		for {
			if !b.pause(ctx, w, wait) {
				return
			}
			b.nextCustomer()
			select {
			case <-ctx.Done():
				return
			case <-ended:
			}
			wait = nextCustomer
		}
	})
}

// pause waits until the desk has been free for so long; false when the demo ends.
func (b *backend) pause(ctx context.Context, w *workplace, wait time.Duration) bool {
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	free := time.Duration(0)
	for free < wait {
		select {
		case <-ctx.Done():
			return false
		case <-look.C:
		}
		free += 250 * time.Millisecond
		if s := w.desk.Snapshot(); s.State != desk.Available || s.Form != nil || s.Search != nil {
			free = 0 // busy, or still typing: nobody is pushed
		}
		if w.desk.Snapshot().Quit {
			return false
		}
	}
	return true
}
