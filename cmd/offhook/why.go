package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

func newWhyCmd(e ledgerEnv) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "why [CALL]",
		Short: "Tell what happened to a call and its record, and why",
		Long: "Tell a call's whole story: what happened when, how the caller was looked up, which record it belongs to by which rule,\n" +
			"and every attempt to write its Task. CALL is the beginning of a key, as history shows it; without it, the last call.",
		Example: "  offhook why\n  offhook why 5f2a91c0 --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			key := "last"
			if len(args) == 1 {
				key = args[0]
			}
			return withLedger(cmd.Context(), e, func(l *ledger.Ledger) error {
				s, err := resolve(cmd.Context(), l, key)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(cmd.OutOrStdout(), s.JSON())
				}
				return whyPage(cmd.OutOrStdout(), s, time.Now())
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON (docs/json.md)")
	return cmd
}

// whyPage prints a call's story in 80 columns: the answer first, then how it came to it.
func whyPage(w io.Writer, s ledger.Story, now time.Time) error {
	c := s.Call
	rec := callRecord(s)
	p := page{now: now}
	p.line("", headline(c))
	p.line("", fmt.Sprintf("%s  ·  %s", c.Started.In(now.Location()).Format("Monday 2 January 2006, 15:04:05"), text.Clean(c.Key)))
	p.gap()
	p.line("", verdict(s, now))
	p.gap()
	p.fact("Talked", talkedFact(c))
	p.fact("Ended", c.Cause.String())
	p.fact("Hung up by", rec.HangUpBy)
	p.fact("Transfer", transferFact(rec))
	p.fact("Lookup", lookupFact(c, rec))
	p.fact("Belongs to", belongsFact(c, rec))
	p.fact("Because", becauseFact(rec))
	for i, line := range c.Notes.Lines() {
		p.fact([]string{"Notes", ""}[min(i, 1)], line.String())
	}
	p.gap()
	p.line("", "The call")
	last := time.Time{}
	for _, t := range s.Transitions {
		state := strings.TrimPrefix(t.State, ledger.Ended+":")
		if strings.HasPrefix(t.State, ledger.Ended) {
			state = ledger.Ended
		}
		p.event(t.At, last, state, t.What.String())
		last = t.At
	}
	if len(s.Attempts) > 0 {
		p.gap()
		p.line("", "Its record")
		last = time.Time{}
		for _, a := range s.Attempts {
			p.event(a.At, last, a.Result, attemptText(a))
			last = a.At
		}
	}
	if len(s.Errands) > 0 {
		p.gap()
		p.line("", "What followed")
		last = time.Time{}
		for _, e := range s.Errands {
			p.event(e.Updated, last, string(e.State), errandSentence(e, now))
			last = e.Updated
		}
	}
	_, err := io.WriteString(w, p.b.String())
	return err
}

// callRecord reads what the desk wrote about the call: the record as it is in the outbox, else the journal's. What cannot
// be read is left out: the rest of the story still helps.
func callRecord(s ledger.Story) crm.CallRecord {
	var rec crm.CallRecord
	raw := s.Call.Detail
	if s.Item != nil && len(s.Item.Payload) > 0 {
		raw = s.Item.Payload
	}
	for _, e := range s.Errands { // a change that waits is what the record will be
		if e.Kind == ledger.AmendErrand && e.State != ledger.ErrandOver {
			raw = e.Payload
		}
	}
	if len(raw) == 0 || json.Unmarshal(raw, &rec) != nil {
		return crm.CallRecord{}
	}
	return rec
}

func headline(c ledger.Call) string {
	s := text.Clean(or(c.Direction, "A")).String() + " call "
	if outgoing(c) {
		s += "to "
	} else {
		s += "from "
	}
	s += shownNumber(c).String()
	if name := who(c); !name.Empty() {
		s += " (" + name.String() + ")"
	}
	return s
}

// verdict is the answer to "is it in Salesforce?", and what to do when it is not.
func verdict(s ledger.Story, now time.Time) string {
	if s.Item == nil {
		return "The call is still up. Its record is made when it ends, or at the next start should offhook stop before."
	}
	out := sentence(*s.Item, now)
	key := shortKey(s.Call.Key)
	switch s.Item.State {
	case ledger.Dead, ledger.Fix:
		out += fmt.Sprintf(" What to do: offhook outbox retry %s when the cause is gone, or edit it first: offhook outbox show %s --payload.", key, key)
	case ledger.Dropped, ledger.Filtered:
		out += fmt.Sprintf(" To send it all the same: offhook outbox retry %s.", key)
	}
	return out
}

func talkedFact(c ledger.Call) string {
	switch {
	case c.Open():
		return ""
	case c.Answered.IsZero():
		return "not answered"
	}
	s := talked(c.Seconds) + " minutes"
	if c.Seconds >= 3600 {
		s = talked(c.Seconds) + " hours"
	}
	if ring := c.Answered.Sub(c.Started).Round(time.Second); ring > 0 {
		s += fmt.Sprintf(", after %s of ringing", ring)
	}
	return s
}

func transferFact(rec crm.CallRecord) string {
	if rec.TransferTo.Empty() {
		return ""
	}
	return rec.Transfer + " to " + rec.TransferTo.String()
}

func lookupFact(c ledger.Call, rec crm.CallRecord) string {
	what := map[string]string{
		string(crm.MatchNotSearched): "none was made",
		string(crm.MatchSearching):   "was not finished when the call ended",
		string(crm.MatchNone):        "nobody has this number",
		string(crm.MatchOne):         "one record has this number",
		string(crm.MatchMany):        "several records have this number",
		string(crm.MatchInternal):    "none was made: a colleague",
		string(crm.MatchWithheld):    "none was made: the number is withheld",
		string(crm.MatchFailed):      "Salesforce did not answer in time, or refused",
	}[c.Match]
	if what == "" {
		what = text.Clean(c.Match).String()
	}
	if rec.Unresolved {
		what += "; it is made once more when the record is sent"
	}
	return what
}

func belongsFact(c ledger.Call, rec crm.CallRecord) string {
	var parts []string
	for _, r := range []crm.Ref{rec.Assoc.What, rec.Assoc.Who} {
		if !r.Zero() {
			parts = append(parts, ref(r.Type, r.ID, r.Name))
		}
	}
	if len(parts) == 0 && c.RecordID != "" {
		parts = append(parts, ref(c.RecordType, c.RecordID, c.RecordName))
	}
	if len(parts) == 0 && !c.Open() {
		return "no record"
	}
	return strings.Join(parts, ", and ")
}

func ref(kind, id string, name text.Text) string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s (%s)", text.Clean(kind), name, text.Clean(id))), " ")
}

func becauseFact(rec crm.CallRecord) string {
	if rec.Version == 0 || rec.Assoc.Why == "" {
		return ""
	}
	s := fmt.Sprintf("rule %d: %s", rec.Assoc.Rule, text.Clean(rec.Assoc.Why))
	if rec.Assoc.Pick {
		s += "; nobody chose among several"
	}
	return s
}

func attemptText(a ledger.Attempt) string {
	var parts []string
	if a.TaskID != "" {
		parts = append(parts, "Task "+text.Clean(a.TaskID).String())
	}
	if class := text.Clean(a.Class); !class.Empty() && !a.Reason.Empty() {
		parts = append(parts, class.String()+": "+a.Reason.String())
	} else {
		parts = append(parts, class.String()+a.Reason.String())
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// page collects lines of at most 80 columns.
type page struct {
	b   strings.Builder
	now time.Time
}

func (p *page) gap() { p.b.WriteString("\n") }

func (p *page) line(indent, s string) {
	for _, l := range wrap(s, 80-len(indent)) {
		p.b.WriteString(indent + l + "\n")
	}
}

// fact is a name and what is known, nothing when nothing is.
func (p *page) fact(name, value string) {
	if value == "" {
		return
	}
	for i, l := range wrap(value, 66) {
		if i > 0 {
			name = ""
		}
		fmt.Fprintf(&p.b, "  %-10s  %s\n", name, l)
	}
}

// event is one line of a timeline: when, how long after the one before, the state, and what happened.
func (p *page) event(at, last time.Time, state, what string) {
	after := ""
	if !last.IsZero() {
		after = "+" + gap(at.Sub(last))
	}
	head := fmt.Sprintf("  %s  %8s  %-12s", at.In(p.now.Location()).Format("15:04:05"), after, text.Clean(state).Truncate(12))
	if what == state {
		what = ""
	}
	for i, l := range wrap(what, 80-36) {
		if i > 0 {
			head = strings.Repeat(" ", 34)
		}
		p.b.WriteString(strings.TrimRight(head+"  "+l, " ") + "\n")
	}
}

// gap writes a time between two events in at most seven columns.
func gap(d time.Duration) string {
	switch {
	case d < 0:
		return "0 ms" // the clock was set back
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d d", d/(24*time.Hour))
}

// wrap breaks a line at words into lines of at most width cells; an empty one stays one empty line.
func wrap(s string, width int) []string {
	lines := strings.Split(ansi.Wrap(s, width, ""), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return lines
}
