package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

func week(t *testing.T) (time.Time, Period) {
	now := time.Date(2026, 11, 20, 17, 0, 0, 0, london(t))
	p, err := Named("this week", now)
	if err != nil {
		t.Fatal(err)
	}
	return now, p
}

func TestLedgerAndSalesforceCountTheSame(t *testing.T) {
	now, p := week(t)
	o := newOffice(t, now)
	rnd := rand.New(rand.NewPCG(4, 9))
	for i := range 120 {
		start := p.From.Add(time.Duration(rnd.Int64N(int64(now.Sub(p.From)))))
		o.call(i, start, func(r *crm.CallRecord) {
			r.Duration = time.Duration(1+rnd.IntN(4000)) * time.Second
			r.Disposition = text.Clean([]string{"", "Resolved", "Interested"}[rnd.IntN(3)])
			switch rnd.IntN(4) {
			case 0:
				unanswered(r)
			case 1:
				outbound(r)
			}
		})
	}
	o.send()
	for _, by := range []string{ByDay, ByDisposition, ByDirection} {
		a, err := FromLedger(t.Context(), o.led, Calls, by, Filter{Period: p})
		if err != nil {
			t.Fatal(err)
		}
		b, err := FromSalesforce(t.Context(), o.SF, Calls, by, Filter{Period: p}, now)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Rows) != len(b.Rows) || a.Total.Calls != 120 {
			t.Fatalf("by %s: %d and %d rows, %d calls", by, len(a.Rows), len(b.Rows), a.Total.Calls)
		}
		for i := range a.Rows {
			x := a.Rows[i].Stats
			x.Handle, x.Handled = 0, 0
			at := slices.IndexFunc(b.Rows, func(r Row) bool { return r.Label == a.Rows[i].Label })
			if at < 0 || x != b.Rows[at].Stats {
				t.Errorf("by %s, %q: %+v in the ledger, %+v in Salesforce", by, a.Rows[i].Label, x, b.Rows)
			}
		}
	}
	agents, err := FromSalesforce(t.Context(), o.SF, Talk, ByAgent, Filter{Period: p}, now)
	if err != nil || len(agents.Rows) != 1 || strings.HasPrefix(agents.Rows[0].Label.String(), "005") {
		t.Errorf("by agent: %+v %v", agents.Rows, err)
	}
	only, err := FromSalesforce(t.Context(), o.SF, Calls, ByDay, Filter{Period: p, Direction: "outbound", Disposition: "resolved"}, now)
	mine, err2 := FromLedger(t.Context(), o.led, Calls, ByDay, Filter{Period: p, Direction: "outbound", Disposition: "resolved"})
	if err != nil || err2 != nil || only.Total.Calls != mine.Total.Calls || only.Total.Calls == 0 {
		t.Errorf("filtered: %d and %d, %v %v", only.Total.Calls, mine.Total.Calls, err, err2)
	}
}

func TestADayIsTheAgentsDayAlsoWhenTheClockChanges(t *testing.T) {
	zone := london(t)
	for _, c := range []struct {
		day   string
		hours float64
	}{{"2026-03-29", 23}, {"2026-10-25", 25}, {"2026-11-21", 24}} {
		now, _ := time.ParseInLocation("2006-01-02 15:04", c.day+" 12:00", zone)
		p, err := Named("today", now)
		if err != nil || p.Until.Sub(p.From).Hours() != c.hours {
			t.Errorf("%s has %v hours, not %v (%v)", c.day, p.Until.Sub(p.From).Hours(), c.hours, err)
		}
		if a, b := p.Days(); a != c.day || b != c.day {
			t.Errorf("today is %s to %s, not %s", a, b, c.day)
		}
	}
	santiago, err := time.LoadLocation("America/Santiago") // there the clock jumps at midnight
	if err != nil {
		t.Fatal(err)
	}
	p, err := Named("today", time.Date(2026, 9, 6, 12, 0, 0, 0, santiago))
	if err != nil || p.From.Format(time.DateTime) != "2026-09-06 01:00:00" || p.Until.Sub(p.From) != 23*time.Hour {
		t.Errorf("the day of Santiago's change begins %s and has %v (%v)", p.From, p.Until.Sub(p.From), err)
	}
}

func TestPeriodsAreReadAsPeopleSayThem(t *testing.T) {
	now := time.Date(2026, 11, 20, 17, 0, 0, 0, london(t)) // a Friday
	for _, c := range []struct{ from, to, want string }{
		{"", "", "2026-11-20 2026-11-20"}, {"this week", "", "2026-11-16 2026-11-22"}, {"last-week", "", "2026-11-09 2026-11-15"},
		{"last month", "", "2026-10-01 2026-10-31"}, {"2026-11-01", "", "2026-11-01 2026-11-20"}, {"2026-11-01", "2026-11-03", "2026-11-01 2026-11-03"},
		{"7d", "yesterday", "2026-11-13 2026-11-19"}, {"2026-11-02T09:00", "2026-11-02T17:00", "2026-11-02 2026-11-02"},
		{"2026-11-03", "2026-11-01", ""}, {"soon", "", ""}, {"today", "soon", ""}, {"-3d", "", ""},
	} {
		p, err := ParsePeriod(c.from, c.to, now)
		got := ""
		if err == nil {
			a, b := p.Days()
			got = a + " " + b
		}
		if got != c.want {
			t.Errorf("%q to %q is %q, not %q (%v)", c.from, c.to, got, c.want, err)
		}
	}
}

func TestWhoWasCalledBackDoesNotWait(t *testing.T) {
	now, p := week(t)
	for _, source := range []string{"ledger", "salesforce"} {
		t.Run(source, func(t *testing.T) {
			o := newOffice(t, now)
			at := func(min int) time.Time { return now.Add(-4*time.Hour + time.Duration(min)*time.Minute) }
			from := func(number string, more ...func(*crm.CallRecord)) func(*crm.CallRecord) {
				return func(r *crm.CallRecord) {
					r.Number = text.Clean(number)
					for _, f := range more {
						f(r)
					}
				}
			}
			o.call(1, at(0), from("07814256401", unanswered))                 // called back, in another notation
			o.call(2, at(10), from("+447814256401", outbound))                //
			o.call(3, at(20), from("07814256403", unanswered))                // tried, twice missed
			o.call(4, at(21), from("07814256403", unanswered))                //
			o.call(5, at(30), from("07814256403", outbound, unanswered))      //
			o.call(6, at(40), from("07814256406", unanswered))                // called again
			o.call(7, at(50), from("07814256406"))                            //
			o.call(8, at(60), from("07814256408", unanswered))                // waits
			o.call(9, p.From.Add(-time.Hour), from("0799900000", unanswered)) // before the period
			o.send()
			var r Report
			var err error
			if source == "ledger" {
				r, err = FromLedger(t.Context(), o.led, Missed, "", Filter{Period: p})
			} else {
				r, err = FromSalesforce(t.Context(), o.SF, Missed, "", Filter{Period: p}, now)
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range r.Missed {
				what, _, _ := strings.Cut(m.What(now.Location()).String(), " by ")
				got = append(got, fmt.Sprint(m.Number, ": ", what, " ", m.Again))
			}
			want := []string{"07814256408: waits 0", "07814256406: called again 13:50 0", "07814256403: tried 13:30, no answer 1", "07814256401: called back 13:10 0"}
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func TestCSVRunsNoFormulaAndMasksNumbers(t *testing.T) {
	now, p := week(t)
	for _, evil := range []string{"=1+1", "+cmd", "-2", "@SUM(A1)", "\"quoted\", with\ncomma", "|x", "%0A"} {
		r := Report{Name: Calls, By: ByDisposition, Period: p, Rows: []Row{{Label: text.Clean(evil)}}}
		var b bytes.Buffer
		if err := r.CSV(&b, Style{Now: now}); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(rows) != 2 || strings.ContainsRune("=+-@|%", rune(rows[1][0][0])) {
			t.Errorf("%q: %q %v", evil, rows, err)
		}
	}
	r := Report{Name: Missed, Period: p, Missed: []MissedCall{{At: now, Number: text.Clean("+447814256404")}}}
	for _, whole := range []bool{false, true} {
		var all bytes.Buffer
		st := Style{Now: now, Numbers: whole}
		for _, write := range []func() error{func() error { return r.CSV(&all, st) }, func() error { return r.Text(&all, st) }, func() error { return r.JSON(&all, st) }} {
			if err := write(); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Count(all.String(), "7814256404"); (got == 3) != whole || (got == 0) == whole {
			t.Errorf("whole numbers %v: the number stands there %d times:\n%s", whole, got, all.String())
		}
	}
}

func TestLinesFitEightyColumnsAndJSONIsJSON(t *testing.T) {
	now, p := week(t)
	long := text.Clean(strings.Repeat("An unusually long name of a result ", 4))
	s := Stats{Calls: 99999, In: 99999, Out: 99999, Internal: 99999, Answered: 99999, Missed: 99999, Talk: 9999 * time.Hour, Longest: 99 * time.Hour, Handle: 99 * time.Hour, Handled: 1}
	for _, r := range []Report{
		{Name: Calls, By: ByDisposition, Period: p, Rows: []Row{{long, s}, {text.Text{}, s}}, Total: s},
		{Name: Talk, By: ByAgent, Period: p, Rows: []Row{{long, s}}, Total: s},
		{Name: Missed, Period: p, Missed: []MissedCall{{At: now, Number: long, Name: long, Back: now.AddDate(0, 0, 3), By: long}}},
		{Name: Logins, Period: p, Sessions: []Session{{Agent: long, From: now.AddDate(0, 0, -1), Until: now, Cut: true, Away: 3 * time.Hour}}},
	} {
		var b bytes.Buffer
		if err := r.Text(&b, Style{Now: now, Numbers: true}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if w := text.Clean(strings.TrimRight(line, "\n")).Width(); w > 80 {
				t.Errorf("%s: %d columns: %s", r.Name, w, line)
			}
		}
		b.Reset()
		if err := r.JSON(&b, Style{Now: now}); err != nil || !json.Valid(b.Bytes()) || !strings.Contains(b.String(), `"report": "`+r.Name) {
			t.Errorf("%s: %v %s", r.Name, err, b.String())
		}
	}
}

func TestAQuestionThatCannotBeAnsweredIsRefusedInOneLine(t *testing.T) {
	now, p := week(t)
	for _, c := range []struct{ name, by string }{{"sales", ""}, {Calls, "moon"}, {Missed, ByDay}, {Logins, ByAgent}} {
		if _, err := FromLedger(t.Context(), nil, c.name, c.by, Filter{Period: p}); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s by %s: %v", c.name, c.by, err)
		}
	}
	for _, f := range []Filter{{Period: p, Queue: "sales"}, {Period: p, Campaign: "autumn"}} {
		if _, err := FromSalesforce(t.Context(), nil, Calls, ByDay, f, now); err == nil {
			t.Error("a queue cannot be asked of Salesforce")
		}
	}
	o := newOffice(t, now)
	if _, err := FromSalesforce(t.Context(), o.SF, Calls, ByDay, Filter{Period: p, Agent: "Nobody At All"}, now); err == nil || !strings.Contains(err.Error(), "no users") {
		t.Errorf("an agent that is nobody: %v", err)
	}
}

func FuzzSubject(f *testing.F) {
	f.Add("Inbound Call at 16:11:36 Europe/London from 07814256404 (Fred Bloggs)", "2026-11-20")
	f.Add("Outbound Call at 4:11:36 PM to 2101", "2026-11-20")
	f.Add(" Call at M ", "")
	f.Fuzz(func(t *testing.T, subject, day string) {
		number, _ := readSubject(subject, day, time.UTC)
		if strings.ContainsAny(number.String(), "\x1b\n") {
			t.Errorf("%q", number)
		}
	})
}

func FuzzEventTask(f *testing.F) {
	f.Add("offhook-login-1", "Event: login\nAt: 2026-11-20T09:00:00Z\nSession: X")
	f.Fuzz(func(t *testing.T, key, description string) {
		if ev, ok := readEvent(key, description, text.Text{}); ok && (ev.At.IsZero() || ev.Session == "") {
			t.Errorf("%+v", ev)
		}
	})
}

func TestOpenCallsAreNotCountedYet(t *testing.T) {
	now, p := week(t)
	o := newOffice(t, now)
	if err := o.led.Journal(t.Context(), ledger.Call{Key: "k1", State: "talking", Direction: "Inbound", Started: now}, "answered", now); err != nil {
		t.Fatal(err)
	}
	r, err := FromLedger(t.Context(), o.led, Calls, "", Filter{Period: p})
	if err != nil || r.Total.Calls != 0 || len(r.Notes) != 1 {
		t.Errorf("%+v %v", r, err)
	}
}
