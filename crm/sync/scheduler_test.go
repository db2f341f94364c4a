package sync

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	gosync "sync"
	"testing"
	"testing/synctest"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// shelf is a Keeper in memory.
type shelf struct {
	mu     gosync.Mutex
	things []ledger.Kept
}

func (s *shelf) Keep(_ context.Context, things ...ledger.Kept) error {
	for _, k := range things {
		_ = s.Unkeep(context.Background(), k.Kind, k.Key)
		s.mu.Lock()
		s.things = append(s.things, k)
		s.mu.Unlock()
	}
	return nil
}

func (s *shelf) Kept(_ context.Context, kind string) (out []ledger.Kept, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.things {
		if k.Kind == kind {
			out = append(out, k)
		}
	}
	return out, nil
}

func (s *shelf) Unkeep(_ context.Context, kind string, keys ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.things = slices.DeleteFunc(s.things, func(k ledger.Kept) bool { return k.Kind == kind && slices.Contains(keys, k.Key) })
	return nil
}

func TestJobsRunByTheirScheduleAndMissedTimesAreMadeUpForByOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shelf{}
		var ran []time.Time
		begin := time.Now() // midnight UTC in a bubble
		start := func() (stop func()) {
			ctx, cancel := context.WithCancel(t.Context())
			s := NewScheduler(SchedulerOptions{Store: store, Jobs: []Job{{Name: "hourly", Cron: cron(t, "0 30 * * * ?"), Run: func(context.Context, json.RawMessage, func(any) error) (string, error) {
				ran = append(ran, time.Now())
				return "done", nil
			}}}})
			done := make(chan struct{})
			go func() { s.Run(ctx); close(done) }()
			return func() { cancel(); <-done }
		}
		stop := start()
		time.Sleep(2*time.Hour + time.Minute)
		stop()
		if len(ran) != 2 || ran[0].Sub(begin).Truncate(time.Minute) != 30*time.Minute {
			t.Fatalf("ran at %v, began at %v", ran, begin)
		}
		time.Sleep(5 * time.Hour) // nobody is there
		stop = start()
		time.Sleep(time.Minute)
		stop()
		states, err := States(t.Context(), store)
		st := states["hourly"]
		if err != nil || len(ran) != 3 || st.Missed != 4 || st.Runs != 3 || st.Next.Sub(begin) != 7*time.Hour+30*time.Minute {
			t.Fatalf("%d runs, %+v, %v", len(ran), st, err)
		}
		stop = start()
		if err := Ask(t.Context(), store, "hourly", time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		stop()
		if waits, _ := Asked(t.Context(), store, "hourly"); len(ran) != 4 || waits {
			t.Fatalf("%d runs, still asked %v", len(ran), waits)
		}
	})
}

func TestARunThatIsCutOffGoesOnWhereItSaved(t *testing.T) {
	led, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer led.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var done []int
	cut := false
	job := Job{Name: "rows", Run: func(ctx context.Context, from json.RawMessage, save func(any) error) (string, error) {
		at := 0
		_ = json.Unmarshal(from, &at)
		for ; at < 5; at++ {
			if at == 3 && ctx.Done() != nil && !cut {
				cut = true
				cancel()
				return "", ctx.Err()
			}
			done = append(done, at)
			if err := save(at + 1); err != nil {
				return "", err
			}
		}
		return "all", nil
	}}
	var failed []string
	s := NewScheduler(SchedulerOptions{Store: led, Jobs: []Job{job}, Failed: func(j string, err error) { failed = append(failed, j+": "+err.Error()) }})
	if _, err := s.RunNow(ctx, "rows"); err != nil {
		t.Fatal(err)
	}
	got, err := s.RunNow(t.Context())
	if err != nil || !slices.Equal(done, []int{0, 1, 2, 3, 4}) || got["rows"].Result.String() != "all" || len(failed) > 0 {
		t.Fatalf("%v, %+v, %v, %q", done, got, err, failed)
	}
	if _, err := s.RunNow(t.Context(), "nothing"); err == nil || !strings.Contains(err.Error(), "no job") {
		t.Fatal(err)
	}
}

func TestAFailureIsToldOnceAndTheLastResultStays(t *testing.T) {
	store, fail := &shelf{}, false
	var said []string
	s := NewScheduler(SchedulerOptions{Store: store, Failed: func(j string, err error) { said = append(said, j) },
		Jobs: []Job{{Name: "j", Run: func(context.Context, json.RawMessage, func(any) error) (string, error) {
			if fail {
				return "", errors.New("the net is gone")
			}
			return "3 changed", nil
		}}}})
	for _, fail = range []bool{false, true} {
		if _, err := s.RunNow(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	states, _ := States(t.Context(), store)
	if st := states["j"]; st.Result.String() != "3 changed" || st.Error.String() != "the net is gone" || len(said) != 1 || st.Good.IsZero() {
		t.Fatalf("%+v, %q", st, said)
	}
}

func label(s string) text.Text { return text.Clean(s) }

func TestResultsThatNoMemberWasToldOfAreTold(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	who := crm.Ref{Type: "Contact", ID: w.create("Contact", map[string]any{"LastName": "Newcomer"})}
	w.call("k1", func(r *crm.CallRecord) { r.Disposition, r.Campaign, r.Member = label("Sale"), w.campaign(), who })
	w.call("k2", func(r *crm.CallRecord) { r.Disposition, r.Campaign = label("Sale"), w.campaign() }) // nobody
	w.call("k3", func(r *crm.CallRecord) { r.Disposition, r.Member = label("Sale"), who })            // no campaign
	job := &DispositionJob{Store: w.led, Now: w.now, Status: func(d text.Text) text.Text {
		if d == label("Sale") {
			return label("Responded")
		}
		return text.Text{}
	}}
	s := NewScheduler(SchedulerOptions{Store: w.led, Jobs: []Job{{Name: JobDispositions, Run: job.Run}}, Now: job.Now})
	for i, want := range []string{"results still to be told: 1", "every result has been told"} {
		got, err := s.RunNow(t.Context())
		if err != nil || got[JobDispositions].Result.String() != want {
			t.Fatalf("run %d: %+v, %v", i, got, err)
		}
	}
	w.errands()
	if got := w.status(who); len(got) != 1 || got[0] != "Responded" {
		t.Fatalf("%q", got)
	}
}

func TestALeadIsCreatedOnlyWhenAllThreeConditionsHold(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	fred := w.ref("Contact", "Fred Bloggs")
	num := func(n string) func(*crm.CallRecord) {
		return func(r *crm.CallRecord) {
			r.Number, r.Name, r.Disposition, r.Campaign = text.Clean(n), text.Clean("Ann Other"), label("Sale"), w.campaign()
		}
	}
	w.call("wanted", num("+442079460001"))
	w.call("again", num("+442079460001")) // the same caller
	w.call("known", func(r *crm.CallRecord) { num("+442079460002")(r); r.Assoc.Who = fred })
	w.call("refused", func(r *crm.CallRecord) { num("+442079460003")(r); r.Disposition = label("Wrong number") })
	w.call("other", func(r *crm.CallRecord) { num("+442079460004")(r); r.Campaign = crm.Ref{Name: label("Spring")} })
	w.call("hidden", func(r *crm.CallRecord) { num("")(r); r.Withheld = true })
	job := &LeadJob{Client: w.sf, Store: w.led, Object: "Lead", Key: "Remote_Id__c", Now: w.now, Number: text.Text.String,
		Status: func(text.Text) text.Text { return label("Responded") }, Rules: []LeadRule{{Campaign: w.campaign(), Results: []text.Text{label("Sale")}}}}
	s := NewScheduler(SchedulerOptions{Store: w.led, Jobs: []Job{{Name: JobLeads, Run: job.Run}}, Now: job.Now})
	got, err := s.RunNow(t.Context())
	if d, _ := w.sf.Describe(t.Context(), "Lead"); !d.Has("Remote_Id__c") {
		if err != nil || !strings.Contains(got[JobLeads].Error.String(), "no external id field") {
			t.Fatalf("%+v, %v", got, err)
		}
		t.Log("the practice org has no external id on Lead: only the refusal is proved here")
		return
	}
	if err != nil || got[JobLeads].Result.String() != "1 created, 1 known already" {
		t.Fatalf("%+v, %v", got, err)
	}
	leads := w.rows("Lead", salesforce.Eq("LastName", salesforce.String("Ann Other")), "Phone", "Remote_Id__c")
	if len(leads) != 1 || leads[0].Str("Remote_Id__c") != "+442079460001" {
		t.Fatalf("%v", leads)
	}
	w.errands()
	if st := w.status(crm.Ref{Type: "Lead", ID: leads[0].ID()}); len(st) != 1 || st[0] != "Responded" {
		t.Fatalf("%q", st)
	}
}
