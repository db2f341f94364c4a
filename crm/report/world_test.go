package report

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
	"offhook/internal/text"
)

// office is a desk's ledger and a practice org, with a clock that moves when told.
type office struct {
	*practice.World
	led    *ledger.Ledger
	sender *post.Sender
	run    map[string]crm.ErrandFunc
}

func newOffice(t *testing.T, at time.Time) *office {
	t.Helper()
	o := &office{World: practice.At(t, at, emulator.Options{})}
	for _, r := range o.Records("Task", false) { // the practice org comes with calls of its own
		if err := o.SF.Delete(t.Context(), "Task", r["Id"].(string)); err != nil {
			t.Fatal(err)
		}
	}
	o.openLedger(filepath.Join(t.TempDir(), "desk.db"))
	return o
}

func (o *office) openLedger(path string) {
	var err error
	if o.led, err = ledger.Open(o.T.Context(), path, ledger.Options{Now: o.Time}); err != nil {
		o.T.Fatal(err)
	}
	o.T.Cleanup(func() { o.led.Close() })
	o.sender = post.NewSender(post.SenderOptions{Outbox: o.led, Client: o.SF, Now: o.Time, Rand: func() float64 { return 0.5 },
		Settings: func() crm.TaskSettings { return crm.TaskSettings{Subject: crm.SubjectStyle{Zone: london(o.T)}} }})
	o.run = map[string]crm.ErrandFunc{EventErrand: EventTasks{o.SF, func() *time.Location { return london(o.T) }}.Run}
}

func london(t testing.TB) *time.Location {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// call puts one ended call into the ledger.
func (o *office) call(n int, start time.Time, change func(*crm.CallRecord)) crm.CallRecord {
	o.T.Helper()
	rec := crm.CallRecord{Version: 1, Key: fmt.Sprintf("6ba7b810-9dad-51d1-80b4-%012d", n), Type: crm.Inbound, Number: text.Clean(fmt.Sprintf("0781425%04d", n%10000)),
		Start: start, Answer: start.Add(5 * time.Second), Duration: time.Minute, Action: "answered", Agent: text.Clean("sip:2101@pbx.example.com")}
	if change != nil {
		change(&rec)
	}
	state := ledger.EndedNormal
	if rec.Answer.IsZero() {
		rec.Duration = 0
		state = ledger.Ended + ":" + rec.Action
		rec.End = rec.Start.Add(20 * time.Second)
	} else {
		rec.End = rec.Answer.Add(rec.Duration)
	}
	b, err := json.Marshal(rec)
	if err != nil {
		o.T.Fatal(err)
	}
	c := ledger.Call{Key: rec.Key, State: state, Direction: string(rec.Type), Outgoing: rec.Outgoing, Number: rec.Number, Name: rec.Name, Started: rec.Start, Answered: rec.Answer,
		Ended: rec.End, Seconds: int(rec.Duration / time.Second), Detail: b, RecordID: rec.Assoc.Who.ID}
	if err := o.led.Finish(o.T.Context(), c, &ledger.Item{Key: rec.Key, Payload: b}); err != nil {
		o.T.Fatal(err)
	}
	return rec
}

// send lets Salesforce have everything.
func (o *office) send() {
	o.sender.Flush(o.T.Context())
	post.NewErrands(post.ErrandOptions{Store: o.led, Run: o.run, Beside: o.sender, Now: o.Time, Rand: func() float64 { return 0.5 }}).Flush(o.T.Context())
}

func unanswered(r *crm.CallRecord) { r.Answer, r.Action = time.Time{}, "missed" }

func outbound(r *crm.CallRecord) { r.Type, r.Outgoing = crm.Outbound, true }
