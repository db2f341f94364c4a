package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"offhook/crm"
	"offhook/internal/text"
)

// Names of reports.
const (
	Calls  = "calls"  // how many, of which kind
	Talk   = "talk"   // how long was talked
	Missed = "missed" // calls that nobody took, and what became of them
	Logins = "login"  // who worked from when to when
)

// Names are all reports.
func Names() []string { return []string{Calls, Talk, Missed, Logins} }

// What calls and talk are counted by.
const (
	ByDay         = "day"
	ByHour        = "hour"
	ByAgent       = "agent"
	ByDisposition = "disposition"
	ByDirection   = "direction"
	ByQueue       = "queue"
	ByCampaign    = "campaign"
)

// Bys are all of them.
func Bys() []string {
	return []string{ByDay, ByHour, ByAgent, ByDisposition, ByDirection, ByQueue, ByCampaign}
}

// Filter chooses what is counted. Empty fields do not choose; names are compared without regard to case.
type Filter struct {
	Period      Period
	Agent       string // name, or SIP user; of Salesforce's Tasks: the owner's name or id
	Direction   string // inbound, outbound, internal
	Queue       string // what was called, or a value that came with the call; only the ledger knows it
	Disposition string
	Campaign    string // only the ledger knows it
}

// Stats are counts over some calls. Times are of the calls that began in the period.
type Stats struct {
	Calls    int           `json:"calls"`
	In       int           `json:"inbound"`
	Out      int           `json:"outbound"`
	Internal int           `json:"internal"`
	Answered int           `json:"answered"`
	Missed   int           `json:"missed"`  // inbound, not answered
	Talk     time.Duration `json:"-"`       // answer to end, holding included
	Longest  time.Duration `json:"-"`       //
	Handle   time.Duration `json:"-"`       // first ring to end, of answered calls; 0 where the source does not know it
	Handled  int           `json:"handled"` // calls in Handle
}

func (s *Stats) add(o Stats) {
	s.Calls, s.In, s.Out, s.Internal = s.Calls+o.Calls, s.In+o.In, s.Out+o.Out, s.Internal+o.Internal
	s.Answered, s.Missed, s.Handled = s.Answered+o.Answered, s.Missed+o.Missed, s.Handled+o.Handled
	s.Talk, s.Handle, s.Longest = s.Talk+o.Talk, s.Handle+o.Handle, max(s.Longest, o.Longest)
}

// Mean is the mean talk time of answered calls.
func (s Stats) Mean() time.Duration {
	if s.Answered == 0 {
		return 0
	}
	return (s.Talk / time.Duration(s.Answered)).Round(time.Second)
}

// MeanHandle is the mean handle time.
func (s Stats) MeanHandle() time.Duration {
	if s.Handled == 0 {
		return 0
	}
	return (s.Handle / time.Duration(s.Handled)).Round(time.Second)
}

// Row is one line of calls and talk.
type Row struct {
	Label text.Text `json:"label"` // "" for calls without: no result, no campaign
	Stats
}

// MissedCall is one call that nobody took.
type MissedCall struct {
	Key    string    `json:"key,omitempty"` // of the ledger, or the Task's id
	At     time.Time `json:"at"`
	Number text.Text `json:"number,omitzero"`
	Name   text.Text `json:"name,omitzero"`
	Agent  text.Text `json:"agent,omitzero"`   // whose telephone rang
	Back   time.Time `json:"back,omitzero"`    // when the caller was called back and answered
	By     text.Text `json:"by,omitzero"`      // who called back
	Tried  time.Time `json:"tried,omitzero"`   // when calling back was tried last, without an answer
	Called time.Time `json:"called,omitzero"`  // when the caller called again and was answered
	Again  int       `json:"again,omitempty"`  // further missed calls of this caller before that, not listed by themselves
	Last   time.Time `json:"latest,omitzero"`  // the latest of those
	Record string    `json:"record,omitempty"` // id of the caller's record
}

// Done reports whether the caller has been spoken to since.
func (m MissedCall) Done() bool { return !m.Back.IsZero() || !m.Called.IsZero() }

// Report is what came of a question. Which lists are filled depends on Name.
type Report struct {
	Name     string       `json:"report"`
	By       string       `json:"by,omitempty"`
	Source   string       `json:"source"`
	Period   Period       `json:"-"`
	Rows     []Row        `json:"-"`
	Total    Stats        `json:"-"`
	Missed   []MissedCall `json:"missed,omitempty"`
	Sessions []Session    `json:"sessions,omitempty"`
	Notes    []text.Text  `json:"notes,omitempty"` // what the reader must know of these figures
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, text.Clean(fmt.Sprintf(format, args...)))
}

// Check finds what cannot be asked for.
func Check(name, by string) error {
	if !slices.Contains(Names(), name) {
		return fmt.Errorf("there is no report %q; there are: %s", text.Clean(name), strings.Join(Names(), ", "))
	}
	if by != "" && !slices.Contains(Bys(), by) {
		return fmt.Errorf("calls cannot be counted by %q; there are: %s", text.Clean(by), strings.Join(Bys(), ", "))
	}
	if by != "" && (name == Missed || name == Logins) {
		return fmt.Errorf("the report %s is a list: it is not counted by %s", name, by)
	}
	return nil
}

// sample is one call, or a group of calls that agree in what they are counted by.
type sample struct {
	day, hour     string
	agent, result text.Text
	direction     crm.Direction
	queue         text.Text
	more          []text.Text // further values that may name the queue
	campaign      text.Text
	at            time.Time
	key, record   string
	number, name  text.Text
	unanswered    bool
	wasMissed     bool
	stats         Stats
}

func (s sample) label(by string) text.Text {
	switch by {
	case ByHour:
		return text.Clean(s.hour)
	case ByAgent:
		return s.agent
	case ByDisposition:
		return s.result
	case ByDirection:
		return text.Clean(string(s.direction))
	case ByQueue:
		return s.queue
	case ByCampaign:
		return s.campaign
	}
	return text.Clean(s.day)
}

func same(a text.Text, b string) bool {
	return b == "" || strings.EqualFold(a.String(), strings.TrimSpace(b))
}

func (f Filter) wants(s sample) bool {
	queue := f.Queue == "" || same(s.queue, f.Queue) || slices.ContainsFunc(s.more, func(t text.Text) bool { return same(t, f.Queue) })
	return queue && same(s.agent, f.Agent) && same(text.Clean(string(s.direction)), f.Direction) && same(s.result, f.Disposition) && same(s.campaign, f.Campaign)
}

// counted makes the rows of samples. Days and hours without a call are rows, too, so that a gap is seen.
func (r *Report) counted(samples []sample) {
	rows := map[text.Text]*Stats{}
	for _, s := range samples {
		l := s.label(r.By)
		if rows[l] == nil {
			rows[l] = &Stats{}
		}
		rows[l].add(s.stats)
		r.Total.add(s.stats)
	}
	if r.By == ByDay && len(rows) > 0 {
		days := slices.SortedFunc(maps.Keys(rows), compareLabels)
		first, err := time.Parse(time.DateOnly, days[0].String())
		for last := days[len(days)-1].String(); err == nil && first.Format(time.DateOnly) < last && len(rows) < 400; first = first.AddDate(0, 0, 1) {
			if l := text.Clean(first.Format(time.DateOnly)); rows[l] == nil {
				rows[l] = &Stats{}
			}
		}
	}
	for _, l := range slices.SortedFunc(maps.Keys(rows), compareLabels) {
		r.Rows = append(r.Rows, Row{l, *rows[l]})
	}
	if r.By != ByDay && r.By != ByHour { // the largest first
		slices.SortStableFunc(r.Rows, func(a, b Row) int { return cmp.Compare(b.Calls, a.Calls) })
	}
}

func compareLabels(a, b text.Text) int { return strings.Compare(a.String(), b.String()) }
