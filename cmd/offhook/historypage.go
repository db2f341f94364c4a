package main

import (
	"context"

	"offhook/crm/ledger"
	"offhook/crm/report"
	"offhook/desk"
	"offhook/internal/text"
)

// history lists the calls of a period for the screen, the latest first: all, or those whose record is not in Salesforce and should be. The
// latter are shown however old they are: they wait for somebody.
func (p reportPages) history(ctx context.Context, unsent bool, period report.Period, st report.Style) (out desk.ReportPage) {
	f := ledger.Filter{Since: period.From, Until: period.Until, Limit: desk.MaxReportLines}
	if unsent {
		f = ledger.Filter{Records: []ledger.ItemState{ledger.Pending, ledger.Sending, ledger.Dead, ledger.Fix}, Limit: desk.MaxReportLines}
	}
	es, err := p.ledger.History(ctx, f)
	if err != nil {
		return desk.ReportPage{Error: text.Clean(err.Error())}
	}
	zone := st.Now.Location()
	for _, e := range es {
		c := e.Call
		arrow := "← "
		if outgoing(c) {
			arrow = "→ "
		}
		l := desk.ReportLine{Label: text.Clean(c.Started.In(zone).Format("Mon 2 Jan 15:04 ") + arrow + who(c).Or(st.Number(c.Number)).Or(text.Clean("withheld")).String()),
			Value: text.Clean(outcomeOf(c) + "  " + entryWord(e)), Dial: c.Number}
		if e.Item != nil && e.Item.State.Unsent() {
			l.Waits = e.Item.State == ledger.Dead || e.Item.State == ledger.Fix // somebody must look
			if unsent {
				l.Value = text.Clean(entryWord(e) + ": " + or(e.Item.LastError.String(), "not tried yet"))
			}
		}
		out.Lines = append(out.Lines, l)
	}
	out.Sum = text.Clean(plural(len(es), "call"))
	if unsent {
		out.Sum = text.Clean(plural(len(es), "call") + " not in Salesforce")
		if len(es) > 0 {
			out.Note = text.Clean("of any day; R tries them now, offhook why KEY tells the rest: " + shortKey(es[0].Call.Key))
		}
	} else if len(es) == desk.MaxReportLines {
		out.Note = text.Clean("only the latest are shown: offhook history knows all")
	}
	return out
}

// ownOnly reports whether a page is of this desk alone, whatever the source.
func ownOnly(page string) bool { return page == "history" || page == "unsent" }
