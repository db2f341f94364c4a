package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Span is a part of each week, in local time.
type Span struct {
	Days     []time.Weekday // nil: every day
	From, To time.Duration  // since midnight; To before From goes on into the next day, To 0 is midnight
}

// Week reads toll.hours.
func (t Toll) Week() ([]Span, error) {
	var out []Span
	for _, s := range t.Hours {
		span, err := parseSpan(s)
		if err != nil {
			return nil, err
		}
		out = append(out, span)
	}
	return out, nil
}

// parseSpan reads "Mon-Wed,Fri 08:00-19:00"; without days it is every day.
func parseSpan(s string) (Span, error) {
	bad := func(why string) (Span, error) {
		return Span{}, fmt.Errorf("%q: %s; write it as Mon-Fri 08:00-19:00", s, why)
	}
	var span Span
	words := strings.Fields(s)
	switch len(words) {
	case 1:
	case 2:
		for part := range strings.SplitSeq(words[0], ",") {
			first, last, isRange := strings.Cut(part, "-")
			from, ok := weekday(first)
			to, ok2 := from, true
			if isRange {
				to, ok2 = weekday(last)
			}
			if !ok || !ok2 {
				return bad(fmt.Sprintf("%q is no day", part))
			}
			for d := from; ; d = (d + 1) % 7 { // Sat-Mon goes over the end of the week
				if !slices.Contains(span.Days, d) {
					span.Days = append(span.Days, d)
				}
				if d == to {
					break
				}
			}
		}
	default:
		return bad("that is not days and a time")
	}
	from, to, isRange := strings.Cut(words[len(words)-1], "-")
	var ok, ok2 bool
	span.From, ok = clock(from)
	span.To, ok2 = clock(to)
	switch {
	case !isRange || !ok || !ok2 || span.From == 24*time.Hour:
		return bad("the time is not two hours of a day")
	case span.From == span.To:
		return bad("it begins when it ends")
	}
	return span, nil
}

// weekday reads "Mon" or "Monday".
func weekday(s string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if name := d.String(); strings.EqualFold(s, name) || strings.EqualFold(s, name[:3]) {
			return d, true
		}
	}
	return 0, false
}

// clock reads "08:00", up to "24:00".
func clock(s string) (time.Duration, bool) {
	if s == "24:00" {
		return 24 * time.Hour, true
	}
	t, err := time.Parse("15:04", s)
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, err == nil
}
