package main

import (
	"log/slog"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/desk"
)

// errandFuncs are the things that Salesforce is told beside the Tasks of calls, by the kind of ledger.Errand.
func (o *org) errandFuncs() map[string]crm.ErrandFunc {
	return map[string]crm.ErrandFunc{
		"amend": o.sender.Amend(o.ledger),
	}
}

// openErrands makes the worker for them; it waits when the sender waits.
func (o *org) openErrands(led *ledger.Ledger, report func(crm.Report), log *slog.Logger) {
	o.errands = crm.NewErrands(crm.ErrandOptions{Store: led, Run: o.errandFuncs(), Beside: o.sender, Report: report, Log: log})
}

// tellErrand passes a report about an errand on to the agent; what concerns the whole queue is told as the sender's. True: it was one.
func (o *org) tellErrand(d *desk.Desk, r crm.Report) bool {
	if r.Errand == "" || r.Kind == crm.ReportPaused || r.Kind == crm.ReportResumed || r.Kind == crm.ReportDisk || r.Kind == crm.ReportLate {
		return false
	}
	if r.Kind == crm.ReportDead {
		d.Post(desk.Told{Severity: desk.Warning, Text: r.Line})
	}
	return true
}
