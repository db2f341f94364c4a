package sync

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Cron is a schedule in Salesforce's notation (System.schedule): second, minute, hour, day of month, month, day of week and,
// optionally, year, separated by blanks. A field holds *, a value, a range a-b, a step a/n or */n, or several of these with commas;
// months and days of the week also by their English names. Of the two kinds of days exactly one is ?. Day of month also knows L (the
// last), L-3, LW (the last weekday) and 15W (the weekday nearest to the 15th); day of week, where 1 is Sunday, knows 6L (the last
// Friday) and 6#3 (the third Friday). Salesforce itself takes only plain numbers for second and minute; here they may be lists too.
//
// Make it with ParseCron. It is a value and never changes.
type Cron struct {
	text               string
	second, minute     uint64
	hour, month        uint64
	days               uint64 // of the month; 0 with byWeek
	weekdays           uint64 // bits 0 (Sunday) to 6
	byWeek             bool
	lastDay            bool // L
	lastMinus          int  // of lastDay: days before it
	lastWeekday        bool // LW
	nearest            uint64
	lastOf             uint64 // bits of weekdays: 6L
	nth                [7]uint8
	years              [yearLast - yearFirst + 1]bool
	everyHour, anyYear bool
}

const yearFirst, yearLast = 1970, 2099

// CronError says what is wrong with a schedule, and where.
type CronError struct {
	Text string // the schedule
	At   int    // byte at which the wrong part begins
	Part string // the wrong part; empty when something is missing
	Why  string
}

func (e *CronError) Error() string {
	if e.Part == "" {
		return fmt.Sprintf("%q is no schedule: %s", e.Text, e.Why)
	}
	return fmt.Sprintf("%q is no schedule: %q (character %d) %s", e.Text, e.Part, e.At+1, e.Why)
}

// field is one column of a schedule.
type field struct {
	name   string
	lo, hi int
	names  []string // of lo, lo+1, …
}

var fieldsOf = [...]field{
	{"second", 0, 59, nil}, {"minute", 0, 59, nil}, {"hour", 0, 23, nil}, {"day of month", 1, 31, nil},
	{"month", 1, 12, []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	{"day of week", 1, 7, []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}},
	{"year", yearFirst, yearLast, nil},
}

// maxCron bounds what a file may say.
const maxCron = 512

// ParseCron reads a schedule. The error is a *CronError.
func ParseCron(text string) (Cron, error) {
	c := Cron{text: strings.Join(strings.Fields(text), " ")}
	fail := func(at int, part, why string, args ...any) (Cron, error) {
		return Cron{}, &CronError{Text: text, At: at, Part: part, Why: fmt.Sprintf(why, args...)}
	}
	if len(text) > maxCron {
		text = text[:40] + "…"
		return fail(0, "", "it is longer than %d characters", maxCron)
	}
	var words []string
	var at []int
	for i := 0; i < len(text); {
		if text[i] == ' ' || text[i] == '\t' {
			i++
			continue
		}
		j := i
		for j < len(text) && text[j] != ' ' && text[j] != '\t' {
			j++
		}
		words, at = append(words, text[i:j]), append(at, i)
		i = j
	}
	if n := len(words); n < 6 || n > 7 {
		return fail(0, "", "it has %d fields; it needs second, minute, hour, day of month, month, day of week and perhaps a year, as 0 0 * * * ?", n)
	}
	if (words[3] == "?") == (words[5] == "?") {
		return fail(at[5], words[5], "does not go with day of month %q: exactly one of the two kinds of days must be ?", words[3])
	}
	c.anyYear = len(words) == 6 || words[6] == "*"
	for i, w := range words {
		if w == "?" && (i == 3 || i == 5) {
			continue
		}
		off := at[i]
		for part := range strings.SplitSeq(w, ",") {
			if why := c.part(i, strings.ToUpper(part), len(part) == len(w)); why != "" {
				if part == "" {
					part = w
					off = at[i]
				}
				return fail(off, part, "%s", why)
			}
			off += len(part) + 1
		}
	}
	c.byWeek = words[3] == "?"
	c.everyHour = c.hour == 1<<24-1
	if c.Next(time.Date(yearFirst, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return fail(0, "", "no day of any year fits it")
	}
	return c, nil
}

// part takes in one element of a field; it returns what is wrong with it.
func (c *Cron) part(i int, s string, alone bool) (why string) {
	f := fieldsOf[i]
	switch {
	case s == "":
		return "has nothing between its commas"
	case s == "?":
		return "may stand only for a kind of days, alone"
	case i == 3 && c.monthPart(s):
		return ""
	case i == 3 && strings.ContainsAny(s, "LW"):
		return "must be L, L-1 to L-30, LW, or a day from 1 to 31 and W"
	case i == 5 && s == "L": // Quartz: on its own it is the last day of the week
		c.weekdays |= 1 << 6
		return ""
	case i == 5 && strings.HasSuffix(s, "L") && len(s) > 1:
		d, why := f.value(s[:len(s)-1])
		if why == "" {
			c.lastOf |= 1 << (d - 1)
		}
		return why
	case i == 5 && strings.Contains(s, "#"):
		day, n, _ := strings.Cut(s, "#")
		d, why := f.value(day)
		if why != "" {
			return why
		}
		if len(n) != 1 || n[0] < '1' || n[0] > '5' {
			return "must be a day, # and a number from 1 to 5"
		}
		c.nth[d-1] |= 1 << (n[0] - '0')
		return ""
	}
	lo, hi, step, why := f.span(s)
	if why != "" {
		return why
	}
	size := f.hi - f.lo + 1
	n := (hi-lo+size)%size + 1 // a range may go over the end, as FRI-MON
	for k := 0; k < n; k += step {
		c.set(i, (lo-f.lo+k)%size+f.lo)
	}
	return ""
}

// monthPart takes in what only a day of month can be.
func (c *Cron) monthPart(s string) bool {
	switch {
	case s == "L":
		c.lastDay = true
	case s == "LW":
		c.lastWeekday = true
	case strings.HasPrefix(s, "L-"):
		n, ok := number(s[2:])
		if !ok || n < 1 || n > 30 || c.lastDay {
			return false
		}
		c.lastDay, c.lastMinus = true, n
	case strings.HasSuffix(s, "W"):
		n, ok := number(s[:len(s)-1])
		if !ok || n < 1 || n > 31 {
			return false
		}
		c.nearest |= 1 << n
	default:
		return false
	}
	return true
}

func (c *Cron) set(i, v int) {
	switch i {
	case 0:
		c.second |= 1 << v
	case 1:
		c.minute |= 1 << v
	case 2:
		c.hour |= 1 << v
	case 3:
		c.days |= 1 << v
	case 4:
		c.month |= 1 << v
	case 5:
		c.weekdays |= 1 << (v - 1)
	case 6:
		c.years[v-yearFirst] = true
	}
}

// span reads *, v, a-b, each with /step; v/step goes on to the field's end.
func (f field) span(s string) (lo, hi, step int, why string) {
	body, by, stepped := strings.Cut(s, "/")
	step = 1
	if stepped {
		n, ok := number(by)
		if !ok || n < 1 || n > f.hi-f.lo {
			return 0, 0, 0, fmt.Sprintf("must have a step from 1 to %d after its /", f.hi-f.lo)
		}
		step = n
	}
	if body == "*" || body == "" && stepped {
		return f.lo, f.hi, step, ""
	}
	from, to, ranged := strings.Cut(body, "-")
	if lo, why = f.value(from); why != "" {
		return 0, 0, 0, why
	}
	switch {
	case ranged:
		if hi, why = f.value(to); why == "" && f.name == "year" && hi < lo {
			why = "ends before it begins"
		}
	case stepped:
		hi = f.hi
	default:
		hi = lo
	}
	return lo, hi, step, why
}

func (f field) value(s string) (int, string) {
	for i, n := range f.names {
		if s == n {
			return f.lo + i, ""
		}
	}
	n, ok := number(s)
	if !ok || n < f.lo || n > f.hi {
		if f.names != nil {
			return 0, fmt.Sprintf("is no %s: %d to %d, or %s to %s", f.name, f.lo, f.hi, f.names[0], f.names[len(f.names)-1])
		}
		return 0, fmt.Sprintf("is no %s: %d to %d", f.name, f.lo, f.hi)
	}
	return n, ""
}

// number reads a short number without a sign.
func number(s string) (int, bool) {
	if s == "" || len(s) > 4 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// String is the schedule as it was written.
func (c Cron) String() string { return c.text }

// Zero reports whether there is no schedule.
func (c Cron) Zero() bool { return c.text == "" }
