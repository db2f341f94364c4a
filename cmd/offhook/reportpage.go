package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"offhook/config"
	"offhook/crm/ledger"
	"offhook/crm/report"
	"offhook/desk"
	"offhook/internal/text"
)

// reportPages answers the desk's questions for reports.
type reportPages struct {
	ledger *ledger.Ledger
	org    *org // nil: there is no Salesforce
	set    config.Activity
}

// pageOf names what a page of the desk counts.
func pageOf(page string) (name, by string) {
	switch page {
	case "results":
		return report.Calls, report.ByDisposition
	case "hours":
		return report.Calls, report.ByHour
	case "agents":
		return report.Calls, report.ByAgent
	case "talk":
		return report.Talk, report.ByDay
	case "missed":
		return report.Missed, ""
	case "login":
		return report.Logins, ""
	}
	return report.Calls, report.ByDay
}

// read answers one question. It may take as long as Salesforce does.
func (p reportPages) read(ctx context.Context, ask desk.ReadReport) (out desk.ReportPage) {
	zone := time.Local
	if p.org != nil {
		zone = p.org.location()
	}
	st := report.Style{Now: time.Now().In(zone), Numbers: p.set.Numbers}
	name, by := pageOf(ask.Name)
	period, err := report.Named(ask.Period, st.Now)
	if err != nil {
		return desk.ReportPage{Error: text.Clean(err.Error())}
	}
	if ownOnly(ask.Name) {
		return p.history(ctx, ask.Name == "unsent", period, st)
	}
	var r report.Report
	switch {
	case ask.Source != "salesforce":
		r, err = report.FromLedger(ctx, p.ledger, name, by, report.Filter{Period: period})
	case p.org == nil:
		err = errors.New("Salesforce is not set up: only this desk's own calls can be counted")
	case by == report.ByHour:
		err = errors.New("Salesforce's Tasks do not tell the hour: press s for this desk's own calls")
	default:
		r, err = report.FromSalesforce(ctx, p.org.client, name, by, report.Filter{Period: period}, st.Now)
		err = lineOf(err)
	}
	if err != nil {
		return desk.ReportPage{Error: text.Clean(err.Error())}
	}
	return pageLines(r, st)
}

// pageLines puts a report into lines for the screen.
func pageLines(r report.Report, st report.Style) (out desk.ReportPage) {
	out.Title = r.Title()
	if len(r.Notes) > 0 {
		out.Note = r.Notes[0]
	}
	zone := st.Now.Location()
	switch r.Name {
	case report.Missed:
		waits := 0
		for _, m := range r.Missed {
			who := m.Name.Or(st.Number(m.Number)).Or(text.Clean("withheld"))
			l := desk.ReportLine{Label: text.Clean(m.At.In(zone).Format("Mon 15:04 ") + who.String()), Value: m.What(zone), Dial: m.Number, Waits: !m.Done()}
			if l.Waits {
				waits++
			}
			out.Lines = append(out.Lines, l)
		}
		out.Sum = text.Clean(fmt.Sprintf("%s, %d still to be called", plural(len(r.Missed), "missed caller"), waits))
	case report.Logins:
		var sum time.Duration
		for _, s := range r.Sessions {
			begin, until := "?", "now"
			if !s.From.IsZero() {
				begin = s.From.In(zone).Format("Mon 2 Jan 15:04")
			}
			if !s.Until.IsZero() {
				until = s.Until.In(zone).Format("15:04")
			}
			if s.Cut {
				until += ", cut off"
			}
			sum += s.Length(st.Now)
			who := ""
			if r.Source == "salesforce" {
				who = s.Agent.String() + " "
			}
			out.Lines = append(out.Lines, desk.ReportLine{Label: text.Clean(begin), Value: text.Clean(who + "until " + until + "  " + report.Length(s.Length(st.Now)))})
		}
		out.Sum = text.Clean(plural(len(r.Sessions), "session") + ", " + report.Length(sum))
	default:
		largest := 0
		size := func(s report.Stats) int {
			if r.Name == report.Talk {
				return int(s.Talk / time.Second)
			}
			return s.Calls
		}
		for _, row := range r.Rows {
			largest = max(largest, size(row.Stats))
		}
		for _, row := range r.Rows {
			l := desk.ReportLine{Label: r.Label(row), Value: figures(r.Name, row.Stats)}
			if largest > 0 {
				l.Bar = size(row.Stats) * 1000 / largest
				if r.Name == report.Calls {
					l.Part = row.Missed * 1000 / largest
				}
			}
			out.Lines = append(out.Lines, l)
		}
		out.Sum = text.Clean("all: " + figures(r.Name, r.Total).String())
	}
	return out
}

func figures(name string, s report.Stats) text.Text {
	if name == report.Talk {
		return text.Clean(fmt.Sprintf("%s, mean %s, longest %s", report.Length(s.Talk), report.Length(s.Mean()), report.Length(s.Longest)))
	}
	return text.Clean(fmt.Sprintf("%s: %d in, %d out, %d missed", plural(s.Calls, "call"), s.In, s.Out, s.Missed))
}
