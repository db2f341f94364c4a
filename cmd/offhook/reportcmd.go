package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm/ledger"
	"offhook/crm/report"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

func newReportCmd(e *env) *cobra.Command {
	var from, to, by, source, csvFile string
	var asJSON bool
	var f report.Filter
	cmd := &cobra.Command{
		Use:   "report [calls|talk|missed|login]",
		Short: "Count calls, talk time, missed calls and logins",
		Long: "calls counts calls, talk adds up how long was talked, missed lists calls that nobody took and who called back,\n" +
			"login lists who worked from when to when. The ledger knows this desk's calls, also without a network; Salesforce\n" +
			"knows those of the team, as far as you may see its Tasks.\n\n" +
			"--from and --to take " + strings.Join(report.Words(), ", ") + ",\na day (2026-11-21, which --to includes), or days back (7d). Days are those of your time zone.",
		Example:   "  offhook report calls --from \"this week\"\n  offhook report talk --by agent --from 7d --source salesforce\n  offhook report missed --csv missed.csv",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: report.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := report.Calls
			if len(args) > 0 {
				name = args[0]
			}
			if err := report.Check(name, by); err != nil {
				return err
			}
			l, err := e.load()
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			var r report.Report
			st := report.Style{Now: time.Now().In(zoneOf(l)), Numbers: l.Activity.Numbers}
			switch source {
			case "ledger":
				if f.Period, err = report.ParsePeriod(from, to, st.Now); err != nil {
					return err
				}
				err = withLedger(ctx, e, func(led *ledger.Ledger) (err error) {
					r, err = report.FromLedger(ctx, led, name, by, f)
					return err
				})
				if errors.Is(err, ledger.ErrNone) {
					r, err = report.Report{Name: name, By: by, Source: source, Period: f.Period}, nil
				}
			case "salesforce":
				var client *salesforce.Client
				if client, err = reportClient(ctx, l, &st.Now); err != nil {
					return err
				}
				defer client.Close()
				if f.Period, err = report.ParsePeriod(from, to, st.Now); err == nil {
					r, err = report.FromSalesforce(ctx, client, name, by, f, st.Now)
				}
				err = lineOf(err)
			default:
				return fmt.Errorf("--source %s: there are ledger and salesforce", text.Clean(source))
			}
			if err != nil {
				return err
			}
			switch {
			case asJSON:
				return r.JSON(cmd.OutOrStdout(), st)
			case csvFile == "-":
				return r.CSV(cmd.OutOrStdout(), st)
			case csvFile != "":
				return writeFile(csvFile, func(w io.Writer) error { return r.CSV(w, st) })
			}
			return r.Text(cmd.OutOrStdout(), st)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&from, "from", "today", "first day, or a period")
	fl.StringVar(&to, "to", "", "last day; left out: today, or the end of the period that --from names")
	fl.StringVar(&by, "by", "", "count calls and talk by "+strings.Join(report.Bys(), ", ")+" (default day)")
	fl.StringVar(&source, "source", "ledger", "ledger or salesforce")
	fl.StringVar(&f.Agent, "agent", "", "only this agent: SIP account; with Salesforce name, user name or id")
	fl.StringVar(&f.Direction, "direction", "", "inbound, outbound or internal")
	fl.StringVar(&f.Queue, "queue", "", "only this queue: what was called, or a value of sip.data (ledger)")
	fl.StringVar(&f.Disposition, "disposition", "", "only calls with this result")
	fl.StringVar(&f.Campaign, "campaign", "", "only calls of this campaign (ledger)")
	fl.StringVar(&csvFile, "csv", "", "write CSV to this file; - for standard output")
	fl.BoolVar(&asJSON, "json", false, "print JSON (docs/json.md)")
	cmd.MarkFlagsMutuallyExclusive("json", "csv")
	return cmd
}

// zoneOf is the agent's time zone as far as it is known without asking anybody.
func zoneOf(l *config.Loaded) *time.Location {
	if l.Record.TimeZone != "" {
		if zone, err := time.LoadLocation(l.Record.TimeZone); err == nil { // checked with the settings
			return zone
		}
	}
	return time.Local
}

// reportClient signs in, and takes the user's time zone where the settings name none.
func reportClient(ctx context.Context, l *config.Loaded, now *time.Time) (*salesforce.Client, error) {
	if l.Salesforce.ClientID == "" {
		return nil, errors.New("Salesforce is not set up: use --source ledger (salesforce.client_id)")
	}
	client, _, err := openClient(l, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return nil, err
	}
	user, err := client.Agent(ctx)
	if err != nil {
		client.Close()
		return nil, lineOf(err)
	}
	if zone, err := time.LoadLocation(user.Zone); err == nil && user.Zone != "" && l.Record.TimeZone == "" {
		*now = now.In(zone)
	}
	return client, nil
}

// lineOf is what Salesforce, or the way to it, refused in one line; other errors say what they are about themselves.
func lineOf(err error) error {
	switch salesforce.KindOf(err) {
	case salesforce.KindNone:
		return nil
	case salesforce.KindUnknown:
		return err
	}
	return errors.New(salesforce.Line(err))
}

// writeFile writes a file that only its owner may read: it holds names of customers.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("the file cannot be written: %w", err)
	}
	return errors.Join(write(f), f.Close())
}
