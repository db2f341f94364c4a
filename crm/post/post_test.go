package post

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

// post is a practice org with a ledger and a sender between them.

type post struct {
	*world
	led    *ledger.Ledger
	path   string
	sender *Sender

	mu      sync.Mutex
	reports []Report
}

func newPost(t *testing.T, opt emulator.Options) *post {
	t.Helper()
	p := &post{world: newWorld(t, opt), path: filepath.Join(t.TempDir(), "desk.db")}
	p.open()
	t.Cleanup(func() { p.led.Close() })
	return p
}

// open opens the ledger, as a start of the program does, and makes a sender on it.

func (p *post) open() {
	p.T.Helper()
	var err error
	if p.led, err = ledger.Open(p.T.Context(), p.path, ledger.Options{Now: p.Time}); err != nil {
		p.T.Fatal(err)
	}
	p.sender = NewSender(SenderOptions{
		Outbox: p.led, Errands: p.led, Client: p.SF, Directory: p.dir, Now: p.Time, Rand: func() float64 { return 0.5 },
		Settings: func() crm.TaskSettings {
			return crm.TaskSettings{Subject: crm.SubjectStyle{ZoneStyle: crm.ZoneID, Region: "GB"}}
		},
		Report: func(r Report) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.reports = append(p.reports, r)
		},
	})
}

// end ends a call: its record is on disk.

func (p *post) end(n int, change func(*crm.CallRecord)) string {
	p.T.Helper()
	start := p.Time().Add(-3 * time.Minute)
	rec := crm.CallRecord{
		Version: 1, Key: fmt.Sprintf("6ba7b810-9dad-51d1-80b4-%012d", n), Type: crm.Inbound, Number: text.Clean(emulator.StoryKnownNumber),
		Start: start, Answer: start.Add(4 * time.Second), End: start.Add(64 * time.Second), Duration: time.Minute, Action: "answered",
		Assoc: crm.Association{Rule: crm.RuleOneMatch, Why: "the only match", Who: p.ref("Contact", emulator.StoryKnownName)},
	}
	if change != nil {
		change(&rec)
	}
	b, err := json.Marshal(rec)
	if err != nil {
		p.T.Fatal(err)
	}
	call := ledger.Call{Key: rec.Key, State: ledger.EndedNormal, Direction: string(rec.Type), Number: rec.Number, Started: rec.Start, Answered: rec.Answer, Ended: rec.End, Detail: b}
	if err := p.led.Finish(p.T.Context(), call, &ledger.Item{Key: rec.Key, Payload: b}); err != nil {
		p.T.Fatal(err)
	}
	return rec.Key
}

func (p *post) item(key string) ledger.Item {
	p.T.Helper()
	it, err := p.led.Item(p.T.Context(), key)
	if err != nil || it.Key != key {
		p.T.Fatalf("record %s: %q, %v", key, it.Key, err)
	}
	return it
}

// tasks are the Tasks that were written.

func (p *post) tasks() []map[string]any { return p.Records("Task", true) }

func (p *post) said(kind ReportKind) []Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Report
	for _, r := range p.reports {
		if r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

// expect checks the state of a record and the number of Tasks, and that every report is one line.

func (p *post) expect(key string, state ledger.ItemState, tasks int) ledger.Item {
	p.T.Helper()
	it := p.item(key)
	if it.State != state {
		p.T.Errorf("the record is %s (%s: %s), not %s", it.State, it.ErrorClass, it.LastError, state)
	}
	if n := len(p.tasks()); n != tasks {
		p.T.Errorf("%d Tasks, not %d", n, tasks)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.reports {
		if r.Line.Empty() {
			p.T.Errorf("a report without words: %+v", r)
		}
	}
	return it
}

// until sends and moves the clock until the record is in the state, at most n times.

func (p *post) until(key string, state ledger.ItemState, n int) {
	p.T.Helper()
	for range n {
		p.sender.Flush(p.T.Context())
		if p.item(key).State == state {
			return
		}
		p.Sleep(2 * time.Minute)
	}
	p.T.Errorf("the record is %s, not %s: %s", p.item(key).State, state, p.item(key).LastError)
}
