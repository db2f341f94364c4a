package sync

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func cron(t testing.TB, s string) Cron {
	t.Helper()
	c, err := ParseCron(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestASalesforceScheduleFiresWhenItSays(t *testing.T) {
	const layout = "2006-01-02 15:04:05"
	for _, c := range []struct{ schedule, zone, after, want string }{
		{"0 0 * * * ?", "UTC", "2026-11-20 16:11:36", "2026-11-20 17:00:00"},
		{"0 0 * * * ?", "UTC", "2026-11-20 17:00:00", "2026-11-20 18:00:00"},
		{"0 0 13 * * ?", "Europe/London", "2026-11-20 16:11:36", "2026-11-21 13:00:00"},
		{"0 0 22 ? * 6L", "UTC", "2026-11-01 00:00:00", "2026-11-27 22:00:00"},
		{"0 0 10 ? * MON-FRI", "UTC", "2026-11-20 11:00:00", "2026-11-23 10:00:00"},
		{"0 0 20 * * ? 2027", "UTC", "2026-11-20 11:00:00", "2027-01-01 20:00:00"},
		{"0 30 9 L * ?", "UTC", "2026-02-01 00:00:00", "2026-02-28 09:30:00"},
		{"0 30 9 L-2 * ?", "UTC", "2024-02-01 00:00:00", "2024-02-27 09:30:00"},
		{"0 0 8 LW * ?", "UTC", "2026-05-01 00:00:00", "2026-05-29 08:00:00"},  // the 31st is a Sunday
		{"0 0 8 15W * ?", "UTC", "2026-08-01 00:00:00", "2026-08-14 08:00:00"}, // the 15th is a Saturday
		{"0 0 8 1W * ?", "UTC", "2026-07-31 12:00:00", "2026-08-03 08:00:00"},  // the 1st is a Saturday: not into July
		{"0 0 8 ? * 6#3", "UTC", "2026-11-01 00:00:00", "2026-11-20 08:00:00"},
		{"0 0 8 ? * 6#5", "UTC", "2026-11-01 00:00:00", "2027-01-29 08:00:00"},
		{"0 0 8 ? * fri-mon", "UTC", "2026-11-18 00:00:00", "2026-11-20 08:00:00"},
		{"0 0 8 29 2 ?", "UTC", "2026-11-18 00:00:00", "2028-02-29 08:00:00"},
		{"0 0/15 8-10,20 * jan/3 ?", "UTC", "2026-11-18 00:00:00", "2027-01-01 08:00:00"},
		{"*/20 59 23 31 DEC ?", "UTC", "2026-12-31 23:59:20", "2026-12-31 23:59:40"},
		// Clocks go forward at 01:00 UTC on 2026-03-29: 01:30 in London does not exist, and runs as they change.
		{"0 30 1 * * ?", "Europe/London", "2026-03-28 12:00:00", "2026-03-29 02:00:00"},
		{"0 30 * * * ?", "Europe/London", "2026-03-29 00:30:00", "2026-03-29 02:30:00"},
		// They go back at 01:00 UTC on 2026-10-25: 01:30 comes twice and runs once.
		{"0 30 1 * * ?", "Europe/London", "2026-10-25 00:00:00", "2026-10-25 01:30:00"},
	} {
		z := zone(t, c.zone)
		at, err := time.ParseInLocation(layout, c.after, z)
		if err != nil {
			t.Fatal(err)
		}
		if got := cron(t, c.schedule).Next(at).Format(layout); got != c.want {
			t.Errorf("%s after %s: %s, want %s", c.schedule, c.after, got, c.want)
		}
	}
}

func TestTheHourThatComesTwiceCountsOnceExceptForWhatIsHourly(t *testing.T) {
	z := zone(t, "Europe/London")
	first := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC) // 01:30 BST
	if got := cron(t, "0 30 1 * * ?").Next(first.In(z)); !got.Equal(time.Date(2026, 10, 26, 1, 30, 0, 0, time.UTC)) {
		t.Errorf("daily: %s", got)
	}
	if got := cron(t, "0 30 * * * ?").Next(first.In(z)); !got.Equal(first.Add(time.Hour)) {
		t.Errorf("hourly: %s", got)
	}
}

func TestAWrongScheduleSaysWhatIsWrongAndWhere(t *testing.T) {
	for _, c := range []struct {
		schedule, part string
		at             int
		why            string
	}{
		{"", "", 0, "0 fields"},
		{"0 0 * * *", "", 0, "5 fields"},
		{"0 0 * * * ? 2026 1", "", 0, "8 fields"},
		{"0 0 * * * *", "*", 10, "exactly one"},
		{"0 0 * ? * ?", "?", 10, "exactly one"},
		{"60 0 * * * ?", "60", 0, "0 to 59"},
		{"0 0,61 * * * ?", "61", 4, "0 to 59"},
		{"0 ? * * * ?", "?", 2, "only for a kind of days"},
		{"0 0 24 * * ?", "24", 4, "0 to 23"},
		{"0 0 0 0 * ?", "0", 6, "1 to 31"},
		{"0 0 0 32W * ?", "32W", 6, "and W"},
		{"0 0 0 * FOO ?", "FOO", 8, "JAN"},
		{"0 0 0 ? * 8", "8", 10, "SUN"},
		{"0 0 0 ? * 6#6", "6#6", 10, "1 to 5"},
		{"0 0/0 0 ? * 6", "0/0", 2, "step"},
		{"0 1,,2 0 ? * 6", "1,,2", 2, "between its commas"},
		{"0 0 0 31 FEB ?", "", 0, "no day"},
		{"0 0 0 1 1 ? 1969", "1969", 12, "1970"},
		{"0 -1 0 1 1 ?", "-1", 2, "0 to 59"},
		{strings.Repeat("0 ", 400), "", 0, "longer"},
	} {
		_, err := ParseCron(c.schedule)
		var e *CronError
		if !errors.As(err, &e) || e.Part != c.part || e.At != c.at || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%q: %v (part %q at %d)", c.schedule, err, e.Part, e.At)
		}
	}
}

// slow says by looking at every second whether the schedule fires there.
func slow(c Cron, after time.Time, span int) time.Time {
	z := after.Location()
	fits := func(w time.Time) bool { // w shows wall time
		return c.second&(1<<w.Second()) != 0 && c.minute&(1<<w.Minute()) != 0 && c.hour&(1<<w.Hour()) != 0 && c.month&(1<<w.Month()) != 0 &&
			(c.anyYear || c.years[w.Year()-yearFirst]) && c.onDay(time.Date(w.Year(), w.Month(), w.Day(), 0, 0, 0, 0, time.UTC))
	}
	seen := map[string]bool{} // wall times that have been
	for i := -3 * 3600; i <= 0; i++ {
		seen[after.Truncate(time.Second).Add(time.Duration(i)*time.Second).In(z).Format(time.DateTime)] = true
	}
	prev := after.Truncate(time.Second)
	for range span {
		at := prev.Add(time.Second)
		wall := at.In(z)
		w := wall.Format(time.DateTime)
		_, a := prev.In(z).Zone()
		_, b := wall.Zone()
		if b > a && !c.everyHour {
			for k := range b - a {
				if fits(wall.Add(time.Duration(k-(b-a)) * time.Second).UTC().Add(time.Duration(b) * time.Second)) {
					return wall
				}
			}
		}
		if fits(wall) && (!seen[w] || c.everyHour) {
			return wall
		}
		seen[w] = true
		prev = at
	}
	return time.Time{}
}

func TestNextAgreesWithLookingAtEverySecond(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	starts := []time.Time{ // around changes of clocks, ends of months and years
		time.Date(2026, 3, 28, 22, 0, 0, 0, zone(t, "Europe/London")), time.Date(2026, 10, 24, 23, 30, 0, 0, zone(t, "Europe/London")),
		time.Date(2026, 3, 7, 22, 0, 0, 0, zone(t, "America/New_York")), time.Date(2026, 10, 31, 22, 0, 0, 0, zone(t, "America/New_York")),
		time.Date(2026, 4, 4, 23, 0, 0, 0, zone(t, "Australia/Lord_Howe")), time.Date(2026, 10, 3, 23, 0, 0, 0, zone(t, "Australia/Lord_Howe")), // half an hour
		time.Date(2026, 12, 31, 20, 0, 0, 0, time.UTC), time.Date(2028, 2, 28, 20, 0, 0, 0, zone(t, "Asia/Kolkata")),
	}
	const span = 12 * 3600
	for i := range 120 {
		days := pick("* * ?", "? * *", "L * ?", "? * 1L", "1,29 * ?", "? * SUN#5", "1W * ?", "? * 1#1", "* 1-3,10 ?")
		s := fmt.Sprintf("%s %s %s %s", pick("0", "0", "30", "*/20"), pick("0", "30", "15,45", "0/10"), pick("*", "1", "2", "1,2", "0-3", "23", "*/2"), days)
		c := cron(t, s)
		at := starts[i%len(starts)].Add(time.Duration(r.IntN(4*3600)) * time.Second)
		want := slow(c, at, span)
		got := c.Next(at)
		if want.IsZero() {
			if !got.IsZero() && got.Sub(at) <= span*time.Second {
				t.Errorf("%s after %s: %s, but nothing is there", s, at, got)
			}
		} else if !got.Equal(want) {
			t.Errorf("%s after %s: %s, want %s", s, at, got, want)
		}
	}
}

func TestADistantYearIsFoundAndAYearThatIsOverIsNot(t *testing.T) {
	z := zone(t, "Europe/London")
	if got := cron(t, "0 0 1 29 2 ? 2096").Next(time.Date(1966, 1, 1, 0, 0, 0, 0, z)); !got.Equal(time.Date(2096, 2, 29, 1, 0, 0, 0, time.UTC)) {
		t.Errorf("%s", got)
	}
	if got := cron(t, "0 0 0 1W * ? 1971").Next(time.Date(2026, 1, 1, 0, 0, 0, 0, z)); !got.IsZero() {
		t.Errorf("%s", got)
	}
	for now := time.Date(2020, 1, 1, 0, 0, 0, 0, z); now.Year() < 2099; { // through every leap year's last day
		next := cron(t, "0 0 0 31 12 ?").Next(now)
		if next.Year() != now.Year() && next.Year() != now.Year()+1 {
			t.Fatalf("after %s: %s", now, next)
		}
		now = next
	}
}

func FuzzASchedule(f *testing.F) {
	for _, s := range []string{"0 0 * * * ?", "0 0 8 15W * ?", "0 0 8 ? * 6#3 2027-2030", "0 0 8 LW JAN/2 ?", "0,,0 0 * * * ?", "0 0 8 ? * 6L"} {
		f.Add(s, int64(1_800_000_000))
	}
	z := zone(f, "Europe/London")
	f.Fuzz(func(t *testing.T, s string, unix int64) {
		c, err := ParseCron(s)
		if err != nil {
			if len(err.Error()) > 4096 {
				t.Errorf("a complaint of %d characters", len(err.Error()))
			}
			return
		}
		at := time.Unix(unix%4_000_000_000, 0).In(z)
		if n := c.Next(at); !n.IsZero() && !n.After(at) {
			t.Errorf("%q after %s: %s", s, at, n)
		}
		if again := cron(t, c.String()); again.String() != c.String() {
			t.Errorf("%q became %q", c, again)
		}
	})
}
