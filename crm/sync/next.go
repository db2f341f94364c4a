package sync

import "time"

// Next is the first moment after t at which the schedule fires, by the clock of t's zone; the zero time when there is none before
// the year 2100. Whole seconds.
//
// When clocks go forward, what would have fired in the hour that is left out fires once, as they change. When they go back, the
// hour that comes twice counts the first time only. A schedule for every hour fires in each hour there is, and so neither doubles nor
// catches up.
func (c Cron) Next(t time.Time) time.Time {
	if c.text == "" {
		return time.Time{}
	}
	zone := t.Location()
	now := t.Truncate(time.Second).Add(time.Second)
	for now.In(zone).Year() <= yearLast {
		start, end := now.In(zone).ZoneBounds()
		if !end.IsZero() && !end.After(now) { // on the last day of a leap year time gives that day's own beginning as its end
			end = now.Add(24 * time.Hour)
		}
		_, off := now.In(zone).Zone()
		from := naive(now, off)
		if !start.IsZero() {
			_, before := start.Add(-time.Second).In(zone).Zone()
			switch jump := off - before; {
			case jump > 0 && now.Equal(start) && !c.everyHour: // what was left out
				if n := c.after(naive(start, before), naive(start, off)); !n.IsZero() {
					return start.In(zone)
				}
			case jump < 0 && !c.everyHour: // what comes for the second time
				if again := naive(start, before); from.Before(again) {
					from = again
				}
			}
		}
		until := naive(time.Date(yearLast+1, 1, 1, 0, 0, 0, 0, zone), off)
		if !end.IsZero() {
			until = naive(end, off)
		}
		if n := c.after(from, until); !n.IsZero() {
			return n.Add(-time.Duration(off) * time.Second).In(zone)
		}
		if end.IsZero() {
			break
		}
		now = end
	}
	return time.Time{}
}

// naive is what the clock on the wall shows at t with this offset, as if it were UTC.
func naive(t time.Time, off int) time.Time {
	return t.UTC().Add(time.Duration(off) * time.Second)
}

// after is the first wall time from from on, before until, that fits; zero for none.
func (c Cron) after(from, until time.Time) time.Time {
	y, mo, d := from.Date()
	h, mi, s := from.Clock()
	for day := time.Date(y, mo, d, 0, 0, 0, 0, time.UTC); day.Before(until); {
		switch {
		case !c.anyYear && (day.Year() > yearLast || day.Year() < yearFirst || !c.years[day.Year()-yearFirst]):
			day, h, mi, s = time.Date(day.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC), 0, 0, 0
			continue
		case c.month&(1<<day.Month()) == 0:
			day, h, mi, s = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC), 0, 0, 0
			continue
		}
		if c.onDay(day) {
			if hh, mm, ss, ok := c.clock(h, mi, s); ok {
				if n := day.Add(time.Duration(hh)*time.Hour + time.Duration(mm)*time.Minute + time.Duration(ss)*time.Second); n.Before(until) {
					return n
				}
				return time.Time{}
			}
		}
		day, h, mi, s = day.AddDate(0, 0, 1), 0, 0, 0
	}
	return time.Time{}
}

// clock is the first time of day from h:m:s on that fits.
func (c Cron) clock(h, m, s int) (int, int, int, bool) {
	for ; h < 24; h, m, s = h+1, 0, 0 {
		if c.hour&(1<<h) == 0 {
			continue
		}
		for ; m < 60; m, s = m+1, 0 {
			if c.minute&(1<<m) == 0 {
				continue
			}
			for ; s < 60; s++ {
				if c.second&(1<<s) != 0 {
					return h, m, s, true
				}
			}
		}
	}
	return 0, 0, 0, false
}

// onDay reports whether a day fits; day is a midnight in UTC.
func (c Cron) onDay(day time.Time) bool {
	d, last := day.Day(), time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	w := int(day.Weekday())
	if c.byWeek {
		return c.weekdays&(1<<w) != 0 || c.lastOf&(1<<w) != 0 && d+7 > last || c.nth[w]&(1<<((d-1)/7+1)) != 0
	}
	if c.days&(1<<d) != 0 || c.lastDay && d == last-c.lastMinus || c.lastWeekday && d == weekdayNear(day, last, last) {
		return true
	}
	for n := 1; n <= last && c.nearest != 0; n++ {
		if c.nearest&(1<<n) != 0 && d == weekdayNear(day, n, last) {
			return true
		}
	}
	return false
}

// weekdayNear is the day from Monday to Friday that is nearest to day n of the month, within the month.
func weekdayNear(month time.Time, n, last int) int {
	switch time.Date(month.Year(), month.Month(), n, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if n == 1 {
			return 3
		}
		return n - 1
	case time.Sunday:
		if n == last {
			return n - 2
		}
		return n + 1
	}
	return n
}
