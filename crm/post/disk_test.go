package post

import (
	"context"
	"testing"
	"time"

	"offhook/crm/emulator"
	"offhook/crm/ledger"
)

func TestACrashWhileSendingIsLookedUpAfterTheRestart(t *testing.T) {
	for _, written := range []bool{true, false} {
		p := newPost(t, emulator.Options{NoCallKey: true})
		key := p.end(1, nil)
		if _, ok, err := p.led.Claim(t.Context(), key, p.Time()); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if written { // the first run's request arrived, its end was never noted
			rec := p.item(key)
			pl, err := readPayload(rec.Payload)
			if err != nil {
				t.Fatal(err)
			}
			org, err := Preflight(t.Context(), p.SF)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.SF.Create(t.Context(), "Task", pl.fields(org.Settings(p.sender.o.Settings())), nil); err != nil {
				t.Fatal(err)
			}
		}
		p.led.Close()
		p.open()
		p.sender.Flush(t.Context())
		p.expect(key, ledger.Sent, 1)
	}
}

func TestRunSendsWhenToldAndEndsWithItsContext(t *testing.T) {
	p := newPost(t, emulator.Options{})
	landed := make(chan Report, 10)
	p.sender.o.Report = func(r Report) {
		if r.Kind == ReportSent {
			landed <- r
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { p.sender.Run(ctx); close(ended) }()
	for i := range 7 { // more than there are workers
		key := p.end(i, nil) // the ledger itself tells the sender
		if r := <-landed; r.Key != key {
			t.Errorf("%s landed, not %s", r.Key, key)
		}
	}
	for i := range 7 {
		p.end(100+i, nil)
	}
	for range 7 {
		<-landed
	}
	cancel()
	<-ended
	if n := len(p.tasks()); n != 14 {
		t.Errorf("%d Tasks", n)
	}
}

func TestLeavingInTheMiddleLosesAndDoublesNothing(t *testing.T) {
	p := newPost(t, emulator.Options{})
	warm := p.end(0, nil)
	p.sender.Flush(t.Context())
	p.expect(warm, ledger.Sent, 1)
	p.Fault(emulator.Fault{Kind: emulator.FaultLatency, Milliseconds: 60000, Object: "Task", Times: 1})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	wire := p.TaskOnTheWire()
	go func() { p.sender.Run(ctx); close(ended) }()
	key := p.end(1, nil)
	<-wire
	cancel()
	<-ended
	it := p.item(key)
	if it.State != ledger.Pending || !it.Ambiguous {
		t.Errorf("%s, ambiguous %v: %s", it.State, it.Ambiguous, it.LastError)
	}
	p.ClearFaults()
	p.led.Close()
	p.open()
	p.until(key, ledger.Sent, 3)
	p.expect(key, ledger.Sent, 2)
}

// fullDisk is an outbox whose disk refuses results while full.

type fullDisk struct {
	*ledger.Ledger
	full, noClaims bool
	claims         int
}

func (d *fullDisk) MarkSent(ctx context.Context, key, id string) error {
	if d.full {
		return &ledger.Error{Op: "store that the record was sent", Path: "x", Kind: ledger.ErrDiskFull}
	}
	return d.Ledger.MarkSent(ctx, key, id)
}

func (d *fullDisk) MarkRetry(ctx context.Context, key string, f ledger.Failure) error {
	if d.full {
		return &ledger.Error{Op: "store when the record is sent again", Path: "x", Kind: ledger.ErrDiskFull}
	}
	return d.Ledger.MarkRetry(ctx, key, f)
}

func TestWhatAFullDiskRefusedIsStoredWhenThereIsRoom(t *testing.T) {
	p := newPost(t, emulator.Options{})
	disk := &fullDisk{Ledger: p.led, full: true}
	p.sender.o.Outbox = disk
	one := p.end(1, nil)
	p.sender.Flush(t.Context())
	p.expect(one, ledger.Sending, 1)
	p.Fault(emulator.Fault{Kind: emulator.FaultBusy, Object: "Task", Method: "POST", Times: 1})
	two := p.end(2, nil)
	p.sender.Flush(t.Context())
	p.expect(two, ledger.Sending, 1)
	if n := len(p.said(ReportDisk)); n != 2 {
		t.Errorf("told %d times", n)
	}
	p.sender.Flush(t.Context())
	disk.full = false
	p.sender.Flush(t.Context())
	if it := p.expect(one, ledger.Sent, 1); it.TaskID != p.tasks()[0]["Id"] {
		t.Errorf("%+v", it)
	}
	p.until(two, ledger.Sent, 3)
	p.expect(two, ledger.Sent, 2)
}

func (d *fullDisk) Claim(ctx context.Context, key string, now time.Time) (ledger.Item, bool, error) {
	if d.noClaims {
		d.claims++
		return ledger.Item{}, false, &ledger.Error{Op: "take the record for sending", Path: "x", Kind: ledger.ErrReadOnly}
	}
	return d.Ledger.Claim(ctx, key, now)
}

func TestALedgerThatCannotBeWrittenIsLeftAloneForAWhile(t *testing.T) {
	p := newPost(t, emulator.Options{})
	disk := &fullDisk{Ledger: p.led, noClaims: true}
	p.sender.o.Outbox, p.sender.workers = disk, 1
	key := p.end(1, nil)
	p.end(2, nil)
	for range 10 {
		p.sender.Flush(t.Context())
	}
	if n := len(p.said(ReportDisk)); disk.claims != 1 || n != 1 {
		t.Errorf("claimed %d times, told %d times", disk.claims, n)
	}
	disk.noClaims = false
	p.Sleep(time.Minute)
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Sent, 2)
}

func TestLeavingWaitsForWhatCanBeSentNow(t *testing.T) {
	p := newPost(t, emulator.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { p.sender.Run(ctx); close(ended) }()
	var keys []string
	for i := range 9 {
		keys = append(keys, p.end(i, nil))
	}
	if err := p.sender.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	for _, k := range keys {
		p.expect(k, ledger.Sent, 9)
	}
	cancel()
	<-ended
	if err := p.sender.Drain(ctx); err == nil {
		t.Error("a sender that does not run was drained")
	}
}
