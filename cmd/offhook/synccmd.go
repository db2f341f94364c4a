package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm/ledger"
	"offhook/crm/sync"
	"offhook/internal/text"
)

func newSyncCmd(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Jobs that bring Salesforce's lists and this desk together",
		Long: "leads creates leads for unknown callers of a campaign, dispositions tells campaign members what no errand has told\n" +
			"them yet, callbacks finds callbacks that were made or closed in Salesforce. A running desk runs them by the schedules\n" +
			"of the settings ([sync]); docs/guide-campaigns.md explains them.",
		Example: "  offhook sync status\n  offhook sync now callbacks",
	}
	cmd.AddCommand(newSyncNowCmd(e), newSyncStatusCmd(e))
	return cmd
}

func newSyncNowCmd(e *env) *cobra.Command {
	wait := time.Minute
	cmd := &cobra.Command{
		Use:       "now [JOB...]",
		Short:     "Run jobs now: leads, dispositions, callbacks, or all",
		ValidArgs: sync.JobNames(),
		RunE: func(cmd *cobra.Command, names []string) error {
			for _, n := range names {
				if !slices.Contains(sync.JobNames(), n) {
					return fmt.Errorf("there is no job %q; there are: %s", text.Clean(n), strings.Join(sync.JobNames(), ", "))
				}
			}
			l, err := e.load()
			if err != nil {
				return err
			}
			if l.Salesforce.ClientID == "" {
				return errors.New("Salesforce is not set up: there is nothing to bring together (salesforce.client_id)")
			}
			if len(names) == 0 {
				names = sync.JobNames()
			}
			path, err := e.LedgerPath()
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			var states map[string]sync.State
			if _, held := ledger.HeldBy(path); held {
				states, err = askDesk(ctx, path, names, wait)
			} else {
				states, err = runJobs(ctx, e, l, path, names)
			}
			if err != nil {
				return err
			}
			return syncLines(cmd.OutOrStdout(), l.Sync, states, names, time.Now())
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", wait, "how long to wait for a running desk to do it")
	return cmd
}

// askDesk has the desk that runs do it: there is one scheduler for a profile.
func askDesk(ctx context.Context, path string, names []string, wait time.Duration) (map[string]sync.State, error) {
	led, err := ledger.OpenShared(ctx, path, ledger.Options{})
	if err != nil {
		return nil, err
	}
	defer led.Close()
	begun := time.Now()
	for _, n := range names {
		if err := sync.Ask(ctx, led, n, begun); err != nil {
			return nil, err
		}
	}
	limit := time.NewTimer(wait)
	defer limit.Stop()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		states, err := sync.States(ctx, led)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(names, func(n string) bool { return states[n].Last.Before(begun) }) {
			return states, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-limit.C:
			return nil, errors.New("the running desk has not done it yet: it does when it is signed in; offhook sync status tells")
		case <-look.C:
		}
	}
}

// runJobs does it here: no desk is running, and none can start meanwhile.
func runJobs(ctx context.Context, e *env, l *config.Loaded, path string, names []string) (map[string]sync.State, error) {
	if err := checkParts(l); err != nil {
		return nil, err
	}
	led, err := ledger.Open(ctx, path, ledger.Options{Holder: e.holder()})
	if err != nil {
		return nil, err
	}
	defer led.Close()
	o, err := openOrg(l, led, numberSettings(l.Config), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer o.close()
	user, err := o.client.Agent(ctx)
	if err != nil {
		return nil, errors.New(sync.Line(err))
	}
	if zone, err := time.LoadLocation(user.Zone); err == nil && user.Zone != "" && l.Record.TimeZone == "" {
		o.zone.Store(zone)
	}
	states, err := o.lists.scheduler.RunNow(ctx, names...)
	if err == nil {
		o.errands.Flush(ctx) // what the jobs left to be told
	}
	return states, err
}

func newSyncStatusCmd(e *env) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Show when the jobs ran, what came of it, and when they run next", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := e.load()
			if err != nil {
				return err
			}
			states := map[string]sync.State{}
			err = withLedger(cmd.Context(), e, func(led *ledger.Ledger) (err error) {
				states, err = sync.States(cmd.Context(), led)
				return err
			})
			if err != nil && !errors.Is(err, ledger.ErrNone) {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), syncJSON(l.Sync, states))
			}
			return syncLines(cmd.OutOrStdout(), l.Sync, states, sync.JobNames(), time.Now())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (docs/json.md)")
	return cmd
}

func schedules(s config.Sync) map[string]string {
	return map[string]string{sync.JobLeads: s.Leads, sync.JobDispositions: s.Dispositions, sync.JobCallbacks: s.Callbacks}
}

// syncLines tells about jobs, one after the other.
func syncLines(w io.Writer, s config.Sync, states map[string]sync.State, names []string, now time.Time) error {
	var b strings.Builder
	for _, n := range names {
		st := states[n]
		fmt.Fprintf(&b, "%-13s", n)
		switch {
		case st.Last.IsZero():
			b.WriteString("has not run yet")
		case !st.Error.Empty():
			fmt.Fprintf(&b, "failed %s: %s", clockTime(st.Last, now), st.Error)
		default:
			fmt.Fprintf(&b, "%s: %s", clockTime(st.Last, now), st.Result.Or(text.Clean("done")))
		}
		b.WriteString("\n")
		if st.Missed > 0 {
			fmt.Fprintf(&b, "%-13sthat run made up for %s that had passed\n", "", plural(st.Missed, "earlier time"))
		}
		switch schedule := schedules(s)[n]; {
		case schedule == "":
			fmt.Fprintf(&b, "%-13sno schedule: only by offhook sync now %s\n", "", n)
		case st.Next.IsZero():
			fmt.Fprintf(&b, "%-13sschedule %s, from the next start of the desk\n", "", schedule)
		default:
			fmt.Fprintf(&b, "%-13snext %s (%s), while the desk runs\n", "", clockTime(st.Next, now), schedule)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// JobJSON is one job of `offhook sync status --json`.
type JobJSON struct {
	Job      string    `json:"job"`
	Schedule string    `json:"schedule,omitempty"`
	Last     time.Time `json:"last,omitzero"`
	Seconds  float64   `json:"seconds,omitempty"`
	Next     time.Time `json:"next,omitzero"`
	Result   text.Text `json:"result,omitzero"`
	Error    text.Text `json:"error,omitzero"`
	Good     time.Time `json:"lastSuccess,omitzero"`
	Missed   int       `json:"missed,omitempty"`
	Runs     int       `json:"runs"`
}

func syncJSON(s config.Sync, states map[string]sync.State) any {
	jobs := []JobJSON{}
	for _, n := range sync.JobNames() {
		st := states[n]
		jobs = append(jobs, JobJSON{Job: n, Schedule: schedules(s)[n], Last: st.Last, Seconds: st.Took.Seconds(), Next: st.Next, Result: st.Result, Error: st.Error,
			Good: st.Good, Missed: st.Missed, Runs: st.Runs})
	}
	return map[string]any{"version": ledger.JSONVersion, "jobs": jobs}
}
