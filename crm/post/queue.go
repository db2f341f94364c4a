package post

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// load is what a queue carries to Salesforce: call records (Sender), or what follows them (Errands).
type load interface {
	due(ctx context.Context, now time.Time, limit int) ([]waiting, error)
	next(ctx context.Context) (time.Time, bool, error)
	send(ctx context.Context, key string) // one thing, as far as it goes now; what came of it is on disk when it returns
	changed() <-chan struct{}
	report(Report)
}

// batcher is a load that takes many things at once when there is much to catch up with.
type batcher interface {
	room() int // how many fit
	sendMany(ctx context.Context, keys []string)
}

// waiting is one thing that is due.
type waiting struct {
	key       string
	created   time.Time
	lastError text.Text
}

// queue is what Sender and Errands have in common: it sends at once when told, looks by itself as a fallback, waits as a whole
// while nobody is signed in or no API calls are left, and remembers results that the disk could not take.
type queue struct {
	load    load
	name    string // "call record"
	gate    *gate
	poll    time.Duration
	late    time.Duration
	workers int
	now     func() time.Time
	rand    func() float64 // 0 ≤ x < 1, for jitter
	wake    chan struct{}
	drain   chan chan struct{}

	mu       sync.Mutex
	owed     map[string]storeFunc // results that the ledger could not take yet
	told     map[string]bool      // reported as late
	diskRest time.Time            // the ledger refuses: not asked again before this
	batch    bool                 // one is under way
}

// storeFunc stores one result on disk.
type storeFunc func(ctx context.Context) error

// positive is a duration as it was set, or the other one.
func positive(d, other time.Duration) time.Duration {
	if d <= 0 {
		return other
	}
	return d
}

const (
	retryFirst = 1 * time.Second // of the jitter
	retryLast  = 5 * time.Minute
	sendLimit  = 45 * time.Second // one attempt, all its requests together
)

func (q *queue) make() {
	q.wake, q.drain = make(chan struct{}, 1), make(chan chan struct{})
	q.owed, q.told = map[string]storeFunc{}, map[string]bool{}
}

// Notify says that there may be something to send. It never blocks.
func (q *queue) Notify() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Run sends until the context ends, then waits for the attempts under way: their requests are given up, and what may have
// arrived is looked up at the next start. It is called once.
func (q *queue) Run(ctx context.Context) {
	busy := map[string]bool{}
	done := make(chan []string)
	var leaving []chan struct{}
	var wg sync.WaitGroup
	defer func() {
		go func() { wg.Wait(); close(done) }()
		for range done {
		}
	}()
	for {
		wait := q.dispatch(ctx, busy, func(keys []string) {
			wg.Go(func() {
				q.carry(ctx, keys)
				done <- keys
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
		case l := <-q.drain:
			leaving = append(leaving, l)
		case <-ctx.Done():
			timer.Stop()
			return
		case keys := <-done:
			for _, key := range keys {
				delete(busy, key)
			}
		case <-q.wake:
		case <-q.load.changed():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Drain waits, while Run is running, until everything that can be sent now has been tried, or the context ends. It is for
// leaving the program: what is not sent by then is safe on disk.
func (q *queue) Drain(ctx context.Context) error {
	l := make(chan struct{})
	select {
	case q.drain <- l:
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
func (q *queue) Flush(ctx context.Context) {
	tried := map[string]bool{}
	for ctx.Err() == nil {
		var wg sync.WaitGroup
		before := len(tried)
		q.dispatch(ctx, tried, func(keys []string) { wg.Go(func() { q.carry(ctx, keys) }) })
		wg.Wait()
		if len(tried) == before {
			return
		}
		for k := range tried { // the next round may start as many as before
			tried[k] = false
		}
	}
}

// dispatch starts everything due that is not under way, as far as there are workers, and returns how long nothing more
// will happen by itself. busy maps keys to whether they are under way; a key that is in it is not started again.
func (q *queue) dispatch(ctx context.Context, busy map[string]bool, start func(keys []string)) time.Duration {
	q.settleOwed(ctx)
	now := q.now()
	probing, rest := q.gate.rest(now)
	if rest = max(rest, q.diskTrouble(now)); rest > 0 {
		return min(rest, q.poll)
	}
	items, err := q.load.due(ctx, now, 200)
	if err != nil {
		if ctx.Err() == nil {
			q.diskFailed("", err)
		}
		return q.poll
	}
	running := 0
	for _, on := range busy {
		if on {
			running++
		}
	}
	var fresh []string
	for _, it := range items {
		if _, known := busy[it.key]; !known {
			q.checkLate(it, now)
			fresh = append(fresh, it.key)
		}
	}
	for len(fresh) > 0 && running < q.workers && !(probing && running > 0) {
		n := 1
		if !probing {
			n = q.together(len(fresh))
		}
		for i, key := range fresh[:n] {
			busy[key] = i == 0 // a batch is the work of one
		}
		running++
		start(fresh[:n:n])
		fresh = fresh[n:]
	}
	next, ok, err := q.load.next(ctx)
	if err == nil && ok && next.After(now) {
		return min(next.Sub(now), q.poll)
	}
	return q.poll
}

// together is how many of those that wait go at once. One batch is under way at a time; what has no place in it goes alone
// meanwhile.
func (q *queue) together(waiting int) int {
	b, ok := q.load.(batcher)
	if !ok || waiting < batchFrom {
		return 1
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.batch {
		return 1
	}
	q.batch = true
	return min(waiting, b.room())
}

// carry sends one thing, or many at once.
func (q *queue) carry(ctx context.Context, keys []string) {
	if len(keys) == 1 {
		q.load.send(ctx, keys[0])
		return
	}
	q.load.(batcher).sendMany(ctx, keys)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.batch = false
}

// settleOwed tells the ledger what it could not take before (a full disk): until then those records stay claimed.
func (q *queue) settleOwed(ctx context.Context) {
	q.mu.Lock()
	owed := maps.Clone(q.owed)
	q.mu.Unlock()
	for key, store := range owed {
		if storeErr(store(ctx)) != nil {
			continue
		}
		q.mu.Lock()
		delete(q.owed, key)
		q.mu.Unlock()
	}
}

// diskFailed reports a ledger that cannot be read or written, and leaves it alone for a while.
func (q *queue) diskFailed(key string, err error) {
	q.mu.Lock()
	q.diskRest = q.now().Add(q.poll)
	q.mu.Unlock()
	q.load.report(Report{Kind: ReportDisk, Key: key, Line: text.Clean(err.Error())})
}

func (q *queue) diskTrouble(now time.Time) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(q.diskRest.Sub(now), 0)
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

// store stores a result now, or owes it to the ledger and says so: what it is about stays claimed until then, so nothing is
// lost and nothing is written twice.
func (q *queue) store(ctx context.Context, key, what string, f storeFunc) bool {
	err := f(ctx)
	if err == nil {
		return true
	}
	if storeErr(err) != nil {
		q.mu.Lock()
		q.owed[key] = f
		q.mu.Unlock()
	}
	q.load.report(Report{Kind: ReportDisk, Key: key, Line: text.Clean(what + err.Error())})
	return false
}

// checkLate reports once that a thing has been waiting for long.
func (q *queue) checkLate(it waiting, now time.Time) {
	if it.created.IsZero() || now.Sub(it.created) < q.late {
		return
	}
	q.mu.Lock()
	told := q.told[it.key]
	q.told[it.key] = true
	q.mu.Unlock()
	if !told {
		line := "a " + q.name + " has been waiting since " + it.created.Local().Format("15:04") + ": it is safe on disk and still tried"
		if !it.lastError.Empty() {
			line += " (" + it.lastError.String() + ")"
		}
		q.load.report(Report{Kind: ReportLate, Key: it.key, Line: text.Clean(line)})
	}
}

// forget lets a thing be reported as late again.
func (q *queue) forget(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.told, key)
}

// backoff is when a failed attempt is repeated: full jitter, up to 1 s after the first failure, twice that after each more, at
// most five minutes, never less than a second or than Salesforce asked for; a second when somebody wanted it tried now since the attempt
// began (asked is what asks was then). Nothing is given up for being late.
func (q *queue) backoff(attempts int, err error, asked int) time.Time {
	span := min(retryFirst<<min(max(attempts-1, 0), 16), retryLast)
	wait := max(time.Duration(q.rand()*float64(span)), retryFirst)
	if q.gate.asks() != asked {
		wait = retryFirst
	}
	return q.now().Add(max(wait, salesforce.Refusal(err).RetryAfter))
}

// afterWork is when something is looked at again that waits for other work of ours, since a time: soon at first, ever more seldom then. It
// is a net: the ledger makes it due when that work is over.
func (q *queue) afterWork(since time.Time) time.Time {
	now := q.now()
	return now.Add(min(max(now.Sub(since)/4, retryFirst), retryLast))
}
