package crm

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

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
	MarkSent(ctx context.Context, key, taskID string) error
	MarkRetry(ctx context.Context, key string, f ledger.Failure) error
	Degrade(ctx context.Context, key string, payload json.RawMessage, f ledger.Failure) error
	MarkDead(ctx context.Context, key string, f ledger.Failure) error
	MarkFix(ctx context.Context, key string, f ledger.Failure) error
	Changed() <-chan struct{}
}

// SenderOptions make a Sender. Outbox and Client must be set.
type SenderOptions struct {
	Outbox    Outbox
	Client    *salesforce.Client
	Directory *Directory          // resolves calls whose lookup had not finished; nil leaves them unassociated
	Settings  func() TaskSettings // the user's side; what it leaves open is taken from the org. nil for none
	Mapped    []string            // Task fields that values of calls go into, by API name
	Report    func(Report)        // called from the sender's goroutines; must not block. nil for none
	Poll      time.Duration       // how often to look without being told; 0 for 15 s
	Late      time.Duration       // a record unsent for so long is reported once; 0 for ten minutes
	Workers   int                 // records sent at the same time; 0 for 4
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
	ReportDisk     ReportKind = "disk" // the ledger could not be read or written
)

// Report is one thing that happened to a record, or to the queue, in one line.
type Report struct {
	Kind    ReportKind
	Key     string // the call; "" when it is about the queue
	TaskID  string
	Subject text.Text
	About   Ref // the record the Task is attached to
	Line    text.Text
	At      time.Time
	NextTry time.Time
}

// Sender is the worker that empties the outbox: every record becomes exactly one Task. It sends at once when told, looks
// by itself as a fallback, and stops nothing else when one record cannot be sent.
type Sender struct {
	o     SenderOptions
	wake  chan struct{}
	drain chan chan struct{}

	mu       sync.Mutex
	pause    pauseState
	org      *Org
	orgAt    time.Time
	owed     map[string]storeFunc // results that the ledger could not take yet
	late     map[string]bool      // reported as late
	diskRest time.Time            // the ledger refuses: not asked again before this
}

// storeFunc stores one result in the outbox.
type storeFunc func(ctx context.Context) error

// pauseState is why nothing is sent for now. A probe is let through when until has passed.
type pauseState struct {
	why   string // "" when not paused
	kind  salesforce.Kind
	until time.Time
	times int // in a row
}

const (
	authProbe  = time.Minute     // signed out: one record tries again so often
	limitFirst = time.Minute     // no API calls left: first wait …
	limitLast  = time.Hour       // … and the longest
	orgFresh   = time.Hour       // the org's fields and statuses are read again after this
	retryFirst = 1 * time.Second // of the jitter
	retryLast  = 5 * time.Minute
	sendLimit  = 45 * time.Second // one attempt, all its requests together
)

// NewSender makes a sender. Run does the work.
func NewSender(o SenderOptions) *Sender {
	if o.Settings == nil {
		o.Settings = func() TaskSettings { return TaskSettings{} }
	}
	if o.Report == nil {
		o.Report = func(Report) {}
	}
	o.Poll = orDuration(o.Poll, 15*time.Second)
	o.Late = orDuration(o.Late, 10*time.Minute)
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
	return &Sender{o: o, wake: make(chan struct{}, 1), drain: make(chan chan struct{}), owed: map[string]storeFunc{}, late: map[string]bool{}}
}

// Notify says that there may be something to send. It never blocks.
func (s *Sender) Notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Resume ends a pause: somebody signed in again, or wants it tried now.
func (s *Sender) Resume() {
	s.resume("tried again now")
	s.Notify()
}

// Paused tells why the queue waits, or "".
func (s *Sender) Paused() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pause.why
}

// Run sends until the context ends, then waits for the attempts under way: their requests are given up, and what may have
// arrived is looked up at the next start. It is called once.
func (s *Sender) Run(ctx context.Context) {
	busy := map[string]bool{}
	done := make(chan string)
	var leaving []chan struct{}
	var wg sync.WaitGroup
	defer func() {
		go func() { wg.Wait(); close(done) }()
		for range done {
		}
	}()
	for {
		wait := s.dispatch(ctx, busy, func(key string) {
			wg.Go(func() {
				s.send(ctx, key)
				done <- key
			})
		})
		if len(busy) == 0 { // nothing is under way and nothing more can be sent now
			for _, l := range leaving {
				close(l)
			}
			leaving = nil
		}
		timer := time.NewTimer(wait)
		select {
		case l := <-s.drain:
			leaving = append(leaving, l)
		case <-ctx.Done():
			timer.Stop()
			return
		case key := <-done:
			delete(busy, key)
		case <-s.wake:
		case <-s.o.Outbox.Changed():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Drain waits, while Run is running, until everything that can be sent now has been tried, or the context ends. It is for
// leaving the program: what is not sent by then is safe on disk.
func (s *Sender) Drain(ctx context.Context) error {
	l := make(chan struct{})
	select {
	case s.drain <- l:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-l:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Flush sends what is due now, one attempt each, and returns when all of that has been tried or the context ends. It is
// for leaving the program and for tools; Run must not be running.
func (s *Sender) Flush(ctx context.Context) {
	tried := map[string]bool{}
	for ctx.Err() == nil {
		var wg sync.WaitGroup
		before := len(tried)
		s.dispatch(ctx, tried, func(key string) { wg.Go(func() { s.send(ctx, key) }) })
		wg.Wait()
		if len(tried) == before {
			return
		}
		s.forgetTried(tried)
	}
}

// forgetTried lets the next round of Flush start as many as before.
func (s *Sender) forgetTried(tried map[string]bool) {
	for k := range tried {
		tried[k] = false
	}
}

// dispatch starts every due record that is not under way, as far as there are workers, and returns how long nothing more
// will happen by itself. busy maps keys to whether they are under way; a key that is in it is not started again.
func (s *Sender) dispatch(ctx context.Context, busy map[string]bool, start func(key string)) time.Duration {
	s.settleOwed(ctx)
	now := s.o.Now()
	probing, rest := s.paused(now)
	if rest = max(rest, s.diskTrouble(now)); rest > 0 {
		return min(rest, s.o.Poll)
	}
	items, err := s.o.Outbox.Due(ctx, now, 200)
	if err != nil {
		if ctx.Err() == nil {
			s.diskFailed("", err)
		}
		return s.o.Poll
	}
	running := 0
	for _, on := range busy {
		if on {
			running++
		}
	}
	for _, it := range items {
		if _, known := busy[it.Key]; known {
			continue
		}
		s.checkLate(it, now)
		if running >= s.o.Workers || probing && running > 0 {
			continue
		}
		busy[it.Key] = true
		running++
		start(it.Key)
	}
	next, ok, err := s.o.Outbox.NextDue(ctx)
	if err == nil && ok && next.After(now) {
		return min(next.Sub(now), s.o.Poll)
	}
	return s.o.Poll
}

// paused tells whether a pause is on: rest is how long nothing is sent; with rest 0 and probing one record may try.
func (s *Sender) paused(now time.Time) (probing bool, rest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pause.why == "" {
		return false, 0
	}
	return true, max(s.pause.until.Sub(now), 0)
}

func (s *Sender) pauseQueue(kind salesforce.Kind, line string) {
	now := s.o.Now()
	s.mu.Lock()
	first := s.pause.why == "" || s.pause.kind != kind
	if first {
		s.pause = pauseState{kind: kind}
	}
	s.pause.why = line
	wait := authProbe
	if kind == salesforce.KindLimit {
		wait = min(limitFirst<<min(s.pause.times, 10), limitLast)
	}
	s.pause.times++
	s.pause.until = now.Add(wait)
	until := s.pause.until
	s.mu.Unlock()
	if first {
		s.report(Report{Kind: ReportPaused, Line: text.Clean(line), NextTry: until})
	}
}

func (s *Sender) resume(line string) {
	s.mu.Lock()
	was := s.pause.why
	s.pause = pauseState{}
	s.mu.Unlock()
	if was != "" {
		s.report(Report{Kind: ReportResumed, Line: text.Clean("call records are sent again: " + line)})
	}
}

// settleOwed tells the ledger what it could not take before (a full disk): until then those records stay claimed.
func (s *Sender) settleOwed(ctx context.Context) {
	s.mu.Lock()
	owed := maps.Clone(s.owed)
	s.mu.Unlock()
	for key, store := range owed {
		if storeErr(store(ctx)) != nil {
			continue
		}
		s.mu.Lock()
		delete(s.owed, key)
		s.mu.Unlock()
	}
}

// diskFailed reports a ledger that cannot be read or written, and leaves it alone for a while.
func (s *Sender) diskFailed(key string, err error) {
	s.mu.Lock()
	s.diskRest = s.o.Now().Add(s.o.Poll)
	s.mu.Unlock()
	s.report(Report{Kind: ReportDisk, Key: key, Line: text.Clean(err.Error())})
}

func (s *Sender) diskTrouble(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.diskRest.Sub(now), 0)
}

// storeErr leaves out the errors that trying again cannot cure: the record is in another state already.
func storeErr(err error) error {
	var dup *ledger.DuplicateError
	var state *ledger.StateError
	if errors.As(err, &dup) || errors.As(err, &state) {
		return nil
	}
	return err
}

// store stores a result now, or owes it to the ledger and says so.
func (s *Sender) store(ctx context.Context, key, what string, f storeFunc) bool {
	err := f(ctx)
	if err == nil {
		return true
	}
	if storeErr(err) != nil {
		s.mu.Lock()
		s.owed[key] = f
		s.mu.Unlock()
	}
	s.report(Report{Kind: ReportDisk, Key: key, Line: text.Clean(what + err.Error())})
	return false
}

// checkLate reports once that a record has been waiting for long.
func (s *Sender) checkLate(it ledger.Item, now time.Time) {
	if it.Created.IsZero() || now.Sub(it.Created) < s.o.Late {
		return
	}
	s.mu.Lock()
	told := s.late[it.Key]
	s.late[it.Key] = true
	s.mu.Unlock()
	if !told {
		line := "a call record has been waiting since " + it.Created.Local().Format("15:04") + ": it is safe on disk and still tried"
		if !it.LastError.Empty() {
			line += " (" + it.LastError.String() + ")"
		}
		s.report(Report{Kind: ReportLate, Key: it.Key, Line: text.Clean(line)})
	}
}

func (s *Sender) report(r Report) {
	r.At = s.o.Now()
	s.o.Report(r)
}
