package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"offhook/internal/text"
)

// JSONVersion is the "version" of every shape in this file. Fields may be added; a field that changes its meaning, or goes,
// makes a new version. Times are RFC 3339 in UTC, durations whole seconds. docs/json.md describes them for users.
const JSONVersion = 1

// HistoryJSON is what `offhook history --json` prints.
type HistoryJSON struct {
	Version int        `json:"version"`
	Calls   []CallJSON `json:"calls"` // the latest first
}

// OutboxJSON is what `offhook outbox list --json` prints.
type OutboxJSON struct {
	Version int          `json:"version"`
	Counts  CountsJSON   `json:"counts"`
	Records []EntryJSON  `json:"records"`           // the oldest first
	Errands []ErrandJSON `json:"errands,omitempty"` // what else Salesforce is to be told, the oldest first
}

// ErrandJSON is something that Salesforce is told beside the Task of a call: a change of it, a campaign member's status …
type ErrandJSON struct {
	Key        string          `json:"key"`
	Kind       string          `json:"kind"`
	Call       string          `json:"call,omitempty"` // whose Task must be there first
	State      ErrandState     `json:"state"`
	Attempts   int             `json:"attempts"`
	Due        time.Time       `json:"due,omitzero"`
	Created    time.Time       `json:"created"`
	Updated    time.Time       `json:"updated"`
	ErrorClass string          `json:"errorClass,omitempty"`
	LastError  text.Text       `json:"lastError,omitzero"`
	Result     string          `json:"result,omitempty"`
	Ambiguous  bool            `json:"ambiguous,omitempty"`
	Payload    json.RawMessage `json:"payload,omitempty"`
}

// JSON gives the errand's shape.
func (e Errand) JSON() ErrandJSON {
	out := ErrandJSON{Key: e.Key, Kind: e.Kind, Call: e.Call, State: e.State, Attempts: e.Attempts, Created: e.Created, Updated: e.Updated,
		ErrorClass: e.Class, LastError: e.LastError, Result: e.Result, Ambiguous: e.Ambiguous, Payload: e.Payload}
	if e.State == ErrandWaiting || e.State == ErrandDoing {
		out.Due = e.Due
	}
	return out
}

func errandsJSON(es []Errand) (out []ErrandJSON) {
	for _, e := range es {
		out = append(out, e.JSON())
	}
	return out
}

// EntryJSON is one record with its call: a line of `offhook outbox export`, and `offhook outbox show --json`.
type EntryJSON struct {
	Version int        `json:"version,omitempty"` // set where the entry stands alone
	Call    CallJSON   `json:"call"`
	Record  RecordJSON `json:"record"`
}

// StoryJSON is what `offhook why --json` prints.
type StoryJSON struct {
	Version     int              `json:"version"`
	Call        CallJSON         `json:"call"`
	Detail      json.RawMessage  `json:"detail,omitempty"` // the call record as the desk wrote it
	Transitions []TransitionJSON `json:"transitions"`
	Record      *RecordJSON      `json:"record,omitempty"` // absent while the call is up
	Attempts    []AttemptJSON    `json:"attempts"`
	Errands     []ErrandJSON     `json:"errands,omitempty"` // what followed
}

// CallJSON is one call.
type CallJSON struct {
	Key       string      `json:"key"`
	State     string      `json:"state"`
	Direction string      `json:"direction"`
	Outgoing  bool        `json:"outgoing,omitempty"`
	Number    text.Text   `json:"number"`
	Name      text.Text   `json:"name,omitzero"`
	Match     string      `json:"match,omitempty"`
	About     *AboutJSON  `json:"about,omitempty"` // the Salesforce record the call belongs to
	Started   time.Time   `json:"started"`
	Answered  time.Time   `json:"answered,omitzero"`
	Ended     time.Time   `json:"ended,omitzero"`
	Seconds   int         `json:"seconds"`
	Cause     text.Text   `json:"cause,omitzero"`
	Notes     text.Block  `json:"notes,omitzero"`
	Record    ItemState   `json:"record,omitempty"` // state of the call record; absent while the call is up
	TaskID    string      `json:"taskId,omitempty"`
	Change    ErrandState `json:"change,omitempty"` // state of the newest change of the Task; in a history only
}

// AboutJSON names a Salesforce record.
type AboutJSON struct {
	Type string    `json:"type"`
	ID   string    `json:"id"`
	Name text.Text `json:"name,omitzero"`
}

// RecordJSON is one call record in the outbox.
type RecordJSON struct {
	State      ItemState       `json:"state"`
	Attempts   int             `json:"attempts"`
	Due        time.Time       `json:"due,omitzero"`
	Created    time.Time       `json:"created"`
	Updated    time.Time       `json:"updated"`
	ErrorClass string          `json:"errorClass,omitempty"`
	LastError  text.Text       `json:"lastError,omitzero"`
	TaskID     string          `json:"taskId,omitempty"`
	Degraded   bool            `json:"degraded,omitempty"`
	Ambiguous  bool            `json:"ambiguous,omitempty"`
	Payload    json.RawMessage `json:"payload,omitempty"`
}

// CountsJSON counts open calls and unsent records.
type CountsJSON struct {
	OpenCalls int       `json:"openCalls"`
	Pending   int       `json:"pending"`
	Sending   int       `json:"sending"`
	Dead      int       `json:"dead"`
	Fix       int       `json:"fix"`
	Oldest    time.Time `json:"oldest,omitzero"`
}

// TransitionJSON is one line of a call's journal.
type TransitionJSON struct {
	At    time.Time `json:"at"`
	State string    `json:"state"`
	What  text.Text `json:"what,omitzero"`
}

// AttemptJSON is one line in the life of a record.
type AttemptJSON struct {
	At     time.Time `json:"at"`
	Result string    `json:"result"`
	Class  string    `json:"class,omitempty"`
	Reason text.Text `json:"reason,omitzero"`
	TaskID string    `json:"taskId,omitempty"`
}

// JSON gives the history's shape.
func (e Entry) JSON() CallJSON {
	c := e.Call
	out := CallJSON{Key: c.Key, State: c.State, Direction: c.Direction, Outgoing: c.Outgoing, Number: c.Number, Name: c.Name, Match: c.Match,
		Started: c.Started, Answered: c.Answered, Ended: c.Ended, Seconds: c.Seconds, Cause: c.Cause, Notes: c.Notes, TaskID: c.TaskID, Change: e.Change}
	if c.RecordID != "" {
		out.About = &AboutJSON{Type: c.RecordType, ID: c.RecordID, Name: c.RecordName}
	}
	if e.Item != nil {
		out.Record = e.Item.State
	}
	return out
}

// JSON gives the record's shape.
func (it Item) JSON() RecordJSON {
	out := RecordJSON{State: it.State, Attempts: it.Attempts, Created: it.Created, Updated: it.Updated, ErrorClass: it.ErrorClass,
		LastError: it.LastError, TaskID: it.TaskID, Degraded: it.Degraded, Ambiguous: it.Ambiguous, Payload: it.Payload}
	if it.State == Pending || it.State == Sending {
		out.Due = it.Due
	}
	return out
}

// NewHistoryJSON makes the shape of a history.
func NewHistoryJSON(es []Entry) HistoryJSON {
	out := HistoryJSON{Version: JSONVersion, Calls: make([]CallJSON, len(es))}
	for i, e := range es {
		out.Calls[i] = e.JSON()
	}
	return out
}

// NewOutboxJSON makes the shape of the outbox; entries without a record are left out.
func NewOutboxJSON(c Counts, es []Entry, errands ...Errand) OutboxJSON {
	out := OutboxJSON{Version: JSONVersion, Counts: CountsJSON(c), Records: []EntryJSON{}, Errands: errandsJSON(errands)}
	for _, e := range es {
		if e.Item != nil {
			out.Records = append(out.Records, EntryJSON{Call: e.JSON(), Record: e.Item.JSON()})
		}
	}
	return out
}

// JSON makes the shape of a call's story.
func (s Story) JSON() StoryJSON {
	out := StoryJSON{Version: JSONVersion, Call: s.Entry.JSON(), Detail: s.Call.Detail,
		Transitions: make([]TransitionJSON, len(s.Transitions)), Attempts: make([]AttemptJSON, len(s.Attempts))}
	for i, t := range s.Transitions {
		out.Transitions[i] = TransitionJSON(t)
	}
	for i, a := range s.Attempts {
		out.Attempts[i] = AttemptJSON(a)
	}
	if s.Item != nil {
		r := s.Item.JSON()
		out.Record = &r
	}
	out.Errands = errandsJSON(s.Errands)
	return out
}

// Export writes records with their calls and payloads as JSON lines of EntryJSON, the oldest first: those in the given
// states, all unsent ones when none is given. It returns how many it wrote.
func (l *Ledger) Export(ctx context.Context, w io.Writer, states ...ItemState) (int, error) {
	es, err := l.Items(ctx, states...)
	if err != nil {
		return 0, err
	}
	enc := json.NewEncoder(w)
	for i, e := range es {
		if err := enc.Encode(EntryJSON{Version: JSONVersion, Call: e.JSON(), Record: e.Item.JSON()}); err != nil {
			return i, fmt.Errorf("export the records: %w", err)
		}
	}
	return len(es), nil
}
