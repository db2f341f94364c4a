package sync

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"offhook/crm/ledger"
	"offhook/internal/text"
)

// Keeper is where jobs keep how far they came (ledger.Ledger).
type Keeper interface {
	Keep(ctx context.Context, things ...ledger.Kept) error
	Kept(ctx context.Context, kind string) ([]ledger.Kept, error)
	Unkeep(ctx context.Context, kind string, keys ...string) error
}

// Job is one thing that is done by a schedule.
type Job struct {
	Name string
	Cron Cron // zero: only when asked
	// Run does the work. from is where an earlier run, this one's interrupted beginning included, came to; save notes how far this run
	// has come, so that the next one goes on there. It returns what came of it in a few words.
	Run func(ctx context.Context, from json.RawMessage, save func(any) error) (string, error)
}

// State is what is kept of a job.
type State struct {
	Last   time.Time       `json:"last,omitzero"` // beginning of the last run
	Took   time.Duration   `json:"took,omitempty"`
	Next   time.Time       `json:"next,omitzero"` // zero: only when asked
	Result text.Text       `json:"result,omitzero"`
	Error  text.Text       `json:"error,omitzero"`   // of the last run; empty: it succeeded
	Good   time.Time       `json:"good,omitzero"`    // the last run that succeeded
	Missed int             `json:"missed,omitempty"` // times that had passed when the last run began: they were made up for by that one run
	Runs   int             `json:"runs,omitempty"`
	Cursor json.RawMessage `json:"cursor,omitempty"`
}

// asked is the ending of the key under which a wish for a run stands until it is granted.
const asked = "/ask"

// SchedulerOptions make a Scheduler. Store and Jobs must be set.
type SchedulerOptions struct {
	Store  Keeper
	Jobs   []Job
	Zone   func() *time.Location       // in which schedules are meant; nil: UTC
	Failed func(job string, err error) // told of a run that failed; must not block
	Poll   time.Duration               // how often wishes of other processes are looked for; 0 for 3 s
	Now    func() time.Time
}

// Scheduler runs jobs by their schedules, one at a time. Whoever holds the ledger's lock runs the only one.
type Scheduler struct{ o SchedulerOptions }

// NewScheduler makes a scheduler; Run or RunNow does the work.
func NewScheduler(o SchedulerOptions) *Scheduler {
	if o.Zone == nil {
		o.Zone = func() *time.Location { return time.UTC }
	}
	if o.Failed == nil {
		o.Failed = func(string, error) {}
	}
	if o.Poll <= 0 {
		o.Poll = 3 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Scheduler{o}
}

// Run runs what is due until ctx ends. Times that pass while a job runs, while Salesforce cannot be reached or while the program is not
// there at all are made up for by one run.
func (s *Scheduler) Run(ctx context.Context) {
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.due(ctx)
		tick.Reset(s.o.Poll)
	}
}

// due runs every job whose time has come or that was asked for.
func (s *Scheduler) due(ctx context.Context) {
	states, wishes, err := s.load(ctx)
	if err != nil {
		return // the disk is told of where records are written
	}
	now := s.o.Now()
	for _, j := range s.o.Jobs {
		st := states[j.Name]
		wanted := wishes[j.Name]
		if !j.Cron.Zero() && (st.Next.IsZero() || !j.fits(st.Next, s.o.Zone())) { // never seen, or another schedule now
			if st.Next = j.Cron.Next(now.In(s.o.Zone())); s.keep(ctx, j.Name, st) != nil {
				return
			}
		}
		if wanted || !j.Cron.Zero() && !st.Next.IsZero() && !now.Before(st.Next) {
			s.run(ctx, j, st)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// fits reports whether a moment is one of the schedule.
func (j Job) fits(at time.Time, zone *time.Location) bool {
	return j.Cron.Next(at.In(zone).Add(-time.Second)).Equal(at)
}

// RunNow runs jobs now, all when none is named, and returns what came of them. The error is that of a name that no job has.
func (s *Scheduler) RunNow(ctx context.Context, names ...string) (map[string]State, error) {
	for _, n := range names {
		if !slices.ContainsFunc(s.o.Jobs, func(j Job) bool { return j.Name == n }) {
			return nil, fmt.Errorf("there is no job %q", text.Clean(n))
		}
	}
	states, _, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]State{}
	for _, j := range s.o.Jobs {
		if len(names) == 0 || slices.Contains(names, j.Name) {
			out[j.Name] = s.run(ctx, j, states[j.Name])
		}
	}
	return out, nil
}

// run runs one job once.
func (s *Scheduler) run(ctx context.Context, j Job, st State) State {
	begin := s.o.Now()
	st.Missed = 0
	if !j.Cron.Zero() && !st.Next.IsZero() {
		for at := st.Next; !at.After(begin) && st.Missed < maxMissed; st.Missed++ {
			at = j.Cron.Next(at.In(s.o.Zone()))
			if at.IsZero() {
				break
			}
		}
		st.Missed = max(st.Missed-1, 0) // the first of them is this run
	}
	_ = s.o.Store.Unkeep(ctx, JobKind, j.Name+asked)
	save := func(cursor any) error {
		b, err := json.Marshal(cursor)
		if err != nil {
			return err
		}
		st.Cursor = b
		return s.keep(ctx, j.Name, st)
	}
	result, err := j.Run(ctx, st.Cursor, save)
	if ctx.Err() != nil && err != nil { // the program ends: the next one goes on where this one saved
		return st
	}
	st.Last, st.Took, st.Runs = begin, s.o.Now().Sub(begin), st.Runs+1
	st.Error = text.Text{}
	if err != nil {
		st.Error = text.Clean(Line(err))
		s.o.Failed(j.Name, err)
	} else {
		st.Result, st.Good = text.Clean(result), begin
	}
	if !j.Cron.Zero() {
		st.Next = j.Cron.Next(s.o.Now().In(s.o.Zone()))
	} else {
		st.Next = time.Time{}
	}
	_ = s.keep(context.WithoutCancel(ctx), j.Name, st)
	return st
}

const maxMissed = 1000

func (s *Scheduler) keep(ctx context.Context, name string, st State) error {
	b, err := json.Marshal(st)
	if err != nil {
		return err
	}
	return s.o.Store.Keep(ctx, ledger.Kept{Kind: JobKind, Key: name, Value: b, At: st.Next})
}

func (s *Scheduler) load(ctx context.Context) (map[string]State, map[string]bool, error) {
	return load(ctx, s.o.Store)
}

func load(ctx context.Context, store Keeper) (states map[string]State, wishes map[string]bool, err error) {
	list, err := store.Kept(ctx, JobKind)
	if err != nil {
		return nil, nil, err
	}
	states, wishes = map[string]State{}, map[string]bool{}
	for _, k := range list {
		if n := len(k.Key) - len(asked); n > 0 && k.Key[n:] == asked {
			wishes[k.Key[:n]] = true
			continue
		}
		var st State
		if json.Unmarshal(k.Value, &st) == nil {
			states[k.Key] = st
		}
	}
	return states, wishes, nil
}

// States reads what is kept of jobs, by their names.
func States(ctx context.Context, store Keeper) (map[string]State, error) {
	states, _, err := load(ctx, store)
	return states, err
}

// Ask wishes for a run of a job by the process that runs the scheduler.
func Ask(ctx context.Context, store Keeper, job string, at time.Time) error {
	return store.Keep(ctx, ledger.Kept{Kind: JobKind, Key: job + asked, Value: json.RawMessage(`{}`), At: at})
}

// Asked reports whether a wish still waits.
func Asked(ctx context.Context, store Keeper, job string) (bool, error) {
	_, wishes, err := load(ctx, store)
	return wishes[job], err
}
