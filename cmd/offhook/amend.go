package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/desk"
	"offhook/internal/text"
)

// change is what a person wants changed of a call that is over.
type change struct {
	notes       *string
	disposition *string
	who, what   []string // ids
	clear       bool
}

func newAmendCmd(e ledgerEnv) *cobra.Command {
	var notes, disposition, what string
	var ch change
	cmd := &cobra.Command{
		Use:   "amend CALL",
		Short: "Change the record of a call that is over, also when its Task is in Salesforce",
		Long: "Change the notes, the disposition or the record of a call that is over. A record that is not in Salesforce yet\n" +
			"is changed here; else the Task is changed, in the fields that differ. What somebody has changed in Salesforce\n" +
			"meanwhile stays as it is there: notes are added to theirs. CALL is the beginning of a key, as history shows it, or last.",
		Example: "  offhook amend last --notes \"wants a call next week\"\n  offhook amend 5f2a91c0 --who 0035g00000ABCdEAAX --disposition Sale\n  offhook amend 5f2a91c0 --clear",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("notes") {
				if notes == "-" {
					b, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxPayload))
					if err != nil {
						return fmt.Errorf("the notes cannot be read: %w", err)
					}
					notes = string(b)
				}
				ch.notes = &notes
			}
			if cmd.Flags().Changed("disposition") {
				ch.disposition = &disposition
			}
			if what != "" {
				ch.what = []string{what}
			}
			if ch.notes == nil && ch.disposition == nil && len(ch.who) == 0 && what == "" && !ch.clear {
				return errors.New("say what to change: --notes, --disposition, --who, --what or --clear")
			}
			return decide(cmd.Context(), e, args[0], func(l *ledger.Ledger, s ledger.Story) error {
				inRecord, err := amendCall(cmd.Context(), l, s, ch, time.Now())
				if err != nil {
					return err
				}
				line := "The Task of call %s is changed. %s\n"
				if inRecord {
					line = "The record of call %s is changed. %s\n"
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), line, shortKey(s.Call.Key), deskLine(l.Path()))
				return err
			}, func(*ledger.Ledger, ledger.Errand) error {
				return errors.New("that is a follow-up, not a call: give the call's key, as history shows it")
			})
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&notes, "notes", "", "the notes as they should be; - reads them from standard input")
	fl.StringVar(&disposition, "disposition", "", "the result of the call")
	fl.StringSliceVar(&ch.who, "who", nil, "id of the Contact or Lead that the call belongs to; several contacts where the org has Shared Activities")
	fl.StringVar(&what, "what", "", "id of the record that the call is about: an Account, a Case, an Opportunity …")
	fl.BoolVar(&ch.clear, "clear", false, "the call belongs to no record")
	cmd.MarkFlagsMutuallyExclusive("clear", "who")
	cmd.MarkFlagsMutuallyExclusive("clear", "what")
	return cmd
}

// amendCall stores a change; inRecord is false when it is a change of a Task that is there already.
func amendCall(ctx context.Context, l *ledger.Ledger, s ledger.Story, ch change, now time.Time) (inRecord bool, err error) {
	if s.Item == nil {
		return false, fmt.Errorf("call %s is still up: change it at the desk", shortKey(s.Call.Key))
	}
	correct, err := ch.correction(crm.Direction(s.Call.Direction))
	if err != nil {
		return false, err
	}
	inRecord, err = l.Amend(ctx, s.Call.Key, now, correct.Apply)
	var unreadable *crm.RefusedError
	if errors.As(err, &unreadable) {
		return false, errors.New(unreadable.Line)
	}
	return inRecord, err
}

// correction is the change as it is put into the record of a call that went this way.
func (ch change) correction(way crm.Direction) (c crm.Correction, err error) {
	if ch.notes != nil {
		if n := utf8.RuneCountInString(*ch.notes); n > desk.MaxNotes {
			return c, fmt.Errorf("the notes have %d characters, a Task holds %d of them: nothing was changed", n, desk.MaxNotes)
		}
		c.Parts, c.Record.Notes = append(c.Parts, crm.PartNotes), text.CleanBlock(*ch.notes, utf8.UTFMax*desk.MaxNotes)
	}
	if ch.disposition != nil {
		c.Parts, c.Record.Disposition = append(c.Parts, crm.PartResult), text.Clean(*ch.disposition)
	}
	if ch.clear || len(ch.who) > 0 || len(ch.what) > 0 {
		c.Parts = append(c.Parts, crm.PartAbout)
		err = ch.about(way, &c.Record)
	}
	return c, err
}

// about settles which records the call belongs to.
func (ch change) about(way crm.Direction, rec *crm.CallRecord) error {
	if way == crm.Internal {
		return errors.New("an internal call belongs to no record")
	}
	a := crm.Association{Rule: crm.RulePinned, Why: "cleared by you, after the call"}
	if !ch.clear {
		a.Why = "chosen by you, after the call"
	}
	for i, id := range ch.who {
		r, ok := crm.RefOfID(id)
		if !ok || r.Type != "Contact" && r.Type != "Lead" {
			return fmt.Errorf("--who %s: that is not the id of a Contact or a Lead", text.Clean(id))
		}
		if i == 0 {
			a.Who = r
		} else {
			rec.Also = append(rec.Also, r)
		}
	}
	for _, id := range ch.what {
		r, ok := crm.RefOfID(id)
		if !ok && customID(id) {
			r, ok = crm.Ref{ID: id}, true
		}
		switch {
		case !ok:
			return fmt.Errorf("--what %s: that is not the id of a record that a call can be about", text.Clean(id))
		case r.Type == "Contact" || r.Type == "Lead":
			return fmt.Errorf("--what %s: a %s is a person: give it with --who", text.Clean(id), r.Type)
		case a.Who.Type == "Lead":
			return errors.New("a call that belongs to a Lead cannot be about another record, too: Salesforce refuses it")
		}
		a.What = r
	}
	rec.Assoc = a
	return nil
}

// customID reports whether an id may be that of a custom object: its prefix is the org's own.
func customID(id string) bool {
	if !salesforce.ValidID(id) || len(id) == 18 && id != salesforce.LongID(id[:15]) {
		return false
	}
	return id[0] == 'a'
}
