package selftest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"offhook/crm"
	"offhook/crm/layout"
	"offhook/crm/number"
	"offhook/crm/post"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// Options of Run. Client must be set.
type Options struct {
	Client   *salesforce.Client
	App      salesforce.App // for the question whether it offers the device flow
	Numbers  number.Settings
	Task     crm.TaskSettings
	Layout   func() *layout.Layout
	Scan     []string      // objects of salesforce.scan
	ReadOnly bool          // nothing is written
	Wait     time.Duration // how long the search index may take; 0 for three minutes
	Tell     func(Result)  // each result as it comes; nil for nobody
	Progress func(string)  // what takes long; nil for nobody
	Now      func() time.Time
	Sleep    func(ctx context.Context, d time.Duration) error
	Token    string // of the marker; "" for a random one
}

// Outcome is how a check ended.
type Outcome string

// Outcomes.
const (
	OK      Outcome = "ok"
	Settled Outcome = "settled" // a question has its answer
	Skipped Outcome = "skipped" // it could not be tried
	Failed  Outcome = "failed"
)

// Result is what came of one check.
type Result struct {
	Name    string       `json:"name"`
	Outcome Outcome      `json:"outcome"`
	Line    text.Text    `json:"line"`
	Millis  int64        `json:"ms"`
	Answers []crm.Answer `json:"answers,omitempty"`
}

// Left is a record that was made and could not be deleted.
type Left struct {
	Object string    `json:"object"`
	ID     string    `json:"id"`
	URL    string    `json:"url"`
	Why    text.Text `json:"why"`
}

// Report is a whole self test.
type Report struct {
	Org     string   `json:"org_id"`
	API     string   `json:"api_version"`
	Marker  string   `json:"marker,omitempty"` // stands in every record that was made
	Made    int      `json:"made"`
	Deleted int      `json:"deleted"`
	Results []Result `json:"results"`
	Left    []Left   `json:"left"`
}

// Count returns how many checks ended so.
func (r Report) Count(o Outcome) (n int) {
	for _, x := range r.Results {
		if x.Outcome == o {
			n++
		}
	}
	return n
}

// Answers are what was settled.
func (r Report) Answers() (out []crm.Answer) {
	for _, x := range r.Results {
		out = append(out, x.Answers...)
	}
	return out
}

// check is one thing that is tried. One that needs another's success is skipped without it.
type check struct {
	name   string
	needs  []string
	writes bool
	run    func(ctx context.Context, t *test) Result
}

// marker begins the name of every record that is made.
const marker = "offhook selftest"

// test is one run.
type test struct {
	o      Options
	sf     *salesforce.Client
	dir    *crm.Directory
	marker string
	user   salesforce.UserInfo
	api    string
	org    post.Org
	desc   map[string]*salesforce.Describe

	people  []person
	lead    string
	account string
	task    string
	key     string
	made    []made
	touched []string // objects of which a record may be there, whatever was answered
}

type made struct{ object, id string }

// Run carries out the checks in order and deletes what they made, also after a failure and when ctx ends. It asks nobody: whoever
// calls it has been told that records are made.
func Run(ctx context.Context, o Options) Report {
	t := newTest(&o)
	defer t.dir.Close()
	out := Report{}
	if !o.ReadOnly {
		out.Marker = t.marker
	}
	state := map[string]Outcome{}
	tell := func(r Result) {
		out.Results = append(out.Results, r)
		state[r.Name] = r.Outcome
		if o.Tell != nil {
			o.Tell(r)
		}
	}
	for _, c := range checks() {
		if c.writes && o.ReadOnly {
			continue
		}
		lacks := slices.IndexFunc(c.needs, func(n string) bool { return state[n] != OK && state[n] != Settled })
		switch {
		case ctx.Err() != nil:
			tell(Result{Name: c.name, Outcome: Skipped, Line: text.Clean("given up")})
			continue
		case lacks >= 0:
			tell(Result{Name: c.name, Outcome: Skipped, Line: text.Clean("needs what failed before: " + c.needs[lacks])})
			continue
		}
		began := o.Now()
		r := c.run(ctx, t)
		r.Name, r.Millis = c.name, max(0, o.Now().Sub(began)).Milliseconds()
		for i := range r.Answers {
			r.Answers[i].API, r.Answers[i].At = t.api, o.Now().UTC().Truncate(time.Second)
		}
		tell(r)
	}
	out.Org, out.API = t.user.OrgID, t.api
	if !o.ReadOnly && state["sign-in"] == OK {
		began := o.Now()
		r := t.cleanUp(ctx, &out)
		r.Name, r.Millis = "delete", max(0, o.Now().Sub(began)).Milliseconds()
		tell(r)
	}
	return out
}

func newTest(o *Options) *test {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait <= 0 {
		o.Wait = 3 * time.Minute
	}
	if o.Sleep == nil {
		o.Sleep = func(ctx context.Context, d time.Duration) error {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-timer.C:
				return nil
			}
		}
	}
	if o.Token == "" {
		var b [5]byte
		_, _ = rand.Read(b[:]) // it never fails
		o.Token = hex.EncodeToString(b[:])
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return &test{o: *o, sf: o.Client, marker: marker + " " + o.Token, desc: map[string]*salesforce.Describe{},
		dir: crm.NewDirectory(o.Client, crm.DirectorySettings{Numbers: o.Numbers, LikeObjects: o.Scan, CacheFor: time.Nanosecond, Deadline: 15 * time.Second, Grace: 15 * time.Second})}
}

func ok(format string, args ...any) Result {
	return Result{Outcome: OK, Line: text.Clean(fmt.Sprintf(format, args...))}
}

func failed(err error) Result { return failedAs("%s", line(err)) }

func failedAs(format string, args ...any) Result {
	return Result{Outcome: Failed, Line: text.Clean(fmt.Sprintf(format, args...))}
}

func skipped(format string, args ...any) Result {
	return Result{Outcome: Skipped, Line: text.Clean(fmt.Sprintf(format, args...))}
}

// settled is an answer, with what Salesforce said.
func settled(question, value, detail, format string, args ...any) Result {
	return Result{Outcome: Settled, Line: text.Clean(fmt.Sprintf(format, args...)),
		Answers: []crm.Answer{{Question: question, Value: value, Detail: text.Clean(detail).Runes(300)}}}
}

// line is an error for a person who tries an org, and is not told what becomes of call records.
func line(err error) string {
	s := salesforce.Line(err)
	for _, cut := range []string{"; call records wait safely on disk", ": it is left out; tell your administrator", ": correct it and save again",
		": the call is saved without it; this is a defect of offhook", ": it is tried again by itself"} {
		s = strings.TrimSuffix(s, cut)
	}
	return s
}
