package emulator

import (
	"strings"
	"time"
)

// span is a half-open interval of time: what a SOQL date literal means.
type span struct{ from, to time.Time }

// dateLiteral resolves TODAY, LAST_N_DAYS:3 and the others in the user's zone. n is the number behind the colon.
func dateLiteral(name string, n int, now time.Time, zone *time.Location) (span, bool) {
	now = now.In(zone)
	y, m, d := now.Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, zone)
	days := func(from, to int) span { return span{today.AddDate(0, 0, from), today.AddDate(0, 0, to)} }
	week := today.AddDate(0, 0, -int(today.Weekday())) // weeks start on Sunday unless the locale says otherwise
	month := time.Date(y, m, 1, 0, 0, 0, 0, zone)
	quarter := time.Date(y, (m-1)/3*3+1, 1, 0, 0, 0, 0, zone)
	year := time.Date(y, 1, 1, 0, 0, 0, 0, zone)
	weeks := func(from, to int) span { return span{week.AddDate(0, 0, 7*from), week.AddDate(0, 0, 7*to)} }
	months := func(from, to int) span { return span{month.AddDate(0, from, 0), month.AddDate(0, to, 0)} }
	quarters := func(from, to int) span { return span{quarter.AddDate(0, 3*from, 0), quarter.AddDate(0, 3*to, 0)} }
	years := func(from, to int) span { return span{year.AddDate(from, 0, 0), year.AddDate(to, 0, 0)} }
	switch strings.ToUpper(name) {
	case "TODAY":
		return days(0, 1), true
	case "YESTERDAY":
		return days(-1, 0), true
	case "TOMORROW":
		return days(1, 2), true
	case "LAST_90_DAYS":
		return days(-90, 1), true
	case "NEXT_90_DAYS":
		return days(1, 91), true
	case "LAST_WEEK":
		return weeks(-1, 0), true
	case "THIS_WEEK":
		return weeks(0, 1), true
	case "NEXT_WEEK":
		return weeks(1, 2), true
	case "LAST_MONTH":
		return months(-1, 0), true
	case "THIS_MONTH":
		return months(0, 1), true
	case "NEXT_MONTH":
		return months(1, 2), true
	case "LAST_QUARTER":
		return quarters(-1, 0), true
	case "THIS_QUARTER":
		return quarters(0, 1), true
	case "NEXT_QUARTER":
		return quarters(1, 2), true
	case "LAST_YEAR":
		return years(-1, 0), true
	case "THIS_YEAR":
		return years(0, 1), true
	case "NEXT_YEAR":
		return years(1, 2), true
	case "LAST_N_DAYS":
		return days(-n, 1), true // includes today
	case "NEXT_N_DAYS":
		return days(1, n+1), true
	case "N_DAYS_AGO":
		return days(-n, -n+1), true
	case "LAST_N_WEEKS":
		return weeks(-n, 0), true
	case "NEXT_N_WEEKS":
		return weeks(1, n+1), true
	case "N_WEEKS_AGO":
		return weeks(-n, -n+1), true
	case "LAST_N_MONTHS":
		return months(-n, 0), true
	case "NEXT_N_MONTHS":
		return months(1, n+1), true
	case "N_MONTHS_AGO":
		return months(-n, -n+1), true
	case "LAST_N_QUARTERS":
		return quarters(-n, 0), true
	case "NEXT_N_QUARTERS":
		return quarters(1, n+1), true
	case "N_QUARTERS_AGO":
		return quarters(-n, -n+1), true
	case "LAST_N_YEARS":
		return years(-n, 0), true
	case "NEXT_N_YEARS":
		return years(1, n+1), true
	case "N_YEARS_AGO":
		return years(-n, -n+1), true
	}
	return span{}, false
}

// needsNumber tells whether a literal takes :n.
func needsNumber(name string) bool {
	return strings.Contains(strings.ToUpper(name), "N_") && !strings.HasPrefix(strings.ToUpper(name), "LAST_9")
}
