package reconcile

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/crm/post"
	"offhook/crm/practice"
	"offhook/crm/report"
	"offhook/internal/text"
)

// office is a desk's ledger and a practice org, with a clock that moves when told.
type office struct {
	*practice.World
	led    *ledger.Ledger
	sender *post.Sender
	rec    *Reconciler
	period report.Period
}

// newOffice begins on a Wednesday at 17:00; the period is this week.
func newOffice(t *testing.T, keyed bool) *office {
	t.Helper()
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	o := &office{World: practice.At(t, time.Date(2026, 11, 18, 17, 0, 0, 0, zone), emulator.Options{NoCallKey: !keyed})}
	if o.period, err = report.Named("this week", o.Time()); err != nil {
		t.Fatal(err)
	}
	if o.led, err = ledger.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), ledger.Options{Now: o.Time}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.led.Close() })
	o.sender = post.NewSender(post.SenderOptions{Outbox: o.led, Client: o.SF, Now: o.Time, Rand: func() float64 { return 0.5 }})
	o.rec = New(Options{Client: o.SF, Ledger: o.led, Sender: o.sender, Now: o.Time})
	return o
}

func key(n int) string { return fmt.Sprintf("6ba7b810-9dad-51d1-80b4-%012d", n) }

// call puts one ended call into the ledger.
func (o *office) call(n int, start time.Time, filtered bool, change func(*crm.CallRecord)) {
	o.T.Helper()
	rec := crm.CallRecord{Version: 1, Key: key(n), Type: crm.Inbound, Number: text.Clean(fmt.Sprintf("0781425%04d", n%10000)), Start: start,
		Answer: start.Add(5 * time.Second), Duration: time.Duration(30+n%90) * time.Second, Action: "answered", Disposition: text.Clean([]string{"", "Resolved"}[n%2])}
	if change != nil {
		change(&rec)
	}
	rec.End = rec.Answer.Add(rec.Duration)
	b, err := json.Marshal(rec)
	if err != nil {
		o.T.Fatal(err)
	}
	c := ledger.Call{Key: rec.Key, State: ledger.EndedNormal, Direction: string(rec.Type), Number: rec.Number, Started: rec.Start, Answered: rec.Answer, Ended: rec.End,
		Seconds: int(rec.Duration / time.Second), Detail: b}
	it := &ledger.Item{Key: rec.Key, Payload: b}
	if filtered {
		it.State = ledger.Filtered
	}
	if err := o.led.Finish(o.T.Context(), c, it); err != nil {
		o.T.Fatal(err)
	}
}

// task is the id of a call's Task by the ledger.
func (o *office) task(n int) string {
	o.T.Helper()
	s, err := o.led.Call(o.T.Context(), key(n))
	if err != nil || s.Item == nil {
		o.T.Fatalf("call %d: %v", n, err)
	}
	return s.Item.TaskID
}

func (o *office) change(n int, fields map[string]any) {
	o.T.Helper()
	if err := o.SF.Update(o.T.Context(), "Task", o.task(n), fields, time.Time{}); err != nil {
		o.T.Fatal(err)
	}
}

// double writes a second Task of a call, as an org without the unique field lets happen.
func (o *office) double(n int) string {
	o.T.Helper()
	id, err := o.SF.Create(o.T.Context(), "Task", map[string]any{"Subject": "Inbound Call again", "Status": "Completed", "CallObject": key(n), "ActivityDate": "2026-11-18", "CallDurationInSeconds": 1}, nil)
	if err != nil {
		o.T.Fatal(err)
	}
	return id
}

func (o *office) compare() Result {
	o.T.Helper()
	res, err := o.rec.Compare(o.T.Context(), o.period)
	if err != nil {
		o.T.Fatal(err)
	}
	return res
}

// mend mends findings and lets the sender do its part.
func (o *office) mend(list []Finding) []Mended {
	o.T.Helper()
	out, err := o.rec.Mend(o.T.Context(), list)
	if err != nil {
		o.T.Fatal(err)
	}
	o.sender.Flush(o.T.Context())
	return out
}

func record(t *testing.T, s ledger.Story) (rec crm.CallRecord) {
	t.Helper()
	if err := json.Unmarshal(s.Item.Payload, &rec); err != nil {
		t.Fatal(err)
	}
	return rec
}

func encode(t *testing.T, rec crm.CallRecord) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
