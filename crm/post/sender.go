package post

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// Outbox is where the sender finds what to send and stores what came of it: a *ledger.Ledger. Writes must be on disk
// when a method returns.
type Outbox interface {
	Due(ctx context.Context, now time.Time, limit int) ([]ledger.Item, error)
	NextDue(ctx context.Context) (time.Time, bool, error)
	Claim(ctx context.Context, key string, now time.Time) (ledger.Item, bool, error)
	Refine(ctx context.Context, key string, payload json.RawMessage) error
	MarkSent(ctx context.Context, key, taskID string) error
	MarkRetry(ctx context.Context, key string, f ledger.Failure) error
	Degrade(ctx context.Context, key string, payload json.RawMessage, f ledger.Failure) error
	MarkDead(ctx context.Context, key string, f ledger.Failure) error
	MarkFix(ctx context.Context, key string, f ledger.Failure) error
	AddErrand(ctx context.Context, e ledger.Errand) (added bool, err error)
	Changed() <-chan struct{}
}

// SenderOptions make a Sender. Outbox and Client must be set.
type SenderOptions struct {
	Outbox    Outbox
	Client    *salesforce.Client
	Errands   crm.ErrandReader                     // tells what was made for a call (CallRecord.Creates); nil: nobody waits for it
	Directory *crm.Directory                       // resolves calls whose lookup had not finished; nil leaves them unassociated
	Settings  func() crm.TaskSettings              // the user's side; what it leaves open is taken from the org. nil for none
	Mapped    []string                             // Task fields that values of calls go into, by API name
	Follow    func(crm.CallRecord) []ledger.Errand // what is to follow each record, stored before it is written; nil for nothing
	Report    func(Report)                         // called from the sender's goroutines; must not block. nil for none
	Poll      time.Duration                        // how often to look without being told; 0 for 15 s
	Late      time.Duration                        // a record unsent for so long is reported once; 0 for ten minutes
	Workers   int                                  // records sent at the same time; 0 for 4
	Log       *slog.Logger
	Now       func() time.Time
	Rand      func() float64 // 0 ≤ x < 1, for jitter
}

// ReportKind says what a Report is about.
type ReportKind string

// Reports.
const (
	ReportSent     ReportKind = "sent"     // the Task is in Salesforce: TaskID
	ReportFound    ReportKind = "found"    // it had landed before, by an attempt whose reply was lost: TaskID
	ReportRetry    ReportKind = "retry"    // tried again by itself at NextTry
	ReportDegraded ReportKind = "degraded" // sent with less: an optional field or the association was refused
	ReportDead     ReportKind = "dead"     // a person must look
	ReportFix      ReportKind = "fix"      // a person must complete it
	ReportLate     ReportKind = "late"     // unsent for long; still safe on disk
	ReportPaused   ReportKind = "paused"   // the whole queue waits: signed out, or no API calls left
	ReportResumed  ReportKind = "resumed"
	ReportLacking  ReportKind = "lacking" // what the org or the settings lack has changed: Lines
	ReportDisk     ReportKind = "disk"    // the ledger could not be read or written
)

// Report is one thing that happened to a record, or to the queue, in one line.
type Report struct {
	Kind    ReportKind
	Key     string // the call; "" when it is about the queue, or about no call
	Errand  string // what kind of errand it is about; "" for call records
	Result  string // of an errand that was carried out
	TaskID  string
	Subject text.Text
	About   crm.Ref // the record the Task is attached to
	Line    text.Text
	Lines   []text.Text // of ReportLacking: everything, one line each; none when all is mended
	At      time.Time
	NextTry time.Time
}

// Sender is the worker that empties the outbox: every record becomes exactly one Task. It sends at once when told, looks
// by itself as a fallback, and stops nothing else when one record cannot be sent.
type Sender struct {
	queue
	o        SenderOptions
	batching batching

	orgMu  sync.Mutex
	org    *Org
	orgAt  time.Time
	owners map[string]foundOwner

	lackMu sync.Mutex
	lacks  map[string][]string // what is lacking, by what it is about
	lacked []text.Text         // as it was last reported
}

// orgFresh is how long the org's fields and statuses are used before they are read again.
const orgFresh = time.Hour

// NewSender makes a sender. Run does the work.
func NewSender(o SenderOptions) *Sender {
	if o.Settings == nil {
		o.Settings = func() crm.TaskSettings { return crm.TaskSettings{} }
	}
	if o.Report == nil {
		o.Report = func(Report) {}
	}
	o.Poll = positive(o.Poll, 15*time.Second)
	o.Late = positive(o.Late, 10*time.Minute)
	if o.Workers <= 0 {
		o.Workers = 4
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	s := &Sender{o: o, queue: queue{name: "call record", gate: &gate{}, poll: o.Poll, late: o.Late, workers: o.Workers, now: o.Now, rand: o.Rand}}
	s.queue.load = s
	s.make()
	return s
}

func (s *Sender) due(ctx context.Context, now time.Time, limit int) ([]waiting, error) {
	items, err := s.o.Outbox.Due(ctx, now, limit)
	out := make([]waiting, len(items))
	for i, it := range items {
		out[i] = waiting{it.Key, it.Created, it.LastError}
	}
	return out, err
}

func (s *Sender) next(ctx context.Context) (time.Time, bool, error) { return s.o.Outbox.NextDue(ctx) }
func (s *Sender) changed() <-chan struct{}                          { return s.o.Outbox.Changed() }

func (s *Sender) report(r Report) {
	r.At = s.o.Now()
	s.o.Report(r)
}
