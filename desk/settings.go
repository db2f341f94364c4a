package desk

import (
	"slices"
	"time"

	"offhook/crm"
	"offhook/crm/layout"
	"offhook/internal/text"
	"offhook/sip"
)

// PopTiming says when a single match opens its card by itself: at once, when the call is answered, or only when asked for.
type PopTiming string

// Pop timings.
const (
	PopManual   PopTiming = "manual"
	PopOnRing   PopTiming = "ring"
	PopOnAnswer PopTiming = "answer"
)

// Settings are the rules of one desk. They never change while the machine runs.
type Settings struct {
	Agent Agent
	// Classify says what kind of party this is, before any parsing as a telephone number: withheld, colleague, outside. It must be pure.
	Classify func(sip.Party) Class
	Pop      PopTiming // default PopOnRing
	NoMatch  string    // object of the New form where the layout names none, default Lead
	// Layout is the softphone layout to begin with; nil is the desk's own. LayoutChanged replaces it.
	Layout *layout.Layout
	Compat bool // only what Salesforce's own softphones do: several matches are listed where the layout says so, outbound calls open nothing
	// DialPlan makes what is dialled of what was typed; nil dials as typed. It must be pure. Colleagues and emergency numbers never
	// come to it.
	DialPlan func(string) string
	// OpenRecord tunes association rule 4 (typed number while a card is open): always, if_number_matches, never.
	OpenRecord string
	// Log names the actions that make a Task: answered, missed, declined, cancelled, transfer, failed. Empty means all.
	Log []string
	// MissedAfter is how long a ring must have gone unanswered to make the agent "not responding".
	MissedAfter time.Duration
	// Linger is how long an ended call stays on the screen once its record is safe; zero keeps it until the next call or
	// Dismiss, which is what scripted play wants: no state changes by the clock.
	Linger time.Duration
	// Forward is in force from the start; ForwardAfter is how long a call rings before "no answer", default 20 s.
	Forward       *Forwards
	MailboxNumber string // to dial when the exchange does not tell one
	Bell          bool   // the terminal's bell rings for calls
	NoMicrophone  bool   // by choice
	Recording     bool   // calls may be recorded by the agent
	ForwardAfter  time.Duration
	Lamps         []Lamp // colleagues: number, name and account
	// Dispositions are the results that calls may get; with NeedResult an answered call needs one.
	Dispositions []Disposition
	NeedResult   bool
	Campaigns    []Campaign
	Campaign     crm.Ref        // of calls that were made for no other
	LastWork     crm.Ref        // the campaign whose work list was open in the last run
	DoNotCall    string         // warn (default) or block
	Zone         *time.Location // the agent's, until ZoneLearnt
	DayStart     time.Duration  // when a day without a time of day begins, default 9 h
	Callbacks    []Callback     // as they were kept
	SearchTyped  bool           // the search page searches while the agent types
	Recents      []Recent       // as they were kept
	Drafts       []Draft        // as they were kept, oldest first
	// Create is what calls leave besides their Task; Spam are words in a caller's name or header that keep it from that.
	Create []AutoCreate
	Spam   []string
	// Update says what a call may fill in of the person that it belongs to, UpdateFields with what; it must be pure.
	Update       crm.UpdatePolicy
	UpdateFields func(crm.CallRecord) map[string]string
	Links        Links // as they stand before anything is heard of them
}

// Class is what kind of party is at the other end.
type Class struct {
	Internal  bool
	Withheld  bool
	Emergency bool
	Place     text.Text // town of a fixed line, empty when unknown
}

// Searchable reports whether the party is looked up at all.
func (c Class) Searchable() bool { return !c.Internal && !c.Withheld && !c.Emergency }

// withDefaults fills in what was left out.
func (s Settings) withDefaults() Settings {
	if s.Pop == "" {
		s.Pop = PopOnRing
	}
	if s.NoMatch == "" {
		s.NoMatch = "Lead"
	}
	if s.OpenRecord == "" {
		s.OpenRecord = "always"
	}
	if s.MissedAfter == 0 {
		s.MissedAfter = 15 * time.Second
	}
	if s.ForwardAfter == 0 {
		s.ForwardAfter = 20 * time.Second
	}
	if s.DayStart == 0 {
		s.DayStart = 9 * time.Hour
	}
	if s.Classify == nil {
		s.Classify = func(p sip.Party) Class { return Class{Withheld: p.Withheld} }
	}
	return s
}

// wanted reports whether a call with this action makes a Task.
func (s Settings) wanted(rec crm.CallRecord) bool {
	log := s.Log
	for _, c := range s.Campaigns {
		sameName := !c.Ref.Name.Empty() && c.Ref.Name == rec.Campaign.Name
		if len(c.Log) > 0 && named(rec.Campaign) && (sameName || c.Ref.ID != "" && crm.SameID(c.Ref.ID, rec.Campaign.ID)) {
			log = c.Log
		}
	}
	return len(log) == 0 || slices.Contains(log, rec.Action)
}
