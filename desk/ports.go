package desk

import (
	"context"
	"encoding/json"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/internal/text"
	"offhook/media"
	"offhook/sip"
)

// Phone is the telephone that a desk uses (sip.Phone). Commands return at once; what came of them is told as events.
type Phone interface {
	Events() <-chan sip.Event
	Answer(leg sip.LegID)
	Reject(leg sip.LegID, code int, reason string)
	Hangup(leg sip.LegID)
	Hold(leg sip.LegID)
	Resume(leg sip.LegID)
	Dial(leg sip.LegID, target string)
	SendDTMF(leg sip.LegID, digits string)
	Mute(leg sip.LegID, on bool)
	Transfer(leg sip.LegID, target string)
	TransferTo(leg, other sip.LegID)       // attended: the far end of leg gets that of other
	Redirect(leg sip.LegID, target string) // 302 for a call that rings
	Conference(legs []sip.LegID)           // these hear each other and the agent; fewer than two ends it
	Record(leg sip.LegID, on bool)         // told as sip.RecordingChanged
	PauseRecording(leg sip.LegID, on bool)
	Register()
	Quality(leg sip.LegID) (media.Stats, bool)
}

// Customers is where callers are looked up (crm.Directory). Every method may take as long as Salesforce does; the desk calls
// them on goroutines of their own and never waits.
type Customers interface {
	Lookup(ctx context.Context, number text.Text, dir crm.Direction) crm.Match
	Card(ctx context.Context, ref crm.Ref) (crm.Card, error)
	Search(ctx context.Context, query text.Text, more bool) (crm.Found, error)
	Recents(ctx context.Context) ([]crm.Hit, error) // what was looked at last, in Salesforce
	Form(ctx context.Context, ask crm.FormAsk) (crm.Form, error)
	Create(ctx context.Context, object string, values map[string]string) (crm.Ref, *crm.Form, error)
	Update(ctx context.Context, u crm.FormUpdate) (crm.Ref, *crm.Form, error)
	Objects(ctx context.Context) ([]crm.ObjectName, error)
	References(ctx context.Context, objects []string, query text.Text) ([]crm.Hit, error)
}

// Journaller is the durable store of calls and call records (ledger.Ledger).
type Journaller interface {
	Journal(ctx context.Context, c ledger.Call, transition string, at time.Time) error
	Finish(ctx context.Context, c ledger.Call, item *ledger.Item) error
	Amend(ctx context.Context, key string, due time.Time, change ledger.Change) (inRecord bool, err error)
	Alive(ctx context.Context, at time.Time) error // every open call is still up: bounds a duration after a crash
}

// Store is where the desk leaves what Salesforce is told besides calls, and what outlives the program (ledger.Ledger).
type Store interface {
	AddErrand(ctx context.Context, e ledger.Errand) (added bool, err error)
	Keep(ctx context.Context, things ...ledger.Kept) error
	Unkeep(ctx context.Context, kind string, keys ...string) error
}

// Ports are the desk's hands. Phone, Customers and Journal must be set; a nil function does nothing.
type Ports struct {
	Phone     Phone
	Customers Customers
	Journal   Journaller
	Sound     SoundDevices // nil: none
	Store     Store        // nil: nothing is kept, and Salesforce hears only of calls
	Work      func(context.Context, PullWork) WorkPulled
	Report    func(context.Context, ReadReport) ReportPage // nil: there are none
	Ring      func(on bool)
	SendNow   func() // tries every unsent record at once
	Committed func() // a call record was put into the outbox
	Retry     func() // retries Salesforce and the hub now
	Demo      func(Demo)
	Browse    func(Browse) // opens a page in the browser and tells the agent where; it must not block
}

// ledgerCall is a call as the ledger stores it; the call record travels along as JSON, so that a crash at any moment
// leaves everything that a Task needs.
func ledgerCall(c Call, rec crm.CallRecord) (ledger.Call, error) {
	detail, err := json.Marshal(rec)
	if err != nil {
		return ledger.Call{}, err
	}
	about := rec.Assoc.Record()
	out := ledger.Call{
		Key: string(c.Key), State: string(c.State), Direction: string(c.Dir), Outgoing: c.Outgoing,
		Number: rec.Number, Name: c.Name, Match: string(c.Match.State),
		RecordType: about.Type, RecordID: about.ID, RecordName: about.Name,
		Started: c.Started, Answered: c.Answered, Ended: c.EndedAt, Seconds: int(rec.Duration.Seconds()),
		Cause: c.Cause, Notes: c.Notes, Detail: detail,
	}
	if c.State == Ended {
		out.State = ledger.EndedNormal
		if rec.Action != "answered" && rec.Action != "transfer" {
			out.State = ledger.Ended + ":" + rec.Action
		}
	}
	return out, nil
}
