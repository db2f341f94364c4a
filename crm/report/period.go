package report

import (
	"fmt"
	"strings"
	"time"
)

// Period is a stretch of whole or partial days in the agent's zone; Until is not part of it.
type Period struct {
	From, Until time.Time
}

// Zone is the zone in which the period was meant.
func (p Period) Zone() *time.Location { return p.From.Location() }

// Contains reports whether a moment lies in the period.
func (p Period) Contains(t time.Time) bool { return !t.Before(p.From) && t.Before(p.Until) }

// Days are the calendar days that the period touches: first and last, as 2026-11-21.
func (p Period) Days() (first, last string) {
	return day(p.From, p.Zone()), day(p.Until.Add(-1), p.Zone())
}

// Words are the names of periods that Parse knows.
func Words() []string {
	return []string{"today", "yesterday", "this week", "last week", "this month", "last month"}
}

// midnight is the beginning of t's day, which in some zones is not 0:00: there it is the first moment of that day.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return firstMoment(y, m, d, t.Location())
}

func firstMoment(y int, m time.Month, d int, zone *time.Location) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	for t.Day() != time.Date(y, m, d, 12, 0, 0, 0, zone).Day() { // the clock jumped over midnight: Go goes back, the day has not begun
		t = t.Add(15 * time.Minute)
	}
	return t
}

// Named returns the period of a name, as it is at now, in now's zone. A week begins on Monday (ISO 8601).
func Named(name string, now time.Time) (Period, error) {
	y, m, d := now.Date()
	zone := now.Location()
	at := func(y int, m time.Month, d int) time.Time { return firstMoment(y, m, d, zone) }
	monday := d - (int(now.Weekday())+6)%7
	switch strings.ToLower(strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '-' || r == '_' }), " ")) {
	case "today":
		return Period{at(y, m, d), at(y, m, d+1)}, nil
	case "yesterday":
		return Period{at(y, m, d-1), at(y, m, d)}, nil
	case "this week", "week":
		return Period{at(y, m, monday), at(y, m, monday+7)}, nil
	case "last week":
		return Period{at(y, m, monday-7), at(y, m, monday)}, nil
	case "this month", "month":
		return Period{at(y, m, 1), at(y, m+1, 1)}, nil
	case "last month":
		return Period{at(y, m-1, 1), at(y, m, 1)}, nil
	}
	return Period{}, fmt.Errorf("%q is not a period: try %s", name, strings.Join(Words(), ", "))
}

// ParsePeriod reads what a person said: a name (from), or two ends. A day as the end is part of the period; an empty end is now's end
// of day, an empty beginning is today.
func ParsePeriod(from, to string, now time.Time) (Period, error) {
	if from == "" {
		from = "today"
	}
	p, err := Named(from, now)
	if err != nil {
		begin, _, err := moment(from, now)
		if err != nil {
			return Period{}, err
		}
		p = Period{begin, midnight(now.AddDate(0, 0, 1))}
	}
	if to != "" {
		if end, err := Named(to, now); err == nil {
			p.Until = end.Until
		} else {
			end, whole, err := moment(to, now)
			if err != nil {
				return Period{}, err
			}
			if p.Until = end; whole {
				p.Until = midnight(end.Add(36 * time.Hour))
			}
		}
	}
	if !p.From.Before(p.Until) {
		return Period{}, fmt.Errorf("the period ends (%s) before it begins (%s)", p.Until.Format("2006-01-02 15:04"), p.From.Format("2006-01-02 15:04"))
	}
	return p, nil
}

// moment reads a day or a moment; whole is true for a day.
func moment(s string, now time.Time) (t time.Time, whole bool, err error) {
	s = strings.TrimSpace(s)
	if t, err := time.ParseInLocation(time.DateOnly, s, now.Location()); err == nil {
		y, m, d := t.Add(2 * time.Hour).Date()
		return firstMoment(y, m, d, now.Location()), true, nil
	}
	var days int
	if n, err := fmt.Sscanf(s, "%dd", &days); n == 1 && err == nil && fmt.Sprintf("%dd", days) == s && days >= 0 && days < 4000 {
		return midnight(now.AddDate(0, 0, -days)), true, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t.In(now.Location()), false, nil
		}
	}
	return time.Time{}, false, fmt.Errorf("%q is not a day: try 2026-11-21, 7d, or %s", s, strings.Join(Words(), ", "))
}

func day(t time.Time, zone *time.Location) string { return t.In(zone).Format(time.DateOnly) }
