//go:build unix

package peers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func report(b *testing.B, all []time.Duration) {
	slices.Sort(all)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	b.ReportMetric(ms(all[len(all)/2]), "p50-ms")
	b.ReportMetric(ms(all[len(all)*99/100]), "p99-ms")
	b.ReportMetric(ms(all[len(all)-1]), "max-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkInviteTo180 is what a caller waits until the telephone says that it rings: the whole program runs, with its screen
// and Salesforce, and the clock is the caller's.
func BenchmarkInviteTo180(b *testing.B) {
	d := newWorkplace(b, newOrg(b), settings{}).ready(b)
	c := newClient(b, d.w.sip)
	var all []time.Duration
	for b.Loop() {
		a := c.attempt(fredNumber)
		sent := time.Now()
		a.invite()
		a.rings()
		all = append(all, time.Since(sent))
		a.giveUp()
		d.sees(`gave up|cancel|hung up|missed`)
	}
	report(b, all)
}

// BenchmarkInviteToScreen is the time from the INVITE's departure until the caller stands on the terminal: the number, and then
// the name that Salesforce knows.
func BenchmarkInviteToScreen(b *testing.B) {
	for _, what := range []string{"number", "name"} {
		b.Run(what, func(b *testing.B) {
			d := newWorkplace(b, newOrg(b), settings{}).ready(b)
			c := newClient(b, d.w.sip)
			var all []time.Duration
			for i := 0; b.Loop(); i++ {
				stranger := fmt.Sprintf("0770090%04d", 9000+i%1000) // stands nowhere in the practice data
				a := c.attempt(stranger)
				sent := time.Now()
				a.invite()
				d.shows(stranger)
				took := time.Since(sent)
				a.rings()
				d.shows("no match") // and Fred is off the screen
				a.giveUp()
				if what == "name" {
					a = c.attempt(fredNumber)
					sent = time.Now()
					a.invite()
					d.shows(fredName + "      ") // in the list of calls
					took = time.Since(sent)
					a.rings()
					a.giveUp()
				}
				all = append(all, took)
				d.shows(" ended ")
			}
			report(b, all)
		})
	}
}

// shows waits for a text on the screen.
func (d *desk) shows(s string) {
	d.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for !strings.Contains(d.screen(), s) {
		select {
		case <-d.changed:
		case <-timeout.C:
			d.t.Fatalf("the screen never showed %q:\n%s", s, d.screen())
		}
	}
}
