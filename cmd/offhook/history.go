package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/crm/ledger"
	"offhook/crm/report"
	"offhook/internal/text"
)

// ledgerEnv is what the commands about the ledger need to know of the program.
type ledgerEnv interface {
	LedgerPath() (string, error)
}

// withLedger opens the chosen profile's ledger for looking, beside its desk, if one runs.
func withLedger(ctx context.Context, e ledgerEnv, do func(*ledger.Ledger) error) error {
	path, err := e.LedgerPath()
	if err != nil {
		return err
	}
	l, err := ledger.OpenReadOnly(ctx, path)
	if err != nil {
		return err
	}
	defer l.Close()
	return do(l)
}

// resolve names one call: a key, the beginning of one, or "last".
func resolve(ctx context.Context, l *ledger.Ledger, arg string) (ledger.Story, error) {
	if arg == "last" {
		es, err := l.History(ctx, ledger.Filter{Limit: 1})
		if err != nil {
			return ledger.Story{}, err
		}
		if len(es) == 0 {
			return ledger.Story{}, errors.New("no call has been taken yet")
		}
		arg = es[0].Call.Key
	}
	return l.Call(ctx, arg)
}

func newHistoryCmd(e ledgerEnv) *cobra.Command {
	var f ledger.Filter
	var since, until string
	var asJSON, asCSV, unsent, missed bool
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show the calls of this profile, the latest last",
		Long: "Show the calls of this profile and where their records are. It works while the desk runs.\n\n" +
			"Times for --since and --until: today, yesterday, 09:30, 2026-11-21, 2026-11-21T09:30, or back from now: 90m, 2h, 7d.",
		Example: "  offhook history --since today\n  offhook history --number 07814256404\n  offhook history --text invoice --csv > calls.csv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := time.Now()
			var err error
			if f.Since, err = parseWhen(since, now); err != nil {
				return fmt.Errorf("--since %w", err)
			}
			if f.Until, err = parseWhen(until, now); err != nil {
				return fmt.Errorf("--until %w", err)
			}
			if unsent {
				f.Records = []ledger.ItemState{ledger.Pending, ledger.Sending, ledger.Dead, ledger.Fix}
			}
			limit := f.Limit
			if missed { // chosen below: whether a call was missed is not one column
				f.Direction, f.Limit = or(f.Direction, "inbound"), -1
			}
			var es []ledger.Entry
			err = withLedger(cmd.Context(), e, func(l *ledger.Ledger) (err error) {
				es, err = l.History(cmd.Context(), f)
				return err
			})
			if err != nil && !errors.Is(err, ledger.ErrNone) {
				return err
			}
			if missed {
				es = slices.DeleteFunc(es, func(e ledger.Entry) bool { return !isMissed(e.Call) })
				if limit >= 0 && len(es) > limit {
					es = es[:limit]
				}
			}
			switch out := cmd.OutOrStdout(); {
			case asJSON:
				return writeJSON(out, ledger.NewHistoryJSON(es))
			case asCSV:
				return historyCSV(out, es)
			default:
				return historyPage(out, es, now)
			}
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&since, "since", "", "calls that began at or after this time")
	fl.StringVar(&until, "until", "", "calls that began before this time")
	fl.StringVar(&f.Number, "number", "", "calls with this number, in any notation, or its last digits")
	fl.StringVar(&f.Text, "text", "", "calls with these words in number, name, record, cause or notes")
	fl.StringVar(&f.Direction, "direction", "", "inbound, outbound or internal")
	fl.BoolVar(&unsent, "unsent", false, "only calls whose record is not in Salesforce and should be")
	fl.BoolVar(&missed, "missed", false, "only calls that came in and were not answered")
	fl.IntVar(&f.Limit, "limit", 50, "at most so many, the latest; -1 for all")
	fl.BoolVar(&asJSON, "json", false, "print JSON (docs/json.md)")
	fl.BoolVar(&asCSV, "csv", false, "print CSV with a header line")
	cmd.MarkFlagsMutuallyExclusive("json", "csv")
	return cmd
}

// isMissed reports whether a call came in and nobody took it.
func isMissed(c ledger.Call) bool { return !c.Open() && !outgoing(c) && c.Answered.IsZero() }

// parseWhen reads a point in time as people write it; empty is the zero time.
func parseWhen(s string, now time.Time) (time.Time, error) {
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch s = strings.TrimSpace(s); s {
	case "":
		return time.Time{}, nil
	case "now":
		return now, nil
	case "today":
		return day, nil
	case "yesterday":
		return day.AddDate(0, 0, -1), nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse("15:04", s); err == nil {
		return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, now.Location()), nil
	}
	return time.Time{}, fmt.Errorf("%q is not a time: try today, 09:30, 2026-11-21 or 7d", s)
}

// historyPage prints calls in 80 columns, the latest last, so that they stand beside the prompt.
func historyPage(w io.Writer, es []ledger.Entry, now time.Time) error {
	var b strings.Builder
	if len(es) == 0 {
		b.WriteString("No calls.\n")
	}
	day := ""
	for i := len(es) - 1; i >= 0; i-- {
		c := es[i].Call
		at := c.Started.In(now.Location())
		if d := dayName(at, now); d != day {
			if day != "" {
				b.WriteString("\n")
			}
			day = d
			b.WriteString(d + "\n")
		}
		fmt.Fprintf(&b, "  %s  %-3s  %s  %s  %8s  %-8s  %s\n", at.Format("15:04"), way(c), pad(shownNumber(c), 14), pad(who(c), 20),
			outcomeOf(c), entryWord(es[i]), shortKey(c.Key))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func dayName(at, now time.Time) string {
	switch days := daysBetween(at, now); days {
	case 0:
		return "Today, " + at.Format("Monday 2 January")
	case 1:
		return "Yesterday, " + at.Format("Monday 2 January")
	}
	return at.Format("Monday 2 January 2006")
}

func daysBetween(at, now time.Time) int {
	date := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(date(now).Sub(date(at)) / (24 * time.Hour))
}

func outgoing(c ledger.Call) bool { return c.Direction == "Outbound" || c.Outgoing }

func way(c ledger.Call) string {
	if outgoing(c) {
		return "out"
	}
	return "in"
}

func shownNumber(c ledger.Call) text.Text { return c.Number.Or(text.Clean("Withheld")) }

// who is the person: the record's name is checked, the caller's own is not.
func who(c ledger.Call) text.Text { return c.RecordName.Or(c.Name) }

// outcomeOf is how long was talked, or what became of the call.
func outcomeOf(c ledger.Call) string {
	switch kind, _ := strings.CutPrefix(c.State, ledger.Ended+":"); {
	case c.Open():
		return "now"
	case c.State == ledger.EndedCrash:
		return "cut off"
	case !c.Answered.IsZero():
		return talked(c.Seconds)
	case kind == "normal", kind == "":
		return "–"
	default:
		return text.Clean(kind).Truncate(8).String()
	}
}

// talked writes seconds as 1:05 or 1:02:03.
func talked(s int) string {
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// entryWord is where a call's record is, and whether its Task is to be changed, or was.
func entryWord(e ledger.Entry) string {
	if e.Item == nil || e.Item.State != ledger.Sent {
		return recordWord(e.Item)
	}
	switch e.Change {
	case ledger.ErrandWaiting, ledger.ErrandDoing:
		return "changing"
	case ledger.ErrandOver:
		return "amended"
	case ledger.ErrandRefused:
		return "refused"
	}
	return recordWord(e.Item)
}

func recordWord(it *ledger.Item) string {
	if it == nil {
		return "open"
	}
	if it.State == ledger.Dead {
		return "refused"
	}
	return string(it.State)
}

// shortKey is enough of a key to name the call on a command line.
func shortKey(key string) string { return text.Clean(key[:min(8, len(key))]).String() }

// pad cuts and fills a text to a width in cells.
func pad(t text.Text, width int) string {
	t = t.Truncate(width)
	return t.String() + strings.Repeat(" ", max(0, width-t.Width()))
}

func historyCSV(w io.Writer, es []ledger.Entry) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"key", "started", "answered", "ended", "direction", "state", "number", "name", "record_type", "record_id",
		"record_name", "seconds", "cause", "notes", "record", "task_id"}) // the writer keeps its first error for Error
	for i := len(es) - 1; i >= 0; i-- {
		c, state := es[i].Call, ledger.ItemState("")
		if es[i].Item != nil {
			state = es[i].Item.State
		}
		_ = out.Write([]string{c.Key, report.Stamp(c.Started), report.Stamp(c.Answered), report.Stamp(c.Ended), c.Direction, c.State, report.Cell(c.Number.String()),
			report.Cell(c.Name.String()), c.RecordType, c.RecordID, report.Cell(c.RecordName.String()), strconv.Itoa(c.Seconds), report.Cell(c.Cause.String()),
			report.Cell(c.Notes.String()), string(state), c.TaskID})
	}
	out.Flush()
	return out.Error()
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
