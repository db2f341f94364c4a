package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/crm/ledger"
	"offhook/internal/text"
)

func newOutboxCmd(e ledgerEnv) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "outbox",
		Short: "Look after call records that are not in Salesforce yet",
		Long: "Every call leaves one record, which becomes a Task in Salesforce. Later changes\n" +
			"of it, and what else Salesforce is told about it, follow.\n" +
			"Records wait here, on disk, until Salesforce has them. All of this works\n" +
			"while the desk runs; without a desk, records wait for the next one.",
		Example: "  offhook outbox list\n  offhook outbox show 5f2a91c0\n  offhook outbox retry --all\n  offhook outbox drop 5f2a91c0 --reason \"test call\"",
	}
	cmd.AddCommand(newOutboxListCmd(e), newOutboxShowCmd(e), newOutboxRetryCmd(e), newOutboxDropCmd(e), newOutboxExportCmd(e))
	return cmd
}

// parseStates reads the values of --state.
func parseStates(names []string) ([]ledger.ItemState, error) {
	var out []ledger.ItemState
	for _, n := range names {
		if n == "all" {
			return ledger.ItemStates(), nil
		}
		known := false
		for _, s := range ledger.ItemStates() {
			known = known || string(s) == n
		}
		if !known {
			return nil, fmt.Errorf("--state %s: a record is pending, sending, sent, dead, fix, filtered or dropped; or give all", text.Clean(n))
		}
		out = append(out, ledger.ItemState(n))
	}
	return out, nil
}

const stateUsage = "only records in these states (default: all that are unsent; all for everything)"

func newOutboxListCmd(e ledgerEnv) *cobra.Command {
	var names []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the records that are not in Salesforce, with the reason",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			states, err := parseStates(names)
			if err != nil {
				return err
			}
			var counts ledger.Counts
			var es []ledger.Entry
			var errands []ledger.Errand
			err = withLedger(cmd.Context(), e, func(l *ledger.Ledger) (err error) {
				if counts, err = l.Counts(cmd.Context()); err != nil {
					return err
				}
				if es, err = l.Items(cmd.Context(), states...); err != nil {
					return err
				}
				errands, err = openErrands(cmd.Context(), l)
				return err
			})
			if err != nil && !errors.Is(err, ledger.ErrNone) {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), ledger.NewOutboxJSON(counts, es, errands...))
			}
			return outboxPage(cmd.OutOrStdout(), counts, es, errands, time.Now())
		},
	}
	cmd.Flags().StringSliceVar(&names, "state", nil, stateUsage)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (docs/json.md)")
	return cmd
}

// outboxPage prints records in 80 columns: the call, then why it is here.
func outboxPage(w io.Writer, n ledger.Counts, es []ledger.Entry, errands []ledger.Errand, now time.Time) error {
	var b strings.Builder
	u, forYou := n.Unsent(), n.Dead+n.Fix
	switch u {
	case 0:
		if n.OpenCalls == 0 {
			b.WriteString("Every call record is in Salesforce.\n")
		} else {
			b.WriteString("The record of every call that has ended is in Salesforce.\n")
		}
	case 1:
		fmt.Fprintf(&b, "1 call record is not in Salesforce yet (waiting for %s).\n", ago(n.Oldest, now))
	default:
		fmt.Fprintf(&b, "%d call records are not in Salesforce yet (the oldest waiting for %s).\n", u, ago(n.Oldest, now))
	}
	switch {
	case forYou == 1:
		b.WriteString("One needs you: offhook why KEY tells what to do.\n")
	case forYou > 1:
		fmt.Fprintf(&b, "%d need you: offhook why KEY tells what to do.\n", forYou)
	}
	switch n.OpenCalls {
	case 0:
	case 1:
		b.WriteString("1 call has no record yet: it is up, or was cut off and gets its record when\noffhook starts next.\n")
	default:
		fmt.Fprintf(&b, "%d calls have no record yet: they are up, or were cut off and get their\nrecords when offhook starts next.\n", n.OpenCalls)
	}
	for i, e := range es {
		if i == 0 {
			b.WriteString("\n")
		}
		c := e.Call
		fmt.Fprintf(&b, "%s  %-8s  %s  %-3s  %s  %s\n", shortKey(c.Key), recordWord(e.Item), c.Started.In(now.Location()).Format("02 Jan 15:04"),
			way(c), pad(shownNumber(c), 16), who(c).Truncate(23))
		for _, line := range wrap(reasonOf(*e.Item, now), 68) {
			b.WriteString("          " + line + "\n")
		}
	}
	b.WriteString(errandsText(errands, now))
	_, err := io.WriteString(w, b.String())
	return err
}

// sentence tells where a record is.
func sentence(it ledger.Item, now time.Time) string {
	switch it.State {
	case ledger.Dead:
		return "Salesforce refused the record: " + or(it.LastError.String(), "no reason was given") + "."
	default:
		return "The record " + reasonOf(it, now) + "."
	}
}

// reasonOf tells in a few words where a record is.
func reasonOf(it ledger.Item, now time.Time) string {
	why := it.LastError.String()
	if why == "" {
		why = it.ErrorClass
	}
	switch it.State {
	case ledger.Pending:
		s := "is sent next"
		if it.Due.After(now) {
			s = "is sent at " + clockTime(it.Due, now)
		}
		switch {
		case why != "" && it.Attempts > 0:
			s += fmt.Sprintf(", after %s: %s", plural(it.Attempts, "attempt"), why)
		case why != "":
			s += "; the last attempt failed: " + why
		}
		if it.Ambiguous {
			s += " (Salesforce may have it: looked up first)"
		}
		return s
	case ledger.Sending:
		return "is being sent"
	case ledger.Dead:
		return "Salesforce refused it: " + or(why, "no reason was given")
	case ledger.Fix:
		return "needs completing: " + or(why, "no reason was given")
	case ledger.Sent:
		return "is in Salesforce as Task " + it.TaskID
	case ledger.Filtered:
		return "is kept here only: calls like this are not logged (log.statuses)"
	case ledger.Dropped:
		return "was dropped and is not sent"
	}
	return string(it.State)
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return plural(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return plural(int(d/time.Hour), "hour")
	default:
		return plural(int(d/(24*time.Hour)), "day")
	}
}

func clockTime(t, now time.Time) string {
	t = t.In(now.Location())
	if daysBetween(t, now) == 0 {
		return t.Format("15:04:05")
	}
	return t.Format("2 January 15:04")
}

func newOutboxShowCmd(e ledgerEnv) *cobra.Command {
	var asJSON, payload bool
	cmd := &cobra.Command{
		Use:   "show KEY",
		Short: "Show one record as it will be, or was, sent",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withLedger(cmd.Context(), e, func(l *ledger.Ledger) error {
				s, err := resolve(cmd.Context(), l, args[0])
				if err != nil {
					return err
				}
				if s.Item == nil {
					return fmt.Errorf("call %s is still up: its record is made when it ends", shortKey(s.Call.Key))
				}
				out := cmd.OutOrStdout()
				switch {
				case payload:
					return writeJSON(out, s.Item.Payload)
				case asJSON:
					return writeJSON(out, ledger.EntryJSON{Version: ledger.JSONVersion, Call: s.Entry.JSON(), Record: s.Item.JSON()})
				}
				if err := outboxOne(out, s, time.Now()); err != nil {
					return err
				}
				return writeJSON(out, s.Item.Payload)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (docs/json.md)")
	cmd.Flags().BoolVar(&payload, "payload", false, "print only what is sent, to be edited for: outbox retry KEY --payload FILE")
	cmd.MarkFlagsMutuallyExclusive("json", "payload")
	return cmd
}

func outboxOne(w io.Writer, s ledger.Story, now time.Time) error {
	c, it := s.Call, *s.Item
	var b strings.Builder
	b.WriteString(strings.Join(wrap(headline(c), 80), "\n") + "\n")
	fmt.Fprintf(&b, "%s, %s\n\n", text.Clean(c.Key), c.Started.In(now.Location()).Format("Monday 2 January 2006, 15:04:05"))
	b.WriteString(strings.Join(wrap(sentence(it, now), 80), "\n") + "\n")
	if it.Degraded {
		b.WriteString("Optional fields were taken out after Salesforce refused them.\n")
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func newOutboxExportCmd(e ledgerEnv) *cobra.Command {
	var names []string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print records with their calls as JSON lines",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			states, err := parseStates(names)
			if err != nil {
				return err
			}
			err = withLedger(cmd.Context(), e, func(l *ledger.Ledger) error {
				n, err := l.Export(cmd.Context(), cmd.OutOrStdout(), states...)
				if err == nil {
					fmt.Fprintf(cmd.ErrOrStderr(), "%s exported.\n", plural(n, "record"))
				}
				return err
			})
			if errors.Is(err, ledger.ErrNone) {
				return nil
			}
			return err
		},
	}
	cmd.Flags().StringSliceVar(&names, "state", nil, stateUsage)
	return cmd
}
