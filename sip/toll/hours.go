package toll

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// when is a list of hours as a person reads it: "Mon-Fri 08:00-19:00 and Sat 09:00-13:00".
func when(list []Hours) string {
	var all []string
	for _, h := range list {
		all = append(all, h.String())
	}
	return strings.Join(all, " and ")
}

// String is the hours as they are written in the settings.
func (h Hours) String() string {
	clock := func(d time.Duration) string {
		return fmt.Sprintf("%02d:%02d", int(d/time.Hour), int(d%time.Hour/time.Minute))
	}
	to := h.To
	if to == 0 {
		to = 24 * time.Hour
	}
	s := clock(h.From) + "-" + clock(to)
	if days := h.days(); days != "" {
		s = days + " " + s
	}
	return s
}

// days joins what stands beside each other: "Mon-Wed,Fri", from Monday on; "" for every day.
func (h Hours) days() string {
	on := func(i int) bool { return slices.Contains(h.Days, time.Weekday((i+1)%7)) }
	name := func(i int) string { return time.Weekday((i + 1) % 7).String()[:3] }
	var out []string
	n := 0
	for i := 0; i < 7; i++ {
		if !on(i) {
			continue
		}
		first := i
		for i < 6 && on(i+1) {
			i++
		}
		n += i - first + 1
		switch {
		case i == first:
			out = append(out, name(i))
		case i == first+1:
			out = append(out, name(first), name(i))
		default:
			out = append(out, name(first)+"-"+name(i))
		}
	}
	if n == 7 {
		return ""
	}
	return strings.Join(out, ",")
}
