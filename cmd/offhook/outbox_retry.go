package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

// decide opens the ledger for a person's decision and names the record it is about, or the follow-up.
func decide(ctx context.Context, e ledgerEnv, key string, do func(*ledger.Ledger, ledger.Story) error, about func(*ledger.Ledger, ledger.Errand) error) error {
	path, err := e.LedgerPath()
	if err != nil {
		return err
	}
	l, err := ledger.OpenShared(ctx, path, ledger.Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	var s ledger.Story
	if key != "" {
		if s, err = resolve(ctx, l, key); err != nil {
			if done, other := onErrand(ctx, l, key, err, func(e ledger.Errand) error { return about(l, e) }); done || other != nil {
				return other
			}
			return err
		}
	}
	return do(l, s)
}

// deskLine says who will carry a decision out.
func deskLine(path string) string {
	if h, ok := ledger.HeldBy(path); ok {
		return "The running desk sends it: " + h.String() + "."
	}
	return "No desk is running: it is sent when offhook starts."
}

func newOutboxRetryCmd(e ledgerEnv) *cobra.Command {
	var all bool
	var file string
	cmd := &cobra.Command{
		Use:   "retry [KEY | --all]",
		Short: "Send records and follow-ups again, now; with --payload as you edited them",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) || all && file != "" {
				return errors.New("name one record, or give --all for every record that is not in Salesforce")
			}
			key := ""
			if !all {
				key = args[0]
			}
			return decide(cmd.Context(), e, key, func(l *ledger.Ledger, s ledger.Story) error {
				out := cmd.OutOrStdout()
				if all {
					n, err := l.RetryAll(cmd.Context(), true)
					if err != nil {
						return err
					}
					open, err := openErrands(cmd.Context(), l)
					if err != nil {
						return err
					}
					more, err := retryErrands(cmd.Context(), l, open)
					if err != nil {
						return err
					}
					what := plural(n, "record")
					if more > 0 {
						what += " and " + plural(more, "follow-up")
					}
					fmt.Fprintf(out, "%s due now. %s\n", what, deskLine(l.Path()))
					return nil
				}
				if file != "" {
					body, err := readPayload(cmd.InOrStdin(), file, s.Call.Key)
					if err != nil {
						return err
					}
					if err := l.Replace(cmd.Context(), s.Call.Key, body); err != nil {
						return err
					}
				} else if s.Item != nil && s.Item.State == ledger.Sent {
					n, err := retryErrands(cmd.Context(), l, s.Errands)
					if n > 0 && err == nil {
						fmt.Fprintf(out, "%s of call %s due now. %s\n", plural(n, "follow-up"), shortKey(s.Call.Key), deskLine(l.Path()))
						return nil
					}
					return errors.Join(err, l.Retry(cmd.Context(), s.Call.Key)) // which says that it is sent
				} else if err := l.Retry(cmd.Context(), s.Call.Key); err != nil {
					return err
				}
				fmt.Fprintf(out, "Record %s is due now. %s\n", shortKey(s.Call.Key), deskLine(l.Path()))
				return nil
			}, func(l *ledger.Ledger, it ledger.Errand) error {
				if file != "" {
					return errors.New("--payload is for records of calls; change a Task with: offhook amend KEY")
				}
				if err := l.RetryErrand(cmd.Context(), it.Key); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Follow-up %s is due now. %s\n", errandKey(it.Key), deskLine(l.Path()))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every record that is pending or was refused")
	cmd.Flags().StringVar(&file, "payload", "", "send this instead: a file from outbox show --payload, edited; - for standard input")
	return cmd
}

// maxPayload bounds an edited record: a Task's description has 32,000 characters.
const maxPayload = 1 << 20

// readPayload reads an edited record. It must still be that call's: its key makes sending it twice harmless.
func readPayload(in io.Reader, file, key string) (json.RawMessage, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("the edited record cannot be read: %w", err)
		}
		defer f.Close()
		in = f
	}
	body, err := io.ReadAll(io.LimitReader(in, maxPayload+1))
	if err != nil {
		return nil, fmt.Errorf("the edited record cannot be read: %w", err)
	}
	var rec crm.CallRecord
	if err := json.Unmarshal(body, &rec); err != nil || len(body) > maxPayload {
		return nil, fmt.Errorf("the edited record is not what outbox show --payload prints (%v): nothing was changed", err)
	}
	if rec.Key != key || rec.Version != 1 || rec.Start.IsZero() {
		return nil, fmt.Errorf("the edited record has key %q, version %d; key, version and start must stay as they are: nothing was changed",
			text.Clean(rec.Key), rec.Version)
	}
	return body, nil
}

func newOutboxDropCmd(e ledgerEnv) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "drop KEY --reason TEXT",
		Short: "Decide that a record is not sent; it stays in the history and can be retried",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			why := text.Clean(reason)
			if why.Empty() {
				return errors.New("give a --reason: it is kept with the call")
			}
			return decide(cmd.Context(), e, args[0], func(l *ledger.Ledger, s ledger.Story) error {
				if err := l.Drop(cmd.Context(), s.Call.Key, why); err != nil {
					return err
				}
				key := shortKey(s.Call.Key)
				fmt.Fprintf(cmd.OutOrStdout(), "Record %s is not sent. To take it back: offhook outbox retry %s\n", key, key)
				return nil
			}, func(l *ledger.Ledger, it ledger.Errand) error {
				if it.State == ledger.ErrandOver {
					return fmt.Errorf("follow-up %s is done already: nothing to drop", errandKey(it.Key))
				}
				if err := l.DropErrand(cmd.Context(), it.Key, why); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "Follow-up %s is not carried out.\n", errandKey(it.Key))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the journal (required)")
	return cmd
}
