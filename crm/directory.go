package crm

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"offhook/crm/layout"
	"offhook/crm/number"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// DirectorySettings make a Directory. The zero values are the defaults.
type DirectorySettings struct {
	Numbers     number.Settings
	Objects     []string              // looked up, in order of display; nil for Contact, Lead, Account
	Layout      func() *layout.Layout // the softphone layout as it is now; nil, or a nil layout: Objects, for every call. Called from many goroutines
	Answers     func() Answers        // what is known of the org; nil for nothing. Called from many goroutines
	NewObject   string                // of the New form when none is named; "" for Lead
	LikeObjects []string              // opt-in: objects in which LIKE may scan, when nothing else found anything
	Deadline    time.Duration         // of each search; 0 for 2 s
	Grace       time.Duration         // how long the second search may still add to the first one's hits; 0 for 300 ms
	CacheFor    time.Duration         // a number's result is used again; 0 for one minute
	Limit       int                   // rows per object; 0 for 6
	Zone        func() *time.Location // the agent's, of dates on cards and in forms; nil for local
	Locale      func() string         // how the agent writes numbers and days, as de_DE; nil: 1234.56
	Log         *slog.Logger          // nil for none; sees no numbers and no names
	Now         func() time.Time
}

// Directory answers who a number belongs to, and shows and makes records. It is safe for use from many goroutines; every
// method may take as long as Salesforce does and obeys its context. Close it to wait for what it learns in the background.
type Directory struct {
	sf      *salesforce.Client
	set     DirectorySettings
	numbers *number.Plan
	wg      sync.WaitGroup
	stop    context.CancelFunc
	life    context.Context

	mu      sync.Mutex
	plans   map[string]plan            // what was learnt of each object
	hidden  map[string]map[string]bool // fields of the layout that this user may not see, by object
	gone    map[string]bool            // objects that this org does not have
	warming bool
	warmed  time.Time // the last attempt
	cache   map[string]cachedLookup
	recent  []recentRecord // opened or created here: the search index lags by minutes
	rest    rest           // what Salesforce's limits have taught

	byPrefix map[string]string // objects by the beginning of their ids; nil: not asked yet
	looked   []Hit             // what Salesforce says was looked at last …
	lookedAt time.Time         // … when it was asked
}

type cachedLookup struct {
	hits     []Hit
	possible int
	via      string
	at       time.Time
}

type recentRecord struct {
	hit    Hit
	phones []string
	at     time.Time
}

const (
	maxCached = 256
	maxRecent = 100
	recentFor = 15 * time.Minute // longer than the index normally lags
	warmAgain = time.Minute
)

// NewDirectory makes a Directory on a client. It sends nothing.
func NewDirectory(sf *salesforce.Client, s DirectorySettings) *Directory {
	if len(s.Objects) == 0 {
		s.Objects = []string{"Contact", "Lead", "Account"}
	}
	s.Objects = slices.DeleteFunc(slices.Clone(s.Objects), func(o string) bool { return !salesforce.Ident(o).Valid() })
	s.NewObject = or(s.NewObject, "Lead")
	s.Deadline = orDuration(s.Deadline, 2*time.Second)
	s.Grace = orDuration(s.Grace, 300*time.Millisecond)
	s.CacheFor = orDuration(s.CacheFor, time.Minute)
	if s.Limit <= 0 {
		s.Limit = 6
	}
	if s.Zone == nil {
		s.Zone = func() *time.Location { return time.Local }
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	d := &Directory{
		sf: sf, set: s, numbers: number.NewPlan(s.Numbers),
		plans: map[string]plan{}, gone: map[string]bool{}, hidden: map[string]map[string]bool{}, cache: map[string]cachedLookup{},
	}
	d.life, d.stop = context.WithCancel(context.Background())
	return d
}

func orDuration(d, other time.Duration) time.Duration {
	if d <= 0 {
		return other
	}
	return d
}

// Close ends and waits for background learning.
func (d *Directory) Close() {
	d.mu.Lock() // a lookup under way either has begun to learn, and is waited for, or sees the end
	d.stop()
	d.mu.Unlock()
	d.wg.Wait()
}

// Classify decides what kind of party a number is; see Numbers.Classify.
func (d *Directory) Classify(number string, withheld bool, host string) number.Class {
	return d.numbers.Classify(number, withheld, host)
}

// Numbers returns the desk's way of reading numbers.
func (d *Directory) Numbers() *number.Plan { return d.numbers }

// Place returns where a fixed-line number belongs, or the empty text. It asks nobody.
func (d *Directory) Place(number text.Text) text.Text {
	return d.numbers.Parse(number.String()).Place()
}

// Warm learns what the objects look like, so that the first lookup knows every phone field and the first card needs one
// round trip. The desk works without it.
func (d *Directory) Warm(ctx context.Context) error {
	var first error
	for _, o := range d.objects() {
		if _, err := d.learn(ctx, o); err != nil && first == nil && !d.isGone(o) {
			first = err
		}
		if _, err := d.sf.CompactLayout(ctx, salesforce.Ident(o)); err != nil && first == nil && !d.isGone(o) {
			first = err
		}
	}
	return lineError(first)
}

// warmLater learns in the background, once at a time, and not again for a while after a failure.
func (d *Directory) warmLater() {
	objects := d.objects()
	d.mu.Lock()
	missing := slices.ContainsFunc(objects, func(o string) bool { return !d.plans[o].learnt })
	if d.warming || !missing || d.set.Now().Before(d.rest.till) || !d.warmed.IsZero() && d.set.Now().Sub(d.warmed) < warmAgain || d.life.Err() != nil {
		d.mu.Unlock()
		return
	}
	d.warming, d.warmed = true, d.set.Now()
	d.wg.Go(func() {
		ctx, cancel := context.WithTimeout(d.life, 20*time.Second)
		defer cancel()
		if err := d.Warm(ctx); err != nil {
			d.set.Log.Debug("crm: the objects could not be described yet", "err", err)
		}
		d.mu.Lock()
		d.warming = false
		d.mu.Unlock()
	})
	d.mu.Unlock()
}

func (d *Directory) isGone(object string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.gone[object]
}

// LineError is a failure in one line for a person. The cause is inside.
type LineError struct {
	Line string
	Err  error
}

func (e *LineError) Error() string { return e.Line }
func (e *LineError) Unwrap() error { return e.Err }

func lineError(err error) error {
	var already *LineError
	switch {
	case err == nil, errors.As(err, &already):
		return err
	}
	return &LineError{Line: salesforce.Line(err), Err: err}
}
