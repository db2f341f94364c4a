package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/checkup"
)

func newAnswersCmd(e *env) *cobra.Command {
	var forget, asJSON bool
	cmd := &cobra.Command{
		Use: "answers", Short: "Show what a self test found out about your org, and what offhook does with it", Args: cobra.NoArgs,
		Long: "Shows the answers that offhook selftest --org kept, of every org that this profile has met. They are used from the next\n" +
			"start or sign-in of the desk on. --forget forgets them: offhook then takes the careful way again.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if forget {
				return e.forgetAnswers(cmd)
			}
			orgs := map[string]crm.Answers{}
			err := withLedger(cmd.Context(), e, func(led *ledger.Ledger) error {
				kept, err := led.Kept(cmd.Context(), crm.AnswerKind)
				if err != nil {
					return err
				}
				for _, k := range kept {
					org, _, _ := strings.Cut(k.Key, "/")
					if orgs[org], err = crm.LoadAnswers(cmd.Context(), led, org); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil && !errors.Is(err, ledger.ErrNone) {
				return err
			}
			if asJSON {
				out := answersJSON{Version: 1, Orgs: map[string][]crm.Answer{}}
				for org, a := range orgs {
					out.Orgs[org] = a.List()
				}
				return writeJSON(e.out, out)
			}
			return e.sayAnswers(orgs)
		},
	}
	cmd.Flags().BoolVar(&forget, "forget", false, "forget them")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as one JSON object (docs/json.md)")
	cmd.MarkFlagsMutuallyExclusive("forget", "json")
	return cmd
}

// answersJSON is what selftest answers --json prints: the answers by the id of the org.
type answersJSON struct {
	Version int                     `json:"version"`
	Orgs    map[string][]crm.Answer `json:"orgs"`
}

func (e *env) forgetAnswers(cmd *cobra.Command) error {
	path, err := e.LedgerPath()
	if err != nil {
		return err
	}
	led, err := ledger.OpenShared(cmd.Context(), path, ledger.Options{})
	if errors.Is(err, ledger.ErrNone) {
		return e.sayAnswers(nil)
	}
	if err != nil {
		return err
	}
	defer led.Close()
	if err := crm.ForgetAnswers(cmd.Context(), led, ""); err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.out, "Forgotten.")
	return err
}

func (e *env) sayAnswers(orgs map[string]crm.Answers) error {
	if len(orgs) == 0 {
		_, err := fmt.Fprintln(e.out, "Nothing is settled yet: offhook selftest --org")
		return err
	}
	for org, a := range orgs {
		if _, err := fmt.Fprintln(e.out, "Org "+org); err != nil {
			return err
		}
		for _, x := range a.List() {
			line := fmt.Sprintf("%s: %s", questionInWords(x.Question), x.Value)
			if !x.Detail.Empty() {
				line += " (" + x.Detail.String() + ")"
			}
			line += fmt.Sprintf("; API v%s, %s", x.API, x.At.Local().Format("2006-01-02"))
			if use := useOf(x.Question, a); use != "" {
				line += ". " + use
			}
			if err := checkup.Line(e.out, "", line); err != nil {
				return err
			}
		}
	}
	return nil
}

func questionInWords(q string) string {
	words := map[string]string{
		crm.AskPhoneSearch: "How the phone search compares", crm.AskPhoneCountry: "It knows country codes", crm.AskIndexLag: "Seconds until the index has a new record",
		crm.AskTaskType: "Task.Type may be filled", crm.AskTaskKey: "A second Task with a call's key is refused", crm.AskUpsertSubtype: "An upsert of a Task takes TaskSubtype",
		crm.AskTaskKey300: "An upsert that two Tasks fit answers 300", crm.AskLeadWhat: "A Task with a lead and another record is refused with", crm.AskSoftphoneLayout: "The org hands out its softphone layout",
		crm.AskMemberStatus: "A campaign can be given a new status", crm.AskDeviceFlow: "The app offers the device flow",
	}
	if w := words[q]; w != "" {
		return w
	}
	return q
}

// useOf says what offhook does with an answer; "" when it is good to know only.
func useOf(q string, a crm.Answers) string {
	switch q {
	case crm.AskPhoneSearch:
		if a.Strict() {
			return "Spellings are always asked for beside the index, and first when API calls are scarce; salesforce.scan finds the rest"
		}
		return "The first to find somebody ends the search"
	case crm.AskIndexLag:
		return "Records made here are found without the index for that time four times over, at least 15 minutes"
	case crm.AskTaskType, crm.AskTaskKey:
		return "It is believed while the org's fields cannot be read"
	}
	return ""
}
