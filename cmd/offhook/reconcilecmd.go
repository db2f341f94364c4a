package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm/ledger"
	"offhook/crm/reconcile"
	"offhook/crm/report"
	"offhook/internal/text"
)

// faultsLeft is the exit status when calls and Tasks do not agree.
const faultsLeft = 3

// mending is what a person wants of a comparison.
type mending struct {
	mend, yes, delete, overwrite bool
	asJSON                       bool
	in                           *bufio.Reader
	out                          io.Writer
	style                        report.Style
}

func newReconcileCmd(e *env) *cobra.Command {
	var from, to string
	var force bool
	m := mending{}
	cmd := &cobra.Command{
		Use:   "reconcile",
		Short: "Compare the calls of this desk with the Tasks of Salesforce, and mend what differs",
		Long: "Names calls whose Task is missing, was never sent, stands in Salesforce twice or says something else, and Tasks of\n" +
			"calls that this desk does not know. Nothing is changed without --mend, which asks for each kind; --yes answers yes,\n" +
			"except to deleting (--delete) and to what somebody has changed in Salesforce (--overwrite).\n\n" +
			"The exit status is 0 when everything agrees or was mended, 3 when something is left, 1 when it could not be compared.",
		Example: "  offhook reconcile --from yesterday\n  offhook reconcile --from \"this week\" --mend\n  offhook reconcile --from 7d --mend --yes --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := e.load()
			if err != nil {
				return err
			}
			if l.Salesforce.ClientID == "" {
				return errors.New("Salesforce is not set up: there is nothing to compare with (salesforce.client_id)")
			}
			if (m.yes || m.delete || m.overwrite) && !m.mend {
				return errors.New("--yes, --delete and --overwrite say how to mend: give --mend, too")
			}
			if m.asJSON && m.mend && !m.yes {
				return errors.New("--json asks no questions: give --yes with --mend")
			}
			path, err := e.LedgerPath()
			if err != nil {
				return err
			}
			m.in, m.out = bufio.NewReader(cmd.InOrStdin()), cmd.OutOrStdout()
			return reconcileLedger(cmd.Context(), e, l, path, from, to, force, &m)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&from, "from", "today", "first day, or a period as for offhook report")
	fl.StringVar(&to, "to", "", "last day; left out: today, or the end of the period that --from names")
	fl.BoolVar(&m.mend, "mend", false, "mend what differs, after asking")
	fl.BoolVar(&m.yes, "yes", false, "do not ask, except for what needs its own flag")
	fl.BoolVar(&m.delete, "delete", false, "delete doubles that nobody has worked on, without asking")
	fl.BoolVar(&m.overwrite, "overwrite", false, "put back what somebody has changed in Salesforce, without asking")
	fl.BoolVar(&force, "force", false, "compare although the org has hardly any API calls left")
	fl.BoolVar(&m.asJSON, "json", false, "print JSON (docs/json.md)")
	return cmd
}

// reconcileLedger opens what is needed: beside a running desk, or in its place, so that what is mended is sent at once.
func reconcileLedger(ctx context.Context, e *env, l *config.Loaded, path, from, to string, force bool, m *mending) error {
	var led *ledger.Ledger
	var err error
	_, held := ledger.HeldBy(path)
	if held {
		led, err = ledger.OpenShared(ctx, path, ledger.Options{})
	} else {
		led, err = ledger.Open(ctx, path, ledger.Options{Holder: e.holder()})
	}
	if err != nil {
		return err
	}
	defer led.Close()
	o, err := openOrg(l, led, numberSettings(l.Config), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer o.close()
	user, err := o.client.Agent(ctx)
	if err != nil {
		return lineOf(err)
	}
	if zone, err := time.LoadLocation(user.Zone); err == nil && user.Zone != "" && l.Record.TimeZone == "" {
		o.zone.Store(zone)
	}
	m.style = report.Style{Now: time.Now().In(o.location()), Numbers: l.Activity.Numbers}
	period, err := report.ParsePeriod(from, to, m.style.Now)
	if err != nil {
		return err
	}
	rec := reconcile.New(reconcile.Options{Client: o.client, Ledger: led, Sender: o.sender, Now: time.Now})
	if !force {
		if err := rec.Budget(ctx); err != nil {
			return lineOf(err)
		}
	}
	res, err := rec.Compare(ctx, period)
	if err != nil {
		return lineOf(err)
	}
	var done []reconcile.Mended
	if !m.asJSON {
		if err := m.tell(period, res); err != nil {
			return err
		}
	}
	if m.mend {
		if done, err = rec.Mend(ctx, m.agreed(res)); err != nil {
			return lineOf(err)
		}
		if !held && len(done) > 0 {
			o.sender.Flush(ctx)
		}
		if !m.asJSON {
			m.told(done, held)
		}
	}
	if m.asJSON {
		if err := writeJSON(m.out, reconcileJSON{ledger.JSONVersion, period.From, period.Until, res, done}); err != nil {
			return err
		}
	}
	mended := 0
	for _, d := range done {
		if d.Done && d.Kind.Fault() {
			mended++
		}
	}
	if res.Faults() > mended {
		return exitError(faultsLeft)
	}
	return nil
}

// reconcileJSON is what --json prints.
type reconcileJSON struct {
	Version int       `json:"version"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	reconcile.Result
	Mended []reconcile.Mended `json:"mended,omitempty"`
}

// kindWords say what kinds are, and what mending them is.
var kindWords = [...]struct {
	kind              reconcile.Kind
	one, many, remedy string
}{
	{reconcile.Missing, "Its Task is missing", "Their Tasks are missing", "Send %s again?"},
	{reconcile.Unsent, "It was never sent", "They were never sent", "Try %s again?"},
	{reconcile.Arrived, "It is in Salesforce, and this desk did not know", "They are in Salesforce, and this desk did not know", "Note %s as sent?"},
	{reconcile.Doubled, "It is in Salesforce twice", "They are in Salesforce twice", "Delete the later Task of %s, unless somebody has worked on it?"},
	{reconcile.Different, "Its Task says something else", "Their Tasks say something else", "Put %s back as the call was?"},
	{reconcile.Edited, "Somebody has changed it in Salesforce: no fault", "Somebody has changed them in Salesforce: no fault", "Overwrite what somebody has changed in %s?"},
	{reconcile.Unknown, "Not in this ledger: another machine's, perhaps", "Not in this ledger: another machine's, perhaps", ""},
}

// tell prints what was found, in 80 columns.
func (m *mending) tell(p report.Period, res reconcile.Result) error {
	var b strings.Builder
	first, last := p.Days()
	if last != first {
		first += " to " + last
	}
	fmt.Fprintf(&b, "%s: %s here, %s in Salesforce, %d agree.\n", first, plural(res.Calls, "call"), plural(res.Tasks, "Task"), res.Agree)
	for _, more := range []struct {
		n    int
		what string
	}{{res.Kept, "kept here only, as the settings or a person wanted"}, {res.Way, "on the way"}, {res.Other, "not compared: archived by Salesforce, or saved as a VoiceCall"}} {
		if more.n > 0 {
			fmt.Fprintf(&b, "%s %s.\n", plural(more.n, "call"), more.what)
		}
	}
	for _, k := range kindWords {
		list := res.Of(k.kind)
		if len(list) == 0 {
			continue
		}
		title := k.one
		if len(list) > 1 {
			title = k.many
		}
		fmt.Fprintf(&b, "\n%s (%d)\n", title, len(list))
		for _, f := range list {
			who := f.Name.Or(m.style.Number(f.Number)).Or(text.Clean("withheld"))
			if f.Kind == reconcile.Unknown {
				who = text.Clean(f.Task.ID)
			}
			fmt.Fprintf(&b, "  %s  %s  %s\n", shortKey(f.Key), f.At.In(m.style.Now.Location()).Format("02 Jan 15:04"), who.Truncate(52))
			for _, line := range wrap(f.What().String(), 68) {
				b.WriteString("            " + line + "\n")
			}
		}
	}
	if res.Faults() > 0 && !m.mend {
		b.WriteString("\nNothing was changed. To mend it: offhook reconcile --mend, with the same period.\n")
	}
	_, err := io.WriteString(m.out, b.String())
	return err
}

// agreed are the findings that are to be mended.
func (m *mending) agreed(res reconcile.Result) (out []reconcile.Finding) {
	for _, k := range kindWords {
		list := res.Of(k.kind)
		if len(list) == 0 || k.remedy == "" {
			continue
		}
		yes := m.yes
		switch k.kind {
		case reconcile.Doubled:
			yes = m.delete
		case reconcile.Edited:
			yes = m.overwrite
		}
		if !yes && !m.yes { // with --yes there is nobody to ask
			yes = m.ask(fmt.Sprintf(k.remedy, plural(len(list), "call")))
		}
		if yes {
			out = append(out, list...)
		}
	}
	return out
}

// ask asks one question; anything but yes is no.
func (m *mending) ask(question string) bool {
	_, _ = fmt.Fprintf(m.out, "\n%s [y/N] ", question)
	line, err := m.in.ReadString('\n')
	if err != nil && line == "" {
		_, _ = fmt.Fprintln(m.out, "no")
		return false
	}
	line = strings.ToLower(strings.TrimSpace(line))
	return line == "y" || line == "yes"
}

// told prints what came of it.
func (m *mending) told(done []reconcile.Mended, held bool) {
	ok := 0
	for _, d := range done {
		if d.Done {
			ok++
			continue
		}
		for i, line := range wrap(fmt.Sprintf("%s  %s", shortKey(d.Key), d.Line), 78) {
			if i > 0 {
				line = "          " + line
			}
			_, _ = fmt.Fprintln(m.out, line)
		}
	}
	if len(done) == 0 {
		_, _ = fmt.Fprintln(m.out, "\nNothing was changed.")
		return
	}
	word := "The running desk sends what is to be sent again."
	if !held {
		word = "What was to be sent again has been tried."
	}
	_, _ = fmt.Fprintf(m.out, "\n%d of %s mended. %s\n", ok, plural(len(done), "call"), word)
}
