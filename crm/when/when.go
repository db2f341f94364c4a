// Package when understands the moments that people write: "tomorrow 10:00", "in 2h", "fri 14:30", "2026-12-01 09:30".
//
// Parse is a function of the text, the time now and the zone that now is in; Say tells a moment back in words, so that a person sees
// how it was understood before anything is promised to a customer. The package reads no clock, keeps nothing, and never guesses
// between two readings of a date: what it does not understand it refuses.
package when

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Error is a text that names no moment to come.
type Error struct{ Why string }

func (e *Error) Error() string { return e.Why }

func wrong(format string, args ...any) (time.Time, error) {
	return time.Time{}, &Error{fmt.Sprintf(format, args...)}
}

// Help says what can be written.
const Help = "Write it as in 2h, 15:30, tomorrow 10:00, fri 9am or 2026-12-01 09:30."

// Limits of what is understood.
const (
	maxText = 64
	// Longest is the furthest moment that is taken.
	Longest = 366 * 24 * time.Hour
)

// Parse reads a moment after now. now's location is the zone that clock times are meant in; start is the hour that a day without a
// clock time begins with, as 9h. A clock time that the zone leaves out (clocks go forward) becomes as much later as the clocks jump; one
// that comes twice is the first of the two. The error is an *Error: one line for a person.
func Parse(s string, now time.Time, start time.Duration) (time.Time, error) {
	if len(s) > maxText {
		return wrong("That is too long for a time. %s", Help)
	}
	words := strings.Fields(strings.ToLower(strings.NewReplacer(",", " ", "\u202f", " ").Replace(s)))
	if len(words) == 0 {
		return wrong("When? %s", Help)
	}
	at, ok, err := span(words, now)
	if !ok && err == nil {
		at, err = clockAndDay(words, now, start)
	}
	switch {
	case err != nil:
		return time.Time{}, err
	case !at.After(now):
		return wrong("%s is over.", Say(at, now))
	case at.Sub(now) > Longest:
		return wrong("%s is more than a year away.", at.Format("2 January 2006"))
	}
	return at, nil
}

var units = map[string]time.Duration{
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
}

var dayUnits = map[string]int{"d": 1, "day": 1, "days": 1, "w": 7, "week": 7, "weeks": 7}

// span reads "in 2h", "in 1 hour 30 min", "+3d", "90 minutes".
func span(words []string, now time.Time) (time.Time, bool, error) {
	rest, said := words, false
	switch {
	case words[0] == "in":
		rest, said = words[1:], true
	case strings.HasPrefix(words[0], "+"):
		rest, said = append([]string{words[0][1:]}, words[1:]...), true
	}
	var parts []string // number, unit, number, unit …
	for _, w := range rest {
		if w == "a" || w == "an" {
			w = "1"
		}
		for w != "" {
			n := strings.IndexFunc(w, func(r rune) bool { return (r >= '0' && r <= '9') != (w[0] >= '0' && w[0] <= '9') })
			if n < 0 {
				n = len(w)
			}
			if w[:n] != "and" {
				parts = append(parts, w[:n])
			}
			w = w[n:]
		}
	}
	var clock time.Duration
	days := 0
	ok := len(parts) > 0
	last := ""
	for i := 0; i < len(parts) && ok; i += 2 {
		n, err := strconv.Atoi(parts[i])
		unit := "min"
		switch {
		case i+1 < len(parts):
			unit = parts[i+1]
		case last != "h": // "1h 30"
			ok = false
		}
		d, isClock := units[unit]
		k, isDay := dayUnits[unit]
		ok = ok && err == nil && len(parts[i]) <= 5 && (isClock || isDay)
		clock += time.Duration(n) * d
		days += n * k
		if last = ""; d == time.Hour {
			last = "h"
		}
	}
	if !ok {
		if said {
			_, err := wrong("%q is no length of time. %s", strings.Join(rest, " "), Help)
			return time.Time{}, false, err
		}
		return time.Time{}, false, nil
	}
	if days > 800 || clock > 2*Longest {
		_, err := wrong("That is more than a year away.")
		return time.Time{}, false, err
	}
	return now.AddDate(0, 0, days).Add(clock).Round(time.Minute), true, nil
}

// clockAndDay reads a day, a time of day, or both in either order.
func clockAndDay(words []string, now time.Time, start time.Duration) (time.Time, error) {
	var day time.Time // a midnight in UTC that stands for a date
	minutes, haveDay, haveClock, weekday := int(start/time.Minute), false, false, false
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w == "at" || w == "on" || w == "the" || w == "uhr" || w == "o'clock" {
			continue
		}
		if d, n, week, err := date(words[i:], now); n > 0 || err != nil {
			if err != nil {
				return time.Time{}, err
			}
			if haveDay {
				return wrong("%q names two days.", strings.Join(words, " "))
			}
			day, haveDay, weekday = d, true, week
			i += n - 1
			continue
		}
		m, n, ok := clock(words[i:])
		if !ok || haveClock {
			return wrong("%q is not understood. %s", strings.Join(words, " "), Help)
		}
		minutes, haveClock = m, true
		i += n - 1
	}
	if !haveDay && !haveClock {
		return wrong("When? %s", Help)
	}
	today := !haveDay
	if today {
		day = civil(now)
	}
	at := on(day, minutes, now.Location())
	switch {
	case today && !at.After(now): // a time of day is the next one
		at = on(day.AddDate(0, 0, 1), minutes, now.Location())
	case weekday && !at.After(now):
		at = on(day.AddDate(0, 0, 7), minutes, now.Location())
	}
	return at, nil
}

func civil(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// on is the moment at which the clock of the zone shows the time on that day.
func on(day time.Time, minutes int, zone *time.Location) time.Time {
	y, m, d := day.Date()
	at := time.Date(y, m, d, minutes/60, minutes%60, 0, 0, zone)
	if at.Hour()*60+at.Minute() != minutes { // left out: time.Date may go to either side of the jump
		start, end := at.ZoneBounds()
		_, here := at.Zone()
		if _, before := start.Add(-1).In(zone).Zone(); !start.IsZero() && here > before && at.Sub(start) < time.Duration(here-before)*time.Second {
			return at
		}
		if !end.IsZero() {
			_, after := end.In(zone).Zone()
			at = at.Add(time.Duration(after-here) * time.Second)
		}
		return at
	}
	if start, _ := at.ZoneBounds(); !start.IsZero() { // the first of two
		_, here := at.Zone()
		if _, before := start.Add(-1).In(zone).Zone(); before > here && at.Sub(start) < time.Duration(before-here)*time.Second {
			return at.Add(-time.Duration(before-here) * time.Second)
		}
	}
	return at
}

var weekdays = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

var months = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

// named finds a word, or its first three letters or more, in a list; -1 for none.
func named(w string, list []string) int {
	w = strings.TrimSuffix(w, ".")
	for i, full := range list {
		if len(w) >= 3 && strings.HasPrefix(full, w) {
			return i
		}
	}
	return -1
}

// date reads a day at the beginning of words; n is how many of them it took, 0 for none. week: it was a day of the week.
func date(words []string, now time.Time) (day time.Time, n int, week bool, err error) {
	today := civil(now)
	switch words[0] {
	case "today":
		return today, 1, false, nil
	case "tomorrow", "tmrw":
		return today.AddDate(0, 0, 1), 1, false, nil
	}
	n = 1
	w := words[0]
	if (w == "next" || w == "this") && len(words) > 1 {
		w, n = words[1], 2
	}
	if i := named(w, weekdays[:]); i >= 0 {
		ahead := (i - int(today.Weekday()) + 7) % 7
		if n == 2 && words[0] == "next" && ahead == 0 {
			ahead = 7
		}
		return today.AddDate(0, 0, ahead), n, true, nil
	}
	if n == 2 {
		return day, 0, false, &Error{fmt.Sprintf("%q is no day of the week. %s", w, Help)}
	}
	if len(w) == 10 && w[4] == '-' && w[7] == '-' {
		if day, err = time.Parse(time.DateOnly, w); err != nil {
			return day, 0, false, &Error{fmt.Sprintf("%s is no date.", w)}
		}
		return day, 1, false, nil
	}
	if strings.Contains(w, "/") { // 3/4 is March here and April there
		return day, 0, false, &Error{"Write the date as 2026-12-01 or 1 dec: with / it means different days to different people."}
	}
	if len(words) > 1 { // "1 dec", "dec 1"
		d, m := w, words[1]
		if named(m, months[:]) < 0 {
			d, m = m, d
		}
		month := named(m, months[:])
		k, errDay := strconv.Atoi(strings.TrimRight(d, ".stndrh"))
		if month >= 0 && errDay == nil {
			n, year, said := 2, today.Year(), false
			if len(words) > 2 && len(words[2]) == 4 {
				if y, err := strconv.Atoi(words[2]); err == nil {
					year, n, said = y, 3, true
				}
			}
			day = time.Date(year, time.Month(month+1), k, 0, 0, 0, 0, time.UTC)
			if !said && day.Before(today) {
				day = time.Date(year+1, time.Month(month+1), k, 0, 0, 0, 0, time.UTC)
			}
			if day.Day() != k {
				return day, 0, false, &Error{fmt.Sprintf("%s has no day %d.", time.Month(month+1), k)}
			}
			return day, n, false, nil
		}
	}
	return day, 0, false, nil
}

// clock reads a time of day: 15:30, 9am, 9:15 pm, 1530, noon.
func clock(words []string) (minutes, n int, ok bool) {
	w := words[0]
	if w == "noon" || w == "midday" {
		return 12 * 60, 1, true
	}
	half := ""
	n = 1
	for _, suffix := range []string{"am", "pm", "a.m.", "p.m."} {
		if rest, cut := strings.CutSuffix(w, suffix); cut {
			w, half = rest, suffix[:1]
		} else if len(words) > 1 && words[1] == suffix {
			half, n = suffix[:1], 2
		}
	}
	hour, minute, colon := strings.Cut(strings.ReplaceAll(w, ".", ":"), ":")
	if len(w) == 4 && !colon && half == "" { // 1530
		hour, minute = w[:2], w[2:]
	}
	h, err := strconv.Atoi(hour)
	m := 0
	if err == nil && minute != "" {
		m, err = strconv.Atoi(minute)
		ok = len(minute) == 2
	} else {
		ok = half != "" || len(words) == 1
	}
	if err != nil || !ok || len(hour) > 2 || h < 0 || m < 0 || m > 59 || hour[0] == '+' || hour[0] == '-' || strings.HasPrefix(minute, "+") {
		return 0, 0, false
	}
	if half != "" {
		if h < 1 || h > 12 {
			return 0, 0, false
		}
		h %= 12
		if half == "p" {
			h += 12
		}
	}
	return h*60 + m, n, h < 24
}

// Say tells a moment as a person would, in now's zone: the day, the time, and how far away it is.
func Say(at, now time.Time) string {
	at = at.In(now.Location())
	days := int(civil(at).Sub(civil(now)).Hours() / 24)
	day := at.Format("Mon 2 Jan")
	switch {
	case days == 0:
		day = "today"
	case days == 1:
		day = "tomorrow, " + day
	case at.Year() != now.Year():
		day = at.Format("Mon 2 Jan 2006")
	}
	return day + " at " + at.Format("15:04") + ", " + Away(at.Sub(now))
}

// Away is a length of time in words: "in 2 h 10 min", "in 3 days", "5 min ago".
func Away(d time.Duration) string {
	past := d < 0
	if past {
		d = -d
	}
	d = d.Round(time.Minute)
	var s string
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		s = fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour && d%time.Hour < time.Minute:
		s = fmt.Sprintf("%d h", int(d.Hours()))
	case d < 24*time.Hour:
		s = fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	case d < 48*time.Hour:
		s = "1 day"
	default:
		s = fmt.Sprintf("%d days", int(d.Hours()/24))
	}
	if past {
		return s + " ago"
	}
	return "in " + s
}
