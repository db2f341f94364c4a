package crm

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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
	p := &post{world: newWorld(t, opt, DirectorySettings{}), path: filepath.Join(t.TempDir(), "desk.db")}
	p.open()
	t.Cleanup(func() { p.led.Close() })
	return p
}

// open opens the ledger, as a start of the program does, and makes a sender on it.
func (p *post) open() {
	p.t.Helper()
	var err error
	if p.led, err = ledger.Open(p.t.Context(), p.path, ledger.Options{Now: p.time}); err != nil {
		p.t.Fatal(err)
	}
	p.sender = NewSender(SenderOptions{
		Outbox: p.led, Client: p.sf, Directory: p.dir, Now: p.time, Rand: func() float64 { return 0.5 },
		Settings: func() TaskSettings { return TaskSettings{Subject: SubjectStyle{ZoneStyle: ZoneID, Region: "GB"}} },
		Report: func(r Report) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.reports = append(p.reports, r)
		},
	})
}

// end ends a call: its record is on disk.
func (p *post) end(n int, change func(*CallRecord)) string {
	p.t.Helper()
	start := p.time().Add(-3 * time.Minute)
	rec := CallRecord{
		Version: 1, Key: fmt.Sprintf("6ba7b810-9dad-51d1-80b4-%012d", n), Type: Inbound, Number: text.Clean(emulator.StoryKnownNumber),
		Start: start, Answer: start.Add(4 * time.Second), End: start.Add(64 * time.Second), Duration: time.Minute, Action: "answered",
		Assoc: Association{Rule: RuleOneMatch, Why: "the only match", Who: p.ref("Contact", emulator.StoryKnownName)},
	}
	if change != nil {
		change(&rec)
	}
	b, err := json.Marshal(rec)
	if err != nil {
		p.t.Fatal(err)
	}
	call := ledger.Call{Key: rec.Key, State: ledger.EndedNormal, Direction: string(rec.Type), Number: rec.Number, Started: rec.Start, Answered: rec.Answer, Ended: rec.End, Detail: b}
	if err := p.led.Finish(p.t.Context(), call, &ledger.Item{Key: rec.Key, Payload: b}); err != nil {
		p.t.Fatal(err)
	}
	return rec.Key
}

func (p *post) item(key string) ledger.Item {
	p.t.Helper()
	list, err := p.led.History(p.t.Context(), ledger.Filter{Limit: -1})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range list {
		if e.Call.Key == key && e.Item != nil {
			return *e.Item
		}
	}
	p.t.Fatalf("no record %s", key)
	return ledger.Item{}
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
	p.t.Helper()
	it := p.item(key)
	if it.State != state {
		p.t.Errorf("the record is %s (%s: %s), not %s", it.State, it.ErrorClass, it.LastError, state)
	}
	if n := len(p.tasks()); n != tasks {
		p.t.Errorf("%d Tasks, not %d", n, tasks)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.reports {
		if r.Line.Empty() {
			p.t.Errorf("a report without words: %+v", r)
		}
	}
	return it
}

// until sends and moves the clock until the record is in the state, at most n times.
func (p *post) until(key string, state ledger.ItemState, n int) {
	p.t.Helper()
	for range n {
		p.sender.Flush(p.t.Context())
		if p.item(key).State == state {
			return
		}
		p.sleep(2 * time.Minute)
	}
	p.t.Errorf("the record is %s, not %s: %s", p.item(key).State, state, p.item(key).LastError)
}

func TestARecordBecomesOneTaskWithTheRightFields(t *testing.T) {
	for _, opt := range []emulator.Options{{}, {NoCallKey: true}, {NoCallKey: true, Without: []string{"Task.Type", "Task.CallObject"}}} {
		p := newPost(t, opt)
		key := p.end(1, nil)
		p.sender.Flush(t.Context())
		it := p.expect(key, ledger.Sent, 1)
		task := p.tasks()[0]
		fredRef := p.ref("Contact", emulator.StoryKnownName)
		if task["WhoId"] != fredRef.ID || task["Status"] != "Completed" || task["IsClosed"] != true || it.TaskID != task["Id"] || fmt.Sprint(task["CallDurationInSeconds"]) != "60" {
			t.Errorf("%+v", task)
		}
		subject, _ := task["Subject"].(string)
		if !strings.HasPrefix(subject, "Inbound Call at ") || !strings.HasSuffix(subject, " Europe/London from 07814256404 (Fred Bloggs)") {
			t.Errorf("subject %q", subject)
		}
		if (task[KeyField] == key) != !opt.NoCallKey {
			t.Errorf("key field %v", task[KeyField])
		}
		said := p.said(ReportSent)
		if len(said) != 1 || said[0].TaskID != it.TaskID || said[0].Subject.String() != subject || !SameID(said[0].About.ID, fredRef.ID) {
			t.Errorf("%+v", said)
		}
		p.sender.Flush(t.Context())
		p.expect(key, ledger.Sent, 1)
	}
}

func TestALostReplyDoesNotMakeASecondTask(t *testing.T) {
	for name, opt := range map[string]emulator.Options{
		"unique key": {}, "call id": {NoCallKey: true}, "subject only": {NoCallKey: true, Without: []string{"Task.CallObject"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, opt)
			p.fault(emulator.Fault{Kind: emulator.FaultDropReply, Object: "Task", Times: 1})
			key := p.end(1, nil)
			p.sender.Flush(t.Context())
			it := p.expect(key, ledger.Pending, 1)
			if !it.Ambiguous || it.ErrorClass != "ambiguous" {
				t.Errorf("%+v", it)
			}
			p.until(key, ledger.Sent, 3)
			it = p.expect(key, ledger.Sent, 1)
			if it.TaskID != p.tasks()[0]["Id"] || len(p.said(ReportFound)) != 1 {
				t.Errorf("%+v", it)
			}
		})
	}
}

func TestTheUniqueKeyStopsASecondTaskEvenWithoutLookingUp(t *testing.T) {
	p := newPost(t, emulator.Options{})
	key := p.end(1, nil)
	p.sender.Flush(t.Context())
	// Another desk's ledger (restored from a backup) has the same record, and knows nothing of the first attempt.
	p.led.Close()
	p.path = filepath.Join(t.TempDir(), "restored.db")
	p.open()
	p.end(1, nil)
	p.sender.Flush(t.Context())
	if it := p.expect(key, ledger.Sent, 1); it.TaskID != p.tasks()[0]["Id"] {
		t.Errorf("%+v", it)
	}
}

func TestACrashWhileSendingIsLookedUpAfterTheRestart(t *testing.T) {
	for _, written := range []bool{true, false} {
		p := newPost(t, emulator.Options{NoCallKey: true})
		key := p.end(1, nil)
		if _, ok, err := p.led.Claim(t.Context(), key, p.time()); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if written { // the first run's request arrived, its end was never noted
			rec := p.item(key)
			pl, err := readPayload(rec.Payload)
			if err != nil {
				t.Fatal(err)
			}
			org, err := Preflight(t.Context(), p.sf)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.sf.Create(t.Context(), "Task", pl.fields(org.Settings(p.sender.o.Settings())), nil); err != nil {
				t.Fatal(err)
			}
		}
		p.led.Close()
		p.open()
		p.sender.Flush(t.Context())
		p.expect(key, ledger.Sent, 1)
	}
}

func TestTransientFailuresAreTriedAgainWithJitterAndNeverGivenUp(t *testing.T) {
	for _, f := range []emulator.Fault{
		{Kind: emulator.FaultBusy, Object: "Task", Method: "POST"}, {Kind: emulator.FaultError, Object: "Task", Method: "POST"},
		{Kind: emulator.FaultRowLock, Object: "Task"}, {Kind: emulator.FaultHTML, Object: "Task", Method: "POST"},
		{Kind: emulator.FaultHTML, Object: "Task", Method: "POST", Status: 403},
	} {
		p := newPost(t, emulator.Options{})
		p.fault(f)
		key := p.end(1, nil)
		var waits []time.Duration
		for range 14 {
			p.sender.Flush(t.Context())
			it := p.expect(key, ledger.Pending, 0)
			waits = append(waits, it.Due.Sub(p.time()))
			p.sleep(it.Due.Sub(p.time()))
		}
		if waits[0] != time.Second || waits[4] != 8*time.Second || waits[13] != 150*time.Second {
			t.Errorf("%s: waits %v", f.Kind, waits)
		}
		if n := len(p.said(ReportLate)); n != 1 {
			t.Errorf("%s: reported as late %d times", f.Kind, n)
		}
		p.ClearFaults()
		p.until(key, ledger.Sent, 3)
		p.expect(key, ledger.Sent, 1)
	}
}

func TestASessionThatExpiresInBetweenIsRenewedUnseen(t *testing.T) {
	p := newPost(t, emulator.Options{Rotate: true})
	first := p.end(1, nil)
	p.sender.Flush(t.Context())
	p.expect(first, ledger.Sent, 1)
	p.fault(emulator.Fault{Kind: emulator.FaultSession})
	second := p.end(2, nil)
	p.sender.Flush(t.Context())
	if it := p.expect(second, ledger.Sent, 2); it.Attempts != 1 {
		t.Errorf("%d attempts", it.Attempts)
	}
	if len(p.said(ReportPaused)) != 0 {
		t.Error("the agent was bothered")
	}
}

func TestSignedOutTheQueueWaitsWithoutBurningAttempts(t *testing.T) {
	p := newPost(t, emulator.Options{}) // its token cannot be renewed
	p.fault(emulator.Fault{Kind: emulator.FaultSession})
	one, two := p.end(1, nil), p.end(2, nil)
	for range 5 {
		p.sender.Flush(t.Context())
		p.sleep(10 * time.Second)
	}
	if it := p.expect(one, ledger.Pending, 0); it.Attempts != 0 || it.ErrorClass != "auth" && p.item(two).ErrorClass != "auth" {
		t.Errorf("%+v", it)
	}
	if n := len(p.said(ReportPaused)); n != 1 || !strings.Contains(p.sender.Paused(), "offhook login") {
		t.Errorf("paused %d times: %q", n, p.sender.Paused())
	}
	tok := p.signIn(appOf(p.world))
	if err := p.sf.SignedIn(t.Context(), tok); err != nil {
		t.Fatal(err)
	}
	p.sender.Resume()
	p.sender.Flush(t.Context())
	p.expect(one, ledger.Sent, 2)
	p.expect(two, ledger.Sent, 2)
	if len(p.said(ReportResumed)) != 1 || p.sender.Paused() != "" {
		t.Errorf("%+v", p.said(ReportResumed))
	}
}

func TestSignedOutOneRecordProbesAndTheRestFollows(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.fault(emulator.Fault{Kind: emulator.FaultSession})
	one, two := p.end(1, nil), p.end(2, nil)
	p.sender.Flush(t.Context())
	if err := p.sf.SignedIn(t.Context(), p.signIn(appOf(p.world))); err != nil { // somebody ran offhook login elsewhere
		t.Fatal(err)
	}
	p.sender.Flush(t.Context())
	p.expect(one, ledger.Pending, 0)
	p.sleep(authProbe + time.Second)
	p.sender.Flush(t.Context())
	p.expect(one, ledger.Sent, 2)
	p.expect(two, ledger.Sent, 2)
}

func TestTheUsedUpLimitPausesForLongerAndLonger(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.fault(emulator.Fault{Kind: emulator.FaultLimit})
	key := p.end(1, nil)
	var asked []int
	for range 6 {
		p.sender.Flush(t.Context())
		asked = append(asked, len(p.Requests()))
		p.sleep(time.Minute)
	}
	if it := p.expect(key, ledger.Pending, 0); it.Attempts != 0 || it.ErrorClass != "limit" {
		t.Errorf("%+v", it)
	}
	if asked[5] != asked[3] { // after 1, then 2, then 4 minutes
		t.Errorf("requests so far, each minute: %v", asked)
	}
	p.ClearFaults()
	p.sleep(time.Hour)
	p.until(key, ledger.Sent, 2)
	p.expect(key, ledger.Sent, 1)
}

func TestFieldsThatSalesforceRefusesAreLeftOutOnce(t *testing.T) {
	p := newPost(t, emulator.Options{})
	warm := p.end(1, nil)
	p.sender.Flush(t.Context())
	p.expect(warm, ledger.Sent, 1)
	// An administrator hides two fields after the desk has read the org.
	if err := p.SetSettings(emulator.Settings{PhoneSearch: emulator.Normalise, CallKey: true, Without: []string{"Task.Type", "Task.CallObject"}}); err != nil {
		t.Fatal(err)
	}
	key := p.end(2, nil)
	p.sender.Flush(t.Context())
	if it := p.expect(key, ledger.Sent, 2); !it.Degraded {
		t.Errorf("%+v", it)
	}
	if d := p.said(ReportDegraded); len(d) == 0 || !strings.Contains(d[0].Line.String(), "left out") {
		t.Errorf("%+v", d)
	}
	third := p.end(3, nil)
	p.sender.Flush(t.Context())
	if it := p.expect(third, ledger.Sent, 3); it.Degraded {
		t.Error("the fields were not read again")
	}
}

func TestARecordThatIsGoneIsWrittenUnassociated(t *testing.T) {
	p := newPost(t, emulator.Options{})
	lead := p.ref("Lead", emulator.StorySharedLead)
	if err := p.sf.Delete(t.Context(), "Lead", lead.ID); err != nil {
		t.Fatal(err)
	}
	key := p.end(1, func(r *CallRecord) {
		r.Assoc = Association{Rule: RuleCurrent, Why: "opened during the call", Who: lead}
	})
	p.sender.Flush(t.Context())
	it := p.expect(key, ledger.Sent, 1)
	task := p.tasks()[0]
	if task["WhoId"] != nil || !it.Degraded || !strings.Contains(task["Description"].(string), "Salesforce refused the record") {
		t.Errorf("%+v", task)
	}
}

func TestAConvertedLeadBecomesItsContact(t *testing.T) {
	p := newPost(t, emulator.Options{})
	var lead, contact Ref
	for _, l := range p.Records("Lead", false) {
		if id, _ := l["ConvertedContactId"].(string); l["IsConverted"] == true && id != "" {
			lead = Ref{Type: "Lead", ID: l["Id"].(string), Name: text.Clean(l["Name"].(string))}
			contact = Ref{Type: "Contact", ID: id}
		}
	}
	if lead.Zero() {
		t.Fatal("the practice org has no converted lead")
	}
	key := p.end(1, func(r *CallRecord) { r.Assoc = Association{Rule: RuleOneMatch, Why: "the only match", Who: lead} })
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Sent, 1)
	if task := p.tasks()[0]; task["WhoId"] != contact.ID {
		t.Errorf("WhoId %v, the lead became contact %s", task["WhoId"], contact.ID)
	}
}

func TestAWrongLinkIsSentWithoutIt(t *testing.T) {
	p := newPost(t, emulator.Options{})
	fredRef := p.ref("Contact", emulator.StoryKnownName)
	key := p.end(1, func(r *CallRecord) { // a contact as WhatId: our own mistake
		r.Assoc = Association{Rule: RuleCurrent, Who: fredRef, What: Ref{Type: "Case", ID: fredRef.ID}}
	})
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Sent, 1)
	if task := p.tasks()[0]; task["WhatId"] != nil || task["WhoId"] != fredRef.ID {
		t.Errorf("who %v what %v", task["WhoId"], task["WhatId"])
	}
}

func TestARefusalByRuleWaitsForAPersonAndGoesOutAfterIt(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.fault(emulator.Fault{Kind: emulator.FaultValidation, Object: "Task", Message: "Description must name the product"})
	key, other := p.end(1, nil), ""
	p.sender.Flush(t.Context())
	it := p.expect(key, ledger.Fix, 0)
	if !strings.Contains(it.LastError.String(), "must name the product") || len(p.said(ReportFix)) != 1 {
		t.Errorf("%+v", it)
	}
	p.ClearFaults()
	other = p.end(2, nil)
	p.sender.Flush(t.Context())
	p.expect(other, ledger.Sent, 1)
	p.expect(key, ledger.Fix, 1)
	if err := p.led.Retry(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	p.sender.Flush(t.Context())
	p.expect(key, ledger.Sent, 2)
}

func TestARecordThatCannotBeReadIsNotInTheWay(t *testing.T) {
	p := newPost(t, emulator.Options{})
	for i, payload := range []string{`{"version":2,"key":"x"}`, `{"version":1}`, `"text"`} {
		key := fmt.Sprintf("bad-%d", i)
		err := p.led.Finish(t.Context(), ledger.Call{Key: key, State: ledger.EndedNormal, Direction: "Inbound", Started: p.time(), Ended: p.time()}, &ledger.Item{Key: key, Payload: json.RawMessage(payload)})
		if err != nil {
			t.Fatal(err)
		}
	}
	good := p.end(1, nil)
	p.sender.Flush(t.Context())
	p.expect(good, ledger.Sent, 1)
	for i := range 3 {
		p.expect(fmt.Sprintf("bad-%d", i), ledger.Dead, 1)
	}
}

func TestAnUnfinishedLookupIsResolvedOnce(t *testing.T) {
	for _, tt := range []struct{ number, who string }{
		{emulator.StoryKnownNumber, emulator.StoryKnownName}, {emulator.StorySharedNumber, ""}, {emulator.StoryUnknownNumber, ""},
	} {
		p := newPost(t, emulator.Options{})
		key := p.end(1, func(r *CallRecord) {
			r.Number, r.Unresolved = text.Clean(tt.number), true
			r.Assoc = Association{Rule: RuleNone, Why: "the search had not finished"}
		})
		p.sender.Flush(t.Context())
		p.expect(key, ledger.Sent, 1)
		task := p.tasks()[0]
		if tt.who == "" {
			if task["WhoId"] != nil || task["WhatId"] != nil {
				t.Errorf("%s: who %v what %v", tt.number, task["WhoId"], task["WhatId"])
			}
			continue
		}
		if task["WhoId"] != p.ref("Contact", tt.who).ID || !strings.Contains(task["Subject"].(string), "("+tt.who+")") {
			t.Errorf("%s: %v %v", tt.number, task["WhoId"], task["Subject"])
		}
	}
}

func TestALookupThatKeepsFailingDoesNotKeepTheRecord(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.fault(emulator.Fault{Kind: emulator.FaultBusy, Path: "/search"})
	key := p.end(1, func(r *CallRecord) {
		r.Number, r.Unresolved = text.Clean(emulator.StoryUnknownNumber), true
		r.Assoc = Association{Rule: RuleNone}
	})
	p.until(key, ledger.Sent, 5)
	p.expect(key, ledger.Sent, 1)
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
	p.fault(emulator.Fault{Kind: emulator.FaultLatency, Milliseconds: 60000, Object: "Task", Times: 1})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	wire := p.taskOnTheWire()
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
	p.fault(emulator.Fault{Kind: emulator.FaultBusy, Object: "Task", Method: "POST", Times: 1})
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
	p.sender.o.Outbox, p.sender.o.Workers = disk, 1
	key := p.end(1, nil)
	p.end(2, nil)
	for range 10 {
		p.sender.Flush(t.Context())
	}
	if n := len(p.said(ReportDisk)); disk.claims != 1 || n != 1 {
		t.Errorf("claimed %d times, told %d times", disk.claims, n)
	}
	disk.noClaims = false
	p.sleep(time.Minute)
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

func BenchmarkSendOneRecord(b *testing.B) {
	rec := CallRecord{Version: 1, Key: "k", Type: Inbound, Number: text.Clean("07814256404"), Start: time.Now(), Action: "answered", Assoc: Association{Who: Ref{Type: "Contact", ID: fredID, Name: text.Clean("Fred Bloggs")}}}
	set := TaskSettings{Subject: SubjectStyle{Zone: time.UTC, ZoneStyle: ZoneID}}
	b.ReportAllocs()
	for b.Loop() {
		if len(TaskFields(rec, set)) == 0 {
			b.Fatal("no fields")
		}
	}
}
