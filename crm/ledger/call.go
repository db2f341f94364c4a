package ledger

import (
	"encoding/json"
	"strings"
	"time"

	"offhook/internal/text"
)

// Call is one leg as the journal knows it. Journal and Finish store it as a whole; there are no partial updates.
type Call struct {
	Key        string          // UUIDv5 of the leg, fixed at call start, 1–64 characters
	State      string          // ringing, talking, held …; an ended call has Ended + a reason: "ended:normal"
	Direction  string          // Inbound, Outbound, Internal (Task.CallType)
	Outgoing   bool            // with Internal: which way
	Number     text.Text       // the remote party's number as signalled
	Name       text.Text       // best name known
	Match      string          // result of the lookup: "", searching, none, one, many, internal, withheld, failed
	RecordType string          // API name of the associated record, empty for none
	RecordID   string          //
	RecordName text.Text       //
	Started    time.Time       // INVITE
	Answered   time.Time       // zero while, or when, it was not answered
	Ended      time.Time       // zero while the call is open
	Seconds    int             // answer to end by a monotonic clock; 0 unanswered
	Cause      text.Text       // why it ended, in words
	Notes      text.Block      // the agent's notes, kept here to be found again
	TaskID     string          // Salesforce Task; read only, set by MarkSent
	Detail     json.RawMessage // the whole call record, opaque here; empty or valid JSON
}

// Ended is how the State of every ended call begins.
const Ended = "ended"

// The states that the ledger itself gives.
const (
	EndedNormal = "ended:normal"
	EndedCrash  = "ended:crash" // the program stopped while the call was up; written by Recover
)

// Open reports whether the call has not been finished.
func (c Call) Open() bool { return c.Ended.IsZero() && !hasEnded(c.State) }

func hasEnded(state string) bool { return state == Ended || strings.HasPrefix(state, Ended+":") }

// Transition is one line of a call's journal.
type Transition struct {
	At    time.Time
	State string    // the call's state after it
	What  text.Text // what happened, as given to Journal; for the end, the cause
}

// Entry is one line of the history: a call and its record.
type Entry struct {
	Call Call
	Item *Item // nil while the call is open
	// Change is the state of the newest change of its Task; "" for none. Only History fills it.
	Change ErrandState
}

// Story is everything the ledger knows about one call, for "why".
type Story struct {
	Entry
	Transitions []Transition // in the order in which they were journalled
	Attempts    []Attempt    // what happened to its record, oldest first
	Errands     []Errand     // what followed, or follows, its Task, oldest first
}
