package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm"
	"offhook/crm/lacks"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/crm/selftest"
	"offhook/internal/checkup"
	"offhook/internal/text"
)

func newDoctorCmd(e *env) *cobra.Command {
	var asJSON, admin bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what is missing for calls and their records, and who does what about it", Args: cobra.NoArgs,
		Long: "Looks at the settings, the disk, the telephone's servers and the Salesforce org as the signed-in user sees it, and says\n" +
			"of everything that is missing what it means for calls and records, with the steps to mend it. It changes nothing, and\n" +
			"may run beside a desk. Exit code 0: all is well; 1: warnings; 2: calls or records suffer.",
		Example: "  offhook doctor\n  offhook doctor --json\n  offhook doctor --profile night",
		RunE: func(cmd *cobra.Command, _ []string) error {
			sections := e.doctor(cmd.Context())
			if cmd.Context().Err() != nil {
				return errors.New("given up")
			}
			var err error
			if asJSON {
				err = writeJSON(e.out, doctorJSON{Version: 1, Worst: checkup.Worst(sections), Sections: checkup.Whole(sections)})
			} else {
				err = e.sayDoctor(sections, admin)
			}
			if err != nil {
				return err
			}
			if code := checkup.Code(sections); code != 0 {
				return exitError(code)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as one JSON object (docs/json.md)")
	cmd.Flags().BoolVar(&admin, "admin", false, "also what other integrations need in Salesforce and this one does not")
	return cmd
}

// doctorJSON is what doctor --json prints.
type doctorJSON struct {
	Version  int               `json:"version"`
	Worst    checkup.Level     `json:"worst"` // "" when not even a note is to be made
	Sections []checkup.Section `json:"sections"`
}

func (e *env) sayDoctor(sections []checkup.Section, admin bool) error {
	if err := checkup.Print(e.out, sections); err != nil {
		return err
	}
	if admin {
		if _, err := fmt.Fprintln(e.out, "For the administrator of the org"); err != nil {
			return err
		}
		for _, n := range lacks.AdminNotes() {
			if err := checkup.Line(e.out, "", n); err != nil {
				return err
			}
		}
	}
	p, w := checkup.Count(sections, checkup.Problem), checkup.Count(sections, checkup.Warning)
	last := "Nothing is missing."
	if p+w > 0 {
		last = plural(p, "problem") + ", " + plural(w, "warning") + "."
	}
	_, err := fmt.Fprintf(e.out, "\n%s\n", last)
	return err
}

// doctor examines everything, in the order in which a fault is looked for.
func (e *env) doctor(ctx context.Context) []checkup.Section {
	settings := checkup.Section{Name: "Settings"}
	l := e.examineSettings(&settings)
	if l == nil {
		return []checkup.Section{settings}
	}
	disk, phone := checkup.Section{Name: "Disk"}, checkup.Section{Name: "Telephone"}
	usable := e.examineDisk(ctx, l, &disk)
	examinePhone(ctx, l, &phone)
	if !usable {
		return []checkup.Section{settings, disk, phone}
	}
	return []checkup.Section{settings, disk, phone, e.examineOrg(ctx, l)}
}

// examineSettings reads the settings; nil when they cannot be read.
func (e *env) examineSettings(s *checkup.Section) *config.Loaded {
	rules := localRules()
	l, err := e.load()
	var wrong config.Problems
	switch {
	case errors.Is(err, config.ErrNoFile):
		s.Find(rules.Get("settings.none").With())
		return nil
	case errors.As(err, &wrong):
		for _, p := range wrong {
			s.Find(rules.Get("settings.wrong").With("what", p.String()))
		}
		return nil
	case err != nil:
		s.Find(rules.Get("settings.wrong").With("what", err.Error()))
		return nil
	}
	if err := checkParts(l); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			s.Find(rules.Get("settings.wrong").With("what", line))
		}
		return l
	}
	s.Fine(fmt.Sprintf("%s, profile %s", l.Path, l.Profile))
	return l
}

// examineOrg looks at Salesforce as the signed-in user sees it.
func (e *env) examineOrg(ctx context.Context, l *config.Loaded) checkup.Section {
	s := checkup.Section{Name: "Salesforce"}
	rules := localRules()
	if l.Salesforce.ClientID == "" {
		s.Find(rules.Get("org.off").With())
		return s
	}
	client, store, err := openAnew(l)
	if err == nil {
		defer client.Close()
		err = store.Check(ctx)
	}
	if err == nil && !byItself(l.Salesforce) {
		if _, lerr := store.Load(ctx); lerr != nil && !errors.Is(lerr, salesforce.ErrNoToken) {
			err = lerr
		}
	}
	if err != nil {
		s.Find(rules.Get("tokens.kept").With("why", asFinding(err.Error())))
		return s
	}
	wants, err := e.wants(ctx, client, l)
	if err != nil {
		s.Find(rules.Get("settings.wrong").With("what", err.Error()))
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return selftest.Examine(ctx, client, wants)
}

// wants puts the settings into the words of the examination.
func (e *env) wants(ctx context.Context, client *salesforce.Client, l *config.Loaded) (selftest.Wants, error) {
	c := l.Config
	w := selftest.Wants{
		Task: recordSettings(l.Record), Mapped: mappedFields(l.SIP.Data), NoMatch: l.Salesforce.NoMatch,
		NewStatuses: c.Campaigns.NewStatuses, LeadObject: c.Campaigns.LeadObject, LeadKey: c.Campaigns.LeadKey, Scan: l.Salesforce.Scan,
		Campaigns: len(c.Campaigns.List) > 0 || c.Campaigns.Default != "",
		Voice:     l.Record.Target == string(crm.TargetVoiceCall) || l.Record.Target == string(crm.TargetBoth),
		Attach:    l.Recording.Attach && l.Recording.Dir != "", ByKey: l.Salesforce.Flow == "jwt", Person: !byItself(l.Salesforce),
	}
	for _, o := range c.Create.CreateRules() {
		w.Creates = append(w.Creates, o.Object)
	}
	for _, d := range c.Dispositions.Codes {
		w.Campaigns = w.Campaigns || d.Status != ""
	}
	layouts, err := openLayouts(l)
	if err != nil {
		return w, err
	}
	w.Layout = layouts.file
	user, err := client.Agent(ctx)
	if err != nil {
		return w, nil // the examination says why, in its own words
	}
	if m, err := crm.ReadMember(ctx, client, user.UserID); err == nil {
		w.Layout = layouts.choose(user.Username, m)
	}
	a, err := e.answers(ctx, user.OrgID)
	if err == nil {
		w.Settled, w.Strict = a.API(), a.Strict()
	}
	return w, nil
}

// answers are what a self test found out about an org; none when there is no ledger yet.
func (e *env) answers(ctx context.Context, org string) (a crm.Answers, err error) {
	err = withLedger(ctx, e, func(led *ledger.Ledger) (err error) {
		a, err = crm.LoadAnswers(ctx, led, org)
		return err
	})
	if errors.Is(err, ledger.ErrNone) {
		err = nil
	}
	return a, err
}

// asFinding is an error as a finding tells it.
func asFinding(s string) string { return text.Capital(text.Clean(s).String()) }
