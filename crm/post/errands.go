package post

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// ErrandStore is where errands wait and where what came of them is stored: a *ledger.Ledger.
type ErrandStore interface {
	DueErrands(ctx context.Context, now time.Time, limit int) ([]ledger.Errand, error)
	NextErrand(ctx context.Context) (time.Time, bool, error)
	ClaimErrand(ctx context.Context, key string, now time.Time) (ledger.Errand, bool, error)
	ErrandDone(ctx context.Context, key, result string) error
	ErrandRetry(ctx context.Context, key string, f ledger.Failure) error
	ErrandDead(ctx context.Context, key string, f ledger.Failure) error
	ErrandsChanged() <-chan struct{}
}

// ErrandOptions make Errands. Store and Run must be set.
type ErrandOptions struct {
	Store   ErrandStore
	Run     map[string]crm.ErrandFunc // by ledger.Errand.Kind
	Beside  *Sender                   // its pauses are the errands' as well: one org, one sign-in. nil: pauses of their own
	Report  func(Report)              // called from the worker's goroutines; must not block. nil for none
	Poll    time.Duration             // how often to look without being told; 0 for 15 s
	Late    time.Duration             // an errand undone for so long is reported once; 0 for ten minutes
	Workers int                       // errands carried out at the same time; 0 for 2
	Log     *slog.Logger
	Now     func() time.Time
	Rand    func() float64 // 0 ≤ x < 1, for jitter
}

// Errands is the worker that carries out what follows call records, beside the Sender and with its reactions. Run, Notify, Resume,
// Paused, Drain and Flush are those of the Sender.
type Errands struct {
	queue
	o ErrandOptions
}

// NewErrands makes the worker. Run does the work.
func NewErrands(o ErrandOptions) *Errands {
	if o.Report == nil {
		o.Report = func(Report) {}
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
	if o.Workers <= 0 {
		o.Workers = 2
	}
	e := &Errands{o: o, queue: queue{name: "follow-up", gate: &gate{}, poll: positive(o.Poll, 15*time.Second),
		late: positive(o.Late, 10*time.Minute), workers: o.Workers, now: o.Now, rand: o.Rand}}
	if o.Beside != nil {
		e.gate = o.Beside.gate
	}
	e.queue.load = e
	e.make()
	return e
}

func (e *Errands) due(ctx context.Context, now time.Time, limit int) ([]waiting, error) {
	list, err := e.o.Store.DueErrands(ctx, now, limit)
	out := make([]waiting, len(list))
	for i, it := range list {
		since := it.Created
		if it.Due.After(since) { // it was meant for later
			since = it.Due
		}
		out[i] = waiting{it.Key, since, it.LastError}
	}
	return out, err
}

func (e *Errands) next(ctx context.Context) (time.Time, bool, error) {
	return e.o.Store.NextErrand(ctx)
}
func (e *Errands) changed() <-chan struct{} { return e.o.Store.ErrandsChanged() }

func (e *Errands) report(r Report) {
	r.At, r.Errand = e.o.Now(), cmp.Or(r.Errand, "errand")
	e.o.Report(r)
}

// send carries out one errand and stores what came of it.
func (e *Errands) send(ctx context.Context, key string) {
	it, ok, err := e.o.Store.ClaimErrand(ctx, key, e.now())
	if err != nil {
		if ctx.Err() == nil {
			e.diskFailed(key, err)
		}
		return
	}
	if !ok {
		return
	}
	run := e.o.Run[it.Kind]
	if run == nil {
		e.dead(ctx, it, "defect", fmt.Sprintf("this offhook does not know how to carry out %q: a newer one wrote it", text.Clean(it.Kind)))
		return
	}
	limit := sendLimit
	if it.Kind == AttachErrand {
		limit = uploadLimit
	}
	asked := e.gate.asks()
	own, cancel := context.WithTimeout(ctx, limit)
	result, err := run(own, it)
	cancel()
	if err != nil {
		e.react(ctx, it, err, asked)
		return
	}
	e.done(ctx, it, result)
}

// react decides what an error means for the errand, whose attempt began when the gate's asks was asked.
func (e *Errands) react(ctx context.Context, it ledger.Errand, err error, asked int) {
	var no *crm.RefusedError
	if errors.As(err, &no) {
		e.resume("Salesforce answers again")
		e.dead(ctx, it, no.Class, no.Line)
		return
	}
	api := salesforce.Refusal(err)
	if field := api.DuplicateField(); api.Has("DUPLICATE_VALUE") && (field == "" || field == crm.KeyField) {
		if id := api.ExistingID(); id != "" { // an earlier attempt succeeded
			e.done(ctx, it, id)
			return
		}
		err = &salesforce.TransportError{Method: api.Method, Path: api.Path, MayHaveArrived: true, Err: errors.New("another attempt is writing it")}
	}
	at := writing
	if api.Method == "GET" {
		at = looking
	}
	v := judge(err, at)
	switch {
	case v.reaction == pause:
		tell := e.pauseQueue(v.kind, v.line, asked)
		e.retry(ctx, it, ledger.Failure{Class: v.class, Reason: text.Clean(v.line), Due: e.now(), Free: true})
		tell()
	case v.reaction == wait:
		e.retry(ctx, it, ledger.Failure{Class: v.class, Reason: text.Clean(v.line), Due: e.afterWork(it.Created), Free: true, Awaits: v.awaits})
	case v.reaction == later:
		due := e.backoff(it.Attempts, err, asked)
		e.retry(ctx, it, ledger.Failure{Class: v.class, Reason: text.Clean(v.line), Due: due, Ambiguous: v.ambiguous})
		e.report(Report{Kind: ReportRetry, Key: it.Call, Errand: it.Kind, Line: text.Clean(v.line), NextTry: due})
	default:
		e.resume("Salesforce answers again")
		e.dead(ctx, it, className(v.kind), v.line)
	}
}

const errandNoted = "what came of a follow-up could not be noted: "

func (e *Errands) done(ctx context.Context, it ledger.Errand, result string) {
	e.resume("Salesforce takes them again")
	e.store(ctx, it.Key, errandNoted, func(ctx context.Context) error { return e.o.Store.ErrandDone(ctx, it.Key, result) })
	e.forget(it.Key)
	e.report(Report{Kind: ReportSent, Key: it.Call, Errand: it.Kind, TaskID: it.TaskID, Result: result,
		Line: text.Clean("Salesforce was told: " + ErrandName(it.Kind))})
}

func (e *Errands) retry(ctx context.Context, it ledger.Errand, f ledger.Failure) {
	e.store(ctx, it.Key, errandNoted, func(ctx context.Context) error { return e.o.Store.ErrandRetry(ctx, it.Key, f) })
}

func (e *Errands) dead(ctx context.Context, it ledger.Errand, class, line string) {
	f := ledger.Failure{Class: class, Reason: text.Clean(line)}
	if e.store(ctx, it.Key, errandNoted, func(ctx context.Context) error { return e.o.Store.ErrandDead(ctx, it.Key, f) }) {
		e.report(Report{Kind: ReportDead, Key: it.Call, Errand: it.Kind, Line: text.Clean(ErrandName(it.Kind) + ": " + line)})
	}
}

// ErrandName says what an errand is about, for people.
func ErrandName(kind string) string {
	switch kind {
	case "amend":
		return "a change of a call's Task"
	case "attach":
		return "a recording"
	case "member":
		return "a campaign member's status"
	case "voicecall":
		return "a voice call"
	case "callback":
		return "a callback"
	case crm.CreateErrand:
		return "a new record for a call"
	case crm.UpdateErrand:
		return "what a call tells of a person"
	case "event":
		return "an agent's event"
	}
	return text.Clean(kind).String()
}
