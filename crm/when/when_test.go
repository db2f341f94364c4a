package when

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func london(t testing.TB) *time.Location {
	t.Helper()
	z, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestWhatPeopleWriteIsUnderstood(t *testing.T) {
	now := time.Date(2026, 11, 20, 16, 11, 36, 0, london(t)) // a Friday
	for text, want := range map[string]string{
		"tomorrow 10:00": "2026-11-21 10:00", "Tomorrow at 9am": "2026-11-21 09:00", "tomorrow": "2026-11-21 09:00",
		"in 2h": "2026-11-20 18:12", "in 2 hours": "2026-11-20 18:12", "in 1h 30": "2026-11-20 17:42", "in 90 min": "2026-11-20 17:42",
		"in 1 hour and 30 minutes": "2026-11-20 17:42", "in an hour": "2026-11-20 17:12", "+3d": "2026-11-23 16:12", "2 weeks": "2026-12-04 16:12", "45m": "2026-11-20 16:57",
		"17:00": "2026-11-20 17:00", "9:30": "2026-11-21 09:30", "5pm": "2026-11-20 17:00", "5:15 pm": "2026-11-20 17:15", "12am": "2026-11-21 00:00", "noon": "2026-11-21 12:00",
		"1700": "2026-11-20 17:00", "18h": "2026-11-21 10:12", "17.45": "2026-11-20 17:45",
		"mon 10:00": "2026-11-23 10:00", "monday": "2026-11-23 09:00", "next friday 8:00": "2026-11-27 08:00", "fri 8:00": "2026-11-27 08:00", "fri 18:00": "2026-11-20 18:00",
		"2026-12-01 09:30": "2026-12-01 09:30", "2026-12-01": "2026-12-01 09:00", "10:00 2026-12-01": "2026-12-01 10:00", "1 dec 10:00": "2026-12-01 10:00",
		"dec 1st, 4 pm": "2026-12-01 16:00", "3 january": "2027-01-03 09:00", "3 jan 2027 10:00": "2027-01-03 10:00", "today 18:00": "2026-11-20 18:00",
	} {
		at, err := Parse(text, now, 9*time.Hour)
		if got := at.Format("2006-01-02 15:04"); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestWhatNamesNoMomentToComeIsRefusedWithTheReason(t *testing.T) {
	now := time.Date(2026, 11, 20, 16, 11, 36, 0, london(t))
	for text, why := range map[string]string{
		"": "When?", "   ": "When?", "later": "not understood", "today 9:00": "is over", "2026-11-19 09:00": "is over", "2026-02-30 10:00": "is no date",
		"1/12 10:00": "different people", "31 feb": "no day 31", "25:00": "not understood", "10:61": "not understood", "13pm": "not understood", "in x": "no length", "in": "no length",
		"tomorrow monday": "two days", "10:00 11:00": "not understood", "2028-01-01": "more than a year", "in 99999 days": "more than a year", "in -2h": "no length",
		"next year": "no day of the week", strings.Repeat("tomorrow ", 20): "too long", "tomorrow -5:00": "not understood",
	} {
		at, err := Parse(text, now, 9*time.Hour)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Why, why) {
			t.Errorf("%q: %v, %v; want %q", text, at, err, why)
		}
	}
}

func TestTheClockOfTheZoneCountsWhenItChanges(t *testing.T) {
	z := london(t)
	spring := time.Date(2026, 3, 28, 12, 0, 0, 0, z)
	for text, want := range map[string]string{
		"tomorrow 01:30": "2026-03-29T02:30:00+01:00", // does not exist: an hour later
		"tomorrow 10:00": "2026-03-29T10:00:00+01:00",
		"in 1 day":       "2026-03-29T12:00:00+01:00", // a day is a date, not 24 hours
		"in 24h":         "2026-03-29T13:00:00+01:00",
	} {
		at, err := Parse(text, spring, 9*time.Hour)
		if got := at.Format(time.RFC3339); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", text, got, err, want)
		}
	}
	autumn := time.Date(2026, 10, 24, 12, 0, 0, 0, z)
	if at, err := Parse("tomorrow 1:30", autumn, 0); err != nil || at.Format(time.RFC3339) != "2026-10-25T01:30:00+01:00" {
		t.Errorf("the first of two: %s, %v", at.Format(time.RFC3339), err)
	}
	ny, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	if at, err := Parse("tomorrow 2:30", time.Date(2026, 3, 7, 12, 0, 0, 0, ny), 0); err != nil || at.Format(time.RFC3339) != "2026-03-08T03:30:00-04:00" {
		t.Errorf("New York: %s, %v", at.Format(time.RFC3339), err)
	}
	if at, err := Parse("tomorrow 1:30", time.Date(2026, 10, 31, 12, 0, 0, 0, ny), 0); err != nil || at.Format(time.RFC3339) != "2026-11-01T01:30:00-04:00" {
		t.Errorf("New York twice: %s, %v", at.Format(time.RFC3339), err)
	}
}

func TestAMomentIsToldBack(t *testing.T) {
	now := time.Date(2026, 11, 20, 16, 0, 0, 0, london(t))
	for want, at := range map[string]time.Time{
		"today at 18:10, in 2 h 10 min": now.Add(130 * time.Minute), "tomorrow, Sat 21 Nov at 10:00, in 18 h": now.Add(18 * time.Hour), "Tue 1 Dec at 09:30, in 10 days": time.Date(2026, 12, 1, 9, 30, 0, 0, time.UTC),
		"Sun 3 Jan 2027 at 09:00, in 43 days": time.Date(2027, 1, 3, 9, 0, 0, 0, time.UTC), "today at 15:55, 5 min ago": now.Add(-5 * time.Minute), "today at 16:00, now": now,
	} {
		if got := Say(at, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func FuzzAMoment(f *testing.F) {
	for _, s := range []string{"tomorrow 10:00", "in 1h 30", "1 dec 9am", "next fri", "2026-12-01", "+3d", "12 am", "1530"} {
		f.Add(s, int64(1_795_000_000))
	}
	z := london(f)
	f.Fuzz(func(t *testing.T, s string, unix int64) {
		now := time.Unix(unix%4_000_000_000, 0).In(z)
		at, err := Parse(s, now, 9*time.Hour)
		if err == nil && (!at.After(now) || at.Sub(now) > Longest+time.Hour) {
			t.Errorf("%q at %s is %s", s, now, at)
		}
	})
}
