package post

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"offhook/crm"
	"offhook/crm/emulator"
	"offhook/crm/ledger"
	"offhook/internal/text"
)

// backlog ends many calls and returns their keys.
func (p *post) backlog(n int, change func(i int, r *crm.CallRecord)) (keys []string) {
	p.T.Helper()
	for i := range n {
		keys = append(keys, p.end(1000+i, func(r *crm.CallRecord) {
			r.Start = r.Start.Add(-time.Duration(i) * time.Minute) // no two subjects are the same
			if change != nil {
				change(i, r)
			}
		}))
	}
	return keys
}

// once checks that every record has exactly one Task, the one that the ledger names.
func (p *post) once(keys []string) {
	p.T.Helper()
	byCall := map[string]string{}
	for _, task := range p.tasks() {
		byCall[fmt.Sprint(task["Subject"])] = fmt.Sprint(task["Id"])
	}
	if len(p.tasks()) != len(keys) || len(byCall) != len(keys) {
		p.T.Fatalf("%d Tasks, %d different ones, for %d records", len(p.tasks()), len(byCall), len(keys))
	}
	ids := map[string]bool{}
	for _, id := range byCall {
		ids[id] = true
	}
	for _, k := range keys {
		it := p.item(k)
		if it.State != ledger.Sent || !ids[it.TaskID] {
			p.T.Fatalf("%s is %s as %q (%s)", k, it.State, it.TaskID, it.LastError)
		}
		delete(ids, it.TaskID)
	}
}

func TestADayOfRecordsCatchesUpInAFewRequests(t *testing.T) {
	p := newPost(t, emulator.Options{})
	keys := p.backlog(430, nil)
	p.sender.Flush(t.Context())
	p.once(keys)
	if n := p.DataRequests("/composite/sobjects"); n < 3 || n > 6 {
		t.Errorf("%d collections for 430 records", n)
	}
	if n := p.DataRequests(""); n > 60 { // what is beside a batch goes alone
		t.Errorf("%d requests for 430 records", n)
	}
	if n := len(p.said(ReportSent)); n != 430 {
		t.Errorf("the desk is told of %d Tasks", n)
	}
}

func TestFewRecordsGoOneByOne(t *testing.T) {
	p := newPost(t, emulator.Options{})
	keys := p.backlog(batchFrom-1, nil)
	p.sender.Flush(t.Context())
	p.once(keys)
	if n := p.DataRequests("/composite/sobjects"); n != 0 {
		t.Errorf("%d collections", n)
	}
}

func TestALostReplyOfABatchMakesNoSecondTask(t *testing.T) {
	for name, opt := range map[string]emulator.Options{
		"unique key": {}, "call id": {NoCallKey: true}, "subject only": {NoCallKey: true, Without: []string{"Task.CallObject"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, opt)
			p.Fault(emulator.Fault{Kind: emulator.FaultDropReply, Path: "/composite/sobjects", Times: 2})
			keys := p.backlog(40, nil)
			p.sender.Flush(t.Context())
			if it := p.item(keys[0]); it.State != ledger.Pending || !it.Ambiguous {
				t.Fatalf("%+v", it)
			}
			if n := p.sender.room(); n != batchLast/2 {
				t.Errorf("the next batch takes %d", n)
			}
			for range 5 {
				p.Sleep(10 * time.Minute)
				p.sender.Flush(t.Context())
			}
			p.once(keys)
			if name != "subject only" {
				if n := p.DataRequests("/query"); n > 12 {
					t.Errorf("%d queries to find 40 Tasks", n)
				}
			}
		})
	}
}

func TestEveryRecordOfABatchIsJudgedByItself(t *testing.T) {
	p := newPost(t, emulator.Options{})
	gone, err := p.SF.Create(t.Context(), "Contact", map[string]any{"LastName": "Gone"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SF.Delete(t.Context(), "Contact", gone); err != nil {
		t.Fatal(err)
	}
	before := p.end(1009, nil) // its reply was lost, and the ledger restored from a backup
	p.sender.Flush(t.Context())
	p.led.Close()
	p.path += ".restored"
	p.open()
	set := p.Settings()
	set.ValidationRules = []emulator.ValidationRule{{Object: "Task", When: "CallDisposition = 'Refund'", Message: "refunds are not logged", Field: "CallDisposition"}}
	if err := p.SetSettings(set); err != nil {
		t.Fatal(err)
	}
	p.reports = nil
	keys := p.backlog(12, func(i int, r *crm.CallRecord) {
		switch i {
		case 3:
			r.Disposition = text.Clean("Refund")
		case 5:
			r.Assoc.Who = crm.Ref{Type: "Contact", ID: gone, Name: text.Clean("Gone")}
		case 7:
			r.Unresolved, r.Assoc = true, crm.Association{}
		}
	})
	if keys[9] != before {
		t.Fatal(before, keys)
	}
	p.sender.Flush(t.Context())
	for i, k := range keys {
		want := ledger.Sent
		if i == 3 {
			want = ledger.Fix
		}
		if it := p.item(k); it.State != want {
			t.Errorf("record %d is %s: %s", i, it.State, it.LastError)
		}
	}
	fred := p.ref("Contact", emulator.StoryKnownName)
	for _, task := range p.tasks() {
		switch task[crm.KeyField] {
		case keys[5]:
			if task["WhoId"] != nil {
				t.Errorf("the one whose contact is gone: %v", task["WhoId"])
			}
		default:
			if task["WhoId"] != fred.ID {
				t.Errorf("%v has %v", task[crm.KeyField], task["WhoId"])
			}
		}
	}
	if n := len(p.tasks()); n != 11 {
		t.Errorf("%d Tasks", n)
	}
	if found := p.said(ReportFound); len(found) != 1 || found[0].Key != before {
		t.Errorf("found %+v", found)
	}
	if fix := p.said(ReportFix); len(fix) != 1 || !strings.Contains(fix[0].Line.String(), "refunds are not logged") {
		t.Errorf("%+v", fix)
	}
}

// What fails as a whole leaves every record as one that fails alone, and one line is enough to say so.
func TestABatchThatFailsAsAWholeIsOneFailure(t *testing.T) {
	for _, tt := range []struct {
		fault     emulator.Fault
		class     string
		free      bool
		ambiguous bool
	}{
		{emulator.Fault{Kind: emulator.FaultBusy, Path: "/composite/sobjects"}, "network", false, true},
		{emulator.Fault{Kind: emulator.FaultHTML, Path: "/composite/sobjects", Status: 420}, "network", false, false},
		{emulator.Fault{Kind: emulator.FaultLimit, Path: "/composite/sobjects"}, "limit", true, false},
		{emulator.Fault{Kind: emulator.FaultSession, Times: 999, Path: "/composite/sobjects"}, "auth", true, false},
	} {
		t.Run(tt.fault.Kind, func(t *testing.T) {
			p := newPost(t, emulator.Options{})
			first := p.end(1, func(r *crm.CallRecord) { r.Start = r.Start.Add(-100 * time.Hour) })
			p.sender.Flush(t.Context())
			p.reports = nil
			p.Fault(tt.fault)
			keys := p.backlog(30, nil)
			p.sender.Flush(t.Context())
			var due []time.Time
			for _, k := range keys {
				it := p.item(k)
				if it.State == ledger.Sent {
					continue // alone, beside the batch
				}
				if it.State != ledger.Pending || it.ErrorClass != tt.class || (it.Attempts == 0) != tt.free || it.Ambiguous != tt.ambiguous {
					t.Fatalf("%+v", it)
				}
				due = append(due, it.Due)
			}
			if len(due) != 30 || len(slices.CompactFunc(due, time.Time.Equal)) != 1 && !tt.free {
				t.Errorf("%d wait, at %d times", len(due), len(slices.CompactFunc(due, time.Time.Equal)))
			}
			if n := len(p.said(ReportRetry)) + len(p.said(ReportPaused)); n != 1 {
				t.Errorf("told %d times", n)
			}
			p.ClearFaults()
			p.sender.Resume()
			p.Sleep(10 * time.Minute)
			p.sender.Flush(t.Context())
			p.once(append(keys, first))
		})
	}
}

// An org, or something before it, that takes no collections costs nobody a record.
func TestWithoutCollectionsRecordsGoOneByOne(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.Answer(func(r *http.Request) (int, string, bool) {
		return 405, apiBody("METHOD_NOT_ALLOWED", "HTTP Method 'POST' not allowed.", ""), strings.HasSuffix(r.URL.Path, "/composite/sobjects")
	})
	keys := p.backlog(20, nil)
	p.sender.Flush(t.Context())
	p.once(keys)
}

func TestLeadsOfABatchAreFollowedToTheirContacts(t *testing.T) {
	p := newPost(t, emulator.Options{})
	var leads []crm.Ref
	for _, r := range p.Records("Lead", false) {
		if r["IsConverted"] != true && len(leads) < 10 {
			leads = append(leads, crm.Ref{Type: "Lead", ID: r["Id"].(string), Name: text.Clean(fmt.Sprint(r["Name"]))})
		}
	}
	keys := p.backlog(len(leads), func(i int, r *crm.CallRecord) { r.Assoc.Who = leads[i] })
	p.sender.Flush(t.Context())
	p.once(keys)
	if n := p.DataRequests("/query"); n > 5 {
		t.Errorf("%d queries for the leads of one batch", n)
	}
	for _, task := range p.tasks() {
		if !slices.ContainsFunc(leads, func(l crm.Ref) bool { return crm.SameID(l.ID, fmt.Sprint(task["WhoId"])) }) {
			t.Errorf("a Task is about %v", task["WhoId"])
		}
	}
}

// The key field was not known to be there (describe failed, or it was installed later) when a Task was written whose reply was lost.
func TestATaskWrittenWithoutItsKeyIsFoundWhenTheKeyIsThere(t *testing.T) {
	for _, n := range []int{1, 20} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			p := newPost(t, emulator.Options{NoCallKey: true})
			p.Fault(emulator.Fault{Kind: emulator.FaultDropReply, Object: "Task", Times: 1})
			keys := p.backlog(n, nil)
			p.sender.Flush(t.Context())
			set := p.Settings()
			set.CallKey = true
			if err := p.SetSettings(set); err != nil {
				t.Fatal(err)
			}
			p.SF.Forget("Task")
			p.led.Close()
			p.open() // another start, so the org is read again
			for range 4 {
				p.Sleep(10 * time.Minute)
				p.sender.Flush(t.Context())
			}
			p.once(keys)
		})
	}
}

func TestNothingIsWrittenWhileTheFieldsOfTaskCannotBeRead(t *testing.T) {
	p := newPost(t, emulator.Options{})
	p.Fault(emulator.Fault{Kind: emulator.FaultBusy, Path: "/sobjects/Task/describe", Times: 3})
	key := p.end(1, nil)
	p.sender.Flush(t.Context())
	if it := p.expect(key, ledger.Pending, 0); it.Ambiguous || it.ErrorClass != "network" {
		t.Errorf("%+v", it)
	}
	p.until(key, ledger.Sent, 3)
	if _, ok := p.Find("Task", crm.KeyField, key); !ok {
		t.Error("the Task has no key")
	}
}

// During an outage nobody could be looked up: every record of it still gets its contact, and they go together.
func TestTheRecordsOfAnOutageAreResolvedAndGoTogether(t *testing.T) {
	p := newPost(t, emulator.Options{})
	keys := p.backlog(60, func(_ int, r *crm.CallRecord) { r.Unresolved, r.Assoc = true, crm.Association{} })
	p.sender.Flush(t.Context())
	p.once(keys)
	fred := p.ref("Contact", emulator.StoryKnownName)
	for _, task := range p.tasks() {
		if task["WhoId"] != fred.ID {
			t.Errorf("%v is about %v", task["Subject"], task["WhoId"])
		}
	}
	if n := p.DataRequests("/sobjects/Task"); n > 10 {
		t.Errorf("%d records went alone", n)
	}
}

func TestABatchCutOffByTheEndOfTheProgramIsStoredAsItIs(t *testing.T) {
	p := newPost(t, emulator.Options{})
	first := p.end(1, func(r *crm.CallRecord) { r.Start = r.Start.Add(-100 * time.Hour) })
	p.sender.Flush(t.Context())
	keys := p.backlog(30, nil)
	ctx, cancel := context.WithCancel(t.Context())
	p.Answer(func(r *http.Request) (int, string, bool) {
		if strings.HasSuffix(r.URL.Path, "/composite/sobjects") {
			cancel() // the reply is never read
		}
		return 0, "", false
	})
	p.sender.Flush(ctx)
	p.Answer(nil)
	for _, k := range keys {
		if it := p.item(k); it.State != ledger.Pending && it.State != ledger.Sent {
			t.Fatalf("%s is %s", k, it.State)
		}
	}
	if n := len(p.said(ReportDisk)); n != 0 {
		t.Errorf("%d complaints about the disk: %s", n, p.said(ReportDisk)[0].Line)
	}
	p.led.Close()
	p.open()
	for range 4 {
		p.Sleep(10 * time.Minute)
		p.sender.Flush(t.Context())
	}
	p.once(append(keys, first))
}
