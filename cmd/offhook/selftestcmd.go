package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/number"
	"offhook/crm/salesforce"
	"offhook/crm/selftest"
	"offhook/internal/checkup"
	"offhook/internal/text"
)

// selfTestOptions are the flags of offhook selftest.
type selfTestOptions struct {
	org, yes, readOnly, json bool
	wait                     time.Duration
}

func newSelfTestCmd(e *env) *cobra.Command {
	o := selfTestOptions{wait: 3 * time.Minute}
	cmd := &cobra.Command{
		Use: "selftest", Short: "Prove the way of a call into Salesforce, and settle what its documentation leaves open", Args: cobra.NoArgs,
		Long: "Signs in, makes contacts with a number written in several ways, an account and a lead, looks the callers up, shows a card,\n" +
			"logs a call, and deletes everything it made. Without --org that happens in a practice Salesforce in this process; with\n" +
			"--org in the org of the settings, after a question. What it finds out about an org is kept and used (offhook selftest\n" +
			"answers). Exit code 0: nothing failed; 1: something did; 2: records were left, which are listed.",
		Example: "  offhook selftest\n  offhook selftest --org --read-only\n  offhook selftest --org --yes --json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return e.selfTest(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.org, "org", false, "in the Salesforce org of the settings, with real records")
	f.BoolVar(&o.readOnly, "read-only", false, "make no records: sign-in, limits, objects, permissions, and what can be settled by asking")
	f.BoolVar(&o.yes, "yes", false, "do not ask before records are made")
	f.DurationVar(&o.wait, "wait", o.wait, "how long to wait for Salesforce's search index")
	f.BoolVar(&o.json, "json", false, "as one JSON object (docs/json.md)")
	cmd.AddCommand(newAnswersCmd(e))
	return cmd
}

// selfTestJSON is what selftest --json prints.
type selfTestJSON struct {
	Version int `json:"version"`
	selftest.Report
}

func (e *env) selfTest(ctx context.Context, o selfTestOptions) error {
	if o.wait <= 0 || o.wait > time.Hour {
		return errors.New("--wait: between a second and an hour, as 5m")
	}
	if o.org && o.json && !o.yes && !o.readOnly {
		return errors.New("--json asks nothing: give --yes, or --read-only, with it")
	}
	opt := selftest.Options{ReadOnly: o.readOnly, Wait: o.wait}
	if !o.json {
		opt.Tell = func(r selftest.Result) { e.sayResult(r) }
		opt.Progress = func(line string) { _ = checkup.Line(e.out, "…", line) }
	}
	var keep func(context.Context, selftest.Report) error
	if o.org {
		l, client, err := e.testOrg(ctx, o)
		if err != nil || client == nil {
			return err
		}
		defer client.Close()
		opt.Client, opt.App, opt.Numbers, opt.Task = client, newApp(l), numberSettings(l.Config), recordSettings(l.Record)
		opt.Scan = l.Salesforce.Scan
		keep = func(ctx context.Context, r selftest.Report) error { return keepAnswers(ctx, e, r) }
	} else {
		srv, client, app, err := practiceOrg(ctx)
		if err != nil {
			return err
		}
		defer srv.Close()
		defer client.Close()
		opt.Client, opt.App, opt.Numbers = client, app, number.Settings{Region: "GB"}
		if !o.json {
			fmt.Fprintln(e.out, "In a practice Salesforce in this process; --org tries your own.")
		}
	}
	r := selftest.Run(ctx, opt)
	var kept error
	if keep != nil {
		kept = keep(context.WithoutCancel(ctx), r)
	}
	if err := errors.Join(e.sayReport(r, o, keep != nil && kept == nil), kept); err != nil {
		return err
	}
	switch {
	case len(r.Left) > 0:
		return exitError(2)
	case r.Count(selftest.Failed) > 0 || ctx.Err() != nil:
		return exitError(1)
	}
	return nil
}

// practiceOrg is a practice Salesforce in this process, and a client signed in to it.
func practiceOrg(ctx context.Context) (*emulator.Server, *salesforce.Client, salesforce.App, error) {
	srv, err := emulator.New(emulator.Options{})
	if err != nil {
		return nil, nil, salesforce.App{}, err
	}
	at, err := srv.Start(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, nil, salesforce.App{}, errors.Join(err, srv.Close())
	}
	cred := srv.Credentials()
	app := salesforce.App{LoginURL: at, ClientID: cred.ClientID, Local: true}
	key, err := salesforce.ParseKey(srv.KeyPEM())
	if err != nil {
		return nil, nil, app, errors.Join(err, srv.Close())
	}
	client, err := salesforce.New(salesforce.Options{App: app, JWT: &salesforce.JWT{Username: cred.Username, Key: key}})
	if err != nil {
		return nil, nil, app, errors.Join(err, srv.Close())
	}
	return srv, client, app, nil
}

// testOrg signs in to the org of the settings and asks whether records may be made there; no client: they may not.
func (e *env) testOrg(ctx context.Context, o selfTestOptions) (*config.Loaded, *salesforce.Client, error) {
	l, err := e.loadSalesforce()
	if err != nil {
		return nil, nil, err
	}
	client, _, err := openAnew(l)
	if err != nil {
		return nil, nil, err
	}
	user, err := client.Prove(ctx)
	if err != nil {
		client.Close()
		return nil, nil, errors.New(salesforce.SignInLine(err))
	}
	if o.readOnly || o.yes {
		return l, client, nil
	}
	where := text.Clean(client.InstanceURL()).String()
	org, err := client.Org(ctx)
	if err == nil {
		where = text.Clean(org.Name).String() + " (" + where + ")"
	}
	kind := orgKind(org, l.Salesforce.Local())
	for _, part := range checkup.Wrap(fmt.Sprintf("This makes four contacts, an account, a lead and up to four Tasks in %s, which is %s, as %s, and deletes them at the end. What your org does "+
		"by itself with new records (flows, assignment, e-mail) it does with these, too.", where, kind, text.Clean(user.Username)), checkup.Width) {
		fmt.Fprintln(e.out, part)
	}
	fmt.Fprint(e.out, "Go on? [y/N] ")
	if !confirmed(e.in) {
		client.Close()
		_, err := fmt.Fprintln(e.out, "Nothing was made. --read-only asks without making anything.")
		return nil, nil, err
	}
	return l, client, nil
}

// orgKind says how careful to be. What cannot be told is taken for production.
func orgKind(o salesforce.OrgInfo, local bool) string {
	switch {
	case local:
		return "a practice Salesforce on this machine"
	case o.Sandbox:
		return "a sandbox"
	case strings.HasPrefix(o.Edition, "Developer"):
		return "a developer org"
	}
	return "PRODUCTION, as far as can be told"
}

func (e *env) sayResult(r selftest.Result) {
	word := string(r.Outcome)
	if r.Outcome == selftest.Failed {
		word = "FAILED"
	}
	_ = checkup.Line(e.out, word, r.Name+": "+r.Line.String()) // a terminal that is gone ends nothing: records are still to be deleted
}

func (e *env) sayReport(r selftest.Report, o selfTestOptions, kept bool) error {
	if o.json {
		if r.Left == nil {
			r.Left = []selftest.Left{}
		}
		return writeJSON(e.out, selfTestJSON{Version: 1, Report: r})
	}
	for _, l := range r.Left {
		if err := checkup.Line(e.out, "LEFT", fmt.Sprintf("%s %s (%s)", l.Object, l.URL, l.Why)); err != nil {
			return err
		}
	}
	last := fmt.Sprintf("%d ok, %d settled, %d skipped, %d failed.", r.Count(selftest.OK), r.Count(selftest.Settled), r.Count(selftest.Skipped), r.Count(selftest.Failed))
	if kept && len(r.Answers()) > 0 {
		last += " What was settled is kept: offhook selftest answers."
	}
	_, err := fmt.Fprintf(e.out, "\n%s\n", strings.Join(checkup.Wrap(last, checkup.Width), "\n"))
	return err
}

// openToKeep opens the ledger of a profile for one note, beside its desk, or makes it.
func openToKeep(ctx context.Context, e *env) (*ledger.Ledger, error) {
	path, err := e.LedgerPath()
	if err != nil {
		return nil, err
	}
	led, err := ledger.OpenShared(ctx, path, ledger.Options{})
	if errors.Is(err, ledger.ErrNone) {
		return ledger.Open(ctx, filepath.Clean(path), ledger.Options{Holder: e.holder()})
	}
	return led, err
}

// keepAnswers stores what a self test of a real org has settled; a running desk uses it from its next sign-in on.
func keepAnswers(ctx context.Context, e *env, r selftest.Report) error {
	if len(r.Answers()) == 0 || r.Org == "" {
		return nil
	}
	led, err := openToKeep(ctx, e)
	if err != nil {
		return fmt.Errorf("what was settled could not be kept: %w", err)
	}
	defer led.Close()
	return crm.KeepAnswers(ctx, led, r.Org, r.Answers()...)
}
