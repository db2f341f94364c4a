package desk

import (
	"context"

	"offhook/internal/text"
)

// Verbs of the reports.
const (
	ReportOpen Verb = "report"       // Text: one of Reports; Values["period"], Values["source"]; empty: as it was, or the first
	ReportHide Verb = "report close" // closes the page
)

// Reports are the reports of the page, in the order in which it shows them.
func Reports() []string {
	return []string{"calls", "results", "hours", "agents", "talk", "missed", "login", "history", "unsent"}
}

// ReportPeriods are the periods that the page offers.
func ReportPeriods() []string { return []string{"today", "this week", "last week", "this month"} }

// ReportSources are where figures come from.
func ReportSources() []string { return []string{"ledger", "salesforce"} }

// ReportPage is the open page of reports.
type ReportPage struct {
	Name   string       `json:"name"`
	Period string       `json:"period"`
	Source string       `json:"source"`
	Busy   bool         `json:"busy,omitempty"`
	Error  text.Text    `json:"error,omitzero"`
	Title  text.Text    `json:"title,omitzero"`
	Lines  []ReportLine `json:"lines,omitempty"`
	Sum    text.Text    `json:"sum,omitzero"`
	Note   text.Text    `json:"note,omitzero"`
}

// ReportLine is one line: a figure with its bar, or a call that was missed.
type ReportLine struct {
	Label text.Text `json:"label"`
	Value text.Text `json:"value,omitzero"`
	Bar   int       `json:"bar,omitempty"`   // thousandths of the largest; 0 for none
	Part  int       `json:"part,omitempty"`  // of Bar, what was not answered; thousandths of the largest, too
	Dial  text.Text `json:"dial,omitzero"`   // whom the line is about, to be called
	Waits bool      `json:"waits,omitempty"` // a missed caller whom nobody has spoken to
}

// MaxReportLines bounds a page.
const MaxReportLines = 500

// ReadReport asks for a report. Answered by ReportRead.
type ReadReport struct{ Name, Period, Source string }

func (ReadReport) deskEffect() {}

// ReportRead is the answer; Page has the name, period and source that were asked for.
type ReportRead struct{ Page ReportPage }

func (ReportRead) deskEvent() {}

// reportCommand carries out the commands of the reports; it reports whether cmd was one of them.
func (t *turn) reportCommand(cmd Command) bool {
	switch cmd.Verb {
	case ReportOpen:
		p := ReportPage{Name: Reports()[0], Period: ReportPeriods()[0], Source: ReportSources()[0]}
		if t.reported != nil {
			p.Name, p.Period, p.Source = t.reported.Name, t.reported.Period, t.reported.Source
		}
		p.Name = among(Reports(), cmd.Text, p.Name)
		p.Period = among(ReportPeriods(), cmd.Values["period"], p.Period)
		p.Source = among(ReportSources(), cmd.Values["source"], p.Source)
		p.Busy = true
		t.report, t.reported = &p, &p
		t.askReport()
	case ReportHide:
		t.report = nil
	default:
		return false
	}
	return true
}

// askReport reads the open page.
func (t *turn) askReport() {
	t.reads, t.stale = t.reads+1, false
	t.do(ReadReport{t.report.Name, t.report.Period, t.report.Source})
}

// followRecords keeps the open page of this desk's records true while they change: one reading at a time.
func (t *turn) followRecords() {
	if t.report == nil || t.report.Source != ReportSources()[0] {
		return
	}
	if t.stale = true; t.reads == 0 {
		t.askReport()
	}
}

// among is the wish when it is among those that there are.
func among(all []string, wish, otherwise string) string {
	for _, s := range all {
		if s == wish {
			return s
		}
	}
	return otherwise
}

// reportRead shows the answer, unless something else was asked for meanwhile.
func (t *turn) reportRead(ev ReportRead) {
	p := ev.Page
	t.reads = max(t.reads-1, 0)
	defer func() {
		if t.stale {
			t.followRecords()
		}
	}()
	if t.report == nil || t.report.Name != p.Name || t.report.Period != p.Period || t.report.Source != p.Source {
		return
	}
	if len(p.Lines) > MaxReportLines {
		p.Lines = p.Lines[:MaxReportLines]
	}
	p.Busy = false
	t.report = &p
}

// readReport asks for a page; what is answered is of what was asked.
func (d *Desk) readReport(ctx context.Context, ask ReadReport) ReportPage {
	p := ReportPage{Error: text.Clean("There are no reports here.")}
	if d.ports.Report != nil {
		p = d.ports.Report(ctx, ask)
	}
	p.Name, p.Period, p.Source = ask.Name, ask.Period, ask.Source
	return p
}
