package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"offhook/internal/text"
)

// Style is how a report is written.
type Style struct {
	Now     time.Time // in the agent's zone
	Numbers bool      // telephone numbers whole; else their last four digits
}

// Number is a telephone number as this style shows it.
func (st Style) Number(n text.Text) text.Text {
	if st.Numbers || n.Empty() {
		return n
	}
	var digits []rune
	for _, c := range n.String() {
		if c >= '0' && c <= '9' {
			digits = append(digits, c)
		}
	}
	if len(digits) <= 4 { // an extension, or no number at all
		if len(digits) == 0 {
			return n
		}
		return text.Clean(string(digits))
	}
	return text.Clean("…" + string(digits[len(digits)-4:]))
}

// Length writes a duration as 1:05 or 12:01:05.
func Length(d time.Duration) string {
	s := int(max(d, 0).Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// Label is what a row is called.
func (r Report) Label(row Row) text.Text {
	if row.Label.Empty() {
		return text.Clean("(none)")
	}
	if r.By == ByDay {
		if t, err := time.Parse(time.DateOnly, row.Label.String()); err == nil {
			return text.Clean(t.Format("Mon 2006-01-02"))
		}
	}
	return row.Label
}

// Title says what the report is about.
func (r Report) Title() text.Text {
	first, last := r.Period.Days()
	span := first
	if last != first {
		span += " to " + last
	}
	what := map[string]string{Calls: "Calls", Talk: "Talk time", Missed: "Missed calls", Logins: "Logins"}[r.Name]
	if r.By != "" {
		what += " by " + r.By
	}
	return text.Clean(what + ", " + span)
}

// Text writes the report in lines of 80 columns.
func (r Report) Text(w io.Writer, st Style) error {
	var b strings.Builder
	b.WriteString(r.Title().String() + "\n\n")
	switch r.Name {
	case Missed:
		r.missedText(&b, st)
	case Logins:
		r.loginText(&b, st)
	default:
		r.countText(&b)
	}
	for i, n := range r.Notes {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString("Note: " + n.String() + ".\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Report) countText(b *strings.Builder) {
	if len(r.Rows) == 0 {
		b.WriteString("No calls.\n")
		return
	}
	line := func(label text.Text, s Stats) {
		if r.Name == Talk {
			fmt.Fprintf(b, "%s %8d %10s %9s %9s %9s\n", pad(label, 28), s.Answered, Length(s.Talk), Length(s.Mean()), Length(s.Longest), handle(s))
			return
		}
		fmt.Fprintf(b, "%s %6d %6d %6d %8d %8d %8d\n", pad(label, 28), s.Calls, s.In, s.Out, s.Internal, s.Answered, s.Missed)
	}
	if r.Name == Talk {
		fmt.Fprintf(b, "%-28s %8s %10s %9s %9s %9s\n", "", "answered", "talk time", "mean", "longest", "handle")
	} else {
		fmt.Fprintf(b, "%-28s %6s %6s %6s %8s %8s %8s\n", "", "calls", "in", "out", "internal", "answered", "missed")
	}
	for _, row := range r.Rows {
		line(r.Label(row), row.Stats)
	}
	line(text.Clean("all"), r.Total)
}

// handle is the mean handle time, or a dash where it is not known.
func handle(s Stats) string {
	if s.Handled == 0 {
		return "–"
	}
	return Length(s.MeanHandle())
}

func (r Report) missedText(b *strings.Builder, st Style) {
	if len(r.Missed) == 0 {
		b.WriteString("No missed calls.\n")
		return
	}
	open := 0
	for _, m := range r.Missed {
		if !m.Done() {
			open++
		}
		who := m.Name.String()
		if n := st.Number(m.Number).Or(text.Clean("withheld")).String(); who == "" {
			who = n
		} else {
			who += " " + n
		}
		fmt.Fprintf(b, "%s  %s  %s\n", m.At.In(st.Now.Location()).Format("Mon 02 Jan 15:04"), pad(text.Clean(who), 34), m.What(st.Now.Location()).Truncate(26))
	}
	switch open {
	case 0:
		b.WriteString("\nEverybody was spoken to since.\n")
	case 1:
		b.WriteString("\n1 caller still waits for a call.\n")
	default:
		fmt.Fprintf(b, "\n%d callers still wait for a call.\n", open)
	}
}

// What tells in a few words what became of a missed call.
func (m MissedCall) What(zone *time.Location) text.Text {
	at := func(t time.Time) string {
		if day(t, zone) == day(m.At, zone) {
			return t.In(zone).Format("15:04")
		}
		return t.In(zone).Format("02 Jan 15:04")
	}
	switch {
	case !m.Back.IsZero():
		if m.By.Empty() {
			return text.Clean("called back " + at(m.Back))
		}
		return text.Clean("called back " + at(m.Back) + " by " + m.By.String())
	case !m.Called.IsZero():
		return text.Clean("called again " + at(m.Called))
	case !m.Tried.IsZero():
		return text.Clean("tried " + at(m.Tried) + ", no answer")
	case m.Again > 0:
		return text.Clean(fmt.Sprintf("waits, called %d times", m.Again+1))
	}
	return text.Clean("waits")
}

func (r Report) loginText(b *strings.Builder, st Style) {
	if len(r.Sessions) == 0 {
		b.WriteString("No logins are known for this time.\n")
		return
	}
	var sum time.Duration
	last := ""
	for _, s := range r.Sessions {
		zone := st.Now.Location()
		label := ""
		begin := s.From
		if begin.IsZero() {
			begin = s.Until
		}
		if d := begin.In(zone).Format("Mon 2006-01-02"); d != last {
			label, last = d, d
		}
		from, until := "  ?  ", "now  "
		if !s.From.IsZero() {
			from = s.From.In(zone).Format("15:04")
		}
		if !s.Until.IsZero() {
			until = s.Until.In(zone).Format("15:04")
			if day(s.Until, zone) != day(begin, zone) {
				until += " (" + s.Until.In(zone).Format("02 Jan") + ")"
			}
		}
		length := s.Length(st.Now)
		sum += length
		more := ""
		if s.Away > 0 {
			more = " away " + Length(s.Away)
		}
		if s.Cut {
			more += " cut off"
		}
		agent := s.Agent.Truncate(max(8, 30-text.Clean(more).Width()))
		fmt.Fprintf(b, "%-14s  %s – %-14s %8s  %s%s\n", label, from, until, Length(length), agent, more)
	}
	fmt.Fprintf(b, "%-14s  %-22s %8s\n", "all", plural(len(r.Sessions), "session", "sessions"), Length(sum))
}

func pad(t text.Text, width int) string {
	t = t.Truncate(width)
	return t.String() + strings.Repeat(" ", max(0, width-t.Width()))
}

// CSV writes the report as RFC 4180 wants it, with a header line. No cell can be run as a formula by the spreadsheet that opens it
// (OWASP, CSV injection): what begins like one gets an apostrophe in front.
func (r Report) CSV(w io.Writer, st Style) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	put := func(cells ...string) {
		for i := range cells {
			cells[i] = Cell(cells[i])
		}
		_ = out.Write(cells) // the writer keeps its first error for Error
	}
	number := strconv.Itoa
	seconds := func(d time.Duration) string { return number(int(d / time.Second)) }
	switch r.Name {
	case Missed:
		put("at", "number", "name", "agent", "called_back", "called_back_by", "tried", "called_again", "further_missed", "record")
		for _, m := range r.Missed {
			put(Stamp(m.At), st.Number(m.Number).String(), m.Name.String(), m.Agent.String(), Stamp(m.Back), m.By.String(), Stamp(m.Tried), Stamp(m.Called), number(m.Again), m.Record)
		}
	case Logins:
		put("agent", "login", "logout", "seconds", "away_seconds", "cut_off")
		for _, s := range r.Sessions {
			put(s.Agent.String(), Stamp(s.From), Stamp(s.Until), seconds(s.Length(st.Now)), seconds(s.Away), strconv.FormatBool(s.Cut))
		}
	default:
		put(r.By, "calls", "inbound", "outbound", "internal", "answered", "missed", "talk_seconds", "mean_seconds", "longest_seconds", "handle_mean_seconds")
		for _, row := range r.Rows {
			s := row.Stats
			put(row.Label.String(), number(s.Calls), number(s.In), number(s.Out), number(s.Internal), number(s.Answered), number(s.Missed),
				seconds(s.Talk), seconds(s.Mean()), seconds(s.Longest), seconds(s.MeanHandle()))
		}
	}
	out.Flush()
	return out.Error()
}

// Stamp writes a time as files have it: RFC 3339 in UTC, nothing for none.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Cell keeps a stranger's text from being run as a formula by the spreadsheet that opens the file (OWASP, CSV injection). A telephone
// number with its plus stays as it is.
func Cell(s string) string {
	first, _ := utf8.DecodeRuneInString(s)
	if s == "" || !strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", first) {
		return s
	}
	if first == '+' && len(s) > 1 && strings.Trim(s[1:], "0123456789 ") == "" {
		return s
	}
	return "'" + s
}

// rowJSON is a row of the JSON form; durations are seconds.
type rowJSON struct {
	Label text.Text `json:"label"`
	Stats
	Talk    int `json:"talkSeconds"`
	Mean    int `json:"meanSeconds"`
	Longest int `json:"longestSeconds"`
	Handle  int `json:"handleMeanSeconds,omitempty"`
}

func (s Stats) json(label text.Text) rowJSON {
	sec := func(d time.Duration) int { return int(d / time.Second) }
	return rowJSON{label, s, sec(s.Talk), sec(s.Mean()), sec(s.Longest), sec(s.MeanHandle())}
}

// JSON writes the report as JSON, version 1.
func (r Report) JSON(w io.Writer, st Style) error {
	type sessionJSON struct {
		Session
		Seconds int `json:"seconds"`
		Away    int `json:"awaySeconds,omitempty"`
	}
	out := struct {
		Version int       `json:"version"`
		From    time.Time `json:"from"`
		Until   time.Time `json:"until"`
		Report
		Missed   []MissedCall  `json:"missed,omitempty"`
		Sessions []sessionJSON `json:"sessions,omitempty"`
		Rows     []rowJSON     `json:"rows,omitempty"`
		Total    *rowJSON      `json:"total,omitempty"`
	}{Version: 1, From: r.Period.From, Until: r.Period.Until, Report: r}
	for _, m := range r.Missed {
		m.Number = st.Number(m.Number)
		out.Missed = append(out.Missed, m)
	}
	for _, s := range r.Sessions {
		out.Sessions = append(out.Sessions, sessionJSON{s, int(s.Length(st.Now) / time.Second), int(s.Away / time.Second)})
	}
	for _, row := range r.Rows {
		out.Rows = append(out.Rows, row.Stats.json(row.Label))
	}
	if r.Name == Calls || r.Name == Talk {
		t := r.Total.json(text.Clean("all"))
		out.Total = &t
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}
