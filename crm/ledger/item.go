package ledger

import (
	"encoding/json"
	"time"

	"offhook/internal/text"
)

// ItemState is the state of one call record in the outbox.
type ItemState string

// Item states. A record is unsent in the states Pending, Sending, Dead and Fix.
//
//	          ┌────────── MarkRetry, Degrade, restart ─────────┐
//	          ▼                                                │
//	Finish ─▶ pending ── Claim ─▶ sending ── MarkSent ─▶ sent  │
//	   │      ▲  ▲                   ├──── MarkDead ──▶ dead ──┤ Retry, Replace
//	   │      │  └── Retry, Replace  └──── MarkFix ───▶ fix ───┘
//	   └─▶ filtered, and Drop: pending, dead, fix, filtered ─▶ dropped
const (
	Pending  ItemState = "pending"  // on disk, to be sent at Due
	Sending  ItemState = "sending"  // claimed by the sender
	Sent     ItemState = "sent"     // a Task exists, TaskID names it
	Dead     ItemState = "dead"     // Salesforce refused it for good: a person must look
	Fix      ItemState = "fix"      // a person must complete it before it can be sent
	Filtered ItemState = "filtered" // kept locally on purpose (log.statuses): never sent by itself
	Dropped  ItemState = "dropped"  // a person decided not to send it
)

// ItemStates are all states, in the order in which lists show them.
var itemStates = [...]ItemState{Dead, Fix, Sending, Pending, Sent, Filtered, Dropped}

// ItemStates returns all states, those that need a person first.
func ItemStates() []ItemState { return append([]ItemState(nil), itemStates[:]...) }

// Unsent reports whether a record in this state still owes Salesforce a Task.
func (s ItemState) Unsent() bool { return s == Pending || s == Sending || s == Dead || s == Fix }

// Item is one call record on its way to Salesforce. There is exactly one per finished call, under the call's key.
type Item struct {
	Key        string          // the call's key; the idempotency key in Salesforce (Task.CallObject)
	State      ItemState       // zero in Finish means Pending
	Payload    json.RawMessage // what to send, opaque here; valid JSON
	Attempts   int             // claims since it was enqueued or retried by a person
	Due        time.Time       // not before; zero in Finish means at once
	Created    time.Time       // read only
	Updated    time.Time       // read only
	LastError  text.Text       // why the last attempt failed
	ErrorClass string          // the sender's class of that failure: "network", "auth", "limit", "validation" …
	TaskID     string          // set when sent
	Degraded   bool            // optional fields were taken out after a refusal
	Ambiguous  bool            // an earlier attempt may have reached Salesforce: look up by key before sending
}

// Failure tells what came of an attempt that did not succeed.
type Failure struct {
	Class     string    // the sender's class, one word
	Reason    text.Text // one line for a person
	Due       time.Time // MarkRetry: not before
	Ambiguous bool      // the request may have arrived: the next attempt must look up by key first
	Free      bool      // MarkRetry: the attempt does not count (signed out: attempts are not burnt)
	Awaits    string    // MarkRetry: the errand that it waits for; once that is over it is due at once
}

// Attempt is one line in the life of a record.
type Attempt struct {
	At     time.Time
	Result string    // queued, filtered, retry, degraded, sent, duplicate, dead, fix, interrupted; by a person: retried, edited, amended, dropped
	Class  string    // Failure.Class
	Reason text.Text // Failure.Reason, or the person's reason
	TaskID string    // with sent and duplicate
}

// Counts is what the status line and the board show of a ledger.
type Counts struct {
	OpenCalls int
	Pending   int       // waiting or being sent
	Sending   int       // of Pending: claimed now
	Dead      int       //
	Fix       int       //
	Oldest    time.Time // when the oldest unsent record (pending, sending, dead, fix) was enqueued; zero for none
}

// Unsent is the number of records that are not in Salesforce and should be.
func (c Counts) Unsent() int { return c.Pending + c.Dead + c.Fix }
